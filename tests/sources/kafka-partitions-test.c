/* kafka-partitions-test.c: where reading begins.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

static void
start_at_seven (WeirKafka *kafka, WeirStream *stream, gconstpointer topic)
{
  weir_kafka_start_at (stream, topic, 0, 7);
}

static void
assign_end_of_two (WeirKafka *kafka, WeirStream *stream, gconstpointer topic)
{
  weir_kafka_assign (stream, topic, 2, 8);
}

static void
commit_for_group (const KafkaFixture *fixture, gint64 offset)
{
  g_autoptr (KafkaJob) job = kafka_fixture_job (fixture, (KafkaJobSpec){ 0 });
  const WeirOffsetRange range = { fixture->topic, 0, 0, offset };
  gint64 found = -1, deadline = g_get_monotonic_time () + WEIR_SECONDS (120);

  kafka_job_idle (job, 50);
  weir_kafka_commit_async (job->kafka, &range, 1);
  while (found != offset && g_get_monotonic_time () < deadline)
    g_assert_true (kafka_ops_group_offset (fixture->brokers, fixture->group, fixture->topic, 0, &found, NULL, NULL));
  g_assert_cmpint (found, ==, offset);
}

static void
test_the_groups_offsets_beat_the_policy (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  commit_for_group (fixture, 4);
  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 6);
}

static void
test_start_at_beats_the_groups_offsets (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  commit_for_group (fixture, 4);
  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .build = start_at_seven, .data = fixture->topic });
  kafka_job_read (job, 3);
  g_assert_cmpint (kafka_job_follow (job, 0, 7), ==, 10);
}

static void
test_the_checkpoint_beats_them_all (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) first = NULL, second = NULL;
  WeirTime at;

  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  first = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  kafka_job_read (first, 10);
  at = kafka_job_end (g_steal_pointer (&first));
  kafka_fixture_produce (fixture, 5, (KafkaProduce){ 0 });
  second = kafka_fixture_job (
      fixture, (KafkaJobSpec){ .folder = fixture->folder, .build = start_at_seven, .data = fixture->topic, .at = at });
  kafka_job_read (second, 5);
}

static void
test_the_policy_may_come_from_the_environment (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  g_setenv ("WEIR_TEST_RESET", "latest", TRUE);
  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .reset = "${env:WEIR_TEST_RESET}" });
  kafka_job_idle (job, 200);
  kafka_fixture_produce (fixture, 5, (KafkaProduce){ 0 });
  kafka_job_read (job, 5);
}

static void
test_latest_begins_at_the_end (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  kafka_fixture_produce (fixture, 10, (KafkaProduce){ .n_partitions = 4 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .reset = "latest" });
  kafka_job_idle (job, 200);
  kafka_fixture_produce (fixture, 5, (KafkaProduce){ .n_partitions = 4 });
  kafka_job_read (job, 5);
}

static void
test_assigned_partitions_and_no_others (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  kafka_fixture_produce (fixture, 40, (KafkaProduce){ .n_partitions = 4 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .build = assign_end_of_two, .data = fixture->topic });
  kafka_job_read (job, 2);
  kafka_job_idle (job, 300);
  g_assert_cmpint (kafka_job_follow (job, 2, 8), ==, 10);
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "the-groups-offsets-beat-the-policy", 1, test_the_groups_offsets_beat_the_policy },
    { "start-at-beats-the-groups-offsets", 1, test_start_at_beats_the_groups_offsets },
    { "the-checkpoint-beats-them-all", 1, test_the_checkpoint_beats_them_all },
    { "the-policy-may-come-from-the-environment", 1, test_the_policy_may_come_from_the_environment },
    { "latest-begins-at-the-end", 4, test_latest_begins_at_the_end },
    { "assigned-partitions-and-no-others", 4, test_assigned_partitions_and_no_others },
  };

  return kafka_tests_run (argc, argv, "/kafka-partitions/", tests, G_N_ELEMENTS (tests));
}
