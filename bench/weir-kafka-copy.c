/* Copies a topic exactly once: a checkpoint in a folder, an epoch every --interval-us, batches of a fifth of that.
 *
 * The clock runs from the start of the context to the seal of the last epoch.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/weir-pass.h"

#include <stdio.h>
#include <unistd.h>

#include <weir/kafka.h>

typedef struct {
  WeirContext *ctx;
  gint64 wanted, n; /* records */
  double sealed;    /* the newest epoch */
} Copy;

/* Loop thread, as the next one. */
static void
on_completed (const WeirBatchInfo *info, gpointer user_data)
{
  Copy *copy = user_data;

  copy->n += weir_batch_info_n_records (info);
  if (copy->n >= copy->wanted)
    weir_context_stop (copy->ctx, TRUE);
}

static void
on_sealed (guint64 epoch, gpointer user_data)
{
  ((Copy *) user_data)->sealed = bench_now ();
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  if (!weir_context_set (ctx, key, value, &error))
    weir_pass_die (key, error);
}

static void
set_options (WeirContext *ctx, const BenchArgs *args)
{
  g_autofree char *workers = g_strdup_printf ("%u", (guint) MAX (args->workers, 1));
  g_autofree char *interval = g_strdup_printf ("%" G_GUINT64_FORMAT "us", args->interval_us);
  g_autofree char *uri = g_strdup_printf ("file://%s", args->directory);

  set (ctx, "workers", workers);
  set (ctx, "log.level", "warning");
  set (ctx, "checkpoint.interval", interval);
  set (ctx, "catchup.batches", "1000");
  set (ctx, "checkpoint", uri);
}

int
main (int argc, char **argv)
{
  const WeirListener listener = { .batch_completed = on_completed, .epoch_sealed = on_sealed };
  g_autoptr (GError) error = NULL;
  BenchArgs args;
  Copy copy = { 0 };
  WeirKafka *kafka;
  double start;

  bench_args_parse (&args, argc, argv);
  if (args.brokers == NULL || args.topic == NULL || args.output == NULL || args.directory[0] == '\0') {
    fprintf (stderr, "--brokers, --topic, --output and --directory are needed\n");
    return 2;
  }
  g_autoptr (WeirContext) ctx = weir_context_new ("weir-kafka-copy", (WeirTime) args.interval_us / 5);
  g_autofree char *name = g_strdup_printf ("weir-kafka-copy.%d", (int) getpid ());

  weir_context_set_name (ctx, name);
  copy.ctx = ctx;
  copy.wanted = (gint64) args.messages;
  set_options (ctx, &args);
  weir_context_add_listener (ctx, &listener, &copy);
  kafka = weir_kafka_new (ctx, args.brokers, name); /* nobody has committed anything for this group */
  if (!weir_kafka_set (kafka, "consumer.auto.offset.reset", "earliest", &error))
    weir_pass_die ("property", error);
  weir_kafka_output (weir_kafka_direct_stream (kafka, args.topic), kafka, args.output);
  if (!weir_context_start (ctx, &error))
    weir_pass_die ("start", error);
  start = bench_now ();
  if (weir_context_await (ctx, -1, &error) == WEIR_WAIT_FAILED)
    weir_pass_die ("run", error);
  printf ("{\"program\": \"weir-kafka-copy\", \"rate\": %.1f, \"unit\": \"messages/s\", \"messages\": %lld, "
          "\"cpu_seconds\": %.3f, \"peak_rss_bytes\": %llu}\n",
          (double) copy.n / (copy.sealed - start), (long long) copy.n, bench_cpu_seconds (),
          (unsigned long long) bench_peak_rss_bytes ());
  return 0;
}
