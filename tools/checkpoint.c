/* weir checkpoint: owns its command line, the list of its commands, and how each ends. Must not know what commands do.
 * One thread. SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include <weir/error.h>

#include "tools/command.h"

#define MOST_TRIES 5

typedef enum { NO_EPOCH, SEALED_EPOCH, ANY_EPOCH } EpochKind;

typedef struct {
  const char *name, *words, *help;
  guint n_least, n_most; /* words after the place */
  EpochKind epoch;
  WeirCommandFunc run;
} CommandKind;

static const CommandKind kinds[] = {
  { "list", "PLACE", "the epochs that are there, a line each", 0, 0, NO_EPOCH, weir_command_list },
  { "show", "PLACE", "the manifest of an epoch", 0, 0, ANY_EPOCH, weir_command_show },
  { "states", "PLACE", "whose state is there: uid, verb, version, pieces, bytes", 0, 0, ANY_EPOCH,
    weir_command_states },
  { "offsets", "PLACE", "where each source stands", 0, 0, ANY_EPOCH, weir_command_offsets },
  { "dump", "PLACE UID", "the state of one uid, an entry a line", 1, 1, ANY_EPOCH, weir_command_dump },
  { "verify", "PLACE", "reads every piece and compares every checksum", 0, 0, NO_EPOCH, weir_command_verify },
  { "drop", "PLACE UID", "drops what is kept of one uid", 1, 1, SEALED_EPOCH, weir_command_drop },
  { "set-offsets", "PLACE UID WHERE=NEXT...", "moves a source", 2, G_MAXUINT, SEALED_EPOCH, weir_command_set_offsets },
};

static const char head[] =
    "usage: weir checkpoint COMMAND PLACE [ARGUMENT...] [OPTION...]\n"
    "\n"
    "Looks at a checkpoint, and changes one that no job uses. PLACE is what the job has as --checkpoint,\n"
    "file:///dir or redis://host:port/db?prefix=name, or the path of a directory.\n"
    "\n";

static const char tail[] =
    "\n"
    "  --epoch=N                   of this epoch, not of the sealed one; for show, states, offsets, dump\n"
    "  --redis.password.file=FILE  holds the password of Redis\n"
    "  --help                      this text\n"
    "\n"
    "Fields of a line stand between tabs; lines of headings begin with '#'. drop and set-offsets seal a new\n"
    "epoch, which the job goes on from; they take the checkpoint's token and so refuse one that is in use.\n"
    "\n"
    "exit status: 0 done, 1 failed, 2 wrong usage, 3 in use by a job, 4 damaged\n";

static void
print_help (void)
{
  fputs (head, stdout);
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++) {
    g_autofree char *call = g_strdup_printf ("%s %s", kinds[i].name, kinds[i].words);

    printf ("  %-36s %s\n", call, kinds[i].help);
  }
  fputs (tail, stdout);
}

static const CommandKind *
find_kind (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (kinds[i].name, name))
      return &kinds[i];
  return NULL;
}

void
weir_append_cell (GString *out, const char *text, gsize size)
{
  static const char special[] = "\t\n\r\\", letters[] = "tnr\\";

  for (gsize i = 0; i < size; i++) {
    const char *at = text[i] != '\0' ? strchr (special, text[i]) : NULL;

    if (at != NULL)
      g_string_append_c (out, '\\');
    g_string_append_c (out, at != NULL ? letters[at - special] : text[i]);
  }
}

const char *
weir_manifest_verb (const WeirManifest *manifest, const char *uid)
{
  for (guint i = 0; i < manifest->shape->len; i++) {
    const WeirShape *shape = g_ptr_array_index (manifest->shape, i);

    if (g_str_equal (shape->uid, uid))
      return shape->verb;
  }
  return "-";
}

/* The value of --NAME=VALUE; NULL: it is another argument. */
static const char *
value_of (const char *argument, const char *name)
{
  gsize n = strlen (name);

  return strncmp (argument, name, n) == 0 && argument[n] == '=' ? argument + n + 1 : NULL;
}

static gboolean
take_option (WeirCommand *command, const char *argument, GError **error)
{
  const char *epoch = value_of (argument, "--epoch");
  const char *file = value_of (argument, "--redis.password.file");

  if (file != NULL)
    command->place.password_file = file;
  else if (epoch != NULL && !g_ascii_string_to_unsigned (epoch, 10, 1, G_MAXUINT64, &command->epoch, NULL))
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
                 "'%s' is no number of an epoch: 'list' shows those that are there", epoch);
  else if (epoch == NULL)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
                 "there is no option '%s': write --epoch=N or "
                 "--redis.password.file=FILE",
                 argument);
  return *error == NULL;
}

/* @argv: after the command's name. Words are moved to the front of it. */
static gboolean
parse (WeirCommand *command, const CommandKind *kind, int argc, char **argv, GError **error)
{
  guint n = 0;

  for (int i = 0; i < argc; i++)
    if (!g_str_has_prefix (argv[i], "--"))
      argv[n++] = argv[i];
    else if (!take_option (command, argv[i], error))
      return FALSE;
  if (n < 1 || n - 1 < kind->n_least || n - 1 > kind->n_most) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "write: weir checkpoint %s %s", kind->name, kind->words);
    return FALSE;
  }
  if (command->epoch != 0 && kind->epoch != ANY_EPOCH) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "--epoch is not for %s", kind->name);
    return FALSE;
  }
  command->place.place = argv[0];
  command->words = argv + 1;
  command->n_words = n - 1;
  return TRUE;
}

/* One that nobody has is a mistake of the caller's, and no damage. */
static gboolean
has_epoch (WeirCommand *command, guint64 epoch, GError **error)
{
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));

  if (!command->opened.store->klass->list (command->opened.store, epochs, error))
    return FALSE;
  for (guint i = 0; i < epochs->len; i++)
    if (g_array_index (epochs, guint64, i) == epoch)
      return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED,
               "there is no epoch %" G_GUINT64_FORMAT ": 'list' shows those that are there", epoch);
  return FALSE;
}

static gboolean
read_epoch (WeirCommand *command, GError **error)
{
  guint64 epoch = command->epoch != 0 ? command->epoch : command->opened.sealed;

  if (epoch == 0) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED,
                 "no epoch is sealed in %s: no job has run with this checkpoint, or it is another place",
                 strchr (command->place.place, '@') != NULL ? "it" : command->place.place);
    return FALSE;
  }
  if (command->epoch != 0 && !has_epoch (command, epoch, error))
    return FALSE;
  command->manifest = weir_opened_read_manifest (&command->opened, epoch, error);
  return command->manifest != NULL;
}

static gboolean
try_once (WeirCommand *command, const CommandKind *kind, GError **error)
{
  return weir_opened_init (&command->opened, &command->place, TRUE, error) &&
         (kind->epoch == NO_EPOCH || read_epoch (command, error)) && kind->run (command, error);
}

/* Did a job seal while we looked? It forgets what it does not need then. */
static gboolean
has_moved (WeirCommand *command)
{
  WeirOpened *opened = &command->opened;
  guint64 sealed, prepared;

  return opened->store != NULL && opened->store->klass->find (opened->store, &sealed, &prepared, NULL) &&
         (sealed != opened->sealed || prepared != opened->prepared);
}

static gboolean
run (WeirCommand *command, const CommandKind *kind, GError **error)
{
  gboolean ok = FALSE, again = TRUE;

  for (guint i = 0; i < MOST_TRIES && again; i++) {
    g_clear_error (error);
    g_string_truncate (command->out, 0);
    ok = try_once (command, kind, error);
    again = !ok && g_error_matches (*error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT) && has_moved (command);
    g_clear_pointer (&command->manifest, weir_manifest_free);
    weir_opened_clear (&command->opened);
  }
  return ok;
}

static WeirExit
exit_of (const GError *error)
{
  switch ((WeirError) error->code) {
  case WEIR_ERROR_OPTION:
    return WEIR_EXIT_USAGE;
  case WEIR_ERROR_CHECKPOINT_LOCKED:
    return WEIR_EXIT_IN_USE;
  case WEIR_ERROR_CHECKPOINT_CORRUPT:
    return WEIR_EXIT_DAMAGED;
  default:
    return WEIR_EXIT_FAILED;
  }
}

static WeirExit
report (const GError *error)
{
  fprintf (stderr, "weir checkpoint: %s\n", error->message);
  if (error->code == WEIR_ERROR_OPTION)
    fputs ("weir checkpoint --help tells all\n", stderr);
  return exit_of (error);
}

static gboolean
print_out (const GString *out, GError **error)
{
  if (fwrite (out->str, 1, out->len, stdout) == out->len && fflush (stdout) == 0)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "cannot write to standard output: %s", g_strerror (errno));
  return FALSE;
}

static gboolean
asks_for_help (int argc, char **argv)
{
  for (int i = 1; i < argc; i++)
    if (g_str_equal (argv[i], "--help") || g_str_equal (argv[i], "-h"))
      return TRUE;
  return FALSE;
}

int
weir_checkpoint_main (int argc, char **argv)
{
  const CommandKind *kind = argc > 1 ? find_kind (argv[1]) : NULL;
  g_autoptr (GString) out = g_string_new (NULL);
  g_autoptr (GError) error = NULL, unwritten = NULL;
  WeirCommand command = { .out = out };

  if (asks_for_help (argc, argv)) {
    print_help ();
    return WEIR_EXIT_DONE;
  }
  if (kind == NULL)
    g_set_error (&error, WEIR_ERROR, WEIR_ERROR_OPTION, argc > 1 ? "there is no command '%s'" : "which command?%s",
                 argc > 1 ? argv[1] : "");
  else if (parse (&command, kind, argc - 2, argv + 2, &error))
    run (&command, kind, &error);
  if (!print_out (out, &unwritten) && error == NULL)
    error = g_steal_pointer (&unwritten);
  return error != NULL ? report (error) : WEIR_EXIT_DONE;
}
