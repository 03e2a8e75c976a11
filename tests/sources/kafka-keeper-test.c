/* kafka-keeper-test.c: partitions and topics that are new while a job runs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

static void
test_a_pattern_finds_topics_that_come_later (KafkaFixture *fixture, gconstpointer data)
{
  g_autofree char *pattern = NULL, *later = NULL;
  g_autoptr (KafkaJob) job = NULL;

  later = g_strconcat (fixture->topic, "-later", NULL);
  pattern = g_strdup_printf ("^%s.*", fixture->topic);
  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .topics = pattern, .reset = "latest" });
  kafka_job_idle (job, 200);
  g_assert_true (kafka_ops_create_topic (fixture->brokers, later, 2, NULL, NULL));
  weir_test_produce_numbered (fixture->brokers, later, 20, &(KafkaProduce){ .n_partitions = 2 });
  kafka_job_read (job, 20);
  kafka_job_expect (job, 20);
}

/* What comes before a partition is found is not lost, though the policy says latest. */
static void
test_a_new_partition_is_read_from_its_beginning (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .reset = "latest" });
  kafka_job_idle (job, 200);
  g_assert_true (kafka_ops_add_partitions (fixture->brokers, fixture->topic, 6, NULL));
  kafka_fixture_produce (fixture, 30, (KafkaProduce){ .first_partition = 5 });
  kafka_job_read (job, 30);
  kafka_job_expect (job, 30);
  g_assert_cmpint (kafka_job_follow (job, 5, 0), ==, 30);
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "a-pattern-finds-topics-that-come-later", 1, test_a_pattern_finds_topics_that_come_later },
    { "a-new-partition-is-read-from-its-beginning", 4, test_a_new_partition_is_read_from_its_beginning },
  };

  return kafka_tests_run (argc, argv, "/kafka-keeper/", tests, G_N_ELEMENTS (tests));
}
