/* framing-read.c: records out of ranges that the framer has found complete.
 *
 * Pure functions on bytes that do not change; the records point into them. Lines are found 64 bytes at a time, and the
 * same pass sees whether there is anything in them that could be bad UTF-8.
 * Threads: any.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/framing.h"

#include <string.h>

#include "sources/utf8.h"

typedef struct {
  const WeirFraming *framing;
  WeirValue *values;
  guint n, capacity;
  guint64 n_too_long;
  const char *start; /* of the line that is looked at */
} Lines;

static inline void
add_line (Lines *lines, const char *found)
{
  const char *start = lines->start;
  gsize size = (gsize) (found - start);

  if (lines->framing->kind == WEIR_FRAMING_LINES && size > 0 && found[-1] == '\r')
    size--;
  lines->start = found + 1;
  if (G_UNLIKELY (size > lines->framing->max_size))
    lines->n_too_long++;
  else
    lines->values[lines->n++] =
        WEIR_VALUE_INIT (data, start, (guint32) size, lines->framing->text ? WEIR_TEXT : WEIR_BYTES, 0);
}

#ifdef WEIR_TEXT_SSE2

/* One bit a byte of the 64 at @p that equals @wanted; @any gathers all bytes by OR. */
static inline guint64
find_in_64 (const char *p, __m128i wanted, __m128i *any)
{
  guint64 found = 0;

  for (guint i = 0; i < 4; i++) {
    __m128i bytes = _mm_loadu_si128 ((const __m128i *) (p + 16 * i));

    *any = _mm_or_si128 (*any, bytes);
    found |= (guint64) (guint) _mm_movemask_epi8 (_mm_cmpeq_epi8 (bytes, wanted)) << (16 * i);
  }
  return found;
}

/* Returns whether there may be a byte outside of ASCII. What lies behind @end is read, not used: blocks have slack. */
static gboolean
read_lines (Lines *lines, const char *end)
{
  const __m128i wanted = _mm_set1_epi8 (lines->framing->delimiter);
  __m128i any = _mm_setzero_si128 ();

  for (const char *p = lines->start; p < end && lines->n < lines->capacity; p += 64) {
    guint64 found = find_in_64 (p, wanted, &any);

    if (end - p < 64)
      found &= (G_GUINT64_CONSTANT (1) << (end - p)) - 1;
    for (; found != 0 && lines->n < lines->capacity; found &= found - 1)
      add_line (lines, p + __builtin_ctzll (found));
  }
  return _mm_movemask_epi8 (any) != 0;
}

#else

static gboolean
read_lines (Lines *lines, const char *end)
{
  while (lines->start < end && lines->n < lines->capacity)
    add_line (lines, memchr (lines->start, lines->framing->delimiter, (gsize) (end - lines->start)));
  return TRUE;
}

#endif

static guint
read_delimited (const WeirFraming *framing, const char **at, const char *end, WeirValue *values, guint capacity,
                WeirFramingTally *tally)
{
  Lines lines = { .framing = framing, .values = values, .capacity = capacity, .start = *at };
  gboolean may_be_invalid = read_lines (&lines, end);

  for (guint i = 0; i < lines.n && may_be_invalid && framing->text; i++)
    tally->n_invalid_utf8 += !weir_utf8_is_valid (values[i].data, values[i].size);
  tally->n_too_long += lines.n_too_long;
  *at = lines.start;
  return lines.n;
}

static guint
read_sized (const WeirFraming *framing, const char **at, const char *end, WeirValue *values, guint capacity,
            WeirFramingTally *tally)
{
  guint8 kind = framing->text ? WEIR_TEXT : WEIR_BYTES;
  const char *p = *at;
  guint n = 0;

  for (; n < capacity && p < end; n++) {
    guint32 size = (guint32) framing->size;

    if (framing->kind == WEIR_FRAMING_LENGTH32) {
      memcpy (&size, p, sizeof size);
      size = GUINT32_FROM_BE (size);
      p += sizeof size;
    }
    values[n] = WEIR_VALUE_INIT (data, p, size, kind, 0);
    if (framing->text)
      tally->n_invalid_utf8 += !weir_utf8_is_valid (p, size);
    p += size;
  }
  *at = p;
  return n;
}

guint
weir_framing_read (const WeirFraming *framing, const char **at, const char *end, WeirValue *values, guint capacity,
                   WeirFramingTally *tally)
{
  if (framing->kind <= WEIR_FRAMING_DELIMITER)
    return read_delimited (framing, at, end, values, capacity, tally);
  return read_sized (framing, at, end, values, capacity, tally);
}
