/* Tests of map and map_values: results keep their order and place; what functions return survives.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

#include <string.h>

static WeirValue
doubled (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_int (2 * weir_as_int (value));
}

static void
results_keep_their_order (Job *job)
{
  WeirCollected *collected = weir_collect (weir_map (job->input, doubled, NULL));

  job_push (job, "1 2 3 4 5 6 7");
  job_push (job, "");
  job_push (job, "21");
  job_run (job);
  job_expect (collected, 0, "2 4 6 8 10 12 14");
  job_expect (collected, 1, "");
  job_expect (collected, 2, "42");
}

static WeirValue
with_length (WeirTask *task, WeirValue text, gpointer user_data)
{
  return weir_pair (task, text, weir_int ((gint64) weir_size (text)));
}

static WeirValue
swapped (WeirTask *task, WeirValue pair, gpointer user_data)
{
  return weir_pair (task, weir_val (pair), weir_key (pair));
}

static void
pairs_go_in_and_out (Job *job)
{
  WeirStream *pairs = weir_map (job->input, with_length, NULL);
  WeirCollected *collected = weir_collect (pairs), *other = weir_collect (weir_map (pairs, swapped, NULL));

  job_push (job, "one three five");
  job_run (job);
  job_expect (collected, 0, "(one,3) (three,5) (five,4)");
  job_expect (other, 0, "(3,one) (5,three) (4,five)");
}

static WeirValue
itself (WeirTask *task, WeirValue value, gpointer user_data)
{
  return value;
}

static WeirValue
key_only (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_key (value);
}

static void
an_argument_or_a_part_of_it_may_be_returned (Job *job)
{
  WeirStream *same = weir_map (job->input, itself, NULL);
  WeirCollected *collected = weir_collect (same), *keys = weir_collect (weir_map (same, key_only, NULL));

  job_push (job, "a=1 b=2 c=3 d=4");
  job_run (job);
  job_expect (collected, 0, "(a,1) (b,2) (c,3) (d,4)");
  job_expect (keys, 0, "a b c d");
}

/* The argument's cells are gone when the next element is called for. */
static WeirValue
nested (WeirTask *task, WeirValue pair, gpointer user_data)
{
  WeirValue *cells = weir_alloc (task, 2 * sizeof *cells);

  cells[0] = pair;
  cells[1] = weir_list_at (&cells[0], 1);
  return weir_pair_at (cells);
}

static WeirValue
in_a_list (WeirTask *task, WeirValue pair, gpointer user_data)
{
  WeirValue *item = weir_alloc (task, sizeof *item);

  *item = pair;
  return weir_list_at (item, 1);
}

static void
containers_may_hold_the_argument (Job *job)
{
  WeirCollected *pairs = weir_collect (weir_map (job->input, nested, NULL));
  WeirCollected *lists = weir_collect (weir_map (job->input, in_a_list, NULL));

  job_push (job, "a=1 b=2 c=3");
  job_run (job);
  job_expect (pairs, 0, "((a,1),[(a,1)]) ((b,2),[(b,2)]) ((c,3),[(c,3)])");
  job_expect (lists, 0, "[(a,1)] [(b,2)] [(c,3)]");
}

static WeirValue
even_as_pair (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_as_int (value) % 2 != 0 ? weir_text ("odd") : weir_pair (task, value, weir_text ("even"));
}

static void
pairs_and_plain_values_may_alternate (Job *job)
{
  WeirCollected *collected = weir_collect (weir_map (job->input, even_as_pair, NULL));

  job_push (job, "1 2 4 5 7 8");
  job_run (job);
  job_expect (collected, 0, "odd (2,even) (4,even) odd odd (8,even)");
}

static WeirValue
long_text (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_format (task, "%0*d", 100 + (int) weir_as_int (value) % 2000, (int) weir_as_int (value));
}

static WeirValue
bracketed (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_format (task, "<%.*s>", (int) weir_size (value), weir_data (value));
}

/* Far more task memory than is kept between two steps of a source. */
static void
formatted_results_survive (Job *job)
{
  WeirStream *texts = weir_map (weir_map (job->input, long_text, NULL), bracketed, NULL);
  WeirCollected *collected = weir_collect (texts);
  const WeirValue *values;
  gsize n;

  job_push_range (job, 5000);
  job_run (job);
  values = weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 5000);
  for (gsize i = 0; i < n; i++) {
    g_autofree char *expected = g_strdup_printf ("<%0*d>", 100 + (int) i % 2000, (int) i);

    g_assert_cmpmem (weir_data (values[i]), weir_size (values[i]), expected, strlen (expected));
  }
}

static WeirValue
odd_rejected (WeirTask *task, WeirValue value, gpointer user_data)
{
  if (weir_as_int (value) % 2 != 0)
    weir_reject (task, value, weir_as_int (value) % 3 == 0 ? "a multiple of three" : "odd");
  return value;
}

static void
what_is_rejected_has_no_result (Job *job)
{
  WeirStream *even = weir_map (job->input, odd_rejected, NULL);
  WeirCollected *collected = weir_collect (even), *rejected = weir_collect (weir_rejected (even));

  job_push (job, "1 2 3 4 5 9 6");
  job_run (job);
  job_expect (collected, 0, "2 4 6");
  job_expect (rejected, 0, "(odd,1) (a multiple of three,3) (odd,5) (a multiple of three,9)");
}

static WeirValue
seven_fails (WeirTask *task, WeirValue value, gpointer user_data)
{
  if (weir_as_int (value) == 7)
    weir_fail (task, "%s is not to my liking", "seven");
  return value;
}

static void
a_function_may_fail_the_batch (Job *job)
{
  weir_collect (weir_stream_set_name (weir_map (job->input, seven_fails, NULL), "pick"));
  job_push (job, "5 6 7 8");
  job_run_into (job, WEIR_ERROR_USER, "pick: seven is not to my liking");
}

static void
no_function_is_a_mistake_in_the_graph (Job *job)
{
  weir_collect (weir_map (job->input, NULL, NULL));
  job_run_into (job, WEIR_ERROR_GRAPH, "needs a function, got NULL: pass one to weir_map ()");
}

static void
map_values_leaves_keys_alone (Job *job)
{
  WeirCollected *collected = weir_collect (weir_map_values (job->input, doubled, NULL));
  WeirCollected *nested_values = weir_collect (weir_map_values (job->input, long_text, NULL));
  g_autofree char *text = NULL;

  job_push (job, "a=1 b=2 a=3 _=4 5=5");
  job_push (job, "");
  job_run (job);
  job_expect (collected, 0, "(a,2) (b,4) (a,6) (null,8) (5,10)");
  job_expect (collected, 1, "");
  text = job_text (nested_values, 0);
  g_assert_cmpuint (strlen (text), ==, strlen ("(a,) (b,) (a,) (null,) (5,)") + 101 + 102 + 103 + 104 + 105);
}

static WeirValue
pair_of_it (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, value, value);
}

static void
map_values_may_make_pairs_of_values (Job *job)
{
  WeirStream *pairs = weir_map_values (job->input, pair_of_it, NULL);
  WeirCollected *collected = weir_collect (weir_map_values (pairs, itself, NULL));

  job_push (job, "a=1 b=2");
  job_run (job);
  job_expect (collected, 0, "(a,(1,1)) (b,(2,2))");
}

static void
map_values_drops_what_is_rejected (Job *job)
{
  WeirStream *even = weir_map_values (job->input, odd_rejected, NULL);
  WeirCollected *collected = weir_collect (even), *rejected = weir_collect (weir_rejected (even));

  job_push (job, "a=1 b=2 c=4 d=5");
  job_run (job);
  job_expect (collected, 0, "(b,2) (c,4)");
  job_expect (rejected, 0, "(odd,1) (odd,5)");
}

static void
map_values_needs_pairs (Job *job)
{
  weir_collect (weir_map_values (job->input, doubled, NULL));
  job_push (job, "5 6");
  job_run_into (job, WEIR_ERROR_KIND, "takes pairs, and got INT ");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/map/results-keep-their-order", results_keep_their_order);
  job_add_test ("/map/pairs-go-in-and-out", pairs_go_in_and_out);
  job_add_test ("/map/an-argument-or-a-part-of-it-may-be-returned", an_argument_or_a_part_of_it_may_be_returned);
  job_add_test ("/map/containers-may-hold-the-argument", containers_may_hold_the_argument);
  job_add_test ("/map/pairs-and-plain-values-may-alternate", pairs_and_plain_values_may_alternate);
  job_add_test ("/map/formatted-results-survive", formatted_results_survive);
  job_add_test ("/map/what-is-rejected-has-no-result", what_is_rejected_has_no_result);
  job_add_test ("/map/a-function-may-fail-the-batch", a_function_may_fail_the_batch);
  job_add_test ("/map/no-function-is-a-mistake-in-the-graph", no_function_is_a_mistake_in_the_graph);
  job_add_test ("/map-values/leaves-keys-alone", map_values_leaves_keys_alone);
  job_add_test ("/map-values/may-make-pairs-of-values", map_values_may_make_pairs_of_values);
  job_add_test ("/map-values/drops-what-is-rejected", map_values_drops_what_is_rejected);
  job_add_test ("/map-values/needs-pairs", map_values_needs_pairs);
  return g_test_run ();
}
