/* A member of a group whose job has a log, and crashes: what Kafka was told is done is not lost.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

#include "tests/sources/logged-job.h"

static WeirValue
number_of (WeirTask *task, WeirValue record, gpointer user_data)
{
  WeirValue line = weir_val (record), word;
  gint64 number = -1;

  weir_text_next_token (&line, ' ', &word);
  weir_parse_int (line, &number);
  return weir_int (number);
}

static WeirStream *
join (WeirContext *ctx, gpointer data)
{
  const KafkaFixture *fixture = data;
  WeirKafka *kafka = weir_kafka_new (ctx, fixture->brokers, fixture->group);
  g_autoptr (GError) error = NULL;

  weir_kafka_set (kafka, "auto.offset.reset", "earliest", &error);
  g_assert_no_error (error);
  weir_kafka_set (kafka, "session.timeout.ms", "6000", &error);
  g_assert_no_error (error);
  return weir_map (weir_stream_set_uid (weir_kafka_receiver_stream (kafka, fixture->topic), "member"), number_of, NULL);
}

/* Runs batches until they have @n numbers in this life. */
static void
read_all (LoggedJob *job, gsize n)
{
  gint64 deadline = g_get_monotonic_time () + WATCH_DEADLINE;

  while (logged_job_n_values (job) < n && g_get_monotonic_time () < deadline)
    logged_job_advance (job, 1);
  g_assert_cmpuint (logged_job_n_values (job), ==, n);
}

/* Nothing is sealed in the first life, and the group's offsets are behind all that came. */
static void
test_what_was_committed_and_not_sealed_comes_from_the_log (KafkaFixture *fixture, gconstpointer data)
{
  LoggedJob job;

  logged_job_init (&job);
  job.stream = join;
  job.stream_data = fixture;
  job.block_interval = "10ms";
  logged_job_start (&job, 0);
  kafka_fixture_produce (fixture, 50, (KafkaProduce){ 0 });
  read_all (&job, 50);
  g_assert_cmpint (kafka_fixture_await_group (fixture, 50), ==, 50);
  logged_job_crash (&job);

  kafka_fixture_produce (fixture, 30, (KafkaProduce){ 0 });
  logged_job_start (&job, WEIR_SECONDS (1000));
  read_all (&job, 80);
  logged_job_expect_total (&job, 49 * 50 / 2 + 29 * 30 / 2);
  logged_job_clear (&job);
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "what-was-committed-and-not-sealed-comes-from-the-log", 1,
      test_what_was_committed_and_not_sealed_comes_from_the_log },
  };

  return kafka_tests_run (argc, argv, "/kafka-receiver-log/", tests, G_N_ELEMENTS (tests));
}
