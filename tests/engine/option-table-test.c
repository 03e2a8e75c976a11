/* The table of options: what every row must hold, how values are read, and the reference page made from it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/option-table.h"

#include <string.h>

#include <weir/error.h>

#include "engine/machine.h"

static gint64
parsed (WeirOption option, const char *text)
{
  g_autoptr (GError) error = NULL;
  gint64 value = -1;
  g_assert_true (weir_option_parse (weir_option_spec (option), text, &value, &error));
  g_assert_no_error (error);
  return value;
}

static void
assert_refused (WeirOption option, const char *text, const char *message)
{
  g_autoptr (GError) error = NULL;
  gint64 value = 4711;
  g_assert_false (weir_option_parse (weir_option_spec (option), text, &value, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_cmpstr (error->message, ==, message);
  g_assert_cmpint (value, ==, 4711);
}

static void
test_every_row_is_complete (void)
{
  for (guint i = 0; i < WEIR_N_OPTIONS; i++) {
    const WeirOptionSpec *spec = weir_option_spec (i);
    WeirOption found = WEIR_N_OPTIONS;
    g_assert_nonnull (spec->key);
    g_assert_true (weir_option_find (spec->key, &found));
    g_assert_cmpuint (found, ==, i);
    g_assert_nonnull (spec->help);
    g_assert_cmpuint (strlen (spec->help), <=, 37);
    g_assert_nonnull (spec->since);
    g_assert_cmpint (spec->compute != NULL, ==, spec->computed_help != NULL);
    g_assert_cmpint (spec->type == WEIR_OPTION_TYPE_CHOICE, ==, spec->choices != NULL);
  }
}

static void
test_every_default_is_a_value_that_may_be_set (void)
{
  for (guint i = 0; i < WEIR_N_OPTIONS; i++) {
    const WeirOptionSpec *spec = weir_option_spec (i);
    g_autofree char *text = weir_option_format (spec, weir_option_default (spec));
    g_assert_cmpint (parsed (i, text), ==, weir_option_default (spec));
    g_assert_cmpint (parsed (i, weir_option_type_example (spec)), >=, 0);
  }
}

static void
test_the_bounds_themselves_are_in_range (void)
{
  for (guint i = 0; i < WEIR_N_OPTIONS; i++) {
    const WeirOptionSpec *spec = weir_option_spec (i);
    if (spec->type == WEIR_OPTION_TYPE_CHOICE)
      continue;
    g_autoptr (GError) low = NULL, high = NULL;
    g_assert_true (weir_option_check (spec, spec->min, NULL));
    g_assert_true (weir_option_check (spec, spec->max, NULL));
    g_assert_false (weir_option_check (spec, spec->min - 1, &low));
    g_assert_error (low, WEIR_ERROR, WEIR_ERROR_OPTION);
    g_assert_false (weir_option_check (spec, spec->max + 1, &high));
    g_assert_error (high, WEIR_ERROR, WEIR_ERROR_OPTION);
  }
}

static void
test_defaults_follow_the_machine (void)
{
  gint64 memory = weir_option_default (weir_option_spec (WEIR_OPTION_MEMORY_LIMIT));
  gint64 quarter = weir_machine_memory ("/") / 4;
  g_assert_cmpint (weir_option_default (weir_option_spec (WEIR_OPTION_WORKERS)), ==,
                   MIN (weir_machine_cpus ("/"), 256));
  g_assert_cmpint (memory, <=, MAX (quarter, 64 << 20));
  g_assert_cmpint (memory, >, quarter - (1 << 20));
}

static void
test_values_are_read_by_type (void)
{
  g_assert_cmpint (parsed (WEIR_OPTION_BATCH_INTERVAL, "200ms"), ==, WEIR_MILLISECONDS (200));
  g_assert_cmpint (parsed (WEIR_OPTION_MEMORY_LIMIT, "1.5GB"), ==, G_GINT64_CONSTANT (1610612736));
  g_assert_cmpint (parsed (WEIR_OPTION_WORKERS, "256"), ==, 256);
  g_assert_cmpint (parsed (WEIR_OPTION_LOG_LEVEL, "error"), ==, WEIR_LOG_ERROR);
  g_assert_cmpint (parsed (WEIR_OPTION_LOG_LEVEL, "warning"), ==, WEIR_LOG_WARNING);
  g_assert_cmpint (parsed (WEIR_OPTION_LOG_LEVEL, "info"), ==, WEIR_LOG_INFO);
  g_assert_cmpint (parsed (WEIR_OPTION_LOG_LEVEL, "debug"), ==, WEIR_LOG_DEBUG);
}

static void
test_a_value_out_of_range_names_the_range (void)
{
  assert_refused (WEIR_OPTION_WORKERS, "0", "0 is out of range: it may be 1 to 256");
  assert_refused (WEIR_OPTION_WORKERS, "-4", "-4 is out of range: it may be 1 to 256");
  assert_refused (WEIR_OPTION_WORKERS, "99999999999999999999",
                  "\"99999999999999999999\" is out of range: it may be 1 to 256");
  assert_refused (WEIR_OPTION_BATCH_INTERVAL, "0.5ms", "500us is out of range: it may be 1ms to 24h");
  assert_refused (WEIR_OPTION_SOCKET_MAX_LINE, "2GB", "2GB is out of range: it may be 16B to 1GB");
}

static void
test_a_value_of_the_wrong_type_says_what_was_expected (void)
{
  assert_refused (WEIR_OPTION_BATCH_INTERVAL, "200",
                  "\"200\" has no unit: write one of h, m, s, ms, us behind it, as in 1.5s");
  assert_refused (WEIR_OPTION_BATCH_INTERVAL, "soon",
                  "\"soon\" is not a duration with a unit of h, m, s, ms, us: write it as in 1.5s");
  assert_refused (WEIR_OPTION_MEMORY_LIMIT, "much",
                  "\"much\" is not a size with a unit of TB, GB, MB, KB, B: write it as in 256MB");
  assert_refused (WEIR_OPTION_WORKERS, "2.5", "\"2.5\" is not a whole number: write it as in 4");
  assert_refused (WEIR_OPTION_WORKERS, "", "\"\" is not a whole number: write it as in 4");
}

static void
test_a_choice_that_is_none_names_the_choices (void)
{
  assert_refused (WEIR_OPTION_LOG_LEVEL, "loud",
                  "\"loud\" is not possible: it may be one of these: error, warning, info, debug");
  assert_refused (WEIR_OPTION_ON_ERROR, "ignore", "\"ignore\" is not possible: it may be one of these: fail, reject");
  assert_refused (WEIR_OPTION_UI_ADDRESS, "localhost:8080",
                  "\"localhost:8080\" is not possible: it may be nothing but: off; there is no web interface yet");
}

static void
test_a_message_stays_short_and_printable (void)
{
  g_autofree char *huge = g_strnfill (1 << 20, 'x');
  g_autofree char *quoted = weir_option_quote (huge);
  g_autofree char *odd = weir_option_quote ("a\nb\033[31m\xff");
  g_assert_cmpuint (strlen (quoted), ==, 60 + 5);
  g_assert_true (g_str_has_suffix (quoted, "x...\""));
  g_assert_cmpstr (odd, ==, "\"a?b?[31m\xef\xbf\xbd\"");
}

static void
test_the_variable_is_the_key_in_capitals (void)
{
  g_autofree char *variable = weir_option_variable (weir_option_spec (WEIR_OPTION_SOCKET_MAX_LINE));
  g_assert_cmpstr (variable, ==, "WEIR_SOCKET_MAX_LINE");
}

static const char page_head[] =
    "# Options\n"
    "\n"
    "<!-- Made from engine/option-table.c: edit that, then run the test engine/option-table-test with\n"
    "     UPDATE_REFERENCE=1 in the environment. -->\n"
    "\n"
    "Every job that calls `weir_context_parse_args` takes these. An option is set, in this order of precedence,\n"
    "\n"
    "1. on the command line: `--batch.interval=200ms` or `--batch.interval 200ms`; of two the last counts;\n"
    "2. in the environment: `WEIR_BATCH_INTERVAL=200ms`; an empty value counts as unset, and a name that starts with\n"
    "   `WEIR_` and is no option is warned of (but `WEIR_TEST_...` is left to test suites);\n"
    "3. in a file: `--config job.conf`, see below;\n"
    "4. by the job: `weir_context_set (ctx, \"batch.interval\", \"200ms\", &error)`; the interval given to\n"
    "   `weir_context_new` ranks the same;\n"
    "5. by default.\n"
    "\n"
    "An unknown option, a value of the wrong type and a value out of range end the job before it starts, with an error\n"
    "(`WEIR_ERROR_OPTION`) that names the nearest option, the range, or an example.\n"
    "\n"
    "| option | type | default | range | meaning | since |\n"
    "|---|---|---|---|---|---|\n";

static const char page_tail[] =
    "\n"
    "**Durations** need a unit: `us`, `ms`, `s`, `m` (minutes) or `h`, as in `500us`, `200ms`, `1.5s`, `2m`, `1h`.\n"
    "**Sizes** are bytes, or have a unit of `KB`, `MB`, `GB` or `TB`, which are powers of 1024: `64KB` is 65,536 bytes.\n"
    "Both take up to six decimals; what is left below a microsecond or a byte is cut off.\n"
    "\n"
    "## The file\n"
    "\n"
    "A key file, in UTF-8. Only the group `[weir]` is read, so the job may keep groups of its own in it. `--config` may\n"
    "stand several times; of two values the last counts.\n"
    "\n"
    "```ini\n"
    "# job.conf\n"
    "[weir]\n"
    "batch.interval = 200ms\n"
    "memory.limit = 1.5GB\n"
    "```\n"
    "\n"
    "## The rest of the command line\n"
    "\n"
    "`--help` (`-h`) prints a page with the job's own options and these, `--version` the job's name and weir's version.\n"
    "`--` ends the options: what follows are words, even if they start with `-`. A negative number is a word anywhere.\n"
    "The words are checked against what the job declared with `weir_context_set_usage`.\n"
    "\n"
    "## Notes\n"
    "\n"
    "* `workers`: CPUs count as the process' affinity and the CPU quota of its control group allow, at most 256.\n"
    "* `memory.limit`: memory is that of the machine or the limit of its control group, whichever is smaller; the default\n"
    "  is at least 64MB.\n"
    "* `checkpoint`: with it, running the job again continues it: state and offsets come back by uid. Without it nothing is\n"
    "  kept.\n"
    "* `state.limit`: what keyed state may hold; the job fails with STATE_LIMIT beyond it, since reading more slowly would\n"
    "  not make it smaller. What windows hold counts against `memory.limit`.\n"
    "* `state.orphans`: a checkpoint holds state of a stream that the job has no more: `fail` stops the start and lists it,\n"
    "  `drop` forgets it for good.\n"
    "* `restart.attempts`: with a checkpoint, a batch that fails is run again from the sealed state, so many times a minute;\n"
    "  0: the job stops at the first.\n"
    "* `on.error`: `fail`: the batch fails; `reject`: a record that would fail the batch is kept apart and counted, and\n"
    "  the batch goes on: [how](../how-to/handle-bad-records.md#go-on-all-the-same).\n"
    "* `stop.timeout`: on a graceful stop, the time to process what was received as well as for threads to end. Keep it\n"
    "  below the time after which a supervisor kills the process.\n";

static void
append_row (GString *page, const WeirOptionSpec *spec)
{
  g_autofree char *range = weir_option_range (spec);
  g_autofree char *type = g_ascii_strdown (weir_option_type_name (spec), -1);
  g_autofree char *value =
      spec->compute != NULL || spec->type == WEIR_OPTION_TYPE_TEXT ? NULL : weir_option_format (spec, spec->fallback);
  g_string_append_printf (page, "| `%s` | %s | %s%s%s | %s | %s%s%s | %s |\n", spec->key, type,
                          value != NULL ? "`" : "",
                          value != NULL           ? value
                          : spec->compute != NULL ? spec->computed_help
                                                  : "none",
                          value != NULL ? "`" : "", range, spec->help, spec->no_choice_help != NULL ? "; " : "",
                          spec->no_choice_help != NULL ? spec->no_choice_help : "", spec->since);
}

static char *
reference_page (void)
{
  GString *page = g_string_new (page_head);
  for (guint i = 0; i < WEIR_N_OPTIONS; i++)
    append_row (page, weir_option_spec (i));
  g_string_append (page, page_tail);
  return g_string_free (page, FALSE);
}

static void
test_the_reference_page_is_up_to_date (void)
{
  const char *root = g_getenv ("WEIR_TEST_SOURCE_ROOT");
  g_autoptr (GError) error = NULL;
  g_autofree char *expected = reference_page ();
  g_autofree char *found = NULL;

  if (root == NULL) {
    g_test_skip ("WEIR_TEST_SOURCE_ROOT is not set: run by meson test");
    return;
  }
  g_autofree char *path = g_build_filename (root, "docs", "reference", "options.md", NULL);
  if (g_getenv ("UPDATE_REFERENCE") != NULL)
    g_file_set_contents (path, expected, -1, &error);
  g_assert_no_error (error);
  g_file_get_contents (path, &found, NULL, &error);
  g_assert_no_error (error);
  if (strcmp (found, expected) != 0)
    g_test_message ("docs/reference/options.md is out of date: run this test with UPDATE_REFERENCE=1");
  g_assert_cmpstr (found, ==, expected);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/option-table/every-row-is-complete", test_every_row_is_complete);
  g_test_add_func ("/option-table/every-default-is-a-value-that-may-be-set",
                   test_every_default_is_a_value_that_may_be_set);
  g_test_add_func ("/option-table/the-bounds-themselves-are-in-range", test_the_bounds_themselves_are_in_range);
  g_test_add_func ("/option-table/defaults-follow-the-machine", test_defaults_follow_the_machine);
  g_test_add_func ("/option-table/values-are-read-by-type", test_values_are_read_by_type);
  g_test_add_func ("/option-table/a-value-out-of-range-names-the-range", test_a_value_out_of_range_names_the_range);
  g_test_add_func ("/option-table/a-value-of-the-wrong-type-says-what-was-expected",
                   test_a_value_of_the_wrong_type_says_what_was_expected);
  g_test_add_func ("/option-table/a-choice-that-is-none-names-the-choices",
                   test_a_choice_that_is_none_names_the_choices);
  g_test_add_func ("/option-table/a-message-stays-short-and-printable", test_a_message_stays_short_and_printable);
  g_test_add_func ("/option-table/the-variable-is-the-key-in-capitals", test_the_variable_is_the_key_in_capitals);
  g_test_add_func ("/option-table/the-reference-page-is-up-to-date", test_the_reference_page_is_up_to_date);
  return g_test_run ();
}
