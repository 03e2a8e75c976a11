/* receiver.c: what a program's own receivers store, as a source.
 *
 * Owns the place of a receiver in the graph. What it stores is encoded at once, in the wire format, and decoded by the
 * workers: memory, log and batch have the same bytes. Must not know what receivers do, nor where blocks lie.
 * Threads: the receiver's stores, the loop plans, workers read plans.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <weir/error.h>

#include "engine/stream.h"
#include "engine/task.h"
#include "engine/wire.h"
#include "sources/receiver-thread.h"

#define FORM "values, in weir's wire format, version 1"

static const WeirSourceKlass receiver_class, logged_receiver_class;

static void
room_again (WeirSource *source)
{
  weir_intake_wake (&((WeirReceiver *) source)->intake);
}

static gboolean
receiver_open (WeirSource *source, GError **error)
{
  WeirReceiver *self = (WeirReceiver *) source;
  const WeirIntakeSpec spec = { source, FORM, 1, room_again };

  if (!weir_intake_open (&self->intake, &spec, error))
    return FALSE;
  if (self->intake.log != NULL)
    source->klass = &logged_receiver_class;
  self->instance = g_malloc0 (self->klass.instance_size);
  self->info = (WeirReceiverInfo){ .name = g_strdup (self->klass.name), .stream = g_strdup (source->op->name) };
  return TRUE;
}

static void
fail (WeirReceiver *self, GError *error)
{
  g_prefix_error (&error, "%s: ", self->source.op->name);
  weir_engine_fail (self->source.engine, error);
}

static void
receiver_start (WeirSource *source)
{
  WeirReceiver *self = (WeirReceiver *) source;
  GError *error = NULL;

  if (!weir_intake_check_begin (&self->intake, &error) || !weir_receiver_thread_start (self, &error))
    fail (self, error);
}

static void
receiver_stop (WeirSource *source)
{
  WeirReceiver *self = (WeirReceiver *) source;

  if (!self->intake.is_open)
    return;
  weir_intake_stop (&self->intake);
  weir_receiver_thread_stop (self);
}

static void
receiver_close (WeirSource *source)
{
  WeirReceiver *self = (WeirReceiver *) source;

  source->klass = &receiver_class;
  if (!self->intake.is_open)
    return;
  receiver_stop (source);
  weir_intake_cut (&self->intake);
  weir_receiver_thread_await (self);
  weir_intake_close (&self->intake);
  weir_receiver_thread_clear (self);
  g_clear_pointer (&self->instance, g_free);
}

static void
receiver_plan (WeirSource *source, WeirPlan *plan)
{
  weir_intake_plan (&((WeirReceiver *) source)->intake, plan);
}

static void
receiver_release (WeirSource *source, WeirPlan *plan)
{
  weir_intake_release (&((WeirReceiver *) source)->intake, plan);
}

static gboolean
receiver_has_staged (WeirSource *source)
{
  return weir_intake_has_staged (&((WeirReceiver *) source)->intake);
}

static gboolean
receiver_is_ending (WeirSource *source)
{
  return weir_intake_is_ending (&((WeirReceiver *) source)->intake);
}

static void
receiver_save (WeirSource *source, const WeirPlan *plan, GByteArray *position)
{
  weir_intake_save (&((WeirReceiver *) source)->intake, position);
}

static gboolean
receiver_resume (WeirSource *source, gconstpointer position, gsize size, GError **error)
{
  return weir_intake_resume (&((WeirReceiver *) source)->intake, position, size, error);
}

static gboolean
receiver_replan (WeirSource *source, WeirPlan *plan, gconstpointer position, gsize size)
{
  return weir_intake_replan (&((WeirReceiver *) source)->intake, plan, position, size);
}

static void
receiver_sealed (WeirSource *source, gconstpointer position, gsize size)
{
  weir_intake_sealed (&((WeirReceiver *) source)->intake, position, size);
}

/* --- reading --- */

/* FALSE: there is nothing more, or it cannot be read. */
static gboolean
open_block (WeirTask *task, const WeirReader *reader)
{
  const WeirPlan *plan = reader->plan;
  g_autoptr (GError) error = NULL;
  gboolean ok = weir_intake_cursor_open (reader->state, &((WeirReceiver *) plan->source)->intake, plan,
                                         reader->partition, &error);

  if (error != NULL)
    weir_task_fail (task, error->code, "%s", error->message);
  return ok;
}

/* FALSE: what was stored cannot be read, and the batch has failed. */
static gboolean
emit_next (WeirTask *task, WeirIntakeCursor *cursor)
{
  g_autoptr (GError) error = NULL;
  gsize n_consumed;
  WeirValue value;

  if (!weir_decode_prefix (task, cursor->at, (gsize) (cursor->to - cursor->at), &n_consumed, &value, &error)) {
    weir_task_fail (task, error->code, "%s", error->message);
    return FALSE;
  }
  cursor->at += n_consumed;
  weir_task_emit_returned (task, value);
  return TRUE;
}

static gboolean
receiver_read (WeirTask *task, WeirReader *reader)
{
  WeirIntakeCursor *cursor = reader->state;
  guint n = 0;

  if (!open_block (task, reader))
    return FALSE;
  while (n < WEIR_CHUNK_SIZE && cursor->at < cursor->to) {
    if (!emit_next (task, cursor))
      return FALSE;
    n++;
  }
  __atomic_add_fetch (&task->task_run->run->n_records, n, __ATOMIC_RELAXED);
  return weir_intake_cursor_close (cursor);
}

static void
receiver_params_clear (gpointer params)
{
  WeirReceiver *self = params;

  pthread_cond_destroy (&self->changed);
  pthread_mutex_destroy (&self->lock);
  g_free (self->name);
}

#define RECEIVER_CLASS                                                                                                 \
  .op = { .verb = "receiver_stream",                                                                                   \
          .kind = WEIR_OP_SOURCE,                                                                                      \
          .reader_size = sizeof (WeirIntakeCursor),                                                                    \
          .read = receiver_read,                                                                                       \
          .params_clear = receiver_params_clear },                                                                     \
  .instance_size = sizeof (WeirReceiver), .open = receiver_open, .start = receiver_start, .stop = receiver_stop,       \
  .close = receiver_close, .plan = receiver_plan, .release = receiver_release, .has_staged = receiver_has_staged,      \
  .is_ending = receiver_is_ending

static const WeirSourceKlass receiver_class = { RECEIVER_CLASS };

/* What a source becomes when it opens with a log: one that can be read again. */
static const WeirSourceKlass logged_receiver_class = {
  RECEIVER_CLASS,
  .save = receiver_save,
  .resume = receiver_resume,
  .replan = receiver_replan,
  .sealed = receiver_sealed,
};

/**
 * weir_receiver_stream:
 * @ctx: the context
 * @klass: what the receiver does; copied, but for what `name` points to, which is copied as well
 * @user_data: for weir_receiver_user_data()
 *
 * A stream of what a receiver of the program's own stores: `start`, `run` and `end` are called on a thread that belongs to
 * it, and may block. When `run` has asked for a restart, or `start` has failed, it is started again after 100 ms, then after
 * twice as long, up to 10 s, until something was stored. When `run` returns without that, the stream has got its last
 * value. A graceful stop tells `run` to return, and processes what was stored until then.
 *
 * Each partition of a batch has one block or several; a block is what came within `receiver.block.interval`. With
 * `receiver.wal=true` blocks are written to a log in the checkpoint first, and a job that goes on reads from it what it had
 * not processed. Without it, what had been received and not processed when the process died is lost.
 *
 * Returns: (transfer none): the stream; a mistake is reported by weir_context_start(), with code %WEIR_ERROR_GRAPH
 */

/**
 * weir_receiver_stream_sized:
 * @ctx: as weir_receiver_stream()
 * @klass: as there
 * @size: sizeof (WeirReceiverClass) as the caller knows it, so that fields can be appended
 * @user_data: as there
 *
 * What the macro weir_receiver_stream() calls, for languages without macros.
 *
 * Returns: (transfer none): the stream
 */
WeirStream *
weir_receiver_stream_sized (WeirContext *ctx, const WeirReceiverClass *klass, gsize size, gpointer user_data)
{
  WeirStream *stream = weir_stream_new_source (ctx, &receiver_class);
  WeirReceiver *self = (WeirReceiver *) stream->source;

  weir_receiver_thread_init (self);
  self->user_data = user_data;
  if (klass == NULL) {
    weir_stream_mistake (stream, "has no receiver (NULL): say what it does");
    return stream;
  }
  memcpy (&self->klass, klass, MIN (size, sizeof self->klass));
  self->klass.name = self->name = g_strdup (self->klass.name);
  if (self->name == NULL)
    weir_stream_mistake (stream, "has a receiver without a name: set WeirReceiverClass.name");
  else if (self->klass.run == NULL)
    weir_stream_mistake (stream, "has a receiver that does nothing: set WeirReceiverClass.run");
  return stream;
}

/**
 * weir_receiver_store:
 * @receiver: the receiver
 * @value: the value; copied deeply
 *
 * Adds a value to the stream. Waits while memory is at its limit, while batches are late and enough waits for them, and
 * while `receiver.max.rate` is passed. Any thread of the receiver's own. There is no answer: what was stored is safe from a
 * crash, with `receiver.wal=true`, an interval of `receiver.block.interval` later; who has to tell the sender uses
 * weir_receiver_store_block(). A value that is nested deeper than 64, or takes more than a quarter of `memory.limit`, is
 * left out and counted with the rejected records. When the context is stopped at once, values are left out.
 */
void
weir_receiver_store (WeirReceiver *receiver, WeirValue value)
{
  g_return_if_fail (receiver != NULL);
  weir_intake_throttle (&receiver->intake, 1);
  weir_intake_put (&receiver->intake, value);
  __atomic_store_n (&receiver->n_stored, 1, __ATOMIC_RELAXED);
}

/**
 * weir_receiver_store_block:
 * @receiver: the receiver
 * @values: (array length=n): the values; copied deeply
 * @n: how many
 * @error: %WEIR_ERROR_CLOSED: the context stops before the block is safe; %WEIR_ERROR_KIND, %WEIR_ERROR_MEMORY_LIMIT: it
 *   cannot be kept, see weir_receiver_store(), and none of it was taken
 *
 * Adds values to the stream, as one block, and waits until they are safe: with `receiver.wal=true`, until they are on the
 * disk. Then the sender may be told that they have arrived. Without a log they are in memory when it returns. Waits as
 * weir_receiver_store() does. Any thread of the receiver's own.
 *
 * Returns: %TRUE: acknowledge now; %FALSE: do not, the sender has to send it again
 */
gboolean
weir_receiver_store_block (WeirReceiver *receiver, const WeirValue *values, gsize n, GError **error)
{
  gboolean ok;

  g_return_val_if_fail (receiver != NULL && (values != NULL || n == 0), FALSE);
  weir_intake_throttle (&receiver->intake, n);
  ok = weir_intake_put_block (&receiver->intake, values, n, error);
  if (ok)
    __atomic_store_n (&receiver->n_stored, 1, __ATOMIC_RELAXED);
  return ok;
}

/**
 * weir_receiver_restart:
 * @receiver: the receiver
 * @why: for the log and for listeners, such as "the connection broke off"
 *
 * Asks for the receiver to be started again: `run` has to return, and is called again after a while, behind `start`. From
 * another thread than that of `run`, `stop` is called. Returns at once.
 */
void
weir_receiver_restart (WeirReceiver *receiver, const char *why)
{
  g_return_if_fail (receiver != NULL);
  weir_receiver_thread_restart (receiver, why != NULL ? why : "it asked for a restart");
}

/**
 * weir_receiver_instance:
 * @receiver: the receiver
 *
 * Returns: (transfer none): the class's `instance_size` bytes, 8-aligned: zeroed before the first start, and as it left
 *   them when it is started again
 */
gpointer
weir_receiver_instance (WeirReceiver *receiver)
{
  g_return_val_if_fail (receiver != NULL, NULL);
  return receiver->instance;
}

/**
 * weir_receiver_user_data:
 * @receiver: the receiver
 *
 * Returns: (transfer none): what weir_receiver_stream() was given
 */
gpointer
weir_receiver_user_data (WeirReceiver *receiver)
{
  g_return_val_if_fail (receiver != NULL, NULL);
  return receiver->user_data;
}

/**
 * weir_receiver_is_stopping:
 * @receiver: the receiver
 *
 * For `run` to ask in its loop. Any thread.
 *
 * Returns: whether `run` has to return: the context stops, or a restart was asked for
 */
gboolean
weir_receiver_is_stopping (WeirReceiver *receiver)
{
  g_return_val_if_fail (receiver != NULL, TRUE);
  return weir_receiver_thread_is_stopping (receiver);
}
