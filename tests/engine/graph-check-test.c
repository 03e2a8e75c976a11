/* What start does to a graph: slides, slices and uses, and a line for each mistake.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/input.h>
#include <weir/test.h>

#include "engine/context.h"

typedef struct {
  WeirContext *ctx;
  WeirQueue *queue;
  WeirStream *input;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->ctx = weir_test_context_new (WEIR_SECONDS (1));
  f->queue = weir_queue_new ();
  f->input = weir_queue_stream (f->ctx, f->queue, TRUE);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_context_free (f->ctx);
  weir_queue_free (f->queue);
}

static void
expect_mistakes (Fixture *f, const char *expected)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_graph_check (f->ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_cmpstr (error->message, ==, expected);
}

static void
check (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  weir_graph_check (f->ctx, &error);
  g_assert_no_error (error);
}

static WeirStream *
slow (Fixture *f, guint seconds)
{
  return weir_window (f->input, WEIR_SECONDS (seconds), WEIR_SECONDS (seconds));
}

static void
no_output_is_a_mistake (Fixture *f, gconstpointer data)
{
  weir_count (f->input);
  expect_mistakes (f, "the graph has no output, so nothing would ever run: add one, such as weir_print ()");
}

static void
a_window_of_a_slow_stream_counts_in_its_slides (Fixture *f, gconstpointer data)
{
  WeirStream *good = weir_window (slow (f, 2), WEIR_SECONDS (6), WEIR_SECONDS (4));

  weir_print (good, 1);
  weir_print (weir_window (slow (f, 2), WEIR_SECONDS (3), 0), 1);
  expect_mistakes (f, "window-4 has a window of 3s, no multiple of the 2s that its parent slides by: give a multiple");
  g_assert_cmpint (good->op.pane, ==, WEIR_SECONDS (2));
}

static void
a_window_without_a_slide_has_its_parents (Fixture *f, gconstpointer data)
{
  WeirStream *parent = slow (f, 3), *window = weir_window (parent, WEIR_SECONDS (9), 0);

  weir_print (weir_count (window), 1);
  check (f);
  g_assert_cmpint (f->input->op.slide, ==, WEIR_SECONDS (1));
  g_assert_cmpint (parent->op.slide, ==, WEIR_SECONDS (3));
  g_assert_cmpint (window->op.slide, ==, WEIR_SECONDS (3));
  g_assert_cmpint (window->op.pane, ==, WEIR_SECONDS (3));
}

static void
the_streams_of_a_union_slide_alike (Fixture *f, gconstpointer data)
{
  WeirStream *of_two = slow (f, 2), *of_one = slow (f, 1);

  weir_print (weir_union (of_two, weir_union (f->input, of_one)), 1);
  expect_mistakes (f, "union-4 joins window-1, which slides by 2s, with union-3, which slides by 1s: bring both to one "
                      "slide with weir_window ()");
}

static void
uids_are_unique (Fixture *f, gconstpointer data)
{
  weir_stream_set_uid (f->input, "words");
  weir_stream_set_name (weir_stream_set_uid (weir_count (f->input), "words"), "numbers");
  weir_output_set_uid (weir_print (f->input, 1), "out");
  weir_output_set_uid (weir_print (f->input, 1), "out");
  expect_mistakes (f, "queue_stream-0 and count-1 have the same uid 'words': give each one of its own\n"
                      "print-0 and print-1 have the same uid 'out': give each one of its own");
}

static void
a_stream_and_an_output_may_share_a_uid (Fixture *f, gconstpointer data)
{
  weir_output_set_uid (weir_print (weir_stream_set_uid (f->input, "words"), 1), "words");
  check (f);
}

static void
all_mistakes_are_told_at_once (Fixture *f, gconstpointer data)
{
  weir_map (f->input, NULL, NULL);
  weir_window (f->input, WEIR_MILLISECONDS (1500), WEIR_MILLISECONDS (700));
  expect_mistakes (f,
                   "map-1 needs a function, got NULL: pass one to weir_map ()\n"
                   "window-2 has a window of 1500ms, no multiple of the 1s that its parent slides by: give a multiple\n"
                   "window-2 has a slide of 700ms, no multiple of the 1s that its parent slides by: give a multiple\n"
                   "the graph has no output, so nothing would ever run: add one, such as weir_print ()");
}

static void
an_interval_out_of_range_is_a_mistake (Fixture *f, gconstpointer data)
{
  g_autoptr (WeirContext) ctx = weir_context_new ("job", 0);
  g_autoptr (GError) error = NULL;

  weir_print (weir_queue_stream (ctx, f->queue, TRUE), 1);
  g_assert_false (weir_context_start (ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_true (g_str_has_prefix (error->message, "the context's batch interval: "));
}

static void
slices_follow_the_option_unless_asked (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  WeirStream *plain = weir_count_by_value (f->input), *asked = weir_count_by_value (f->input);
  WeirStream *one = weir_count (f->input);

  weir_context_set (f->ctx, "partitions", "5", &error);
  g_assert_no_error (error);
  weir_stream_set_partitions (asked, 3);
  weir_print (plain, 1);
  weir_print (asked, 1);
  weir_print (one, 1);
  check (f);
  g_assert_cmpuint (plain->op.n_slices, ==, 5);
  g_assert_cmpuint (asked->op.n_slices, ==, 3);
  g_assert_cmpuint (one->op.n_slices, ==, 1);
}

static void
only_what_leads_to_an_output_is_a_consumer (Fixture *f, gconstpointer data)
{
  WeirStream *used = weir_count_by_value (f->input), *unused = weir_count (used);

  weir_count (unused);
  weir_print (used, 1);
  weir_print (used, 1);
  check (f);
  g_assert_cmpuint (unused->n_consumers, ==, 0);
  g_assert_cmpuint (used->n_consumers, ==, 2);
  g_assert_cmpuint (f->input->n_consumers, ==, 1);
}

static void
rejects_are_kept_only_where_they_are_read (Fixture *f, gconstpointer data)
{
  WeirStream *read = weir_count_by_value (f->input), *unread = weir_count_by_value (f->input);

  weir_rejected (unread);
  weir_print (weir_rejected (read), 1);
  weir_print (unread, 1);
  check (f);
  g_assert_true (read->op.keep_rejects);
  g_assert_false (unread->op.keep_rejects);
  g_assert_false (f->input->op.keep_rejects);
}

#define ADD(test) g_test_add ("/graph-check/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (no_output_is_a_mistake);
  ADD (a_window_of_a_slow_stream_counts_in_its_slides);
  ADD (a_window_without_a_slide_has_its_parents);
  ADD (the_streams_of_a_union_slide_alike);
  ADD (uids_are_unique);
  ADD (a_stream_and_an_output_may_share_a_uid);
  ADD (all_mistakes_are_told_at_once);
  ADD (an_interval_out_of_range_is_a_mistake);
  ADD (slices_follow_the_option_unless_asked);
  ADD (only_what_leads_to_an_output_is_a_consumer);
  ADD (rejects_are_kept_only_where_they_are_read);
  return g_test_run ();
}
