/* A process with a logged receiver: killed again and again, and while its disk is full or broken. Every block that was
 * acknowledged is in the output exactly once, every other one at most once, and as a whole. One with a logged socket: of
 * each connection the lines up to some point are in the output exactly once. Workers, partitions and the interval are
 * others in each life. Counts are printed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/receiver.h>
#include <weir/weir.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/sinks/scratch.h"
#include "tests/sources/peer.h"

#define N_KILLS  25
#define DEADLINE 60 /* seconds, of one process */

/* --- the process that is killed --- */

typedef struct {
  WeirContext *ctx;
  guint life;
  guint most; /* acknowledged blocks; then it stops by itself. 0: it stores nothing */
} Work;

/* Block i of a life has as many texts "life.i.k" as this. */
static guint
n_texts (guint i)
{
  return 1 + i % 4;
}

static gboolean
store_block (WeirReceiver *receiver, guint life, guint i)
{
  WeirValue values[4];
  char texts[4][32];

  for (guint k = 0; k < n_texts (i); k++) {
    snprintf (texts[k], sizeof texts[k], "%u.%u.%u", life, i, k);
    values[k] = weir_text (texts[k]);
  }
  return weir_receiver_store_block (receiver, values, n_texts (i), NULL);
}

static void
run (WeirReceiver *receiver)
{
  Work *work = weir_receiver_user_data (receiver);

  for (guint i = 0; i < work->most && !weir_receiver_is_stopping (receiver); i++)
    if (store_block (receiver, work->life, i))
      dprintf (STDOUT_FILENO, "ack %u\n", i);
  weir_context_stop (work->ctx, TRUE);
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  if (!weir_context_set (ctx, key, value, NULL))
    g_error ("cannot set %s", key);
}

/* How many lines of this life's connection are in the batch: those of earlier ones may come again. */
static gboolean
say_seen (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  const Work *work = user_data;
  g_autofree char *prefix = g_strdup_printf ("%u.", work->life);
  g_autoptr (GArray) lines = weir_dataset_collect (data, error);
  guint n = 0;

  if (lines == NULL)
    return FALSE;
  for (guint i = 0; i < lines->len; i++)
    n += strncmp (weir_data (g_array_index (lines, WeirValue, i)), prefix, strlen (prefix)) == 0;
  if (n > 0)
    dprintf (STDOUT_FILENO, "seen %u\n", n);
  return TRUE;
}

/* No two lives that follow each other have the same. */
static void
set_for_life (WeirContext *ctx, guint life)
{
  g_autofree char *workers = g_strdup_printf ("%u", 1 + life % 3), *partitions = g_strdup_printf ("%u", 1 + life % 5);
  g_autofree char *interval = g_strdup_printf ("%ums", 5 + 5 * (life % 2));

  set (ctx, "workers", workers);
  set (ctx, "partitions", partitions);
  set (ctx, "batch.interval", interval);
}

/* FOLDER LIFE MOST PORT; with a port it reads a socket until it is killed, or told to stop. */
static int
work_main (char **argv)
{
  static const WeirReceiverClass klass = { .name = "numbers", .run = run };
  g_autoptr (WeirContext) ctx = weir_context_new ("crash", WEIR_MILLISECONDS (10));
  Work work = { ctx, (guint) g_ascii_strtoull (argv[1], NULL, 10), (guint) g_ascii_strtoull (argv[2], NULL, 10) };
  g_autofree char *uri = g_strconcat ("file://", argv[0], "/checkpoint", NULL);
  g_autofree char *out = g_strconcat (argv[0], "/out/t", NULL);
  g_autoptr (GError) error = NULL;
  WeirStream *stream;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  /* ThreadSanitizer (gcc 12) makes room for a thread's pending signals at its first call that blocks, and loses one that
   * comes just then: not in the wait for the job's end, which is told to stop as soon as it connects. */
  poll (NULL, 0, 0);
  set (ctx, "checkpoint", uri);
  set (ctx, "checkpoint.interval", "30ms");
  set (ctx, "receiver.wal", "true");
  set (ctx, "receiver.block.interval", "5ms");
  set (ctx, "stop.timeout", "50s"); /* what is there is to be processed, however busy the machine is */
  set (ctx, "log.level", "error");
  set_for_life (ctx, work.life);
  if (argv[3] == NULL)
    stream = weir_receiver_stream (ctx, &klass, &work);
  else
    weir_foreach_batch (stream = weir_socket_text_stream (ctx, "127.0.0.1", argv[3]), say_seen, &work);
  weir_save_as_text_files (stream, out, NULL);
  if (weir_context_run (ctx, &error))
    return 0;
  fprintf (stderr, "%s\n", error->message);
  return 3;
}

/* --- the test --- */

typedef struct {
  Scratch scratch;
  GHashTable *acknowledged; /* "life.i" */
  GArray *n_seen;           /* guint, by life: lines of a socket that were in a batch */
  const char *port;         /* of the socket; NULL: a receiver */
  guint n_lives;
} Fixture;

typedef struct {
  GPid pid;
  FILE *out, *err;
} Process;

static void
set_up (Fixture *f, gconstpointer data)
{
  scratch_init (&f->scratch);
  f->acknowledged = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  f->n_seen = g_array_new (FALSE, TRUE, sizeof (guint));
  f->port = NULL;
  f->n_lives = 0;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_array_unref (f->n_seen);
  g_hash_table_unref (f->acknowledged);
  scratch_clear (&f->scratch);
}

static void
start (Fixture *f, Process *process, guint most, const char *fault, const char *kill_at)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *life = g_strdup_printf ("%u", f->n_lives++), *n = g_strdup_printf ("%u", most);
  g_autofree char *shim = g_strdup_printf ("%s/weir-io-shim.so", g_getenv ("WEIR_TEST_SHIMS"));
  g_autofree char *under = scratch_path (&f->scratch, "checkpoint/receivers");
  char *command[] = { self, (char *) "--work", f->scratch.path, life, n, (char *) f->port, NULL };
  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GError) error = NULL;
  int out, err;

  if (fault != NULL) {
    const char *asan = g_getenv ("ASAN_OPTIONS");
    g_autofree char *options = g_strconcat ("verify_asan_link_order=0:", asan != NULL ? asan : "", NULL);

    environment = g_environ_setenv (environment, "LD_PRELOAD", shim, TRUE);
    environment = g_environ_setenv (environment, "WEIR_TEST_IO_UNDER", under, TRUE);
    environment = g_environ_setenv (environment, "WEIR_TEST_IO_FAIL", fault, TRUE);
    environment = g_environ_setenv (environment, "ASAN_OPTIONS", options, TRUE);
  }
  if (kill_at != NULL)
    environment = g_environ_setenv (environment, "WEIR_KILL_AT", kill_at, TRUE);
  g_spawn_async_with_pipes (NULL, command, environment, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &process->pid, NULL,
                            &out, &err, &error);
  g_assert_no_error (error);
  g_array_set_size (f->n_seen, f->n_lives);
  process->out = fdopen (out, "r");
  process->err = fdopen (err, "r");
}

/* FALSE: it has ended. */
static gboolean
hear (Fixture *f, Process *process)
{
  char line[64];
  guint i;

  if (fgets (line, sizeof line, process->out) == NULL)
    return FALSE;
  if (sscanf (line, "seen %u", &i) == 1) {
    g_array_index (f->n_seen, guint, f->n_lives - 1) += i;
    return TRUE;
  }
  g_assert_cmpint (sscanf (line, "ack %u", &i), ==, 1);
  g_hash_table_add (f->acknowledged, g_strdup_printf ("%u.%u", f->n_lives - 1, i));
  return TRUE;
}

/* All that it has said until it ended; its status. */
static int
reap (Fixture *f, Process *process, char **errors)
{
  g_autoptr (GString) text = g_string_new (NULL);
  char line[1024];
  int status;

  while (hear (f, process))
    continue;
  while (fgets (line, sizeof line, process->err) != NULL)
    g_string_append (text, line);
  g_assert_cmpint (waitpid (process->pid, &status, 0), ==, process->pid);
  fclose (process->out);
  fclose (process->err);
  *errors = g_string_free (g_steal_pointer (&text), FALSE);
  return status;
}

/* One that stores nothing: it processes what is there. */
static void
finish (Fixture *f)
{
  Process process;
  g_autofree char *errors = NULL;
  int status;

  start (f, &process, 0, NULL, NULL);
  status = reap (f, &process, &errors);
  if (status != 0)
    g_error ("the last life failed, status %d: %s", status, errors);
}

/* --- the output --- */

static void
count_text (GHashTable *counts, const char *text)
{
  guint n = GPOINTER_TO_UINT (g_hash_table_lookup (counts, text));

  g_hash_table_insert (counts, g_strdup (text), GUINT_TO_POINTER (n + 1));
}

static void
count_file (GHashTable *counts, const char *path)
{
  g_autofree char *content = NULL;
  g_auto (GStrv) lines = NULL;

  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  lines = g_strsplit (content, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    if (**line != '\0')
      count_text (counts, *line);
}

static void
count_folder (GHashTable *counts, const char *path)
{
  g_autoptr (GDir) folder = g_dir_open (path, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *below = g_build_filename (path, name, NULL);

    if (name[0] == '.')
      continue;
    if (g_file_test (below, G_FILE_TEST_IS_DIR))
      count_folder (counts, below);
    else if (g_str_has_prefix (name, "part-"))
      count_file (counts, below);
  }
}

/* Each text once, and with all others of its block. */
static void
check_block (GHashTable *counts, const char *block)
{
  guint life, i;

  g_assert_cmpint (sscanf (block, "%u.%u", &life, &i), ==, 2);
  for (guint k = 0; k < n_texts (i); k++) {
    g_autofree char *text = g_strdup_printf ("%s.%u", block, k);

    if (GPOINTER_TO_UINT (g_hash_table_lookup (counts, text)) != 1)
      g_error ("%s is there %u times", text, GPOINTER_TO_UINT (g_hash_table_lookup (counts, text)));
  }
}

static void
check_output (Fixture *f)
{
  g_autoptr (GHashTable) counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *path = scratch_path (&f->scratch, "out");
  GHashTableIter iter;
  gpointer text;

  count_folder (counts, path);
  g_hash_table_iter_init (&iter, counts);
  while (g_hash_table_iter_next (&iter, &text, NULL)) {
    g_autofree char *block = g_strndup (text, (gsize) (strrchr (text, '.') - (char *) text));

    check_block (counts, block);
  }
  g_hash_table_iter_init (&iter, f->acknowledged);
  while (g_hash_table_iter_next (&iter, &text, NULL))
    check_block (counts, text);
}

static void
test_killed_at_any_time_it_loses_and_doubles_nothing (Fixture *f, gconstpointer data)
{
  for (guint kill_number = 0; kill_number < N_KILLS; kill_number++) {
    guint n = (guint) g_test_rand_int_range (0, 40);
    g_autofree char *errors = NULL;
    Process process;

    start (f, &process, G_MAXUINT, NULL, NULL);
    while (n > 0 && hear (f, &process))
      n--;
    if (n > 0) {
      reap (f, &process, &errors);
      g_error ("life %u ended by itself: %s", f->n_lives, errors);
    }
    kill (process.pid, SIGKILL);
    reap (f, &process, &errors);
  }
  finish (f);
  check_output (f);
  g_assert_cmpuint (g_hash_table_size (f->acknowledged), >, N_KILLS);
  g_test_message ("%u kills, %u blocks acknowledged", N_KILLS, g_hash_table_size (f->acknowledged));
}

/* --- a socket --- */

#define N_CHUNKS        10
#define N_LINES_A_CHUNK 5000
#define N_LINES         (N_CHUNKS * N_LINES_A_CHUNK)

/* From a life's first line on, each once, and not fewer than it had in batches. */
static void
check_connection (GHashTable *counts, guint life, guint n_seen)
{
  guint n = 0;

  for (guint i = 0; i < N_LINES; i++) {
    g_autofree char *text = g_strdup_printf ("%u.%u", life, i);
    guint found = GPOINTER_TO_UINT (g_hash_table_lookup (counts, text));

    if (found > 1 || (found == 1 && n < i))
      g_error ("%s is there %u times, behind %u others", text, found, n);
    n += found;
  }
  if (n < n_seen)
    g_error ("of life %u there are %u lines, and %u had been in batches", life, n, n_seen);
}

static void
send_chunk (const Fixture *f, Peer *peer, guint chunk)
{
  g_autoptr (GString) lines = g_string_new (NULL);

  for (guint i = 0; i < N_LINES_A_CHUNK; i++)
    g_string_append_printf (lines, "%u.%u\n", f->n_lives - 1, chunk * N_LINES_A_CHUNK + i);
  peer_send (peer, lines->str, lines->len);
}

/* It dies some time after the last chunk was sent, whatever has become of that. */
static void
live_and_be_killed (Fixture *f, Peer *peer)
{
  guint n_chunks = (guint) g_test_rand_int_range (0, N_CHUNKS), n_spins = (guint) g_test_rand_int_range (0, 2000);
  g_autofree char *errors = NULL;
  Process process;

  start (f, &process, 0, NULL, NULL);
  peer_accept (peer);
  for (guint i = 0; i < n_chunks; i++) {
    send_chunk (f, peer, i);
    g_assert_true (hear (f, &process));
  }
  send_chunk (f, peer, n_chunks);
  for (guint i = 0; i < n_spins; i++)
    g_thread_yield ();
  kill (process.pid, SIGKILL);
  reap (f, &process, &errors);
  peer_close (peer);
  g_assert_cmpstr (errors, ==, "");
}

static void
live_and_stop (Fixture *f, Peer *peer)
{
  g_autofree char *errors = NULL;
  Process process;
  int status;

  start (f, &process, 0, NULL, NULL);
  peer_accept (peer);
  kill (process.pid, SIGTERM);
  status = reap (f, &process, &errors);
  if (status != 0)
    g_error ("the last life failed, status %d: %s", status, errors);
}

static void
test_of_each_connection_the_lines_up_to_a_point_are_there_once (Fixture *f, gconstpointer data)
{
  g_autoptr (GHashTable) counts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autofree char *path = scratch_path (&f->scratch, "out");
  guint n_seen = 0;
  Peer peer;

  peer_open (&peer);
  f->port = peer.port;
  for (guint i = 0; i < N_KILLS; i++)
    live_and_be_killed (f, &peer);
  live_and_stop (f, &peer);
  peer_clear (&peer);
  count_folder (counts, path);
  for (guint life = 0; life < f->n_lives; life++) {
    check_connection (counts, life, g_array_index (f->n_seen, guint, life));
    n_seen += g_array_index (f->n_seen, guint, life);
  }
  g_test_message ("%u kills, %u lines in batches, %u in the output", N_KILLS, n_seen, g_hash_table_size (counts));
}

/* At each step of the log, the checkpoint and the output. */
static void
test_killed_at_each_point_it_loses_and_doubles_nothing (Fixture *f, gconstpointer data)
{
  guint n = 0;
  int status = -1;

#ifndef WEIR_KILL_POINTS
  g_test_skip ("this build has no kill points (-Dkill_points=true)");
  return;
#endif
  while (status != 0) {
    g_autofree char *kill_at = g_strdup_printf ("any:%u", ++n), *errors = NULL;
    Process process;

    start (f, &process, 3, NULL, kill_at);
    status = reap (f, &process, &errors);
    if (status != 0 && WEXITSTATUS (status) != 137)
      g_error ("%s: status %d: %s", kill_at, status, errors);
  }
  finish (f);
  check_output (f);
  g_assert_cmpuint (n, >, 20);
  g_test_message ("%u points, %u blocks acknowledged", n - 1, g_hash_table_size (f->acknowledged));
}

/* FALSE: nothing failed any more. */
static gboolean
try_nth (Fixture *f, const char *fault, guint n)
{
  g_autofree char *setting = g_strdup_printf ("%s:%u", fault, n);
  g_autofree char *errors = NULL, *path = scratch_path (&f->scratch, "checkpoint");
  Process process;
  int status;

  start (f, &process, 3, setting, NULL);
  status = reap (f, &process, &errors);
  if (status != 0 && (WEXITSTATUS (status) != 3 || strstr (errors, path) == NULL))
    g_error ("%s: status %d: %s", setting, status, errors);
  return strstr (errors, "io-shim: ") != NULL;
}

static void
test_a_disk_that_fails_once (Fixture *f, gconstpointer fault)
{
  guint n = 1;

  if (g_getenv ("WEIR_TEST_SHIMS") == NULL) {
    g_test_skip ("WEIR_TEST_SHIMS does not say where the shims are");
    return;
  }
  while (try_nth (f, fault, n))
    n++;
  finish (f);
  check_output (f);
  g_assert_cmpuint (n, >, 3);
  g_test_message ("%s: %u calls failed, one at a time; %u blocks acknowledged", (const char *) fault, n - 1,
                  g_hash_table_size (f->acknowledged));
}

int
main (int argc, char **argv)
{
  static const char *const faults[] = { "ENOSPC", "EIO", "EMFILE", "EINTR", "SHORT" };

  alarm (DEADLINE * 10);
  if (argc >= 5 && g_str_equal (argv[1], "--work")) {
    alarm (DEADLINE);
    return work_main (argv + 2);
  }
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/receiver-crash/killed_at_any_time_it_loses_and_doubles_nothing", Fixture, NULL, set_up,
              test_killed_at_any_time_it_loses_and_doubles_nothing, tear_down);
  g_test_add ("/receiver-crash/of_each_connection_the_lines_up_to_a_point_are_there_once", Fixture, NULL, set_up,
              test_of_each_connection_the_lines_up_to_a_point_are_there_once, tear_down);
  g_test_add ("/receiver-crash/killed_at_each_point_it_loses_and_doubles_nothing", Fixture, NULL, set_up,
              test_killed_at_each_point_it_loses_and_doubles_nothing, tear_down);
  for (gsize i = 0; i < G_N_ELEMENTS (faults); i++) {
    g_autofree char *path = g_strdup_printf ("/receiver-crash/a_disk_that_fails_once/%s", faults[i]);

    g_test_add (path, Fixture, faults[i], set_up, test_a_disk_that_fails_once, tear_down);
  }
  return g_test_run ();
}
