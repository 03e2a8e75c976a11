/* files.c: files that appear in a folder, as a source.
 *
 * Owns what the source knows of its folder: which files it has read. At a tick the files that were found become a plan;
 * its partitions are read by workers. Must not know how a folder is listed, or how a record ends.
 * Threads: planning on the loop's, looking on the watch's own (by hand, where a test moves the clock, on the loop's), reading
 * on workers, on plans, which do not change.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/error.h>
#include <weir/input.h>

#include <string.h>

#include "engine/options.h"
#include "engine/stream.h"
#include "sources/file-ledger.h"
#include "sources/file-plan.h"
#include "sources/folder-watch.h"
#include "sources/object-reader.h"

/* One record may take this part of memory.limit: a longer one could stop all others for ever. */
#define RECORD_SHARE 4

typedef struct {
  WeirSource source;
  char *path;
  WeirFileSpec spec; /* constant once open */
  gboolean is_objects, max_is_asked;
  WeirFileLedger ledger;
  WeirFolderWatch *watch; /* NULL: closed */
  WeirFolderScan *scan;   /* the watch's */
  gboolean is_stopped;
  gboolean is_known; /* what has been read is no news to the scan */
} FileSource;

static gboolean
check_record_size (FileSource *self, GError **error)
{
  gsize share = weir_memory_limit (weir_engine_memory (self->source.engine)) / RECORD_SHARE;
  WeirFraming *framing = &self->spec.framing;

  if (!self->max_is_asked)
    framing->max_size =
        (gsize) weir_options_size (weir_engine_options (self->source.engine), WEIR_OPTION_SOCKET_MAX_LINE);
  if (framing->max_size <= share)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
               "records of up to %" G_GSIZE_FORMAT " bytes do not fit into a quarter of memory.limit, %" G_GSIZE_FORMAT
               " bytes: raise memory.limit or lower %s",
               framing->max_size, share, self->max_is_asked ? "the framing's max_size" : "socket.max.line");
  return FALSE;
}

static const char *
too_long (const FileSource *self)
{
  if (self->max_is_asked)
    return "record longer than its framing's max_size";
  return self->spec.framing.kind == WEIR_FRAMING_LINES ? "line longer than socket.max.line"
                                                       : "record longer than socket.max.line";
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (((const WeirFolderNews *) a)->name, ((const WeirFolderNews *) b)->name);
}

/* What is there when the job first starts; a checkpoint knows better. */
static gboolean
note_existing (FileSource *self, GError **error)
{
  g_autoptr (GArray) news = weir_folder_news_new ();

  if (!weir_folder_scan_look (self->scan, news, error))
    return FALSE;
  g_array_sort (news, compare_names);
  for (guint i = 0; i < news->len && !self->spec.include_existing; i++) {
    const WeirFolderNews *one = &g_array_index (news, WeirFolderNews, i);

    weir_file_ledger_add (&self->ledger, one->name, one->size);
  }
  return TRUE;
}

static void
note_unreadable (FileSource *self)
{
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, weir_folder_scan_refused (self->scan));
  while (g_hash_table_iter_next (&iter, &name, NULL))
    weir_file_ledger_add (&self->ledger, name, 0);
}

static void
files_close (WeirSource *source)
{
  FileSource *self = (FileSource *) source;

  g_clear_pointer (&self->watch, weir_folder_watch_free);
  weir_file_ledger_clear (&self->ledger);
}

static gboolean
files_open (WeirSource *source, GError **error)
{
  FileSource *self = (FileSource *) source;
  const WeirFolderScanSettings settings = {
    .path = self->path,
    .filter = self->spec.filter,
    .user_data = self->spec.user_data,
    .with_folders = self->is_objects,
    .log = weir_engine_log (source->engine),
  };

  if (!self->is_objects && !check_record_size (self, error))
    return FALSE;
  self->is_stopped = self->is_known = FALSE;
  weir_file_ledger_init (&self->ledger);
  self->scan = weir_folder_scan_new (&settings);
  self->watch = weir_folder_watch_new (self->scan);
  if (!note_existing (self, error)) {
    files_close (source);
    return FALSE;
  }
  if (!self->spec.include_existing)
    note_unreadable (self);
  return TRUE;
}

/* The scan begins with what has been read by now: batches that were run again are part of it. */
static void
tell_scan (FileSource *self)
{
  if (self->is_known)
    return;
  self->is_known = TRUE;
  weir_folder_scan_forget_all (self->scan);
  for (guint i = 0; i < self->ledger.files->len; i++)
    weir_folder_scan_know (self->scan, ((const WeirLedgerFile *) g_ptr_array_index (self->ledger.files, i))->name);
}

/* Where a test moves the clock, a batch has what was there at its tick; else what had been found by then. */
static void
look (FileSource *self)
{
  const WeirOptions *options = weir_engine_options (self->source.engine);
  GError *error = NULL;

  if (self->is_stopped)
    return;
  if (weir_engine_is_manual (self->source.engine)) {
    tell_scan (self);
    weir_folder_watch_look (self->watch);
  } else if (!weir_folder_watch_is_started (self->watch)) {
    tell_scan (self);
    if (!weir_folder_watch_start (self->watch, weir_options_duration (options, WEIR_OPTION_BATCH_INTERVAL), &error))
      weir_engine_fail (self->source.engine, error);
  }
}

/* Files that have gone are forgotten, so that others may have their names. Those that were found and are still there
 * remain, in order of their names. */
static GArray *
sort_out (FileSource *self, GArray *news)
{
  g_autoptr (GHashTable) gone = g_hash_table_new (g_str_hash, g_str_equal);
  GArray *found = g_array_new (FALSE, FALSE, sizeof (WeirFolderNews));

  for (guint i = news->len; i > 0; i--) {
    const WeirFolderNews *one = &g_array_index (news, WeirFolderNews, i - 1);

    if (one->is_gone)
      g_hash_table_add (gone, one->name);
    else if (!g_hash_table_contains (gone, one->name))
      g_array_append_val (found, *one);
  }
  weir_file_ledger_forget (&self->ledger, gone);
  g_array_sort (found, compare_names);
  return found;
}

static void
add_to_plan (const FileSource *self, WeirFilePlan *data, const char *name, guint64 size)
{
  g_autofree char *path = g_build_filename (self->path, name, NULL);
  const WeirFilePiece file = { .path = path, .size = size, .log = weir_engine_log (self->source.engine) };

  weir_file_plan_add (data, &file, self->is_objects ? NULL : &self->spec.framing, WEIR_FILE_PIECE);
}

static void
set_plan (WeirPlan *plan, WeirFilePlan *data)
{
  plan->data = data;
  plan->n_partitions = data->pieces->len;
  plan->n_records = data->pieces->len == 0 ? 0 : -1;
  plan->n_bytes = (gsize) MIN (data->n_bytes, G_MAXSIZE);
}

static void
files_plan (WeirSource *source, WeirPlan *plan)
{
  FileSource *self = (FileSource *) source;
  WeirFilePlan *data = weir_file_plan_new ();
  g_autoptr (GArray) news = NULL;
  g_autoptr (GArray) found = NULL;

  look (self);
  news = weir_folder_watch_take (self->watch);
  found = sort_out (self, news);
  self->ledger.number += found->len > 0;
  for (guint i = 0; i < found->len; i++) {
    const WeirFolderNews *one = &g_array_index (found, WeirFolderNews, i);

    if (weir_file_ledger_has (&self->ledger, one->name))
      continue;
    weir_file_ledger_add (&self->ledger, one->name, one->size);
    add_to_plan (self, data, one->name, one->size);
  }
  set_plan (plan, data);
}

static void
files_release (WeirSource *source, WeirPlan *plan)
{
  weir_file_plan_free (g_steal_pointer (&plan->data));
}

static void
files_stop (WeirSource *source)
{
  FileSource *self = (FileSource *) source;

  self->is_stopped = TRUE;
  if (self->watch != NULL)
    weir_folder_watch_stop (self->watch);
}

static gboolean
files_has_staged (WeirSource *source)
{
  const FileSource *self = (const FileSource *) source;

  return self->watch != NULL && weir_folder_watch_has_found (self->watch);
}

static void
files_save (WeirSource *source, const WeirPlan *plan, GByteArray *position)
{
  weir_file_ledger_save (&((FileSource *) source)->ledger, position);
}

static gboolean
load (WeirFileLedger *ledger, gconstpointer position, gsize size, GError **error)
{
  weir_file_ledger_init (ledger);
  if (weir_file_ledger_load (ledger, position, size))
    return TRUE;
  weir_file_ledger_clear (ledger);
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT,
                       "the position in the checkpoint is none of files: begin with another checkpoint");
  return FALSE;
}

static gboolean
files_resume (WeirSource *source, gconstpointer position, gsize size, GError **error)
{
  FileSource *self = (FileSource *) source;
  WeirFileLedger ledger;

  if (!load (&ledger, position, size, error))
    return FALSE;
  weir_file_ledger_clear (&self->ledger);
  self->ledger = ledger;
  return TRUE;
}

/* The folder is not asked: a file that is missing is missed when it is read. */
static gboolean
files_replan (WeirSource *source, WeirPlan *plan, gconstpointer position, gsize size)
{
  FileSource *self = (FileSource *) source;
  guint64 number = self->ledger.number;
  GError *error = NULL;
  WeirFilePlan *data;

  if (!files_resume (source, position, size, &error)) {
    weir_engine_fail (source->engine, error);
    return FALSE;
  }
  data = weir_file_plan_new ();
  for (guint i = 0; i < self->ledger.files->len; i++) {
    const WeirLedgerFile *file = g_ptr_array_index (self->ledger.files, i);

    if (file->number > number)
      add_to_plan (self, data, file->name, file->size);
  }
  set_plan (plan, data);
  return TRUE;
}

static const WeirFilePiece *
piece_of (const WeirReader *reader)
{
  const WeirFilePlan *data = ((const WeirPlan *) reader->plan)->data;

  return &g_array_index (data->pieces, WeirFilePiece, reader->partition);
}

static gboolean
files_read (WeirTask *task, WeirReader *reader)
{
  const FileSource *self = (const FileSource *) ((const WeirPlan *) reader->plan)->source;

  return weir_file_cursor_read (task, reader->state, piece_of (reader), &self->spec.framing, too_long (self));
}

static void
files_read_end (WeirTask *task, WeirReader *reader)
{
  weir_file_cursor_end (task, reader->state);
}

static gboolean
objects_read (WeirTask *task, WeirReader *reader)
{
  return weir_object_cursor_read (task, reader->state, piece_of (reader));
}

static void
objects_read_end (WeirTask *task, WeirReader *reader)
{
  weir_object_cursor_end (reader->state);
}

static void
params_clear (gpointer params)
{
  g_free (((FileSource *) params)->path);
}

#define FILES_CLASS(name, cursor, step, last)                                                                            \
  {                                                                                                                      \
    .op = {                                                                                                            \
      .verb = (name),                                                                                                  \
      .kind = WEIR_OP_SOURCE,                                                                                          \
      .reader_size = sizeof (cursor),                                                                                  \
      .read = (step),                                                                                                  \
      .read_end = (last),                                                                                              \
      .params_clear = params_clear,                                                                                    \
    },                                                                                                                 \
    .instance_size = sizeof (FileSource),                                                                              \
    .open = files_open,                                                                                                \
    .plan = files_plan,                                                                                                \
    .release = files_release,                                                                                          \
    .stop = files_stop,                                                                                                \
    .has_staged = files_has_staged,                                                                                    \
    .save = files_save,                                                                                                \
    .resume = files_resume,                                                                                            \
    .replan = files_replan,                                                                                            \
    .close = files_close, \
  }

static const WeirSourceKlass text_file_class =
    FILES_CLASS ("text_file_stream", WeirFileCursor, files_read, files_read_end);
static const WeirSourceKlass file_class = FILES_CLASS ("file_stream", WeirFileCursor, files_read, files_read_end);
static const WeirSourceKlass object_file_class =
    FILES_CLASS ("object_file_stream", WeirObjectCursor, objects_read, objects_read_end);

static WeirStream *
new_stream (WeirContext *ctx, const WeirSourceKlass *klass, const char *directory, const WeirFileSpec *spec)
{
  WeirStream *stream = weir_stream_new_source (ctx, klass);
  FileSource *self = (FileSource *) stream->source;
  g_autoptr (GError) error = NULL;

  self->path = g_strdup (directory);
  self->spec = *spec;
  self->is_objects = klass == &object_file_class;
  self->max_is_asked = spec->framing.max_size != 0 || spec->framing.kind == WEIR_FRAMING_FIXED;
  if (directory == NULL || directory[0] == '\0')
    weir_stream_mistake (stream, "has no folder to watch: give its path");
  else if (!weir_framing_resolve (&self->spec.framing, &error))
    weir_stream_mistake (stream, "%s", error->message);
  return stream;
}

/**
 * weir_text_file_stream:
 * @ctx: the context
 * @directory: the folder; it must be there when the context starts
 *
 * The lines of files that appear in a folder, each a TEXT without its LF or CRLF, a partition a file; a file above 96 MB is several
 * partitions, of 64 MB. Files are to appear whole: they are written elsewhere on the same disk, or under a name that is left out, and
 * renamed. Left out are names that begin with "." or "_" or end in ".tmp" or "._COPYING_", folders, and what was there when the
 * job first started. What stands after the last LF is a line. Invalid UTF-8 passes unchanged and is counted; a line longer
 * than `socket.max.line` is left out and counted.
 *
 * A batch has the files that were found before its tick, in order of their names; each is read once, by its name, in
 * as many bytes as it had when it was found. A name whose file has been deleted may be used again. With a checkpoint the
 * names are part of it: a job that goes on reads what came in while it was away, and a batch that is run again has the
 * same files.
 *
 * A file that may not be read is named in the log and waits until it may. A folder that cannot be listed while the job runs
 * gives empty batches. A file that has gone or has become shorter before its batch has read it fails the batch with
 * %WEIR_ERROR_DATA_LOSS, a disk that cannot be read with %WEIR_ERROR_SOURCE. Files are read a block at a time: their size
 * is no matter.
 *
 * Returns: (transfer none): the stream; a mistake is reported by weir_context_start(), with code %WEIR_ERROR_GRAPH, a
 * folder that cannot be listed with %WEIR_ERROR_SOURCE
 */
WeirStream *
weir_text_file_stream (WeirContext *ctx, const char *directory)
{
  const WeirFileSpec spec = { .framing = { .kind = WEIR_FRAMING_LINES } };

  return new_stream (ctx, &text_file_class, directory, &spec);
}

/**
 * weir_file_stream:
 * @ctx: the context
 * @directory: the folder; it must be there when the context starts
 * @spec: which files, and how records are told apart; copied
 *
 * Records of files that appear in a folder, as weir_text_file_stream() has lines: BYTES, or TEXT where `framing.text` is set.
 * `filter` says by its name whether a file is read, instead of the rule for names there; it runs on a thread of the
 * stream's own, one call at a time. With `include_existing` files count that are there when the job first starts. The framings are
 * those of weir_socket_stream(). Files of LENGTH32 records are one partition each. A FIXED or LENGTH32 record that is not complete at
 * the end of a file is left out and counted.
 *
 * Returns: (transfer none): the stream; mistakes as weir_text_file_stream()
 */

/**
 * weir_file_stream_sized:
 * @ctx: as weir_file_stream()
 * @directory: as there
 * @spec: as there
 * @size: sizeof (WeirFileSpec) as the caller knows it, so that fields can be appended
 *
 * What the macro weir_file_stream() calls, for languages without macros.
 *
 * Returns: (transfer none): the stream
 */
WeirStream *
weir_file_stream_sized (WeirContext *ctx, const char *directory, const WeirFileSpec *spec, gsize size)
{
  WeirFileSpec known = { 0 };
  WeirStream *stream;

  if (spec != NULL)
    memcpy (&known, spec, MIN (size, sizeof known));
  stream = new_stream (ctx, &file_class, directory, &known);
  if (spec == NULL)
    weir_stream_mistake (stream, "has no spec (NULL): say which files, and how records are told apart");
  return stream;
}

/**
 * weir_object_file_stream:
 * @ctx: the context
 * @directory: where the folders of weir_save_as_object_files() appear, or one of them
 *
 * The elements that weir_save_as_object_files() has saved, as they were: pairs, lists, numbers, texts. A folder counts when it has
 * its _SUCCESS; each of its parts is a partition. Object files that are put into @directory themselves are read, too. Everything that
 * is there when the job first starts is read. All else is as in weir_text_file_stream(), but that files are not divided.
 *
 * A file that is cut off or damaged anywhere fails the batch with %WEIR_ERROR_SOURCE, which names file and place; what comes before the damaged
 * block has been handed on by then, and goes with the batch.
 *
 * Returns: (transfer none): the stream; mistakes as weir_text_file_stream()
 */
WeirStream *
weir_object_file_stream (WeirContext *ctx, const char *directory)
{
  const WeirFileSpec spec = { .include_existing = TRUE };

  return new_stream (ctx, &object_file_class, directory, &spec);
}
