/* See pairs.h. One thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/pairs.h"

#include <stdio.h>
#include <stdlib.h>

static void *
allocate (uint64_t n, size_t size)
{
  void *p = n <= SIZE_MAX / size ? calloc (n, size) : NULL;

  if (p == NULL) {
    fprintf (stderr, "no memory for %llu elements\n", (unsigned long long) n);
    exit (1);
  }
  return p;
}

/* splitmix64 (Sebastiano Vigna, public domain) */
uint64_t
bench_mix (uint64_t x)
{
  x += 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
  x = (x ^ x >> 27) * 0x94d049bb133111ebu;
  return x ^ x >> 31;
}

BenchPair *
bench_pairs_new (uint64_t n, uint64_t n_keys, uint64_t seed)
{
  BenchPair *pairs = allocate (n, sizeof *pairs);

  for (uint64_t i = 0; i < n; i++) {
    pairs[i].key.integer = (int64_t) (bench_mix (seed + i) % n_keys);
    pairs[i].value.integer = (int64_t) i;
  }
  return pairs;
}

BenchPair *
bench_table_new (uint64_t n_keys)
{
  BenchPair *pairs = allocate (n_keys, sizeof *pairs);

  for (uint64_t i = 0; i < n_keys; i++) {
    pairs[i].key.integer = (int64_t) (i * BENCH_KEY_STEP % n_keys);
    pairs[i].value.integer = (int64_t) i;
  }
  return pairs;
}

BenchCell *
bench_ints_new (uint64_t n, uint64_t seed)
{
  BenchCell *cells = allocate (n, sizeof *cells);

  for (uint64_t i = 0; i < n; i++)
    cells[i].integer = (int64_t) bench_mix (seed + i);
  return cells;
}

BenchCell *
bench_keys_new (uint64_t n_keys, uint64_t step)
{
  BenchCell *cells = allocate (n_keys, sizeof *cells);
  char *texts = allocate (n_keys, BENCH_KEY_STRIDE);

  for (uint64_t i = 0; i < n_keys; i++) {
    char *text = texts + i * BENCH_KEY_STRIDE;

    cells[i].text = text;
    cells[i].size = (uint32_t) snprintf (text, BENCH_KEY_STRIDE, "user-%llu", (unsigned long long) (i * step % n_keys));
  }
  return cells;
}
