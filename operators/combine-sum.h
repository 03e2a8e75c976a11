/* Sums by key: an accumulator of eight bytes, and the tight loops over it that several operators share.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "operators/combine.h"

extern const WeirFold weir_fold_sum;

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

void weir_sum_add_key_slow (WeirTask *task, WeirCombined *combined, const WeirKey *key, WeirValue value);

/* An INT to the sum of INTs of a short key that is there already, by one comparison of each word; FALSE: do it slowly.
 * A key's meta tells what else is in the slot, too. */
static inline __attribute__ ((always_inline)) gboolean
weir_sum_add_fast (const WeirTable *table, guint64 lo, guint64 hi, guint32 hash, guint32 meta, gint64 amount)
{
  const guint32 wanted = meta | WEIR_SUM_NOTE (WEIR_INT);
  WeirKey *slot = weir_table_home (table, hash, WEIR_SUM_STRIDE);
  WeirSum *sum;
  gint64 result;

  while (slot->lo != lo || slot->hi != hi || slot->meta != wanted) {
    if (slot->meta == 0)
      return FALSE;
    slot = (WeirKey *) ((char *) slot + WEIR_SUM_STRIDE);
  }
  sum = weir_slot_value (slot);
  if (G_UNLIKELY (__builtin_add_overflow (sum->integer, amount, &result)))
    return FALSE;
  sum->integer = result;
  return TRUE;
}

static inline void
weir_sum_add_key (WeirTask *task, WeirCombined *combined, const WeirKey *key, WeirValue value)
{
  if (G_UNLIKELY (value.kind != WEIR_INT ||
                  !weir_sum_add_fast (&combined->table, key->lo, key->hi, key->hash, key->meta, value.integer)))
    weir_sum_add_key_slow (task, combined, key, value);
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
