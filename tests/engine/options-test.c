/* Values from the job, from files and from the environment, and which of them wins.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/options.h"

#include <glib/gstdio.h>
#include <string.h>

#include <weir/error.h>

static void
set (WeirOptions *options, const char *key, const char *value, WeirOrigin origin)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (weir_options_set (options, key, value, origin, &error));
  g_assert_no_error (error);
}

static void
assert_set_refused (const char *key, const char *value, WeirOrigin origin, const char *message)
{
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autoptr (GError) error = NULL;
  g_assert_false (weir_options_set (options, key, value, origin, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_cmpstr (error->message, ==, message);
}

static void
assert_file_refused (const char *text, const char *message)
{
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autoptr (GError) error = NULL;
  g_assert_false (weir_options_read_text (options, "job.conf", text, strlen (text), &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_true (g_pattern_match_simple (message, error->message) || (g_test_message ("%s", error->message), FALSE));
}

static void
test_everything_starts_with_its_default (void)
{
  g_autoptr (WeirOptions) options = weir_options_new ();
  for (guint i = 0; i < WEIR_N_OPTIONS; i++)
    g_assert_cmpint (weir_options_origin (options, i), ==, WEIR_ORIGIN_DEFAULT);
  g_assert_cmpint (weir_options_duration (options, WEIR_OPTION_BATCH_INTERVAL), ==, WEIR_SECONDS (1));
  g_assert_cmpint (weir_options_duration (options, WEIR_OPTION_STOP_TIMEOUT), ==, WEIR_SECONDS (30));
  g_assert_cmpint (weir_options_duration (options, WEIR_OPTION_SOCKET_KEEPALIVE), ==, WEIR_SECONDS (60));
  g_assert_cmpint (weir_options_size (options, WEIR_OPTION_SOCKET_MAX_LINE), ==, 1 << 20);
  g_assert_cmpuint (weir_options_integer (options, WEIR_OPTION_PARTITIONS), ==, 8);
  g_assert_cmpuint (weir_options_integer (options, WEIR_OPTION_CATCHUP_BATCHES), ==, 10);
  g_assert_cmpuint (weir_options_choice (options, WEIR_OPTION_LOG_LEVEL), ==, WEIR_LOG_INFO);
}

static void
assert_shown (const char *value, const char *shown)
{
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autofree char *text = NULL;

  set (options, "checkpoint", value, WEIR_ORIGIN_ENVIRONMENT);
  text = weir_options_text (options, WEIR_OPTION_CHECKPOINT);
  g_assert_cmpstr (text, ==, shown);
  g_assert_cmpstr (weir_options_string (options, WEIR_OPTION_CHECKPOINT), ==, value);
}

static void
test_passwords_are_not_shown (void)
{
  assert_shown ("redis://:secret@host:7/0", "redis://***@host:7/0");
  assert_shown ("redis://me:se@cret/@host:7/0?prefix=a", "redis://***@host:7/0?prefix=a");
  assert_shown ("redis://host:7/0", "redis://host:7/0");
  assert_shown ("file:///dir", "file:///dir");
}

static void
test_a_value_remembers_its_origin (void)
{
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autofree char *text = NULL;
  set (options, "socket.max.line", "64kb", WEIR_ORIGIN_FILE);
  text = weir_options_text (options, WEIR_OPTION_SOCKET_MAX_LINE);
  g_assert_cmpstr (text, ==, "64KB");
  g_assert_cmpint (weir_options_origin (options, WEIR_OPTION_SOCKET_MAX_LINE), ==, WEIR_ORIGIN_FILE);
  g_assert_cmpint (weir_options_origin (options, WEIR_OPTION_WORKERS), ==, WEIR_ORIGIN_DEFAULT);
}

/* Every pair of origins, in both orders. */
static void
test_rank_decides_whoever_speaks_first (void)
{
  for (WeirOrigin low = WEIR_ORIGIN_SET; low < WEIR_ORIGIN_COMMAND_LINE; low++) {
    for (WeirOrigin high = low + 1; high <= WEIR_ORIGIN_COMMAND_LINE; high++) {
      g_autoptr (WeirOptions) rising = weir_options_new ();
      g_autoptr (WeirOptions) falling = weir_options_new ();
      set (rising, "workers", "3", low);
      set (rising, "workers", "5", high);
      set (falling, "workers", "5", high);
      set (falling, "workers", "3", low);
      g_assert_cmpuint (weir_options_integer (rising, WEIR_OPTION_WORKERS), ==, 5);
      g_assert_cmpuint (weir_options_integer (falling, WEIR_OPTION_WORKERS), ==, 5);
      g_assert_cmpint (weir_options_origin (falling, WEIR_OPTION_WORKERS), ==, high);
    }
  }
}

static void
test_of_equals_the_last_one_counts (void)
{
  g_autoptr (WeirOptions) options = weir_options_new ();
  set (options, "workers", "3", WEIR_ORIGIN_SET);
  set (options, "workers", "5", WEIR_ORIGIN_SET);
  g_assert_cmpuint (weir_options_integer (options, WEIR_OPTION_WORKERS), ==, 5);
}

static void
test_a_number_ranks_as_set_by_the_job (void)
{
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autoptr (GError) error = NULL;
  g_assert_true (weir_options_set_number (options, WEIR_OPTION_BATCH_INTERVAL, WEIR_MILLISECONDS (50), &error));
  g_assert_no_error (error);
  g_assert_cmpint (weir_options_duration (options, WEIR_OPTION_BATCH_INTERVAL), ==, WEIR_MILLISECONDS (50));
  g_assert_cmpint (weir_options_origin (options, WEIR_OPTION_BATCH_INTERVAL), ==, WEIR_ORIGIN_SET);

  g_assert_false (weir_options_set_number (options, WEIR_OPTION_BATCH_INTERVAL, 0, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_cmpstr (error->message, ==, "batch.interval: 0us is out of range: it may be 1ms to 24h");
  g_assert_cmpint (weir_options_duration (options, WEIR_OPTION_BATCH_INTERVAL), ==, WEIR_MILLISECONDS (50));
}

static void
test_a_bad_value_changes_nothing (void)
{
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autoptr (GError) error = NULL;
  g_assert_false (weir_options_set (options, "partitions", "0", WEIR_ORIGIN_SET, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_cmpuint (weir_options_integer (options, WEIR_OPTION_PARTITIONS), ==, 8);
  g_assert_cmpint (weir_options_origin (options, WEIR_OPTION_PARTITIONS), ==, WEIR_ORIGIN_DEFAULT);
}

static void
test_an_outranked_value_is_checked_all_the_same (void)
{
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autoptr (GError) error = NULL;
  set (options, "workers", "4", WEIR_ORIGIN_COMMAND_LINE);
  g_assert_false (weir_options_set (options, "workers", "many", WEIR_ORIGIN_FILE, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
}

static void
test_errors_name_the_option_as_the_user_wrote_it (void)
{
  assert_set_refused ("workers", "0", WEIR_ORIGIN_SET, "workers: 0 is out of range: it may be 1 to 256");
  assert_set_refused ("workers", "0", WEIR_ORIGIN_COMMAND_LINE, "--workers: 0 is out of range: it may be 1 to 256");
  assert_set_refused ("workers", "0", WEIR_ORIGIN_ENVIRONMENT, "WEIR_WORKERS: 0 is out of range: it may be 1 to 256");
}

static void
test_an_unknown_key_names_the_nearest (void)
{
  assert_set_refused ("bathc.interval", "1s", WEIR_ORIGIN_SET,
                      "unknown option \"bathc.interval\": did you mean batch.interval? (--help lists all)");
  assert_set_refused ("verbose", "1", WEIR_ORIGIN_SET, "unknown option \"verbose\" (--help lists all)");
  assert_set_refused ("", "1", WEIR_ORIGIN_SET, "unknown option \"\" (--help lists all)");
  assert_set_refused ("WORKERS", "1", WEIR_ORIGIN_SET, "unknown option \"WORKERS\" (--help lists all)");
}

static void
test_a_file_sets_its_group (void)
{
  static const char text[] = "# a comment\n[other]\nworkers=nonsense\n[weir]\n  batch.interval = 200ms \nworkers=3\n";
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autoptr (GError) error = NULL;
  g_assert_true (weir_options_read_text (options, "job.conf", text, strlen (text), &error));
  g_assert_no_error (error);
  g_assert_cmpint (weir_options_duration (options, WEIR_OPTION_BATCH_INTERVAL), ==, WEIR_MILLISECONDS (200));
  g_assert_cmpuint (weir_options_integer (options, WEIR_OPTION_WORKERS), ==, 3);
  g_assert_cmpint (weir_options_origin (options, WEIR_OPTION_WORKERS), ==, WEIR_ORIGIN_FILE);
}

static void
test_a_bad_file_is_named_with_its_fault (void)
{
  assert_file_refused ("[weir]\nbathc.interval=1s\n",
                       "job.conf: unknown option \"bathc.interval\": did you mean batch.interval?*");
  assert_file_refused ("[weir]\nworkers=0\n", "job.conf: workers: 0 is out of range: it may be 1 to 256");
  assert_file_refused ("[weir]\nworkers=\n", "job.conf: workers: \"\" is not a whole number*");
  assert_file_refused ("[weir]\nworkers=\\\n", "job.conf: workers: the value is not UTF-8 or has a bad escape*");
  assert_file_refused ("[weir]\nworkers=\\q\n", "job.conf: workers: *");
  assert_file_refused ("[weir]\nworkers=\xff\n", "job.conf: workers: the value is not UTF-8 or has a bad escape*");
  assert_file_refused ("[wier]\nworkers=2\n", "job.conf: there is no group [weir] in it*");
  assert_file_refused ("", "job.conf: there is no group [weir] in it*");
  assert_file_refused ("workers=2\n", "job.conf: not a key file: *");
  assert_file_refused ("[weir]\nworkers\n", "job.conf: not a key file: *");
}

static void
test_a_file_is_read_from_disk (void)
{
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("weir-options-XXXXXX", &error);
  g_assert_no_error (error);
  g_autofree char *path = g_build_filename (folder, "job.conf", NULL);

  g_assert_false (weir_options_read_file (options, path, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_nonnull (strstr (error->message, path));
  g_clear_error (&error);

  g_assert_true (g_file_set_contents (path, "[weir]\nlog.level=debug\n", -1, NULL));
  g_assert_true (weir_options_read_file (options, path, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (weir_options_choice (options, WEIR_OPTION_LOG_LEVEL), ==, WEIR_LOG_DEBUG);
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_the_environment_sets_options (void)
{
  const char *const environment[] = { "HOME=/",        "WEIR_BATCH_INTERVAL=250ms",
                                      "WEIR_WORKERS=", "WEIR_TEST_SOURCE_ROOT=x",
                                      "nothing",       NULL };
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autoptr (GError) error = NULL;
  g_assert_true (weir_options_read_environment (options, environment, &error));
  g_assert_no_error (error);
  g_assert_cmpint (weir_options_duration (options, WEIR_OPTION_BATCH_INTERVAL), ==, WEIR_MILLISECONDS (250));
  g_assert_cmpint (weir_options_origin (options, WEIR_OPTION_BATCH_INTERVAL), ==, WEIR_ORIGIN_ENVIRONMENT);
  g_assert_cmpint (weir_options_origin (options, WEIR_OPTION_WORKERS), ==, WEIR_ORIGIN_DEFAULT);
}

static void
test_a_bad_variable_is_an_error (void)
{
  const char *const environment[] = { "WEIR_BATCH_INTERVAL=fast", NULL };
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autoptr (GError) error = NULL;
  g_assert_false (weir_options_read_environment (options, environment, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_true (g_str_has_prefix (error->message, "WEIR_BATCH_INTERVAL: \"fast\" is not a duration"));
}

static void
test_an_unknown_variable_is_warned_of (void)
{
  const char *const environment[] = { "WEIR_WROKERS=2", "WEIR_HOME=/opt", NULL };
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autoptr (GError) error = NULL;
  g_test_expect_message ("weir", G_LOG_LEVEL_WARNING, "*\"WEIR_WROKERS\"*ignored: did you mean WEIR_WORKERS?");
  g_test_expect_message ("weir", G_LOG_LEVEL_WARNING, "*\"WEIR_HOME\"*ignored (--help lists all)");
  g_assert_true (weir_options_read_environment (options, environment, &error));
  g_assert_no_error (error);
  g_test_assert_expected_messages ();
}

/* A warning would end the test. */
static void
test_the_log_level_holds_for_its_own_reading (void)
{
  const char *const environment[] = { "WEIR_WROKERS=2", "WEIR_LOG_LEVEL=error", NULL };
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autoptr (GError) error = NULL;
  g_assert_true (weir_options_read_environment (options, environment, &error));
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/options/everything-starts-with-its-default", test_everything_starts_with_its_default);
  g_test_add_func ("/options/a-value-remembers-its-origin", test_a_value_remembers_its_origin);
  g_test_add_func ("/options/rank-decides-whoever-speaks-first", test_rank_decides_whoever_speaks_first);
  g_test_add_func ("/options/of-equals-the-last-one-counts", test_of_equals_the_last_one_counts);
  g_test_add_func ("/options/a-number-ranks-as-set-by-the-job", test_a_number_ranks_as_set_by_the_job);
  g_test_add_func ("/options/a-bad-value-changes-nothing", test_a_bad_value_changes_nothing);
  g_test_add_func ("/options/an-outranked-value-is-checked-all-the-same",
                   test_an_outranked_value_is_checked_all_the_same);
  g_test_add_func ("/options/errors-name-the-option-as-the-user-wrote-it",
                   test_errors_name_the_option_as_the_user_wrote_it);
  g_test_add_func ("/options/an-unknown-key-names-the-nearest", test_an_unknown_key_names_the_nearest);
  g_test_add_func ("/options/a-file-sets-its-group", test_a_file_sets_its_group);
  g_test_add_func ("/options/a-bad-file-is-named-with-its-fault", test_a_bad_file_is_named_with_its_fault);
  g_test_add_func ("/options/a-file-is-read-from-disk", test_a_file_is_read_from_disk);
  g_test_add_func ("/options/the-environment-sets-options", test_the_environment_sets_options);
  g_test_add_func ("/options/passwords-are-not-shown", test_passwords_are_not_shown);
  g_test_add_func ("/options/a-bad-variable-is-an-error", test_a_bad_variable_is_an_error);
  g_test_add_func ("/options/an-unknown-variable-is-warned-of", test_an_unknown_variable_is_warned_of);
  g_test_add_func ("/options/the-log-level-holds-for-its-own-reading", test_the_log_level_holds_for_its_own_reading);
  return g_test_run ();
}
