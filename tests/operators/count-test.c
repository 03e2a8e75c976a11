/* Tests of count: one number a batch, always.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

static gboolean
is_never (WeirTask *task, WeirValue value, gpointer user_data)
{
  return FALSE;
}

static void
one_number_a_batch (Job *job)
{
  WeirCollected *collected = weir_collect (weir_count (job->input));
  WeirCollected *none = weir_collect (weir_count (weir_filter (job->input, is_never, NULL)));

  job_push (job, "1 2.5 three a=4 _");
  job_push (job, "");
  job_push_range (job, 100000);
  job_run (job);
  job_expect (collected, 0, "5");
  job_expect (collected, 1, "0");
  job_expect (collected, 2, "100000");
  job_expect (none, 0, "0");
  job_expect (none, 2, "0");
}

static void
a_batch_without_data_has_0_elements (Job *job)
{
  WeirCollected *collected = weir_collect (weir_count (job->input));

  job->n_batches = 2;
  job_run (job);
  job_expect (collected, 0, "0");
  job_expect (collected, 1, "0");
}

static void
counts_can_be_counted (Job *job)
{
  WeirStream *count = weir_count (job->input);
  WeirCollected *collected = weir_collect (weir_count (weir_union (count, weir_repartition (count, 4))));

  job_push (job, "");
  job_run (job);
  job_expect (collected, 0, "2");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/count/one-number-a-batch", one_number_a_batch);
  job_add_test ("/count/a-batch-without-data-has-0-elements", a_batch_without_data_has_0_elements);
  job_add_test ("/count/counts-can-be-counted", counts_can_be_counted);
  return g_test_run ();
}
