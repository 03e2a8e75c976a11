/* Tests of the ready-made reduce functions, by reduce and by reduce_by_key, which must agree.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

typedef struct {
  WeirReduceFunc f;
  const char *elements;
  const char *expected;
} Row;

static WeirValue
under_one_key (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_text ("k"), value);
}

static void
expect (WeirCollected *alone, WeirCollected *keyed, const char *expected)
{
  g_autofree char *pair = g_strdup_printf ("(k,%s)", expected);

  job_expect (alone, 0, expected);
  job_expect (keyed, 0, pair);
}

static void
check (const Row *row, guint n_partitions)
{
  WeirCollected *alone, *keyed;
  Job job;

  job_init (&job, n_partitions);
  alone = weir_collect (weir_reduce (job.input, row->f, NULL));
  keyed = weir_collect (weir_reduce_by_key (weir_map (job.input, under_one_key, NULL), row->f, NULL));
  job_push (&job, row->elements);
  job_run (&job);
  expect (alone, keyed, row->expected);
  job_clear (&job);
}

static void
check_all (const Row *rows, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    check (&rows[i], 1);
    check (&rows[i], 3);
  }
}

static void
sum_keeps_ints_and_widens_beside_floats (void)
{
  static const Row rows[] = {
    { WEIR_SUM, "7", "7" },
    { WEIR_SUM, "1 2 3", "6" },
    { WEIR_SUM, "1 2.5", "3.5" },
    { WEIR_SUM, "2.5 1", "3.5" },
    { WEIR_SUM, "0.5 0.5", "1.0" },
    { WEIR_SUM, "9223372036854775807 -1 1", "9223372036854775807" },
    { WEIR_SUM, "-9223372036854775808 0", "-9223372036854775808" },
    { WEIR_SUM, "1 nan 2", "NaN" },
  };

  check_all (rows, G_N_ELEMENTS (rows));
}

static void
min_and_max_follow_the_order_of_values (void)
{
  static const Row rows[] = {
    { WEIR_MIN, "3 1 2", "1" },       { WEIR_MAX, "3 1 2", "3" },         { WEIR_MIN, "b a c", "a" },
    { WEIR_MAX, "b a c", "c" },       { WEIR_MIN, "2.5 nan 1.5", "1.5" }, { WEIR_MAX, "2.5 nan 1.5", "NaN" },
    { WEIR_MIN, "-0.5 0.5", "-0.5" },
  };

  check_all (rows, G_N_ELEMENTS (rows));
}

static void
min_and_max_widen_ints_beside_floats (void)
{
  static const Row rows[] = {
    { WEIR_MIN, "3 1.5 2", "1.5" },
    { WEIR_MIN, "1 1.5", "1.0" },
    { WEIR_MAX, "3 1.5 2", "3.0" },
    { WEIR_MAX, "1 1.5", "1.5" },
  };

  check_all (rows, G_N_ELEMENTS (rows));
}

static void
first_and_last_take_any_kind (void)
{
  static const Row rows[] = {
    { WEIR_FIRST, "x 1 2.5", "x" },
    { WEIR_LAST, "x 1 2.5", "2.5" },
    { WEIR_FIRST, "_ 1", "null" },
    { WEIR_LAST, "1 _ a-text-that-does-not-fit-into-sixteen-bytes", "a-text-that-does-not-fit-into-sixteen-bytes" },
  };

  check_all (rows, G_N_ELEMENTS (rows));
}

static void
check_failure (WeirReduceFunc f, const char *elements, gint code, gboolean by_key)
{
  Job job;

  job_init (&job, 3);
  if (by_key)
    weir_collect (weir_reduce_by_key (weir_map (job.input, under_one_key, NULL), f, NULL));
  else
    weir_collect (weir_reduce (job.input, f, NULL));
  job_push (&job, elements);
  job_run_into (&job, code, "reduce");
  job_clear (&job);
}

static void
what_cannot_be_reduced_fails_the_batch (void)
{
  for (gint by_key = 0; by_key < 2; by_key++) {
    check_failure (WEIR_SUM, "9223372036854775807 1", WEIR_ERROR_OVERFLOW, by_key);
    check_failure (WEIR_SUM, "-9223372036854775808 0 -1", WEIR_ERROR_OVERFLOW, by_key);
    check_failure (WEIR_SUM, "1 a", WEIR_ERROR_KIND, by_key);
    check_failure (WEIR_SUM, "_ 1", WEIR_ERROR_KIND, by_key);
    check_failure (WEIR_MIN, "1 a", WEIR_ERROR_KIND, by_key);
    check_failure (WEIR_MAX, "a _", WEIR_ERROR_KIND, by_key);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/reductions/sum-keeps-ints-and-widens-beside-floats", sum_keeps_ints_and_widens_beside_floats);
  g_test_add_func ("/reductions/min-and-max-follow-the-order-of-values", min_and_max_follow_the_order_of_values);
  g_test_add_func ("/reductions/min-and-max-widen-ints-beside-floats", min_and_max_widen_ints_beside_floats);
  g_test_add_func ("/reductions/first-and-last-take-any-kind", first_and_last_take_any_kind);
  g_test_add_func ("/reductions/what-cannot-be-reduced-fails-the-batch", what_cannot_be_reduced_fails_the_batch);
  return g_test_run ();
}
