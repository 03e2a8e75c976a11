/* Sums by key without a call per record: WEIR_SUM, the counts, and split | with_value | sum as one loop.
 *
 * An accumulator is eight bytes, INT or FLOAT as the slot's note says. INT and FLOAT give FLOAT; INT overflow and other
 * kinds fail the batch. Threads: as operators/combine.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/error.h>

#include "operators/combine-sum.h"

static gsize
sum_size (const WeirOp *op)
{
  return sizeof (WeirSum);
}

static gboolean
is_number (WeirValue value)
{
  return value.kind == WEIR_INT || value.kind == WEIR_FLOAT;
}

void
weir_sum_fail_overflow (WeirTask *task, const WeirKey *key, gint64 sum, gint64 more)
{
  g_autofree char *text = weir_to_string (weir_key_value (key));

  weir_task_fail_record (task, WEIR_ERROR_OVERFLOW,
                         "the sum of key '%.100s' does not fit an INT when %" G_GINT64_FORMAT
                         " is added to %" G_GINT64_FORMAT ": sum FLOATs instead, or smaller numbers",
                         text, more, sum);
}

static void
fail_overflow (WeirTask *task, const WeirKey *slot, WeirValue value)
{
  weir_sum_fail_overflow (task, slot, ((WeirSum *) weir_slot_value (slot))->integer, value.integer);
  weir_task_settle (task, WEIR_PAIR_OF (weir_key_value (slot), value));
}

static void
fail_kind (WeirTask *task, const WeirKey *slot, WeirValue value)
{
  g_autofree char *key = weir_to_string (weir_key_value (slot));
  g_autofree char *text = weir_to_string (value);

  weir_task_fail_record (task, WEIR_ERROR_KIND, "WEIR_SUM takes INT and FLOAT, but key '%.100s' has the value '%.100s'",
                         key, text);
  weir_task_settle (task, WEIR_PAIR_OF (weir_key_value (slot), value));
}

void
weir_sum_add_slow (WeirTask *task, WeirKey *slot, WeirValue value)
{
  WeirSum *sum = weir_slot_value (slot);
  guint32 note = slot->meta & WEIR_KEY_NOTE;

  if (!is_number (value)) {
    fail_kind (task, slot, value);
  } else if (note == 0) {
    sum->integer = value.integer;
    slot->meta |= WEIR_SUM_NOTE (value.kind);
  } else if (note == WEIR_SUM_NOTE (WEIR_FLOAT)) {
    sum->number += weir_as_float (value);
  } else if (value.kind == WEIR_FLOAT) {
    sum->number = (gdouble) sum->integer + value.number;
    slot->meta = (slot->meta & WEIR_KEY_BITS) | WEIR_SUM_NOTE (WEIR_FLOAT);
  } else {
    fail_overflow (task, slot, value);
  }
}

/* A key without a number is none. */
static gboolean
fold_accepts (WeirTask *task, const WeirKey *key, WeirValue value)
{
  if (G_UNLIKELY (!is_number (value)))
    fail_kind (task, key, value);
  return is_number (value);
}

void
weir_sum_add_key_slow (WeirTask *task, WeirCombined *combined, const WeirKey *key, WeirValue value)
{
  WeirKey *slot = weir_table_find (&combined->table, key, WEIR_SUM_STRIDE);

  if (slot->meta == 0 && !fold_accepts (task, key, value))
    return;
  if (slot->meta == 0)
    slot = weir_combined_insert (task, combined, key, slot);
  if (slot != NULL)
    weir_sum_add (task, slot, value);
}

static void
fold_add (WeirTask *task, WeirCombined *combined, WeirKey *slot, WeirValue value, gboolean is_new)
{
  weir_sum_add (task, slot, value);
}

static WeirValue
fold_result (WeirTask *task, const WeirKey *slot)
{
  const WeirSum *sum = weir_slot_value (slot);

  return (slot->meta & WEIR_KEY_NOTE) == WEIR_SUM_NOTE (WEIR_FLOAT) ? weir_float (sum->number)
                                                                    : weir_int (sum->integer);
}

static void
fold_merge (WeirTask *task, WeirCombined *combined, WeirKey *slot, const WeirKey *from, gboolean is_new)
{
  weir_sum_add (task, slot, fold_result (task, from));
}

/* As a slot would have it, so that both say the same of what does not fit. */
static void
fold_add_value (WeirTask *task, WeirCombined *combined, const WeirKey *key, WeirValue *kept, WeirValue value,
                gboolean is_new)
{
  struct {
    WeirKey key;
    WeirSum sum;
  } slot = { .key = *key };
  const guint64 n_rejects = task->n_rejects_ever;

  slot.key.meta &= WEIR_KEY_BITS;
  if (!is_new) {
    slot.sum.integer = kept->integer;
    slot.key.meta |= WEIR_SUM_NOTE (kept->kind);
  }
  weir_sum_add (task, &slot.key, value);
  if (weir_task_is_going (task) && task->n_rejects_ever == n_rejects)
    *kept = fold_result (task, &slot.key);
}

const WeirFold weir_fold_sum = {
  .value_size = sum_size,
  .add = fold_add,
  .merge = fold_merge,
  .result = fold_result,
  .add_value = fold_add_value,
  .accepts = fold_accepts,
};

static void
add_keys (WeirTask *task, WeirCombined *combined, const WeirKey *keys, const WeirValue *values, guint n)
{
  for (guint i = 0; i < n; i++)
    weir_sum_add_key (task, combined, &keys[i], values[i]);
}

void
weir_sum_add_keys (WeirTask *task, WeirCombined *combined, const WeirKey *keys, guint n, WeirValue amount)
{
  for (guint i = 0; i < n; i++)
    weir_sum_add_key (task, combined, &keys[i], amount);
}

static G_GNUC_NO_INLINE void
add_pair (WeirTask *task, WeirCombined *combined, const WeirValue *key, const WeirValue *value)
{
  WeirValue cell;
  WeirKey hashed;

  weir_key_of (*key, &task->seed, &hashed, &cell);
  weir_sum_add_key_slow (task, combined, &hashed, *value);
}

/* While the table is in cache, a key goes there at once: nothing is gained by knowing the next ones. Short texts with an
 * INT, which most are, stay in registers. */
static void
process_small (WeirTask *task, WeirCombined *combined, const WeirValue *keys, const WeirValue *values, guint n)
{
  const WeirSeed seed = task->seed;
  const WeirTable *table = &combined->table;

  for (guint i = 0; i < n; i++) {
    const WeirValue *key = &keys[i], *value = &values[i];
    guint64 lo, hi;
    guint32 hash, meta;

    if (G_LIKELY (key->kind == WEIR_TEXT && key->size <= WEIR_HASH_SHORT && value->kind == WEIR_INT)) {
      weir_key_words (key->data, key->size, &lo, &hi);
      hash = (guint32) (weir_hash_words (lo, hi, key->size, &seed) >> 32);
      meta = weir_key_meta_of_short (WEIR_TEXT, key->size);
      if (G_LIKELY (weir_sum_add_fast (table, lo, hi, hash, meta, value->integer)))
        continue;
    }
    add_pair (task, combined, key, value);
  }
}

void
weir_sum_process_pairs (WeirTask *task, const WeirChunk *in)
{
  WeirCombined *combined = ((WeirCombineInstance *) task->instance)->combined;
  WeirKey keys[WEIR_CHUNK_SIZE];
  WeirValue cells[WEIR_CHUNK_SIZE];

  weir_task_shield (task);
  for (guint from = 0; from < in->n && weir_task_is_going (task); from += WEIR_CHUNK_SIZE) {
    guint n = MIN (in->n - from, WEIR_CHUNK_SIZE);

    if (weir_sum_is_small (combined)) {
      process_small (task, combined, in->keys + from, in->values + from, n);
      continue;
    }
    weir_combine_hash (task, &combined->table, in->keys + from, n, keys, cells);
    add_keys (task, combined, keys, in->values + from, n);
  }
  weir_task_unshield (task);
}

void
weir_sum_process_ones (WeirTask *task, const WeirValue *values, guint n)
{
  WeirCombined *combined = ((WeirCombineInstance *) task->instance)->combined;
  WeirKey keys[WEIR_CHUNK_SIZE];
  WeirValue cells[WEIR_CHUNK_SIZE];

  for (guint from = 0; from < n && weir_task_is_going (task); from += WEIR_CHUNK_SIZE) {
    guint some = MIN (n - from, WEIR_CHUNK_SIZE);

    weir_combine_hash (task, &combined->table, values + from, some, keys, cells);
    weir_sum_add_keys (task, combined, keys, some, weir_int (1));
  }
}
