/* kafka-open-test.c: mistakes are named at the start.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

#include <string.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

static void
expect_start_error (const KafkaFixture *fixture, KafkaJobSpec spec, gint code, const char *part)
{
  g_autoptr (KafkaJob) job = kafka_fixture_job (fixture, spec);
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_test_advance (job->ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, code);
  if (strstr (error->message, part) == NULL)
    g_error ("\"%s\" does not hold \"%s\"", error->message, part);
}

static void
assign_ninth (WeirKafka *kafka, WeirStream *stream, gconstpointer topic)
{
  weir_kafka_assign (stream, topic, 9, 0);
}

static void
test_an_assigned_partition_that_is_not_there (KafkaFixture *fixture, gconstpointer data)
{
  expect_start_error (fixture, (KafkaJobSpec){ .build = assign_ninth, .data = fixture->topic }, WEIR_ERROR_FAILED,
                      "-9");
}

static void
test_mistakes_are_named (KafkaFixture *fixture, gconstpointer data)
{
  expect_start_error (fixture, (KafkaJobSpec){ .topics = "no-such-topic" }, WEIR_ERROR_SOURCE,
                      "there is no topic no-such-topic");
  expect_start_error (fixture, (KafkaJobSpec){ .group = "" }, WEIR_ERROR_GRAPH, "without a group");
  expect_start_error (fixture, (KafkaJobSpec){ .topics = "^[" }, WEIR_ERROR_GRAPH, "[");
  expect_start_error (fixture, (KafkaJobSpec){ .reset = "error" }, WEIR_ERROR_SOURCE, "has no offset for partition");
}

static gpointer
read_ten (gpointer job)
{
  kafka_job_read (job, 10);
  return NULL;
}

/* As when a broker has just begun, or another is to lead: of a broker in this process. */
static void
test_a_partition_that_nobody_leads_is_waited_for (KafkaFixture *fixture, gconstpointer data)
{
  rd_kafka_t *rk = rd_kafka_new (RD_KAFKA_PRODUCER, rd_kafka_conf_new (), NULL, 0);
  rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new (rk, 1);
  g_autoptr (KafkaJob) clock = kafka_fixture_job (fixture, (KafkaJobSpec){ 0 }), job = NULL;
  KafkaFixture mock = *fixture;
  GThread *thread;

  mock.brokers = rd_kafka_mock_cluster_bootstraps (cluster);
  rd_kafka_mock_topic_create (cluster, mock.topic, 1, 1);
  kafka_fixture_produce (&mock, 10, (KafkaProduce){ 0 });
  rd_kafka_mock_partition_set_leader (cluster, mock.topic, 0, -1);
  job = kafka_fixture_job (&mock, (KafkaJobSpec){ 0 });
  thread = g_thread_new ("read-ten", read_ten, job);
  kafka_job_idle (clock, 1000);
  rd_kafka_mock_partition_set_leader (cluster, mock.topic, 0, 1);
  g_thread_join (thread);
  g_clear_pointer (&job, kafka_job_free);
  rd_kafka_mock_cluster_destroy (cluster);
  rd_kafka_destroy (rk);
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "an-assigned-partition-that-is-not-there", 1, test_an_assigned_partition_that_is_not_there },
    { "mistakes-are-named", 1, test_mistakes_are_named },
    { "a-partition-that-nobody-leads-is-waited-for", 1, test_a_partition_that_nobody_leads_is_waited_for },
  };

  return kafka_tests_run (argc, argv, "/kafka-open/", tests, G_N_ELEMENTS (tests));
}
