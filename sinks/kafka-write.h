/* Elements as records: what each partition's task hands to the producer.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/op.h"
#include "sinks/kafka-producer.h"

/* The params of the terminal. */
typedef struct {
  WeirKafkaProducer *producer;
  WeirKafkaTopic *topic;      /* of all records; NULL: encode says it */
  WeirKafkaEncodeFunc encode; /* nullable */
  gpointer user_data;
} WeirKafkaWriting;

/* Once the dataset has run into it, all records are with the client, or the producer is broken. */
extern const WeirOpClass weir_kafka_write_class;
