/* Owns the runner thread: takes planned batches in order, makes the datasets of the streams that are due, advances what
 * must see every batch, runs the outputs. All user code that is not a task runs here.
 *
 * The queue is shared with the loop thread under engine->lock.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "engine/checkpoint.h"
#include "engine/counter.h"
#include "engine/dataset.h"
#include "engine/engine.h"
#include "engine/kill-point.h"

typedef struct {
  WeirEngine *engine;
  WeirEvent event;
  gpointer info;
} Telling;

static void
tell (gpointer data)
{
  Telling *telling = data;

  weir_listeners_tell (telling->engine->ctx, telling->event, telling->info);
  if (telling->event <= WEIR_EVENT_COMPLETED)
    weir_batch_info_free (telling->info);
  else
    weir_output_info_free (telling->info);
  g_free (telling);
}

static void
post_batch_event (WeirBatch *batch, WeirEvent event)
{
  Telling *telling;

  if (batch->engine->ctx->listeners->len == 0)
    return;
  telling = g_new (Telling, 1);
  *telling = (Telling){ batch->engine, event, weir_batch_info_copy (batch->info) };
  if (!weir_loop_post (batch->engine->loop, tell, telling))
    tell (telling);
}

static void
post_output_event (WeirBatch *batch, WeirOutput *output, WeirEvent event, WeirTime duration, const GError *error)
{
  WeirOutputInfo *info;
  Telling *telling;

  if (batch->engine->ctx->listeners->len == 0)
    return;
  info = g_new0 (WeirOutputInfo, 1);
  info->batch_time = batch->time;
  info->name = g_strdup (output->label);
  info->index = output->id;
  info->duration = duration;
  info->error = error != NULL ? g_error_copy (error) : NULL;
  telling = g_new (Telling, 1);
  *telling = (Telling){ batch->engine, event, info };
  if (!weir_loop_post (batch->engine->loop, tell, telling))
    tell (telling);
}

/* Where no window is above, each batch has its elements: also one that runs again at a time that is none of today's
 * interval. */
static gboolean
is_due (const WeirEngine *engine, const WeirStream *stream, WeirTime time)
{
  return stream->is_in_each_batch || (time - engine->zero) % stream->op.slide == 0;
}

static gboolean
must_advance (const WeirStream *stream)
{
  return (stream->op.klass->flags & WEIR_OP_EVERY_BATCH) != 0;
}

/* A parent that only takes the batch in has no result to show, but maybe something that it rejected. */
static gboolean
may_read (const WeirEngine *engine, const WeirStream *stream, const WeirStream *parent, WeirTime time)
{
  return parent->dataset != NULL && (is_due (engine, parent, time) || (stream->op.klass->flags & WEIR_OP_REJECTS) != 0);
}

static gboolean
has_dataset (const WeirEngine *engine, const WeirStream *stream, WeirTime time)
{
  if (stream->n_consumers == 0 || !(is_due (engine, stream, time) || must_advance (stream)))
    return FALSE;
  for (guint i = 0; i < stream->n_parents; i++)
    if (!may_read (engine, stream, stream->parents[i], time))
      return FALSE;
  return TRUE;
}

static WeirPlan *
plan_of (WeirBatch *batch, const WeirStream *stream)
{
  for (guint i = 0; i < batch->engine->sources->len; i++)
    if (batch->plans[i].source == stream->source)
      return &batch->plans[i];
  return NULL;
}

static void
make_dataset (WeirBatch *batch, WeirRun *run, WeirStream *stream)
{
  g_autofree WeirDataset **parents = NULL;

  stream->dataset = NULL;
  if (!has_dataset (batch->engine, stream, batch->time))
    return;
  parents = g_new (WeirDataset *, stream->n_parents);
  for (guint i = 0; i < stream->n_parents; i++)
    parents[i] = stream->parents[i]->dataset;
  stream->dataset = weir_dataset_new_node (run, &stream->op, parents, stream->n_parents);
  stream->dataset->n_uses = stream->n_consumers;
  if (stream->source != NULL)
    stream->dataset->plan = plan_of (batch, stream);
}

static gboolean
advance_all (WeirBatch *batch, GError **error)
{
  GPtrArray *streams = batch->engine->ctx->streams;

  for (guint i = 0; i < streams->len; i++) {
    WeirStream *stream = g_ptr_array_index (streams, i);

    if (stream->dataset != NULL && must_advance (stream) && !weir_dataset_advance (stream->dataset, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
goes_on (WeirRun *run, GError **error)
{
  if (!weir_run_has_failed (run))
    return TRUE;
  pthread_mutex_lock (&run->lock);
  g_propagate_error (error, g_error_copy (run->error));
  pthread_mutex_unlock (&run->lock);
  return FALSE;
}

static void
set_output (WeirEngine *engine, const WeirOutput *output)
{
  __atomic_store_n (&engine->running_output, output, __ATOMIC_RELAXED);
}

/* The output's own tasks bear its name, too. */
static void
name_output (const WeirOutput *output, GError **failure)
{
  g_autofree char *name = g_strdup_printf ("%s: ", output->label);

  if (!g_str_has_prefix ((*failure)->message, name))
    g_prefix_error (failure, "%s", name);
}

/* An output may go over what has failed in its stream, but its batch has failed all the same. */
static gboolean
run_output (WeirBatch *batch, WeirRun *run, WeirOutput *output, GError **error)
{
  gint64 start = g_get_monotonic_time ();
  GError *failure = NULL;
  gboolean ok;

  set_output (batch->engine, output);
  post_output_event (batch, output, WEIR_EVENT_OUTPUT_STARTED, 0, NULL);
  ok = output->klass->run (output, output->stream->dataset, batch->time, &failure);
  if (!ok && failure == NULL)
    failure = g_error_new (WEIR_ERROR, WEIR_ERROR_FAILED, "the output said no more than that it failed");
  ok = ok && goes_on (run, &failure);
  if (!ok)
    name_output (output, &failure);
  post_output_event (batch, output, WEIR_EVENT_OUTPUT_COMPLETED, g_get_monotonic_time () - start, failure);
  set_output (batch->engine, NULL);
  if (!ok)
    g_propagate_error (error, failure);
  return ok;
}

static gboolean
run_outputs (WeirBatch *batch, WeirRun *run, GError **error)
{
  GPtrArray *outputs = batch->engine->ctx->outputs;

  for (guint i = 0; i < outputs->len; i++) {
    WeirOutput *output = g_ptr_array_index (outputs, i);

    if (output->stream->dataset == NULL || !is_due (batch->engine, output->stream, batch->time))
      continue;
    if (!run_output (batch, run, output, error))
      return FALSE;
  }
  return TRUE;
}

static void
cut (WeirRun *run)
{
  weir_run_take_error (
      run, g_error_new (WEIR_ERROR, WEIR_ERROR_CLOSED, "the context was stopped in the middle of the batch"));
}

/* A stop may have come between taking the batch and here. */
static void
set_running (WeirEngine *engine, WeirRun *run)
{
  pthread_mutex_lock (&engine->lock);
  engine->running = run;
  if (engine->is_halted)
    cut (run);
  pthread_mutex_unlock (&engine->lock);
}

/* What has failed is the last: the loop hears of it later than the next batch could begin. */
static void
set_done (WeirBatch *batch)
{
  WeirEngine *engine = batch->engine;

  pthread_mutex_lock (&engine->lock);
  engine->running = NULL;
  batch->is_cut = engine->is_halted;
  engine->is_halted |= batch->info->error != NULL;
  pthread_mutex_unlock (&engine->lock);
}

static void
init_run (WeirBatch *batch, WeirRun *run)
{
  WeirEngine *engine = batch->engine;

  weir_run_init (run, engine->memory, engine->workers);
  run->time = batch->time;
  run->interval = engine->interval;
  run->zero = engine->zero;
  run->seed = engine->seed;
  run->n_partitions = engine->n_partitions;
  run->state_memory = engine->state_memory;
  run->has_checkpoint = engine->checkpoint != NULL;
  run->rejects_errors = weir_options_choice (engine->ctx->options, WEIR_OPTION_ON_ERROR) == WEIR_ON_ERROR_REJECT;
  run->n_counters = engine->n_counters;
  run->counters = g_new0 (gint64, run->n_counters);
  run->rejects = g_steal_pointer (&batch->lost);
  run->graves = &engine->graves;
}

static void
finish_info (WeirBatchInfo *info, WeirRun *run)
{
  if (info->n_records < 0)
    info->n_records = (gint64) __atomic_load_n (&run->n_records, __ATOMIC_RELAXED);
  info->n_rejected = weir_rejects_sum (run->rejects);
  info->rejects = g_steal_pointer (&run->rejects);
  info->n_invalid_utf8 = __atomic_load_n (&run->n_invalid_utf8, __ATOMIC_RELAXED);
}

static gboolean
log_plan (WeirBatch *batch, GError **error)
{
  WeirCheckpoint *checkpoint = batch->engine->checkpoint;

  return checkpoint == NULL || weir_checkpoint_log_plan (checkpoint, batch, error);
}

static void
cut_epoch (WeirBatch *batch)
{
  weir_checkpoint_batch_done (batch->engine->checkpoint, batch, &batch->info->error);
  if (batch->info->error != NULL)
    set_done (batch);
}

static void
run_batch (WeirBatch *batch)
{
  WeirEngine *engine = batch->engine;
  GPtrArray *streams = engine->ctx->streams;
  WeirBatchInfo *info = batch->info;
  gint64 start = g_get_monotonic_time ();
  WeirRun run;

  weir_kill_point ("batch");
  init_run (batch, &run);
  set_running (engine, &run);
  info->scheduling_delay = MAX (weir_clock_monotonic (engine->clock) - batch->due, 0);
  post_batch_event (batch, WEIR_EVENT_STARTED);
  for (guint i = 0; i < streams->len; i++)
    make_dataset (batch, &run, g_ptr_array_index (streams, i));
  if (goes_on (&run, &info->error) && log_plan (batch, &info->error) && advance_all (batch, &info->error) &&
      run_outputs (batch, &run, &info->error))
    weir_counters_merge (engine->ctx->counters, &run);
  set_done (batch);
  weir_kill_point ("batch-done");
  info->processing_time = g_get_monotonic_time () - start;
  finish_info (info, &run);
  g_free (run.counters);
  weir_run_clear (&run);
  if (engine->checkpoint != NULL && info->error == NULL)
    cut_epoch (batch);
}

/* No batch: the end of a graceful stop. */
static void
run_last (WeirBatch *batch)
{
  weir_checkpoint_finish (batch->engine->checkpoint, &batch->info->error);
}

static WeirBatch *
next_batch (WeirEngine *engine)
{
  WeirBatch *batch;

  pthread_mutex_lock (&engine->lock);
  while ((engine->queue.length == 0 || engine->is_halted) && !engine->quit) {
    engine->runner_waits = TRUE;
    pthread_mutex_unlock (&engine->lock);
    sem_wait (&engine->wake);
    pthread_mutex_lock (&engine->lock);
  }
  batch = g_queue_pop_head (&engine->queue);
  pthread_mutex_unlock (&engine->lock);
  return batch;
}

/* Is there anything in it that somebody waits for? An empty batch can wait for the next tick, which spares a wake-up of
 * the loop a batch. */
static gboolean
is_news (const WeirBatch *batch)
{
  const WeirBatchInfo *info = batch->info;

  return info->n_records != 0 || info->error != NULL || info->rejects != NULL || batch->engine->ctx->listeners->len > 0;
}

static void
hand_back (WeirBatch *batch)
{
  WeirEngine *engine = batch->engine;
  gboolean tell;

  pthread_mutex_lock (&engine->lock);
  g_queue_push_tail (&engine->done, batch);
  tell = engine->loop_waits || is_news (batch);
  pthread_mutex_unlock (&engine->lock);
  if (tell)
    weir_loop_post (engine->loop, weir_driver_done, engine);
}

gpointer
weir_runner_main (gpointer data)
{
  WeirEngine *engine = data;
  WeirBatch *batch;

  pthread_setname_np (pthread_self (), "weir-runner");
  while ((batch = next_batch (engine)) != NULL) {
    if (batch->is_last)
      run_last (batch);
    else
      run_batch (batch);
    hand_back (batch);
  }
  return NULL;
}

void
weir_runner_queue (WeirEngine *engine, WeirBatch *batch)
{
  gboolean waits;

  pthread_mutex_lock (&engine->lock);
  g_queue_push_tail (&engine->queue, batch);
  waits = engine->runner_waits;
  engine->runner_waits = FALSE;
  pthread_mutex_unlock (&engine->lock);
  if (waits)
    sem_post (&engine->wake);
}

WeirBatch *
weir_runner_take_done (WeirEngine *engine, gboolean waits)
{
  WeirBatch *batch;

  pthread_mutex_lock (&engine->lock);
  engine->loop_waits = waits;
  batch = g_queue_pop_head (&engine->done);
  pthread_mutex_unlock (&engine->lock);
  return batch;
}

WeirBatch *
weir_runner_steal (WeirEngine *engine)
{
  WeirBatch *batch;

  pthread_mutex_lock (&engine->lock);
  batch = g_queue_pop_head (&engine->queue);
  pthread_mutex_unlock (&engine->lock);
  return batch;
}

void
weir_runner_cut (WeirEngine *engine)
{
  pthread_mutex_lock (&engine->lock);
  engine->is_halted = TRUE;
  if (engine->running != NULL)
    cut (engine->running);
  pthread_mutex_unlock (&engine->lock);
}

void
weir_runner_resume (WeirEngine *engine)
{
  pthread_mutex_lock (&engine->lock);
  engine->is_halted = FALSE;
  pthread_mutex_unlock (&engine->lock);
}

WeirRun *
weir_runner_run (WeirEngine *engine)
{
  return pthread_equal (pthread_self (), engine->runner_thread) ? engine->running : NULL;
}

const char *
weir_runner_where (WeirEngine *engine)
{
  const WeirOutput *output = __atomic_load_n (&engine->running_output, __ATOMIC_RELAXED);

  return output != NULL ? output->label : "no output";
}

void
weir_runner_quit (WeirEngine *engine)
{
  pthread_mutex_lock (&engine->lock);
  engine->quit = TRUE;
  pthread_mutex_unlock (&engine->lock);
  sem_post (&engine->wake);
}
