/* What cases expect of topics.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/conformance/kafka-input.h"

/* @gave: of JsonNode, an array for each phase. Numbers alone are how many elements are expected of a source. */
void kafka_compare (Case *one, const KafkaInput *input, const GPtrArray *gave);
