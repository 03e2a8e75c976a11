/* Tests of map_partitions: one call a partition, which pulls.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

#include <string.h>

static void
sum_of_partition (WeirTask *task, WeirIter *values, gpointer user_data)
{
  gint64 sum = 0, n = 0;
  WeirValue value;

  for (; weir_iter_next (values, &value); n++)
    sum += weir_as_int (value);
  weir_emit_pair (task, weir_int (weir_task_partition (task)), WEIR_PAIR_OF (weir_int (n), weir_int (sum)));
}

static void
one_call_sees_all_of_a_partition (Job *job)
{
  WeirCollected *collected = weir_collect (weir_map_partitions (job->input, sum_of_partition, NULL));
  gint64 n = 0, sum = 0;
  const WeirValue *values;
  gsize n_partitions;

  job_push_range (job, 5000);
  job_run (job);
  values = weir_collected_values (collected, 0, &n_partitions);
  for (gsize i = 0; i < n_partitions; i++) {
    g_assert_cmpint (weir_as_int (weir_key (values[i])), ==, (gint64) i);
    n += weir_as_int (weir_key (weir_val (values[i])));
    sum += weir_as_int (weir_val (weir_val (values[i])));
  }
  g_assert_cmpint (n, ==, 5000);
  g_assert_cmpint (sum, ==, 4999 * 5000 / 2);
}

static void
empty_partitions_are_called_for_too (void)
{
  WeirCollected *collected;
  Job job;

  job_init (&job, 1);
  collected = weir_collect (weir_map_partitions (weir_repartition (job.input, 3), sum_of_partition, NULL));
  job_push (&job, "");
  job_push (&job, "5");
  job_run (&job);
  job_expect (collected, 0, "(0,(0,0)) (1,(0,0)) (2,(0,0))");
  job_expect_sorted (collected, 1, "(0,(1,5)) (1,(0,0)) (2,(0,0))");
  job_clear (&job);
}

/* Holds every element until the end. */
static void
backwards (WeirTask *task, WeirIter *values, gpointer user_data)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (WeirValue));
  WeirValue value;

  while (weir_iter_next (values, &value))
    g_array_append_val (all, value);
  for (guint i = all->len; i > 0; i--)
    weir_emit (task, g_array_index (all, WeirValue, i - 1));
  g_assert_false (weir_iter_next (values, &value));
}

static void
pairs_of_texts (WeirTask *task, WeirValue value, gpointer user_data)
{
  int i = (int) weir_as_int (value);

  weir_emit_pair (task, weir_format (task, "key-%06d", i), weir_format (task, "%0200d", i));
}

static void
elements_stay_valid_until_the_function_returns (Job *job)
{
  WeirStream *pairs = weir_flat_map (job->input, pairs_of_texts, NULL);
  WeirStream *twice = weir_map_partitions (weir_map_partitions (pairs, backwards, NULL), backwards, NULL);
  WeirCollected *collected = weir_collect (twice);
  const WeirValue *values;
  gsize n;

  job_push_range (job, 3000);
  job_run (job);
  values = weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 3000);
  for (gsize i = 0; i < n; i++) {
    g_autofree char *key = g_strdup_printf ("key-%06d", (int) i), *text = g_strdup_printf ("%0200d", (int) i);

    g_assert_true (weir_equal (values[i], WEIR_PAIR_OF (weir_text (key), weir_text (text))));
  }
}

static gboolean
is_even (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_as_int (value) % 2 == 0;
}

static WeirValue
plus_one (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_int (weir_as_int (value) + 1);
}

static void
what_stands_above_and_below_runs_in_the_same_chain (Job *job)
{
  WeirStream *even = weir_filter (job->input, is_even, NULL);
  WeirStream *sorted = weir_map_partitions (weir_map (even, plus_one, NULL), backwards, NULL);
  WeirCollected *collected = weir_collect (weir_map (weir_map_partitions (sorted, backwards, NULL), plus_one, NULL));

  job_push (job, "1 2 3 4 5 6 7 8");
  job_run (job);
  job_expect (collected, 0, "4 6 8 10");
}

static void
first_only (WeirTask *task, WeirIter *values, gpointer user_data)
{
  WeirValue value;

  if (weir_iter_next (values, &value))
    weir_emit (task, value);
}

static void
a_function_need_not_take_all (void)
{
  WeirCollected *collected;
  Job job;

  job_init (&job, 3);
  collected = weir_collect (weir_map_partitions (job.input, first_only, NULL));
  job_push_range (&job, 3000);
  job_push (&job, "7");
  job_run (&job);
  job_expect (collected, 0, "0 1000 2000");
  job_expect (collected, 1, "7");
  job_clear (&job);
}

static void
rejects_odd_and_fails_at_100 (WeirTask *task, WeirIter *values, gpointer user_data)
{
  WeirValue value;

  while (weir_iter_next (values, &value)) {
    if (weir_as_int (value) == 100)
      weir_fail (task, "a hundred");
    else if (weir_as_int (value) % 2 != 0)
      weir_reject (task, value, "odd");
    else
      weir_emit (task, value);
  }
}

static void
rejects_are_kept_apart (Job *job)
{
  WeirStream *stream = weir_map_partitions (job->input, rejects_odd_and_fails_at_100, NULL);
  WeirCollected *collected = weir_collect (stream), *rejected = weir_collect (weir_rejected (stream));

  job_push (job, "1 2 3 4 5");
  job_run (job);
  job_expect (collected, 0, "2 4");
  job_expect (rejected, 0, "(odd,1) (odd,3) (odd,5)");
}

static void
a_function_may_fail_the_batch (Job *job)
{
  weir_collect (weir_map_partitions (job->input, rejects_odd_and_fails_at_100, NULL));
  job_push (job, "1 2 100 3");
  job_run_into (job, WEIR_ERROR_USER, "a hundred");
}

static WeirValue
fails (WeirTask *task, WeirValue value, gpointer user_data)
{
  weir_fail (task, "above");
  return value;
}

static void
the_iterator_ends_when_the_batch_has_failed (Job *job)
{
  weir_collect (weir_map_partitions (weir_map (job->input, fails, NULL), backwards, NULL));
  job_push_range (job, 10000);
  job_run_into (job, WEIR_ERROR_USER, "above");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/map-partitions/one-call-sees-all-of-a-partition", one_call_sees_all_of_a_partition);
  g_test_add_func ("/map-partitions/empty-partitions-are-called-for-too", empty_partitions_are_called_for_too);
  job_add_test ("/map-partitions/elements-stay-valid-until-the-function-returns",
                elements_stay_valid_until_the_function_returns);
  job_add_test ("/map-partitions/what-stands-above-and-below-runs-in-the-same-chain",
                what_stands_above_and_below_runs_in_the_same_chain);
  g_test_add_func ("/map-partitions/a-function-need-not-take-all", a_function_need_not_take_all);
  job_add_test ("/map-partitions/rejects-are-kept-apart", rejects_are_kept_apart);
  job_add_test ("/map-partitions/a-function-may-fail-the-batch", a_function_may_fail_the_batch);
  job_add_test ("/map-partitions/the-iterator-ends-when-the-batch-has-failed",
                the_iterator_ends_when_the_batch_has_failed);
  return g_test_run ();
}
