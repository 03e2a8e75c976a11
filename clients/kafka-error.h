/* Errors of Kafka clients as GError.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/error.h>

#include "clients/kafka-version.h"

/* The code that stands for a failure; @otherwise where it is neither fencing, a time-out nor lost data. */
WeirError weir_kafka_error_code (rd_kafka_resp_err_t code, WeirError otherwise);
/* May it pass by itself? */
gboolean weir_kafka_is_transient (rd_kafka_resp_err_t code);
/* "<what>: <the client's words>"; @otherwise: SOURCE or SINK. What cannot pass by itself becomes FAILED. FALSE always. */
gboolean weir_kafka_fail (GError **error, rd_kafka_resp_err_t code, WeirError otherwise, const char *format, ...)
    G_GNUC_PRINTF (4, 5);
