/* Values written as text.
 * Must not know sinks. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/value-text.h"

#include <locale.h>
#include <math.h>
#include <string.h>

#include <weir/weir.h>

static void
assert_text (WeirValue v, const char *expected)
{
  g_autofree char *text = weir_to_string (v);

  g_assert_cmpstr (text, ==, expected);
}

static void
values_are_written_as_spark_prints_them (void)
{
  assert_text (weir_nil (), "null");
  assert_text (weir_bool (TRUE), "true");
  assert_text (weir_bool (FALSE), "false");
  assert_text (weir_int (42), "42");
  assert_text (weir_float (1.5), "1.5");
  assert_text (weir_text ("hello"), "hello");
  assert_text (WEIR_PAIR_OF (weir_text ("hello"), weir_int (1)), "(hello,1)");
  assert_text (WEIR_LIST_OF (weir_int (1), weir_int (2)), "[1,2]");
  assert_text (weir_list_at (NULL, 0), "[]");
  assert_text (weir_bytes ("\x0a\x0b\xff", 3), "0x0a0bff");
  assert_text (weir_bytes (NULL, 0), "0x");
  assert_text (WEIR_PAIR_OF (weir_nil (), WEIR_PAIR_OF (weir_text (""), WEIR_LIST_OF (weir_nil ()))),
               "(null,(,[null]))");
}

static void
ints_are_written_to_their_limits (void)
{
  assert_text (weir_int (0), "0");
  assert_text (weir_int (-7), "-7");
  assert_text (weir_int (1000000), "1000000");
  assert_text (weir_int (G_MAXINT64), "9223372036854775807");
  assert_text (weir_int (G_MININT64), "-9223372036854775808");
}

static void
text_passes_unchanged (void)
{
  const char odd[] = "a,\x01(\xff\xfe\0z";
  GString *out = g_string_new ("> ");

  weir_append_to_string (out, weir_text_n (odd, sizeof odd - 1));
  g_assert_cmpmem (out->str, out->len, "> a,\x01(\xff\xfe\0z", sizeof odd + 1);
  g_string_free (out, TRUE);
}

static void
floats_are_written_as_java_does (void)
{
  assert_text (weir_float (0.0), "0.0");
  assert_text (weir_float (-0.0), "-0.0");
  assert_text (weir_float (1.0), "1.0");
  assert_text (weir_float (-12.25), "-12.25");
  assert_text (weir_float (0.1), "0.1");
  assert_text (weir_float (0.1 + 0.2), "0.30000000000000004");
  assert_text (weir_float (100.5), "100.5");
  assert_text (weir_float (0.001), "0.001");
  assert_text (weir_float (0.00123), "0.00123");
  assert_text (weir_float (0.0001), "1.0E-4");
  assert_text (weir_float (9999999.0), "9999999.0");
  assert_text (weir_float (1e7), "1.0E7");
  assert_text (weir_float (-1.25e10), "-1.25E10");
  assert_text (weir_float (1e100), "1.0E100");
  assert_text (weir_float (G_MAXDOUBLE), "1.7976931348623157E308");
  assert_text (weir_float (2.2250738585072014e-308), "2.2250738585072014E-308");
  assert_text (weir_float (5e-324), "5.0E-324");
  assert_text (weir_float (NAN), "NaN");
  assert_text (weir_float (-NAN), "NaN");
  assert_text (weir_float (INFINITY), "Infinity");
  assert_text (weir_float (-INFINITY), "-Infinity");
}

static void
floats_read_back_as_the_same_bits (void)
{
  for (guint i = 0; i < 50000; i++) {
    WeirValue v = weir_float (0.0), read = v;
    char text[WEIR_FLOAT_TEXT_MAX];

    v.bits = (guint64) (guint32) g_test_rand_int () << 32 | (guint32) g_test_rand_int ();
    if (i % 2 == 0)
      v.number = (gdouble) g_test_rand_int_range (-1000000, 1000000) / 1000;
    if (isnan (v.number))
      continue;
    g_assert_cmpuint (weir_format_float (v.number, text), ==, strlen (text));
    g_assert_true (weir_parse_float (weir_text (text), &read.number));
    g_assert_cmpuint (read.bits, ==, v.bits);
    g_assert_nonnull (strchr (isinf (v.number) ? "." : text, '.'));
  }
}

static void
locale_has_no_say (void)
{
  gdouble read = 0.0;

  if (setlocale (LC_ALL, "de_DE.UTF-8") == NULL && setlocale (LC_ALL, "fr_FR.UTF-8") == NULL) {
    g_test_skip ("no locale with a decimal comma is installed");
    return;
  }
  assert_text (weir_float (1234567.5), "1234567.5");
  assert_text (weir_float (1.5e-9), "1.5E-9");
  g_assert_true (weir_parse_float (weir_text ("1.5"), &read));
  g_assert_cmpfloat (read, ==, 1.5);
  setlocale (LC_ALL, "C");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/value-text/values-are-written-as-spark-prints-them", values_are_written_as_spark_prints_them);
  g_test_add_func ("/value-text/ints-are-written-to-their-limits", ints_are_written_to_their_limits);
  g_test_add_func ("/value-text/text-passes-unchanged", text_passes_unchanged);
  g_test_add_func ("/value-text/floats-are-written-as-java-does", floats_are_written_as_java_does);
  g_test_add_func ("/value-text/floats-read-back-as-the-same-bits", floats_read_back_as_the_same_bits);
  g_test_add_func ("/value-text/locale-has-no-say", locale_has_no_say);
  return g_test_run ();
}
