/* Owns what has come in and is in no batch yet, and holds back who stores: at memory.limit, while batches are late, by
 * rate. Must not know who receives, nor what the records are.
 *
 * Without a log a block is whatever came within an interval; the next batch takes all of them. With one the writer
 * (sources/intake-writer.c) ends the open block when an interval is over, and all that is pending gets durable with one
 * sync. Threads: any stores, the writer writes, the loop plans; see intake.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/intake.h"

#include <errno.h>
#include <string.h>

#include <weir/error.h>

#include "engine/clock.h"
#include "engine/loop.h"
#include "engine/options.h"
#include "engine/wire.h"

#define BLOCK_PAYLOAD ((gsize) 256 * 1024 - sizeof (WeirBlock))

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
  weir_throttle_init (&intake->throttle, weir_options_integer (options, WEIR_OPTION_RECEIVER_MAX_RATE),
                      weir_clock_monotonic (weir_engine_clock (engine)));
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

static gint64
now (const WeirIntake *intake)
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

static gboolean
is_full (const WeirIntake *intake)
{
  return weir_backlog_is_full (&intake->backlog, intake->n_waiting) || !weir_engine_has_room (intake->engine);
}

gboolean
weir_intake_is_full (WeirIntake *intake)
{
  gboolean is;

  pthread_mutex_lock (&intake->lock);
  is = is_full (intake);
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
static void
wait_for_room (WeirIntake *intake)
{
  if (!intake->asks_room)
    intake->asks_room = weir_loop_post (weir_engine_loop (intake->engine), ask_room, intake);
  if (intake->is_stopping)
    weir_engine_wake (intake->engine);
  pthread_cond_wait (&intake->changed, &intake->lock);
}

/* --- storing --- */

/* Under lock. */
static void
add_pending (WeirIntake *intake, const WeirReceived *block)
{
  g_array_append_val (intake->pending, *block);
  intake->n_added++;
}

/* Under lock: something came that is not durable. */
static void
note_bytes (WeirIntake *intake, gsize n)
{
  intake->n_waiting += n;
  intake->n_pending += n;
  if (intake->log == NULL || intake->pending_since != 0)
    return;
  intake->pending_since = g_get_monotonic_time ();
  pthread_cond_broadcast (&intake->changed);
}

void
weir_intake_close_block (WeirIntake *intake)
{
  if (intake->open.block == NULL)
    return;
  add_pending (intake, &intake->open);
  intake->open = (WeirReceived){ 0 };
}

/* Under lock. FALSE: there is no memory. */
static gboolean
begin_block (WeirIntake *intake, gsize payload, WeirReceived *block)
{
  *block = (WeirReceived){ .block = weir_block_new (intake->memory, payload + WEIR_FRAMING_SLACK) };
  if (block->block == NULL)
    return FALSE;
  block->from = block->to = block->block->data;
  return TRUE;
}

/* Under lock: the bytes of @n records, for which there is room. */
static void
fill_block (WeirReceived *block, gconstpointer data, gsize size, gint64 n)
{
  memcpy ((char *) block->to, data, size);
  block->to += size;
  block->size += size;
  block->n_records += n;
}

static gsize
room_in (const WeirReceived *block)
{
  if (block->block == NULL)
    return 0;
  return weir_block_capacity (block->block) - WEIR_FRAMING_SLACK - block->size;
}

/* Under lock. Is the open block as old as a block may be? With a log the writer looks after that. */
static gboolean
is_old (const WeirIntake *intake)
{
  return intake->log == NULL && intake->open.block != NULL && now (intake) - intake->open_since >= intake->interval;
}

/* Under lock: has @size bytes' room in the open block, which may be a new one. FALSE: there is none now. */
static gboolean
make_room (WeirIntake *intake, gsize size)
{
  if (room_in (&intake->open) >= size && !is_old (intake))
    return TRUE;
  if (is_full (intake))
    return FALSE;
  weir_intake_close_block (intake);
  intake->open_since = now (intake);
  return begin_block (intake, MAX (size, BLOCK_PAYLOAD), &intake->open);
}

/* Under lock: what cannot be kept is left out and counted. */
static gboolean
encode (WeirIntake *intake, WeirValue value)
{
  g_byte_array_set_size (intake->scratch, 0);
  if (!weir_encode_bounded (value, intake->scratch)) {
    intake->n_too_deep++;
    return FALSE;
  }
  if (intake->scratch->len <= intake->most_bytes)
    return TRUE;
  intake->n_too_large++;
  g_byte_array_set_size (intake->scratch, 0);
  return FALSE;
}

/* Under lock: the encoded value. FALSE: it has to wait. */
static gboolean
put_encoded (WeirIntake *intake)
{
  const GByteArray *bytes = intake->scratch;

  if (!make_room (intake, bytes->len))
    return FALSE;
  fill_block (&intake->open, bytes->data, bytes->len, 1);
  note_bytes (intake, bytes->len);
  return TRUE;
}

gboolean
weir_intake_put (WeirIntake *intake, WeirValue value)
{
  gboolean is_taken = FALSE, is_fit = TRUE;

  pthread_mutex_lock (&intake->lock);
  while (!intake->is_closing && !is_taken && is_fit) {
    is_fit = encode (intake, value);
    is_taken = is_fit && put_encoded (intake);
    if (is_fit && !is_taken)
      wait_for_room (intake);
  }
  pthread_mutex_unlock (&intake->lock);
  return is_taken;
}

static gboolean
encode_all (const WeirIntake *intake, const WeirValue *values, gsize n, GByteArray *bytes, GError **error)
{
  for (gsize i = 0; i < n; i++) {
    if (!weir_encode_bounded (values[i], bytes)) {
      g_set_error (error, WEIR_ERROR, WEIR_ERROR_KIND,
                   "value %" G_GSIZE_FORMAT " of the block cannot be kept: values may be nested up to 64 deep, and a "
                   "block may have up to 2 GiB",
                   i);
      return FALSE;
    }
    if (bytes->len > intake->most_bytes) {
      g_set_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
                   "the block has more than %" G_GSIZE_FORMAT
                   " bytes, a quarter of memory.limit: store smaller blocks, or raise memory.limit",
                   intake->most_bytes);
      return FALSE;
    }
  }
  return TRUE;
}

/* Under lock: a block of its own, behind what came before. FALSE: the intake closes. */
static gboolean
add_block (WeirIntake *intake, const GByteArray *bytes, gsize n)
{
  WeirReceived block = { 0 };

  while (!intake->is_closing && (is_full (intake) || !begin_block (intake, bytes->len, &block)))
    wait_for_room (intake);
  if (intake->is_closing)
    return FALSE;
  fill_block (&block, bytes->data, bytes->len, (gint64) n);
  weir_intake_close_block (intake);
  add_pending (intake, &block);
  note_bytes (intake, bytes->len);
  return TRUE;
}

/* Under lock. */
static gboolean
await_durable (WeirIntake *intake, guint64 ticket)
{
  if (intake->log == NULL)
    return TRUE;
  intake->is_urgent = TRUE;
  pthread_cond_broadcast (&intake->changed);
  while (intake->n_durable < ticket && !intake->has_failed)
    pthread_cond_wait (&intake->changed, &intake->lock);
  return !intake->has_failed;
}

gboolean
weir_intake_put_block (WeirIntake *intake, const WeirValue *values, gsize n, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gboolean ok;

  if (!encode_all (intake, values, n, bytes, error))
    return FALSE;
  if (n == 0)
    return TRUE;
  pthread_mutex_lock (&intake->lock);
  ok = add_block (intake, bytes, n) && await_durable (intake, intake->n_added);
  pthread_mutex_unlock (&intake->lock);
  if (!ok)
    g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_CLOSED,
                         "the context stops, and the block is not known to be safe: do not acknowledge it");
  return ok;
}

/* Ranges that lie behind each other are one block, as long as nobody has taken the first. */
static gboolean
extend_last (WeirIntake *intake, const WeirRange *range)
{
  WeirReceived *last;

  if (intake->pending->len == 0)
    return FALSE;
  last = &g_array_index (intake->pending, WeirReceived, intake->pending->len - 1);
  if (last->block != range->block || last->to != range->from)
    return FALSE;
  last->to = range->to;
  last->size += (gsize) (range->to - range->from);
  return TRUE;
}

void
weir_intake_add (WeirIntake *intake, const WeirRange *range)
{
  WeirReceived block = { .from = range->from, .to = range->to, .n_records = -1 };

  block.size = (gsize) (range->to - range->from);
  pthread_mutex_lock (&intake->lock);
  if (!extend_last (intake, range)) {
    block.block = weir_block_ref (range->block);
    add_pending (intake, &block);
  }
  note_bytes (intake, block.size);
  pthread_mutex_unlock (&intake->lock);
}

void
weir_intake_throttle (WeirIntake *intake, guint64 n)
{
  WeirTime wait;

  if (intake->throttle.rate <= 0)
    return;
  pthread_mutex_lock (&intake->lock);
  while (!intake->is_closing && !intake->is_stopping &&
         (wait = weir_throttle_take (&intake->throttle, n, now (intake))) > 0)
    wait_until (intake, now (intake) + wait);
  pthread_mutex_unlock (&intake->lock);
}

gboolean
weir_intake_pause (WeirIntake *intake, gint64 until)
{
  gboolean goes_on;

  pthread_mutex_lock (&intake->lock);
  while (!intake->is_closing && !intake->is_stopping && now (intake) < until)
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
    has = has && is_full (intake);
  else
    has |= intake->n_pending > 0 && !intake->has_failed;
  pthread_mutex_unlock (&intake->lock);
  return has;
}
