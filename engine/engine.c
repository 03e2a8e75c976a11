/* Owns the life of what runs: opens sources, starts and joins threads, and answers what sources ask of the engine.
 *
 * The job's thread starts and frees; the loop thread is in between. weir_engine_stop () and _advance () may come from
 * anywhere. SPDX-License-Identifier: Apache-2.0
 */
#include "engine/checkpoint.h"

#include <signal.h>
#include <string.h>
#include <sys/random.h>

#include <weir/error.h>

#include "engine/replay.h"

/* Sources hold back when more than this part of memory.limit is used: the rest is for what the batches make. */
#define ROOM_PART 2

static void
free_signals (WeirEngine *engine)
{
  for (guint i = 0; i < G_N_ELEMENTS (engine->signals); i++)
    if (engine->signals[i] != NULL)
      weir_signal_free (engine->signals[i]);
  memset (engine->signals, 0, sizeof engine->signals);
}

/* A job that a script has started in the background was told to ignore SIGINT: so far nobody has noticed. */
static void
stop_ignoring (int number)
{
  struct sigaction action;

  if (sigaction (number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
    signal (number, SIG_DFL);
}

/* Nothing can end a function of the job that does not return, so the third signal is left to the process. */
static void
on_signal (gpointer data)
{
  WeirEngine *engine = data;

  engine->n_signals++;
  if (engine->n_signals == 1) {
    weir_log (engine->log, WEIR_LOG_INFO,
              "stopping: what was received is processed first; a second signal stops at once");
  } else {
    free_signals (engine);
    stop_ignoring (SIGINT);
    stop_ignoring (SIGTERM);
    weir_log (engine->log, WEIR_LOG_INFO, "stopping at once; a third signal is not caught");
  }
  weir_driver_stop (engine, engine->n_signals == 1);
}

static void
begin (gpointer data)
{
  weir_driver_start (data);
}

static void
close_outputs (WeirEngine *engine)
{
  GPtrArray *outputs = engine->ctx->outputs;

  if (engine->decider != NULL) /* or its readers would wait for what will never be decided */
    (*engine->decider->abort) (engine->decider);
  for (guint i = 0; i < outputs->len; i++) {
    WeirOutput *output = g_ptr_array_index (outputs, i);

    if (output->engine != NULL && output->klass->close != NULL)
      output->klass->close (output);
    output->engine = NULL;
  }
  engine->decider = NULL;
}

static void
close_sources (WeirEngine *engine)
{
  for (guint i = 0; i < engine->sources->len; i++) {
    WeirSource *source = g_ptr_array_index (engine->sources, i);

    if (source->klass->close != NULL)
      source->klass->close (source);
    g_clear_pointer (&source->uid, g_free);
    g_clear_pointer (&source->estimator, g_free);
  }
  g_ptr_array_set_size (engine->sources, 0);
}

void
weir_engine_close_parts (WeirEngine *engine)
{
  if (engine->checkpoint != NULL)
    weir_checkpoint_stop (engine->checkpoint);
  close_outputs (engine);
  if (engine->checkpoint != NULL)
    weir_checkpoint_forget_sources (engine->checkpoint);
  close_sources (engine);
}

/* What hangs on the loop, which does not run. */
static void
clear_loop_things (WeirEngine *engine)
{
  free_signals (engine);
  weir_timer_free (engine->tick);
  weir_timer_free (engine->deadline);
  engine->tick = engine->deadline = NULL;
}

static void
set_stopped (WeirContext *ctx)
{
  pthread_mutex_lock (&ctx->lock);
  ctx->state = WEIR_STOPPED;
  ctx->is_done = TRUE;
  pthread_cond_broadcast (&ctx->changed);
  pthread_mutex_unlock (&ctx->lock);
}

static gpointer
loop_main (gpointer data)
{
  WeirEngine *engine = data;

  pthread_setname_np (pthread_self (), "weir-loop");
  weir_loop_run (engine->loop);
  weir_driver_end (engine);
  clear_loop_things (engine);
  weir_engine_close_parts (engine);
  g_clear_pointer (&engine->checkpoint, weir_checkpoint_free);
  set_stopped (engine->ctx);
  return NULL;
}

static guint64
draw_seed (const WeirContext *ctx)
{
  guint64 seed = 0;

  if (!ctx->is_manual && getrandom (&seed, sizeof seed, 0) != sizeof seed)
    seed = (guint64) g_get_monotonic_time ();
  return seed;
}

static void
set_times (WeirEngine *engine)
{
  WeirContext *ctx = engine->ctx;
  WeirTime now = weir_clock_now (engine->clock);

  engine->interval = weir_options_duration (ctx->options, WEIR_OPTION_BATCH_INTERVAL);
  engine->zero = engine->last = now - now % engine->interval;
  engine->due = weir_clock_monotonic (engine->clock) + engine->zero + engine->interval - now;
  engine->catchup = weir_options_integer (ctx->options, WEIR_OPTION_CATCHUP_BATCHES);
  engine->stop_timeout = weir_options_duration (ctx->options, WEIR_OPTION_STOP_TIMEOUT);
}

static WeirEngine *
engine_new (WeirContext *ctx)
{
  WeirEngine *engine = g_new0 (WeirEngine, 1);
  gsize limit = (gsize) weir_options_size (ctx->options, WEIR_OPTION_MEMORY_LIMIT);

  engine->ctx = ctx;
  engine->log = &ctx->log;
  engine->clock = ctx->clock;
  engine->memory = ctx->memory = weir_memory_new (limit);
  engine->state_memory = ctx->state_memory =
      weir_memory_new ((gsize) weir_options_size (ctx->options, WEIR_OPTION_STATE_LIMIT));
  engine->failures = g_array_new (FALSE, FALSE, sizeof (gint64));
  engine->room = limit / ROOM_PART;
  engine->n_counters = ctx->counters->len;
  engine->n_partitions = weir_options_integer (ctx->options, WEIR_OPTION_PARTITIONS);
  engine->sources = g_ptr_array_new ();
  engine->waiters = g_array_new (FALSE, FALSE, sizeof (WeirRoomWaiter));
  engine->seed_drawn = draw_seed (ctx);
  weir_seed_init (&engine->seed, engine->seed_drawn);
  pthread_mutex_init (&engine->lock, NULL);
  sem_init (&engine->wake, 0, 0);
  set_times (engine);
  weir_report_init (&engine->report, engine->log, engine->interval);
  return engine;
}

static gboolean
open_sources (WeirEngine *engine, GError **error)
{
  GPtrArray *streams = engine->ctx->streams;

  for (guint i = 0; i < streams->len; i++) {
    WeirStream *stream = g_ptr_array_index (streams, i);
    WeirSource *source = stream->source;

    if (source == NULL || stream->n_consumers == 0)
      continue;
    source->engine = engine;
    source->uid = weir_stream_identity (stream);
    source->rate = 0;
    if (weir_options_choice (engine->ctx->options, WEIR_OPTION_BACKPRESSURE_ENABLED)) {
      source->estimator = g_new (WeirRate, 1);
      weir_rate_init (source->estimator, engine->interval);
    }
    g_ptr_array_add (engine->sources, source);
    if (source->klass->open != NULL && !source->klass->open (source, error)) {
      g_prefix_error (error, "%s: ", stream->label);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
open_outputs (WeirEngine *engine, GError **error)
{
  GPtrArray *outputs = engine->ctx->outputs;

  for (guint i = 0; i < outputs->len; i++) {
    WeirOutput *output = g_ptr_array_index (outputs, i);

    output->engine = engine;
    output->is_sealed = engine->checkpoint != NULL && output->klass->cut != NULL;
    if (output->klass->open != NULL && !output->klass->open (output, error)) {
      g_prefix_error (error, "%s: ", output->label);
      return FALSE;
    }
  }
  return TRUE;
}

gboolean
weir_engine_open_parts (WeirEngine *engine, GError **error)
{
  if (!open_sources (engine, error) || !open_outputs (engine, error))
    return FALSE;
  if (engine->checkpoint != NULL && !weir_checkpoint_recover (engine->checkpoint, &engine->replays, error)) {
    g_prefix_error (error, "checkpoint: ");
    return FALSE;
  }
  return engine->checkpoint == NULL || weir_checkpoint_run (engine->checkpoint, error);
}

static gboolean
start_thread (pthread_t *thread, gpointer (*f) (gpointer), WeirEngine *engine, GError **error)
{
  pthread_t fresh;
  int code = pthread_create (&fresh, NULL, f, engine);

  if (code == 0)
    *thread = fresh;
  else
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "cannot start a thread: %s", g_strerror (code));
  return code == 0;
}

static void
free_parts (WeirEngine *engine)
{
  clear_loop_things (engine);
  if (engine->loop != NULL)
    weir_loop_free (engine->loop);
  weir_workers_free (engine->workers);
  g_clear_pointer (&engine->lost, g_hash_table_unref);
  g_clear_pointer (&engine->replays, g_ptr_array_unref);
  g_array_unref (engine->failures);
  weir_report_clear (&engine->report);
  g_ptr_array_unref (engine->sources);
  g_array_unref (engine->waiters);
  if (engine->graves != NULL)
    g_ptr_array_unref (engine->graves);
  pthread_mutex_destroy (&engine->lock);
  sem_destroy (&engine->wake);
}

static gboolean
start_parts (WeirEngine *engine, gboolean with_signals, GError **error)
{
  engine->loop = weir_loop_new (error);
  if (engine->loop == NULL || !weir_checkpoint_open (engine, &engine->checkpoint, error))
    return FALSE;
  weir_driver_init (engine);
  engine->workers = weir_workers_new (weir_options_integer (engine->ctx->options, WEIR_OPTION_WORKERS));
  if (!weir_engine_open_parts (engine, error))
    return FALSE;
  weir_replay_set_out (engine);
  if (with_signals) {
    engine->signals[0] = weir_signal_new (engine->loop, SIGINT, on_signal, engine);
    engine->signals[1] = weir_signal_new (engine->loop, SIGTERM, on_signal, engine);
  }
  if (!start_thread (&engine->runner_thread, weir_runner_main, engine, error))
    return FALSE;
  __atomic_store_n (&engine->ctx->runner, engine, __ATOMIC_RELEASE);
  weir_loop_post (engine->loop, begin, engine);
  return start_thread (&engine->loop_thread, loop_main, engine, error);
}

WeirEngine *
weir_engine_start (WeirContext *ctx, gboolean with_signals, GError **error)
{
  WeirEngine *engine = engine_new (ctx);

  if (start_parts (engine, with_signals, error))
    return engine;
  __atomic_store_n (&ctx->runner, NULL, __ATOMIC_RELEASE);
  weir_engine_close_parts (engine);
  g_clear_pointer (&engine->checkpoint, weir_checkpoint_free);
  weir_engine_free (engine);
  return NULL;
}

gboolean
weir_engine_is_mine (const WeirEngine *engine)
{
  return pthread_equal (pthread_self (), engine->loop_thread) || pthread_equal (pthread_self (), engine->runner_thread);
}

static void
cut (gpointer engine)
{
  weir_driver_stop (engine, FALSE);
}

static void
stop_gracefully (gpointer engine)
{
  weir_driver_stop (engine, TRUE);
}

void
weir_engine_stop (WeirEngine *engine, gboolean graceful)
{
  weir_loop_post (engine->loop, graceful ? stop_gracefully : cut, engine);
}

typedef struct {
  WeirEngine *engine;
  guint n;
} Advance;

static void
advance (gpointer data)
{
  Advance *request = data;

  weir_driver_advance (request->engine, request->n);
  g_free (request);
}

void
weir_engine_advance (WeirEngine *engine, guint n_batches)
{
  Advance *request = g_new (Advance, 1);

  *request = (Advance){ engine, n_batches };
  if (!weir_loop_post (engine->loop, advance, request))
    g_free (request);
}

void
weir_engine_free (WeirEngine *engine)
{
  if (engine->loop_thread != 0) {
    weir_engine_stop (engine, FALSE);
    pthread_join (engine->loop_thread, NULL);
  }
  if (engine->runner_thread != 0) {
    weir_runner_quit (engine);
    pthread_join (engine->runner_thread, NULL);
  }
  free_parts (engine);
  g_free (engine);
}

WeirLoop *
weir_engine_loop (WeirEngine *engine)
{
  return engine->loop;
}

WeirMemory *
weir_engine_memory (WeirEngine *engine)
{
  return engine->memory;
}

WeirOptions *
weir_engine_options (WeirEngine *engine)
{
  return engine->ctx->options;
}

const WeirLog *
weir_engine_log (WeirEngine *engine)
{
  return engine->log;
}

gboolean
weir_engine_has_room (WeirEngine *engine)
{
  return weir_memory_used (engine->memory) < engine->room;
}

void
weir_engine_wake (WeirEngine *engine)
{
  weir_loop_post (engine->loop, weir_driver_wake, engine);
}

gboolean
weir_engine_is_durable (WeirEngine *engine)
{
  return engine->checkpoint != NULL;
}

const WeirClock *
weir_engine_clock (WeirEngine *engine)
{
  return engine->clock;
}

gboolean
weir_engine_is_manual (WeirEngine *engine)
{
  return engine->ctx->is_manual;
}

void
weir_engine_tell_receiver (WeirEngine *engine, WeirEvent event, const WeirReceiverInfo *info)
{
  weir_listeners_tell (engine->ctx, event, info);
}

const char *
weir_engine_job_name (WeirEngine *engine)
{
  return engine->ctx->name;
}

gboolean
weir_engine_set_decider (WeirEngine *engine, WeirDecider *decider, GError **error)
{
  if (engine->decider == NULL || engine->decider == decider) {
    engine->decider = decider;
    return TRUE;
  }
  g_set_error (
      error, WEIR_ERROR, WEIR_ERROR_GRAPH,
      "another transactional output goes to another cluster, and only one transaction can decide: write to one "
      "cluster");
  return FALSE;
}

guint
weir_engine_take_missed (WeirEngine *engine)
{
  guint n = engine->n_missed;

  engine->n_missed = 0;
  return n;
}

void
weir_engine_on_room (WeirEngine *engine, WeirSource *source, void (*again) (WeirSource *source))
{
  WeirRoomWaiter waiter = { source, again };

  g_array_append_val (engine->waiters, waiter);
}

void
weir_engine_count_reject (WeirEngine *engine, const WeirOp *op, const char *reason, guint64 n)
{
  g_autofree char *key = g_strdup_printf ("%s: %s", op->name, reason);

  weir_rejects_add (&engine->lost, key, n);
}

typedef struct {
  WeirEngine *engine;
  GError *error;
  guint n_opened;
} Failure;

static void
fail (gpointer data)
{
  Failure *failure = data;

  if (failure->n_opened == failure->engine->n_opened)
    weir_driver_fail (failure->engine, failure->error);
  else
    g_error_free (failure->error);
  g_free (failure);
}

void
weir_engine_fail (WeirEngine *engine, GError *error)
{
  Failure *failure = g_new (Failure, 1);

  *failure = (Failure){ engine, error, __atomic_load_n (&engine->n_opened, __ATOMIC_RELAXED) };
  if (!weir_loop_post (engine->loop, fail, failure)) {
    g_error_free (error);
    g_free (failure);
  }
}
