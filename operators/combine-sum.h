/* Sums by key: an accumulator of eight bytes, and the tight loops over it that several operators share.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "operators/combine.h"

typedef union {
  gint64 integer;
  gdouble number;
} WeirSum;

#define WEIR_SUM_STRIDE     (sizeof (WeirKey) + sizeof (WeirSum))
#define WEIR_SUM_NOTE(kind) ((guint32) (kind) << WEIR_KEY_NOTE_SHIFT) /* what the sum is so far */
#define WEIR_SUM_SMALL      4096                                      /* slots: half of a second-level cache at most */

void weir_sum_add_slow (WeirTask *task, WeirKey *slot, WeirValue value);

static inline void
weir_sum_add (WeirTask *task, WeirKey *slot, WeirValue value)
{
  WeirSum *sum = weir_slot_value (slot);
  gint64 result;

  if (G_LIKELY ((slot->meta & WEIR_KEY_NOTE) == WEIR_SUM_NOTE (WEIR_INT) && value.kind == WEIR_INT &&
                !__builtin_add_overflow (sum->integer, value.integer, &result)))
    sum->integer = result;
  else
    weir_sum_add_slow (task, slot, value);
}

static inline void
weir_sum_add_key (WeirTask *task, WeirCombined *combined, const WeirKey *key, WeirValue value)
{
  WeirKey *slot = weir_table_find (&combined->table, key, WEIR_SUM_STRIDE);

  if (G_UNLIKELY (slot->meta == 0)) {
    slot = weir_combined_insert (task, combined, key, slot);
    if (slot == NULL)
      return;
  }
  weir_sum_add (task, slot, value);
}

static inline gboolean
weir_sum_is_small (const WeirCombined *combined)
{
  return combined->table.capacity <= WEIR_SUM_SMALL;
}

/* Pairs with their values; elements with a one each; keys that are hashed already with the same amount each. */
void weir_sum_process_pairs (WeirTask *task, const WeirChunk *in);
void weir_sum_process_ones (WeirTask *task, const WeirValue *values, guint n);
void weir_sum_add_keys (WeirTask *task, WeirCombined *combined, const WeirKey *keys, guint n, WeirValue amount);
