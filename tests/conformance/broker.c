/* Owns a broker, and the count of what was written to it. Must not know who reads. The one in memory is librdkafka's: it
 * belongs to a client that does nothing else.
 *
 * One thread, beside librdkafka's. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/broker.h"

#include <string.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <gio/gio.h>

#include "tests/servers/kafka-ops.h"

static gboolean
start_in_memory (Broker *broker, GError **error)
{
  rd_kafka_conf_t *conf = rd_kafka_conf_new ();
  char said[512] = "";

  if (rd_kafka_conf_set (conf, "test.mock.num.brokers", "1", said, sizeof said) == RD_KAFKA_CONF_OK &&
      rd_kafka_conf_set (conf, "log_level", "3", said, sizeof said) == RD_KAFKA_CONF_OK)
    broker->memory = rd_kafka_new (RD_KAFKA_PRODUCER, conf, said, sizeof said);
  if (broker->memory == NULL) {
    rd_kafka_conf_destroy (conf);
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "there is no broker in memory: %s", said);
    return FALSE;
  }
  broker->addresses = g_strdup (rd_kafka_mock_cluster_bootstraps (rd_kafka_handle_mock_cluster (broker->memory)));
  return TRUE;
}

gboolean
broker_init (Broker *broker, guint n_partitions, GError **error)
{
  const char *real = g_getenv ("WEIR_TEST_BROKERS");
  g_autofree char *unique = g_uuid_string_random ();

  *broker = (Broker){ .prefix = g_strdup_printf ("case-%s-", unique), .n_partitions = n_partitions };
  broker->ends = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (real == NULL || *real == '\0')
    return start_in_memory (broker, error);
  broker->addresses = g_strdup (real);
  return TRUE;
}

void
broker_clear (Broker *broker)
{
  if (broker->memory != NULL)
    rd_kafka_destroy (broker->memory);
  g_hash_table_unref (broker->ends);
  g_free (broker->addresses);
  g_free (broker->prefix);
}

char *
broker_name (const Broker *broker, const char *name)
{
  return g_strconcat (broker->prefix, name, NULL);
}

gboolean
broker_create (Broker *broker, const char *topic, GError **error)
{
  g_autofree char *name = broker_name (broker, topic);
  rd_kafka_resp_err_t code;

  if (broker->memory == NULL)
    return kafka_ops_create_topic (broker->addresses, name, (int) broker->n_partitions, NULL, error);
  code =
      rd_kafka_mock_topic_create (rd_kafka_handle_mock_cluster (broker->memory), name, (int) broker->n_partitions, 1);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "topic %s cannot be made: %s", name, rd_kafka_err2str (code));
  return FALSE;
}

static gboolean
go_on (const KafkaRecord *record, gpointer user_data)
{
  return TRUE;
}

void
broker_look (const Broker *broker, const char *topic)
{
  g_autofree char *name = broker_name (broker, topic);

  kafka_ops_read (broker->addresses, name, TRUE, go_on, NULL, NULL);
}

gint64
broker_end (const Broker *broker, const char *topic, guint partition)
{
  g_autofree char *place = g_strdup_printf ("%s/%u", topic, partition);
  const gint64 *end = g_hash_table_lookup (broker->ends, place);

  return end != NULL ? *end : 0;
}

static void
count (Broker *broker, const KafkaLines *lines, const KafkaProduce *how)
{
  guint n = (guint) MAX (how->n_partitions, 1);

  for (guint i = 0; i < n && i < lines->texts->len; i++) {
    guint partition = (guint) how->first_partition + i;
    gint64 *end = g_new (gint64, 1);

    *end = broker_end (broker, lines->topic, partition) + (lines->texts->len - i + n - 1) / n;
    g_hash_table_insert (broker->ends, g_strdup_printf ("%s/%u", lines->topic, partition), end);
  }
}

static const char *
next_line (gint64 i, gsize *size, gpointer lines)
{
  const GPtrArray *texts = ((const KafkaLines *) lines)->texts;
  const char *text = i < texts->len ? g_ptr_array_index (texts, i) : NULL;

  *size = text != NULL ? strlen (text) : 0;
  return text;
}

/* Records of one key are in one partition. */
static KafkaProduce
way_to_write (const Broker *broker, const KafkaLines *lines)
{
  KafkaProduce how = { .key = lines->key };

  if (lines->partition >= 0)
    how.first_partition = lines->partition;
  else if (lines->key != NULL)
    how.first_partition = (int) (g_str_hash (lines->key) % broker->n_partitions);
  else
    how.n_partitions = (int) broker->n_partitions;
  return how;
}

gboolean
broker_write (Broker *broker, const KafkaLines *lines, gboolean is_uncommitted_read, GError **error)
{
  KafkaProduce how = way_to_write (broker, lines);
  g_autofree char *name = broker_name (broker, lines->topic);

  if (lines->fate != LINES_PLAIN && broker->memory != NULL) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                 "the broker in memory has no transactions: name a real one in WEIR_TEST_BROKERS");
    return FALSE;
  }
  if (lines->fate != LINES_PLAIN)
    how.transactional_id = broker->prefix;
  how.abort = lines->fate == LINES_ABORTED;
  if (kafka_ops_produce (broker->addresses, name, &how, next_line, (gpointer) lines, error) < 0)
    return FALSE;
  if (!how.abort || is_uncommitted_read)
    count (broker, lines, &how);
  return TRUE;
}
