/* Tests of operators/pairs: what a message says of a value, however large or odd it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/pairs.h"

#include <string.h>

static void
expect (WeirValue value, const char *expected)
{
  g_autofree char *text = weir_value_describe (value);

  g_assert_cmpstr (text, ==, expected);
}

static void
kind_and_value_are_named (void)
{
  expect (weir_nil (), "NIL");
  expect (weir_bool (TRUE), "BOOL true");
  expect (weir_int (-5), "INT -5");
  expect (weir_float (0.5), "FLOAT 0.5");
  expect (weir_text ("hello"), "TEXT hello");
  expect (weir_bytes ("\1\2", 2), "BYTES 0x0102");
  expect (WEIR_PAIR_OF (weir_text ("a"), weir_int (1)), "PAIR (a,1)");
  expect (WEIR_LIST_OF (weir_int (1), weir_int (2)), "LIST [1,2]");
}

static void
a_long_value_is_cut (void)
{
  g_autofree char *text = g_strnfill (10 * 1000 * 1000, 'x');
  g_autofree char *described = weir_value_describe (weir_text_n (text, 10 * 1000 * 1000));
  g_autofree char *pair = weir_value_describe (WEIR_PAIR_OF (weir_text_n (text, 10 * 1000), weir_nil ()));

  g_assert_cmpuint (strlen (described), ==, strlen ("TEXT ") + 100);
  g_assert_cmpuint (strlen (pair), ==, strlen ("PAIR ") + 100);
}

static void
what_is_no_text_for_people_is_made_one (void)
{
  g_autofree char *described = weir_value_describe (weir_text_n ("a\0b\xff", 4));

  g_assert_true (g_utf8_validate (described, -1, NULL));
  g_assert_true (g_str_has_prefix (described, "TEXT a"));
  g_assert_nonnull (strchr (described, 'b'));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pairs/kind-and-value-are-named", kind_and_value_are_named);
  g_test_add_func ("/pairs/a-long-value-is-cut", a_long_value_is_cut);
  g_test_add_func ("/pairs/what-is-no-text-for-people-is-made-one", what_is_no_text_for_people_is_made_one);
  return g_test_run ();
}
