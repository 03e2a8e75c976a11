/* Tests of operators/window-pane: panes of tables and of columns hold what these held.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-pane.h"

#include "tests/engine/table-fixture.h"

#define MOST_KEYS 2000

typedef struct {
  TableFixture base;
  WeirReduceParams params;
  WeirOp op;
  WeirPaneStore store;
  WeirTable table;
  WeirCombined written[3];
  WeirCombined *outputs[3];
  gint64 expected[MOST_KEYS]; /* 0: not there */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  table_fixture_set_up (&f->base, data);
  f->params.f = WEIR_SUM;
  f->op = (WeirOp){ .name = "window", .params = &f->params };
  f->base.task->op = &f->op;
  weir_window_keys_init (&f->store.keys, f->base.memory, 60, 0, ALL_HASHES);
  weir_cells_init (&f->store.cells, f->base.memory);
  weir_table_init (&f->table, f->base.memory, sizeof (WeirValue), 0, ALL_HASHES);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_table_clear (&f->table);
  weir_window_keys_clear (&f->store.keys);
  weir_cells_clear (&f->store.cells);
  table_fixture_tear_down (&f->base, data);
}

/* Keys from @first on, with values that are not 0. */
static void
fill_table (Fixture *f, guint first, guint n)
{
  weir_table_clear (&f->table);
  weir_table_init (&f->table, f->base.memory, sizeof (WeirValue), 0, ALL_HASHES);
  memset (f->expected, 0, sizeof f->expected);
  for (guint i = first; i < first + n; i++) {
    gboolean is_new;
    WeirKey *slot = table_put (&f->table, &f->base.seed, weir_int (i), &is_new);

    f->expected[i] = 1 + below (1000);
    *(WeirValue *) weir_slot_value (slot) = weir_int (f->expected[i]);
  }
}

static WeirPane
make (Fixture *f, gint64 number, guint n_written)
{
  const WeirPaneSource source = { &f->table, &weir_fold_value, f->outputs, n_written, 0 };
  WeirPane pane = { .number = number };

  weir_pane_begin (&f->store, f->base.task);
  g_assert_true (weir_pane_make (&f->store, f->base.task, &pane, &source));
  return pane;
}

static void
expect_pane (Fixture *f, const WeirPane *pane, guint n)
{
  g_autofree gboolean *found = g_new0 (gboolean, MOST_KEYS);
  WeirValue key, value;
  gsize at = 0;

  for (guint i = 0; i < n; i++) {
    g_assert_true (weir_pane_next (&f->store, pane, &at, &key, &value));
    g_assert_false (found[weir_as_int (key)]);
    found[weir_as_int (key)] = TRUE;
    g_assert_cmpint (weir_as_int (value), ==, f->expected[weir_as_int (key)]);
  }
  g_assert_false (weir_pane_next (&f->store, pane, &at, &key, &value));
}

static void
a_pane_of_many_keys_is_a_column (Fixture *f, gconstpointer data)
{
  WeirPane pane;

  fill_table (f, 0, MOST_KEYS);
  pane = make (f, 7, 0);
  g_assert_nonnull (pane.values);
  expect_pane (f, &pane, MOST_KEYS);
  weir_block_unref (pane.block);
}

static void
a_pane_of_few_keys_is_a_list_by_shard (Fixture *f, gconstpointer data)
{
  WeirPane all, few;

  fill_table (f, 0, MOST_KEYS);
  all = make (f, 7, 0);
  fill_table (f, 100, 50);
  few = make (f, 60 + 8, 0);
  g_assert_null (few.values);
  expect_pane (f, &few, 50);
  for (gsize i = 0; i < few.n; i++) {
    g_assert_cmpuint (few.entries[i].shard, ==, weir_shard_of (few.entries[i].number));
    g_assert_true (i == 0 || few.entries[i - 1].shard <= few.entries[i].shard);
  }
  for (guint shard = 0; shard < 60; shard++) {
    const gsize at = weir_pane_first (&f->store, &few, shard);

    g_assert_true (at == 0 || few.entries[at - 1].shard < shard);
    g_assert_true (at == few.n || few.entries[at].shard >= shard);
  }
  weir_block_unref (few.block);
  weir_block_unref (all.block);
}

static void
nothing_makes_an_empty_pane (Fixture *f, gconstpointer data)
{
  WeirPane pane = make (f, 1, 0);

  g_assert_null (pane.block);
  expect_pane (f, &pane, 0);
}

/* As a task of the batch would: values for some of the keys that the window holds. */
static void
write_column (Fixture *f, guint task)
{
  WeirColumns *columns = g_malloc0 (sizeof *columns + sizeof (WeirColumn));
  WeirColumn *column = &columns->slices[0];

  columns->n_slices = 1;
  column->keys = &f->store.keys;
  column->block = weir_columns_block_new (&f->store.keys, &column->n_ranks);
  column->values = (WeirValue *) column->block->data;
  for (guint i = 0; i < MOST_KEYS / 2; i++) {
    gint64 value = below (3) == 0 ? 0 : 1 + below (1000);
    WeirValue cell;
    WeirKey key;

    weir_key_of (weir_int (i), &f->base.seed, &key, &cell);
    if (value != 0)
      column->values[weir_place_of (weir_window_keys_find (&f->store.keys, &key), column->n_ranks)] = weir_int (value);
    f->expected[i] += value;
  }
  f->written[task].columns = columns;
  f->outputs[task] = &f->written[task];
}

static void
clear_columns (Fixture *f, guint n)
{
  for (guint i = 0; i < n; i++) {
    weir_block_unref (f->written[i].columns->slices[0].block);
    g_clear_pointer (&f->written[i].columns, g_free);
  }
}

/* @n_new: keys that are in the table; with many of them the columns are too short for all ranks there are then. */
static void
join_columns (Fixture *f, guint n_tasks, guint n_new)
{
  guint n = n_new;
  WeirPane first, pane;

  fill_table (f, 0, MOST_KEYS / 2);
  first = make (f, 1, 0);
  fill_table (f, MOST_KEYS / 2, n_new);
  for (guint i = 0; i < n_tasks; i++)
    write_column (f, i);
  for (guint i = 0; i < MOST_KEYS / 2; i++)
    n += f->expected[i] != 0;
  pane = make (f, 2, n_tasks);
  clear_columns (f, n_tasks);
  expect_pane (f, &pane, n);
  weir_block_unref (pane.block);
  weir_block_unref (first.block);
}

static void
a_column_becomes_the_pane (Fixture *f, gconstpointer data)
{
  join_columns (f, 1, 0);
}

static void
columns_of_all_tasks_are_one_pane (Fixture *f, gconstpointer data)
{
  join_columns (f, 3, 2);
}

static void
keys_that_are_new_join_those_of_columns (Fixture *f, gconstpointer data)
{
  join_columns (f, 2, MOST_KEYS / 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(name) g_test_add ("/window-pane/" #name, Fixture, NULL, set_up, name, tear_down)
  TEST (a_pane_of_many_keys_is_a_column);
  TEST (a_pane_of_few_keys_is_a_list_by_shard);
  TEST (nothing_makes_an_empty_pane);
  TEST (a_column_becomes_the_pane);
  TEST (columns_of_all_tasks_are_one_pane);
  TEST (keys_that_are_new_join_those_of_columns);
  return g_test_run ();
}
