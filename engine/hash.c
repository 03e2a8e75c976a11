/* The parts of hashing that are too long to inline: long texts (XXH3) and containers, which combine their members'
 * hashes in order. Must not know tables. Pure functions, any thread; recursion goes as deep as the value does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

guint64
weir_hash_long (const char *p, gsize n, const WeirSeed *seed)
{
  return XXH3_64bits_withSeed (p, n, seed->long_seed);
}

guint64
weir_hash_container (WeirValue v, const WeirSeed *seed)
{
  gsize n = v.kind == WEIR_PAIR ? 2 : v.size;
  guint64 hash = weir_hash_words (n, 0, WEIR_HASH_KIND (v.kind), seed);

  for (gsize i = 0; i < n; i++)
    hash = weir_hash_words (hash, weir_hash_value (v.cells[i], seed), WEIR_HASH_KIND (v.kind), seed);
  return hash;
}
