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
  return g_test_run ();
}
