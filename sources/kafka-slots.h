/* The slots of the direct source that lie in files of their own, and what they share with sources/kafka.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "sources/kafka-plan.h"

/* sources/kafka-open.c: brokers, topics, and where to begin. Whoever opens; nothing runs. */
gboolean weir_kafka_source_open (WeirSource *source, GError **error);
void weir_kafka_source_close (WeirSource *source);
/* Where all partitions begin that nobody has said of; @is_new: others have been read before. */
gboolean weir_kafka_source_find_starts (WeirKafkaSource *self, gboolean is_new, GError **error);

/* sources/kafka-restart.c: what a checkpoint keeps of the source. Loop thread. */
void weir_kafka_source_save (WeirSource *source, const WeirPlan *plan, GByteArray *bytes);
gboolean weir_kafka_source_resume (WeirSource *source, gconstpointer bytes, gsize size, GError **error);
gboolean weir_kafka_source_replan (WeirSource *source, WeirPlan *plan, gconstpointer bytes, gsize size);
void weir_kafka_source_sealed (WeirSource *source, gconstpointer bytes, gsize size);

/* sources/kafka.c */
void weir_kafka_source_finish_plan (WeirKafkaSource *self, WeirKafkaPlan *data, WeirPlan *plan);
void weir_kafka_source_wake_readers (WeirKafkaSource *self);

static inline WeirKafkaPartition *
weir_kafka_partition_at (const WeirKafkaSource *self, guint i)
{
  return g_ptr_array_index (self->partitions, i);
}
