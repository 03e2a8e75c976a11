/* A job that has changed since its checkpoint was made: what goes on, and what stops the start and why.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/fit.h"

#include <string.h>

#include <weir/error.h>

#include "tests/engine/durable.h"

static void
init (Durable *job)
{
  durable_init (job, SEALED);
  durable_run (job, 0, 4);
}

static void
assert_refused (Durable *job, WeirError code, const char *names)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (durable_try (job, WEIR_SECONDS (4), 1, &error));
  g_assert_error (error, WEIR_ERROR, (gint) code);
  g_assert_nonnull (strstr (error->message, names));
  durable_assert_world (job, 4);
}

static void
test_a_stream_more_is_no_matter_where_there_are_uids (void)
{
  Durable job;

  init (&job);
  job.more = TRUE;
  durable_run (&job, WEIR_SECONDS (4), 4);
  durable_assert_world (&job, 8);
  durable_clear (&job);
}

static void
test_a_changed_graph_without_uids_is_refused (void)
{
  Durable job;

  durable_init (&job, SEALED);
  job.uid = NULL;
  durable_run (&job, 0, 4);
  job.more = TRUE;
  assert_refused (&job, WEIR_ERROR_GRAPH, "update_state_by_key-2");
  durable_clear (&job);
}

static void
test_the_old_name_as_uid_goes_on (void)
{
  Durable job;

  durable_init (&job, SEALED);
  job.uid = NULL;
  durable_run (&job, 0, 4);
  job.uid = "update_state_by_key-1";
  g_assert_false (durable_try (&job, WEIR_SECONDS (4), 1, NULL)); /* the source has another uid now */
  job.uid = NULL;
  durable_run (&job, WEIR_SECONDS (4), 4);
  durable_assert_world (&job, 8);
  durable_clear (&job);
}

static void
test_state_that_nobody_wants_is_refused (void)
{
  Durable job;

  init (&job);
  job.uid = "sums";
  assert_refused (&job, WEIR_ERROR_ORPHAN_STATE, "totals");
  durable_clear (&job);
}

/* Two jobs were given the same folder. */
static void
test_the_checkpoint_of_another_job_is_named (void)
{
  Durable job;
  g_autoptr (WeirQueue) queue = NULL;
  g_autoptr (WeirContext) ctx = NULL;
  g_autoptr (GError) error = NULL;

  init (&job);
  job.uid = "sums";
  queue = durable_queue (&job);
  ctx = durable_context (&job, queue, WEIR_SECONDS (4));
  weir_context_set_name (ctx, "other");
  g_assert_false (weir_test_advance (ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_ORPHAN_STATE);
  g_assert_true (g_str_has_prefix (error->message, "checkpoint: it is of the job 'test', and this is 'other': "));
  durable_clear (&job);
}

static void
test_a_newer_version_without_a_way_there_is_refused (void)
{
  Durable job;

  init (&job);
  job.version = 2;
  assert_refused (&job, WEIR_ERROR_ORPHAN_STATE, "version 0");
  durable_clear (&job);
}

static WeirValue
keep (WeirTask *task, guint from_version, WeirValue state, gpointer user_data)
{
  g_assert_cmpuint (from_version, ==, 0);
  return weir_int (weir_as_int (state));
}

static void
test_state_is_upgraded_once (void)
{
  Durable job;

  init (&job);
  job.version = 2;
  job.upgrade = keep;
  durable_run (&job, WEIR_SECONDS (4), 4);
  durable_assert_world (&job, 8);
  job.upgrade = NULL; /* all of it has version 2 by now */
  durable_run (&job, WEIR_SECONDS (8), 4);
  durable_assert_world (&job, 12);
  durable_clear (&job);
}

static void
test_an_older_version_is_refused (void)
{
  Durable job;

  durable_init (&job, SEALED);
  job.version = 3;
  durable_run (&job, 0, 4);
  job.version = 2;
  job.upgrade = keep;
  assert_refused (&job, WEIR_ERROR_ORPHAN_STATE, "version 3");
  durable_clear (&job);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fit/a-stream-more-is-no-matter-where-there-are-uids",
                   test_a_stream_more_is_no_matter_where_there_are_uids);
  g_test_add_func ("/fit/a-changed-graph-without-uids-is-refused", test_a_changed_graph_without_uids_is_refused);
  g_test_add_func ("/fit/the-old-name-as-uid-goes-on", test_the_old_name_as_uid_goes_on);
  g_test_add_func ("/fit/state-that-nobody-wants-is-refused", test_state_that_nobody_wants_is_refused);
  g_test_add_func ("/fit/the-checkpoint-of-another-job-is-named", test_the_checkpoint_of_another_job_is_named);
  g_test_add_func ("/fit/a-newer-version-without-a-way-there-is-refused",
                   test_a_newer_version_without_a_way_there_is_refused);
  g_test_add_func ("/fit/state-is-upgraded-once", test_state_is_upgraded_once);
  g_test_add_func ("/fit/an-older-version-is-refused", test_an_older_version_is_refused);
  return g_test_run ();
}
