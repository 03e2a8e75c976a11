/* weir_save_as_text_files (): a folder per batch, a file per partition, an element per line. Nobody ever sees half a
 * batch.
 *
 * Owns the writing of the files; how the folder appears is sinks/batch-folder.c's. Must not know where elements come
 * from. Workers write the files, each its own; the runner makes the folder and renames it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <weir/error.h>

#include "engine/context.h"
#include "engine/dataset.h"
#include "engine/frame.h"
#include "engine/stream.h"
#include "engine/task.h"
#include "engine/value-text.h"
#include "sinks/batch-folder.h"

#define BUFFER ((gsize) 64 * 1024)

typedef struct {
  char *prefix; /* never NULL, as the suffix */
  char *suffix;
  GArray *written; /* of WeirTime: batches whose folders wait for the seal; runner */
} Params;

/* A partition's file while it is written. */
typedef struct {
  int fd;
  GString *buffer;
  char *path;
} PartFile;

static void
fail_part (WeirTask *task, const PartFile *file, const char *what)
{
  g_autoptr (GError) error = NULL;

  weir_batch_folder_set_error (&error, what, file->path, errno);
  weir_task_fail (task, WEIR_ERROR_SINK, "%s", error->message);
}

static void
part_open (WeirTask *task)
{
  const WeirBatchFolder *folder = task->op->params;
  PartFile *file = task->instance;
  char name[sizeof "part-4294967295"];

  g_snprintf (name, sizeof name, "part-%05u", task->task_run->index);
  file->buffer = g_string_sized_new (BUFFER + 4096);
  file->fd = weir_batch_folder_create (folder, name, &file->path);
  if (file->fd < 0)
    fail_part (task, file, "create");
}

static void
write_all (WeirTask *task, const PartFile *file, const char *data, gsize size)
{
  while (size > 0 && weir_task_is_going (task)) {
    gssize n = write (file->fd, data, size);

    if (n < 0 && errno != EINTR)
      fail_part (task, file, "write");
    data += MAX (n, 0);
    size -= (gsize) MAX (n, 0);
  }
}

static void
drain (WeirTask *task, PartFile *file)
{
  write_all (task, file, file->buffer->str, file->buffer->len);
  g_string_truncate (file->buffer, 0);
}

static void
append (WeirTask *task, PartFile *file, WeirValue element)
{
  if (element.kind == WEIR_TEXT && element.size >= BUFFER) { /* as it lies, so that the buffer stays one */
    drain (task, file);
    write_all (task, file, element.data, element.size);
  } else {
    weir_append_to_string (file->buffer, element);
  }
  g_string_append_c (file->buffer, '\n');
  if (file->buffer->len >= BUFFER)
    drain (task, file);
}

static void
part_process (WeirTask *task, const WeirChunk *in)
{
  WeirValue cells[2];

  for (guint i = 0; i < in->n && weir_task_is_going (task); i++)
    append (task, task->instance, weir_chunk_element (in, i, cells));
}

static void
part_end (WeirTask *task)
{
  PartFile *file = task->instance;

  drain (task, file);
  if (weir_task_is_going (task) && fsync (file->fd) != 0)
    fail_part (task, file, "sync");
}

/* Runs whether the task failed or not. */
static gpointer
part_seal (WeirTask *task)
{
  PartFile *file = task->instance;

  if (file->fd >= 0 && close (file->fd) != 0)
    fail_part (task, file, "close");
  g_string_free (file->buffer, TRUE);
  g_free (file->path);
  return NULL;
}

static const WeirOpClass part_class = {
  .verb = "save_as_text_files",
  .kind = WEIR_OP_TERMINAL,
  .instance_size = sizeof (PartFile),
  .open = part_open,
  .process = part_process,
  .end = part_end,
  .seal = part_seal,
};

static gboolean
write_folder (WeirOutput *output, WeirDataset *data, WeirBatchFolder *folder, GError **error)
{
  const WeirOp terminal = { .klass = &part_class, .name = output->label, .params = folder };
  g_autofree gpointer *outputs = NULL;
  guint n;

  if (!weir_batch_folder_begin (folder, error) || !weir_dataset_run (data, &terminal, &outputs, &n, error) ||
      !weir_batch_folder_mark_success (folder, error))
    return FALSE;
  return output->is_sealed ? weir_batch_folder_sync (folder, error) : weir_batch_folder_commit (folder, error);
}

static gboolean
text_files_run (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error)
{
  const Params *params = output->params;
  WeirBatchFolder folder;
  gboolean ok;

  weir_batch_folder_init (&folder, params->prefix, params->suffix, time);
  ok = write_folder (output, data, &folder, error);
  if (!ok)
    weir_batch_folder_abort (&folder);
  else if (output->is_sealed)
    g_array_append_val (params->written, time);
  weir_batch_folder_clear (&folder);
  return ok;
}

static gpointer
text_files_cut (WeirOutput *output)
{
  Params *params = output->params;
  GArray *written = params->written;

  if (written->len == 0)
    return NULL;
  params->written = g_array_new (FALSE, FALSE, sizeof (WeirTime));
  return written;
}

/* The names as they are from anywhere, since the job may go on from another folder. */
static gboolean
text_files_prepare (WeirOutput *output, gpointer gathered, guint64 epoch, GByteArray *note, GError **error)
{
  const Params *params = output->params;
  g_autoptr (GArray) written = gathered;

  weir_put_u32 (note, written->len);
  for (guint i = 0; i < written->len; i++) {
    WeirBatchFolder folder;
    g_autofree char *final = NULL;
    g_autofree char *temporary = NULL;

    weir_batch_folder_init (&folder, params->prefix, params->suffix, g_array_index (written, WeirTime, i));
    final = g_canonicalize_filename (folder.final, NULL);
    temporary = g_canonicalize_filename (folder.temporary, NULL);
    weir_put_string (note, final);
    weir_put_string (note, temporary);
    weir_batch_folder_clear (&folder);
  }
  return TRUE;
}

static gboolean
text_files_commit (WeirOutput *output, guint64 epoch, gconstpointer note, gsize size, GError **error)
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
    if (!weir_batch_folder_put (&folder, error))
      return FALSE;
  }
  return TRUE;
}

static void
text_files_abort (WeirOutput *output)
{
  Params *params = output->params;

  g_array_set_size (params->written, 0);
  weir_batch_folder_sweep (params->prefix, params->suffix);
}

static void
params_clear (gpointer data)
{
  Params *params = data;

  g_array_unref (params->written);
  g_free (params->prefix);
  g_free (params->suffix);
}

static const WeirOutput *
find_twin (const WeirOutput *output)
{
  GPtrArray *outputs = output->stream->ctx->outputs;
  const Params *params = output->params;

  for (guint i = 0; i < output->id; i++) {
    const WeirOutput *other = g_ptr_array_index (outputs, i);
    const Params *theirs = other->params;

    if (other->klass == output->klass && g_str_equal (params->prefix, theirs->prefix) &&
        g_str_equal (params->suffix, theirs->suffix))
      return other;
  }
  return NULL;
}

static gboolean
text_files_validate (WeirOutput *output, GError **error)
{
  const Params *params = output->params;
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

static const WeirOutputClass text_files_class = {
  .verb = "save_as_text_files",
  .validate = text_files_validate,
  .run = text_files_run,
  .cut = text_files_cut,
  .prepare = text_files_prepare,
  .commit = text_files_commit,
  .abort = text_files_abort,
  .params_clear = params_clear,
};

/**
 * weir_save_as_text_files:
 * @s: any stream
 * @prefix: (nullable): path and first part of the folders' names; %NULL or "" leaves out the "-", too
 * @suffix: (nullable): last part of the names, after a "."; %NULL or "" for none
 *
 * Saves each batch in a folder `prefix-<ms>[.suffix]`: a file part-00000, part-00001 … for each partition, empty ones
 * too, a line for each element, as weir_to_string() writes it (line feeds inside of a TEXT go out as they are), and an
 * empty _SUCCESS. With a checkpoint the folders of an epoch appear when it is sealed, each exactly once. The folder is written under a temporary name, synced and renamed: it appears whole or not at all. An
 * older output of the same batch time is replaced; a folder that holds anything else is left alone, which is an error.
 * Folders above are made. Workers write, and block on the disk.
 *
 * Errors: %WEIR_ERROR_SINK, which names the path, the reason and what to do; the batch then fails and leaves nothing.
 * Two outputs with one prefix and suffix are an error at start (%WEIR_ERROR_GRAPH).
 *
 * Returns: (transfer none): the output; owned by the context
 */
WeirOutput *
weir_save_as_text_files (WeirStream *s, const char *prefix, const char *suffix)
{
  Params *params = g_new0 (Params, 1);

  params->written = g_array_new (FALSE, FALSE, sizeof (WeirTime));
  params->prefix = g_strdup (prefix != NULL ? prefix : "");
  params->suffix = g_strdup (suffix != NULL ? suffix : "");
  return weir_output_new (s, &text_files_class, params);
}
