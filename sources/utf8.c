/* utf8.c: validation of text from outside. GLib's own takes a NUL for the end.
 *
 * Runs of ASCII go eight bytes at a time; the rest by the ranges of table 3-7 of the Unicode standard, in which a
 * lead byte decides how many bytes follow and what the first of these may be. Owns nothing; any thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/utf8.h"

#include <string.h>

#define HIGH_BITS G_GUINT64_CONSTANT (0x8080808080808080)

/* What may come after a lead byte: how many bytes in all, and the bounds of the second. 0: not a lead byte. */
static guint
sequence_length (guint8 lead, guint8 *low, guint8 *high)
{
  *low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  *high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf)
    return 2;
  if (lead >= 0xe0 && lead <= 0xef)
    return 3;
  return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

static const guint8 *
skip_ascii (const guint8 *p, const guint8 *end)
{
  guint64 word;

  for (; end - p >= 8; p += 8) {
    memcpy (&word, p, sizeof word);
    if (word & HIGH_BITS)
      break;
  }
  while (p < end && *p < 0x80)
    p++;
  return p;
}

gboolean
weir_utf8_is_valid (const char *data, gsize size)
{
  const guint8 *p = (const guint8 *) data, *end = p + size;
  guint8 low, high;

  for (p = skip_ascii (p, end); p < end; p = *p < 0x80 ? skip_ascii (p, end) : p) {
    guint n = sequence_length (*p, &low, &high);

    if (n == 0 || end - p < (gssize) n || p[1] < low || p[1] > high)
      return FALSE;
    for (guint i = 2; i < n; i++)
      if ((p[i] & 0xc0) != 0x80)
        return FALSE;
    p += n;
    if (p == end)
      return TRUE;
  }
  return TRUE;
}
