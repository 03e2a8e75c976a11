/* Reads the command line: the job's own options and weir's in one pass of GOption, then the positional words
 * against the usage. Must not know what an option means. Never exits and never touches the locale; --help and
 * --version are printed to standard output and come back as WEIR_ERROR_HELP. One thread, before the context
 * starts. SPDX-License-Identifier: Apache-2.0
 */
#include "engine/command-line.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <weir/error.h>

#include "engine/nearest.h"

#define ELLIPSIS "\xe2\x80\xa6"

struct _WeirCommandLine {
  char *name;      /* of the job */
  char *program;   /* as it was called */
  char *usage;     /* NULL: any words will do */
  GArray *entries; /* GOptionEntry; the strings are the job's */
};

/* What the callbacks of one parse need. */
typedef struct {
  const WeirCommandLine *line;
  WeirOptions *options;
} Parse;

static const struct {
  const char *name, *shown, *help;
} general[] = {
  { "config", "--config=FILE", "reads options from FILE, under [weir]" },
  { "help", "--help", "prints this page" },
  { "version", "--version", "prints the version" },
};

WeirCommandLine *
weir_command_line_new (const char *name)
{
  WeirCommandLine *line = g_new0 (WeirCommandLine, 1);
  line->name = g_strdup (name);
  line->program = g_strdup (name);
  line->entries = g_array_new (FALSE, FALSE, sizeof (GOptionEntry));
  return line;
}

void
weir_command_line_free (WeirCommandLine *line)
{
  g_free (line->name);
  g_free (line->program);
  g_free (line->usage);
  g_array_unref (line->entries);
  g_free (line);
}

/*
 * The positional words: "HOST PORT", "BROKERS TOPIC..." (one or more), "[FILE]" (may be missing), "" (none).
 * Until it is called any words are taken.
 */
void
weir_command_line_set_usage (WeirCommandLine *line, const char *words)
{
  g_free (line->usage);
  line->usage = g_strdup (words);
}

/*
 * Text is passed on as the bytes stand: GOption would otherwise convert it from the locale's character set,
 * which is ASCII in a program that never called setlocale().
 */
static void
take_bytes (GOptionEntry *entry)
{
  if (entry->arg == G_OPTION_ARG_STRING)
    entry->arg = G_OPTION_ARG_FILENAME;
  else if (entry->arg == G_OPTION_ARG_STRING_ARRAY)
    entry->arg = G_OPTION_ARG_FILENAME_ARRAY;
  else if (entry->arg == G_OPTION_ARG_CALLBACK && !(entry->flags & G_OPTION_FLAG_NO_ARG))
    entry->flags |= G_OPTION_FLAG_FILENAME;
}

/* The job's own options; a NULL long name ends them. The strings stay the job's and must outlive the parse.
 */
void
weir_command_line_add_entries (WeirCommandLine *line, const GOptionEntry *entries)
{
  for (; entries->long_name != NULL; entries++) {
    GOptionEntry entry = *entries;
    take_bytes (&entry);
    g_array_append_val (line->entries, entry);
  }
}

static const GOptionEntry *
job_entry (const WeirCommandLine *line, guint index)
{
  return &g_array_index (line->entries, GOptionEntry, index);
}

static gboolean
is_weirs_name (const char *name)
{
  WeirOption option;

  for (guint i = 0; i < G_N_ELEMENTS (general); i++)
    if (strcmp (general[i].name, name) == 0)
      return TRUE;
  return weir_option_find (name, &option);
}

static gboolean
check_entries (const WeirCommandLine *line, GError **error)
{
  for (guint i = 0; i < line->entries->len; i++) {
    const char *name = job_entry (line, i)->long_name;
    if (name[0] != '\0' && !is_weirs_name (name))
      continue;
    if (name[0] == '\0')
      g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
                   "the job's options include G_OPTION_REMAINING: declare words with weir_context_set_usage()");
    else
      g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
                   "the job's own option --%s has the name of one of weir's: give it another", name);
    return FALSE;
  }
  return TRUE;
}

static gboolean
on_option (const char *name, const char *value, gpointer user_data, GError **error)
{
  Parse *parse = user_data;
  return weir_options_set (parse->options, name + strlen ("--"), value, WEIR_ORIGIN_COMMAND_LINE, error);
}

static gboolean
on_config (const char *name, const char *value, gpointer user_data, GError **error)
{
  Parse *parse = user_data;
  return weir_options_read_file (parse->options, value, error);
}

/* As an error, so that nothing behind --help on the line can be wrong any more; the message is the page. */
static gboolean
on_help (const char *name, const char *value, gpointer user_data, GError **error)
{
  Parse *parse = user_data;
  g_autofree char *page = weir_command_line_help (parse->line, parse->options);
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_HELP, page);
  return FALSE;
}

static gboolean
on_version (const char *name, const char *value, gpointer user_data, GError **error)
{
  Parse *parse = user_data;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_HELP, "%s (weir %s)\n", parse->line->name, WEIR_VERSION);
  return FALSE;
}

static GOptionGroup *
weirs_group (Parse *parse)
{
  GOptionEntry entries[WEIR_N_OPTIONS + 1] = { 0 };
  for (guint i = 0; i < WEIR_N_OPTIONS; i++)
    entries[i] = (GOptionEntry){ .long_name = weir_option_spec (i)->key,
                                 .flags = G_OPTION_FLAG_FILENAME,
                                 .arg = G_OPTION_ARG_CALLBACK,
                                 .arg_data = on_option };
  const GOptionEntry others[] = {
    { "config", 0, G_OPTION_FLAG_FILENAME, G_OPTION_ARG_CALLBACK, on_config, NULL, NULL },
    { "help", 'h', G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, on_help, NULL, NULL },
    { "version", 0, G_OPTION_FLAG_NO_ARG, G_OPTION_ARG_CALLBACK, on_version, NULL, NULL },
    { NULL, 0, 0, 0, NULL, NULL, NULL },
  };
  GOptionGroup *group = g_option_group_new ("weir", "weir", "weir", parse, NULL);
  g_option_group_add_entries (group, entries);
  g_option_group_add_entries (group, others);
  return group;
}

/* Takes all known options off the line; what is unknown stays. */
static gboolean
parse_options (Parse *parse, int *argc, char ***argv, GError **error)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) cause = NULL;
  g_autoptr (GArray) entries = g_array_copy (parse->line->entries);
  GOptionEntry end = { 0 };

  g_array_append_val (entries, end);
  g_option_context_add_main_entries (context, (const GOptionEntry *) entries->data, NULL);
  g_option_context_add_group (context, weirs_group (parse));
  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_ignore_unknown_options (context, TRUE);
  if (g_option_context_parse (context, argc, argv, &cause))
    return TRUE;
  if (cause->domain == G_OPTION_ERROR)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "%s (see --help)", cause->message);
  else
    g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

static gboolean
refuse_option (const WeirCommandLine *line, const char *word, GError **error)
{
  g_autofree char *shown = g_strndup (word, strcspn (word, "="));
  g_autofree char *quoted = weir_option_quote (shown);
  WeirNearest nearest;

  weir_nearest_init (&nearest, shown + strspn (shown, "-"));
  for (guint i = 0; i < WEIR_N_OPTIONS; i++)
    weir_nearest_offer (&nearest, weir_option_spec (i)->key);
  for (guint i = 0; i < G_N_ELEMENTS (general); i++)
    weir_nearest_offer (&nearest, general[i].name);
  for (guint i = 0; i < line->entries->len; i++)
    weir_nearest_offer (&nearest, job_entry (line, i)->long_name);
  if (nearest.best != NULL)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "unknown option %s: did you mean --%s? (see --help)", quoted,
                 nearest.best);
  else
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "unknown option %s (see --help)", quoted);
  return FALSE;
}

/* A lone "-" is a word, and so is a negative number. */
static gboolean
is_option (const char *word)
{
  if (word[0] != '-' || word[1] == '\0')
    return FALSE;
  gboolean is_number = g_ascii_isdigit (word[1]) || (word[1] == '.' && g_ascii_isdigit (word[2]));
  return !is_number;
}

/* Leaves the program's name and the words; the first "--" ends the options and goes. */
static gboolean
take_words (const WeirCommandLine *line, int *argc, char **argv, GError **error)
{
  gboolean ended = FALSE;
  int n = MIN (1, *argc);

  for (int i = 1; i < *argc; i++) {
    if (!ended && is_option (argv[i]) && strcmp (argv[i], "--") != 0)
      return refuse_option (line, argv[i], error);
    if (ended || strcmp (argv[i], "--") != 0)
      argv[n++] = argv[i];
    else
      ended = TRUE;
  }
  if (n < *argc)
    argv[n] = NULL;
  *argc = n;
  return TRUE;
}

static gboolean
is_repeated (const char *usage_word)
{
  g_autofree char *word = g_strdup (usage_word);
  g_strdelimit (word, "[]", ' ');
  g_strchomp (word);
  return g_str_has_suffix (word, "...") || g_str_has_suffix (word, ELLIPSIS);
}

static gboolean
refuse_words (const WeirCommandLine *line, const char *what, const char *word, GError **error)
{
  gboolean takes_words = line->usage[0] != '\0';
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "%s %s; usage: %s [OPTION...]%s%s (see --help)", what, word,
               line->program, takes_words ? " " : "", line->usage);
  return FALSE;
}

static gboolean
check_usage (const WeirCommandLine *line, int n_words, char **words, GError **error)
{
  if (line->usage == NULL)
    return TRUE;
  g_auto (GStrv) expected = g_strsplit_set (line->usage, " ", -1);
  int n_taken = 0, n_at_most = 0;
  for (char **word = expected; *word != NULL; word++) {
    if ((*word)[0] == '\0')
      continue;
    gboolean is_needed = (*word)[0] != '[';
    if (is_needed && n_taken++ >= n_words)
      return refuse_words (line, "missing argument", *word, error);
    n_at_most = is_repeated (*word) ? G_MAXINT : n_at_most + (n_at_most < G_MAXINT);
  }
  if (n_words <= n_at_most)
    return TRUE;
  g_autofree char *quoted = weir_option_quote (words[n_at_most]);
  return refuse_words (line, "one argument too many,", quoted, error);
}

static void
set_program (WeirCommandLine *line, int argc, char **argv)
{
  if (argc < 1 || argv[0] == NULL || argv[0][0] == '\0')
    return;
  g_free (line->program);
  line->program = g_path_get_basename (argv[0]);
}

/*
 * Sets the options from the command line, the --config files on it, and the environment; calls the job's
 * entries; leaves in @argv the program's name and the positional words. Errors: WEIR_ERROR_HELP after --help
 * or --version, which are printed to standard output; WEIR_ERROR_OPTION; whatever a callback of the job
 * raised. After an error some options may have been set. Blocks for the files.
 */
gboolean
weir_command_line_parse (WeirCommandLine *line, WeirOptions *options, int *argc, char ***argv, GError **error)
{
  Parse parse = { line, options };
  GError *cause = NULL;

  set_program (line, *argc, *argv);
  if (check_entries (line, &cause) && parse_options (&parse, argc, argv, &cause) &&
      take_words (line, argc, *argv, &cause) && check_usage (line, *argc - 1, *argv + 1, &cause) &&
      weir_options_read_environment (options, (const char *const *) environ, &cause))
    return TRUE;
  if (g_error_matches (cause, WEIR_ERROR, WEIR_ERROR_HELP)) {
    fputs (cause->message, stdout);
    fflush (stdout);
  }
  g_propagate_error (error, cause);
  return FALSE;
}

static gboolean
takes_value (const GOptionEntry *entry)
{
  return entry->arg != G_OPTION_ARG_NONE && !(entry->flags & G_OPTION_FLAG_NO_ARG);
}

static char *
shown_entry (const GOptionEntry *entry)
{
  g_autofree char *flag = entry->short_name != 0 ? g_strdup_printf ("-%c, ", entry->short_name) : g_strdup ("");
  const char *value = entry->arg_description != NULL ? entry->arg_description : "VALUE";
  return takes_value (entry) ? g_strdup_printf ("%s--%s=%s", flag, entry->long_name, value)
                             : g_strdup_printf ("%s--%s", flag, entry->long_name);
}

static void
append_job_options (GString *page, const WeirCommandLine *line)
{
  glong width = 0;
  g_autoptr (GPtrArray) shown = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < line->entries->len; i++) {
    g_ptr_array_add (shown, shown_entry (job_entry (line, i)));
    if (!(job_entry (line, i)->flags & G_OPTION_FLAG_HIDDEN))
      width = MAX (width, g_utf8_strlen (shown->pdata[i], -1));
  }
  if (width > 0)
    g_string_append (page, "\nOptions of the job:\n");
  for (guint i = 0; i < line->entries->len; i++) {
    const GOptionEntry *entry = job_entry (line, i);
    const char *text = shown->pdata[i];
    if (!(entry->flags & G_OPTION_FLAG_HIDDEN))
      g_string_append_printf (page, "  %s%*s  %s\n", text, (int) (width - g_utf8_strlen (text, -1)), "",
                              entry->description != NULL ? entry->description : "");
  }
}

static char *
shown_option (const WeirOptionSpec *spec)
{
  g_autofree char *choices = spec->choices != NULL ? g_strjoinv ("|", (char **) spec->choices) : NULL;

  return g_strdup_printf ("--%s=%s", spec->key, choices != NULL ? choices : weir_option_type_name (spec));
}

/* What most names fit into; the others take room from the value's column. */
#define NAME_COLUMN  30
#define VALUE_COLUMN 7

static void
append_row (GString *page, gsize value_width, const char *name, const char *value, const char *help)
{
  gsize n = strlen (name), over = n > NAME_COLUMN ? n - NAME_COLUMN : 0;
  gsize left = MAX (value_width, over + strlen (value)) - over;

  g_string_append_printf (page, "  %-*s  %-*s  %s\n", NAME_COLUMN, name, (int) left, value, help);
}

/* Three columns: the option, its value as it stands now, what it is. */
static void
append_weirs_options (GString *page, const WeirOptions *options)
{
  gsize value_width = VALUE_COLUMN;

  for (guint i = 0; i < WEIR_N_OPTIONS; i++) {
    g_autofree char *value = weir_options_text (options, i);

    value_width = MAX (value_width, strlen (value));
  }
  g_string_append_printf (page, "\n%-*s  Default\n", NAME_COLUMN + 2, "Options of weir:");
  for (guint i = 0; i < WEIR_N_OPTIONS; i++) {
    g_autofree char *shown = shown_option (weir_option_spec (i));
    g_autofree char *value = weir_options_text (options, i);

    append_row (page, value_width, shown, value, weir_option_spec (i)->help);
  }
  for (guint i = 0; i < G_N_ELEMENTS (general); i++)
    append_row (page, value_width, general[i].shown, "", general[i].help);
}

/* The page of --help: under one screen for a job with a few options of its own. Transfer full. */
char *
weir_command_line_help (const WeirCommandLine *line, const WeirOptions *options)
{
  GString *page = g_string_new (NULL);
  g_string_append_printf (page, "usage: %s [OPTION...]%s%s\n", line->program,
                          line->usage != NULL && line->usage[0] != '\0' ? " " : "",
                          line->usage != NULL ? line->usage : "");
  append_job_options (page, line);
  append_weirs_options (page, options);
  g_string_append (page, "\nDURATION: 500us, 200ms, 1.5s, 2m, 1h. SIZE: 64KB, 1.5GB. Options may also stand\n"
                         "in the environment (WEIR_BATCH_INTERVAL=200ms) or in the file of --config.\n");
  return g_string_free (page, FALSE);
}
