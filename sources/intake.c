/* Owns an intake's opening and closing, and holds back who stores: at memory.limit, while batches are late, by rate. Must
 * not know who receives, nor what the records are.
 *
 * Without a log a block is whatever came within an interval; the next batch takes all of them. With one the writer
 * (sources/intake-writer.c) ends the open block when an interval is over, and all that is pending gets durable with one
 * sync. Threads: any stores, the writer writes, the loop plans; see intake.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/intake.h"

#include <weir/error.h>

#include "engine/clock.h"
#include "engine/loop.h"
#include "engine/options.h"

/* What is stored at once may take this part of memory.limit; and so may what a batch takes of the log. */
#define LIMIT_SHARE  4
#define MOST_AT_ONCE ((gsize) 1024 * 1024 * 1024)

gboolean
weir_intake_wants_log (WeirEngine *engine)
{
  return weir_options_choice (weir_engine_options (engine), WEIR_OPTION_RECEIVER_WAL) == 1;
}

/* --- opening --- */

static char *
log_folder (WeirIntake *intake, GError **error)
{
  const WeirOptions *options = weir_engine_options (intake->engine);
  g_autofree char *place =
      weir_block_log_place (weir_options_string (options, WEIR_OPTION_CHECKPOINT),
                            weir_options_string (options, WEIR_OPTION_RECEIVER_WAL_DIRECTORY), error);
  g_autofree char *uid = g_uri_escape_string (intake->source->uid, NULL, FALSE);
  g_autofree char *name = g_strconcat ("of-", uid, NULL); /* no uid makes it "." */

  return place != NULL ? g_build_filename (place, name, NULL) : NULL;
}

/* Blocks that an earlier run has logged must not be left out in silence. */
static gboolean
check_no_log (WeirIntake *intake, GError **error)
{
  g_autofree char *folder = weir_engine_is_durable (intake->engine) ? log_folder (intake, NULL) : NULL;

  if (folder == NULL || !weir_block_log_is_there (folder))
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
               "%s holds what was received and logged by an earlier run, and with receiver.wal=false nobody would read "
               "it: set receiver.wal=true, or remove the folder",
               folder);
  return FALSE;
}

static gboolean
open_log (WeirIntake *intake, const char *form, GError **error)
{
  g_autofree char *folder = log_folder (intake, error);
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (WeirLoggedBlock));
  const WeirBlockLogSettings settings = { folder, form, 0, weir_engine_log (intake->engine) };

  if (folder == NULL)
    return FALSE;
  intake->log = weir_block_log_open (&settings, found, error);
  if (intake->log == NULL)
    return FALSE;
  for (guint i = 0; i < found->len; i++) {
    const WeirLoggedBlock *logged = &g_array_index (found, WeirLoggedBlock, i);
    WeirReceived received = { .size = logged->size, .n_records = logged->n_records, .logged = *logged };

    g_array_append_val (intake->staged, received);
  }
  intake->next = intake->was_sealed = intake->logged_from = weir_block_log_first (intake->log);
  intake->logged_until = weir_block_log_next (intake->log);
  return TRUE;
}

static void
init_lock (WeirIntake *intake)
{
  pthread_condattr_t attributes;

  pthread_mutex_init (&intake->lock, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&intake->changed, &attributes);
  pthread_condattr_destroy (&attributes);
}

static void
init (WeirIntake *intake, const WeirIntakeSpec *spec)
{
  WeirEngine *engine = spec->source->engine;
  const WeirOptions *options = weir_engine_options (engine);
  WeirMemory *memory = weir_engine_memory (engine);

  *intake = (WeirIntake){
    .source = spec->source,
    .engine = engine,
    .memory = memory,
    .again = spec->again,
    .interval = weir_options_duration (options, WEIR_OPTION_RECEIVER_BLOCK_INTERVAL),
    .bytes_of_a_partition = spec->bytes_of_a_partition,
    .most_bytes = MIN (weir_memory_limit (memory) / LIMIT_SHARE, MOST_AT_ONCE),
    .n_partitions = weir_options_integer (options, WEIR_OPTION_PARTITIONS),
    .pending = g_array_new (FALSE, FALSE, sizeof (WeirReceived)),
    .staged = g_array_new (FALSE, FALSE, sizeof (WeirReceived)),
    .scratch = g_byte_array_new (),
    .is_open = TRUE,
  };
  init_lock (intake);
  weir_backlog_init (&intake->backlog);
  intake->most_rate = weir_options_integer (options, WEIR_OPTION_RECEIVER_MAX_RATE);
  intake->is_throttled = intake->most_rate > 0 || spec->source->estimator != NULL;
  weir_throttle_init (&intake->throttle, intake->most_rate, weir_intake_now (intake));
}

gboolean
weir_intake_open (WeirIntake *intake, const WeirIntakeSpec *spec, GError **error)
{
  gboolean ok;

  init (intake, spec);
  if (weir_intake_wants_log (intake->engine))
    ok = open_log (intake, spec->form, error) && weir_intake_writer_start (intake, error);
  else
    ok = check_no_log (intake, error);
  if (!ok)
    weir_intake_close (intake);
  return ok;
}

static void
unref_all (GArray *blocks)
{
  for (guint i = 0; i < blocks->len; i++)
    g_clear_pointer (&g_array_index (blocks, WeirReceived, i).block, weir_block_unref);
  g_array_unref (blocks);
}

void
weir_intake_close (WeirIntake *intake)
{
  if (!intake->is_open)
    return;
  intake->is_open = FALSE;
  weir_intake_writer_stop (intake);
  g_clear_pointer (&intake->log, weir_block_log_close);
  g_clear_pointer (&intake->open.block, weir_block_unref);
  unref_all (intake->pending);
  unref_all (intake->staged);
  g_byte_array_unref (intake->scratch);
  weir_backlog_clear (&intake->backlog);
  pthread_cond_destroy (&intake->changed);
  pthread_mutex_destroy (&intake->lock);
}

/* --- waiting; under lock --- */

gint64
weir_intake_now (const WeirIntake *intake)
{
  return weir_clock_monotonic (weir_engine_clock (intake->engine));
}

/* A clock that is moved by hand has moved when the next batch is planned. */
static void
wait_until (WeirIntake *intake, gint64 at)
{
  const struct timespec until = { at / G_USEC_PER_SEC, at % G_USEC_PER_SEC * 1000 };

  if (weir_engine_is_manual (intake->engine))
    pthread_cond_wait (&intake->changed, &intake->lock);
  else
    pthread_cond_timedwait (&intake->changed, &intake->lock, &until);
}

gboolean
weir_intake_looks_full (const WeirIntake *intake)
{
  return weir_backlog_is_full (&intake->backlog, intake->n_waiting) || !weir_engine_has_room (intake->engine);
}

gboolean
weir_intake_is_full (WeirIntake *intake)
{
  gboolean is;

  pthread_mutex_lock (&intake->lock);
  is = weir_intake_looks_full (intake);
  pthread_mutex_unlock (&intake->lock);
  return is;
}

/* Loop thread. */
static void
ask_room (gpointer data)
{
  WeirIntake *intake = data;

  if (intake->is_open)
    weir_engine_on_room (intake->engine, intake->source, intake->again);
}

void
weir_intake_wake (WeirIntake *intake)
{
  pthread_mutex_lock (&intake->lock);
  intake->asks_room = FALSE;
  pthread_cond_broadcast (&intake->changed);
  pthread_mutex_unlock (&intake->lock);
}

/* Whoever waits looks again after each batch; the engine is asked so that a context that can never have room again says
 * so, and so that one that stops plans what there is. */
void
weir_intake_wait_for_room (WeirIntake *intake)
{
  if (!intake->asks_room)
    intake->asks_room = weir_loop_post (weir_engine_loop (intake->engine), ask_room, intake);
  if (intake->is_stopping)
    weir_engine_wake (intake->engine);
  pthread_cond_wait (&intake->changed, &intake->lock);
}

void
weir_intake_throttle (WeirIntake *intake, guint64 n)
{
  WeirTime wait;

  if (!intake->is_throttled)
    return;
  pthread_mutex_lock (&intake->lock);
  while (!intake->is_closing && !intake->is_stopping &&
         (wait = weir_throttle_take (&intake->throttle, n, weir_intake_now (intake))) > 0)
    wait_until (intake, weir_intake_now (intake) + wait);
  pthread_mutex_unlock (&intake->lock);
}

gboolean
weir_intake_pause (WeirIntake *intake, gint64 until)
{
  gboolean goes_on;

  pthread_mutex_lock (&intake->lock);
  while (!intake->is_closing && !intake->is_stopping && weir_intake_now (intake) < until)
    wait_until (intake, until);
  goes_on = !intake->is_closing && !intake->is_stopping;
  pthread_mutex_unlock (&intake->lock);
  return goes_on;
}

void
weir_intake_set_fed (WeirIntake *intake, gboolean is_fed)
{
  pthread_mutex_lock (&intake->lock);
  intake->is_fed = is_fed;
  pthread_cond_broadcast (&intake->changed);
  pthread_mutex_unlock (&intake->lock);
  if (!is_fed)
    weir_engine_wake (intake->engine);
}

void
weir_intake_stop (WeirIntake *intake)
{
  pthread_mutex_lock (&intake->lock);
  intake->is_stopping = TRUE;
  pthread_cond_broadcast (&intake->changed);
  pthread_mutex_unlock (&intake->lock);
}

void
weir_intake_cut (WeirIntake *intake)
{
  pthread_mutex_lock (&intake->lock);
  intake->is_closing = TRUE;
  pthread_cond_broadcast (&intake->changed);
  pthread_mutex_unlock (&intake->lock);
}

/* Under lock: more may be pending, or be durable, soon. */
static gboolean
is_ending (const WeirIntake *intake)
{
  gboolean is_being_written = intake->log != NULL && !intake->has_failed && intake->n_pending > 0;

  return intake->is_fed || is_being_written;
}

gboolean
weir_intake_is_ending (WeirIntake *intake)
{
  gboolean is;

  if (!intake->is_open)
    return FALSE;
  pthread_mutex_lock (&intake->lock);
  is = is_ending (intake);
  pthread_mutex_unlock (&intake->lock);
  return is;
}

/* While a stop waits for the last records there is no batch for each of those before them, unless they take the room. */
gboolean
weir_intake_has_staged (WeirIntake *intake)
{
  gboolean has;

  if (!intake->is_open)
    return FALSE;
  pthread_mutex_lock (&intake->lock);
  has = intake->staged->len > 0 || intake->n_too_large + intake->n_too_deep > 0 ||
        (intake->log == NULL && intake->n_pending > 0);
  if (intake->is_stopping && is_ending (intake))
    has = has && weir_intake_looks_full (intake);
  else
    has |= intake->n_pending > 0 && !intake->has_failed;
  pthread_mutex_unlock (&intake->lock);
  return has;
}
