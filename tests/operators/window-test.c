/* Tests of window: each slide what the last batches held, batch after batch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/engine/random-value.h"
#include "tests/operators/job.h"

#define N_BATCHES 24

/* Some elements a batch, some batches without any. */
static void
push_batches (Job *job, char *texts[N_BATCHES])
{
  for (guint i = 0; i < N_BATCHES; i++) {
    GString *text = g_string_new (NULL);

    for (guint k = below (3) == 0 ? 0 : below (30); k > 0; k--)
      g_string_append_printf (text, "%s%s%u-%u", text->len > 0 ? " " : "", below (2) == 0 ? "key=" : "", i, k);
    texts[i] = g_string_free (text, FALSE);
    job_push (job, texts[i]);
  }
}

/* As job_text () shows the batches that end in ]time - length, time]; the batch i is that of second i + 1. */
static char *
expected_text (char *const texts[N_BATCHES], WeirTime time, WeirTime length)
{
  GString *all = g_string_new (NULL);

  for (guint i = 0; i < N_BATCHES; i++) {
    WeirTime at = WEIR_SECONDS (i + 1);
    g_auto (GStrv) elements = g_strsplit (texts[i], " ", 0);

    for (guint k = 0; at > time - length && at <= time && elements[k] != NULL; k++) {
      const char *value = g_str_has_prefix (elements[k], "key=") ? elements[k] + 4 : NULL;

      if (value != NULL)
        g_string_append_printf (all, "%s(key,%s)", all->len > 0 ? " " : "", value);
      else
        g_string_append_printf (all, "%s%s", all->len > 0 ? " " : "", elements[k]);
    }
  }
  return g_string_free (all, FALSE);
}

static void
expect_windows (WeirCollected *collected, char *const texts[N_BATCHES], guint length, guint slide)
{
  g_assert_cmpuint (weir_collected_n_batches (collected), ==, N_BATCHES / slide);
  for (guint i = 0; i < N_BATCHES / slide; i++) {
    WeirTime time = weir_collected_time (collected, i);
    g_autofree char *expected = expected_text (texts, time, WEIR_SECONDS (length));

    g_assert_cmpint (time, ==, WEIR_SECONDS ((i + 1) * slide));
    job_expect (collected, i, expected);
  }
}

static void
it_holds_the_last_batches_in_order (Job *job)
{
  static const guint shapes[][2] = { { 1, 1 }, { 2, 1 }, { 5, 1 }, { 60, 1 }, { 4, 2 }, { 3, 3 }, { 2, 5 }, { 12, 4 } };
  WeirCollected *collected[G_N_ELEMENTS (shapes)];
  char *texts[N_BATCHES];

  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    collected[i] = weir_collect (weir_window (job->input, WEIR_SECONDS (shapes[i][0]), WEIR_SECONDS (shapes[i][1])));
  push_batches (job, texts);
  job_run (job);
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    expect_windows (collected[i], texts, shapes[i][0], shapes[i][1]);
  for (guint i = 0; i < N_BATCHES; i++)
    g_free (texts[i]);
}

static void
no_slide_is_that_of_the_parent (Job *job)
{
  WeirStream *halves = weir_window (job->input, WEIR_SECONDS (2), WEIR_SECONDS (2));
  WeirCollected *collected = weir_collect (weir_window (halves, WEIR_SECONDS (4), 0));

  for (guint i = 0; i < 8; i++) {
    g_autofree char *text = g_strdup_printf ("%u", i);

    job_push (job, text);
  }
  job_run (job);
  g_assert_cmpuint (weir_collected_n_batches (collected), ==, 4);
  job_expect (collected, 0, "0 1");
  job_expect (collected, 1, "0 1 2 3");
  job_expect (collected, 3, "4 5 6 7");
}

/* Values outlive the task memory and the batch that they were made in. */
static WeirValue
to_text (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_format (task, "text-%d", (int) weir_as_int (value));
}

static void
it_holds_copies (Job *job)
{
  WeirCollected *collected = weir_collect (weir_window (weir_map (job->input, to_text, NULL), WEIR_SECONDS (3), 0));
  const WeirValue *values;
  gsize n;

  for (guint i = 0; i < 6; i++)
    job_push_range (job, 2000);
  job_run (job);
  values = weir_collected_values (collected, 5, &n);
  g_assert_cmpuint (n, ==, 6000);
  for (gsize i = 0; i < n; i++) {
    g_autofree char *expected = g_strdup_printf ("text-%d", (int) (i % 2000));

    g_assert_true (weir_equal (values[i], weir_text (expected)));
  }
}

static void
it_is_a_stream_like_others (Job *job)
{
  WeirStream *window = weir_window (job->input, WEIR_SECONDS (2), 0);
  WeirCollected *counts = weir_collect (weir_count_by_key (window));
  WeirCollected *all = weir_collect (weir_count (window));

  job_push (job, "a=1 b=1");
  job_push (job, "a=1");
  job_push (job, "");
  job_run (job);
  job_expect_sorted (counts, 1, "(a,2) (b,1)");
  job_expect_sorted (counts, 2, "(a,1)");
  job_expect (all, 1, "3");
  job_expect (all, 2, "1");
}

static WeirValue
fail_on_seven (WeirTask *task, WeirValue value, gpointer user_data)
{
  if (weir_as_int (value) == 7)
    weir_fail (task, "seven");
  return value;
}

static void
a_failure_above_it_fails_the_batch (Job *job)
{
  weir_collect (weir_window (weir_map (job->input, fail_on_seven, NULL), WEIR_SECONDS (2), 0));
  job_push (job, "1 2 3");
  job_push (job, "4 7 5");
  job_run_into (job, WEIR_ERROR_USER, "seven");
}

static void
expect_mistake (WeirTime length, WeirTime slide, const char *fragment)
{
  g_autoptr (GError) error = NULL;
  Job job;

  job_init (&job, 1);
  weir_collect (weir_window (job.input, length, slide));
  g_assert_false (weir_context_start (job.ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_cmpstr (strstr (error->message, fragment) != NULL ? fragment : error->message, ==, fragment);
  job_clear (&job);
}

static void
lengths_and_slides_that_are_no_multiples_are_mistakes (void)
{
  expect_mistake (WEIR_MILLISECONDS (1500), 0, "window of 1500ms");
  expect_mistake (WEIR_SECONDS (2), WEIR_MILLISECONDS (1100), "slide of 1100ms");
  expect_mistake (0, 0, "window of 0");
  expect_mistake (-WEIR_SECONDS (1), 0, "window of -");
  expect_mistake (WEIR_SECONDS (1), -1, "slides by -1");
}

#define ADD(test) job_add_test ("/window/" #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (it_holds_the_last_batches_in_order);
  ADD (no_slide_is_that_of_the_parent);
  ADD (it_holds_copies);
  ADD (it_is_a_stream_like_others);
  ADD (a_failure_above_it_fails_the_batch);
  g_test_add_func ("/window/lengths_and_slides_that_are_no_multiples_are_mistakes",
                   lengths_and_slides_that_are_no_multiples_are_mistakes);
  return g_test_run ();
}
