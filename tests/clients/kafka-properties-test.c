/* Properties of the client: which may be set, where secrets come from, and that nobody sees them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "clients/kafka-properties.h"

#include <string.h>

#include <glib/gstdio.h>

#include <weir/error.h>

static void
expect_error (const char *name, const char *value, const char *part)
{
  g_autoptr (WeirKafkaProperties) properties = weir_kafka_properties_new ();
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_kafka_properties_set (properties, name, value, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_nonnull (strstr (error->message, name));
  g_assert_nonnull (strstr (error->message, part));
}

/* What decides whether records are lost or doubled is not for a job to set. */
static void
test_auto_commit_and_offset_store_are_refused (void)
{
  expect_error ("enable.auto.commit", "true", "when batches are done");
  expect_error ("enable.auto.offset.store", "true", "when batches are done");
  expect_error ("group.id", "g", "weir_kafka_new ()");
  expect_error ("transactional.id", "t", "context's name");
  expect_error ("no.such.property", "1", "");
  expect_error ("fetch.wait.max.ms", "soon", "");
}

static char *
applied (WeirKafkaProperties *properties, WeirKafkaRole role, const char *name)
{
  g_autoptr (rd_kafka_conf_t) conf = rd_kafka_conf_new ();
  g_autoptr (GError) error = NULL;
  char value[256];
  size_t size = sizeof value;

  g_assert_true (weir_kafka_properties_apply (properties, role, conf, &error));
  g_assert_no_error (error);
  g_assert_cmpint (rd_kafka_conf_get (conf, name, value, &size), ==, RD_KAFKA_CONF_OK);
  return g_strdup (value);
}

static void
test_roles (void)
{
  g_autoptr (WeirKafkaProperties) properties = weir_kafka_properties_new ();
  g_autofree char *consumer = NULL, *producer = NULL, *said = NULL;

  g_assert_true (weir_kafka_properties_set (properties, "client.id", "both", NULL));
  g_assert_true (weir_kafka_properties_set (properties, "producer.client.id", "writer", NULL));
  consumer = applied (properties, WEIR_KAFKA_CONSUMER, "client.id");
  producer = applied (properties, WEIR_KAFKA_PRODUCER, "client.id");
  g_assert_cmpstr (consumer, ==, "both");
  g_assert_cmpstr (producer, ==, "writer");
  said = weir_kafka_properties_get (properties, WEIR_KAFKA_CONSUMER, "client.id");
  g_assert_cmpstr (said, ==, "both");
  g_assert_null (weir_kafka_properties_get (properties, WEIR_KAFKA_CONSUMER, "linger.ms"));
}

static void
test_secrets_come_from_the_environment_or_a_file (void)
{
  g_autoptr (WeirKafkaProperties) properties = weir_kafka_properties_new ();
  g_autofree char *folder = g_dir_make_tmp ("weir-kafka-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "secret", NULL), *reference = g_strdup_printf ("${file:%s}", path);
  g_autofree char *user = NULL, *password = NULL, *said = NULL;

  g_assert_true (g_file_set_contents (path, "from-a-file\n", -1, NULL));
  g_setenv ("WEIR_TEST_USER", "from-the-environment", TRUE);
  g_assert_true (weir_kafka_properties_set (properties, "sasl.username", "${env:WEIR_TEST_USER}", NULL));
  g_assert_true (weir_kafka_properties_set (properties, "sasl.password", reference, NULL));
  user = applied (properties, WEIR_KAFKA_CONSUMER, "sasl.username");
  password = applied (properties, WEIR_KAFKA_CONSUMER, "sasl.password");
  g_assert_cmpstr (user, ==, "from-the-environment");
  g_assert_cmpstr (password, ==, "from-a-file");
  said = weir_kafka_properties_get (properties, WEIR_KAFKA_CONSUMER, "sasl.username");
  g_assert_cmpstr (said, ==, "from-the-environment");
  g_assert_true (weir_kafka_properties_set (properties, "sasl.username", "${env:WEIR_TEST_NOBODY}", NULL));
  g_assert_null (weir_kafka_properties_get (properties, WEIR_KAFKA_CONSUMER, "sasl.username"));
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_a_secret_is_never_printed (void)
{
  g_autoptr (WeirKafkaProperties) properties = weir_kafka_properties_new ();
  g_autoptr (rd_kafka_conf_t) conf = rd_kafka_conf_new ();
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_kafka_properties_set (properties, "ssl.key.pem", "hunter2", &error) &&
                  weir_kafka_properties_set (properties, "sasl.oauthbearer.method", "hunter2", &error));
  g_assert_nonnull (error);
  g_assert_null (strstr (error->message, "hunter2"));
  g_clear_error (&error);
  g_assert_true (weir_kafka_properties_set (properties, "sasl.password", "${env:WEIR_TEST_NOBODY}", NULL));
  g_assert_false (weir_kafka_properties_apply (properties, WEIR_KAFKA_CONSUMER, conf, &error));
  g_assert_nonnull (strstr (error->message, "the environment has no WEIR_TEST_NOBODY"));
}

static void
test_a_file_of_properties (void)
{
  g_autoptr (WeirKafkaProperties) properties = weir_kafka_properties_new ();
  g_autofree char *folder = g_dir_make_tmp ("weir-kafka-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "kafka.properties", NULL), *id = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, "# ours\n\n client.id = me \n", -1, NULL));
  g_assert_true (weir_kafka_properties_read (properties, path, &error));
  g_assert_no_error (error);
  id = applied (properties, WEIR_KAFKA_PRODUCER, "client.id");
  g_assert_cmpstr (id, ==, "me");
  g_assert_true (g_file_set_contents (path, "client.id=me\nacks\n", -1, NULL));
  g_assert_false (weir_kafka_properties_read (properties, path, &error));
  g_assert_nonnull (strstr (error->message, "line 2: "));
  g_unlink (path);
  g_rmdir (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kafka-properties/auto-commit-and-offset-store-are-refused",
                   test_auto_commit_and_offset_store_are_refused);
  g_test_add_func ("/kafka-properties/roles", test_roles);
  g_test_add_func ("/kafka-properties/secrets-come-from-the-environment-or-a-file",
                   test_secrets_come_from_the_environment_or_a_file);
  g_test_add_func ("/kafka-properties/a-secret-is-never-printed", test_a_secret_is_never_printed);
  g_test_add_func ("/kafka-properties/a-file-of-properties", test_a_file_of_properties);
  return g_test_run ();
}
