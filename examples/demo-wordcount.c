/* demo_wordcount --brokers=HOST:PORT --topic=NAME, or --socket=HOST:PORT: running totals of words, and for each batch how
 * the engine did.
 *
 * The graph is that of stateful_kafka_wordcount. Behind it, foreach functions pick the most frequent words and the number
 * of all words so far, and a listener prints the batch's figures. scripts/demo runs this job against mock_kafka, kills it
 * half-way, and starts it again.
 *
 * Threads: foreach functions run one after the other on the engine's runner, listeners on its loop. They share the
 * queue of finished texts, which has its own lock, and nothing else.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>
#include <weir/kafka.h>
#include <weir/weir.h>

#define N_WORDS_SHOWN 4
#define MOST_SECONDS  1000000
#define PATIENCE      WEIR_SECONDS (20)

typedef struct {
  WeirContext *ctx;
  GAsyncQueue *texts; /* one text a batch, in order: foreach pushes, the listener pops */
  gint64 n_words;     /* the runner's: of the batch that is being looked at */
  /* The rest belongs to the listener. */
  WeirTime started, previous; /* wall clock: what a batch holds came between the plan before and its own */
  gint64 n_records;
  guint n_batches;
  gboolean is_stopping;
} Demo;

static char *option_brokers, *option_topic, *option_socket;
static int option_seconds = 20;
static gboolean option_drain;

static const GOptionEntry options[] = {
  { "brokers", 0, 0, G_OPTION_ARG_STRING, &option_brokers, "Read a topic of this cluster", "HOST:PORT" },
  { "topic", 0, 0, G_OPTION_ARG_STRING, &option_topic, "The topic", "NAME" },
  { "socket", 0, 0, G_OPTION_ARG_STRING, &option_socket, "Read lines from this socket instead", "HOST:PORT" },
  { "seconds", 0, 0, G_OPTION_ARG_INT, &option_seconds, "End after that time (20; 0: run until Ctrl-C)", "N" },
  { "drain", 0, 0, G_OPTION_ARG_NONE, &option_drain, "After that time, end with the first empty batch", NULL },
  G_OPTION_ENTRY_NULL,
};

/* A record of Kafka is a pair of key and line; what a socket gives is a line. */
static void
split_words (WeirTask *task, WeirValue record, gpointer user_data)
{
  WeirValue line = weir_kind (record) == WEIR_PAIR ? weir_val (record) : record, word;

  while (weir_text_next_token (&line, ' ', &word))
    weir_emit_pair (task, word, weir_int (1));
}

/* Called for every word that ever came, in every batch; NIL is the state of one that is new. */
static WeirValue
add_up (WeirTask *task, WeirValue word, const WeirValue *ones, gsize n, WeirValue total, gpointer user_data)
{
  gint64 sum = weir_as_int (total);

  for (gsize i = 0; i < n; i++)
    sum += weir_as_int (ones[i]);
  return weir_int (sum);
}

/* The greatest total first, then by word. */
static gint
compare_totals (WeirValue left, WeirValue right, gpointer user_data)
{
  gint by_total = weir_compare (weir_val (right), weir_val (left));

  return by_total != 0 ? by_total : weir_compare (weir_key (left), weir_key (right));
}

static WeirValue
total_of (WeirTask *task, WeirValue pair, gpointer user_data)
{
  return weir_val (pair);
}

static gboolean
note_all_words (WeirDataset *sum, WeirTime time, gpointer user_data, GError **error)
{
  Demo *demo = user_data;
  g_autoptr (GArray) values = weir_dataset_collect (sum, error);

  if (values == NULL)
    return FALSE;
  demo->n_words = values->len > 0 ? weir_as_int (g_array_index (values, WeirValue, 0)) : 0;
  return TRUE;
}

static gboolean
note_top_words (WeirDataset *top, WeirTime time, gpointer user_data, GError **error)
{
  Demo *demo = user_data;
  g_autoptr (GArray) pairs = weir_dataset_collect (top, error);
  g_autoptr (GString) text = g_string_new (NULL);

  if (pairs == NULL)
    return FALSE;
  g_string_printf (text, "%11" G_GINT64_FORMAT "  ", demo->n_words);
  for (guint i = 0; i < pairs->len; i++) {
    WeirValue pair = g_array_index (pairs, WeirValue, i);
    g_autofree char *word = weir_to_string (weir_key (pair));

    g_string_append_printf (text, "%s%s %" G_GINT64_FORMAT, i > 0 ? ", " : "", word, weir_as_int (weir_val (pair)));
  }
  g_async_queue_push (demo->texts, g_string_free (g_steal_pointer (&text), FALSE));
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
  g_autofree char *text = g_async_queue_try_pop (demo->texts);

  if (demo->n_batches == 0)
    printf ("%-12s  %10s  %11s  %13s  %11s  %s\n", "batch", "records", "records/s", "processing", "words",
            "most frequent so far");
  printf ("%-12s  %10" G_GINT64_FORMAT "  %11.0f  %10.2f ms  %s\n", clock, n_records, (double) n_records / interval_s,
          processing_ms, text != NULL ? text : "-");
  fflush (stdout);
  demo->n_records += n_records;
  demo->n_batches++;
  demo->previous = planned;
}

/* A job that is to read all there is ends with the first batch that finds nothing more, once it has found something: batches
 * that make up for the time before its start are empty as well. */
static gboolean
is_over (const Demo *demo, const WeirBatchInfo *info)
{
  WeirTime end = demo->started + WEIR_SECONDS (option_seconds);

  if (option_seconds == 0 || weir_batch_info_time (info) < end || g_get_real_time () < end)
    return FALSE;
  return !option_drain || (demo->n_records > 0 && weir_batch_info_n_records (info) == 0) ||
         g_get_real_time () > end + PATIENCE;
}

static void
on_batch_completed (const WeirBatchInfo *info, gpointer user_data)
{
  Demo *demo = user_data;

  print_batch (demo, info);
  if (!demo->is_stopping && is_over (demo, info)) {
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

/* NULL, or what is wrong with the command line. */
static const char *
find_mistake (void)
{
  if (option_seconds < 0 || option_seconds > MOST_SECONDS)
    return "--seconds is out of range: it may be 0 to 1000000";
  if ((option_brokers != NULL) == (option_socket != NULL))
    return "name one thing to read: --brokers and --topic, or --socket";
  if (option_brokers != NULL && option_topic == NULL)
    return "name a topic with --topic";
  if (option_socket != NULL && strrchr (option_socket, ':') == NULL)
    return "--socket takes HOST:PORT";
  return NULL;
}

static WeirStream *
read_socket (WeirContext *ctx)
{
  const char *port = strrchr (option_socket, ':') + 1;
  g_autofree char *host = g_strndup (option_socket, (gsize) (port - 1 - option_socket));

  return weir_socket_text_stream (ctx, host, port);
}

static WeirStream *
read_topic (WeirContext *ctx, GError **error)
{
  WeirKafka *kafka = weir_kafka_new (ctx, option_brokers, "weir-demo");

  if (!weir_kafka_set (kafka, "auto.offset.reset", "earliest", error))
    return NULL;
  return weir_kafka_direct_stream (kafka, option_topic);
}

static void
build (Demo *demo, WeirStream *records)
{
  WeirStream *totals = weir_update_state_by_key (weir_flat_map (records, split_words, NULL), add_up, NULL);

  weir_stream_set_uid (records, "records");
  weir_stream_set_uid (totals, "totals");
  weir_foreach_batch (weir_reduce (weir_map (totals, total_of, NULL), WEIR_SUM, NULL), note_all_words, demo);
  weir_foreach_batch (weir_top (totals, N_WORDS_SHOWN, compare_totals, NULL), note_top_words, demo);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GAsyncQueue) texts = g_async_queue_new_full (g_free);
  g_autoptr (WeirContext) ctx = weir_context_new ("demo_wordcount", WEIR_SECONDS (1));
  Demo demo = { .ctx = ctx, .texts = texts };
  WeirStream *records;

  weir_context_set_usage (ctx, "");
  weir_context_add_options (ctx, options);
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);
  if (find_mistake () != NULL) {
    g_printerr ("demo_wordcount: %s\n", find_mistake ());
    return 1;
  }
  records = option_socket != NULL ? read_socket (ctx) : read_topic (ctx, &error);
  if (records == NULL)
    return weir_exit_with_error (error);
  build (&demo, records);
  if (!run_demo (&demo, &error))
    return weir_exit_with_error (error);
  return 0;
}
