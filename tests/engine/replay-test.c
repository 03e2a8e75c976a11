/* Batches that fail are run again from the checkpoint, so often and no more. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/engine/durable.h"

#include <string.h>

#include <weir/error.h>

static void
test_a_batch_that_fails_is_run_again (void)
{
  Durable job;

  durable_init (&job, SHOWN_AT_ONCE);
  job.fail_at = 4;
  job.n_fails = 1;
  durable_run (&job, 0, 8);
  durable_assert_world (&job, 8);
  durable_clear (&job);
}

static void
test_what_was_not_sealed_is_run_again_with_it (void)
{
  Durable job;

  durable_init (&job, SHOWN_AT_ONCE);
  job.interval = WEIR_SECONDS (3);
  job.fail_at = 5;
  job.n_fails = 2;
  durable_run (&job, 0, 9);
  durable_assert_world (&job, 9);
  durable_clear (&job);
}

static void
test_a_sealed_output_sees_it_once (void)
{
  Durable job;

  durable_init (&job, SEALED);
  job.fail_at = 5;
  job.n_fails = 2;
  durable_run (&job, 0, 9);
  durable_assert_world (&job, 9);
  durable_clear (&job);
}

/* What was open when it happened is no more. */
static void
test_a_failure_that_is_told_after_the_context_was_opened_again_counts_no_more (void)
{
  Durable job;

  durable_init (&job, SHOWN_AT_ONCE);
  job.fail_at = 4;
  job.n_fails = 1;
  job.n_told_late = 5;
  durable_run (&job, 0, 8);
  durable_assert_world (&job, 8);
  durable_clear (&job);
}

static void
count_sealed (guint64 epoch, gpointer user_data)
{
  ++*(guint *) user_data;
}

/* Plans are kept from the newest sealed epoch on: with two of them sealed the job could not run the others again. */
static void
test_no_epoch_ends_before_all_that_was_planned_has_run_again (void)
{
  static const WeirListener listener = { .epoch_sealed = count_sealed };
  guint n_sealed = 0;
  Durable job;

  durable_init (&job, SHOWN_AT_ONCE);
  job.interval = WEIR_SECONDS (100);
  durable_run (&job, 0, 6);
  job.interval = WEIR_SECONDS (1);
  {
    g_autoptr (WeirQueue) queue = durable_queue (&job);
    g_autoptr (WeirContext) ctx = durable_context (&job, queue, WEIR_SECONDS (6));
    g_autoptr (GError) error = NULL;

    weir_context_add_listener (ctx, &listener, &n_sealed);
    g_assert_true (weir_test_advance (ctx, 1, &error));
    g_assert_no_error (error);
  }
  g_assert_cmpuint (n_sealed, ==, 2); /* that of batch 6, and that of batch 7 */
  durable_assert_world (&job, 7);
  durable_clear (&job);
}

static void
test_a_batch_that_always_fails_stops_the_job (void)
{
  g_autoptr (GError) error = NULL;
  Durable job;

  durable_init (&job, SEALED);
  job.fail_at = 5;
  job.n_fails = 1000;
  g_assert_false (durable_try (&job, 0, 9, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_USER);
  g_assert_nonnull (strstr (error->message, "5000"));
  g_assert_cmpuint (job.n_fails, ==, 1000 - 3);
  durable_assert_world (&job, 4);
  job.n_fails = 0;
  durable_run (&job, WEIR_SECONDS (5), 4);
  durable_assert_world (&job, 9);
  durable_clear (&job);
}

static void
test_attempts_are_an_option (void)
{
  Durable job;

  durable_init (&job, SEALED);
  job.fail_at = 3;
  job.n_fails = 1;
  {
    g_autoptr (WeirQueue) queue = durable_queue (&job);
    g_autoptr (WeirContext) ctx = durable_context (&job, queue, 0);
    g_autoptr (GError) error = NULL;

    g_assert_true (weir_context_set (ctx, "restart.attempts", "0", &error));
    g_assert_false (weir_test_advance (ctx, 5, &error));
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_USER);
  }
  durable_clear (&job);
}

static void
test_without_a_checkpoint_the_first_failure_is_the_end (void)
{
  Durable job;

  durable_init (&job, SHOWN_AT_ONCE);
  job.fail_at = 3;
  job.n_fails = 1;
  {
    g_autoptr (WeirQueue) queue = durable_queue (&job);
    g_autoptr (WeirContext) ctx = durable_context (&job, queue, 0);
    g_autoptr (GError) error = NULL;

    g_assert_true (weir_context_set (ctx, "checkpoint", "", &error));
    g_assert_false (weir_test_advance (ctx, 5, &error));
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_USER);
  }
  durable_clear (&job);
}

static void
test_times_beyond_what_is_made_up_for_are_skipped (void)
{
  Durable job;

  durable_init (&job, SEALED);
  durable_run (&job, 0, 2);
  {
    g_autoptr (WeirQueue) queue = durable_queue (&job);
    g_autoptr (WeirContext) ctx = durable_context (&job, queue, WEIR_SECONDS (100));
    g_autoptr (GError) error = NULL;

    g_assert_true (weir_context_set (ctx, "catchup.batches", "3", &error));
    g_assert_true (weir_test_advance (ctx, 1, &error)); /* 98, 99, 100 were missed last; 101 is new */
    g_assert_no_error (error);
  }
  g_assert_nonnull (g_hash_table_lookup (job.world.committed, "sealed 98"));
  g_assert_nonnull (g_hash_table_lookup (job.world.committed, "sealed 101"));
  g_assert_null (g_hash_table_lookup (job.world.committed, "sealed 97"));
  durable_clear (&job);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/replay/a-batch-that-fails-is-run-again", test_a_batch_that_fails_is_run_again);
  g_test_add_func ("/replay/what-was-not-sealed-is-run-again-with-it", test_what_was_not_sealed_is_run_again_with_it);
  g_test_add_func ("/replay/a-failure-that-is-told-after-the-context-was-opened-again-counts-no-more",
                   test_a_failure_that_is_told_after_the_context_was_opened_again_counts_no_more);
  g_test_add_func ("/replay/no-epoch-ends-before-all-that-was-planned-has-run-again",
                   test_no_epoch_ends_before_all_that_was_planned_has_run_again);
  g_test_add_func ("/replay/a-sealed-output-sees-it-once", test_a_sealed_output_sees_it_once);
  g_test_add_func ("/replay/a-batch-that-always-fails-stops-the-job", test_a_batch_that_always_fails_stops_the_job);
  g_test_add_func ("/replay/attempts-are-an-option", test_attempts_are_an_option);
  g_test_add_func ("/replay/without-a-checkpoint-the-first-failure-is-the-end",
                   test_without_a_checkpoint_the_first_failure_is_the_end);
  g_test_add_func ("/replay/times-beyond-what-is-made-up-for-are-skipped",
                   test_times_beyond_what_is_made_up_for_are_skipped);
  return g_test_run ();
}
