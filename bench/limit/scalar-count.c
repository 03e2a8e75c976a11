/* The scalar reference: counts the words of pre-cut lines with memchr for the blanks, a hash of whole machine words,
 * open addressing at most half full, grown from 4,096 slots, and keys that point into the text. Loads stay inside
 * the word. The table is each pass's own. One thread.
 *
 * Of the hashes and comparisons tried this pair was the fastest: FNV over bytes takes a third longer, fused into the
 * search for the blank or not; comparing by overlapping loads instead of memcmp changes nothing.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limit/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 4096 };

typedef struct {
  const char *key; /* NULL = empty */
  uint32_t size;
  uint32_t hash;
  uint64_t count;
} Slot;

typedef struct {
  Slot *slots;
  uint64_t mask;
  uint64_t n_used;
} Table;

static void
table_init (Table *t, uint64_t n_slots)
{
  t->slots = calloc (n_slots, sizeof *t->slots);
  if (t->slots == NULL)
    abort ();
  t->mask = n_slots - 1;
  t->n_used = 0;
}

static __attribute__ ((noinline)) void
table_grow (Table *t)
{
  Slot *old = t->slots;
  uint64_t n_old = t->mask + 1, n_used = t->n_used;

  table_init (t, 2 * n_old);
  t->n_used = n_used;
  for (uint64_t i = 0; i < n_old; i++) {
    uint64_t at = old[i].hash & t->mask;

    if (old[i].key == NULL)
      continue;
    while (t->slots[at].key != NULL)
      at = (at + 1) & t->mask;
    t->slots[at] = old[i];
  }
  free (old);
}

static inline uint64_t
load8 (const char *p)
{
  uint64_t v;

  memcpy (&v, p, sizeof v);
  return v;
}

static inline uint64_t
load4 (const char *p)
{
  uint32_t v;

  memcpy (&v, p, sizeof v);
  return v;
}

static inline uint64_t
fold (uint64_t a, uint64_t b)
{
  __uint128_t product = (__uint128_t) a * b;

  return (uint64_t) product ^ (uint64_t) (product >> 64);
}

/* After wyhash (Wang Yi, public domain): overlapping loads cover the word, one or more 128-bit products mix it. */
static inline uint32_t
hash_word (const char *p, size_t n)
{
  uint64_t a, b = 0, state = 0x9e3779b97f4a7c15u;

  if (n >= 4 && n <= 16) {
    size_t middle = n >> 3 << 2;

    a = load4 (p) << 32 | load4 (p + middle);
    b = load4 (p + n - 4) << 32 | load4 (p + n - 4 - middle);
  } else if (n < 4) {
    a = (uint64_t) (uint8_t) p[0] << 16 | (uint64_t) (uint8_t) p[n >> 1] << 8 | (uint8_t) p[n - 1];
  } else {
    size_t left = n;

    for (; left > 16; left -= 16, p += 16)
      state = fold (load8 (p) ^ 0xa0761d6478bd642fu, load8 (p + 8) ^ state);
    a = load8 (p + left - 16);
    b = load8 (p + left - 8);
  }
  return (uint32_t) fold (a ^ 0xe7037ed1a0b428dbu ^ n, b ^ state);
}

static inline void
table_count (Table *t, const char *key, uint32_t size)
{
  uint32_t hash = hash_word (key, size);

  for (uint64_t at = hash & t->mask;; at = (at + 1) & t->mask) {
    Slot *slot = &t->slots[at];

    if (slot->key == NULL) {
      *slot = (Slot){ key, size, hash, 1 };
      if (2 * ++t->n_used > t->mask)
        table_grow (t);
      return;
    }
    if (slot->hash == hash && slot->size == size && memcmp (slot->key, key, size) == 0) {
      slot->count++;
      return;
    }
  }
}

static void
count_lines (Table *t, const BenchLine *lines, size_t n_lines)
{
  for (size_t i = 0; i < n_lines; i++) {
    const char *p = lines[i].data, *end = p + lines[i].size;

    while (p < end) {
      const char *blank = memchr (p, ' ', (size_t) (end - p));

      if (blank == NULL)
        blank = end;
      if (blank > p)
        table_count (t, p, (uint32_t) (blank - p));
      p = blank + 1;
    }
  }
}

static MeasurePass
count_batch (const BenchLine *lines, size_t n_lines)
{
  MeasurePass pass = { .items = 0 };
  Table t;

  table_init (&t, FIRST_SLOTS);
  count_lines (&t, lines, n_lines);
  for (uint64_t i = 0; i <= t.mask; i++)
    pass.items += t.slots[i].count;
  pass.results = t.n_used;
  free (t.slots);
  return pass;
}

int
main (int argc, char **argv)
{
  static const MeasureLoop loop = { "scalar-count", "words/s", count_batch };
  BenchArgs args;
  BenchCorpus *corpus;

  bench_args_parse (&args, argc, argv);
  corpus = bench_args_corpus (&args);
  measure_loop (&loop, &args, corpus, corpus->n_words);
  bench_corpus_free (corpus);
  return 0;
}
