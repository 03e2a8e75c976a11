/* The error domain.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/error.h>

static const WeirError all_codes[] = {
  WEIR_ERROR_HELP,
  WEIR_ERROR_GRAPH,
  WEIR_ERROR_OPTION,
  WEIR_ERROR_SOURCE,
  WEIR_ERROR_SINK,
  WEIR_ERROR_DATA_LOSS,
  WEIR_ERROR_CHECKPOINT_CORRUPT,
  WEIR_ERROR_CHECKPOINT_LOCKED,
  WEIR_ERROR_CHECKPOINT_BEHIND,
  WEIR_ERROR_ORPHAN_STATE,
  WEIR_ERROR_STATE_LIMIT,
  WEIR_ERROR_MEMORY_LIMIT,
  WEIR_ERROR_KIND,
  WEIR_ERROR_OVERFLOW,
  WEIR_ERROR_USER,
  WEIR_ERROR_FENCED,
  WEIR_ERROR_TIMEOUT,
  WEIR_ERROR_CLOSED,
  WEIR_ERROR_FAILED,
};

static void
test_codes_keep_their_numbers (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (all_codes); i++)
    g_assert_cmpuint (all_codes[i], ==, i);
  g_assert_cmpstr (g_quark_to_string (WEIR_ERROR), ==, "weir-error-quark");
}

static void
test_only_outside_causes_are_retriable (void)
{
  guint retriable =
      1u << WEIR_ERROR_SOURCE | 1u << WEIR_ERROR_SINK | 1u << WEIR_ERROR_TIMEOUT | 1u << WEIR_ERROR_CHECKPOINT_LOCKED;
  for (guint i = 0; i < G_N_ELEMENTS (all_codes); i++) {
    g_autoptr (GError) error = g_error_new_literal (WEIR_ERROR, all_codes[i], "x");
    g_assert_cmpint (weir_error_is_retriable (error), ==, (retriable >> i) & 1);
  }
}

static void
test_other_errors_are_not_retriable (void)
{
  g_autoptr (GError) foreign = g_error_new_literal (G_FILE_ERROR, WEIR_ERROR_TIMEOUT, "x");
  g_assert_false (weir_error_is_retriable (foreign));
  g_assert_false (weir_error_is_retriable (NULL));
}

static GError *
some_error (GQuark domain, int code)
{
  return g_error_new_literal (domain, code, "port 99 of gr\xc3\xbc\xc3\x9f.invalid");
}

/* In a child: what is printed can be seen there; a wrong status fails it. */
static void
exit_with (GQuark domain, int code, int expected)
{
  g_autoptr (GError) error = some_error (domain, code);
  g_set_prgname ("some-job");
  g_assert_cmpint (weir_exit_with_error (error), ==, expected);
}

static void
test_a_failure_is_printed_and_gives_1 (void)
{
  if (g_test_subprocess ()) {
    exit_with (WEIR_ERROR, WEIR_ERROR_SOURCE, 1);
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("some-job: port 99 of gr\xc3\xbc\xc3\x9f.invalid\n");
}

static void
test_an_error_of_another_domain_gives_1 (void)
{
  if (g_test_subprocess ()) {
    exit_with (G_FILE_ERROR, WEIR_ERROR_HELP, 1);
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("some-job: port 99*");
}

static void
test_help_prints_nothing_and_gives_0 (void)
{
  if (g_test_subprocess ()) {
    exit_with (WEIR_ERROR, WEIR_ERROR_HELP, 0);
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("");
  g_test_trap_assert_stdout_unmatched ("*port 99*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/error/codes-keep-their-numbers", test_codes_keep_their_numbers);
  g_test_add_func ("/error/only-outside-causes-are-retriable", test_only_outside_causes_are_retriable);
  g_test_add_func ("/error/other-errors-are-not-retriable", test_other_errors_are_not_retriable);
  g_test_add_func ("/error/a-failure-is-printed-and-gives-1", test_a_failure_is_printed_and_gives_1);
  g_test_add_func ("/error/an-error-of-another-domain-gives-1", test_an_error_of_another_domain_gives_1);
  g_test_add_func ("/error/help-prints-nothing-and-gives-0", test_help_prints_nothing_and_gives_0);
  return g_test_run ();
}
