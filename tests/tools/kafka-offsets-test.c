/* `weir checkpoint set-offsets` on a job that reads a real broker. SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"
#include "tests/tools/program.h"

/* What the program says of the source, or after moving its partition 0 to @next if that is not NULL. */
static char *
ask (const KafkaFixture *fixture, int status, const char *next)
{
  g_autofree char *where = g_strdup_printf ("%s:0=%s", fixture->topic, next != NULL ? next : "");
  Told told;

  if (next != NULL)
    program_run (&told, "checkpoint", "set-offsets", fixture->folder, "records", where, NULL);
  else
    program_run (&told, "checkpoint", "offsets", fixture->folder, NULL);
  if (told.status != status)
    g_test_message ("%s", told.err);
  g_assert_cmpint (told.status, ==, status);
  g_free (told.err);
  return told.out;
}

static void
expect_offset (const KafkaFixture *fixture, gint64 next)
{
  g_autofree char *out = ask (fixture, 0, NULL);
  g_autofree char *expected = g_strdup_printf (
      "#uid\tverb\twhere\tnext\nrecords\tkafka_direct_stream\t%s:0\t%" G_GINT64_FORMAT "\n", fixture->topic, next);

  g_assert_cmpstr (out, ==, expected);
}

/* Reads what there is from the checkpoint on: lines @from to 9. */
static WeirTime
read_from (KafkaFixture *fixture, gint64 from, WeirTime at)
{
  KafkaJob *job = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder, .at = at });
  g_autofree char *expected = kafka_numbered (from, 10);
  g_autofree char *values = NULL;

  kafka_job_read (job, (gsize) (10 - from));
  values = kafka_job_values (job);
  g_assert_cmpstr (values, ==, expected);
  return kafka_job_end (job);
}

static void
test_a_topic_is_read_from_where_it_was_set (KafkaFixture *fixture, gconstpointer data)
{
  WeirTime at;

  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  at = read_from (fixture, 0, 0);
  expect_offset (fixture, 10);
  g_free (ask (fixture, 0, "4"));
  expect_offset (fixture, 4);
  at = read_from (fixture, 4, at);
  g_free (ask (fixture, 0, "0"));
  read_from (fixture, 0, at);
}

static void
test_a_job_that_runs_is_left_alone (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder });

  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  kafka_job_read (job, 10);
  expect_offset (fixture, 10);
  g_free (ask (fixture, 3, "4"));
  expect_offset (fixture, 10);
}

static void
test_partitions_that_are_not_there_are_named (KafkaFixture *fixture, gconstpointer data)
{
  Told told;

  kafka_fixture_produce (fixture, 10, (KafkaProduce){ 0 });
  read_from (fixture, 0, 0);
  program_run (&told, "checkpoint", "set-offsets", fixture->folder, "records", "elsewhere:0=1", NULL);
  g_assert_cmpint (told.status, ==, 2);
  g_assert_nonnull (g_strstr_len (told.err, -1, fixture->topic));
  told_clear (&told);
  expect_offset (fixture, 10);
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "a-topic-is-read-from-where-it-was-set", 1, test_a_topic_is_read_from_where_it_was_set },
    { "a-job-that-runs-is-left-alone", 1, test_a_job_that_runs_is_left_alone },
    { "partitions-that-are-not-there-are-named", 1, test_partitions_that_are_not_there_are_named },
  };

  return kafka_tests_run (argc, argv, "/kafka-offsets/", tests, G_N_ELEMENTS (tests));
}
