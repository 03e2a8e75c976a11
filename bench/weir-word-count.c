/* Word count of one in-memory batch, by the job's own flat_map or by what the engine recognises.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/weir-pass.h"

#include <stdio.h>
#include <string.h>

static void
split_words (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue word;

  while (weir_text_next_token (&line, ' ', &word))
    weir_emit_pair (task, word, weir_int (1));
}

static WeirStream *
count_words (WeirStream *lines, const char *by)
{
  if (strcmp (by, "split") == 0)
    return weir_reduce_by_key (weir_with_value (weir_split (lines, ' '), weir_int (1)), WEIR_SUM, NULL);
  if (strcmp (by, "count_by_value") == 0)
    return weir_count_by_value (weir_split (lines, ' '));
  return weir_reduce_by_key (weir_flat_map (lines, split_words, NULL), WEIR_SUM, NULL);
}

int
main (int argc, char **argv)
{
  BenchArgs args;
  BenchCorpus *corpus;
  g_autofree WeirValue *values = NULL;
  WeirPass pass;
  double seconds = 0, best = G_MAXDOUBLE;
  guint passes = 0;

  bench_args_parse (&args, argc, argv);
  corpus = bench_args_corpus (&args);
  values = weir_pass_values (corpus);
  weir_pass_init (&pass, &args);
  weir_pass_sum (&pass, count_words (pass.lines, args.by != NULL ? args.by : "flat_map"));
  for (; seconds < args.seconds; passes++) {
    weir_pass_run (&pass, values, corpus->n_lines);
    if (pass.total != (gint64) corpus->n_words)
      weir_pass_die ("the counts do not add up to the words", NULL);
    seconds += pass.processing;
    best = MIN (best, pass.processing);
  }
  printf (
      "{\"program\": \"weir-word-count\", \"rate\": %.1f, \"unit\": \"words/s\", \"best\": %.1f, \"seconds\": %.3f, \"passes\": %u, "
      "\"items\": %llu}\n",
      (double) corpus->n_words * passes / seconds, (double) corpus->n_words / best, seconds, passes,
      (unsigned long long) corpus->n_words);
  weir_pass_clear (&pass);
  bench_corpus_free (corpus);
  return 0;
}
