/* Command lines as users type them.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/command-line.h"

#include <glib/gstdio.h>
#include <string.h>

#include <weir/error.h>

#define SCREEN_LINES   40
#define SCREEN_COLUMNS 80

/* One job's command line; `argv` is what the parse leaves, `typed` owns the words. */
typedef struct {
  WeirCommandLine *line;
  WeirOptions *options;
  char **typed;
  char **argv;
  int argc;
  GError *error;
  int top;
  char *name;
  char **tags;
  gboolean loud;
} Job;

static gboolean
on_call (const char *name, const char *value, gpointer user_data, GError **error)
{
  g_assert_null (user_data);
  g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_ACCES, "%s=%s", name, value);
  return FALSE;
}

static void
set_up (Job *job, gconstpointer usage)
{
  const GOptionEntry entries[] = {
    { "top", 'n', 0, G_OPTION_ARG_INT, &job->top, "how many words to show", "N" },
    { "name", 0, 0, G_OPTION_ARG_STRING, &job->name, NULL, NULL },
    { "tag", 0, 0, G_OPTION_ARG_STRING_ARRAY, &job->tags, "a tag, any number of them", "TAG" },
    { "loud", 'l', 0, G_OPTION_ARG_NONE, &job->loud, "writes more", NULL },
    { "call", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_CALLBACK, on_call, "hidden", NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  memset (job, 0, sizeof *job);
  job->line = weir_command_line_new ("network_wordcount");
  job->options = weir_options_new ();
  weir_command_line_add_entries (job->line, entries);
  if (usage != NULL)
    weir_command_line_set_usage (job->line, usage);
}

static void
forget_words (Job *job)
{
  g_clear_pointer (&job->typed, g_strfreev);
  g_clear_pointer (&job->argv, g_free);
  g_clear_error (&job->error);
}

static void
tear_down (Job *job, gconstpointer usage)
{
  forget_words (job);
  weir_command_line_free (job->line);
  weir_options_free (job->options);
  g_free (job->name);
  g_strfreev (job->tags);
}

/* @words are those behind the program's name, with '|' between them. */
static gboolean
parse (Job *job, const char *words)
{
  g_autofree char *all = g_strconcat ("/opt/bin/job", words[0] != '\0' ? "|" : "", words, NULL);
  forget_words (job);
  job->typed = g_strsplit (all, "|", -1);
  job->argc = (int) g_strv_length (job->typed);
  job->argv = g_memdup2 (job->typed, (job->argc + 1) * sizeof (char *));
  gboolean done = weir_command_line_parse (job->line, job->options, &job->argc, &job->argv, &job->error);
  g_assert_cmpint (done, ==, job->error == NULL);
  return done;
}

static void
assert_words (Job *job, const char *words, const char *left)
{
  if (!parse (job, words))
    g_error ("%s: %s", words, job->error->message);
  g_autofree char *found = g_strjoinv ("|", job->argv + 1);
  g_assert_cmpstr (job->argv[0], ==, "/opt/bin/job");
  g_assert_cmpstr (found, ==, left);
  g_assert_cmpuint (g_strv_length (job->argv), ==, job->argc);
}

static void
assert_refused (Job *job, const char *words, const char *message)
{
  g_assert_false (parse (job, words));
  g_assert_error (job->error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_cmpstr (job->error->message, ==, message);
}

static void
test_options_may_stand_anywhere (Job *job, gconstpointer data)
{
  assert_words (job, "--batch.interval=200ms|localhost|--workers|3|9999|--loud", "localhost|9999");
  g_assert_cmpint (weir_options_duration (job->options, WEIR_OPTION_BATCH_INTERVAL), ==, WEIR_MILLISECONDS (200));
  g_assert_cmpuint (weir_options_integer (job->options, WEIR_OPTION_WORKERS), ==, 3);
  g_assert_cmpint (weir_options_origin (job->options, WEIR_OPTION_WORKERS), ==, WEIR_ORIGIN_COMMAND_LINE);
  g_assert_true (job->loud);
}

static void
test_of_two_the_last_counts (Job *job, gconstpointer data)
{
  assert_words (job, "--workers=3|--workers=5|a|b", "a|b");
  g_assert_cmpuint (weir_options_integer (job->options, WEIR_OPTION_WORKERS), ==, 5);
}

static void
test_the_jobs_own_options_are_set (Job *job, gconstpointer data)
{
  assert_words (job, "a|-n|5|--name=x|--tag=1|--tag|2|-l|b", "a|b");
  g_assert_cmpint (job->top, ==, 5);
  g_assert_cmpstr (job->name, ==, "x");
  g_assert_cmpuint (g_strv_length (job->tags), ==, 2);
  g_assert_true (job->loud);
}

static void
test_text_of_any_bytes_reaches_the_job (Job *job, gconstpointer data)
{
  assert_words (job, "--name=gr\xc3\xbc\xc3\x9f|--tag=\xff|\xfe|b", "\xfe|b");
  g_assert_cmpstr (job->name, ==, "gr\xc3\xbc\xc3\x9f");
  g_assert_cmpstr (job->tags[0], ==, "\xff");
}

static void
test_a_job_without_options_of_its_own (Job *job, gconstpointer data)
{
  WeirCommandLine *line = weir_command_line_new ("bare");
  g_auto (GStrv) typed = g_strsplit ("bare|--workers=7|x", "|", -1);
  g_autofree char **copy = g_memdup2 (typed, 4 * sizeof (char *));
  char **argv = copy;
  int argc = 3;
  g_assert_true (weir_command_line_parse (line, job->options, &argc, &argv, NULL));
  g_assert_cmpint (argc, ==, 2);
  g_assert_cmpstr (argv[1], ==, "x");
  g_assert_cmpuint (weir_options_integer (job->options, WEIR_OPTION_WORKERS), ==, 7);
  weir_command_line_free (line);
}

static void
test_an_empty_command_line_is_taken (Job *job, gconstpointer data)
{
  WeirCommandLine *line = weir_command_line_new ("bare");
  char *typed[] = { NULL }, **argv = typed;
  int argc = 0;
  g_assert_true (weir_command_line_parse (line, job->options, &argc, &argv, NULL));
  g_assert_cmpint (argc, ==, 0);
  weir_command_line_set_usage (line, "HOST");
  g_assert_false (weir_command_line_parse (line, job->options, &argc, &argv, &job->error));
  g_assert_error (job->error, WEIR_ERROR, WEIR_ERROR_OPTION);
  weir_command_line_free (line);
}

static void
test_two_dashes_end_the_options (Job *job, gconstpointer data)
{
  assert_words (job, "a|--|b", "a|b");
  assert_words (job, "--|--workers=0|-x", "--workers=0|-x");
  assert_words (job, "--|a|--", "a|--");
  assert_words (job, "--workers=3|--|--|-", "--|-");
}

static void
test_negative_numbers_and_a_lone_dash_are_words (Job *job, gconstpointer data)
{
  assert_words (job, "-5|-1.5", "-5|-1.5");
  assert_words (job, "-|-.5", "-|-.5");
  assert_words (job, "-5|--workers=2|--|-x", "-5|-x");
}

static void
test_an_unknown_option_names_the_nearest (Job *job, gconstpointer data)
{
  assert_refused (job, "a|b|--wrokers=3", "unknown option \"--wrokers\": did you mean --workers? (see --help)");
  assert_refused (job, "a|b|--batch-interval|1s",
                  "unknown option \"--batch-interval\": did you mean --batch.interval? (see --help)");
  assert_refused (job, "a|b|--interval=1s",
                  "unknown option \"--interval\": did you mean --batch.interval? (see --help)");
  assert_refused (job, "a|b|--nmae=x", "unknown option \"--nmae\": did you mean --name? (see --help)");
  assert_refused (job, "a|b|--hlep", "unknown option \"--hlep\": did you mean --help? (see --help)");
  assert_refused (job, "a|b|--grafana", "unknown option \"--grafana\" (see --help)");
  assert_refused (job, "a|b|-x", "unknown option \"-x\" (see --help)");
  assert_refused (job, "a|b|--=3", "unknown option \"--\" (see --help)");
}

static void
test_a_bad_value_names_option_and_range (Job *job, gconstpointer data)
{
  assert_refused (job, "a|b|--workers=0", "--workers: 0 is out of range: it may be 1 to 256");
  assert_refused (job, "a|b|--batch.interval|200",
                  "--batch.interval: \"200\" has no unit: write one of h, m, s, ms, us behind it, as in 1.5s");
  assert_refused (job, "a|b|--ui.address=:8080",
                  "--ui.address: \":8080\" is not possible: it may be nothing but: off; there is no web interface yet");
  assert_words (job, "a|b|--ui.address=off", "a|b");
}

static void
test_a_missing_or_wrong_value_is_an_option_error (Job *job, gconstpointer data)
{
  g_assert_false (parse (job, "a|b|--workers"));
  g_assert_error (job->error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_nonnull (strstr (job->error->message, "--workers"));
  g_assert_false (parse (job, "a|b|--top=many"));
  g_assert_error (job->error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_nonnull (strstr (job->error->message, "many"));
}

static void
test_an_error_of_a_jobs_callback_passes_as_it_is (Job *job, gconstpointer data)
{
  g_assert_false (parse (job, "--call=gr\xc3\xbc\xc3\x9f"));
  g_assert_error (job->error, G_FILE_ERROR, G_FILE_ERROR_ACCES);
  g_assert_cmpstr (job->error->message, ==, "--call=gr\xc3\xbc\xc3\x9f");
}

static void
test_all_words_of_the_usage_must_be_there (Job *job, gconstpointer data)
{
  assert_words (job, "localhost|9999", "localhost|9999");
  assert_refused (job, "localhost", "missing argument PORT; usage: job [OPTION...] HOST PORT (see --help)");
  assert_refused (job, "", "missing argument HOST; usage: job [OPTION...] HOST PORT (see --help)");
  assert_refused (job, "a|b|c", "one argument too many, \"c\"; usage: job [OPTION...] HOST PORT (see --help)");
}

static void
test_dots_mean_one_or_more (Job *job, gconstpointer data)
{
  weir_command_line_set_usage (job->line, "BROKERS TOPIC...");
  assert_words (job, "kafka:9092|a|b|c|d", "kafka:9092|a|b|c|d");
  assert_refused (job, "kafka:9092", "missing argument TOPIC...; usage: job [OPTION...] BROKERS TOPIC... (see --help)");
  weir_command_line_set_usage (job->line, "TOPIC\xe2\x80\xa6");
  assert_words (job, "a|b", "a|b");
  g_assert_false (parse (job, ""));
}

static void
test_brackets_mean_may_be_missing (Job *job, gconstpointer data)
{
  weir_command_line_set_usage (job->line, "HOST  [PORT]");
  assert_words (job, "a", "a");
  assert_words (job, "a|b", "a|b");
  g_assert_false (parse (job, ""));
  g_assert_false (parse (job, "a|b|c"));
  weir_command_line_set_usage (job->line, "[FILE...]");
  assert_words (job, "", "");
  assert_words (job, "a|b|c", "a|b|c");
}

static void
test_an_empty_usage_takes_no_words (Job *job, gconstpointer data)
{
  weir_command_line_set_usage (job->line, "");
  assert_words (job, "--workers=2", "");
  assert_refused (job, "a", "one argument too many, \"a\"; usage: job [OPTION...] (see --help)");
}

static void
test_without_a_usage_any_words_will_do (Job *job, gconstpointer data)
{
  weir_command_line_set_usage (job->line, NULL);
  assert_words (job, "", "");
  assert_words (job, "a|b|c", "a|b|c");
}

static void
test_an_option_named_like_one_of_weirs_is_refused (Job *job, gconstpointer data)
{
  const GOptionEntry same[] = { { "workers", 0, 0, G_OPTION_ARG_INT, &job->top, NULL, NULL }, { NULL } };
  weir_command_line_add_entries (job->line, same);
  assert_refused (job, "a|b", "the job's own option --workers has the name of one of weir's: give it another");
}

static void
test_remaining_words_as_an_option_are_refused (Job *job, gconstpointer data)
{
  const GOptionEntry rest[] = { { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &job->tags, NULL, NULL },
                                { NULL } };
  weir_command_line_add_entries (job->line, rest);
  g_assert_false (parse (job, "a|b"));
  g_assert_error (job->error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_nonnull (strstr (job->error->message, "weir_context_set_usage"));
}

static void
test_a_file_ranks_below_command_line_and_environment (Job *job, gconstpointer data)
{
  g_autofree char *folder = g_dir_make_tmp ("weir-line-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "job.conf", NULL);
  g_autofree char *words = g_strdup_printf ("--workers=2|--config|%s|a|b", path);
  g_autofree char *bad = g_strdup_printf ("--config=%s.not|a|b", path);

  g_assert_true (g_file_set_contents (path, "[weir]\nworkers=3\npartitions=4\nlog.level=debug\n", -1, NULL));
  g_setenv ("WEIR_PARTITIONS", "5", TRUE);
  assert_words (job, words, "a|b");
  g_unsetenv ("WEIR_PARTITIONS");
  g_assert_cmpint (weir_options_origin (job->options, WEIR_OPTION_WORKERS), ==, WEIR_ORIGIN_COMMAND_LINE);
  g_assert_cmpuint (weir_options_integer (job->options, WEIR_OPTION_PARTITIONS), ==, 5);
  g_assert_cmpint (weir_options_origin (job->options, WEIR_OPTION_PARTITIONS), ==, WEIR_ORIGIN_ENVIRONMENT);
  g_assert_cmpint (weir_options_origin (job->options, WEIR_OPTION_LOG_LEVEL), ==, WEIR_ORIGIN_FILE);
  g_assert_false (parse (job, bad));
  g_assert_error (job->error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_unlink (path);
  g_rmdir (folder);
}

static void
test_a_bad_variable_is_an_error (Job *job, gconstpointer data)
{
  g_setenv ("WEIR_WORKERS", "none", TRUE);
  g_assert_false (parse (job, "a|b"));
  g_unsetenv ("WEIR_WORKERS");
  g_assert_error (job->error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_true (g_str_has_prefix (job->error->message, "WEIR_WORKERS: \"none\" is not a whole number"));
}

static void
test_help_fits_on_a_screen (Job *job, gconstpointer data)
{
  g_autofree char *page = weir_command_line_help (job->line, job->options);
  g_auto (GStrv) lines = g_strsplit (page, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    g_assert_cmpint (g_utf8_strlen (*line, -1), <=, SCREEN_COLUMNS);

  g_autoptr (WeirCommandLine) bare = weir_command_line_new ("bare");
  g_autofree char *bare_page = weir_command_line_help (bare, job->options);
  g_auto (GStrv) bare_lines = g_strsplit (bare_page, "\n", -1);
  g_assert_cmpuint (g_strv_length (bare_lines), <=, SCREEN_LINES);
}

static void
test_help_shows_every_option_with_its_default (Job *job, gconstpointer data)
{
  weir_options_set_number (job->options, WEIR_OPTION_BATCH_INTERVAL, WEIR_MILLISECONDS (250), NULL);
  g_autofree char *page = weir_command_line_help (job->line, job->options);
  g_assert_true (g_str_has_prefix (page, "usage: network_wordcount [OPTION...] HOST PORT\n"));
  g_assert_nonnull (strstr (page, "\n  -n, --top=N   how many words to show\n"));
  g_assert_nonnull (strstr (page, "\n  --name=VALUE  \n"));
  g_assert_nonnull (strstr (page, "\n  -l, --loud    writes more\n"));
  g_assert_null (strstr (page, "--call"));
  g_assert_nonnull (strstr (page, "\n  --batch.interval=DURATION       250ms    time from one batch to the next\n"));
  g_assert_nonnull (strstr (page, "\n  --on.error=fail|reject "));
  for (guint i = 0; i < WEIR_N_OPTIONS; i++) {
    g_assert_nonnull (strstr (page, weir_option_spec (i)->key));
    g_assert_nonnull (strstr (page, weir_option_spec (i)->help));
  }
}

static void
test_help_is_printed (Job *job, gconstpointer data)
{
  if (g_test_subprocess ()) {
    g_assert_false (parse (job, "-h"));
    g_assert_error (job->error, WEIR_ERROR, WEIR_ERROR_HELP);
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout ("*usage: job [OPTION...] HOST PORT\n*--workers=NUMBER*");
}

static void
test_help_wins_over_a_bad_environment_and_what_follows (Job *job, gconstpointer data)
{
  if (g_test_subprocess ()) {
    g_setenv ("WEIR_WORKERS", "none", TRUE);
    g_assert_false (parse (job, "--nonsense|--help|--workers=0"));
    g_assert_error (job->error, WEIR_ERROR, WEIR_ERROR_HELP);
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

static void
test_version_is_printed (Job *job, gconstpointer data)
{
  if (g_test_subprocess ()) {
    g_assert_false (parse (job, "--version"));
    g_assert_error (job->error, WEIR_ERROR, WEIR_ERROR_HELP);
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stdout ("*network_wordcount (weir " WEIR_VERSION ")\n*");
}

static void
test_a_jobs_short_h_is_the_jobs (Job *job, gconstpointer data)
{
  const GOptionEntry host[] = { { "host", 'h', 0, G_OPTION_ARG_STRING, &job->name, NULL, "HOST" }, { NULL } };
  weir_command_line_add_entries (job->line, host);
  assert_words (job, "-h|example.org|a|b", "a|b");
  g_assert_cmpstr (job->name, ==, "example.org");
}

static const struct {
  const char *path;
  void (*test) (Job *, gconstpointer);
} tests[] = {
  { "options-may-stand-anywhere", test_options_may_stand_anywhere },
  { "of-two-the-last-counts", test_of_two_the_last_counts },
  { "the-jobs-own-options-are-set", test_the_jobs_own_options_are_set },
  { "text-of-any-bytes-reaches-the-job", test_text_of_any_bytes_reaches_the_job },
  { "a-job-without-options-of-its-own", test_a_job_without_options_of_its_own },
  { "an-empty-command-line-is-taken", test_an_empty_command_line_is_taken },
  { "two-dashes-end-the-options", test_two_dashes_end_the_options },
  { "negative-numbers-and-a-lone-dash-are-words", test_negative_numbers_and_a_lone_dash_are_words },
  { "an-unknown-option-names-the-nearest", test_an_unknown_option_names_the_nearest },
  { "a-bad-value-names-option-and-range", test_a_bad_value_names_option_and_range },
  { "a-missing-or-wrong-value-is-an-option-error", test_a_missing_or_wrong_value_is_an_option_error },
  { "an-error-of-a-jobs-callback-passes-as-it-is", test_an_error_of_a_jobs_callback_passes_as_it_is },
  { "all-words-of-the-usage-must-be-there", test_all_words_of_the_usage_must_be_there },
  { "dots-mean-one-or-more", test_dots_mean_one_or_more },
  { "brackets-mean-may-be-missing", test_brackets_mean_may_be_missing },
  { "an-empty-usage-takes-no-words", test_an_empty_usage_takes_no_words },
  { "without-a-usage-any-words-will-do", test_without_a_usage_any_words_will_do },
  { "an-option-named-like-one-of-weirs-is-refused", test_an_option_named_like_one_of_weirs_is_refused },
  { "remaining-words-as-an-option-are-refused", test_remaining_words_as_an_option_are_refused },
  { "a-file-ranks-below-command-line-and-environment", test_a_file_ranks_below_command_line_and_environment },
  { "a-bad-variable-is-an-error", test_a_bad_variable_is_an_error },
  { "help-fits-on-a-screen", test_help_fits_on_a_screen },
  { "help-shows-every-option-with-its-default", test_help_shows_every_option_with_its_default },
  { "help-is-printed", test_help_is_printed },
  { "help-wins-over-a-bad-environment-and-what-follows", test_help_wins_over_a_bad_environment_and_what_follows },
  { "version-is-printed", test_version_is_printed },
  { "a-jobs-short-h-is-the-jobs", test_a_jobs_short_h_is_the_jobs },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < WEIR_N_OPTIONS; i++) {
    g_autofree char *variable = weir_option_variable (weir_option_spec (i));
    g_unsetenv (variable);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++) {
    g_autofree char *path = g_strconcat ("/command-line/", tests[i].path, NULL);
    g_test_add (path, Job, "HOST PORT", set_up, tests[i].test, tear_down);
  }
  return g_test_run ();
}
