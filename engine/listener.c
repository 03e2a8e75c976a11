/* Owns the infos that listeners get, and the calling of listeners: one that is slow holds up the loop and is named.
 * Threads: see listener.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/listener.h"

#include <string.h>

#include "engine/context.h"

#define SLOW      WEIR_MILLISECONDS (10)
#define SAY_AGAIN WEIR_SECONDS (10)

WeirBatchInfo *
weir_batch_info_copy (const WeirBatchInfo *info)
{
  WeirBatchInfo *copy = g_memdup2 (info, sizeof *info);

  copy->rejects = info->rejects != NULL ? g_hash_table_ref (info->rejects) : NULL;
  copy->error = info->error != NULL ? g_error_copy (info->error) : NULL;
  return copy;
}

void
weir_batch_info_free (WeirBatchInfo *info)
{
  if (info->rejects != NULL)
    g_hash_table_unref (info->rejects);
  g_clear_error (&info->error);
  g_free (info);
}

void
weir_output_info_free (WeirOutputInfo *info)
{
  g_clear_error (&info->error);
  g_free (info->name);
  g_free (info);
}

static void
call_of_receiver (const WeirListening *listening, WeirEvent event, const WeirReceiverInfo *info)
{
  const WeirListener *l = &listening->listener;
  void (*on_receiver) (const WeirReceiverInfo *, gpointer) = event == WEIR_EVENT_RECEIVER_STARTED ? l->receiver_started
                                                             : event == WEIR_EVENT_RECEIVER_ERROR ? l->receiver_error
                                                                                                  : l->receiver_stopped;

  if (on_receiver != NULL)
    on_receiver (info, listening->user_data);
}

static void
call (const WeirListening *listening, WeirEvent event, gconstpointer info)
{
  const WeirListener *l = &listening->listener;
  void (*on_batch) (const WeirBatchInfo *, gpointer) = NULL;
  void (*on_output) (const WeirOutputInfo *, gpointer) = NULL;

  if (event == WEIR_EVENT_SEALED) {
    if (l->epoch_sealed != NULL)
      l->epoch_sealed (*(const guint64 *) info, listening->user_data);
    return;
  }
  if (event >= WEIR_EVENT_RECEIVER_STARTED && event <= WEIR_EVENT_RECEIVER_STOPPED) {
    call_of_receiver (listening, event, info);
    return;
  }
  if (event == WEIR_EVENT_SUBMITTED)
    on_batch = l->batch_submitted;
  else if (event == WEIR_EVENT_STARTED)
    on_batch = l->batch_started;
  else if (event == WEIR_EVENT_COMPLETED)
    on_batch = l->batch_completed;
  else
    on_output = event == WEIR_EVENT_OUTPUT_STARTED ? l->output_started : l->output_completed;
  if (on_batch != NULL)
    on_batch (info, listening->user_data);
  if (on_output != NULL)
    on_output (info, listening->user_data);
}

static void
say_slow (const WeirContext *ctx, guint index, WeirEvent event, gint64 took)
{
  static const char *const names[] = { "batch_submitted", "batch_started",    "batch_completed",
                                       "output_started",  "output_completed", "receiver_started",
                                       "receiver_error",  "receiver_stopped", "epoch_sealed" };
  WeirListening *listening = g_ptr_array_index (ctx->listeners, index);
  gint64 now = weir_clock_monotonic (ctx->clock);

  if (listening->slow_said != 0 && now - listening->slow_said < SAY_AGAIN)
    return;
  listening->slow_said = now;
  weir_log (&ctx->log, WEIR_LOG_WARNING,
            "listener %u took %" G_GINT64_FORMAT " ms in %s, and the loop waited: hand such work to a thread", index,
            took / 1000, names[event]);
}

void
weir_listeners_tell (WeirContext *ctx, WeirEvent event, gconstpointer info)
{
  for (guint i = 0; i < ctx->listeners->len; i++) {
    gint64 start = weir_clock_monotonic (ctx->clock), took;

    call (g_ptr_array_index (ctx->listeners, i), event, info);
    took = weir_clock_monotonic (ctx->clock) - start;
    if (took > SLOW)
      say_slow (ctx, i, event, took);
  }
}

/**
 * weir_context_add_listener:
 * @ctx: the context
 * @listener: what to call; copied; any function may be %NULL
 * @user_data: for the functions
 *
 * Has a program told what happens in a context. Before start. The functions run on the loop thread, one at a time, and
 * must not block; one that takes more than 10 ms is named in the log, at most every 10 s.
 */

/**
 * weir_context_add_listener_sized:
 * @ctx: as weir_context_add_listener()
 * @listener: as there
 * @size: sizeof (WeirListener) as the caller knows it, so that fields can be appended
 * @user_data: as there
 *
 * What the macro weir_context_add_listener() calls, for languages without macros.
 */
void
weir_context_add_listener_sized (WeirContext *ctx, const WeirListener *listener, gsize size, gpointer user_data)
{
  WeirListening *listening;

  g_return_if_fail (ctx != NULL && listener != NULL);
  if (!weir_context_may_build (ctx, "a listener"))
    return;
  listening = g_new0 (WeirListening, 1);
  memcpy (&listening->listener, listener, MIN (size, sizeof (WeirListener)));
  listening->user_data = user_data;
  g_ptr_array_add (ctx->listeners, listening);
}

/**
 * weir_batch_info_time:
 * @info: what a listener got
 *
 * Returns: the time of the batch
 */
WeirTime
weir_batch_info_time (const WeirBatchInfo *info)
{
  return info->time;
}

/**
 * weir_batch_info_n_records:
 * @info: what a listener got
 *
 * Returns: the records that the sources gave to the batch; -1 while that is not known, which for sockets is until it is
 * complete
 */
gint64
weir_batch_info_n_records (const WeirBatchInfo *info)
{
  return info->n_records;
}

/**
 * weir_batch_info_submitted:
 * @info: what a listener got
 *
 * Returns: when the batch was planned, by the wall clock
 */
WeirTime
weir_batch_info_submitted (const WeirBatchInfo *info)
{
  return info->submitted;
}

/**
 * weir_batch_info_scheduling_delay:
 * @info: what a listener got
 *
 * Returns: from when the batch was due to when it began, in microseconds; grows when batches take longer than the
 * interval
 */
WeirTime
weir_batch_info_scheduling_delay (const WeirBatchInfo *info)
{
  return info->scheduling_delay;
}

/**
 * weir_batch_info_processing_time:
 * @info: what a listener got
 *
 * Returns: from when the batch began to when its last output was done, in microseconds; 0 before
 */
WeirTime
weir_batch_info_processing_time (const WeirBatchInfo *info)
{
  return info->processing_time;
}

/**
 * weir_batch_info_total_delay:
 * @info: what a listener got
 *
 * Returns: scheduling delay and processing time together
 */
WeirTime
weir_batch_info_total_delay (const WeirBatchInfo *info)
{
  return info->scheduling_delay + info->processing_time;
}

/**
 * weir_batch_info_n_rejected:
 * @info: what a listener got
 *
 * Returns: the records that were kept apart, by weir_reject() or by a source that could not make records of them
 */
guint64
weir_batch_info_n_rejected (const WeirBatchInfo *info)
{
  return info->n_rejected;
}

/**
 * weir_batch_info_foreach_rejected:
 * @info: what a listener got
 * @f: (scope call): called for each operator and reason, with the number of records
 * @user_data: for @f
 *
 * Tells where and why records were kept apart: "<operator>: <reason>".
 */
void
weir_batch_info_foreach_rejected (const WeirBatchInfo *info,
                                  void (*f) (const char *where_and_why, guint64 n, gpointer user_data),
                                  gpointer user_data)
{
  GHashTableIter iter;
  gpointer key, count;

  if (info->rejects == NULL)
    return;
  g_hash_table_iter_init (&iter, info->rejects);
  while (g_hash_table_iter_next (&iter, &key, &count))
    f (key, *(guint64 *) count, user_data);
}

/**
 * weir_batch_info_n_invalid_utf8:
 * @info: what a listener got
 *
 * Returns: the texts with bytes that are no UTF-8, which passed unchanged; 0 before the batch is complete
 */
guint64
weir_batch_info_n_invalid_utf8 (const WeirBatchInfo *info)
{
  return info->n_invalid_utf8;
}

/**
 * weir_batch_info_n_hanging:
 * @info: what a listener got
 *
 * Behind the first record of an open transaction brokers hand out nothing: to the job it looks as if nothing came in. The
 * log says which partitions stand, and since when.
 *
 * Returns: the partitions of Kafka topics that had stood behind somebody's open transaction for half a minute or longer when
 *   the batch was planned; mostly 0
 */
guint
weir_batch_info_n_hanging (const WeirBatchInfo *info)
{
  return info->n_hanging;
}

/**
 * weir_batch_info_error:
 * @info: what a listener got
 *
 * Returns: (transfer none) (nullable): why the batch failed
 */
const GError *
weir_batch_info_error (const WeirBatchInfo *info)
{
  return info->error;
}

/**
 * weir_output_info_batch_time:
 * @info: what a listener got
 *
 * Returns: the time of the batch that the output ran for
 */
WeirTime
weir_output_info_batch_time (const WeirOutputInfo *info)
{
  return info->batch_time;
}

/**
 * weir_output_info_name:
 * @info: what a listener got
 *
 * Returns: (transfer none): the output's name
 */
const char *
weir_output_info_name (const WeirOutputInfo *info)
{
  return info->name;
}

/**
 * weir_output_info_index:
 * @info: what a listener got
 *
 * Returns: the output's place in the order of declaration, from 0
 */
guint
weir_output_info_index (const WeirOutputInfo *info)
{
  return info->index;
}

/**
 * weir_output_info_duration:
 * @info: what a listener got
 *
 * Returns: how long the output ran, in microseconds; 0 when it has just started
 */
WeirTime
weir_output_info_duration (const WeirOutputInfo *info)
{
  return info->duration;
}

/**
 * weir_output_info_error:
 * @info: what a listener got
 *
 * Returns: (transfer none) (nullable): why the output failed
 */
const GError *
weir_output_info_error (const WeirOutputInfo *info)
{
  return info->error;
}
