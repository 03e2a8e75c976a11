/* Verbs on datasets, for functions of transform and foreach: what a stream holds in one batch becomes another dataset,
 * lazily. They are called on the thread that calls the function. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/stream.h>

G_BEGIN_DECLS

WEIR_API WeirDataset *weir_dataset_new (WeirDataset *near, const WeirValue *values, gsize n);
WEIR_API WeirDataset *weir_context_dataset (WeirContext *ctx, const WeirValue *values, gsize n, guint n_partitions);

WEIR_API WeirDataset *weir_dataset_map (WeirDataset *d, WeirMapFunc f, gpointer user_data);
WEIR_API WeirDataset *weir_dataset_flat_map (WeirDataset *d, WeirFlatMapFunc f, gpointer user_data);
WEIR_API WeirDataset *weir_dataset_filter (WeirDataset *d, WeirFilterFunc f, gpointer user_data);
WEIR_API WeirDataset *weir_dataset_map_values (WeirDataset *d, WeirMapFunc f, gpointer user_data);
WEIR_API WeirDataset *weir_dataset_flat_map_values (WeirDataset *d, WeirFlatMapFunc f, gpointer user_data);
WEIR_API WeirDataset *weir_dataset_map_partitions (WeirDataset *d, WeirPartitionFunc f, gpointer user_data);
WEIR_API WeirDataset *weir_dataset_repartition (WeirDataset *d, guint n_partitions);
WEIR_API WeirDataset *weir_dataset_union (WeirDataset *a, WeirDataset *b);
WEIR_API WeirDataset *weir_dataset_count_by_value (WeirDataset *d);
WEIR_API WeirDataset *weir_dataset_top (WeirDataset *d, gsize n, WeirCompareFunc f, gpointer user_data);
WEIR_API WeirDataset *weir_dataset_distinct (WeirDataset *d);
WEIR_API WeirDataset *weir_dataset_sort_by (WeirDataset *d, WeirCompareFunc compare, gpointer user_data);

/* pairs */
WEIR_API WeirDataset *weir_dataset_reduce_by_key (WeirDataset *d, WeirReduceFunc f, gpointer user_data);
WEIR_API WeirDataset *weir_dataset_group_by_key (WeirDataset *d);
WEIR_API WeirDataset *weir_dataset_combine_by_key_sized (WeirDataset *d, const WeirCombiner *c, gsize size);
#define weir_dataset_combine_by_key(d, c) weir_dataset_combine_by_key_sized ((d), (c), sizeof (WeirCombiner))
WEIR_API WeirDataset *weir_dataset_aggregate_by_key_sized (WeirDataset *d, const WeirAggregate *a, gsize size);
#define weir_dataset_aggregate_by_key(d, a) weir_dataset_aggregate_by_key_sized ((d), (a), sizeof (WeirAggregate))
WEIR_API WeirDataset *weir_dataset_join (WeirDataset *a, WeirDataset *b);
WEIR_API WeirDataset *weir_dataset_left_outer_join (WeirDataset *a, WeirDataset *b);
WEIR_API WeirDataset *weir_dataset_right_outer_join (WeirDataset *a, WeirDataset *b);
WEIR_API WeirDataset *weir_dataset_full_outer_join (WeirDataset *a, WeirDataset *b);
WEIR_API WeirDataset *weir_dataset_cogroup (WeirDataset *a, WeirDataset *b);

G_END_DECLS
