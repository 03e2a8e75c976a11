/* A librdkafka client for one call of kafka-ops.h: made from settings, and its errors as GError.
 *
 * Knows nothing of topics and records. Any thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/servers/kafka-handle.h"

G_DEFINE_QUARK (kafka - ops - error - quark, kafka_ops_error)

gboolean
kafka_handle_fail (const char *what, const char *on, rd_kafka_resp_err_t code, const char *text, GError **error)
{
  g_set_error (error, KAFKA_OPS_ERROR, code, "Kafka: %s %s: %s (%s)", what, on, text ? text : rd_kafka_err2str (code),
               rd_kafka_err2name (code));
  return FALSE;
}

gboolean
kafka_handle_check (const char *what, const char *on, rd_kafka_error_t *failed, GError **error)
{
  if (!failed)
    return TRUE;
  kafka_handle_fail (what, on, rd_kafka_error_code (failed), rd_kafka_error_string (failed), error);
  rd_kafka_error_destroy (failed);
  return FALSE;
}

static gboolean
set (rd_kafka_conf_t *conf, const char *name, const char *value, GError **error)
{
  char text[256];
  if (rd_kafka_conf_set (conf, name, value, text, sizeof text) == RD_KAFKA_CONF_OK)
    return TRUE;
  return kafka_handle_fail ("set", name, RD_KAFKA_RESP_ERR__INVALID_ARG, text, error);
}

/* Brokers that are killed on purpose are no news: what matters comes back from the calls. */
static void
hush (const rd_kafka_t *rk G_GNUC_UNUSED, int level G_GNUC_UNUSED, const char *fac G_GNUC_UNUSED,
      const char *text G_GNUC_UNUSED)
{
}

static gboolean
set_all (rd_kafka_conf_t *conf, const char *brokers, const char *const *settings, GError **error)
{
  static const char *const COMMON[] = {
    "socket.nagle.disable", "true", "reconnect.backoff.ms", "20", "reconnect.backoff.max.ms", "200", NULL
  };
  gboolean good = set (conf, "bootstrap.servers", brokers, error);
  for (gsize i = 0; good && COMMON[i]; i += 2)
    good = set (conf, COMMON[i], COMMON[i + 1], error);
  for (gsize i = 0; good && settings && settings[i]; i += 2)
    good = set (conf, settings[i], settings[i + 1], error);
  return good;
}

/* Takes conf. */
static rd_kafka_t *
make (rd_kafka_type_t type, rd_kafka_conf_t *conf, const char *brokers, const char *const *settings, GError **error)
{
  char text[256] = "";
  rd_kafka_conf_set_log_cb (conf, hush);
  gboolean good = set_all (conf, brokers, settings, error);
  rd_kafka_t *rk = good ? rd_kafka_new (type, conf, text, sizeof text) : NULL;
  if (rk)
    return rk;
  if (good)
    kafka_handle_fail ("make a client for", brokers, rd_kafka_last_error (), text, error);
  rd_kafka_conf_destroy (conf);
  return NULL;
}

rd_kafka_t *
kafka_handle_new (rd_kafka_type_t type, const char *brokers, const char *const *settings, GError **error)
{
  return make (type, rd_kafka_conf_new (), brokers, settings, error);
}

rd_kafka_t *
kafka_handle_new_writer (const char *brokers, const char *const *settings, KafkaReportFunc report, gpointer opaque,
                         GError **error)
{
  rd_kafka_conf_t *conf = rd_kafka_conf_new ();
  rd_kafka_conf_set_dr_msg_cb (conf, report);
  rd_kafka_conf_set_opaque (conf, opaque);
  return make (RD_KAFKA_PRODUCER, conf, brokers, settings, error);
}
