/* Owns what outputs of a folder a batch share: the folder's appearing, whole, with the batch or with its epoch. How a
 * folder appears is sinks/batch-folder.c's. Must not know what is in the files, nor where elements come from.
 *
 * Workers write the files, each its own; the runner makes the folder and renames it, with a checkpoint its thread does.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sinks/saved-folders.h"

#include <string.h>

#include <weir/error.h>

#include "engine/context.h"
#include "engine/dataset.h"
#include "engine/frame.h"
#include "engine/source.h"

WeirOutput *
weir_saved_folders_new (WeirStream *stream, const WeirOutputClass *klass, const WeirOpClass *part, const char *prefix,
                        const char *suffix)
{
  WeirSavedFolders *params = g_new0 (WeirSavedFolders, 1);

  params->part = part;
  params->written = g_array_new (FALSE, FALSE, sizeof (WeirTime));
  g_snprintf (params->run, sizeof params->run, "%08x%08x", g_random_int (), g_random_int ());
  params->since = g_get_real_time ();
  params->prefix = g_strdup (prefix != NULL ? prefix : "");
  params->suffix = g_strdup (suffix != NULL ? suffix : "");
  return weir_output_new (stream, klass, params);
}

static gboolean
write_folder (WeirOutput *output, WeirDataset *data, WeirBatchFolder *folder, GError **error)
{
  const WeirSavedFolders *params = output->params;
  const WeirOp terminal = { .klass = params->part, .name = output->label, .params = folder };
  g_autofree gpointer *outputs = NULL;
  guint n;

  if (!weir_batch_folder_begin (folder, error) || !weir_dataset_run (data, &terminal, &outputs, &n, error) ||
      !weir_batch_folder_mark_success (folder, error))
    return FALSE;
  return output->is_sealed ? weir_batch_folder_sync (folder, error) : weir_batch_folder_commit (folder, error);
}

gboolean
weir_saved_folders_run (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error)
{
  const WeirSavedFolders *params = output->params;
  WeirBatchFolder folder;
  gboolean ok;

  weir_batch_folder_init (&folder, params->prefix, params->suffix, time, output->is_sealed ? params->run : NULL);
  ok = write_folder (output, data, &folder, error);
  if (!ok)
    weir_batch_folder_abort (&folder);
  else if (output->is_sealed)
    g_array_append_val (params->written, time);
  weir_batch_folder_clear (&folder);
  return ok;
}

gpointer
weir_saved_folders_cut (WeirOutput *output)
{
  WeirSavedFolders *params = output->params;
  GArray *written = params->written;

  if (written->len == 0)
    return NULL;
  params->written = g_array_new (FALSE, FALSE, sizeof (WeirTime));
  return written;
}

/* The names as they are from anywhere, since the job may go on from another folder. */
gboolean
weir_saved_folders_prepare (WeirOutput *output, gpointer gathered, guint64 epoch, GByteArray *note, GError **error)
{
  WeirSavedFolders *params = output->params;
  g_autoptr (GArray) written = gathered;

  params->prepared = epoch;
  weir_put_u32 (note, written->len);
  for (guint i = 0; i < written->len; i++) {
    WeirBatchFolder folder;
    g_autofree char *final = NULL;
    g_autofree char *temporary = NULL;

    weir_batch_folder_init (&folder, params->prefix, params->suffix, g_array_index (written, WeirTime, i), params->run);
    final = g_canonicalize_filename (folder.final, NULL);
    temporary = g_canonicalize_filename (folder.temporary, NULL);
    weir_put_string (note, final);
    weir_put_string (note, temporary);
    weir_batch_folder_clear (&folder);
  }
  return TRUE;
}

/* What an earlier process has put in place, a reader may have taken away since. What this one prepared has to be there. */
static gboolean
put (const WeirOutput *output, guint64 epoch, const WeirBatchFolder *folder, GError **error)
{
  const WeirSavedFolders *params = output->params;

  if (epoch == params->prepared || !weir_batch_folder_is_taken (folder))
    return weir_batch_folder_put (folder, error);
  weir_log (weir_engine_log (output->engine), WEIR_LOG_WARNING,
            "%s: %s was saved by an earlier run, and is not there any more", output->label, folder->final);
  return TRUE;
}

gboolean
weir_saved_folders_commit (WeirOutput *output, guint64 epoch, gconstpointer note, gsize size, GError **error)
{
  WeirTaker taker;
  guint32 n;

  weir_taker_init (&taker, note, size);
  n = weir_take_u32 (&taker);
  for (guint32 i = 0; i < n; i++) {
    g_autofree char *final = weir_take_string (&taker);
    g_autofree char *temporary = weir_take_string (&taker);
    const WeirBatchFolder folder = { final, temporary };

    if (taker.has_failed) {
      g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT, "its note is none of saved files");
      return FALSE;
    }
    if (!put (output, epoch, &folder, error))
      return FALSE;
  }
  return TRUE;
}

void
weir_saved_folders_abort (WeirOutput *output)
{
  WeirSavedFolders *params = output->params;

  g_array_set_size (params->written, 0);
  weir_batch_folder_sweep (params->prefix, params->suffix, params->run, params->since);
}

void
weir_saved_folders_clear (gpointer data)
{
  WeirSavedFolders *params = data;

  g_array_unref (params->written);
  g_free (params->prefix);
  g_free (params->suffix);
}

static const WeirOutput *
find_twin (const WeirOutput *output)
{
  GPtrArray *outputs = output->stream->ctx->outputs;
  const WeirSavedFolders *params = output->params;

  for (guint i = 0; i < output->id; i++) {
    const WeirOutput *other = g_ptr_array_index (outputs, i);
    const WeirSavedFolders *theirs = other->params;

    if (other->klass->commit == output->klass->commit && g_str_equal (params->prefix, theirs->prefix) &&
        g_str_equal (params->suffix, theirs->suffix))
      return other;
  }
  return NULL;
}

gboolean
weir_saved_folders_validate (WeirOutput *output, GError **error)
{
  const WeirSavedFolders *params = output->params;
  const WeirOutput *twin = find_twin (output);

  if (strchr (params->suffix, '/') != NULL)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH,
                 "has the suffix '%s', with a '/' in it: folders go into the prefix", params->suffix);
  else if (twin != NULL)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH,
                 "saves into the same folders as %s, and would replace its output: give one of them another prefix",
                 twin->label);
  else
    return TRUE;
  return FALSE;
}
