/* librdkafka, 2.0.2 and later, and what differs between versions. The only place that includes it.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>
#include <librdkafka/rdkafka.h>

#if RD_KAFKA_VERSION < 0x020002ff
#error "librdkafka 2.0.2 or later is needed"
#endif

/* Versions differ in properties, which are set where the library at run time knows them (clients/kafka-conf.c), and in
 * bugs: nothing here pauses, resumes or seeks, because batches of 2.0.x then have wrong offsets, and offsets are stored
 * by hand only, because end-of-partition events moved them from 2.2.0 to 2.13.0. */

G_DEFINE_AUTOPTR_CLEANUP_FUNC (rd_kafka_conf_t, rd_kafka_conf_destroy)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (rd_kafka_queue_t, rd_kafka_queue_destroy)
