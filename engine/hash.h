/* Seeded hashing of keys: what the combine tables, the exchange and the key groups share, inline because it
 * runs once per record. Short keys are two words and one multiplication; their words also serve as the key in
 * a table's slot.
 *
 * Top and low bits are both usable. Equal values hash equal; TEXT and BYTES of the same content do too. Must
 * not know who asks. Pure functions, any thread. Source of the short hash: the folded multiplication of
 * wyhash (Wang Yi), once. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <string.h>

#include <weir/value.h>

typedef struct {
  guint64 a;
  guint64 b;
  guint64 long_seed;
} WeirSeed;

#define WEIR_HASH_SHORT 16 /* bytes of a text that two words hold */

/* What stands for the length when words are not a text's; never the length of a short text. */
#define WEIR_HASH_KIND(kind) (32 + (gsize) (kind))

guint64 weir_hash_long (const char *p, gsize n, const WeirSeed *seed);
guint64 weir_hash_container (WeirValue v, const WeirSeed *seed);

static inline guint64
weir_hash_splitmix (guint64 *state)
{
  guint64 z = *state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

static inline void
weir_seed_init (WeirSeed *seed, guint64 value)
{
  seed->a = weir_hash_splitmix (&value);
  seed->b = weir_hash_splitmix (&value);
  seed->long_seed = weir_hash_splitmix (&value);
}

static inline guint64
weir_hash_words (guint64 lo, guint64 hi, gsize n, const WeirSeed *seed)
{
  unsigned __int128 product = (unsigned __int128) (lo ^ seed->a) * (hi ^ seed->b ^ n);

  return (guint64) product ^ (guint64) (product >> 64);
}

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

/* A text of up to 16 bytes as two little-endian words, padded with zeros. An unbounded load stays within the
 * page that the text begins in, as in weir/text.h; an empty text may point anywhere and is not touched. */
static inline void
weir_key_words (const char *p, gsize n, guint64 *lo, guint64 *hi)
{
#ifdef WEIR_TEXT_SSE2
  static const guint8 keep[32] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255 };

  if (G_LIKELY (n != 0 && ((guintptr) p & 4095) <= 4096 - 16)) {
    __m128i mask = _mm_loadu_si128 ((const __m128i *) (keep + 16 - n));
    __m128i key = _mm_and_si128 (_mm_loadu_si128 ((const __m128i *) p), mask);

    *lo = (guint64) _mm_cvtsi128_si64 (key);
    *hi = (guint64) _mm_cvtsi128_si64 (_mm_unpackhi_epi64 (key, key));
    return;
  }
#endif
  weir_key_words_bounded (p, n, lo, hi);
}

static inline guint64
weir_hash_bytes (const char *p, gsize n, const WeirSeed *seed)
{
  guint64 lo, hi;

  if (G_UNLIKELY (n > WEIR_HASH_SHORT))
    return weir_hash_long (p, n, seed);
  weir_key_words (p, n, &lo, &hi);
  return weir_hash_words (lo, hi, n, seed);
}

/* For a single hash; who hashes many keeps a WeirSeed. */
static inline guint64
weir_hash_bytes_seeded (const char *p, gsize n, guint64 seed_value)
{
  WeirSeed seed;

  weir_seed_init (&seed, seed_value);
  return weir_hash_bytes (p, n, &seed);
}

/* Bits that are equal exactly for equal FLOATs. */
static inline guint64
weir_float_key (gdouble f)
{
  guint64 bits = G_GUINT64_CONSTANT (0x7ff8000000000000);

  f += 0.0; /* -0 + 0 = 0 */
  if (G_LIKELY (f == f))
    memcpy (&bits, &f, sizeof bits);
  return bits;
}

static inline guint64
weir_hash_value (WeirValue v, const WeirSeed *seed)
{
  if (v.kind == WEIR_TEXT || v.kind == WEIR_BYTES)
    return weir_hash_bytes (v.data, v.size, seed);
  if (v.kind <= WEIR_INT)
    return weir_hash_words (v.bits, 0, WEIR_HASH_KIND (v.kind), seed);
  if (v.kind == WEIR_FLOAT)
    return weir_hash_words (weir_float_key (v.number), 0, WEIR_HASH_KIND (WEIR_FLOAT), seed);
  return weir_hash_container (v, seed);
}
