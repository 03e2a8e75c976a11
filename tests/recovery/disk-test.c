/* A job with a checkpoint of files and with saved files, on a disk that forgets and that fails: power cuts at any instant,
 * with any part left of what was not synced; and the n-th call failing, for each n until a run passes. Every batch is
 * saved once, with the totals that it must have; counts and the seed are printed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <weir/test.h>
#include <weir/weir.h>

#include "tests/shims/power-cut.h"
#include "tests/sinks/scratch.h"

#define LAST      6 /* batches of a life that is disturbed; a seal behind every second one */
#define N_MORE    2
#define N_KEYS    3
#define N_STATES  200
#define N_AT_ONCE 16

/* Neither folder is there: making them has to last, too. */
#define STORE "new/checkpoint"
#define FILES "deeper/still"

/* --- the job --- */

static WeirValue
add_up (WeirTask *task, WeirValue key, const WeirValue *values, gsize n, WeirValue state, gpointer user_data)
{
  gint64 sum = weir_as_int (state);

  for (gsize i = 0; i < n; i++)
    sum += weir_as_int (values[i]);
  return weir_int (sum);
}

/* Push n, counted from 1, adds n to one of the keys. */
static void
fill (WeirQueue *queue)
{
  for (guint n = 1; n <= LAST + N_MORE; n++) {
    WeirValue cells[2] = { weir_int (n % N_KEYS), weir_int (n) }, pair = weir_pair_at (cells);

    weir_queue_push (queue, &pair, 1);
  }
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, key, value, &error);
  g_assert_no_error (error);
}

static void
say_what_is_seen (const char *root, guint until)
{
  for (guint batch = 1; batch <= until; batch++) {
    g_autofree char *path = g_strdup_printf ("%s/" FILES "/totals-%u000", root, batch);

    if (access (path, F_OK) == 0 && write (STDOUT_FILENO, "seen\n", 5) < 0)
      _exit (4);
  }
}

/* @n batches behind the time @at, the last of them sealed. */
static gboolean
live (const char *root, guint at, guint n, gboolean says, GError **error)
{
  g_autofree char *store = g_strdup_printf ("file://%s/" STORE, root);
  g_autofree char *prefix = g_build_filename (root, FILES, "totals", NULL);
  g_autoptr (WeirContext) ctx = weir_test_context_new_at (WEIR_SECONDS (1), at * WEIR_SECONDS (1));
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  WeirStream *totals;

  set (ctx, "checkpoint", store);
  set (ctx, "checkpoint.interval", "2s");
  set (ctx, "partitions", "2");
  set (ctx, "workers", "1");
  set (ctx, "log.level", "error");
  fill (queue);
  totals = weir_update_state_by_key (weir_queue_stream (ctx, queue, TRUE), add_up, NULL);
  weir_save_as_text_files (totals, prefix, NULL);
  for (guint i = 1; i <= n; i++) {
    if (!weir_test_advance (ctx, 1, error))
      return FALSE;
    if (says)
      say_what_is_seen (root, at + i);
  }
  return TRUE;
}

/* This program as a job that is disturbed: --work ROOT. */
static int
be_job (const char *root)
{
  g_autoptr (GError) error = NULL;

  if (live (root, 0, LAST, TRUE, &error))
    return 0;
  g_printerr ("%s\n", error->message);
  return 3;
}

/* This program as a job in a process of its own. */
typedef struct {
  GPid pid;
  int fd; /* its standard error */
} Child;

typedef struct {
  int status;      /* of the exit; 128 + signal */
  GString *errors; /* what it wrote to standard error */
} Ended;

/* With the shim below it, which does as @setting, NAME=VALUE, says. */
static Child
start_apart (const char *root, const char *setting)
{
  g_autofree char *shim = g_build_filename (g_getenv ("WEIR_TEST_SHIMS"), "weir-io-shim.so", NULL);
  const char *argv[] = { "/proc/self/exe", "--work", root, NULL };
  g_auto (GStrv) parts = g_strsplit (setting, "=", 2);
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "LD_PRELOAD", shim, TRUE);
  g_autoptr (GError) error = NULL;
  Child child;

  environment = g_environ_setenv (environment, "WEIR_TEST_IO_UNDER", root, TRUE);
  environment = g_environ_setenv (environment, parts[0], parts[1], TRUE);
  g_spawn_async_with_pipes (NULL, (char **) argv, environment, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL,
                            NULL, NULL, &child.pid, NULL, NULL, &child.fd, &error);
  g_assert_no_error (error);
  return child;
}

/* A seal waits for a disk that is full, until the job is stopped: the same call fails again and again. Then it is killed. */
static GString *
hear (const Child *child)
{
  FILE *file = fdopen (child->fd, "r");
  GString *errors = g_string_new (NULL);
  char line[4096], last[4096] = "";
  guint n_same = 0;

  while (fgets (line, sizeof line, file) != NULL) {
    g_string_append (errors, line);
    n_same = g_str_equal (line, last) ? n_same + 1 : 0;
    g_strlcpy (last, line, sizeof last);
    if (n_same == 4)
      kill (child->pid, SIGKILL);
  }
  fclose (file);
  return errors;
}

static Ended
end_apart (const Child *child)
{
  Ended ended = { 0, hear (child) };
  int status;

  g_assert_cmpint (waitpid (child->pid, &status, 0), ==, child->pid);
  ended.status = WIFEXITED (status) ? WEXITSTATUS (status) : 128 + WTERMSIG (status);
  return ended;
}

/* --- what must be there --- */

static gint
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static char *
join_sorted (GPtrArray *texts)
{
  g_ptr_array_sort (texts, compare_texts);
  g_ptr_array_add (texts, NULL);
  return g_strjoinv (" ", (char **) texts->pdata);
}

static char *
expected_text (guint n_pushes)
{
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  for (guint key = 0; key < N_KEYS; key++) {
    guint sum = 0;

    for (guint n = 1; n <= n_pushes; n++)
      sum += n % N_KEYS == key ? n : 0;
    if (sum > 0)
      g_ptr_array_add (texts, g_strdup_printf ("(%u,%u)", key, sum));
  }
  return join_sorted (texts);
}

/* The totals of a batch; NULL: it cannot be seen. */
static char *
saved_text (const char *root, guint batch)
{
  g_autofree char *folder = g_strdup_printf ("%s/" FILES "/totals-%u000", root, batch);
  g_autofree char *success = g_build_filename (folder, "_SUCCESS", NULL);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    return NULL;
  g_assert_true (g_file_test (success, G_FILE_TEST_EXISTS));
  for (guint part = 0; part < 2; part++) {
    g_autofree char *path = g_strdup_printf ("%s/part-%05u", folder, part);
    g_autofree char *text = NULL;
    g_auto (GStrv) lines = NULL;

    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    lines = g_strsplit (text, "\n", -1);
    for (char **line = lines; *line != NULL; line++)
      if (**line != '\0')
        g_ptr_array_add (texts, g_strdup (*line));
  }
  return join_sorted (texts);
}

/* Batches up to @until, of a job whose first one is @first: all of them, or those that can be seen. */
static void
expect_batches (const char *root, guint first, guint until, gboolean all)
{
  for (guint batch = 1; batch <= until; batch++) {
    g_autofree char *found = saved_text (root, batch);
    g_autofree char *expected = batch >= first ? expected_text (batch + 1 - first) : NULL;

    if (found != NULL || all)
      g_assert_cmpstr (found, ==, expected);
  }
}

/* A job that has not come to its first seal begins anew, and at the time that it is then. */
static void
go_on (const char *root, gboolean has_sealed)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *first = NULL;

  expect_batches (root, 1, LAST, FALSE);
  live (root, LAST, N_MORE, FALSE, &error);
  g_assert_no_error (error);
  first = saved_text (root, 1);
  g_assert_true (first != NULL || !has_sealed);
  expect_batches (root, first != NULL ? 1 : LAST + 1, LAST + N_MORE, TRUE);
}

/* --- power cuts --- */

static void
empty (const char *root)
{
  const char *argv[] = { "find", root, "-mindepth", "1", "-delete", NULL };
  int status = -1;

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
}

/* At the place where it was: the names of saved folders are in the checkpoint. */
static void
cut_power (const PowerCut *cut, guint n, GRand *random, const char *root)
{
  g_autoptr (GString) said = g_string_new (NULL);

  empty (root);
  power_cut_write (cut, n, random, root, said);
  go_on (root, said->len > 0);
}

static gboolean
has_shims (void)
{
  if (g_getenv ("WEIR_TEST_SHIMS") != NULL)
    return TRUE;
  g_test_skip ("WEIR_TEST_SHIMS does not say where the shims are");
  return FALSE;
}

static void
test_power_cuts (void)
{
  guint32 seed = (guint32) g_test_rand_int ();
  guint n_states = power_cut_n_states (N_STATES);
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  g_autoptr (PowerCut) cut = NULL;
  g_autofree char *record = NULL;
  g_autofree char *setting = NULL;
  Scratch scratch;
  Child child;
  Ended ended;

  if (!has_shims ())
    return;
  scratch_init (&scratch);
  record = g_strconcat (scratch.path, ".record", NULL);
  setting = g_strconcat ("WEIR_TEST_IO_RECORD=", record, NULL);
  child = start_apart (scratch.path, setting);
  ended = end_apart (&child);
  if (ended.status != 0)
    g_error ("status %d: %s", ended.status, ended.errors->str);
  cut = power_cut_new (record, scratch.path);
  g_assert_cmpuint (power_cut_n_events (cut), >, 50);
  for (guint i = 0; i < n_states; i++)
    cut_power (cut, (guint) ((guint64) i * (power_cut_n_events (cut) + 1) / n_states), random, scratch.path);
  g_test_message ("%u power cuts during %u calls, nothing lost or doubled; seed %u", n_states, power_cut_n_events (cut),
                  seed);
  unlink (record);
  g_string_free (ended.errors, TRUE);
  scratch_clear (&scratch);
}

/* --- calls that fail --- */

/* Either the job ended and told where the trouble is, or it goes on, or it waits. */
static void
check_end (const char *setting, const Ended *ended, const char *root, gboolean may_wait)
{
  gboolean is_told = ended->status == 3 && strstr (ended->errors->str, root) != NULL;

  if (ended->status != 0 && !is_told && !(ended->status == 128 + SIGKILL && may_wait))
    g_error ("%s: status %d: %s", setting, ended->status, ended->errors->str);
}

typedef struct {
  char *setting;
  Scratch scratch;
  Child child;
} Try;

static void
begin_nth (Try *try, const char *fault, gboolean for_good, guint n)
{
  try->setting = g_strdup_printf ("WEIR_TEST_IO_FAIL=%s:%u%s", fault, n, for_good ? "+" : "");
  scratch_init (&try->scratch);
  try->child = start_apart (try->scratch.path, try->setting);
}

/* FALSE: nothing failed any more. */
static gboolean
end_nth (Try *try, gboolean for_good)
{
  Ended ended = end_apart (&try->child);
  gboolean has_failed = strstr (ended.errors->str, "io-shim: ") != NULL;

  check_end (try->setting, &ended, try->scratch.path, for_good);
  go_on (try->scratch.path, ended.status == 0);
  g_string_free (ended.errors, TRUE);
  scratch_clear (&try->scratch);
  g_free (try->setting);
  return has_failed;
}

/* Most that fail for good wait for the disk, and are waited for: some at once, so that none has to be left out. */
static void
try_all (const char *fault, gboolean for_good)
{
  Try tries[N_AT_ONCE];
  guint n = 0, n_failed = 0;
  gboolean is_last = FALSE;

  if (!has_shims ())
    return;
  while (!is_last) {
    for (guint i = 0; i < N_AT_ONCE; i++)
      begin_nth (&tries[i], fault, for_good, ++n);
    for (guint i = 0; i < N_AT_ONCE; i++) {
      is_last = !end_nth (&tries[i], for_good);
      n_failed += !is_last;
    }
  }
  g_test_message ("%s%s: %u runs with a call that failed, each n", fault, for_good ? " for good" : "", n_failed);
  g_assert_cmpuint (n_failed, >, 20);
}

static void
test_a_call_that_fails (gconstpointer fault)
{
  try_all (fault, FALSE);
}

static void
test_calls_that_fail_for_good (gconstpointer fault)
{
  try_all (fault, TRUE);
}

int
main (int argc, char **argv)
{
  if (argc == 3 && g_str_equal (argv[1], "--work"))
    return be_job (argv[2]);
  /* What a disk forgets is made up here: a real one would be waited for thousands of times. */
  if (access ("/dev/shm", W_OK) == 0)
    g_setenv ("TMPDIR", "/dev/shm", TRUE);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/disk/power-cuts", test_power_cuts);
  g_test_add_data_func ("/disk/ENOSPC", "ENOSPC", test_a_call_that_fails);
  g_test_add_data_func ("/disk/ENOSPC-for-good", "ENOSPC", test_calls_that_fail_for_good);
  g_test_add_data_func ("/disk/EIO", "EIO", test_a_call_that_fails);
  g_test_add_data_func ("/disk/EIO-for-good", "EIO", test_calls_that_fail_for_good);
  g_test_add_data_func ("/disk/EMFILE", "EMFILE", test_a_call_that_fails);
  g_test_add_data_func ("/disk/EMFILE-for-good", "EMFILE", test_calls_that_fail_for_good);
  return g_test_run ();
}
