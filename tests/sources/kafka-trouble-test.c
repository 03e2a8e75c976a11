/* kafka-trouble-test.c: records that Kafka deleted, topics that were made anew.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

#include <string.h>

#include "tests/engine/watch.h"

/* A job that has read ten, has ended, and comes back when twenty more were written and all but five deleted. */
static KafkaJob *
come_back_late (const KafkaFixture *fixture, const char *on_loss)
{
  KafkaJob *job = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  WeirTime at;

  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  kafka_job_read (job, 10);
  at = kafka_job_end (job);
  kafka_fixture_produce (fixture, 20, (KafkaProduce){ 0 });
  g_assert_true (kafka_ops_delete_records (fixture->brokers, fixture->topic, 0, 25, NULL));
  return kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder, .on_loss = on_loss, .at = at });
}

static void
test_retention_overtakes_the_reader_and_the_job_fails (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  g_autoptr (GError) error = NULL;

  job = come_back_late (fixture, NULL);
  error = kafka_job_fail (job);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS);
  g_assert_nonnull (strstr (error->message, "-0: offset 10 is wanted and the first that is there is 25: up to 15 "));
}

static void
test_retention_overtakes_the_reader_and_the_job_goes_on (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  Watch watch;

  watch_init (&watch);
  watch_catch_log (&watch);
  job = come_back_late (fixture, "earliest");
  kafka_job_read (job, 5);
  while (job->rejected->len == 0)
    kafka_job_idle (job, 20);
  g_assert_nonnull (strstr (job->rejected->str, "deleted by Kafka before it was read: 15\n"));
  g_assert_cmpuint (watch_count (&watch, "offset 10 is wanted and the first that is there is 25"), ==, 1);
  g_clear_pointer (&job, kafka_job_free);
  watch_clear (&watch);
}

static void
test_latest_goes_on_at_the_end (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  Watch watch;

  watch_init (&watch);
  watch_catch_log (&watch);
  job = come_back_late (fixture, "latest");
  while (job->rejected->len == 0)
    kafka_job_idle (job, 20);
  kafka_fixture_produce (fixture, 3, (KafkaProduce){ 0 });
  kafka_job_read (job, 3);
  g_assert_nonnull (strstr (job->rejected->str, ": 20\n"));
  g_clear_pointer (&job, kafka_job_free);
  watch_clear (&watch);
}

static void
make_anew (const KafkaFixture *fixture)
{
  g_assert_true (kafka_ops_delete_topic (fixture->brokers, fixture->topic, NULL));
  g_assert_true (kafka_ops_create_topic (fixture->brokers, fixture->topic, 1, NULL, NULL));
}

/* As many records as before, and the offset is in range: only the record before it tells. */
static void
test_a_topic_made_anew_while_the_job_was_down (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) first = NULL, second = NULL;
  WeirTime at;
  g_autoptr (GError) error = NULL;

  first = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  kafka_job_read (first, 10);
  at = kafka_job_end (g_steal_pointer (&first));
  make_anew (fixture);
  kafka_fixture_produce (fixture, 20, (KafkaProduce){ .key = "other" });
  second = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder, .at = at });
  error = kafka_job_fail (second);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS);
  g_assert_nonnull (strstr (error->message, "another record than before lies at offset 9"));
}

static void
test_a_topic_made_anew_and_shorter (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) first = NULL, second = NULL;
  WeirTime at;
  g_autoptr (GError) error = NULL;

  first = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  kafka_job_read (first, 10);
  at = kafka_job_end (g_steal_pointer (&first));
  make_anew (fixture);
  kafka_fixture_produce (fixture, 4, (KafkaProduce){ 0 });
  second = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder, .at = at });
  error = kafka_job_fail (second);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS);
}

static void
test_a_topic_made_anew_while_it_is_read (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  Watch watch;

  watch_init (&watch);
  watch_catch_log (&watch);
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder, .on_loss = "earliest" });
  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  kafka_job_read (job, 10);
  make_anew (fixture);
  kafka_fixture_produce (fixture, 4, (KafkaProduce){ .key = "other" });
  kafka_job_read (job, 14);
  g_clear_pointer (&job, kafka_job_free);
  watch_clear (&watch);
}

/* The offset is in range: only the record before it tells, if all are there when it is looked for. Made anew before the job
 * hears that it was gone, it could not be told: the client reads on. */
static void
test_a_longer_topic_made_anew_while_it_is_read (KafkaFixture *fixture, gconstpointer data)
{
  gint64 deadline = g_get_monotonic_time () + WATCH_DEADLINE;
  g_autoptr (KafkaJob) job = NULL;
  Watch watch;

  watch_init (&watch);
  watch_catch_log (&watch);
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder, .on_loss = "earliest" });
  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  kafka_job_read (job, 10);
  g_assert_true (kafka_ops_delete_topic (fixture->brokers, fixture->topic, NULL));
  while (watch_count (&watch, "is gone: waiting for it to come back") == 0 && g_get_monotonic_time () < deadline)
    kafka_job_idle (job, 20);
  g_assert_true (kafka_ops_create_topic (fixture->brokers, fixture->topic, 1, NULL, NULL));
  kafka_fixture_produce (fixture, 25, (KafkaProduce){ .key = "other" });
  kafka_job_read (job, 35);
  g_clear_pointer (&job, kafka_job_free);
  watch_clear (&watch);
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "retention-overtakes-the-reader-and-the-job-fails", 1, test_retention_overtakes_the_reader_and_the_job_fails },
    { "retention-overtakes-the-reader-and-the-job-goes-on", 1,
      test_retention_overtakes_the_reader_and_the_job_goes_on },
    { "latest-goes-on-at-the-end", 1, test_latest_goes_on_at_the_end },
    { "a-topic-made-anew-while-the-job-was-down", 1, test_a_topic_made_anew_while_the_job_was_down },
    { "a-topic-made-anew-and-shorter", 1, test_a_topic_made_anew_and_shorter },
    { "a-topic-made-anew-while-it-is-read", 1, test_a_topic_made_anew_while_it_is_read },
    { "a-longer-topic-made-anew-while-it-is-read", 1, test_a_longer_topic_made_anew_while_it_is_read },
  };

  return kafka_tests_run (argc, argv, "/kafka-trouble/", tests, G_N_ELEMENTS (tests));
}
