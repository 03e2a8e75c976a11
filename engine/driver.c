/* Owns the ticks: when a batch is due it is planned, unless too many wait; then it is planned when there is room. Batch
 * times follow each other by one interval, whatever the wall clock does, and jump only after a long gap.
 *
 * Everything here runs on the loop thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/engine.h"

#define WAITING_MOST 2
#define SAY_SLOW     WEIR_SECONDS (10)
#define IDLE         WEIR_SECONDS (1)

static void stop_if_done (WeirEngine *engine);

static void
plan_sources (WeirBatch *batch)
{
  WeirEngine *engine = batch->engine;
  gint64 n_records = 0;

  batch->plans = g_new0 (WeirPlan, engine->sources->len);
  for (guint i = 0; i < engine->sources->len; i++) {
    WeirPlan *plan = &batch->plans[i];

    plan->source = g_ptr_array_index (engine->sources, i);
    plan->time = batch->time;
    plan->n_records = -1;
    plan->source->klass->plan (plan->source, plan);
    n_records = n_records < 0 || plan->n_records < 0 ? -1 : n_records + plan->n_records;
  }
  batch->info->n_records = n_records;
}

static void
plan_batch (WeirEngine *engine, WeirTime time, gint64 due)
{
  WeirBatch *batch = g_new0 (WeirBatch, 1);

  batch->engine = engine;
  batch->time = engine->last = time;
  batch->due = due;
  batch->lost = g_steal_pointer (&engine->lost);
  batch->info = g_new0 (WeirBatchInfo, 1);
  batch->info->time = time;
  batch->info->submitted = g_get_real_time ();
  plan_sources (batch);
  engine->n_outstanding++;
  weir_listeners_tell (engine->ctx->listeners, WEIR_EVENT_SUBMITTED, batch->info);
  weir_runner_queue (engine, batch);
}

/* Times that lie too far back are skipped; what has arrived since goes to the next batch. */
static void
skip_missed (WeirEngine *engine)
{
  WeirTime now = g_get_real_time (), next = engine->last + engine->interval;
  WeirTime newest = now - now % engine->interval;

  if (newest - next <= (WeirTime) engine->catchup * engine->interval)
    return;
  engine->n_skipped += (guint64) ((newest - next) / engine->interval);
  g_warning ("%" G_GINT64_FORMAT " batch times are skipped: the next one would lie %" G_GINT64_FORMAT
             " ms behind the clock, more than catchup.batches allows; its data goes to batch %" G_GINT64_FORMAT " ms",
             (newest - next) / engine->interval, (now - next) / 1000, newest / 1000);
  engine->last = newest - engine->interval;
  engine->due = g_get_monotonic_time ();
}

static gboolean
has_staged (WeirEngine *engine)
{
  for (guint i = 0; i < engine->sources->len; i++) {
    WeirSource *source = g_ptr_array_index (engine->sources, i);

    if (source->klass->has_staged != NULL && source->klass->has_staged (source))
      return TRUE;
  }
  return FALSE;
}

/* Is a batch to be planned now? */
static gboolean
is_time (WeirEngine *engine)
{
  if (engine->is_cut || engine->n_outstanding > WAITING_MOST)
    return FALSE;
  if (engine->is_stopping)
    return has_staged (engine);
  if (engine->ctx->is_manual)
    return engine->n_manual > 0;
  return g_get_monotonic_time () >= engine->due;
}

static void
plan_due (WeirEngine *engine)
{
  while (is_time (engine)) {
    gint64 now = g_get_monotonic_time ();
    gboolean clocked = !engine->ctx->is_manual && !engine->is_stopping;

    if (clocked)
      skip_missed (engine);
    plan_batch (engine, engine->last + engine->interval, clocked ? engine->due : now);
    engine->due += engine->interval;
    if (engine->n_manual > 0)
      engine->n_manual--;
  }
  if (!engine->ctx->is_manual && !engine->is_stopping && engine->n_outstanding <= WAITING_MOST)
    weir_timer_arm (engine->tick, MAX (engine->due - g_get_monotonic_time (), 0));
  stop_if_done (engine);
}

static void
on_tick (gpointer data)
{
  plan_due (data);
}

static void
free_batch (WeirBatch *batch)
{
  if (batch->lost != NULL)
    g_hash_table_unref (batch->lost);
  weir_batch_info_free (batch->info);
  g_free (batch->plans);
  g_free (batch);
}

static void
release_plans (WeirBatch *batch)
{
  for (guint i = 0; i < batch->engine->sources->len; i++) {
    WeirPlan *plan = &batch->plans[i];

    if (plan->source->klass->release != NULL)
      plan->source->klass->release (plan->source, plan);
  }
}

static void
wake_waiters (WeirEngine *engine)
{
  g_autoptr (GArray) waiters = NULL;

  if (engine->waiters->len == 0 || !weir_engine_has_room (engine))
    return;
  waiters = g_steal_pointer (&engine->waiters);
  engine->waiters = g_array_new (FALSE, FALSE, sizeof (WeirRoomWaiter));
  for (guint i = 0; i < waiters->len; i++) {
    const WeirRoomWaiter *waiter = &g_array_index (waiters, WeirRoomWaiter, i);

    waiter->again (waiter->source);
  }
}

static void
log_reject (const char *where_and_why, guint64 n, gpointer user_data)
{
  const WeirBatch *batch = user_data;

  g_message ("batch %" G_GINT64_FORMAT " ms: %" G_GUINT64_FORMAT " records rejected: %s", batch->time / 1000, n,
             where_and_why);
}

/* Batches that take longer than the interval pile up: that is said, with figures, now and then. */
static void
watch_delay (WeirEngine *engine, const WeirBatchInfo *info)
{
  gint64 now = g_get_monotonic_time ();

  if (info->scheduling_delay <= engine->interval || now - engine->slow_said < SAY_SLOW)
    return;
  engine->slow_said = now;
  g_message ("batch %" G_GINT64_FORMAT " ms began %" G_GINT64_FORMAT " ms late and took %" G_GINT64_FORMAT
             " ms of an interval of %" G_GINT64_FORMAT " ms",
             info->time / 1000, info->scheduling_delay / 1000, info->processing_time / 1000, engine->interval / 1000);
}

static void
count_batch (WeirEngine *engine, const WeirBatch *batch)
{
  const WeirBatchInfo *info = batch->info;
  gint64 now = g_get_monotonic_time ();

  if (info->n_records > 0) {
    engine->busy_since = now;
    engine->n_records += (guint64) info->n_records;
  } else if (engine->busy_since != 0 && now - engine->busy_since > IDLE) {
    engine->busy_since = 0;
    weir_memory_trim (engine->memory);
  }
  engine->n_batches++;
  engine->n_rejected += info->n_rejected;
  weir_batch_info_foreach_rejected (info, log_reject, (gpointer) batch);
  watch_delay (engine, info);
}

static void
fail_batch (WeirEngine *engine, const WeirBatch *batch)
{
  GError *error = g_error_copy (batch->info->error);

  if (engine->is_cut) { /* what cut it is known already */
    g_error_free (error);
    return;
  }
  g_prefix_error (&error, "batch %" G_GINT64_FORMAT " ms: ", batch->time / 1000);
  weir_driver_fail (engine, error);
}

static void
wake_awaiters (WeirEngine *engine)
{
  pthread_mutex_lock (&engine->ctx->lock);
  engine->ctx->n_completed++;
  pthread_cond_broadcast (&engine->ctx->changed);
  pthread_mutex_unlock (&engine->ctx->lock);
}

void
weir_driver_completed (gpointer data)
{
  WeirBatch *batch = data;
  WeirEngine *engine = batch->engine;

  release_plans (batch);
  engine->n_outstanding--;
  count_batch (engine, batch);
  weir_listeners_tell (engine->ctx->listeners, WEIR_EVENT_COMPLETED, batch->info);
  if (batch->info->error != NULL)
    fail_batch (engine, batch);
  wake_waiters (engine);
  wake_awaiters (engine);
  free_batch (batch);
  plan_due (engine);
}

static void
stop_if_done (WeirEngine *engine)
{
  if (engine->is_stopping && engine->n_outstanding == 0 && (engine->is_cut || !has_staged (engine)))
    weir_loop_quit (engine->loop);
}

/* Batches that wait are given up, and said to be. */
static void
drop_waiting (WeirEngine *engine)
{
  WeirBatch *batch;
  guint n = 0;
  gint64 n_records = 0;

  while ((batch = weir_runner_steal (engine)) != NULL) {
    n++;
    n_records += MAX (batch->info->n_records, 0);
    release_plans (batch);
    free_batch (batch);
    engine->n_outstanding--;
  }
  if (n > 0)
    g_warning ("%u planned batches were dropped, with %" G_GINT64_FORMAT " records or more", n, n_records);
}

static void
on_deadline (gpointer data)
{
  WeirEngine *engine = data;

  if (engine->is_cut)
    g_warning ("the running batch has not ended: waiting for the job's code in it");
  else
    g_warning ("stop.timeout is over, %u batches are not done: stopping at once", engine->n_outstanding);
  weir_driver_stop (engine, FALSE);
}

void
weir_driver_stop (WeirEngine *engine, gboolean graceful)
{
  if (!engine->is_stopping)
    for (guint i = 0; i < engine->sources->len; i++) {
      WeirSource *source = g_ptr_array_index (engine->sources, i);

      if (source->klass->stop != NULL)
        source->klass->stop (source);
    }
  engine->is_stopping = TRUE;
  weir_timer_disarm (engine->tick);
  weir_timer_arm (engine->deadline, engine->stop_timeout);
  if (!graceful) {
    engine->is_cut = TRUE;
    weir_runner_cut (engine);
    drop_waiting (engine);
  }
  plan_due (engine);
}

void
weir_driver_fail (WeirEngine *engine, GError *error)
{
  WeirContext *ctx = engine->ctx;

  pthread_mutex_lock (&ctx->lock);
  if (ctx->error == NULL)
    ctx->error = g_steal_pointer (&error);
  pthread_mutex_unlock (&ctx->lock);
  g_clear_error (&error);
  weir_driver_stop (engine, FALSE);
}

void
weir_driver_advance (WeirEngine *engine, guint n_batches)
{
  engine->n_manual += n_batches;
  plan_due (engine);
}

void
weir_driver_start (WeirEngine *engine)
{
  engine->tick = weir_timer_new (engine->loop, on_tick, engine);
  engine->deadline = weir_timer_new (engine->loop, on_deadline, engine);
  for (guint i = 0; i < engine->sources->len; i++) {
    WeirSource *source = g_ptr_array_index (engine->sources, i);

    if (source->klass->start != NULL)
      source->klass->start (source);
  }
  plan_due (engine);
}
