/* The engine: the life of sources, starts that fail, and what sources may ask.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/context.h"
#include "engine/engine.h"

#include <weir/test.h>

#include "tests/engine/probe.h"

typedef struct {
  WeirContext *ctx;
  WeirStream *a, *b;
  Watch watch;
} Fixture;

static gboolean
count (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  gsize n;

  return weir_dataset_count (dataset, &n, error);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  watch_init (&f->watch);
  watch_catch_log (&f->watch);
  f->ctx = weir_test_context_new (WEIR_SECONDS (1));
  f->a = weir_stream_set_name (probe_stream (f->ctx, &f->watch), "a");
  f->b = weir_stream_set_name (probe_stream (f->ctx, &f->watch), "b");
  weir_foreach_batch (f->a, count, NULL);
  weir_foreach_batch (f->b, count, NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_context_free (f->ctx);
  watch_clear (&f->watch);
}

static void
advance (Fixture *f, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (f->ctx, n, &error);
  g_assert_no_error (error);
}

static void
stop (Fixture *f)
{
  weir_context_stop (f->ctx, TRUE);
  g_assert_cmpint (weir_context_await (f->ctx, WATCH_DEADLINE, NULL), ==, WEIR_WAIT_STOPPED);
}

static void
sources_live_from_open_to_close (Fixture *f, gconstpointer data)
{
  advance (f, 1);
  stop (f);
  watch_expect (&f->watch, "",
                "open a\nopen b\nstart a\nstart b\nplan 1000\nplan 1000\nrelease 1000\nrelease 1000\n"
                "stop a\nstop b\nmessage: test: stopped after 1 batches, 0 records, 0 rejected\nclose a\nclose b");
}

static void
a_source_that_nobody_reads_is_left_alone (Fixture *f, gconstpointer data)
{
  weir_count (weir_stream_set_name (probe_stream (f->ctx, &f->watch), "unread"));
  advance (f, 1);
  stop (f);
  g_assert_cmpuint (watch_count (&f->watch, "unread"), ==, 0);
}

static void
a_source_that_does_not_open_fails_the_start (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  probe_of (f->b)->refuse = "the port is taken: choose another";
  g_assert_false (weir_context_start (f->ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_SOURCE);
  g_assert_cmpstr (error->message, ==, "b: the port is taken: choose another");
  g_assert_cmpint (weir_context_state (f->ctx), ==, WEIR_STOPPED);
  watch_expect (&f->watch, "", "open a\nopen b\nclose a\nclose b");
}

static void
a_context_that_stops_before_its_first_batch_starts_and_stops_its_sources (Fixture *f, gconstpointer data)
{
  g_assert_true (weir_context_start (f->ctx, NULL));
  stop (f);
  watch_expect (&f->watch, "p a", "stop a");
  watch_expect (&f->watch, "t a", "start a");
  g_assert_cmpuint (watch_count (&f->watch, "plan"), ==, 0);
}

static void
tests_have_one_seed_and_jobs_their_own (Fixture *f, gconstpointer data)
{
  WeirSeed zero, seeds[2];

  weir_seed_init (&zero, 0);
  advance (f, 0);
  g_assert_cmpmem (&f->ctx->engine->seed, sizeof zero, &zero, sizeof zero);
  for (guint i = 0; i < 2; i++) {
    g_autoptr (WeirContext) ctx = weir_context_new ("job", WEIR_SECONDS (1));

    weir_foreach_batch (probe_stream (ctx, &f->watch), count, NULL);
    g_assert_true (weir_context_start (ctx, NULL));
    seeds[i] = ctx->engine->seed;
  }
  g_assert_true (memcmp (&seeds[0], &seeds[1], sizeof seeds[0]) != 0);
}

static void
room_is_half_of_the_memory (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  WeirBlock *block;

  weir_context_set (f->ctx, "memory.limit", "64MB", &error);
  g_assert_no_error (error);
  advance (f, 0);
  g_assert_true (weir_engine_has_room (f->ctx->engine));
  block = weir_block_new (weir_engine_memory (f->ctx->engine), 33 * 1024 * 1024);
  g_assert_false (weir_engine_has_room (f->ctx->engine));
  weir_block_unref (block);
  g_assert_true (weir_engine_has_room (f->ctx->engine));
}

static gboolean
ask_whose (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  Fixture *f = user_data;

  watch_say (&f->watch, "the runner is %s", weir_engine_is_mine (f->ctx->engine) ? "its own" : "somebody's");
  return TRUE;
}

static void
ask_whose_loop (const WeirBatchInfo *info, gpointer user_data)
{
  Fixture *f = user_data;

  watch_say (&f->watch, "the loop is %s", weir_engine_is_mine (f->ctx->engine) ? "its own" : "somebody's");
}

static void
it_knows_its_threads (Fixture *f, gconstpointer data)
{
  static const WeirListener listener = { .batch_completed = ask_whose_loop };

  weir_context_add_listener (f->ctx, &listener, f);
  weir_foreach_batch (f->a, ask_whose, f);
  advance (f, 0);
  g_assert_false (weir_engine_is_mine (f->ctx->engine));
  advance (f, 1);
  g_assert_cmpuint (watch_count (&f->watch, "the runner is its own"), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "the loop is its own"), ==, 1);
}

static void
an_error_after_the_end_is_let_go (Fixture *f, gconstpointer data)
{
  advance (f, 1);
  stop (f);
  weir_engine_fail (f->ctx->engine, g_error_new (WEIR_ERROR, WEIR_ERROR_SOURCE, "too late"));
  g_assert_cmpint (weir_context_await (f->ctx, -1, NULL), ==, WEIR_WAIT_STOPPED);
}

#define ADD(test) g_test_add ("/engine/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (sources_live_from_open_to_close);
  ADD (a_source_that_nobody_reads_is_left_alone);
  ADD (a_source_that_does_not_open_fails_the_start);
  ADD (a_context_that_stops_before_its_first_batch_starts_and_stops_its_sources);
  ADD (tests_have_one_seed_and_jobs_their_own);
  ADD (room_is_half_of_the_memory);
  ADD (it_knows_its_threads);
  ADD (an_error_after_the_end_is_let_go);
  return g_test_run ();
}
