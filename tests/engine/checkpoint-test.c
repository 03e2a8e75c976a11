/* When epochs are cut, and what belongs to them. SPDX-License-Identifier: Apache-2.0
 */
#include "engine/checkpoint.h"

#include <weir/error.h>

#include "tests/engine/durable.h"

static void
count_epoch (guint64 epoch, gpointer user_data)
{
  g_array_append_val ((GArray *) user_data, epoch);
}

static void
run_listened (Durable *job, guint n, GArray *epochs)
{
  static const WeirListener listener = { .epoch_sealed = count_epoch };
  g_autoptr (WeirQueue) queue = durable_queue (job);
  g_autoptr (WeirContext) ctx = durable_context (job, queue, 0);
  g_autoptr (GError) error = NULL;

  weir_context_add_listener (ctx, &listener, epochs);
  g_assert_true (weir_test_advance (ctx, n, &error));
}

static void
assert_epochs (WeirTime interval, guint n_batches, guint n_epochs)
{
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));
  Durable job;

  durable_init (&job, SEALED);
  job.interval = interval;
  run_listened (&job, n_batches, epochs);
  g_assert_cmpuint (epochs->len, ==, n_epochs);
  for (guint i = 0; i < epochs->len; i++) /* the first one, of the beginning, is sealed before there are listeners */
    g_assert_cmpuint (g_array_index (epochs, guint64, i), ==, i + 2);
  durable_clear (&job);
}

static void
test_an_epoch_is_cut_when_the_interval_has_passed (void)
{
  assert_epochs (WEIR_SECONDS (1), 6, 6);
  assert_epochs (WEIR_SECONDS (2), 6, 3);
  assert_epochs (WEIR_SECONDS (4), 6, 1);
  assert_epochs (WEIR_MILLISECONDS (1), 6, 6);
  assert_epochs (WEIR_SECONDS (60), 6, 0);
}

static void
test_nothing_shows_before_the_seal (void)
{
  Durable job;

  durable_init (&job, SEALED);
  job.interval = WEIR_SECONDS (4);
  durable_run (&job, 0, 3);
  g_assert_cmpuint (g_hash_table_size (job.world.committed), ==, 0);
  durable_run (&job, WEIR_SECONDS (3), 1);
  durable_assert_world (&job, 4);
  durable_clear (&job);
}

static gboolean
has_plans (const Durable *job)
{
  g_autoptr (GDir) folder = g_dir_open (job->folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL)
    if (g_str_has_prefix (name, "plans-"))
      return TRUE;
  return FALSE;
}

static void
test_plans_are_logged_where_something_shows_at_once (void)
{
  Durable sealed, shown;

  durable_init (&sealed, SEALED);
  durable_init (&shown, SHOWN_AT_ONCE);
  sealed.interval = shown.interval = WEIR_SECONDS (10);
  durable_run (&sealed, 0, 3);
  durable_run (&shown, 0, 3);
  g_assert_false (has_plans (&sealed));
  g_assert_true (has_plans (&shown));
  durable_clear (&sealed);
  durable_clear (&shown);
}

static void
test_a_graceful_stop_seals_what_there_is (void)
{
  Durable job;

  durable_init (&job, SEALED);
  job.interval = WEIR_SECONDS (60);
  {
    g_autoptr (WeirQueue) queue = durable_queue (&job);
    g_autoptr (WeirContext) ctx = durable_context (&job, queue, 0);
    g_autoptr (GError) error = NULL;

    g_assert_true (weir_test_advance (ctx, 2, &error));
    weir_context_stop (ctx, TRUE);
    g_assert_cmpint (weir_context_await (ctx, WEIR_SECONDS (20), &error), ==, WEIR_WAIT_STOPPED);
  }
  durable_assert_world (&job, 20); /* the queue was read to its end */
  durable_clear (&job);
}

static void
count_push (WeirTask *task, WeirValue value, gpointer user_data)
{
  weir_counter_add (task, user_data, 1);
  weir_emit (task, value);
}

static gint64
count_in (Durable *job, WeirTime at, guint n)
{
  g_autoptr (WeirQueue) queue = durable_queue (job);
  g_autoptr (WeirContext) ctx = weir_test_context_new_at (WEIR_SECONDS (1), at);
  g_autoptr (GError) error = NULL;
  g_autofree char *uri = g_strdup_printf ("file://%s", job->folder);
  WeirCounter *counter = weir_counter_new (ctx, "pushes", "that were seen");

  g_assert_true (weir_context_set (ctx, "checkpoint", uri, &error));
  weir_collect (weir_flat_map (weir_queue_stream (ctx, queue, TRUE), count_push, counter));
  g_assert_true (weir_test_advance (ctx, n, &error));
  g_assert_no_error (error);
  return weir_counter_value (counter);
}

static void
test_counters_go_on (void)
{
  Durable job;

  durable_init (&job, SEALED);
  g_assert_cmpint (count_in (&job, 0, 4), ==, 4);
  g_assert_cmpint (count_in (&job, WEIR_SECONDS (4), 3), ==, 7);
  durable_clear (&job);
}

static void
test_an_unknown_store_is_refused (void)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (GError) error = NULL;

  weir_collect (weir_queue_stream (ctx, queue, TRUE));
  g_assert_true (weir_context_set (ctx, "checkpoint", "ftp://somewhere", &error));
  g_assert_false (weir_context_start (ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/checkpoint/an-epoch-is-cut-when-the-interval-has-passed",
                   test_an_epoch_is_cut_when_the_interval_has_passed);
  g_test_add_func ("/checkpoint/nothing-shows-before-the-seal", test_nothing_shows_before_the_seal);
  g_test_add_func ("/checkpoint/plans-are-logged-where-something-shows-at-once",
                   test_plans_are_logged_where_something_shows_at_once);
  g_test_add_func ("/checkpoint/a-graceful-stop-seals-what-there-is", test_a_graceful_stop_seals_what_there_is);
  g_test_add_func ("/checkpoint/counters-go-on", test_counters_go_on);
  g_test_add_func ("/checkpoint/an-unknown-store-is-refused", test_an_unknown_store_is_refused);
  return g_test_run ();
}
