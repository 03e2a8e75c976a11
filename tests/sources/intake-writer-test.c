/* When what comes in gets to the log, and with how many syncs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/block-log.h"

#include "tests/sources/logged-job.h"

static void
set_up (LoggedJob *job, gconstpointer data)
{
  logged_job_init (job);
}

static void
tear_down (LoggedJob *job, gconstpointer data)
{
  logged_job_clear (job);
}

/* The blocks that a job which has ended has left. */
static guint
count_blocks (LoggedJob *job)
{
  g_autofree char *path = scratch_path (&job->scratch, "receivers/of-fed");
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (WeirLoggedBlock));
  g_autoptr (GError) error = NULL;
  const WeirLog log = { "test", WEIR_LOG_ERROR };
  WeirBlockLog *blocks = weir_block_log_open (
      &(WeirBlockLogSettings){ path, "values, in weir's wire format, version 1", 0, &log }, found, &error);

  g_assert_no_error (error);
  weir_block_log_close (blocks);
  return found->len;
}

static void
test_a_block_that_somebody_waits_for_is_not_held_up (LoggedJob *job, gconstpointer data)
{
  gint64 start = g_get_monotonic_time ();

  logged_job_start (job, 0); /* blocks of a minute */
  g_assert_true (feed_block (&job->feed, "1"));
  g_assert_cmpint (g_get_monotonic_time () - start, <, WEIR_SECONDS (20));
}

static void
test_values_of_an_interval_are_one_block (LoggedJob *job, gconstpointer data)
{
  g_autoptr (GString) numbers = g_string_new ("0");

  for (guint i = 1; i < 1000; i++)
    g_string_append_printf (numbers, " %u", i);
  logged_job_start (job, 0);
  feed_values (&job->feed, numbers->str);
  g_assert_true (feed_block (&job->feed, "1")); /* they come first */
  logged_job_end (job);
  g_assert_cmpuint (count_blocks (job), ==, 2);
}

static void
test_values_get_to_batches_when_the_interval_is_over (LoggedJob *job, gconstpointer data)
{
  gint64 deadline = g_get_monotonic_time () + WATCH_DEADLINE;

  job->block_interval = "1ms";
  logged_job_start (job, 0);
  feed_values (&job->feed, "1 2 3");
  while (logged_job_n_values (job) < 3) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    logged_job_advance (job, 1);
  }
  logged_job_expect_total (job, 6);
}

static void
test_values_are_in_no_batch_before_they_are_in_the_log (LoggedJob *job, gconstpointer data)
{
  logged_job_start (job, 0); /* blocks of a minute */
  feed_values (&job->feed, "1 2 3");
  logged_job_advance (job, 3);
  g_assert_cmpuint (logged_job_n_values (job), ==, 0);
  g_assert_true (feed_block (&job->feed, "4"));
  logged_job_advance (job, 1);
  logged_job_expect (job, 3, "4000: 1 2 3 4");
}

static void
test_the_end_of_the_input_is_not_held_up (LoggedJob *job, gconstpointer data)
{
  logged_job_start (job, 0);
  feed_values (&job->feed, "1 2 3");
  feed_end (&job->feed);
  logged_job_stop (job);
  g_assert_cmpuint (logged_job_n_values (job), ==, 3);
}

static void
test_a_stop_at_once_writes_what_was_stored (LoggedJob *job, gconstpointer data)
{
  logged_job_start (job, 0);
  feed_values (&job->feed, "1 2 3");
  logged_job_end (job);
  logged_job_start (job, 0);
  logged_job_advance (job, 1);
  logged_job_expect (job, 0, "1000: 1 2 3");
}

#define ADD(name) g_test_add ("/intake-writer/" #name, LoggedJob, NULL, set_up, test_##name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_block_that_somebody_waits_for_is_not_held_up);
  ADD (values_of_an_interval_are_one_block);
  ADD (values_get_to_batches_when_the_interval_is_over);
  ADD (values_are_in_no_batch_before_they_are_in_the_log);
  ADD (the_end_of_the_input_is_not_held_up);
  ADD (a_stop_at_once_writes_what_was_stored);
  return g_test_run ();
}
