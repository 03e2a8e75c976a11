/* Numbers with a unit.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/quantity.h"

typedef struct {
  const char *text;
  WeirQuantityResult result;
  gint64 value;
} Case;

static void
check (const WeirUnit *units, const Case *cases, gsize n)
{
  for (gsize i = 0; i < n; i++) {
    gint64 value = 4711;
    g_test_message ("\"%s\"", cases[i].text);
    g_assert_cmpint (weir_quantity_parse (units, cases[i].text, &value), ==, cases[i].result);
    g_assert_cmpint (value, ==, cases[i].result == WEIR_QUANTITY_OK ? cases[i].value : 4711);
  }
}

static void
test_durations_are_microseconds (void)
{
  static const Case cases[] = {
    { "500us", WEIR_QUANTITY_OK, 500 },
    { "200ms", WEIR_QUANTITY_OK, 200000 },
    { "1s", WEIR_QUANTITY_OK, 1000000 },
    { "1.5s", WEIR_QUANTITY_OK, 1500000 },
    { "0.000001s", WEIR_QUANTITY_OK, 1 },
    { "0.0001ms", WEIR_QUANTITY_OK, 0 },
    { "2m", WEIR_QUANTITY_OK, 120000000 },
    { "1h", WEIR_QUANTITY_OK, 3600000000 },
    { " 10 MS ", WEIR_QUANTITY_OK, 10000 },
    { "-1s", WEIR_QUANTITY_OK, -1000000 },
    { "9223372036854775807us", WEIR_QUANTITY_OK, G_MAXINT64 },
    { "9223372036854775808us", WEIR_QUANTITY_TOO_LARGE, 0 },
    { "9223372036855s", WEIR_QUANTITY_TOO_LARGE, 0 },
    { "99999999999999999999999h", WEIR_QUANTITY_TOO_LARGE, 0 },
    { "18446744073709551616us", WEIR_QUANTITY_TOO_LARGE, 0 },
    { "200", WEIR_QUANTITY_NO_UNIT, 0 },
    { "1.5", WEIR_QUANTITY_NO_UNIT, 0 },
    { "0", WEIR_QUANTITY_NO_UNIT, 0 },
    { "", WEIR_QUANTITY_SYNTAX, 0 },
    { "s", WEIR_QUANTITY_SYNTAX, 0 },
    { ".5s", WEIR_QUANTITY_SYNTAX, 0 },
    { "1.s", WEIR_QUANTITY_SYNTAX, 0 },
    { "1.5us", WEIR_QUANTITY_SYNTAX, 0 },
    { "1.2345678s", WEIR_QUANTITY_SYNTAX, 0 },
    { "1,5s", WEIR_QUANTITY_SYNTAX, 0 },
    { "1e3s", WEIR_QUANTITY_SYNTAX, 0 },
    { "0x10s", WEIR_QUANTITY_SYNTAX, 0 },
    { "+1s", WEIR_QUANTITY_SYNTAX, 0 },
    { "- 1s", WEIR_QUANTITY_SYNTAX, 0 },
    { "1s 2", WEIR_QUANTITY_SYNTAX, 0 },
    { "1sec", WEIR_QUANTITY_SYNTAX, 0 },
    { "1\xc2\xb5s", WEIR_QUANTITY_SYNTAX, 0 },
  };
  check (weir_duration_units, cases, G_N_ELEMENTS (cases));
}

static void
test_sizes_are_powers_of_1024 (void)
{
  static const Case cases[] = {
    { "0", WEIR_QUANTITY_OK, 0 },
    { "1000", WEIR_QUANTITY_OK, 1000 },
    { "17B", WEIR_QUANTITY_OK, 17 },
    { "64KB", WEIR_QUANTITY_OK, 65536 },
    { "64kb", WEIR_QUANTITY_OK, 65536 },
    { "1MB", WEIR_QUANTITY_OK, 1048576 },
    { "1.5GB", WEIR_QUANTITY_OK, 1610612736 },
    { "0.999999TB", WEIR_QUANTITY_OK, 1099510528264 },
    { "1.3KB", WEIR_QUANTITY_OK, 1331 },
    { "8388607TB", WEIR_QUANTITY_OK, G_GINT64_CONSTANT (8388607) << 40 },
    { "8388607.999999TB", WEIR_QUANTITY_OK, 9223372036853676296 },
    { "8388608TB", WEIR_QUANTITY_TOO_LARGE, 0 },
    { "16777216TB", WEIR_QUANTITY_TOO_LARGE, 0 },
    { "1.5", WEIR_QUANTITY_SYNTAX, 0 },
    { "64K", WEIR_QUANTITY_SYNTAX, 0 },
    { "64KiB", WEIR_QUANTITY_SYNTAX, 0 },
  };
  check (weir_size_units, cases, G_N_ELEMENTS (cases));
}

static void
test_counts_stand_alone (void)
{
  static const Case cases[] = {
    { "4", WEIR_QUANTITY_OK, 4 },
    { "-5", WEIR_QUANTITY_OK, -5 },
    { "007", WEIR_QUANTITY_OK, 7 },
    { "9223372036854775807", WEIR_QUANTITY_OK, G_MAXINT64 },
    { "9223372036854775808", WEIR_QUANTITY_TOO_LARGE, 0 },
    { "1.0", WEIR_QUANTITY_SYNTAX, 0 },
    { "4MB", WEIR_QUANTITY_SYNTAX, 0 },
    { "four", WEIR_QUANTITY_SYNTAX, 0 },
    { "--4", WEIR_QUANTITY_SYNTAX, 0 },
  };
  check (weir_count_units, cases, G_N_ELEMENTS (cases));
}

static void
check_format (const WeirUnit *units, gint64 value, const char *expected)
{
  gint64 again;
  g_autofree char *text = weir_quantity_format (units, value);
  g_assert_cmpstr (text, ==, expected);
  g_assert_cmpint (weir_quantity_parse (units, text, &again), ==, WEIR_QUANTITY_OK);
  g_assert_cmpint (again, ==, value);
}

static void
test_what_is_written_reads_back (void)
{
  check_format (weir_duration_units, 1500000, "1500ms");
  check_format (weir_duration_units, 60000000, "1m");
  check_format (weir_duration_units, 1, "1us");
  check_format (weir_duration_units, 0, "0us");
  check_format (weir_duration_units, -2000000, "-2s");
  check_format (weir_size_units, 16, "16B");
  check_format (weir_size_units, 1 << 20, "1MB");
  check_format (weir_size_units, 1536 << 20, "1536MB");
  check_format (weir_size_units, 1000000, "1000000B");
  check_format (weir_count_units, 256, "256");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/quantity/durations-are-microseconds", test_durations_are_microseconds);
  g_test_add_func ("/quantity/sizes-are-powers-of-1024", test_sizes_are_powers_of_1024);
  g_test_add_func ("/quantity/counts-stand-alone", test_counts_stand_alone);
  g_test_add_func ("/quantity/what-is-written-reads-back", test_what_is_written_reads_back);
  return g_test_run ();
}
