/* utf8-test.c: the validation agrees with GLib's on every sequence, NUL apart.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sources/utf8.h"

static void
test_all_sequences_of_three_bytes (void)
{
  for (guint32 i = 0; i < 1u << 24; i++) {
    const char bytes[3] = { (char) (i >> 16), (char) (i >> 8), (char) i };

    if (memchr (bytes, 0, 3) == NULL && weir_utf8_is_valid (bytes, 3) != g_utf8_validate_len (bytes, 3, NULL))
      g_error ("%06x is judged wrongly", i);
  }
}

static void
test_sequences_of_four_bytes (void)
{
  static const guint8 seconds[] = { 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff };

  for (guint lead = 1; lead < 256; lead++)
    for (guint i = 0; i < 1000; i++) {
      const char bytes[4] = { (char) lead, (char) seconds[i / 100], (char) seconds[i / 10 % 10],
                              (char) seconds[i % 10] };

      g_assert_cmpint (weir_utf8_is_valid (bytes, 4), ==, g_utf8_validate_len (bytes, 4, NULL));
    }
}

static void
test_a_nul_is_a_character (void)
{
  g_assert_true (weir_utf8_is_valid ("a\0b", 3));
  g_assert_true (weir_utf8_is_valid ("\xc3\xbc\0", 3));
  g_assert_true (weir_utf8_is_valid ("", 0));
}

static void
test_a_bad_byte_is_found_wherever_it_stands (void)
{
  char text[100];

  for (gsize i = 0; i < sizeof text; i++) {
    memset (text, 'x', sizeof text);
    text[i] = (char) 0xff;
    g_assert_false (weir_utf8_is_valid (text, sizeof text));
    g_assert_true (weir_utf8_is_valid (text, i));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/utf8/all-sequences-of-three-bytes", test_all_sequences_of_three_bytes);
  g_test_add_func ("/utf8/sequences-of-four-bytes", test_sequences_of_four_bytes);
  g_test_add_func ("/utf8/a-nul-is-a-character", test_a_nul_is_a_character);
  g_test_add_func ("/utf8/a-bad-byte-is-found-wherever-it-stands", test_a_bad_byte_is_found_wherever_it_stands);
  return g_test_run ();
}
