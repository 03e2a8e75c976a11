/* Tests of operators/held-results: with on.error=reject what a function has emitted for a record goes on as it was, in
 * order, or not at all.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/held-results.h"

#include <weir/error.h>

#include "tests/operators/job.h"

static void
set_reject (Job *job)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (job->ctx, "on.error", "reject", &error);
  g_assert_no_error (error);
}

/* n values and pairs from the stack, for an INT n; below 0 it fails after them. */
static void
count_up (WeirTask *task, WeirValue value, gpointer user_data)
{
  gint64 n = weir_as_int (value);

  for (gint64 i = 0; i < ABS (n); i++) {
    char text[32];

    g_snprintf (text, sizeof text, "%" G_GINT64_FORMAT, i);
    if (i % 3 == 1)
      weir_emit_pair (task, weir_text (text), weir_int (i));
    else
      weir_emit (task, weir_text (text));
  }
  if (n < 0)
    weir_fail (task, "%" G_GINT64_FORMAT " is below 0", n);
}

static void
what_was_emitted_before_the_failure_is_gone (Job *job)
{
  WeirStream *counted = weir_flat_map (job->input, count_up, NULL);
  WeirCollected *collected = weir_collect (counted), *rejected = weir_collect (weir_rejected (counted));

  set_reject (job);
  job_push (job, "3 -2 0 1 -5 2");
  job_push (job, "-1");
  job_run (job);
  job_expect (collected, 0, "0 (1,1) 2 0 0 (1,1)");
  job_expect (rejected, 0, "(-2 is below 0,-2) (-5 is below 0,-5)");
  job_expect (collected, 1, "");
  job_expect (rejected, 1, "(-1 is below 0,-1)");
}

/* More than a chunk, and than what is held at first. */
static void
many_results_of_one_record (Job *job)
{
  WeirCollected *n = weir_collect (weir_count (weir_flat_map (job->input, count_up, NULL)));

  set_reject (job);
  job_push (job, "1000 -1000 5000 1");
  job_run (job);
  job_expect (n, 0, "6001");
}

static void
values_keep_their_keys (Job *job)
{
  WeirStream *counted = weir_flat_map_values (job->input, count_up, NULL);
  WeirCollected *collected = weir_collect (counted), *rejected = weir_collect (weir_rejected (counted));

  set_reject (job);
  job_push (job, "a=2 b=-3 c=1 d=0");
  job_run (job);
  job_expect (collected, 0, "(a,0) (a,(1,1)) (c,0)");
  job_expect (rejected, 0, "(-3 is below 0,(b,-3))");
}

static void
reject_odd (WeirTask *task, WeirValue value, gpointer user_data)
{
  if (weir_as_int (value) % 2 == 1)
    weir_reject (task, value, "odd");
  else
    weir_emit (task, value);
}

static void
what_a_function_rejects_itself_is_rejected_once (Job *job)
{
  WeirStream *even = weir_flat_map (job->input, reject_odd, NULL);
  WeirCollected *collected = weir_collect (even), *rejected = weir_collect (weir_rejected (even));

  set_reject (job);
  job_push (job, "1 2 3 4");
  job_run (job);
  job_expect (collected, 0, "2 4");
  job_expect (rejected, 0, "(odd,1) (odd,3)");
}

static void
without_the_option_the_batch_fails (Job *job)
{
  weir_collect (weir_flat_map (job->input, count_up, NULL));
  job_push (job, "3 -2");
  job_run_into (job, WEIR_ERROR_USER, "flat_map-1: -2 is below 0");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/held-results/what-was-emitted-before-the-failure-is-gone",
                what_was_emitted_before_the_failure_is_gone);
  job_add_test ("/held-results/many-results-of-one-record", many_results_of_one_record);
  job_add_test ("/held-results/values-keep-their-keys", values_keep_their_keys);
  job_add_test ("/held-results/what-a-function-rejects-itself-is-rejected-once",
                what_a_function_rejects_itself_is_rejected_once);
  job_add_test ("/held-results/without-the-option-the-batch-fails", without_the_option_the_batch_fails);
  return g_test_run ();
}
