/* Tokens, fields and numbers in a text, also where the text ends with the memory that may be read.
 * Must not know tasks beyond their memory. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <weir/weir.h>

#include "tests/engine/task-fixture.h"

/* The tokens with '|' behind each. */
static char *
tokens_of (WeirValue text, char separator)
{
  GString *out = g_string_new (NULL);
  WeirValue token;

  while (weir_text_next_token (&text, separator, &token)) {
    g_string_append_len (out, weir_data (token), (gssize) weir_size (token));
    g_string_append_c (out, '|');
  }
  g_assert_cmpuint (weir_size (text), ==, 0);
  return g_string_free (out, FALSE);
}

static void
assert_tokens (WeirValue text, char separator, const char *expected)
{
  g_autofree char *tokens = tokens_of (text, separator);

  g_assert_cmpstr (tokens, ==, expected);
}

static void
tokens_skip_empty_ones (void)
{
  assert_tokens (weir_text ("to be  or"), ' ', "to|be|or|");
  assert_tokens (weir_text ("  a "), ' ', "a|");
  assert_tokens (weir_text ("   "), ' ', "");
  assert_tokens (weir_text (""), ' ', "");
  assert_tokens (weir_text_n (NULL, 0), ' ', "");
  assert_tokens (weir_text ("a\tb c"), ' ', "a\tb|c|");
  assert_tokens (weir_bytes ("a,b", 3), ',', "a|b|");
  assert_tokens (weir_text ("a word of more than sixteen bytes: antidisestablishmentarianism"), ' ',
                 "a|word|of|more|than|sixteen|bytes:|antidisestablishmentarianism|");
}

static void
separator_zero_is_any_ascii_blank (void)
{
  assert_tokens (weir_text (" a\tb\nc\vd\fe\rf  g"), 0, "a|b|c|d|e|f|g|");
  assert_tokens (weir_text ("\r\n"), 0, "");
  assert_tokens (weir_text_n (NULL, 0), 0, "");
  assert_tokens (weir_text ("\x08\x0e\x1f!\xa0\x89"), 0, "\x08\x0e\x1f!\xa0\x89|");
  assert_tokens (weir_text ("exactly-sixteen! thirty-two-bytes-in-a-single-tok\tx"), 0,
                 "exactly-sixteen!|thirty-two-bytes-in-a-single-tok|x|");
}

static void
other_kinds_have_no_tokens (void)
{
  WeirValue rest = weir_int (5), token = weir_text ("as it was");

  g_assert_false (weir_text_next_token (&rest, ' ', &token));
  g_assert_false (weir_text_next_token (&rest, 0, &token));
  g_assert_cmpint (weir_as_int (rest), ==, 5);
  g_assert_true (weir_equal (token, weir_text ("as it was")));
}

static void
tokens_keep_kind_and_whether_they_are_borrowed (void)
{
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);
  WeirValue rest = weir_copy (task, weir_bytes ("a b", 3)), token = weir_nil ();

  g_assert_true (weir_text_next_token (&rest, 0, &token));
  g_assert_cmpint (weir_kind (token), ==, WEIR_BYTES);
  g_assert_cmpuint (token.flags, ==, 0);
  rest = weir_text ("a b");
  g_assert_true (weir_text_next_token (&rest, 0, &token));
  g_assert_cmpuint (token.flags, ==, WEIR_VALUE_BORROWED);
  task_fixture_clear (&fixture);
}

static char *
tokens_one_by_one (const char *p, gsize n, const char *separators, gsize n_separators)
{
  GString *out = g_string_new (NULL);

  for (gsize i = 0; i < n; i++) {
    gboolean apart = memchr (separators, p[i], n_separators) != NULL;

    if (!apart)
      g_string_append_c (out, p[i]);
    if (!apart && (i + 1 == n || memchr (separators, p[i + 1], n_separators) != NULL))
      g_string_append_c (out, '|');
  }
  return g_string_free (out, FALSE);
}

/* Two pages, the second of which cannot be read: a text that ends with the first one faults if read too far. */
static char *
page_before_a_hole (gsize *page_size)
{
  char *page;

  *page_size = (gsize) sysconf (_SC_PAGESIZE);
  page = mmap (NULL, 2 * *page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  g_assert_true (page != MAP_FAILED);
  g_assert_cmpint (mprotect (page + *page_size, *page_size, PROT_NONE), ==, 0);
  return page;
}

static void
tokens_are_found_up_to_the_last_byte_of_a_page (void)
{
  static const char letters[] = { 'a', 'b', 'c', ' ', '\t', ' ' };
  gsize page_size;
  char *page = page_before_a_hole (&page_size);

  for (gsize n = 0; n < 200; n++) {
    char *p = page + page_size - n;
    g_autofree char *spaces = NULL, *blanks = NULL;

    for (gsize i = 0; i < n; i++)
      p[i] = letters[(guint) g_test_rand_int () % G_N_ELEMENTS (letters)];
    spaces = tokens_one_by_one (p, n, " ", 1);
    blanks = tokens_one_by_one (p, n, " \t", 2);
    assert_tokens (weir_text_n (p, n), ' ', spaces);
    assert_tokens (weir_text_n (p, n), 0, blanks);
  }
  munmap (page, 2 * page_size);
}

static void
assert_field (WeirValue text, char separator, gsize index, const char *expected)
{
  WeirValue field = weir_nil ();

  g_assert_true (weir_text_field (text, separator, index, &field));
  g_assert_cmpmem (weir_data (field), weir_size (field), expected, strlen (expected));
  g_assert_cmpint (weir_kind (field), ==, weir_kind (text));
}

static void
fields_keep_empty_ones (void)
{
  WeirValue field = weir_nil ();

  assert_field (weir_text ("a,,b"), ',', 0, "a");
  assert_field (weir_text ("a,,b"), ',', 1, "");
  assert_field (weir_text ("a,,b"), ',', 2, "b");
  g_assert_false (weir_text_field (weir_text ("a,,b"), ',', 3, &field));
  assert_field (weir_text (","), ',', 1, "");
  g_assert_false (weir_text_field (weir_text (","), ',', 2, &field));
  assert_field (weir_text (""), ',', 0, "");
  assert_field (weir_text_n (NULL, 0), ',', 0, "");
  g_assert_false (weir_text_field (weir_text (""), ',', 1, &field));
  assert_field (weir_text ("a \tb"), 0, 1, "");
  assert_field (weir_bytes ("a \tb", 4), 0, 2, "b");
  g_assert_false (weir_text_field (weir_int (1), ',', 0, &field));
  g_assert_false (weir_text_field (weir_text ("a"), ',', G_MAXSIZE, &field));
  g_assert_true (weir_is_nil (field));
}

static void
assert_int (const char *text, gint64 expected)
{
  gint64 value = 0;

  g_assert_true (weir_parse_int (weir_text (text), &value));
  g_assert_cmpint (value, ==, expected);
}

static void
ints_are_whole_texts_within_range (void)
{
  static const char *const none[] = { "",
                                      "-",
                                      "+",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x10",
                                      "--1",
                                      "+-1",
                                      "1e3",
                                      "\xd9\xa1",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999" };
  gint64 value = 77;

  assert_int ("0", 0);
  assert_int ("-0", 0);
  assert_int ("+42", 42);
  assert_int ("-0007", -7);
  assert_int ("9223372036854775807", G_MAXINT64);
  assert_int ("-9223372036854775808", G_MININT64);
  assert_int ("000000000000000000000000000000000012", 12);
  for (guint i = 0; i < G_N_ELEMENTS (none); i++)
    g_assert_false (weir_parse_int (weir_text (none[i]), &value));
  g_assert_false (weir_parse_int (weir_text_n ("1\0", 2), &value));
  g_assert_false (weir_parse_int (weir_text_n (NULL, 0), &value));
  g_assert_false (weir_parse_int (weir_int (1), &value));
  g_assert_cmpint (value, ==, 77);
  g_assert_true (weir_parse_int (weir_bytes ("123456", 3), &value));
  g_assert_cmpint (value, ==, 123);
}

static void
assert_float (const char *text, gdouble expected)
{
  gdouble value = 77.0;

  g_assert_true (weir_parse_float (weir_text (text), &value));
  g_assert_true (value == expected || (isnan (value) && isnan (expected)));
}

static void
floats_are_whole_texts (void)
{
  static const char *const none[] = { "", "-", ".", " 1", "1 ", "\n1", "1,5", "1.5x", "e5", "nil", "1..2", "1e" };
  g_autofree char *nines = g_strnfill (1100, '9'), *too_long = g_strnfill (1101, '0');
  gdouble value = 77.0;

  assert_float ("1", 1.0);
  assert_float ("-1.5e3", -1500.0);
  assert_float (".5", 0.5);
  assert_float ("1.0E7", 1e7);
  assert_float ("NaN", NAN);
  assert_float ("-Infinity", -INFINITY);
  assert_float (nines, INFINITY);
  assert_float ("1e-999", 0.0);
  for (guint i = 0; i < G_N_ELEMENTS (none); i++)
    g_assert_false (weir_parse_float (weir_text (none[i]), &value));
  g_assert_false (weir_parse_float (weir_text_n ("1\0", 2), &value));
  g_assert_false (weir_parse_float (weir_text (too_long), &value));
  g_assert_false (weir_parse_float (weir_float (1.0), &value));
  g_assert_cmpfloat (value, ==, 77.0);
}

static void
cstr_ends_with_a_nul (void)
{
  TaskFixture fixture;
  WeirTask *task = task_fixture_init (&fixture);
  WeirValue rest = weir_text ("hello world"), word;

  g_assert_true (weir_text_next_token (&rest, ' ', &word));
  g_assert_cmpstr (weir_cstr (task, word), ==, "hello");
  g_assert_cmpstr (weir_cstr (task, weir_text_n (NULL, 0)), ==, "");
  g_assert_cmpstr (weir_cstr (task, weir_int (1)), ==, "");
  g_assert_cmpmem (weir_cstr (task, weir_text_n ("a\0b", 3)), 4, "a\0b", 4);
  task_fixture_clear (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/text/tokens-skip-empty-ones", tokens_skip_empty_ones);
  g_test_add_func ("/text/separator-zero-is-any-ascii-blank", separator_zero_is_any_ascii_blank);
  g_test_add_func ("/text/other-kinds-have-no-tokens", other_kinds_have_no_tokens);
  g_test_add_func ("/text/tokens-keep-kind-and-whether-they-are-borrowed",
                   tokens_keep_kind_and_whether_they_are_borrowed);
  g_test_add_func ("/text/tokens-are-found-up-to-the-last-byte-of-a-page",
                   tokens_are_found_up_to_the_last_byte_of_a_page);
  g_test_add_func ("/text/fields-keep-empty-ones", fields_keep_empty_ones);
  g_test_add_func ("/text/ints-are-whole-texts-within-range", ints_are_whole_texts_within_range);
  g_test_add_func ("/text/floats-are-whole-texts", floats_are_whole_texts);
  g_test_add_func ("/text/cstr-ends-with-a-nul", cstr_ends_with_a_nul);
  return g_test_run ();
}
