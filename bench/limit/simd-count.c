/* The SIMD reference: counts the words of pre-cut lines with the loop of simd-words.h. The table is each pass's own
 * and grows from 4,096 slots. One thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limit/measure.h"
#include "bench/limit/simd-words.h"

enum { FIRST_SLOTS = 4096 };

static void
count_lines (SimdWords *words, const BenchLine *lines, size_t n_lines)
{
  for (size_t i = 0; i < n_lines; i++) {
    const char *end = lines[i].data + lines[i].size;
    const char *last = simd_words_count (words, lines[i].data, end);

    if (last < end)
      simd_words_add (words, last, (uint32_t) (end - last));
  }
  simd_words_flush (words);
}

static MeasurePass
count_batch (const BenchLine *lines, size_t n_lines)
{
  SimdTable table;
  SimdWords words = { .table = &table };
  MeasurePass pass;

  simd_table_init (&table, FIRST_SLOTS, 0);
  count_lines (&words, lines, n_lines);
  pass = (MeasurePass){ (uint64_t) simd_table_total (&table), table.n_used };
  simd_table_clear (&table);
  return pass;
}

int
main (int argc, char **argv)
{
  static const MeasureLoop loop = { "simd-count", "words/s", count_batch };
  BenchArgs args;
  BenchCorpus *corpus;

  bench_args_parse (&args, argc, argv);
  corpus = bench_args_corpus (&args);
  measure_loop (&loop, &args, corpus, corpus->n_words);
  bench_corpus_free (corpus);
  return 0;
}
