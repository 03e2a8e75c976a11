/* Tests of top: the first in an order, sorted, ties in order of arrival, for any partitions and workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

static gint
descending (WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_compare (b, a);
}

static gint
by_value (WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_compare (weir_val (a), weir_val (b));
}

static void
the_first_in_order_are_left (Job *job)
{
  WeirCollected *least = weir_collect (weir_top (job->input, 3, NULL, NULL));
  WeirCollected *most = weir_collect (weir_top (job->input, 3, descending, NULL));

  job_push (job, "5 1 4 2 3 9 7 1");
  job_push (job, "2 1");
  job_push (job, "");
  job_run (job);
  job_expect (least, 0, "1 1 2");
  job_expect (most, 0, "9 7 5");
  job_expect (least, 1, "1 2");
  job_expect (most, 1, "2 1");
  job_expect (least, 2, "");
}

static void
ties_stay_in_order_of_arrival (Job *job)
{
  WeirCollected *collected = weir_collect (weir_top (job->input, 4, by_value, NULL));

  job_push (job, "a=2 b=1 c=2 d=1 e=2 f=1 g=2 h=2 i=2 j=2 k=2 l=2 m=2 n=2 o=2 p=2 q=2");
  job_run (job);
  job_expect (collected, 0, "(b,1) (d,1) (f,1) (a,2)");
}

static void
kinds_are_ordered (Job *job)
{
  WeirCollected *collected = weir_collect (weir_top (job->input, 6, NULL, NULL));

  job_push (job, "a=1 z 2.5 7 _ x y 1.5");
  job_run (job);
  job_expect (collected, 0, "null 7 1.5 2.5 x y");
}

static WeirValue
shuffled (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_int (weir_as_int (value) * 7919 % 50021);
}

static WeirValue
as_text (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_format (task, "a text of more than sixteen bytes %06d", (int) (weir_as_int (value) * 7919 % 50021));
}

static void
many_elements (Job *job)
{
  WeirCollected *ints = weir_collect (weir_top (weir_map (job->input, shuffled, NULL), 1000, NULL, NULL));
  WeirCollected *texts = weir_collect (weir_top (weir_map (job->input, as_text, NULL), 1000, NULL, NULL));
  const WeirValue *values;
  gsize n;

  job_push_range (job, 50021);
  job_run (job);
  values = weir_collected_values (ints, 0, &n);
  g_assert_cmpuint (n, ==, 1000);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpint (weir_as_int (values[i]), ==, (gint64) i);
  values = weir_collected_values (texts, 0, &n);
  g_assert_cmpuint (n, ==, 1000);
  for (gsize i = 0; i < n; i++) {
    g_autofree char *expected = g_strdup_printf ("a text of more than sixteen bytes %06d", (int) i);
    g_autofree char *text = weir_to_string (values[i]);

    g_assert_cmpstr (text, ==, expected);
  }
}

static char *
run_with_workers (const char *workers)
{
  WeirCollected *collected;
  char *text;
  Job job;

  job_init (&job, 16);
  g_assert_true (weir_context_set (job.ctx, "workers", workers, NULL));
  collected = weir_collect (
      weir_top (weir_with_value (weir_map (job.input, as_text, NULL), weir_int (1)), 500, by_value, NULL));
  job_push_range (&job, 20000);
  job_run (&job);
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

static WeirDataset *
on_dataset (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return weir_dataset_top (data, 2, descending, NULL);
}

static void
datasets_do_the_same (Job *job)
{
  WeirCollected *collected = weir_collect (weir_transform (job->input, on_dataset, NULL));

  job_push (job, "a=1 b=2 c=3");
  job_run (job);
  job_expect (collected, 0, "(c,3) (b,2)");
}

static void
none_are_a_mistake_in_the_graph (Job *job)
{
  weir_collect (weir_top (job->input, 0, NULL, NULL));
  job_run_into (job, WEIR_ERROR_GRAPH, "is to give the first 0 elements");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/top/the-first-in-order-are-left", the_first_in_order_are_left);
  job_add_test ("/top/ties-stay-in-order-of-arrival", ties_stay_in_order_of_arrival);
  job_add_test ("/top/kinds-are-ordered", kinds_are_ordered);
  job_add_test ("/top/many-elements", many_elements);
  g_test_add_func ("/top/workers-make-no-difference", workers_make_no_difference);
  job_add_test ("/top/datasets-do-the-same", datasets_do_the_same);
  job_add_test ("/top/none-are-a-mistake-in-the-graph", none_are_a_mistake_in_the_graph);
  return g_test_run ();
}
