/* generator.c: records that a function of the job makes from their numbers.
 *
 * Owns the numbering: which records belong to which batch. With a rate they follow batch time; without one the number
 * per batch is steered so that a batch takes about an interval. Must not know what the records are.
 * Threads: planning and steering on the loop's; the job's function on workers. A plan's `begun` is set by the worker
 * that reads first and read by the loop when the batch is over.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/input.h>

#include <math.h>

#include <weir/error.h>

#include "engine/frame.h"
#include "engine/options.h"
#include "engine/stream.h"
#include "engine/task.h"

/* Fewer records are not worth a task. */
#define PARTITION_RECORDS 1000

/* Without a rate: where to begin, and how far one batch may differ from the one that was measured. */
#define FIRST_RECORDS 10000
#define MOST_GROWTH   2.0
#define MOST_SHRINK   0.25
#define MOST_RECORDS  ((guint64) 1 << 40)
#define INTERVAL_PART 0.9

typedef struct {
  WeirSource source;
  WeirGeneratorFunc f;
  gpointer user_data;
  gdouble rate; /* records a second; 0: as fast as it goes */
  WeirTime interval;
  guint n_partitions; /* at most */
  guint64 next;       /* the first record that no batch has */
  guint64 n_steered;  /* without a rate: of the next batch */
  WeirTime zero;      /* batch time of record 0; valid when `is_begun` */
  gboolean is_begun, is_stopped;
} GeneratorSource;

typedef struct {
  guint64 from, n;
  gint64 begun; /* monotonic, atomic; 0: nobody reads yet */
} GeneratorPlan;

typedef struct {
  gboolean is_begun;
  guint64 at, end;
} Cursor;

static gboolean
generator_open (WeirSource *source, GError **error)
{
  GeneratorSource *self = (GeneratorSource *) source;
  const WeirOptions *options = weir_engine_options (source->engine);

  self->interval = weir_options_duration (options, WEIR_OPTION_BATCH_INTERVAL);
  self->n_partitions = weir_options_integer (options, WEIR_OPTION_PARTITIONS);
  self->n_steered = FIRST_RECORDS;
  self->next = 0; /* it may have been open before: the context was opened again after a failure */
  self->is_begun = self->is_stopped = FALSE;
  return TRUE;
}

/* Records due until @time, counted from the start: what a batch rounds off, the next one has. */
static guint64
count_due (GeneratorSource *self, WeirTime time)
{
  gdouble due;

  if (!self->is_begun)
    self->zero = time - self->interval;
  self->is_begun = TRUE;
  due = self->rate * (gdouble) (time - self->zero) / (gdouble) G_USEC_PER_SEC;
  return (guint64) MIN (due, (gdouble) (G_MAXINT64 / 2)) - self->next;
}

static void
set_plan (const GeneratorSource *self, WeirPlan *plan, guint64 from, guint64 n)
{
  GeneratorPlan *data = g_new0 (GeneratorPlan, 1);

  data->from = from;
  data->n = n;
  plan->n_partitions = (guint) MIN ((n + PARTITION_RECORDS - 1) / PARTITION_RECORDS, self->n_partitions);
  plan->n_records = (gint64) n;
  plan->data = data;
}

static void
generator_plan (WeirSource *source, WeirPlan *plan)
{
  GeneratorSource *self = (GeneratorSource *) source;
  guint64 from = self->next;

  if (!self->is_stopped)
    self->next += self->rate > 0 ? count_due (self, plan->time) : self->n_steered;
  set_plan (self, plan, from, self->next - from);
}

/* What the next batch may hold by the speed of the one that has ended. Two that are planned meanwhile change nothing:
 * the measure is the batch's own number. */
static void
steer (GeneratorSource *self, const GeneratorPlan *plan)
{
  gint64 begun = __atomic_load_n (&plan->begun, __ATOMIC_RELAXED);
  gint64 took = MAX (g_get_monotonic_time () - begun, 1);
  gdouble factor = INTERVAL_PART * (gdouble) self->interval / (gdouble) took;

  if (begun == 0)
    return;
  factor = CLAMP (factor, MOST_SHRINK, MOST_GROWTH);
  self->n_steered = CLAMP ((guint64) ((gdouble) plan->n * factor), 1, MOST_RECORDS);
}

static void
generator_release (WeirSource *source, WeirPlan *plan)
{
  GeneratorPlan *data = g_steal_pointer (&plan->data);

  steer ((GeneratorSource *) source, data);
  g_free (data);
}

static void
generator_save (WeirSource *source, const WeirPlan *plan, GByteArray *position)
{
  const GeneratorSource *self = (const GeneratorSource *) source;

  weir_put_u64 (position, self->next);
  weir_put_u64 (position, (guint64) self->zero);
  weir_put_u32 (position, (guint32) self->is_begun);
}

static gboolean
generator_resume (WeirSource *source, gconstpointer position, gsize size, GError **error)
{
  GeneratorSource *self = (GeneratorSource *) source;
  WeirTaker taker;

  weir_taker_init (&taker, position, size);
  self->next = weir_take_u64 (&taker);
  self->zero = (WeirTime) weir_take_u64 (&taker);
  self->is_begun = weir_take_u32 (&taker) != 0;
  if (weir_taker_is_done (&taker))
    return TRUE;
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT, "the saved position is none of a generator");
  return FALSE;
}

static gboolean
generator_replan (WeirSource *source, WeirPlan *plan, gconstpointer position, gsize size)
{
  GeneratorSource *self = (GeneratorSource *) source;
  guint64 from = self->next;

  generator_resume (source, position, size, NULL);
  set_plan (self, plan, from, self->next - from);
  return TRUE;
}

static void
generator_stop (WeirSource *source)
{
  ((GeneratorSource *) source)->is_stopped = TRUE;
}

static void
begin_reading (Cursor *cursor, GeneratorPlan *data, const WeirReader *reader, guint n_partitions)
{
  guint64 share = data->n / n_partitions, rest = data->n % n_partitions;
  gint64 nobody = 0;

  cursor->is_begun = TRUE;
  cursor->at = data->from + share * reader->partition + MIN (rest, reader->partition);
  cursor->end = cursor->at + share + (reader->partition < rest);
  __atomic_compare_exchange_n (&data->begun, &nobody, g_get_monotonic_time (), FALSE, __ATOMIC_RELAXED,
                               __ATOMIC_RELAXED);
}

static gboolean
generator_read (WeirTask *task, WeirReader *reader)
{
  const WeirPlan *plan = reader->plan;
  const GeneratorSource *self = (const GeneratorSource *) plan->source;
  Cursor *cursor = reader->state;
  guint64 end;

  if (!cursor->is_begun)
    begin_reading (cursor, plan->data, reader, plan->n_partitions);
  end = MIN (cursor->at + WEIR_CHUNK_SIZE, cursor->end);
  __atomic_add_fetch (&task->task_run->run->n_records, end - cursor->at, __ATOMIC_RELAXED);
  weir_task_shield (task);
  for (; cursor->at < end; cursor->at++) {
    guint64 n_rejects = task->n_rejects_ever;
    WeirValue value = self->f (task, cursor->at, self->user_data);

    if (G_LIKELY (task->n_rejects_ever == n_rejects))
      weir_task_emit_returned (task, value);
    else
      weir_task_settle (task, weir_int ((gint64) cursor->at));
  }
  weir_task_unshield (task);
  return cursor->at < cursor->end;
}

static const WeirSourceKlass generator_class = {
  .op = {
    .verb = "generator_stream",
    .kind = WEIR_OP_SOURCE,
    .reader_size = sizeof (Cursor),
    .read = generator_read,
  },
  .instance_size = sizeof (GeneratorSource),
  .open = generator_open,
  .plan = generator_plan,
  .release = generator_release,
  .stop = generator_stop,
  .save = generator_save,
  .resume = generator_resume,
  .replan = generator_replan,
};

/**
 * weir_generator_stream:
 * @ctx: the context
 * @f: gives record @index; runs on workers, several at a time. What it gives depends on @index alone, so that a batch
 *   can be made again
 * @records_per_second: of batch time; 0: as fast as it goes
 * @user_data: handed to @f
 *
 * A stream of records numbered from 0. With a rate, batch T has the records due since the batch before: all together
 * floor (rate * t) after t seconds. Without one, the first batches have 10,000 records, later ones as many as took nine
 * tenths of an interval, at most twice and at least a quarter of the number that was measured. A batch is divided
 * into up to `partitions` runs of neighbours, a thousand records or more each.
 *
 * Returns: (transfer none): the stream; a mistake is reported by weir_context_start(), with code %WEIR_ERROR_GRAPH
 */
WeirStream *
weir_generator_stream (WeirContext *ctx, WeirGeneratorFunc f, gdouble records_per_second, gpointer user_data)
{
  WeirStream *stream = weir_stream_new_source (ctx, &generator_class);
  GeneratorSource *self = (GeneratorSource *) stream->source;

  self->f = f;
  self->rate = records_per_second;
  self->user_data = user_data;
  if (f == NULL)
    weir_stream_mistake (stream, "has no function (NULL): give one that makes a record from its number");
  if (!isfinite (records_per_second) || records_per_second < 0)
    weir_stream_mistake (stream, "has a rate of %g records a second: give 0, for as fast as it goes, or more",
                         records_per_second);
  return stream;
}
