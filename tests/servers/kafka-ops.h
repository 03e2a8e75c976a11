/* What tests do to a Kafka broker from outside: topics, records, configuration, reading back; over librdkafka alone.
 *
 * Shared by the program kafka-admin (for scripts and Python) and by servers.h (for tests in C). Knows nothing of weir: what
 * it reads back is a second opinion. Each call blocks, for KAFKA_OPS_SECONDS at most where a broker does not answer, and
 * makes a client of its own. Errors are KAFKA_OPS_ERROR with librdkafka's code.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define KAFKA_OPS_SECONDS 60
#define KAFKA_OPS_ERROR   (kafka_ops_error_quark ())
GQuark kafka_ops_error_quark (void);

/* A record read back. The bytes have a 0 behind them that the size does not count; a record without a key has a NULL key. */
typedef struct {
  gint32 partition;
  gint64 offset;
  gint64 timestamp_ms;
  char *key, *value;
  gsize key_size, value_size;
} KafkaRecord;

/* Where a partition begins, ends, and up to where it is committed (no open transaction before). */
typedef struct {
  gint64 first, end, committed;
} KafkaOffsets;

/* How produce writes. All zero: keyless, in partition 0, no transaction. */
typedef struct {
  int n_partitions; /* lines go round partitions 0 to n - 1; 0 or 1: to partition `first_partition` */
  int first_partition;
  const char *key;              /* the key of every line; NULL: see key_prefix */
  const char *key_prefix;       /* the key of line i is PREFIX and i modulo n_keys; NULL: no keys */
  gint64 n_keys;                /* 0: as many keys as lines */
  const char *transactional_id; /* NULL: no transaction */
  gboolean abort;               /* the transaction ends in an abort */
  gboolean leave_open;          /* it does not end: it is open until the id is used again or its time runs out */
  int transaction_timeout_ms;   /* 0: 60,000 */
  gint64 per_transaction;       /* lines in a transaction; 0: all in one */
  gint64 timestamp_ms;          /* CreateTime of all; 0: now */
  const char *compression;      /* codec; NULL: none */
} KafkaProduce;

/* Gives line number i (from 0); the bytes live until the next call. NULL ends it. */
typedef const char *(*KafkaLineFunc) (gint64 i, gsize *size, gpointer user_data);
/* Takes one record; FALSE ends the reading. */
typedef gboolean (*KafkaRecordFunc) (const KafkaRecord *record, gpointer user_data);

/* `config` is a NULL-terminated list of "name=value", or NULL. */
gboolean kafka_ops_create_topic (const char *brokers, const char *topic, int n_partitions, const char *const *config,
                                 GError **error);
gboolean kafka_ops_delete_topic (const char *brokers, const char *topic, GError **error);
gboolean kafka_ops_add_partitions (const char *brokers, const char *topic, int total, GError **error);
/* Records of the partition before offset `before` go; -1: all that are there. */
gboolean
kafka_ops_delete_records (const char *brokers, const char *topic, int partition, gint64 before, GError **error);
/* Sets the topic's own configuration; what was set before and is not named stays. */
gboolean kafka_ops_alter_config (const char *brokers, const char *topic, const char *const *config, GError **error);
/* "name=value" of each entry, sorted; (transfer full). */
char **kafka_ops_describe_config (const char *brokers, const char *topic, GError **error);
/* Number of partitions, -1 with an error. */
int kafka_ops_n_partitions (const char *brokers, const char *topic, GError **error);
gboolean
kafka_ops_offsets (const char *brokers, const char *topic, int partition, KafkaOffsets *offsets, GError **error);
/* What offsets.retention.minutes does to a group without members, done at once. */
gboolean kafka_ops_delete_group (const char *brokers, const char *group, GError **error);
/* The committed offset of a group and its metadata text (transfer full); -1 where there is none. */
gboolean kafka_ops_group_offset (const char *brokers, const char *group, const char *topic, int partition,
                                 gint64 *offset, char **metadata, GError **error);
/* Number of lines written, -1 with an error. Counts by delivery reports. */
gint64 kafka_ops_produce (const char *brokers, const char *topic, const KafkaProduce *how, KafkaLineFunc line,
                          gpointer user_data, GError **error);
/* Reads each partition from its first record to the end that it had when the call began; partition after partition is
 * not promised, order within a partition is. `uncommitted`: also what is not, or never will be, committed. */
gboolean kafka_ops_read (const char *brokers, const char *topic, gboolean uncommitted, KafkaRecordFunc function,
                         gpointer user_data, GError **error);

G_END_DECLS
