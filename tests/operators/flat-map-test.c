/* Tests of flat_map and flat_map_values: what is emitted may point anywhere and comes in order.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

#include <string.h>

static void
countdown (WeirTask *task, WeirValue value, gpointer user_data)
{
  for (gint64 i = weir_as_int (value); i > 0; i--)
    weir_emit (task, weir_int (i));
}

static void
any_number_of_results_in_order (Job *job)
{
  WeirCollected *collected = weir_collect (weir_flat_map (job->input, countdown, NULL));

  job_push (job, "3 0 1 2 0");
  job_push (job, "");
  job_push (job, "0");
  job_run (job);
  job_expect (collected, 0, "3 2 1 1 2 1");
  job_expect (collected, 1, "");
  job_expect (collected, 2, "");
}

/* Each emitted value lies on the stack, in the same place. */
static void
from_the_stack (WeirTask *task, WeirValue value, gpointer user_data)
{
  for (int i = 0; i < 3; i++) {
    char text[32];

    g_snprintf (text, sizeof text, "%d.%d", (int) weir_as_int (value), i);
    weir_emit (task, weir_text (text));
    weir_emit_pair (task, weir_text (text), weir_int (i));
    weir_emit (task, WEIR_PAIR_OF (weir_int (i), WEIR_LIST_OF (weir_text (text), weir_nil ())));
    memset (text, 'x', sizeof text);
  }
}

static void
emitted_values_may_lie_on_the_stack (Job *job)
{
  WeirCollected *collected = weir_collect (weir_flat_map (job->input, from_the_stack, NULL));

  job_push (job, "7 8");
  job_run (job);
  job_expect (collected, 0,
              "7.0 (7.0,0) (0,[7.0,null]) 7.1 (7.1,1) (1,[7.1,null]) 7.2 (7.2,2) (2,[7.2,null]) "
              "8.0 (8.0,0) (0,[8.0,null]) 8.1 (8.1,1) (1,[8.1,null]) 8.2 (8.2,2) (2,[8.2,null])");
}

static void
characters (WeirTask *task, WeirValue text, gpointer user_data)
{
  for (gsize i = 0; i < weir_size (text); i++)
    weir_emit_pair (task, weir_text_n (weir_data (text) + i, 1), weir_int ((gint64) i));
}

static void
parts_of_the_argument_may_be_emitted (Job *job)
{
  WeirCollected *collected = weir_collect (weir_flat_map (job->input, characters, NULL));

  job_push (job, "ab c");
  job_run (job);
  job_expect (collected, 0, "(a,0) (b,1) (c,0)");
}

static void
many (WeirTask *task, WeirValue value, gpointer user_data)
{
  for (int i = 0; i < 10000; i++)
    weir_emit_pair (task, weir_format (task, "%d-%d", (int) weir_as_int (value), i), weir_int (i));
}

static void
one_element_may_become_very_many (Job *job)
{
  WeirCollected *collected = weir_collect (weir_flat_map (job->input, many, NULL));
  const WeirValue *values;
  gsize n;

  job_push (job, "0 1 2 3 4");
  job_run (job);
  values = weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 50000);
  for (gsize i = 0; i < n; i++) {
    g_autofree char *key = g_strdup_printf ("%d-%d", (int) i / 10000, (int) i % 10000);

    g_assert_true (weir_equal (values[i], WEIR_PAIR_OF (weir_text (key), weir_int ((gint64) i % 10000))));
  }
}

static void
fails_late (WeirTask *task, WeirValue value, gpointer user_data)
{
  weir_emit (task, value);
  if (weir_as_int (value) == 3)
    weir_fail (task, "three");
  weir_emit (task, value);
}

static void
a_function_may_fail_the_batch (Job *job)
{
  weir_collect (weir_flat_map (job->input, fails_late, NULL));
  job_push (job, "1 2 3 4");
  job_run_into (job, WEIR_ERROR_USER, "three");
}

static void
the_key_is_added_to_each_value (Job *job)
{
  WeirCollected *collected = weir_collect (weir_flat_map_values (job->input, countdown, NULL));

  job_push (job, "a=2 b=0 c=1 5=3");
  job_push (job, "");
  job_run (job);
  job_expect (collected, 0, "(a,2) (a,1) (c,1) (5,3) (5,2) (5,1)");
  job_expect (collected, 1, "");
}

static void
values_may_be_pairs_and_lie_on_the_stack (Job *job)
{
  WeirCollected *collected = weir_collect (weir_flat_map_values (job->input, from_the_stack, NULL));

  job_push (job, "k=7");
  job_run (job);
  job_expect (collected, 0,
              "(k,7.0) (k,(7.0,0)) (k,(0,[7.0,null])) (k,7.1) (k,(7.1,1)) (k,(1,[7.1,null])) "
              "(k,7.2) (k,(7.2,2)) (k,(2,[7.2,null]))");
}

static void
one_value_may_become_very_many (Job *job)
{
  WeirStream *once = weir_flat_map_values (job->input, many, NULL);
  WeirCollected *collected = weir_collect (once);
  gsize n;

  job_push (job, "a=1 b=2 c=3");
  job_run (job);
  weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 30000);
  for (gsize i = 0; i < n; i++) {
    WeirValue pair = weir_collected_values (collected, 0, &n)[i];

    g_assert_cmpint (weir_data (weir_key (pair))[0], ==, "abc"[i / 10000]);
    g_assert_cmpint (weir_as_int (weir_val (weir_val (pair))), ==, (gint64) i % 10000);
  }
}

static void
odd_rejected (WeirTask *task, WeirValue value, gpointer user_data)
{
  if (weir_as_int (value) % 2 != 0)
    weir_reject (task, value, "odd");
  else
    weir_emit (task, value);
}

static void
rejects_are_kept_apart (Job *job)
{
  WeirStream *stream = weir_flat_map_values (job->input, odd_rejected, NULL);
  WeirCollected *collected = weir_collect (stream), *rejected = weir_collect (weir_rejected (stream));
  WeirCollected *others = weir_collect (weir_rejected (weir_flat_map (job->input, odd_rejected, NULL)));

  job_push (job, "a=1 b=2 c=3 d=4 e=5");
  job_run (job);
  job_expect (collected, 0, "(b,2) (d,4)");
  job_expect (rejected, 0, "(odd,1) (odd,3) (odd,5)");
  job_expect (others, 0, "");
}

static void
flat_map_values_needs_pairs (Job *job)
{
  weir_collect (weir_flat_map_values (job->input, countdown, NULL));
  job_push (job, "hello");
  job_run_into (job, WEIR_ERROR_KIND, "takes pairs, and got TEXT hello");
}

static void
a_function_of_values_may_fail_the_batch (Job *job)
{
  weir_collect (weir_flat_map_values (job->input, fails_late, NULL));
  job_push (job, "a=3 b=3 c=3");
  job_run_into (job, WEIR_ERROR_USER, "flat_map_values");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/flat-map/any-number-of-results-in-order", any_number_of_results_in_order);
  job_add_test ("/flat-map/emitted-values-may-lie-on-the-stack", emitted_values_may_lie_on_the_stack);
  job_add_test ("/flat-map/parts-of-the-argument-may-be-emitted", parts_of_the_argument_may_be_emitted);
  job_add_test ("/flat-map/one-element-may-become-very-many", one_element_may_become_very_many);
  job_add_test ("/flat-map/a-function-may-fail-the-batch", a_function_may_fail_the_batch);
  job_add_test ("/flat-map-values/the-key-is-added-to-each-value", the_key_is_added_to_each_value);
  job_add_test ("/flat-map-values/values-may-be-pairs-and-lie-on-the-stack", values_may_be_pairs_and_lie_on_the_stack);
  job_add_test ("/flat-map-values/one-value-may-become-very-many", one_value_may_become_very_many);
  job_add_test ("/flat-map-values/rejects-are-kept-apart", rejects_are_kept_apart);
  job_add_test ("/flat-map-values/needs-pairs", flat_map_values_needs_pairs);
  job_add_test ("/flat-map-values/a-function-may-fail-the-batch", a_function_of_values_may_fail_the_batch);
  return g_test_run ();
}
