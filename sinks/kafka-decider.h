/* The one transaction of a job's Kafka outputs, which decides whether an epoch is sealed: see engine/decider.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/decider.h"
#include "sinks/kafka-producer.h"

typedef struct {
  WeirDecider decider;
  WeirKafkaProducer *producer; /* transactional */
  const char *topic;           /* that a new checkpoint's marker is kept under; constant */
  char *group;                 /* of the marker */
  char *marker_topic;          /* that this checkpoint's marker is kept under; from recover () on */
  gboolean is_open;            /* a transaction is: runner between batches, then the checkpoint thread */
  gint64 refresh_at; /* likewise; by the engine's clock: the marker is written anew; G_MAXINT64: there is none */
} WeirKafkaDecider;

void weir_kafka_decider_init (WeirKafkaDecider *self, WeirKafkaProducer *producer, const char *topic);
void weir_kafka_decider_clear (WeirKafkaDecider *self);
/* Runner, before a batch is written: waits until the epoch before is decided, and opens a transaction if none is. */
gboolean weir_kafka_decider_begin (WeirKafkaDecider *self, GError **error);
/* What transactional ids are made of; transfer full. */
char *weir_kafka_decider_id (const char *job);
/* The longest that a transaction may be open, in ms. OPTION: it does not fit checkpoint.interval. */
gboolean weir_kafka_decider_timeout (WeirKafka *kafka, WeirTime interval, guint *timeout, GError **error);
