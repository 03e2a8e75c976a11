/* One consumer handle and the thread that takes what it gives.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "sources/kafka-source.h"

/* Makes the handle; does not read. */
WeirKafkaReader *weir_kafka_reader_new (WeirKafkaSource *source, GError **error);
gboolean weir_kafka_reader_start (WeirKafkaReader *reader, GError **error);
void weir_kafka_reader_wake (WeirKafkaReader *reader); /* it looks at what it should do; any thread */
void weir_kafka_reader_free (WeirKafkaReader *reader); /* joins; source->quit is set */
void
weir_kafka_reader_give_up (WeirKafkaReader *reader); /* its client waits for a broker: nobody waits for the client */
rd_kafka_t *weir_kafka_reader_handle (const WeirKafkaReader *reader);
guint
weir_kafka_reader_count (const WeirKafkaReader *reader); /* partitions that it was given; keeper, or nothing runs */

/* Keeper: reads @partition from its `expected` on, or from its `check` on; it was not read before, or has been left. */
gboolean weir_kafka_reader_assign (WeirKafkaReader *reader, WeirKafkaPartition *partition, GError **error);
void weir_kafka_reader_leave (WeirKafkaReader *reader, WeirKafkaPartition *partition);
