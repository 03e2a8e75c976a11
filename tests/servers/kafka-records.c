/* The part of kafka-ops.h that writes records, reads them back, and asks for offsets.
 *
 * Knows nothing of topic administration but the number of partitions.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/servers/kafka-handle.h"

#include <string.h>

/* What the delivery reports said: the only truth about what was written. */
typedef struct {
  gint64 n_delivered;
  rd_kafka_resp_err_t failed;
} Deliveries;

static gboolean
query (rd_kafka_t *rk, const char *topic, int partition, gint64 *first, gint64 *end, GError **error)
{
  rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets (rk, topic, partition, first, end, KAFKA_OPS_MS);
  return !code || kafka_handle_fail ("ask for the offsets of", topic, code, NULL, error);
}

static rd_kafka_t *
reader_new (const char *brokers, gboolean uncommitted, GError **error)
{
  const char *settings[] = { "group.id",
                             "kafka-ops",
                             "enable.auto.commit",
                             "false",
                             "enable.partition.eof",
                             "true",
                             "auto.offset.reset",
                             "error",
                             "fetch.wait.max.ms",
                             "50",
                             "isolation.level",
                             uncommitted ? "read_uncommitted" : "read_committed",
                             NULL };
  return kafka_handle_new (RD_KAFKA_CONSUMER, brokers, settings, error);
}

gboolean
kafka_ops_offsets (const char *brokers, const char *topic, int partition, KafkaOffsets *offsets, GError **error)
{
  g_autoptr (rd_kafka_t) all = reader_new (brokers, TRUE, error);
  g_autoptr (rd_kafka_t) committed = all ? reader_new (brokers, FALSE, error) : NULL;
  return committed && query (all, topic, partition, &offsets->first, &offsets->end, error) &&
         query (committed, topic, partition, &offsets->first, &offsets->committed, error);
}

/* A broker that has just begun is not every group's yet. */
static gboolean
is_moving (rd_kafka_resp_err_t code)
{
  return code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR || code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
         code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS;
}

static rd_kafka_resp_err_t
ask_committed (rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list)
{
  gint64 deadline = g_get_monotonic_time () + KAFKA_OPS_SECONDS * G_USEC_PER_SEC;
  rd_kafka_resp_err_t code;
  do {
    code = rd_kafka_committed (rk, list, KAFKA_OPS_MS);
    code = code ? code : list->elems[0].err;
  } while (is_moving (code) && g_get_monotonic_time () < deadline);
  return code;
}

gboolean
kafka_ops_group_offset (const char *brokers, const char *group, const char *topic, int partition, gint64 *offset,
                        char **metadata, GError **error)
{
  const char *settings[] = { "group.id", group, "enable.auto.commit", "false", NULL };
  g_autoptr (rd_kafka_t) rk = kafka_handle_new (RD_KAFKA_CONSUMER, brokers, settings, error);
  if (!rk)
    return FALSE;
  g_autoptr (rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new (1);
  rd_kafka_topic_partition_t *asked = rd_kafka_topic_partition_list_add (list, topic, partition);
  rd_kafka_resp_err_t code = ask_committed (rk, list);
  if (code)
    return kafka_handle_fail ("ask for the committed offset of", group, code, NULL, error);
  *offset = asked->offset < 0 ? -1 : asked->offset;
  if (metadata)
    *metadata = g_strndup (asked->metadata ? asked->metadata : "", asked->metadata_size);
  return TRUE;
}

static void
delivered (rd_kafka_t *rk G_GNUC_UNUSED, const rd_kafka_message_t *message, void *opaque)
{
  Deliveries *deliveries = opaque;
  if (message->err)
    deliveries->failed = message->err;
  else
    deliveries->n_delivered++;
}

static rd_kafka_t *
writer_new (const char *brokers, const KafkaProduce *how, Deliveries *deliveries, GError **error)
{
  g_autofree char *timeout = g_strdup_printf ("%d", how->transaction_timeout_ms ? how->transaction_timeout_ms : 60000);
  const char *settings[] = { "linger.ms", "5", "queue.buffering.max.messages", "1000000", "batch.num.messages",
                             "100000", "compression.codec", how->compression ? how->compression : "none",
                             /* Else what a broker that has just begun to lead refuses comes behind what it takes next,
                              * and what was confirmed too late comes twice. */
                             "enable.idempotence", "true",
                             /* What follows is of a transactional producer. */
                             "transactional.id", how->transactional_id, "transaction.timeout.ms", timeout, NULL };
  if (!how->transactional_id)
    settings[10] = NULL;
  return kafka_handle_new_writer (brokers, settings, delivered, deliveries, error);
}

/* Puts one line into the queue, waiting for room as long as the broker takes. */
static gboolean
put (rd_kafka_t *rk, const char *topic, const KafkaProduce *how, gint64 i, const char *value, gsize size)
{
  char numbered[64];
  const char *key = how->key;
  if (how->key_prefix) {
    g_snprintf (numbered, sizeof numbered, "%s%" G_GINT64_FORMAT, how->key_prefix, how->n_keys ? i % how->n_keys : i);
    key = numbered;
  }
  int partition = how->first_partition + (how->n_partitions > 1 ? (int) (i % how->n_partitions) : 0);
  rd_kafka_resp_err_t code;
  do {
    code = rd_kafka_producev (rk, RD_KAFKA_V_TOPIC (topic), RD_KAFKA_V_PARTITION (partition),
                              RD_KAFKA_V_KEY (key, key ? strlen (key) : 0), RD_KAFKA_V_VALUE ((void *) value, size),
                              RD_KAFKA_V_TIMESTAMP (how->timestamp_ms), RD_KAFKA_V_MSGFLAGS (RD_KAFKA_MSG_F_COPY),
                              RD_KAFKA_V_END);
    rd_kafka_poll (rk, code == RD_KAFKA_RESP_ERR__QUEUE_FULL ? 100 : 0);
  } while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL);
  return code == RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* As long as the broker takes something. */
static gboolean
flush (rd_kafka_t *rk, const char *topic, gint64 n_written, Deliveries *deliveries, GError **error)
{
  rd_kafka_resp_err_t code;
  gint64 before;
  do {
    before = deliveries->n_delivered;
    code = rd_kafka_flush (rk, KAFKA_OPS_MS);
  } while (code == RD_KAFKA_RESP_ERR__TIMED_OUT && deliveries->n_delivered > before);
  code = code ? code : deliveries->failed;
  if (!code && deliveries->n_delivered != n_written)
    code = RD_KAFKA_RESP_ERR__FAIL;
  return !code || kafka_handle_fail ("produce to", topic, code, NULL, error);
}

static gboolean
end_transaction (rd_kafka_t *rk, const char *topic, const KafkaProduce *how, GError **error)
{
  if (!how->transactional_id || how->leave_open)
    return TRUE;
  if (how->abort)
    return kafka_handle_check ("abort a transaction on", topic, rd_kafka_abort_transaction (rk, KAFKA_OPS_MS), error);
  return kafka_handle_check ("commit a transaction on", topic, rd_kafka_commit_transaction (rk, KAFKA_OPS_MS), error);
}

static gboolean
begin_transaction (rd_kafka_t *rk, const char *topic, const KafkaProduce *how, GError **error)
{
  return !how->transactional_id ||
         kafka_handle_check ("begin a transaction on", topic, rd_kafka_begin_transaction (rk), error);
}

static gboolean
produce_all (rd_kafka_t *rk, const char *topic, const KafkaProduce *how, KafkaLineFunc line, gpointer user_data,
             GError **error)
{
  Deliveries *deliveries = rd_kafka_opaque (rk);
  gsize size = 0;
  gint64 i = 0;
  gboolean good = begin_transaction (rk, topic, how, error);
  for (const char *value; good && (value = line (i, &size, user_data)); i++) {
    if (i && how->per_transaction && i % how->per_transaction == 0)
      good = flush (rk, topic, i, deliveries, error) && end_transaction (rk, topic, how, error) &&
             begin_transaction (rk, topic, how, error);
    if (good && !put (rk, topic, how, i, value, size))
      good = kafka_handle_fail ("produce to", topic, rd_kafka_last_error (), NULL, error);
  }
  return good && flush (rk, topic, i, deliveries, error) && end_transaction (rk, topic, how, error);
}

gint64
kafka_ops_produce (const char *brokers, const char *topic, const KafkaProduce *how, KafkaLineFunc line,
                   gpointer user_data, GError **error)
{
  static const KafkaProduce PLAIN = { 0 };
  how = how ? how : &PLAIN;
  Deliveries deliveries = { 0 };
  g_autoptr (rd_kafka_t) rk = writer_new (brokers, how, &deliveries, error);
  if (!rk)
    return -1;
  if (how->transactional_id && !kafka_handle_check ("begin with transactional id", how->transactional_id,
                                                    rd_kafka_init_transactions (rk, KAFKA_OPS_MS), error))
    return -1;
  return produce_all (rk, topic, how, line, user_data, error) ? deliveries.n_delivered : -1;
}

/* Reading: what is still to come of each partition. */
typedef struct {
  rd_kafka_t *rk;
  const char *topic;
  gint64 *ends;
  int n_partitions, n_open;
  KafkaRecordFunc function;
  gpointer user_data;
} Reading;

static gboolean
reading_assign (Reading *reading, GError **error)
{
  g_autoptr (rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new (reading->n_partitions);
  for (int p = 0; p < reading->n_partitions; p++) {
    gint64 first = 0;
    if (!query (reading->rk, reading->topic, p, &first, &reading->ends[p], error))
      return FALSE;
    if (first >= reading->ends[p])
      continue;
    rd_kafka_topic_partition_list_add (list, reading->topic, p)->offset = first;
    reading->n_open++;
  }
  rd_kafka_resp_err_t code = list->cnt ? rd_kafka_assign (reading->rk, list) : RD_KAFKA_RESP_ERR_NO_ERROR;
  return !code || kafka_handle_fail ("read", reading->topic, code, NULL, error);
}

/* The partition is done once something at its end or behind was seen: the last records may be no data. */
static void
reading_at (Reading *reading, int partition, gint64 next)
{
  if (reading->ends[partition] >= 0 && next >= reading->ends[partition]) {
    reading->ends[partition] = -1;
    reading->n_open--;
  }
}

static char *
bytes_dup (const void *bytes, gsize size)
{
  return bytes ? g_strndup (bytes, size) : NULL;
}

/* FALSE ends the reading. Copies, so that the bytes end in a 0. */
static gboolean
reading_take (Reading *reading, const rd_kafka_message_t *message)
{
  gboolean more = TRUE;
  if (!message->err && reading->ends[message->partition] > message->offset) {
    g_autofree char *key = bytes_dup (message->key, message->key_len);
    g_autofree char *value = bytes_dup (message->payload, message->len);
    KafkaRecord record = { .partition = message->partition, .offset = message->offset, .key = key, .value = value };
    record.timestamp_ms = rd_kafka_message_timestamp (message, NULL);
    record.key_size = message->key_len, record.value_size = message->len;
    more = reading->function (&record, reading->user_data);
  }
  reading_at (reading, message->partition, message->offset + (message->err ? 0 : 1));
  return more;
}

static gboolean
reading_run (Reading *reading, GError **error)
{
  gboolean more = TRUE;
  while (more && reading->n_open) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll (reading->rk, KAFKA_OPS_MS);
    rd_kafka_resp_err_t code = message ? message->err : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (code && code != RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      kafka_handle_fail ("read", reading->topic, code, message ? rd_kafka_message_errstr (message) : NULL, error);
      g_clear_pointer (&message, rd_kafka_message_destroy);
      return FALSE;
    }
    more = reading_take (reading, message);
    rd_kafka_message_destroy (message);
  }
  return TRUE;
}

gboolean
kafka_ops_read (const char *brokers, const char *topic, gboolean uncommitted, KafkaRecordFunc function,
                gpointer user_data, GError **error)
{
  int n = kafka_ops_n_partitions (brokers, topic, error);
  g_autoptr (rd_kafka_t) rk = n > 0 ? reader_new (brokers, uncommitted, error) : NULL;
  if (!rk)
    return FALSE;
  g_autofree gint64 *ends = g_new0 (gint64, (gsize) n);
  Reading reading = { rk, topic, ends, n, 0, function, user_data };
  rd_kafka_poll_set_consumer (rk);
  gboolean good = reading_assign (&reading, error) && reading_run (&reading, error);
  rd_kafka_consumer_close (rk);
  return good;
}
