/* Tests of rejected: what a stream's own functions put aside, in order, and nothing else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

#include <string.h>

/* Numbers pass; texts are rejected, from the stack. */
static void
numbers_only (WeirTask *task, WeirValue value, gpointer user_data)
{
  if (weir_kind (value) == WEIR_TEXT) {
    char copy[64], reason[64];

    g_snprintf (copy, sizeof copy, "<%.*s>", (int) weir_size (value), weir_data (value));
    g_snprintf (reason, sizeof reason, "%d bytes", (int) weir_size (value));
    weir_reject (task, weir_text (copy), reason);
    memset (copy, 'x', sizeof copy);
    memset (reason, 'x', sizeof reason);
  } else {
    weir_emit (task, value);
  }
}

static void
reason_and_value_in_order (Job *job)
{
  WeirStream *numbers = weir_flat_map (job->input, numbers_only, NULL);
  WeirCollected *collected = weir_collect (numbers), *rejected = weir_collect (weir_rejected (numbers));

  job_push (job, "one 2 three four 5 six");
  job_push (job, "");
  job_push (job, "1 2 3");
  job_push (job, "end");
  job_run (job);
  job_expect (collected, 0, "2 5");
  job_expect (rejected, 0, "(3 bytes,<one>) (5 bytes,<three>) (4 bytes,<four>) (3 bytes,<six>)");
  job_expect (rejected, 1, "");
  job_expect (collected, 2, "1 2 3");
  job_expect (rejected, 2, "");
  job_expect (collected, 3, "");
  job_expect (rejected, 3, "(3 bytes,<end>)");
}

static void
nobody_needs_the_stream_itself (Job *job)
{
  WeirCollected *rejected = weir_collect (weir_count (weir_rejected (weir_flat_map (job->input, numbers_only, NULL))));

  job_push (job, "one 2 three");
  job_push (job, "");
  job_run (job);
  job_expect (rejected, 0, "2");
  job_expect (rejected, 1, "0");
}

static gboolean
even_only (WeirTask *task, WeirValue value, gpointer user_data)
{
  if (weir_as_int (value) % 2 != 0)
    weir_reject (task, value, "odd");
  return TRUE;
}

static void
each_stream_has_its_own (Job *job)
{
  WeirStream *numbers = weir_flat_map (job->input, numbers_only, NULL);
  WeirStream *even = weir_filter (numbers, even_only, NULL);
  WeirCollected *texts = weir_collect (weir_rejected (numbers)), *odd = weir_collect (weir_rejected (even));
  WeirCollected *collected = weir_collect (weir_with_value (even, weir_int (1)));

  job_push (job, "one 1 2 two 3 4");
  job_run (job);
  job_expect (texts, 0, "(3 bytes,<one>) (3 bytes,<two>)");
  job_expect (odd, 0, "(odd,1) (odd,3)");
  job_expect (collected, 0, "(2,1) (4,1)");
}

static void
many_rejects (Job *job)
{
  WeirStream *even = weir_filter (job->input, even_only, NULL);
  WeirStream *other = weir_filter (weir_repartition (job->input, 5), even_only, NULL);
  WeirCollected *rejected = weir_collect (weir_rejected (even));
  WeirCollected *n = weir_collect (weir_count_by_key (weir_rejected (other)));
  gsize n_rejected;

  job_push_range (job, 20000);
  job_run (job);
  weir_collected_values (rejected, 0, &n_rejected);
  g_assert_cmpuint (n_rejected, ==, 10000);
  g_assert_cmpint (weir_as_int (weir_val (weir_collected_values (rejected, 0, &n_rejected)[9999])), ==, 19999);
  job_expect (n, 0, "(odd,10000)");
}

static void
rejects_in_flat_map_values_are_values (Job *job)
{
  WeirStream *stream = weir_flat_map_values (job->input, numbers_only, NULL);
  WeirCollected *rejected = weir_collect (weir_rejected (stream));

  job_push (job, "a=1 b=two c=3 d=four");
  job_run (job);
  job_expect (rejected, 0, "(3 bytes,<two>) (4 bytes,<four>)");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/rejected/reason-and-value-in-order", reason_and_value_in_order);
  job_add_test ("/rejected/nobody-needs-the-stream-itself", nobody_needs_the_stream_itself);
  job_add_test ("/rejected/each-stream-has-its-own", each_stream_has_its_own);
  job_add_test ("/rejected/many-rejects", many_rejects);
  job_add_test ("/rejected/rejects-in-flat-map-values-are-values", rejects_in_flat_map_values_are_values);
  return g_test_run ();
}
