/* weir_save_as_text_files (): a folder per batch, a file per partition, an element per line. Nobody ever sees half a
 * batch.
 *
 * Owns the text in the files; how folders appear is sinks/saved-folders.c's. Must not know where elements come from.
 * Workers, each with a file of its own.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/output.h>

#include "engine/value-text.h"
#include "sinks/part-file.h"
#include "sinks/saved-folders.h"

#define BUFFER ((gsize) 64 * 1024)

typedef struct {
  WeirPartFile file;
  GString *buffer;
} TextPart;

static void
part_open (WeirTask *task)
{
  TextPart *part = task->instance;

  part->buffer = g_string_sized_new (BUFFER + 4096);
  weir_part_file_open (task, &part->file, task->op->params);
}

static void
drain (WeirTask *task, TextPart *part)
{
  weir_part_file_write (task, &part->file, part->buffer->str, part->buffer->len);
  g_string_truncate (part->buffer, 0);
}

static void
append (WeirTask *task, TextPart *part, WeirValue element)
{
  if (element.kind == WEIR_TEXT && element.size >= BUFFER) { /* as it lies, so that the buffer stays one */
    drain (task, part);
    weir_part_file_write (task, &part->file, element.data, element.size);
  } else {
    weir_append_to_string (part->buffer, element);
  }
  g_string_append_c (part->buffer, '\n');
  if (part->buffer->len >= BUFFER)
    drain (task, part);
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
  TextPart *part = task->instance;

  drain (task, part);
  weir_part_file_sync (task, &part->file);
}

/* Runs whether the task failed or not. */
static gpointer
part_seal (WeirTask *task)
{
  TextPart *part = task->instance;

  weir_part_file_close (task, &part->file);
  g_string_free (part->buffer, TRUE);
  return NULL;
}

static const WeirOpClass part_class = {
  .verb = "save_as_text_files",
  .kind = WEIR_OP_TERMINAL,
  .instance_size = sizeof (TextPart),
  .open = part_open,
  .process = part_process,
  .end = part_end,
  .seal = part_seal,
};

static const WeirOutputClass text_files_class = WEIR_SAVED_FOLDERS_CLASS ("save_as_text_files");

/**
 * weir_save_as_text_files:
 * @s: any stream
 * @prefix: (nullable): path and first part of the folders' names; %NULL or "" leaves out the "-", too
 * @suffix: (nullable): last part of the names, after a "."; %NULL or "" for none
 *
 * Saves each batch in a folder `prefix-<ms>[.suffix]`: a file part-00000, part-00001 … for each partition, empty ones
 * too, a line for each element, as weir_to_string() writes it (line feeds inside of a TEXT go out as they are), and an
 * empty _SUCCESS. With a checkpoint the folders of an epoch appear when it is sealed, each exactly once. The folder is
 * written under a temporary name, synced and renamed: it appears whole or not at all. An older output of the same batch time is replaced; a folder that holds anything else is left alone, which is an error.
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
  return weir_saved_folders_new (s, &text_files_class, &part_class, prefix, suffix);
}
