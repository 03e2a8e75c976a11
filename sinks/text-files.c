/* weir_save_as_text_files (): a folder per batch, a file per partition, an element per line. Nobody ever sees half a
 * batch.
 *
 * Workers write the files, each its own; the runner makes the folder and renames it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <weir/error.h>

#include "engine/dataset.h"
#include "engine/stream.h"
#include "engine/task.h"
#include "engine/value-text.h"
#include "sinks/batch-folder.h"

#define BUFFER ((gsize) 128 * 1024)

typedef struct {
  char *prefix;
  char *suffix;
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

  file->path = g_strdup_printf ("%s/part-%05u", folder->temporary, task->task_run->index);
  file->buffer = g_string_sized_new (BUFFER + 4096);
  file->fd = open (file->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file->fd < 0)
    fail_part (task, file, "create");
}

static void
drain (WeirTask *task, PartFile *file)
{
  gsize done = 0;

  while (done < file->buffer->len && weir_task_is_going (task)) {
    gssize n = write (file->fd, file->buffer->str + done, file->buffer->len - done);

    if (n < 0 && errno != EINTR)
      fail_part (task, file, "write");
    done += n > 0 ? (gsize) n : 0;
  }
  g_string_truncate (file->buffer, 0);
}

static void
part_process (WeirTask *task, const WeirChunk *in)
{
  PartFile *file = task->instance;
  WeirValue cells[2];

  for (guint i = 0; i < in->n; i++) {
    weir_append_to_string (file->buffer, weir_chunk_element (in, i, cells));
    g_string_append_c (file->buffer, '\n');
    if (file->buffer->len >= BUFFER)
      drain (task, file);
  }
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

  return weir_batch_folder_begin (folder, error) && weir_dataset_run (data, &terminal, &outputs, &n, error) &&
         weir_batch_folder_write_file (folder, "_SUCCESS", "", error) && weir_batch_folder_commit (folder, error);
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
  weir_batch_folder_clear (&folder);
  return ok;
}

static void
params_clear (gpointer data)
{
  Params *params = data;

  g_free (params->prefix);
  g_free (params->suffix);
}

static const WeirOutputClass text_files_class = {
  .verb = "save_as_text_files",
  .run = text_files_run,
  .params_clear = params_clear,
};

/**
 * weir_save_as_text_files:
 * @s: any stream
 * @prefix: path and first part of the folders' names; "" leaves out the "-", too
 * @suffix: (nullable): last part of the names, after a "."; %NULL or "" for none
 *
 * Saves each batch in a folder `prefix-<ms>[.suffix]`: a file part-00000, part-00001 … for each partition, a line for
 * each element, as weir_to_string() writes it (line feeds inside of a TEXT go out as they are), and an empty _SUCCESS.
 * The folder is written under a temporary name, synced and renamed: it appears whole or not at all. An older output of
 * the same batch time is replaced.
 *
 * Errors: %WEIR_ERROR_SINK, which names the path, the reason and what to do; the batch then fails.
 *
 * Returns: (transfer none): the output; owned by the context
 */
WeirOutput *
weir_save_as_text_files (WeirStream *s, const char *prefix, const char *suffix)
{
  Params *params = g_new0 (Params, 1);

  params->prefix = g_strdup (prefix);
  params->suffix = g_strdup (suffix);
  return weir_output_new (s, &text_files_class, params);
}
