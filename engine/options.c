/* The values of the options: defaults, what the job set, a key file, the environment; the command line is
 * read in engine/command-line.c and set from there. Must not know what an option means, nor which options
 * there are: that is the table's. One thread until the context starts, then constant.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/options.h"

#include <string.h>

#include <weir/error.h>

#include "engine/log.h"
#include "engine/nearest.h"

#define GROUP           "weir"
#define VARIABLE_PREFIX "WEIR_"
#define TEST_PREFIX     "WEIR_TEST_" /* a test suite's own variables */

struct _WeirOptions {
  struct {
    gint64 number;
    char *text; /* of a TEXT; NULL: none */
    WeirOrigin origin;
  } values[WEIR_N_OPTIONS];
};

WeirOptions *
weir_options_new (void)
{
  WeirOptions *options = g_new0 (WeirOptions, 1);
  for (guint i = 0; i < WEIR_N_OPTIONS; i++)
    options->values[i].number = weir_option_default (weir_option_spec (i));
  return options;
}

void
weir_options_free (WeirOptions *options)
{
  for (guint i = 0; i < WEIR_N_OPTIONS; i++)
    g_free (options->values[i].text);
  g_free (options);
}

static void
store (WeirOptions *options, WeirOption option, gint64 value, const char *text, WeirOrigin origin)
{
  if (origin < options->values[option].origin)
    return;
  if (weir_option_spec (option)->type == WEIR_OPTION_TYPE_TEXT) {
    g_free (options->values[option].text);
    options->values[option].text = value > 0 ? g_strdup (text) : NULL;
  }
  options->values[option].number = value;
  options->values[option].origin = origin;
}

/* How the user wrote the option's name there. */
static char *
name_at (const WeirOptionSpec *spec, WeirOrigin origin)
{
  if (origin == WEIR_ORIGIN_ENVIRONMENT)
    return weir_option_variable (spec);
  return g_strconcat (origin == WEIR_ORIGIN_COMMAND_LINE ? "--" : "", spec->key, NULL);
}

static gboolean
refuse_key (const char *key, GError **error)
{
  WeirNearest nearest;
  weir_nearest_init (&nearest, key);
  for (guint i = 0; i < WEIR_N_OPTIONS; i++)
    weir_nearest_offer (&nearest, weir_option_spec (i)->key);

  g_autofree char *quoted = weir_option_quote (key);
  if (nearest.best != NULL)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "unknown option %s: did you mean %s? (--help lists all)", quoted,
                 nearest.best);
  else
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "unknown option %s (--help lists all)", quoted);
  return FALSE;
}

/*
 * Sets one option from text. A value that is outranked is checked and then forgotten. WEIR_ERROR_OPTION for a
 * key that does not exist, with the nearest one, and for a bad value; nothing is changed then.
 */
gboolean
weir_options_set (WeirOptions *options, const char *key, const char *value, WeirOrigin origin, GError **error)
{
  WeirOption option;
  gint64 number;

  if (!weir_option_find (key, &option))
    return refuse_key (key, error);
  const WeirOptionSpec *spec = weir_option_spec (option);
  if (!weir_option_parse (spec, value, &number, error)) {
    g_autofree char *name = name_at (spec, origin);
    g_prefix_error (error, "%s: ", name);
    return FALSE;
  }
  store (options, option, number, value, origin);
  return TRUE;
}

/* As the job's own code sets it, in microseconds, bytes or whatever the type counts. WEIR_ERROR_OPTION:
 * range. */
gboolean
weir_options_set_number (WeirOptions *options, WeirOption option, gint64 value, GError **error)
{
  const WeirOptionSpec *spec = weir_option_spec (option);
  if (!weir_option_check (spec, value, error)) {
    g_prefix_error (error, "%s: ", spec->key);
    return FALSE;
  }
  store (options, option, value, NULL, WEIR_ORIGIN_SET);
  return TRUE;
}

static gboolean
set_from_file (WeirOptions *options, GKeyFile *file, const char *key, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autofree char *value = g_key_file_get_string (file, GROUP, key, &cause);
  if (cause != NULL) { /* with some causes there is a value all the same */
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
                 "%s: the value is not UTF-8 or has a bad escape (\\s \\n \\t \\r \\\\)", key);
    return FALSE;
  }
  return weir_options_set (options, key, value, WEIR_ORIGIN_FILE, error);
}

static gboolean
set_all_from_file (WeirOptions *options, GKeyFile *file, GError **error)
{
  g_auto (GStrv) keys = g_key_file_get_keys (file, GROUP, NULL, NULL);
  if (keys == NULL) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
                 "there is no group [%s] in it: write that line above the options", GROUP);
    return FALSE;
  }
  for (char **key = keys; *key != NULL; key++)
    if (!set_from_file (options, file, *key, error))
      return FALSE;
  return TRUE;
}

/* The text of a key file; @name is for messages. WEIR_ERROR_OPTION; the options before the bad one are set
 * then. */
gboolean
weir_options_read_text (WeirOptions *options, const char *name, const char *text, gsize size, GError **error)
{
  g_autoptr (GKeyFile) file = g_key_file_new ();
  g_autoptr (GError) cause = NULL;
  gboolean done = FALSE;

  if (!g_key_file_load_from_data (file, text, size, G_KEY_FILE_NONE, &cause))
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "not a key file: %s", cause->message);
  else
    done = set_all_from_file (options, file, error);
  if (!done)
    g_prefix_error (error, "%s: ", name);
  return done;
}

/* The key file's group [weir]; other groups are left alone. Blocks for the file. WEIR_ERROR_OPTION. */
gboolean
weir_options_read_file (WeirOptions *options, const char *path, GError **error)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) cause = NULL;
  gsize size;

  if (g_file_get_contents (path, &text, &size, &cause))
    return weir_options_read_text (options, path, text, size, error);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "cannot read the options: %s", cause->message);
  return FALSE;
}

static gboolean
find_variable (const char *name, WeirOption *option)
{
  for (guint i = 0; i < WEIR_N_OPTIONS; i++) {
    g_autofree char *variable = weir_option_variable (weir_option_spec (i));
    if (strcmp (variable, name) == 0) {
      *option = (WeirOption) i;
      return TRUE;
    }
  }
  return FALSE;
}

/* Not an error: the variable may belong to something else that is called weir. */
static void
warn_of_variable (const WeirOptions *options, const char *name)
{
  const WeirLog log = { "environment", weir_options_choice (options, WEIR_OPTION_LOG_LEVEL) };
  WeirNearest nearest;
  g_autofree char *key = g_ascii_strdown (name + strlen (VARIABLE_PREFIX), -1);
  g_autofree char *quoted = weir_option_quote (name);

  weir_nearest_init (&nearest, g_strdelimit (key, "_", '.'));
  for (guint i = 0; i < WEIR_N_OPTIONS; i++)
    weir_nearest_offer (&nearest, weir_option_spec (i)->key);
  WeirOption option;
  if (nearest.best == NULL || !weir_option_find (nearest.best, &option)) {
    weir_log (&log, WEIR_LOG_WARNING, "the variable %s names no option and is ignored (--help lists all)", quoted);
    return;
  }
  g_autofree char *variable = weir_option_variable (weir_option_spec (option));
  weir_log (&log, WEIR_LOG_WARNING, "the variable %s names no option and is ignored: did you mean %s?", quoted,
            variable);
}

/* Of a "NAME=value" that is weir's; NULL: it is not. Transfer full. */
static char *
name_of_variable (const char *definition)
{
  const char *equals = strchr (definition, '=');

  if (equals == NULL || !g_str_has_prefix (definition, VARIABLE_PREFIX))
    return NULL;
  return g_strndup (definition, (gsize) (equals - definition));
}

static gboolean
read_variable (WeirOptions *options, const char *name, const char *value, GError **error)
{
  WeirOption option;

  if (value[0] == '\0' || !find_variable (name, &option))
    return TRUE;
  return weir_options_set (options, weir_option_spec (option)->key, value, WEIR_ORIGIN_ENVIRONMENT, error);
}

/*
 * "NAME=value" strings as in environ. An empty value counts as unset; a name that starts with WEIR_ and is no
 * option is warned of. WEIR_ERROR_OPTION for a bad value.
 */
gboolean
weir_options_read_environment (WeirOptions *options, const char *const *environment, GError **error)
{
  for (const char *const *at = environment; *at != NULL; at++) {
    g_autofree char *name = name_of_variable (*at);
    if (name != NULL && !read_variable (options, name, *at + strlen (name) + 1, error))
      return FALSE;
  }
  /* Only now is log.level known. */
  for (const char *const *at = environment; *at != NULL; at++) {
    g_autofree char *name = name_of_variable (*at);
    WeirOption option;
    if (name != NULL && !g_str_has_prefix (name, TEST_PREFIX) && !find_variable (name, &option))
      warn_of_variable (options, name);
  }
  return TRUE;
}

static gint64
number_of (const WeirOptions *options, WeirOption option, WeirOptionType type)
{
  g_assert (weir_option_spec (option)->type == type);
  return options->values[option].number;
}

WeirTime
weir_options_duration (const WeirOptions *options, WeirOption option)
{
  return number_of (options, option, WEIR_OPTION_TYPE_DURATION);
}

gint64
weir_options_size (const WeirOptions *options, WeirOption option)
{
  return number_of (options, option, WEIR_OPTION_TYPE_SIZE);
}

guint
weir_options_integer (const WeirOptions *options, WeirOption option)
{
  return (guint) number_of (options, option, WEIR_OPTION_TYPE_INTEGER);
}

guint
weir_options_choice (const WeirOptions *options, WeirOption option)
{
  return (guint) number_of (options, option, WEIR_OPTION_TYPE_CHOICE);
}

const char *
weir_options_string (const WeirOptions *options, WeirOption option)
{
  g_assert (weir_option_spec (option)->type == WEIR_OPTION_TYPE_TEXT);
  return options->values[option].text;
}

/* A URI's user and password are nobody's to read. */
static char *
without_secrets (const char *text)
{
  const char *rest = strstr (text, "://"), *host = rest != NULL ? strrchr (rest, '@') : NULL;

  if (host == NULL)
    return g_strdup (text);
  return g_strdup_printf ("%.*s***%s", (int) (rest + strlen ("://") - text), text, host);
}

char *
weir_options_text (const WeirOptions *options, WeirOption option)
{
  if (options->values[option].text != NULL)
    return without_secrets (options->values[option].text);
  return weir_option_format (weir_option_spec (option), options->values[option].number);
}

WeirOrigin
weir_options_origin (const WeirOptions *options, WeirOption option)
{
  g_assert (option < WEIR_N_OPTIONS);
  return options->values[option].origin;
}
