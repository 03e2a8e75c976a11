/* Owns the numbers of a window's keys, their index, the columns' memory and the phases. Must not know what a key's values
 * are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-keys.h"

#include <string.h>

#define FIRST      64
#define FIRST_TAIL 64
#define ROUNDS     4 /* in which the phases take turns before runs become twice as long */

/* A number's share of the columns. */
#define NUMBER_SIZE (2 * sizeof (WeirValue) + sizeof (WeirKey) + sizeof (guint32))

void
weir_window_keys_init (WeirWindowKeys *keys, WeirMemory *memory, guint64 from, guint64 until)
{
  static WeirKeyPlace none;

  *keys = (WeirWindowKeys){ .memory = memory, .from = from, .until = until, .free_number = WEIR_NO_NUMBER };
  /* Until something comes, all hashes find the one free place that nobody writes to. */
  keys->places = &none;
  keys->shift = 32;
  keys->n_places = 1;
  weir_cells_init (&keys->cells, memory);
}

void
weir_window_keys_clear (WeirWindowKeys *keys)
{
  if (keys->block != NULL)
    weir_block_unref (keys->block);
  if (keys->index != NULL)
    weir_block_unref (keys->index);
  weir_cells_clear (&keys->cells);
}

static inline gboolean
is_last (const WeirWindowKeys *keys, const WeirKeyPlace *place)
{
  return place == keys->places + keys->n_places - 1;
}

/* All places over, in their order; FALSE if the tail is too short for what is pushed beyond the end. */
static gboolean
move_places (WeirWindowKeys *keys, const WeirWindowKeys *old)
{
  WeirKeyPlace *next = keys->places;

  for (gsize i = 0; i < old->n_places; i++) {
    const WeirKeyPlace *place = &old->places[i];

    if (place->number == 0)
      continue;
    next = MAX (next, weir_window_keys_home (keys, place->hash));
    if (is_last (keys, next))
      return FALSE;
    *next++ = *place;
  }
  return TRUE;
}

/* FALSE: memory limit, and all is as it was. */
static gboolean
set_places (WeirWindowKeys *keys, guint shift, gsize tail)
{
  const WeirWindowKeys old = *keys;

  for (;; tail *= 2) {
    gsize n = (gsize) ((keys->until - keys->from) >> shift) + 1 + tail;

    keys->index = weir_block_new (keys->memory, n * sizeof (WeirKeyPlace));
    if (keys->index == NULL) {
      *keys = old;
      return FALSE;
    }
    keys->places = (WeirKeyPlace *) keys->index->data;
    memset (keys->places, 0, n * sizeof (WeirKeyPlace));
    keys->shift = shift;
    keys->n_places = n;
    keys->tail = tail;
    if (move_places (keys, &old))
      break;
    weir_block_unref (keys->index);
  }
  if (old.index != NULL)
    weir_block_unref (old.index);
  return TRUE;
}

gboolean
weir_window_keys_reserve (WeirWindowKeys *keys, gsize n)
{
  const guint64 range = keys->until - keys->from;
  guint shift = keys->shift;

  n = MAX (keys->n + n, FIRST);
  while (shift > 0 && range >> shift < n + n / 2)
    shift--;
  return shift == keys->shift || set_places (keys, shift, MAX (keys->tail, FIRST_TAIL));
}

static void
place_columns (WeirWindowKeys *keys, WeirBlock *block, guint32 capacity)
{
  keys->block = block;
  keys->capacity = capacity;
  keys->fronts = (WeirValue *) block->data;
  keys->backs = keys->fronts + capacity;
  keys->keys = (WeirKey *) (keys->backs + capacity);
  keys->n_panes = (guint32 *) (keys->keys + capacity);
}

static gboolean
grow_columns (WeirWindowKeys *keys)
{
  const WeirWindowKeys old = *keys;
  gsize n = old.n_numbers, capacity = MAX ((gsize) old.capacity * 2, FIRST);
  WeirBlock *block;

  if (capacity >= WEIR_NO_NUMBER)
    return FALSE;
  block = weir_block_new (keys->memory, capacity * NUMBER_SIZE);
  if (block == NULL)
    return FALSE;
  place_columns (keys, block, (guint32) capacity);
  if (old.block == NULL)
    return TRUE;
  memcpy (keys->fronts, old.fronts, n * sizeof *old.fronts);
  memcpy (keys->backs, old.backs, n * sizeof *old.backs);
  memcpy (keys->keys, old.keys, n * sizeof *old.keys);
  memcpy (keys->n_panes, old.n_panes, n * sizeof *old.n_panes);
  weir_block_unref (old.block);
  return TRUE;
}

static gboolean
is_before (const WeirKey *a, const WeirKey *b)
{
  if (G_LIKELY (a->hash != b->hash))
    return a->hash < b->hash;
  return weir_compare (weir_key_value (a), weir_key_value (b)) < 0;
}

/* The key's place, or the one that would be its: that of the first key after it, or a free one. */
static WeirKeyPlace *
find_place (const WeirWindowKeys *keys, const WeirKey *key)
{
  WeirKeyPlace *place = weir_window_keys_home (keys, key->hash);

  while (place->number != 0 && place->hash < key->hash)
    place++;
  while (place->number != 0 && place->hash == key->hash && !weir_key_equal (&keys->keys[place->number - 1], key) &&
         is_before (&keys->keys[place->number - 1], key))
    place++;
  return place;
}

static inline gboolean
has_key (const WeirWindowKeys *keys, const WeirKeyPlace *place, const WeirKey *key)
{
  return place->number != 0 && place->hash == key->hash && weir_key_equal (&keys->keys[place->number - 1], key);
}

guint32
weir_window_keys_find (const WeirWindowKeys *keys, const WeirKey *key)
{
  const WeirKeyPlace *place = find_place (keys, key);

  return has_key (keys, place, key) ? place->number - 1 : WEIR_NO_NUMBER;
}

/* What is in the way moves on by one. FALSE: there is no room behind it. */
static gboolean
open_place (WeirWindowKeys *keys, WeirKeyPlace *place)
{
  WeirKeyPlace *end = place;

  while (end->number != 0)
    end++;
  if (is_last (keys, end))
    return FALSE;
  memmove (place + 1, place, (gsize) ((char *) end - (char *) place));
  return TRUE;
}

static gboolean
put_place (WeirWindowKeys *keys, const WeirKey *key, guint32 number)
{
  WeirKeyPlace *place = find_place (keys, key);

  while (!open_place (keys, place)) {
    if (!set_places (keys, keys->shift, keys->tail * 2))
      return FALSE;
    place = find_place (keys, key);
  }
  *place = (WeirKeyPlace){ key->hash, number + 1 };
  keys->n++;
  return TRUE;
}

static guint32
take_number (WeirWindowKeys *keys)
{
  guint32 number = keys->free_number;

  if (number == WEIR_NO_NUMBER)
    return keys->n_numbers++;
  keys->free_number = keys->n_panes[number];
  return number;
}

static void
give_number (WeirWindowKeys *keys, guint32 number)
{
  keys->fronts[number] = WEIR_NO_VALUE;
  keys->backs[number] = WEIR_NO_VALUE;
  keys->n_panes[number] = keys->free_number;
  keys->free_number = number;
}

static G_GNUC_NO_INLINE guint32
add_new (WeirWindowKeys *keys, const WeirKey *key)
{
  WeirKey own = *key;
  guint32 number;

  if (!weir_window_keys_reserve (keys, 1) ||
      (keys->free_number == WEIR_NO_NUMBER && keys->n_numbers == keys->capacity && !grow_columns (keys)))
    return WEIR_NO_NUMBER;
  own.meta &= WEIR_KEY_BITS;
  if (!weir_key_own (&keys->cells, &own))
    return WEIR_NO_NUMBER;
  number = take_number (keys);
  keys->fronts[number] = WEIR_NO_VALUE;
  keys->backs[number] = WEIR_NO_VALUE;
  keys->n_panes[number] = 0;
  keys->keys[number] = own;
  if (put_place (keys, key, number))
    return number;
  weir_key_drop (&keys->cells, &own);
  give_number (keys, number);
  return WEIR_NO_NUMBER;
}

guint32
weir_window_keys_add (WeirWindowKeys *keys, const WeirKey *key)
{
  const WeirKeyPlace *place = find_place (keys, key);

  return G_LIKELY (has_key (keys, place, key)) ? place->number - 1 : add_new (keys, key);
}

void
weir_window_keys_remove (WeirWindowKeys *keys, guint32 number)
{
  WeirKeyPlace *hole = weir_window_keys_home (keys, keys->keys[number].hash), *end;

  while (hole->number != number + 1)
    hole++;
  /* Those behind it move up, unless they are where they would like to be: from there on all are. */
  for (end = hole + 1; end->number != 0 && weir_window_keys_home (keys, end->hash) < end; end++)
    ;
  memmove (hole, hole + 1, (gsize) ((char *) end - (char *) (hole + 1)));
  end[-1] = (WeirKeyPlace){ 0 };
  keys->n--;
  weir_key_drop (&keys->cells, &keys->keys[number]);
  give_number (keys, number);
}

guint
weir_window_keys_next (const WeirWindowKeys *keys, gsize *at, guint32 *numbers, guint most)
{
  gsize i = *at;
  guint n = 0;

  /* Which places are used is as good as random, hence no branch on it. */
  for (; i < keys->n_places && n < most; i++) {
    numbers[n] = keys->places[i].number - 1;
    n += keys->places[i].number != 0;
  }
  *at = i;
  return n;
}

/* Level 0 are the first ROUNDS x length numbers, in runs of one; each further level is as many numbers as there are below
 * it, in runs of 2^(level - 1). */
WeirPhaseRun
weir_phase_run (guint length, guint phase, guint i)
{
  guint level = i / ROUNDS, round = i % ROUNDS, log2 = level == 0 ? 0 : level - 1;
  guint64 base = level == 0 ? 0 : (guint64) length * ROUNDS << log2;

  return (WeirPhaseRun){ base + (((guint64) round * length + phase) << log2), (guint64) 1 << log2 };
}

guint
weir_phase_of (guint length, guint32 number)
{
  guint64 first = (guint64) length * ROUNDS;
  guint log2;

  if (number < first)
    return number % length;
  log2 = 63 - (guint) __builtin_clzll (number / first);
  return (guint) (((number - (first << log2)) >> log2) % length);
}
