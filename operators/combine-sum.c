/* Sums by key without a call per record: WEIR_SUM, the counts, and split | with_value | sum as one loop.
 *
 * An accumulator is eight bytes, INT or FLOAT as the slot's note says. INT and FLOAT give FLOAT; INT overflow and other
 * kinds fail the batch. Threads: as operators/combine.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/error.h>

#include "operators/combine.h"

#define SUM_STRIDE (sizeof (WeirKey) + sizeof (gint64))
#define NOTE(kind) ((guint32) (kind) << WEIR_KEY_NOTE_SHIFT)

typedef union {
  gint64 integer;
  gdouble number;
} Sum;

static gsize
sum_size (const WeirOp *op)
{
  return sizeof (Sum);
}

static void
fail_overflow (WeirTask *task, const WeirKey *slot, WeirValue value)
{
  g_autofree char *key = weir_to_string (weir_key_value (slot));
  g_autofree char *text = weir_to_string (value);

  weir_task_fail (task, WEIR_ERROR_OVERFLOW,
                  "the sum of key '%.100s' does not fit an INT when %s is added to %" G_GINT64_FORMAT
                  ": sum FLOATs instead, or smaller numbers",
                  key, text, ((Sum *) weir_slot_value (slot))->integer);
}

static void
fail_kind (WeirTask *task, const WeirKey *slot, WeirValue value)
{
  g_autofree char *key = weir_to_string (weir_key_value (slot));
  g_autofree char *text = weir_to_string (value);

  weir_task_fail (task, WEIR_ERROR_KIND, "WEIR_SUM takes INT and FLOAT, but key '%.100s' has the value '%.100s'", key,
                  text);
}

static G_GNUC_NO_INLINE void
sum_add_slow (WeirTask *task, WeirKey *slot, WeirValue value)
{
  Sum *sum = weir_slot_value (slot);
  guint32 note = slot->meta & WEIR_KEY_NOTE;

  if (value.kind != WEIR_INT && value.kind != WEIR_FLOAT) {
    fail_kind (task, slot, value);
  } else if (note == 0) {
    sum->integer = value.integer;
    slot->meta |= NOTE (value.kind);
  } else if (note == NOTE (WEIR_FLOAT)) {
    sum->number += weir_as_float (value);
  } else if (value.kind == WEIR_FLOAT) {
    sum->number = (gdouble) sum->integer + value.number;
    slot->meta = (slot->meta & WEIR_KEY_BITS) | NOTE (WEIR_FLOAT);
  } else {
    fail_overflow (task, slot, value);
  }
}

static inline void
sum_add (WeirTask *task, WeirKey *slot, WeirValue value)
{
  Sum *sum = weir_slot_value (slot);
  gint64 result;

  if (G_LIKELY ((slot->meta & WEIR_KEY_NOTE) == NOTE (WEIR_INT) && value.kind == WEIR_INT &&
                !__builtin_add_overflow (sum->integer, value.integer, &result)))
    sum->integer = result;
  else
    sum_add_slow (task, slot, value);
}

static void
fold_add (WeirTask *task, WeirCombined *combined, WeirKey *slot, WeirValue value, gboolean is_new)
{
  sum_add (task, slot, value);
}

static WeirValue
fold_result (WeirTask *task, const WeirKey *slot)
{
  const Sum *sum = weir_slot_value (slot);

  return (slot->meta & WEIR_KEY_NOTE) == NOTE (WEIR_FLOAT) ? weir_float (sum->number) : weir_int (sum->integer);
}

static void
fold_merge (WeirTask *task, WeirCombined *combined, WeirKey *slot, const WeirKey *from, gboolean is_new)
{
  sum_add (task, slot, fold_result (task, from));
}

const WeirFold weir_fold_sum = {
  .value_size = sum_size,
  .add = fold_add,
  .merge = fold_merge,
  .result = fold_result,
};

void
weir_sum_add_chunk (WeirTask *task, WeirCombined *combined, const WeirKey *keys, const WeirValue *values, guint n)
{
  for (guint i = 0; i < n; i++) {
    WeirKey *slot = weir_table_find (&combined->table, &keys[i], SUM_STRIDE);

    if (G_UNLIKELY (slot->meta == 0)) {
      slot = weir_combined_insert (task, combined, &keys[i], slot);
      if (slot == NULL)
        return;
    }
    sum_add (task, slot, values[i]);
  }
}

void
weir_sum_add_ones (WeirTask *task, WeirCombined *combined, const WeirKey *keys, guint n, gint64 amount)
{
  const WeirValue value = weir_int (amount);

  for (guint i = 0; i < n; i++) {
    WeirKey *slot = weir_table_find (&combined->table, &keys[i], SUM_STRIDE);

    if (G_UNLIKELY (slot->meta == 0)) {
      slot = weir_combined_insert (task, combined, &keys[i], slot);
      if (slot == NULL)
        return;
    }
    sum_add (task, slot, value);
  }
}

void
weir_sum_process_pairs (WeirTask *task, const WeirChunk *in)
{
  WeirCombined *combined = ((WeirCombineInstance *) task->instance)->combined;
  WeirKey keys[WEIR_CHUNK_SIZE];
  WeirValue cells[WEIR_CHUNK_SIZE];

  for (guint from = 0; from < in->n && weir_task_is_going (task); from += WEIR_CHUNK_SIZE) {
    guint n = MIN (in->n - from, WEIR_CHUNK_SIZE);

    weir_combine_hash (task, &combined->table, in->keys + from, n, keys, cells);
    weir_sum_add_chunk (task, combined, keys, in->values + from, n);
  }
}
