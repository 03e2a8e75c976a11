/* Tests of the sorting of values: stable, in place of any number of workers, safe with orders that are none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/sort.h"

/* Elements are pairs (key, place): the order looks at the key alone. */
static gint
by_key (WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_compare (weir_key (a), weir_key (b));
}

static gint
at_random (WeirValue a, WeirValue b, gpointer user_data)
{
  return g_random_int_range (-1, 2);
}

static void
expect_stable (guint n_workers, gsize n, guint n_keys)
{
  WeirWorkers *workers = weir_workers_new (n_workers);
  g_autofree WeirValue *cells = g_new (WeirValue, 2 * n + 2), *values = g_new (WeirValue, n + 1);
  g_autofree WeirValue *room = g_new (WeirValue, n + 1);
  const WeirOrder order = { by_key, NULL };
  const WeirValue *sorted;

  for (gsize i = 0; i < n; i++) {
    cells[2 * i] = weir_int (g_test_rand_int_range (0, (gint32) n_keys));
    cells[2 * i + 1] = weir_int ((gint64) i);
    values[i] = weir_pair_at (&cells[2 * i]);
  }
  sorted = weir_sort_values (workers, &order, values, room, n);
  for (gsize i = 1; i < n; i++) {
    gint order_of_keys = by_key (sorted[i - 1], sorted[i], NULL);

    g_assert_cmpint (order_of_keys, <=, 0);
    if (order_of_keys == 0)
      g_assert_cmpint (weir_as_int (weir_val (sorted[i - 1])), <, weir_as_int (weir_val (sorted[i])));
  }
  weir_workers_free (workers);
}

static void
equal_elements_stay_in_order (void)
{
  static const gsize sizes[] = { 0, 1, 2, 11, 12, 13, 100, 4096, 4097, 50000 };

  for (guint n_workers = 1; n_workers <= 7; n_workers += 3)
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
      for (guint n_keys = 1; n_keys <= 100000; n_keys *= 10)
        expect_stable (n_workers, sizes[i], n_keys);
}

static void
no_order_is_that_of_compare (void)
{
  WeirWorkers *workers = weir_workers_new (2);
  const WeirOrder order = { NULL, NULL };
  WeirValue values[] = { weir_text ("b"), weir_float (2.5), weir_text ("a"),
                         weir_int (9),    weir_nil (),      weir_float (0.0 / 0.0) };
  WeirValue room[G_N_ELEMENTS (values)];
  const WeirValue *sorted = weir_sort_values (workers, &order, values, room, G_N_ELEMENTS (values));
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    g_autofree char *one = weir_to_string (sorted[i]);

    g_string_append_printf (text, "%s ", one);
  }
  g_assert_cmpstr (text->str, ==, "null 9 2.5 NaN a b ");
  weir_workers_free (workers);
}

/* Any result will do, as long as it has all elements. */
static void
an_order_that_is_none_loses_no_memory (void)
{
  WeirWorkers *workers = weir_workers_new (4);
  const WeirOrder order = { at_random, NULL };
  const gsize n = 30000;
  g_autofree WeirValue *values = g_new (WeirValue, n), *room = g_new (WeirValue, n);
  const WeirValue *sorted;

  for (gsize i = 0; i < n; i++)
    values[i] = weir_int ((gint64) i);
  sorted = weir_sort_values (workers, &order, values, room, n);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpint (sorted[i].kind, ==, WEIR_INT);
  weir_workers_free (workers);
}

static void
cuts_cover_everything (void)
{
  for (guint n_parts = 1; n_parts < 20; n_parts++) {
    g_assert_cmpuint (weir_sort_cut (G_MAXSIZE, 0, n_parts), ==, 0);
    g_assert_cmpuint (weir_sort_cut (G_MAXSIZE, n_parts, n_parts), ==, G_MAXSIZE);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sort/equal-elements-stay-in-order", equal_elements_stay_in_order);
  g_test_add_func ("/sort/no-order-is-that-of-compare", no_order_is_that_of_compare);
  g_test_add_func ("/sort/an-order-that-is-none-loses-no-memory", an_order_that_is_none_loses_no_memory);
  g_test_add_func ("/sort/cuts-cover-everything", cuts_cover_everything);
  return g_test_run ();
}
