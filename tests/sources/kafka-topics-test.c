/* Which topics a text names. SPDX-License-Identifier: Apache-2.0 */
#include "sources/kafka-topics.h"

#include <string.h>

static void
expect_mistake (const char *text, const char *part)
{
  g_autoptr (GError) error = NULL;
  WeirKafkaTopics topics = { 0 };

  g_assert_false (weir_kafka_topics_parse (&topics, text, &error));
  g_assert_nonnull (strstr (error->message, part));
  weir_kafka_topics_clear (&topics);
}

static void
test_names (void)
{
  WeirKafkaTopics topics = { 0 };
  g_autofree char *joined = NULL;

  g_assert_true (weir_kafka_topics_parse (&topics, "a, b.c,D_e-9", NULL));
  joined = g_strjoinv ("|", topics.names);
  g_assert_cmpstr (joined, ==, "a|b.c|D_e-9");
  weir_kafka_topics_clear (&topics);
}

static void
test_mistakes (void)
{
  g_autofree char *longest = g_strnfill (250, 'a');

  expect_mistake ("", "no topic");
  expect_mistake ("a,,b", "\"\"");
  expect_mistake ("a b", "\"a b\"");
  expect_mistake ("..", "\"..\"");
  expect_mistake (longest, "no name of a topic");
  expect_mistake ("^(", "^(");
}

static void
test_assigned_once_each (void)
{
  WeirKafkaTopics topics = { 0 };

  weir_kafka_topics_assign (&topics, "a", 0, 5);
  weir_kafka_topics_assign (&topics, "a", 1, 6);
  weir_kafka_topics_assign (&topics, "a", 0, 7);
  g_assert_cmpuint (topics.assigned->len, ==, 2);
  g_assert_cmpint (g_array_index (topics.assigned, WeirKafkaPlace, 0).next, ==, 7);
  weir_kafka_topics_clear (&topics);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kafka-topics/names", test_names);
  g_test_add_func ("/kafka-topics/mistakes", test_mistakes);
  g_test_add_func ("/kafka-topics/assigned-once-each", test_assigned_once_each);
  return g_test_run ();
}
