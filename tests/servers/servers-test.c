/* The helpers of servers.h against the servers that they give: what tests in C build on must itself be true.
 *
 * Knows nothing of weir. Main thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/servers/servers.h"

#include <signal.h>
#include <string.h>

static void
test_produces_and_consumes (void)
{
  const char *brokers = weir_test_brokers ();
  if (!brokers)
    return;
  g_autofree char *topic = weir_test_topic_new (brokers, 2, NULL);
  weir_test_produce (brokers, topic, 1, "a key", "with a key");
  weir_test_produce (brokers, topic, 1, NULL, "without");
  g_autoptr (GPtrArray) records = weir_test_consume (brokers, topic);
  g_assert_cmpuint (records->len, ==, 2);
  const KafkaRecord *first = records->pdata[0], *second = records->pdata[1];
  g_assert_cmpint (first->partition, ==, 1);
  g_assert_cmpint (first->offset, ==, 0);
  g_assert_cmpstr (first->key, ==, "a key");
  g_assert_cmpstr (first->value, ==, "with a key");
  g_assert_cmpint (second->offset, ==, 1);
  g_assert_null (second->key);
  g_assert_cmpint (second->timestamp_ms, >, 0);
}

static void
test_numbers_lines_round_partitions (void)
{
  const char *brokers = weir_test_brokers ();
  if (!brokers)
    return;
  g_autofree char *topic = weir_test_topic_new (brokers, 3, NULL);
  weir_test_produce_numbered (brokers, topic, 300,
                              &(KafkaProduce){ .n_partitions = 3, .key_prefix = "k", .n_keys = 6 });
  g_autoptr (GPtrArray) records = weir_test_consume (brokers, topic);
  g_assert_cmpuint (records->len, ==, 300);
  for (guint i = 0; i < records->len; i++) {
    const KafkaRecord *record = records->pdata[i];
    gint64 line = record->offset * 3 + record->partition;
    g_autofree char *value = g_strdup_printf ("line %" G_GINT64_FORMAT, line);
    g_autofree char *key = g_strdup_printf ("k%" G_GINT64_FORMAT, line % 6);
    g_assert_cmpstr (record->value, ==, value);
    g_assert_cmpstr (record->key, ==, key);
  }
}

static void
test_hides_what_is_not_committed (void)
{
  const char *brokers = weir_test_brokers ();
  if (!brokers)
    return;
  g_autofree char *topic = weir_test_topic_new (brokers, 1, NULL);
  weir_test_produce_numbered (brokers, topic, 5, &(KafkaProduce){ .transactional_id = topic, .abort = TRUE });
  weir_test_produce_numbered (brokers, topic, 2, &(KafkaProduce){ .transactional_id = topic });
  weir_test_produce_numbered (brokers, topic, 3, &(KafkaProduce){ .transactional_id = topic, .leave_open = TRUE });
  g_autoptr (GPtrArray) records = weir_test_consume (brokers, topic);
  g_assert_cmpuint (records->len, ==, 2);
  g_assert_cmpint (((KafkaRecord *) records->pdata[0])->offset, ==, 6); /* five aborted and the mark of the abort */
  KafkaOffsets at = { 0 };
  g_autoptr (GError) error = NULL;
  kafka_ops_offsets (brokers, topic, 0, &at, &error);
  g_assert_no_error (error);
  g_assert_cmpint (at.committed, ==, 9);
  g_assert_cmpint (at.end, ==, 12);
}

static void
test_changes_a_topic (void)
{
  const char *brokers = weir_test_brokers ();
  if (!brokers)
    return;
  g_autofree char *topic = weir_test_topic_new (brokers, 1, "retention.ms=1234567", NULL);
  g_autoptr (GError) error = NULL;
  const char *const config[] = { "segment.bytes=1048576", NULL };
  kafka_ops_alter_config (brokers, topic, config, &error);
  g_assert_no_error (error);
  g_auto (GStrv) entries = kafka_ops_describe_config (brokers, topic, &error);
  g_assert_no_error (error);
  g_assert_true (g_strv_contains ((const char *const *) entries, "segment.bytes=1048576"));
  g_assert_true (g_strv_contains ((const char *const *) entries, "retention.ms=1234567"));
  weir_test_produce_numbered (brokers, topic, 10, NULL);
  kafka_ops_delete_records (brokers, topic, 0, 4, &error);
  g_assert_no_error (error);
  g_autoptr (GPtrArray) records = weir_test_consume (brokers, topic);
  g_assert_cmpuint (records->len, ==, 6);
  g_assert_cmpstr (((KafkaRecord *) records->pdata[0])->value, ==, "line 4");
  kafka_ops_add_partitions (brokers, topic, 3, &error);
  g_assert_no_error (error);
  g_assert_cmpint (kafka_ops_n_partitions (brokers, topic, &error), ==, 3);
}

static void
test_makes_a_deleted_topic_anew (void)
{
  const char *brokers = weir_test_brokers ();
  if (!brokers)
    return;
  g_autofree char *topic = weir_test_topic_new (brokers, 2, NULL);
  weir_test_produce_numbered (brokers, topic, 10, NULL);
  g_autoptr (GError) error = NULL;
  kafka_ops_delete_topic (brokers, topic, &error);
  g_assert_no_error (error);
  g_assert_cmpint (kafka_ops_n_partitions (brokers, topic, &error), ==, -1);
  g_assert_error (error, KAFKA_OPS_ERROR, 3);
  g_clear_error (&error);
  kafka_ops_create_topic (brokers, topic, 1, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (GPtrArray) records = weir_test_consume (brokers, topic);
  g_assert_cmpuint (records->len, ==, 0);
}

static void
test_private_server_ends (void)
{
  g_autoptr (WeirTestServer) server = weir_test_server_start ("redis", "--appendonly", NULL);
  if (!server)
    return;
  pid_t pid = (pid_t) g_ascii_strtoll (weir_test_server_get (server, "pid"), NULL, 10);
  g_assert_cmpint (pid, >, 1);
  g_autofree char *address = g_strdup (weir_test_server_address (server));
  weir_test_server_kill (server);
  g_assert_cmpint (kill (pid, 0), ==, -1);
  weir_test_server_start_again (server);
  g_assert_cmpstr (weir_test_server_address (server), ==, address);
  weir_test_server_pause (server);
  weir_test_server_resume (server);
  pid = (pid_t) g_ascii_strtoll (weir_test_server_get (server, "pid"), NULL, 10);
  g_assert_cmpint (kill (pid, 0), ==, 0);
  g_autofree char *folder = g_strdup (weir_test_server_get (server, "dir"));
  g_assert_true (g_file_test (folder, G_FILE_TEST_IS_DIR));
  g_clear_pointer (&server, weir_test_server_free);
  g_assert_cmpint (kill (pid, 0), ==, -1);
  g_assert_false (g_file_test (folder, G_FILE_TEST_EXISTS));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/servers/produces-and-consumes", test_produces_and_consumes);
  g_test_add_func ("/servers/numbers-lines-round-partitions", test_numbers_lines_round_partitions);
  g_test_add_func ("/servers/hides-what-is-not-committed", test_hides_what_is_not_committed);
  g_test_add_func ("/servers/changes-a-topic", test_changes_a_topic);
  g_test_add_func ("/servers/makes-a-deleted-topic-anew", test_makes_a_deleted_topic_anew);
  g_test_add_func ("/servers/private-server-ends", test_private_server_ends);
  return g_test_run ();
}
