/* What happens in a context, for programs that watch it. Called on the loop thread; must not block.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/stream.h>

G_BEGIN_DECLS

typedef struct _WeirBatchInfo WeirBatchInfo;
typedef struct _WeirOutputInfo WeirOutputInfo;
typedef struct _WeirReceiverInfo WeirReceiverInfo;

typedef struct {
  void (*batch_submitted) (const WeirBatchInfo *info, gpointer user_data);
  void (*batch_started) (const WeirBatchInfo *info, gpointer user_data);
  void (*batch_completed) (const WeirBatchInfo *info, gpointer user_data);
  void (*output_started) (const WeirOutputInfo *info, gpointer user_data);
  void (*output_completed) (const WeirOutputInfo *info, gpointer user_data);
  void (*receiver_started) (const WeirReceiverInfo *info, gpointer user_data);
  void (*receiver_error) (const WeirReceiverInfo *info, gpointer user_data);
  void (*receiver_stopped) (const WeirReceiverInfo *info, gpointer user_data);
  void (*epoch_sealed) (guint64 epoch, gpointer user_data);
} WeirListener;

WEIR_API WeirTime weir_batch_info_time (const WeirBatchInfo *info);
WEIR_API gint64 weir_batch_info_n_records (const WeirBatchInfo *info);   /* -1: not known yet */
WEIR_API WeirTime weir_batch_info_submitted (const WeirBatchInfo *info); /* wall clock */
WEIR_API WeirTime weir_batch_info_scheduling_delay (const WeirBatchInfo *info);
WEIR_API WeirTime weir_batch_info_processing_time (const WeirBatchInfo *info);
WEIR_API WeirTime weir_batch_info_total_delay (const WeirBatchInfo *info);
WEIR_API guint64 weir_batch_info_n_rejected (const WeirBatchInfo *info);
WEIR_API void weir_batch_info_foreach_rejected (const WeirBatchInfo *info,
                                                void (*f) (const char *where_and_why, guint64 n, gpointer user_data),
                                                gpointer user_data);
WEIR_API guint64 weir_batch_info_n_invalid_utf8 (const WeirBatchInfo *info);
WEIR_API guint weir_batch_info_n_hanging (const WeirBatchInfo *info);
WEIR_API const GError *weir_batch_info_error (const WeirBatchInfo *info); /* NULL: it succeeded */
WEIR_API WeirTime weir_output_info_batch_time (const WeirOutputInfo *info);
WEIR_API const char *weir_output_info_name (const WeirOutputInfo *info);
WEIR_API guint weir_output_info_index (const WeirOutputInfo *info);
WEIR_API WeirTime weir_output_info_duration (const WeirOutputInfo *info);
WEIR_API const GError *weir_output_info_error (const WeirOutputInfo *info);
WEIR_API const char *weir_receiver_info_name (const WeirReceiverInfo *info);
WEIR_API const char *weir_receiver_info_stream (const WeirReceiverInfo *info);
WEIR_API gboolean weir_receiver_info_is_active (const WeirReceiverInfo *info);
WEIR_API guint weir_receiver_info_n_restarts (const WeirReceiverInfo *info);
WEIR_API const GError *weir_receiver_info_error (const WeirReceiverInfo *info); /* NULL: there was none */
WEIR_API WeirTime weir_receiver_info_error_time (const WeirReceiverInfo *info); /* wall clock; 0: there was none */

G_END_DECLS
