/* Offsets on their way to the group.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "sources/kafka-source.h"

typedef struct _WeirKafkaCommits WeirKafkaCommits;

WeirKafkaCommits *weir_kafka_commits_new (WeirKafkaSource *source);
void weir_kafka_commits_free (WeirKafkaCommits *commits);
void
weir_kafka_commits_add (WeirKafkaCommits *commits, const char *topic, gint32 partition, gint64 offset); /* any thread */
void weir_kafka_commits_send (WeirKafkaCommits *commits); /* keeper: what is new, or is to be said again */
gboolean
weir_kafka_commits_finish (WeirKafkaCommits *commits); /* keeper: waits some seconds at most; FALSE: no answer */
