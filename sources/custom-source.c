/* weir_source_stream (): a class of the job's own as a source that can be read again.
 *
 * Owns what makes a batch the same after a restart: the bounds that the class planned, and into how many partitions, are
 * the position that the checkpoint keeps, so the class is never asked twice to plan one batch. Must not know what the
 * class's positions mean.
 * Threads: planning on the loop's, fetching on workers; a plan's bounds do not change once it is made.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/connector.h>

#include <string.h>

#include <weir/error.h>

#include "engine/frame.h"
#include "engine/options.h"
#include "engine/stream.h"
#include "engine/task.h"

#define MOST_PARTITIONS 65536u

typedef struct {
  WeirSource source;
  WeirSourceKlass engine_klass; /* the engine's view of the class */
  WeirSourceClass klass;
  char *name;
  gpointer user_data;
  gpointer instance; /* from open to close */
  WeirTime interval;
  GByteArray *position; /* where the next batch begins; loop, or whoever starts */
  guint n_partitions;   /* of the newest plan */
  gboolean is_stopped;
  gboolean is_in_trouble; /* planning failed the last time: it has been said */
} CustomSource;

typedef struct {
  GBytes *from, *until;
  GError *failure; /* of planning: that of the batch, too */
} CustomPlan;

typedef struct {
  WeirFetch fetch;
  gboolean is_begun;
} Reading;

#define READING_SIZE ((sizeof (Reading) + 7) & ~(gsize) 7) /* the class's bytes follow */

/* An error, whatever the class left out. */
static GError *
failure_of (GError *error, const char *slot)
{
  if (error != NULL)
    return error;
  return g_error_new (WEIR_ERROR, WEIR_ERROR_USER,
                      "its %s () returned FALSE and set no error: set one that says what went wrong", slot);
}

/* TRUE without an error; else the class's, or one of our own where it gave none. */
static gboolean
settle (gboolean ok, GError *failure, const char *slot, GError **error)
{
  if (ok && failure == NULL)
    return TRUE;
  g_propagate_error (error, failure_of (failure, slot));
  return FALSE;
}

static gboolean
custom_open (WeirSource *source, GError **error)
{
  CustomSource *self = (CustomSource *) source;
  GError *failure = NULL;
  gboolean ok;

  self->interval = weir_options_duration (weir_engine_options (source->engine), WEIR_OPTION_BATCH_INTERVAL);
  self->is_stopped = self->is_in_trouble = FALSE;
  self->n_partitions = 0;
  self->position = g_byte_array_new ();
  self->instance = g_try_malloc0 (MAX (self->klass.instance_size, 1));
  if (self->instance == NULL) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT, "there are no %" G_GSIZE_FORMAT " bytes for its instance",
                 self->klass.instance_size);
    return FALSE;
  }
  if (self->klass.open == NULL)
    return TRUE;
  ok = self->klass.open (source, self->position, &failure);
  return settle (ok, failure, "open", error);
}

static void
custom_close (WeirSource *source)
{
  CustomSource *self = (CustomSource *) source;

  if (self->klass.close != NULL && self->instance != NULL)
    self->klass.close (source);
  g_clear_pointer (&self->instance, g_free);
  g_clear_pointer (&self->position, g_byte_array_unref);
}

/* --- planning --- */

static void
set_plan (CustomSource *self, WeirPlan *plan, gconstpointer until, gsize size, gint64 n_records)
{
  CustomPlan *data = g_new0 (CustomPlan, 1);

  data->from = g_bytes_new (self->position->data, self->position->len);
  data->until = g_bytes_new (until, size);
  g_byte_array_set_size (self->position, 0);
  g_byte_array_append (self->position, until, (guint) size);
  plan->n_partitions = self->n_partitions;
  plan->n_records = n_records;
  plan->data = data;
}

static void
set_nothing (CustomSource *self, WeirPlan *plan)
{
  g_autofree guint8 *here = g_memdup2 (self->position->data, self->position->len);

  self->n_partitions = 0;
  set_plan (self, plan, here, self->position->len, 0);
}

/* A batch that fails when it is read. */
static void
set_failure (CustomSource *self, WeirPlan *plan, GError *failure)
{
  set_nothing (self, plan);
  plan->n_partitions = 1;
  ((CustomPlan *) plan->data)->failure = failure;
}

/* What may pass by itself costs a batch its records, which the next one has; anything else fails it. */
static void
give_up (CustomSource *self, WeirPlan *plan, GError *failure)
{
  if (!weir_error_is_retriable (failure)) {
    set_failure (self, plan, failure);
    return;
  }
  set_nothing (self, plan);
  if (!self->is_in_trouble)
    weir_log (weir_engine_log (self->source.engine), WEIR_LOG_WARNING, "%s: %s; trying again with each batch",
              self->source.op->name, failure->message);
  self->is_in_trouble = TRUE;
  g_error_free (failure);
}

static gboolean
ask (CustomSource *self, WeirSourcePlan *plan, GError **error)
{
  GError *failure = NULL;
  gboolean ok = self->klass.plan (&self->source, plan, &failure);

  if (!settle (ok, failure, "plan", error))
    return FALSE;
  if (plan->n_partitions <= MOST_PARTITIONS)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_USER, "its plan () wants %u partitions: make it %u or fewer",
               plan->n_partitions, MOST_PARTITIONS);
  return FALSE;
}

static gint64
count_allowed (const CustomSource *self)
{
  gdouble allowed = self->source.rate * (gdouble) self->interval / (gdouble) G_USEC_PER_SEC;

  if (self->source.rate <= 0 || allowed >= (gdouble) (G_MAXINT64 / 2))
    return G_MAXINT64;
  return MAX ((gint64) allowed, 1);
}

static void
custom_plan (WeirSource *source, WeirPlan *plan)
{
  CustomSource *self = (CustomSource *) source;
  g_autoptr (GByteArray) until = g_byte_array_new ();
  g_autofree guint8 *from = g_memdup2 (self->position->data, self->position->len);
  WeirSourcePlan asked = { .time = plan->time, .from = from, .from_size = self->position->len, .until = until };
  GError *failure = NULL;

  asked.max_records = count_allowed (self);
  asked.n_partitions = 1;
  asked.n_records = -1;
  if (!self->is_stopped && !ask (self, &asked, &failure)) {
    give_up (self, plan, failure);
    return;
  }
  self->is_in_trouble = FALSE;
  if (self->is_stopped || asked.n_partitions == 0) {
    set_nothing (self, plan);
    return;
  }
  self->n_partitions = asked.n_partitions;
  set_plan (self, plan, until->data, until->len, MAX (asked.n_records, -1));
}

static void
custom_release (WeirSource *source, WeirPlan *plan)
{
  CustomPlan *data = g_steal_pointer (&plan->data);

  g_bytes_unref (data->from);
  g_bytes_unref (data->until);
  g_clear_error (&data->failure);
  g_free (data);
}

static void
custom_stop (WeirSource *source)
{
  ((CustomSource *) source)->is_stopped = TRUE;
}

/* --- positions, as the checkpoint keeps them: partitions and class's own bytes --- */

static void
custom_save (WeirSource *source, const WeirPlan *plan, GByteArray *position)
{
  const CustomSource *self = (const CustomSource *) source;

  weir_put_u32 (position, plan != NULL ? self->n_partitions : 0);
  weir_put_bytes (position, self->position->data, self->position->len);
}

static gboolean
take_position (gconstpointer data, gsize data_size, guint *n_partitions, const guint8 **position, gsize *size)
{
  WeirTaker taker;

  weir_taker_init (&taker, data, data_size);
  *n_partitions = weir_take_u32 (&taker);
  *position = weir_take_bytes (&taker, size);
  return weir_taker_is_done (&taker) && *n_partitions <= MOST_PARTITIONS;
}

static gboolean
custom_resume (WeirSource *source, gconstpointer data, gsize data_size, GError **error)
{
  CustomSource *self = (CustomSource *) source;
  const guint8 *position;
  gsize size;
  guint n_partitions;
  GError *failure = NULL;
  gboolean ok;

  if (!take_position (data, data_size, &n_partitions, &position, &size)) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT,
                 "the saved position is none of a source of the job's own");
    return FALSE;
  }
  g_byte_array_set_size (self->position, 0);
  g_byte_array_append (self->position, position, (guint) size);
  if (self->klass.resume == NULL)
    return TRUE;
  ok = self->klass.resume (source, self->position->data, self->position->len, &failure);
  return settle (ok, failure, "resume", error);
}

static gboolean
custom_replan (WeirSource *source, WeirPlan *plan, gconstpointer data, gsize data_size)
{
  CustomSource *self = (CustomSource *) source;
  const guint8 *position;
  gsize size;

  if (take_position (data, data_size, &self->n_partitions, &position, &size)) {
    set_plan (self, plan, position, size, self->n_partitions == 0 ? 0 : -1);
    return TRUE;
  }
  set_failure (self, plan,
               g_error_new (WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT,
                            "a planned position is none of a source of the job's own"));
  return TRUE;
}

static void
custom_sealed (WeirSource *source, gconstpointer data, gsize data_size)
{
  CustomSource *self = (CustomSource *) source;
  const guint8 *position;
  gsize size;
  guint n_partitions;

  if (self->klass.sealed != NULL && take_position (data, data_size, &n_partitions, &position, &size))
    self->klass.sealed (source, position, size);
}

/* --- fetching --- */

static void
begin_fetch (Reading *reading, const WeirReader *reader)
{
  const WeirPlan *plan = reader->plan;
  const CustomPlan *data = plan->data;
  WeirFetch *fetch = &reading->fetch;

  reading->is_begun = TRUE;
  fetch->source = plan->source;
  fetch->from = g_bytes_get_data (data->from, &fetch->from_size);
  fetch->until = g_bytes_get_data (data->until, &fetch->until_size);
  fetch->partition = reader->partition;
  fetch->n_partitions = plan->n_partitions;
  fetch->state = (char *) reading + READING_SIZE;
}

static gboolean
fail_read (WeirTask *task, GError *failure)
{
  g_prefix_error (&failure, "%s: ", task->op->name);
  weir_run_take_error (task->task_run->run, failure);
  return FALSE;
}

static gboolean
custom_read (WeirTask *task, WeirReader *reader)
{
  const CustomPlan *plan = ((const WeirPlan *) reader->plan)->data;
  const CustomSource *self = task->op->params;
  Reading *reading = reader->state;
  WeirRun *run = task->task_run->run;
  guint64 before = task->n_emitted + task->head.n_elements;
  GError *failure = NULL;
  gboolean more;

  if (plan->failure != NULL)
    return fail_read (task, g_error_copy (plan->failure));
  if (!reading->is_begun)
    begin_fetch (reading, reader);
  more = self->klass.fetch (task, &reading->fetch, &failure);
  __atomic_add_fetch (&run->n_records, task->n_emitted + task->head.n_elements - before, __ATOMIC_RELAXED);
  return failure == NULL ? more : fail_read (task, failure);
}

static void
custom_read_end (WeirTask *task, WeirReader *reader)
{
  const CustomSource *self = task->op->params;
  Reading *reading = reader->state;

  if (reading->is_begun && self->klass.fetch_end != NULL)
    self->klass.fetch_end (&reading->fetch);
}

/* --- the graph --- */

static void
custom_params_clear (gpointer params)
{
  g_free (((CustomSource *) params)->name);
}

static const WeirSourceKlass custom_class = {
  .op = {
    .verb = "source_stream",
    .kind = WEIR_OP_SOURCE,
    .read = custom_read,
    .read_end = custom_read_end,
    .params_clear = custom_params_clear,
  },
  .instance_size = sizeof (CustomSource),
  .open = custom_open,
  .plan = custom_plan,
  .release = custom_release,
  .stop = custom_stop,
  .save = custom_save,
  .resume = custom_resume,
  .replan = custom_replan,
  .sealed = custom_sealed,
  .close = custom_close,
};

static void
check (WeirStream *stream, const WeirSourceClass *klass)
{
  if (klass->name == NULL || klass->name[0] == '\0')
    weir_stream_mistake (stream, "is of a class without a name: set .name, by which errors will call it");
  if (klass->plan == NULL)
    weir_stream_mistake (stream, "is of a class without plan (): set .plan, which says what belongs to a batch");
  if (klass->fetch == NULL)
    weir_stream_mistake (stream, "is of a class without fetch (): set .fetch, which emits a batch's records");
  if (klass->instance_size > G_MAXINT32 || klass->fetch_size > G_MAXINT32)
    weir_stream_mistake (stream, "is of a class whose memory is above 2 GiB: allocate what is large in open ()");
}

/* Makes the stream by the name of its class; the engine's view of it is then the stream's own. */
static WeirStream *
stream_of (WeirContext *ctx, const WeirSourceClass *klass, gpointer user_data)
{
  WeirSourceKlass engine_klass = custom_class;
  WeirStream *stream;
  CustomSource *self;

  if (klass->name != NULL && klass->name[0] != '\0')
    engine_klass.op.verb = klass->name;
  engine_klass.op.reader_size = READING_SIZE + klass->fetch_size;
  stream = weir_stream_new_source (ctx, &engine_klass);
  self = (CustomSource *) stream->source;
  self->klass = *klass;
  self->user_data = user_data;
  self->name = g_strdup (engine_klass.op.verb);
  self->engine_klass = engine_klass;
  self->engine_klass.op.verb = self->name;
  self->source.klass = &self->engine_klass;
  stream->op.klass = &self->engine_klass.op;
  return stream;
}

/**
 * weir_source_stream:
 * @ctx: the context
 * @klass: what the source does; copied
 * @user_data: for weir_source_user_data()
 *
 * A stream from a source of the job's own, one that can be read again: a batch is all between two positions. At each tick
 * the class's plan says where the batch ends, and its fetch, on workers, emits what lies between. Positions are
 * bytes that the class alone reads. With a checkpoint they are kept: after a restart the batches since the last seal
 * are fetched again between the same positions, and planning goes on from the newest.
 *
 * An error of plan that is retriable (weir_error_is_retriable()) gives a batch without records, and the next batch
 * asks again; any other fails the batch, as does one of fetch. One of open or resume stops the start. With a checkpoint
 * a batch that fails is run again, as far as `restart.attempts` allows.
 *
 * Called while the graph is built; the context then calls the class, from start on, on the threads that
 * <weir/connector.h> names. A class without name, plan or fetch is a mistake in the graph.
 *
 * Returns: (transfer none): the stream; a mistake is reported by weir_context_start(), with code %WEIR_ERROR_GRAPH
 */

/**
 * weir_source_stream_sized:
 * @ctx: as weir_source_stream()
 * @klass: as there
 * @size: sizeof (WeirSourceClass) as the caller knows it, so that fields can be appended
 * @user_data: as there
 *
 * What the macro weir_source_stream() calls.
 *
 * Returns: (transfer none): the stream
 */
WeirStream *
weir_source_stream_sized (WeirContext *ctx, const WeirSourceClass *klass, gsize size, gpointer user_data)
{
  WeirSourceClass known = { 0 };
  WeirStream *stream;

  if (klass != NULL)
    memcpy (&known, klass, MIN (size, sizeof known));
  stream = stream_of (ctx, &known, user_data);
  if (klass == NULL)
    weir_stream_mistake (stream, "has no class (NULL): pass one to weir_source_stream ()");
  else
    check (stream, &known);
  return stream;
}

/**
 * weir_source_instance:
 * @source: what a function of the class was given
 *
 * The source's own memory: instance_size bytes, zeroed before each open, which may be more than one where the context
 * restarts after a failure. Loop and workers share it; it is the class's to protect. Any thread, from open to close.
 *
 * Returns: (transfer none): the instance
 */
gpointer
weir_source_instance (WeirSource *source)
{
  return ((CustomSource *) source)->instance;
}

/**
 * weir_source_user_data:
 * @source: what a function of the class was given
 *
 * Any thread.
 *
 * Returns: (transfer none): what weir_source_stream() was given
 */
gpointer
weir_source_user_data (WeirSource *source)
{
  return ((CustomSource *) source)->user_data;
}
