/* Tests of glom: one list a partition, whatever is in it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

static void
a_list_for_each_partition (void)
{
  WeirCollected *collected;
  Job job;

  job_init (&job, 3);
  collected = weir_collect (weir_glom (job.input));
  job_push (&job, "1 2 3 4 5 6 7");
  job_push (&job, "1");
  job_push (&job, "");
  job_run (&job);
  job_expect (collected, 0, "[1,2] [3,4] [5,6,7]");
  job_expect (collected, 1, "[] [] [1]");
  job_expect (collected, 2, "[] [] []");
  job_clear (&job);
}

static void
elements_of_all_shapes (void)
{
  WeirCollected *collected;
  Job job;

  job_init (&job, 1);
  collected = weir_collect (weir_glom (job.input));
  job_push (&job, "1 a=2 b=3 word _ 1.5");
  job_run (&job);
  job_expect (collected, 0, "[1,(a,2),(b,3),word,null,1.5]");
  job_clear (&job);
}

static WeirValue
formatted (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_format (task, "%0100d", (int) weir_as_int (value));
}

static WeirValue
length_of (WeirTask *task, WeirValue list, gpointer user_data)
{
  gint64 *expected = user_data;

  for (gsize i = 0; i < weir_size (list); i++) {
    gint64 number;

    if (!weir_parse_int (weir_item (list, i), &number) || number != *expected + (gint64) i)
      weir_fail (task, "item %d is out of order", (int) i);
  }
  return weir_int ((gint64) weir_size (list));
}

/* 3 MB of task memory, far more than is kept between two steps. */
static void
what_functions_made_outlives_the_chunks (void)
{
  gint64 first = 0;
  WeirCollected *collected;
  Job job;

  job_init (&job, 1);
  collected = weir_collect (weir_map (weir_glom (weir_map (job.input, formatted, NULL)), length_of, &first));
  job_push_range (&job, 30000);
  job_run (&job);
  job_expect (collected, 0, "30000");
  job_clear (&job);
}

static void
beyond_the_memory_limit_the_batch_fails (void)
{
  Job job;

  job_init (&job, 1);
  g_assert_true (weir_context_set (job.ctx, "memory.limit", "64MB", NULL));
  weir_collect (weir_glom (weir_map (job.input, formatted, NULL)));
  job_push_range (&job, 700000);
  job_run_into (&job, WEIR_ERROR_MEMORY_LIMIT, "raise memory.limit");
  job_clear (&job);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/glom/a-list-for-each-partition", a_list_for_each_partition);
  g_test_add_func ("/glom/elements-of-all-shapes", elements_of_all_shapes);
  g_test_add_func ("/glom/what-functions-made-outlives-the-chunks", what_functions_made_outlives_the_chunks);
  g_test_add_func ("/glom/beyond-the-memory-limit-the-batch-fails", beyond_the_memory_limit_the_batch_fails);
  return g_test_run ();
}
