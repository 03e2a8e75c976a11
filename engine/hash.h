/* Seeded hashing of keys: what the combine tables, the exchange and the key groups share, inline because it
 * runs once per record. Short keys are two words and two multiplications; their words also serve as the key in
 * a table's slot.
 *
 * Top and low bits are both usable. Equal values hash equal; TEXT and BYTES of the same content do too. Must
 * not know who asks. Pure functions, any thread. Source of the short hash: the folded multiplication of
 * wyhash (Wang Yi).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/key-words.h"

typedef struct {
  guint64 a;
  guint64 b;
  guint64 long_seed;
} WeirSeed;

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

/* A seed of one's own, as good as an independent one: @salt is any number. */
static inline WeirSeed
weir_seed_salted (const WeirSeed *seed, guint64 salt)
{
  WeirSeed salted;

  if (salt == 0)
    return *seed;
  salted.a = seed->a ^ weir_hash_splitmix (&salt);
  salted.b = seed->b ^ weir_hash_splitmix (&salt);
  salted.long_seed = seed->long_seed ^ weir_hash_splitmix (&salt);
  return salted;
}

static inline guint64
weir_hash_fold (guint64 a, guint64 b)
{
#ifdef __x86_64__
  guint64 low, high;

  /* In assembly, because compilers send the halves of a product through memory where registers are few. */
  __asm__("mulq %3" : "=a"(low), "=d"(high) : "0"(a), "r"(b) : "cc");
  return low ^ high;
#else
  unsigned __int128 product = (unsigned __int128) a * b;

  return (guint64) product ^ (guint64) (product >> 64);
#endif
}

/* After one folding, keys in sequence fill some of 256 buckets twice as much as others; the second evens them out. */
static inline guint64
weir_hash_words (guint64 lo, guint64 hi, gsize n, const WeirSeed *seed)
{
  guint64 folded = weir_hash_fold (lo ^ seed->a, hi ^ seed->b ^ n);

  return weir_hash_fold (folded, G_GUINT64_CONSTANT (0x9e3779b97f4a7c15));
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
