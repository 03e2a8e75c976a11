/* Receivers without a log: what they store, restarts, rates, holding back, stopping.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/receiver.h>
#include <weir/test.h>

#include "tests/engine/watch.h"

/* What the receiver of a test works with. */
typedef struct {
  WeirContext *ctx;
  WeirCollected *collected;
  Watch watch;
  Gate gate;
  guint n_starts; /* atomic, as the next ones */
  guint n_stored;
  guint fail_starts; /* so many in vain */
  guint n_values;
} Fixture;

typedef struct {
  guint n_runs;
} Counting;

static Fixture *
fixture_of (WeirReceiver *receiver)
{
  return weir_receiver_user_data (receiver);
}

static void
say_receiver (gpointer watch, const char *what, const WeirReceiverInfo *info)
{
  const GError *error = weir_receiver_info_error (info);

  watch_say (watch, "%s %s of %s, %s, restart %u%s%s", what, weir_receiver_info_name (info),
             weir_receiver_info_stream (info), weir_receiver_info_is_active (info) ? "active" : "idle",
             weir_receiver_info_n_restarts (info), error != NULL ? ": " : "", error != NULL ? error->message : "");
}

static void
on_started (const WeirReceiverInfo *info, gpointer watch)
{
  say_receiver (watch, "started", info);
}

static void
on_error (const WeirReceiverInfo *info, gpointer watch)
{
  g_assert_cmpint (weir_receiver_info_error_time (info), >=, 0);
  say_receiver (watch, "error", info);
}

static void
on_stopped (const WeirReceiverInfo *info, gpointer watch)
{
  say_receiver (watch, "stopped", info);
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
  static const WeirListener listener = { .receiver_started = on_started,
                                         .receiver_error = on_error,
                                         .receiver_stopped = on_stopped };

  *f = (Fixture){ 0 };
  watch_init (&f->watch);
  gate_init (&f->gate);
  f->ctx = weir_test_context_new (WEIR_SECONDS (1));
  weir_context_add_listener (f->ctx, &listener, &f->watch);
  set (f, "log.level", "error");
}

static void
finish (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  weir_context_stop (f->ctx, TRUE);
  g_assert_cmpint (weir_context_await (f->ctx, WATCH_DEADLINE, &error), ==, WEIR_WAIT_STOPPED);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  gate_open (&f->gate);
  weir_context_free (f->ctx);
  gate_clear (&f->gate);
  watch_clear (&f->watch);
}

static void
collect (Fixture *f, const WeirReceiverClass *klass)
{
  WeirStream *stream = weir_receiver_stream (f->ctx, klass, f);

  f->collected = weir_collect (weir_stream_set_name (stream, "heard"));
}

static void
advance (Fixture *f, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (f->ctx, n, &error);
  g_assert_no_error (error);
}

static void
expect (Fixture *f, gsize batch, const char *expected)
{
  g_autofree char *text = weir_collected_text (f->collected, batch);

  g_assert_cmpstr (text, ==, expected);
}

/* Everything that came, whichever batch it came in. */
static gsize
count_all (Fixture *f)
{
  gsize sum = 0, n;

  for (gsize i = 0; i < weir_collected_n_batches (f->collected); i++) {
    weir_collected_values (f->collected, i, &n);
    sum += n;
  }
  return sum;
}

static void
await_stored (Fixture *f, guint n)
{
  watch_await (&f->watch, "stored", n);
}

static void
store (Fixture *f, WeirReceiver *receiver, gint64 value)
{
  weir_receiver_store (receiver, weir_int (value));
  watch_say (&f->watch, "stored %d", (int) value);
}

/* --- storing --- */

static void
store_all_kinds (WeirReceiver *receiver)
{
  Fixture *f = fixture_of (receiver);
  char text[] = "text";

  weir_receiver_store (receiver, weir_text (text));
  text[0] = 'n'; /* it was copied */
  weir_receiver_store (receiver, WEIR_PAIR_OF (weir_text (text), WEIR_LIST_OF (weir_int (1), weir_float (0.5))));
  weir_receiver_store (receiver, weir_nil ());
  weir_receiver_store (receiver, weir_int (-7));
  watch_say (&f->watch, "stored");
  gate_pass (&f->gate);
}

static void
test_values_of_any_kind_arrive_in_order (Fixture *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "kinds", .run = store_all_kinds };
  const WeirValue *values;
  gsize n;

  collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  await_stored (f, 1);
  advance (f, 1);
  values = weir_collected_values (f->collected, 0, &n);
  g_assert_cmpuint (n, ==, 4);
  g_assert_true (weir_equal (values[0], weir_text ("text")));
  g_assert_true (weir_equal (weir_item (weir_val (values[1]), 1), weir_float (0.5)));
  g_assert_true (weir_is_nil (values[2]));
  g_assert_cmpint (weir_as_int (values[3]), ==, -7);
  gate_open (&f->gate);
  finish (f);
}

static void
store_blocks (WeirReceiver *receiver)
{
  const WeirValue values[] = { weir_int (1), weir_int (2), weir_int (3) };
  Fixture *f = fixture_of (receiver);
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
see_partitions (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  Fixture *f = user_data;

  watch_say (&f->watch, "partitions %u", weir_dataset_n_partitions (data));
  return TRUE;
}

static void
test_each_block_is_a_partition (Fixture *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "blocks", .run = store_blocks };
  WeirStream *stream = weir_receiver_stream (f->ctx, &klass, f);

  weir_foreach_batch (stream, see_partitions, f);
  f->collected = weir_collect (stream);
  weir_context_start (f->ctx, NULL);
  await_stored (f, 1);
  advance (f, 1);
  watch_expect (&f->watch, "partitions", "partitions 4");
  expect (f, 0, "1 1 1 1 2 2 2 2 3 3 3 3");
  gate_open (&f->gate);
  finish (f);
}

static void
store_what_cannot_be_kept (WeirReceiver *receiver)
{
  Fixture *f = fixture_of (receiver);
  WeirValue cells[70], deep = weir_int (1);
  g_autoptr (GError) error = NULL;
  g_autofree char *huge = g_malloc0 (17 * 1024 * 1024);

  for (guint i = 0; i < G_N_ELEMENTS (cells); i++) {
    cells[i] = deep;
    deep = weir_list_at (&cells[i], 1);
  }
  weir_receiver_store (receiver, deep);
  weir_receiver_store (receiver, weir_bytes (huge, 17 * 1024 * 1024));
  weir_receiver_store (receiver, weir_int (1));
  g_assert_false (weir_receiver_store_block (receiver, &deep, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_KIND);
  g_clear_error (&error);
  deep = weir_bytes (huge, 17 * 1024 * 1024);
  g_assert_false (weir_receiver_store_block (receiver, &deep, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT);
  watch_say (&f->watch, "stored");
}

static void
say_reject (const char *where_and_why, guint64 n, gpointer watch)
{
  watch_say (watch, "reject %s: %u", where_and_why, (guint) n);
}

static void
see_rejects (const WeirBatchInfo *info, gpointer watch)
{
  weir_batch_info_foreach_rejected (info, say_reject, watch);
}

static void
test_values_that_cannot_be_kept_are_counted (Fixture *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "odd", .run = store_what_cannot_be_kept };
  static const WeirListener listener = { .batch_completed = see_rejects };

  weir_context_add_listener (f->ctx, &listener, &f->watch);
  set (f, "memory.limit", "64MB");
  collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  await_stored (f, 1);
  advance (f, 2);
  g_assert_cmpuint (count_all (f), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "reject heard: value longer than a quarter of memory.limit: 1"), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "reject heard: value nested deeper than 64: 1"), ==, 1);
  finish (f);
}

/* --- the receiver's life --- */

static gboolean
start_in_vain (WeirReceiver *receiver, GError **error)
{
  Fixture *f = fixture_of (receiver);
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
  Fixture *f = fixture_of (receiver);

  self->n_runs++;
  store (f, receiver, self->n_runs);
  if (self->n_runs < 3) {
    weir_receiver_restart (receiver, "it broke off");
    g_assert_true (weir_receiver_is_stopping (receiver));
    return;
  }
  gate_pass (&f->gate);
}

static void
test_it_starts_again_with_its_instance_as_it_was (Fixture *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { "restarting", sizeof (Counting), NULL, store_and_restart, NULL, NULL };

  collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  for (guint i = 1; i <= 3; i++) {
    await_stored (f, i);
    if (i < 3)
      watch_await (&f->watch, "error", i);
    advance (f, 1); /* a second, longer than the first waits */
  }
  expect (f, 0, "1");
  expect (f, 1, "2");
  expect (f, 2, "3");
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
  finish (f);
}

static void
test_starts_in_vain_are_further_and_further_apart (Fixture *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "vain", .start = start_in_vain, .run = store_blocks };
  static const guint seconds[] = { 1, 1, 1, 1, 2, 4 }; /* for 100, 200, 400, 800, 1600, 3200 ms */

  f->fail_starts = G_N_ELEMENTS (seconds);
  collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  for (guint i = 0; i < f->fail_starts; i++) {
    watch_await (&f->watch, "error", i + 1);
    advance (f, seconds[i] - 1);
    g_assert_cmpuint (watch_count (&f->watch, "try "), ==, i + 1);
    advance (f, 1);
    watch_await (&f->watch, "try ", i + 2);
  }
  await_stored (f, 1);
  gate_open (&f->gate);
  finish (f);
}

static void
store_one (WeirReceiver *receiver)
{
  store (fixture_of (receiver), receiver, 1);
}

static void
test_a_run_that_returns_ends_the_input_and_nothing_else (Fixture *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "short", .run = store_one };

  collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  watch_await (&f->watch, "stopped", 1);
  advance (f, 2);
  expect (f, 0, "1");
  expect (f, 1, "");
  finish (f);
  g_assert_cmpuint (watch_count (&f->watch, "started short"), ==, 1);
}

static void
wait_at_gate (WeirReceiver *receiver)
{
  Fixture *f = fixture_of (receiver);

  gate_pass (&f->gate);
  g_assert_true (weir_receiver_is_stopping (receiver));
  for (guint i = 0; i < 1000; i++)
    weir_receiver_store (receiver, weir_int (i));
}

static void
open_gate (WeirReceiver *receiver)
{
  Fixture *f = fixture_of (receiver);

  watch_say (&f->watch, "told");
  gate_open (&f->gate);
}

static gboolean
say_start (WeirReceiver *receiver, GError **error)
{
  watch_say (&fixture_of (receiver)->watch, "made");
  return TRUE;
}

static void
say_end (WeirReceiver *receiver)
{
  watch_say (&fixture_of (receiver)->watch, "undone");
}

static void
test_each_start_has_its_end (Fixture *f, gconstpointer data)
{
  static const WeirReceiverClass klass = {
    "tidy", sizeof (Counting), say_start, store_and_restart, open_gate, say_end
  };

  collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  for (guint i = 1; i <= 3; i++) {
    await_stored (f, i);
    if (i < 3)
      watch_await (&f->watch, "error", i);
    advance (f, 1);
  }
  finish (f);
  g_assert_cmpuint (watch_count (&f->watch, "made"), ==, 3);
  g_assert_cmpuint (watch_count (&f->watch, "undone"), ==, 3);
}

static void
test_a_graceful_stop_takes_what_is_stored_last (Fixture *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "slow", .run = wait_at_gate, .stop = open_gate };

  collect (f, &klass);
  advance (f, 1);
  gate_await_inside (&f->gate, 1);
  finish (f);
  g_assert_cmpuint (count_all (f), ==, 1000);
  g_assert_cmpuint (watch_count (&f->watch, "told"), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "stopped slow"), ==, 1);
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
  Fixture *f = fixture_of (receiver);
  GThread *helper;

  if (self->n_runs++ == 0) {
    helper = g_thread_new ("helper", ask_from_outside, receiver);
    gate_pass (&f->gate);
    g_thread_join (helper);
  } else {
    store (f, receiver, self->n_runs);
  }
}

static void
test_another_thread_may_ask_for_a_restart (Fixture *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { "helped", sizeof (Counting), NULL, run_with_helper, open_gate, NULL };

  collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  watch_await (&f->watch, "error", 1);
  advance (f, 1);
  watch_await (&f->watch, "stopped", 1);
  advance (f, 1);
  g_assert_cmpuint (count_all (f), ==, 1);
  finish (f);
}

/* --- holding back --- */

static void
store_hundreds (WeirReceiver *receiver)
{
  Fixture *f = fixture_of (receiver);

  for (guint i = 0; i < f->n_values; i++) {
    weir_receiver_store (receiver, weir_int (i));
    watch_say (&f->watch, "stored");
  }
}

static void
test_no_more_than_the_rate_comes_in_a_second (Fixture *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "fast", .run = store_hundreds };

  f->n_values = 250;
  set (f, "receiver.max.rate", "100");
  collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  watch_await (&f->watch, "started", 1);
  g_assert_cmpuint (watch_count (&f->watch, "stored"), ==, 0);
  advance (f, 1);
  await_stored (f, 100);
  advance (f, 1);
  await_stored (f, 200);
  g_assert_cmpuint (watch_count (&f->watch, "stored"), ==, 200);
  advance (f, 1);
  watch_await (&f->watch, "stopped", 1);
  advance (f, 1);
  g_assert_cmpuint (count_all (f), ==, 250);
  finish (f);
}

/* A test's batches follow each other only when it says so: without a batch in between nobody gives room. */
static void
store_megabytes (WeirReceiver *receiver)
{
  Fixture *f = fixture_of (receiver);
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
test_it_is_held_back_at_the_memory_limit (Fixture *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "large", .run = store_megabytes };
  guint so_far;

  f->n_values = 200;
  set (f, "memory.limit", "64MB");
  f->collected = weir_collect (weir_map (weir_receiver_stream (f->ctx, &klass, f), size_of, NULL));
  weir_context_start (f->ctx, NULL);
  await_stored (f, 20);
  while (watch_count (&f->watch, "stopped") == 0) {
    so_far = (guint) count_all (f);
    g_assert_cmpuint (watch_count (&f->watch, "stored"), <=, so_far + 40);
    advance (f, 1);
    g_assert_cmpuint (count_all (f), <=, so_far + 16); /* a quarter of the limit at a time */
  }
  finish (f);
  g_assert_cmpuint (count_all (f), ==, 200);
}

static void
test_a_stop_at_once_does_not_wait_for_one_who_stores (Fixture *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "stuck", .run = store_megabytes };

  f->n_values = 200;
  set (f, "memory.limit", "64MB");
  collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  await_stored (f, 20);
  weir_context_stop (f->ctx, FALSE);
  g_assert_cmpint (weir_context_await (f->ctx, WATCH_DEADLINE, NULL), ==, WEIR_WAIT_STOPPED);
  g_assert_cmpuint (watch_count (&f->watch, "stopped"), ==, 1);
}

static void
test_a_graceful_stop_makes_room_for_one_who_stores (Fixture *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "stuck", .run = store_megabytes };

  f->n_values = 100;
  set (f, "memory.limit", "64MB");
  f->collected = weir_collect (weir_map (weir_receiver_stream (f->ctx, &klass, f), size_of, NULL));
  weir_context_start (f->ctx, NULL);
  await_stored (f, 20);
  finish (f);
  g_assert_cmpuint (count_all (f), ==, 100);
}

/* --- mistakes --- */

static void
expect_refused (Fixture *f, const char *what)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_context_start (f->ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  if (strstr (error->message, what) == NULL)
    g_error ("'%s' says nothing of '%s'", error->message, what);
}

static void
test_a_class_without_run_is_a_mistake (Fixture *f, gconstpointer data)
{
  collect (f, &(WeirReceiverClass){ .name = "idle" });
  expect_refused (f, "WeirReceiverClass.run");
}

static void
test_a_class_without_a_name_is_a_mistake (Fixture *f, gconstpointer data)
{
  collect (f, &(WeirReceiverClass){ .run = store_one });
  expect_refused (f, "without a name");
}

static void
test_no_class_is_a_mistake (Fixture *f, gconstpointer data)
{
  f->collected = weir_collect (weir_receiver_stream (f->ctx, NULL, f));
  expect_refused (f, "NULL");
}

static void
test_a_log_needs_a_checkpoint (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  set (f, "receiver.wal", "true");
  collect (f, &(WeirReceiverClass){ .name = "logged", .run = store_one });
  g_assert_false (weir_context_start (f->ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
}

#define ADD(name) g_test_add ("/receiver/" #name, Fixture, NULL, set_up, test_##name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (values_of_any_kind_arrive_in_order);
  ADD (each_block_is_a_partition);
  ADD (values_that_cannot_be_kept_are_counted);
  ADD (it_starts_again_with_its_instance_as_it_was);
  ADD (starts_in_vain_are_further_and_further_apart);
  ADD (a_run_that_returns_ends_the_input_and_nothing_else);
  ADD (each_start_has_its_end);
  ADD (a_graceful_stop_takes_what_is_stored_last);
  ADD (another_thread_may_ask_for_a_restart);
  ADD (no_more_than_the_rate_comes_in_a_second);
  ADD (it_is_held_back_at_the_memory_limit);
  ADD (a_stop_at_once_does_not_wait_for_one_who_stores);
  ADD (a_graceful_stop_makes_room_for_one_who_stores);
  ADD (a_class_without_run_is_a_mistake);
  ADD (a_class_without_a_name_is_a_mistake);
  ADD (no_class_is_a_mistake);
  ADD (a_log_needs_a_checkpoint);
  return g_test_run ();
}
