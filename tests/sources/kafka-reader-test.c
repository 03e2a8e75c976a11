/* kafka-reader-test.c: offsets without a record, and transactions that are open.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

/* A mark of a transaction has an offset, too: five records and a mark are six. */
static void
test_aborted_records_first_last_and_in_between (KafkaFixture *fixture, gconstpointer data)
{
  const KafkaProduce aborted = { .transactional_id = fixture->group, .abort = TRUE };
  const KafkaProduce committed = { .transactional_id = fixture->group };
  g_autoptr (KafkaJob) job = NULL;

  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  kafka_fixture_produce (fixture, 5, aborted);
  kafka_fixture_produce (fixture, 5, committed);
  kafka_fixture_produce (fixture, 5, aborted);
  kafka_fixture_produce (fixture, 5, committed);
  kafka_fixture_produce (fixture, 5, aborted);
  kafka_job_read (job, 10);
  while (kafka_job_follow (job, 0, 0) < 30)
    kafka_job_idle (job, 20);
  g_assert_cmpint (kafka_job_follow (job, 0, 0), ==, 30);
}

/* A batch that is all gap, and a restart behind it. */
static void
test_a_batch_of_nothing_but_aborted_records (KafkaFixture *fixture, gconstpointer data)
{
  const KafkaProduce aborted = { .transactional_id = fixture->group, .abort = TRUE };
  g_autoptr (KafkaJob) first = NULL, second = NULL;
  WeirTime at;

  kafka_fixture_produce (fixture, 50, aborted);
  first = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  while (first->ranges->len == 0 || kafka_job_follow (first, 0, 0) < 51)
    kafka_job_idle (first, 20);
  kafka_job_idle (first, 50);
  at = kafka_job_end (g_steal_pointer (&first));
  kafka_fixture_produce (fixture, 3, (KafkaProduce){ 0 });
  second = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder, .at = at });
  kafka_job_read (second, 3);
  g_assert_cmpint (kafka_job_follow (second, 0, 51), ==, 54);
}

/* Somebody else's transaction that does not end: what is behind it is not planned before it does. */
static void
test_nothing_behind_an_open_transaction_is_planned (KafkaFixture *fixture, gconstpointer data)
{
  const KafkaProduce open = { .transactional_id = fixture->group, .leave_open = TRUE };
  g_autoptr (KafkaJob) job = NULL;

  kafka_fixture_produce (fixture, 3, (KafkaProduce){ 0 });
  kafka_fixture_produce (fixture, 5, open);
  kafka_fixture_produce (fixture, 4, (KafkaProduce){ 0 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 3);
  kafka_job_idle (job, 500);
  g_assert_cmpint (kafka_job_follow (job, 0, 0), ==, 3);
  kafka_fixture_produce (fixture, 1,
                         (KafkaProduce){ .transactional_id = fixture->group }); /* which aborts the open one */
  kafka_job_read (job, 8);
}

static void
test_compaction (KafkaFixture *fixture, gconstpointer data)
{
  g_autofree char *topic = NULL;
  g_autoptr (KafkaJob) job = NULL;
  KafkaOffsets offsets;

  topic = weir_test_topic_new (fixture->brokers, 1, "cleanup.policy=compact", "segment.ms=100",
                               "min.cleanable.dirty.ratio=0.001", "max.compaction.lag.ms=200", NULL);
  for (int i = 0; i < 20; i++)
    weir_test_produce_numbered (fixture->brokers, topic, 50, &(KafkaProduce){ .key_prefix = "k", .n_keys = 5 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .topics = topic });
  g_assert_true (kafka_ops_offsets (fixture->brokers, topic, 0, &offsets, NULL));
  while (job->ranges->len == 0 || kafka_job_follow (job, 0, 0) < offsets.end) {
    g_autoptr (GError) error = NULL;

    weir_test_advance (job->ctx, 1, &error);
    g_assert_no_error (error);
  }
  g_assert_cmpint (kafka_job_follow (job, 0, 0), ==, offsets.end);
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "aborted-records-first-last-and-in-between", 1, test_aborted_records_first_last_and_in_between },
    { "a-batch-of-nothing-but-aborted-records", 1, test_a_batch_of_nothing_but_aborted_records },
    { "nothing-behind-an-open-transaction-is-planned", 1, test_nothing_behind_an_open_transaction_is_planned },
    { "compaction", 1, test_compaction },
  };

  return kafka_tests_run (argc, argv, "/kafka-reader/", tests, G_N_ELEMENTS (tests));
}
