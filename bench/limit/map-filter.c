/* The reference for a user's map and filter: a loop over lines of 100 bytes with two calls through pointers that the
 * compiler cannot see through, counting what is kept. Values are passed as weir passes them: sixteen bytes in two
 * registers, a context before and the user's data behind. One thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limit/measure.h"
#include "bench/user-functions.h"

#include <stdio.h>
#include <stdlib.h>

typedef BenchLine (*MapFunc) (void *context, BenchLine line, void *user_data);
typedef int (*FilterFunc) (void *context, BenchLine line, void *user_data);

static BenchLine
drop_first_word (void *context, BenchLine line, void *user_data)
{
  (void) context;
  (void) user_data;
  line.size = (uint32_t) bench_drop_first_word (&line.data, line.size);
  return line;
}

static int
ends_in_first_half (void *context, BenchLine line, void *user_data)
{
  (void) context;
  (void) user_data;
  return bench_ends_in_first_half (line.data, line.size);
}

static MapFunc volatile map_function = drop_first_word;
static FilterFunc volatile filter_function = ends_in_first_half;

static size_t
count_kept (const BenchLine *lines, size_t n_lines)
{
  MapFunc map = map_function;
  FilterFunc filter = filter_function;
  size_t n = 0;

  for (size_t i = 0; i < n_lines; i++)
    n += filter (NULL, map (NULL, lines[i], NULL), NULL) != 0;
  return n;
}

static MeasurePass
count_batch (const BenchLine *lines, size_t n_lines)
{
  return (MeasurePass){ n_lines, count_kept (lines, n_lines) };
}

static void
check_count (const BenchCorpus *corpus)
{
  size_t n = 0, kept = count_kept (corpus->lines, corpus->n_lines);

  for (size_t i = 0; i < corpus->n_lines; i++) {
    const char *text = corpus->lines[i].data;
    size_t size = bench_drop_first_word (&text, corpus->lines[i].size);

    n += bench_ends_in_first_half (text, size) != 0;
  }
  if (n == kept)
    return;
  fprintf (stderr, "map-filter: kept %zu lines instead of %zu\n", kept, n);
  exit (1);
}

int
main (int argc, char **argv)
{
  static const MeasureLoop loop = { "map-filter", "lines/s", count_batch };
  BenchArgs args;
  BenchCorpus *corpus;

  bench_args_parse (&args, argc, argv);
  args.corpus = "fixed";
  corpus = bench_args_corpus (&args);
  check_count (corpus);
  measure_loop (&loop, &args, corpus, corpus->n_lines);
  bench_corpus_free (corpus);
  return 0;
}
