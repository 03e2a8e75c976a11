/* weir_kafka_output () on a real broker, without a checkpoint: what happens when records cannot be written, at start, now or
 * never.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/sinks/kafka-sink-job.h"

/* --- what cannot be written --- */

static void
test_a_missing_topic_fails_the_start (void)
{
  SinkJob job;

  if (!sink_job_init (&job, 1))
    return;
  weir_kafka_output (job.stream, job.kafka, "there-is-no-such-topic");
  sink_job_run_into (&job, WEIR_ERROR_FAILED, "has no topic 'there-is-no-such-topic': make it, or name another");
  sink_job_clear (&job);
}

static void
test_a_record_that_is_too_large_is_named (void)
{
  g_autofree char *large = g_strnfill (2000000, 'x');
  SinkJob job;

  if (!sink_job_init (&job, 1))
    return;
  weir_kafka_output (job.stream, job.kafka, job.topic);
  sink_job_push (&job, WEIR_PAIR_OF (weir_text ("whale"), weir_text (large)));
  sink_job_run_into (&job, WEIR_ERROR_FAILED, "a record of 2000000 bytes for topic");
  sink_job_clear (&job);
}

/* The client would send it; the broker does not take it. */
static void
test_a_record_that_the_broker_refuses_is_named (void)
{
  g_autofree char *large = g_strnfill (5000, 'x');
  SinkJob job;

  if (!sink_job_init (&job, 1))
    return;
  g_free (job.topic);
  job.topic = weir_test_topic_new (job.brokers, 1, "max.message.bytes=1000", NULL);
  weir_kafka_output (job.stream, job.kafka, job.topic);
  sink_job_push (&job, WEIR_PAIR_OF (weir_text ("whale"), weir_text (large)));
  sink_job_run_into (&job, WEIR_ERROR_FAILED, "key whale, was not delivered");
  sink_job_clear (&job);
}

static void
test_no_broker_fails_the_start (void)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (GError) error = NULL;

  sink_job_set (ctx, "log.level", "error");
  weir_kafka_output (weir_queue_stream (ctx, queue, TRUE), weir_kafka_new (ctx, "127.0.0.1:1", NULL), "topic");
  g_assert_false (weir_test_advance (ctx, 1, &error));
  g_assert_true (error->code == WEIR_ERROR_SINK || error->code == WEIR_ERROR_TIMEOUT);
  g_assert_nonnull (strstr (error->message, "no broker of 127.0.0.1:1 answers"));
}

static void
test_a_full_queue_waits (void)
{
  enum { N = 20000 };
  g_autofree WeirValue *values = g_new (WeirValue, N);
  g_autoptr (GPtrArray) records = NULL;
  g_autoptr (GError) error = NULL;
  SinkJob job;

  if (!sink_job_init (&job, 1))
    return;
  weir_kafka_set (job.kafka, "queue.buffering.max.messages", "100", &error);
  g_assert_no_error (error);
  weir_kafka_output (job.stream, job.kafka, job.topic);
  for (guint i = 0; i < N; i++)
    values[i] = weir_int (i);
  weir_queue_push (job.queue, values, N);
  sink_job_run (&job, 1);
  records = weir_test_consume (job.brokers, job.topic);
  g_assert_cmpuint (records->len, ==, N);
  for (guint i = 0; i < N; i++)
    g_assert_cmpint (g_ascii_strtoll (((const KafkaRecord *) g_ptr_array_index (records, i))->value, NULL, 10), ==, i);
  sink_job_clear (&job);
}

/* --- outages --- */

static gpointer
start_again (gpointer data)
{
  weir_test_server_start_again (data);
  return NULL;
}

/* Kills the broker, and has it started again while batches wait for it. */
static void
test_batches_wait_for_a_broker_that_is_killed (void)
{
  g_autoptr (WeirTestServer) server = weir_test_server_start ("kafka", NULL);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) records = NULL;
  g_autofree char *address = NULL;
  GThread *thread;
  SinkJob job;

  if (server == NULL || !sink_job_init (&job, 1))
    return;
  job.brokers = address = g_strdup (weir_test_server_address (server)); /* the server's own goes with a restart */
  g_free (job.topic);
  job.topic = weir_test_topic_new (job.brokers, 1, NULL);
  weir_kafka_output (job.stream, weir_kafka_new (job.ctx, job.brokers, NULL), job.topic);
  for (guint i = 0; i < 20; i++)
    sink_job_push (&job, weir_int (i));
  sink_job_run (&job, 10);
  weir_test_server_kill (server);
  thread = g_thread_new ("start-again", start_again, server);
  sink_job_run (&job, 10);
  g_thread_join (thread);
  records = weir_test_consume (job.brokers, job.topic);
  for (guint i = 0; i < records->len; i++)
    g_hash_table_add (seen, ((KafkaRecord *) g_ptr_array_index (records, i))->value);
  g_assert_cmpuint (g_hash_table_size (seen), ==, 20); /* at least once */
  sink_job_clear (&job);
}

/* --- graphs --- */

static void
mistake (const char *topic, gboolean with_connection, const char *fragment)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (GError) error = NULL;
  WeirKafka *kafka = with_connection ? weir_kafka_new (ctx, "127.0.0.1:1", NULL) : NULL;

  weir_kafka_output (weir_queue_stream (ctx, queue, TRUE), kafka, topic);
  g_assert_false (weir_test_advance (ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_nonnull (strstr (error->message, fragment));
}

static void
test_mistakes_in_the_graph (void)
{
  mistake ("", TRUE, "neither a topic nor an encode function");
  mistake (NULL, TRUE, "neither a topic nor an encode function");
  mistake ("topic", FALSE, "has no connection");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kafka-output/a-missing-topic-fails-the-start", test_a_missing_topic_fails_the_start);
  g_test_add_func ("/kafka-output/a-record-that-is-too-large-is-named", test_a_record_that_is_too_large_is_named);
  g_test_add_func ("/kafka-output/a-record-that-the-broker-refuses-is-named",
                   test_a_record_that_the_broker_refuses_is_named);
  g_test_add_func ("/kafka-output/no-broker-fails-the-start", test_no_broker_fails_the_start);
  g_test_add_func ("/kafka-output/a-full-queue-waits", test_a_full_queue_waits);
  g_test_add_func ("/kafka-output/batches-wait-for-a-broker-that-is-killed",
                   test_batches_wait_for_a_broker_that_is_killed);
  g_test_add_func ("/kafka-output/mistakes-in-the-graph", test_mistakes_in_the_graph);
  return g_test_run ();
}
