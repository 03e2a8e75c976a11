/* The keys of one slice of a window: each has a number for as long as the window holds it, by which the key and what
 * belongs to it lie in columns. The index, whose places are in the order of (hash, key), has no more than hashes and
 * where keys are in the columns, so that looking up a key touches little memory.
 *
 * A number is a shard, which follows from the hash, and a rank in it. A column has the shards one after the other, each
 * with the same room: what is near in the order of the hashes is near in memory, however keys come and go, and what is
 * done with one shard after the other (operators/window-panes.c) is done in a small part of each column. Numbers stay as
 * the columns grow; where they are in them, which is what most ask for, does not.
 *
 * One thread at a time changes them; while none does, many may look keys up. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <string.h>

#include <weir/value.h>

#include "engine/key.h"
#include "engine/memory.h"

/* No value at all, and the value of a key in a pane that does not have it; NIL is a value like others. */
#define WEIR_NO_VALUE       WEIR_VALUE_INIT (bits, 0, 0, WEIR_NIL, 0x80)
#define WEIR_ABSENT         WEIR_VALUE_INIT (bits, 0, 0, WEIR_NIL, 0xc0)
#define WEIR_IS_NO_VALUE(v) ((v).kind == WEIR_NIL && (v).flags == 0x80)
#define WEIR_IS_ABSENT(v)   ((v).kind == WEIR_NIL && (v).flags == 0xc0)

#define WEIR_SHARDS_MOST 64
#define WEIR_RANK_BITS   26
#define WEIR_NO_NUMBER   G_MAXUINT32

typedef struct {
  guint32 hash; /* G_MAXUINT32 where it is free */
  guint32 at;   /* one more than where the key is in the columns; 0: the place is free */
} WeirKeyPlace;

/* Where all hashes find a free place that nobody writes to. */
#define WEIR_FREE_PLACE                                                                                                \
  {                                                                                                                    \
    G_MAXUINT32, 0                                                                                                     \
  }
#define WEIR_NO_PLACES                                                                                                 \
  {                                                                                                                    \
    WEIR_FREE_PLACE, WEIR_FREE_PLACE, WEIR_FREE_PLACE, WEIR_FREE_PLACE                                                 \
  }

typedef struct {
  guint32 n_ranks;   /* that were ever handed out */
  guint32 free_rank; /* a list through n_panes; WEIR_NO_NUMBER: none */
} WeirKeyShard;

typedef struct {
  WeirMemory *memory;
  guint64 from, until; /* the hashes that belong here */
  guint n_shards;
  WeirBlock *index;
  WeirKeyPlace *places;
  guint64 scale;     /* (hash - from) * scale, shifted by 32: the place where a key would like to be */
  gsize n_homes;     /* such places */
  gsize n_places;    /* the last one is always free */
  gsize tail;        /* of these, behind all that keys would like: for those that are pushed on */
  gsize n;           /* keys */
  WeirBlock *block;  /* of the columns */
  guint32 capacity;  /* ranks of each shard in them */
  guint32 n_ranks;   /* that were ever handed out, of the shard that has most */
  WeirValue *fronts; /* as operators/window-panes.c has it; WEIR_NO_VALUE where there is no key */
  WeirValue *backs;  /* the same, */
  WeirValue *scans;  /* the same, */
  WeirValue *nexts;  /* the same */
  WeirKey *keys;     /* owned */
  guint32 *n_panes;  /* that hold the key; of a free number: the next free rank */
  WeirKeyShard shards[WEIR_SHARDS_MOST];
  WeirCells cells; /* of long keys */
} WeirWindowKeys;

static inline void
weir_values_fill (WeirValue *values, WeirValue value, gsize n)
{
  for (gsize i = 0; i < n; i++)
    memcpy (&values[i], &value, sizeof value); /* not by its fields, which compilers store one by one */
}

/* @n_shards: WEIR_SHARDS_MOST or fewer. */
void weir_window_keys_init (WeirWindowKeys *keys, WeirMemory *memory, guint n_shards, guint64 from, guint64 until);
void weir_window_keys_clear (WeirWindowKeys *keys); /* the values must be nobody's */

/* Before @n keys, of which some may be there already, are added in the order of their hashes. FALSE: memory limit. */
gboolean weir_window_keys_reserve (WeirWindowKeys *keys, gsize n);
/* The key's number; one with no panes and no values if it is new. WEIR_NO_NUMBER: memory limit. */
guint32 weir_window_keys_add (WeirWindowKeys *keys, const WeirKey *key);
/* Frees the number. Its values must be nobody's. */
void weir_window_keys_remove (WeirWindowKeys *keys, guint32 number);
/* Where up to @most keys are in the columns, in the order of (hash, key), at least 1; 0 at the end. *at begins at 0. */
guint weir_window_keys_next (const WeirWindowKeys *keys, gsize *at, guint32 *places, guint most);

static inline guint
weir_shard_of (guint32 number)
{
  return number >> WEIR_RANK_BITS;
}

static inline guint32
weir_rank_of (guint32 number)
{
  return number & (((guint32) 1 << WEIR_RANK_BITS) - 1);
}

/* Where a number is in a column that has room for so many ranks of each shard. */
static inline gsize
weir_place_of (guint32 number, guint32 n_ranks)
{
  return (gsize) weir_shard_of (number) * n_ranks + weir_rank_of (number);
}

static inline WeirKeyPlace *
weir_window_keys_home (const WeirWindowKeys *keys, guint32 hash)
{
  return &keys->places[(hash - keys->from) * keys->scale >> 32];
}

/* Where the first key that has the hash, of which @place is the home, is in the columns: mostly the one that is looked
 * for. WEIR_NO_NUMBER: no key with the hash is there. */
static inline guint32
weir_window_keys_guess (const WeirKeyPlace *place, guint32 hash)
{
  /* How far it is, no branch predictor can know; mostly it is not further. */
  place += (place[0].hash < hash) + (place[1].hash < hash) + (place[2].hash < hash);
  while (G_UNLIKELY (place->hash < hash))
    place++;
  return G_LIKELY (place->hash == hash) ? place->at - 1 : WEIR_NO_NUMBER;
}

/* WEIR_NO_NUMBER: it is not there. */
guint32 weir_window_keys_find (const WeirWindowKeys *keys, const WeirKey *key);
