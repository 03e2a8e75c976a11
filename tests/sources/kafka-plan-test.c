/* Ranges of offsets as a function of the job sees them, through whatever lies between it and the topics.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

typedef struct {
  gsize n;          /* of the newest call */
  gint64 n_offsets; /* of all calls */
  gboolean was_called;
} Seen;

static gboolean
see (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  Seen *seen = user_data;
  const WeirOffsetRange *ranges = weir_dataset_offset_ranges (data, &seen->n);

  seen->was_called = TRUE;
  g_assert_true ((ranges == NULL) == (seen->n == 0));
  for (gsize i = 0; i < seen->n; i++)
    seen->n_offsets += ranges[i].until - ranges[i].from;
  return TRUE;
}

static Seen of_union, of_counts, of_queue;

static void
build (WeirKafka *kafka, WeirStream *stream, gconstpointer topic)
{
  WeirStream *again = weir_kafka_direct_stream (kafka, topic);
  WeirStream *both = weir_union (stream, again);

  weir_foreach_batch (both, see, &of_union);
  weir_foreach_batch (weir_count (weir_repartition (stream, 3)), see, &of_counts);
}

/* Two sources of the same topic are two; a shuffle in between does not hide them. */
static void
test_every_source_above_is_told (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  gint64 deadline = g_get_monotonic_time () + WEIR_SECONDS (120);

  of_union = of_counts = (Seen){ 0 };
  kafka_fixture_produce (fixture, 10, (KafkaProduce){ .n_partitions = 2 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .build = build, .data = fixture->topic });
  kafka_job_read (job, 10);
  while (of_union.n_offsets < 20 && g_get_monotonic_time () < deadline)
    kafka_job_idle (job, 20);
  g_assert_cmpuint (of_union.n, ==, 4);
  g_assert_cmpint (of_union.n_offsets, ==, 20);
  g_assert_cmpuint (of_counts.n, ==, 2);
  g_assert_cmpint (of_counts.n_offsets, ==, 10);
}

static void
test_there_are_none_where_no_topic_is_above (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (GError) error = NULL;

  of_queue = (Seen){ .n = 7 };
  weir_foreach_batch (weir_queue_stream (ctx, queue, TRUE), see, &of_queue);
  weir_test_advance (ctx, 1, &error);
  g_assert_no_error (error);
  g_assert_true (of_queue.was_called);
  g_assert_cmpuint (of_queue.n, ==, 0);
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "every-source-above-is-told", 2, test_every_source_above_is_told },
    { "there-are-none-where-no-topic-is-above", 1, test_there_are_none_where_no_topic_is_above },
  };

  return kafka_tests_run (argc, argv, "/kafka-plan/", tests, G_N_ELEMENTS (tests));
}
