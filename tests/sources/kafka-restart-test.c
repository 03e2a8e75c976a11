/* kafka-restart-test.c: life after life from a checkpoint.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

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
  WeirTime at;
  g_autofree char *other = NULL;

  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  first = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  kafka_job_read (first, 10);
  at = kafka_job_end (g_steal_pointer (&first));
  g_assert_cmpint (kafka_fixture_await_group (fixture, 10), ==, 10);
  kafka_fixture_produce (fixture, 3, (KafkaProduce){ 0 });
  other = g_strconcat (fixture->group, "-without-offsets", NULL);
  second = kafka_fixture_job (fixture,
                              (KafkaJobSpec){ .folder = fixture->folder, .group = other, .reset = "latest", .at = at });
  kafka_job_read (second, 3);
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "killed-between-batches-nothing-is-lost-or-doubled", 4, test_killed_between_batches_nothing_is_lost_or_doubled },
    { "expired-offsets-of-the-group-do-not-matter", 1, test_expired_offsets_of_the_group_do_not_matter },
  };

  return kafka_tests_run (argc, argv, "/kafka-restart/", tests, G_N_ELEMENTS (tests));
}
