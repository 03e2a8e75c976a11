/* The job's counters: what a batch adds shows when it has succeeded, once, and from all workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/test.h>

#include "engine/context.h"

#include "tests/engine/probe.h"

typedef struct {
  WeirContext *ctx;
  WeirStream *input;
  Watch watch;
  Gate gate;
  WeirCounter *counter;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  Probe *probe;

  watch_init (&f->watch);
  watch_catch_log (&f->watch);
  gate_init (&f->gate);
  f->ctx = weir_test_context_new (WEIR_SECONDS (1));
  weir_context_set (f->ctx, "workers", "2", &error);
  g_assert_no_error (error);
  f->input = probe_stream (f->ctx, &f->watch);
  probe = probe_of (f->input);
  probe->n_records = 10000;
  probe->n_partitions = 8;
  f->counter = weir_counter_new (f->ctx, "seen", "elements that went by");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_context_free (f->ctx);
  gate_clear (&f->gate);
  watch_clear (&f->watch);
}

static WeirValue
add_one (WeirTask *task, WeirValue value, gpointer counter)
{
  weir_counter_add (task, counter, 1);
  return value;
}

static WeirValue
add_value (WeirTask *task, WeirValue value, gpointer counter)
{
  weir_counter_add (task, counter, -weir_as_int (value));
  return value;
}

static gboolean
count (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  gsize n;

  return weir_dataset_count (dataset, &n, error);
}

static void
advance (Fixture *f, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (f->ctx, n, &error);
  g_assert_no_error (error);
}

static void
all_workers_add_to_one_sum (Fixture *f, gconstpointer data)
{
  WeirCounter *other = weir_counter_new (f->ctx, "sum", NULL);

  weir_foreach_batch (weir_map (weir_map (f->input, add_one, f->counter), add_value, other), count, NULL);
  g_assert_cmpint (weir_counter_value (f->counter), ==, 0);
  advance (f, 1);
  g_assert_cmpint (weir_counter_value (f->counter), ==, 10000);
  g_assert_cmpint (weir_counter_value (other), ==, -49995000);
  advance (f, 2);
  g_assert_cmpint (weir_counter_value (f->counter), ==, 30000);
}

static void
a_stream_that_two_ask_for_counts_once (Fixture *f, gconstpointer data)
{
  WeirStream *mapped = weir_map (f->input, add_one, f->counter);

  weir_foreach_batch (mapped, count, NULL);
  weir_foreach_batch (weir_count (mapped), count, NULL);
  advance (f, 1);
  g_assert_cmpint (weir_counter_value (f->counter), ==, 10000);
}

static gboolean
fail_from_the_second_on (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  if (time > WEIR_SECONDS (1))
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "no disk");
  return time == WEIR_SECONDS (1);
}

static void
a_batch_that_fails_adds_nothing (Fixture *f, gconstpointer data)
{
  weir_foreach_batch (weir_map (f->input, add_one, f->counter), count, NULL);
  weir_foreach_batch (f->input, fail_from_the_second_on, NULL);
  g_assert_false (weir_test_advance (f->ctx, 2, NULL));
  g_assert_cmpint (weir_counter_value (f->counter), ==, 10000);
}

static gboolean
count_and_wait (WeirDataset *dataset, WeirTime time, gpointer gate, GError **error)
{
  gboolean ok = count (dataset, time, NULL, error);

  gate_pass (gate);
  return ok;
}

static gpointer
look_inside (gpointer data)
{
  Fixture *f = data;

  gate_await_inside (&f->gate, 1);
  g_assert_cmpint (weir_counter_value (f->counter), ==, 0);
  gate_open (&f->gate);
  return NULL;
}

static void
what_a_batch_adds_shows_when_it_is_complete (Fixture *f, gconstpointer data)
{
  pthread_t thread;

  weir_foreach_batch (weir_map (f->input, add_one, f->counter), count_and_wait, &f->gate);
  g_assert_cmpint (pthread_create (&thread, NULL, look_inside, f), ==, 0);
  advance (f, 1);
  pthread_join (thread, NULL);
  g_assert_cmpint (weir_counter_value (f->counter), ==, 10000);
}

static void
no_counter_is_a_bug_that_is_told (Fixture *f, gconstpointer data)
{
  g_assert_null (weir_counter_new (f->ctx, NULL, "help"));
  g_assert_null (weir_counter_new (NULL, "name", "help"));
  g_assert_cmpint (weir_counter_value (NULL), ==, 0);
  g_assert_cmpuint (watch_count (&f->watch, "critical: "), ==, 3);
}

#define ADD(test) g_test_add ("/counter/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (all_workers_add_to_one_sum);
  ADD (a_stream_that_two_ask_for_counts_once);
  ADD (a_batch_that_fails_adds_nothing);
  ADD (what_a_batch_adds_shows_when_it_is_complete);
  ADD (no_counter_is_a_bug_that_is_told);
  return g_test_run ();
}
