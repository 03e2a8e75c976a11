/* The keys of one slice of a window: each has a number for as long as the window holds it, by which the key and what
 * belongs to it lie in columns. The index, whose places are in the order of (hash, key), has no more than hashes and
 * numbers, so that looking up a key touches little memory.
 *
 * A number has a phase below the length of the window. Small numbers change their phase from one to the next, greater ones
 * in longer and longer runs, so that any count of keys has nearly the same share in each phase, and a phase of many keys
 * is a few runs.
 *
 * One thread at a time changes them; while none does, many may look keys up. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/value.h>

#include "engine/key.h"
#include "engine/memory.h"

/* No value at all, and the value of a key in a pane that does not have it; NIL is a value like others. */
#define WEIR_NO_VALUE       WEIR_VALUE_INIT (bits, 0, 0, WEIR_NIL, 0x80)
#define WEIR_ABSENT         WEIR_VALUE_INIT (bits, 0, 0, WEIR_NIL, 0xc0)
#define WEIR_IS_NO_VALUE(v) ((v).kind == WEIR_NIL && (v).flags == 0x80)
#define WEIR_IS_ABSENT(v)   ((v).kind == WEIR_NIL && (v).flags == 0xc0)

#define WEIR_NO_NUMBER G_MAXUINT32

typedef struct {
  guint32 hash;
  guint32 number; /* one more than it is; 0: the place is free */
} WeirKeyPlace;

typedef struct {
  WeirMemory *memory;
  guint64 from, until; /* the hashes that belong here */
  WeirBlock *index;
  WeirKeyPlace *places;
  guint shift;         /* hash - from, shifted: the place where a key would like to be */
  gsize n_places;      /* the last one is always free */
  gsize tail;          /* of these, behind all that keys would like: for those that are pushed on */
  gsize n;             /* keys */
  WeirBlock *block;    /* of the columns */
  WeirValue *fronts;   /* by number, as operators/window-panes.c has it; WEIR_NO_VALUE of a number that is free */
  WeirValue *backs;    /* the same */
  WeirKey *keys;       /* owned */
  guint32 *n_panes;    /* that hold the key; of a free number: the next free one */
  guint32 n_numbers;   /* that were ever handed out: all are below */
  guint32 capacity;    /* of the columns */
  guint32 free_number; /* a list */
  WeirCells cells;     /* of long keys */
} WeirWindowKeys;

void weir_window_keys_init (WeirWindowKeys *keys, WeirMemory *memory, guint64 from, guint64 until);
void weir_window_keys_clear (WeirWindowKeys *keys); /* the values must be nobody's */

/* Room for @n keys more; needed before keys are added in the order of their hashes. FALSE: memory limit. */
gboolean weir_window_keys_reserve (WeirWindowKeys *keys, gsize n);
/* The key's number; one with no panes and no values if it is new. WEIR_NO_NUMBER: memory limit. */
guint32 weir_window_keys_add (WeirWindowKeys *keys, const WeirKey *key);
/* Frees the number. Its values must be nobody's. */
void weir_window_keys_remove (WeirWindowKeys *keys, guint32 number);
/* Up to @most numbers, in the order of (hash, key), at least 1; 0 at the end. *at begins at 0. */
guint weir_window_keys_next (const WeirWindowKeys *keys, gsize *at, guint32 *numbers, guint most);

static inline WeirKeyPlace *
weir_window_keys_home (const WeirWindowKeys *keys, guint32 hash)
{
  return &keys->places[(hash - keys->from) >> keys->shift];
}

/* The first number whose key has the hash: mostly the key's. WEIR_NO_NUMBER: no key with the hash is there. */
static inline guint32
weir_window_keys_guess (const WeirWindowKeys *keys, guint32 hash)
{
  const WeirKeyPlace *place = weir_window_keys_home (keys, hash);

  while (place->number != 0 && place->hash < hash)
    place++;
  return place->hash == hash ? place->number - 1 : WEIR_NO_NUMBER;
}

/* WEIR_NO_NUMBER: it is not there. */
guint32 weir_window_keys_find (const WeirWindowKeys *keys, const WeirKey *key);

typedef struct {
  guint64 start;
  guint64 n;
} WeirPhaseRun;

/* A phase's runs are [start, start + n) for i = 0, 1, ... until one starts beyond all numbers. */
WeirPhaseRun weir_phase_run (guint length, guint phase, guint i);
guint weir_phase_of (guint length, guint32 number);
