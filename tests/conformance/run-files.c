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

/* A batch, which has all files that were there at its tick: @n records have been read by then. FALSE: noted. */
static gboolean
read_batch (SourceRun *run, gsize n)
{
  if (!source_advance (run))
    return FALSE;
  if (source_count (run) == n)
    return TRUE;
  case_note (run->one, CASE_FAIL, "%" G_GSIZE_FORMAT " records are read, not %" G_GSIZE_FORMAT, source_count (run), n);
  return FALSE;
}

/* Files that were there share the first batch with those that come, unless a batch more is expected than there is input. */
static gboolean
read_existing (SourceRun *run, gsize *n)
{
  if (json_member_bool (run->op, "newFilesOnly", TRUE))
    return TRUE;
  *n = json_length (json_member (run->op, "existing"));
  return *n == 0 || json_length (case_expected (run->one)) != run->one->n_batches + 1 || read_batch (run, *n);
}

static void
deliver (SourceRun *run, Files *files, guint record_length)
{
  g_autoptr (GError) error = NULL;
  gsize n = 0;
  gboolean ok = weir_context_start (run->session.ctx, &error);

  if (!ok)
    case_note_error (run->one, error);
  ok = ok && read_existing (run, &n);
  for (guint i = 0; ok && i < run->one->n_batches; i++) {
    JsonNode *batch = case_batch (run->one, 0, i);

    files_put (files, batch, record_length);
    n += json_length (batch);
    ok = read_batch (run, n);
  }
  if (ok && run->is_flat)
    source_compare_flat (run);
  else if (ok)
    source_compare (run);
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
