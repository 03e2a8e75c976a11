/* The marker of a job that writes to Kafka with a checkpoint: that brokers must not forget it, and what happens if they
 * do; and an answer to a commit that comes late.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <weir/kafka.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "tests/engine/watch.h"
#include "tests/servers/servers.h"
#include "tests/sinks/scratch.h"

#define END_TXN 26   /* the request's number in Kafka's protocol */
#define LATE_MS 7000 /* longer than a call of the commit waits */

typedef struct {
  Scratch scratch; /* for the checkpoint */
  char *brokers, *topic, *uri;
  const char *log_level;
  WeirTime at;
  /* Of a life. */
  WeirContext *ctx;
  WeirQueue *queue;
} Place;

static void
place_init (Place *place, const char *brokers, const char *topic)
{
  *place = (Place){ .brokers = g_strdup (brokers), .log_level = "error", .at = WEIR_SECONDS (100) };
  scratch_init (&place->scratch);
  place->topic = topic != NULL ? g_strdup (topic) : weir_test_topic_new (brokers, 1, NULL);
  place->uri = g_strdup_printf ("file://%s/checkpoint", place->scratch.path);
}

static void
place_clear (Place *place)
{
  scratch_clear (&place->scratch);
  g_free (place->brokers);
  g_free (place->topic);
  g_free (place->uri);
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, key, value, &error);
  g_assert_no_error (error);
}

/* A life writes the numbers from 0 to @n - 1, one a batch of a second; with a seal behind each. */
static void
begin (Place *place, gint64 n)
{
  WeirStream *stream;

  place->ctx = weir_test_context_new_at (WEIR_SECONDS (1), place->at);
  weir_context_set_name (place->ctx, place->topic);
  place->queue = weir_queue_new ();
  for (gint64 i = 0; i < n; i++) {
    WeirValue value = weir_int (i);

    weir_queue_push (place->queue, &value, 1);
  }
  set (place->ctx, "checkpoint", place->uri);
  set (place->ctx, "checkpoint.interval", "1s");
  set (place->ctx, "log.level", place->log_level);
  stream = weir_queue_stream (place->ctx, place->queue, TRUE);
  weir_stream_set_uid (stream, "numbers");
  weir_output_set_uid (weir_kafka_output (stream, weir_kafka_new (place->ctx, place->brokers, NULL), place->topic),
                       "out");
}

static void
end (Place *place)
{
  place->at += WEIR_SECONDS (100);
  weir_context_free (place->ctx);
  weir_queue_free (place->queue);
}

static void
run (Place *place, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (place->ctx, n, &error);
  g_assert_no_error (error);
}

static void
live (Place *place, gint64 n)
{
  begin (place, n);
  run (place, (guint) n);
  end (place);
}

static gint64
marker_of (const Place *place)
{
  g_autofree char *group = g_strdup_printf ("weir.%s", place->topic);
  gint64 offset = -1;

  g_assert_true (kafka_ops_group_offset (place->brokers, group, place->topic, 0, &offset, NULL, NULL));
  return offset;
}

static void
expect (const Place *place, gint64 n)
{
  gint64 deadline = g_get_monotonic_time () + WEIR_SECONDS (120);
  g_autoptr (GPtrArray) records = weir_test_consume (place->brokers, place->topic);

  while (records->len < n && g_get_monotonic_time () < deadline) {
    g_ptr_array_unref (records);
    records = weir_test_consume (place->brokers, place->topic);
  }
  g_assert_cmpint (records->len, ==, n);
  for (guint i = 0; i < records->len; i++)
    g_assert_cmpint (g_ascii_strtoll (((const KafkaRecord *) g_ptr_array_index (records, i))->value, NULL, 10), ==, i);
}

/* Brokers count the age of an offset from when it was written: it is written anew though there is nothing to decide. */
static void
test_a_job_that_writes_nothing_keeps_its_marker_young (void)
{
  Place place;
  gint64 marker;

  if (weir_test_brokers () == NULL)
    return;
  place_init (&place, weir_test_brokers (), NULL);
  live (&place, 3);
  marker = marker_of (&place);
  g_assert_cmpint (marker, >, 0);
  begin (&place, 3);
  run (&place, 3);
  end (&place);
  g_assert_cmpint (marker_of (&place), >, marker);
  marker = marker_of (&place);
  live (&place, 6);
  g_assert_cmpint (marker_of (&place), >, marker);
  expect (&place, 6);
  place_clear (&place);
}

static void
test_a_marker_is_written_anew_each_half_hour (void)
{
  Place place;
  gint64 marker;

  if (weir_test_brokers () == NULL)
    return;
  place_init (&place, weir_test_brokers (), NULL);
  begin (&place, 3);
  run (&place, 4);
  marker = marker_of (&place);
  g_assert_cmpint (marker, >, 0);
  run (&place, 29 * 60);
  g_assert_cmpint (marker_of (&place), ==, marker);
  run (&place, 2 * 60);
  end (&place);
  g_assert_cmpint (marker_of (&place), >, marker);
  expect (&place, 3);
  place_clear (&place);
}

static void
test_a_marker_that_brokers_forgot_stops_the_start (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *group = NULL;
  Place place;

  if (weir_test_brokers () == NULL)
    return;
  place_init (&place, weir_test_brokers (), NULL);
  live (&place, 3);
  group = g_strconcat ("weir.", place.topic, NULL);
  kafka_ops_delete_group (place.brokers, group, &error);
  g_assert_no_error (error);
  begin (&place, 6);
  g_assert_false (weir_test_advance (place.ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_BEHIND);
  g_assert_nonnull (strstr (error->message, "offsets.retention.minutes"));
  end (&place);
  expect (&place, 3);
  place_clear (&place);
}

/* Brokers in this process, which answer when they are told to. */
static void
test_a_commit_whose_answer_is_late_is_not_guessed (void)
{
  rd_kafka_t *rk = rd_kafka_new (RD_KAFKA_PRODUCER, rd_kafka_conf_new (), NULL, 0);
  rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new (rk, 1);
  Place place;
  Watch watch;

  watch_init (&watch);
  watch_catch_log (&watch);
  rd_kafka_mock_topic_create (cluster, "topic", 1, 1);
  place_init (&place, rd_kafka_mock_cluster_bootstraps (cluster), "topic");
  place.log_level = "warning";
  begin (&place, 8);
  run (&place, 4);
  rd_kafka_mock_broker_push_request_error_rtts (cluster, 1, END_TXN, 1, RD_KAFKA_RESP_ERR_NO_ERROR, LATE_MS);
  run (&place, 4);
  end (&place);
  g_assert_cmpuint (watch_count (&watch, "cannot commit the epoch"), ==, 1);
  watch_clear (&watch);
  expect (&place, 8);
  place_clear (&place);
  rd_kafka_mock_cluster_destroy (cluster);
  rd_kafka_destroy (rk);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kafka-marker/a-job-that-writes-nothing-keeps-its-marker-young",
                   test_a_job_that_writes_nothing_keeps_its_marker_young);
  g_test_add_func ("/kafka-marker/a-marker-is-written-anew-each-half-hour",
                   test_a_marker_is_written_anew_each_half_hour);
  g_test_add_func ("/kafka-marker/a-marker-that-brokers-forgot-stops-the-start",
                   test_a_marker_that_brokers_forgot_stops_the_start);
  g_test_add_func ("/kafka-marker/a-commit-whose-answer-is-late-is-not-guessed",
                   test_a_commit_whose_answer_is_late_is_not_guessed);
  return g_test_run ();
}
