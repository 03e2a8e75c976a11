/* Tests of sort_by: one order over all partitions, stable, the same for any partitions and workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/in-transform.h"

static WeirDataset *
naturally (WeirDataset *data)
{
  return weir_dataset_sort_by (data, NULL, NULL);
}

static gint
by_value_descending (WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_compare (weir_val (b), weir_val (a));
}

static WeirDataset *
most_first (WeirDataset *data)
{
  return weir_dataset_sort_by (data, by_value_descending, NULL);
}

static void
elements_of_all_kinds (Job *job)
{
  WeirCollected *collected = weir_collect (in_transform (job->input, naturally));

  job_push (job, "b a=2 3 1.5 _ a a=1 -7 b");
  job_push (job, "");
  job_push (job, "3 1 2 -5 1");
  job_run (job);
  job_expect (collected, 0, "null -7 3 1.5 a b b (a,1) (a,2)");
  job_expect (collected, 1, "");
  job_expect (collected, 2, "-5 1 1 2 3");
}

static void
equal_elements_stay_in_order (Job *job)
{
  WeirCollected *collected = weir_collect (in_transform (job->input, most_first));

  job_push (job, "a=1 b=2 c=1 d=3 e=2 f=1");
  job_run (job);
  job_expect (collected, 0, "(d,3) (b,2) (e,2) (a,1) (c,1) (f,1)");
}

static WeirValue
shuffled (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_int (weir_as_int (value) * 7919 % 50021 - 25000);
}

static WeirValue
as_text (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_format (task, "a text of more than sixteen bytes %06d", (int) (weir_as_int (value) * 7919 % 50021));
}

static void
expect_ascending (WeirCollected *collected, gsize n_expected)
{
  gsize n;
  const WeirValue *values = weir_collected_values (collected, 0, &n);

  g_assert_cmpuint (n, ==, n_expected);
  for (gsize i = 1; i < n; i++)
    g_assert_cmpint (weir_compare (values[i - 1], values[i]), <, 0);
}

static void
many_elements (Job *job)
{
  WeirCollected *ints = weir_collect (in_transform (weir_map (job->input, shuffled, NULL), naturally));
  WeirCollected *texts = weir_collect (in_transform (weir_map (job->input, as_text, NULL), naturally));

  job_push_range (job, 50021);
  job_run (job);
  expect_ascending (ints, 50021);
  expect_ascending (texts, 50021);
}

static void
how_many_in_each (WeirTask *task, WeirIter *values, gpointer user_data)
{
  WeirValue value;
  gint64 n = 0;

  while (weir_iter_next (values, &value))
    n++;
  weir_emit (task, weir_int (n));
}

static void
partitions_are_of_one_size (Job *job)
{
  WeirCollected *collected =
      weir_collect (weir_map_partitions (in_transform (job->input, naturally), how_many_in_each, NULL));

  g_assert_true (weir_context_set (job->ctx, "partitions", "4", NULL));
  job_push (job, "5 4 3 2 1 6 7 8 9");
  job_push (job, "");
  job_run (job);
  job_expect (collected, 0, "2 2 2 3");
  job_expect (collected, 1, "0 0 0 0");
}

static char *
run_with (const char *workers, const char *partitions)
{
  WeirCollected *collected;
  char *text;
  Job job;

  job_init (&job, 5);
  g_assert_true (weir_context_set (job.ctx, "workers", workers, NULL));
  g_assert_true (weir_context_set (job.ctx, "partitions", partitions, NULL));
  collected =
      weir_collect (in_transform (weir_with_value (weir_map (job.input, as_text, NULL), weir_int (1)), most_first));
  job_push_range (&job, 20000);
  job_run (&job);
  text = job_text (collected, 0);
  job_clear (&job);
  return text;
}

static void
neither_workers_nor_partitions_make_a_difference (void)
{
  static const char *const numbers[][2] = { { "2", "1" }, { "7", "3" }, { "1", "16" } };
  g_autofree char *expected = run_with ("1", "1");

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
    g_autofree char *text = run_with (numbers[i][0], numbers[i][1]);

    g_assert_cmpstr (text, ==, expected);
  }
}

static void
beyond_the_memory_limit_the_batch_fails (Job *job)
{
  g_assert_true (weir_context_set (job->ctx, "memory.limit", "64MB", NULL));
  weir_collect (weir_count (in_transform (weir_with_value (job->input, weir_int (1)), most_first)));
  job_push_range (job, 1000000);
  job_run_into (job, WEIR_ERROR_MEMORY_LIMIT, "raise");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/sort-by/elements-of-all-kinds", elements_of_all_kinds);
  job_add_test ("/sort-by/equal-elements-stay-in-order", equal_elements_stay_in_order);
  job_add_test ("/sort-by/many-elements", many_elements);
  job_add_test ("/sort-by/partitions-are-of-one-size", partitions_are_of_one_size);
  g_test_add_func ("/sort-by/neither-workers-nor-partitions-make-a-difference",
                   neither_workers_nor_partitions_make_a_difference);
  job_add_test ("/sort-by/beyond-the-memory-limit-the-batch-fails", beyond_the_memory_limit_the_batch_fails);
  return g_test_run ();
}
