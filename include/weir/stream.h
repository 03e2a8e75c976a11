/* Streams and the verbs on them. A stream belongs to its context; a mistake in the graph is reported by
 * weir_context_start (). SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/task.h>

G_BEGIN_DECLS

typedef struct _WeirContext WeirContext;
typedef struct _WeirStream WeirStream;
typedef struct _WeirDataset WeirDataset;
typedef struct _WeirIter WeirIter;

typedef WeirValue (*WeirMapFunc) (WeirTask *task, WeirValue value, gpointer user_data);
typedef gboolean (*WeirFilterFunc) (WeirTask *task, WeirValue value, gpointer user_data);
typedef void (*WeirFlatMapFunc) (WeirTask *task, WeirValue value, gpointer user_data);
typedef WeirValue (*WeirReduceFunc) (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data);
typedef gint (*WeirCompareFunc) (WeirValue a, WeirValue b, gpointer user_data);
typedef void (*WeirPartitionFunc) (WeirTask *task, WeirIter *values, gpointer user_data);
typedef WeirValue (*WeirUpgradeFunc) (WeirTask *task, guint from_version, WeirValue state, gpointer user_data);
typedef WeirValue (*WeirGeneratorFunc) (WeirTask *task, guint64 index, gpointer user_data);

typedef WeirDataset *(*WeirTransformFunc) (WeirDataset *data, WeirTime time, gpointer user_data, GError **error);
typedef WeirDataset *(*WeirTransform2Func) (WeirDataset *a, WeirDataset *b, WeirTime time, gpointer user_data,
                                            GError **error);
typedef WeirDataset *(*WeirTransformNFunc) (WeirDataset *const *data, gsize n, WeirTime time, gpointer user_data,
                                            GError **error);

WEIR_API gboolean weir_iter_next (WeirIter *it, WeirValue *value);

typedef struct {
  WeirMapFunc create;         /* an accumulator of a key's first value */
  WeirReduceFunc merge_value; /* (accumulator, value) */
  WeirReduceFunc merge_combiners;
  gpointer user_data;
} WeirCombiner;

typedef struct {
  gsize size; /* of the accumulator: zeroed, 8-aligned, no pointers */
  void (*add) (gpointer acc, WeirValue value, gpointer user_data);
  void (*merge) (gpointer acc, gconstpointer later, gpointer user_data);
  WeirValue (*result) (WeirTask *task, gconstpointer acc, gpointer user_data);
  gpointer user_data;
  guint version;
} WeirAggregate;

/* Ready-made reduce functions, recognised by the engine: no call per record. */
WEIR_API WeirValue weir_reduce_sum (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data);
WEIR_API WeirValue weir_reduce_min (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data);
WEIR_API WeirValue weir_reduce_max (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data);
WEIR_API WeirValue weir_reduce_first (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data);
WEIR_API WeirValue weir_reduce_last (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data);
#define WEIR_SUM   weir_reduce_sum
#define WEIR_MIN   weir_reduce_min
#define WEIR_MAX   weir_reduce_max
#define WEIR_FIRST weir_reduce_first
#define WEIR_LAST  weir_reduce_last

/* stateless */
WEIR_API WeirStream *weir_map (WeirStream *s, WeirMapFunc f, gpointer user_data);
WEIR_API WeirStream *weir_flat_map (WeirStream *s, WeirFlatMapFunc f, gpointer user_data);
WEIR_API WeirStream *weir_filter (WeirStream *s, WeirFilterFunc f, gpointer user_data);
WEIR_API WeirStream *weir_map_values (WeirStream *s, WeirMapFunc f, gpointer user_data);
WEIR_API WeirStream *weir_flat_map_values (WeirStream *s, WeirFlatMapFunc f, gpointer user_data);
WEIR_API WeirStream *weir_map_partitions (WeirStream *s, WeirPartitionFunc f, gpointer user_data);
WEIR_API WeirStream *weir_glom (WeirStream *s);
WEIR_API WeirStream *weir_split (WeirStream *s, char separator);
WEIR_API WeirStream *weir_with_value (WeirStream *s, WeirValue value);
WEIR_API WeirStream *weir_repartition (WeirStream *s, guint n_partitions);
WEIR_API WeirStream *weir_union (WeirStream *a, WeirStream *b);
WEIR_API WeirStream *weir_union_all (WeirStream *const *streams, gsize n);
WEIR_API WeirStream *weir_count (WeirStream *s);
WEIR_API WeirStream *weir_reduce (WeirStream *s, WeirReduceFunc f, gpointer user_data);
WEIR_API WeirStream *weir_count_by_value (WeirStream *s);
WEIR_API WeirStream *weir_top (WeirStream *s, gsize n, WeirCompareFunc f, gpointer user_data);
WEIR_API WeirStream *weir_transform (WeirStream *s, WeirTransformFunc f, gpointer user_data);
WEIR_API WeirStream *weir_transform_with (WeirStream *a, WeirStream *b, WeirTransform2Func f, gpointer user_data);
WEIR_API WeirStream *weir_transform_all (WeirStream *const *streams, gsize n, WeirTransformNFunc f, gpointer user_data);

/* pairs */
WEIR_API WeirStream *weir_reduce_by_key (WeirStream *s, WeirReduceFunc f, gpointer user_data);
WEIR_API WeirStream *weir_count_by_key (WeirStream *s);
WEIR_API WeirStream *weir_group_by_key (WeirStream *s);
WEIR_API WeirStream *weir_combine_by_key_sized (WeirStream *s, const WeirCombiner *c, gsize size);
#define weir_combine_by_key(s, c) weir_combine_by_key_sized ((s), (c), sizeof (WeirCombiner))
WEIR_API WeirStream *weir_aggregate_by_key_sized (WeirStream *s, const WeirAggregate *a, gsize size);
#define weir_aggregate_by_key(s, a) weir_aggregate_by_key_sized ((s), (a), sizeof (WeirAggregate))
WEIR_API WeirStream *weir_join (WeirStream *a, WeirStream *b);
WEIR_API WeirStream *weir_left_outer_join (WeirStream *a, WeirStream *b);
WEIR_API WeirStream *weir_right_outer_join (WeirStream *a, WeirStream *b);
WEIR_API WeirStream *weir_full_outer_join (WeirStream *a, WeirStream *b);
WEIR_API WeirStream *weir_cogroup (WeirStream *a, WeirStream *b);

/* windows: length and slide are durations, multiples of the parent's slide; slide 0 = the parent's */
WEIR_API WeirStream *weir_window (WeirStream *s, WeirTime length, WeirTime slide);
WEIR_API WeirStream *weir_reduce_by_key_and_window (WeirStream *s, WeirReduceFunc f, WeirReduceFunc inverse,
                                                    WeirTime length, WeirTime slide, gpointer user_data);
WEIR_API WeirStream *weir_reduce_by_window (WeirStream *s, WeirReduceFunc f, WeirReduceFunc inverse, WeirTime length,
                                            WeirTime slide, gpointer user_data);
WEIR_API WeirStream *weir_aggregate_by_key_and_window_sized (WeirStream *s, const WeirAggregate *a, gsize size,
                                                             WeirTime length, WeirTime slide);
#define weir_aggregate_by_key_and_window(s, a, length, slide)                                                          \
  weir_aggregate_by_key_and_window_sized ((s), (a), sizeof (WeirAggregate), (length), (slide))
WEIR_API WeirStream *weir_count_by_window (WeirStream *s, WeirTime length, WeirTime slide);
WEIR_API WeirStream *weir_count_by_value_and_window (WeirStream *s, WeirTime length, WeirTime slide);
WEIR_API WeirStream *weir_group_by_key_and_window (WeirStream *s, WeirTime length, WeirTime slide);

/* any stream */
WEIR_API WeirStream *weir_stream_set_name (WeirStream *s, const char *name);
WEIR_API WeirStream *weir_stream_set_uid (WeirStream *s, const char *uid);
WEIR_API WeirStream *weir_stream_set_partitions (WeirStream *s, guint n);
WEIR_API void weir_stream_set_state_version (WeirStream *s, guint version, WeirUpgradeFunc upgrade);
WEIR_API WeirStream *weir_rejected (WeirStream *s);

G_END_DECLS
