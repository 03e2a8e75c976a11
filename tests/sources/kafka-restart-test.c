/* kafka-restart-test.c: life after life from a checkpoint.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

#include <string.h>

#include "clients/kafka.h"
#include "tests/engine/watch.h"

static void
test_killed_between_batches_nothing_is_lost_or_doubled (KafkaFixture *fixture, gconstpointer data)
{
  WeirTime at = 0;
  gsize n = 0;

  for (int life = 0; life < 5; life++) {
    KafkaJob *job = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder, .at = at });

    kafka_fixture_produce (fixture, 100, (KafkaProduce){ .n_partitions = 4, .key_prefix = "k" });
    kafka_job_read (job, 100);
    n += job->n_read;
    at = kafka_job_end (job);
  }
  g_assert_cmpuint (n, ==, 500);
}

/* The checkpoint is the truth: a group whose offsets have expired, or were never committed, does not matter. */
static void
test_expired_offsets_of_the_group_do_not_matter (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) first = NULL, second = NULL;
  g_autoptr (GError) error = NULL;
  WeirTime at;

  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  first = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  kafka_job_read (first, 10);
  at = kafka_job_end (g_steal_pointer (&first));
  g_assert_cmpint (kafka_fixture_await_group (fixture, 10), ==, 10);
  kafka_ops_delete_group (fixture->brokers, fixture->group, &error);
  g_assert_no_error (error);
  kafka_fixture_produce (fixture, 3, (KafkaProduce){ 0 });
  second = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder, .reset = "latest", .at = at });
  kafka_job_read (second, 3);
}

/* Whoever adds a partition writes into it at once, and the policy says latest. */
static void
test_a_partition_added_while_the_job_was_down_is_read_from_its_beginning (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) first = NULL, second = NULL;
  WeirTime at;

  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  first = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  kafka_job_read (first, 10);
  at = kafka_job_end (g_steal_pointer (&first));
  g_assert_true (kafka_ops_add_partitions (fixture->brokers, fixture->topic, 3, NULL));
  kafka_fixture_produce (fixture, 20, (KafkaProduce){ .first_partition = 2 });
  second = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder, .reset = "latest", .at = at });
  kafka_job_read (second, 20);
  kafka_job_expect (second, 20);
  g_assert_cmpint (kafka_job_follow (second, 0, 10), ==, 10);
  g_assert_cmpint (kafka_job_follow (second, 2, 0), ==, 20);
}

/* Its offsets would be other records', and the topic's name is the same. */
static void
test_a_checkpoint_of_another_cluster_is_refused (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (WeirTestServer) server = weir_test_server_start ("kafka", NULL);
  g_autoptr (KafkaJob) first = NULL, second = NULL;
  g_autoptr (GError) error = NULL;
  WeirTime at;

  if (server == NULL)
    return;
  g_assert_true (kafka_ops_create_topic (weir_test_server_address (server), fixture->topic, 1, NULL, NULL));
  weir_test_produce_numbered (weir_test_server_address (server), fixture->topic, 20, NULL);
  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  first = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  kafka_job_read (first, 10);
  at = kafka_job_end (g_steal_pointer (&first));
  second = kafka_job_new (&(KafkaJobSpec){ .brokers = weir_test_server_address (server),
                                           .group = fixture->group,
                                           .topics = fixture->topic,
                                           .folder = fixture->folder,
                                           .at = at });
  error = kafka_job_fail (second);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS);
  g_assert_nonnull (strstr (error->message, "the checkpoint is of cluster "));
}

/* With a pattern nobody else would miss it; found again it would be read from its beginning. */
static void
test_a_topic_that_is_away_at_the_restart_is_missed (KafkaFixture *fixture, gconstpointer data)
{
  g_autofree char *pattern = g_strdup_printf ("^%s.*", fixture->topic),
                  *second = g_strconcat (fixture->topic, "-b", NULL);
  KafkaJob *first = kafka_fixture_job (fixture, (KafkaJobSpec){ .topics = pattern, .folder = fixture->folder });
  g_autoptr (KafkaJob) next = NULL;
  g_autoptr (GError) error = NULL;
  WeirTime at;

  kafka_fixture_produce (fixture, 5, (KafkaProduce){ 0 });
  g_assert_true (kafka_ops_create_topic (fixture->brokers, second, 1, NULL, NULL));
  weir_test_produce_numbered (fixture->brokers, second, 5, NULL);
  kafka_job_read (first, 10);
  kafka_job_idle (first, 100);
  at = kafka_job_end (first);
  g_assert_true (kafka_ops_delete_topic (fixture->brokers, second, NULL));
  next = kafka_fixture_job (fixture, (KafkaJobSpec){ .topics = pattern, .folder = fixture->folder, .at = at });
  g_assert_false (weir_test_advance (next->ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS);
  g_assert_nonnull (strstr (error->message, "-b-0 up to offset 5"));
}

static void
seal_rarely (WeirKafka *kafka, WeirStream *stream, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (weir_kafka_context (kafka), "checkpoint.interval", "100s", &error);
  g_assert_no_error (error);
}

/* A job that has read @n records, one batch after the other, and ended before anything was sealed. */
static WeirTime
end_unsealed (const KafkaFixture *fixture, gint64 n)
{
  KafkaJob *job = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder, .build = seal_rarely });

  kafka_fixture_produce (fixture, n, (KafkaProduce){ 0 });
  kafka_job_read (job, (gsize) n);
  return kafka_job_end (job);
}

/* The sources have to read for it what the planned batches had, though the stop has been asked for. */
static void
test_a_stop_before_planned_batches_have_run_again_waits_for_them (KafkaFixture *fixture, gconstpointer data)
{
  WeirTime at = end_unsealed (fixture, 10);
  g_autoptr (KafkaJob) job = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder, .at = at });
  g_autoptr (GError) error = NULL;

  g_assert_true (weir_context_start (job->ctx, &error));
  weir_context_stop (job->ctx, TRUE);
  g_assert_cmpint (weir_context_await (job->ctx, WEIR_SECONDS (120), &error), ==, WEIR_WAIT_STOPPED);
  job->n_batches = weir_collected_n_batches (job->collected);
  kafka_job_expect (job, 10);
}

/* As a job finds it whose topic was made anew with fewer records, or lost its end: only the batch that is to be run again
 * knows that there were more. */
static KafkaJob *
come_back_to_less (const KafkaFixture *fixture, const char *on_loss)
{
  WeirTime at = end_unsealed (fixture, 10);

  g_assert_true (kafka_ops_delete_topic (fixture->brokers, fixture->topic, NULL));
  g_assert_true (kafka_ops_create_topic (fixture->brokers, fixture->topic, 1, NULL, NULL));
  kafka_fixture_produce (fixture, 7, (KafkaProduce){ 0 });
  return kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder, .on_loss = on_loss, .at = at });
}

static void
test_a_planned_batch_whose_records_are_gone_fails_the_job (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = come_back_to_less (fixture, NULL);
  g_autoptr (GError) error = kafka_job_fail (job);

  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS);
  g_assert_nonnull (strstr (error->message, "-0: a batch that is to be run again had the records up to offset 10, and "
                                            "now there are none from offset 7 on"));
}

static void
test_a_planned_batch_whose_records_are_gone_runs_with_what_there_is (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  Watch watch;

  watch_init (&watch);
  watch_catch_log (&watch);
  job = come_back_to_less (fixture, "earliest");
  kafka_job_read (job, 7);
  g_assert_nonnull (strstr (job->rejected->str, "lost by Kafka before it was read again: 3\n"));
  g_assert_cmpuint (watch_count (&watch, "there are none from offset 7 on"), ==, 1);
  kafka_fixture_produce (fixture, 5, (KafkaProduce){ 0 });
  kafka_job_read (job, 12);
  g_assert_cmpint (kafka_job_follow (job, 0, 0), ==, 12);
  g_clear_pointer (&job, kafka_job_free);
  watch_clear (&watch);
}

/* The other end: retention has taken the first of them. */
static void
test_a_planned_batch_whose_first_records_were_deleted_fails_the_job (KafkaFixture *fixture, gconstpointer data)
{
  WeirTime at = end_unsealed (fixture, 10);
  g_autoptr (KafkaJob) job = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (kafka_ops_delete_records (fixture->brokers, fixture->topic, 0, 4, NULL));
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder, .at = at });
  error = kafka_job_fail (job);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS);
  g_assert_nonnull (strstr (error->message, "offset 0 is wanted and the first that is there is 4"));
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "a-topic-that-is-away-at-the-restart-is-missed", 1, test_a_topic_that_is_away_at_the_restart_is_missed },
    { "killed-between-batches-nothing-is-lost-or-doubled", 4, test_killed_between_batches_nothing_is_lost_or_doubled },
    { "expired-offsets-of-the-group-do-not-matter", 1, test_expired_offsets_of_the_group_do_not_matter },
    { "a-partition-added-while-the-job-was-down-is-read-from-its-beginning", 1,
      test_a_partition_added_while_the_job_was_down_is_read_from_its_beginning },
    { "a-stop-before-planned-batches-have-run-again-waits-for-them", 1,
      test_a_stop_before_planned_batches_have_run_again_waits_for_them },
    { "a-planned-batch-whose-records-are-gone-fails-the-job", 1,
      test_a_planned_batch_whose_records_are_gone_fails_the_job },
    { "a-planned-batch-whose-records-are-gone-runs-with-what-there-is", 1,
      test_a_planned_batch_whose_records_are_gone_runs_with_what_there_is },
    { "a-planned-batch-whose-first-records-were-deleted-fails-the-job", 1,
      test_a_planned_batch_whose_first_records_were_deleted_fails_the_job },
    { "a-checkpoint-of-another-cluster-is-refused", 1, test_a_checkpoint_of_another_cluster_is_refused },
  };

  return kafka_tests_run (argc, argv, "/kafka-restart/", tests, G_N_ELEMENTS (tests));
}
