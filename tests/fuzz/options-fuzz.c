/* Fuzz target: any text as a command line, as a key file and as an environment. What is accepted must be in range, and
 * what is refused must be an option error with a printable message.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/error.h>

#include "engine/command-line.h"

#define MAX_WORDS 64

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
check (const WeirOptions *options, gboolean done, const GError *error)
{
  g_assert_true (done == (error == NULL));
  if (error != NULL) {
    g_assert_true (error->domain == WEIR_ERROR);
    g_assert_true (error->code == WEIR_ERROR_OPTION || error->code == WEIR_ERROR_HELP);
    g_assert_true (error->message[0] != '\0');
  }
  for (guint i = 0; i < WEIR_N_OPTIONS; i++) {
    const WeirOptionSpec *spec = weir_option_spec (i);
    gint64 again;
    g_autofree char *text = weir_options_text (options, i);
    g_assert_true (weir_option_parse (spec, text, &again, NULL));
  }
}

static void
try_file (const char *text, gsize size)
{
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autoptr (GError) error = NULL;
  gboolean done = weir_options_read_text (options, "fuzz.conf", text, size, &error);
  check (options, done, error);
}

static void
try_environment (char **lines)
{
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autoptr (GError) error = NULL;
  gboolean done = weir_options_read_environment (options, (const char *const *) lines, &error);
  check (options, done, error);
}

/* The first line is the usage, each further line a word. No files are read: they would make a run differ from the next.
 */
static void
try_command_line (char **lines)
{
  g_autoptr (WeirOptions) options = weir_options_new ();
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirCommandLine) line = weir_command_line_new ("fuzz");
  g_autofree char *name = NULL;
  int top = 0;
  const GOptionEntry entries[] = {
    { "top", 'n', 0, G_OPTION_ARG_INT, &top, "a number", "N" },
    { "name", 0, 0, G_OPTION_ARG_STRING, &name, "a name", NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  char program[] = "fuzz", *argv[MAX_WORDS + 1] = { program }, **words = argv;
  int argc = 1;

  if (lines[0] == NULL)
    return;
  weir_command_line_set_usage (line, lines[0]);
  weir_command_line_add_entries (line, entries);
  for (char **word = lines + 1; *word != NULL && argc < MAX_WORDS; word++)
    if (!g_str_has_prefix (*word, "--config"))
      argv[argc++] = *word;
  gboolean done = weir_command_line_parse (line, options, &argc, &words, &error);
  check (options, done, error);
}

/* Variables that are no options are warned of, which is neither a fault nor worth a line each time. */
static void
drop_message (const char *domain, GLogLevelFlags level, const char *message, gpointer user_data)
{
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  g_log_set_default_handler (drop_message, NULL);

  g_autofree char *text = g_strndup ((const char *) data, size);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  try_file ((const char *) data, size);
  try_environment (lines);
  try_command_line (lines);
  return 0;
}
