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
    g_assert_cmpint (weir_context_await (ctx, WEIR_SECONDS (120), &error), ==, WEIR_WAIT_STOPPED);
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

typedef void (*Build) (WeirStream *pairs);

static void
push (WeirQueue *queue, char key)
{
  WeirValue cells[2] = { weir_int (key - '0'), weir_int (1) };
  WeirValue pair = weir_pair_at (cells);

  if (key != '.')
    weir_queue_push (queue, &pair, 1);
}

/* The batches after which epochs were sealed, as "1 2 3". @keys: what is pushed before each batch, '.': nothing. */
static char *
seals_of (Build build, const char *keys)
{
  static const WeirListener listener = { .epoch_sealed = count_epoch };
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (GError) error = NULL;
  GString *text = g_string_new (NULL);
  g_autofree char *uri = NULL;
  Durable job;

  durable_init (&job, SEALED); /* for its folder */
  uri = g_strdup_printf ("file://%s", job.folder);
  g_assert_true (weir_context_set (ctx, "checkpoint", uri, &error));
  weir_context_add_listener (ctx, &listener, epochs);
  build (weir_queue_stream (ctx, queue, FALSE));
  for (guint batch = 1; keys[batch - 1] != '\0'; batch++) {
    guint n = epochs->len;

    push (queue, keys[batch - 1]);
    g_assert_true (weir_test_advance (ctx, 1, &error));
    if (epochs->len > n)
      g_string_append_printf (text, "%s%u", text->len > 0 ? " " : "", batch);
  }
  durable_clear (&job);
  return g_string_free (text, FALSE);
}

static void
show (WeirStream *pairs)
{
  weir_collect (pairs);
}

static void
forget_soon (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  if (!weir_state_is_timing_out (state))
    weir_state_update (state, value);
}

static void
remember_for_a_while (WeirStream *pairs)
{
  WeirStateSpec spec = { .function = forget_soon, .timeout = WEIR_SECONDS (5) };

  weir_collect (weir_map_with_state (pairs, &spec));
}

static void
test_nothing_is_sealed_where_nothing_happens (void)
{
  g_autofree char *seals = seals_of (show, "12....3..4.");

  g_assert_cmpstr (seals, ==, "1 2 7 10");
}

static void
test_what_follows_seals_is_told_once_a_minute (void)
{
  g_autofree char *idle = g_strnfill (130, '.');
  g_autofree char *keys = g_strconcat ("1", idle, NULL);
  g_autofree char *seals = seals_of (show, keys);

  g_assert_cmpstr (seals, ==, "1 61 121");
}

/* The key is gone in batch 7, which has no records. */
static void
test_state_that_changes_by_itself_is_sealed (void)
{
  g_autofree char *seals = seals_of (remember_for_a_while, "1.............");

  g_test_message ("%s", seals);
  g_assert_true (g_str_has_prefix (seals, "1 "));
  g_assert_true (g_str_has_suffix (seals, " 7"));
}

static void
test_a_stop_seals_the_time_as_well (void)
{
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));
  static const WeirListener listener = { .epoch_sealed = count_epoch };
  Durable job;

  durable_init (&job, SHOWN_AT_ONCE);
  job.n_pushes = 1;
  {
    g_autoptr (WeirQueue) queue = durable_queue (&job);
    g_autoptr (WeirContext) ctx = durable_context (&job, queue, 0);
    g_autoptr (GError) error = NULL;
    guint n;

    weir_context_add_listener (ctx, &listener, epochs);
    g_assert_true (weir_test_advance (ctx, 20, &error));
    n = epochs->len;
    g_assert_cmpuint (n, <, 10);
    weir_context_stop (ctx, TRUE);
    g_assert_cmpint (weir_context_await (ctx, WEIR_SECONDS (120), &error), ==, WEIR_WAIT_STOPPED);
    g_assert_cmpuint (epochs->len, ==, n + 1);
  }
  durable_clear (&job);
}

static void
test_a_job_goes_on_from_before_nothing_happened (void)
{
  g_autofree char *expected = NULL;
  Durable job;

  durable_init (&job, SHOWN_AT_ONCE);
  job.n_pushes = 3;
  durable_run (&job, 0, 10);
  job.n_pushes = 20;
  durable_run (&job, WEIR_SECONDS (10), 25);
  expected = durable_expected (&job, job.n_pushes);
  g_assert_cmpstr (g_hash_table_lookup (job.world.committed, "shown 35"), ==, expected);
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
  g_test_add_func ("/checkpoint/nothing-is-sealed-where-nothing-happens", test_nothing_is_sealed_where_nothing_happens);
  g_test_add_func ("/checkpoint/what-follows-seals-is-told-once-a-minute",
                   test_what_follows_seals_is_told_once_a_minute);
  g_test_add_func ("/checkpoint/state-that-changes-by-itself-is-sealed", test_state_that_changes_by_itself_is_sealed);
  g_test_add_func ("/checkpoint/a-stop-seals-the-time-as-well", test_a_stop_seals_the_time_as_well);
  g_test_add_func ("/checkpoint/a-job-goes-on-from-before-nothing-happened",
                   test_a_job_goes_on_from_before_nothing_happened);
  g_test_add_func ("/checkpoint/an-unknown-store-is-refused", test_an_unknown_store_is_refused);
  return g_test_run ();
}
