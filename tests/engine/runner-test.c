/* The runner: batches in order, outputs in order, each stream when it is due, and the end of a batch that fails or is
 * cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/test.h>

#include <string.h>

#include "engine/context.h"
#include "engine/engine.h"

#include "tests/engine/probe.h"

typedef struct {
  WeirContext *ctx;
  WeirQueue *queue;
  WeirStream *input;
  Watch watch;
  Gate gate;
  guint n_calls; /* atomic */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  watch_init (&f->watch);
  watch_catch_log (&f->watch);
  gate_init (&f->gate);
  f->ctx = weir_test_context_new (WEIR_SECONDS (1));
  f->queue = weir_queue_new ();
  f->input = weir_queue_stream (f->ctx, f->queue, TRUE);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_context_free (f->ctx);
  weir_queue_free (f->queue);
  gate_clear (&f->gate);
  watch_clear (&f->watch);
}

/* Pushes batches of one INT each: 1, 2, … */
static void
push (Fixture *f, guint n)
{
  for (guint i = 1; i <= n; i++) {
    const WeirValue value = weir_int (i);

    weir_queue_push (f->queue, &value, 1);
  }
}

static void
advance (Fixture *f, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (f->ctx, n, &error);
  g_assert_no_error (error);
}

static void
expect_error (Fixture *f, gint code, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_test_advance (f->ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, code);
  g_assert_cmpstr (error->message, ==, message);
}

static void
expect_batch (WeirCollected *collected, guint batch, WeirTime time, const char *text)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (weir_collected_time (collected, batch), ==, time);
  weir_collected_expect (collected, batch, text, &error);
  g_assert_no_error (error);
}

static WeirValue
count_call (WeirTask *task, WeirValue value, gpointer n_calls)
{
  __atomic_add_fetch ((guint *) n_calls, 1, __ATOMIC_RELAXED);
  return value;
}

static WeirValue
boom (WeirTask *task, WeirValue value, gpointer user_data)
{
  weir_fail (task, "boom at %d", (int) weir_as_int (value));
  return value;
}

static gboolean
count (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  gsize n;

  return weir_dataset_count (dataset, &n, error);
}

static gboolean
count_carelessly (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  gsize n;

  weir_dataset_count (dataset, &n, NULL);
  return TRUE;
}

static gboolean
note (WeirDataset *dataset, WeirTime time, gpointer watch, GError **error)
{
  watch_say (watch, "noted");
  return TRUE;
}

static void
a_failure_names_batch_output_and_operator (Fixture *f, gconstpointer data)
{
  push (f, 1);
  weir_output_set_name (weir_foreach_batch (weir_map (f->input, boom, NULL), count, NULL), "sums");
  expect_error (f, WEIR_ERROR_USER, "batch 1000 ms: sums: map-1: boom at 1");
}

static void
what_an_output_goes_over_fails_the_batch_all_the_same (Fixture *f, gconstpointer data)
{
  push (f, 1);
  watch_listen (&f->watch, f->ctx);
  weir_foreach_batch (weir_map (f->input, boom, NULL), count_carelessly, NULL);
  expect_error (f, WEIR_ERROR_USER, "batch 1000 ms: foreach_batch-0: map-1: boom at 1");
  watch_expect (&f->watch, "ended", "ended foreach_batch-0 1000 failed");
}

static void
after_an_output_that_failed_no_other_runs (Fixture *f, gconstpointer data)
{
  push (f, 1);
  weir_foreach_batch (f->input, note, &f->watch);
  weir_foreach_batch (weir_map (f->input, boom, NULL), count, NULL);
  weir_foreach_batch (f->input, note, &f->watch);
  expect_error (f, WEIR_ERROR_USER, "batch 1000 ms: foreach_batch-1: map-1: boom at 1");
  g_assert_cmpuint (watch_count (&f->watch, "noted"), ==, 1);
}

static void
a_stream_that_three_ask_for_is_computed_once (Fixture *f, gconstpointer data)
{
  WeirStream *mapped = weir_map (f->input, count_call, &f->n_calls);
  WeirCollected *both;

  push (f, 3);
  weir_foreach_batch (mapped, count, NULL);
  both = weir_collect (weir_union (mapped, weir_count (mapped)));
  advance (f, 3);
  g_assert_cmpuint (f->n_calls, ==, 3);
  expect_batch (both, 2, WEIR_SECONDS (3), "1 3");
}

static void
what_leads_to_no_output_is_not_computed (Fixture *f, gconstpointer data)
{
  WeirStream *unused = weir_map (f->input, count_call, &f->n_calls);

  push (f, 2);
  weir_count (weir_window (unused, WEIR_SECONDS (2), 0));
  weir_foreach_batch (f->input, count, NULL);
  advance (f, 2);
  g_assert_cmpuint (f->n_calls, ==, 0);
}

static void
slow_streams_have_a_batch_now_and_then (Fixture *f, gconstpointer data)
{
  WeirCollected *slow = weir_collect (weir_window (f->input, WEIR_SECONDS (3), WEIR_SECONDS (3)));
  WeirCollected *slower = weir_collect (weir_window (f->input, WEIR_SECONDS (2), WEIR_SECONDS (4)));
  WeirCollected *each = weir_collect (f->input);

  push (f, 12);
  advance (f, 12);
  g_assert_cmpuint (weir_collected_n_batches (each), ==, 12);
  g_assert_cmpuint (weir_collected_n_batches (slow), ==, 4);
  expect_batch (slow, 0, WEIR_SECONDS (3), "1 2 3");
  expect_batch (slow, 3, WEIR_SECONDS (12), "10 11 12");
  g_assert_cmpuint (weir_collected_n_batches (slower), ==, 3);
  expect_batch (slower, 0, WEIR_SECONDS (4), "3 4");
  expect_batch (slower, 2, WEIR_SECONDS (12), "11 12");
}

/* A window takes in every batch, but only those of its parent that are results. */
static void
a_window_over_a_window_sees_results_alone (Fixture *f, gconstpointer data)
{
  WeirStream *inner = weir_window (f->input, WEIR_SECONDS (2), WEIR_SECONDS (2));
  WeirCollected *outer = weir_collect (weir_window (inner, WEIR_SECONDS (4), WEIR_SECONDS (4)));
  WeirCollected *sums = weir_collect (weir_count (weir_window (inner, WEIR_SECONDS (4), 0)));

  push (f, 8);
  advance (f, 8);
  g_assert_cmpuint (weir_collected_n_batches (outer), ==, 2);
  expect_batch (outer, 0, WEIR_SECONDS (4), "1 2 3 4");
  expect_batch (outer, 1, WEIR_SECONDS (8), "5 6 7 8");
  g_assert_cmpuint (weir_collected_n_batches (sums), ==, 4);
  expect_batch (sums, 0, WEIR_SECONDS (2), "2");
  expect_batch (sums, 3, WEIR_SECONDS (8), "4");
}

static void
slides_count_from_the_start (void)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new_at (WEIR_SECONDS (1), WEIR_SECONDS (7));
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  WeirStream *input = weir_queue_stream (ctx, queue, TRUE);
  WeirCollected *slow = weir_collect (weir_window (input, WEIR_SECONDS (3), WEIR_SECONDS (3)));

  g_assert_true (weir_test_advance (ctx, 6, NULL));
  g_assert_cmpuint (weir_collected_n_batches (slow), ==, 2);
  g_assert_cmpint (weir_collected_time (slow, 0), ==, WEIR_SECONDS (10));
}

static void
start_by_itself (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  weir_context_start (f->ctx, &error);
  g_assert_no_error (error);
}

static WeirValue
wait_at_the_first (WeirTask *task, WeirValue value, gpointer user_data)
{
  Fixture *f = user_data;

  if (__atomic_fetch_add (&f->n_calls, 1, __ATOMIC_RELAXED) == 0)
    gate_pass (&f->gate);
  return value;
}

static void
push_many (Fixture *f, guint n)
{
  g_autofree WeirValue *values = g_new (WeirValue, n);

  for (guint i = 0; i < n; i++)
    values[i] = weir_int (i);
  weir_queue_push (f->queue, values, n);
}

static void
await_cut (WeirEngine *engine)
{
  gint64 end = g_get_monotonic_time () + WATCH_DEADLINE;
  gboolean is_halted = FALSE;

  while (!is_halted) {
    g_assert_cmpint (g_get_monotonic_time (), <, end);
    pthread_mutex_lock (&engine->lock);
    is_halted = engine->is_halted;
    pthread_mutex_unlock (&engine->lock);
  }
}

/* Each task, of one or two workers, goes on to the end of its chunk. */
static void
a_stop_at_once_cuts_the_batch_at_the_next_chunk (Fixture *f, gconstpointer data)
{
  push_many (f, 100000);
  weir_queue_set_partitions (f->queue, 1);
  watch_listen (&f->watch, f->ctx);
  weir_foreach_batch (weir_map (f->input, wait_at_the_first, f), count, NULL);
  start_by_itself (f);
  weir_engine_advance (f->ctx->engine, 1);
  gate_await_inside (&f->gate, 1);
  weir_context_stop (f->ctx, FALSE);
  await_cut (f->ctx->engine);
  gate_open (&f->gate);
  g_assert_cmpint (weir_context_await (f->ctx, WATCH_DEADLINE, NULL), ==, WEIR_WAIT_STOPPED);
  g_assert_cmpuint (f->n_calls, <=, 2 * WEIR_CHUNK_SIZE);
  watch_expect (&f->watch, " failed", "ended foreach_batch-0 1000 failed\nbatch completed 1000 failed");
}

static gboolean
wait_and_fail (WeirDataset *dataset, WeirTime time, gpointer gate, GError **error)
{
  gate_pass (gate);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "no disk");
  return FALSE;
}

/* The loop hears of a failure later than the runner could begin the next batch. */
static void
no_batch_begins_after_one_that_failed (void)
{
  for (guint round = 0; round < 20; round++) {
    g_autoptr (GError) error = NULL;
    WeirContext *ctx = weir_context_new ("fails", WEIR_MILLISECONDS (1));
    Watch watch;
    Gate gate;

    watch_init (&watch);
    watch_catch_log (&watch);
    gate_init (&gate);
    watch_listen (&watch, ctx);
    weir_foreach_batch (probe_stream (ctx, &watch), wait_and_fail, &gate);
    g_assert_true (weir_context_start (ctx, &error));
    watch_await (&watch, "batch submitted", 3);
    gate_open (&gate);
    g_assert_cmpint (weir_context_await (ctx, WATCH_DEADLINE, &error), ==, WEIR_WAIT_FAILED);
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_SINK);
    g_assert_cmpuint (watch_count (&watch, "began foreach"), ==, 1);
    weir_context_free (ctx);
    gate_clear (&gate);
    watch_clear (&watch);
  }
}

#define ADD(test) g_test_add ("/runner/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_failure_names_batch_output_and_operator);
  ADD (what_an_output_goes_over_fails_the_batch_all_the_same);
  ADD (after_an_output_that_failed_no_other_runs);
  ADD (a_stream_that_three_ask_for_is_computed_once);
  ADD (what_leads_to_no_output_is_not_computed);
  ADD (slow_streams_have_a_batch_now_and_then);
  ADD (a_window_over_a_window_sees_results_alone);
  g_test_add_func ("/runner/slides_count_from_the_start", slides_count_from_the_start);
  ADD (a_stop_at_once_cuts_the_batch_at_the_next_chunk);
  g_test_add_func ("/runner/no_batch_begins_after_one_that_failed", no_batch_begins_after_one_that_failed);
  return g_test_run ();
}
