/* Kafka: topics as a source, and as an output.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/context.h>
#include <weir/output.h>

G_BEGIN_DECLS

typedef struct _WeirKafka WeirKafka;

typedef struct {
  const char *name;
  gconstpointer data; /* NULL: a header without a value */
  gsize size;
} WeirKafkaHeader;

/* Allocated by the engine: fields may be appended. Valid until the function returns. */
typedef struct {
  const char *topic;
  gint32 partition;
  gint64 offset;
  gint64 timestamp_ms; /* -1: it has none */
  WeirValue key, value;
  const WeirKafkaHeader *headers;
  gsize n_headers;
} WeirKafkaMessage;

typedef void (*WeirKafkaFunc) (WeirTask *task, const WeirKafkaMessage *message, gpointer user_data);

WEIR_API WeirKafka *weir_kafka_new (WeirContext *ctx, const char *brokers, const char *group);
WEIR_API gboolean weir_kafka_set (WeirKafka *k, const char *property, const char *value, GError **error);

WEIR_API WeirStream *weir_kafka_direct_stream (WeirKafka *k, const char *topics);
WEIR_API WeirStream *
weir_kafka_direct_stream_with (WeirKafka *k, const char *topics, WeirKafkaFunc f, gpointer user_data);
WEIR_API WeirStream *weir_kafka_receiver_stream (WeirKafka *k, const char *topics);
WEIR_API void weir_kafka_start_at (WeirStream *s, const char *topic, gint32 partition, gint64 offset);
WEIR_API void weir_kafka_assign (WeirStream *s, const char *topic, gint32 partition, gint64 offset);

typedef struct {
  const char *topic;
  gint32 partition;
  gint64 from;
  gint64 until; /* exclusive */
} WeirOffsetRange;

WEIR_API const WeirOffsetRange *weir_dataset_offset_ranges (WeirDataset *data, gsize *n);
WEIR_API void weir_kafka_commit_async (WeirKafka *k, const WeirOffsetRange *ranges, gsize n);

/* A record to be written. Zeroed but for `partition` and `timestamp_ms`, which are -1, before the function is called. */
typedef struct {
  const char *topic;
  gint32 partition;    /* -1: by the key, as Java's clients do */
  gint64 timestamp_ms; /* -1: now */
  WeirValue key, value;
  const WeirKafkaHeader *headers;
  gsize n_headers;
} WeirKafkaRecord;

typedef gboolean (*WeirKafkaEncodeFunc) (WeirTask *task, WeirValue value, WeirKafkaRecord *record, gpointer user_data);

WEIR_API WeirOutput *weir_kafka_output (WeirStream *s, WeirKafka *k, const char *topic);
WEIR_API WeirOutput *weir_kafka_output_with (WeirStream *s, WeirKafka *k, WeirKafkaEncodeFunc f, gpointer user_data);

G_END_DECLS
