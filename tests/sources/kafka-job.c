/* Must not know what a test expects. SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-job.h"

#include <string.h>

#define INTERVAL WEIR_SECONDS (1)
#define DEADLINE WEIR_SECONDS (120)

static gboolean
note_ranges (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  KafkaJob *job = user_data;
  gsize n;
  const WeirOffsetRange *ranges = weir_dataset_offset_ranges (data, &n);
  GString *text = g_string_new (NULL);

  for (gsize i = 0; i < n; i++)
    g_string_append_printf (text, "%s%d:%" G_GINT64_FORMAT "-%" G_GINT64_FORMAT, i > 0 ? " " : "", ranges[i].partition,
                            ranges[i].from, ranges[i].until);
  g_ptr_array_add (job->ranges, g_string_free (text, FALSE));
  return TRUE;
}

static void
note_reject (const char *where_and_why, guint64 n, gpointer user_data)
{
  KafkaJob *job = user_data;

  g_string_append_printf (job->rejected, "%s: %" G_GUINT64_FORMAT "\n", where_and_why, n);
}

static void
on_completed (const WeirBatchInfo *info, gpointer user_data)
{
  weir_batch_info_foreach_rejected (info, note_reject, user_data);
  ((KafkaJob *) user_data)->n_hanging = weir_batch_info_n_hanging (info);
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, key, value, &error);
  g_assert_no_error (error);
}

KafkaJob *
kafka_job_new (const KafkaJobSpec *spec)
{
  static const WeirListener listener = { .batch_completed = on_completed };
  g_autoptr (GError) error = NULL;
  KafkaJob *job = g_new0 (KafkaJob, 1);
  g_autofree char *checkpoint = g_strconcat ("file://", spec->folder, NULL);
  WeirStream *stream;

  job->ranges = g_ptr_array_new_with_free_func (g_free);
  job->rejected = g_string_new (NULL);
  job->ctx = weir_test_context_new_at (INTERVAL, spec->at);
  if (spec->folder != NULL)
    set (job->ctx, "checkpoint", checkpoint);
  if (spec->folder != NULL)
    set (job->ctx, "checkpoint.interval", "1s");
  set (job->ctx, "catchup.batches", "1000000"); /* the clock runs fast, and idle epochs are not all sealed */
  if (spec->on_loss != NULL)
    set (job->ctx, "kafka.on.data.loss", spec->on_loss);
  if (spec->rate != NULL)
    set (job->ctx, "kafka.max.rate.per.partition", spec->rate);
  weir_context_add_listener (job->ctx, &listener, job);
  job->kafka = weir_kafka_new (job->ctx, spec->brokers, spec->group);
  weir_kafka_set (job->kafka, "auto.offset.reset", spec->reset != NULL ? spec->reset : "earliest", &error);
  g_assert_no_error (error);
  weir_kafka_set (job->kafka, "topic.metadata.refresh.interval.ms", "200", &error);
  g_assert_no_error (error);
  if (spec->f != NULL)
    stream = weir_kafka_direct_stream_with (job->kafka, spec->topics, spec->f, NULL);
  else
    stream = weir_kafka_direct_stream (job->kafka, spec->topics);
  weir_stream_set_uid (stream, "records");
  job->collected = weir_collect (stream);
  weir_foreach_batch (stream, note_ranges, job);
  if (spec->build != NULL)
    spec->build (job->kafka, stream, spec->data);
  return job;
}

void
kafka_job_free (KafkaJob *job)
{
  weir_context_free (job->ctx);
  if (job->fatal != 0)
    g_log_set_always_fatal (job->fatal);
  g_ptr_array_unref (job->ranges);
  g_string_free (job->rejected, TRUE);
  g_free (job);
}

WeirTime
kafka_job_end (KafkaJob *job)
{
  WeirTime at = job->n_batches > 0 ? weir_collected_time (job->collected, job->n_batches - 1) : 0;

  kafka_job_free (job);
  return at;
}

static gboolean
advance (KafkaJob *job, GError **error)
{
  if (!weir_test_advance (job->ctx, 1, error))
    return FALSE;
  for (; job->n_batches < weir_collected_n_batches (job->collected); job->n_batches++) {
    gsize n;

    weir_collected_values (job->collected, job->n_batches, &n);
    job->n_read += n;
  }
  return TRUE;
}

void
kafka_job_read (KafkaJob *job, gsize n)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE;
  g_autoptr (GError) error = NULL;

  while (job->n_read < n && g_get_monotonic_time () < deadline) {
    advance (job, &error);
    g_assert_no_error (error);
  }
  g_assert_cmpuint (job->n_read, ==, n);
}

GError *
kafka_job_fail (KafkaJob *job)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE;
  GError *error = NULL;

  /* Batches that were planned when it fails are dropped, with a warning. */
  job->fatal = g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_FLAG_RECURSION);
  while (g_get_monotonic_time () < deadline && advance (job, &error))
    continue;
  g_assert_nonnull (error);
  return error;
}

void
kafka_job_idle (KafkaJob *job, guint milliseconds)
{
  gint64 until = g_get_monotonic_time () + WEIR_MILLISECONDS (milliseconds);
  g_autoptr (GError) error = NULL;
  gsize before = job->n_read;

  while (g_get_monotonic_time () < until) {
    advance (job, &error);
    g_assert_no_error (error);
  }
  g_assert_cmpuint (job->n_read, ==, before);
}

void
kafka_job_pass (KafkaJob *job, WeirTime span)
{
  g_autoptr (GError) error = NULL;
  gsize before = job->n_read;

  for (WeirTime passed = 0; passed < span; passed += INTERVAL) {
    advance (job, &error);
    g_assert_no_error (error);
  }
  g_assert_cmpuint (job->n_read, ==, before);
}

static gint
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static char *
join_sorted (GPtrArray *lines)
{
  g_ptr_array_sort (lines, compare_texts);
  g_ptr_array_add (lines, NULL);
  return g_strjoinv ("\n", (char **) lines->pdata);
}

char *
kafka_job_values (KafkaJob *job)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);

  for (gsize batch = 0; batch < job->n_batches; batch++) {
    gsize n;
    const WeirValue *values = weir_collected_values (job->collected, batch, &n);

    for (gsize i = 0; i < n; i++) {
      WeirValue value = weir_val (values[i]);

      g_ptr_array_add (lines, g_strndup (weir_data (value), weir_size (value)));
    }
  }
  return join_sorted (lines);
}

char *
kafka_numbered (gint64 from, gint64 until)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);

  for (gint64 i = from; i < until; i++)
    g_ptr_array_add (lines, g_strdup_printf ("line %" G_GINT64_FORMAT, i));
  return join_sorted (lines);
}
