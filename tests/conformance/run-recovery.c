/* Owns the run of cases whose context ends in the middle and goes on from its checkpoint: the first life is freed without
 * a stop, the second one gets the rest of the input. Together they give each batch once.
 *
 * One thread. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/run.h"

typedef struct {
  Case *one;
  Inputs inputs;
  Variant variant;
  const char *folder;
  guint at, at_state; /* how many batches were compared */
} Lives;

/* FALSE: noted. */
static gboolean
compare (Lives *lives, const Session *session)
{
  Case *one = lives->one;
  JsonNode *states = case_expected_states (one);

  if (!session_compare (one, session->output, case_expected (one), one->in_order, &lives->at))
    return FALSE;
  if (states != NULL && session->states == NULL)
    case_note (one, CASE_UNSUPPORTED, "states are expected, but no operator has any");
  return states == NULL || session->states == NULL ||
         session_compare (one, session->states, states, FALSE, &lives->at_state);
}

/* Batches @from to @until. FALSE: noted. */
static gboolean
live (Lives *lives, guint from, guint until)
{
  g_autofree char *checkpoint = g_build_filename (lives->folder, "checkpoint", NULL);
  g_autoptr (GError) error = NULL;
  Case *one = lives->one;
  Session session;
  gboolean ok = session_open (&session, one, from, checkpoint) &&
                session_build (&session, one, &lives->inputs, lives->variant, lives->folder);

  inputs_push (&lives->inputs, one, from, until);
  if (ok && !weir_test_advance (session.ctx, until - from, &error)) {
    g_prefix_error (&error, "batches %u to %u: ", from + 1, until);
    case_note_error (one, error);
    ok = FALSE;
  }
  ok = ok && compare (lives, &session);
  session_close (&session);
  return ok;
}

static void
compare_ends (const Lives *lives)
{
  JsonNode *states = case_expected_states (lives->one);

  session_compare_end (lives->one, case_expected (lives->one), lives->at);
  if (states != NULL)
    session_compare_end (lives->one, states, lives->at_state);
}

static void
run_variant (Case *one, Variant variant)
{
  guint stop_after = (guint) json_member_int (one->json, "stop_after", one->n_batches / 2);
  char *folder = run_folder_new ();
  Lives lives = { .one = one, .variant = variant, .folder = folder };

  inputs_init (&lives.inputs, one);
  if (live (&lives, 0, stop_after) && live (&lives, stop_after, one->n_batches))
    compare_ends (&lives);
  if (one->outcome < CASE_FAIL)
    run_compare_saved (one, folder);
  inputs_clear (&lives.inputs);
  run_folder_free (folder);
}

void
run_recovery (Case *one)
{
  run_variant (one, (Variant){ .ready_made = FALSE });
  if (one->outcome < CASE_FAIL)
    run_variant (one, (Variant){ .ready_made = TRUE });
}
