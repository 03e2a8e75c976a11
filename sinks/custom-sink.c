/* weir_output (): a class of the job's own as an output.
 *
 * Owns the way of a batch through the class: its partitions, its note, and when it is committed; a batch is known by its
 * time, so that one which is committed again can be told. Must not know what the class does with it.
 * Threads: workers write, each its own partition; the runner gathers what waits for the seal, and commits where nothing
 * is sealed; else the checkpoint thread prepares and commits. Gathered batches go from the runner to it at the cut.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/connector.h>

#include <string.h>

#include <weir/error.h>

#include "engine/context.h"
#include "engine/decider.h"
#include "engine/dataset.h"
#include "engine/frame.h"
#include "engine/stream.h"
#include "engine/task.h"
#include "engine/wire.h"

#define MOST_BYTES ((gsize) 1 << 30) /* of notes until the seal */

struct _WeirSink {
  WeirOutputClass engine_klass; /* the engine's view of the class */
  WeirSinkClass klass;
  char *name, *identity;
  WeirOutput *output;
  gpointer user_data;
  gpointer instance;   /* from open to close */
  GPtrArray *gathered; /* of Batch, until the cut; runner */
  gsize n_gathered;    /* bytes of them */
};

struct _WeirNote {
  gconstpointer data;
  gsize size, at;
  const char *output;
  WeirTask task; /* for what is decoded: its memory alone */
  WeirTaskRun task_run;
  WeirRun run;
};

typedef struct {
  WeirTime time;
  GByteArray *bytes;
} Batch;

/* What the tasks of a batch share. */
typedef struct {
  WeirSink *sink;
  WeirSinkBatch batch;
} Writing;

typedef struct {
  WeirSinkPart part;
  gboolean is_begun;
} Part;

#define PART_SIZE ((sizeof (Part) + 7) & ~(gsize) 7) /* the class's bytes follow */

/* TRUE without an error; else the class's, or one of our own where it gave none. */
static gboolean
settle (gboolean ok, GError *failure, const char *slot, GError **error)
{
  if (ok && failure == NULL)
    return TRUE;
  if (failure == NULL)
    failure = g_error_new (WEIR_ERROR, WEIR_ERROR_USER,
                           "its %s () returned FALSE and set no error: set one that says what went wrong", slot);
  g_propagate_error (error, failure);
  return FALSE;
}

static WeirSinkBatch
id_of (const WeirSink *sink, WeirTime time)
{
  return (WeirSinkBatch){ .job = weir_engine_job_name (sink->output->engine), .output = sink->identity, .time = time };
}

static void
batch_free (gpointer data)
{
  Batch *batch = data;

  g_byte_array_unref (batch->bytes);
  g_free (batch);
}

/* --- writing, on workers --- */

static void
take_failure (WeirTask *task, GError *failure)
{
  g_prefix_error (&failure, "%s: ", task->op->name);
  weir_run_take_error (task->task_run->run, failure);
}

static void
part_open (WeirTask *task)
{
  const Writing *writing = task->op->params;
  const WeirSinkClass *klass = &writing->sink->klass;
  Part *self = task->instance;
  GError *failure = NULL, *error = NULL;
  gboolean ok = TRUE;

  self->part.sink = writing->sink;
  self->part.batch = &writing->batch;
  self->part.partition = task->task_run->index;
  self->part.bytes = g_byte_array_new ();
  self->part.state = (char *) self + PART_SIZE;
  self->is_begun = TRUE;
  if (klass->begin != NULL)
    ok = klass->begin (&self->part, &failure);
  if (!settle (ok, failure, "begin", &error))
    take_failure (task, error);
}

static gboolean
encode (GByteArray *bytes, WeirValue value, GError **error)
{
  if (weir_encode_bounded (value, bytes))
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_USER, "an element is nested deeper than %u levels, or larger than 2 GiB",
               WEIR_WIRE_DEPTH_MAX);
  return FALSE;
}

static gboolean
write_element (const WeirSinkClass *klass, WeirSinkPart *part, WeirValue value, GError **error)
{
  GError *failure = NULL;
  gboolean ok = klass->write != NULL ? klass->write (part, value, &failure) : encode (part->bytes, value, &failure);

  if (!settle (ok, failure, "write", error))
    return FALSE;
  if (part->bytes->len <= MOST_BYTES)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
               "one partition has more than 1 GiB for the sink: take fewer "
               "records a batch, or write them elsewhere and keep in the note where");
  return FALSE;
}

static void
part_process (WeirTask *task, const WeirChunk *in)
{
  const Writing *writing = task->op->params;
  Part *self = task->instance;
  WeirValue cells[2];
  GError *failure = NULL;

  for (guint i = 0; i < in->n; i++) {
    if (!write_element (&writing->sink->klass, &self->part, weir_chunk_element (in, i, cells), &failure)) {
      take_failure (task, failure);
      return;
    }
  }
}

/* The class frees its part's state here, also where the batch has failed; its error then tells nothing new. */
static gpointer
part_seal (WeirTask *task)
{
  const Writing *writing = task->op->params;
  Part *self = task->instance;
  GError *failure = NULL, *error = NULL;
  gboolean ok = TRUE;

  if (!self->is_begun)
    return NULL;
  if (writing->sink->klass.end != NULL)
    ok = writing->sink->klass.end (&self->part, &failure);
  if (!settle (ok, failure, "end", &error))
    take_failure (task, error);
  return self->part.bytes;
}

/* --- a batch, on the runner --- */

static gboolean
join (gpointer *parts, guint n, Batch *batch, GError **error)
{
  gsize size = 0;

  for (guint i = 0; i < n; i++)
    size += parts[i] != NULL ? ((GByteArray *) parts[i])->len : 0;
  if (size > MOST_BYTES) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
                 "a batch has %" G_GSIZE_FORMAT " bytes for the sink and may "
                 "have 1 GiB: take fewer records a batch, or write them elsewhere and keep in the note where",
                 size);
    return FALSE;
  }
  for (guint i = 0; i < n; i++)
    if (parts[i] != NULL)
      g_byte_array_append (batch->bytes, ((GByteArray *) parts[i])->data, ((GByteArray *) parts[i])->len);
  return TRUE;
}

static gboolean
write_parts (WeirSink *sink, WeirDataset *data, Batch *batch, GError **error)
{
  Writing writing = { .sink = sink, .batch = id_of (sink, batch->time) };
  const WeirOpClass part_class = {
    .verb = sink->name,
    .kind = WEIR_OP_TERMINAL,
    .instance_size = PART_SIZE + sink->klass.part_size,
    .open = part_open,
    .process = part_process,
    .seal = part_seal,
  };
  const WeirOp terminal = { .klass = &part_class, .name = sink->output->label, .params = &writing };
  g_autofree gpointer *parts = NULL;
  guint n = 0;
  gboolean ok = weir_dataset_run (data, &terminal, &parts, &n, error) && join (parts, n, batch, error);

  for (guint i = 0; i < n; i++)
    g_clear_pointer (&parts[i], g_byte_array_unref);
  return ok;
}

static gboolean
prepare_batch (WeirSink *sink, const Batch *batch, GError **error)
{
  const WeirSinkBatch id = id_of (sink, batch->time);
  GError *failure = NULL;
  gboolean ok;

  if (sink->klass.prepare == NULL)
    return TRUE;
  ok = sink->klass.prepare (sink, &id, batch->bytes, &failure);
  return settle (ok, failure, "prepare", error);
}

static void
note_open (WeirNote *note, const WeirSink *sink, gconstpointer data, gsize size)
{
  *note = (WeirNote){ .data = data, .size = size, .output = sink->output->label };
  weir_run_init (&note->run, weir_engine_memory (sink->output->engine), NULL);
  note->task.task_run = &note->task_run;
  note->task.op = &sink->output->stream->op;
  note->task_run.run = &note->run;
  weir_arena_init (&note->task_run.scratch, note->run.memory);
}

static void
note_close (WeirNote *note)
{
  weir_arena_clear (&note->task_run.scratch);
  weir_run_clear (&note->run);
}

static gboolean
commit_batch (WeirSink *sink, WeirTime time, gconstpointer data, gsize size, GError **error)
{
  const WeirSinkBatch id = id_of (sink, time);
  GError *failure = NULL;
  WeirNote note;
  gboolean ok;

  note_open (&note, sink, data, size);
  ok = sink->klass.commit (sink, &id, &note, &failure);
  note_close (&note);
  return settle (ok, failure, "commit", error);
}

static gboolean
has_room (const WeirSink *sink, const Batch *batch, GError **error)
{
  if (batch->bytes->len <= MOST_BYTES - MIN (sink->n_gathered, MOST_BYTES))
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
               "more than 1 GiB waits for the seal: make checkpoint.interval shorter, or take fewer records a batch");
  return FALSE;
}

/* With a seal ahead of it the batch waits; an abort is then the recovery's, which knows what was prepared. */
static gboolean
sink_run (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error)
{
  WeirSink *sink = output->params;
  Batch *batch = g_new (Batch, 1);
  gboolean ok;

  *batch = (Batch){ time, g_byte_array_new () };
  ok = write_parts (sink, data, batch, error);
  if (ok && output->is_sealed && has_room (sink, batch, error)) {
    sink->n_gathered += batch->bytes->len;
    g_ptr_array_add (sink->gathered, batch);
    return TRUE;
  }
  ok = ok && !output->is_sealed && prepare_batch (sink, batch, error) &&
       commit_batch (sink, time, batch->bytes->data, batch->bytes->len, error);
  if (!ok && !output->is_sealed && sink->klass.abort != NULL)
    (*sink->klass.abort) (sink);
  batch_free (batch);
  return ok;
}

/* --- an epoch --- */

static gpointer
sink_cut (WeirOutput *output)
{
  WeirSink *sink = output->params;
  GPtrArray *gathered = sink->gathered;

  if (gathered->len == 0)
    return NULL;
  sink->gathered = g_ptr_array_new_with_free_func (batch_free);
  sink->n_gathered = 0;
  return gathered;
}

static gboolean
sink_prepare (WeirOutput *output, gpointer data, guint64 epoch, GByteArray *note, GError **error)
{
  WeirSink *sink = output->params;
  g_autoptr (GPtrArray) gathered = data;

  weir_put_u32 (note, gathered->len);
  for (guint i = 0; i < gathered->len; i++) {
    const Batch *batch = g_ptr_array_index (gathered, i);

    if (!prepare_batch (sink, batch, error))
      return FALSE;
    weir_put_u64 (note, (guint64) batch->time);
    weir_put_bytes (note, batch->bytes->data, batch->bytes->len);
  }
  return TRUE;
}

static gboolean
sink_commit (WeirOutput *output, guint64 epoch, gconstpointer note, gsize size, GError **error)
{
  WeirSink *sink = output->params;
  WeirTaker taker;
  guint32 n;

  weir_taker_init (&taker, note, size);
  n = weir_take_u32 (&taker);
  for (guint32 i = 0; i < n; i++) {
    WeirTime time = (WeirTime) weir_take_u64 (&taker);
    gsize n_bytes;
    const guint8 *bytes = weir_take_bytes (&taker, &n_bytes);

    if (taker.has_failed) {
      g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT,
                           "its note is none of a sink of the job's own");
      return FALSE;
    }
    if (!commit_batch (sink, time, bytes, n_bytes, error))
      return FALSE;
  }
  return TRUE;
}

static void
sink_abort (WeirOutput *output)
{
  WeirSink *sink = output->params;

  g_ptr_array_set_size (sink->gathered, 0);
  sink->n_gathered = 0;
  if (sink->klass.abort != NULL)
    (*sink->klass.abort) (sink);
}

/* --- life --- */

static gboolean
sink_open (WeirOutput *output, GError **error)
{
  WeirSink *sink = output->params;
  GError *failure = NULL;
  gboolean ok;

  sink->identity = weir_output_identity (output);
  sink->instance = g_try_malloc0 (MAX (sink->klass.instance_size, 1));
  if (sink->instance == NULL) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT, "there are no %" G_GSIZE_FORMAT " bytes for its instance",
                 sink->klass.instance_size);
    return FALSE;
  }
  if (sink->klass.open == NULL)
    return TRUE;
  ok = sink->klass.open (sink, &failure);
  return settle (ok, failure, "open", error);
}

static void
sink_close (WeirOutput *output)
{
  WeirSink *sink = output->params;

  if (sink->klass.close != NULL && sink->instance != NULL)
    sink->klass.close (sink);
  g_clear_pointer (&sink->instance, g_free);
  g_clear_pointer (&sink->identity, g_free);
  g_ptr_array_set_size (sink->gathered, 0);
  sink->n_gathered = 0;
}

static gboolean
sink_validate (WeirOutput *output, GError **error)
{
  const WeirSink *sink = output->params;
  const WeirSinkClass *klass = &sink->klass;

  if (klass->name == NULL || klass->name[0] == '\0')
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH,
                 "is of no class, or of one without a name: set .name, by which errors will call it");
  else if (klass->commit == NULL)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH,
                 "is of a class without commit (): set .commit, which makes a batch visible");
  else if (klass->guarantee != WEIR_SINK_SEALED && klass->guarantee != WEIR_SINK_AT_ONCE)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH,
                 "is of a class with the guarantee %d: set WEIR_SINK_SEALED or WEIR_SINK_AT_ONCE",
                 (int) klass->guarantee);
  else if (klass->instance_size > G_MAXINT32 || klass->part_size > G_MAXINT32)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH,
                 "is of a class whose memory is above 2 GiB: allocate what is large in open ()");
  else
    return TRUE;
  return FALSE;
}

static void
sink_params_clear (gpointer params)
{
  WeirSink *sink = params;

  g_ptr_array_unref (sink->gathered);
  g_free (sink->name);
}

static const WeirOutputClass sink_class = {
  .verb = "output",
  .validate = sink_validate,
  .run = sink_run,
  .params_clear = sink_params_clear,
  .open = sink_open,
  .close = sink_close,
};

static const WeirOutputClass *
view_of (WeirSink *sink)
{
  WeirOutputClass *view = &sink->engine_klass;

  *view = sink_class;
  view->verb = sink->name;
  if (sink->klass.guarantee != WEIR_SINK_SEALED)
    return view;
  view->cut = sink_cut;
  view->prepare = sink_prepare;
  view->commit = sink_commit;
  view->abort = sink_abort;
  return view;
}

/**
 * weir_output:
 * @s: any stream
 * @klass: what the sink does; copied
 * @user_data: for weir_sink_user_data()
 *
 * An output of the job's own. Workers write the partitions of a batch (begin, write, end); what they put into the part's
 * bytes is, in order of partition, the batch's note, to which prepare may add; commit makes the batch visible from the
 * note alone. A batch is known by job, output and time: when it comes again, these and the data are the same, which lets
 * commit tell that it has been there.
 *
 * With a checkpoint a sink that is %WEIR_SINK_SEALED has its batches prepared and committed when their epoch is sealed:
 * the notes are part of the checkpoint, and after a crash the newest ones are committed once more. One that is
 * %WEIR_SINK_AT_ONCE has each committed as it ends, and once more where the batch is run again. Without a checkpoint
 * both are committed at once. Up to 1 GiB of notes may wait for the seal.
 *
 * An error of commit that is retriable is tried again until the job stops, where the epoch is sealed already; any other
 * error fails the batch, or has the context opened again. Called while the graph is built; then on the threads that
 * <weir/connector.h> names. A class without name or commit is a mistake in the graph (%WEIR_ERROR_GRAPH).
 *
 * Returns: (transfer none): the output; owned by the context
 */

/**
 * weir_output_sized:
 * @s: as weir_output()
 * @klass: as there
 * @size: sizeof (WeirSinkClass) as the caller knows it, so that fields can be appended
 * @user_data: as there
 *
 * What the macro weir_output() calls.
 *
 * Returns: (transfer none): the output; owned by the context
 */
WeirOutput *
weir_output_sized (WeirStream *s, const WeirSinkClass *klass, gsize size, gpointer user_data)
{
  WeirSink *sink = g_new0 (WeirSink, 1);

  if (klass != NULL)
    memcpy (&sink->klass, klass, MIN (size, sizeof sink->klass));
  sink->name = g_strdup (sink->klass.name != NULL && sink->klass.name[0] != '\0' ? sink->klass.name : sink_class.verb);
  sink->user_data = user_data;
  sink->gathered = g_ptr_array_new_with_free_func (batch_free);
  sink->output = weir_output_new (s, view_of (sink), sink);
  return sink->output;
}

/**
 * weir_sink_instance:
 * @sink: what a function of the class was given
 *
 * The sink's own memory: instance_size bytes, zeroed before each open, which may be more than one where the context
 * restarts after a failure. Workers, runner and checkpoint thread share it; it is the class's to protect. Any thread,
 * from open to close.
 *
 * Returns: (transfer none): the instance
 */
gpointer
weir_sink_instance (WeirSink *sink)
{
  return sink->instance;
}

/**
 * weir_sink_user_data:
 * @sink: what a function of the class was given
 *
 * Any thread.
 *
 * Returns: (transfer none): what weir_output() was given
 */
gpointer
weir_sink_user_data (WeirSink *sink)
{
  return sink->user_data;
}

/**
 * weir_note_bytes:
 * @note: what commit was given
 * @size: (out): bytes
 *
 * Returns: (transfer none): what the partitions and prepare wrote, valid until commit returns
 */
gconstpointer
weir_note_bytes (WeirNote *note, gsize *size)
{
  *size = note->size;
  return note->data;
}

/**
 * weir_note_next:
 * @note: what commit was given
 * @value: (out): the next element, valid until the next call
 * @error: return location for an error
 *
 * Takes one element after the other, for sinks whose class leaves writing to the engine (no write). Called in commit.
 *
 * Returns: %FALSE at the end, with no error set, or with %WEIR_ERROR_FAILED where the note holds something else, such as
 *   what an older version of the class wrote, or %WEIR_ERROR_MEMORY_LIMIT
 */
gboolean
weir_note_next (WeirNote *note, WeirValue *value, GError **error)
{
  gsize n_taken = 0;

  if (note->at == note->size)
    return FALSE;
  weir_arena_reset (&note->task_run.scratch);
  if (!weir_decode_prefix (&note->task, (const guint8 *) note->data + note->at, note->size - note->at, &n_taken, value,
                           error))
    return FALSE;
  note->at += n_taken;
  return TRUE;
}
