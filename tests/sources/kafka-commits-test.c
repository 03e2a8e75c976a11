/* kafka-commits-test.c: the group's offsets are a mirror of what is done.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#define OFFSET_COMMIT 8 /* the request's number in Kafka's protocol */
#define N_REFUSALS    8 /* more than the client tries on its own */

static void
test_the_groups_offsets_follow_complete_batches (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 10);
  g_assert_cmpint (kafka_fixture_await_group (fixture, 10), ==, 10);
}

static gboolean
refuse (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  gsize n;
  const WeirOffsetRange *ranges = weir_dataset_offset_ranges (data, &n);

  if (n == 0 || ranges[0].until == ranges[0].from)
    return TRUE;
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_USER, "no");
  return FALSE;
}

static void
add_refusal (WeirKafka *kafka, WeirStream *stream, gconstpointer data)
{
  weir_foreach_batch (stream, refuse, NULL);
}

/* Without a checkpoint: at least once. */
static void
test_what_a_batch_that_failed_had_comes_again (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  g_autoptr (GError) error = NULL;
  gint64 offset;

  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .build = add_refusal });
  error = kafka_job_fail (job);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_USER);
  g_clear_pointer (&job, kafka_job_free);
  g_assert_true (kafka_ops_group_offset (fixture->brokers, fixture->group, fixture->topic, 0, &offset, NULL, NULL));
  g_assert_cmpint (offset, ==, -1);
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 10);
}

/* A broker in this process that is not the group's yet when the first commits come, as one that has just begun. Nothing
 * more is read that would be committed later; and a warning would end the test: there is nothing to warn of. */
static void
test_offsets_that_were_not_taken_are_committed_again (KafkaFixture *fixture, gconstpointer data)
{
  rd_kafka_t *rk = rd_kafka_new (RD_KAFKA_PRODUCER, rd_kafka_conf_new (), NULL, 0);
  rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new (rk, 1);
  g_autoptr (KafkaJob) job = NULL;
  KafkaFixture mock = *fixture;

  mock.brokers = rd_kafka_mock_cluster_bootstraps (cluster);
  rd_kafka_mock_topic_create (cluster, mock.topic, 1, 1);
  for (guint i = 0; i < N_REFUSALS; i++)
    rd_kafka_mock_push_request_errors (cluster, OFFSET_COMMIT, 1, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
  kafka_fixture_produce (&mock, 10, (KafkaProduce){ 0 });
  job = kafka_fixture_job (&mock, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 10);
  g_assert_cmpint (kafka_fixture_await_group (&mock, 10), ==, 10);
  g_clear_pointer (&job, kafka_job_free);
  rd_kafka_mock_cluster_destroy (cluster);
  rd_kafka_destroy (rk);
}

/* By the test's clock, in which a batch is a second. Nothing comes, and the broker has forgotten what it was told. */
static void
test_offsets_are_committed_again_each_half_hour (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  g_autoptr (GError) error = NULL;
  gint64 found = 0;

  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 10);
  g_assert_cmpint (kafka_fixture_await_group (fixture, 10), ==, 10);
  kafka_ops_delete_group (fixture->brokers, fixture->group, &error);
  g_assert_no_error (error);
  kafka_job_pass (job, WEIR_MINUTES (29));
  g_assert_true (kafka_ops_group_offset (fixture->brokers, fixture->group, fixture->topic, 0, &found, NULL, NULL));
  g_assert_cmpint (found, ==, -1);
  kafka_job_pass (job, WEIR_MINUTES (2));
  g_assert_cmpint (kafka_fixture_await_group (fixture, 10), ==, 10);
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "the-groups-offsets-follow-complete-batches", 1, test_the_groups_offsets_follow_complete_batches },
    { "what-a-batch-that-failed-had-comes-again", 1, test_what_a_batch_that_failed_had_comes_again },
    { "offsets-that-were-not-taken-are-committed-again", 1, test_offsets_that_were_not_taken_are_committed_again },
    { "offsets-are-committed-again-each-half-hour", 1, test_offsets_are_committed_again_each_half_hour },
  };

  return kafka_tests_run (argc, argv, "/kafka-commits/", tests, G_N_ELEMENTS (tests));
}
