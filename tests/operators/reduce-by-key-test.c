/* Tests of reduce_by_key, count_by_key and count_by_value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/operators/job.h"

static WeirValue
concatenate (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_format (task, "%.*s%.*s", (int) weir_size (a), weir_data (a), (int) weir_size (b), weir_data (b));
}

static WeirValue
fail_at_13 (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  if (weir_as_int (b) == 13)
    weir_fail (task, "thirteen");
  return a;
}

static void
sums_and_their_kin (Job *job)
{
  WeirCollected *sum = weir_collect (weir_reduce_by_key (job->input, WEIR_SUM, NULL));
  WeirCollected *min = weir_collect (weir_reduce_by_key (job->input, WEIR_MIN, NULL));
  WeirCollected *max = weir_collect (weir_reduce_by_key (job->input, WEIR_MAX, NULL));
  WeirCollected *first = weir_collect (weir_reduce_by_key (job->input, WEIR_FIRST, NULL));
  WeirCollected *last = weir_collect (weir_reduce_by_key (job->input, WEIR_LAST, NULL));

  job_push (job, "a=3 b=2 a=1 a=5 b=-4");
  job_push (job, "");
  job_run (job);
  job_expect_sorted (sum, 0, "(a,9) (b,-2)");
  job_expect_sorted (min, 0, "(a,1) (b,-4)");
  job_expect_sorted (max, 0, "(a,5) (b,2)");
  job_expect_sorted (first, 0, "(a,3) (b,2)");
  job_expect_sorted (last, 0, "(a,5) (b,-4)");
  job_expect (sum, 1, "");
}

static void
int_with_float_gives_float (Job *job)
{
  WeirCollected *sum = weir_collect (weir_reduce_by_key (job->input, WEIR_SUM, NULL));

  job_push (job, "a=1 a=0.5 b=0.25 b=2 c=7");
  job_run (job);
  job_expect_sorted (sum, 0, "(a,1.5) (b,2.25) (c,7)");
}

static void
the_order_of_arrival_is_kept (Job *job)
{
  WeirCollected *collected = weir_collect (weir_reduce_by_key (job->input, concatenate, NULL));

  job_push (job, "k=a q=x k=b k=c q=y k=d k=e k=f");
  job_run (job);
  job_expect_sorted (collected, 0, "(k,abcdef) (q,xy)");
}

static void
keys_of_all_kinds_are_kept_apart (Job *job)
{
  const WeirValue keys[] = {
    weir_nil (),
    weir_bool (FALSE),
    weir_int (0),
    weir_float (0),
    weir_text (""),
    weir_bytes ("", 0),
    weir_int (1),
    weir_float (1),
    weir_text ("1"),
    weir_float (-0.0),
    weir_text ("sixteen letters!"),
    weir_text ("seventeen letters"),
    WEIR_PAIR_OF (weir_int (1), weir_text ("x")),
    WEIR_LIST_OF (weir_int (1), weir_text ("x")),
    weir_text ("\0"),
  };
  WeirCollected *collected = weir_collect (weir_count_by_value (job->input));
  WeirValue twice[2 * G_N_ELEMENTS (keys)];
  gsize n;

  for (guint i = 0; i < G_N_ELEMENTS (twice); i++)
    twice[i] = keys[i % G_N_ELEMENTS (keys)];
  job_push_values (job, twice, G_N_ELEMENTS (twice));
  job_run (job);
  weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (keys) - 2); /* -0 is 0, and a text of a NUL written so is empty */
  for (gsize i = 0; i < n; i++) {
    WeirValue pair = weir_collected_values (collected, 0, &n)[i], key = weir_key (pair);
    gboolean is_double = weir_equal (key, weir_float (0)) || weir_equal (key, weir_text (""));

    g_assert_cmpint (weir_as_int (weir_val (pair)), ==, is_double ? 4 : 2);
  }
}

static void
counts_by_key_and_by_value (Job *job)
{
  WeirCollected *by_key = weir_collect (weir_count_by_key (job->input));
  WeirCollected *by_value = weir_collect (weir_count_by_value (job->input));

  job_push (job, "a=1 b=1 a=1 a=2");
  job_run (job);
  job_expect_sorted (by_key, 0, "(a,3) (b,1)");
  job_expect_sorted (by_value, 0, "((a,1),2) ((a,2),1) ((b,1),1)");
}

static void
many_keys_are_each_counted (Job *job)
{
  WeirStream *counts = weir_count_by_value (job->input);
  WeirCollected *n_keys = weir_collect (weir_count (counts));
  WeirCollected *twice = weir_collect (weir_count_by_value (counts));

  job_push_range (job, 60000);
  job_run (job);
  job_expect (n_keys, 0, "60000");
  g_assert_cmpuint (weir_collected_n_batches (twice), ==, 1);
}

static void
one_keyed_stream_feeds_another (Job *job)
{
  WeirStream *counts = weir_count_by_value (job->input);
  WeirCollected *sums = weir_collect (weir_count_by_key (weir_reduce_by_key (counts, WEIR_SUM, NULL)));
  WeirCollected *n = weir_collect (weir_count (weir_count_by_key (counts)));

  job_push_range (job, 30000);
  job_run (job);
  job_expect (n, 0, "30000");
  g_assert_cmpuint (weir_collected_n_batches (sums), ==, 1);
}

static void
a_sum_that_does_not_fit_is_an_error (Job *job)
{
  weir_collect (weir_reduce_by_key (job->input, WEIR_SUM, NULL));
  job_push (job, "a=9223372036854775807 b=1 a=1");
  job_run_into (job, WEIR_ERROR_OVERFLOW, "key 'a'");
}

static void
a_text_has_no_sum (Job *job)
{
  weir_collect (weir_reduce_by_key (job->input, WEIR_SUM, NULL));
  job_push (job, "a=1 b=two");
  job_run_into (job, WEIR_ERROR_KIND, "two");
}

static void
a_plain_value_fails_the_batch (Job *job)
{
  weir_collect (weir_count_by_key (job->input));
  job_push (job, "a=1 plain");
  job_run_into (job, WEIR_ERROR_KIND, "plain");
}

static void
a_function_that_fails_fails_the_batch (Job *job)
{
  weir_collect (weir_reduce_by_key (job->input, fail_at_13, NULL));
  job_push (job, "a=1 a=13 a=2");
  job_run_into (job, WEIR_ERROR_USER, "thirteen");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/reduce-by-key/sums-and-their-kin", sums_and_their_kin);
  job_add_test ("/reduce-by-key/int-with-float-gives-float", int_with_float_gives_float);
  job_add_test ("/reduce-by-key/the-order-of-arrival-is-kept", the_order_of_arrival_is_kept);
  job_add_test ("/reduce-by-key/keys-of-all-kinds-are-kept-apart", keys_of_all_kinds_are_kept_apart);
  job_add_test ("/reduce-by-key/counts-by-key-and-by-value", counts_by_key_and_by_value);
  job_add_test ("/reduce-by-key/many-keys-are-each-counted", many_keys_are_each_counted);
  job_add_test ("/reduce-by-key/one-keyed-stream-feeds-another", one_keyed_stream_feeds_another);
  job_add_test ("/reduce-by-key/a-sum-that-does-not-fit-is-an-error", a_sum_that_does_not_fit_is_an_error);
  job_add_test ("/reduce-by-key/a-text-has-no-sum", a_text_has_no_sum);
  job_add_test ("/reduce-by-key/a-plain-value-fails-the-batch", a_plain_value_fails_the_batch);
  job_add_test ("/reduce-by-key/a-function-that-fails-fails-the-batch", a_function_that_fails_fails_the_batch);
  return g_test_run ();
}
