/* See kafka-sink-job.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "kafka-sink-job.h"

#include <string.h>

void
sink_job_set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, key, value, &error);
  g_assert_no_error (error);
}

gboolean
sink_job_init (SinkJob *job, int n_partitions)
{
  *job = (SinkJob){ .brokers = weir_test_brokers () };
  if (job->brokers == NULL)
    return FALSE;
  job->topic = weir_test_topic_new (job->brokers, n_partitions, NULL);
  job->ctx = weir_test_context_new (WEIR_SECONDS (1));
  job->queue = weir_queue_new ();
  weir_queue_set_partitions (job->queue, 1);
  job->stream = weir_queue_stream (job->ctx, job->queue, TRUE);
  job->kafka = weir_kafka_new (job->ctx, job->brokers, NULL);
  sink_job_set (job->ctx, "workers", "2");
  sink_job_set (job->ctx, "log.level", "error");
  return TRUE;
}

void
sink_job_clear (SinkJob *job)
{
  weir_context_free (job->ctx);
  weir_queue_free (job->queue);
  g_free (job->topic);
}

void
sink_job_push (SinkJob *job, WeirValue value)
{
  weir_queue_push (job->queue, &value, 1);
}

void
sink_job_run (SinkJob *job, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (job->ctx, n, &error);
  g_assert_no_error (error);
}

void
sink_job_run_into (SinkJob *job, gint code, const char *fragment)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_test_advance (job->ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, code);
  g_assert_nonnull (strstr (error->message, fragment));
}

static char *
text_of (SinkJob *job)
{
  g_autoptr (GPtrArray) records = weir_test_consume (job->brokers, job->topic);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < records->len; i++) {
    const KafkaRecord *record = g_ptr_array_index (records, i);

    g_string_append_printf (text, "%s%s=%s", i > 0 ? " " : "", record->key != NULL ? record->key : "-",
                            record->value != NULL ? record->value : "-");
  }
  return g_string_free (text, FALSE);
}

void
sink_job_expect (SinkJob *job, const char *expected)
{
  g_autofree char *found = text_of (job);

  g_assert_cmpstr (found, ==, expected);
}
