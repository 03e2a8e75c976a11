/* kafka-hanging-test.c: somebody's transaction that does not end is told.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/engine/watch.h"
#include "tests/sources/kafka-fixture.h"

/* One partition stands behind it, with a record that nobody can read; the other has nothing to give. */
static void
test_a_transaction_that_does_not_end_is_told_once (KafkaFixture *fixture, gconstpointer data)
{
  const KafkaProduce open = { .transactional_id = fixture->group,
                              .leave_open = TRUE,
                              .transaction_timeout_ms = 600000 };
  gint64 deadline = g_get_monotonic_time () + WATCH_DEADLINE;
  g_autoptr (KafkaJob) job = NULL;
  Watch watch;

  watch_init (&watch);
  watch_catch_log (&watch);
  kafka_fixture_produce (fixture, 3, (KafkaProduce){ 0 });
  kafka_fixture_produce (fixture, 5, open);
  kafka_fixture_produce (fixture, 4, (KafkaProduce){ 0 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 3);
  while (watch_count (&watch, "-0 stands at offset 3, and 9 offsets behind it wait") == 0 &&
         g_get_monotonic_time () < deadline)
    kafka_job_idle (job, 100);
  g_assert_cmpuint (watch_count (&watch, "-0 stands at offset 3, and 9 offsets behind it wait"), ==, 1);
  g_assert_cmpuint (watch_count (&watch, "-1 stands at"), ==, 0);
  kafka_job_idle (job, 20);
  g_assert_cmpuint (job->n_hanging, ==, 1);
  kafka_fixture_produce (fixture, 1, (KafkaProduce){ .transactional_id = fixture->group }); /* aborts the open one */
  kafka_job_read (job, 8);
  while (job->n_hanging > 0 && g_get_monotonic_time () < deadline)
    kafka_job_idle (job, 100);
  g_assert_cmpuint (job->n_hanging, ==, 0);
  g_clear_pointer (&job, kafka_job_free);
  watch_clear (&watch);
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "a-transaction-that-does-not-end-is-told-once", 2, test_a_transaction_that_does_not_end_is_told_once },
  };

  return kafka_tests_run (argc, argv, "/kafka-hanging/", tests, G_N_ELEMENTS (tests));
}
