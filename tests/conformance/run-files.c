/* Owns the run of cases about sources of files: a file a batch. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/files.h"
#include "tests/conformance/source.h"

static void
put_existing (SourceRun *run, Files *files, guint record_length)
{
  JsonNode *existing = json_member (run->op, "existing");

  if (json_length (existing) > 0)
    files_put (files, existing, record_length);
}

/* What is empty because a file took its time does not count. */
static void
compare_filled (SourceRun *run)
{
  WeirCollected *output = run->session.output;
  JsonNode *expected = case_expected (run->one);
  guint at = 0;

  for (gsize i = 0; i < weir_collected_n_batches (output); i++) {
    gsize n;
    const WeirValue *values = weir_collected_values (output, i, &n);

    if (n == 0)
      continue;
    if (at == json_length (expected) || !json_matches_all (json_array_get_element (json_node_get_array (expected), at),
                                                           values, n, run->one->in_order)) {
      g_autofree char *got = json_text_of_values (values, n);

      case_note (run->one, CASE_FAIL, "batch %u that is not empty: got %s", at + 1, got);
      return;
    }
    at++;
  }
  session_compare_end (run->one, expected, at);
}

static void
deliver (SourceRun *run, Files *files, guint record_length)
{
  g_autoptr (GError) error = NULL;
  gsize n = 0;

  if (!weir_context_start (run->session.ctx, &error)) {
    case_note_error (run->one, error);
    return;
  }
  for (guint i = 0; i < run->one->n_batches; i++) {
    JsonNode *batch = case_batch (run->one, 0, i);

    files_put (files, batch, record_length);
    n += json_length (batch);
    if (!source_advance (run) || !source_advance_until (run, n))
      return;
  }
  compare_filled (run);
}

void
run_files (SourceRun *run)
{
  guint record_length = (guint) json_member_int (run->op, "record_length", 0);
  WeirStream *stream;
  Files files;

  files_init (&files);
  put_existing (run, &files, record_length);
  stream = files_stream (&files, run->session.ctx, run->op);
  if (session_build_from (&run->session, run->one, stream, (Variant){ .ready_made = FALSE }))
    deliver (run, &files, record_length);
  session_close (&run->session);
  files_clear (&files);
}
