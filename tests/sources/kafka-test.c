/* kafka-test.c: topics of a real broker in direct mode: what a batch has.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

#include <string.h>

#include "engine/stream.h"

static void
test_reads_every_partition_once (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  kafka_fixture_produce (fixture, 1000, (KafkaProduce){ .n_partitions = 4, .key_prefix = "k" });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 1000);
  kafka_job_expect (job, 1000);
  for (int partition = 0; partition < 4; partition++)
    g_assert_cmpint (kafka_job_follow (job, partition, 0), ==, 250);
}

static void
describe (WeirTask *task, const WeirKafkaMessage *message, gpointer user_data)
{
  g_autofree char *text = NULL;

  text = g_strdup_printf ("%d@%" G_GINT64_FORMAT " %s t=%" G_GINT64_FORMAT " key=%.*s value=%.*s headers=%d",
                          message->partition, message->offset, message->topic, message->timestamp_ms,
                          (int) weir_size (message->key), (const char *) weir_data (message->key),
                          (int) weir_size (message->value), (const char *) weir_data (message->value),
                          (int) message->n_headers);
  weir_emit_pair (task, weir_nil (), weir_copy (task, weir_text (text)));
}

/* The timestamp is what the producer set (CreateTime), not a clock of ours. It is of an hour ago: much older records
 * would be retention's. */
static void
test_a_function_sees_all_of_a_record (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  g_autofree char *found = NULL, *expected = NULL;
  gint64 then = g_get_real_time () / 1000 - 3600 * 1000;

  kafka_fixture_produce (fixture, 2, (KafkaProduce){ .first_partition = 1, .key = "k", .timestamp_ms = then });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .f = describe });
  kafka_job_read (job, 2);
  found = kafka_job_values (job);
  expected = g_strdup_printf ("1@0 %s t=%" G_GINT64_FORMAT " key=k value=line 0 headers=0\n"
                              "1@1 %s t=%" G_GINT64_FORMAT " key=k value=line 1 headers=0",
                              fixture->topic, then, fixture->topic, then);
  g_assert_cmpstr (found, ==, expected);
}

/* Two results of each record, and then no sense in every second one. */
static void
take_even (WeirTask *task, const WeirKafkaMessage *message, gpointer user_data)
{
  weir_emit_pair (task, weir_nil (), message->value);
  weir_emit_pair (task, weir_nil (), message->value);
  if (message->offset % 2 == 1)
    weir_fail (task, "odd");
}

static void
reject_errors (WeirKafka *kafka, WeirStream *stream, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (stream->ctx, "on.error", "reject", &error);
  g_assert_no_error (error);
}

static void
test_with_on_error_reject_a_record_leaves_nothing_behind (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  g_autofree char *found = NULL;

  kafka_fixture_produce (fixture, 2000, (KafkaProduce){ 0 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .f = take_even, .build = reject_errors });
  kafka_job_read (job, 2000);
  found = kafka_job_values (job);
  g_assert_true (g_str_has_prefix (found, "line 0\nline 0\nline 10\nline 10\nline 100\nline 100\n"));
  g_assert_null (strstr (found, "1\n"));
  g_assert_true (g_str_has_prefix (job->rejected->str, "records: odd: "));
}

static void
test_compressed_records (KafkaFixture *fixture, gconstpointer data)
{
  static const char *const codecs[] = { "gzip", "snappy", "lz4", "zstd" };
  g_autoptr (KafkaJob) job = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    kafka_fixture_produce (fixture, 500, (KafkaProduce){ .n_partitions = 4, .compression = codecs[i] });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 2000);
}

static void
test_no_partition_gives_more_than_its_rate (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  gint64 last = 0;

  kafka_fixture_produce (fixture, 100, (KafkaProduce){ 0 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .rate = "30" });
  kafka_job_read (job, 100);
  for (guint i = 0; i < job->ranges->len; i++) {
    gint64 until = g_ascii_strtoll (strchr (strchr (g_ptr_array_index (job->ranges, i), ':'), '-') + 1, NULL, 10);

    g_assert_cmpint (until - last, <=, 30);
    last = until;
  }
  kafka_job_expect (job, 100);
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "reads-every-partition-once", 4, test_reads_every_partition_once },
    { "a-function-sees-all-of-a-record", 2, test_a_function_sees_all_of_a_record },
    { "with-on-error-reject-a-record-leaves-nothing-behind", 1,
      test_with_on_error_reject_a_record_leaves_nothing_behind },
    { "compressed-records", 4, test_compressed_records },
    { "no-partition-gives-more-than-its-rate", 1, test_no_partition_gives_more_than_its_rate },
  };

  return kafka_tests_run (argc, argv, "/kafka/", tests, G_N_ELEMENTS (tests));
}
