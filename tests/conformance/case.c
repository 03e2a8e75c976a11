/* Owns what is known of a case. Must not know how it is run. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/case.h"

#include <stdarg.h>

#include <gio/gio.h>

void
case_init (Case *one, JsonObject *json)
{
  *one = (Case){ .json = json, .text = g_string_new (NULL) };
  one->name = json_member_text (json, "name");
  one->kind = json_member_text (json, "kind");
  if (one->name == NULL)
    one->name = "(a case without a name)";
  if (one->kind == NULL)
    one->kind = "pipeline";
  one->in_order = json_member_bool (json, "ordered", FALSE);
  one->interval = WEIR_MILLISECONDS (json_member_int (json, "batch_ms", 1000));
  one->n_batches = MAX (json_length (case_input (one, 0)), json_length (case_input (one, 1)));
  one->n_batches = (guint) json_member_int (json, "batches", one->n_batches);
}

void
case_clear (Case *one)
{
  g_string_free (one->text, TRUE);
}

void
case_note (Case *one, CaseOutcome outcome, const char *format, ...)
{
  va_list arguments;

  if (one->outcome >= CASE_FAIL)
    return;
  one->outcome = outcome;
  g_string_truncate (one->text, 0);
  va_start (arguments, format);
  g_string_append_vprintf (one->text, format, arguments);
  va_end (arguments);
}

void
case_note_error (Case *one, const GError *error)
{
  gboolean is_unknown = g_error_matches (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA);

  case_note (one, is_unknown ? CASE_UNSUPPORTED : CASE_FAIL, "%s", error->message);
}

JsonNode *
case_input (const Case *one, guint which)
{
  return json_member (one->json, which == 0 ? "input" : "input2");
}

JsonNode *
case_batch (const Case *one, guint which, guint batch)
{
  JsonNode *input = case_input (one, which);

  return batch < json_length (input) ? json_array_get_element (json_node_get_array (input), batch) : NULL;
}

JsonNode *
case_expected (const Case *one)
{
  JsonNode *own = json_member (one->json, "weir_expected");

  return own != NULL ? own : json_member (one->json, "expected");
}

JsonNode *
case_expected_states (const Case *one)
{
  JsonNode *own = json_member (one->json, "weir_expected_state");

  return own != NULL ? own : json_member (one->json, "expected_state");
}

gboolean
case_is_different (const Case *one)
{
  return json_member (one->json, "weir_expected") != NULL || json_member (one->json, "weir_expected_state") != NULL;
}
