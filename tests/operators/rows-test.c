/* Tests of operators/rows: rows keep their order and shape, and walk through the outputs of all tasks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/rows.h"

#include <string.h>

#define N_SLICES 3

typedef struct {
  WeirMemory *memory;
  gpointer outputs[2];
  WeirExchange exchange;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->memory = weir_memory_new (16 * 1024 * 1024);
  for (guint i = 0; i < G_N_ELEMENTS (f->outputs); i++)
    f->outputs[i] = weir_rows_new (f->memory, N_SLICES);
  f->exchange = (WeirExchange){ .n_outputs = G_N_ELEMENTS (f->outputs), .outputs = f->outputs };
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (f->outputs); i++)
    weir_rows_free (f->outputs[i]);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
  weir_memory_free (f->memory);
}

static gboolean
add (WeirRows *rows, guint slice, gint64 i, gboolean has_key)
{
  const WeirValue key = weir_int (-i), value = weir_int (i);
  const WeirChunk chunk = { has_key ? &key : NULL, &value, 1 };

  return weir_rows_add (rows, slice, &chunk, 0);
}

static gint64
expect_slice (Fixture *f, guint slice, gint64 first, gint64 step)
{
  WeirRowCursor cursor = { 0 };
  const WeirRowBlock *block;
  gint64 expected = first;

  while ((block = weir_row_cursor_next (&cursor, &f->exchange, slice)) != NULL) {
    g_assert_cmpuint (block->n, <=, WEIR_CHUNK_SIZE);
    for (guint i = 0; i < block->n; i++, expected += step) {
      g_assert_cmpint (block->values[i].integer, ==, expected);
      if (block->keys != NULL)
        g_assert_cmpint (block->keys[i].integer, ==, -expected);
    }
  }
  g_assert_null (weir_row_cursor_next (&cursor, &f->exchange, slice));
  return (expected - first) / step;
}

static void
rows_keep_their_order_in_each_slice (Fixture *f, gconstpointer data)
{
  for (gint64 i = 0; i < 3000; i++)
    g_assert_true (add (f->outputs[i / 1500], (guint) (i % N_SLICES), i, TRUE));
  for (guint slice = 0; slice < N_SLICES; slice++)
    g_assert_cmpint (expect_slice (f, slice, slice, N_SLICES), ==, 1000);
  g_assert_cmpuint (((WeirRows *) f->outputs[0])->slices[2].n_rows, ==, 500);
}

static void
blocks_have_one_shape (Fixture *f, gconstpointer data)
{
  WeirRowCursor cursor = { 0 };
  const WeirRowBlock *block;
  guint n_pairs = 0;

  for (gint64 i = 0; i < 1000; i++)
    g_assert_true (add (f->outputs[0], 1, i, i / 10 % 2 == 0));
  g_assert_cmpint (expect_slice (f, 1, 0, 1), ==, 1000);
  while ((block = weir_row_cursor_next (&cursor, &f->exchange, 1)) != NULL)
    n_pairs += block->keys != NULL ? block->n : 0;
  g_assert_cmpuint (n_pairs, ==, 500);
}

static void
a_slice_without_rows_is_at_its_end (Fixture *f, gconstpointer data)
{
  g_assert_true (add (f->outputs[1], 0, 0, FALSE));
  g_assert_cmpint (expect_slice (f, 2, 0, 1), ==, 0);
  g_assert_cmpint (expect_slice (f, 0, 0, 1), ==, 1);
}

static void
the_memory_limit_stops_adding (Fixture *f, gconstpointer data)
{
  gint64 i = 0;

  weir_memory_set_limit (f->memory, 1024 * 1024);
  while (add (f->outputs[0], 0, i, TRUE))
    i++;
  g_assert_cmpint (i, >, 1000);
  g_assert_cmpint (expect_slice (f, 0, 0, 1), ==, i);
}

static void
task_memory_is_taken_over (Fixture *f, gconstpointer data)
{
  WeirArena scratch;
  char *text;
  WeirValue value;

  weir_arena_init (&scratch, f->memory);
  text = weir_arena_alloc (&scratch, 100 * 1000);
  memset (text, 't', 100 * 1000);
  value = WEIR_VALUE_INIT (data, text, 100 * 1000, WEIR_TEXT, 0);
  g_assert_true (weir_rows_add (f->outputs[0], 0, &(WeirChunk){ NULL, &value, 1 }, 0));
  weir_rows_take_scratch (f->outputs[0], &scratch);
  g_assert_null (scratch.blocks);
  value = ((WeirRows *) f->outputs[0])->slices[0].first->values[0];
  g_assert_cmpint (value.data[99999], ==, 't');
  g_assert_true (add (f->outputs[0], 0, 1, TRUE));
}

#define ADD(test) g_test_add ("/rows/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (rows_keep_their_order_in_each_slice);
  ADD (blocks_have_one_shape);
  ADD (a_slice_without_rows_is_at_its_end);
  ADD (the_memory_limit_stops_adding);
  ADD (task_memory_is_taken_over);
  return g_test_run ();
}
