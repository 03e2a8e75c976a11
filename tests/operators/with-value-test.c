/* Tests of with_value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

#include <string.h>

static void
each_element_gets_the_value (Job *job)
{
  WeirCollected *collected = weir_collect (weir_with_value (job->input, weir_int (1)));

  job_push (job, "a b 3 1.5 _ a");
  job_push (job, "");
  job_run (job);
  job_expect (collected, 0, "(a,1) (b,1) (3,1) (1.5,1) (null,1) (a,1)");
  job_expect (collected, 1, "");
}

static void
the_value_is_copied (Job *job)
{
  char text[] = "constant";
  WeirValue list = WEIR_LIST_OF (weir_text (text), weir_int (5));
  WeirCollected *collected = weir_collect (weir_with_value (job->input, list));
  WeirCollected *pairs = weir_collect (weir_with_value (job->input, WEIR_PAIR_OF (weir_text (text), list)));

  memset (text, 'x', sizeof text - 1);
  job_push (job, "a b");
  job_run (job);
  job_expect (collected, 0, "(a,[constant,5]) (b,[constant,5])");
  job_expect (pairs, 0, "(a,(constant,[constant,5])) (b,(constant,[constant,5]))");
}

static void
pairs_become_keys (Job *job)
{
  WeirStream *keyed = weir_with_value (job->input, weir_text ("v"));
  WeirCollected *collected = weir_collect (keyed);
  WeirCollected *twice = weir_collect (weir_with_value (keyed, weir_nil ()));

  job_push (job, "a=1 b=2 c=3");
  job_run (job);
  job_expect (collected, 0, "((a,1),v) ((b,2),v) ((c,3),v)");
  job_expect (twice, 0, "(((a,1),v),null) (((b,2),v),null) (((c,3),v),null)");
}

static void
many_elements (Job *job)
{
  WeirCollected *collected = weir_collect (weir_with_value (job->input, weir_float (0.5)));
  const WeirValue *values;
  gsize n;

  job_push_range (job, 5000);
  job_run (job);
  values = weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 5000);
  for (gsize i = 0; i < n; i++)
    g_assert_true (weir_equal (values[i], WEIR_PAIR_OF (weir_int ((gint64) i), weir_float (0.5))));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/with-value/each-element-gets-the-value", each_element_gets_the_value);
  job_add_test ("/with-value/the-value-is-copied", the_value_is_copied);
  job_add_test ("/with-value/pairs-become-keys", pairs_become_keys);
  job_add_test ("/with-value/many-elements", many_elements);
  return g_test_run ();
}
