/* kafka-commits-test.c: the group's offsets are a mirror of what is done.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

static void
test_the_groups_offsets_follow_complete_batches (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 10);
  g_assert_cmpint (kafka_fixture_await_group (fixture, 10), ==, 10);
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "the-groups-offsets-follow-complete-batches", 1, test_the_groups_offsets_follow_complete_batches },
  };

  return kafka_tests_run (argc, argv, "/kafka-commits/", tests, G_N_ELEMENTS (tests));
}
