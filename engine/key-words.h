/* A short text as two words: what is hashed, and what a table's slot compares.
 *
 * Inline because it runs once per record. Must not know hashes or tables. Pure functions, any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <string.h>

#include <weir/value.h>

#define WEIR_HASH_SHORT 16 /* bytes of a text that two words hold */

static inline guint64
weir_key_load (const char *p, gsize n_bytes)
{
  guint64 word = 0;

  memcpy (&word, p, n_bytes);
  return GUINT64_FROM_LE (word);
}

/* The same words without reading past the text: two loads that overlap, shifted into place. */
static inline void
weir_key_words_bounded (const char *p, gsize n, guint64 *lo, guint64 *hi)
{
  *lo = *hi = 0;
  if (n > 8) {
    *lo = weir_key_load (p, 8);
    *hi = weir_key_load (p + n - 8, 8) >> (8 * (16 - n));
  } else if (n >= 4) {
    *lo = weir_key_load (p, 4) | (weir_key_load (p + n - 4, 4) >> (8 * (8 - n))) << 32;
  } else if (n > 0) {
    *lo = (guint64) (guint8) p[0] | (guint64) (guint8) p[n / 2] << (8 * (n / 2));
    *lo |= (guint64) (guint8) p[n - 1] << (8 * (n - 1));
  }
}

#ifdef WEIR_TEXT_SSE2
#ifdef __AVX__
#define WEIR_KEY_LOAD "vmovdqu"
#else
#define WEIR_KEY_LOAD "movdqu"
#endif

/* In assembly, because to the compiler a load past the end of an object that it knows is undefined. The first line
 * makes it forget which object that is. */
static inline __m128i
weir_key_load_unbounded (const char *p)
{
  __m128i bytes;

  __asm__("" : "+r"(p));
  __asm__(WEIR_KEY_LOAD " %1, %0" : "=x"(bytes) : "m"(*(const __m128i_u *) p));
  return bytes;
}
#endif

/* A text of up to 16 bytes as two little-endian words, padded with zeros. An unbounded load stays within the
 * page that the text begins in, as in weir/text.h; an empty text may point anywhere and is not touched. */
static inline void
weir_key_words (const char *p, gsize n, guint64 *lo, guint64 *hi)
{
#ifdef WEIR_TEXT_SSE2
  static const guint8 keep[32] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };

  if (G_LIKELY (n != 0 && ((guintptr) p & 4095) <= 4096 - 16)) {
    __m128i mask = _mm_loadu_si128 ((const __m128i *) (keep + 16 - n));
    __m128i key = _mm_and_si128 (weir_key_load_unbounded (p), mask);

    *lo = (guint64) _mm_cvtsi128_si64 (key);
    *hi = (guint64) _mm_cvtsi128_si64 (_mm_unpackhi_epi64 (key, key));
    return;
  }
#endif
  weir_key_words_bounded (p, n, lo, hi);
}
