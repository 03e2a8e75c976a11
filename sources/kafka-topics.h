/* Which topics a stream reads, and which partitions they have.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "clients/kafka-position.h"
#include "clients/kafka.h"

typedef struct {
  char **names;         /* NULL: a pattern, or what is assigned */
  GRegex *pattern;      /* nullable */
  gboolean has_private; /* the pattern asks for topics that begin with "__" */
  GArray *assigned;     /* of WeirKafkaPlace: these partitions only; NULL: all of the topics */
} WeirKafkaTopics;

typedef struct {
  char *topic;
  gint32 partition;
} WeirKafkaPartitionName;

/* "a", "a,b" or "^pattern". OPTION: it is none of them. */
gboolean weir_kafka_topics_parse (WeirKafkaTopics *topics, const char *text, GError **error);
void weir_kafka_topics_clear (WeirKafkaTopics *topics);
void weir_kafka_topics_assign (WeirKafkaTopics *topics, const char *topic, gint32 partition, gint64 offset);

/* Does the job read it, if it is there? */
gboolean weir_kafka_topics_want (const WeirKafkaTopics *topics, const char *topic, gint32 partition);

GArray *weir_kafka_partition_names_new (void); /* of WeirKafkaPartitionName */
/* What there is now, by topic and partition; topics that are not there are left out, and named in @missing (nullable; of
 * char *). May block for @timeout milliseconds a topic. */
gboolean weir_kafka_topics_list (const WeirKafkaTopics *topics, rd_kafka_t *rk, int timeout, GArray *found,
                                 GPtrArray *missing, GError **error);
