/* Tests of reduce: order of arrival, nothing for nothing, and bounded memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

static WeirValue
concatenate (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_format (task, "%.*s%.*s", (int) weir_size (a), weir_data (a), (int) weir_size (b), weir_data (b));
}

static void
elements_meet_in_order_of_arrival (Job *job)
{
  WeirCollected *collected = weir_collect (weir_reduce (job->input, concatenate, NULL));

  job_push (job, "a b c d e f g h i j k l m n o p q r s t u v w x y z");
  job_push (job, "");
  job_push (job, "alone");
  job_run (job);
  job_expect (collected, 0, "abcdefghijklmnopqrstuvwxyz");
  job_expect (collected, 1, "");
  job_expect (collected, 2, "alone");
}

static gboolean
is_never (WeirTask *task, WeirValue value, gpointer user_data)
{
  return FALSE;
}

static void
nothing_comes_of_nothing (Job *job)
{
  WeirCollected *collected = weir_collect (weir_reduce (weir_filter (job->input, is_never, NULL), WEIR_SUM, NULL));

  job_push (job, "1 2 3");
  job->n_batches++;
  job_run (job);
  job_expect (collected, 0, "");
  job_expect (collected, 1, "");
}

static WeirValue
digit (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_format (task, "%d", (int) weir_as_int (value) % 10);
}

/* The texts on the way add up to 200 MB, far more than the limit. */
static void
memory_does_not_grow_with_the_batch (Job *job)
{
  WeirCollected *collected = weir_collect (weir_reduce (weir_map (job->input, digit, NULL), concatenate, NULL));
  WeirValue text;
  gsize n;

  g_assert_true (weir_context_set (job->ctx, "memory.limit", "64MB", NULL));
  job_push_range (job, 20000);
  job_run (job);
  text = weir_collected_values (collected, 0, &n)[0];
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpuint (weir_size (text), ==, 20000);
  for (gsize i = 0; i < weir_size (text); i++)
    g_assert_cmpint (weir_data (text)[i], ==, '0' + (int) (i % 10));
}

static WeirValue
later_key_and_sum (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_pair (task, weir_key (b), weir_int (weir_as_int (weir_val (a)) + weir_as_int (weir_val (b))));
}

static WeirValue
longer (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_as_int (weir_val (b)) > weir_as_int (weir_val (a)) ? b : a;
}

static void
pairs_are_reduced_to_a_pair (Job *job)
{
  WeirCollected *sums = weir_collect (weir_reduce (job->input, later_key_and_sum, NULL));
  WeirCollected *longest = weir_collect (weir_reduce (job->input, longer, NULL));

  job_push (job, "a=1 b=7 c=3 d=4");
  job_push (job, "z=26");
  job_run (job);
  job_expect (sums, 0, "(d,15)");
  job_expect (longest, 0, "(b,7)");
  job_expect (sums, 1, "(z,26)");
}

static WeirValue
only_key (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_kind (a) == WEIR_PAIR ? weir_key (a) : a;
}

static void
a_part_of_an_argument_may_be_returned (Job *job)
{
  WeirCollected *collected = weir_collect (weir_reduce (job->input, only_key, NULL));

  job_push (job, "first-of-all-keys=1 b=2 c=3 d=4");
  job_run (job);
  job_expect (collected, 0, "first-of-all-keys");
}

static void
ready_made_functions (Job *job)
{
  WeirCollected *sum = weir_collect (weir_reduce (job->input, WEIR_SUM, NULL));
  WeirCollected *min = weir_collect (weir_reduce (job->input, WEIR_MIN, NULL));
  WeirCollected *max = weir_collect (weir_reduce (job->input, WEIR_MAX, NULL));
  WeirCollected *first = weir_collect (weir_reduce (job->input, WEIR_FIRST, NULL));
  WeirCollected *last = weir_collect (weir_reduce (job->input, WEIR_LAST, NULL));

  job_push (job, "5 3 9 -4 7");
  job_push (job, "5 2.5 3");
  job_run (job);
  job_expect (sum, 0, "20");
  job_expect (min, 0, "-4");
  job_expect (max, 0, "9");
  job_expect (first, 0, "5");
  job_expect (last, 0, "7");
  job_expect (sum, 1, "10.5");
  job_expect (min, 1, "2.5");
  job_expect (max, 1, "5.0");
}

static void
sums_of_many (Job *job)
{
  WeirCollected *sum = weir_collect (weir_reduce (job->input, WEIR_SUM, NULL));

  job_push_range (job, 100000);
  job_run (job);
  job_expect (sum, 0, "4999950000");
}

static void
a_sum_that_overflows_fails_the_batch (Job *job)
{
  weir_collect (weir_stream_set_name (weir_reduce (job->input, WEIR_SUM, NULL), "total"));
  job_push (job, "1 9223372036854775800 2 3 4");
  job_run_into (job, WEIR_ERROR_OVERFLOW, "total: the sum of 92233720368547758");
}

static void
a_sum_of_texts_fails_the_batch (Job *job)
{
  weir_collect (weir_reduce (job->input, WEIR_SUM, NULL));
  job_push (job, "1 2 three 4");
  job_run_into (job, WEIR_ERROR_KIND, "got TEXT three");
}

static WeirValue
fails (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  weir_fail (task, "cannot reduce");
  return a;
}

static void
a_function_may_fail_the_batch (Job *job)
{
  weir_collect (weir_reduce (job->input, fails, NULL));
  job_push (job, "1 2 3");
  job_run_into (job, WEIR_ERROR_USER, "cannot reduce");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/reduce/elements-meet-in-order-of-arrival", elements_meet_in_order_of_arrival);
  job_add_test ("/reduce/nothing-comes-of-nothing", nothing_comes_of_nothing);
  job_add_test ("/reduce/memory-does-not-grow-with-the-batch", memory_does_not_grow_with_the_batch);
  job_add_test ("/reduce/pairs-are-reduced-to-a-pair", pairs_are_reduced_to_a_pair);
  job_add_test ("/reduce/a-part-of-an-argument-may-be-returned", a_part_of_an_argument_may_be_returned);
  job_add_test ("/reduce/ready-made-functions", ready_made_functions);
  job_add_test ("/reduce/sums-of-many", sums_of_many);
  job_add_test ("/reduce/a-sum-that-overflows-fails-the-batch", a_sum_that_overflows_fails_the_batch);
  job_add_test ("/reduce/a-sum-of-texts-fails-the-batch", a_sum_of_texts_fails_the_batch);
  job_add_test ("/reduce/a-function-may-fail-the-batch", a_function_may_fail_the_batch);
  return g_test_run ();
}
