/* queue.c: batches that the program pushes, as a source.
 *
 * Owns the pushed batches: each is one allocation, laid out as the columns that chunks consist of, so reading hands out
 * slices and touches no element. Must not know who pushes, and when.
 * Threads: any thread pushes, the loop's plans and releases, workers read batches that a plan holds. The list and the
 * figures of WeirQueue are guarded by `lock`; a batch never changes once it is in the list.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/error.h>
#include <weir/input.h>

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/frame.h"
#include "engine/source.h"
#include "engine/stream.h"
#include "engine/task.h"
#include "engine/value-copy.h"

#define HUGE_FROM ((gsize) 4 * 1024 * 1024) /* as of blocks in engine/memory.c */

typedef struct _Batch Batch;

struct _Batch {
  Batch *next;
  gsize n;
  gsize size;      /* of the allocation */
  WeirValue *keys; /* NULL: no pairs at all */
  WeirValue *values;
  guint8 *is_pair; /* by element, where there are pairs; `all_pairs` spares looking */
  gboolean all_pairs;
  gboolean has_bytes; /* elements point to more than themselves */
  gboolean is_nothing;
};

struct _WeirQueue {
  gint refs; /* atomic: the program's and each stream's */
  pthread_mutex_t lock;
  guint n_partitions; /* under lock, as what follows */
  Batch *first, **last;
  guint64 n_dropped; /* pushes before the first */
  guint64 n_pushed;
  WeirEngine *waiter; /* wants to be woken by the next push; NULL: nobody */
  const void *keeper; /* the source that has to keep what it read; NULL: none */
};

typedef struct {
  WeirSource source;
  WeirQueue *queue;
  gboolean one_at_a_time;
  gboolean keeps; /* pushes until they are sealed: there is a checkpoint */
  guint64 next;   /* the first push that no batch has; where it keeps */
} QueueSource;

/* What a batch reads: partition p is slice p % n of push p / n. */
typedef struct {
  guint n_slices;
  GPtrArray *batches;
} QueuePlan;

typedef struct {
  gboolean is_begun;
  gsize at, end;
} Cursor;

/**
 * weir_queue_new:
 *
 * A queue of batches for weir_queue_stream(): what one push gives is one batch of the stream.
 *
 * Returns: (transfer full): the queue; free it with weir_queue_free() or g_autoptr whenever you like, a stream keeps
 * what it needs
 */
WeirQueue *
weir_queue_new (void)
{
  WeirQueue *queue = g_new0 (WeirQueue, 1);

  queue->refs = 1;
  queue->n_partitions = 1;
  queue->last = &queue->first;
  pthread_mutex_init (&queue->lock, NULL);
  return queue;
}

static void
free_batches (Batch *batch)
{
  while (batch != NULL) {
    Batch *next = batch->next;

    g_free (batch);
    batch = next;
  }
}

/**
 * weir_queue_free:
 * @q: (nullable) (transfer full): the queue
 *
 * Gives up the program's hold. A stream that reads the queue goes on reading what was pushed. Any thread.
 */
void
weir_queue_free (WeirQueue *q)
{
  if (q == NULL || __atomic_sub_fetch (&q->refs, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  free_batches (q->first);
  pthread_mutex_destroy (&q->lock);
  g_free (q);
}

/**
 * weir_queue_set_partitions:
 * @q: the queue
 * @n: partitions of a push, at least 1, which is the default
 *
 * Divides each push of `len` values that is not in a batch yet: partition i holds values i * len / n up to
 * (i + 1) * len / n. Any thread, doesn't block.
 */
void
weir_queue_set_partitions (WeirQueue *q, guint n)
{
  g_return_if_fail (q != NULL && n > 0);
  pthread_mutex_lock (&q->lock);
  q->n_partitions = n;
  pthread_mutex_unlock (&q->lock);
}

static gsize
add_sizes (gsize a, gsize b)
{
  return a > G_MAXSIZE - b ? G_MAXSIZE : a + b;
}

static gsize
element_memory (WeirValue value)
{
  if (value.kind != WEIR_PAIR)
    return weir_value_memory (value);
  return add_sizes (weir_value_memory (value.cells[0]), weir_value_memory (value.cells[1]));
}

/* Header, values, keys and shapes if there are pairs, then what they point to. */
static Batch *
allocate_batch (const WeirValue *values, gsize n)
{
  gsize columns = n, data = 0, n_pairs = 0, size;
  Batch *batch;

  for (gsize i = 0; i < n; i++) {
    data = add_sizes (data, element_memory (values[i]));
    n_pairs += values[i].kind == WEIR_PAIR;
  }
  if (n_pairs > 0)
    columns = add_sizes (2 * n, (n + sizeof (WeirValue) - 1) / sizeof (WeirValue));
  size = add_sizes (sizeof *batch + columns * sizeof (WeirValue), data);
  batch = g_malloc (size);
  *batch = (Batch){ .n = n, .size = size, .all_pairs = n_pairs == n, .has_bytes = data > 0 };
  batch->values = (WeirValue *) (batch + 1);
  if (n_pairs > 0) {
    batch->keys = batch->values + n;
    batch->is_pair = (guint8 *) (batch->keys + n);
  }
  return batch;
}

/* Whole pages only: what lies beside it is somebody else's. A large push comes with fewer page faults and is read with
 * fewer misses of the TLB. */
static void
ask_for_huge_pages (Batch *batch)
{
  gsize page = (gsize) sysconf (_SC_PAGESIZE), ahead = page - (guintptr) batch % page;

  if (batch->size >= HUGE_FROM)
    madvise ((char *) batch + ahead, (batch->size - ahead) / page * page, MADV_HUGEPAGE);
}

static Batch *
copy_batch (const WeirValue *values, gsize n)
{
  Batch *batch = allocate_batch (values, n);
  char *at = (char *) (batch->values + n);

  ask_for_huge_pages (batch);
  if (batch->keys != NULL)
    at = (char *) (batch->keys + n + (n + sizeof (WeirValue) - 1) / sizeof (WeirValue));
  for (gsize i = 0; i < n; i++) {
    gboolean is_pair = values[i].kind == WEIR_PAIR;

    if (batch->is_pair != NULL)
      batch->is_pair[i] = (guint8) is_pair;
    if (is_pair)
      batch->keys[i] = weir_value_copy_to (values[i].cells[0], &at);
    batch->values[i] = weir_value_copy_to (is_pair ? values[i].cells[1] : values[i], &at);
  }
  return batch;
}

static void
append (WeirQueue *queue, Batch *batch)
{
  WeirEngine *waiter;

  pthread_mutex_lock (&queue->lock);
  *queue->last = batch;
  queue->last = &batch->next;
  queue->n_pushed++;
  waiter = g_steal_pointer (&queue->waiter);
  if (waiter != NULL) /* under the lock: a source that closes takes itself out first */
    weir_engine_wake (waiter);
  pthread_mutex_unlock (&queue->lock);
}

/**
 * weir_queue_push:
 * @q: the queue
 * @values: (array length=n): the elements, in order; copied deeply
 * @n: how many; 0 is a batch without elements
 *
 * Adds one batch. Any thread, before the context starts or while it runs; waits for no one. What was pushed is held in
 * memory until its batch has been processed, and isn't limited by `memory.limit`.
 */
void
weir_queue_push (WeirQueue *q, const WeirValue *values, gsize n)
{
  g_return_if_fail (q != NULL && (values != NULL || n == 0));
  g_return_if_fail (n < G_MAXSIZE / (4 * sizeof (WeirValue)));
  append (q, copy_batch (values, n));
}

/**
 * weir_queue_push_nothing:
 * @q: the queue
 *
 * Adds a batch in which the stream yields nothing: no elements and, unlike an empty push, no partitions. Any thread.
 */
void
weir_queue_push_nothing (WeirQueue *q)
{
  Batch *batch;

  g_return_if_fail (q != NULL);
  batch = copy_batch (NULL, 0);
  batch->is_nothing = TRUE;
  append (q, batch);
}

static Batch *
take (WeirQueue *queue, gboolean one_at_a_time, guint *n_partitions)
{
  Batch *taken;

  pthread_mutex_lock (&queue->lock);
  *n_partitions = queue->n_partitions;
  taken = queue->first;
  queue->first = one_at_a_time && taken != NULL ? taken->next : NULL;
  if (queue->first == NULL)
    queue->last = &queue->first;
  pthread_mutex_unlock (&queue->lock);
  if (one_at_a_time && taken != NULL)
    taken->next = NULL;
  return taken;
}

/* Pushes up to number @until into a plan, where they stay in the queue until they are sealed. Under lock. */
static void
plan_kept (QueueSource *self, WeirPlan *plan, guint64 until)
{
  QueuePlan *data = g_new (QueuePlan, 1);
  guint64 number = self->queue->n_dropped;

  data->batches = g_ptr_array_new ();
  data->n_slices = self->queue->n_partitions;
  plan->n_records = 0;
  plan->data = data;
  for (Batch *batch = self->queue->first; batch != NULL && number < until; batch = batch->next, number++) {
    if (number < self->next || batch->is_nothing)
      continue;
    plan->n_records += (gint64) batch->n;
    plan->n_bytes += batch->size;
    g_ptr_array_add (data->batches, batch);
  }
  self->next = until;
  plan->n_partitions = data->batches->len * data->n_slices;
}

static void
queue_plan_kept (QueueSource *self, WeirPlan *plan)
{
  WeirQueue *queue = self->queue;
  guint64 until;

  pthread_mutex_lock (&queue->lock);
  until = MAX (queue->n_pushed, self->next);
  if (self->one_at_a_time)
    until = MIN (until, self->next + 1);
  plan_kept (self, plan, until);
  pthread_mutex_unlock (&queue->lock);
}

static void
queue_plan (WeirSource *source, WeirPlan *plan)
{
  QueueSource *self = (QueueSource *) source;
  QueuePlan *data;
  Batch *next;

  if (self->keeps) {
    queue_plan_kept (self, plan);
    return;
  }
  data = g_new (QueuePlan, 1);
  data->batches = g_ptr_array_new_with_free_func (g_free);
  plan->n_records = 0;
  plan->data = data;
  for (Batch *batch = take (self->queue, self->one_at_a_time, &data->n_slices); batch != NULL; batch = next) {
    next = batch->next;
    if (batch->is_nothing) {
      g_free (batch);
      continue;
    }
    plan->n_records += (gint64) batch->n;
    plan->n_bytes += batch->size;
    g_ptr_array_add (data->batches, batch);
  }
  plan->n_partitions = data->batches->len * data->n_slices;
}

static void
queue_release (WeirSource *source, WeirPlan *plan)
{
  QueuePlan *data = plan->data;

  g_ptr_array_unref (data->batches);
  g_free (data);
  plan->data = NULL;
}

static gboolean
queue_has_staged (WeirSource *source)
{
  const QueueSource *self = (const QueueSource *) source;
  WeirQueue *queue = self->queue;
  gboolean has;

  pthread_mutex_lock (&queue->lock);
  has = self->keeps ? queue->n_pushed > self->next : queue->first != NULL;
  pthread_mutex_unlock (&queue->lock);
  return has;
}

static gboolean
queue_open (WeirSource *source, GError **error)
{
  QueueSource *self = (QueueSource *) source;
  WeirQueue *queue = self->queue;
  gboolean is_shared;

  self->keeps = weir_engine_is_durable (source->engine);
  pthread_mutex_lock (&queue->lock);
  is_shared = self->keeps && queue->keeper != NULL;
  self->next = queue->n_dropped;
  if (self->keeps && !is_shared)
    queue->keeper = self;
  pthread_mutex_unlock (&queue->lock);
  if (is_shared)
    g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_GRAPH,
                         "its queue is read by another stream as well, and with a checkpoint it could not be told who "
                         "has read what: give each stream a queue of its own");
  return !is_shared;
}

static void
queue_close (WeirSource *source)
{
  WeirQueue *queue = ((QueueSource *) source)->queue;

  pthread_mutex_lock (&queue->lock);
  if (queue->keeper == source)
    queue->keeper = NULL;
  if (queue->waiter == source->engine)
    queue->waiter = NULL;
  pthread_mutex_unlock (&queue->lock);
}

static void
queue_save (WeirSource *source, const WeirPlan *plan, GByteArray *position)
{
  weir_put_u64 (position, ((const QueueSource *) source)->next);
}

static guint64
number_of (gconstpointer position, gsize size)
{
  WeirTaker taker;

  weir_taker_init (&taker, position, size);
  return weir_take_u64 (&taker);
}

/* Drops the pushes before @number; of those that come later the first ones, if a program pushes all of them again. Under
 * lock. */
static void
drop_before (WeirQueue *queue, guint64 number)
{
  while (queue->first != NULL && queue->n_dropped < number) {
    Batch *batch = queue->first;

    queue->first = batch->next;
    queue->n_dropped++;
    g_free (batch);
  }
  if (queue->first == NULL)
    queue->last = &queue->first;
}

static gboolean
queue_resume (WeirSource *source, gconstpointer position, gsize size, GError **error)
{
  QueueSource *self = (QueueSource *) source;
  WeirQueue *queue = self->queue;
  guint64 number = number_of (position, size), n_dropped;

  pthread_mutex_lock (&queue->lock);
  n_dropped = queue->n_dropped;
  if (number >= n_dropped)
    self->next = number;
  pthread_mutex_unlock (&queue->lock);
  if (number < n_dropped)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS,
                 "the checkpoint goes on with push %" G_GUINT64_FORMAT
                 ", and the queue has let go of all before %" G_GUINT64_FORMAT ": it belongs to a newer checkpoint",
                 number, n_dropped);
  return number >= n_dropped;
}

static gboolean
queue_replan (WeirSource *source, WeirPlan *plan, gconstpointer position, gsize size)
{
  QueueSource *self = (QueueSource *) source;
  WeirQueue *queue = self->queue;
  guint64 until = MAX (number_of (position, size), self->next);
  gboolean is_there;

  pthread_mutex_lock (&queue->lock);
  is_there = queue->n_pushed >= until;
  if (is_there)
    plan_kept (self, plan, until);
  else
    queue->waiter = source->engine;
  pthread_mutex_unlock (&queue->lock);
  return is_there;
}

static void
queue_sealed (WeirSource *source, gconstpointer position, gsize size)
{
  WeirQueue *queue = ((QueueSource *) source)->queue;

  pthread_mutex_lock (&queue->lock);
  drop_before (queue, number_of (position, size));
  pthread_mutex_unlock (&queue->lock);
}

/* i * n / n_slices without the product, which may not fit. */
static gsize
slice_start (gsize n, guint n_slices, guint i)
{
  return n / n_slices * i + n % n_slices * i / n_slices;
}

static void
begin_reading (Cursor *cursor, const Batch *batch, const QueuePlan *plan, guint partition, WeirRun *run)
{
  guint slice = partition % plan->n_slices;

  if (cursor->is_begun)
    return;
  cursor->is_begun = TRUE;
  cursor->at = slice_start (batch->n, plan->n_slices, slice);
  cursor->end = slice_start (batch->n, plan->n_slices, slice + 1);
  __atomic_add_fetch (&run->n_records, cursor->end - cursor->at, __ATOMIC_RELAXED);
}

/* Where elements have bytes, fewer than a chunk holds: what the first operator has read of them is then near for the next
 * one. */
#define RUN_OF_BYTES 64

/* How many elements from `at` share a shape. */
static guint
run_length (const Batch *batch, gsize at, gsize end)
{
  gsize most = MIN (end - at, batch->has_bytes ? RUN_OF_BYTES : WEIR_CHUNK_SIZE), n = 0;

  if (batch->keys == NULL || batch->all_pairs)
    return (guint) most;
  while (n < most && batch->is_pair[at + n] == batch->is_pair[at])
    n++;
  return (guint) n;
}

static gboolean
queue_read (WeirTask *task, WeirReader *reader)
{
  const QueuePlan *plan = ((const WeirPlan *) reader->plan)->data;
  const Batch *batch = g_ptr_array_index (plan->batches, reader->partition / plan->n_slices);
  Cursor *cursor = reader->state;
  gsize until;

  begin_reading (cursor, batch, plan, reader->partition, task->task_run->run);
  until = MIN (cursor->end, cursor->at + WEIR_CHUNK_SIZE);
  while (cursor->at < until) {
    WeirChunk chunk = { NULL, batch->values + cursor->at, run_length (batch, cursor->at, until) };

    if (batch->keys != NULL && batch->is_pair[cursor->at])
      chunk.keys = batch->keys + cursor->at;
    cursor->at += chunk.n;
    weir_task_forward (task, &chunk);
  }
  return cursor->at < cursor->end;
}

static void
queue_params_clear (gpointer params)
{
  weir_queue_free (((QueueSource *) params)->queue);
}

static const WeirSourceKlass queue_class = {
  .op = {
    .verb = "queue_stream",
    .kind = WEIR_OP_SOURCE,
    .reader_size = sizeof (Cursor),
    .read = queue_read,
    .params_clear = queue_params_clear,
  },
  .instance_size = sizeof (QueueSource),
  .plan = queue_plan,
  .release = queue_release,
  .has_staged = queue_has_staged,
  .open = queue_open,
  .close = queue_close,
  .save = queue_save,
  .resume = queue_resume,
  .replan = queue_replan,
  .sealed = queue_sealed,
};

/**
 * weir_queue_stream:
 * @ctx: the context
 * @queue: the queue; the stream holds on to it
 * @one_at_a_time: %TRUE: each batch takes the oldest push; %FALSE: each batch takes all that was pushed so far, one
 * push after the other
 *
 * A stream of what the program pushes. With a checkpoint, pushes are kept until their epoch is sealed, and are known by
 * their number: a job that goes on skips as many pushes as were sealed, so a program that starts again pushes the same
 * ones again. When nothing was pushed a batch is empty. A graceful stop processes all that
 * was pushed. If several streams read one queue, each push goes to one of them.
 *
 * Returns: (transfer none): the stream; a mistake is reported by weir_context_start()
 */
WeirStream *
weir_queue_stream (WeirContext *ctx, WeirQueue *queue, gboolean one_at_a_time)
{
  WeirStream *stream = weir_stream_new_source (ctx, &queue_class);
  QueueSource *self = (QueueSource *) stream->source;

  self->one_at_a_time = one_at_a_time;
  self->queue = queue;
  if (queue == NULL)
    weir_stream_mistake (stream, "has no queue (NULL): make one with weir_queue_new ()");
  else
    __atomic_add_fetch (&queue->refs, 1, __ATOMIC_RELAXED);
  return stream;
}
