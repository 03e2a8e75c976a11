/* A job that is started again with another batch interval: what was sealed is not run again, what had only been shown is,
 * at the times that it had, and then times are multiples of the new interval. SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/error.h>
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

/* --- windows by key --- */

typedef struct {
  WeirTime interval, at, slide;
  guint n;
  const char *sums; /* "time:sum", in seconds; NULL: it does not start */
} Life;

static WeirCollected *
sums_of_4_seconds (WeirContext *ctx, WeirQueue *queue, WeirTime slide)
{
  WeirStream *pairs = weir_map (weir_queue_stream (ctx, queue, TRUE), under_one_key, NULL);

  return weir_collect (weir_reduce_by_key_and_window (pairs, WEIR_SUM, NULL, WEIR_SECONDS (4), slide, NULL));
}

static void
expect_sums (WeirCollected *sums, const char *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (gsize i = 0; i < weir_collected_n_batches (sums); i++) {
    gsize n;
    const WeirValue *values = weir_collected_values (sums, i, &n);

    g_assert_cmpuint (n, ==, 1);
    g_string_append_printf (text, " %" G_GINT64_FORMAT ":%" G_GINT64_FORMAT,
                            weir_collected_time (sums, i) / WEIR_SECONDS (1), weir_as_int (weir_val (values[0])));
  }
  g_assert_cmpstr (text->str, ==, expected);
}

static void
live_with_a_window (Fixture *f, const Life *life)
{
  g_autoptr (WeirContext) ctx =
      weir_test_context_new_at (WEIR_SECONDS (1) * life->interval, WEIR_SECONDS (1) * life->at);
  g_autofree char *uri = g_strdup_printf ("file://%s", f->store.path);
  WeirCollected *sums = sums_of_4_seconds (ctx, f->queue, WEIR_SECONDS (1) * life->slide);
  g_autoptr (GError) error = NULL;

  set (ctx, "checkpoint", uri);
  set (ctx, "checkpoint.interval", "1s");
  set (ctx, "log.level", "error");
  weir_test_advance (ctx, life->n, &error);
  if (life->sums == NULL) {
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_ORPHAN_STATE);
    g_assert_nonnull (strstr (error->message, "in panes of 1s, and cannot go on in panes of 2s"));
    return;
  }
  g_assert_no_error (error);
  expect_sums (sums, life->sums);
}

/* Each batch holds a 1. */
static void
test_a_window_that_slides_by_a_shorter_interval_goes_on (Fixture *f, gconstpointer data)
{
  live_with_a_window (f, &(Life){ 2, 0, 0, 3, " 2:1 4:2 6:2" });
  live_with_a_window (f, &(Life){ 1, 6, 0, 4, " 7:3 8:3 9:4 10:4" });
}

static void
test_a_window_that_slides_by_a_longer_interval_is_refused (Fixture *f, gconstpointer data)
{
  live_with_a_window (f, &(Life){ 1, 0, 0, 4, " 1:1 2:2 3:3 4:4" });
  live_with_a_window (f, &(Life){ 2, 4, 0, 1, NULL });
  live_with_a_window (f, &(Life){ 1, 4, 0, 2, " 5:4 6:4" });
}

static void
test_a_window_of_its_own_slide_takes_any_interval (Fixture *f, gconstpointer data)
{
  live_with_a_window (f, &(Life){ 1, 1, 4, 4, " 5:4" }); /* slides are counted from 1 */
  live_with_a_window (f, &(Life){ 2, 5, 4, 2, " 8:2" }); /* and now from 0 */
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
  ADD (a_window_that_slides_by_a_shorter_interval_goes_on);
  ADD (a_window_that_slides_by_a_longer_interval_is_refused);
  ADD (a_window_of_its_own_slide_takes_any_interval);
  return g_test_run ();
}
