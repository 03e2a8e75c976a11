/* Tests of reduce_by_window and count_by_window: every slide against the batches of its window, reduced one by one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/engine/random-value.h"
#include "tests/operators/job.h"

#define N_BATCHES 40

static const guint shapes[][2] = { { 1, 1 }, { 3, 1 }, { 10, 1 }, { 60, 1 }, { 6, 2 },
                                   { 3, 2 }, { 2, 3 }, { 15, 5 }, { 4, 6 } };

/* Some numbers a batch; stretches of batches without any. */
static void
push_history (Job *job, GArray *history[N_BATCHES])
{
  for (guint i = 0; i < N_BATCHES; i++) {
    g_autoptr (GString) text = g_string_new (NULL);

    history[i] = g_array_new (FALSE, FALSE, sizeof (gint64));
    for (guint k = i / 5 % 3 == 1 ? 0 : below (30); k > 0; k--) {
      gint64 number = below (1000);

      g_array_append_val (history[i], number);
      g_string_append_printf (text, " %d", (int) number);
    }
    job_push (job, text->str);
  }
}

static void
history_clear (GArray *history[N_BATCHES])
{
  for (guint i = 0; i < N_BATCHES; i++)
    g_array_unref (history[i]);
}

typedef enum { SUM, GREATEST, TEXT, COUNT } Kind;

/* What ]second - length, second] comes to, as text; "" where there is nothing. */
static char *
expected_window (GArray *const history[N_BATCHES], Kind kind, guint second, guint length)
{
  g_autoptr (GString) text = g_string_new (NULL);
  gint64 sum = 0, greatest = 0;
  guint n = 0;

  for (guint i = second > length ? second - length : 0; i < second; i++)
    for (guint k = 0; k < history[i]->len; k++, n++) {
      gint64 number = g_array_index (history[i], gint64, k);

      sum += number;
      greatest = MAX (greatest, number);
      g_string_append_printf (text, "%s%d", n > 0 ? "," : "", (int) number);
    }
  if (kind == COUNT)
    return g_strdup_printf ("%u", n);
  if (kind == TEXT || n == 0)
    return g_strdup (text->str);
  return g_strdup_printf ("%d", (int) (kind == SUM ? sum : greatest));
}

static WeirValue
concatenate (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  g_autofree char *left = weir_to_string (a), *right = weir_to_string (b);

  return weir_format (task, "%s,%s", left, right);
}

static WeirStream *
window_of (Kind kind, WeirStream *s, guint length, guint slide)
{
  static const WeirReduceFunc functions[] = { WEIR_SUM, WEIR_MAX, concatenate };

  if (kind == COUNT)
    return weir_count_by_window (s, WEIR_SECONDS (length), WEIR_SECONDS (slide));
  return weir_reduce_by_window (s, functions[kind], NULL, WEIR_SECONDS (length), WEIR_SECONDS (slide), NULL);
}

static void
expect_windows (WeirCollected *collected, GArray *const history[N_BATCHES], Kind kind, guint length, guint slide)
{
  g_assert_cmpuint (weir_collected_n_batches (collected), ==, N_BATCHES / slide);
  for (guint i = 0; i < N_BATCHES / slide; i++) {
    g_autofree char *expected = expected_window (history, kind, (i + 1) * slide, length);

    g_assert_cmpint (weir_collected_time (collected, i), ==, WEIR_SECONDS ((i + 1) * slide));
    job_expect (collected, i, expected);
  }
}

static void
every_slide_is_its_batches_reduced (Job *job)
{
  WeirCollected *collected[COUNT + 1][G_N_ELEMENTS (shapes)];
  GArray *history[N_BATCHES];

  for (Kind kind = SUM; kind <= COUNT; kind++)
    for (gsize k = 0; k < G_N_ELEMENTS (shapes); k++)
      collected[kind][k] = weir_collect (window_of (kind, job->input, shapes[k][0], shapes[k][1]));
  push_history (job, history);
  job_run (job);
  for (Kind kind = SUM; kind <= COUNT; kind++)
    for (gsize k = 0; k < G_N_ELEMENTS (shapes); k++)
      expect_windows (collected[kind][k], history, kind, shapes[k][0], shapes[k][1]);
  history_clear (history);
}

static void
a_window_may_follow_another (Job *job)
{
  WeirStream *twos = window_of (SUM, job->input, 2, 2);
  WeirCollected *sums = weir_collect (window_of (SUM, twos, 6, 0));
  WeirCollected *counts = weir_collect (weir_count_by_window (twos, WEIR_SECONDS (4), WEIR_SECONDS (4)));
  GArray *history[N_BATCHES];

  push_history (job, history);
  job_run (job);
  expect_windows (sums, history, SUM, 6, 2);
  g_assert_cmpuint (weir_collected_n_batches (counts), ==, N_BATCHES / 4);
  history_clear (history);
}

/* Others that want it see the same. */
static void
two_may_use_one_window (Job *job)
{
  WeirStream *window = window_of (TEXT, job->input, 5, 1);
  WeirCollected *left = weir_collect (window), *right = weir_collect (weir_union (window, window));

  job_push (job, "1");
  job_push (job, "2 3");
  job_run (job);
  job_expect (left, 1, "1,2,3");
  job_expect (right, 1, "1,2,3 1,2,3");
}

static WeirValue
later_pair (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return b;
}

static void
pairs_are_elements_like_others (Job *job)
{
  WeirCollected *collected =
      weir_collect (weir_reduce_by_window (job->input, later_pair, NULL, WEIR_SECONDS (2), WEIR_SECONDS (1), NULL));
  WeirCollected *counts = weir_collect (weir_count_by_window (job->input, WEIR_SECONDS (2), 0));

  job_push (job, "a=1 b=2 c=3");
  job_push (job, "");
  job_push (job, "d=4");
  job_push (job, "");
  job_push (job, "");
  job_run (job);
  job_expect (collected, 1, "(c,3)");
  job_expect (collected, 2, "(d,4)");
  job_expect (collected, 4, "");
  job_expect (counts, 1, "3");
  job_expect (counts, 4, "0");
}

static WeirValue
inverse (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  g_assert_not_reached ();
}

static void
sums_of_floats_do_not_drift (Job *job)
{
  WeirCollected *collected =
      weir_collect (weir_reduce_by_window (job->input, WEIR_SUM, inverse, WEIR_SECONDS (2), WEIR_SECONDS (1), NULL));

  job_push (job, "1e300 0.5");
  job_push (job, "0.25");
  job_push (job, "0.125");
  job_push (job, "");
  job_run (job);
  job_expect (collected, 2, "0.375");
  job_expect (collected, 3, "0.125");
}

static WeirValue
reject_and_keep (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  weir_reject (task, b, "second");
  return a;
}

static void
what_its_function_rejects_is_read_elsewhere (Job *job)
{
  WeirStream *window = weir_reduce_by_window (job->input, reject_and_keep, NULL, WEIR_SECONDS (3), 0, NULL);
  WeirCollected *collected = weir_collect (window), *rejected = weir_collect (weir_rejected (window));
  gsize n;

  job_push (job, "1 2");
  job_push (job, "3");
  job_run (job);
  job_expect (collected, 0, "1");
  job_expect (collected, 1, "1");
  for (guint i = 0; i < 2; i++) {
    weir_collected_values (rejected, i, &n);
    g_assert_cmpuint (n, >=, 1);
  }
}

static void
an_overflow_of_the_window_fails_the_batch (Job *job)
{
  weir_collect (weir_stream_set_name (window_of (SUM, job->input, 3, 1), "recent"));
  job_push (job, "9223372036854775000");
  job_push (job, "900");
  job_run_into (job, WEIR_ERROR_OVERFLOW, "recent: ");
}

static WeirValue
fail_on_seven (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  if (weir_as_int (b) == 7)
    weir_fail (task, "seven");
  return a;
}

static void
a_function_that_fails_fails_the_batch (Job *job)
{
  weir_collect (weir_reduce_by_window (job->input, fail_on_seven, NULL, WEIR_SECONDS (3), 0, NULL));
  job_push (job, "1");
  job_push (job, "7");
  job_run_into (job, WEIR_ERROR_USER, "seven");
}

static void
expect_mistake (WeirReduceFunc f, WeirTime length, const char *fragment)
{
  g_autoptr (GError) error = NULL;
  Job job;

  job_init (&job, 1);
  weir_collect (weir_reduce_by_window (job.input, f, NULL, length, 0, NULL));
  g_assert_false (weir_context_start (job.ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_cmpstr (strstr (error->message, fragment) != NULL ? fragment : error->message, ==, fragment);
  job_clear (&job);
}

static void
no_function_or_an_odd_length_is_a_mistake (void)
{
  expect_mistake (NULL, WEIR_SECONDS (2), "got NULL");
  expect_mistake (WEIR_SUM, WEIR_MILLISECONDS (2500), "window of 2500ms");
}

#define ADD(test) job_add_test ("/reduce-by-window/" #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (every_slide_is_its_batches_reduced);
  ADD (a_window_may_follow_another);
  ADD (two_may_use_one_window);
  ADD (pairs_are_elements_like_others);
  ADD (sums_of_floats_do_not_drift);
  ADD (what_its_function_rejects_is_read_elsewhere);
  ADD (an_overflow_of_the_window_fails_the_batch);
  ADD (a_function_that_fails_fails_the_batch);
  g_test_add_func ("/reduce-by-window/no_function_or_an_odd_length_is_a_mistake",
                   no_function_or_an_odd_length_is_a_mistake);
  return g_test_run ();
}
