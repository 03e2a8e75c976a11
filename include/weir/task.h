/* The task: one partition of one batch, on one worker; what a user function works in.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/value.h>

G_BEGIN_DECLS

/* The head of every WeirTask, frozen: inline emit stores into it. A chunk is homogeneous, either plain values
 * or pairs in two columns; who has the other shape to emit takes the slow way, which starts a new chunk. */
typedef struct {
  WeirValue *keys;
  WeirValue *values;
  guint32 n_elements;
  guint32 capacity;
  guint32 has_keys;
  guint32 reserved;
} WeirTaskHead;

WEIR_API void weir_task_flush (WeirTask *task);
WEIR_API void weir_task_emit_slow (WeirTask *task, WeirValue value);
WEIR_API void weir_task_emit_pair_slow (WeirTask *task, WeirValue key, WeirValue value);

WEIR_API gpointer weir_alloc (WeirTask *task, gsize size);
WEIR_API WeirValue weir_format (WeirTask *task, const char *format, ...) G_GNUC_PRINTF (2, 3);
WEIR_API WeirTime weir_task_batch_time (const WeirTask *task);
WEIR_API guint weir_task_partition (const WeirTask *task);
WEIR_API void weir_reject (WeirTask *task, WeirValue value, const char *reason);
WEIR_API void weir_fail (WeirTask *task, const char *format, ...) G_GNUC_PRINTF (2, 3);

inline void
weir_emit (WeirTask *task, WeirValue value)
{
  WeirTaskHead *head = (WeirTaskHead *) task;

  if (G_UNLIKELY ((value.flags | head->has_keys) != 0)) {
    weir_task_emit_slow (task, value);
    return;
  }
  head->values[head->n_elements] = value;
  if (G_UNLIKELY (++head->n_elements == head->capacity))
    weir_task_flush (task);
}

inline void
weir_emit_pair (WeirTask *task, WeirValue key, WeirValue value)
{
  WeirTaskHead *head = (WeirTaskHead *) task;

  if (G_UNLIKELY (((key.flags | value.flags) & WEIR_VALUE_BORROWED) != 0 || !head->has_keys)) {
    weir_task_emit_pair_slow (task, key, value);
    return;
  }
  head->keys[head->n_elements] = key;
  head->values[head->n_elements] = value;
  if (G_UNLIKELY (++head->n_elements == head->capacity))
    weir_task_flush (task);
}

G_END_DECLS
