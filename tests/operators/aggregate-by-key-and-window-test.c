/* Tests of aggregate_by_key_and_window: every slide against the window's elements, aggregated at once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/engine/random-value.h"
#include "tests/operators/job.h"

#define N_BATCHES 24

/* Order matters: what is merged in another order than it came in is told by first and last. */
typedef struct {
  gint64 n, sum, first, last;
  char padding[100]; /* larger than what fits beside a key */
} Digest;

static void
digest_add (gpointer acc, WeirValue value, gpointer user_data)
{
  Digest *digest = acc;

  if (digest->n++ == 0)
    digest->first = weir_as_int (value);
  digest->last = weir_as_int (value);
  digest->sum += weir_as_int (value);
}

static void
digest_merge (gpointer acc, gconstpointer later, gpointer user_data)
{
  const Digest *other = later;
  Digest *digest = acc;

  digest->n += other->n;
  digest->sum += other->sum;
  digest->last = other->last;
}

static WeirValue
digest_result (WeirTask *task, gconstpointer acc, gpointer user_data)
{
  const Digest *digest = acc;

  return weir_format (task, "%d/%d/%d/%d", (int) digest->n, (int) digest->sum, (int) digest->first, (int) digest->last);
}

static const WeirAggregate digests = {
  .size = sizeof (Digest),
  .add = digest_add,
  .merge = digest_merge,
  .result = digest_result,
};

static WeirStream *
to_window (WeirStream *s, guint length, guint slide)
{
  return weir_aggregate_by_key_and_window (s, &digests, WEIR_SECONDS (length), WEIR_SECONDS (slide));
}

static void
push_batches (Job *job)
{
  for (guint i = 0; i < N_BATCHES; i++) {
    g_autoptr (GString) text = g_string_new (NULL);

    for (guint k = below (4) == 0 ? 0 : below (30); k > 0; k--)
      g_string_append_printf (text, " key-%u=%u", (i / 3 + below (4)) % 9, below (1000));
    job_push (job, text->str);
  }
}

static void
every_slide_is_its_batches_aggregated (Job *job)
{
  static const guint shapes[][2] = { { 1, 1 }, { 3, 1 }, { 10, 1 }, { 6, 2 }, { 3, 2 }, { 2, 3 }, { 15, 5 } };
  WeirCollected *collected[G_N_ELEMENTS (shapes)], *expected[G_N_ELEMENTS (shapes)];

  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++) {
    WeirStream *window = weir_window (job->input, WEIR_SECONDS (shapes[i][0]), WEIR_SECONDS (shapes[i][1]));

    collected[i] = weir_collect (to_window (job->input, shapes[i][0], shapes[i][1]));
    expected[i] = weir_collect (weir_aggregate_by_key (window, &digests));
  }
  push_batches (job);
  job_run (job);
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++) {
    g_assert_cmpuint (weir_collected_n_batches (collected[i]), ==, N_BATCHES / shapes[i][1]);
    for (guint k = 0; k < N_BATCHES / shapes[i][1]; k++) {
      g_autofree char *text = weir_collected_text (expected[i], k);

      job_expect_sorted (collected[i], k, text);
    }
  }
}

static void
a_key_without_records_leaves (Job *job)
{
  WeirCollected *collected = weir_collect (to_window (job->input, 2, 1));

  job_push (job, "a=1 b=10 a=2");
  job_push (job, "a=3");
  job_push (job, "");
  job_push (job, "");
  job_run (job);
  job_expect_sorted (collected, 0, "(a,2/3/1/2) (b,1/10/10/10)");
  job_expect_sorted (collected, 1, "(a,3/6/1/3) (b,1/10/10/10)");
  job_expect_sorted (collected, 2, "(a,1/3/3/3)");
  job_expect_sorted (collected, 3, "");
}

static void
windows_may_have_any_number_of_partitions (Job *job)
{
  WeirCollected *one = weir_collect (weir_stream_set_partitions (to_window (job->input, 7, 1), 1));
  WeirCollected *many = weir_collect (weir_stream_set_partitions (to_window (job->input, 7, 1), 256));

  push_batches (job);
  job_run (job);
  for (guint i = 0; i < N_BATCHES; i++) {
    g_autofree char *text = weir_collected_text (one, i);

    job_expect_sorted (many, i, text);
  }
}

static WeirValue
reject_small (WeirTask *task, gconstpointer acc, gpointer user_data)
{
  if (((const Digest *) acc)->n < 2)
    weir_fail (task, "too few");
  return weir_int (((const Digest *) acc)->n);
}

static void
a_result_that_fails_fails_the_batch (Job *job)
{
  WeirAggregate aggregate = digests;

  aggregate.result = reject_small;
  weir_collect (weir_aggregate_by_key_and_window (job->input, &aggregate, WEIR_SECONDS (2), 0));
  job_push (job, "a=1 a=2");
  job_push (job, "b=1");
  job_run_into (job, WEIR_ERROR_USER, "too few");
}

static void
a_plain_value_fails_the_batch (Job *job)
{
  weir_collect (to_window (job->input, 2, 1));
  job_push (job, "a=1 1");
  job_run_into (job, WEIR_ERROR_KIND, "takes pairs");
}

static void
expect_mistake (const WeirAggregate *aggregate, WeirTime length, const char *fragment)
{
  g_autoptr (GError) error = NULL;
  Job job;

  job_init (&job, 1);
  weir_collect (weir_aggregate_by_key_and_window (job.input, aggregate, length, 0));
  g_assert_false (weir_context_start (job.ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_cmpstr (strstr (error->message, fragment) != NULL ? fragment : error->message, ==, fragment);
  job_clear (&job);
}

static void
what_is_missing_or_odd_is_a_mistake (void)
{
  WeirAggregate none = digests, huge = digests;

  none.merge = NULL;
  huge.size = G_MAXSIZE;
  expect_mistake (&none, WEIR_SECONDS (2), "needs add, merge and result");
  expect_mistake (&huge, WEIR_SECONDS (2), "has an accumulator of");
  expect_mistake (NULL, WEIR_SECONDS (2), "needs add, merge and result");
  expect_mistake (&digests, WEIR_MILLISECONDS (2500), "window of 2500ms");
}

#define ADD(test) job_add_test ("/aggregate-by-key-and-window/" #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (every_slide_is_its_batches_aggregated);
  ADD (a_key_without_records_leaves);
  ADD (windows_may_have_any_number_of_partitions);
  ADD (a_result_that_fails_fails_the_batch);
  ADD (a_plain_value_fails_the_batch);
  g_test_add_func ("/aggregate-by-key-and-window/what_is_missing_or_odd_is_a_mistake",
                   what_is_missing_or_odd_is_a_mistake);
  return g_test_run ();
}
