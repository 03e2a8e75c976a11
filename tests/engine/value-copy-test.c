/* Copies: what task memory holds is a value of its own.
 * Must not know links or batches. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/value-copy.h"

#include <string.h>

#include "tests/engine/random-value.h"
#include "tests/engine/task-fixture.h"

static gboolean
has_borrowed (WeirValue v)
{
  gsize n = v.kind == WEIR_PAIR ? 2 : v.kind == WEIR_LIST ? v.size : 0;
  gboolean found = (v.flags & WEIR_VALUE_BORROWED) != 0;

  for (gsize i = 0; i < n; i++)
    found |= has_borrowed (v.cells[i]);
  return found;
}

static void
pair_and_list_outlive_what_they_were_made_of (void)
{
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);
  char text[] = "abc";
  WeirValue inner[2] = { weir_text (text), weir_int (1) };
  WeirValue pair = weir_pair (task, weir_text (text), weir_list_at (inner, 2));
  WeirValue list = weir_list (task, inner, 2);

  memset (text, 'x', 3);
  memset (inner, 0, sizeof inner);
  g_assert_true (weir_equal (weir_key (pair), weir_text ("abc")));
  g_assert_true (weir_equal (weir_val (pair), list));
  g_assert_true (weir_equal (list, WEIR_LIST_OF (weir_text ("abc"), weir_int (1))));
  g_assert_false (has_borrowed (pair) || has_borrowed (list));
  g_assert_cmpuint (pair.flags, ==, WEIR_VALUE_CELLS);
  task_fixture_clear (&fixture);
}

static void
keep_copies_only_what_is_borrowed (void)
{
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);
  WeirValue held = weir_copy (task, weir_text ("held"));
  WeirValue pair = weir_keep (task, WEIR_PAIR_OF (held, weir_text ("borrowed")));

  g_assert_true (weir_data (weir_key (pair)) == weir_data (held));
  g_assert_false (has_borrowed (pair));
  g_assert_true (weir_keep (task, pair).cells == pair.cells);
  g_assert_true (weir_copy (task, pair).cells != pair.cells);
  g_assert_true (weir_data (weir_key (weir_copy (task, pair))) != weir_data (held));
  task_fixture_clear (&fixture);
}

static void
empty_texts_and_lists_are_copied_without_touching_them (void)
{
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);
  WeirValue empty = weir_text_n (NULL, 0), none = weir_list_at (NULL, 0);

  g_assert_true (weir_equal (weir_copy (task, empty), weir_text ("")));
  g_assert_nonnull (weir_data (weir_keep (task, empty)));
  g_assert_true (weir_equal (weir_copy (task, none), none));
  g_assert_true (weir_equal (weir_list (task, NULL, 0), none));
  g_assert_false (has_borrowed (weir_keep (task, none)));
  g_assert_true (weir_equal (weir_copy (task, WEIR_LIST_OF (none, empty)), WEIR_LIST_OF (none, empty)));
  task_fixture_clear (&fixture);
}

static void
bytes_are_aligned_in_the_copy (void)
{
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);
  WeirValue copy = weir_copy (task, WEIR_LIST_OF (weir_text ("abc"), weir_bytes ("01234567", 8), weir_bytes ("x", 1)));

  g_assert_cmpuint ((guintptr) weir_data (weir_item (copy, 1)) % 8, ==, 0);
  g_assert_cmpuint ((guintptr) weir_data (weir_item (copy, 2)) % 8, ==, 0);
  task_fixture_clear (&fixture);
}

static void
random_copies_are_identical_and_as_large_as_measured (void)
{
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);

  for (guint i = 0; i < 20000; i++) {
    WeirValue v = random_value (task, 3), copy;
    gsize size = weir_value_memory (v);
    g_autofree char *block = g_malloc (size + 1);
    char *at = block;

    copy = weir_value_copy_to (v, &at);
    g_assert_cmpuint ((gsize) (at - block), ==, size);
    g_assert_true (is_identical (copy, v));
    g_assert_false (has_borrowed (copy));
    weir_arena_reset (&fixture.task_run.scratch);
  }
  task_fixture_clear (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/value-copy/pair-and-list-outlive-what-they-were-made-of",
                   pair_and_list_outlive_what_they_were_made_of);
  g_test_add_func ("/value-copy/keep-copies-only-what-is-borrowed", keep_copies_only_what_is_borrowed);
  g_test_add_func ("/value-copy/empty-texts-and-lists-are-copied-without-touching-them",
                   empty_texts_and_lists_are_copied_without_touching_them);
  g_test_add_func ("/value-copy/bytes-are-aligned-in-the-copy", bytes_are_aligned_in_the_copy);
  g_test_add_func ("/value-copy/random-copies-are-identical-and-as-large-as-measured",
                   random_copies_are_identical_and_as_large_as_measured);
  return g_test_run ();
}
