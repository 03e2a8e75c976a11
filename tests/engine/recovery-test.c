/* Going on from a checkpoint, from every step at which a job may have died. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/engine/durable.h"

#include <string.h>

#include <weir/error.h>

static void
test_totals_go_on (void)
{
  Durable job;

  durable_init (&job, SHOWN_AT_ONCE);
  durable_run (&job, 0, 7);
  durable_run (&job, WEIR_SECONDS (7), 6);
  durable_run (&job, WEIR_SECONDS (13), 7);
  durable_assert_world (&job, 20);
  durable_clear (&job);
}

static void
test_batches_after_the_seal_run_again_as_they_were (void)
{
  Durable job;

  durable_init (&job, SHOWN_AT_ONCE);
  job.interval = WEIR_SECONDS (5);
  durable_run (&job, 0, 8); /* sealed at 5 */
  durable_run (&job, WEIR_SECONDS (8), 4);
  durable_assert_world (&job, 12);
  durable_clear (&job);
}

static void
test_a_job_that_died_before_its_first_seal_begins_where_it_began (void)
{
  Durable job;

  durable_init (&job, SHOWN_AT_ONCE | SEALED);
  job.interval = WEIR_SECONDS (50);
  durable_run (&job, 0, 3);
  job.interval = WEIR_SECONDS (1);
  durable_run (&job, WEIR_SECONDS (3), 3);
  durable_assert_world (&job, 6);
  durable_clear (&job);
}

static void
test_missed_times_are_made_up_for (void)
{
  Durable job;

  durable_init (&job, SEALED);
  durable_run (&job, 0, 4);
  durable_run (&job, WEIR_SECONDS (9), 1); /* 5 to 9 were missed, 10 is asked for */
  durable_assert_world (&job, 10);
  durable_clear (&job);
}

/* From each snapshot: the job goes on, and what is outside is whole and single in the end. */
static void
go_on_from_all (Durable *job, guint n)
{
  guint more = (guint) MAX (job->interval / WEIR_SECONDS (1), 2); /* the last of them is sealed */

  for (guint i = 0; i < job->snapshots->len; i++) {
    Snapshot *snapshot = g_ptr_array_index (job->snapshots, i);
    Durable again = *job;

    g_test_message ("died at: %s", snapshot->step);
    again.folder = snapshot->folder;
    again.snapshots = NULL;
    durable_world_copy (&again.world, &snapshot->world);
    durable_run (&again, WEIR_SECONDS (n), more);
    durable_assert_world (&again, n + more);
    durable_world_clear (&again.world);
  }
}

static void
try_every_step (Outputs outputs, WeirTime interval)
{
  Durable job;

  durable_init (&job, outputs);
  job.interval = interval;
  durable_take_snapshots (&job);
  durable_run (&job, 0, 6);
  g_assert_cmpuint (job.snapshots->len, >=, 6);
  go_on_from_all (&job, 6);
  durable_clear (&job);
}

static void
test_from_every_step_with_a_sealed_output (void)
{
  try_every_step (SEALED, WEIR_SECONDS (1));
  try_every_step (SEALED, WEIR_SECONDS (2));
}

static void
test_from_every_step_with_a_decider (void)
{
  try_every_step (DECIDED, WEIR_SECONDS (1));
  try_every_step (DECIDED, WEIR_SECONDS (3));
}

static void
test_from_every_step_with_all_outputs (void)
{
  try_every_step (SHOWN_AT_ONCE | SEALED | DECIDED, WEIR_SECONDS (1));
  try_every_step (SHOWN_AT_ONCE | SEALED | DECIDED, WEIR_SECONDS (2));
}

static void
test_other_partitions_and_workers_go_on (void)
{
  static const guint figures[][2] = { { 1, 1 }, { 16, 2 }, { 3, 7 }, { 256, 1 }, { 8, 2 } };
  Durable job;

  durable_init (&job, SEALED);
  job.n_keys = 7;
  for (guint i = 0; i < G_N_ELEMENTS (figures); i++) {
    job.partitions = figures[i][0];
    job.workers = figures[i][1];
    durable_run (&job, WEIR_SECONDS (4 * i), 4);
  }
  durable_assert_world (&job, 20);
  durable_clear (&job);
}

static char *
newest_file (const Durable *job, const char *prefix)
{
  g_autoptr (GDir) folder = g_dir_open (job->folder, 0, NULL);
  const char *name;
  char *newest = NULL;
  guint64 most = 0;

  while ((name = g_dir_read_name (folder)) != NULL) {
    guint64 number = g_str_has_prefix (name, prefix) ? g_ascii_strtoull (name + strlen (prefix), NULL, 10) : 0;

    if (number > most) {
      most = number;
      g_free (newest);
      newest = g_build_filename (job->folder, name, NULL);
    }
  }
  g_assert_nonnull (newest);
  return newest;
}

static void
flip (const char *path, gsize at)
{
  g_autofree char *text = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (path, &text, &size, NULL));
  text[at % size] ^= 1;
  g_assert_true (g_file_set_contents (path, text, (gssize) size, NULL));
}

static void
test_a_damaged_epoch_falls_back_where_all_can_be_run_again (void)
{
  Durable job;

  durable_init (&job, SHOWN_AT_ONCE);
  durable_run (&job, 0, 6);
  {
    g_autofree char *path = newest_file (&job, "epoch-");

    flip (path, 40);
  }
  durable_run (&job, WEIR_SECONDS (6), 4);
  durable_assert_world (&job, 10);
  durable_clear (&job);
}

static void
test_a_damaged_epoch_stops_the_start_where_its_output_is_out (void)
{
  g_autoptr (GError) error = NULL;
  Durable job;

  durable_init (&job, SEALED);
  durable_run (&job, 0, 6);
  {
    g_autofree char *path = newest_file (&job, "epoch-");

    flip (path, 40);
  }
  g_assert_false (durable_try (&job, WEIR_SECONDS (6), 4, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
  g_assert_nonnull (strstr (error->message, "epoch-"));
  durable_assert_world (&job, 6);
  durable_clear (&job);
}

static void
test_a_store_that_lost_what_was_decided_is_behind (void)
{
  g_autoptr (GError) error = NULL;
  Durable job;

  durable_init (&job, DECIDED);
  durable_run (&job, 0, 4);
  job.world.marker += 2;
  g_assert_false (durable_try (&job, WEIR_SECONDS (4), 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_BEHIND);
  durable_clear (&job);
}

static void
test_a_marker_that_was_forgotten_stops_the_start (void)
{
  g_autoptr (GError) error = NULL;
  Durable job;

  durable_init (&job, DECIDED);
  durable_run (&job, 0, 4);
  job.world.marker = 0;
  g_assert_false (durable_try (&job, WEIR_SECONDS (4), 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_BEHIND);
  durable_clear (&job);
}

static void
test_a_checkpoint_has_one_owner (void)
{
  g_autoptr (GError) error = NULL;
  Durable job;

  durable_init (&job, SEALED);
  {
    g_autoptr (WeirQueue) queue = durable_queue (&job);
    g_autoptr (WeirContext) ctx = durable_context (&job, queue, 0);

    g_assert_true (weir_test_advance (ctx, 1, &error));
    g_assert_false (durable_try (&job, 0, 1, &error));
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_LOCKED);
  }
  durable_run (&job, WEIR_SECONDS (1), 2);
  durable_assert_world (&job, 3);
  durable_clear (&job);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recovery/totals-go-on", test_totals_go_on);
  g_test_add_func ("/recovery/batches-after-the-seal-run-again-as-they-were",
                   test_batches_after_the_seal_run_again_as_they_were);
  g_test_add_func ("/recovery/a-job-that-died-before-its-first-seal-begins-where-it-began",
                   test_a_job_that_died_before_its_first_seal_begins_where_it_began);
  g_test_add_func ("/recovery/missed-times-are-made-up-for", test_missed_times_are_made_up_for);
  g_test_add_func ("/recovery/from-every-step-with-a-sealed-output", test_from_every_step_with_a_sealed_output);
  g_test_add_func ("/recovery/from-every-step-with-a-decider", test_from_every_step_with_a_decider);
  g_test_add_func ("/recovery/from-every-step-with-all-outputs", test_from_every_step_with_all_outputs);
  g_test_add_func ("/recovery/other-partitions-and-workers-go-on", test_other_partitions_and_workers_go_on);
  g_test_add_func ("/recovery/a-damaged-epoch-falls-back-where-all-can-be-run-again",
                   test_a_damaged_epoch_falls_back_where_all_can_be_run_again);
  g_test_add_func ("/recovery/a-damaged-epoch-stops-the-start-where-its-output-is-out",
                   test_a_damaged_epoch_stops_the_start_where_its_output_is_out);
  g_test_add_func ("/recovery/a-store-that-lost-what-was-decided-is-behind",
                   test_a_store_that_lost_what_was_decided_is_behind);
  g_test_add_func ("/recovery/a-marker-that-was-forgotten-stops-the-start",
                   test_a_marker_that_was_forgotten_stops_the_start);
  g_test_add_func ("/recovery/a-checkpoint-has-one-owner", test_a_checkpoint_has_one_owner);
  return g_test_run ();
}
