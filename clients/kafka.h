/* A connection to a Kafka cluster: brokers, group, properties, and the handles that are made of them.
 *
 * Built by the job before start; constant from then on, but for the committer, which a lock guards.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/kafka.h>

#include "clients/kafka-error.h"
#include "clients/kafka-properties.h"

WeirContext *weir_kafka_context (const WeirKafka *kafka);
const char *weir_kafka_brokers (const WeirKafka *kafka);
const char *weir_kafka_group (const WeirKafka *kafka); /* NULL: none */

/* The option kafka.properties, nullable; what the job's code sets outranks it. Read once, by whoever asks
 * first; any thread. */
gboolean weir_kafka_read_file (WeirKafka *kafka, const char *path, GError **error);
/* What the job or the file says, transfer full; NULL: nothing. */
char *weir_kafka_property (const WeirKafka *kafka, WeirKafkaRole role, const char *name);

typedef struct {
  const char *name, *value;
} WeirKafkaSetting;

/* Where what a client says goes: on the thread that polls the handle's main queue. @severity: as syslog's. */
typedef void (*WeirKafkaSay) (gint severity, const char *text, gpointer data);

typedef struct {
  WeirKafkaRole role;
  const WeirKafkaSetting
      *defaults;                 /* what the job may set otherwise; those that the library does not know are left out.
                                       Ends with a NULL name; nullable */
  const WeirKafkaSetting *fixed; /* what must be so; likewise */
  void (*delivered) (rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque); /* producers; nullable */
  void (*rebalanced) (rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions,
                      void *opaque); /* members of a group; nullable */
  WeirKafkaSay say;                  /* nullable: nobody listens */
  gpointer data;                     /* of both, and rd_kafka_opaque () / WeirKafkaOpaque of the handle */
} WeirKafkaHandleSpec;

/* Does not wait for a connection. OPTION: the properties do not fit together. */
rd_kafka_t *weir_kafka_handle_new (WeirKafka *kafka, const WeirKafkaHandleSpec *spec, GError **error);
/* May block shortly; while brokers are away, for as long as they are waited for. */
void weir_kafka_handle_free (rd_kafka_t *rk);
/* Likewise, on a thread of its own: nobody waits, and no callback comes any more. Any thread. */
void weir_kafka_handle_abandon (rd_kafka_t *rk);
gpointer weir_kafka_handle_data (const rd_kafka_t *rk);

/* Asks a broker, trying again for @patience microseconds: TRUE: one has answered. */
gboolean weir_kafka_handle_reach (rd_kafka_t *rk, const WeirKafka *kafka, gint64 patience, GError **error);
/* "" where it is not known; transfer full. May block. */
char *weir_kafka_handle_cluster (rd_kafka_t *rk);

/* Who commits offsets for weir_kafka_commit_async (); NULL: nobody. */
typedef void (*WeirKafkaCommitter) (const WeirOffsetRange *ranges, gsize n, gpointer data);
void weir_kafka_add_committer (WeirKafka *kafka, WeirKafkaCommitter committer, gpointer data);
void weir_kafka_remove_committer (WeirKafka *kafka, gpointer data);
