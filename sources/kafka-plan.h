/* What a batch reads of Kafka, and reading it.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "sources/kafka-source.h"

/* One slice a partition of a topic, and of the dataset. */
typedef struct {
  const WeirKafkaPartition *partition;
  WeirKafkaTaken taken;
} WeirKafkaSlice;

typedef struct {
  guint n;
  WeirKafkaSlice slices[];
} WeirKafkaPlan;

WeirKafkaPlan *weir_kafka_plan_new (guint n);
void weir_kafka_plan_free (WeirKafkaPlan *plan);
/* Sums the slices up. */
void weir_kafka_plan_describe (const WeirKafkaPlan *kafka_plan, WeirPlan *plan);

typedef struct {
  guint piece;
  guint32 at;
  gboolean is_begun;
} WeirKafkaCursor;

/* WeirOpClass.read; reader->state is a WeirKafkaCursor. */
gboolean weir_kafka_read (WeirTask *task, WeirReader *reader);
