/* What the reference programs for Kafka share: handles, and the end of the process where something goes wrong.
 * Knows nothing of weir or GLib. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "bench/args.h"

/* @settings: name, value, name, value, NULL. */
rd_kafka_t *kafka_client_new (rd_kafka_type_t type, const BenchArgs *args, const char *const *settings);
void kafka_client_die (const char *what, const char *why);
/* Ends the process if there is an error. */
void kafka_client_check (const char *what, rd_kafka_error_t *error);
/* Records of all partitions, of a topic that nobody has deleted from; their number in @n_partitions. */
int64_t kafka_client_count (rd_kafka_t *rk, const char *topic, int *n_partitions);
