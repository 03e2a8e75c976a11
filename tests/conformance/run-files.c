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

/* What the batches from @from on gave, against what is expected behind what was compared before. */
static gboolean
compare_since (SourceRun *run, gsize from, guint *at)
{
  JsonNode *expected = case_expected (run->one);

  for (gsize i = from; i < weir_collected_n_batches (run->session.output); i++, (*at)++) {
    gsize n;
    const WeirValue *values = weir_collected_values (run->session.output, i, &n);

    if (*at == json_length (expected) ||
        !json_matches_all (json_array_get_element (json_node_get_array (expected), *at), values, n,
                           run->one->in_order)) {
      g_autofree char *got = json_text_of_values (values, n);

      case_note (run->one, CASE_FAIL, "batch %u: got %s", *at + 1, got);
      return FALSE;
    }
  }
  return TRUE;
}

/* Batches until all is read that there is, one at least. What comes before that one is empty because a file took its time,
 * and does not count. */
static gboolean
read_phase (SourceRun *run, gsize n, guint *at)
{
  gint64 deadline = source_deadline ();
  gsize from;

  do {
    from = weir_collected_n_batches (run->session.output);
    if (!source_advance (run))
      return FALSE;
  } while (source_count (run) < n && g_get_monotonic_time () < deadline);
  if (source_count (run) < n)
    case_note (run->one, CASE_FAIL, "%" G_GSIZE_FORMAT " records are read in time, not %" G_GSIZE_FORMAT,
               source_count (run), n);
  return run->is_flat || compare_since (run, from, at);
}

/* Files that were there share the first batch with those that come, unless a batch more is expected than there is input. */
static gboolean
read_existing (SourceRun *run, gsize *n, guint *at)
{
  if (json_member_bool (run->op, "newFilesOnly", TRUE))
    return TRUE;
  *n = json_length (json_member (run->op, "existing"));
  return *n == 0 || json_length (case_expected (run->one)) != run->one->n_batches + 1 || read_phase (run, *n, at);
}

static void
deliver (SourceRun *run, Files *files, guint record_length)
{
  g_autoptr (GError) error = NULL;
  guint at = 0;
  gsize n = 0;
  gboolean ok = weir_context_start (run->session.ctx, &error);

  if (!ok)
    case_note_error (run->one, error);
  ok = ok && read_existing (run, &n, &at);
  for (guint i = 0; ok && i < run->one->n_batches; i++) {
    JsonNode *batch = case_batch (run->one, 0, i);

    files_put (files, batch, record_length);
    n += json_length (batch);
    ok = read_phase (run, n, &at);
  }
  if (ok && run->is_flat)
    source_compare_flat (run);
  else if (ok)
    session_compare_end (run->one, case_expected (run->one), at);
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
  if (source_build (run, stream))
    deliver (run, &files, record_length);
  session_close (&run->session);
  files_clear (&files);
}
