/* Tests of joins with a dataset of the context: what any join gives, in the order of the stream.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/join-job.h"

static WeirDataset *
small_table (Job *job)
{
  const WeirValue values[] = {
    WEIR_PAIR_OF (weir_text ("a"), weir_text ("x")),
    WEIR_PAIR_OF (weir_text ("b"), weir_nil ()),
    WEIR_PAIR_OF (weir_text ("c"), WEIR_LIST_OF (weir_int (1), weir_int (2))),
    WEIR_PAIR_OF (weir_text ("a"), weir_text ("w")),
    WEIR_PAIR_OF (weir_text ("a key that is longer than sixteen bytes"), weir_text ("long")),
  };

  return weir_context_dataset (job->ctx, values, G_N_ELEMENTS (values), 2);
}

static void
expect (Job *job, JoinSpec spec, const char *expected)
{
  WeirCollected *collected;

  spec.table = small_table (job);
  collected = job_join (job, &spec, "a=1 z=0 c=2 b=3 a=4");
  job_expect (collected, 0, expected);
  job_expect (collected, 2, expected);
}

static void
pairs_come_in_the_order_of_the_stream (Job *job)
{
  expect (job, (JoinSpec){ .join = weir_dataset_join },
          "(a,(1,x)) (a,(1,w)) (c,(2,[1,2])) (b,(3,null)) (a,(4,x)) (a,(4,w))");
}

static void
the_table_may_be_the_first (Job *job)
{
  expect (job, (JoinSpec){ .join = weir_dataset_join, .table_is_first = TRUE },
          "(a,(x,1)) (a,(w,1)) (c,([1,2],2)) (b,(null,3)) (a,(x,4)) (a,(w,4))");
}

static void
outer_joins_keep_the_streams_keys (Job *job)
{
  expect (job, (JoinSpec){ .join = weir_dataset_left_outer_join },
          "(a,(1,x)) (a,(1,w)) (z,(0,null)) (c,(2,[1,2])) (b,(3,null)) (a,(4,x)) (a,(4,w))");
}

static void
right_outer_joins_too_with_the_table_first (Job *job)
{
  expect (job, (JoinSpec){ .join = weir_dataset_right_outer_join, .table_is_first = TRUE },
          "(a,(x,1)) (a,(w,1)) (z,(null,0)) (c,([1,2],2)) (b,(null,3)) (a,(x,4)) (a,(w,4))");
}

static void
the_tables_own_keys_are_kept_where_asked_for (Job *job)
{
  JoinSpec spec = { .join = weir_dataset_full_outer_join, .table = small_table (job) };
  WeirCollected *collected = weir_collect (join_stream (job->input, &spec));

  job_push (job, "a=1 z=0");
  job_push (job, "");
  job_run (job);
  job_expect_sorted (collected, 0,
                     "(a,(1,w)) (a,(1,x)) (a key that is longer than sixteen bytes,(null,long)) (b,(null,null)) "
                     "(c,(null,[1,2])) (z,(0,null))");
  job_expect_sorted (collected, 1,
                     "(a,(null,w)) (a,(null,x)) (a key that is longer than sixteen bytes,(null,long)) (b,(null,null)) "
                     "(c,(null,[1,2]))");
}

/* Key i of n has 1 + i % 3 values: 10 i, 10 i + 1, ... */
static WeirDataset *
large_table (Job *job, guint n)
{
  g_autofree WeirValue *cells = g_new (WeirValue, 6 * n), *values = g_new (WeirValue, 3 * n);
  gsize n_values = 0;

  for (guint i = 0; i < n; i++)
    for (guint k = 0; k < 1 + i % 3; k++, n_values++) {
      cells[2 * n_values] = weir_int (i);
      cells[2 * n_values + 1] = weir_int (10 * i + k);
      values[n_values] = weir_pair_at (&cells[2 * n_values]);
    }
  return weir_context_dataset (job->ctx, values, n_values, 3);
}

static WeirValue
by_key (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_int (weir_as_int (value) * 7919 % 50021), value);
}

static void
check_element (WeirValue element, gint64 i, guint k)
{
  gint64 key = i * 7919 % 50021;

  g_assert_cmpint (weir_as_int (weir_key (element)), ==, key);
  g_assert_cmpint (weir_as_int (weir_key (weir_val (element))), ==, i);
  g_assert_cmpint (weir_as_int (weir_val (weir_val (element))), ==, 10 * key + k);
}

static void
many_keys (Job *job)
{
  JoinSpec spec = { .join = weir_dataset_join, .table = large_table (job, 30000) };
  WeirStream *pairs = weir_map (job->input, by_key, NULL);
  WeirCollected *collected = weir_collect (join_stream (pairs, &spec));
  const WeirValue *values;
  gsize n, at = 0;

  job_push_range (job, 50021);
  job_run (job);
  values = weir_collected_values (collected, 0, &n);
  for (gint64 i = 0; i < 50021; i++)
    for (guint k = 0; i * 7919 % 50021 < 30000 && k < 1 + (guint) (i * 7919 % 50021 % 3); k++)
      check_element (values[at++], i, k);
  g_assert_cmpuint (n, ==, at);
}

static void
the_stream_needs_pairs (Job *job)
{
  JoinSpec spec = { .join = weir_dataset_join, .table = small_table (job) };

  weir_collect (weir_stream_set_name (join_stream (job->input, &spec), "enriched"));
  job_push (job, "word");
  job_run_into (job, WEIR_ERROR_KIND, "join in enriched: takes pairs, and got TEXT word");
}

static void
the_table_needs_pairs (Job *job)
{
  const WeirValue values[] = { WEIR_PAIR_OF (weir_int (1), weir_int (2)), weir_int (3) };
  JoinSpec spec = { .join = weir_dataset_join, .table = weir_context_dataset (job->ctx, values, 2, 1) };

  weir_collect (weir_stream_set_name (join_stream (job->input, &spec), "enriched"));
  job_push (job, "a=1");
  job_run_into (job, WEIR_ERROR_KIND, "enriched: takes pairs, but the context's dataset has other elements");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/lookup-join/pairs-come-in-the-order-of-the-stream", pairs_come_in_the_order_of_the_stream);
  job_add_test ("/lookup-join/the-table-may-be-the-first", the_table_may_be_the_first);
  job_add_test ("/lookup-join/outer-joins-keep-the-streams-keys", outer_joins_keep_the_streams_keys);
  job_add_test ("/lookup-join/right-outer-joins-too-with-the-table-first", right_outer_joins_too_with_the_table_first);
  job_add_test ("/lookup-join/the-tables-own-keys-are-kept-where-asked-for",
                the_tables_own_keys_are_kept_where_asked_for);
  job_add_test ("/lookup-join/many-keys", many_keys);
  job_add_test ("/lookup-join/the-stream-needs-pairs", the_stream_needs_pairs);
  job_add_test ("/lookup-join/the-table-needs-pairs", the_table_needs_pairs);
  return g_test_run ();
}
