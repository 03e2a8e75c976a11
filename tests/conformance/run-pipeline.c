/* Owns the run of cases that need one life of one context: all batches, one after the other. Each is run with functions of
 * a job's, and with those that the engine recognises.
 *
 * One thread. SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/conformance/run.h"

static gboolean
is_property (const Case *one)
{
  return g_str_equal (one->kind, "property");
}

static gboolean
must_fail (const Case *one)
{
  return g_str_equal (one->kind, "error") && !case_is_different (one);
}

static void
compare_partitions (Case *one, Session *session)
{
  guint expected = (guint) json_member_int (one->json, "expected_partitions", -1);
  guint n = __atomic_load_n (&session->n_partitions, __ATOMIC_RELAXED);

  if (json_member (one->json, "expected_partitions") != NULL && n != expected)
    case_note (one, CASE_FAIL, "%u partitions, not the %u that are expected", n, expected);
}

static void
compare_states (Case *one, Session *session)
{
  JsonNode *expected = case_expected_states (one);
  guint at = 0;

  if (expected == NULL)
    return;
  if (session->states == NULL)
    case_note (one, CASE_UNSUPPORTED, "states are expected, but no operator has any");
  else if (session_compare (one, session->states, expected, FALSE, &at))
    session_compare_end (one, expected, at);
}

/* Does one of the batches from @first on hold just these keys, "a,b,c"? */
static gboolean
has_snapshot (WeirCollected *states, gsize first, const char *keys)
{
  g_auto (GStrv) wanted = g_strsplit (keys, ",", 0);

  for (gsize i = first; i < weir_collected_n_batches (states); i++) {
    gsize n, n_found = 0;
    const WeirValue *values = weir_collected_values (states, i, &n);

    for (gsize k = 0; k < n; k++) {
      g_autofree char *key = weir_to_string (weir_key (values[k]));

      n_found += g_strv_contains ((const char *const *) wanted, key);
    }
    if (n == g_strv_length (wanted) && n_found == n)
      return TRUE;
  }
  return FALSE;
}

/* What a note says in words: "some snapshot = {a,b,c}", "last snapshot = {a}". */
static void
compare_snapshots (Case *one, Session *session)
{
  g_autoptr (GRegex) regex = g_regex_new ("(some|last) snapshot = \\{([^}]*)\\}", 0, 0, NULL);
  const char *note = json_member_text (one->json, "note");
  g_autoptr (GMatchInfo) match = NULL;

  g_regex_match (regex, note != NULL ? note : "", 0, &match);
  for (; g_match_info_matches (match); g_match_info_next (match, NULL)) {
    g_autofree char *which = g_match_info_fetch (match, 1), *keys = g_match_info_fetch (match, 2);
    gsize n = session->states != NULL ? weir_collected_n_batches (session->states) : 0;

    if (n == 0 || !has_snapshot (session->states, which[0] == 'l' ? n - 1 : 0, keys))
      case_note (one, CASE_FAIL, "the %s snapshot is not {%s}", which, keys);
  }
}

static void
compare_property (Case *one, Session *session)
{
  g_autoptr (GArray) all = session_flatten (session->output);
  const WeirValue *values = (const WeirValue *) (gpointer) all->data;
  JsonNode *expected = case_expected (one);

  if (!json_matches_all (expected, values, all->len, one->in_order)) {
    g_autofree char *wanted = json_text (expected), *got = json_text_of_values (values, all->len);

    case_note (one, CASE_FAIL, "expected %s in all batches, got %s", wanted, got);
  }
  compare_snapshots (one, session);
}

static void
compare (Case *one, Session *session, const char *folder)
{
  JsonNode *expected = case_expected (one);
  guint at = 0;

  if (is_property (one)) {
    compare_property (one, session);
    return;
  }
  if (session_compare (one, session->output, expected, one->in_order, &at))
    session_compare_end (one, expected, at);
  compare_partitions (one, session);
  compare_states (one, session);
  for (guint i = 0; i < session->chain.n_saved; i++)
    run_compare_saved (one, folder);
}

static void
advance (Case *one, Session *session, Variant variant, const char *folder)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = weir_test_advance (session->ctx, one->n_batches, &error);

  if (must_fail (one) && ok)
    case_note (one, CASE_FAIL, "runs, but must fail: %s", json_member_text (one->json, "error"));
  else if (must_fail (one))
    case_note (one, CASE_PASS, "%s", error->message);
  else if (ok)
    compare (one, session, folder);
  else if (!variant.ready_made || !g_error_matches (error, WEIR_ERROR, WEIR_ERROR_KIND))
    case_note_error (one, error); /* else the ready-made function is not for values of that kind */
}

static void
run_once (Case *one, Variant variant)
{
  char *folder = run_folder_new ();
  Session session;
  Inputs inputs;

  inputs_init (&inputs, one);
  inputs_push (&inputs, one, 0, one->n_batches);
  if (session_open (&session, one, 0, NULL) && session_build (&session, one, &inputs, variant, folder))
    advance (one, &session, variant, folder);
  session_close (&session);
  inputs_clear (&inputs);
  run_folder_free (folder);
}

/* Cases do not say whether a union `via: context.transform` has the stream itself in it, and they differ in that. */
static void
run_variant (Case *one, Variant variant)
{
  run_once (one, variant);
  if (one->outcome != CASE_FAIL || strstr (one->text->str, "expected") == NULL)
    return;

  g_autofree char *text = g_strdup (one->text->str);
  variant.without_self = TRUE;
  one->outcome = CASE_PASS;
  run_once (one, variant);
  if (one->outcome == CASE_FAIL)
    g_string_assign (one->text, text);
}

void
run_pipeline (Case *one)
{
  run_variant (one, (Variant){ .ready_made = FALSE });
  if (one->outcome < CASE_FAIL)
    run_variant (one, (Variant){ .ready_made = TRUE });
}
