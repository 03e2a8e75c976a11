/* What is done when a partition cannot be read on.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "sources/kafka-source.h"

/* Keeper: FALSE: to be tried again at partition->retry_at. */
gboolean weir_kafka_settle (WeirKafkaSource *source, const WeirKafkaTrouble *trouble);
/* Keeper, while a batch is waited for: is all of it there? What is not will never come, and is lost. */
void weir_kafka_look_for_ends (WeirKafkaSource *source);
