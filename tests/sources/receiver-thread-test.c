/* The life of a receiver: starts, restarts, the end, and what listeners are told.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/error.h>

#include "tests/sources/receiver-job.h"

typedef struct {
  guint n_runs;
} Counting;

static void
store_blocks (WeirReceiver *receiver)
{
  const WeirValue values[] = { weir_int (1), weir_int (2), weir_int (3) };
  ReceiverJob *f = receiver_job_of (receiver);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 4; i++) {
    gboolean ok = weir_receiver_store_block (receiver, values, G_N_ELEMENTS (values), &error);

    g_assert_no_error (error);
    g_assert_true (ok);
  }
  g_assert_true (weir_receiver_store_block (receiver, NULL, 0, NULL));
  watch_say (&f->watch, "stored");
  gate_pass (&f->gate);
}

static gboolean
start_in_vain (WeirReceiver *receiver, GError **error)
{
  ReceiverJob *f = receiver_job_of (receiver);
  guint n = __atomic_add_fetch (&f->n_starts, 1, __ATOMIC_RELAXED);

  watch_say (&f->watch, "try %u", n);
  if (n > f->fail_starts)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SOURCE, "nobody is there");
  return FALSE;
}

static void
store_and_restart (WeirReceiver *receiver)
{
  Counting *self = weir_receiver_instance (receiver);
  ReceiverJob *f = receiver_job_of (receiver);

  self->n_runs++;
  receiver_job_store (f, receiver, self->n_runs);
  if (self->n_runs < 3) {
    weir_receiver_restart (receiver, "it broke off");
    g_assert_true (weir_receiver_is_stopping (receiver));
    return;
  }
  gate_pass (&f->gate);
}

static void
test_it_starts_again_with_its_instance_as_it_was (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { "restarting", sizeof (Counting), NULL, store_and_restart, NULL, NULL };

  receiver_job_collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  for (guint i = 1; i <= 3; i++) {
    receiver_job_await_stored (f, i);
    if (i < 3)
      watch_await (&f->watch, "error", i);
    receiver_job_advance (f, 1); /* a second, longer than the first waits */
  }
  receiver_job_expect (f, 0, "1");
  receiver_job_expect (f, 1, "2");
  receiver_job_expect (f, 2, "3");
  gate_open (&f->gate);
  watch_await (&f->watch, "stopped", 1);
  g_autofree char *events = watch_text (&f->watch, "restarting");
  g_assert_cmpstr (events, ==,
                   "started restarting of heard, active, restart 0\n"
                   "error restarting of heard, idle, restart 0: it broke off\n"
                   "started restarting of heard, active, restart 1: it broke off\n"
                   "error restarting of heard, idle, restart 1: it broke off\n"
                   "started restarting of heard, active, restart 2: it broke off\n"
                   "stopped restarting of heard, idle, restart 2: it broke off");
  receiver_job_finish (f);
}

static void
test_starts_in_vain_are_further_and_further_apart (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "vain", .start = start_in_vain, .run = store_blocks };
  static const guint seconds[] = { 1, 1, 1, 1, 2, 4 }; /* for 100, 200, 400, 800, 1600, 3200 ms */

  f->fail_starts = G_N_ELEMENTS (seconds);
  receiver_job_collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  for (guint i = 0; i < f->fail_starts; i++) {
    watch_await (&f->watch, "error", i + 1);
    receiver_job_advance (f, seconds[i] - 1);
    g_assert_cmpuint (watch_count (&f->watch, "try "), ==, i + 1);
    receiver_job_advance (f, 1);
    watch_await (&f->watch, "try ", i + 2);
  }
  receiver_job_await_stored (f, 1);
  gate_open (&f->gate);
  receiver_job_finish (f);
}

/* Else a peer that is away would fill the log. */
static void
test_the_same_trouble_is_logged_each_ten_seconds (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "vain", .start = start_in_vain, .run = store_blocks };
  static const guint seconds[] = { 1, 1, 1, 1, 2, 4, 7 }; /* until the next try */
  static const guint n_said[] = { 1, 1, 1, 1, 1, 1, 2 };

  watch_catch_log (&f->watch);
  receiver_job_set (f, "log.level", "info");
  f->fail_starts = G_N_ELEMENTS (seconds);
  receiver_job_collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  for (guint i = 0; i < f->fail_starts; i++) {
    watch_await (&f->watch, "error vain", i + 1);
    g_assert_cmpuint (watch_count (&f->watch, "nobody is there: starting again"), ==, n_said[i]);
    receiver_job_advance (f, seconds[i]);
  }
  receiver_job_await_stored (f, 1);
  gate_open (&f->gate);
  receiver_job_finish (f);
}

static void
store_one (WeirReceiver *receiver)
{
  receiver_job_store (receiver_job_of (receiver), receiver, 1);
}

static void
test_a_run_that_returns_ends_the_input_and_nothing_else (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "short", .run = store_one };

  receiver_job_collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  watch_await (&f->watch, "stopped", 1);
  receiver_job_advance (f, 2);
  receiver_job_expect (f, 0, "1");
  receiver_job_expect (f, 1, "");
  receiver_job_finish (f);
  g_assert_cmpuint (watch_count (&f->watch, "started short"), ==, 1);
}

static void
wait_at_gate (WeirReceiver *receiver)
{
  ReceiverJob *f = receiver_job_of (receiver);

  gate_pass (&f->gate);
  g_assert_true (weir_receiver_is_stopping (receiver));
  for (guint i = 0; i < 1000; i++)
    weir_receiver_store (receiver, weir_int (i));
}

static void
open_gate (WeirReceiver *receiver)
{
  ReceiverJob *f = receiver_job_of (receiver);

  watch_say (&f->watch, "told");
  gate_open (&f->gate);
}

static gboolean
say_start (WeirReceiver *receiver, GError **error)
{
  watch_say (&receiver_job_of (receiver)->watch, "made");
  return TRUE;
}

static void
say_end (WeirReceiver *receiver)
{
  watch_say (&receiver_job_of (receiver)->watch, "undone");
}

static void
test_each_start_has_its_end (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = {
    "tidy", sizeof (Counting), say_start, store_and_restart, open_gate, say_end
  };

  receiver_job_collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  for (guint i = 1; i <= 3; i++) {
    receiver_job_await_stored (f, i);
    if (i < 3)
      watch_await (&f->watch, "error", i);
    receiver_job_advance (f, 1);
  }
  receiver_job_finish (f);
  g_assert_cmpuint (watch_count (&f->watch, "made"), ==, 3);
  g_assert_cmpuint (watch_count (&f->watch, "undone"), ==, 3);
}

static void
test_a_graceful_stop_takes_what_is_stored_last (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "slow", .run = wait_at_gate, .stop = open_gate };

  receiver_job_collect (f, &klass);
  receiver_job_advance (f, 1);
  gate_await_inside (&f->gate, 1);
  receiver_job_finish (f);
  g_assert_cmpuint (receiver_job_count (f), ==, 1000);
  g_assert_cmpuint (watch_count (&f->watch, "told"), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "stopped slow"), ==, 1);
}

static void
store_and_wait (WeirReceiver *receiver)
{
  ReceiverJob *f = receiver_job_of (receiver);

  receiver_job_store (f, receiver, 7);
  gate_pass (&f->gate);
}

static void
let_run_return (WeirReceiver *receiver)
{
  gate_let (&receiver_job_of (receiver)->gate, 1);
}

static void
end_at_gate (WeirReceiver *receiver)
{
  gate_pass (&receiver_job_of (receiver)->gate);
}

static WeirValue
open_when_processed (WeirTask *task, WeirValue value, gpointer f)
{
  gate_open (&((ReceiverJob *) f)->gate);
  return value;
}

/* Nothing can be stored any more, and the end may take long. */
static void
test_a_graceful_stop_processes_what_is_stored_before_the_end_returns (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = {
    .name = "slow", .run = store_and_wait, .stop = let_run_return, .end = end_at_gate
  };
  WeirStream *stream = weir_receiver_stream (f->ctx, &klass, f);

  f->collected = weir_collect (weir_map (stream, open_when_processed, f));
  g_assert_true (weir_context_start (f->ctx, NULL));
  receiver_job_await_stored (f, 1);
  receiver_job_finish (f);
  g_assert_cmpuint (receiver_job_count (f), ==, 1);
}

static gpointer
ask_from_outside (gpointer receiver)
{
  weir_receiver_restart (receiver, "a helper says so");
  return NULL;
}

static void
run_with_helper (WeirReceiver *receiver)
{
  Counting *self = weir_receiver_instance (receiver);
  ReceiverJob *f = receiver_job_of (receiver);
  GThread *helper;

  if (self->n_runs++ == 0) {
    helper = g_thread_new ("helper", ask_from_outside, receiver);
    gate_pass (&f->gate);
    g_thread_join (helper);
  } else {
    receiver_job_store (f, receiver, self->n_runs);
  }
}

static void
test_another_thread_may_ask_for_a_restart (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { "helped", sizeof (Counting), NULL, run_with_helper, open_gate, NULL };

  receiver_job_collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  watch_await (&f->watch, "error", 1);
  receiver_job_advance (f, 1);
  watch_await (&f->watch, "stopped", 1);
  receiver_job_advance (f, 1);
  g_assert_cmpuint (receiver_job_count (f), ==, 1);
  receiver_job_finish (f);
}

#define ADD(name)                                                                                                      \
  g_test_add ("/receiver-thread/" #name, ReceiverJob, NULL, receiver_job_set_up, test_##name, receiver_job_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (it_starts_again_with_its_instance_as_it_was);
  ADD (starts_in_vain_are_further_and_further_apart);
  ADD (the_same_trouble_is_logged_each_ten_seconds);
  ADD (a_run_that_returns_ends_the_input_and_nothing_else);
  ADD (each_start_has_its_end);
  ADD (a_graceful_stop_takes_what_is_stored_last);
  ADD (a_graceful_stop_processes_what_is_stored_before_the_end_returns);
  ADD (another_thread_may_ask_for_a_restart);
  return g_test_run ();
}
