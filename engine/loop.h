/* The event loop: fd watches, timers, signals, messages from other threads and name look-up, over libevent,
 * which only engine/loop.c knows. One thread runs it; all but post and quit belong to that thread (or to
 * nobody yet, before run). SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/macros.h>

#include <sys/socket.h>

typedef struct _WeirLoop WeirLoop;
typedef struct _WeirTimer WeirTimer;
typedef struct _WeirWatch WeirWatch;
typedef struct _WeirLookup WeirLookup;

typedef enum { WEIR_WATCH_READ = 1, WEIR_WATCH_WRITE = 2 } WeirWatchEvents;

typedef void (*WeirLoopFunc) (gpointer data);
typedef void (*WeirWatchFunc) (guint events, gpointer data);
/* @addresses: transfer none, NULL with @error set when the name is unknown. */
typedef struct {
  struct sockaddr_storage address;
  socklen_t size;
} WeirAddress;
typedef void (*WeirLookupFunc) (const WeirAddress *addresses, guint n, const GError *error, gpointer data);

struct _WeirMailbox *weir_loop_mailbox (WeirLoop *loop); /* for who may outlive the loop */

WeirLoop *weir_loop_new (GError **error);
void weir_loop_free (WeirLoop *loop);
void weir_loop_run (WeirLoop *loop);  /* until quit; messages posted before quit are delivered first */
void weir_loop_quit (WeirLoop *loop); /* any thread */
gboolean
weir_loop_post (WeirLoop *loop, WeirLoopFunc f, gpointer data); /* any thread; in order; FALSE: the loop has ended */
gboolean weir_loop_is_mine (const WeirLoop *loop);              /* is this the loop's thread? */

WeirTimer *weir_timer_new (WeirLoop *loop, WeirLoopFunc f, gpointer data); /* one shot; microsecond timers (timerfd) */
void weir_timer_arm (WeirTimer *timer, WeirTime delay); /* from now; replaces an armed one; 0: at the next turn */
void weir_timer_disarm (WeirTimer *timer);
void weir_timer_free (WeirTimer *timer);

WeirWatch *weir_watch_new (WeirLoop *loop, int fd, WeirWatchFunc f,
                           gpointer data);            /* level-triggered; the fd stays the caller's */
void weir_watch_set (WeirWatch *watch, guint events); /* 0: nothing */
void weir_watch_free (WeirWatch *watch);

/* Never blocks the loop: a numeric address is answered at the next turn, names by a resolver thread (engine/lookup.c).
 */
WeirLookup *weir_loop_lookup (WeirLoop *loop, const char *host, const char *port, WeirLookupFunc f, gpointer data);
/* f is not called. Once, and not after f was; the loop may have ended. */
void weir_lookup_cancel (WeirLookup *lookup);

typedef struct _WeirSignal WeirSignal;
WeirSignal *
weir_signal_new (WeirLoop *loop, int signal_number, WeirLoopFunc f, gpointer data); /* before run or on the loop */
void weir_signal_free (WeirSignal *signal_watch);
