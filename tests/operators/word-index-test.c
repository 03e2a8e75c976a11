/* Tests of word indexes: every key of a table of words is found, and no other; other tables have none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/word-index.h"

#include <weir/dataset.h>
#include <weir/test.h>

typedef struct {
  WeirContext *ctx;
  WeirValue *cells, *pairs;
  gsize n;
} Table;

static void
table_init (Table *table, gsize n)
{
  *table =
      (Table){ weir_test_context_new (WEIR_SECONDS (1)), g_new (WeirValue, 2 * n + 1), g_new (WeirValue, n + 1), 0 };
}

static void
add (Table *table, WeirValue key, WeirValue value)
{
  WeirValue *cells = &table->cells[2 * table->n];

  cells[0] = key;
  cells[1] = value;
  table->pairs[table->n++] = weir_pair_at (cells);
}

static const WeirWordIndex *
index_of (Table *table)
{
  return weir_word_index_of (weir_context_dataset (table->ctx, table->pairs, table->n, 3));
}

static void
table_clear (Table *table)
{
  weir_context_free (table->ctx);
  g_free (table->cells);
  g_free (table->pairs);
}

static void
expect_all (const Table *table, const WeirWordIndex *index)
{
  g_assert_nonnull (index);
  for (gsize i = 0; i < table->n; i++) {
    WeirValue value = index->like;

    g_assert_true (weir_word_index_find (index, table->cells[2 * i].bits, &value.bits));
    g_assert_true (weir_equal (value, table->cells[2 * i + 1]));
  }
}

static void
expect_no_key (const WeirWordIndex *index, gint64 key)
{
  guint64 word;

  g_assert_false (weir_word_index_find (index, (guint64) key, &word));
}

static void
every_key_is_found_and_no_other (void)
{
  Table table;
  const WeirWordIndex *index;

  table_init (&table, 10000);
  for (gint64 i = 0; i < 10000; i++)
    add (&table, weir_int (i * 7919 % 10007 * 3 - 5000), weir_int (i - 77));
  index = index_of (&table);
  expect_all (&table, index);
  for (gint64 i = 0; i < 10007; i++) {
    expect_no_key (index, 3 * i - 4999);
    expect_no_key (index, 3 * i - 5000 + ((gint64) 1 << 32));
  }
  expect_no_key (index, -5003);
  expect_no_key (index, G_MAXINT64);
  table_clear (&table);
}

static void
the_widest_keys_and_values_fit (void)
{
  Table table;

  table_init (&table, 3);
  add (&table, weir_int (G_MININT64), weir_int (G_MAXINT64));
  add (&table, weir_int (G_MININT64 + G_MAXUINT32), weir_int (G_MAXINT64 - G_MAXUINT32));
  add (&table, weir_int (G_MININT64 + 5), weir_int (G_MAXINT64 - 5));
  expect_all (&table, index_of (&table));
  expect_no_key (index_of (&table), G_MININT64 + 4);
  table_clear (&table);
}

static void
values_of_other_kinds (void)
{
  const WeirValue values[] = { weir_nil (), weir_bool (TRUE), weir_float (-0.25) };

  for (guint kind = 0; kind < G_N_ELEMENTS (values); kind++) {
    Table table;

    table_init (&table, 20);
    for (gint64 i = 0; i < 20; i++)
      add (&table, weir_int (i * i), values[kind]);
    expect_all (&table, index_of (&table));
    table_clear (&table);
  }
}

/* Offsets whose home is the first of so many lines. */
static void
add_crowd (Table *table, gsize n)
{
  const WeirWordLine none;
  const WeirWordIndex like = { .lines = &none, .n_lines = n / 5 + 1 };

  for (guint64 offset = 0; table->n < n; offset++)
    if (weir_word_index_home (&like, offset) == &none)
      add (table, weir_int ((gint64) offset), weir_int ((gint64) (offset % 1000)));
}

static void
keys_that_crowd_spill_into_the_next_lines (void)
{
  Table table;

  table_init (&table, 200);
  add_crowd (&table, 200);
  expect_all (&table, index_of (&table));
  table_clear (&table);
}

static void
keys_that_crowd_too_much_have_no_index (void)
{
  Table table;

  table_init (&table, 400);
  add_crowd (&table, 400);
  g_assert_null (index_of (&table));
  table_clear (&table);
}

static void
expect_none (WeirValue key, WeirValue value)
{
  Table table;

  table_init (&table, 101);
  for (gint64 i = 0; i < 100; i++)
    add (&table, weir_int (i), weir_int (i));
  expect_all (&table, index_of (&table));
  add (&table, key, value);
  g_assert_null (index_of (&table));
  table_clear (&table);
}

static void
other_tables_have_none (void)
{
  const gint64 too_wide = (gint64) 1 << 32;
  Table empty;

  expect_none (weir_int (5), weir_int (5)); /* twice */
  expect_none (weir_text ("a"), weir_int (5));
  expect_none (weir_float (200), weir_int (5));
  expect_none (weir_int (200), weir_text ("a"));
  expect_none (weir_int (200), weir_float (1));
  expect_none (weir_int (too_wide), weir_int (5));
  expect_none (weir_int (-too_wide), weir_int (5));
  expect_none (weir_int (200), weir_int (too_wide));
  table_init (&empty, 0);
  g_assert_null (index_of (&empty));
  table_clear (&empty);
}

static void
it_is_made_once (void)
{
  Table table;
  WeirDataset *dataset;

  table_init (&table, 1);
  add (&table, weir_int (1), weir_int (2));
  dataset = weir_context_dataset (table.ctx, table.pairs, table.n, 1);
  g_assert_true (weir_word_index_of (dataset) == weir_word_index_of (dataset));
  table_clear (&table);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/word-index/every-key-is-found-and-no-other", every_key_is_found_and_no_other);
  g_test_add_func ("/word-index/the-widest-keys-and-values-fit", the_widest_keys_and_values_fit);
  g_test_add_func ("/word-index/values-of-other-kinds", values_of_other_kinds);
  g_test_add_func ("/word-index/keys-that-crowd-spill-into-the-next-lines", keys_that_crowd_spill_into_the_next_lines);
  g_test_add_func ("/word-index/keys-that-crowd-too-much-have-no-index", keys_that_crowd_too_much_have_no_index);
  g_test_add_func ("/word-index/other-tables-have-none", other_tables_have_none);
  g_test_add_func ("/word-index/it-is-made-once", it_is_made_once);
  return g_test_run ();
}
