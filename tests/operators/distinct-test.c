/* Tests of distinct: each element once, whatever its kind and wherever it comes again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/in-transform.h"

static void
each_element_once (Job *job)
{
  WeirCollected *collected = weir_collect (in_transform (job->input, weir_dataset_distinct));

  job_push (job,
            "b a b 1 1.0 a=1 a=2 a=1 _ _ a 1 a-text-that-is-longer-than-sixteen a-text-that-is-longer-than-sixteen");
  job_push (job, "");
  job_push (job, "b");
  job_run (job);
  job_expect_sorted (collected, 0, "null 1 1.0 a a-text-that-is-longer-than-sixteen b (a,1) (a,2)");
  job_expect (collected, 1, "");
  job_expect (collected, 2, "b");
}

static WeirValue
one_of_a_thousand (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_format (task, "%d", (int) (weir_as_int (value) % 1000));
}

static char *
run_with_workers (const char *workers)
{
  WeirCollected *collected;
  char *text;
  Job job;
  gsize n;

  job_init (&job, 16);
  g_assert_true (weir_context_set (job.ctx, "workers", workers, NULL));
  collected = weir_collect (in_transform (weir_map (job.input, one_of_a_thousand, NULL), weir_dataset_distinct));
  job_push_range (&job, 50000);
  job_run (&job);
  weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 1000);
  text = job_text (collected, 0);
  job_clear (&job);
  return text;
}

static void
workers_make_no_difference (void)
{
  g_autofree char *one = run_with_workers ("1"), *two = run_with_workers ("2"), *seven = run_with_workers ("7");

  g_assert_cmpstr (one, ==, two);
  g_assert_cmpstr (one, ==, seven);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/distinct/each-element-once", each_element_once);
  g_test_add_func ("/distinct/workers-make-no-difference", workers_make_no_difference);
  return g_test_run ();
}
