/* Owns the loop over a map and the filter behind it. Must not know what becomes of results that are no plain values, nor of
 * what the map's function does besides returning: see map.c. Runs on workers.
 *
 * Each function gets its own link, so what it rejects, or how it fails, is told of its own operator.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/map-filter.h"

/* A value as the registers have it: compilers take apart field by field what they could handle as two words. */
typedef union {
  WeirValue value;
  guint64 words[2];
} Returned;

#define FLAGS ((guint64) 0xff << 40)

static inline gboolean
is_plain (const Returned *returned)
{
  return (guint8) (returned->words[1] >> 32) < WEIR_PAIR;
}

/* What fits the open chunk of the filter's link for certain, up to a result that is none; @n_open: elements there. */
static inline __attribute__ ((always_inline)) guint
map_and_keep (WeirTask *task, const WeirFunction *map, const WeirChunk *in, gboolean has_keys, guint *n_open,
              WeirValue *odd)
{
  WeirTask *next = task->next;
  const WeirFunction filter = *(const WeirFunction *) next->op->params;
  const guint64 n_map_rejects = task->n_rejects_ever;
  guint64 n_rejects = next->n_rejects_ever;
  WeirValue *out = next->head.values + *n_open;
  WeirValue cells[2];
  guint i = 0;

  for (; i < in->n; i++) {
    Returned result;
    gboolean passes;

    if (has_keys) {
      cells[0] = in->keys[i];
      cells[1] = in->values[i];
    }
    result.value = map->map (task, has_keys ? weir_pair_at (cells) : in->values[i], map->user_data);
    if (G_UNLIKELY (!is_plain (&result) || task->n_rejects_ever != n_map_rejects)) {
      *odd = result.value;
      break;
    }
    result.words[1] &= ~FLAGS;
    passes = filter.filter (next, result.value, filter.user_data);
    *out = result.value;
    out += passes != FALSE; /* without a branch */
    if (G_UNLIKELY (next->n_rejects_ever != n_rejects)) {
      out -= passes != FALSE;
      weir_task_settle (next, result.value);
      n_rejects = next->n_rejects_ever;
    }
  }
  *n_open = (guint) (out - next->head.values);
  return i;
}

static guint
map_filter_some (WeirTask *task, const WeirFunction *map, const WeirChunk *in, WeirValue *odd)
{
  WeirTask *next = task->next;
  const guint n_before = next->head.n_elements;
  const guint64 n_emitted = next->n_emitted, n_map_emitted = task->n_emitted;
  guint n_open = n_before, n;

  if (in->keys != NULL)
    n = map_and_keep (task, map, in, TRUE, &n_open, odd);
  else
    n = map_and_keep (task, map, in, FALSE, &n_open, odd);
  if (G_UNLIKELY (task->head.n_elements != 0 || task->n_emitted != n_map_emitted)) /* the caller tells */
    return n;
  if (G_UNLIKELY (next->head.n_elements != n_before || next->n_emitted != n_emitted))
    weir_function_fail_emitted (next);
  next->head.n_elements = n_open;
  if (n_open == next->head.capacity)
    weir_task_flush (next);
  return n;
}

guint
weir_map_filter (WeirTask *task, const WeirFunction *map, const WeirChunk *in, WeirValue *odd)
{
  const WeirTaskHead *head = &task->next->head;
  guint n = 0, n_some;

  weir_task_shield (task->next);
  if (head->has_keys)
    weir_task_reserve (task->next, FALSE);
  do {
    WeirChunk some = { in->keys != NULL ? in->keys + n : NULL, in->values + n, 0 };

    some.n = MIN (in->n - n, head->capacity - head->n_elements);
    n_some = map_filter_some (task, map, &some, odd);
    n += n_some;
    if (n_some < some.n)
      break;
  } while (n < in->n);
  weir_task_unshield (task->next);
  return n;
}
