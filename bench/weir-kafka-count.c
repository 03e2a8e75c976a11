/* Words of a Kafka topic, read from its beginning: by --by count the words of each batch, by totals running totals of
 * them, with a checkpoint where --directory names one. Ends with the first empty batch after data.
 *
 * The clock runs from before the context starts to the end of the last batch with data, and so includes connecting.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/weir-pass.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <weir/kafka.h>

typedef struct {
  WeirContext *ctx;
  gint64 words; /* atomic, all else is the loop's */
  gint64 n_records;
  guint n_empty;
  double last;
} KafkaCount;

static WeirValue
value_of (WeirTask *task, WeirValue record, gpointer user_data)
{
  return weir_val (record);
}

static WeirValue
add_up (WeirTask *task, WeirValue word, const WeirValue *counts, gsize n, WeirValue total, gpointer user_data)
{
  gint64 sum = weir_as_int (total);

  for (gsize i = 0; i < n; i++)
    sum += weir_as_int (counts[i]);
  return weir_int (sum);
}

static void
sum_partition (WeirTask *task, WeirIter *values, gpointer user_data)
{
  KafkaCount *count = user_data;
  WeirValue value;
  gint64 sum = 0;

  while (weir_iter_next (values, &value))
    sum += weir_as_int (weir_val (value));
  __atomic_add_fetch (&count->words, sum, __ATOMIC_RELAXED);
}

static gboolean
compute (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  gsize n;

  return weir_dataset_count (data, &n, error);
}

static void
on_completed (const WeirBatchInfo *info, gpointer user_data)
{
  KafkaCount *count = user_data;
  gint64 n = weir_batch_info_n_records (info);

  if (n > 0) {
    count->n_records += n;
    count->n_empty = 0;
    count->last = bench_now ();
  } else if (count->n_records > 0 && ++count->n_empty == 5) {
    weir_context_stop (count->ctx, TRUE);
  }
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  if (value != NULL && !weir_context_set (ctx, key, value, &error))
    weir_pass_die ("option", error);
}

static void
build (KafkaCount *count, const BenchArgs *args)
{
  g_autofree char *group = g_strdup_printf ("bench-weir-%d", (int) getpid ()); /* without offsets of a run before */
  WeirKafka *kafka = weir_kafka_new (count->ctx, args->brokers, group);
  g_autoptr (GError) error = NULL;
  WeirStream *words;

  if (!weir_kafka_set (kafka, "auto.offset.reset", "earliest", &error))
    weir_pass_die ("property", error);
  words = weir_split (weir_map (weir_kafka_direct_stream (kafka, args->topic), value_of, NULL), ' ');
  words = weir_count_by_value (words);
  weir_foreach_partition (words, sum_partition, count);
  if (args->by != NULL && strcmp (args->by, "totals") == 0)
    weir_foreach_batch (weir_update_state_by_key (words, add_up, NULL), compute, NULL);
}

int
main (int argc, char **argv)
{
  const WeirListener listener = { .batch_completed = on_completed };
  g_autoptr (GError) error = NULL;
  KafkaCount count = { 0 };
  double started;
  BenchArgs args;

  bench_args_parse (&args, argc, argv);
  g_autofree char *workers = g_strdup_printf ("%u", (guint) MAX (args.workers, 1));
  g_autoptr (WeirContext) ctx = weir_context_new ("weir-kafka-count", (WeirTime) args.interval_us);

  count.ctx = ctx;
  set (ctx, "workers", workers);
  set (ctx, "log.level", "error");
  if (args.directory != NULL && args.directory[0] != '\0')
    set (ctx, "checkpoint", args.directory);
  weir_context_add_listener (ctx, &listener, &count);
  build (&count, &args);
  started = bench_now ();
  if (!weir_context_run (ctx, &error))
    weir_pass_die ("run", error);
  printf (
      "{\"program\": \"weir-kafka-count\", \"rate\": %.1f, \"unit\": \"messages/s\", \"seconds\": %.3f, \"cpu_seconds\": %.3f, "
      "\"messages\": %lld, \"words\": %lld, \"peak_rss_bytes\": %llu}\n",
      (double) count.n_records / (count.last - started), count.last - started, bench_cpu_seconds (),
      (long long) count.n_records, (long long) count.words, (unsigned long long) bench_peak_rss_bytes ());
  return 0;
}
