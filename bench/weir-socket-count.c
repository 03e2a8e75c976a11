/* Socket to word count. Runs until data has come and then stayed away for a second and two batches, or never came for
 * three seconds.
 *
 * It tells when the last batch with data was done; with the time of the first byte, which the server knows, that gives
 * the rate of all. The rate that it prints itself is that of the steady state: the words of the batches between the
 * first and the last one with data, which may be partly idle, over the time from the end of the first to that of the
 * last but one.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/weir-pass.h"

#include <stdio.h>

typedef struct {
  WeirContext *ctx;
  WeirTime interval;
  gint64 words; /* of the running batch; atomic, all else is the loop's */
  gint64 all_words, first_words, last_words;
  double first_end, previous_end, last_end; /* of batches with data */
  gint64 n_empty;
  guint64 rss;
} SocketCount;

static void
sum_partition (WeirTask *task, WeirIter *values, gpointer user_data)
{
  SocketCount *count = user_data;
  WeirValue value;
  gint64 sum = 0;

  while (weir_iter_next (values, &value))
    sum += weir_as_int (weir_val (value));
  __atomic_add_fetch (&count->words, sum, __ATOMIC_RELAXED);
}

static void
note_words (SocketCount *count, gint64 words)
{
  count->n_empty = 0;
  count->rss = 0;
  count->all_words += words;
  count->last_words = words;
  count->previous_end = count->last_end;
  count->last_end = bench_now ();
  if (count->first_end > 0)
    return;
  count->first_end = count->last_end;
  count->first_words = words;
}

static void
on_completed (const WeirBatchInfo *info, gpointer user_data)
{
  SocketCount *count = user_data;
  gint64 words = __atomic_exchange_n (&count->words, 0, __ATOMIC_RELAXED);
  gint64 patience = WEIR_SECONDS (count->all_words > 0 ? 1 : 3) / count->interval + 2;

  if (words > 0) {
    note_words (count, words);
    return;
  }
  if (count->rss == 0 || count->all_words == 0)
    count->rss = bench_rss_bytes ();
  if (++count->n_empty >= patience)
    weir_context_stop (count->ctx, TRUE);
}

static double
steady_rate (const SocketCount *count)
{
  double seconds = count->previous_end - count->first_end;
  gint64 words = count->all_words - count->first_words - count->last_words;

  return seconds > 0 ? (double) words / seconds : 0;
}

int
main (int argc, char **argv)
{
  const WeirListener listener = { .batch_completed = on_completed };
  g_autoptr (GError) error = NULL;
  SocketCount count = { 0 };
  WeirStream *lines;
  BenchArgs args;

  bench_args_parse (&args, argc, argv);
  g_autofree char *port = g_strdup_printf ("%u", (guint) args.port);
  g_autofree char *workers = g_strdup_printf ("%u", (guint) MAX (args.workers, 1));
  g_autoptr (WeirContext) ctx = weir_context_new ("weir-socket-count", (WeirTime) args.interval_us);

  count.ctx = ctx;
  count.interval = (WeirTime) args.interval_us;
  if (!weir_context_set (ctx, "workers", workers, &error) || !weir_context_set (ctx, "log.level", "error", &error))
    weir_pass_die ("option", error);
  weir_context_add_listener (ctx, &listener, &count);
  lines = weir_socket_text_stream (ctx, "127.0.0.1", port);
  weir_foreach_partition (weir_count_by_value (weir_split (lines, ' ')), sum_partition, &count);
  if (!weir_context_run (ctx, &error))
    weir_pass_die ("run", error);
  printf ("{\"program\": \"weir-socket-count\", \"rate\": %.1f, \"unit\": \"words/s\", \"words\": %lld, "
          "\"last_end\": %.6f, \"cpu_seconds\": %.3f, \"rss_bytes\": %llu, \"peak_rss_bytes\": %llu}\n",
          steady_rate (&count), (long long) count.all_words, count.last_end, bench_cpu_seconds (),
          (unsigned long long) count.rss, (unsigned long long) bench_peak_rss_bytes ());
  return 0;
}
