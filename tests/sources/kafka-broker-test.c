/* Brokers that go away while a job reads, and a reader that is far behind.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "tests/engine/watch.h"

static void
test_a_broker_killed_and_started_again (void)
{
  g_autoptr (WeirTestServer) server = weir_test_server_start ("kafka", NULL);
  g_autofree char *topic = NULL;
  g_autoptr (KafkaJob) job = NULL;
  Watch watch;

  if (server == NULL)
    return;
  watch_init (&watch);
  watch_catch_log (&watch);
  topic = weir_test_topic_new (weir_test_server_address (server), 4, NULL);
  job = kafka_job_new (&(KafkaJobSpec){ .brokers = weir_test_server_address (server), .group = "g", .topics = topic });
  for (int round = 0; round < 2; round++) {
    weir_test_produce_numbered (weir_test_server_address (server), topic, 100, &(KafkaProduce){ .n_partitions = 4 });
    kafka_job_read (job, job->n_read + 100);
    weir_test_server_kill (server);
    kafka_job_idle (job, 300);
    weir_test_server_start_again (server);
  }
  weir_test_produce_numbered (weir_test_server_address (server), topic, 100, &(KafkaProduce){ .n_partitions = 4 });
  kafka_job_read (job, 300);
  g_clear_pointer (&job, kafka_job_free);
  watch_clear (&watch);
}

static void
test_a_broker_that_stands_still (void)
{
  g_autoptr (WeirTestServer) server = weir_test_server_start ("kafka", NULL);
  g_autofree char *topic = NULL;
  g_autoptr (KafkaJob) job = NULL;
  gint64 begin;
  Watch watch;

  if (server == NULL)
    return;
  watch_init (&watch);
  watch_catch_log (&watch);
  topic = weir_test_topic_new (weir_test_server_address (server), 1, NULL);
  weir_test_produce_numbered (weir_test_server_address (server), topic, 100, NULL);
  job = kafka_job_new (&(KafkaJobSpec){ .brokers = weir_test_server_address (server), .group = "g", .topics = topic });
  kafka_job_read (job, 100);
  weir_test_server_pause (server);
  kafka_job_idle (job, 3000);
  weir_test_server_resume (server);
  weir_test_produce_numbered (weir_test_server_address (server), topic, 100, NULL);
  kafka_job_read (job, 200);
  weir_test_server_pause (server);
  begin = g_get_monotonic_time ();
  g_clear_pointer (&job, kafka_job_free); /* what is not committed is not waited for long */
  g_assert_cmpint (g_get_monotonic_time () - begin, <, WEIR_SECONDS (12));
  weir_test_server_resume (server);
  watch_clear (&watch);
}

static void
cut_log (const WeirTestServer *server, const char *topic, gint64 *size)
{
  g_autofree char *name = g_strconcat (topic, "-0", NULL);
  g_autofree char *path =
      g_build_filename (weir_test_server_get (server, "dir"), "data", name, "00000000000000000000.log", NULL);
  GStatBuf found;

  g_assert_cmpint (g_stat (path, &found), ==, 0);
  if (*size == 0)
    *size = found.st_size;
  g_assert_cmpint (truncate (path, *size), ==, 0);
}

/* Brokers confirm what they have in memory. When the power fails the end of a log may be gone, and others may lead whose
 * log is shorter: then offsets come again, with other records. */
static void
test_a_log_that_lost_its_end_in_a_power_cut (void)
{
  g_autoptr (WeirTestServer) server = weir_test_server_start ("kafka", NULL);
  g_autofree char *topic = NULL;
  g_autoptr (KafkaJob) job = NULL;
  g_autoptr (GError) error = NULL;
  gint64 size = 0;
  Watch watch;

  if (server == NULL)
    return;
  watch_init (&watch);
  watch_catch_log (&watch);
  topic = weir_test_topic_new (weir_test_server_address (server), 1, NULL);
  weir_test_produce_numbered (weir_test_server_address (server), topic, 50, NULL);
  cut_log (server, topic, &size);
  weir_test_produce_numbered (weir_test_server_address (server), topic, 50, NULL);
  job = kafka_job_new (&(KafkaJobSpec){ .brokers = weir_test_server_address (server), .group = "g", .topics = topic });
  kafka_job_read (job, 100);
  weir_test_server_kill (server);
  cut_log (server, topic, &size);
  weir_test_server_start_again (server);
  error = kafka_job_fail (job);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS);
  g_assert_nonnull (strstr (error->message, "nothing is at offset 100"));
  g_assert_nonnull (strstr (error->message, "it ends at 50"));
  g_clear_pointer (&job, kafka_job_free);
  watch_clear (&watch);
}

static const char *
line_of_kilobytes (gint64 i, gsize *size, gpointer user_data)
{
  static char line[10000];

  memset (line, 'a' + (int) (i % 26), sizeof line);
  *size = sizeof line;
  return i < 30000 ? line : NULL;
}

static gsize most_held;

static gboolean
look_at_memory (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  g_autofree char *text = NULL;
  gsize n;

  if (!weir_dataset_count (data, &n, error) || !g_file_get_contents ("/proc/self/statm", &text, NULL, error))
    return FALSE;
  *(gsize *) user_data += n;
  most_held = MAX (most_held, (gsize) g_ascii_strtoull (strchr (text, ' '), NULL, 10) * 4096);
  return TRUE;
}

/* 300 MB wait, and the job may hold 256 MB. */
static void
test_a_lag_larger_than_memory_limit (void)
{
  const char *brokers = weir_test_brokers ();
  gint64 deadline = g_get_monotonic_time () + WEIR_SECONDS (120);
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_MILLISECONDS (100));
  g_autofree char *topic = NULL;
  g_autoptr (GError) error = NULL;
  WeirKafka *kafka;
  gsize n = 0;

  if (brokers == NULL)
    return;
  topic = weir_test_topic_new (brokers, 2, NULL);
  g_assert_cmpint (
      kafka_ops_produce (brokers, topic, &(KafkaProduce){ .n_partitions = 2 }, line_of_kilobytes, NULL, &error), ==,
      30000);
  kafka = weir_kafka_new (ctx, brokers, topic);
  g_assert_true (weir_kafka_set (kafka, "auto.offset.reset", "earliest", &error));
  g_assert_true (weir_context_set (ctx, "memory.limit", "256MB", &error));
  weir_foreach_batch (weir_kafka_direct_stream (kafka, topic), look_at_memory, &n);
  while (n < 30000 && g_get_monotonic_time () < deadline)
    g_assert_true (weir_test_advance (ctx, 1, &error));
  g_assert_cmpuint (n, ==, 30000);
#ifndef __SANITIZE_ADDRESS__ /* which keeps what was freed */
  g_assert_cmpuint (most_held, <, (gsize) 320 * 1024 * 1024);
#endif
  g_test_message ("at most %" G_GSIZE_FORMAT " MB were held", most_held / 1024 / 1024);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kafka-broker/killed-and-started-again", test_a_broker_killed_and_started_again);
  g_test_add_func ("/kafka-broker/stands-still", test_a_broker_that_stands_still);
  g_test_add_func ("/kafka-broker/a-log-that-lost-its-end-in-a-power-cut", test_a_log_that_lost_its_end_in_a_power_cut);
  g_test_add_func ("/kafka-broker/a-lag-larger-than-memory-limit", test_a_lag_larger_than_memory_limit);
  return g_test_run ();
}
