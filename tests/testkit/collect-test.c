/* Tests of testkit/collect: what is kept of each batch, and how it is asked for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/operators/job.h"

static void
each_batch_is_kept_with_its_time (Job *job)
{
  WeirCollected *collected = weir_collect (job->input);

  g_assert_cmpuint (weir_collected_n_batches (collected), ==, 0);
  job_push (job, "b a");
  job_push (job, "");
  job_run (job);
  g_assert_cmpuint (weir_collected_n_batches (collected), ==, 2);
  g_assert_cmpint (weir_collected_time (collected, 0), ==, WEIR_SECONDS (1));
  g_assert_cmpint (weir_collected_time (collected, 1), ==, WEIR_SECONDS (2));
}

static void
values_are_in_their_order_and_text_is_sorted (Job *job)
{
  WeirCollected *collected = weir_collect (job->input);
  g_autofree char *text = NULL;
  const WeirValue *values;
  gsize n;

  job_push (job, "b=2 c a=1 10 9 b=1");
  job_run (job);
  values = weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 6);
  g_assert_true (weir_equal (values[0], WEIR_PAIR_OF (weir_text ("b"), weir_int (2))));
  g_assert_true (weir_equal (values[3], weir_int (10)));
  g_assert_true (weir_equal (values[5], WEIR_PAIR_OF (weir_text ("b"), weir_int (1))));
  text = weir_collected_text (collected, 0);
  g_assert_cmpstr (text, ==, "9 10 c (a,1) (b,1) (b,2)");
}

static WeirValue
to_deep_value (WeirTask *task, WeirValue value, gpointer user_data)
{
  const WeirValue items[] = { weir_format (task, "item %d", (int) weir_as_int (value)), weir_nil () };

  return weir_pair (task, weir_format (task, "key %d", (int) weir_as_int (value)), weir_list (task, items, 2));
}

static void
what_is_kept_outlives_its_batch (Job *job)
{
  WeirCollected *collected = weir_collect (weir_map (job->input, to_deep_value, NULL));
  g_autofree char *text = NULL;

  job_push (job, "1 2");
  job_run (job);
  for (guint i = 0; i < 20; i++)
    job_push_range (job, 500);
  job_run (job);
  text = weir_collected_text (collected, 0);
  g_assert_cmpstr (text, ==, "(key 1,[item 1,null]) (key 2,[item 2,null])");
}

static void
nothing_is_a_text_without_characters (Job *job)
{
  WeirCollected *collected = weir_collect (job->input);
  g_autofree char *text = NULL;
  gsize n = 1;

  job_push (job, "");
  job_run (job);
  text = weir_collected_text (collected, 0);
  g_assert_cmpstr (text, ==, "");
  weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 0);
}

static void
a_batch_that_is_not_there_is_the_callers_bug (Job *job)
{
  WeirCollected *collected = weir_collect (job->input);
  g_autofree char *text = NULL;
  gsize n = 1;

  job_push (job, "a");
  job_run (job);
  g_test_expect_message ("weir", G_LOG_LEVEL_CRITICAL, "there is no batch 1: 1 were collected");
  g_assert_null (weir_collected_values (collected, 1, &n));
  g_assert_cmpuint (n, ==, 0);
  g_test_expect_message ("weir", G_LOG_LEVEL_CRITICAL, "there is no batch 1: 1 were collected");
  g_assert_cmpint (weir_collected_time (collected, 1), ==, 0);
  g_test_expect_message ("weir", G_LOG_LEVEL_CRITICAL, "there is no batch 7: 1 were collected");
  text = weir_collected_text (collected, 7);
  g_assert_cmpstr (text, ==, "");
  g_test_assert_expected_messages ();
}

static void
what_is_expected_is_compared (Job *job)
{
  g_autoptr (GError) error = NULL;
  WeirCollected *collected = weir_collect (job->input);

  job_push (job, "b=2 a=1");
  job_run (job);
  g_assert_true (weir_collected_expect (collected, 0, "(a,1) (b,2)", &error));
  g_assert_no_error (error);
}

static void
what_is_not_as_expected_is_told (Job *job)
{
  g_autoptr (GError) error = NULL;
  WeirCollected *collected = weir_collect (job->input);

  job_push (job, "");
  job_push (job, "b=2 a=1");
  job_run (job);
  g_assert_false (weir_collected_expect (collected, 1, "(a,1)", &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_FAILED);
  g_assert_cmpstr (error->message, ==, "batch 1 at 2000 ms: expected \"(a,1)\", got \"(a,1) (b,2)\"");
}

static void
a_batch_that_did_not_come_is_told (Job *job)
{
  g_autoptr (GError) error = NULL;
  WeirCollected *collected = weir_collect (job->input);

  g_assert_false (weir_collected_expect (collected, 0, "a", &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "only 0 batches came"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/collect/each-batch-is-kept-with-its-time", each_batch_is_kept_with_its_time);
  job_add_test ("/collect/values-are-in-their-order", values_are_in_their_order_and_text_is_sorted);
  job_add_test ("/collect/what-is-kept-outlives-its-batch", what_is_kept_outlives_its_batch);
  job_add_test ("/collect/nothing-is-a-text-without-characters", nothing_is_a_text_without_characters);
  job_add_test ("/collect/a-batch-that-is-not-there", a_batch_that_is_not_there_is_the_callers_bug);
  job_add_test ("/collect/what-is-expected-is-compared", what_is_expected_is_compared);
  job_add_test ("/collect/what-is-not-as-expected-is-told", what_is_not_as_expected_is_told);
  job_add_test ("/collect/a-batch-that-did-not-come-is-told", a_batch_that_did_not_come_is_told);
  return g_test_run ();
}
