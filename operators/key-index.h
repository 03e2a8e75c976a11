/* Key indexes: a dataset of the context by key, made once and looked up by all batches.
 *
 * Made on the runner, then read by any worker. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/dataset.h"
#include "engine/table.h"

#define WEIR_KEY_INDEX_SALT ((guint64) 1 << 33) /* of the seed: operators that look up must hash as it does */

typedef struct {
  WeirSeed seed;   /* salted */
  WeirTable table; /* key -> WeirValue: the value, or a LIST of them where the note is set */
  WeirArena items;
} WeirKeyIndex;

/* The index of a dataset of the context, made if there is none yet. NULL: an element is no pair, and the batch has
 * failed; @name: of the operator that asks. */
const WeirKeyIndex *weir_key_index_of (WeirDataset *dataset, WeirRun *run, const char *name);

/* A slot's values. */
static inline const WeirValue *
weir_key_index_values (const WeirKey *slot, guint32 *n)
{
  const WeirValue *value = weir_slot_value (slot);

  if (G_LIKELY ((slot->meta & WEIR_KEY_NOTE) == 0)) {
    *n = 1;
    return value;
  }
  *n = value->size;
  return value->cells;
}
