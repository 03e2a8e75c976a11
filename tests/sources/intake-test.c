/* Holding back who stores: by rate, at the memory limit, while the context stops.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/stream.h"

#include "tests/sources/receiver-job.h"

static void
store_hundreds (WeirReceiver *receiver)
{
  ReceiverJob *f = receiver_job_of (receiver);

  for (guint i = 0; i < f->n_values; i++) {
    weir_receiver_store (receiver, weir_int (i));
    watch_say (&f->watch, "stored");
  }
}

static void
test_no_more_than_the_rate_comes_in_a_second (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "fast", .run = store_hundreds };

  f->n_values = 250;
  receiver_job_set (f, "receiver.max.rate", "100");
  receiver_job_collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  watch_await (&f->watch, "started", 1);
  g_assert_cmpuint (watch_count (&f->watch, "stored"), ==, 0);
  receiver_job_advance (f, 1);
  receiver_job_await_stored (f, 100);
  receiver_job_advance (f, 1);
  receiver_job_await_stored (f, 200);
  g_assert_cmpuint (watch_count (&f->watch, "stored"), ==, 200);
  receiver_job_advance (f, 1);
  watch_await (&f->watch, "stopped", 1);
  receiver_job_advance (f, 1);
  g_assert_cmpuint (receiver_job_count (f), ==, 250);
  receiver_job_finish (f);
}

static void
wait_and_store (WeirReceiver *receiver)
{
  gate_pass (&receiver_job_of (receiver)->gate);
  store_hundreds (receiver);
}

/* What back-pressure would have come to; on the loop's thread, as there. */
static void
estimate_fifty (const WeirBatchInfo *info, gpointer stream)
{
  ((WeirStream *) stream)->source->rate = 50;
}

static void
test_it_slows_to_what_batches_can_do (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "eager", .run = wait_and_store };
  static const WeirListener listener = { .batch_completed = estimate_fifty };
  WeirStream *stream = weir_receiver_stream (f->ctx, &klass, f);

  f->n_values = 120;
  receiver_job_set (f, "backpressure.enabled", "true");
  weir_context_add_listener (f->ctx, &listener, stream);
  f->collected = weir_collect (stream);
  receiver_job_advance (f, 2); /* the second one hears of it */
  gate_open (&f->gate);
  receiver_job_advance (f, 1);
  receiver_job_await_stored (f, 50);
  g_assert_cmpuint (watch_count (&f->watch, "stored"), ==, 50);
  receiver_job_advance (f, 1);
  receiver_job_await_stored (f, 100);
  receiver_job_advance (f, 1);
  receiver_job_await_stored (f, 120);
  receiver_job_finish (f);
  g_assert_cmpuint (receiver_job_count (f), ==, 120);
}

/* A test's batches follow each other only when it says so: without a batch in between nobody gives room. */
static void
store_megabytes (WeirReceiver *receiver)
{
  ReceiverJob *f = receiver_job_of (receiver);
  g_autofree char *megabyte = g_malloc0 (1024 * 1024);

  for (guint i = 0; i < f->n_values; i++) {
    weir_receiver_store (receiver, weir_bytes (megabyte, 1024 * 1024));
    watch_say (&f->watch, "stored");
  }
}

static WeirValue
size_of (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_int ((gint64) weir_size (value));
}

static void
test_it_is_held_back_at_the_memory_limit (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "large", .run = store_megabytes };
  guint so_far;

  f->n_values = 200;
  receiver_job_set (f, "memory.limit", "64MB");
  f->collected = weir_collect (weir_map (weir_receiver_stream (f->ctx, &klass, f), size_of, NULL));
  weir_context_start (f->ctx, NULL);
  receiver_job_await_stored (f, 20);
  while (watch_count (&f->watch, "stopped") == 0) {
    so_far = (guint) receiver_job_count (f);
    g_assert_cmpuint (watch_count (&f->watch, "stored"), <=, so_far + 40);
    receiver_job_advance (f, 1);
    g_assert_cmpuint (receiver_job_count (f), <=, so_far + 16); /* a quarter of the limit at a time */
  }
  receiver_job_finish (f);
  g_assert_cmpuint (receiver_job_count (f), ==, 200);
}

static void
test_a_stop_at_once_does_not_wait_for_one_who_stores (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "stuck", .run = store_megabytes };

  f->n_values = 200;
  receiver_job_set (f, "memory.limit", "64MB");
  receiver_job_collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  receiver_job_await_stored (f, 20);
  weir_context_stop (f->ctx, FALSE);
  g_assert_cmpint (weir_context_await (f->ctx, WATCH_DEADLINE, NULL), ==, WEIR_WAIT_STOPPED);
  g_assert_cmpuint (watch_count (&f->watch, "stopped"), ==, 1);
}

static void
test_a_graceful_stop_makes_room_for_one_who_stores (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "stuck", .run = store_megabytes };

  f->n_values = 100;
  receiver_job_set (f, "memory.limit", "64MB");
  f->collected = weir_collect (weir_map (weir_receiver_stream (f->ctx, &klass, f), size_of, NULL));
  weir_context_start (f->ctx, NULL);
  receiver_job_await_stored (f, 20);
  receiver_job_finish (f);
  g_assert_cmpuint (receiver_job_count (f), ==, 100);
}

#define ADD(name)                                                                                                      \
  g_test_add ("/intake/" #name, ReceiverJob, NULL, receiver_job_set_up, test_##name, receiver_job_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (no_more_than_the_rate_comes_in_a_second);
  ADD (it_slows_to_what_batches_can_do);
  ADD (it_is_held_back_at_the_memory_limit);
  ADD (a_stop_at_once_does_not_wait_for_one_who_stores);
  ADD (a_graceful_stop_makes_room_for_one_who_stores);
  return g_test_run ();
}
