/* The nearest name to a mistyped word.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/nearest.h"

#include <string.h>

static const char *
nearest_of (const char *word, const char *first, ...)
{
  va_list names;
  WeirNearest nearest;

  weir_nearest_init (&nearest, word);
  va_start (names, first);
  for (const char *name = first; name != NULL; name = va_arg (names, const char *))
    weir_nearest_offer (&nearest, name);
  va_end (names);
  return nearest.best;
}

static void
test_a_typing_mistake_finds_the_name (void)
{
  g_assert_cmpstr (nearest_of ("wrokers", "partitions", "workers", NULL), ==, "workers");
  g_assert_cmpstr (nearest_of ("worker", "partitions", "workers", NULL), ==, "workers");
  g_assert_cmpstr (nearest_of ("batch-interval", "batch.interval", "workers", NULL), ==, "batch.interval");
  g_assert_cmpstr (nearest_of ("bathc.intreval", "batch.interval", NULL), ==, "batch.interval");
}

static void
test_the_nearer_of_two_wins_and_the_first_of_equals (void)
{
  g_assert_cmpstr (nearest_of ("socket.max", "socket.map", "socket.max", NULL), ==, "socket.max");
  g_assert_cmpstr (nearest_of ("cat", "car", "cap", NULL), ==, "car");
}

static void
test_a_swap_is_one_edit (void)
{
  g_assert_cmpstr (nearest_of ("ab", "ba", NULL), ==, "ba");
}

static void
test_a_dotted_part_finds_the_whole (void)
{
  g_assert_cmpstr (nearest_of ("interval", "batch.interval", NULL), ==, "batch.interval");
  g_assert_cmpstr (nearest_of ("inter", "batch.interval", NULL), ==, NULL);
}

static void
test_what_is_far_off_finds_nothing (void)
{
  g_assert_cmpstr (nearest_of ("verbose", "workers", "batch.interval", NULL), ==, NULL);
  g_assert_cmpstr (nearest_of ("", "workers", "w", NULL), ==, NULL);
  g_assert_cmpstr (nearest_of ("workers", NULL, NULL), ==, NULL);
}

static void
test_words_of_any_length_are_taken (void)
{
  g_autofree char *longest = g_strnfill (48, 'x');
  g_autofree char *too_long = g_strnfill (49, 'x');
  g_autofree char *huge = g_strnfill (1 << 20, 'x');

  g_assert_cmpstr (nearest_of (longest, longest, NULL), ==, longest);
  g_assert_cmpstr (nearest_of (too_long, longest, NULL), ==, NULL);
  g_assert_cmpstr (nearest_of (longest, too_long, NULL), ==, NULL);
  g_assert_cmpstr (nearest_of (huge, longest, huge, NULL), ==, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/nearest/a-typing-mistake-finds-the-name", test_a_typing_mistake_finds_the_name);
  g_test_add_func ("/nearest/the-nearer-of-two-wins-and-the-first-of-equals",
                   test_the_nearer_of_two_wins_and_the_first_of_equals);
  g_test_add_func ("/nearest/a-swap-is-one-edit", test_a_swap_is_one_edit);
  g_test_add_func ("/nearest/a-dotted-part-finds-the-whole", test_a_dotted_part_finds_the_whole);
  g_test_add_func ("/nearest/what-is-far-off-finds-nothing", test_what_is_far_off_finds_nothing);
  g_test_add_func ("/nearest/words-of-any-length-are-taken", test_words_of_any_length_are_taken);
  return g_test_run ();
}
