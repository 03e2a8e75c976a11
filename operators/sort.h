/* Sorting of arrays on all workers: stable, hence with one result, whatever the number of workers.
 *
 * Called on the runner, while no stage runs; compare functions run on workers. Blocks.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/stream.h>

#include "engine/workers.h"

typedef struct {
  WeirCompareFunc compare; /* NULL: weir_compare () */
  gpointer user_data;
} WeirOrder;

/* @room has room for as many; what is there in the end does not matter. The result is in @values or in @room: returned. */
WeirValue *weir_sort_values (WeirWorkers *workers, const WeirOrder *order, WeirValue *values, WeirValue *room, gsize n);
gint64 *weir_sort_ints (WeirWorkers *workers, gint64 *values, gint64 *room, gsize n);

/* How many runs an array is cut into, each sorted by itself and then merged: a power of two. */
guint weir_sort_n_runs (WeirWorkers *workers, gsize n);

static inline gsize
weir_sort_cut (gsize n, guint i, guint n_parts)
{
  return (gsize) ((unsigned __int128) n * i / n_parts);
}
