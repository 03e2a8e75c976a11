/* framing-read-test.c: what a worker reads out of complete bytes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/naive-framing.h"

#define N_LINES 5000

static const WeirFraming lines = { .kind = WEIR_FRAMING_LINES, .delimiter = '\n', .max_size = 100, .text = TRUE };

/* The bytes as a block holds them, with slack behind. */
static char *
with_slack (const char *data, gsize size)
{
  char *copy = g_malloc0 (size + WEIR_FRAMING_SLACK);

  memcpy (copy, data, size);
  return copy;
}

static void
test_steps_of_any_size_see_the_same_lines (void)
{
  g_autoptr (GString) text = g_string_new (NULL);
  WeirFramingTally tally = { 0 };
  WeirValue values[WEIR_CHUNK_SIZE];

  for (guint i = 0; i < N_LINES; i++)
    g_string_append_printf (text, "%0*u\n", (int) (i % 97) + 1, i);
  g_autofree char *data = with_slack (text->str, text->len);
  for (guint capacity = 1; capacity <= WEIR_CHUNK_SIZE; capacity += 17) {
    const char *at = data, *end = data + text->len;
    guint seen = 0, n;

    for (; at < end; seen += n) {
      n = weir_framing_read (&lines, &at, end, values, capacity, &tally);
      g_assert_cmpuint (n, <=, capacity);
      for (guint i = 0; i < n; i++) {
        g_autofree char *wanted = g_strdup_printf ("%0*u", (int) ((seen + i) % 97) + 1, seen + i);

        g_assert_cmpmem (values[i].data, values[i].size, wanted, strlen (wanted));
        g_assert_cmpuint (values[i].kind, ==, WEIR_TEXT);
        g_assert_cmpuint (values[i].flags, ==, 0);
      }
    }
    g_assert_cmpuint (seen, ==, N_LINES);
  }
  g_assert_cmpuint (tally.n_too_long + tally.n_invalid_utf8, ==, 0);
}

static void
test_lines_that_are_not_utf8_pass_and_are_counted (void)
{
  static const char text[] = "plain\nf\xc3\xbcnf\nbad \xff\n\xc3\n a \0 NUL \xc3\xbc\n\xed\xa0\x80\n";
  g_autofree char *data = with_slack (text, sizeof text - 1);
  const char *at = data;
  WeirFramingTally tally = { 0 };
  WeirValue values[10];

  g_assert_cmpuint (weir_framing_read (&lines, &at, data + sizeof text - 1, values, 10, &tally), ==, 6);
  g_assert_cmpuint (tally.n_invalid_utf8, ==, 3);
  g_assert_cmpmem (values[2].data, values[2].size, "bad \xff", 5);
}

static void
test_bytes_are_not_looked_at_as_text (void)
{
  const WeirFraming framing = { .kind = WEIR_FRAMING_DELIMITER, .delimiter = ';', .max_size = 100 };
  g_autofree char *data = with_slack ("\xff;\xfe;", 4);
  const char *at = data;
  WeirFramingTally tally = { 0 };
  WeirValue values[10];

  g_assert_cmpuint (weir_framing_read (&framing, &at, data + 4, values, 10, &tally), ==, 2);
  g_assert_cmpuint (tally.n_invalid_utf8, ==, 0);
  g_assert_cmpuint (values[0].kind, ==, WEIR_BYTES);
}

static void
test_lines_that_are_too_long_are_left_out (void)
{
  g_autoptr (GString) text = g_string_new ("before\n");
  WeirFramingTally tally = { 0 };
  WeirValue values[10];
  const char *at;

  for (guint i = 0; i < 101; i++)
    g_string_append_c (text, 'x');
  g_string_append (text, "\nafter\n");
  g_autofree char *data = with_slack (text->str, text->len);
  at = data;
  g_assert_cmpuint (weir_framing_read (&lines, &at, data + text->len, values, 10, &tally), ==, 2);
  g_assert_cmpuint (tally.n_too_long, ==, 1);
  g_assert_cmpmem (values[1].data, values[1].size, "after", 5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/framing-read/steps-of-any-size-see-the-same-lines", test_steps_of_any_size_see_the_same_lines);
  g_test_add_func ("/framing-read/lines-that-are-not-utf8-pass-and-are-counted",
                   test_lines_that_are_not_utf8_pass_and_are_counted);
  g_test_add_func ("/framing-read/bytes-are-not-looked-at-as-text", test_bytes_are_not_looked_at_as_text);
  g_test_add_func ("/framing-read/lines-that-are-too-long-are-left-out", test_lines_that_are_too_long_are_left_out);
  return g_test_run ();
}
