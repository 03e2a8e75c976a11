/* Owns the thread that makes what comes in durable: all that is pending goes to the log with one sync, when the block
 * interval is over since the first of it came, at once if somebody waits for it. It also removes segments that nobody
 * needs. Must not know what blocks hold. Thread: its own; see intake.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/error.h>

#include <errno.h>
#include <string.h>

#include "sources/intake.h"

/* One sync covers so many bytes, or one block; a log is read in pieces of a segment and one of these. */
#define GROUP_BYTES ((gsize) 8 * 1024 * 1024)

#define PAUSE_FIRST WEIR_MILLISECONDS (50)
#define PAUSE_MOST  WEIR_SECONDS (2)

/* --- waiting; under lock --- */

static void
wait_until (WeirIntake *intake, gint64 at)
{
  const struct timespec until = { at / G_USEC_PER_SEC, at % G_USEC_PER_SEC * 1000 };

  pthread_cond_timedwait (&intake->changed, &intake->lock, &until);
}

static gboolean
is_due (const WeirIntake *intake, gint64 now)
{
  return intake->is_urgent || intake->quits || (intake->is_stopping && !intake->is_fed) ||
         intake->n_pending >= GROUP_BYTES || now >= intake->pending_since + intake->interval;
}

/* FALSE: it is over. */
static gboolean
await_work (WeirIntake *intake)
{
  for (;;) {
    if (intake->pending_since == 0 && intake->forget == 0) {
      if (intake->quits)
        return FALSE;
      pthread_cond_wait (&intake->changed, &intake->lock);
    } else if (intake->pending_since == 0 || is_due (intake, g_get_monotonic_time ())) {
      return TRUE;
    } else {
      wait_until (intake, intake->pending_since + intake->interval);
    }
  }
}

/* Before the next attempt. FALSE: there is no time for one. */
static gboolean
pause_before (WeirIntake *intake, guint attempt)
{
  gint64 until = g_get_monotonic_time () + MIN (PAUSE_FIRST << MIN (attempt, 10), PAUSE_MOST);
  gboolean goes_on;

  pthread_mutex_lock (&intake->lock);
  while (!intake->quits && !intake->is_closing && g_get_monotonic_time () < until)
    wait_until (intake, until);
  goes_on = !intake->quits && !intake->is_closing;
  pthread_mutex_unlock (&intake->lock);
  return goes_on;
}

/* --- writing --- */

/* Under lock: the oldest of what is pending. */
static GArray *
take_group (WeirIntake *intake)
{
  GArray *group = g_array_new (FALSE, FALSE, sizeof (WeirReceived));
  gsize size = 0;

  weir_intake_close_block (intake);
  while (group->len < intake->pending->len && size < GROUP_BYTES) {
    WeirReceived *block = &g_array_index (intake->pending, WeirReceived, group->len);

    size += block->size;
    g_array_append_val (group, *block);
  }
  g_array_remove_range (intake->pending, 0, group->len);
  if (intake->pending->len == 0)
    intake->is_urgent = FALSE;
  return group;
}

static gboolean
append (WeirIntake *intake, const GArray *group, GError **error)
{
  g_autofree WeirLogEntry *entries = g_new (WeirLogEntry, group->len);

  for (guint i = 0; i < group->len; i++) {
    const WeirReceived *block = &g_array_index (group, WeirReceived, i);

    entries[i] = (WeirLogEntry){ block->from, block->size, block->n_records };
  }
  return weir_block_log_append (intake->log, entries, group->len, error);
}

/* Tries until it succeeds, fails for good, or there is no time left. */
static gboolean
insist (WeirIntake *intake, const GArray *group, GError **error)
{
  for (guint attempt = 0;; attempt++) {
    GError *failure = NULL;

    if (append (intake, group, &failure))
      return TRUE;
    if (weir_error_is_retriable (failure) && attempt == 0)
      weir_log (weir_engine_log (intake->engine), WEIR_LOG_WARNING,
                "%s: %s; trying again, and nothing is received meanwhile", intake->source->op->name, failure->message);
    if (!weir_error_is_retriable (failure) || !pause_before (intake, attempt)) {
      g_propagate_prefixed_error (error, failure, "%s: ", intake->source->op->name);
      return FALSE;
    }
    g_error_free (failure);
  }
}

static gsize
size_of (const GArray *group)
{
  gsize size = 0;

  for (guint i = 0; i < group->len; i++)
    size += g_array_index (group, WeirReceived, i).size;
  return size;
}

/* Under lock. The log numbers its blocks in order. */
static void
stage (WeirIntake *intake, const GArray *group)
{
  guint64 first = weir_block_log_next (intake->log) - group->len;

  for (guint i = 0; i < group->len; i++) {
    WeirReceived block = g_array_index (group, WeirReceived, i);

    block.logged = (WeirLoggedBlock){ .number = first + i, .size = block.size, .n_records = block.n_records };
    g_array_append_val (intake->staged, block);
  }
  intake->logged_until = first + group->len;
}

/* Under lock. */
static void
lose (WeirIntake *intake, const GArray *group)
{
  weir_log (weir_engine_log (intake->engine), WEIR_LOG_ERROR,
            "%s: %" G_GSIZE_FORMAT
            " bytes that had come in are not in the log, and are lost here: they were acknowledged "
            "to nobody",
            intake->source->op->name, size_of (group));
  intake->has_failed = TRUE;
  intake->n_waiting -= size_of (group);
  for (guint i = 0; i < group->len; i++)
    weir_block_unref (g_array_index (group, WeirReceived, i).block);
}

/* Under lock, which it gives up meanwhile. */
static void
write_group (WeirIntake *intake)
{
  g_autoptr (GArray) group = take_group (intake);
  GError *error = NULL;
  gboolean ok;

  ok = !intake->has_failed;
  pthread_mutex_unlock (&intake->lock);
  ok = ok && insist (intake, group, &error);
  if (error != NULL)
    weir_engine_fail (intake->engine, error); /* before anybody hears that it is not safe */
  pthread_mutex_lock (&intake->lock);
  if (ok)
    stage (intake, group);
  else
    lose (intake, group);
  intake->n_durable += group->len;
  intake->n_pending -= size_of (group);
  intake->pending_since = intake->n_pending > 0 ? g_get_monotonic_time () : 0;
  pthread_cond_broadcast (&intake->changed);
  if (intake->is_stopping)
    weir_engine_wake (intake->engine);
}

/* Under lock, which it gives up meanwhile. A segment that cannot be removed now will be with the next seal. */
static void
forget (WeirIntake *intake)
{
  guint64 number = intake->forget;
  g_autoptr (GError) error = NULL;

  intake->forget = 0;
  pthread_mutex_unlock (&intake->lock);
  if (!weir_block_log_forget (intake->log, number, &error))
    weir_log (weir_engine_log (intake->engine), WEIR_LOG_WARNING, "%s: %s", intake->source->op->name, error->message);
  pthread_mutex_lock (&intake->lock);
}

static gpointer
writer_main (gpointer data)
{
  WeirIntake *intake = data;

  pthread_setname_np (pthread_self (), "weir-log");
  pthread_mutex_lock (&intake->lock);
  while (await_work (intake)) {
    if (intake->forget != 0)
      forget (intake);
    else
      write_group (intake);
  }
  pthread_mutex_unlock (&intake->lock);
  return NULL;
}

gboolean
weir_intake_writer_start (WeirIntake *intake, GError **error)
{
  int code = pthread_create (&intake->writer, NULL, writer_main, intake);

  if (code == 0)
    return TRUE;
  intake->writer = 0;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "cannot start a thread for the log: %s", g_strerror (code));
  return FALSE;
}

void
weir_intake_writer_stop (WeirIntake *intake)
{
  if (intake->writer == 0)
    return;
  pthread_mutex_lock (&intake->lock);
  intake->quits = TRUE;
  pthread_cond_broadcast (&intake->changed);
  pthread_mutex_unlock (&intake->lock);
  pthread_join (intake->writer, NULL);
  intake->writer = 0;
}
