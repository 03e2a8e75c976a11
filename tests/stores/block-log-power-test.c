/* Logs of what was received after power cuts: at any instant, with any part left of what was not synced. What was said to
 * be durable is there, in order, and with its bytes; counts and the seed are printed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/block-log.h"

#include <string.h>
#include <unistd.h>

#include <weir/error.h>

#include "tests/shims/power-cut.h"
#include "tests/sinks/scratch.h"

#define N_GROUPS 40
#define N_BLOCKS (N_GROUPS / 4 * (1 + 2 + 3 + 4))
#define N_STATES 1000

/* Block @number, as anybody can tell it. */
static char *
block_text (guint64 number)
{
  g_autofree char *filling = g_strnfill (number * 37 % 200, 'x');

  return g_strdup_printf ("block %" G_GUINT64_FORMAT " %s", number, filling);
}

static WeirBlockLog *
open_log (const char *folder, GArray *found, GError **error)
{
  static const WeirLog log = { "test", WEIR_LOG_ERROR };

  return weir_block_log_open (&(WeirBlockLogSettings){ folder, "texts", 1000, &log }, found, error);
}

static void
append_group (WeirBlockLog *log, guint n)
{
  WeirLogEntry entries[4];
  guint64 first = weir_block_log_next (log);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < n; i++) {
    g_ptr_array_add (texts, block_text (first + i));
    entries[i] = (WeirLogEntry){ texts->pdata[i], strlen (texts->pdata[i]), 1 };
  }
  g_assert_true (weir_block_log_append (log, entries, n, NULL));
}

/* By write (), which is what the shim sees. */
static void
say (const char *what, guint64 number)
{
  g_autofree char *line = g_strdup_printf ("%s %" G_GUINT64_FORMAT "\n", what, number);

  g_assert_cmpint (write (STDOUT_FILENO, line, strlen (line)), ==, strlen (line));
}

/* The process whose power fails: says up to where it is durable, and before what it forgets. */
static int
work_main (const char *folder)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (WeirLoggedBlock));
  WeirBlockLog *log = open_log (folder, found, NULL);

  for (guint i = 0; i < N_GROUPS; i++) {
    append_group (log, 1 + i % 4);
    say ("durable", weir_block_log_next (log) - 1);
    if (i % 5 == 4) {
      say ("forgets", weir_block_log_next (log) - 6);
      g_assert_true (weir_block_log_forget (log, weir_block_log_next (log) - 6, NULL));
    }
  }
  weir_block_log_close (log);
  return 0;
}

static char *
record_run (const Scratch *scratch)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_autofree char *shim = g_build_filename (g_getenv ("WEIR_TEST_SHIMS"), "weir-io-shim.so", NULL);
  char *record = g_strconcat (scratch->path, ".record", NULL);
  const char *asan = g_getenv ("ASAN_OPTIONS");
  g_autofree char *options = g_strconcat ("verify_asan_link_order=0:", asan != NULL ? asan : "", NULL);
  char *command[] = { self, (char *) "--work", scratch->path, NULL };
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "LD_PRELOAD", shim, TRUE);
  g_autofree char *errors = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  environment = g_environ_setenv (environment, "WEIR_TEST_IO_UNDER", scratch->path, TRUE);
  environment = g_environ_setenv (environment, "WEIR_TEST_IO_RECORD", record, TRUE);
  environment = g_environ_setenv (environment, "ASAN_OPTIONS", options, TRUE);
  g_spawn_sync (NULL, command, environment, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &errors, &status, &error);
  g_assert_no_error (error);
  if (status != 0)
    g_error ("status %d: %s", status, errors);
  return record;
}

static void
expect_block (const WeirBlockLog *log, const WeirLoggedBlock *block)
{
  g_autofree char *text = block_text (block->number);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = weir_block_log_read (log, block, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), text, strlen (text));
}

/* What it said last of @what. */
static guint64
newest (const char *said, const char *what)
{
  const char *line = g_strrstr (said, what);

  return line != NULL ? g_ascii_strtoull (line + strlen (what), NULL, 10) : 0;
}

static void
check_log (const char *folder, const char *said)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (WeirLoggedBlock));
  g_autoptr (GError) error = NULL;
  WeirBlockLog *log = open_log (folder, found, &error);
  guint64 needed = MAX (newest (said, "forgets "), 1);

  g_assert_no_error (error);
  g_assert_cmpuint (weir_block_log_next (log), >, newest (said, "durable "));
  g_assert_cmpuint (weir_block_log_first (log), <=, needed);
  for (guint i = 0; i < found->len; i++) {
    g_assert_cmpuint (g_array_index (found, WeirLoggedBlock, i).number, ==, weir_block_log_first (log) + i);
    expect_block (log, &g_array_index (found, WeirLoggedBlock, i));
  }
  append_group (log, 3); /* it goes on */
  weir_block_log_close (log);
}

static void
check_state (const PowerCut *cut, guint n, GRand *random)
{
  g_autoptr (GString) said = g_string_new (NULL);
  Scratch after;

  scratch_init (&after);
  power_cut_write (cut, n, random, after.path, said);
  g_assert_cmpint (n == power_cut_n_events (cut), <=, newest (said->str, "durable ") == N_BLOCKS);
  check_log (after.path, said->str);
  check_log (after.path, said->str); /* and what it mended stays so */
  scratch_clear (&after);
}

static void
test_power_cuts (void)
{
  guint32 seed = (guint32) g_test_rand_int ();
  guint n_states = power_cut_n_states (N_STATES);
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  g_autofree char *record = NULL;
  g_autoptr (PowerCut) cut = NULL;
  Scratch scratch;

  if (g_getenv ("WEIR_TEST_SHIMS") == NULL) {
    g_test_skip ("WEIR_TEST_SHIMS does not say where the shims are");
    return;
  }
  scratch_init (&scratch);
  record = record_run (&scratch);
  cut = power_cut_new (record, scratch.path);
  g_assert_cmpuint (power_cut_n_events (cut), >, 100);
  for (guint i = 0; i < n_states; i++)
    check_state (cut, (guint) ((guint64) i * (power_cut_n_events (cut) + 1) / n_states), random);
  g_test_message ("%u power cuts during %u calls, nothing lost; seed %u", n_states, power_cut_n_events (cut), seed);
  unlink (record);
  scratch_clear (&scratch);
}

int
main (int argc, char **argv)
{
  if (argc == 3 && g_str_equal (argv[1], "--work"))
    return work_main (argv[2]);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/block-log-power/what-was-said-to-be-durable-is-there", test_power_cuts);
  return g_test_run ();
}
