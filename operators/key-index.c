/* Owns the making of key indexes: one pass over the dataset counts the values of each key in a table, one places them;
 * then the table's slots, which are in the order of the hash, become entries.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/key-index.h"

#include <weir/error.h>

#include <string.h>

#include "engine/table-cursor.h"
#include "operators/pairs.h"

#define CACHE_LINE ((gsize) 64)
#define STRIDE     (sizeof (WeirKey) + sizeof (WeirValue))

static void
index_free (gpointer data)
{
  WeirKeyIndex *index = data;

  weir_table_clear (&index->table);
  weir_arena_clear (&index->arena);
  if (index->block != NULL)
    weir_block_unref (index->block);
  g_free (index);
}

static void
hash_keys (const WeirKeyIndex *index, const WeirChunk *chunk, WeirKey *keys, WeirValue *cells)
{
  for (guint i = 0; i < chunk->n; i++) {
    weir_key_of (chunk->keys[i], &index->seed, &keys[i], &cells[i]);
    __builtin_prefetch (weir_table_home (&index->table, keys[i].hash, STRIDE), 1);
  }
}

/* While values are counted, a slot's value is their number. */
static gboolean
count_values (const WeirChunk *chunk, gpointer data)
{
  WeirKeyIndex *index = data;
  WeirKey keys[WEIR_CHUNK_SIZE], *slot;
  WeirValue cells[WEIR_CHUNK_SIZE];

  hash_keys (index, chunk, keys, cells);
  for (guint i = 0; i < chunk->n; i++) {
    slot = weir_table_find (&index->table, &keys[i], STRIDE);
    if (slot->meta == 0)
      slot = weir_table_insert (&index->table, &keys[i], slot);
    if (slot == NULL)
      return FALSE;
    ((WeirValue *) weir_slot_value (slot))->integer++;
  }
  return TRUE;
}

/* Several values of a key get a list that is empty yet. */
static gboolean
lay_out (WeirKeyIndex *index)
{
  WeirTableCursor cursor;
  WeirKey *slots[WEIR_CHUNK_SIZE];
  guint n;

  weir_table_cursor_init (&cursor, &index->table, 0, (guint64) 1 << 32);
  while ((n = weir_table_cursor_next (&cursor, slots, G_N_ELEMENTS (slots))) > 0)
    for (guint i = 0; i < n; i++) {
      WeirValue *value = weir_slot_value (slots[i]);
      WeirValue *items;

      if (value->integer == 1)
        continue;
      items = weir_arena_alloc (&index->arena, (gsize) value->integer * sizeof *items);
      if (items == NULL)
        return FALSE;
      *value = WEIR_VALUE_INIT (cells, items, 0, WEIR_LIST, 0);
      slots[i]->meta |= WEIR_KEY_INDEX_SEVERAL;
    }
  return TRUE;
}

static gboolean
place_values (const WeirChunk *chunk, gpointer data)
{
  WeirKeyIndex *index = data;
  WeirKey keys[WEIR_CHUNK_SIZE];
  WeirValue cells[WEIR_CHUNK_SIZE];

  hash_keys (index, chunk, keys, cells);
  for (guint i = 0; i < chunk->n; i++) {
    WeirKey *slot = weir_table_find (&index->table, &keys[i], STRIDE);
    WeirValue *value = weir_slot_value (slot);

    if (slot->meta & WEIR_KEY_INDEX_SEVERAL)
      ((WeirValue *) value->cells)[value->size++] = chunk->values[i];
    else
      *value = chunk->values[i];
  }
  return TRUE;
}

static gboolean
check_pairs (const WeirChunk *chunk, gpointer data)
{
  return chunk->keys != NULL;
}

static gsize
count_elements (const WeirDataset *dataset)
{
  gsize n = 0;

  for (guint i = 0; i < dataset->n_partitions; i++)
    n += dataset->partitions[i]->n_elements;
  return n;
}

/* How many places there have to be: those that are homes, and what is displaced behind them. */
static gsize
count_places (const WeirKeyIndex *index)
{
  WeirTableCursor cursor;
  WeirKey *slots[WEIR_CHUNK_SIZE];
  gsize end = 0;
  guint n;

  weir_table_cursor_init (&cursor, &index->table, 0, (guint64) 1 << 32);
  while ((n = weir_table_cursor_next (&cursor, slots, G_N_ELEMENTS (slots))) > 0)
    for (guint i = 0; i < n; i++)
      end = MAX (end, weir_key_index_home (index, slots[i]->hash)) + 1;
  return MAX (end, (gsize) 1 << (32 - index->shift)) + 1;
}

/* Two homes or more for each key. */
static gboolean
allocate_entries (WeirKeyIndex *index)
{
  guint64 n = index->table.n;
  gsize size;

  index->shift = 31;
  while (index->shift > 0 && (guint64) 1 << (32 - index->shift) < 2 * n)
    index->shift--;
  index->n_places = count_places (index);
  size = index->n_places * sizeof (WeirKeyEntry);
  index->block = weir_block_new (index->table.memory, size + CACHE_LINE);
  if (index->block == NULL)
    return FALSE;
  index->entries = (WeirKeyEntry *) (((guintptr) index->block->data + CACHE_LINE - 1) & ~(guintptr) (CACHE_LINE - 1));
  memset (index->entries, 0, size);
  return TRUE;
}

/* A key that is a word is its word; of others the slot is kept. */
static gboolean
set_entry (WeirKeyIndex *index, WeirKeyEntry *entry, const WeirKey *slot)
{
  WeirKey *far_key;

  *entry = (WeirKeyEntry){ slot->lo, slot->hash, slot->meta, *(const WeirValue *) weir_slot_value (slot) };
  if (slot->hi == 0 && (slot->meta & (WEIR_KEY_LONG | WEIR_KEY_CELLS)) == 0)
    return TRUE;
  far_key = weir_arena_alloc (&index->arena, sizeof *far_key);
  if (far_key == NULL)
    return FALSE;
  *far_key = *slot;
  entry->lo = (guint64) (guintptr) far_key;
  entry->meta |= WEIR_KEY_INDEX_FAR;
  return TRUE;
}

/* The table keeps its long keys alone. */
static void
drop_slots (WeirTable *table)
{
  weir_block_unref (table->block);
  table->block = NULL;
  table->slots = NULL;
}

static gboolean
make_entries (WeirKeyIndex *index)
{
  WeirTableCursor cursor;
  WeirKey *slots[WEIR_CHUNK_SIZE];
  gsize at = 0;
  guint n;

  if (!allocate_entries (index))
    return FALSE;
  weir_table_cursor_init (&cursor, &index->table, 0, (guint64) 1 << 32);
  while ((n = weir_table_cursor_next (&cursor, slots, G_N_ELEMENTS (slots))) > 0)
    for (guint i = 0; i < n; i++, at++) {
      at = MAX (at, weir_key_index_home (index, slots[i]->hash));
      if (!set_entry (index, &index->entries[at], slots[i]))
        return FALSE;
    }
  if (index->table.block != NULL)
    drop_slots (&index->table);
  return TRUE;
}

gboolean
weir_key_entry_equal_far (const WeirKeyEntry *entry, const WeirKey *key)
{
  const WeirKey *own = (const WeirKey *) (guintptr) entry->lo;

  if (own->lo == key->lo && own->hi == key->hi && ((own->meta ^ key->meta) & WEIR_KEY_BITS) == 0)
    return TRUE;
  return (key->meta & (WEIR_KEY_LONG | WEIR_KEY_CELLS)) != 0 && weir_key_equal_slow (own, key);
}

gsize
weir_key_index_place (const WeirKeyIndex *index, guint64 start)
{
  return MIN (weir_key_index_home (index, start), index->n_places);
}

gsize
weir_key_index_end (const WeirKeyIndex *index, guint64 end)
{
  gsize place = weir_key_index_place (index, end);

  while (place < index->n_places && index->entries[place].meta != 0 && index->entries[place].hash < end)
    place++;
  return place;
}

WeirValue
weir_key_entry_key (const WeirKeyEntry *entry)
{
  const WeirKey word = { entry->lo, 0, entry->hash, entry->meta };
  guint kind = entry->meta >> WEIR_KEY_KIND_SHIFT & 15;

  if ((entry->meta & WEIR_KEY_INDEX_FAR) != 0)
    return weir_key_value ((const WeirKey *) (guintptr) entry->lo);
  if (kind == WEIR_TEXT || kind == WEIR_BYTES)
    return WEIR_VALUE_INIT (data, (const char *) &entry->lo, entry->meta & WEIR_KEY_SIZE, kind, 0);
  return weir_key_value (&word);
}

static WeirKeyIndex *
index_new (const WeirDataset *dataset, const WeirSeed *seed)
{
  WeirMemory *memory = dataset->n_partitions > 0 ? dataset->partitions[0]->arena.memory : NULL;
  WeirKeyIndex *index = g_new0 (WeirKeyIndex, 1);

  index->seed = *seed;
  weir_table_init (&index->table, memory, sizeof (WeirValue), 0, (guint64) 1 << 32);
  weir_arena_init (&index->arena, memory);
  if (weir_table_reserve (&index->table, count_elements (dataset)) &&
      weir_dataset_each_chunk (dataset, count_values, index) && lay_out (index) &&
      weir_dataset_each_chunk (dataset, place_values, index) && make_entries (index))
    return index;
  index_free (index);
  return NULL;
}

static void
fail (WeirRun *run, gint code, const char *name, const char *what)
{
  weir_run_take_error (run, g_error_new (WEIR_ERROR, code, "%s: %s", name, what));
}

/* A context that opened again may hash by another seed. */
static gboolean
is_current (const WeirKeyIndex *index, const WeirSeed *seed)
{
  return index != NULL && index->seed.a == seed->a && index->seed.b == seed->b &&
         index->seed.long_seed == seed->long_seed;
}

const WeirKeyIndex *
weir_key_index_of (WeirDataset *dataset, WeirRun *run, const char *name)
{
  const WeirSeed seed = weir_seed_salted (&run->seed, WEIR_KEY_INDEX_SALT);

  if (is_current (dataset->index, &seed))
    return dataset->index;
  if (!weir_dataset_each_chunk (dataset, check_pairs, NULL)) {
    fail (run, WEIR_ERROR_KIND, name, "takes pairs, but the context's dataset has other elements: give it pairs");
    return NULL;
  }
  g_clear_pointer (&dataset->index, index_free);
  dataset->index_free = index_free;
  dataset->index = index_new (dataset, &seed);
  if (dataset->index == NULL)
    fail (run, WEIR_ERROR_MEMORY_LIMIT, name, "no memory to hash the context's dataset by key: give it fewer pairs");
  return dataset->index;
}

const WeirKeyIndex *
weir_key_index_for (WeirVerb *verb, WeirDataset *data, WeirDataset *table)
{
  WeirRun *run = weir_dataset_run_of (data);

  if (run != NULL && run == weir_dataset_run_of (table))
    return weir_key_index_of (table, run, run->asker != NULL ? run->asker : verb->klass->verb);
  verb->mistake = g_strdup ("takes datasets of different batches or contexts: use those that the function was given");
  return NULL;
}
