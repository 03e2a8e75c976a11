/* What listeners are told, and how it gets to them: on the loop thread, in order.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/listener.h>

struct _WeirEngine;

typedef struct {
  WeirListener listener;
  gpointer user_data;
  gint64 slow_said; /* monotonic; 0: never. Loop thread */
} WeirListening;

/* Immutable once told; written by the loop until the batch is queued, then by the runner. */
struct _WeirBatchInfo {
  WeirTime time;
  gint64 n_records;
  WeirTime submitted; /* wall clock */
  WeirTime scheduling_delay;
  WeirTime processing_time;
  guint64 n_rejected;
  guint64 n_invalid_utf8;
  guint n_hanging;
  GHashTable *rejects; /* "where: why" -> guint64 *; nullable */
  GError *error;
};

struct _WeirOutputInfo {
  WeirTime batch_time;
  char *name;
  guint index;
  WeirTime duration;
  GError *error;
};

/* Made by the receiver's thread, then the loop's. */
struct _WeirReceiverInfo {
  char *name, *stream;
  gboolean is_active;
  guint n_restarts;
  GError *error; /* the last one; nullable */
  WeirTime error_time;
};

WeirReceiverInfo *weir_receiver_info_copy (const WeirReceiverInfo *info);
void weir_receiver_info_clear (WeirReceiverInfo *info);
void weir_receiver_info_free (WeirReceiverInfo *info);

WeirBatchInfo *weir_batch_info_copy (const WeirBatchInfo *info);
void weir_batch_info_free (WeirBatchInfo *info);
void weir_output_info_free (WeirOutputInfo *info);

typedef enum {
  WEIR_EVENT_SUBMITTED,
  WEIR_EVENT_STARTED,
  WEIR_EVENT_COMPLETED,
  WEIR_EVENT_OUTPUT_STARTED,
  WEIR_EVENT_OUTPUT_COMPLETED,
  WEIR_EVENT_RECEIVER_STARTED,
  WEIR_EVENT_RECEIVER_ERROR,
  WEIR_EVENT_RECEIVER_STOPPED,
  WEIR_EVENT_SEALED
} WeirEvent;

/* Calls the context's listeners; loop thread. @info: a WeirBatchInfo, WeirOutputInfo, WeirReceiverInfo, or the epoch (guint64). */
void weir_listeners_tell (WeirContext *ctx, WeirEvent event, gconstpointer info);
/* The same of a receiver, for sources; engine/engine.c. */
void weir_engine_tell_receiver (struct _WeirEngine *engine, WeirEvent event, const WeirReceiverInfo *info);
