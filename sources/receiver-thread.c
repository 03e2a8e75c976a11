/* Owns a receiver's thread, its restarts, and what listeners are told of them. Must not know blocks or logs.
 *
 * The thread calls start and run; stop comes from the loop, or from whoever else asks for a restart. What listeners are
 * to hear is put down in order and told by the loop. Threads: see receiver-thread.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/receiver-thread.h"

#include <errno.h>
#include <string.h>

#include <weir/error.h>

#include "engine/clock.h"
#include "engine/loop.h"
#include "engine/options.h"

#define FIRST_WAIT   WEIR_MILLISECONDS (100)
#define LONGEST_WAIT WEIR_SECONDS (10)
#define SAY_AGAIN    WEIR_SECONDS (10)

typedef struct {
  WeirEvent event;
  WeirReceiverInfo *info;
} Event;

/* --- telling listeners --- */

static void
tell_all (gpointer data)
{
  WeirReceiver *self = data;
  Event *event;

  for (;;) {
    pthread_mutex_lock (&self->lock);
    event = g_queue_pop_head (&self->events);
    pthread_mutex_unlock (&self->lock);
    if (event == NULL)
      return;
    weir_engine_tell_receiver (self->source.engine, event->event, event->info);
    weir_receiver_info_free (event->info);
    g_free (event);
  }
}

/* Under lock. */
static void
note (WeirReceiver *self, WeirEvent what)
{
  Event *event = g_new (Event, 1);

  *event = (Event){ what, weir_receiver_info_copy (&self->info) };
  g_queue_push_tail (&self->events, event);
  weir_loop_post (weir_engine_loop (self->source.engine), tell_all, self);
}

/* Under lock. FALSE: the same went wrong again before anything came, and was said a moment ago. */
static gboolean
is_news (WeirReceiver *self, const GError *error)
{
  gint64 now = weir_clock_monotonic (weir_engine_clock (self->source.engine));
  const GError *last = self->info.error;
  gboolean is_known = last != NULL && strcmp (last->message, error->message) == 0 &&
                      __atomic_load_n (&self->n_stored, __ATOMIC_RELAXED) == 0 && now - self->said_at < SAY_AGAIN;

  if (!is_known)
    self->said_at = now;
  return !is_known;
}

/* Under lock. @error: transfer full. */
static void
note_error (WeirReceiver *self, GError *error)
{
  weir_log (weir_engine_log (self->source.engine), is_news (self, error) ? WEIR_LOG_INFO : WEIR_LOG_DEBUG,
            "%s: %s: starting again after a while", self->source.op->name, error->message);
  g_clear_error (&self->info.error);
  self->info.error = error;
  self->info.error_time = weir_clock_now (weir_engine_clock (self->source.engine));
  self->wants_restart = TRUE;
  self->failed_at = weir_clock_monotonic (weir_engine_clock (self->source.engine));
  self->info.is_active = FALSE;
  note (self, WEIR_EVENT_RECEIVER_ERROR);
}

/* --- the thread --- */

/* FALSE: it is not to run. */
static gboolean
start (WeirReceiver *self)
{
  GError *error = NULL;
  gboolean ok = self->klass.start == NULL || self->klass.start (self, &error);

  pthread_mutex_lock (&self->lock);
  if (ok) {
    self->info.is_active = self->is_running = TRUE;
    self->is_told = FALSE;
    note (self, WEIR_EVENT_RECEIVER_STARTED);
  } else {
    if (error == NULL)
      error = g_error_new (WEIR_ERROR, WEIR_ERROR_SOURCE, "%s could not start, and did not say why", self->klass.name);
    note_error (self, error);
  }
  pthread_mutex_unlock (&self->lock);
  return ok;
}

/* What was started runs even if a stop has come meanwhile. It is told at once then. What it has stored when it returns
 * from a stop is all there will be: batches need not wait for its end, which may have to wait for somebody else. */
static void
run (WeirReceiver *self)
{
  gboolean is_late, is_last;

  pthread_mutex_lock (&self->lock);
  is_late = self->is_stopping && !self->is_told;
  self->is_told |= is_late;
  pthread_mutex_unlock (&self->lock);
  if (is_late && self->klass.stop != NULL)
    self->klass.stop (self);
  self->klass.run (self);
  pthread_mutex_lock (&self->lock);
  self->is_running = self->info.is_active = FALSE;
  while (self->is_telling)
    pthread_cond_wait (&self->changed, &self->lock);
  is_last = self->is_stopping;
  pthread_mutex_unlock (&self->lock);
  if (is_last)
    weir_intake_set_fed (&self->intake, FALSE);
  if (self->klass.end != NULL)
    self->klass.end (self);
}

/* TRUE: it is to be started again, some time after @failed_at. */
static gboolean
wants_again (WeirReceiver *self, gint64 *failed_at)
{
  gboolean wants;

  pthread_mutex_lock (&self->lock);
  wants = self->wants_restart && !self->is_stopping;
  self->wants_restart = FALSE;
  *failed_at = self->failed_at;
  if (wants)
    self->info.n_restarts++;
  pthread_mutex_unlock (&self->lock);
  return wants;
}

/* A quarter of jitter keeps many jobs from knocking at the same moment. */
static WeirTime
back_off (const WeirReceiver *self, guint n_in_vain)
{
  WeirTime wait = MIN (FIRST_WAIT << MIN (n_in_vain, 10), LONGEST_WAIT);

  return weir_engine_is_manual (self->source.engine) ? wait : wait * g_random_int_range (75, 126) / 100;
}

static void
end (WeirReceiver *self)
{
  pthread_mutex_lock (&self->lock);
  self->info.is_active = FALSE;
  note (self, WEIR_EVENT_RECEIVER_STOPPED);
  pthread_mutex_unlock (&self->lock);
  weir_intake_set_fed (&self->intake, FALSE);
  pthread_mutex_lock (&self->lock);
  self->is_over = TRUE;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

static gpointer
receiver_main (gpointer data)
{
  WeirReceiver *self = data;
  guint n_in_vain = 0;
  gint64 failed_at;

  pthread_setname_np (pthread_self (), "weir-receiver");
  do {
    __atomic_store_n (&self->n_stored, 0, __ATOMIC_RELAXED);
    if (start (self))
      run (self);
    if (__atomic_load_n (&self->n_stored, __ATOMIC_RELAXED) != 0)
      n_in_vain = 0;
  } while (wants_again (self, &failed_at) &&
           weir_intake_pause (&self->intake, failed_at + back_off (self, n_in_vain++)));
  end (self);
  return NULL;
}

gboolean
weir_receiver_thread_start (WeirReceiver *self, GError **error)
{
  int code;

  weir_intake_set_fed (&self->intake, TRUE);
  code = pthread_create (&self->thread, NULL, receiver_main, self);
  self->has_thread = code == 0;
  if (code == 0)
    return TRUE;
  weir_intake_set_fed (&self->intake, FALSE);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "cannot start a thread: %s", g_strerror (code));
  return FALSE;
}

/* --- from outside --- */

/* Calls the class's stop, once a run. Not under lock: it is the job's code. */
static void
tell_to_stop (WeirReceiver *self)
{
  gboolean tells;

  pthread_mutex_lock (&self->lock);
  tells = self->is_running && !self->is_told && self->klass.stop != NULL;
  self->is_told |= tells;
  self->is_telling |= tells;
  pthread_mutex_unlock (&self->lock);
  if (!tells)
    return;
  self->klass.stop (self);
  pthread_mutex_lock (&self->lock);
  self->is_telling = FALSE;
  pthread_cond_broadcast (&self->changed);
  pthread_mutex_unlock (&self->lock);
}

void
weir_receiver_thread_stop (WeirReceiver *self)
{
  pthread_mutex_lock (&self->lock);
  self->is_stopping = TRUE;
  pthread_mutex_unlock (&self->lock);
  tell_to_stop (self);
}

/* FALSE: the time is over. */
static gboolean
await_end (WeirReceiver *self, WeirTime timeout)
{
  gint64 at = g_get_monotonic_time () + timeout;
  const struct timespec until = { at / G_USEC_PER_SEC, at % G_USEC_PER_SEC * 1000 };
  gboolean is_over;

  pthread_mutex_lock (&self->lock);
  while (!self->is_over && pthread_cond_timedwait (&self->changed, &self->lock, &until) != ETIMEDOUT)
    ;
  is_over = self->is_over;
  pthread_mutex_unlock (&self->lock);
  return is_over;
}

void
weir_receiver_thread_await (WeirReceiver *self)
{
  WeirTime timeout = weir_options_duration (weir_engine_options (self->source.engine), WEIR_OPTION_STOP_TIMEOUT);

  if (!self->has_thread)
    return;
  while (!await_end (self, timeout))
    weir_log (weir_engine_log (self->source.engine), WEIR_LOG_WARNING,
              "%s: the receiver %s was told to stop and its run () has not returned: waiting for it",
              self->source.op->name, self->klass.name);
  pthread_join (self->thread, NULL);
  self->has_thread = FALSE;
  tell_all (self);
}

void
weir_receiver_thread_init (WeirReceiver *self)
{
  pthread_condattr_t attributes;

  pthread_mutex_init (&self->lock, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&self->changed, &attributes);
  pthread_condattr_destroy (&attributes);
  g_queue_init (&self->events);
}

void
weir_receiver_thread_clear (WeirReceiver *self)
{
  weir_receiver_info_clear (&self->info);
  self->is_running = self->is_told = self->is_stopping = FALSE;
  self->wants_restart = self->is_over = FALSE;
}

void
weir_receiver_thread_restart (WeirReceiver *self, const char *why)
{
  gboolean is_new;

  pthread_mutex_lock (&self->lock);
  is_new = !self->wants_restart && !self->is_stopping && self->is_running;
  if (is_new)
    note_error (self, g_error_new_literal (WEIR_ERROR, WEIR_ERROR_SOURCE, why));
  pthread_mutex_unlock (&self->lock);
  if (is_new && !pthread_equal (pthread_self (), self->thread))
    tell_to_stop (self);
}

gboolean
weir_receiver_thread_is_stopping (WeirReceiver *self)
{
  gboolean is;

  pthread_mutex_lock (&self->lock);
  is = self->is_stopping || self->wants_restart;
  pthread_mutex_unlock (&self->lock);
  return is;
}
