/* Tests of aggregate_by_key: a C struct per key, in the slot or, where it is large, beside the table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/operators/job.h"

typedef struct {
  gint64 n, sum, least, most;
} Stats;

static void
stats_add (gpointer acc, WeirValue value, gpointer user_data)
{
  Stats *stats = acc;
  gint64 i = weir_as_int (value);

  stats->least = stats->n == 0 ? i : MIN (stats->least, i);
  stats->most = stats->n == 0 ? i : MAX (stats->most, i);
  stats->n++;
  stats->sum += i;
}

static void
stats_merge (gpointer acc, gconstpointer later, gpointer user_data)
{
  Stats *stats = acc;
  const Stats *other = later;

  stats->least = MIN (stats->least, other->least);
  stats->most = MAX (stats->most, other->most);
  stats->n += other->n;
  stats->sum += other->sum;
}

static WeirValue
stats_result (WeirTask *task, gconstpointer acc, gpointer user_data)
{
  const Stats *stats = acc;

  return weir_format (task, "%d/%d/%d/%d", (int) stats->n, (int) stats->sum, (int) stats->least, (int) stats->most);
}

static const WeirAggregate stats_aggregate = { sizeof (Stats), stats_add, stats_merge, stats_result, NULL, 0 };

static void
numbers_are_aggregated (Job *job)
{
  WeirCollected *collected = weir_collect (weir_aggregate_by_key (job->input, &stats_aggregate));

  job_push (job, "a=3 b=10 a=-1 a=7 b=10 c=0");
  job_push (job, "");
  job_push (job, "a=5");
  job_run (job);
  job_expect_sorted (collected, 0, "(a,3/9/-1/7) (b,2/20/10/10) (c,1/0/0/0)");
  job_expect (collected, 1, "");
  job_expect (collected, 2, "(a,1/5/5/5)");
}

/* The last letters of a key's values, in order of arrival: larger than what goes into a slot. */
typedef struct {
  guint32 n;
  char letters[500];
} Letters;

static void
letters_add (gpointer acc, WeirValue value, gpointer user_data)
{
  Letters *letters = acc;

  if (letters->n < sizeof letters->letters)
    letters->letters[letters->n++] = weir_data (value)[weir_size (value) - 1];
}

static void
letters_merge (gpointer acc, gconstpointer later, gpointer user_data)
{
  Letters *letters = acc;
  const Letters *other = later;
  guint32 n = MIN (other->n, (guint32) sizeof letters->letters - letters->n);

  memcpy (letters->letters + letters->n, other->letters, n);
  letters->n += n;
}

static WeirValue
letters_result (WeirTask *task, gconstpointer acc, gpointer user_data)
{
  const Letters *letters = acc;

  return weir_text_n (letters->letters, letters->n);
}

static void
large_accumulators_keep_the_order_of_arrival (Job *job)
{
  const WeirAggregate aggregate = { sizeof (Letters), letters_add, letters_merge, letters_result, NULL, 0 };
  WeirCollected *collected = weir_collect (weir_aggregate_by_key (job->input, &aggregate));

  job_push (job, "k=xa k=xb q=y1 k=xc k=xd q=y2 k=xe");
  job_run (job);
  job_expect_sorted (collected, 0, "(k,abcde) (q,12)");
}

static void
many_keys_and_their_sums_add_up (Job *job)
{
  WeirCollected *collected = weir_collect (weir_count (weir_aggregate_by_key (job->input, &stats_aggregate)));
  g_autofree WeirValue *cells = g_new (WeirValue, 2 * 50000);
  g_autofree WeirValue *pairs = g_new (WeirValue, 50000);

  for (guint i = 0; i < 50000; i++) {
    cells[2 * i] = weir_int (i % 20000);
    cells[2 * i + 1] = weir_int (1);
    pairs[i] = weir_pair_at (&cells[2 * i]);
  }
  job_push_values (job, pairs, 50000);
  job_run (job);
  job_expect (collected, 0, "20000");
}

static void
a_plain_value_fails_the_batch (Job *job)
{
  weir_collect (weir_aggregate_by_key (job->input, &stats_aggregate));
  job_push (job, "a=1 plain");
  job_run_into (job, WEIR_ERROR_KIND, "plain");
}

static void
half_an_aggregate_is_a_mistake (Job *job)
{
  const WeirAggregate half = { sizeof (Stats), stats_add, NULL, stats_result, NULL, 0 };

  weir_collect (weir_aggregate_by_key (job->input, &half));
  job_push (job, "a=1");
  job_run_into (job, WEIR_ERROR_GRAPH, "merge");
}

static void
an_accumulator_of_no_size_is_a_mistake (Job *job)
{
  const WeirAggregate none = { 0, stats_add, stats_merge, stats_result, NULL, 0 };

  weir_collect (weir_aggregate_by_key (job->input, &none));
  job_push (job, "a=1");
  job_run_into (job, WEIR_ERROR_GRAPH, "0 bytes");
}

/* Count, smallest and sum; the last byte tells whether a larger accumulator began as zeros. */
typedef struct {
  gint64 n, least, sum;
} Statistics;

static void
statistics_add (gpointer data, WeirValue value, gpointer user_data)
{
  Statistics *acc = data;
  char *last = (char *) data + GPOINTER_TO_SIZE (user_data) - 1;
  gint64 i = weir_as_int (value);

  if (GPOINTER_TO_SIZE (user_data) > sizeof *acc) {
    g_assert_cmpint (*last, ==, acc->n == 0 ? 0 : 'x');
    *last = 'x';
  }
  g_assert_cmpuint ((guintptr) data % 8, ==, 0);
  acc->least = acc->n == 0 ? i : MIN (acc->least, i);
  acc->n++;
  acc->sum += i;
}

static void
statistics_merge (gpointer data, gconstpointer later, gpointer user_data)
{
  Statistics *acc = data;
  const Statistics *other = later;

  acc->least = MIN (acc->least, other->least);
  acc->n += other->n;
  acc->sum += other->sum;
}

static WeirValue
statistics_result (WeirTask *task, gconstpointer data, gpointer user_data)
{
  const Statistics *acc = data;
  const WeirValue items[] = { weir_int (acc->n), weir_int (acc->least), weir_int (acc->sum) };

  return weir_list (task, items, 3);
}

static WeirValue
long_text (WeirTask *task, gconstpointer data, gpointer user_data)
{
  return weir_format (task, "%05000d", (int) ((const Statistics *) data)->n);
}

static WeirAggregate
statistics (gsize size)
{
  return (WeirAggregate){ .size = size,
                          .add = statistics_add,
                          .merge = statistics_merge,
                          .result = statistics_result,
                          .user_data = GSIZE_TO_POINTER (size) };
}

static void
accumulators_may_have_any_size (Job *job)
{
  static const gsize sizes[] = { sizeof (Statistics), 63, 64, 65, 72, 1000, 4096, 5000, 300 * 1000, 1024 * 1024 };
  WeirCollected *collected[G_N_ELEMENTS (sizes)];

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
    const WeirAggregate aggregate = statistics (sizes[i]);

    collected[i] = weir_collect (weir_aggregate_by_key (job->input, &aggregate));
  }
  job_push (job, "a=5 b=2 a=3 c=-1 a=9 b=4 a=-4 a=7");
  job_push (job, "");
  job_push (job, "c=1");
  job_run (job);
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++) {
    job_expect_sorted (collected[i], 0, "(a,[5,-4,20]) (b,[2,2,6]) (c,[1,-1,-1])");
    job_expect (collected[i], 1, "");
    job_expect (collected[i], 2, "(c,[1,1,1])");
  }
}

static WeirValue
to_remainder (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_int (weir_as_int (value) % 2000), value);
}

static void
results_may_be_made_in_task_memory (Job *job)
{
  WeirAggregate aggregate = statistics (24);
  WeirStream *pairs = weir_map (job->input, to_remainder, NULL);
  WeirCollected *collected;
  const WeirValue *values;
  gsize n;

  aggregate.result = long_text;
  collected = weir_collect (weir_aggregate_by_key (pairs, &aggregate));
  job_push_range (job, 4000);
  job_run (job);
  values = weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 2000);
  for (gsize i = 0; i < n; i++) {
    g_assert_cmpuint (weir_size (weir_val (values[i])), ==, 5000);
    g_assert_cmpint (weir_data (weir_val (values[i]))[4999], ==, '2');
  }
}

static void
an_accumulator_of_two_megabytes_is_a_mistake (Job *job)
{
  const WeirAggregate aggregate = statistics (2000 * 1000);

  weir_collect (weir_aggregate_by_key (job->input, &aggregate));
  job_run_into (job, WEIR_ERROR_GRAPH, "2000000 bytes");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/aggregate-by-key/numbers-are-aggregated", numbers_are_aggregated);
  job_add_test ("/aggregate-by-key/large-accumulators-keep-the-order-of-arrival",
                large_accumulators_keep_the_order_of_arrival);
  job_add_test ("/aggregate-by-key/many-keys-and-their-sums-add-up", many_keys_and_their_sums_add_up);
  job_add_test ("/aggregate-by-key/a-plain-value-fails-the-batch", a_plain_value_fails_the_batch);
  job_add_test ("/aggregate-by-key/half-an-aggregate-is-a-mistake", half_an_aggregate_is_a_mistake);
  job_add_test ("/aggregate-by-key/an-accumulator-of-no-size-is-a-mistake", an_accumulator_of_no_size_is_a_mistake);
  job_add_test ("/aggregate-by-key/accumulators-may-have-any-size", accumulators_may_have_any_size);
  job_add_test ("/aggregate-by-key/results-may-be-made-in-task-memory", results_may_be_made_in_task_memory);
  job_add_test ("/aggregate-by-key/an-accumulator-of-two-megabytes-is-a-mistake",
                an_accumulator_of_two_megabytes_is_a_mistake);
  return g_test_run ();
}
