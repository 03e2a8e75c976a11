/* Tests of filter.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

static gboolean
is_multiple (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_as_int (value) % GPOINTER_TO_INT (user_data) == 0;
}

static void
what_passes_keeps_its_order (Job *job)
{
  WeirCollected *collected = weir_collect (weir_filter (job->input, is_multiple, GINT_TO_POINTER (3)));

  job_push (job, "3 1 4 1 5 9 2 6 5 3 5");
  job_push (job, "");
  job_push (job, "1 2");
  job_run (job);
  job_expect (collected, 0, "3 9 6 3");
  job_expect (collected, 1, "");
  job_expect (collected, 2, "");
}

static gboolean
has_odd_value (WeirTask *task, WeirValue pair, gpointer user_data)
{
  return weir_as_int (weir_val (pair)) % 2 != 0;
}

static void
pairs_stay_pairs (Job *job)
{
  WeirCollected *collected = weir_collect (weir_filter (job->input, has_odd_value, NULL));

  job_push (job, "a=1 b=2 c=3 d=4");
  job_run (job);
  job_expect (collected, 0, "(a,1) (c,3)");
}

static WeirValue
as_text (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_format (task, "number-%05d", (int) weir_as_int (value));
}

static gboolean
ends_in_00 (WeirTask *task, WeirValue text, gpointer user_data)
{
  gsize size = weir_size (text);

  return weir_data (text)[size - 1] == '0' && weir_data (text)[size - 2] == '0';
}

/* What little passes lies in task memory of many steps of the source. */
static void
few_of_many_survive (Job *job)
{
  WeirCollected *collected = weir_collect (weir_filter (weir_map (job->input, as_text, NULL), ends_in_00, NULL));
  const WeirValue *values;
  gsize n;

  job_push_range (job, 20000);
  job_run (job);
  values = weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 200);
  for (gsize i = 0; i < n; i++) {
    g_autofree char *expected = g_strdup_printf ("number-%05d", (int) i * 100);

    g_assert_true (weir_equal (values[i], weir_text (expected)));
  }
}

static gboolean
negative_rejected (WeirTask *task, WeirValue value, gpointer user_data)
{
  if (weir_as_int (value) < 0)
    weir_reject (task, value, "negative");
  return TRUE;
}

static void
what_is_rejected_does_not_pass (Job *job)
{
  WeirStream *stream = weir_filter (job->input, negative_rejected, NULL);
  WeirCollected *collected = weir_collect (stream), *rejected = weir_collect (weir_rejected (stream));

  job_push (job, "1 -2 3 -4");
  job_run (job);
  job_expect (collected, 0, "1 3");
  job_expect (rejected, 0, "(negative,-2) (negative,-4)");
}

static gboolean
never (WeirTask *task, WeirValue value, gpointer user_data)
{
  weir_fail (task, "no");
  return TRUE;
}

static void
a_predicate_may_fail_the_batch (Job *job)
{
  weir_collect (weir_filter (job->input, never, NULL));
  job_push (job, "1");
  job_run_into (job, WEIR_ERROR_USER, "filter");
}

static gboolean
emits (WeirTask *task, WeirValue value, gpointer user_data)
{
  weir_emit (task, value);
  return TRUE;
}

static void
a_predicate_that_emits_fails_the_batch (Job *job)
{
  weir_collect (weir_filter (job->input, emits, NULL));
  job_push (job, "1 2 3");
  job_run_into (job, WEIR_ERROR_USER, "its function emitted");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/filter/what-passes-keeps-its-order", what_passes_keeps_its_order);
  job_add_test ("/filter/pairs-stay-pairs", pairs_stay_pairs);
  job_add_test ("/filter/few-of-many-survive", few_of_many_survive);
  job_add_test ("/filter/what-is-rejected-does-not-pass", what_is_rejected_does_not_pass);
  job_add_test ("/filter/a-predicate-may-fail-the-batch", a_predicate_may_fail_the_batch);
  job_add_test ("/filter/a-predicate-that-emits-fails-the-batch", a_predicate_that_emits_fails_the_batch);
  return g_test_run ();
}
