/* Tests of operators/window-columns: windows whose keys stay are what the same records come to when they are held.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-columns.h"

#include "tests/engine/random-value.h"
#include "tests/operators/job.h"

#define N_BATCHES 30
#define N_RECORDS 600

typedef struct {
  WeirCollected *of_window, *of_records;
} Pair;

static WeirValue
concatenate (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_format (task, "%.*s%.*s", (int) weir_size (a), weir_data (a), (int) weir_size (b), weir_data (b));
}

static Pair
both (WeirStream *s, WeirReduceFunc f, guint length, guint slide)
{
  const WeirTime l = WEIR_SECONDS (length), t = WEIR_SECONDS (slide);

  return (Pair){ weir_collect (weir_reduce_by_key_and_window (s, f, NULL, l, t, NULL)),
                 weir_collect (weir_reduce_by_key (weir_window (s, l, t), f, NULL)) };
}

static void
expect_the_same (Pair pair)
{
  gsize n = weir_collected_n_batches (pair.of_records);

  g_assert_cmpuint (n, >, 0);
  g_assert_cmpuint (weir_collected_n_batches (pair.of_window), ==, n);
  for (guint i = 0; i < n; i++) {
    g_autofree char *text = weir_collected_text (pair.of_records, i);

    job_expect_sorted (pair.of_window, i, text);
  }
}

/* Keys that drift on: most were there in the batch before, some are new, some do not come again. Long ones, too. */
static void
push_texts (Job *job, guint batch, WeirValue (*value) (char text[32]))
{
  g_autofree WeirValue *values = g_new (WeirValue, N_RECORDS), *cells = g_new (WeirValue, 2 * N_RECORDS);
  g_autofree char *texts = g_malloc ((gsize) N_RECORDS * 96);
  guint n = below (6) == 0 ? below (3) : N_RECORDS;

  for (guint i = 0; i < n; i++) {
    guint key = batch * 9 + below (90);
    char *text = texts + (gsize) i * 96;

    g_snprintf (text, 64, key % 4 == 0 ? "%u-is-a-key-that-fits-no-slot" : "k%u", key);
    cells[2 * i] = weir_text (text);
    cells[2 * i + 1] = value (text + 64);
    values[i] = weir_pair_at (&cells[2 * i]);
  }
  job_push_values (job, values, n);
}

static WeirValue
draw_int (char text[32])
{
  return weir_int ((gint64) below (1000) - 500);
}

/* Sums of quarters are exact, in any order. */
static WeirValue
draw_number (char text[32])
{
  return below (2) == 0 ? draw_int (text) : weir_float (((gdouble) below (1000) - 500) / 4);
}

static WeirValue
draw_text (char text[32])
{
  g_snprintf (text, 32, "%u,", below (100000));
  return weir_text (text);
}

static void
expect_all (Job *job, WeirReduceFunc f, WeirValue (*value) (char text[32]))
{
  static const guint shapes[][2] = { { 1, 1 }, { 3, 1 }, { 9, 1 }, { 4, 2 }, { 2, 3 } };
  Pair pairs[G_N_ELEMENTS (shapes)];

  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    pairs[i] = both (job->input, f, shapes[i][0], shapes[i][1]);
  for (guint i = 0; i < N_BATCHES; i++)
    push_texts (job, i, value);
  job_run (job);
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    expect_the_same (pairs[i]);
}

static void
sums_are_those_of_the_records (Job *job)
{
  expect_all (job, WEIR_SUM, draw_number);
}

static void
greatest_values_are_those_of_the_records (Job *job)
{
  expect_all (job, WEIR_MAX, draw_int);
}

static void
first_values_are_those_of_the_records (Job *job)
{
  expect_all (job, WEIR_FIRST, draw_text);
}

static void
texts_are_in_the_order_of_the_records (Job *job)
{
  expect_all (job, concatenate, draw_text);
}

static void
sum_until_it_overflows (Job *job)
{
  weir_collect (weir_reduce_by_key_and_window (job->input, WEIR_SUM, NULL, WEIR_SECONDS (1), 0, NULL));
  job_push (job, "a=1 b=2");
  job_push (job, "a=9223372036854775806 b=3");
  job_run (job);
}

static void
a_sum_that_overflows_fails_the_batch (Job *job)
{
  sum_until_it_overflows (job);
  job_push (job, "b=1 a=9223372036854775807 a=1");
  job_run_into (job, WEIR_ERROR_OVERFLOW, "the sum of key 'a' does not fit an INT");
}

static void
what_is_no_number_names_its_key (Job *job)
{
  sum_until_it_overflows (job);
  job_push (job, "b=1 a=_");
  job_run_into (job, WEIR_ERROR_KIND, "key 'a'");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/window-columns/sums_are_those_of_the_records", sums_are_those_of_the_records);
  job_add_test ("/window-columns/greatest_values_are_those_of_the_records", greatest_values_are_those_of_the_records);
  job_add_test ("/window-columns/first_values_are_those_of_the_records", first_values_are_those_of_the_records);
  job_add_test ("/window-columns/texts_are_in_the_order_of_the_records", texts_are_in_the_order_of_the_records);
  job_add_test ("/window-columns/a_sum_that_overflows_fails_the_batch", a_sum_that_overflows_fails_the_batch);
  job_add_test ("/window-columns/what_is_no_number_names_its_key", what_is_no_number_names_its_key);
  return g_test_run ();
}
