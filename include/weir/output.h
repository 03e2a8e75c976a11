/* Outputs, and the datasets that they hand to a job.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/stream.h>

G_BEGIN_DECLS

typedef struct _WeirOutput WeirOutput;

typedef gboolean (*WeirForeachFunc) (WeirDataset *data, WeirTime time, gpointer user_data, GError **error);

WEIR_API WeirOutput *weir_print (WeirStream *s, guint n);
WEIR_API WeirOutput *weir_save_as_text_files (WeirStream *s, const char *prefix, const char *suffix);
WEIR_API WeirOutput *weir_save_as_object_files (WeirStream *s, const char *prefix, const char *suffix);
WEIR_API WeirOutput *weir_foreach_batch (WeirStream *s, WeirForeachFunc f, gpointer user_data);
WEIR_API WeirOutput *weir_foreach_partition (WeirStream *s, WeirPartitionFunc f, gpointer user_data);
WEIR_API WeirOutput *weir_output_set_uid (WeirOutput *o, const char *uid);
WEIR_API WeirOutput *weir_output_set_name (WeirOutput *o, const char *name);

WEIR_API guint weir_dataset_n_partitions (WeirDataset *d);
WEIR_API gboolean weir_dataset_count (WeirDataset *d, gsize *count, GError **error);
WEIR_API GArray *weir_dataset_collect (WeirDataset *d, GError **error);
WEIR_API GArray *weir_dataset_take (WeirDataset *d, gsize n, GError **error);
WEIR_API gboolean weir_dataset_foreach_partition (WeirDataset *d, WeirPartitionFunc f, gpointer user_data,
                                                  GError **error);

G_END_DECLS
