/* Owns the life of what runs: opens sources, starts and joins threads, and answers what sources ask of the engine.
 *
 * The job's thread starts and frees; the loop thread is in between. weir_engine_stop () and _advance () may come from
 * anywhere. SPDX-License-Identifier: Apache-2.0
 */
#include "engine/engine.h"

#include <signal.h>
#include <string.h>
#include <sys/random.h>

#include <weir/error.h>

static void
on_signal (gpointer data)
{
  WeirEngine *engine = data;

  if (engine->n_signals++ == 0)
    g_message ("stopping: what was received is processed first; a second signal stops at once");
  weir_driver_stop (engine, engine->n_signals == 1);
}

static void
begin (gpointer data)
{
  weir_driver_start (data);
}

static void
set_state (WeirContext *ctx, WeirContextState state, gboolean is_done)
{
  pthread_mutex_lock (&ctx->lock);
  ctx->state = state;
  ctx->is_done = is_done;
  pthread_cond_broadcast (&ctx->changed);
  pthread_mutex_unlock (&ctx->lock);
}

static void
close_sources (WeirEngine *engine)
{
  for (guint i = 0; i < engine->sources->len; i++) {
    WeirSource *source = g_ptr_array_index (engine->sources, i);

    if (source->klass->close != NULL)
      source->klass->close (source);
  }
}

static void
clear_loop_things (WeirEngine *engine)
{
  for (guint i = 0; i < G_N_ELEMENTS (engine->signals); i++)
    if (engine->signals[i] != NULL)
      weir_signal_free (engine->signals[i]);
  if (engine->tick != NULL)
    weir_timer_free (engine->tick);
  if (engine->deadline != NULL)
    weir_timer_free (engine->deadline);
  memset (engine->signals, 0, sizeof engine->signals);
  engine->tick = engine->deadline = NULL;
}

static gpointer
loop_main (gpointer data)
{
  WeirEngine *engine = data;

  pthread_setname_np (pthread_self (), "weir-loop");
  weir_loop_run (engine->loop);
  weir_runner_quit (engine);
  pthread_join (engine->runner_thread, NULL);
  clear_loop_things (engine);
  close_sources (engine);
  g_message ("%s: stopped after %" G_GUINT64_FORMAT " batches, %" G_GUINT64_FORMAT " records, %" G_GUINT64_FORMAT
             " rejected",
             engine->ctx->name, engine->n_batches, engine->n_records, engine->n_rejected);
  set_state (engine->ctx, WEIR_STOPPED, TRUE);
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
  WeirTime now = ctx->is_manual ? ctx->manual_start : g_get_real_time ();

  engine->interval = weir_options_duration (ctx->options, WEIR_OPTION_BATCH_INTERVAL);
  engine->zero = engine->last = now - now % engine->interval;
  engine->due = g_get_monotonic_time () + engine->zero + engine->interval - now;
  engine->catchup = weir_options_integer (ctx->options, WEIR_OPTION_CATCHUP_BATCHES);
  engine->stop_timeout = weir_options_duration (ctx->options, WEIR_OPTION_STOP_TIMEOUT);
}

static WeirEngine *
engine_new (WeirContext *ctx)
{
  WeirEngine *engine = g_new0 (WeirEngine, 1);
  gsize limit = (gsize) weir_options_size (ctx->options, WEIR_OPTION_MEMORY_LIMIT);

  engine->ctx = ctx;
  engine->memory = weir_memory_new (limit);
  engine->room = limit / 2;
  engine->n_partitions = weir_options_integer (ctx->options, WEIR_OPTION_PARTITIONS);
  engine->sources = g_ptr_array_new ();
  engine->waiters = g_array_new (FALSE, FALSE, sizeof (WeirRoomWaiter));
  weir_seed_init (&engine->seed, draw_seed (ctx));
  pthread_mutex_init (&engine->lock, NULL);
  pthread_cond_init (&engine->wake, NULL);
  set_times (engine);
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
    g_ptr_array_add (engine->sources, source);
    if (source->klass->open != NULL && !source->klass->open (source, error)) {
      g_prefix_error (error, "%s: ", stream->label);
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
start_thread (pthread_t *thread, gpointer (*f) (gpointer), WeirEngine *engine, GError **error)
{
  int code = pthread_create (thread, NULL, f, engine);

  if (code != 0)
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
  if (engine->lost != NULL)
    g_hash_table_unref (engine->lost);
  g_ptr_array_unref (engine->sources);
  g_array_unref (engine->waiters);
  pthread_mutex_destroy (&engine->lock);
  pthread_cond_destroy (&engine->wake);
}

static gboolean
start_parts (WeirEngine *engine, gboolean with_signals, GError **error)
{
  engine->loop = weir_loop_new (error);
  if (engine->loop == NULL || !open_sources (engine, error))
    return FALSE;
  engine->workers = weir_workers_new (weir_options_integer (engine->ctx->options, WEIR_OPTION_WORKERS));
  if (with_signals) {
    engine->signals[0] = weir_signal_new (engine->loop, SIGINT, on_signal, engine);
    engine->signals[1] = weir_signal_new (engine->loop, SIGTERM, on_signal, engine);
  }
  if (!start_thread (&engine->runner_thread, weir_runner_main, engine, error))
    return FALSE;
  weir_loop_post (engine->loop, begin, engine);
  if (start_thread (&engine->loop_thread, loop_main, engine, error))
    return TRUE;
  weir_runner_quit (engine);
  pthread_join (engine->runner_thread, NULL);
  return FALSE;
}

gboolean
weir_engine_start (WeirContext *ctx, gboolean with_signals, GError **error)
{
  WeirEngine *engine = engine_new (ctx);

  ctx->engine = engine;
  set_state (ctx, WEIR_ACTIVE, FALSE);
  if (start_parts (engine, with_signals, error))
    return TRUE;
  close_sources (engine);
  set_state (ctx, WEIR_STOPPED, TRUE);
  return FALSE;
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

gboolean
weir_engine_has_room (WeirEngine *engine)
{
  return weir_memory_used (engine->memory) < engine->room;
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
  guint64 *count;

  if (engine->lost == NULL)
    engine->lost = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  count = g_hash_table_lookup (engine->lost, key);
  if (count == NULL) {
    count = g_new0 (guint64, 1);
    g_hash_table_insert (engine->lost, g_steal_pointer (&key), count);
  }
  *count += n;
}

typedef struct {
  WeirEngine *engine;
  GError *error;
} Failure;

static void
fail (gpointer data)
{
  Failure *failure = data;

  weir_driver_fail (failure->engine, failure->error);
  g_free (failure);
}

void
weir_engine_fail (WeirEngine *engine, GError *error)
{
  Failure *failure = g_new (Failure, 1);

  *failure = (Failure){ engine, error };
  if (!weir_loop_post (engine->loop, fail, failure)) {
    g_error_free (error);
    g_free (failure);
  }
}
