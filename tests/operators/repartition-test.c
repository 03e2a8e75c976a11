/* Tests of repartition: exactly so many partitions, the same for the same data.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

#include <stdlib.h>

static void
as_list (WeirTask *task, WeirIter *values, gpointer user_data)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (WeirValue));
  WeirValue value;

  while (weir_iter_next (values, &value))
    g_array_append_val (all, value);
  weir_emit (task, weir_list_at ((const WeirValue *) all->data, all->len));
}

static WeirCollected *
collect_partitions (Job *job, guint n)
{
  return weir_collect (weir_map_partitions (weir_repartition (job->input, n), as_list, NULL));
}

static void
elements_are_dealt_out_in_turn (void)
{
  WeirCollected *two, *five, *one;
  Job job;

  job_init (&job, 1);
  one = collect_partitions (&job, 1);
  two = collect_partitions (&job, 2);
  five = collect_partitions (&job, 5);
  job_push (&job, "0 1 2 3 4 5 6");
  job_run (&job);
  job_expect (one, 0, "[0,1,2,3,4,5,6]");
  job_expect (two, 0, "[0,2,4,6] [1,3,5]");
  job_expect (five, 0, "[0,5] [1,6] [2] [3] [4]");
  job_clear (&job);
}

static void
each_task_begins_one_further (void)
{
  WeirCollected *collected;
  Job job;

  job_init (&job, 3);
  collected = collect_partitions (&job, 3);
  job_push (&job, "0 1 10 11 20 21");
  job_run (&job);
  job_expect (collected, 0, "[0,21] [1,10] [11,20]");
  job_clear (&job);
}

static void
there_are_as_many_in_an_empty_batch (Job *job)
{
  WeirCollected *collected = collect_partitions (job, 4);

  job_push (job, "");
  job_run (job);
  job_expect (collected, 0, "[] [] [] []");
}

static WeirValue
as_text (WeirTask *task, WeirValue value, gpointer user_data)
{
  WeirValue text = weir_format (task, "%0100d", (int) weir_as_int (value));

  return weir_as_int (value) % 3 == 0 ? weir_pair (task, value, text) : text;
}

static gint
by_text (gconstpointer a, gconstpointer b)
{
  return weir_compare (*(const WeirValue *) a, *(const WeirValue *) b);
}

static void
elements_of_both_shapes_survive (Job *job)
{
  WeirStream *mixed = weir_map (job->input, as_text, NULL);
  WeirCollected *once = weir_collect (mixed);
  WeirCollected *dealt = weir_collect (weir_repartition (weir_repartition (mixed, 7), 2));
  g_autofree WeirValue *a = NULL, *b = NULL;
  gsize n, n_dealt;

  job_push_range (job, 5000);
  job_run (job);
  a = g_memdup2 (weir_collected_values (once, 0, &n), 5000 * sizeof *a);
  b = g_memdup2 (weir_collected_values (dealt, 0, &n_dealt), 5000 * sizeof *b);
  g_assert_cmpuint (n, ==, 5000);
  g_assert_cmpuint (n_dealt, ==, 5000);
  qsort (a, n, sizeof *a, by_text);
  qsort (b, n, sizeof *b, by_text);
  for (gsize i = 0; i < n; i++)
    g_assert_true (weir_equal (a[i], b[i]));
}

static char *
run_with_workers (const char *workers)
{
  WeirCollected *collected;
  char *text;
  Job job;

  job_init (&job, 16);
  g_assert_true (weir_context_set (job.ctx, "workers", workers, NULL));
  collected = collect_partitions (&job, 5);
  job_push_range (&job, 20000);
  job_run (&job);
  text = job_text (collected, 0);
  job_clear (&job);
  return text;
}

static void
workers_make_no_difference (void)
{
  g_autofree char *one = run_with_workers ("1"), *four = run_with_workers ("4");

  g_assert_cmpstr (one, ==, four);
}

static void
no_partitions_are_a_mistake_in_the_graph (Job *job)
{
  weir_collect (weir_repartition (job->input, 0));
  job_run_into (job, WEIR_ERROR_GRAPH, "is to have 0 partitions");
}

static void
ten_thousand_pairs (WeirTask *task, WeirValue value, gpointer user_data)
{
  for (int i = 0; i < 10000; i++)
    weir_emit_pair (task, weir_int (i), value);
}

/* Three million pairs, of 32 bytes each. */
static void
beyond_the_memory_limit_the_batch_fails (Job *job)
{
  WeirStream *pairs = weir_flat_map (job->input, ten_thousand_pairs, NULL);

  g_assert_true (weir_context_set (job->ctx, "memory.limit", "64MB", NULL));
  weir_collect (weir_count (weir_repartition (pairs, 3)));
  job_push_range (job, 300);
  job_run_into (job, WEIR_ERROR_MEMORY_LIMIT, "raise memory.limit");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/repartition/elements-are-dealt-out-in-turn", elements_are_dealt_out_in_turn);
  g_test_add_func ("/repartition/each-task-begins-one-further", each_task_begins_one_further);
  job_add_test ("/repartition/there-are-as-many-in-an-empty-batch", there_are_as_many_in_an_empty_batch);
  job_add_test ("/repartition/elements-of-both-shapes-survive", elements_of_both_shapes_survive);
  g_test_add_func ("/repartition/workers-make-no-difference", workers_make_no_difference);
  job_add_test ("/repartition/no-partitions-are-a-mistake-in-the-graph", no_partitions_are_a_mistake_in_the_graph);
  job_add_test ("/repartition/beyond-the-memory-limit-the-batch-fails", beyond_the_memory_limit_the_batch_fails);
  return g_test_run ();
}
