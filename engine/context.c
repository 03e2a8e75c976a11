/* Owns the context as a job sees it: options, start, await, stop, and what the job gave it to keep.
 * Threads: built by one; stop, state and await from any. See context.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/context.h"

#include <errno.h>
#include <locale.h>

#include <weir/error.h>

#include "engine/counter.h"
#include "engine/descriptors.h"
#include "engine/engine.h"

typedef struct {
  gpointer data;
  GDestroyNotify destroy;
} Owned;

static void
owned_free (gpointer data)
{
  Owned *owned = data;

  owned->destroy (owned->data);
  g_free (owned);
}

/**
 * weir_context_new:
 * @name: what the job is called, in --help, logs and errors; copied
 * @batch_interval: how long a batch is, in microseconds; the option `batch.interval` overrides it
 *
 * Makes a context, which owns the graph that is built in it. An interval out of range is an error at start
 * (%WEIR_ERROR_GRAPH).
 *
 * Returns: (transfer full): the context; free with weir_context_free()
 */
WeirContext *
weir_context_new (const char *name, WeirTime batch_interval)
{
  WeirContext *ctx = g_new0 (WeirContext, 1);
  g_autoptr (GError) error = NULL;
  pthread_condattr_t attributes;

  weir_descriptors_hold ();
  ctx->clock = weir_clock_system ();
  ctx->n_awaited = G_MAXUINT64;
  ctx->name = g_strdup (name != NULL ? name : "weir");
  ctx->log = (WeirLog){ ctx->name, WEIR_LOG_INFO };
  ctx->options = weir_options_new ();
  ctx->command_line = weir_command_line_new (ctx->name);
  ctx->streams = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_stream_free);
  ctx->outputs = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_output_free);
  ctx->mistakes = g_ptr_array_new_with_free_func (g_free);
  ctx->listeners = g_ptr_array_new_with_free_func (g_free);
  ctx->counters = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_counter_free);
  ctx->owned = g_ptr_array_new_with_free_func (owned_free);
  pthread_mutex_init (&ctx->lock, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&ctx->changed, &attributes);
  pthread_condattr_destroy (&attributes);
  if (!weir_options_set_number (ctx->options, WEIR_OPTION_BATCH_INTERVAL, batch_interval, &error))
    g_ptr_array_add (ctx->mistakes, g_strdup_printf ("the context's batch interval: %s", error->message));
  return ctx;
}

WeirContext *
weir_context_new_manual (const char *name, WeirTime batch_interval, WeirTime start)
{
  WeirContext *ctx = weir_context_new (name, batch_interval);

  weir_manual_clock_init (&ctx->manual, start);
  ctx->clock = &ctx->manual.clock;
  ctx->is_manual = TRUE;
  return ctx;
}

/* Is this the thread of a function that the context calls? Under ctx->lock. */
static gboolean
is_mine (const WeirContext *ctx)
{
  return ctx->engine != NULL && !ctx->is_done && weir_engine_is_mine (ctx->engine);
}

static gboolean
is_called_here (WeirContext *ctx)
{
  gboolean is_called;

  pthread_mutex_lock (&ctx->lock);
  is_called = is_mine (ctx);
  pthread_mutex_unlock (&ctx->lock);
  return is_called;
}

static gboolean
is_starting (WeirContext *ctx)
{
  gboolean is;

  pthread_mutex_lock (&ctx->lock);
  is = ctx->state == WEIR_ACTIVE && ctx->engine == NULL;
  pthread_mutex_unlock (&ctx->lock);
  return is;
}

/**
 * weir_context_free:
 * @ctx: (nullable): the context
 *
 * Stops at once if it runs, waits for the job's functions in the running batch to return, and frees the graph and all
 * that belongs to it. Not from a function that the context calls: on the threads where that can be told it is refused,
 * with a critical message.
 */
void
weir_context_free (WeirContext *ctx)
{
  if (ctx == NULL)
    return;
  g_return_if_fail (!is_starting (ctx) && !is_called_here (ctx));
  if (ctx->engine != NULL)
    weir_engine_free (ctx->engine);
  g_ptr_array_unref (ctx->outputs);
  g_ptr_array_unref (ctx->streams);
  weir_memory_free (ctx->memory);
  weir_memory_free (ctx->state_memory);
  g_ptr_array_unref (ctx->owned);
  g_ptr_array_unref (ctx->counters);
  g_ptr_array_unref (ctx->listeners);
  g_ptr_array_unref (ctx->mistakes);
  weir_command_line_free (ctx->command_line);
  weir_options_free (ctx->options);
  pthread_cond_destroy (&ctx->changed);
  pthread_mutex_destroy (&ctx->lock);
  g_clear_error (&ctx->error);
  g_free (ctx->name);
  g_free (ctx);
}

/**
 * weir_context_set_name:
 * @ctx: the context
 * @name: what this run of the program is called from now on, in logs and errors, and towards servers; copied
 *
 * Names the job once its arguments are known, where a program runs several times at once: transactional ids of Kafka are
 * made of it, and two jobs of one name shut each other out. --help keeps the name of weir_context_new(). To be called
 * before the context starts; a job that is to go on from its checkpoint has to be called the same each time.
 */
void
weir_context_set_name (WeirContext *ctx, const char *name)
{
  g_return_if_fail (ctx != NULL && name != NULL && name[0] != '\0');
  if (!weir_context_may_build (ctx, "the name of the context"))
    return;
  g_free (ctx->name);
  ctx->name = g_strdup (name);
  ctx->log.name = ctx->name;
}

/**
 * weir_context_set_usage:
 * @ctx: the context
 * @words: the words that the command line must have, such as "HOST PORT" or "BROKERS TOPIC..."
 *
 * Has weir_context_parse_args() ask for words, and --help show them.
 */
void
weir_context_set_usage (WeirContext *ctx, const char *words)
{
  g_return_if_fail (ctx != NULL);
  weir_command_line_set_usage (ctx->command_line, words);
}

/**
 * weir_context_add_options:
 * @ctx: the context
 * @entries: (array zero-terminated=1): the job's own options; must live until weir_context_parse_args() has returned
 *
 * Adds options of the job's own to the command line and to --help.
 */
void
weir_context_add_options (WeirContext *ctx, const GOptionEntry *entries)
{
  g_return_if_fail (ctx != NULL && entries != NULL);
  weir_command_line_add_entries (ctx->command_line, entries);
}

/**
 * weir_context_parse_args:
 * @ctx: the context
 * @argc: (inout): the number of words
 * @argv: (inout): the words; options are taken out, the program's name and the positional words are left
 * @error: %WEIR_ERROR_OPTION: an unknown option, a value out of range, a word missing, or the context has started;
 * %WEIR_ERROR_HELP: --help or --version was asked for and printed
 *
 * Reads the command line, the environment (WEIR_…) and the file of --config. Before start. A program that has set no locale
 * gets the character type of C.UTF-8, with which GLib writes the log as it is; nothing else depends on it.
 *
 * Returns: %TRUE if the job is to go on
 */
gboolean
weir_context_parse_args (WeirContext *ctx, int *argc, char ***argv, GError **error)
{
  g_return_val_if_fail (ctx != NULL && argc != NULL && argv != NULL, FALSE);
  if (weir_context_state (ctx) != WEIR_INITIALIZED) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
                 "the command line cannot be read once %s has started: read it before", ctx->name);
    return FALSE;
  }
  if (g_strcmp0 (setlocale (LC_CTYPE, NULL), "C") == 0)
    setlocale (LC_CTYPE, "C.UTF-8"); /* with "C" GLib's log has '?' for what is not ASCII */
  return weir_command_line_parse (ctx->command_line, ctx->options, argc, argv, error);
}

/**
 * weir_context_set:
 * @ctx: the context
 * @key: an option, such as "batch.interval"
 * @value: as on the command line, such as "200ms"
 * @error: %WEIR_ERROR_OPTION: no such option (the nearest one is named), or a value that is none
 *
 * Sets an option from the job's code. The file, the environment and the command line override it. Before start.
 *
 * Returns: %TRUE if it is set
 */
gboolean
weir_context_set (WeirContext *ctx, const char *key, const char *value, GError **error)
{
  g_return_val_if_fail (ctx != NULL && key != NULL && value != NULL, FALSE);
  if (weir_context_state (ctx) == WEIR_INITIALIZED)
    return weir_options_set (ctx->options, key, value, WEIR_ORIGIN_SET, error);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
               "%s cannot be set to '%s' once the context has started: set it before", key, value);
  return FALSE;
}

/* The first start alone may go on: it makes the context active. */
static gboolean
claim_start (WeirContext *ctx, GError **error)
{
  WeirContextState state;

  pthread_mutex_lock (&ctx->lock);
  state = ctx->state;
  if (state == WEIR_INITIALIZED)
    ctx->state = WEIR_ACTIVE;
  pthread_mutex_unlock (&ctx->lock);
  if (state == WEIR_ACTIVE)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "%s runs already: start a context once", ctx->name);
  else if (state == WEIR_STOPPED)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_CLOSED, "%s has stopped and cannot start again: make a new context",
                 ctx->name);
  return state == WEIR_INITIALIZED;
}

/* Makes the engine known to other threads, and hands on what they asked for meanwhile. NULL: the start failed. */
static void
publish (WeirContext *ctx, WeirEngine *engine, const GError *error)
{
  pthread_mutex_lock (&ctx->lock);
  ctx->engine = engine;
  if (engine == NULL) {
    ctx->state = WEIR_STOPPED;
    ctx->is_done = TRUE;
    ctx->error = g_error_copy (error);
  } else if (ctx->stop != WEIR_STOP_NOT_ASKED) {
    weir_engine_stop (engine, ctx->stop == WEIR_STOP_GRACEFULLY);
  }
  pthread_cond_broadcast (&ctx->changed);
  pthread_mutex_unlock (&ctx->lock);
}

static gboolean
start (WeirContext *ctx, gboolean with_signals, GError **error)
{
  WeirEngine *engine = NULL;
  GError *failure = NULL;

  if (!claim_start (ctx, error))
    return FALSE;
  ctx->log.level = weir_options_choice (ctx->options, WEIR_OPTION_LOG_LEVEL);
  if (weir_graph_check (ctx, &failure))
    engine = weir_engine_start (ctx, with_signals, &failure);
  publish (ctx, engine, failure);
  if (failure != NULL)
    g_propagate_error (error, failure);
  return engine != NULL;
}

/**
 * weir_context_start:
 * @ctx: the context
 * @error: %WEIR_ERROR_GRAPH: a mistake in the graph, one line each; %WEIR_ERROR_CLOSED: it has stopped; or what a
 * source said about its own start
 *
 * Checks the graph and starts to run it, on threads of its own. After a failure the context is stopped.
 *
 * Returns: %TRUE if it runs
 */
gboolean
weir_context_start (WeirContext *ctx, GError **error)
{
  g_return_val_if_fail (ctx != NULL, FALSE);
  return start (ctx, FALSE, error);
}

static struct timespec
deadline_in (WeirTime timeout)
{
  gint64 now = g_get_monotonic_time (), at = now + MIN (timeout, G_MAXINT64 - now);

  return (struct timespec){ at / G_USEC_PER_SEC, at % G_USEC_PER_SEC * 1000 };
}

/* Under ctx->lock. */
static gboolean
is_running (const WeirContext *ctx)
{
  return ctx->state != WEIR_INITIALIZED && !ctx->is_done;
}

/* Waits for a change until the time is over; FALSE: it is over. Under ctx->lock. */
static gboolean
wait_changed (WeirContext *ctx, WeirTime timeout, const struct timespec *deadline)
{
  if (timeout < 0)
    return pthread_cond_wait (&ctx->changed, &ctx->lock) == 0;
  return pthread_cond_timedwait (&ctx->changed, &ctx->lock, deadline) != ETIMEDOUT;
}

/**
 * weir_context_await:
 * @ctx: the context
 * @timeout: in microseconds; below 0: for ever
 * @error: why it failed
 *
 * Waits until the context has stopped. Blocks; any thread but those that the context calls functions on: there it
 * would wait for itself. A context whose start failed has failed.
 *
 * Returns: whether it stopped, failed, or the time was over first; %WEIR_WAIT_STOPPED at once for one that never
 * started
 */
WeirWait
weir_context_await (WeirContext *ctx, WeirTime timeout, GError **error)
{
  struct timespec deadline = deadline_in (MAX (timeout, 0));
  gboolean in_time = TRUE;
  WeirWait result = WEIR_WAIT_TIMEOUT;

  g_return_val_if_fail (ctx != NULL, WEIR_WAIT_FAILED);
  pthread_mutex_lock (&ctx->lock);
  while (is_running (ctx) && in_time && !(timeout < 0 && is_mine (ctx)))
    in_time = wait_changed (ctx, timeout, &deadline);
  if (!is_running (ctx))
    result = ctx->error != NULL ? WEIR_WAIT_FAILED : WEIR_WAIT_STOPPED;
  if (result == WEIR_WAIT_FAILED)
    g_propagate_error (error, g_error_copy (ctx->error));
  pthread_mutex_unlock (&ctx->lock);
  if (result == WEIR_WAIT_TIMEOUT && timeout < 0)
    g_critical ("%s: a function that the context calls cannot wait for it to stop", ctx->name);
  return result;
}

/**
 * weir_context_stop:
 * @ctx: the context
 * @graceful: process all that was received first; else cut the running batch short and drop those that wait
 *
 * Asks the context to stop and returns at once; weir_context_await() waits for the end. Any thread, any time, functions
 * that the context calls included; more than once: a stop at once overtakes a graceful one. Before start it makes the
 * context stopped. What a graceful stop has not done within the option `stop.timeout` is cut.
 */
void
weir_context_stop (WeirContext *ctx, gboolean graceful)
{
  WeirStopAsked asked = graceful ? WEIR_STOP_GRACEFULLY : WEIR_STOP_AT_ONCE;

  g_return_if_fail (ctx != NULL);
  pthread_mutex_lock (&ctx->lock);
  if (ctx->state == WEIR_INITIALIZED) {
    ctx->state = WEIR_STOPPED;
    ctx->is_done = TRUE;
    pthread_cond_broadcast (&ctx->changed);
  } else if (ctx->engine != NULL) {
    weir_engine_stop (ctx->engine, graceful);
  } else {
    ctx->stop = MAX (ctx->stop, asked);
  }
  pthread_mutex_unlock (&ctx->lock);
}

/**
 * weir_context_run:
 * @ctx: the context
 * @error: as of weir_context_start() and weir_context_await()
 *
 * Starts and waits until the context has stopped. SIGINT and SIGTERM stop it gracefully, a second one at once, a third
 * one does what it did before the call, which mostly is to end the process; so does one that comes before the context has
 * started, when nothing has been received that could be lost. Blocks. Signals are the process's: of
 * several contexts that run at a time the last one started gets them.
 *
 * Returns: %TRUE if it stopped because it was asked to
 */
gboolean
weir_context_run (WeirContext *ctx, GError **error)
{
  g_return_val_if_fail (ctx != NULL, FALSE);
  return start (ctx, TRUE, error) && weir_context_await (ctx, -1, error) == WEIR_WAIT_STOPPED;
}

/**
 * weir_context_state:
 * @ctx: the context
 *
 * Returns: whether it is still being built, runs, or has stopped; any thread
 */
WeirContextState
weir_context_state (WeirContext *ctx)
{
  WeirContextState state;

  g_return_val_if_fail (ctx != NULL, WEIR_STOPPED);
  pthread_mutex_lock (&ctx->lock);
  state = ctx->state;
  pthread_mutex_unlock (&ctx->lock);
  return state;
}

/**
 * weir_context_own:
 * @ctx: the context
 * @data: (transfer full): what the job's functions use
 * @destroy: frees it, when the context is freed
 *
 * Hands the context what must live as long as its functions may be called. Any thread.
 */
void
weir_context_own (WeirContext *ctx, gpointer data, GDestroyNotify destroy)
{
  Owned *owned;

  g_return_if_fail (ctx != NULL && destroy != NULL);
  owned = g_new (Owned, 1);
  *owned = (Owned){ data, destroy };
  pthread_mutex_lock (&ctx->lock);
  g_ptr_array_add (ctx->owned, owned);
  pthread_mutex_unlock (&ctx->lock);
}

gboolean
weir_context_may_build (WeirContext *ctx, const char *what)
{
  static const char format[] = "%s came after the context had started: build the whole graph before start";
  WeirEngine *engine;
  gboolean may;

  pthread_mutex_lock (&ctx->lock);
  may = ctx->state == WEIR_INITIALIZED;
  engine = ctx->is_done ? NULL : ctx->engine;
  pthread_mutex_unlock (&ctx->lock);
  if (!may && engine != NULL)
    weir_engine_fail (engine, g_error_new (WEIR_ERROR, WEIR_ERROR_GRAPH, format, what));
  else if (!may)
    weir_log (&ctx->log, WEIR_LOG_ERROR, format, what);
  return may;
}

/* Under ctx->lock. */
static gboolean
await_batches (WeirContext *ctx, guint64 target, GError **error)
{
  while (ctx->n_completed < target && !ctx->is_done) {
    ctx->n_awaited = MIN (ctx->n_awaited, target);
    pthread_cond_wait (&ctx->changed, &ctx->lock);
  }
  if (ctx->error != NULL)
    g_propagate_error (error, g_error_copy (ctx->error));
  else if (ctx->n_completed < target)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_CLOSED, "%s has stopped, so it cannot advance", ctx->name);
  return ctx->error == NULL && ctx->n_completed >= target;
}

gboolean
weir_context_advance (WeirContext *ctx, guint n_batches, GError **error)
{
  gboolean ok;

  g_return_val_if_fail (ctx->is_manual, FALSE);
  if (is_called_here (ctx)) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "a function that %s calls cannot wait for its batches",
                 ctx->name);
    return FALSE;
  }
  if (weir_context_state (ctx) == WEIR_INITIALIZED && !start (ctx, FALSE, error))
    return FALSE;
  pthread_mutex_lock (&ctx->lock);
  if (ctx->engine != NULL) /* some of which may be complete by now */
    ctx->n_asked += weir_engine_take_missed (ctx->engine);
  ctx->n_asked = MAX (ctx->n_asked, ctx->n_completed) + n_batches;
  if (ctx->engine != NULL)
    weir_engine_advance (ctx->engine, n_batches);
  ok = await_batches (ctx, ctx->n_asked, error);
  pthread_mutex_unlock (&ctx->lock);
  return ok;
}
