/* Tests of sinks/foreach: when the job's function is called, with what, and what becomes of its errors.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/operators/job.h"

#define MOST 16

typedef struct {
  GString *text;
  guint64 partitions[MOST]; /* by partition: calls, and 1000 for each element; atomic */
  gint64 sum;               /* atomic */
} Seen;

static gboolean
see_batch (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  gsize count;

  if (!weir_dataset_count (data, &count, error))
    return FALSE;
  g_string_append_printf (user_data, "%" G_GSIZE_FORMAT " at %" G_GINT64_FORMAT " ms;", count, time / 1000);
  return TRUE;
}

static void
a_batch_is_seen_once_with_its_time (Job *job)
{
  g_autoptr (GString) seen = g_string_new (NULL);

  weir_foreach_batch (job->input, see_batch, seen);
  job_push (job, "a b c");
  job_push (job, "");
  job_push (job, "d");
  job_run (job);
  g_assert_cmpstr (seen->str, ==, "3 at 1000 ms;0 at 2000 ms;1 at 3000 ms;");
}

static void
a_slower_stream_is_seen_when_it_is_due (Job *job)
{
  g_autoptr (GString) seen = g_string_new (NULL);

  weir_foreach_batch (weir_window (job->input, WEIR_SECONDS (3), WEIR_SECONDS (2)), see_batch, seen);
  for (guint i = 0; i < 4; i++)
    job_push (job, "a b");
  job_run (job);
  g_assert_cmpstr (seen->str, ==, "4 at 2000 ms;6 at 4000 ms;");
}

static gboolean
refuse_silently (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return FALSE;
}

static gboolean
refuse_with_an_error (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "the shelf is full");
  return FALSE;
}

static gboolean
contradict_itself (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  refuse_with_an_error (data, time, user_data, error);
  return TRUE;
}

static void
false_without_an_error_is_a_user_error (Job *job)
{
  weir_foreach_batch (job->input, refuse_silently, NULL);
  job_push (job, "a");
  job_run_into (job, WEIR_ERROR_USER, "foreach_batch-0: the job's function returned FALSE");
}

static void
an_error_passes_through (Job *job)
{
  weir_output_set_name (weir_foreach_batch (job->input, refuse_with_an_error, NULL), "shelf");
  job_push (job, "a");
  job_run_into (job, WEIR_ERROR_SINK, "batch 1000 ms: shelf: the shelf is full");
}

static void
an_error_is_heard_even_with_true (Job *job)
{
  weir_foreach_batch (job->input, contradict_itself, NULL);
  job_push (job, "a");
  job_run_into (job, WEIR_ERROR_SINK, "the shelf is full");
}

static void
outputs_after_a_failed_one_do_not_run (Job *job)
{
  g_autoptr (GString) seen = g_string_new (NULL);

  weir_foreach_batch (job->input, refuse_with_an_error, NULL);
  weir_foreach_batch (job->input, see_batch, seen);
  job_push (job, "a");
  job_run_into (job, WEIR_ERROR_SINK, "the shelf is full");
  g_assert_cmpstr (seen->str, ==, "");
}

static void
see_partition (WeirTask *task, WeirIter *values, gpointer user_data)
{
  Seen *seen = user_data;
  guint partition = weir_task_partition (task);
  WeirValue value;

  g_assert_cmpuint (partition, <, MOST);
  __atomic_add_fetch (&seen->partitions[partition], 1, __ATOMIC_RELAXED);
  while (weir_iter_next (values, &value)) {
    __atomic_add_fetch (&seen->partitions[partition], 1000, __ATOMIC_RELAXED);
    __atomic_add_fetch (&seen->sum, weir_as_int (value), __ATOMIC_RELAXED);
  }
}

static void
each_partition_is_pulled_once (Job *job)
{
  Seen seen = { 0 };
  guint64 n_calls = 0;

  weir_foreach_partition (job->input, see_partition, &seen);
  job_push_range (job, 100000);
  job_run (job);
  for (guint i = 0; i < MOST; i++) {
    g_assert_cmpuint (seen.partitions[i] % 1000, <=, 1);
    n_calls += seen.partitions[i];
  }
  g_assert_cmpuint (n_calls / 1000, ==, 100000);
  g_assert_cmpint (seen.sum, ==, G_GINT64_CONSTANT (100000) * 99999 / 2);
}

static void
empty_partitions_are_called_for (Job *job)
{
  Seen seen = { 0 };

  weir_foreach_partition (weir_stream_set_partitions (weir_count_by_value (job->input), 7), see_partition, &seen);
  job_push (job, "");
  job_run (job);
  for (guint i = 0; i < MOST; i++)
    g_assert_cmpuint (seen.partitions[i], ==, i < 7 ? 1 : 0);
}

static void
look_at_one (WeirTask *task, WeirIter *values, gpointer user_data)
{
  WeirValue value;

  if (weir_iter_next (values, &value))
    __atomic_add_fetch ((gint64 *) user_data, 1, __ATOMIC_RELAXED);
}

static void
a_function_need_not_pull_everything (Job *job)
{
  gint64 n = 0;

  weir_foreach_partition (weir_repartition (job->input, 4), look_at_one, &n);
  job_push_range (job, 5000);
  job_run (job);
  g_assert_cmpint (n, ==, 4);
}

static void
fail_on_seven (WeirTask *task, WeirIter *values, gpointer user_data)
{
  WeirValue value;

  while (weir_iter_next (values, &value))
    if (weir_as_int (value) == 7)
      weir_fail (task, "seven is not allowed");
}

static void
a_partition_that_fails_fails_the_batch (Job *job)
{
  weir_foreach_partition (job->input, fail_on_seven, NULL);
  job_push_range (job, 10);
  job_run_into (job, WEIR_ERROR_USER, "seven is not allowed");
}

static void
emit_what_it_sees (WeirTask *task, WeirIter *values, gpointer user_data)
{
  WeirValue value;

  while (weir_iter_next (values, &value))
    weir_emit (task, value);
}

static void
emit_pairs (WeirTask *task, WeirIter *values, gpointer user_data)
{
  weir_emit_pair (task, weir_text ("a"), weir_int (1));
}

static void
an_emit_that_nothing_takes_is_an_error (Job *job)
{
  weir_foreach_partition (job->input, emit_what_it_sees, NULL);
  job_push_range (job, 2000);
  job_run_into (job, WEIR_ERROR_USER, "nothing takes what it emits");
}

static void
an_emitted_pair_that_nothing_takes_is_an_error (Job *job)
{
  weir_foreach_partition (job->input, emit_pairs, NULL);
  job_push (job, "a");
  job_run_into (job, WEIR_ERROR_USER, "nothing takes what it emits");
}

static void
no_function_is_a_mistake (Job *job)
{
  weir_foreach_batch (job->input, NULL, NULL);
  job_run_into (job, WEIR_ERROR_GRAPH, "without a function");
}

static void
no_partition_function_is_a_mistake (Job *job)
{
  weir_foreach_partition (job->input, NULL, NULL);
  job_run_into (job, WEIR_ERROR_GRAPH, "without a function");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/foreach/a-batch-is-seen-once-with-its-time", a_batch_is_seen_once_with_its_time);
  job_add_test ("/foreach/a-slower-stream-is-seen-when-it-is-due", a_slower_stream_is_seen_when_it_is_due);
  job_add_test ("/foreach/false-without-an-error-is-a-user-error", false_without_an_error_is_a_user_error);
  job_add_test ("/foreach/an-error-passes-through", an_error_passes_through);
  job_add_test ("/foreach/an-error-is-heard-even-with-true", an_error_is_heard_even_with_true);
  job_add_test ("/foreach/outputs-after-a-failed-one-do-not-run", outputs_after_a_failed_one_do_not_run);
  job_add_test ("/foreach/each-partition-is-pulled-once", each_partition_is_pulled_once);
  job_add_test ("/foreach/empty-partitions-are-called-for", empty_partitions_are_called_for);
  job_add_test ("/foreach/a-function-need-not-pull-everything", a_function_need_not_pull_everything);
  job_add_test ("/foreach/a-partition-that-fails-fails-the-batch", a_partition_that_fails_fails_the_batch);
  job_add_test ("/foreach/an-emit-that-nothing-takes", an_emit_that_nothing_takes_is_an_error);
  job_add_test ("/foreach/an-emitted-pair-that-nothing-takes", an_emitted_pair_that_nothing_takes_is_an_error);
  job_add_test ("/foreach/no-function-is-a-mistake", no_function_is_a_mistake);
  job_add_test ("/foreach/no-partition-function-is-a-mistake", no_partition_function_is_a_mistake);
  return g_test_run ();
}
