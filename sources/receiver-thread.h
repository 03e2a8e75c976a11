/* The life of a receiver: a thread that starts it, lets it run, and starts it again when it asks for that.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/receiver.h>

#include "engine/listener.h"
#include "sources/intake.h"

/* What a program knows as WeirReceiver. */
struct _WeirReceiver {
  WeirSource source;
  WeirReceiverClass klass; /* constant, as the next two */
  gpointer user_data;
  char *name;
  WeirIntake intake;

  /* While it is open. */
  gpointer instance;
  gboolean has_thread; /* loop */
  pthread_t thread;
  gint n_stored; /* atomic: whether anything came since the last start; stays at 1 */

  pthread_mutex_t lock;
  pthread_cond_t changed;
  /* Under lock: */
  gboolean is_running, is_stopping;
  gboolean is_told, is_telling; /* stop has been called in this run; somebody is in it */
  gboolean wants_restart, is_over;
  gint64 failed_at; /* monotonic: when a restart was asked for; the thread reads it then */
  gint64 said_at;   /* likewise: when the log was told of the last error */
  WeirReceiverInfo info;
  GQueue events; /* of Event: for the loop */
};

/* Loop thread, or whoever opens and closes. */
gboolean weir_receiver_thread_start (WeirReceiver *self, GError **error);
void weir_receiver_thread_stop (WeirReceiver *self);  /* asks; does not wait */
void weir_receiver_thread_await (WeirReceiver *self); /* until it has ended; says so if that takes long */
void weir_receiver_thread_init (WeirReceiver *self);
void weir_receiver_thread_clear (WeirReceiver *self); /* it has ended, or has never begun */

/* Any thread. */
void weir_receiver_thread_restart (WeirReceiver *self, const char *why);
gboolean weir_receiver_thread_is_stopping (WeirReceiver *self);
