/* The entries of a key group with state: where each lies, by its number, and which number a key has.
 *
 * An entry with an age has a cache line of its own: a batch that touches few keys of many waits for memory, and for little
 * else. Inline because it runs once per record; must not change anything. Threads: see keyed-state.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/macros.h>

#include "engine/key.h"

#define WEIR_NO_ENTRY G_MAXUINT32

/* When an entry was last touched, and its neighbours in that order. */
typedef struct {
  WeirTime time;
  guint32 older, newer; /* only where there is a timeout */
} WeirStateAge;

typedef struct {
  WeirKey key;      /* meta 0: the number is free */
  WeirValue value;  /* those within it, if it is a container, are marked as borrowed */
  WeirStateAge age; /* only where the state is dated */
} WeirStateEntry;

typedef struct {
  char *entries;
  gsize stride;            /* from one to the next: those of a state that is not dated are shorter */
  guint64 *used, *changed; /* a bit an entry; changed: since the last checkpoint */
  guint64 *bases;          /* by page: the epoch that a restart has to begin with; 0: none yet */
  guint64 *index;          /* hash << 32 | entry + 1, in the order of the hashes but for collisions; 0: free */
  guint32 mask, shift;
  guint32 n; /* no number from here on is used */
  guint32 n_used, n_changed, capacity;
  guint32 limit;      /* of n_used, for the index */
  guint32 first_free; /* no number below is free */
  guint32 oldest, newest;
  WeirBlock *block, *index_block;
} WeirStateGroup;

static inline WeirStateEntry *
weir_entry_at (const WeirStateGroup *group, guint32 entry)
{
  return (WeirStateEntry *) (gpointer) (group->entries + entry * group->stride);
}

static inline const WeirStateEntry *
weir_entry_behind (const WeirStateGroup *group, const WeirStateEntry *entry)
{
  return (const WeirStateEntry *) (gconstpointer) ((const char *) entry + group->stride);
}

/* All of it, before it is needed. */
static inline void
weir_entry_prefetch (const WeirStateGroup *group, guint32 entry)
{
  const char *at = group->entries + entry * group->stride;

  __builtin_prefetch (at, 1);
  __builtin_prefetch (at + offsetof (WeirStateEntry, age) - 1, 1); /* without an age it may lie in two cache lines */
}

static inline const guint64 *
weir_entry_home (const WeirStateGroup *group, guint32 hash)
{
  return &group->index[(guint32) (hash << 8) >> group->shift];
}

/* WEIR_NO_ENTRY: not there. */
static inline guint32
weir_entry_find (const WeirStateGroup *group, const WeirKey *key)
{
  guint32 at = (guint32) (key->hash << 8) >> group->shift;

  for (;; at = (at + 1) & group->mask) {
    guint64 word = group->index[at];
    guint32 entry = (guint32) word - 1;

    if (entry == WEIR_NO_ENTRY ||
        ((guint32) (word >> 32) == key->hash && weir_key_equal (&weir_entry_at (group, entry)->key, key)))
      return entry;
  }
}

/* The first entry that has the hash, which mostly is the key's: the index alone tells. */
static inline guint32
weir_entry_guess (const WeirStateGroup *group, guint32 hash)
{
  guint32 at = (guint32) (hash << 8) >> group->shift;

  while ((guint32) group->index[at] != 0 && (guint32) (group->index[at] >> 32) != hash)
    at = (at + 1) & group->mask;
  return (guint32) group->index[at] - 1;
}
