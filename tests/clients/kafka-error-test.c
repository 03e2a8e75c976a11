/* What Kafka's errors mean to a job. SPDX-License-Identifier: Apache-2.0 */
#include "clients/kafka-error.h"

#include <string.h>

static void
test_what_may_pass_by_itself (void)
{
  g_assert_true (weir_kafka_is_transient (RD_KAFKA_RESP_ERR__TRANSPORT));
  g_assert_true (weir_kafka_is_transient (RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN));
  g_assert_true (weir_kafka_is_transient (RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS));
  g_assert_false (weir_kafka_is_transient (RD_KAFKA_RESP_ERR__AUTHENTICATION));
  g_assert_false (weir_kafka_is_transient (RD_KAFKA_RESP_ERR__FENCED));
  g_assert_false (weir_kafka_is_transient (RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED));
}

static void
test_codes (void)
{
  g_assert_cmpint (weir_kafka_error_code (RD_KAFKA_RESP_ERR__FENCED, WEIR_ERROR_SINK), ==, WEIR_ERROR_FENCED);
  g_assert_cmpint (weir_kafka_error_code (RD_KAFKA_RESP_ERR__TIMED_OUT, WEIR_ERROR_SINK), ==, WEIR_ERROR_TIMEOUT);
  g_assert_cmpint (weir_kafka_error_code (RD_KAFKA_RESP_ERR__TRANSPORT, WEIR_ERROR_SOURCE), ==, WEIR_ERROR_SOURCE);
}

static void
test_the_message_names_what_was_tried_and_what_to_do (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (
      weir_kafka_fail (&error, RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, WEIR_ERROR_SOURCE, "reading %s", "t-9"));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_FAILED);
  g_assert_true (g_str_has_prefix (error->message, "reading t-9: "));
  g_assert_nonnull (strstr (error->message, "the topic has no such partition"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kafka-error/what-may-pass-by-itself", test_what_may_pass_by_itself);
  g_test_add_func ("/kafka-error/codes", test_codes);
  g_test_add_func ("/kafka-error/the-message-names-what-was-tried",
                   test_the_message_names_what_was_tried_and_what_to_do);
  return g_test_run ();
}
