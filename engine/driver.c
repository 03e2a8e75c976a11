/* Owns the ticks: when a batch is due it is planned, unless too many wait; then it is planned when there is room. Batch
 * times follow each other by one interval, whatever the wall clock does, and jump only after a long gap.
 *
 * Everything here runs on the loop thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/checkpoint.h"
#include "engine/replay.h"

#define WAITING_MOST 2
#define IDLE         WEIR_SECONDS (1)

WeirBatch *
weir_batch_new (WeirEngine *engine, WeirTime time, gint64 due)
{
  WeirBatch *batch = g_new0 (WeirBatch, 1);

  batch->engine = engine;
  batch->time = time;
  batch->due = due;
  batch->info = g_new0 (WeirBatchInfo, 1);
  batch->info->time = time;
  batch->lost = g_steal_pointer (&engine->lost); /* what its sources lose while they plan is the next one's */
  batch->plans = g_new0 (WeirPlan, engine->sources->len);
  if (engine->checkpoint != NULL)
    batch->positions = g_new0 (GBytes *, engine->sources->len);
  return batch;
}

/* Where the source stands now is where it stands after the batch. */
static void
note_position (WeirBatch *batch, guint source)
{
  WeirPlan *plan = &batch->plans[source];
  GByteArray *position;

  if (batch->positions == NULL || plan->source->klass->save == NULL)
    return;
  position = g_byte_array_new ();
  plan->source->klass->save (plan->source, plan, position);
  batch->positions[source] = g_byte_array_free_to_bytes (position);
}

gboolean
weir_batch_plan (WeirBatch *batch, guint source, GBytes *target)
{
  WeirPlan *plan = &batch->plans[source];
  WeirSource *from = g_ptr_array_index (batch->engine->sources, source);
  gboolean is_replanned = target != NULL && from->klass->replan != NULL;

  *plan = (WeirPlan){ .source = from, .time = batch->time, .n_records = -1 };
  if (is_replanned) {
    gsize size;
    gconstpointer position = g_bytes_get_data (target, &size);

    if (!from->klass->replan (from, plan, position, size)) {
      plan->source = NULL;
      return FALSE;
    }
  } else {
    from->klass->plan (from, plan);
  }
  note_position (batch, source);
  return TRUE;
}

static gint64
sum_records (const WeirBatch *batch)
{
  gint64 n_records = 0;

  for (guint i = 0; i < batch->engine->sources->len; i++) {
    const WeirPlan *plan = &batch->plans[i];

    n_records = n_records < 0 || plan->n_records < 0 ? -1 : n_records + plan->n_records;
  }
  return n_records;
}

static guint
sum_hanging (const WeirBatch *batch)
{
  guint n_hanging = 0;

  for (guint i = 0; i < batch->engine->sources->len; i++)
    n_hanging += batch->plans[i].n_hanging;
  return n_hanging;
}

void
weir_batch_queue (WeirBatch *batch)
{
  WeirEngine *engine = batch->engine;

  engine->last = batch->time;
  batch->info->submitted = weir_clock_now (engine->clock);
  batch->info->n_records = sum_records (batch);
  batch->info->n_hanging = sum_hanging (batch);
  engine->n_outstanding++;
  weir_listeners_tell (engine->ctx, WEIR_EVENT_SUBMITTED, batch->info);
  weir_runner_queue (engine, batch);
}

static void
plan_batch (WeirEngine *engine, WeirTime time, gint64 due)
{
  WeirBatch *batch = weir_batch_new (engine, time, due);

  for (guint i = 0; i < engine->sources->len; i++)
    weir_batch_plan (batch, i, NULL);
  weir_batch_queue (batch);
}

/* No batch: what is left is sealed, and the context may end. */
static void
queue_last (WeirEngine *engine)
{
  WeirBatch *batch = weir_batch_new (engine, engine->last, 0);

  batch->is_last = TRUE;
  engine->is_finished = TRUE;
  engine->n_outstanding++;
  weir_runner_queue (engine, batch);
}

/* Times that lie too far back are skipped; what has arrived since goes to the next batch. */
static void
skip_missed (WeirEngine *engine)
{
  WeirTime now = weir_clock_now (engine->clock), next = engine->last + engine->interval;
  WeirTime newest = now - now % engine->interval;
  gint64 n = (newest - next) / engine->interval;

  if (n <= (gint64) engine->catchup)
    return;
  engine->last = newest - engine->interval;
  engine->due = weir_clock_monotonic (engine->clock) - (now - newest);
  weir_report_skips (&engine->report, (guint64) n, now - next, newest, engine->due);
}

/* Where a test ticks, a batch sees all that those before it have done: none is planned ahead. None is planned that would
 * run on top of what could not be sealed: the loop is about to hear of that. */
static gboolean
may_plan (const WeirEngine *engine)
{
  guint most = engine->ctx->is_manual ? 0 : WAITING_MOST;

  if (engine->checkpoint != NULL && weir_checkpoint_has_failed (engine->checkpoint))
    return FALSE;
  return !engine->is_cut && !engine->is_reopening && engine->n_outstanding <= most;
}

/* Is a batch to be planned now? */
static gboolean
is_time (WeirEngine *engine)
{
  if (!may_plan (engine) || weir_replay_is_left (engine))
    return FALSE;
  if (engine->is_stopping)
    return weir_sources_have_staged (engine);
  if (engine->ctx->is_manual)
    return engine->n_manual > 0;
  return weir_clock_monotonic (engine->clock) >= engine->due;
}

static void
plan_next (WeirEngine *engine)
{
  gint64 due;

  if (engine->ctx->is_manual) { /* unless it stands there already: what was missed is made up for */
    if (weir_clock_now (engine->clock) < engine->last + engine->interval)
      weir_manual_clock_advance (&engine->ctx->manual, engine->interval);
  } else if (!engine->is_stopping)
    skip_missed (engine);
  due = MIN (engine->due, weir_clock_monotonic (engine->clock));
  plan_batch (engine, engine->last + engine->interval, due);
  engine->due += engine->interval;
  if (engine->n_manual > 0)
    engine->n_manual--;
}

static void
arm_tick (WeirEngine *engine)
{
  if (engine->ctx->is_manual || engine->is_stopping || !may_plan (engine) || engine->armed_for == engine->due)
    return;
  engine->armed_for = engine->due;
  weir_timer_arm (engine->tick, MAX (engine->due - weir_clock_monotonic (engine->clock), 0));
}

static void
stop_if_done (WeirEngine *engine)
{
  if (!engine->is_stopping || engine->n_outstanding > 0)
    return;
  if (!engine->is_cut && (weir_sources_have_staged (engine) || weir_sources_are_ending (engine)))
    return;
  if (engine->checkpoint != NULL && !engine->is_cut && !engine->is_finished)
    queue_last (engine);
  else
    weir_loop_quit (engine->loop);
}

static void
release_plans (WeirBatch *batch)
{
  for (guint i = 0; i < batch->engine->sources->len; i++) {
    WeirPlan *plan = &batch->plans[i];

    if (plan->source != NULL && plan->source->klass->release != NULL)
      plan->source->klass->release (plan->source, plan);
    plan->source = NULL;
  }
}

void
weir_batch_free (WeirBatch *batch)
{
  release_plans (batch);
  if (batch->lost != NULL)
    g_hash_table_unref (batch->lost);
  for (guint i = 0; batch->positions != NULL && i < batch->engine->sources->len; i++)
    g_clear_pointer (&batch->positions[i], g_bytes_unref);
  weir_batch_info_free (batch->info);
  g_free (batch->positions);
  g_free (batch->plans);
  g_free (batch);
}

/* No batch is there that could give memory back, so what holds it holds it for good, and nobody would ever read again.
 */
static void
fail_if_stuck (WeirEngine *engine)
{
  if (engine->n_outstanding > 0 || engine->is_stopping || weir_sources_have_staged (engine))
    return;
  weir_driver_fail (engine, g_error_new (WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
                                         "windows and unfinished records hold %" G_GSIZE_FORMAT
                                         " bytes, more than the half of memory.limit = %" G_GSIZE_FORMAT
                                         " bytes above which sources do not read: raise memory.limit, or hold less",
                                         weir_memory_used (engine->memory), weir_memory_limit (engine->memory)));
}

static void
wake_waiters (WeirEngine *engine)
{
  g_autoptr (GArray) waiters = NULL;

  if (engine->waiters->len == 0)
    return;
  if (!weir_engine_has_room (engine)) {
    fail_if_stuck (engine);
    return;
  }
  waiters = g_steal_pointer (&engine->waiters);
  engine->waiters = g_array_new (FALSE, FALSE, sizeof (WeirRoomWaiter));
  for (guint i = 0; i < waiters->len; i++) {
    const WeirRoomWaiter *waiter = &g_array_index (waiters, WeirRoomWaiter, i);

    waiter->again (waiter->source);
  }
}

/* Memory that nobody has wanted for a while goes back to the system. */
static void
watch_idle (WeirEngine *engine, const WeirBatchInfo *info, gint64 now)
{
  if (info->n_records > 0) {
    engine->busy_since = now;
  } else if (engine->busy_since != 0 && now - engine->busy_since > IDLE) {
    engine->busy_since = 0;
    weir_memory_trim (engine->memory);
  }
}

static void
fail_batch (WeirEngine *engine, const WeirBatch *batch)
{
  GError *error;

  if (batch->is_cut) { /* what cut it is known already */
    weir_report_cut (&engine->report, batch->info);
    return;
  }
  error = g_error_copy (batch->info->error);
  g_prefix_error (&error, "batch %" G_GINT64_FORMAT " ms: ", batch->time / 1000);
  weir_driver_fail (engine, error);
}

/* Batches up to @time are complete. Only those who count batches are woken: the others wait for the end. */
static void
count_completed (WeirEngine *engine, WeirTime time, guint64 n)
{
  WeirContext *ctx = engine->ctx;

  engine->newest = time;
  pthread_mutex_lock (&ctx->lock);
  ctx->n_completed += n;
  if (ctx->n_completed >= ctx->n_awaited) {
    ctx->n_awaited = G_MAXUINT64;
    pthread_cond_broadcast (&ctx->changed);
  }
  pthread_mutex_unlock (&ctx->lock);
}

/* One that is run again counts once. */
static void
wake_awaiters (WeirEngine *engine, const WeirBatch *batch)
{
  if (batch->time > engine->newest && !engine->is_reopening)
    count_completed (engine, batch->time, 1);
}

void
weir_driver_count_sealed (WeirEngine *engine)
{
  if (engine->last > engine->newest)
    count_completed (engine, engine->last, (guint64) ((engine->last - engine->newest) / engine->interval));
}

/* The last epoch is sealed, or it could not be. */
static void
complete_last (WeirBatch *batch)
{
  WeirEngine *engine = batch->engine;

  engine->n_outstanding--;
  if (batch->info->error != NULL)
    weir_driver_fail (engine, g_steal_pointer (&batch->info->error));
  weir_batch_free (batch);
}

/* What each source may give from now on, by how fast its records were done. */
static void
estimate_rates (const WeirBatch *batch)
{
  const WeirBatchInfo *info = batch->info;

  for (guint i = 0; i < batch->engine->sources->len; i++) {
    WeirSource *source = g_ptr_array_index (batch->engine->sources, i);

    if (source->estimator != NULL && info->error == NULL && batch->plans[i].n_records > 0)
      weir_rate_add (source->estimator, (gdouble) weir_clock_monotonic (batch->engine->clock),
                     batch->plans[i].n_records, (gdouble) info->processing_time, (gdouble) info->scheduling_delay,
                     &source->rate);
  }
}

static void
complete (WeirBatch *batch)
{
  WeirEngine *engine = batch->engine;
  gint64 now = weir_clock_monotonic (engine->clock);

  if (batch->is_last) {
    complete_last (batch);
    return;
  }
  estimate_rates (batch);
  for (guint i = 0; i < engine->sources->len; i++)
    batch->plans[i].is_done = batch->info->error == NULL;
  release_plans (batch);
  engine->n_outstanding--;
  watch_idle (engine, batch->info, now);
  weir_report_batch (&engine->report, batch->info, now);
  weir_listeners_tell (engine->ctx, WEIR_EVENT_COMPLETED, batch->info);
  if (batch->info->error != NULL)
    fail_batch (engine, batch);
  wake_waiters (engine);
  wake_awaiters (engine, batch);
  weir_batch_free (batch);
}

/* Does nothing happen until a batch is done? */
static gboolean
waits_for_batches (const WeirEngine *engine)
{
  return engine->ctx->is_manual || engine->is_stopping || !may_plan (engine) || engine->waiters->len > 0;
}

/* Takes back one batch that has been run. FALSE: there is none. */
static gboolean
take_back (WeirEngine *engine)
{
  WeirBatch *batch = weir_runner_take_done (engine, waits_for_batches (engine));

  if (batch != NULL)
    complete (batch);
  return batch != NULL;
}

/* What listeners hear of a batch comes by mail, and its end must not overtake that. */
static void
plan_due (WeirEngine *engine)
{
  gboolean by_mail = engine->ctx->listeners->len > 0;

  do {
    while (may_plan (engine) && weir_replay_next (engine))
      ;
    while (is_time (engine))
      plan_next (engine);
  } while (!by_mail && take_back (engine));
  if (engine->is_reopening && !engine->is_cut && engine->n_outstanding == 0) {
    weir_reopen (engine);
    return;
  }
  arm_tick (engine);
  stop_if_done (engine);
}

void
weir_driver_done (gpointer engine)
{
  take_back (engine);
  plan_due (engine);
}

void
weir_driver_wake (gpointer engine)
{
  plan_due (engine);
}

static void
on_tick (gpointer data)
{
  WeirEngine *engine = data;

  engine->armed_for = 0;
  plan_due (engine);
}

/* A batch that never began: its listeners hear of its end all the same. */
static void
drop (WeirBatch *batch)
{
  WeirEngine *engine = batch->engine;

  batch->info->error =
      g_error_new (WEIR_ERROR, WEIR_ERROR_CLOSED, "the context was stopped before the batch could begin");
  engine->n_outstanding--;
  if (!batch->is_last) {
    weir_report_rejects (&engine->report, batch->lost);
    release_plans (batch);
    weir_listeners_tell (engine->ctx, WEIR_EVENT_COMPLETED, batch->info);
  }
  weir_batch_free (batch);
}

/* Batches that wait are given up, and said to be. */
static void
drop_waiting (WeirEngine *engine)
{
  WeirDrops drops = { 0 };
  WeirBatch *batch;

  while ((batch = weir_runner_steal (engine)) != NULL) {
    drops.n_batches++;
    drops.n_records += (guint64) MAX (batch->info->n_records, 0);
    drops.n_bytes += weir_sources_sum_uncut (batch);
    drop (batch);
  }
  weir_report_drops (&engine->report, &drops);
}

static void
on_deadline (gpointer data)
{
  WeirEngine *engine = data;

  if (engine->is_cut)
    weir_log (engine->log, WEIR_LOG_WARNING,
              "the running batch has not ended: waiting for the job's code to return, %s runs",
              weir_runner_where (engine));
  else
    weir_log (engine->log, WEIR_LOG_WARNING, "stop.timeout is over, %u batches are not done: stopping at once",
              engine->n_outstanding);
  weir_timer_arm (engine->deadline, engine->stop_timeout);
  weir_driver_stop (engine, FALSE);
}

/* The time for a stop runs from the first time that it is asked for. Batches that are to be run again are waited for, and
 * their sources have to read first what they had. */
static void
begin_stop (WeirEngine *engine)
{
  engine->is_stopping = TRUE;
  weir_timer_disarm (engine->tick);
  weir_timer_arm (engine->deadline, engine->stop_timeout);
  if (!weir_replay_is_left (engine))
    weir_sources_stop (engine);
}

void
weir_driver_stop (WeirEngine *engine, gboolean graceful)
{
  if (!engine->is_stopping)
    begin_stop (engine);
  if (!graceful && !engine->is_cut) {
    engine->is_cut = TRUE;
    if (weir_replay_is_left (engine)) /* which is waited for no more */
      weir_sources_stop (engine);
    if (engine->checkpoint != NULL)
      weir_checkpoint_quit (engine->checkpoint);
    weir_runner_cut (engine);
    drop_waiting (engine);
  }
  plan_due (engine);
}

/* Nothing more is begun; what runs is cut, and then the context is opened again. */
static void
begin_reopen (WeirEngine *engine, GError *error)
{
  weir_log (engine->log, WEIR_LOG_WARNING, "%s; going back to the checkpoint", error->message);
  g_error_free (error);
  engine->is_reopening = TRUE;
  weir_timer_disarm (engine->tick);
  engine->armed_for = 0;
  weir_checkpoint_quit (engine->checkpoint);
  weir_runner_cut (engine);
  drop_waiting (engine);
  weir_loop_post (engine->loop, weir_driver_wake, engine);
}

void
weir_driver_fail (WeirEngine *engine, GError *error)
{
  WeirContext *ctx = engine->ctx;

  if (engine->is_reopening) { /* a consequence */
    g_error_free (error);
    return;
  }
  if (weir_reopen_is_due (engine, error)) {
    begin_reopen (engine, error);
    return;
  }
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
weir_driver_init (WeirEngine *engine)
{
  engine->tick = weir_timer_new (engine->loop, on_tick, engine);
  engine->deadline = weir_timer_new (engine->loop, on_deadline, engine);
}

/* A signal may have come first. */
void
weir_driver_begin (WeirEngine *engine)
{
  gboolean goes_on = !engine->is_stopping || weir_replay_is_left (engine);

  for (guint i = 0; i < engine->sources->len && goes_on; i++) {
    WeirSource *source = g_ptr_array_index (engine->sources, i);

    if (source->klass->start != NULL)
      source->klass->start (source);
  }
  plan_due (engine);
}

void
weir_driver_start (WeirEngine *engine)
{
  if (!weir_replay_is_left (engine))
    weir_replay_catch_up (engine);
  weir_driver_begin (engine);
}

void
weir_driver_end (WeirEngine *engine)
{
  weir_sources_report_left (engine);
  weir_replay_drop (engine);
  weir_report_rejects (&engine->report, engine->lost);
  weir_report_end (&engine->report);
}
