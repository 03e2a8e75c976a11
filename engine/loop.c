/* loop.c: the event loop over libevent, which nothing else in the tree knows.
 *
 * Owns the event base and the mailbox; watches, timers and signals belong to who made them. Must not know
 * what is watched. Threads: one thread runs the loop and makes, changes and frees what hangs on it, so the
 * base needs no locks; post and quit go through the mailbox and may come from any thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/loop.h"

#include <weir/error.h>

#include <event2/event.h>
#include <pthread.h>

#include "engine/mailbox.h"

struct _WeirLoop {
  struct event_base *base;
  WeirMailbox *mailbox;
  struct event *mail;
  gint is_quitting; /* atomic: any thread sets, the loop's reads */
  gint is_running;  /* atomic: published after `thread` */
  pthread_t thread;
};

struct _WeirTimer {
  struct event *event;
  WeirLoopFunc f;
  gpointer data;
};

struct _WeirWatch {
  struct event *event;
  struct event_base *base;
  int fd;
  guint events;
  WeirWatchFunc f;
  gpointer data;
};

struct _WeirSignal {
  struct event *event;
  WeirLoopFunc f;
  gpointer data;
};

/* Timers to the microsecond, and "from now" counted from the call: a turn's cached time may be milliseconds
 * old. */
static struct event_base *
new_base (void)
{
  struct event_config *config = event_config_new ();
  struct event_base *base = NULL;

  if (config == NULL)
    return NULL;
  if (event_config_set_flag (config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0 &&
      event_config_set_flag (config, EVENT_BASE_FLAG_NO_CACHE_TIME) == 0 &&
      event_config_set_flag (config, EVENT_BASE_FLAG_NOLOCK) == 0 &&
      event_config_set_flag (config, EVENT_BASE_FLAG_IGNORE_ENV) == 0)
    base = event_base_new_with_config (config);
  event_config_free (config);
  return base;
}

/* A quit takes effect when nothing that was posted is left; what is posted meanwhile is delivered too. */
static void
on_mail (evutil_socket_t fd, short what, void *data)
{
  WeirLoop *loop = data;

  weir_mailbox_deliver (loop->mailbox);
  if (__atomic_load_n (&loop->is_quitting, __ATOMIC_ACQUIRE) && weir_mailbox_end (loop->mailbox))
    event_base_loopbreak (loop->base);
}

WeirLoop *
weir_loop_new (GError **error)
{
  WeirMailbox *mailbox = weir_mailbox_new (error);
  WeirLoop *loop;

  if (mailbox == NULL)
    return NULL;
  loop = g_new0 (WeirLoop, 1);
  loop->mailbox = mailbox;
  loop->base = new_base ();
  if (loop->base != NULL)
    loop->mail = event_new (loop->base, weir_mailbox_fd (mailbox), EV_READ | EV_PERSIST, on_mail, loop);
  if (loop->mail == NULL || event_add (loop->mail, NULL) != 0) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED,
                 "cannot create an event loop: libevent refused; raise the limit of open files (ulimit -n)");
    weir_loop_free (loop);
    return NULL;
  }
  return loop;
}

void
weir_loop_free (WeirLoop *loop)
{
  if (loop == NULL)
    return;
  weir_mailbox_close (loop->mailbox);
  if (loop->mail != NULL)
    event_free (loop->mail);
  if (loop->base != NULL)
    event_base_free (loop->base);
  weir_mailbox_unref (loop->mailbox);
  g_free (loop);
}

void
weir_loop_run (WeirLoop *loop)
{
  weir_mailbox_reopen (loop->mailbox);
  loop->thread = pthread_self ();
  __atomic_store_n (&loop->is_running, TRUE, __ATOMIC_RELEASE);
  event_base_loop (loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
  __atomic_store_n (&loop->is_running, FALSE, __ATOMIC_RELEASE);
  __atomic_store_n (&loop->is_quitting, FALSE, __ATOMIC_RELEASE);
}

static void
do_nothing (gpointer data)
{
}

void
weir_loop_quit (WeirLoop *loop)
{
  __atomic_store_n (&loop->is_quitting, TRUE, __ATOMIC_RELEASE);
  weir_mailbox_post (loop->mailbox, do_nothing, NULL, NULL);
}

gboolean
weir_loop_post (WeirLoop *loop, WeirLoopFunc f, gpointer data)
{
  return weir_mailbox_post (loop->mailbox, f, data, NULL);
}

gboolean
weir_loop_is_mine (const WeirLoop *loop)
{
  return __atomic_load_n (&loop->is_running, __ATOMIC_ACQUIRE) && pthread_equal (loop->thread, pthread_self ());
}

WeirMailbox *
weir_loop_mailbox (WeirLoop *loop)
{
  return loop->mailbox;
}

/* libevent fails here only for want of memory, as g_new would. */
static struct event *
new_event (struct event_base *base, int fd, short what, event_callback_fn f, gpointer data)
{
  struct event *event = event_new (base, fd, what, f, data);

  if (event == NULL)
    g_error ("cannot allocate an event: out of memory");
  return event;
}

static void
on_timer (evutil_socket_t fd, short what, void *data)
{
  WeirTimer *timer = data;

  timer->f (timer->data);
}

WeirTimer *
weir_timer_new (WeirLoop *loop, WeirLoopFunc f, gpointer data)
{
  WeirTimer *timer = g_new (WeirTimer, 1);

  *timer = (WeirTimer){ new_event (loop->base, -1, 0, on_timer, timer), f, data };
  return timer;
}

void
weir_timer_arm (WeirTimer *timer, WeirTime delay)
{
  WeirTime wait = MAX (delay, 0);
  struct timeval tv = { (time_t) (wait / G_USEC_PER_SEC), (suseconds_t) (wait % G_USEC_PER_SEC) };

  event_add (timer->event, &tv);
}

void
weir_timer_disarm (WeirTimer *timer)
{
  event_del (timer->event);
}

void
weir_timer_free (WeirTimer *timer)
{
  if (timer == NULL)
    return;
  event_free (timer->event);
  g_free (timer);
}

static void
on_watch (evutil_socket_t fd, short what, void *data)
{
  WeirWatch *watch = data;

  watch->f (((what & EV_READ) ? WEIR_WATCH_READ : 0u) | ((what & EV_WRITE) ? WEIR_WATCH_WRITE : 0u), watch->data);
}

WeirWatch *
weir_watch_new (WeirLoop *loop, int fd, WeirWatchFunc f, gpointer data)
{
  WeirWatch *watch = g_new (WeirWatch, 1);

  *watch = (WeirWatch){ .base = loop->base, .fd = fd, .f = f, .data = data };
  watch->event = new_event (loop->base, fd, EV_READ | EV_PERSIST, on_watch, watch);
  return watch;
}

void
weir_watch_set (WeirWatch *watch, guint events)
{
  short what = EV_PERSIST;

  if (events == watch->events)
    return;
  watch->events = events;
  event_del (watch->event);
  if (events == 0)
    return;
  what |= (events & WEIR_WATCH_READ) ? EV_READ : 0;
  what |= (events & WEIR_WATCH_WRITE) ? EV_WRITE : 0;
  event_assign (watch->event, watch->base, watch->fd, what, on_watch, watch);
  if (event_add (watch->event, NULL) != 0)
    g_warning ("cannot watch descriptor %d: the system refused", watch->fd);
}

void
weir_watch_free (WeirWatch *watch)
{
  if (watch == NULL)
    return;
  event_free (watch->event);
  g_free (watch);
}

static void
on_signal (evutil_socket_t number, short what, void *data)
{
  WeirSignal *signal_watch = data;

  signal_watch->f (signal_watch->data);
}

WeirSignal *
weir_signal_new (WeirLoop *loop, int signal_number, WeirLoopFunc f, gpointer data)
{
  WeirSignal *signal_watch = g_new (WeirSignal, 1);
  struct event *event = new_event (loop->base, signal_number, EV_SIGNAL | EV_PERSIST, on_signal, signal_watch);

  *signal_watch = (WeirSignal){ event, f, data };
  if (event_add (event, NULL) != 0)
    g_warning ("cannot watch signal %d: the system refused", signal_number);
  return signal_watch;
}

void
weir_signal_free (WeirSignal *signal_watch)
{
  if (signal_watch == NULL)
    return;
  event_free (signal_watch->event);
  g_free (signal_watch);
}
