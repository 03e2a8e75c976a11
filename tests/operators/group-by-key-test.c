/* Tests of group_by_key: lists in order of arrival, for keys of all kinds, the same whatever the workers do.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

static void
values_come_in_order_of_arrival (Job *job)
{
  WeirCollected *collected = weir_collect (weir_group_by_key (job->input));

  job_push (job, "a=1 b=2 a=3 c=4 b=5 a=6 a=1");
  job_push (job, "");
  job_push (job, "only=one");
  job_run (job);
  job_expect_sorted (collected, 0, "(a,[1,3,6,1]) (b,[2,5]) (c,[4])");
  job_expect (collected, 1, "");
  job_expect (collected, 2, "(only,[one])");
}

static void
keys_may_be_of_any_kind (Job *job)
{
  const WeirValue list = WEIR_LIST_OF (weir_int (1), weir_text ("x"));
  const WeirValue pair = WEIR_PAIR_OF (weir_text ("a key that is longer than sixteen bytes"), list);
  const WeirValue keys[] = {
    weir_nil (),
    weir_bool (TRUE),
    weir_int (1),
    weir_float (1.0),
    weir_float (0.0 / 0.0),
    weir_text ("1"),
    weir_bytes ("1", 1),
    weir_text ("a key that is longer than sixteen bytes"),
    list,
    pair,
    weir_text (""),
  };
  const guint n = G_N_ELEMENTS (keys);
  WeirCollected *collected = weir_collect (weir_group_by_key (job->input));
  WeirValue cells[2 * 2 * G_N_ELEMENTS (keys)], values[2 * G_N_ELEMENTS (keys)];
  const WeirValue *groups;
  gsize n_groups;

  for (guint i = 0; i < 2 * n; i++) {
    cells[2 * i] = keys[i % n];
    cells[2 * i + 1] = weir_int (i);
    values[i] = weir_pair_at (&cells[2 * i]);
  }
  job_push_values (job, values, 2 * n);
  job_run (job);
  groups = weir_collected_values (collected, 0, &n_groups);
  g_assert_cmpuint (n_groups, ==, n);
  for (guint i = 0; i < n; i++) {
    WeirValue items = weir_val (groups[i]);
    gint64 first = weir_as_int (weir_item (items, 0));

    g_assert_true (weir_equal (weir_key (groups[i]), keys[first]));
    g_assert_cmpuint (weir_size (items), ==, 2);
    g_assert_cmpint (weir_as_int (weir_item (items, 1)), ==, first + n);
  }
}

static WeirValue
spread (WeirTask *task, WeirValue value, gpointer user_data)
{
  gint64 i = weir_as_int (value);

  return weir_pair (task, weir_format (task, "the-key-%d", (int) (i * 7919 % 1000)),
                    weir_format (task, "%0100d", (int) i));
}

static void
many_keys_and_formatted_values (Job *job)
{
  WeirCollected *collected = weir_collect (weir_group_by_key (weir_map (job->input, spread, NULL)));
  const WeirValue *groups;
  gsize n;

  job_push_range (job, 20000);
  job_run (job);
  groups = weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 1000);
  for (gsize i = 0; i < n; i++) {
    WeirValue items = weir_val (groups[i]);

    g_assert_cmpuint (weir_size (items), ==, 20);
    for (guint k = 1; k < 20; k++)
      g_assert_cmpint (weir_compare (weir_item (items, k - 1), weir_item (items, k)), <, 0);
  }
}

static WeirValue
same_key (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_text ("same"), value);
}

static void
one_large_group (Job *job)
{
  WeirCollected *collected = weir_collect (weir_group_by_key (weir_map (job->input, same_key, NULL)));
  WeirValue items;
  gsize n;

  job_push_range (job, 30000);
  job_run (job);
  items = weir_val (weir_collected_values (collected, 0, &n)[0]);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpuint (weir_size (items), ==, 30000);
  for (gsize i = 0; i < 30000; i++)
    g_assert_cmpint (weir_as_int (weir_item (items, i)), ==, (gint64) i);
}

static char *
run_with_workers (const char *workers, guint n_partitions)
{
  WeirCollected *collected;
  char *text;
  Job job;

  job_init (&job, n_partitions);
  g_assert_true (weir_context_set (job.ctx, "workers", workers, NULL));
  collected = weir_collect (weir_stream_set_partitions (weir_group_by_key (weir_map (job.input, spread, NULL)), 7));
  job_push_range (&job, 10000);
  job_run (&job);
  text = job_text (collected, 0);
  job_clear (&job);
  return text;
}

static void
workers_make_no_difference (void)
{
  g_autofree char *one = run_with_workers ("1", 16), *four = run_with_workers ("4", 16);

  g_assert_cmpstr (one, ==, four);
}

static void
it_needs_pairs (Job *job)
{
  weir_collect (weir_stream_set_name (weir_group_by_key (job->input), "groups"));
  job_push (job, "word");
  job_run_into (job, WEIR_ERROR_KIND, "groups: takes pairs, and got TEXT word");
}

static void
ten_thousand_pairs (WeirTask *task, WeirValue value, gpointer user_data)
{
  for (int i = 0; i < 10000; i++)
    weir_emit_pair (task, weir_int (i), value);
}

/* Three million pairs, of 32 bytes each. */
static void
beyond_the_memory_limit_the_batch_fails (Job *job)
{
  WeirStream *pairs = weir_flat_map (job->input, ten_thousand_pairs, NULL);

  g_assert_true (weir_context_set (job->ctx, "memory.limit", "64MB", NULL));
  weir_collect (weir_count (weir_group_by_key (pairs)));
  job_push_range (job, 300);
  job_run_into (job, WEIR_ERROR_MEMORY_LIMIT, "raise memory.limit");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/group-by-key/values-come-in-order-of-arrival", values_come_in_order_of_arrival);
  job_add_test ("/group-by-key/keys-may-be-of-any-kind", keys_may_be_of_any_kind);
  job_add_test ("/group-by-key/many-keys-and-formatted-values", many_keys_and_formatted_values);
  job_add_test ("/group-by-key/one-large-group", one_large_group);
  g_test_add_func ("/group-by-key/workers-make-no-difference", workers_make_no_difference);
  job_add_test ("/group-by-key/it-needs-pairs", it_needs_pairs);
  job_add_test ("/group-by-key/beyond-the-memory-limit-the-batch-fails", beyond_the_memory_limit_the_batch_fails);
  return g_test_run ();
}
