/* Owns the wire format of values: the one encoding for state, logs and object files (docs/reference/wire-format.md).
 * Input is checked as a whole before memory is asked for; building then trusts it. Must not know who stores the bytes.
 * Pure but for task memory; recursion is bounded by WEIR_WIRE_DEPTH_MAX.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/wire.h"

#include <string.h>

#include <weir/error.h>

/* A tag holds a kind in its low 3 bits and above them a number: up to 23 as itself, else how many bytes follow. */
#define TAG_KIND_BITS    3
#define TAG_INLINE_LIMIT 24

/* Bytes of memory for a decoded text: 8-aligned, so that a C struct kept as BYTES can be read in place. */
static gsize
round_up (gsize size)
{
  return (size + 7) & ~(gsize) 7;
}

static guint64
zigzag (gint64 i)
{
  return ((guint64) i << 1) ^ (guint64) (i >> 63);
}

static gint64
unzigzag (guint64 u)
{
  return (gint64) (u >> 1) ^ -(gint64) (u & 1);
}

static guint
number_bytes (guint64 number)
{
  return number < TAG_INLINE_LIMIT ? 0 : (guint) (64 - __builtin_clzll (number) + 7) / 8;
}

/* Encoding: measure, then write. */

static guint64
tag_number (WeirValue v)
{
  switch (weir_kind (v)) {
  case WEIR_INT:
    return zigzag (v.integer);
  case WEIR_BOOL:
    return v.integer != 0;
  default:
    return v.size;
  }
}

static gsize
n_cells (WeirValue v)
{
  return v.kind == WEIR_PAIR ? 2 : v.kind == WEIR_LIST ? v.size : 0;
}

/* Adds the bytes of `v` to `*size`; FALSE if it is nested too deep or `*size` passes the limit, and then stops. */
static gboolean
measure (WeirValue v, guint depth, gsize limit, gsize *size)
{
  *size += 1 + number_bytes (tag_number (v));
  if (v.kind == WEIR_FLOAT)
    *size += sizeof v.number;
  else if (v.kind == WEIR_TEXT || v.kind == WEIR_BYTES)
    *size += v.size;
  if (depth > WEIR_WIRE_DEPTH_MAX || *size > limit)
    return FALSE;
  for (gsize i = 0; i < n_cells (v); i++)
    if (!measure (v.cells[i], depth + 1, limit, size))
      return FALSE;
  return TRUE;
}

static guint8 *
put_word (guint8 *at, guint64 word, guint n_bytes)
{
  guint64 little = GUINT64_TO_LE (word);

  memcpy (at, &little, n_bytes);
  return at + n_bytes;
}

static guint8 *
put (guint8 *at, WeirValue v)
{
  guint64 number = tag_number (v);
  guint n_bytes = number_bytes (number);
  guint small = n_bytes == 0 ? (guint) number : TAG_INLINE_LIMIT + n_bytes - 1;

  *at++ = (guint8) (small << TAG_KIND_BITS | v.kind);
  at = put_word (at, number, n_bytes);
  if (v.kind == WEIR_FLOAT)
    return put_word (at, v.bits, sizeof v.bits);
  if ((v.kind == WEIR_TEXT || v.kind == WEIR_BYTES) && v.size > 0) {
    memcpy (at, v.data, v.size);
    return at + v.size;
  }
  for (gsize i = 0; i < n_cells (v); i++)
    at = put (at, v.cells[i]);
  return at;
}

guint8 *
weir_wire_put_small (guint8 *at, WeirValue v)
{
  guint64 number = tag_number (v), little = GUINT64_TO_LE (number);
  guint n_bytes = number_bytes (number);
  guint small = n_bytes == 0 ? (guint) number : TAG_INLINE_LIMIT + n_bytes - 1;

  *at++ = (guint8) (small << TAG_KIND_BITS | v.kind);
  memcpy (at, &little, sizeof little);
  at += n_bytes;
  if (v.kind == WEIR_FLOAT)
    return put_word (at, v.bits, sizeof v.bits);
  if (v.kind >= WEIR_TEXT && v.size > 0) {
    memcpy (at, v.data, v.size);
    at += v.size;
  }
  return at;
}

gboolean
weir_encode_bounded (WeirValue v, GByteArray *out)
{
  guint start = out->len;
  gsize size = 0;

  if (!measure (v, 1, G_MAXUINT32 / 2 - MIN (start, G_MAXUINT32 / 2), &size))
    return FALSE;
  g_byte_array_set_size (out, start + (guint) size);
  put (out->data + start, v);
  return TRUE;
}

/**
 * weir_encode:
 * @v: any value, nested at most 64 deep
 * @out: what the bytes are appended to
 *
 * Appends a value in weir's wire format, which weir_decode() reads, on other machines and in later versions too. A
 * value has one encoding. It says itself where it ends, so that values may follow each other.
 *
 * Nesting deeper than 64 (a scalar is 1 deep, a pair of scalars 2), or an @out of more than 2 GiB, is a mistake of the
 * caller's: it logs a critical message, and @out stays as it was.
 *
 * Any thread. Doesn't block.
 */
void
weir_encode (WeirValue v, GByteArray *out)
{
  g_return_if_fail (out != NULL);

  if (!weir_encode_bounded (v, out))
    g_critical ("cannot encode a value: it is nested deeper than %d, or the bytes would pass 2 GiB. Flatten or cut it",
                WEIR_WIRE_DEPTH_MAX);
}

/* Decoding, first walk: check everything, count memory. */

typedef struct {
  const guint8 *start, *at, *end;
  gsize owed;   /* values that open containers still promise, each at least a byte */
  gsize memory; /* bytes that the cells and texts will take */
  const char *fault;
} Reader;

typedef struct {
  WeirKind kind;
  guint64 number;
} Tag;

static gboolean
fail (Reader *reader, const guint8 *at, const char *fault)
{
  reader->at = at;
  reader->fault = fault;
  return FALSE;
}

static gsize
bytes_left (const Reader *reader)
{
  return (gsize) (reader->end - reader->at);
}

/* The tag at `at`, of which enough bytes are there, and its number. */
static const guint8 *
get_tag (const guint8 *at, Tag *tag)
{
  guint small = *at >> TAG_KIND_BITS;
  guint64 little = 0;
  guint n_bytes;

  tag->kind = (WeirKind) (*at++ & ((1 << TAG_KIND_BITS) - 1));
  tag->number = small;
  if (G_LIKELY (small < TAG_INLINE_LIMIT))
    return at;
  n_bytes = small - TAG_INLINE_LIMIT + 1;
  memcpy (&little, at, n_bytes);
  tag->number = GUINT64_FROM_LE (little);
  return at + n_bytes;
}

static gboolean
check_tag (Reader *reader, Tag *tag)
{
  const guint8 *at = reader->at;
  guint small, n_bytes;

  if (bytes_left (reader) == 0)
    return fail (reader, at, "a value should begin here, but the data ends");
  small = *at >> TAG_KIND_BITS;
  n_bytes = small < TAG_INLINE_LIMIT ? 0 : small - TAG_INLINE_LIMIT + 1;
  if (bytes_left (reader) <= n_bytes)
    return fail (reader, at, "the data ends within a number");
  reader->at = get_tag (at, tag);
  if (number_bytes (tag->number) != n_bytes)
    return fail (reader, at, "a number is not written in its fewest bytes");
  return TRUE;
}

static gboolean
check_payload (Reader *reader, gsize size, gsize memory, const char *fault)
{
  if (size > bytes_left (reader))
    return fail (reader, reader->at, fault);
  reader->at += size;
  reader->memory += memory;
  return TRUE;
}

static gboolean check_value (Reader *reader, guint depth);

static gboolean
check_cells (Reader *reader, guint64 n, guint depth)
{
  if (n > G_MAXUINT32 || n > bytes_left (reader) || bytes_left (reader) - n < reader->owed)
    return fail (reader, reader->at, "a container promises more values than bytes are left");
  reader->owed += n;
  reader->memory += n * sizeof (WeirValue);
  for (; n > 0; n--)
    if (!check_value (reader, depth + 1))
      return FALSE;
  return TRUE;
}

/* A value whose kind has nothing after the tag's number, or does not use the number. */
static gboolean
check_number (Reader *reader, const guint8 *at, guint64 number, guint64 max)
{
  return number <= max || fail (reader, at, "the tag is none of a value");
}

static gboolean
check_value (Reader *reader, guint depth)
{
  const guint8 *at = reader->at;
  Tag tag;

  if (depth > WEIR_WIRE_DEPTH_MAX)
    return fail (reader, at, "values are nested deeper than " G_STRINGIFY (WEIR_WIRE_DEPTH_MAX));
  if (!check_tag (reader, &tag))
    return FALSE;
  reader->owed -= depth > 1;
  switch (tag.kind) {
  case WEIR_INT:
    return TRUE;
  case WEIR_NIL:
    return check_number (reader, at, tag.number, 0);
  case WEIR_BOOL:
    return check_number (reader, at, tag.number, 1);
  case WEIR_FLOAT:
    return check_number (reader, at, tag.number, 0) &&
           check_payload (reader, sizeof (gdouble), 0, "the data ends within a FLOAT");
  case WEIR_TEXT:
  case WEIR_BYTES:
    return check_number (reader, at, tag.number, G_MAXUINT32) &&
           check_payload (reader, tag.number, round_up (tag.number), "a text is longer than the data");
  case WEIR_PAIR:
    return check_number (reader, at, tag.number, 0) && check_cells (reader, 2, depth);
  case WEIR_LIST:
    return check_cells (reader, tag.number, depth);
  }
  g_return_val_if_reached (FALSE);
}

/* Decoding, second walk: build what is known to be sound. */

typedef struct {
  const guint8 *at;
  char *memory;
} Builder;

static WeirValue
build_float (Builder *builder)
{
  guint64 little;
  WeirValue v = weir_float (0.0);

  memcpy (&little, builder->at, sizeof little);
  builder->at += sizeof little;
  v.bits = GUINT64_FROM_LE (little);
  return v;
}

static WeirValue
build_text (Builder *builder, WeirKind kind, guint32 size)
{
  char *data = builder->memory;

  if (size == 0)
    return WEIR_VALUE_INIT (data, "", 0, kind, 0);
  memcpy (data, builder->at, size);
  builder->at += size;
  builder->memory += round_up (size);
  return WEIR_VALUE_INIT (data, data, size, kind, 0);
}

static WeirValue build (Builder *builder);

static WeirValue
build_cells (Builder *builder, WeirKind kind, guint32 n)
{
  WeirValue *cells = n > 0 ? (WeirValue *) builder->memory : NULL;

  if (n > 0)
    builder->memory += n * sizeof *cells;
  for (guint32 i = 0; i < n; i++)
    cells[i] = build (builder);
  if (kind == WEIR_PAIR)
    return WEIR_VALUE_INIT (cells, cells, 0, WEIR_PAIR, WEIR_VALUE_CELLS);
  return WEIR_VALUE_INIT (cells, cells, n, WEIR_LIST, 0);
}

static WeirValue
build (Builder *builder)
{
  Tag tag;

  builder->at = get_tag (builder->at, &tag);
  switch (tag.kind) {
  case WEIR_BOOL:
    return weir_bool ((gboolean) tag.number);
  case WEIR_INT:
    return weir_int (unzigzag (tag.number));
  case WEIR_FLOAT:
    return build_float (builder);
  case WEIR_TEXT:
  case WEIR_BYTES:
    return build_text (builder, tag.kind, (guint32) tag.number);
  case WEIR_PAIR:
    return build_cells (builder, WEIR_PAIR, 2);
  case WEIR_LIST:
    return build_cells (builder, WEIR_LIST, (guint32) tag.number);
  case WEIR_NIL:
    break;
  }
  return weir_nil ();
}

static gboolean
report (const Reader *reader, GError **error)
{
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED,
               "cannot decode a value from %" G_GSIZE_FORMAT " bytes: at byte %" G_GSIZE_FORMAT
               ": %s. The data is damaged, or is not in weir's wire format",
               (gsize) (reader->end - reader->start), (gsize) (reader->at - reader->start), reader->fault);
  return FALSE;
}

static gboolean
build_checked (WeirTask *task, const Reader *reader, WeirValue *v, GError **error)
{
  Builder builder = { .at = reader->start };

  if (reader->memory > 0) {
    builder.memory = weir_alloc (task, reader->memory);
    if (builder.memory == NULL) {
      g_set_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
                   "cannot decode a value: it takes %" G_GSIZE_FORMAT
                   " bytes, which the task has no room for. Raise memory.limit, or make smaller values",
                   reader->memory);
      return FALSE;
    }
  }
  *v = build (&builder);
  return TRUE;
}

gboolean
weir_decode_prefix (WeirTask *task, gconstpointer data, gsize size, gsize *n_consumed, WeirValue *v, GError **error)
{
  const guint8 *start = size > 0 ? data : (const guint8 *) "";
  Reader reader = { .start = start, .at = start, .end = start + size };

  if (!check_value (&reader, 1))
    return report (&reader, error);
  if (!build_checked (task, &reader, v, error))
    return FALSE;
  *n_consumed = (gsize) (reader.at - reader.start);
  return TRUE;
}

/**
 * weir_decode:
 * @task: the task whose memory the value is made in
 * @data: (array length=size): what weir_encode() wrote, once; from anyone: every length is checked before it is used
 * @size: how many bytes
 * @v: (out): the value, which doesn't point into @data; untouched on error
 * @error: return location for an error
 *
 * Reads a value back. All of @data must be that value, in the only form that weir_encode() gives it.
 *
 * Called from user functions, on the thread of @task. Doesn't block.
 *
 * Returns: %FALSE with #WEIR_ERROR, %WEIR_ERROR_FAILED if the data is no such thing (the message names the byte and the
 *   reason), or %WEIR_ERROR_MEMORY_LIMIT if the task has no memory left
 */
gboolean
weir_decode (WeirTask *task, gconstpointer data, gsize size, WeirValue *v, GError **error)
{
  const guint8 *start = size > 0 ? data : (const guint8 *) "";
  Reader reader = { .start = start, .at = start, .end = start + size };

  g_return_val_if_fail (task != NULL, FALSE);
  g_return_val_if_fail (data != NULL || size == 0, FALSE);
  g_return_val_if_fail (v != NULL, FALSE);

  if (!check_value (&reader, 1))
    return report (&reader, error);
  if (bytes_left (&reader) > 0) {
    fail (&reader, reader.at, "the value ends here, but more bytes follow");
    return report (&reader, error);
  }
  return build_checked (task, &reader, v, error);
}
