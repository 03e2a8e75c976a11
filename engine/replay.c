/* Owns what happens between a restart and the first batch that is new: batches that were planned and logged run again
 * as they were, then the times that were missed; and the restart within the process after a failure. Must not know what
 * a checkpoint holds. Loop thread, or whoever starts before it runs.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/error.h>

#include "engine/checkpoint.h"
#include "engine/replay.h"

#define MINUTE WEIR_MINUTES (1)

/* A batch that fails so often in a row will not succeed. */
#define MOST_FAILURES 3

gboolean
weir_replay_is_left (const WeirEngine *engine)
{
  return engine->replays != NULL && engine->n_replayed < engine->replays->len;
}

/* Sources in order: one that has to wait for its data keeps those after it waiting. */
static gboolean
plan_sources (WeirEngine *engine, WeirBatch *batch, const WeirReplay *replay)
{
  while (engine->n_planned < engine->sources->len) {
    const WeirSource *source = g_ptr_array_index (engine->sources, engine->n_planned);

    if (!weir_batch_plan (batch, engine->n_planned, weir_manifest_find_bytes (replay->positions, source->uid)))
      return FALSE;
    engine->n_planned++;
  }
  return TRUE;
}

gboolean
weir_replay_next (WeirEngine *engine)
{
  const WeirReplay *replay;

  if (!weir_replay_is_left (engine))
    return FALSE;
  replay = g_ptr_array_index (engine->replays, engine->n_replayed);
  if (engine->replaying == NULL) {
    engine->replaying = weir_batch_new (engine, replay->time, weir_clock_monotonic (engine->clock));
    engine->replaying->is_replay = TRUE;
    engine->n_planned = 0;
  }
  if (!plan_sources (engine, engine->replaying, replay))
    return FALSE;
  engine->n_replayed++;
  engine->replaying->is_followed = weir_replay_is_left (engine);
  weir_batch_queue (g_steal_pointer (&engine->replaying));
  if (weir_replay_is_left (engine))
    return TRUE;
  weir_replay_catch_up (engine);
  if (engine->is_stopping) /* which has waited for this */
    weir_sources_stop (engine);
  return TRUE;
}

void
weir_replay_drop (WeirEngine *engine)
{
  if (engine->replaying != NULL)
    weir_report_rejects (&engine->report, engine->replaying->lost);
  g_clear_pointer (&engine->replaying, weir_batch_free);
  g_clear_pointer (&engine->replays, g_ptr_array_unref);
  engine->n_replayed = 0;
}

/* Batches that run again may have times of another interval. */
static WeirTime
on_grid (const WeirEngine *engine, WeirTime time)
{
  return time - time % engine->interval;
}

/* The times between the newest batch and now; never more than may be made up for. */
static gint64
count_missed (const WeirEngine *engine, WeirTime last)
{
  WeirTime now = weir_clock_now (engine->clock);

  return CLAMP ((now - on_grid (engine, last)) / engine->interval, 0, (gint64) engine->catchup);
}

void
weir_replay_set_out (WeirEngine *engine)
{
  guint n = engine->replays != NULL ? engine->replays->len : 0;
  const WeirReplay *newest = n > 0 ? g_ptr_array_index (engine->replays, n - 1) : NULL;

  engine->newest = engine->last;
  if (engine->ctx->is_manual)
    engine->n_missed = n + (guint) count_missed (engine, newest != NULL ? newest->time : engine->last);
}

void
weir_replay_catch_up (WeirEngine *engine)
{
  WeirTime now = weir_clock_now (engine->clock);
  gint64 monotonic = weir_clock_monotonic (engine->clock), n_missed = count_missed (engine, engine->last);
  WeirTime first = on_grid (engine, now) - (n_missed - 1) * engine->interval;
  gint64 n_skipped;

  engine->last = on_grid (engine, engine->last);
  n_skipped = n_missed > 0 ? (first - engine->last) / engine->interval - 1 : 0;
  if (n_skipped > 0) {
    weir_report_skips (&engine->report, (guint64) n_skipped, now - engine->last, first, monotonic);
    engine->last += n_skipped * engine->interval;
  }
  /* A clock that was set back does not hold up the job: it goes on from where it was. */
  engine->due = monotonic + MIN (engine->last + engine->interval - now, engine->interval);
  if (engine->ctx->is_manual)
    engine->n_manual += (guint) n_missed;
}

static gboolean
is_final (const GError *error)
{
  static const WeirError final[] = { WEIR_ERROR_FENCED,
                                     WEIR_ERROR_GRAPH,
                                     WEIR_ERROR_CHECKPOINT_CORRUPT,
                                     WEIR_ERROR_ORPHAN_STATE,
                                     WEIR_ERROR_STATE_LIMIT,
                                     WEIR_ERROR_CHECKPOINT_BEHIND,
                                     WEIR_ERROR_DATA_LOSS,
                                     WEIR_ERROR_CHECKPOINT_LOCKED };

  for (guint i = 0; i < G_N_ELEMENTS (final); i++)
    if (g_error_matches (error, WEIR_ERROR, final[i]))
      return TRUE;
  return FALSE;
}

static guint
count_recent (GArray *failures, gint64 now)
{
  guint n = 0;

  while (n < failures->len && g_array_index (failures, gint64, n) < now - MINUTE)
    n++;
  g_array_remove_range (failures, 0, n);
  return failures->len;
}

gboolean
weir_reopen_is_due (WeirEngine *engine, const GError *error)
{
  guint most = weir_options_integer (engine->ctx->options, WEIR_OPTION_RESTART_ATTEMPTS);
  gint64 now = weir_clock_monotonic (engine->clock);

  if (engine->checkpoint == NULL || engine->is_stopping || is_final (error))
    return FALSE;
  engine->n_failed = engine->failed_time == engine->newest ? engine->n_failed + 1 : 1;
  engine->failed_time = engine->newest;
  if (engine->n_failed >= MOST_FAILURES || count_recent (engine->failures, now) >= most)
    return FALSE;
  g_array_append_val (engine->failures, now);
  return TRUE;
}

static void
open_slices_again (WeirContext *ctx)
{
  for (guint i = 0; i < ctx->streams->len; i++) {
    WeirStream *stream = g_ptr_array_index (ctx->streams, i);
    WeirOp *op = &stream->op;

    stream->is_saved = FALSE;
    for (guint k = 0; op->slices != NULL && k < op->n_slices; k++) {
      op->klass->slice_close (op->slices[k]);
      op->slices[k] = op->klass->slice_open (op, k);
    }
  }
}

void
weir_reopen (WeirEngine *engine)
{
  GError *error = NULL;

  weir_sources_stop (engine);
  weir_replay_drop (engine);
  weir_engine_close_parts (engine);
  __atomic_store_n (&engine->n_opened, engine->n_opened + 1, __ATOMIC_RELAXED);
  open_slices_again (engine->ctx);
  if (!weir_engine_open_parts (engine, &error)) {
    engine->is_reopening = FALSE;
    engine->is_stopping = TRUE; /* nothing is left to be opened again */
    weir_driver_fail (engine, error);
    return;
  }
  engine->is_reopening = FALSE;
  weir_driver_count_sealed (engine);
  weir_runner_resume (engine);
  weir_driver_start (engine);
}
