/* Key indexes: a dataset of the context by key, made once and looked up by all batches.
 *
 * Entries lie in the order of the hash, each at its home or as close behind it as there is room. A home is two places, a
 * cache line: a key is mostly found in the first one that is asked for. Made on the runner, then read by any worker.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/dataset.h"
#include "engine/table.h"
#include "engine/verb.h"

#define WEIR_KEY_INDEX_SALT ((guint64) 1 << 33) /* of the seed: operators that look up must hash as it does */

#define WEIR_KEY_INDEX_SEVERAL (1u << WEIR_KEY_NOTE_SHIFT) /* the value is a LIST of the key's values */
#define WEIR_KEY_INDEX_FAR     (2u << WEIR_KEY_NOTE_SHIFT) /* lo is a pointer to the WeirKey */

typedef struct {
  guint64 lo;
  guint32 hash;
  guint32 meta; /* 0: the place is free */
  WeirValue value;
} WeirKeyEntry;

typedef struct {
  WeirSeed seed;    /* salted */
  WeirTable table;  /* without slots once it is made: it owns the long keys */
  WeirArena arena;  /* of values, and of keys that are no single word */
  WeirBlock *block; /* of the entries */
  WeirKeyEntry *entries;
  gsize n_places; /* for entries; the last one is free */
  guint shift;    /* of a hash to its home */
} WeirKeyIndex;

/* The index of a dataset of the context, made if there is none yet. NULL: an element is no pair, and the batch has
 * failed; @name: of the operator that asks. */
const WeirKeyIndex *weir_key_index_of (WeirDataset *dataset, WeirRun *run, const char *name);

/* The same for a verb's two datasets, which have to be of one batch: if they are not, that is the verb's mistake. */
const WeirKeyIndex *weir_key_index_for (WeirVerb *verb, WeirDataset *data, WeirDataset *table);

/* Entries of hashes from @start (up to 2^32) on are not before this place; none of those before @end is after this one. */
gsize weir_key_index_place (const WeirKeyIndex *index, guint64 start);
gsize weir_key_index_end (const WeirKeyIndex *index, guint64 end);
/* Valid as long as the index. */
WeirValue weir_key_entry_key (const WeirKeyEntry *entry);

gboolean weir_key_entry_equal_far (const WeirKeyEntry *entry, const WeirKey *key);

static inline gsize
weir_key_index_home (const WeirKeyIndex *index, guint64 hash)
{
  return hash >> index->shift & ~(guint64) 1;
}

/* Where the key would be: to be asked for before, since it is far away. */
static inline const WeirKeyEntry *
weir_key_index_start (const WeirKeyIndex *index, const WeirKey *key)
{
  return &index->entries[weir_key_index_home (index, key->hash)];
}

/* Is it the entry of a key that is one word, and of this one? */
static inline gboolean
weir_key_entry_is_word (const WeirKeyEntry *entry, const WeirKey *key)
{
  const guint32 bits = WEIR_KEY_BITS | WEIR_KEY_INDEX_FAR;

  return ((entry->lo ^ key->lo) | key->hi | ((entry->meta ^ key->meta) & bits)) == 0;
}

/* @entry: from weir_key_index_start (). NULL: there is no such key. */
static inline const WeirKeyEntry *
weir_key_index_find (const WeirKeyEntry *entry, const WeirKey *key)
{
  const guint32 bits = WEIR_KEY_BITS | WEIR_KEY_INDEX_FAR;

  for (; entry->meta != 0 && entry->hash <= key->hash; entry++) {
    if (entry->lo == key->lo && (((entry->meta ^ key->meta) & bits) | key->hi) == 0)
      return entry;
    if (G_UNLIKELY ((entry->meta & WEIR_KEY_INDEX_FAR) != 0) && weir_key_entry_equal_far (entry, key))
      return entry;
  }
  return NULL;
}

static inline const WeirValue *
weir_key_entry_values (const WeirKeyEntry *entry, guint32 *n)
{
  gboolean is_one = (entry->meta & WEIR_KEY_INDEX_SEVERAL) == 0;

  *n = is_one ? 1 : entry->value.size;
  return is_one ? &entry->value : entry->value.cells;
}
