/* What a connection's clients say again and again is told once.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "clients/kafka-said.h"

#define SECOND G_TIME_SPAN_SECOND

static WeirKafkaSaid *
said_of (const char *text)
{
  WeirKafkaSaid *said = weir_kafka_said_new ();

  g_assert_nonnull (weir_kafka_said_news (said, text, 0));
  return said;
}

static void
test_the_thread_is_left_out (void)
{
  WeirKafkaSaid *said = weir_kafka_said_new ();

  g_assert_cmpstr (weir_kafka_said_news (said, "[thrd:a:1/bootstrap]: a:1/bootstrap: refused", 0), ==,
                   "a:1/bootstrap: refused");
  g_assert_cmpstr (weir_kafka_said_news (said, "[thrd:a", 0), ==, "[thrd:a");
  g_assert_cmpstr (weir_kafka_said_news (said, "1/1 brokers are down", 0), ==, "1/1 brokers are down");
  weir_kafka_said_free (said);
}

static void
test_the_same_from_log_and_errors_is_told_once (void)
{
  WeirKafkaSaid *said = said_of ("[thrd:a:1/bootstrap]: a:1/bootstrap: refused (after 0ms in state CONNECT)");

  g_assert_null (weir_kafka_said_news (said, "a:1/bootstrap: refused (after 0ms in state CONNECT)", 1));
  g_assert_null (weir_kafka_said_news (
      said, "a:1/bootstrap: refused (after 3ms in state CONNECT, 1 identical error(s) suppressed)", SECOND));
  g_assert_nonnull (weir_kafka_said_news (said, "b:1/bootstrap: refused (after 0ms in state CONNECT)", SECOND));
  weir_kafka_said_free (said);
}

static void
test_it_is_told_again_after_half_a_minute (void)
{
  WeirKafkaSaid *said = said_of ("1/1 brokers are down");

  g_assert_null (weir_kafka_said_news (said, "1/1 brokers are down", 29 * SECOND));
  g_assert_nonnull (weir_kafka_said_news (said, "1/1 brokers are down", 30 * SECOND));
  g_assert_null (weir_kafka_said_news (said, "1/1 brokers are down", 59 * SECOND));
  weir_kafka_said_free (said);
}

/* A client that says something new each time neither fills memory nor is cut short. */
static void
test_many_messages_are_all_told (void)
{
  WeirKafkaSaid *said = weir_kafka_said_new ();

  for (guint i = 0; i < 1000; i++) {
    g_autofree char *text = g_strdup_printf ("message %u", i);

    g_assert_nonnull (weir_kafka_said_news (said, text, 0));
    g_assert_null (weir_kafka_said_news (said, text, 0));
  }
  weir_kafka_said_free (said);
}

static void
test_the_last_reason_is_kept (void)
{
  WeirKafkaSaid *said = weir_kafka_said_new ();
  g_autofree char *none = weir_kafka_said_reason (said), *last = NULL;

  g_assert_null (none);
  weir_kafka_said_keep_reason (said, "a:1/bootstrap: no such host (after 1ms in state CONNECT)");
  weir_kafka_said_keep_reason (said, "a:1/bootstrap: refused (after 0ms in state CONNECT)");
  last = weir_kafka_said_reason (said);
  g_assert_cmpstr (last, ==, "a:1/bootstrap: refused");
  weir_kafka_said_free (said);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kafka-said/the-thread-is-left-out", test_the_thread_is_left_out);
  g_test_add_func ("/kafka-said/the-same-from-log-and-errors-is-told-once",
                   test_the_same_from_log_and_errors_is_told_once);
  g_test_add_func ("/kafka-said/it-is-told-again-after-half-a-minute", test_it_is_told_again_after_half_a_minute);
  g_test_add_func ("/kafka-said/many-messages-are-all-told", test_many_messages_are_all_told);
  g_test_add_func ("/kafka-said/the-last-reason-is-kept", test_the_last_reason_is_kept);
  return g_test_run ();
}
