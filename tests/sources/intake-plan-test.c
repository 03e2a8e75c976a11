/* Batches of a receiver with a log, through crashes and restarts.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include <weir/error.h>

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

static void
test_batches_that_were_seen_come_again_as_they_were (LoggedJob *job, gconstpointer data)
{
  logged_job_start (job, 0);
  g_assert_true (feed_block (&job->feed, "1 2"));
  g_assert_true (feed_block (&job->feed, "3"));
  logged_job_advance (job, 1);
  g_assert_true (feed_block (&job->feed, "4 5 6"));
  logged_job_advance (job, 1);
  g_assert_true (feed_block (&job->feed, "7"));
  logged_job_expect (job, 0, "1000: 1 2 3");
  logged_job_expect (job, 1, "2000: 4 5 6");
  logged_job_crash (job);
  logged_job_start (job, WEIR_SECONDS (2));
  logged_job_advance (job, 1);
  logged_job_expect (job, 0, "1000: 1 2 3");
  logged_job_expect (job, 1, "2000: 4 5 6");
  logged_job_expect (job, 2, "3000: 7");
  logged_job_expect_total (job, 28);
}

static void
test_partitions_of_a_batch_that_comes_again_are_the_same (LoggedJob *job, gconstpointer data)
{
  logged_job_start (job, 0);
  for (guint i = 0; i < 5; i++)
    g_assert_true (feed_block (&job->feed, "1"));
  logged_job_advance (job, 1);
  watch_expect (&job->watch, "partitions", "partitions 5");
  logged_job_crash (job);
  logged_job_start (job, WEIR_SECONDS (1));
  logged_job_advance (job, 1);
  watch_expect (&job->watch, "partitions", "partitions 5\npartitions 5\npartitions 0");
}

static void
test_what_was_sealed_does_not_come_again (LoggedJob *job, gconstpointer data)
{
  job->interval = "1s";
  logged_job_start (job, 0);
  g_assert_true (feed_block (&job->feed, "1 2"));
  logged_job_advance (job, 1);
  g_assert_true (feed_block (&job->feed, "10"));
  logged_job_crash (job);
  logged_job_start (job, WEIR_SECONDS (1));
  logged_job_advance (job, 1);
  logged_job_expect (job, 0, "2000: 10");
  logged_job_expect_total (job, 13);
}

static void
test_many_lives_count_each_value_once (LoggedJob *job, gconstpointer data)
{
  g_autoptr (GRand) random = g_rand_new_with_seed ((guint32) g_test_rand_int ());
  gint64 sum = 0;
  WeirTime at = 0;

  job->interval = "2s";
  for (guint life = 0; life < 15; life++) {
    logged_job_start (job, at);
    for (guint i = 0; i < 4; i++) {
      g_autofree char *text = g_strdup_printf ("%u", life * 100 + i);

      g_assert_true (feed_block (&job->feed, text));
      sum += life * 100 + i;
      logged_job_advance (job, (guint) g_rand_int_range (random, 0, 3));
    }
    logged_job_advance (job, 1);
    logged_job_expect_total (job, sum);
    at = weir_collected_time (job->totals, weir_collected_n_batches (job->totals) - 1);
    if (g_rand_boolean (random))
      logged_job_crash (job);
    else
      logged_job_end (job);
  }
}

static void
test_after_a_graceful_stop_nothing_is_left (LoggedJob *job, gconstpointer data)
{
  logged_job_start (job, 0);
  g_assert_true (feed_block (&job->feed, "1"));
  feed_values (&job->feed, "2 3");
  logged_job_stop (job);
  g_assert_cmpuint (logged_job_n_values (job), ==, 3);
  logged_job_expect_total (job, 6);
  logged_job_end (job);
  logged_job_start (job, WEIR_SECONDS (10));
  logged_job_advance (job, 1);
  g_assert_cmpuint (logged_job_n_values (job), ==, 0);
  logged_job_expect_total (job, 6);
}

static void
test_blocks_of_a_log_go_to_several_batches_where_memory_is_short (LoggedJob *job, gconstpointer data)
{
  logged_job_start (job, 0);
  for (guint i = 0; i < 10; i++)
    g_assert_true (feed_bytes (&job->feed, 3 * 1024 * 1024));
  logged_job_crash (job);
  job->memory = "64MB"; /* a batch reads a quarter of it */
  logged_job_start (job, 0);
  logged_job_advance (job, 3);
  g_assert_cmpuint (logged_job_n_values (job), ==, 10);
  logged_job_expect (job, 0, "1000: 3145728 3145728 3145728 3145728 3145728");
  logged_job_expect (job, 1, "2000: 3145728 3145728 3145728 3145728 3145728");
}

/* How many segments there are. */
static guint
count_segments (LoggedJob *job)
{
  g_autofree char *path = scratch_path (&job->scratch, "receivers/of-fed");
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;
  guint n = 0;

  g_assert_nonnull (folder);
  while ((name = g_dir_read_name (folder)) != NULL)
    n += g_str_has_prefix (name, "blocks-");
  return n;
}

static void
test_segments_go_when_the_epoch_after_the_one_that_read_them_is_sealed (LoggedJob *job, gconstpointer data)
{
  guint n_batches = 0;

  job->interval = "1s";
  logged_job_start (job, 0);
  for (guint i = 0; i < 20; i++)
    g_assert_true (feed_bytes (&job->feed, 1024 * 1024));
  g_assert_cmpuint (count_segments (job), ==, 2);
  logged_job_advance (job, 1); /* the sealed epoch has read all; the one before, none */
  g_assert_cmpuint (count_segments (job), ==, 2);
  while (count_segments (job) > 1) {
    g_assert_cmpuint (n_batches++, <, 10000);
    g_assert_true (feed_block (&job->feed, "1"));
    logged_job_advance (job, 1);
  }
  logged_job_crash (job);
  logged_job_start (job, WEIR_SECONDS (n_batches + 1));
  g_assert_true (feed_block (&job->feed, "5"));
  logged_job_advance (job, 1);
  logged_job_expect_total (job, 5 + n_batches);
}

static void
remove_log (LoggedJob *job)
{
  g_autofree char *path = scratch_path (&job->scratch, "receivers");
  const char *const command[] = { "rm", "-r", path, NULL };

  g_assert_true (g_spawn_sync (NULL, (char **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
}

static void
expect_refused (LoggedJob *job, WeirError code, const char *says)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (logged_job_try (job, WEIR_SECONDS (10), &error));
  g_assert_error (error, WEIR_ERROR, (gint) code);
  if (strstr (error->message, says) == NULL)
    g_error ("'%s' says nothing of '%s'", error->message, says);
}

static void
test_a_log_that_is_lost_is_noticed (LoggedJob *job, gconstpointer data)
{
  job->interval = "1s";
  logged_job_start (job, 0);
  g_assert_true (feed_block (&job->feed, "1"));
  logged_job_advance (job, 2);
  logged_job_crash (job);
  remove_log (job);
  expect_refused (job, WEIR_ERROR_DATA_LOSS, "goes on with block 2");
}

static void
test_a_log_that_nobody_would_read_is_noticed (LoggedJob *job, gconstpointer data)
{
  logged_job_start (job, 0);
  g_assert_true (feed_block (&job->feed, "1"));
  logged_job_crash (job);
  job->is_off = TRUE;
  expect_refused (job, WEIR_ERROR_OPTION, "receivers/of-fed holds what was received");
}

static void
test_a_damaged_log_is_named (LoggedJob *job, gconstpointer data)
{
  g_autofree char *path = NULL;
  FILE *file;

  logged_job_start (job, 0);
  g_assert_true (feed_block (&job->feed, "1"));
  g_assert_true (feed_block (&job->feed, "2"));
  logged_job_crash (job);
  path = scratch_path (&job->scratch, "receivers/of-fed/blocks-1");
  file = fopen (path, "r+");
  g_assert_cmpint (fseek (file, 120, SEEK_SET), ==, 0);
  fputs ("damage", file);
  fclose (file);
  expect_refused (job, WEIR_ERROR_CHECKPOINT_CORRUPT, "blocks-1 at ");
}

static void
test_without_a_log_what_was_not_processed_is_gone (LoggedJob *job, gconstpointer data)
{
  job->is_off = TRUE;
  job->interval = "1s";
  logged_job_start (job, 0);
  g_assert_true (feed_block (&job->feed, "1 2"));
  logged_job_advance (job, 1);
  g_assert_true (feed_block (&job->feed, "3"));
  logged_job_crash (job);
  logged_job_start (job, WEIR_SECONDS (1));
  g_assert_true (feed_block (&job->feed, "4"));
  logged_job_advance (job, 1);
  logged_job_expect_total (job, 7);
}

/* The context is opened again in the same process, receiver, log and all. */
static void
test_a_batch_that_fails_is_run_again_with_the_same_blocks (LoggedJob *job, gconstpointer data)
{
  job->fail_at = WEIR_SECONDS (2);
  logged_job_start (job, 0);
  g_assert_true (feed_block (&job->feed, "1 2"));
  logged_job_advance (job, 1);
  g_assert_true (feed_block (&job->feed, "3"));
  logged_job_advance (job, 1);
  g_assert_true (feed_block (&job->feed, "4"));
  logged_job_advance (job, 1);
  g_assert_cmpint (job->fail_at, ==, 0);
  logged_job_expect_total (job, 10);
}

static void
test_without_a_log_a_restart_loses_what_was_not_sealed_and_goes_on (LoggedJob *job, gconstpointer data)
{
  job->is_off = TRUE;
  job->fail_at = WEIR_SECONDS (2);
  job->interval = "1s";
  logged_job_start (job, 0);
  g_assert_true (feed_block (&job->feed, "1 2"));
  logged_job_advance (job, 1);
  g_assert_true (feed_block (&job->feed, "3"));
  logged_job_advance (job, 1);
  g_assert_true (feed_block (&job->feed, "4"));
  logged_job_advance (job, 1);
  logged_job_expect_total (job, 7);
}

static void
test_the_log_may_lie_elsewhere (LoggedJob *job, gconstpointer data)
{
  Scratch elsewhere;

  scratch_init (&elsewhere);
  job->directory = elsewhere.path;
  logged_job_start (job, 0);
  g_assert_true (feed_block (&job->feed, "1"));
  scratch_expect_names (&elsewhere, "of-fed", "blocks-1 lock");
  logged_job_end (job);
  logged_job_start (job, 0);
  logged_job_advance (job, 1);
  logged_job_expect (job, 0, "1000: 1");
  logged_job_end (job);
  scratch_clear (&elsewhere);
}

#define ADD(name) g_test_add ("/intake-plan/" #name, LoggedJob, NULL, set_up, test_##name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (batches_that_were_seen_come_again_as_they_were);
  ADD (partitions_of_a_batch_that_comes_again_are_the_same);
  ADD (what_was_sealed_does_not_come_again);
  ADD (many_lives_count_each_value_once);
  ADD (after_a_graceful_stop_nothing_is_left);
  ADD (blocks_of_a_log_go_to_several_batches_where_memory_is_short);
  ADD (segments_go_when_the_epoch_after_the_one_that_read_them_is_sealed);
  ADD (a_log_that_is_lost_is_noticed);
  ADD (a_log_that_nobody_would_read_is_noticed);
  ADD (a_damaged_log_is_named);
  ADD (without_a_log_what_was_not_processed_is_gone);
  ADD (a_batch_that_fails_is_run_again_with_the_same_blocks);
  ADD (without_a_log_a_restart_loses_what_was_not_sealed_and_goes_on);
  ADD (the_log_may_lie_elsewhere);
  return g_test_run ();
}
