/* The benchmarks' input other than text: pairs, numbers and short keys, the same for weir and the reference loops. Knows
 * nothing of weir or GLib.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* As wide as a WeirValue and with its first fields in the same places; `tag` is 0 and the walker's to use. */
typedef struct {
  union {
    int64_t integer;
    const char *text;
  };
  uint32_t size;
  uint32_t tag;
} BenchCell;

typedef struct {
  BenchCell key, value;
} BenchPair;

enum { BENCH_KEY_STRIDE = 16 }; /* bytes from key to key, of which a text has 6 to 13; the rest is 0 */

/* All end the process when there is no memory; plain free () frees. */
BenchPair *bench_pairs_new (uint64_t n, uint64_t n_keys, uint64_t seed); /* any key, its number as the value */
BenchPair *bench_table_new (uint64_t n_keys);                            /* each key once, in an order like none */
BenchCell *bench_ints_new (uint64_t n, uint64_t seed);                   /* 64 random bits */
BenchCell *bench_keys_new (uint64_t n_keys, uint64_t step);              /* TEXT "user-<i * step % n_keys>" */

uint64_t bench_mix (uint64_t x);
/* A prime that divides no number of keys here: i * it % n visits all, in an order that looks like none. */
#define BENCH_KEY_STEP 2654435761u
