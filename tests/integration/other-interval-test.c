/* A job that is started again with another batch interval: what was sealed is not run again, what had only been shown is,
 * at the times that it had, and then times are multiples of the new interval. SPDX-License-Identifier: Apache-2.0
 */
#include <weir/test.h>
#include <weir/weir.h>

#include "tests/sinks/scratch.h"

typedef struct {
  Scratch store;
  WeirQueue *queue;
  GString *shown; /* "time:total@length of the window", in seconds */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  const WeirValue one = weir_int (1);

  scratch_init (&f->store);
  f->queue = weir_queue_new ();
  f->shown = g_string_new (NULL);
  for (guint i = 0; i < 8; i++)
    weir_queue_push (f->queue, &one, 1);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_queue_free (f->queue);
  g_string_free (f->shown, TRUE);
  scratch_clear (&f->store);
}

static WeirValue
under_one_key (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_text ("all"), value);
}

static WeirValue
add_up (WeirTask *task, WeirValue key, const WeirValue *values, gsize n, WeirValue state, gpointer user_data)
{
  return weir_int (weir_as_int (state) + (gint64) n);
}

static gboolean
show (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  Fixture *f = user_data;
  g_autoptr (GArray) values = weir_dataset_collect (data, error);

  if (values == NULL)
    return FALSE;
  for (guint i = 0; i < values->len; i++) {
    WeirValue value = g_array_index (values, WeirValue, i);
    gboolean is_pair = weir_kind (value) == WEIR_PAIR;

    g_string_append_printf (f->shown, "%s%" G_GINT64_FORMAT ":%" G_GINT64_FORMAT, is_pair ? " " : " window ",
                            time / WEIR_SECONDS (1), weir_as_int (is_pair ? weir_val (value) : value));
  }
  return TRUE;
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, key, value, &error);
  g_assert_no_error (error);
}

static void
live (Fixture *f, WeirTime interval, WeirTime at, const char *checkpoint_interval, guint n)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new_at (interval, at);
  g_autofree char *uri = g_strdup_printf ("file://%s", f->store.path);
  g_autoptr (GError) error = NULL;
  WeirStream *numbers = weir_queue_stream (ctx, f->queue, TRUE);
  WeirStream *totals = weir_update_state_by_key (weir_map (numbers, under_one_key, NULL), add_up, NULL);

  set (ctx, "checkpoint", uri);
  set (ctx, "checkpoint.interval", checkpoint_interval);
  set (ctx, "log.level", "error");
  weir_foreach_batch (totals, show, f);
  weir_foreach_batch (weir_count_by_window (numbers, WEIR_SECONDS (4), WEIR_SECONDS (4)), show, f);
  g_assert_true (weir_test_advance (ctx, n, &error));
  g_assert_no_error (error);
}

static void
expect (const Fixture *f, const char *shown)
{
  g_assert_cmpstr (f->shown->str, ==, shown);
  g_string_truncate (f->shown, 0);
}

static void
test_what_was_shown_is_run_again_at_its_times (Fixture *f, gconstpointer data)
{
  live (f, WEIR_SECONDS (1), 0, "100s", 3);
  expect (f, " 1:1 2:2 3:3");
  live (f, WEIR_SECONDS (2), WEIR_SECONDS (3), "1s", 2);
  expect (f, " 1:1 2:2 3:3 4:4 window 4:4 6:5");
}

static void
test_what_was_sealed_is_not_run_again (Fixture *f, gconstpointer data)
{
  live (f, WEIR_SECONDS (1), 0, "1s", 3);
  expect (f, " 1:1 2:2 3:3");
  live (f, WEIR_SECONDS (2), WEIR_SECONDS (3), "1s", 3);
  expect (f, " 4:4 window 4:4 6:5 8:6 window 8:2");
}

static void
test_a_shorter_interval_goes_on_where_the_longer_ended (Fixture *f, gconstpointer data)
{
  live (f, WEIR_SECONDS (2), 0, "100s", 2);
  expect (f, " 2:1 4:2 window 4:2");
  live (f, WEIR_SECONDS (1), WEIR_SECONDS (4), "1s", 4);
  expect (f, " 2:1 4:2 window 4:2 5:3 6:4 7:5 8:6 window 8:4");
}

static void
test_intervals_change_again_and_again (Fixture *f, gconstpointer data)
{
  live (f, WEIR_SECONDS (1), 0, "1s", 1);
  live (f, WEIR_SECONDS (2), WEIR_SECONDS (1), "100s", 1);
  live (f, WEIR_SECONDS (1), WEIR_SECONDS (2), "1s", 1);
  expect (f, " 1:1 2:2 2:2 3:3");
  live (f, WEIR_SECONDS (2), WEIR_SECONDS (3), "1s", 1);
  expect (f, " 4:4 window 4:4");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/other-interval/" #name, Fixture, NULL, set_up, test_##name, tear_down)
  ADD (what_was_shown_is_run_again_at_its_times);
  ADD (what_was_sealed_is_not_run_again);
  ADD (a_shorter_interval_goes_on_where_the_longer_ended);
  ADD (intervals_change_again_and_again);
  return g_test_run ();
}
