/* Receivers: sources of a job's own that get what comes, on a thread of their own.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/stream.h>

G_BEGIN_DECLS

typedef struct _WeirReceiver WeirReceiver;

/* start and run are called on the receiver's thread, again after each restart; stop on another one. */
typedef struct {
  const char *name;    /* required: what errors, logs and listeners call it */
  gsize instance_size; /* of weir_receiver_instance (): zeroed before the first start, kept across restarts */
  gboolean (*start) (WeirReceiver *receiver, GError **error); /* optional: connect; may block. FALSE: it is tried again
                                                                 after a while; what it made until then it has undone */
  void (*run) (WeirReceiver *receiver);  /* required: receive and store until it is told to stop, then undo what start
                                            did; may block. It ends the stream's input, unless it asked for a restart */
  void (*stop) (WeirReceiver *receiver); /* optional: makes run return; must not block. Called at most once a run, maybe
                                            before it waits for anything, or when it has just returned. NULL: run asks
                                            weir_receiver_is_stopping () */
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
