/* The thread that does what may block: begins to read, looks for new partitions, finds out about trouble, commits.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "sources/kafka-source.h"

WeirKafkaKeeper *weir_kafka_keeper_new (WeirKafkaSource *source);
/* Begins to read all partitions of the source. Loop thread, or whoever opens. */
gboolean weir_kafka_keeper_start (WeirKafkaKeeper *keeper, GError **error);
void weir_kafka_keeper_stop (WeirKafkaKeeper *keeper); /* commits what is left, and joins; may block for some seconds */
void weir_kafka_keeper_free (WeirKafkaKeeper *keeper);

/* Any thread. */
void weir_kafka_keeper_report (WeirKafkaKeeper *keeper, const WeirKafkaTrouble *trouble);
void weir_kafka_keeper_ask_for_room (WeirKafkaKeeper *keeper);
/* Commits @offset for the group soon; of several for a partition the last. */
void weir_kafka_keeper_commit (WeirKafkaKeeper *keeper, const char *topic, gint32 partition, gint64 offset);
/* The log ends at @end, before what a batch had that is to be run again, and that is the end of it. Keeper. */
void weir_kafka_keeper_tell_end (WeirKafkaSource *source, WeirKafkaPartition *partition, gint64 end);
/* What a client says; @data: the source. */
void weir_kafka_keeper_say (gint severity, const char *text, gpointer data);

/* The loop's answer when the keeper asks for room, and takes partitions over (sources/kafka.c). */
void weir_kafka_source_await_room (WeirKafkaSource *source);
void weir_kafka_source_take_partition (WeirKafkaSource *source, WeirKafkaPartition *partition);
void weir_kafka_source_take_end (WeirKafkaSource *source, WeirKafkaPartition *partition, gint64 end);
