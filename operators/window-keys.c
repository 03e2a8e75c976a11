/* Owns the numbers of a window's keys, their index and the columns' memory. Must not know what a key's values are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-keys.h"

#define FIRST      64
#define FIRST_TAIL 64
#define PLACES     8 /* of the index, that are read at once */

/* A rank's share of the columns. */
#define RANK_SIZE (4 * sizeof (WeirValue) + sizeof (WeirKey) + sizeof (guint32))

void
weir_window_keys_init (WeirWindowKeys *keys, WeirMemory *memory, guint n_shards, guint64 from, guint64 until)
{
  static const WeirKeyPlace none[] = WEIR_NO_PLACES;

  *keys = (WeirWindowKeys){ .memory = memory, .n_shards = n_shards, .from = from, .until = until };
  for (guint i = 0; i < keys->n_shards; i++)
    keys->shards[i].free_rank = WEIR_NO_NUMBER;
  keys->places = (WeirKeyPlace *) none;
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

    if (place->at == 0)
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
set_places (WeirWindowKeys *keys, gsize n_homes, gsize tail)
{
  const WeirWindowKeys old = *keys;

  keys->n_homes = n_homes;
  keys->scale = ((guint64) n_homes << 32) / (keys->until - keys->from);

  for (;; tail *= 2) {
    gsize n = n_homes + tail + 1;

    keys->index = weir_block_new (keys->memory, n * sizeof (WeirKeyPlace));
    if (keys->index == NULL) {
      *keys = old;
      return FALSE;
    }
    keys->places = (WeirKeyPlace *) keys->index->data;
    for (gsize i = 0; i < n; i++)
      keys->places[i] = (WeirKeyPlace) WEIR_FREE_PLACE;
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

static void
place_columns (WeirWindowKeys *keys, WeirBlock *block, guint32 capacity)
{
  const gsize n = (gsize) capacity * keys->n_shards;

  keys->block = block;
  keys->capacity = capacity;
  keys->fronts = (WeirValue *) block->data;
  keys->backs = keys->fronts + n;
  keys->scans = keys->backs + n;
  keys->nexts = keys->scans + n;
  keys->keys = (WeirKey *) (keys->nexts + n);
  keys->n_panes = (guint32 *) (keys->keys + n);
}

static void
move_shard (WeirWindowKeys *keys, const WeirWindowKeys *old, guint shard)
{
  const gsize to = (gsize) shard * keys->capacity, from = (gsize) shard * old->capacity, n = old->n_ranks;

  memcpy (keys->fronts + to, old->fronts + from, n * sizeof *old->fronts);
  memcpy (keys->backs + to, old->backs + from, n * sizeof *old->backs);
  memcpy (keys->scans + to, old->scans + from, n * sizeof *old->scans);
  memcpy (keys->nexts + to, old->nexts + from, n * sizeof *old->nexts);
  memcpy (keys->keys + to, old->keys + from, n * sizeof *old->keys);
  memcpy (keys->n_panes + to, old->n_panes + from, n * sizeof *old->n_panes);
}

/* Keys are elsewhere in columns that have more room for each shard. */
static void
move_places_on (WeirWindowKeys *keys, guint32 from_capacity)
{
  for (gsize i = 0; i < keys->n_places; i++) {
    const guint32 at = keys->places[i].at;

    if (at != 0)
      keys->places[i].at = at + (at - 1) / from_capacity * (keys->capacity - from_capacity);
  }
}

/* FALSE: memory limit, and all is as it was. */
static gboolean
grow_columns (WeirWindowKeys *keys, gsize capacity)
{
  const WeirWindowKeys old = *keys;
  WeirBlock *block = NULL;

  if (capacity < (guint32) 1 << WEIR_RANK_BITS && capacity * keys->n_shards < WEIR_NO_NUMBER)
    block = weir_block_new (keys->memory, capacity * keys->n_shards * RANK_SIZE);
  if (block == NULL)
    return FALSE;
  place_columns (keys, block, (guint32) capacity);
  /* Ranks that no shard has handed out are skipped by who walks along a column. */
  weir_values_fill (keys->fronts, WEIR_NO_VALUE, 4 * capacity * keys->n_shards);
  for (guint i = 0; old.block != NULL && i < keys->n_shards; i++)
    move_shard (keys, &old, i);
  if (old.block != NULL) {
    move_places_on (keys, old.capacity);
    weir_block_unref (old.block);
  }
  return TRUE;
}

/* Shards fill nearly alike: with so many ranks it is unlikely that one needs many more. Panes have as many, hence no more
 * than that. */
static gsize
ranks_for (const WeirWindowKeys *keys, gsize n)
{
  gsize share = n / keys->n_shards + 1, spread = 1;

  while (spread * spread < share)
    spread++;
  return share + share / 16 + 2 * spread;
}

static gboolean
reserve_places (WeirWindowKeys *keys, gsize n)
{
  return n + n / 2 <= keys->n_homes || set_places (keys, 2 * n, MAX (keys->tail, FIRST_TAIL));
}

gboolean
weir_window_keys_reserve (WeirWindowKeys *keys, gsize n)
{
  const gsize ranks = ranks_for (keys, MAX (keys->n, n));

  return reserve_places (keys, MAX (keys->n + n, FIRST)) && (ranks <= keys->capacity || grow_columns (keys, ranks));
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

  while (place->hash < key->hash)
    place++;
  while (place->at != 0 && place->hash == key->hash && !weir_key_equal (&keys->keys[place->at - 1], key) &&
         is_before (&keys->keys[place->at - 1], key))
    place++;
  return place;
}

static inline gboolean
has_key (const WeirWindowKeys *keys, const WeirKeyPlace *place, const WeirKey *key)
{
  return place->at != 0 && place->hash == key->hash && weir_key_equal (&keys->keys[place->at - 1], key);
}

static guint32
number_of (const WeirWindowKeys *keys, const WeirKeyPlace *place)
{
  const guint32 at = place->at - 1;

  return at / keys->capacity << WEIR_RANK_BITS | at % keys->capacity;
}

guint32
weir_window_keys_find (const WeirWindowKeys *keys, const WeirKey *key)
{
  const WeirKeyPlace *place = find_place (keys, key);

  return has_key (keys, place, key) ? number_of (keys, place) : WEIR_NO_NUMBER;
}

/* What is in the way moves on by one. FALSE: there is no room behind it. */
static gboolean
open_place (WeirWindowKeys *keys, WeirKeyPlace *place)
{
  WeirKeyPlace *end = place;

  while (end->at != 0)
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
    if (!set_places (keys, keys->n_homes, keys->tail * 2))
      return FALSE;
    place = find_place (keys, key);
  }
  *place = (WeirKeyPlace){ key->hash, (guint32) weir_place_of (number, keys->capacity) + 1 };
  keys->n++;
  return TRUE;
}

static guint
shard_for (const WeirWindowKeys *keys, guint32 hash)
{
  return (guint) ((hash - keys->from) * keys->n_shards / (keys->until - keys->from));
}

/* WEIR_NO_NUMBER: memory limit. */
static guint32
take_number (WeirWindowKeys *keys, guint shard)
{
  WeirKeyShard *of = &keys->shards[shard];
  guint32 rank = of->free_rank;

  if (rank != WEIR_NO_NUMBER) {
    of->free_rank = keys->n_panes[(gsize) shard * keys->capacity + rank];
    return shard << WEIR_RANK_BITS | rank;
  }
  rank = of->n_ranks;
  if (rank == keys->capacity && !grow_columns (keys, (gsize) rank + rank / 8 + 1))
    return WEIR_NO_NUMBER;
  of->n_ranks++;
  keys->n_ranks = MAX (keys->n_ranks, of->n_ranks);
  return shard << WEIR_RANK_BITS | rank;
}

static void
give_number (WeirWindowKeys *keys, guint32 number)
{
  WeirKeyShard *shard = &keys->shards[weir_shard_of (number)];
  gsize at = weir_place_of (number, keys->capacity);

  keys->fronts[at] = WEIR_NO_VALUE;
  keys->backs[at] = WEIR_NO_VALUE;
  keys->scans[at] = WEIR_NO_VALUE;
  keys->nexts[at] = WEIR_NO_VALUE;
  keys->n_panes[at] = shard->free_rank;
  shard->free_rank = weir_rank_of (number);
}

static G_GNUC_NO_INLINE guint32
add_new (WeirWindowKeys *keys, const WeirKey *key)
{
  WeirKey own = *key;
  guint32 number;
  gsize at;

  own.meta &= WEIR_KEY_BITS;
  if (!reserve_places (keys, MAX (keys->n + 1, FIRST)) || !weir_key_own (&keys->cells, &own))
    return WEIR_NO_NUMBER;
  number = take_number (keys, shard_for (keys, key->hash));
  if (number != WEIR_NO_NUMBER) {
    at = weir_place_of (number, keys->capacity);
    keys->n_panes[at] = 0;
    keys->keys[at] = own;
    if (put_place (keys, key, number))
      return number;
    give_number (keys, number);
  }
  weir_key_drop (&keys->cells, &own);
  return WEIR_NO_NUMBER;
}

guint32
weir_window_keys_add (WeirWindowKeys *keys, const WeirKey *key)
{
  const WeirKeyPlace *place = find_place (keys, key);

  return G_LIKELY (has_key (keys, place, key)) ? number_of (keys, place) : add_new (keys, key);
}

void
weir_window_keys_remove (WeirWindowKeys *keys, guint32 number)
{
  const gsize at = weir_place_of (number, keys->capacity);
  const WeirKey *key = &keys->keys[at];
  WeirKeyPlace *hole = weir_window_keys_home (keys, key->hash), *end;

  while (hole->at != at + 1)
    hole++;
  /* Those behind it move up, unless they are where they would like to be: from there on all are. */
  for (end = hole + 1; end->at != 0 && weir_window_keys_home (keys, end->hash) < end; end++)
    ;
  memmove (hole, hole + 1, (gsize) ((char *) end - (char *) (hole + 1)));
  end[-1] = (WeirKeyPlace) WEIR_FREE_PLACE;
  keys->n--;
  weir_key_drop (&keys->cells, key);
  give_number (keys, number);
}

/* Which places are used is as good as random, hence no branch on it. */
static inline guint
take_places (const WeirKeyPlace *from, guint n_from, guint32 *places)
{
  guint n = 0;

  for (guint i = 0; i < n_from; i++) {
    places[n] = from[i].at - 1;
    n += from[i].at != 0;
  }
  return n;
}

guint
weir_window_keys_next (const WeirWindowKeys *keys, gsize *at, guint32 *places, guint most)
{
  gsize i = *at;
  guint n = 0;

  for (; i + PLACES <= keys->n_places && n + PLACES <= most; i += PLACES)
    n += take_places (keys->places + i, PLACES, places + n);
  for (; i < keys->n_places && n < most; i++)
    n += take_places (keys->places + i, 1, places + n);
  *at = i;
  return n;
}
