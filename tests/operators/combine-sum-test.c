/* Tests of operators/combine-sum: kinds of sums, overflow on either side, tables small and large.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

static void
ints_and_floats_make_floats_whatever_comes_first (Job *job)
{
  WeirCollected *collected = weir_collect (weir_reduce_by_key (job->input, WEIR_SUM, NULL));

  job_push (job, "a=1 b=1.5 c=2 a=2 b=1 c=0.25 a=3 b=-1 c=1 d=-0.5");
  job_run (job);
  job_expect_sorted (collected, 0, "(a,6) (b,1.5) (c,3.25) (d,-0.5)");
}

static void
a_sum_may_be_the_last_that_fits (Job *job)
{
  WeirCollected *collected = weir_collect (weir_reduce_by_key (job->input, WEIR_SUM, NULL));

  job_push (job, "a=9223372036854775806 b=-9223372036854775807 a=1 b=-1 c=9223372036854775807 c=-9223372036854775807");
  job_run (job);
  job_expect_sorted (collected, 0, "(a,9223372036854775807) (b,-9223372036854775808) (c,0)");
}

static void
one_more_than_fits_fails_and_names_the_key (Job *job)
{
  weir_collect (weir_stream_set_name (weir_reduce_by_key (job->input, WEIR_SUM, NULL), "totals"));
  job_push (job, "b=1 much=9223372036854775806 b=2 b=3 much=2 b=4");
  job_run_into (job, WEIR_ERROR_OVERFLOW, "totals: the sum of key 'much' does not fit");
}

static void
one_less_than_fits_fails (Job *job)
{
  weir_collect (weir_reduce_by_key (job->input, WEIR_SUM, NULL));
  job_push (job, "b=1 little=-9223372036854775807 b=2 little=-2");
  job_run_into (job, WEIR_ERROR_OVERFLOW, "'little'");
}

static void
a_float_takes_what_an_int_cannot (Job *job)
{
  WeirCollected *collected = weir_collect (weir_reduce_by_key (job->input, WEIR_SUM, NULL));

  job_push (job, "a=0.0 a=9223372036854775807 a=9223372036854775807");
  job_run (job);
  job_expect_sorted (collected, 0, "(a,1.8446744073709552E19)");
}

static void
what_is_no_number_fails_and_names_the_key (Job *job)
{
  weir_collect (weir_reduce_by_key (job->input, WEIR_SUM, NULL));
  job_push (job, "a=1 b=2 bad=word a=3");
  job_run_into (job, WEIR_ERROR_KIND, "key 'bad' has the value 'word'");
}

static void
nil_is_no_number (Job *job)
{
  weir_collect (weir_reduce_by_key (job->input, WEIR_SUM, NULL));
  job_push (job, "a=1 a=_");
  job_run_into (job, WEIR_ERROR_KIND, "WEIR_SUM takes INT and FLOAT");
}

/* (i mod the given number, i), every fourth key's values as FLOATs. */
static WeirValue
to_pair (WeirTask *task, WeirValue value, gpointer user_data)
{
  gint64 i = weir_as_int (value), key = i % GPOINTER_TO_INT (user_data);

  return weir_pair (task, weir_int (key), key % 4 == 0 ? weir_float ((gdouble) i) : weir_int (i));
}

static void
expect_sums (Job *job, gint n, gint n_keys)
{
  WeirCollected *collected =
      weir_collect (weir_reduce_by_key (weir_map (job->input, to_pair, GINT_TO_POINTER (n_keys)), WEIR_SUM, NULL));
  g_autofree gint64 *sums = g_new0 (gint64, n_keys);
  const WeirValue *values;
  gsize n_values;

  for (gint i = 0; i < n; i++)
    sums[i % n_keys] += i;
  job_push_range (job, (guint) n);
  job_run (job);
  values = weir_collected_values (collected, 0, &n_values);
  g_assert_cmpuint (n_values, ==, n_keys);
  for (gsize i = 0; i < n_values; i++) {
    gint64 *expected = &sums[weir_as_int (weir_key (values[i]))];

    g_assert_cmpint (weir_kind (weir_val (values[i])), ==,
                     weir_as_int (weir_key (values[i])) % 4 == 0 ? WEIR_FLOAT : WEIR_INT);
    g_assert_cmpint (weir_as_int (weir_val (values[i])), ==, *expected);
    *expected = -1; /* each key once */
  }
}

static void
few_keys (Job *job)
{
  expect_sums (job, 20000, 10);
}

static void
many_keys (Job *job)
{
  expect_sums (job, 60000, 25000);
}

static void
counts_are_sums_of_ones (Job *job)
{
  WeirCollected *by_key = weir_collect (weir_count_by_key (job->input));
  WeirCollected *by_value = weir_collect (weir_count_by_value (job->input));

  job_push (job, "a=1 a=1 b=1 a=2 _=_ 1=1 1.0=1");
  job_push (job, "");
  job_run (job);
  job_expect_sorted (by_key, 0, "(null,1) (1,1) (1.0,1) (a,3) (b,1)");
  job_expect_sorted (by_value, 0, "((null,null),1) ((1,1),1) ((1.0,1),1) ((a,1),2) ((a,2),1) ((b,1),1)");
  job_expect (by_key, 1, "");
  job_expect (by_value, 1, "");
}

static void
plain_values_and_pairs_are_counted_together (Job *job)
{
  WeirCollected *collected = weir_collect (weir_count_by_value (job->input));

  job_push (job, "a a=1 b a a=1 _ 7 a=2 7");
  job_run (job);
  job_expect_sorted (collected, 0, "(null,1) (7,2) (a,2) (b,1) ((a,1),2) ((a,2),1)");
}

#define ADD(test) job_add_test ("/combine-sum/" #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (ints_and_floats_make_floats_whatever_comes_first);
  ADD (a_sum_may_be_the_last_that_fits);
  ADD (one_more_than_fits_fails_and_names_the_key);
  ADD (one_less_than_fits_fails);
  ADD (a_float_takes_what_an_int_cannot);
  ADD (what_is_no_number_fails_and_names_the_key);
  ADD (nil_is_no_number);
  ADD (few_keys);
  ADD (many_keys);
  ADD (counts_are_sums_of_ones);
  ADD (plain_values_and_pairs_are_counted_together);
  return g_test_run ();
}
