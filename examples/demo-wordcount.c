/* demo_wordcount HOST PORT: counts the words that come over a socket, and shows for each batch how the engine did.
 *
 * The graph is that of network_wordcount. On top of it, a foreach function picks each batch's most frequent words and a
 * listener prints the batch's figures. scripts/demo runs this job against line_server.
 *
 * Threads: foreach functions run one after the other on the engine's runner, listeners on its loop. They share the
 * queue of finished word lists, which has its own lock, and nothing else.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <weir/weir.h>

#define N_WORDS_SHOWN 4
#define MOST_SECONDS  1000000

typedef struct {
  WeirContext *ctx;
  GAsyncQueue *words; /* one text a batch, in order: foreach pushes, the listener pops */
  /* The rest belongs to the listener. */
  WeirTime started, previous; /* wall clock: what a batch holds came between the plan before and its own */
  gint64 n_records;
  guint n_batches;
  gboolean is_stopping;
} Demo;

static int option_seconds = 20;

static const GOptionEntry options[] = {
  { "seconds", 0, 0, G_OPTION_ARG_INT, &option_seconds, "End after that time (20; 0: run until Ctrl-C)", "N" },
  G_OPTION_ENTRY_NULL,
};

static void
split_words (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue word;

  while (weir_text_next_token (&line, ' ', &word))
    weir_emit_pair (task, word, weir_int (1));
}

/* Orders (word, count) pairs: the greatest count first, then by word. */
static gint
compare_counts (gconstpointer a, gconstpointer b)
{
  const WeirValue *left = a, *right = b;
  gint by_count = weir_compare (weir_val (*right), weir_val (*left));

  return by_count != 0 ? by_count : weir_compare (weir_key (*left), weir_key (*right));
}

static gboolean
note_top_words (WeirDataset *counts, WeirTime time, gpointer user_data, GError **error)
{
  Demo *demo = user_data;
  g_autoptr (GArray) pairs = weir_dataset_collect (counts, error);
  g_autoptr (GString) text = g_string_new (NULL);

  if (!pairs)
    return FALSE;
  g_array_sort (pairs, compare_counts);
  for (guint i = 0; i < MIN (pairs->len, N_WORDS_SHOWN); i++) {
    WeirValue pair = g_array_index (pairs, WeirValue, i);
    g_autofree char *word = weir_to_string (weir_key (pair));

    g_string_append_printf (text, "%s%s %" G_GINT64_FORMAT, i > 0 ? ", " : "", word, weir_as_int (weir_val (pair)));
  }
  g_async_queue_push (demo->words, g_string_free (g_steal_pointer (&text), FALSE));
  return TRUE;
}

static char *
format_time (WeirTime time)
{
  g_autoptr (GDateTime) utc = g_date_time_new_from_unix_utc (time / G_USEC_PER_SEC);
  g_autoptr (GDateTime) local = g_date_time_to_local (utc);
  g_autofree char *seconds = g_date_time_format (local, "%H:%M:%S");

  return g_strdup_printf ("%s.%03d", seconds, (int) (time % G_USEC_PER_SEC / 1000));
}

static void
print_batch (Demo *demo, const WeirBatchInfo *info)
{
  WeirTime planned = weir_batch_info_submitted (info);
  double interval_s = (double) MAX (planned - demo->previous, 1) / G_USEC_PER_SEC;
  gint64 n_records = MAX (weir_batch_info_n_records (info), 0);
  double processing_ms = (double) weir_batch_info_processing_time (info) / 1000;
  g_autofree char *clock = format_time (weir_batch_info_time (info));
  g_autofree char *words = g_async_queue_try_pop (demo->words);

  if (demo->n_batches == 0)
    printf ("%-12s  %10s  %11s  %13s  %s\n", "batch", "records", "records/s", "processing", "most frequent words");
  printf ("%-12s  %10" G_GINT64_FORMAT "  %11.0f  %10.2f ms  %s\n", clock, n_records, (double) n_records / interval_s,
          processing_ms, words && *words ? words : "-");
  fflush (stdout);
  demo->n_records += n_records;
  demo->n_batches++;
  demo->previous = planned;
}

static void
on_batch_completed (const WeirBatchInfo *info, gpointer user_data)
{
  Demo *demo = user_data;

  print_batch (demo, info);
  if (option_seconds > 0 && !demo->is_stopping &&
      weir_batch_info_time (info) >= demo->started + WEIR_SECONDS (option_seconds)) {
    demo->is_stopping = TRUE;
    weir_context_stop (demo->ctx, TRUE);
  }
}

static gboolean
run_demo (Demo *demo, GError **error)
{
  static const WeirListener listener = { .batch_completed = on_batch_completed };
  double elapsed_s;

  demo->started = demo->previous = g_get_real_time ();
  weir_context_add_listener (demo->ctx, &listener, demo);
  if (!weir_context_run (demo->ctx, error))
    return FALSE;
  elapsed_s = (double) (demo->previous - demo->started) / G_USEC_PER_SEC;
  printf ("%u batches, %" G_GINT64_FORMAT " records, %.0f records/s\n", demo->n_batches, demo->n_records,
          elapsed_s > 0 ? (double) demo->n_records / elapsed_s : 0.0);
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncQueue) words = g_async_queue_new_full (g_free);
  g_autoptr (WeirContext) ctx = weir_context_new ("demo_wordcount", WEIR_SECONDS (1));
  Demo demo = { .ctx = ctx, .words = words };

  weir_context_set_usage (ctx, "HOST PORT");
  weir_context_add_options (ctx, options);
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);
  if (option_seconds < 0 || option_seconds > MOST_SECONDS) {
    g_printerr ("demo_wordcount: --seconds=%d is out of range: it may be 0 to %d\n", option_seconds, MOST_SECONDS);
    return 1;
  }

  WeirStream *lines = weir_socket_text_stream (ctx, argv[1], argv[2]);
  WeirStream *counts = weir_reduce_by_key (weir_flat_map (lines, split_words, NULL), WEIR_SUM, NULL);
  weir_foreach_batch (counts, note_top_words, &demo);

  if (!run_demo (&demo, &error))
    return weir_exit_with_error (error);
  return 0;
}
