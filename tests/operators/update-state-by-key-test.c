/* Tests of update_state_by_key: every key in every batch, what comes and goes, values of any kind, misuse.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/operators/job.h"

static WeirValue
sum (WeirTask *task, WeirValue key, const WeirValue *values, gsize n_values, WeirValue state, gpointer user_data)
{
  gint64 total = weir_as_int (state);

  for (gsize i = 0; i < n_values; i++)
    total += weir_as_int (values[i]);
  return weir_int (total);
}

static void
every_key_is_there_in_every_batch (Job *job)
{
  WeirCollected *collected = weir_collect (weir_update_state_by_key (job->input, sum, NULL));

  job_push (job, "a=1");
  job_push (job, "a=1 b=1");
  job_push (job, "a=1 b=1 c=1 a=5");
  job_push (job, "");
  job_push (job, "c=-1");
  job_run (job);
  job_expect_sorted (collected, 0, "(a,1)");
  job_expect_sorted (collected, 1, "(a,2) (b,1)");
  job_expect_sorted (collected, 2, "(a,8) (b,2) (c,1)");
  job_expect_sorted (collected, 3, "(a,8) (b,2) (c,1)");
  job_expect_sorted (collected, 4, "(a,8) (b,2) (c,0)");
}

/* The values joined to the state; one of 0 drops the key. */
static WeirValue
join (WeirTask *task, WeirValue key, const WeirValue *values, gsize n_values, WeirValue state, gpointer user_data)
{
  g_autoptr (GString) text = g_string_new_len (weir_data (state), (gssize) weir_size (state));
  char *copy;

  for (gsize i = 0; i < n_values; i++) {
    if (weir_as_int (values[i]) == 0)
      return weir_nil ();
    g_string_append_printf (text, "%d", (int) weir_as_int (values[i]));
  }
  copy = weir_alloc (task, text->len + 1);
  memcpy (copy, text->str, text->len + 1);
  return weir_text_n (copy, text->len);
}

static void
values_come_in_order_of_arrival (Job *job)
{
  WeirCollected *collected = weir_collect (weir_update_state_by_key (job->input, join, NULL));

  job_push (job, "a=1 b=7 a=2 c=5 a=3 b=8");
  job_push (job, "b=9 a=4");
  job_run (job);
  job_expect_sorted (collected, 0, "(a,123) (b,78) (c,5)");
  job_expect_sorted (collected, 1, "(a,1234) (b,789) (c,5)");
}

static void
a_key_that_becomes_nil_is_gone_and_may_come_again (Job *job)
{
  WeirCollected *collected = weir_collect (weir_update_state_by_key (job->input, join, NULL));

  job_push (job, "a=1 b=2");
  job_push (job, "a=0 new=0");
  job_push (job, "");
  job_push (job, "a=3");
  job_run (job);
  job_expect_sorted (collected, 1, "(b,2)");
  job_expect_sorted (collected, 2, "(b,2)");
  job_expect_sorted (collected, 3, "(a,3) (b,2)");
}

static void
initial_states_are_called_for_in_the_first_batch (Job *job)
{
  const WeirValue pairs[] = {
    WEIR_PAIR_OF (weir_text ("a"), weir_int (10)),
    WEIR_PAIR_OF (weir_text ("c"), weir_int (1)),
    WEIR_PAIR_OF (weir_text ("c"), weir_int (20)),
  };
  WeirStream *stream = weir_update_state_by_key (job->input, sum, NULL);
  WeirCollected *collected = weir_collect (stream);

  weir_stream_set_initial_state (stream, pairs, G_N_ELEMENTS (pairs));
  job_push (job, "a=1 b=2");
  job_run (job);
  job_expect_sorted (collected, 0, "(a,11) (b,2) (c,20)");
}

/* A list that grows by what comes. */
static WeirValue
gather (WeirTask *task, WeirValue key, const WeirValue *values, gsize n_values, WeirValue state, gpointer user_data)
{
  WeirValue items[100];
  gsize n = weir_size (state);

  for (gsize i = 0; i < n; i++)
    items[i] = weir_item (state, i);
  for (gsize i = 0; i < n_values; i++)
    items[n++] = weir_pair (task, key, values[i]);
  return weir_list (task, items, n);
}

static void
keys_and_states_may_be_of_any_kind (Job *job)
{
  const WeirValue list = WEIR_LIST_OF (weir_int (1), weir_text ("x"));
  const WeirValue keys[] = {
    weir_nil (),
    weir_int (1),
    weir_float (0.0 / 0.0),
    weir_text ("a key that is longer than sixteen bytes"),
    list,
    weir_text (""),
    WEIR_PAIR_OF (weir_text ("another key that is longer than sixteen bytes"), list),
  };
  WeirCollected *collected = weir_collect (weir_update_state_by_key (job->input, gather, NULL));
  WeirValue cells[2 * G_N_ELEMENTS (keys)], elements[G_N_ELEMENTS (keys)];
  const WeirValue *pairs;
  gsize n;

  for (guint batch = 0; batch < 5; batch++) {
    for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
      cells[2 * i] = keys[i];
      cells[2 * i + 1] = weir_int (batch);
      elements[i] = weir_pair_at (&cells[2 * i]);
    }
    job_push_values (job, elements, G_N_ELEMENTS (keys));
  }
  job_run (job);
  pairs = weir_collected_values (collected, 4, &n);
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (keys));
  for (gsize i = 0; i < n; i++) {
    WeirValue items = weir_val (pairs[i]);

    g_assert_cmpuint (weir_size (items), ==, 5);
    for (gsize k = 0; k < 5; k++) {
      g_assert_true (weir_equal (weir_key (weir_item (items, k)), weir_key (pairs[i])));
      g_assert_cmpint (weir_as_int (weir_val (weir_item (items, k))), ==, (gint64) k);
    }
  }
}

static WeirValue
spread (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_int (weir_as_int (value) % 5000), weir_int (1));
}

static void
many_keys_in_many_chunks (Job *job)
{
  WeirStream *totals = weir_update_state_by_key (weir_map (job->input, spread, NULL), sum, NULL);
  WeirCollected *collected = weir_collect (totals), *counted = weir_collect (weir_count (totals));
  const WeirValue *pairs;
  gsize n;

  job_push_range (job, 5000);
  job_push_range (job, 100);
  job_push_range (job, 12000);
  job_run (job);
  pairs = weir_collected_values (collected, 2, &n);
  g_assert_cmpuint (n, ==, 5000);
  for (gsize i = 0; i < n; i++) {
    gint64 key = weir_as_int (weir_key (pairs[i]));

    g_assert_cmpint (weir_as_int (weir_val (pairs[i])), ==, 3 + (key < 2000) + (key < 100));
  }
  job_expect (counted, 1, "5000");
}

static WeirValue
fail_at_7 (WeirTask *task, WeirValue key, const WeirValue *values, gsize n_values, WeirValue state, gpointer user_data)
{
  if (n_values > 0 && weir_as_int (values[0]) == 7)
    weir_fail (task, "no sevens");
  return weir_int (1);
}

static void
a_function_that_fails_fails_the_batch (Job *job)
{
  WeirStream *stream = weir_update_state_by_key (job->input, fail_at_7, NULL);

  weir_stream_set_name (stream, "sevenless");
  weir_collect (stream);
  job_push (job, "a=1");
  job_push (job, "b=7");
  job_run_into (job, WEIR_ERROR_USER, "sevenless: no sevens");
}

static WeirValue
grow (WeirTask *task, WeirValue key, const WeirValue *values, gsize n_values, WeirValue state, gpointer user_data)
{
  return weir_format (task, "%0*d", 2000000 * (int) (1 + weir_size (state) / 2000000), 0);
}

static void
the_limit_of_states_fails_the_batch (Job *job)
{
  WeirStream *stream = weir_update_state_by_key (job->input, grow, NULL);
  g_autoptr (GError) error = NULL;

  weir_context_set (job->ctx, "state.limit", "64MB", &error);
  g_assert_no_error (error);
  weir_collect (weir_count (weir_stream_set_name (stream, "growing")));
  job_push (job, "a=1 b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1 j=1");
  for (guint i = 0; i < 20; i++)
    job_push (job, "");
  job_run_into (job, WEIR_ERROR_STATE_LIMIT, "growing: its state needs more than state.limit");
}

static void
plain_values_fail_the_batch (Job *job)
{
  weir_collect (weir_update_state_by_key (job->input, sum, NULL));
  job_push (job, "a=1 plain");
  job_run_into (job, WEIR_ERROR_KIND, "takes pairs");
}

static void
mistakes_are_named_at_start (Job *job)
{
  const WeirValue one = weir_int (1);

  weir_collect (weir_update_state_by_key (job->input, NULL, NULL));
  weir_stream_set_initial_state (weir_update_state_by_key (job->input, sum, NULL), &one, 1);
  weir_stream_set_initial_state (weir_count (job->input), NULL, 0);
  job_run_into (job, WEIR_ERROR_GRAPH, "update_state_by_key-1 needs a function");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/update-state/every-key", every_key_is_there_in_every_batch);
  job_add_test ("/update-state/order", values_come_in_order_of_arrival);
  job_add_test ("/update-state/gone", a_key_that_becomes_nil_is_gone_and_may_come_again);
  job_add_test ("/update-state/initial", initial_states_are_called_for_in_the_first_batch);
  job_add_test ("/update-state/kinds", keys_and_states_may_be_of_any_kind);
  job_add_test ("/update-state/many", many_keys_in_many_chunks);
  job_add_test ("/update-state/fails", a_function_that_fails_fails_the_batch);
  job_add_test ("/update-state/limit", the_limit_of_states_fails_the_batch);
  job_add_test ("/update-state/plain", plain_values_fail_the_batch);
  job_add_test ("/update-state/mistakes", mistakes_are_named_at_start);
  return g_test_run ();
}
