/* Tests of cogroup and the joins: against a loop over all pairs of elements, for any partitions and workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/pair-of-queues.h"

typedef WeirStream *(*Verb) (WeirStream *a, WeirStream *b);

static void
expect_sorted (Verb verb, const char *first, const char *second, const char *expected)
{
  static const guint partitions[] = { 1, 3, 16 };

  for (guint i = 0; i < 9; i++) {
    WeirCollected *collected;
    Pair pair;

    pair_init (&pair, partitions[i % 3], partitions[i / 3]);
    collected = weir_collect (verb (pair.job.input, pair.other.input));
    pair_push (&pair, first, second);
    job_run (&pair.job);
    job_expect_sorted (collected, 0, expected);
    pair_clear (&pair);
  }
}

#define FIRST  "a=1 b=2 a=3 c=4"
#define SECOND "a=x d=y b=z a=w"

static void
an_inner_join_has_keys_that_both_have (void)
{
  expect_sorted (weir_join, FIRST, SECOND, "(a,(1,w)) (a,(1,x)) (a,(3,w)) (a,(3,x)) (b,(2,z))");
}

static void
a_left_join_keeps_the_first (void)
{
  expect_sorted (weir_left_outer_join, FIRST, SECOND, "(a,(1,w)) (a,(1,x)) (a,(3,w)) (a,(3,x)) (b,(2,z)) (c,(4,null))");
}

static void
a_right_join_keeps_the_second (void)
{
  expect_sorted (weir_right_outer_join, FIRST, SECOND,
                 "(a,(1,w)) (a,(1,x)) (a,(3,w)) (a,(3,x)) (b,(2,z)) (d,(null,y))");
}

static void
a_full_join_keeps_both (void)
{
  expect_sorted (weir_full_outer_join, FIRST, SECOND,
                 "(a,(1,w)) (a,(1,x)) (a,(3,w)) (a,(3,x)) (b,(2,z)) (c,(4,null)) (d,(null,y))");
}

static void
cogroup_has_every_key_with_both_lists (void)
{
  expect_sorted (weir_cogroup, FIRST, SECOND, "(a,([1,3],[x,w])) (b,([2],[z])) (c,([4],[])) (d,([],[y]))");
}

static void
an_empty_side_joins_nothing (void)
{
  expect_sorted (weir_join, FIRST, "", "");
  expect_sorted (weir_join, "", SECOND, "");
  expect_sorted (weir_full_outer_join, "", "", "");
  expect_sorted (weir_left_outer_join, "a=1", "", "(a,(1,null))");
  expect_sorted (weir_right_outer_join, "", "a=1", "(a,(null,1))");
  expect_sorted (weir_cogroup, "", "a=1", "(a,([],[1]))");
}

static void
pairs_of_a_key_come_in_order_of_arrival (void)
{
  WeirCollected *collected;
  Pair pair;

  pair_init (&pair, 3, 2);
  collected = weir_collect (weir_join (pair.job.input, pair.other.input));
  pair_push (&pair, "k=1 k=2 k=3 k=4", "k=8 k=7 k=6");
  job_run (&pair.job);
  job_expect (collected, 0,
              "(k,(1,8)) (k,(1,7)) (k,(1,6)) (k,(2,8)) (k,(2,7)) (k,(2,6)) (k,(3,8)) (k,(3,7)) (k,(3,6)) (k,(4,8)) "
              "(k,(4,7)) (k,(4,6))");
  pair_clear (&pair);
}

static void
a_stream_may_be_joined_with_itself (Job *job)
{
  WeirCollected *joined = weir_collect (weir_join (job->input, job->input));
  WeirCollected *grouped = weir_collect (weir_cogroup (job->input, job->input));

  job_push (job, "a=1 a=2 b=3");
  job_run (job);
  job_expect_sorted (joined, 0, "(a,(1,1)) (a,(1,2)) (a,(2,1)) (a,(2,2)) (b,(3,3))");
  job_expect_sorted (grouped, 0, "(a,([1,2],[1,2])) (b,([3],[3]))");
}

static WeirValue
to_pair (WeirTask *task, WeirValue value, gpointer user_data)
{
  gint64 i = weir_as_int (value), n_keys = GPOINTER_TO_INT (user_data);

  return weir_pair (task, weir_format (task, "a key that is long, number %d", (int) (i * 7919 % n_keys)),
                    weir_format (task, "%050d", (int) i));
}

static WeirValue
of_the_same_key (WeirTask *task, WeirValue value, gpointer user_data)
{
  gint64 first = weir_as_int (weir_key (weir_val (value))), second = weir_as_int (weir_val (weir_val (value)));

  return weir_int (first * 1000 + second);
}

static WeirValue
with_one_key (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_int (7), value);
}

/* A million pairs of one key, from one group, in order. */
static void
a_product_larger_than_many_chunks (Job *job)
{
  WeirStream *one_key = weir_map (job->input, with_one_key, NULL);
  WeirStream *numbers = weir_map (weir_join (one_key, one_key), of_the_same_key, NULL);
  WeirCollected *collected = weir_collect (numbers);
  const WeirValue *values;
  gsize n;

  job_push_range (job, 1000);
  job_run (job);
  values = weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 1000000);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpint (weir_as_int (values[i]), ==, (gint64) i);
}

static char *
run_with (const char *workers, guint n_slices)
{
  WeirStream *first, *second;
  WeirCollected *collected;
  char *text;
  Job job;

  job_init (&job, 16);
  g_assert_true (weir_context_set (job.ctx, "workers", workers, NULL));
  first = weir_map (job.input, to_pair, GINT_TO_POINTER (1000));
  second = weir_map (job.input, to_pair, GINT_TO_POINTER (1700));
  collected = weir_collect (weir_stream_set_partitions (weir_full_outer_join (first, second), n_slices));
  job_push_range (&job, 5000);
  job_run (&job);
  text = n_slices == 7 ? job_text (collected, 0) : weir_collected_text (collected, 0);
  job_clear (&job);
  return text;
}

static void
workers_make_no_difference (void)
{
  g_autofree char *one = run_with ("1", 7), *two = run_with ("2", 7), *seven = run_with ("7", 7);

  g_assert_cmpstr (one, ==, two);
  g_assert_cmpstr (one, ==, seven);
}

static void
partitions_make_no_difference_but_for_the_order (void)
{
  g_autofree char *one = run_with ("2", 1), *three = run_with ("2", 3), *sixteen = run_with ("2", 16);

  g_assert_cmpstr (one, ==, three);
  g_assert_cmpstr (one, ==, sixteen);
}

static void
both_sides_need_pairs (Job *job)
{
  WeirStream *pairs = weir_with_value (job->input, weir_int (1));

  weir_collect (weir_stream_set_name (weir_join (pairs, job->input), "both"));
  job_push (job, "word");
  job_run_into (job, WEIR_ERROR_KIND, "both: takes pairs, and got TEXT word");
}

static void
slides_must_be_equal (Job *job)
{
  WeirStream *slow = weir_window (job->input, WEIR_SECONDS (2), WEIR_SECONDS (2));

  weir_collect (weir_join (job->input, weir_stream_set_name (slow, "slow")));
  job_run_into (job, WEIR_ERROR_GRAPH, "with slow, which slides by 2s");
}

static void
contexts_must_be_the_same (Job *job)
{
  g_autoptr (WeirContext) other = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (WeirQueue) queue = weir_queue_new ();

  weir_collect (weir_cogroup (job->input, weir_queue_stream (other, queue, TRUE)));
  job_run_into (job, WEIR_ERROR_GRAPH, "of another context");
}

static void
beyond_the_memory_limit_the_batch_fails (Job *job)
{
  WeirStream *one_key = weir_map (job->input, with_one_key, NULL);

  g_assert_true (weir_context_set (job->ctx, "memory.limit", "64MB", NULL));
  weir_collect (weir_join (one_key, one_key));
  job_push_range (job, 3000);
  job_run_into (job, WEIR_ERROR_MEMORY_LIMIT, "raise memory.limit");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/join/an-inner-join-has-keys-that-both-have", an_inner_join_has_keys_that_both_have);
  g_test_add_func ("/join/a-left-join-keeps-the-first", a_left_join_keeps_the_first);
  g_test_add_func ("/join/a-right-join-keeps-the-second", a_right_join_keeps_the_second);
  g_test_add_func ("/join/a-full-join-keeps-both", a_full_join_keeps_both);
  g_test_add_func ("/join/cogroup-has-every-key-with-both-lists", cogroup_has_every_key_with_both_lists);
  g_test_add_func ("/join/an-empty-side-joins-nothing", an_empty_side_joins_nothing);
  g_test_add_func ("/join/pairs-of-a-key-come-in-order-of-arrival", pairs_of_a_key_come_in_order_of_arrival);
  job_add_test ("/join/a-stream-may-be-joined-with-itself", a_stream_may_be_joined_with_itself);
  job_add_test ("/join/a-product-larger-than-many-chunks", a_product_larger_than_many_chunks);
  g_test_add_func ("/join/workers-make-no-difference", workers_make_no_difference);
  g_test_add_func ("/join/partitions-make-no-difference-but-for-the-order",
                   partitions_make_no_difference_but_for_the_order);
  job_add_test ("/join/both-sides-need-pairs", both_sides_need_pairs);
  job_add_test ("/join/slides-must-be-equal", slides_must_be_equal);
  job_add_test ("/join/contexts-must-be-the-same", contexts_must_be_the_same);
  job_add_test ("/join/beyond-the-memory-limit-the-batch-fails", beyond_the_memory_limit_the_batch_fails);
  return g_test_run ();
}
