/* The user's map and filter on lines of 100 bytes, counted.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/user-functions.h"
#include "bench/weir-pass.h"

#include <stdio.h>

static WeirValue
drop_first_word (WeirTask *task, WeirValue line, gpointer user_data)
{
  const char *text = weir_data (line);
  gsize size = bench_drop_first_word (&text, weir_size (line));

  return weir_text_n (text, size);
}

static gboolean
ends_in_first_half (WeirTask *task, WeirValue line, gpointer user_data)
{
  return bench_ends_in_first_half (weir_data (line), weir_size (line));
}

static gint64
expected_count (const BenchCorpus *corpus)
{
  gint64 n = 0;

  for (size_t i = 0; i < corpus->n_lines; i++) {
    const char *text = corpus->lines[i].data;
    gsize size = bench_drop_first_word (&text, corpus->lines[i].size);

    n += bench_ends_in_first_half (text, size) != 0;
  }
  return n;
}

int
main (int argc, char **argv)
{
  BenchArgs args;
  BenchCorpus *corpus;
  g_autofree WeirValue *values = NULL;
  WeirPass pass;
  double seconds = 0, best = G_MAXDOUBLE;
  gint64 expected;
  guint passes = 0;

  bench_args_parse (&args, argc, argv);
  args.corpus = "fixed";
  corpus = bench_args_corpus (&args);
  values = weir_pass_values (corpus);
  expected = expected_count (corpus);
  weir_pass_init (&pass, &args);
  weir_pass_sum (&pass,
                 weir_count (weir_filter (weir_map (pass.lines, drop_first_word, NULL), ends_in_first_half, NULL)));
  for (; seconds < args.seconds; passes++) {
    weir_pass_run (&pass, values, corpus->n_lines);
    if (pass.total != expected)
      weir_pass_die ("the count is not that of a plain loop", NULL);
    seconds += pass.processing;
    best = MIN (best, pass.processing);
  }
  printf (
      "{\"program\": \"weir-map-filter\", \"rate\": %.1f, \"unit\": \"lines/s\", \"best\": %.1f, \"seconds\": %.3f, \"passes\": %u}\n",
      (double) corpus->n_lines * passes / seconds, (double) corpus->n_lines / best, seconds, passes);
  weir_pass_clear (&pass);
  bench_corpus_free (corpus);
  return 0;
}
