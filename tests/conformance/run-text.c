/* Owns the run of cases about what is written to the standard output. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/conformance/run.h"

/* While the standard output is a file. */
typedef struct {
  char *path;
  int saved; /* what it was before */
} Capture;

static void
capture_begin (Capture *capture, const char *folder)
{
  int file;

  capture->path = g_build_filename (folder, "stdout", NULL);
  fflush (stdout);
  capture->saved = dup (STDOUT_FILENO);
  file = open (capture->path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
  if (capture->saved < 0 || file < 0 || dup2 (file, STDOUT_FILENO) < 0)
    g_error ("the standard output cannot be captured in %s", capture->path);
  close (file);
}

/* What was written since. */
static char *
capture_end (Capture *capture)
{
  char *text = NULL;

  fflush (stdout);
  dup2 (capture->saved, STDOUT_FILENO);
  close (capture->saved);
  g_file_get_contents (capture->path, &text, NULL, NULL);
  g_free (capture->path);
  return text != NULL ? text : g_strdup ("");
}

static void
append_line (GString *text, JsonNode *line)
{
  const char *content = JSON_NODE_HOLDS_VALUE (line) ? json_node_get_string (line) : NULL;

  g_string_append_printf (text, "%s\n", content != NULL ? content : "");
}

/* The lines of one batch after the other, each with its end; arrays of them, or all in one. */
static char *
expected_text (const Case *one)
{
  JsonNode *expected = case_expected (one);
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < json_length (expected); i++) {
    JsonNode *lines = json_array_get_element (json_node_get_array (expected), i);

    for (guint k = 0; k < json_length (lines); k++)
      append_line (text, json_array_get_element (json_node_get_array (lines), k));
    if (!JSON_NODE_HOLDS_ARRAY (lines))
      append_line (text, lines);
  }
  return g_string_free (text, FALSE);
}

void
run_text (Case *one)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *expected = expected_text (one), *got = NULL;
  char *folder = run_folder_new ();
  gboolean is_built;
  Session session;
  Inputs inputs;
  Capture capture;

  inputs_init (&inputs, one);
  inputs_push (&inputs, one, 0, one->n_batches);
  is_built = session_open (&session, one, 0, NULL) &&
             session_build (&session, one, &inputs, (Variant){ .ready_made = FALSE }, folder);
  capture_begin (&capture, folder);
  if (is_built && !weir_test_advance (session.ctx, one->n_batches, &error))
    case_note_error (one, error);
  session_close (&session);
  got = capture_end (&capture);
  if (is_built && !g_str_equal (expected, got))
    case_note (one, CASE_FAIL, "expected\n%sgot\n%s", expected, got);
  inputs_clear (&inputs);
  run_folder_free (folder);
}
