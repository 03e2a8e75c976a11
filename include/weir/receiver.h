/* Receivers: sources of a job's own that get what comes, on a thread of their own.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/stream.h>

G_BEGIN_DECLS

typedef struct _WeirReceiver WeirReceiver;

/* start, run and end are called on the receiver's thread, again after each restart; stop on another one. */
typedef struct {
  const char *name;    /* required: what errors, logs and listeners call it */
  gsize instance_size; /* of weir_receiver_instance (): zeroed before the first start, kept across restarts */
  /* Optional; may block: connect. FALSE: it is tried again after a while, and end is not called. */
  gboolean (*start) (WeirReceiver *receiver, GError **error);
  /* Required; may block: receive and store until it is told to stop. When it returns the stream has got its last value,
   * unless a restart was asked for. */
  void (*run) (WeirReceiver *receiver);
  /* Optional; must not block: makes run return. At most once a run, perhaps before run waits for anything, or when it is
   * about to return anyway; never before start has returned, nor after end was called. Without it, run asks
   * weir_receiver_is_stopping (). */
  void (*stop) (WeirReceiver *receiver);
  /* Optional: run has returned, and nobody is in stop: undo what start did. */
  void (*end) (WeirReceiver *receiver);
} WeirReceiverClass;

WEIR_API WeirStream *
weir_receiver_stream_sized (WeirContext *ctx, const WeirReceiverClass *klass, gsize size, gpointer user_data);
#define weir_receiver_stream(ctx, klass, user_data)                                                                    \
  weir_receiver_stream_sized ((ctx), (klass), sizeof (WeirReceiverClass), (user_data))

WEIR_API void weir_receiver_store (WeirReceiver *receiver, WeirValue value);
WEIR_API gboolean weir_receiver_store_block (WeirReceiver *receiver, const WeirValue *values, gsize n, GError **error);
WEIR_API void weir_receiver_restart (WeirReceiver *receiver, const char *why);
WEIR_API gpointer weir_receiver_instance (WeirReceiver *receiver);
WEIR_API gpointer weir_receiver_user_data (WeirReceiver *receiver);
WEIR_API gboolean weir_receiver_is_stopping (WeirReceiver *receiver);

G_END_DECLS
