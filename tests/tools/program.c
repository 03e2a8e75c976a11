/* See program.h. SPDX-License-Identifier: Apache-2.0 */
#include "program.h"

#include <sys/wait.h>

void
told_clear (Told *told)
{
  g_clear_pointer (&told->out, g_free);
  g_clear_pointer (&told->err, g_free);
}

void
kept_init (Kept *kept, Outputs outputs, RedisPlace *redis)
{
  static guint n;

  kept->kill_at = NULL;
  durable_init (&kept->job, outputs);
  kept->redis = redis;
  if (redis == NULL) {
    kept->uri = g_strdup_printf ("file://%s", kept->job.folder);
  } else {
    g_autofree char *prefix = g_strdup_printf ("job-%u", n++);

    kept->uri = redis_place_uri (redis, prefix);
  }
}

void
kept_clear (Kept *kept)
{
  durable_clear (&kept->job);
  g_free (kept->uri);
}

WeirContext *
kept_context (Kept *kept, WeirQueue *queue, WeirTime at)
{
  g_autoptr (GError) error = NULL;
  WeirContext *ctx = durable_context (&kept->job, queue, at);

  g_assert_true (weir_context_set (ctx, "checkpoint", kept->uri, &error));
  return ctx;
}

void
kept_run (Kept *kept, WeirTime at, guint n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirQueue) queue = durable_queue (&kept->job);
  g_autoptr (WeirContext) ctx = kept_context (kept, queue, at);
  gboolean ok = weir_test_advance (ctx, n, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
}

static void
run (GPtrArray *argv, const char *kill_at, Told *told)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) environment = g_get_environ ();
  int status = -1;

  if (kill_at != NULL)
    environment = g_environ_setenv (environment, "WEIR_KILL_AT", kill_at, TRUE);
  g_ptr_array_add (argv, NULL);
  g_spawn_sync (NULL, (char **) argv->pdata, environment, G_SPAWN_DEFAULT, NULL, NULL, &told->out, &told->err, &status,
                &error);
  g_assert_no_error (error);
  g_assert_true (WIFEXITED (status));
  told->status = WEXITSTATUS (status);
}

static GPtrArray *
begin_words (void)
{
  GPtrArray *argv = g_ptr_array_new_with_free_func (g_free);
  const char *build = g_getenv ("WEIR_TEST_BUILD_ROOT");

  g_assert_nonnull (build);
  g_ptr_array_add (argv, g_build_filename (build, "tools", "weir", NULL));
  return argv;
}

static void
add_words (GPtrArray *argv, const char *word, va_list more)
{
  for (; word != NULL; word = va_arg (more, const char *))
    g_ptr_array_add (argv, g_strdup (word));
}

void
program_run (Told *told, const char *word, ...)
{
  g_autoptr (GPtrArray) argv = begin_words ();
  va_list more;

  va_start (more, word);
  add_words (argv, word, more);
  va_end (more);
  run (argv, NULL, told);
}

static void
ask (const Kept *kept, Told *told, const char *command, va_list more)
{
  g_autoptr (GPtrArray) argv = begin_words ();

  g_ptr_array_add (argv, g_strdup ("checkpoint"));
  g_ptr_array_add (argv, g_strdup (command));
  g_ptr_array_add (argv, g_strdup (kept->uri));
  add_words (argv, va_arg (more, const char *), more);
  run (argv, kept->kill_at, told);
}

void
kept_ask (const Kept *kept, Told *told, int status, const char *command, ...)
{
  va_list more;

  va_start (more, command);
  ask (kept, told, command, more);
  va_end (more);
  if (status < 0)
    return;
  if (told->status != status)
    g_test_message ("%s: %s%s", command, told->out, told->err);
  g_assert_cmpint (told->status, ==, status);
  g_assert_cmpint (status == 0, ==, told->err[0] == '\0');
}

static gboolean
fits (const char *expected, const char *line)
{
  g_auto (GStrv) parts = g_strsplit (expected, "...", -1);
  g_autofree char *pattern = g_strjoinv ("*", parts);

  return g_pattern_match_simple (pattern, line);
}

static void
expect_lines (const char *command, const char *out, const char *lines)
{
  g_auto (GStrv) expected = g_strsplit (lines, "\n", -1), got = g_strsplit (out, "\n", -1);
  guint at = 0;

  for (guint i = 0; expected[i] != NULL; i++) {
    gboolean skips = g_str_equal (expected[i], "...");

    while (skips && got[at] != NULL && !fits (expected[i + 1], got[at]))
      at++;
    if (!skips && (got[at] == NULL || !fits (expected[i], got[at])))
      g_error ("%s: line %u of\n%sis not\n%s", command, at + 1, out, expected[i]);
    at += !skips;
  }
  g_assert_cmpuint (g_strv_length (got), ==, at + 1); /* the last one ends */
}

void
kept_expect (const Kept *kept, const char *lines, const char *command, ...)
{
  Told told;
  va_list more;

  va_start (more, command);
  ask (kept, &told, command, more);
  va_end (more);
  g_assert_cmpstr (told.err, ==, "");
  g_assert_cmpint (told.status, ==, 0);
  expect_lines (command, told.out, lines);
  told_clear (&told);
}

static void
test_redis_is_missing (void)
{
  g_test_skip ("there is no redis-server on this machine");
  g_assert_null (g_getenv ("CI"));
}

gboolean
kept_start_redis (RedisPlace *place)
{
  g_autofree char *program = g_find_program_in_path ("redis-server");

  if (program != NULL)
    return redis_place_start (place);
  g_test_add_func ("/redis", test_redis_is_missing);
  return FALSE;
}
