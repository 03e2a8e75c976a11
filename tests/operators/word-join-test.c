/* Tests of joins with a table of words: what any join gives, whatever the stream's keys are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/word-index.h"

#include "tests/operators/join-job.h"

/* Keys from 0 to n - 1; i has 1000 + i. */
static WeirDataset *
table_of (Job *job, guint n)
{
  g_autofree WeirValue *cells = g_new (WeirValue, 2 * n), *values = g_new (WeirValue, n);
  WeirDataset *table;

  for (guint i = 0; i < n; i++) {
    cells[2 * i] = weir_int (i);
    cells[2 * i + 1] = weir_int (1000 + i);
    values[i] = weir_pair_at (&cells[2 * i]);
  }
  table = weir_context_dataset (job->ctx, values, n, 3);
  g_assert_nonnull (weir_word_index_of (table));
  return table;
}

static void
expect (Job *job, JoinSpec spec, const char *elements, const char *expected)
{
  WeirCollected *collected;

  spec.table = table_of (job, 10);
  collected = job_join (job, &spec, elements);
  job_expect (collected, 0, expected);
  job_expect (collected, 2, expected);
}

static void
pairs_come_in_the_order_of_the_stream (Job *job)
{
  expect (job, (JoinSpec){ .join = weir_dataset_join }, "7=a 0=b 7=c 9=_ 3=1.5",
          "(7,(a,1007)) (0,(b,1000)) (7,(c,1007)) (9,(null,1009)) (3,(1.5,1003))");
}

static void
the_table_may_be_the_first (Job *job)
{
  expect (job, (JoinSpec){ .join = weir_dataset_join, .table_is_first = TRUE }, "7=a 0=b 10=d 7=c",
          "(7,(1007,a)) (0,(1000,b)) (7,(1007,c))");
}

static void
keys_of_other_kinds_are_not_in_it (Job *job)
{
  expect (job, (JoinSpec){ .join = weir_dataset_join }, "z=a 1=b 10=c 1.5=d 4294967297=e _=f 2=g -1=h",
          "(1,(b,1001)) (2,(g,1002))");
}

static void
outer_joins_keep_the_streams_keys (Job *job)
{
  expect (job, (JoinSpec){ .join = weir_dataset_left_outer_join }, "1=b 10=c 2=g 4294967297=e z=a 2=h",
          "(1,(b,1001)) (10,(c,null)) (2,(g,1002)) (4294967297,(e,null)) (z,(a,null)) (2,(h,1002))");
}

static void
right_outer_joins_too_with_the_table_first (Job *job)
{
  expect (job, (JoinSpec){ .join = weir_dataset_right_outer_join, .table_is_first = TRUE }, "1=b 10=c 2=g",
          "(1,(1001,b)) (10,(null,c)) (2,(1002,g))");
}

static WeirValue
by_key (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_int (weir_as_int (value) * 7919 % 50021), value);
}

static void
check_element (WeirValue element, gint64 i)
{
  gint64 key = i * 7919 % 50021;

  g_assert_cmpint (weir_as_int (weir_key (element)), ==, key);
  g_assert_cmpint (weir_as_int (weir_key (weir_val (element))), ==, i);
  g_assert_cmpint (weir_as_int (weir_val (weir_val (element))), ==, 1000 + key);
}

/* Of @n_keys of 50021 keys. */
static void
expect_many (Job *job, guint n_keys)
{
  JoinSpec spec = { .join = weir_dataset_join, .table = table_of (job, n_keys) };
  WeirStream *pairs = weir_map (job->input, by_key, NULL);
  WeirCollected *collected = weir_collect (join_stream (pairs, &spec));
  const WeirValue *values;
  gsize n, at = 0;

  job_push_range (job, 50021);
  job_run (job);
  values = weir_collected_values (collected, 0, &n);
  for (gint64 i = 0; i < 50021; i++)
    if (i * 7919 % 50021 < n_keys)
      check_element (values[at++], i);
  g_assert_cmpuint (n, ==, at);
}

static void
many_keys_all_found (Job *job)
{
  expect_many (job, 50021);
}

static void
many_keys_some_found (Job *job)
{
  expect_many (job, 30000);
}

static void
many_keys_few_found (Job *job)
{
  expect_many (job, 50);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/word-join/pairs-come-in-the-order-of-the-stream", pairs_come_in_the_order_of_the_stream);
  job_add_test ("/word-join/the-table-may-be-the-first", the_table_may_be_the_first);
  job_add_test ("/word-join/keys-of-other-kinds-are-not-in-it", keys_of_other_kinds_are_not_in_it);
  job_add_test ("/word-join/outer-joins-keep-the-streams-keys", outer_joins_keep_the_streams_keys);
  job_add_test ("/word-join/right-outer-joins-too-with-the-table-first", right_outer_joins_too_with_the_table_first);
  job_add_test ("/word-join/many-keys-all-found", many_keys_all_found);
  job_add_test ("/word-join/many-keys-some-found", many_keys_some_found);
  job_add_test ("/word-join/many-keys-few-found", many_keys_few_found);
  return g_test_run ();
}
