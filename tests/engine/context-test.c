/* A context's life: what may follow what, from which thread, and how it ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/context.h"

#include <weir/input.h>
#include <weir/test.h>

#include "engine/decider.h"
#include "tests/engine/watch.h"

#define SHORT WEIR_MILLISECONDS (5)

typedef struct {
  WeirContext *ctx;
  WeirQueue *queue;
  WeirStream *input;
  Watch watch;
  Gate gate;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  watch_init (&f->watch);
  watch_catch_log (&f->watch);
  gate_init (&f->gate);
  f->ctx = weir_context_new ("job", SHORT);
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

static gboolean
do_nothing (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  return TRUE;
}

static gboolean
fail (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_USER, "no luck");
  return FALSE;
}

static gboolean
pass_gate (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  gate_pass (user_data);
  return TRUE;
}

static void
start (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  weir_context_start (f->ctx, &error);
  g_assert_no_error (error);
}

static void
expect_stopped (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (weir_context_await (f->ctx, WATCH_DEADLINE, &error), ==, WEIR_WAIT_STOPPED);
  g_assert_no_error (error);
  g_assert_cmpint (weir_context_state (f->ctx), ==, WEIR_STOPPED);
}

static void
expect_no_start (Fixture *f, gint code, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_context_start (f->ctx, &error));
  g_assert_error (error, WEIR_ERROR, code);
  g_assert_cmpstr (error->message, ==, message);
}

static void
a_context_is_renamed_before_it_starts (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  weir_context_set_name (f->ctx, "job.7");
  g_assert_cmpstr (f->ctx->log.name, ==, "job.7");
  weir_foreach_batch (f->input, do_nothing, NULL);
  weir_context_start (f->ctx, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (weir_engine_job_name (f->ctx->engine), ==, "job.7");
}

static void
a_context_runs_until_it_is_stopped (Fixture *f, gconstpointer data)
{
  watch_listen (&f->watch, f->ctx);
  weir_foreach_batch (f->input, do_nothing, NULL);
  g_assert_cmpint (weir_context_state (f->ctx), ==, WEIR_INITIALIZED);
  start (f);
  g_assert_cmpint (weir_context_state (f->ctx), ==, WEIR_ACTIVE);
  watch_await (&f->watch, "batch completed", 3);
  weir_context_stop (f->ctx, TRUE);
  expect_stopped (f);
}

static void
a_context_starts_once (Fixture *f, gconstpointer data)
{
  weir_foreach_batch (f->input, do_nothing, NULL);
  start (f);
  expect_no_start (f, WEIR_ERROR_FAILED, "job runs already: start a context once");
  g_assert_cmpint (weir_context_state (f->ctx), ==, WEIR_ACTIVE);
  weir_context_stop (f->ctx, FALSE);
  expect_stopped (f);
  expect_no_start (f, WEIR_ERROR_CLOSED, "job has stopped and cannot start again: make a new context");
}

static void
a_stop_before_the_start_is_the_end (Fixture *f, gconstpointer data)
{
  weir_foreach_batch (f->input, do_nothing, NULL);
  weir_context_stop (f->ctx, TRUE);
  expect_stopped (f);
  expect_no_start (f, WEIR_ERROR_CLOSED, "job has stopped and cannot start again: make a new context");
  weir_context_stop (f->ctx, FALSE);
  expect_stopped (f);
}

static void
a_context_may_be_stopped_often (Fixture *f, gconstpointer data)
{
  weir_foreach_batch (f->input, do_nothing, NULL);
  start (f);
  for (guint i = 0; i < 100; i++)
    weir_context_stop (f->ctx, i % 3 != 0);
  expect_stopped (f);
  weir_context_stop (f->ctx, TRUE);
  expect_stopped (f);
}

static void
a_context_that_never_started_is_freed (Fixture *f, gconstpointer data)
{
  weir_print (weir_count_by_value (f->input), 10);
}

static void
a_wait_may_be_short (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (weir_context_await (f->ctx, -1, &error), ==, WEIR_WAIT_STOPPED);
  weir_foreach_batch (f->input, do_nothing, NULL);
  start (f);
  g_assert_cmpint (weir_context_await (f->ctx, 0, &error), ==, WEIR_WAIT_TIMEOUT);
  g_assert_cmpint (weir_context_await (f->ctx, 2000, &error), ==, WEIR_WAIT_TIMEOUT);
  g_assert_no_error (error);
  weir_context_stop (f->ctx, TRUE);
  g_assert_cmpint (weir_context_await (f->ctx, G_MAXINT64, &error), ==, WEIR_WAIT_STOPPED);
  g_assert_cmpint (weir_context_await (f->ctx, -1, NULL), ==, WEIR_WAIT_STOPPED);
}

static void
a_failure_is_told_as_often_as_it_is_asked_for (Fixture *f, gconstpointer data)
{
  weir_foreach_batch (f->input, fail, NULL);
  start (f);
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GError) error = NULL;

    g_assert_cmpint (weir_context_await (f->ctx, WATCH_DEADLINE, &error), ==, WEIR_WAIT_FAILED);
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_USER);
    g_assert_true (g_str_has_suffix (error->message, " ms: foreach_batch-0: no luck"));
  }
  g_assert_cmpint (weir_context_state (f->ctx), ==, WEIR_STOPPED);
  weir_context_stop (f->ctx, TRUE);
}

static void
a_start_that_failed_is_a_failure_to_who_awaits (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_context_start (f->ctx, NULL));
  g_assert_cmpint (weir_context_state (f->ctx), ==, WEIR_STOPPED);
  g_assert_cmpint (weir_context_await (f->ctx, -1, &error), ==, WEIR_WAIT_FAILED);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  weir_context_stop (f->ctx, TRUE);
}

static void
stop_it (const WeirBatchInfo *info, gpointer ctx)
{
  weir_context_stop (ctx, TRUE);
}

static void
a_listener_may_stop_it (Fixture *f, gconstpointer data)
{
  static const WeirListener listener = { .batch_submitted = stop_it };

  weir_context_add_listener (f->ctx, &listener, f->ctx);
  weir_foreach_batch (f->input, do_nothing, NULL);
  start (f);
  expect_stopped (f);
}

static gboolean
stop_in_foreach (WeirDataset *dataset, WeirTime time, gpointer ctx, GError **error)
{
  weir_context_stop (ctx, FALSE);
  return TRUE;
}

static void
a_function_on_the_runner_may_stop_it (Fixture *f, gconstpointer data)
{
  weir_foreach_batch (f->input, stop_in_foreach, f->ctx);
  start (f);
  expect_stopped (f);
}

static WeirValue
stop_in_map (WeirTask *task, WeirValue value, gpointer ctx)
{
  weir_context_stop (ctx, FALSE);
  return value;
}

static gboolean
count (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  gsize n;

  return weir_dataset_count (dataset, &n, error);
}

static void
a_function_on_a_worker_may_stop_it (Fixture *f, gconstpointer data)
{
  const WeirValue value = weir_int (1);

  weir_queue_push (f->queue, &value, 1);
  weir_foreach_batch (weir_map (f->input, stop_in_map, f->ctx), count, NULL);
  start (f);
  expect_stopped (f);
}

static gpointer
stop_from_thread (gpointer ctx)
{
  weir_context_stop (ctx, TRUE);
  return NULL;
}

/* Whether the stop comes before, while or after it starts: it ends, and nothing is touched that is not there yet. */
static void
a_stop_may_race_with_the_start (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 100; i++) {
    g_autoptr (WeirContext) ctx = weir_context_new ("job", WEIR_MILLISECONDS (1));
    g_autoptr (WeirQueue) queue = weir_queue_new ();
    g_autoptr (GError) error = NULL;
    pthread_t thread;

    weir_foreach_batch (weir_queue_stream (ctx, queue, TRUE), do_nothing, NULL);
    g_assert_cmpint (pthread_create (&thread, NULL, stop_from_thread, ctx), ==, 0);
    if (!weir_context_start (ctx, &error))
      g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CLOSED);
    g_assert_cmpint (weir_context_await (ctx, WATCH_DEADLINE, NULL), ==, WEIR_WAIT_STOPPED);
    pthread_join (thread, NULL);
  }
}

static gpointer
open_when_dropped (gpointer data)
{
  Fixture *f = data;

  watch_await (&f->watch, "planned batches were dropped", 1);
  gate_open (&f->gate);
  return NULL;
}

static void
a_free_while_it_runs_waits_for_the_jobs_code (Fixture *f, gconstpointer data)
{
  pthread_t thread;

  watch_listen (&f->watch, f->ctx);
  weir_foreach_batch (f->input, pass_gate, &f->gate);
  start (f);
  gate_await_inside (&f->gate, 1);
  watch_await (&f->watch, "batch submitted", 3);
  g_assert_cmpint (pthread_create (&thread, NULL, open_when_dropped, f), ==, 0);
  g_clear_pointer (&f->ctx, weir_context_free);
  g_assert_cmpuint (watch_count (&f->watch, "batch submitted"), ==, 3);
  g_assert_cmpuint (watch_count (&f->watch, " failed"), ==, 3 + 1); /* batches, and the output that ran */
  pthread_join (thread, NULL);
}

static void
free_it (const WeirBatchInfo *info, gpointer ctx)
{
  weir_context_free (ctx);
}

static void
a_context_cannot_be_freed_by_its_own_listener (Fixture *f, gconstpointer data)
{
  static const WeirListener listener = { .batch_submitted = free_it };

  weir_context_add_listener (f->ctx, &listener, f->ctx);
  weir_foreach_batch (f->input, do_nothing, NULL);
  start (f);
  watch_await (&f->watch, "critical: weir_context_free: assertion", 1);
  weir_context_stop (f->ctx, TRUE);
  expect_stopped (f);
}

static gboolean
await_itself (WeirDataset *dataset, WeirTime time, gpointer ctx, GError **error)
{
  g_assert_cmpint (weir_context_await (ctx, -1, NULL), ==, WEIR_WAIT_TIMEOUT);
  weir_context_stop (ctx, TRUE);
  return TRUE;
}

static void
a_context_cannot_wait_for_itself (Fixture *f, gconstpointer data)
{
  weir_foreach_batch (f->input, await_itself, f->ctx);
  start (f);
  expect_stopped (f);
  g_assert_cmpuint (watch_count (&f->watch, "critical: job: a function that the context calls cannot wait"), >=, 1);
}

static void
options_are_constant_once_it_runs (Fixture *f, gconstpointer data)
{
  char *words[] = { (char *) "job", (char *) "--workers=3", NULL }, **argv = words;
  g_autoptr (GError) error = NULL, parse_error = NULL;
  int argc = 2;

  weir_foreach_batch (f->input, do_nothing, NULL);
  start (f);
  g_assert_false (weir_context_set (f->ctx, "workers", "3", &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_cmpstr (error->message, ==, "workers cannot be set to '3' once the context has started: set it before");
  g_assert_false (weir_context_parse_args (f->ctx, &argc, &argv, &parse_error));
  g_assert_error (parse_error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_cmpint (argc, ==, 2);
}

static void
options_of_the_job_stand_beside_weirs (Fixture *f, gconstpointer data)
{
  char *words[] = { (char *) "job", (char *) "--workers=3", (char *) "--top=7", (char *) "HOST", NULL };
  char **argv = words;
  gint top = 0, loud = 0;
  const GOptionEntry one[] = { { "top", 0, 0, G_OPTION_ARG_INT, &top, "how many", "N" },
                               { NULL, 0, 0, 0, NULL, NULL, NULL } };
  const GOptionEntry more[] = { { "loud", 0, 0, G_OPTION_ARG_NONE, &loud, "say more", NULL },
                                { NULL, 0, 0, 0, NULL, NULL, NULL } };
  g_autoptr (GError) error = NULL;
  int argc = 4;

  weir_context_add_options (f->ctx, one);
  weir_context_add_options (f->ctx, more);
  weir_context_set_usage (f->ctx, "HOST");
  g_assert_true (weir_context_parse_args (f->ctx, &argc, &argv, &error));
  g_assert_no_error (error);
  g_assert_cmpint (top, ==, 7);
  g_assert_false (loud);
  g_assert_cmpint (argc, ==, 2);
  g_assert_cmpstr (argv[1], ==, "HOST");
}

static void
the_log_level_is_an_option (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (f->ctx, "log.level", data, &error);
  g_assert_no_error (error);
  weir_foreach_batch (f->input, do_nothing, NULL);
  start (f);
  weir_context_stop (f->ctx, TRUE);
  expect_stopped (f);
  g_assert_cmpuint (watch_count (&f->watch, "job: stopped after"), ==, g_str_equal (data, "warning") ? 0 : 1);
}

static void
note_destroyed (gpointer watch)
{
  watch_say (watch, "destroyed");
}

static void
what_it_owns_goes_last (Fixture *f, gconstpointer data)
{
  watch_listen (&f->watch, f->ctx);
  weir_context_own (f->ctx, &f->watch, note_destroyed);
  weir_foreach_batch (f->input, do_nothing, NULL);
  start (f);
  watch_await (&f->watch, "batch completed", 1);
  weir_context_stop (f->ctx, FALSE);
  expect_stopped (f);
  g_assert_cmpuint (watch_count (&f->watch, "destroyed"), ==, 0);
  g_clear_pointer (&f->ctx, weir_context_free);
  g_assert_cmpstr (g_ptr_array_index (f->watch.lines, f->watch.lines->len - 1), ==, "destroyed");
}

static void
run_stops_when_it_is_asked_to (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  weir_foreach_batch (f->input, stop_in_foreach, f->ctx);
  g_assert_true (weir_context_run (f->ctx, &error));
  g_assert_no_error (error);
}

static void
run_fails_when_a_batch_does (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  weir_foreach_batch (f->input, fail, NULL);
  g_assert_false (weir_context_run (f->ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_USER);
}

static void
expect_no_advance (WeirContext *ctx, gint code)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_test_advance (ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, code);
}

static void
what_has_stopped_does_not_advance (Fixture *f, gconstpointer data)
{
  g_autoptr (WeirContext) unstarted = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (WeirContext) stopped = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (WeirContext) mistaken = weir_test_context_new (WEIR_SECONDS (1));

  weir_context_stop (unstarted, TRUE);
  expect_no_advance (unstarted, WEIR_ERROR_CLOSED);
  weir_foreach_batch (weir_queue_stream (stopped, f->queue, TRUE), do_nothing, NULL);
  g_assert_true (weir_test_advance (stopped, 2, NULL));
  weir_context_stop (stopped, FALSE);
  expect_no_advance (stopped, WEIR_ERROR_CLOSED);
  expect_no_advance (mistaken, WEIR_ERROR_GRAPH);
  expect_no_advance (mistaken, WEIR_ERROR_GRAPH);
}

static void
only_a_test_ticks_by_hand (Fixture *f, gconstpointer data)
{
  weir_foreach_batch (f->input, do_nothing, NULL);
  g_assert_false (weir_test_advance (f->ctx, 1, NULL));
  g_assert_cmpuint (watch_count (&f->watch, "critical: weir_context_advance: assertion"), ==, 1);
}

static gboolean
advance_itself (WeirDataset *dataset, WeirTime time, gpointer ctx, GError **error)
{
  return weir_test_advance (ctx, 1, error);
}

static void
a_function_cannot_advance_its_own_context (Fixture *f, gconstpointer data)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (GError) error = NULL;

  weir_foreach_batch (weir_queue_stream (ctx, f->queue, TRUE), advance_itself, ctx);
  g_assert_false (weir_test_advance (ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_FAILED);
  g_assert_true (g_str_has_suffix (error->message, "a function that test calls cannot wait for its batches"));
}

static void
ask_state (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  Fixture *f = data;

  watch_say (&f->watch, "state %d", weir_context_state (f->ctx));
}

static void
what_takes_the_log_may_ask_the_context (Fixture *f, gconstpointer data)
{
  guint handler = g_log_set_handler ("weir", G_LOG_LEVEL_MASK, ask_state, f);

  weir_context_stop (f->ctx, TRUE);
  weir_stream_set_name (f->input, "too late");
  g_log_remove_handler ("weir", handler);
  g_assert_cmpuint (watch_count (&f->watch, "state"), ==, 1);
}

static gpointer
advance_some (gpointer ctx)
{
  g_assert_true (weir_test_advance (ctx, 50, NULL));
  return NULL;
}

static void
several_threads_may_advance (Fixture *f, gconstpointer data)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  WeirCollected *collected = weir_collect (weir_queue_stream (ctx, f->queue, TRUE));
  pthread_t threads[4];

  g_assert_true (weir_test_advance (ctx, 0, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_cmpint (pthread_create (&threads[i], NULL, advance_some, ctx), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    pthread_join (threads[i], NULL);
  g_assert_true (weir_test_advance (ctx, 0, NULL));
  g_assert_cmpuint (weir_collected_n_batches (collected), ==, 200);
}

static void
contexts_do_not_know_each_other (Fixture *f, gconstpointer data)
{
  WeirContext *contexts[8];
  Watch watches[8];

  for (guint i = 0; i < G_N_ELEMENTS (contexts); i++) {
    watch_init (&watches[i]);
    contexts[i] = weir_context_new ("one of many", WEIR_MILLISECONDS (1 + i));
    watch_listen (&watches[i], contexts[i]);
    weir_foreach_batch (weir_queue_stream (contexts[i], f->queue, TRUE), i % 2 == 0 ? fail : do_nothing, NULL);
    g_assert_true (weir_context_start (contexts[i], NULL));
  }
  for (guint i = 0; i < G_N_ELEMENTS (contexts); i++) {
    gboolean fails = i % 2 == 0;

    watch_await (&watches[i], "batch completed", fails ? 1 : 5);
    weir_context_stop (contexts[i], TRUE);
    g_assert_cmpint (weir_context_await (contexts[i], WATCH_DEADLINE, NULL), ==,
                     fails ? WEIR_WAIT_FAILED : WEIR_WAIT_STOPPED);
  }
  for (guint i = G_N_ELEMENTS (contexts); i > 0; i--) {
    weir_context_free (contexts[i - 1]);
    watch_clear (&watches[i - 1]);
  }
}

#define ADD(test) g_test_add ("/context/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_context_runs_until_it_is_stopped);
  ADD (a_context_is_renamed_before_it_starts);
  ADD (a_context_starts_once);
  ADD (a_stop_before_the_start_is_the_end);
  ADD (a_context_may_be_stopped_often);
  ADD (a_context_that_never_started_is_freed);
  ADD (a_wait_may_be_short);
  ADD (a_failure_is_told_as_often_as_it_is_asked_for);
  ADD (a_start_that_failed_is_a_failure_to_who_awaits);
  ADD (a_listener_may_stop_it);
  ADD (a_function_on_the_runner_may_stop_it);
  ADD (a_function_on_a_worker_may_stop_it);
  ADD (a_stop_may_race_with_the_start);
  ADD (a_free_while_it_runs_waits_for_the_jobs_code);
  ADD (a_context_cannot_be_freed_by_its_own_listener);
  ADD (a_context_cannot_wait_for_itself);
  ADD (options_are_constant_once_it_runs);
  ADD (options_of_the_job_stand_beside_weirs);
  g_test_add ("/context/the-log-level/info", Fixture, "info", set_up, the_log_level_is_an_option, tear_down);
  g_test_add ("/context/the-log-level/warning", Fixture, "warning", set_up, the_log_level_is_an_option, tear_down);
  ADD (what_it_owns_goes_last);
  ADD (run_stops_when_it_is_asked_to);
  ADD (run_fails_when_a_batch_does);
  ADD (what_has_stopped_does_not_advance);
  ADD (only_a_test_ticks_by_hand);
  ADD (a_function_cannot_advance_its_own_context);
  ADD (what_takes_the_log_may_ask_the_context);
  ADD (several_threads_may_advance);
  ADD (contexts_do_not_know_each_other);
  return g_test_run ();
}
