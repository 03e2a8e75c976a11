/* Owns map and map_values: one result for each element. Runs on workers, chunk by chunk; reads nothing but its chunk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/function.h"
#include "operators/map-filter.h"
#include "operators/pairs.h"
#include "operators/returned.h"

/* An element whose result is not stored as it is: a pair, a borrowed container, or none, since it was rejected. */
static inline gboolean
is_odd (const WeirTask *task, const WeirValue *value, guint64 n_rejects)
{
  return value->kind >= WEIR_PAIR || task->n_rejects_ever != n_rejects;
}

/* Elements from @from on, whatever they become. */
static void
map_any (WeirTask *task, const WeirFunction *function, const WeirChunk *in, guint from)
{
  WeirValue cells[2];

  for (guint i = from; i < in->n; i++) {
    guint64 n_rejects = task->n_rejects_ever;
    WeirValue value = function->map (task, weir_chunk_element (in, i, cells), function->user_data);

    if (G_LIKELY (task->n_rejects_ever == n_rejects))
      weir_returned_emit (task, value);
    else
      weir_task_settle (task, weir_chunk_element (in, i, cells));
  }
}

/* Stores plain results side by side up to the first that is none, which is stored as it came: its index. One loop for
 * each shape of chunk, and results are looked at where they lie: in registers, compilers take values apart. */
static inline __attribute__ ((always_inline)) guint
map_plain (WeirTask *task, const WeirFunction *function, const WeirChunk *in, gboolean has_keys, WeirValue cells[2])
{
  const guint64 n_rejects = task->n_rejects_ever;
  WeirValue *out = task->head.values;

  for (guint i = 0; i < in->n; i++, out++) {
    if (has_keys) {
      cells[0] = in->keys[i];
      cells[1] = in->values[i];
      *out = function->map (task, weir_pair_at (cells), function->user_data);
    } else {
      *out = function->map (task, in->values[i], function->user_data);
    }
    if (G_UNLIKELY (is_odd (task, out, n_rejects)))
      return i;
    out->flags = 0;
  }
  return in->n;
}

/* Plain results as far as there are; the first that is none ends that, and the rest goes the general way. */
static void
map_process (WeirTask *task, const WeirChunk *in)
{
  const WeirFunction function = *(const WeirFunction *) task->op->params;
  const WeirChunk chunk = *in;
  const guint64 n_rejects = task->n_rejects_ever;
  guint64 n_emitted;
  WeirValue cells[2], odd = weir_nil ();
  gboolean is_sieved = weir_map_filter_applies (task);
  guint n;

  weir_task_shield (task);
  weir_task_reserve (task, FALSE);
  n_emitted = task->n_emitted;
  if (is_sieved)
    n = weir_map_filter (task, &function, &chunk, &odd);
  else if (chunk.keys != NULL)
    n = map_plain (task, &function, &chunk, TRUE, cells);
  else
    n = map_plain (task, &function, &chunk, FALSE, cells);
  if (G_UNLIKELY (task->head.n_elements != 0 || task->n_emitted != n_emitted)) {
    task->head.n_elements = 0;
    weir_task_fail (task, WEIR_ERROR_USER, "its function emitted: return the result, or use weir_flat_map ()");
    return;
  }
  if (is_sieved) {
    task->n_emitted += n;
  } else {
    task->head.n_elements = n;
    odd = n < chunk.n ? task->head.values[n] : weir_nil ();
    if (n == task->head.capacity)
      weir_task_flush (task);
  }
  if (n < chunk.n) {
    if (task->n_rejects_ever == n_rejects)
      weir_returned_emit (task, odd);
    else
      weir_task_settle (task, weir_chunk_element (&chunk, n, cells));
    map_any (task, &function, &chunk, n + 1);
  }
  weir_task_unshield (task);
}

static void
map_values_process (WeirTask *task, const WeirChunk *in)
{
  const WeirFunction function = *(const WeirFunction *) task->op->params;
  const WeirChunk chunk = *in;

  if (!weir_task_require_pairs (task, in))
    return;
  weir_task_shield (task);
  for (guint i = 0; i < chunk.n; i++) {
    guint64 n_rejects = task->n_rejects_ever;
    WeirValue value = function.map (task, chunk.values[i], function.user_data);

    if (G_LIKELY (task->n_rejects_ever == n_rejects))
      weir_emit_pair (task, chunk.keys[i], weir_returned_take (task, value));
    else
      weir_task_settle (task, WEIR_PAIR_OF (chunk.keys[i], chunk.values[i]));
  }
  weir_task_unshield (task);
}

static const WeirOpClass map_class = {
  .verb = "map",
  .kind = WEIR_OP_NARROW,
  .process = map_process,
};

static const WeirOpClass map_values_class = {
  .verb = "map_values",
  .kind = WEIR_OP_NARROW,
  .flags = WEIR_OP_PAIRS,
  .process = map_values_process,
};

/**
 * weir_map:
 * @s: the stream
 * @f: gives the new element for an element; what it returns may point into its argument, into task memory or into
 *   memory that outlives the context
 * @user_data: handed to @f; shared by all workers
 *
 * A stream of what @f makes of each element, in the same order and partitions. An element that @f hands to
 * weir_reject() has no result, whatever @f returns.
 *
 * |[<!-- language="C" -->
 * static WeirValue
 * to_length (WeirTask *task, WeirValue line, gpointer user_data)
 * {
 *   return weir_int ((gint64) weir_size (line));
 * }
 *
 * WeirStream *lengths = weir_map (lines, to_length, NULL);
 * ]|
 *
 * Called while the graph is built. @f runs on workers, concurrently for different partitions.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_map (WeirStream *s, WeirMapFunc f, gpointer user_data)
{
  return weir_stream_derive_function (s, &map_class, (WeirFunction){ .map = f, .user_data = user_data });
}

/**
 * weir_map_values:
 * @s: a stream of pairs
 * @f: gives the new value for a pair's value; it doesn't see the key
 * @user_data: handed to @f; shared by all workers
 *
 * A stream of (key, @f (value)): keys, order and partitions stay. A pair whose value @f hands to weir_reject() has no
 * result.
 *
 * Called while the graph is built. @f runs on workers, concurrently for different partitions. An element that is not a
 * pair fails the batch with %WEIR_ERROR_KIND.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_map_values (WeirStream *s, WeirMapFunc f, gpointer user_data)
{
  return weir_stream_derive_function (s, &map_values_class, (WeirFunction){ .map = f, .user_data = user_data });
}

/**
 * weir_dataset_map:
 * @d: a dataset
 * @f: as of weir_map()
 * @user_data: as of weir_map()
 *
 * weir_map() of a dataset. Called on the runner, in a function of transform or foreach; runs when the result is asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_map (WeirDataset *d, WeirMapFunc f, gpointer user_data)
{
  return weir_dataset_derive_function (d, &map_class, (WeirFunction){ .map = f, .user_data = user_data });
}

/**
 * weir_dataset_map_values:
 * @d: a dataset of pairs
 * @f: as of weir_map_values()
 * @user_data: as of weir_map_values()
 *
 * weir_map_values() of a dataset. Called on the runner, in a function of transform or foreach; runs when the result is asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_map_values (WeirDataset *d, WeirMapFunc f, gpointer user_data)
{
  return weir_dataset_derive_function (d, &map_values_class, (WeirFunction){ .map = f, .user_data = user_data });
}
