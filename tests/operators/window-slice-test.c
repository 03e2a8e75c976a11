/* Tests of the windows that share operators/window-slice and operators/window: counts by value, and groups.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/engine/random-value.h"
#include "tests/operators/job.h"

#define N_BATCHES 24

static const guint shapes[][2] = { { 1, 1 }, { 3, 1 }, { 10, 1 }, { 60, 1 }, { 6, 2 }, { 3, 2 }, { 2, 3 }, { 15, 5 } };

static void
push_batches (Job *job, const char *format)
{
  for (guint i = 0; i < N_BATCHES; i++) {
    g_autoptr (GString) text = g_string_new (NULL);

    for (guint k = below (4) == 0 ? 0 : below (30); k > 0; k--)
      g_string_append_printf (text, format, (i / 3 + below (4)) % 9, below (3));
    job_push (job, text->str);
  }
}

static void
expect_equal (WeirCollected *collected, WeirCollected *expected)
{
  gsize n = weir_collected_n_batches (expected);

  g_assert_cmpuint (weir_collected_n_batches (collected), ==, n);
  g_assert_cmpuint (n, >, 0);
  for (gsize i = 0; i < n; i++) {
    g_autofree char *text = weir_collected_text (expected, (guint) i);

    g_assert_cmpint (weir_collected_time (collected, i), ==, weir_collected_time (expected, i));
    job_expect_sorted (collected, (guint) i, text);
  }
}

typedef WeirStream *(*Window) (WeirStream *s, WeirTime length, WeirTime slide);

static void
expect_as_in_a_window (Job *job, Window window, WeirStream *(*in_a_batch) (WeirStream *s), const char *format)
{
  WeirCollected *collected[G_N_ELEMENTS (shapes)], *expected[G_N_ELEMENTS (shapes)];

  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++) {
    WeirTime length = WEIR_SECONDS (shapes[i][0]), slide = WEIR_SECONDS (shapes[i][1]);

    collected[i] = weir_collect (window (job->input, length, slide));
    expected[i] = weir_collect (in_a_batch (weir_window (job->input, length, slide)));
  }
  push_batches (job, format);
  job_run (job);
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    expect_equal (collected[i], expected[i]);
}

static void
counts_by_value_are_those_of_the_window (Job *job)
{
  expect_as_in_a_window (job, weir_count_by_value_and_window, weir_count_by_value, " word-%u");
}

static void
pairs_are_values_that_are_counted (Job *job)
{
  expect_as_in_a_window (job, weir_count_by_value_and_window, weir_count_by_value, " word-%u=%u");
}

static void
groups_are_those_of_the_window (Job *job)
{
  expect_as_in_a_window (job, weir_group_by_key_and_window, weir_group_by_key, " key-%u=%u");
}

static void
groups_keep_the_order_of_arrival (Job *job)
{
  WeirCollected *collected = weir_collect (weir_group_by_key_and_window (job->input, WEIR_SECONDS (2), 0));

  job_push (job, "a=3 b=1 a=2");
  job_push (job, "a=1");
  job_push (job, "");
  job_push (job, "");
  job_run (job);
  job_expect_sorted (collected, 1, "(a,[3,2,1]) (b,[1])");
  job_expect_sorted (collected, 2, "(a,[1])");
  job_expect_sorted (collected, 3, "");
}

static void
tokens_are_counted_like_other_values (Job *job)
{
  WeirStream *tokens = weir_split (job->input, '-');
  WeirCollected *counts = weir_collect (weir_count_by_value_and_window (tokens, WEIR_SECONDS (2), 0));
  WeirStream *ones = weir_with_value (tokens, weir_int (1));
  WeirCollected *sums = weir_collect (weir_reduce_by_key_and_window (ones, WEIR_SUM, NULL, WEIR_SECONDS (2), 0, NULL));

  job_push (job, "a-b-a b-c");
  job_push (job, "a--d");
  job_push (job, "");
  job_run (job);
  job_expect_sorted (counts, 1, "(a,3) (b,2) (c,1) (d,1)");
  job_expect_sorted (counts, 2, "(a,1) (d,1)");
  expect_equal (sums, counts);
}

static void
windows_of_windows_count_what_the_inner_one_says (Job *job)
{
  WeirStream *inner = weir_count_by_value_and_window (job->input, WEIR_SECONDS (2), WEIR_SECONDS (2));
  WeirCollected *outer = weir_collect (weir_group_by_key_and_window (inner, WEIR_SECONDS (4), WEIR_SECONDS (4)));

  for (guint i = 0; i < 8; i++)
    job_push (job, i % 2 == 0 ? "a" : "a b");
  job_run (job);
  g_assert_cmpuint (weir_collected_n_batches (outer), ==, 2);
  job_expect_sorted (outer, 1, "(a,[2,2]) (b,[1,1])");
}

static void
a_plain_value_fails_the_batch (Job *job)
{
  weir_collect (weir_group_by_key_and_window (job->input, WEIR_SECONDS (2), 0));
  job_push (job, "1");
  job_run_into (job, WEIR_ERROR_KIND, "takes pairs");
}

static void
expect_mistake (Window window, const char *fragment)
{
  g_autoptr (GError) error = NULL;
  Job job;

  job_init (&job, 1);
  weir_collect (window (job.input, WEIR_MILLISECONDS (2500), 0));
  g_assert_false (weir_context_start (job.ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_cmpstr (strstr (error->message, fragment) != NULL ? fragment : error->message, ==, fragment);
  job_clear (&job);
}

static void
an_odd_length_is_a_mistake_that_names_the_verb (void)
{
  expect_mistake (weir_count_by_value_and_window, "count_by_value_and_window-2 has a window of 2500ms");
  expect_mistake (weir_group_by_key_and_window, "group_by_key_and_window-1 has a window of 2500ms");
  expect_mistake (weir_count_by_window, "count_by_window-2 has a window of 2500ms");
}

/* The uid is found where the window's elements are kept. */
static void
a_uid_of_groups_is_that_of_their_window (void)
{
  g_autoptr (GError) error = NULL;
  WeirStream *groups;
  Job job;

  job_init (&job, 1);
  groups = weir_group_by_key_and_window (job.input, WEIR_MILLISECONDS (2500), 0);
  g_assert_true (weir_stream_set_uid (groups, "visits") == groups);
  weir_collect (groups);
  g_assert_false (weir_context_start (job.ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_cmpstr (error->message, ==, strstr (error->message, "visits has a window of 2500ms"));
  job_clear (&job);
}

#define ADD(test) job_add_test ("/window-slice/" #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (counts_by_value_are_those_of_the_window);
  ADD (pairs_are_values_that_are_counted);
  ADD (groups_are_those_of_the_window);
  ADD (groups_keep_the_order_of_arrival);
  ADD (tokens_are_counted_like_other_values);
  ADD (windows_of_windows_count_what_the_inner_one_says);
  ADD (a_plain_value_fails_the_batch);
  g_test_add_func ("/window-slice/an_odd_length_is_a_mistake_that_names_the_verb",
                   an_odd_length_is_a_mistake_that_names_the_verb);
  g_test_add_func ("/window-slice/a_uid_of_groups_is_that_of_their_window", a_uid_of_groups_is_that_of_their_window);
  return g_test_run ();
}
