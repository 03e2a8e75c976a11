/* Tests of testkit/test-context: time is what the test says, and errors come through.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/test.h>

#include "tests/operators/job.h"

static void
expect_times (WeirContext *ctx, WeirTime first)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  WeirCollected *collected = weir_collect (weir_queue_stream (ctx, queue, TRUE));

  weir_test_advance (ctx, 1, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (weir_collected_n_batches (collected), ==, 1);
  weir_test_advance (ctx, 2, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (weir_collected_n_batches (collected), ==, 3);
  for (gsize i = 0; i < 3; i++)
    g_assert_cmpint (weir_collected_time (collected, i), ==, first + (WeirTime) i * WEIR_MILLISECONDS (200));
}

static void
the_first_batch_is_at_one_interval (void)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_MILLISECONDS (200));

  expect_times (ctx, WEIR_MILLISECONDS (200));
}

static void
the_clock_may_stand_elsewhere (void)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new_at (WEIR_MILLISECONDS (200), WEIR_SECONDS (1700000000));

  expect_times (ctx, WEIR_SECONDS (1700000000) + WEIR_MILLISECONDS (200));
}

static void
no_batches_is_nothing_but_a_start (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  WeirCollected *collected = weir_collect (weir_queue_stream (ctx, queue, TRUE));

  g_assert_cmpint (weir_context_state (ctx), ==, WEIR_INITIALIZED);
  weir_test_advance (ctx, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpint (weir_context_state (ctx), ==, WEIR_ACTIVE);
  g_assert_cmpuint (weir_collected_n_batches (collected), ==, 0);
}

static void
an_error_of_a_batch_comes_through_and_stays (Job *job)
{
  weir_collect (weir_reduce_by_key (job->input, WEIR_SUM, NULL));
  job_push (job, "a=1");
  job_run (job);
  job_push (job, "no pair");
  job_run_into (job, WEIR_ERROR_KIND, "batch 2000 ms: collect-0: reduce_by_key-1");
  job_push (job, "a=1");
  job_run_into (job, WEIR_ERROR_KIND, "batch 2000 ms: collect-0: reduce_by_key-1");
}

static void
an_error_of_the_graph_comes_through (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));

  g_assert_false (weir_test_advance (ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
}

static void
a_context_that_has_stopped_cannot_advance (Job *job)
{
  g_autoptr (GError) error = NULL;

  weir_collect (job->input);
  job_push (job, "a");
  job_run (job);
  weir_context_stop (job->ctx, TRUE);
  g_assert_cmpint (weir_context_await (job->ctx, WEIR_SECONDS (120), &error), ==, WEIR_WAIT_STOPPED);
  g_assert_no_error (error);
  g_assert_false (weir_test_advance (job->ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CLOSED);
}

static char *
order_of_keys (void)
{
  WeirCollected *collected;
  Job job;
  char *text;

  job_init (&job, 3);
  collected = weir_collect (weir_count_by_value (job.input));
  job_push_range (&job, 200);
  job_run (&job);
  text = job_text (collected, 0);
  job_clear (&job);
  return text;
}

static void
a_test_gives_the_same_each_time (void)
{
  g_autofree char *first = order_of_keys ();
  g_autofree char *second = order_of_keys ();

  g_assert_cmpstr (first, ==, second);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/test-context/the-first-batch-is-at-one-interval", the_first_batch_is_at_one_interval);
  g_test_add_func ("/test-context/the-clock-may-stand-elsewhere", the_clock_may_stand_elsewhere);
  g_test_add_func ("/test-context/no-batches-is-nothing-but-a-start", no_batches_is_nothing_but_a_start);
  g_test_add_func ("/test-context/an-error-of-the-graph-comes-through", an_error_of_the_graph_comes_through);
  g_test_add_func ("/test-context/a-test-gives-the-same-each-time", a_test_gives_the_same_each_time);
  job_add_test ("/test-context/an-error-of-a-batch-comes-through", an_error_of_a_batch_comes_through_and_stays);
  job_add_test ("/test-context/a-context-that-has-stopped", a_context_that_has_stopped_cannot_advance);
  return g_test_run ();
}
