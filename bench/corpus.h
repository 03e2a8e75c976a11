/* The benchmarks' text: generated in memory, always the same bytes for the same kind, size and seed, and cut into
 * lines once, so that weir and the reference loops walk the same array. Knows nothing of weir or GLib.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
  BENCH_CORPUS_PADDING = 64, /* readable bytes after the last line, for loads of whole vectors */
  BENCH_CORPUS_FIXED_LINE = 100
};

#define BENCH_CORPUS_SIZE 500000000u
#define BENCH_CORPUS_SEED 20240229u

typedef enum {
  BENCH_CORPUS_ZIPF, /* vocabulary of 100,000, Zipf with a = 1, lines of 5-15 words */
  BENCH_CORPUS_FEW,  /* the same with a vocabulary of 10 */
  BENCH_CORPUS_MANY, /* the same with about 10 million distinct words in 500 MB */
  BENCH_CORPUS_FIXED /* the words of ZIPF in lines of exactly 100 bytes */
} BenchCorpusKind;

/* A line without its line feed. As wide as a WeirValue and with its first fields in the same places; `tag` is 0 and
 * the walker's to use. */
typedef struct {
  const char *data;
  uint32_t size;
  uint32_t tag;
} BenchLine;

typedef struct {
  char *data;
  size_t size; /* bytes, line feeds included; data[size - 1] is the last line's */
  BenchLine *lines;
  size_t n_lines;
  uint64_t n_words;
  size_t map_size, lines_map_size; /* the generator's own */
} BenchCorpus;

BenchCorpus *bench_corpus_new (BenchCorpusKind kind, size_t size, uint64_t seed);
void bench_corpus_free (BenchCorpus *corpus);
int bench_corpus_kind_from_name (const char *name, BenchCorpusKind *kind);
