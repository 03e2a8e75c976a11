/* Tests of the sorting of INTs: against qsort, for any number of workers and any bits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "operators/sort.h"

static int
compare_ints (const void *a, const void *b)
{
  gint64 first = *(const gint64 *) a, second = *(const gint64 *) b;

  return first < second ? -1 : first > second;
}

static void
expect_sorted (guint n_workers, gsize n, guint64 mask)
{
  WeirWorkers *workers = weir_workers_new (n_workers);
  g_autofree gint64 *values = g_new (gint64, n + 1), *room = g_new (gint64, n + 1), *expected = g_new (gint64, n + 1);
  const gint64 *sorted;

  for (gsize i = 0; i < n; i++) {
    guint64 bits = (guint64) (guint32) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();

    expected[i] = values[i] = (gint64) (bits & mask);
  }
  qsort (expected, n, sizeof *expected, compare_ints);
  sorted = weir_sort_ints (workers, values, room, n);
  g_assert_cmpint (memcmp (sorted, expected, n * sizeof *expected), ==, 0);
  weir_workers_free (workers);
}

static void
all_bits_count (void)
{
  static const gsize sizes[] = { 0, 1, 2, 300, 4096, 4097, 100000 };
  static const guint64 masks[] = { G_MAXUINT64, 0, 255, 0xffff0000, G_GUINT64_CONSTANT (0xff00000000000001) };

  for (guint n_workers = 1; n_workers <= 7; n_workers += 2)
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
      for (guint k = 0; k < G_N_ELEMENTS (masks); k++)
        expect_sorted (n_workers, sizes[i], masks[k]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sort-ints/all-bits-count", all_bits_count);
  return g_test_run ();
}
