/* Tests of combine_by_key: accumulators begin with the first value, and tasks' accumulators merge in order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

static WeirValue
in_brackets (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_format (task, "<%.*s>", (int) weir_size (value), weir_data (value));
}

static WeirValue
appended (WeirTask *task, WeirValue text, WeirValue value, gpointer user_data)
{
  return weir_format (task, "%.*s%.*s", (int) weir_size (text), weir_data (text), (int) weir_size (value),
                      weir_data (value));
}

static WeirValue
joined (WeirTask *task, WeirValue text, WeirValue later, gpointer user_data)
{
  return weir_format (task, "%.*s+%.*s", (int) weir_size (text), weir_data (text), (int) weir_size (later),
                      weir_data (later));
}

static const WeirCombiner texts = { in_brackets, appended, joined, NULL };

static void
each_task_begins_with_create (void)
{
  WeirCollected *collected;
  Job job;

  job_init (&job, 2);
  collected = weir_collect (weir_combine_by_key (job.input, &texts));
  job_push (&job, "k=a k=b l=c k=d k=e m=f");
  job_push (&job, "");
  job_run (&job);
  job_expect_sorted (collected, 0, "(k,<a>b+<d>e) (l,<c>) (m,<f>)");
  job_expect (collected, 1, "");
  job_clear (&job);
}

static WeirValue
count_and_sum (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_int (1), value);
}

static WeirValue
add_value (WeirTask *task, WeirValue a, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_int (weir_as_int (weir_key (a)) + 1),
                    weir_int (weir_as_int (weir_val (a)) + weir_as_int (value)));
}

static WeirValue
add_both (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_pair (task, weir_int (weir_as_int (weir_key (a)) + weir_as_int (weir_key (b))),
                    weir_int (weir_as_int (weir_val (a)) + weir_as_int (weir_val (b))));
}

static const WeirCombiner means = { count_and_sum, add_value, add_both, NULL };

static WeirValue
by_remainder (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_int (weir_as_int (value) % 3), value);
}

static void
accumulators_may_be_pairs (Job *job)
{
  WeirCollected *collected = weir_collect (weir_combine_by_key (weir_map (job->input, by_remainder, NULL), &means));

  job_push_range (job, 30000);
  job_run (job);
  job_expect_sorted (collected, 0, "(0,(10000,149985000)) (1,(10000,149995000)) (2,(10000,150005000))");
}

static WeirDataset *
on_dataset (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return weir_dataset_combine_by_key (data, &means);
}

static void
datasets_do_the_same (Job *job)
{
  WeirCollected *collected = weir_collect (weir_transform (job->input, on_dataset, NULL));

  job_push (job, "a=1 b=2 a=3");
  job_run (job);
  job_expect_sorted (collected, 0, "(a,(2,4)) (b,(1,2))");
}

static void
all_three_functions_are_needed (Job *job)
{
  weir_collect (weir_combine_by_key (job->input, (&(WeirCombiner){ .create = in_brackets, .merge_value = appended })));
  job_run_into (job, WEIR_ERROR_GRAPH, "needs create, merge_value and merge_combiners functions");
}

static void
it_needs_pairs (Job *job)
{
  weir_collect (weir_stream_set_name (weir_combine_by_key (job->input, &texts), "texts"));
  job_push (job, "word");
  job_run_into (job, WEIR_ERROR_KIND, "texts: takes pairs, and got TEXT word");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/combine-by-key/each-task-begins-with-create", each_task_begins_with_create);
  job_add_test ("/combine-by-key/accumulators-may-be-pairs", accumulators_may_be_pairs);
  job_add_test ("/combine-by-key/datasets-do-the-same", datasets_do_the_same);
  job_add_test ("/combine-by-key/all-three-functions-are-needed", all_three_functions_are_needed);
  job_add_test ("/combine-by-key/it-needs-pairs", it_needs_pairs);
  return g_test_run ();
}
