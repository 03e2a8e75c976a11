/* The driver: which batches there are, when they are planned, and what becomes of them when the context stops.
 *
 * Time is a manual clock; the loop's timers are the system's, and look at the clock every interval of 10 ms.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/context.h"
#include "engine/engine.h"

#include <stdio.h>
#include <unistd.h>

#include "tests/engine/probe.h"

#define INTERVAL WEIR_MILLISECONDS (10)
#define START    (WEIR_SECONDS (1000) + 3456)

typedef struct {
  WeirContext *ctx;
  WeirManualClock clock;
  WeirStream *input;
  Probe *probe;
  Watch watch;
  Gate gate;
  GArray *delays; /* of WeirTime, of completed batches */
} Fixture;

static gboolean
pass_gate (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  Fixture *f = user_data;
  gsize n;

  gate_pass (&f->gate);
  return weir_dataset_count (dataset, &n, error);
}

static void
note_delay (const WeirBatchInfo *info, gpointer user_data)
{
  WeirTime delay = weir_batch_info_scheduling_delay (info);

  g_array_append_val (((Fixture *) user_data)->delays, delay);
}

static void
set (Fixture *f, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (f->ctx, key, value, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const WeirListener listener = { .batch_completed = note_delay };

  watch_init (&f->watch);
  watch_catch_log (&f->watch);
  gate_init (&f->gate);
  f->delays = g_array_new (FALSE, FALSE, sizeof (WeirTime));
  f->ctx = weir_context_new ("job", INTERVAL);
  weir_manual_clock_init (&f->clock, START);
  f->ctx->clock = &f->clock.clock;
  f->input = probe_stream (f->ctx, &f->watch);
  f->probe = probe_of (f->input);
  weir_context_add_listener (f->ctx, &listener, f);
  watch_listen (&f->watch, f->ctx);
  weir_foreach_batch (f->input, pass_gate, f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  gate_open (&f->gate);
  weir_context_free (f->ctx);
  g_array_unref (f->delays);
  gate_clear (&f->gate);
  watch_clear (&f->watch);
}

static void
start (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  weir_context_start (f->ctx, &error);
  g_assert_no_error (error);
}

static void
start_open (Fixture *f)
{
  gate_open (&f->gate);
  start (f);
}

static void
pass_time (Fixture *f, guint n_intervals)
{
  weir_manual_clock_advance (&f->clock, n_intervals * INTERVAL);
}

/* Batches of 10 ms from @first ms on have been planned, @n of them, and no others. */
static void
expect_planned (Fixture *f, gint64 first, guint n)
{
  watch_await (&f->watch, "batch submitted", n);
  g_assert_cmpuint (watch_count (&f->watch, "batch submitted"), ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpint (watch_number (&f->watch, "batch submitted", i), ==, first + 10 * i);
}

static void
stop (Fixture *f, gboolean graceful)
{
  g_autoptr (GError) error = NULL;

  weir_context_stop (f->ctx, graceful);
  g_assert_cmpint (weir_context_await (f->ctx, WATCH_DEADLINE, &error), ==, WEIR_WAIT_STOPPED);
  g_assert_no_error (error);
}

static void
times_are_multiples_of_the_interval (Fixture *f, gconstpointer data)
{
  start_open (f);
  watch_await (&f->watch, "start", 1);
  for (guint i = 1; i <= 5; i++) {
    pass_time (f, 1);
    watch_await (&f->watch, "batch completed", i);
  }
  expect_planned (f, 1000010, 5);
}

static void
the_first_batch_is_due_within_an_interval (Fixture *f, gconstpointer data)
{
  start_open (f);
  watch_await (&f->watch, "start", 1);
  weir_manual_clock_advance (&f->clock, INTERVAL - START % INTERVAL - 1);
  g_assert_cmpint (weir_context_await (f->ctx, 3 * INTERVAL, NULL), ==, WEIR_WAIT_TIMEOUT);
  g_assert_cmpuint (watch_count (&f->watch, "batch submitted"), ==, 0);
  weir_manual_clock_advance (&f->clock, 1);
  expect_planned (f, 1000010, 1);
}

static void
a_start_on_the_dot_waits_an_interval (Fixture *f, gconstpointer data)
{
  weir_manual_clock_init (&f->clock, WEIR_SECONDS (1000));
  start_open (f);
  watch_await (&f->watch, "start", 1);
  pass_time (f, 1);
  expect_planned (f, 1000010, 1);
}

static void
a_clock_set_back_changes_nothing (Fixture *f, gconstpointer data)
{
  start_open (f);
  pass_time (f, 2);
  watch_await (&f->watch, "batch completed", 2);
  weir_manual_clock_set (&f->clock, START - WEIR_SECONDS (3600));
  pass_time (f, 2);
  watch_await (&f->watch, "batch completed", 4);
  expect_planned (f, 1000010, 4);
}

static void
a_clock_set_forward_a_little_changes_nothing (Fixture *f, gconstpointer data)
{
  start_open (f);
  pass_time (f, 1);
  watch_await (&f->watch, "batch completed", 1);
  weir_manual_clock_set (&f->clock, START + 5 * INTERVAL);
  pass_time (f, 2);
  watch_await (&f->watch, "batch completed", 3);
  expect_planned (f, 1000010, 3);
}

static void
a_clock_set_forward_by_an_hour_skips_it (Fixture *f, gconstpointer data)
{
  start_open (f);
  pass_time (f, 1);
  expect_planned (f, 1000010, 1);
  watch_await (&f->watch, "batch completed", 1);
  weir_manual_clock_set (&f->clock, START + WEIR_SECONDS (3600));
  pass_time (f, 1);
  watch_await (&f->watch, "batch completed", 2);
  g_assert_cmpint (watch_number (&f->watch, "batch submitted", 1), ==, 1000010 + 3600000);
  pass_time (f, 1);
  watch_await (&f->watch, "batch completed", 3);
  g_assert_cmpint (watch_number (&f->watch, "batch submitted", 2), ==, 1000020 + 3600000);
  watch_expect (
      &f->watch, "skipped: ",
      "warning: job: 359999 batch times are skipped: the next one would lie 3599993 ms behind the clock, more "
      "than catchup.batches allows; its data goes to batch 4600010 ms");
  stop (f, TRUE);
  g_assert_cmpuint (
      watch_count (&f->watch, "stopped after 3 batches, 0 records, 0 rejected, 359999 batch times skipped"), ==, 1);
}

static void
a_slow_function_lets_two_batches_wait (Fixture *f, gconstpointer data)
{
  start (f);
  pass_time (f, 9);
  expect_planned (f, 1000010, 3);
  g_assert_cmpint (weir_context_await (f->ctx, 3 * INTERVAL, NULL), ==, WEIR_WAIT_TIMEOUT);
  expect_planned (f, 1000010, 3);
  watch_await (&f->watch, "batch started", 1);
  g_assert_cmpuint (watch_count (&f->watch, "batch started"), ==, 1);
}

static void
after_a_slow_one_batches_follow_one_by_one (Fixture *f, gconstpointer data)
{
  start (f);
  watch_await (&f->watch, "start", 1);
  pass_time (f, 1);
  gate_await_inside (&f->gate, 1);
  pass_time (f, 8);
  watch_await (&f->watch, "batch submitted", 3);
  gate_open (&f->gate);
  watch_await (&f->watch, "batch completed", 9);
  expect_planned (f, 1000010, 9);
  g_assert_cmpuint (watch_count (&f->watch, "skipped"), ==, 0);
  stop (f, TRUE);
  /* The first began on time; the clock stood still while the others caught up: each was an interval less late. */
  g_assert_cmpint (g_array_index (f->delays, WeirTime, 0), <, INTERVAL);
  for (guint i = 1; i < 9; i++)
    g_assert_cmpint (g_array_index (f->delays, WeirTime, i) / INTERVAL, ==, 8 - i);
  g_assert_cmpuint (watch_count (&f->watch, "ms late and took"), ==, 1);
}

static void
what_lies_too_far_back_is_skipped (Fixture *f, gconstpointer data)
{
  set (f, "catchup.batches", "4");
  start (f);
  watch_await (&f->watch, "start", 1);
  pass_time (f, 1);
  gate_await_inside (&f->gate, 1);
  pass_time (f, 49);
  watch_await (&f->watch, "batch submitted", 2);
  gate_open (&f->gate);
  watch_await (&f->watch, "batch completed", 2);
  weir_manual_clock_advance (&f->clock, INTERVAL - START % INTERVAL); /* ticks stay on the dot */
  watch_await (&f->watch, "batch completed", 3);
  stop (f, TRUE);
  g_assert_cmpuint (watch_count (&f->watch, "48 batch times are skipped"), ==, 1);
  g_assert_cmpint (watch_number (&f->watch, "batch submitted", 0), ==, 1000010);
  g_assert_cmpint (watch_number (&f->watch, "batch submitted", 1), ==, 1000500);
  g_assert_cmpint (watch_number (&f->watch, "batch submitted", 2), ==, 1000510);
}

static void
a_graceful_stop_plans_what_is_staged (Fixture *f, gconstpointer data)
{
  start_open (f);
  pass_time (f, 1);
  watch_await (&f->watch, "batch completed", 1);
  __atomic_store_n (&f->probe->n_staged, 5, __ATOMIC_RELAXED);
  stop (f, TRUE);
  expect_planned (f, 1000010, 6);
  g_assert_cmpuint (watch_count (&f->watch, "batch completed"), ==, 6);
  g_assert_cmpuint (watch_count (&f->watch, "failed"), ==, 0);
  watch_expect (&f->watch, "stop probe", "stop probe-0");
}

static void
a_graceful_stop_reports_what_was_lost (Fixture *f, gconstpointer data)
{
  start_open (f);
  __atomic_store_n (&f->probe->n_lost, 7, __ATOMIC_RELAXED);
  pass_time (f, 1);
  watch_await (&f->watch, "batch completed", 1);
  stop (f, TRUE);
  expect_planned (f, 1000010, 2);
  g_assert_cmpuint (watch_count (&f->watch, "7 records rejected: probe-0: lost"), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "stopped after 2 batches, 0 records, 7 rejected"), ==, 1);
}

static void
a_stop_at_once_reports_what_was_lost (Fixture *f, gconstpointer data)
{
  start (f);
  watch_await (&f->watch, "start", 1);
  pass_time (f, 1);
  gate_await_inside (&f->gate, 1);
  __atomic_store_n (&f->probe->n_lost, 1, __ATOMIC_RELAXED);
  pass_time (f, 1);
  watch_await (&f->watch, "batch submitted", 2);
  __atomic_store_n (&f->probe->n_lost, 2, __ATOMIC_RELAXED);
  pass_time (f, 1);
  watch_await (&f->watch, "batch submitted", 3);
  weir_context_stop (f->ctx, FALSE);
  watch_await (&f->watch, "2 planned batches were dropped", 1);
  gate_open (&f->gate);
  stop (f, FALSE);
  g_assert_cmpuint (watch_count (&f->watch, "3 rejected, 2 planned batches dropped"), ==, 1);
}

static void
a_stop_at_once_drops_what_waits (Fixture *f, gconstpointer data)
{
  f->probe->is_counted = TRUE;
  f->probe->n_bytes = 50;
  start (f);
  watch_await (&f->watch, "start", 1);
  pass_time (f, 5);
  gate_await_inside (&f->gate, 1);
  watch_await (&f->watch, "batch submitted", 3);
  weir_context_stop (f->ctx, FALSE);
  watch_await (&f->watch, "warning: job: 2 planned batches were dropped, with at least 0 records and 100 bytes", 1);
  gate_open (&f->gate);
  stop (f, FALSE);
  g_assert_cmpuint (watch_count (&f->watch, "batch 1000010 ms was cut short, with at least 0 records"), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "2 planned batches dropped, 1 batches cut short"), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "batch started"), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "batch completed"), ==, 3);
  g_assert_cmpuint (watch_count (&f->watch, "plan 10000"), ==, 3);
  g_assert_cmpuint (watch_count (&f->watch, "release 10000"), ==, 3);
}

static void
a_stop_has_a_deadline (Fixture *f, gconstpointer data)
{
  set (f, "stop.timeout", "100ms");
  start (f);
  watch_await (&f->watch, "start", 1);
  pass_time (f, 5);
  gate_await_inside (&f->gate, 1);
  watch_await (&f->watch, "batch submitted", 3);
  weir_context_stop (f->ctx, TRUE);
  watch_await (&f->watch, "warning: job: stop.timeout is over, 3 batches are not done: stopping at once", 1);
  watch_await (&f->watch,
               "warning: job: the running batch has not ended: waiting for the job's code to return, "
               "foreach_batch-0 runs",
               2);
  g_assert_cmpint (weir_context_state (f->ctx), ==, WEIR_ACTIVE);
  gate_open (&f->gate);
  stop (f, TRUE);
  g_assert_cmpuint (watch_count (&f->watch, "stop.timeout is over"), ==, 1);
}

static void
asking_again_gives_a_stop_no_more_time (Fixture *f, gconstpointer data)
{
  gint64 asked;

  set (f, "stop.timeout", "200ms");
  start (f);
  watch_await (&f->watch, "start", 1);
  pass_time (f, 1);
  gate_await_inside (&f->gate, 1);
  asked = g_get_monotonic_time ();
  while (watch_count (&f->watch, "stop.timeout is over") == 0) {
    weir_context_stop (f->ctx, TRUE);
    g_assert_cmpint (weir_context_await (f->ctx, WEIR_MILLISECONDS (20), NULL), ==, WEIR_WAIT_TIMEOUT);
    g_assert_cmpint (g_get_monotonic_time () - asked, <, WATCH_DEADLINE);
  }
}

static gboolean
fail (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  gate_pass (user_data);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "no disk");
  return FALSE;
}

static void
a_failed_batch_ends_the_context (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  weir_foreach_batch (f->input, fail, &f->gate);
  start (f);
  watch_await (&f->watch, "start", 1);
  gate_let (&f->gate, 1);
  pass_time (f, 1);
  watch_await (&f->watch, "began foreach_batch-1", 1);
  pass_time (f, 4);
  watch_await (&f->watch, "batch submitted", 3);
  gate_open (&f->gate);
  g_assert_cmpint (weir_context_await (f->ctx, WATCH_DEADLINE, &error), ==, WEIR_WAIT_FAILED);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_SINK);
  g_assert_cmpstr (error->message, ==, "batch 1000010 ms: foreach_batch-1: no disk");
  g_assert_cmpuint (watch_count (&f->watch, "2 planned batches were dropped"), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "batch started"), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "batch completed"), ==, 3);
}

static void
hold_up (gpointer gate)
{
  gate_pass (gate);
}

/* The first batch has been run, and the loop has not heard of it. */
static void
await_run (WeirEngine *engine)
{
  gint64 begun = g_get_monotonic_time ();
  gboolean is_run = FALSE;

  while (!is_run) {
    g_assert_cmpint (g_get_monotonic_time () - begun, <, WATCH_DEADLINE);
    g_thread_yield ();
    pthread_mutex_lock (&engine->lock);
    is_run = engine->done.length > 0;
    pthread_mutex_unlock (&engine->lock);
  }
}

static void
a_stop_at_once_does_not_hide_a_failure (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Gate loop_gate;

  gate_init (&loop_gate);
  weir_foreach_batch (f->input, fail, &f->gate);
  start (f);
  watch_await (&f->watch, "start", 1);
  pass_time (f, 1);
  gate_await_inside (&f->gate, 1);
  weir_loop_post (weir_engine_loop (f->ctx->engine), hold_up, &loop_gate);
  gate_await_inside (&loop_gate, 1);
  weir_context_stop (f->ctx, FALSE);
  gate_open (&f->gate);
  await_run (f->ctx->engine);
  gate_open (&loop_gate);
  g_assert_cmpint (weir_context_await (f->ctx, WATCH_DEADLINE, &error), ==, WEIR_WAIT_FAILED);
  g_assert_cmpstr (error->message, ==, "batch 1000010 ms: foreach_batch-1: no disk");
  gate_clear (&loop_gate);
}

static void
what_is_in_no_batch_is_named_when_it_is_dropped (Fixture *f, gconstpointer data)
{
  start_open (f);
  pass_time (f, 1);
  watch_await (&f->watch, "batch completed", 1);
  __atomic_store_n (&f->probe->n_staged, 5, __ATOMIC_RELAXED);
  stop (f, FALSE);
  watch_expect (&f->watch, "dropped", "message: job: probe-0: what had come in and was in no batch yet is dropped");
}

static void
a_source_may_fail_the_context (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  start_open (f);
  pass_time (f, 1);
  watch_await (&f->watch, "batch completed", 1);
  weir_engine_fail (f->ctx->engine, g_error_new (WEIR_ERROR, WEIR_ERROR_SOURCE, "the peer went mad"));
  weir_engine_fail (f->ctx->engine, g_error_new (WEIR_ERROR, WEIR_ERROR_SOURCE, "and madder"));
  g_assert_cmpint (weir_context_await (f->ctx, WATCH_DEADLINE, &error), ==, WEIR_WAIT_FAILED);
  g_assert_cmpstr (error->message, ==, "the peer went mad");
}

/* The plan holds more than half of memory.limit until the batch is complete. */
static void
who_waits_for_room_is_told (Fixture *f, gconstpointer data)
{
  set (f, "memory.limit", "64MB");
  f->probe->n_bytes = 33 * 1024 * 1024;
  f->probe->asks_room = TRUE;
  start_open (f);
  pass_time (f, 1);
  watch_await (&f->watch, "room probe-0", 1);
  pass_time (f, 1);
  watch_await (&f->watch, "room probe-0", 2);
  stop (f, TRUE);
  g_assert_cmpuint (watch_count (&f->watch, "room"), ==, 2);
}

static gsize
resident (void)
{
  gsize n_pages = 0, n_resident = 0;
  FILE *file = fopen ("/proc/self/statm", "r");

  g_assert_nonnull (file);
  g_assert_cmpint (fscanf (file, "%" G_GSIZE_FORMAT " %" G_GSIZE_FORMAT, &n_pages, &n_resident), ==, 2);
  fclose (file);
  return n_resident * (gsize) sysconf (_SC_PAGESIZE);
}

static void
memory_goes_back_when_nothing_comes (Fixture *f, gconstpointer data)
{
  static const gsize size = 24 * 1024 * 1024;
  WeirBlock *block;
  gsize full;

#ifdef WEIR_MEMORY_IS_WATCHED
  g_test_skip ("blocks are not cached where a sanitizer watches them");
  return;
#endif
  set (f, "memory.limit", "256MB");
  f->probe->n_records = 1;
  start_open (f);
  watch_await (&f->watch, "start", 1);
  block = weir_block_new (weir_engine_memory (f->ctx->engine), size);
  memset (block->data, 1, size);
  weir_block_unref (block);
  full = resident ();
  pass_time (f, 1);
  watch_await (&f->watch, "batch completed", 1);
  g_assert_cmpuint (resident () + size / 2, >, full);
  __atomic_store_n (&f->probe->n_records, 0, __ATOMIC_RELAXED);
  weir_manual_clock_advance (&f->clock, WEIR_SECONDS (2));
  watch_await (&f->watch, "batch completed", 2);
  g_assert_cmpuint (resident () + size / 2, <, full);
}

#define ADD(test) g_test_add ("/driver/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (times_are_multiples_of_the_interval);
  ADD (the_first_batch_is_due_within_an_interval);
  ADD (a_start_on_the_dot_waits_an_interval);
  ADD (a_clock_set_back_changes_nothing);
  ADD (a_clock_set_forward_a_little_changes_nothing);
  ADD (a_clock_set_forward_by_an_hour_skips_it);
  ADD (a_slow_function_lets_two_batches_wait);
  ADD (after_a_slow_one_batches_follow_one_by_one);
  ADD (what_lies_too_far_back_is_skipped);
  ADD (a_graceful_stop_plans_what_is_staged);
  ADD (a_graceful_stop_reports_what_was_lost);
  ADD (a_stop_at_once_reports_what_was_lost);
  ADD (a_stop_at_once_drops_what_waits);
  ADD (a_stop_has_a_deadline);
  ADD (asking_again_gives_a_stop_no_more_time);
  ADD (a_failed_batch_ends_the_context);
  ADD (a_stop_at_once_does_not_hide_a_failure);
  ADD (what_is_in_no_batch_is_named_when_it_is_dropped);
  ADD (a_source_may_fail_the_context);
  ADD (who_waits_for_room_is_told);
  ADD (memory_goes_back_when_nothing_comes);
  return g_test_run ();
}
