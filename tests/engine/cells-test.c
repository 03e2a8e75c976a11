/* Tests of engine/cells: copies are deep and owned, replacing doesn't grow, a value may point into what it replaces.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/cells.h"

#include <string.h>

typedef struct {
  WeirMemory *memory;
  WeirCells cells;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->memory = weir_memory_new (64 * 1024 * 1024);
  weir_cells_init (&f->cells, f->memory);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_cells_clear (&f->cells);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
  weir_memory_free (f->memory);
}

static void
keep_a_copy_of_a_text (Fixture *f, gconstpointer data)
{
  char text[] = "hello";
  WeirValue kept = weir_nil ();

  g_assert_true (weir_cells_replace (&f->cells, &kept, weir_text (text)));
  memset (text, 'x', sizeof text - 1);
  g_assert_true (weir_equal (kept, weir_text ("hello")));
  g_assert_cmpuint (kept.flags & WEIR_VALUE_BORROWED, ==, 0);
}

static void
keep_a_deep_copy_of_containers (Fixture *f, gconstpointer data)
{
  char text[] = "inner";
  WeirValue kept = weir_nil ();
  WeirValue value = WEIR_PAIR_OF (weir_text (text), WEIR_LIST_OF (weir_int (1), weir_text (text)));
  g_autofree char *shown = NULL;

  g_assert_true (weir_cells_replace (&f->cells, &kept, value));
  memset (text, 'x', sizeof text - 1);
  shown = weir_to_string (kept);
  g_assert_cmpstr (shown, ==, "(inner,[1,inner])");
}

static void
change_kinds (Fixture *f, gconstpointer data)
{
  WeirValue kept = weir_nil ();
  const WeirValue values[] = {
    weir_int (7),
    weir_text ("a"),
    weir_text (""),
    WEIR_LIST_OF (weir_int (1), weir_int (2)),
    weir_float (0.5),
    weir_bytes ("\0\1", 2),
    WEIR_PAIR_OF (weir_text ("k"), weir_nil ()),
    weir_list_at (NULL, 0),
    weir_nil (),
  };

  for (gsize i = 0; i < G_N_ELEMENTS (values); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (values); k++) {
      g_assert_true (weir_cells_replace (&f->cells, &kept, values[i]));
      g_assert_true (weir_cells_replace (&f->cells, &kept, values[k]));
      g_assert_true (weir_equal (kept, values[k]));
    }
}

static void
replacing_does_not_grow (Fixture *f, gconstpointer data)
{
  WeirValue kept = weir_nil ();
  g_autofree char *text = g_strnfill (100 * 1000, 'y');
  gsize most;

  for (gsize n = 0; n <= 100 * 1000; n += 997)
    g_assert_true (weir_cells_replace (&f->cells, &kept, weir_text_n (text, n)));
  most = weir_memory_used (f->memory);
  for (gsize i = 0; i < 100 * 1000; i++)
    g_assert_true (weir_cells_replace (&f->cells, &kept, weir_text_n (text, i * 7919 % 3000)));
  g_assert_cmpuint (weir_memory_used (f->memory), <=, most);
}

static void
dropped_cells_are_used_again (Fixture *f, gconstpointer data)
{
  WeirValue kept[100] = { 0 };
  g_autofree char *text = g_strnfill (20 * 1000, 'z');
  gsize used = 0;

  for (guint round = 0; round < 50; round++) {
    for (guint i = 0; i < 100; i++)
      g_assert_true (weir_cells_replace (&f->cells, &kept[i], weir_text_n (text, i * 200 + round)));
    for (guint i = 0; i < 100; i++)
      weir_cells_drop (&f->cells, &kept[(i * 37) % 100]);
    used = round == 0 ? weir_memory_used (f->memory) : used;
  }
  g_assert_true (weir_is_nil (kept[0]));
  g_assert_cmpuint (weir_memory_used (f->memory), <=, used + 256 * 1024);
}

/* The text moves by @step within what it replaces, down to nothing. */
static void
shrink_in_place (Fixture *f, gsize size, gsize step)
{
  g_autofree char *text = g_malloc (size);
  WeirValue kept = weir_nil ();

  for (gsize i = 0; i < size; i++)
    text[i] = (char) ('a' + i % 23);
  g_assert_true (weir_cells_replace (&f->cells, &kept, weir_text_n (text, size)));
  for (gsize at = step; at < size; at += step) {
    g_assert_true (weir_cells_replace (&f->cells, &kept, weir_text_n (kept.data + step, kept.size - step)));
    g_assert_cmpmem (kept.data, kept.size, text + at, size - at);
  }
}

static void
a_text_may_point_into_what_it_replaces (Fixture *f, gconstpointer data)
{
  shrink_in_place (f, 40, 1);
  shrink_in_place (f, 30 * 1000, 777);
}

static void
a_part_of_a_container_may_replace_it (Fixture *f, gconstpointer data)
{
  WeirValue kept = weir_nil ();
  WeirValue inner = WEIR_LIST_OF (weir_text ("one"), weir_text ("two"));

  g_assert_true (weir_cells_replace (&f->cells, &kept, WEIR_PAIR_OF (weir_text ("key"), inner)));
  g_assert_true (weir_cells_replace (&f->cells, &kept, weir_val (kept)));
  g_assert_true (weir_equal (kept, inner));
  g_assert_true (weir_cells_replace (&f->cells, &kept, WEIR_LIST_OF (kept, kept)));
  g_assert_true (weir_equal (kept, WEIR_LIST_OF (inner, inner)));
  g_assert_true (weir_cells_replace (&f->cells, &kept, weir_item (weir_item (kept, 1), 0)));
  g_assert_true (weir_equal (kept, weir_text ("one")));
}

static void
at_the_limit_what_was_kept_stays (Fixture *f, gconstpointer data)
{
  WeirValue kept = weir_nil ();
  g_autofree char *text = g_strnfill (1000 * 1000, 'w');

  g_assert_true (weir_cells_replace (&f->cells, &kept, weir_text ("small")));
  weir_memory_set_limit (f->memory, 100 * 1000);
  g_assert_false (weir_cells_replace (&f->cells, &kept, weir_text_n (text, 1000 * 1000)));
  g_assert_true (weir_equal (kept, weir_text ("small")));
}

#define ADD(test) g_test_add ("/cells/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (keep_a_copy_of_a_text);
  ADD (keep_a_deep_copy_of_containers);
  ADD (change_kinds);
  ADD (replacing_does_not_grow);
  ADD (dropped_cells_are_used_again);
  ADD (a_text_may_point_into_what_it_replaces);
  ADD (a_part_of_a_container_may_replace_it);
  ADD (at_the_limit_what_was_kept_stays);
  return g_test_run ();
}
