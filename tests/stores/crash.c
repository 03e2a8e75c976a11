/* Owns the processes. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/stores/crash.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <weir/error.h>

#define LAST 3 /* epochs of a run that is killed */

static char **
environment_with (const char *const *settings)
{
  char **environment = g_get_environ ();

  for (; settings != NULL && *settings != NULL; settings++) {
    g_auto (GStrv) parts = g_strsplit (*settings, "=", 2);

    environment = g_environ_setenv (environment, parts[0], parts[1], TRUE);
  }
  return environment;
}

static void
end_with_parent (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

void
crash_start (Crash *crash, const char *uri, guint64 last, const char *const *settings)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *number = g_strdup_printf ("%" G_GUINT64_FORMAT, last);
  g_auto (GStrv) environment = environment_with (settings);
  char *command[] = { self, (char *) "--work", (char *) uri, number, NULL };
  g_autoptr (GError) error = NULL;
  int out, err;

  g_clear_pointer (&crash->errors, g_free);
  g_spawn_async_with_pipes (NULL, command, environment, G_SPAWN_DO_NOT_REAP_CHILD, end_with_parent, NULL, &crash->pid,
                            NULL, &out, &err, &error);
  g_assert_no_error (error);
  fcntl (out, F_SETPIPE_SZ, 4096); /* it is never far ahead of what was heard of it */
  crash->out = fdopen (out, "r");
  crash->err = fdopen (err, "r");
}

static void
believe_line (Crash *crash, const char *line)
{
  guint64 epoch;

  crash->n_said++;
  if (sscanf (line, "sealed %" G_GUINT64_FORMAT, &epoch) == 1)
    crash->sealed = MAX (crash->sealed, epoch);
  else if (sscanf (line, "plan %" G_GUINT64_FORMAT, &epoch) == 1)
    crash->n_plans[epoch % G_N_ELEMENTS (crash->n_plans)]++;
}

gboolean
crash_hear (Crash *crash)
{
  char line[64];

  if (fgets (line, sizeof line, crash->out) == NULL)
    return FALSE;
  believe_line (crash, line);
  return TRUE;
}

void
crash_believe (Crash *crash, const char *said)
{
  g_auto (GStrv) lines = g_strsplit (said, "\n", -1);

  for (char **line = lines; *line != NULL; line++)
    believe_line (crash, *line);
}

static char *
read_all (FILE *file)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char bytes[4096];
  gsize n;

  while ((n = fread (bytes, 1, sizeof bytes, file)) > 0)
    g_string_append_len (text, bytes, (gssize) n);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

void
crash_end (Crash *crash)
{
  int status;

  while (crash_hear (crash))
    continue;
  crash->errors = read_all (crash->err);
  g_assert_cmpint (waitpid (crash->pid, &status, 0), ==, crash->pid);
  crash->pid = 0;
  crash->status = WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
  fclose (crash->out);
  fclose (crash->err);
}

void
crash_run (Crash *crash, const char *uri, guint64 last, const char *const *settings)
{
  crash_start (crash, uri, last, settings);
  crash_end (crash);
}

void
crash_clear (Crash *crash)
{
  g_clear_pointer (&crash->errors, g_free);
}

void
crash_check (Crash *crash, const char *uri)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirStore) store = script_open (uri, &error);
  guint64 sealed, prepared;

  g_assert_no_error (error);
  store->klass->find (store, &sealed, &prepared, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (sealed, >=, crash->sealed);
  g_assert_cmpuint (sealed, <=, crash->sealed + 1);
  crash->sealed = sealed;
  if (sealed > 0)
    script_check (store, sealed, &error);
  g_assert_no_error (error);
  if (prepared > 0)
    script_check (store, prepared, &error);
  g_assert_no_error (error);
  for (guint64 epoch = MAX (sealed, 1); epoch <= sealed + 1; epoch++)
    script_check_plans (store, epoch, (guint) crash->n_plans[epoch % G_N_ELEMENTS (crash->n_plans)]);
}

void
crash_finish (const char *uri, guint64 last)
{
  Crash crash = { 0 };

  crash_run (&crash, uri, last, NULL);
  if (crash.status != 0)
    g_error ("status %d: %s", crash.status, crash.errors);
  crash.sealed = last;
  memset (crash.n_plans, 0, sizeof crash.n_plans);
  crash_check (&crash, uri);
  crash_clear (&crash);
}

/* TRUE: it was killed before its end. */
static gboolean
kill_at_line (const char *uri, guint n, const char *const *settings)
{
  Crash crash = { 0 };
  gboolean is_killed;

  crash_start (&crash, uri, LAST, settings);
  while (crash.n_said < n && crash_hear (&crash))
    continue;
  is_killed = crash.n_said == n;
  if (is_killed)
    kill (crash.pid, SIGKILL);
  crash_end (&crash);
  crash_check (&crash, uri);
  crash_finish (uri, LAST + 1);
  crash_clear (&crash);
  return is_killed;
}

void
crash_at_each_line (char *(*make) (void), void (*clear) (const char *uri), const char *const *settings)
{
  gboolean is_killed = TRUE;
  guint n = 0;

  while (is_killed) {
    g_autofree char *uri = make ();

    is_killed = kill_at_line (uri, ++n, settings);
    if (clear != NULL)
      clear (uri);
  }
  g_test_message ("%u kills, nothing lost", n - 1);
  g_assert_cmpuint (n, >, LAST * (SCRIPT_PLANS + 1));
}

#ifdef WEIR_KILL_POINTS

/* TRUE: the n-th point was passed. */
static gboolean
kill_at_point (const char *uri, guint n, const char *const *settings, GHashTable *points)
{
  g_autofree char *at = g_strdup_printf ("WEIR_KILL_AT=any:%u", n);
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  Crash crash = { 0 };
  gboolean is_killed;

  for (; settings != NULL && *settings != NULL; settings++)
    g_ptr_array_add (all, (gpointer) *settings);
  g_ptr_array_add (all, at);
  g_ptr_array_add (all, NULL);
  crash_run (&crash, uri, LAST, (const char *const *) all->pdata);
  is_killed = crash.status == 137;
  if (is_killed)
    g_hash_table_add (points, g_strdup (g_strstrip (crash.errors)));
  else
    g_assert_cmpint (crash.status, ==, 0);
  crash_check (&crash, uri);
  if (n % 2 == 0) /* and a second time, somewhere in what the next one does */
    crash_run (&crash, uri, LAST, (const char *const *) all->pdata);
  crash_check (&crash, uri);
  crash_finish (uri, LAST + 1);
  crash_clear (&crash);
  return is_killed;
}

void
crash_at_each_point (char *(*make) (void), void (*clear) (const char *uri), const char *const *settings)
{
  g_autoptr (GHashTable) points = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gboolean is_killed = TRUE;
  guint n = 0;

  while (is_killed) {
    g_autofree char *uri = make ();

    is_killed = kill_at_point (uri, ++n, settings, points);
    if (clear != NULL)
      clear (uri);
  }
  g_test_message ("%u kills at %u points, nothing lost", n - 1, g_hash_table_size (points));
  g_assert_cmpuint (g_hash_table_size (points), >=, 10);
}

#else

void
crash_at_each_point (char *(*make) (void), void (*clear) (const char *uri), const char *const *settings)
{
  g_test_skip ("this build has no kill points (-Dkill_points=true)");
}

#endif
