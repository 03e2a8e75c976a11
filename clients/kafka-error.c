/* Owns what errors of Kafka's mean to a job: whether waiting helps, and what to do. Must not know who asked. No state;
 * any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "clients/kafka-error.h"

#include <stdarg.h>

typedef struct {
  rd_kafka_resp_err_t code;
  const char *advice;
} Advice;

/* Nobody but the user can do something about these. */
static const Advice final[] = {
  { RD_KAFKA_RESP_ERR__AUTHENTICATION, "check sasl.username, sasl.password and sasl.mechanism" },
  { RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, "check sasl.username, sasl.password and sasl.mechanism" },
  { RD_KAFKA_RESP_ERR__SSL, "check security.protocol and ssl.ca.location" },
  { RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, "the user may not use this topic: ask for the right" },
  { RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED, "the user may not use this group: ask for the right" },
  { RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    "the user may not use this transactional id: ask for the right" },
  { RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED, "the user may not use this cluster: ask for the right" },
  { RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
    "raise message.max.bytes here and max.message.bytes of the topic, or write smaller records" },
  { RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, "raise segment.bytes of the topic, or lower batch.size" },
  { RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, "this name cannot be a topic's: name another" },
  { RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT,
    "lower transaction.timeout.ms, or raise transaction.max.timeout.ms of the brokers" },
  { RD_KAFKA_RESP_ERR__INVALID_ARG, "check the names and numbers" },
  { RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, "the topic has no such partition: name another, or add partitions" },
};

static const Advice *
find_final (rd_kafka_resp_err_t code)
{
  for (guint i = 0; i < G_N_ELEMENTS (final); i++)
    if (final[i].code == code)
      return &final[i];
  return NULL;
}

static gboolean
is_fencing (rd_kafka_resp_err_t code)
{
  return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
         code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH || code == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID;
}

static gboolean
is_timeout (rd_kafka_resp_err_t code)
{
  return code == RD_KAFKA_RESP_ERR__TIMED_OUT || code == RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT ||
         code == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT || code == RD_KAFKA_RESP_ERR__TIMED_OUT_QUEUE;
}

gboolean
weir_kafka_is_transient (rd_kafka_resp_err_t code)
{
  return find_final (code) == NULL && !is_fencing (code);
}

WeirError
weir_kafka_error_code (rd_kafka_resp_err_t code, WeirError otherwise)
{
  if (is_fencing (code))
    return WEIR_ERROR_FENCED;
  if (is_timeout (code))
    return WEIR_ERROR_TIMEOUT;
  return find_final (code) != NULL ? WEIR_ERROR_FAILED : otherwise;
}

gboolean
weir_kafka_fail (GError **error, rd_kafka_resp_err_t code, WeirError otherwise, const char *format, ...)
{
  const Advice *advice = find_final (code);
  g_autofree char *what = NULL;
  va_list arguments;

  va_start (arguments, format);
  what = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_set_error (error, WEIR_ERROR, weir_kafka_error_code (code, otherwise), "%s: %s%s%s", what, rd_kafka_err2str (code),
               advice != NULL ? ": " : "", advice != NULL ? advice->advice : "");
  return FALSE;
}
