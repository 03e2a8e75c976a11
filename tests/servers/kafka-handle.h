/* A librdkafka client for one call of kafka-ops.h: made from settings, and its errors as GError.
 *
 * Only for the files kafka-*.c here.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <librdkafka/rdkafka.h>

#include "tests/servers/kafka-ops.h"

G_BEGIN_DECLS

#define KAFKA_OPS_MS (KAFKA_OPS_SECONDS * 1000)

G_DEFINE_AUTOPTR_CLEANUP_FUNC (rd_kafka_t, rd_kafka_destroy)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (rd_kafka_queue_t, rd_kafka_queue_destroy)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (rd_kafka_event_t, rd_kafka_event_destroy)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (rd_kafka_topic_partition_list_t, rd_kafka_topic_partition_list_destroy)

typedef void (*KafkaReportFunc) (rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque);

/* A handle for the brokers; `settings` is a NULL-terminated list of name, value, name, value … or NULL. */
rd_kafka_t *kafka_handle_new (rd_kafka_type_t type, const char *brokers, const char *const *settings, GError **error);
/* A producer that calls `report` with `opaque` for each delivery. */
rd_kafka_t *kafka_handle_new_writer (const char *brokers, const char *const *settings, KafkaReportFunc report,
                                     gpointer opaque, GError **error);

/* Sets the error: `what` on `on`, the code, and the text if there is one. Returns FALSE always. */
gboolean
kafka_handle_fail (const char *what, const char *on, rd_kafka_resp_err_t code, const char *text, GError **error);
/* FALSE and the error set if there is one, which is freed. */
gboolean kafka_handle_check (const char *what, const char *on, rd_kafka_error_t *failed, GError **error);

G_END_DECLS
