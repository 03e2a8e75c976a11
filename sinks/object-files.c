/* weir_save_as_object_files (): a folder per batch, a file per partition, elements as they are. What reads them is
 * weir_object_file_stream ().
 *
 * Owns the writing of elements into blocks; their form is engine/object-file.c's, how folders appear
 * sinks/saved-folders.c's. Must not know where elements come from. Workers, each with a file of its own.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/output.h>

#include "engine/object-file.h"
#include "engine/wire.h"
#include "sinks/part-file.h"
#include "sinks/saved-folders.h"

typedef struct {
  WeirPartFile file;
  WeirObjectWriter writer;
} ObjectPart;

static void
part_open (WeirTask *task)
{
  ObjectPart *part = task->instance;

  weir_object_writer_init (&part->writer);
  weir_part_file_open (task, &part->file, task->op->params);
}

static void
drain (WeirTask *task, ObjectPart *part)
{
  const GByteArray *block = weir_object_writer_seal (&part->writer);

  weir_part_file_write (task, &part->file, block->data, block->len);
  weir_object_writer_next (&part->writer);
}

static void
append (WeirTask *task, ObjectPart *part, WeirValue element)
{
  if (!weir_object_writer_add (&part->writer, element))
    weir_task_fail (task, WEIR_ERROR_SINK,
                    "cannot write an element to %s: it has more than 2 GB or is nested deeper than %d: make it smaller",
                    part->file.path, WEIR_WIRE_DEPTH_MAX);
  else if (weir_object_writer_is_full (&part->writer))
    drain (task, part);
}

static void
part_process (WeirTask *task, const WeirChunk *in)
{
  WeirValue cells[2];

  for (guint i = 0; i < in->n && weir_task_is_going (task); i++)
    append (task, task->instance, weir_chunk_element (in, i, cells));
}

/* The last block has no elements. */
static void
part_end (WeirTask *task)
{
  ObjectPart *part = task->instance;

  if (part->writer.n > 0)
    drain (task, part);
  drain (task, part);
  weir_part_file_sync (task, &part->file);
}

/* Runs whether the task failed or not. */
static gpointer
part_seal (WeirTask *task)
{
  ObjectPart *part = task->instance;

  weir_part_file_close (task, &part->file);
  weir_object_writer_clear (&part->writer);
  return NULL;
}

static const WeirOpClass part_class = {
  .verb = "save_as_object_files",
  .kind = WEIR_OP_TERMINAL,
  .instance_size = sizeof (ObjectPart),
  .open = part_open,
  .process = part_process,
  .end = part_end,
  .seal = part_seal,
};

static const WeirOutputClass object_files_class = WEIR_SAVED_FOLDERS_CLASS ("save_as_object_files");

/**
 * weir_save_as_object_files:
 * @s: any stream
 * @prefix: (nullable): path and first part of the folders' names; %NULL or "" leaves out the "-", too
 * @suffix: (nullable): last part of the names, after a "."; %NULL or "" for none
 *
 * Saves each batch in a folder, as weir_save_as_text_files() does, but elements as they are: pairs, lists, numbers and bytes
 * come back from weir_object_file_stream() as the same values. A file is a sequence of blocks with checksums; one that was
 * cut off or damaged is told from a whole one.
 *
 * Errors: %WEIR_ERROR_SINK, as weir_save_as_text_files(), and for an element that is nested deeper than 64 or has more than 2 GB.
 *
 * Returns: (transfer none): the output; owned by the context
 */
WeirOutput *
weir_save_as_object_files (WeirStream *s, const char *prefix, const char *suffix)
{
  return weir_saved_folders_new (s, &object_files_class, &part_class, prefix, suffix);
}
