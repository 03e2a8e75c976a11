/* Tests of engine/table-cursor: every slot once, in one order, however the table came to be and is cut.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/engine/table-fixture.h"

static gboolean
is_before (const WeirKey *a, const WeirKey *b)
{
  return a->hash != b->hash ? a->hash < b->hash : weir_compare (weir_key_value (a), weir_key_value (b)) < 0;
}

/* The slots of a range, which must be in order and belong there. */
static void
append_slots (GPtrArray *all, const WeirTable *table, guint64 from, guint64 until, guint most)
{
  g_autofree WeirKey **slots = g_new (WeirKey *, most);
  WeirTableCursor cursor;
  gsize before = all->len;
  guint n;

  weir_table_cursor_init (&cursor, table, from, until);
  while ((n = weir_table_cursor_next (&cursor, slots, most)) > 0) {
    g_assert_cmpuint (n, <=, most);
    for (guint i = 0; i < n; i++) {
      g_assert_true (slots[i]->hash >= from && slots[i]->hash < until);
      if (all->len > 0)
        g_assert_true (is_before (g_ptr_array_index (all, all->len - 1), slots[i]));
      g_ptr_array_add (all, slots[i]);
    }
  }
  g_assert_cmpuint (weir_table_cursor_next (&cursor, slots, most), ==, 0);
  g_assert_cmpuint (weir_table_count (table, from, until), ==, all->len - before);
}

static GPtrArray *
take_slices (const WeirTable *table, guint n_slices, guint most)
{
  GPtrArray *all = g_ptr_array_new ();

  for (guint i = 0; i < n_slices; i++)
    append_slots (all, table, weir_slice_start (i, n_slices), weir_slice_start (i + 1, n_slices), most);
  return all;
}

/* Slices together give each slot of the table once. */
static void
expect_all_slots (const WeirTable *table)
{
  static const guint slices[] = { 1, 2, 3, 7, 8, 16, 256 };

  for (gsize i = 0; i < G_N_ELEMENTS (slices); i++)
    for (guint most = 256; most < 700; most = most * 2 - 1) {
      g_autoptr (GPtrArray) all = take_slices (table, slices[i], most);

      g_assert_cmpuint (all->len, ==, table->n);
    }
}

static void
expect_same_keys (const WeirTable *a, const WeirTable *b)
{
  g_autoptr (GPtrArray) left = take_slices (a, 1, 256);
  g_autoptr (GPtrArray) right = take_slices (b, 3, 300);

  g_assert_cmpuint (left->len, ==, right->len);
  for (guint i = 0; i < left->len; i++) {
    const WeirKey *l = g_ptr_array_index (left, i), *r = g_ptr_array_index (right, i);

    g_assert_cmpuint (l->hash, ==, r->hash);
    g_assert_true (weir_equal (weir_key_value (l), weir_key_value (r)));
  }
}

static void
no_slots_at_all (TableFixture *f, gconstpointer data)
{
  gboolean is_new;

  expect_all_slots (&f->table);
  weir_table_remove (&f->table, table_put (&f->table, &f->seed, weir_int (1), &is_new));
  expect_all_slots (&f->table);
}

static void
put_random (TableFixture *f, guint n)
{
  gboolean is_new;

  for (guint i = 0; i < n; i++)
    table_put (&f->table, &f->seed, random_key (f->task), &is_new);
}

static void
every_slot_is_in_one_slice (TableFixture *f, gconstpointer data)
{
  for (guint i = 0; i < 8; i++) {
    put_random (f, 1 + 100 * i * i);
    expect_all_slots (&f->table);
  }
}

static void
shuffle (WeirKey *keys, guint n)
{
  for (guint i = n; i > 1; i--) {
    guint k = below (i);
    WeirKey key = keys[k];

    keys[k] = keys[i - 1];
    keys[i - 1] = key;
  }
}

static int
compare_hashes (const void *a, const void *b)
{
  guint32 left = ((const WeirKey *) a)->hash, right = ((const WeirKey *) b)->hash;

  return (left > right) - (left < right);
}

static void
put_all (TableFixture *f, const WeirKey *keys, guint n)
{
  for (guint i = 0; i < n; i++)
    g_assert_true (table_put_key (&f->table, keys[i]));
}

/* The same keys: as they come, in disorder, in order, and in disorder with others that leave again. */
static void
expect_one_order (TableFixture *f, WeirKey *keys, guint n)
{
  WeirTable first;

  put_all (f, keys, n);
  first = f->table;
  expect_all_slots (&first);
  for (guint round = 0; round < 3; round++) {
    weir_table_init (&f->table, f->memory, sizeof (gint64), 0, ALL_HASHES);
    shuffle (keys, n);
    if (round == 1)
      qsort (keys, n, sizeof *keys, compare_hashes);
    for (gint64 i = 0; i < n && round == 2; i++)
      table_put_key (&f->table, key_with_hash (-1 - i, keys[i].hash));
    put_all (f, keys, n);
    for (gint64 i = 0; i < n && round == 2; i++) {
      WeirKey key = key_with_hash (-1 - i, keys[i].hash);

      weir_table_remove (&f->table, weir_table_find (&f->table, &key, f->table.stride));
    }
    expect_all_slots (&f->table);
    expect_same_keys (&first, &f->table);
    weir_table_clear (&f->table);
  }
  f->table = first;
}

static void
the_order_is_one_whatever_the_order_they_came_in (TableFixture *f, gconstpointer data)
{
  const guint n = 20000;
  g_autofree WeirKey *keys = g_new (WeirKey, n);

  for (guint i = 0; i < n; i++)
    keys[i] = key_with_hash (i, (guint32) g_test_rand_int ());
  expect_one_order (f, keys, n);
}

/* Runs of thousands of slots, which no call can give at once. */
static void
long_runs_are_given_in_order (TableFixture *f, gconstpointer data)
{
  const guint n = 4000;
  g_autofree WeirKey *keys = g_new (WeirKey, n);

  for (guint i = 0; i < n; i++)
    keys[i] = key_with_hash (i, 0x70000000 + below (n) / (1 + below (50)));
  expect_one_order (f, keys, n);
}

static void
equal_hashes_are_given_in_the_order_of_keys (TableFixture *f, gconstpointer data)
{
  const guint n = 1500;
  g_autofree WeirKey *keys = g_new (WeirKey, n);

  for (guint i = 0; i < n; i++)
    keys[i] = key_with_hash (i, i % 2 == 0 ? 0 : G_MAXUINT32);
  expect_one_order (f, keys, n);
}

static void
a_run_of_exactly_one_call_is_given_at_once (TableFixture *f, gconstpointer data)
{
  for (guint n = 250; n <= 1100; n++) {
    g_autoptr (GPtrArray) all = NULL;

    if (n > 260 && n < 510)
      continue;
    weir_table_clear (&f->table);
    weir_table_init (&f->table, f->memory, sizeof (gint64), 0, ALL_HASHES);
    for (gint64 i = 0; i < n; i++)
      table_put_key (&f->table, key_with_hash (i, 1));
    all = take_slices (&f->table, 1, 256);
    g_assert_cmpuint (all->len, ==, n);
  }
}

static void
a_table_of_a_slice_is_walked_from_its_base (TableFixture *f, gconstpointer data)
{
  const guint64 start = weir_slice_start (2, 7), end = weir_slice_start (3, 7);
  g_autoptr (GPtrArray) all = g_ptr_array_new (), part = g_ptr_array_new ();

  weir_table_init (&f->table, f->memory, sizeof (gint64), start, end - start);
  for (gint64 i = 0; i < 5000; i++)
    table_put_key (&f->table, key_with_hash (i, (guint32) (start + (guint64) i * i * 7 % (end - start))));
  append_slots (all, &f->table, 0, ALL_HASHES, 256);
  g_assert_cmpuint (all->len, ==, f->table.n);
  append_slots (part, &f->table, start, start + (1 << 24), 256);
  append_slots (part, &f->table, start + (1 << 24), end, 256);
  append_slots (part, &f->table, end, ALL_HASHES, 256);
  g_assert_cmpuint (part->len, ==, f->table.n);
}

#define ADD(test)                                                                                                      \
  g_test_add ("/table-cursor/" #test, TableFixture, NULL, table_fixture_set_up, test, table_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (no_slots_at_all);
  ADD (every_slot_is_in_one_slice);
  ADD (the_order_is_one_whatever_the_order_they_came_in);
  ADD (long_runs_are_given_in_order);
  ADD (equal_hashes_are_given_in_the_order_of_keys);
  ADD (a_run_of_exactly_one_call_is_given_at_once);
  ADD (a_table_of_a_slice_is_walked_from_its_base);
  return g_test_run ();
}
