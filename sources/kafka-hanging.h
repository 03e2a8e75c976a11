/* Transactions of others that do not end, behind which nothing committed can be read.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "sources/kafka-source.h"

/* Keeper, now and then: says it once when a partition stands at such a one for long, and when it goes on. */
void weir_kafka_look_for_hanging (WeirKafkaSource *source);
