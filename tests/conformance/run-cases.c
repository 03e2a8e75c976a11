/* Runs cases: what is computed, batch by batch, as data. See README.md beside this file.
 *
 * Prints a line a case; the status is 0 only if all hold. SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "tests/conformance/run.h"

typedef struct {
  char *only;
  char **paths;
} Options;

static const char *const outcome_words[] = {
  [CASE_PASS] = "pass",           [CASE_DIFFERENT] = "DIFFERENT as listed",
  [CASE_ELSEWHERE] = "elsewhere", [CASE_NOT_HERE] = "n/a",
  [CASE_FAIL] = "FAIL",           [CASE_UNSUPPORTED] = "UNSUPPORTED",
};

static void
not_here (Case *one)
{
  case_note (one, CASE_NOT_HERE, "past data is not addressable: only windows and state remember");
}

static void
elsewhere (Case *one)
{
  case_note (one, CASE_ELSEWHERE, "no public interface: the tests of its part run it");
}

static gboolean
has_operators (const Case *one)
{
  JsonNode *ops = json_member (one->json, "ops");

  for (guint i = 0; i < json_length (ops); i++)
    if (!JSON_NODE_HOLDS_OBJECT (json_array_get_element (json_node_get_array (ops), i)))
      return FALSE;
  return ops != NULL && JSON_NODE_HOLDS_ARRAY (ops);
}

/* Cases of a pipeline or a recovery may begin with a source, and are then run as those of sources are; a recovery of sets
 * that has none is one of batches: each is given once. */
static const char *
kind_of (const Case *one)
{
  JsonNode *ops = json_member (one->json, "ops");
  gboolean is_pipeline = g_str_equal (one->kind, "pipeline"), is_source = g_str_equal (one->kind, "source");

  if (json_length (ops) == 0)
    return is_source || g_str_equal (one->kind, "recovery_set") ? "of a source, without one" : one->kind;
  if (!run_is_source (json_array_get_object_element (json_node_get_array (ops), 0)))
    return g_str_equal (one->kind, "recovery_set") ? "recovery" : one->kind;
  if (g_str_equal (one->kind, "recovery"))
    return "recovery_set";
  return is_pipeline ? "source" : one->kind;
}

static void
run_kind (Case *one)
{
  static const struct {
    const char *kind;
    void (*run) (Case *one);
  } kinds[] = {
    { "pipeline", run_pipeline },
    { "error", run_pipeline },
    { "property", run_pipeline },
    { "recovery", run_recovery },
    { "recovery_set", run_recovery_set },
    { "source", run_source },
    { "text", run_text },
    { "query", not_here },
    { "retention", not_here },
    { "table", elsewhere },
    { "state_record", elsewhere },
    { "state_batch", elsewhere },
    { "scenario", elsewhere },
  };
  const char *kind = kind_of (one);

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_equal (kinds[i].kind, kind)) {
      kinds[i].run (one);
      return;
    }
  case_note (one, CASE_UNSUPPORTED, "unknown kind '%s'", kind);
}

static void
run (Case *one)
{
  const char *mark = json_member_text (one->json, "weir");

  if (mark != NULL && g_str_equal (mark, "n/a"))
    case_note (one, CASE_NOT_HERE, "the case says so");
  else if (!has_operators (one))
    case_note (one, CASE_UNSUPPORTED, "'ops' is no array of operators");
  else
    run_kind (one);
}

static void
print (const Case *one)
{
  const char *suite = json_member_text (one->json, "suite");

  printf ("%-20s %s / %s", outcome_words[one->outcome], suite != NULL ? suite : "-", one->name);
  printf (one->text->len > 0 ? ": %s\n" : "\n", one->text->str);
  fflush (stdout);
}

static CaseOutcome
run_one (JsonObject *json, const Options *options)
{
  CaseOutcome outcome;
  Case one;

  case_init (&one, json);
  run (&one);
  if (one.outcome == CASE_PASS && case_is_different (&one))
    one.outcome = CASE_DIFFERENT;
  print (&one);
  outcome = one.outcome;
  case_clear (&one);
  return outcome;
}

/* The cases of a file: an array, alone or as the member `cases`. NULL: it is no such file. */
static JsonArray *
cases_of (JsonNode *root)
{
  if (root != NULL && JSON_NODE_HOLDS_OBJECT (root))
    root = json_member (json_node_get_object (root), "cases");
  return root != NULL && JSON_NODE_HOLDS_ARRAY (root) ? json_node_get_array (root) : NULL;
}

static gboolean
is_wanted (JsonObject *json, const Options *options)
{
  const char *name = json_member_text (json, "name");

  return options->only == NULL || (name != NULL && strstr (name, options->only) != NULL);
}

static void
run_cases (JsonArray *cases, const Options *options, guint counts[G_N_ELEMENTS (outcome_words)])
{
  for (guint i = 0; i < json_array_get_length (cases); i++) {
    JsonNode *node = json_array_get_element (cases, i);

    if (!JSON_NODE_HOLDS_OBJECT (node)) {
      printf ("%-20s case %u is no object\n", outcome_words[CASE_UNSUPPORTED], i);
      counts[CASE_UNSUPPORTED]++;
    } else if (is_wanted (json_node_get_object (node), options)) {
      counts[run_one (json_node_get_object (node), options)]++;
    }
  }
}

static gboolean
run_file (const char *path, const Options *options, guint counts[G_N_ELEMENTS (outcome_words)])
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  g_autoptr (GError) error = NULL;
  JsonArray *cases;

  if (!json_parser_load_from_file (parser, path, &error)) {
    fprintf (stderr, "run-cases: %s cannot be read: %s\n", path, error->message);
    return FALSE;
  }
  cases = cases_of (json_parser_get_root (parser));
  if (cases == NULL)
    fprintf (stderr, "run-cases: %s holds no array of cases: give a file of cases\n", path);
  else
    run_cases (cases, options, counts);
  return cases != NULL;
}

static gboolean
parse_options (Options *options, int *argc, char ***argv)
{
  const GOptionEntry entries[] = {
    { "only", 0, 0, G_OPTION_ARG_STRING, &options->only, "Only cases with that in their name", "TEXT" },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->paths, NULL, "FILE.json..." },
    { NULL },
  };
  g_autoptr (GOptionContext) parser = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;

  g_option_context_add_main_entries (parser, entries, NULL);
  if (!g_option_context_parse (parser, argc, argv, &error))
    fprintf (stderr, "run-cases: %s\n", error->message);
  else if (options->paths == NULL)
    fprintf (stderr, "run-cases: no file of cases: give at least one\n");
  return options->paths != NULL;
}

int
main (int argc, char **argv)
{
  guint counts[G_N_ELEMENTS (outcome_words)] = { 0 }, n_failed;
  Options options = { 0 };
  gboolean ok = parse_options (&options, &argc, &argv);

  for (guint i = 0; ok && options.paths[i] != NULL; i++)
    ok = run_file (options.paths[i], &options, counts);
  n_failed = counts[CASE_FAIL] + counts[CASE_UNSUPPORTED];
  printf ("%u pass, %u differ as listed, %u run elsewhere, %u n/a, %u FAIL, %u UNSUPPORTED\n", counts[CASE_PASS],
          counts[CASE_DIFFERENT], counts[CASE_ELSEWHERE], counts[CASE_NOT_HERE], counts[CASE_FAIL],
          counts[CASE_UNSUPPORTED]);
  g_strfreev (options.paths);
  g_free (options.only);
  return ok && n_failed == 0 ? 0 : 1;
}
