/* Frames of a checkpoint's pieces and the numbers in them. Must not know what the pieces mean. Any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/frame.h"

#include <string.h>

#include <xxhash.h>

#include <weir/error.h>

/* Header: magic (4), kind (1), version (1), zero (2), payload size (8), checksum of the payload (8), checksum of the
 * header up to here (8). */
#define MAGIC         "weir"
#define AT_SIZE       8
#define AT_SUM        16
#define AT_HEADER_SUM 24

static void
store_u64 (guint8 *at, guint64 value)
{
  value = GUINT64_TO_LE (value);
  memcpy (at, &value, sizeof value);
}

static guint64
load_u64 (const guint8 *at)
{
  guint64 value;

  memcpy (&value, at, sizeof value);
  return GUINT64_FROM_LE (value);
}

guint
weir_frame_begin (GByteArray *out)
{
  static const guint8 room[WEIR_FRAME_HEADER];
  guint start = out->len;

  g_byte_array_append (out, room, sizeof room);
  return start;
}

static guint64
sum_pieces (WeirPiece first, WeirPiece second)
{
  XXH3_state_t *state;
  guint64 sum;

  if (second.size == 0)
    return XXH3_64bits (first.data, first.size);
  state = XXH3_createState ();
  g_assert (state != NULL);
  XXH3_64bits_reset (state);
  XXH3_64bits_update (state, first.data, first.size);
  XXH3_64bits_update (state, second.data, second.size);
  sum = XXH3_64bits_digest (state);
  XXH3_freeState (state);
  return sum;
}

void
weir_frame_head (guint8 header[WEIR_FRAME_HEADER], WeirFrameKind kind, WeirPiece first, WeirPiece second)
{
  memcpy (header, MAGIC, 4);
  header[4] = (guint8) kind;
  header[5] = WEIR_FRAME_VERSION;
  header[6] = header[7] = 0;
  store_u64 (header + AT_SIZE, first.size + second.size);
  store_u64 (header + AT_SUM, sum_pieces (first, second));
  store_u64 (header + AT_HEADER_SUM, XXH3_64bits (header, AT_HEADER_SUM));
}

void
weir_frame_end (GByteArray *out, guint start, WeirFrameKind kind)
{
  guint8 *header = out->data + start;
  const WeirPiece payload = { header + WEIR_FRAME_HEADER, out->len - start - WEIR_FRAME_HEADER };

  weir_frame_head (header, kind, payload, (WeirPiece){ NULL, 0 });
}

static gboolean
refuse (GError **error, const char *what)
{
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT, what);
  return FALSE;
}

static gboolean
check_header (const guint8 *header, gsize size, WeirFrameKind kind, GError **error)
{
  if (size < WEIR_FRAME_HEADER)
    return refuse (error, "it ends within the header");
  if (memcmp (header, MAGIC, 4) != 0)
    return refuse (error, "it does not begin like a piece of a checkpoint");
  if (load_u64 (header + AT_HEADER_SUM) != XXH3_64bits (header, AT_HEADER_SUM))
    return refuse (error, "the header's checksum is wrong");
  if (header[5] == 0 || header[5] > WEIR_FRAME_VERSION) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED,
                 "it has format version %d, and this weir reads 1 to %d: use the weir that wrote it, or a newer one",
                 header[5], WEIR_FRAME_VERSION);
    return FALSE;
  }
  if (header[4] != (guint8) kind)
    return refuse (error, "it is a piece of another kind");
  return TRUE;
}

gboolean
weir_frame_open (gconstpointer data, gsize size, WeirFrameKind kind, const guint8 **payload, gsize *payload_size,
                 GError **error)
{
  const guint8 *header = data;
  guint64 n;

  if (!check_header (header, size, kind, error))
    return FALSE;
  n = load_u64 (header + AT_SIZE);
  if (n > size - WEIR_FRAME_HEADER)
    return refuse (error, "it ends too early");
  if (load_u64 (header + AT_SUM) != XXH3_64bits (header + WEIR_FRAME_HEADER, n))
    return refuse (error, "the checksum is wrong");
  *payload = header + WEIR_FRAME_HEADER;
  *payload_size = n;
  return TRUE;
}

void
weir_put_u32 (GByteArray *out, guint32 value)
{
  value = GUINT32_TO_LE (value);
  g_byte_array_append (out, (const guint8 *) &value, sizeof value);
}

void
weir_put_u64 (GByteArray *out, guint64 value)
{
  value = GUINT64_TO_LE (value);
  g_byte_array_append (out, (const guint8 *) &value, sizeof value);
}

void
weir_put_bytes (GByteArray *out, gconstpointer data, gsize size)
{
  weir_put_u32 (out, (guint32) size);
  g_byte_array_append (out, data, (guint) size);
}

void
weir_put_string (GByteArray *out, const char *text)
{
  weir_put_bytes (out, text, strlen (text));
}

void
weir_taker_init (WeirTaker *taker, gconstpointer data, gsize size)
{
  *taker = (WeirTaker){ .data = data, .end = (const guint8 *) data + size };
}

static const guint8 *
take (WeirTaker *taker, gsize size)
{
  const guint8 *at = taker->data;

  if (taker->has_failed || (gsize) (taker->end - at) < size) {
    taker->has_failed = TRUE;
    return NULL;
  }
  taker->data += size;
  return at;
}

guint32
weir_take_u32 (WeirTaker *taker)
{
  const guint8 *at = take (taker, sizeof (guint32));
  guint32 value = 0;

  if (at != NULL)
    memcpy (&value, at, sizeof value);
  return GUINT32_FROM_LE (value);
}

guint64
weir_take_u64 (WeirTaker *taker)
{
  const guint8 *at = take (taker, sizeof (guint64));

  return at != NULL ? load_u64 (at) : 0;
}

const guint8 *
weir_take_bytes (WeirTaker *taker, gsize *size)
{
  guint32 n = weir_take_u32 (taker);
  const guint8 *at = take (taker, n);

  *size = at != NULL ? n : 0;
  return at;
}

char *
weir_take_string (WeirTaker *taker)
{
  gsize size;
  const guint8 *at = weir_take_bytes (taker, &size);

  return g_strndup (at != NULL ? (const char *) at : "", size);
}

gboolean
weir_taker_is_done (const WeirTaker *taker)
{
  return !taker->has_failed && taker->data == taker->end;
}
