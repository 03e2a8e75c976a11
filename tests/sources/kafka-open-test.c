/* kafka-open-test.c: mistakes are named at the start.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

#include <string.h>

static void
expect_start_error (const KafkaFixture *fixture, KafkaJobSpec spec, gint code, const char *part)
{
  g_autoptr (KafkaJob) job = kafka_fixture_job (fixture, spec);
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_test_advance (job->ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, code);
  if (strstr (error->message, part) == NULL)
    g_error ("\"%s\" does not hold \"%s\"", error->message, part);
}

static void
assign_ninth (WeirKafka *kafka, WeirStream *stream, gconstpointer topic)
{
  weir_kafka_assign (stream, topic, 9, 0);
}

static void
test_an_assigned_partition_that_is_not_there (KafkaFixture *fixture, gconstpointer data)
{
  expect_start_error (fixture, (KafkaJobSpec){ .build = assign_ninth, .data = fixture->topic }, WEIR_ERROR_FAILED,
                      "-9");
}

static void
test_mistakes_are_named (KafkaFixture *fixture, gconstpointer data)
{
  expect_start_error (fixture, (KafkaJobSpec){ .topics = "no-such-topic" }, WEIR_ERROR_SOURCE,
                      "there is no topic no-such-topic");
  expect_start_error (fixture, (KafkaJobSpec){ .group = "" }, WEIR_ERROR_GRAPH, "without a group");
  expect_start_error (fixture, (KafkaJobSpec){ .topics = "^[" }, WEIR_ERROR_GRAPH, "[");
  expect_start_error (fixture, (KafkaJobSpec){ .reset = "error" }, WEIR_ERROR_SOURCE, "has no offset for partition");
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "an-assigned-partition-that-is-not-there", 1, test_an_assigned_partition_that_is_not_there },
    { "mistakes-are-named", 1, test_mistakes_are_named },
  };

  return kafka_tests_run (argc, argv, "/kafka-open/", tests, G_N_ELEMENTS (tests));
}
