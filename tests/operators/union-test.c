/* Tests of union.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

static WeirValue
negative (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_int (-weir_as_int (value));
}

static void
the_first_stream_comes_first (Job *job)
{
  WeirStream *other = weir_map (job->input, negative, NULL);
  WeirCollected *collected = weir_collect (weir_union (job->input, other));
  WeirCollected *turned = weir_collect (weir_union (other, job->input));

  job_push (job, "1 2 3");
  job_push (job, "");
  job_run (job);
  job_expect (collected, 0, "1 2 3 -1 -2 -3");
  job_expect (turned, 0, "-1 -2 -3 1 2 3");
  job_expect (collected, 1, "");
}

static void
a_stream_may_be_joined_to_itself (Job *job)
{
  WeirCollected *collected = weir_collect (weir_union (job->input, job->input));

  job_push (job, "1 a=2");
  job_run (job);
  job_expect (collected, 0, "1 (a,2) 1 (a,2)");
}

static void
an_empty_side_adds_nothing (Job *job)
{
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  WeirCollected *collected = weir_collect (weir_union (weir_queue_stream (job->ctx, queue, TRUE), job->input));

  job_push (job, "1 2");
  job_run (job);
  job_expect (collected, 0, "1 2");
  job_clear (job);
}

static void
partitions (WeirTask *task, WeirIter *values, gpointer user_data)
{
  weir_emit (task, weir_int (weir_task_partition (task)));
}

static void
partitions_are_numbered_on (void)
{
  WeirCollected *collected;
  Job job;

  job_init (&job, 3);
  collected = weir_collect (weir_map_partitions (
      weir_union (weir_repartition (job.input, 2), weir_repartition (job.input, 3)), partitions, NULL));
  job_push (&job, "1 2 3");
  job_run (&job);
  job_expect (collected, 0, "0 1 2 3 4");
  job_clear (&job);
}

static void
keys_of_both_sides_meet (Job *job)
{
  WeirStream *both = weir_union (job->input, weir_map_values (job->input, negative, NULL));
  WeirCollected *sums = weir_collect (weir_reduce_by_key (both, WEIR_SUM, NULL));
  WeirCollected *lists = weir_collect (weir_group_by_key (both));

  job_push (job, "a=1 b=2 a=3");
  job_run (job);
  job_expect_sorted (sums, 0, "(a,0) (b,0)");
  job_expect_sorted (lists, 0, "(a,[1,3,-1,-3]) (b,[2,-2])");
}

static void
slides_must_be_equal (Job *job)
{
  WeirStream *slow = weir_window (job->input, WEIR_SECONDS (2), WEIR_SECONDS (2));

  weir_collect (weir_union (job->input, weir_stream_set_name (slow, "slow")));
  job_run_into (job, WEIR_ERROR_GRAPH, "with slow, which slides by 2s");
}

static void
contexts_must_be_the_same (Job *job)
{
  g_autoptr (WeirContext) other = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (WeirQueue) queue = weir_queue_new ();

  weir_collect (weir_union (job->input, weir_queue_stream (other, queue, TRUE)));
  job_run_into (job, WEIR_ERROR_GRAPH, "context");
}

static void
a_missing_stream_is_a_mistake_in_the_graph (Job *job)
{
  weir_collect (weir_union (job->input, NULL));
  job_run_into (job, WEIR_ERROR_GRAPH, "union");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/union/the-first-stream-comes-first", the_first_stream_comes_first);
  job_add_test ("/union/a-stream-may-be-joined-to-itself", a_stream_may_be_joined_to_itself);
  job_add_test ("/union/an-empty-side-adds-nothing", an_empty_side_adds_nothing);
  g_test_add_func ("/union/partitions-are-numbered-on", partitions_are_numbered_on);
  job_add_test ("/union/keys-of-both-sides-meet", keys_of_both_sides_meet);
  job_add_test ("/union/slides-must-be-equal", slides_must_be_equal);
  job_add_test ("/union/contexts-must-be-the-same", contexts_must_be_the_same);
  job_add_test ("/union/a-missing-stream-is-a-mistake-in-the-graph", a_missing_stream_is_a_mistake_in_the_graph);
  return g_test_run ();
}
