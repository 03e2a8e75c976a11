/* Connections to a broker that wants TLS or a password, and to one that is not there.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "clients/kafka.h"

#include <string.h>

#include <glib/gstdio.h>

#include <weir/weir.h>

#include "tests/servers/servers.h"

typedef struct {
  const char *name, *value;
} Setting;

#define SHORT WEIR_SECONDS (3)
#define LONG  WEIR_SECONDS (120)

static gboolean
reach (const char *brokers, const Setting *settings, WeirTime patience, GError **error)
{
  static const WeirKafkaSetting fixed[] = { { NULL, NULL } };
  const WeirKafkaHandleSpec spec = { .role = WEIR_KAFKA_CONSUMER, .fixed = fixed };
  g_autoptr (WeirContext) ctx = weir_context_new ("test", WEIR_SECONDS (1));
  WeirKafka *kafka = weir_kafka_new (ctx, brokers, "group");
  rd_kafka_t *rk;
  gboolean ok;

  for (; settings != NULL && settings->name != NULL; settings++) {
    weir_kafka_set (kafka, settings->name, settings->value, error);
    g_assert_no_error (*error);
  }
  rk = weir_kafka_handle_new (kafka, &spec, error);
  g_assert_no_error (*error);
  ok = weir_kafka_handle_reach (rk, kafka, patience, error);
  weir_kafka_handle_free (rk);
  return ok;
}

/* That it was refused, and why, takes as long as the broker takes to answer; nobody knows when there is no more to come.
 * The error, transfer full. */
static GError *
be_refused (const char *brokers, const Setting *settings, const char *why)
{
  GError *error = NULL;

  for (WeirTime patience = SHORT; patience < LONG; patience *= 3) {
    g_clear_error (&error);
    g_assert_false (reach (brokers, settings, patience, &error));
    g_assert_nonnull (error);
    if (strstr (error->message, why) != NULL)
      return error;
  }
  g_error ("'%s' is not in: %s", why, error->message);
}

static void
test_nobody_there (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (reach ("127.0.0.1:1", NULL, SHORT, &error));
  g_assert_true (error->domain == WEIR_ERROR);
  g_assert_nonnull (strstr (error->message, "no broker of 127.0.0.1:1 answers ("));
  g_assert_nonnull (strstr (error->message, "Connection refused"));
  g_assert_nonnull (strstr (error->message, "is the address right"));
}

/* A certificate is checked unless somebody says otherwise. */
static void
test_certificates_good_expired_and_unknown (void)
{
  g_autoptr (WeirTestServer) server = weir_test_server_start ("kafka", "--tls", NULL);
  g_autoptr (GError) error = NULL;

  if (server == NULL)
    return;
  const Setting known[] = { { "security.protocol", "ssl" },
                            { "ssl.ca.location", weir_test_server_get (server, "ca") },
                            { NULL, NULL } };
  const Setting unknown[] = { { "security.protocol", "ssl" },
                              { "ssl.ca.location", weir_test_server_get (server, "other-ca") },
                              { NULL, NULL } };

  g_assert_true (reach (weir_test_server_get (server, "tls"), known, LONG, &error));
  g_assert_no_error (error);
  g_error_free (be_refused (weir_test_server_get (server, "expired"), known, "ssl.ca.location"));
  g_error_free (be_refused (weir_test_server_get (server, "tls"), unknown, "ssl.ca.location"));
  g_error_free (be_refused (weir_test_server_get (server, "tls"), NULL, "security.protocol"));
}

/* A password comes from a file, and one that is wrong is named by its properties and not by its value. */
static void
test_a_password_good_and_wrong (void)
{
  g_autoptr (WeirTestServer) server = weir_test_server_start ("kafka", "--sasl", NULL);
  g_autofree char *folder = g_dir_make_tmp ("weir-kafka-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "password", NULL),
                  *reference = g_strdup_printf ("${file:%s}", path);
  const Setting *const settings = (const Setting[]){ { "security.protocol", "sasl_plaintext" },
                                                     { "sasl.mechanism", "PLAIN" },
                                                     { "sasl.username", "weir" },
                                                     { "sasl.password", reference },
                                                     { NULL, NULL } };
  g_autoptr (GError) error = NULL;

  if (server != NULL) {
    g_assert_true (g_file_set_contents (path, weir_test_server_get (server, "password"), -1, NULL));
    g_assert_true (reach (weir_test_server_get (server, "sasl"), settings, LONG, &error));
    g_assert_no_error (error);
    g_assert_true (g_file_set_contents (path, "hunter2", -1, NULL));
    error = be_refused (weir_test_server_get (server, "sasl"), settings,
                        "check sasl.username, sasl.password and sasl.mechanism");
    g_assert_null (strstr (error->message, "hunter2"));
  }
  g_unlink (path);
  g_rmdir (folder);
}

static gpointer
read_often (gpointer kafka)
{
  g_autoptr (GError) error = NULL;

  for (int i = 0; i < 1000; i++) {
    weir_kafka_read_file (kafka, NULL, &error);
    g_assert_no_error (error);
    g_assert_null (weir_kafka_property (kafka, WEIR_KAFKA_CONSUMER, "client.rack"));
  }
  return NULL;
}

/* Receivers begin on threads of their own, several by one connection. */
static void
test_sources_begin_at_the_same_time (void)
{
  g_autoptr (WeirContext) ctx = weir_context_new ("test", WEIR_SECONDS (1));
  WeirKafka *kafka = weir_kafka_new (ctx, "127.0.0.1:1", "group");
  GThread *threads[4];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("source", read_often, kafka);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kafka-client/nobody-there", test_nobody_there);
  g_test_add_func ("/kafka-client/certificates-good-expired-and-unknown", test_certificates_good_expired_and_unknown);
  g_test_add_func ("/kafka-client/a-password-good-and-wrong", test_a_password_good_and_wrong);
  g_test_add_func ("/kafka-client/sources-begin-at-the-same-time", test_sources_begin_at_the_same_time);
  return g_test_run ();
}
