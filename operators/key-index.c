/* Owns the making of key indexes, in two passes over the dataset: one counts the values of each key, one places them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/key-index.h"

#include <weir/error.h>

#include "engine/table-cursor.h"
#include "operators/pairs.h"

#define SEVERAL (1u << WEIR_KEY_NOTE_SHIFT)
#define STRIDE  (sizeof (WeirKey) + sizeof (WeirValue))

typedef gboolean (*ChunkFunc) (WeirKeyIndex *index, const WeirChunk *chunk);

static void
index_free (gpointer data)
{
  WeirKeyIndex *index = data;

  weir_table_clear (&index->table);
  weir_arena_clear (&index->items);
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
count_values (WeirKeyIndex *index, const WeirChunk *chunk)
{
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
      items = weir_arena_alloc (&index->items, (gsize) value->integer * sizeof *items);
      if (items == NULL)
        return FALSE;
      *value = WEIR_VALUE_INIT (cells, items, 0, WEIR_LIST, 0);
      slots[i]->meta |= SEVERAL;
    }
  return TRUE;
}

static gboolean
place_values (WeirKeyIndex *index, const WeirChunk *chunk)
{
  WeirKey keys[WEIR_CHUNK_SIZE];
  WeirValue cells[WEIR_CHUNK_SIZE];

  hash_keys (index, chunk, keys, cells);
  for (guint i = 0; i < chunk->n; i++) {
    WeirKey *slot = weir_table_find (&index->table, &keys[i], STRIDE);
    WeirValue *value = weir_slot_value (slot);

    if (slot->meta & SEVERAL)
      ((WeirValue *) value->cells)[value->size++] = chunk->values[i];
    else
      *value = chunk->values[i];
  }
  return TRUE;
}

static gboolean
for_each_chunk (const WeirDataset *dataset, WeirKeyIndex *index, ChunkFunc f)
{
  for (guint i = 0; i < dataset->n_partitions; i++) {
    const GArray *chunks = dataset->partitions[i]->chunks;

    for (guint k = 0; k < chunks->len; k++)
      if (!f (index, &g_array_index (chunks, WeirChunk, k)))
        return FALSE;
  }
  return TRUE;
}

static gboolean
check_pairs (WeirKeyIndex *index, const WeirChunk *chunk)
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

static WeirKeyIndex *
index_new (const WeirDataset *dataset, const WeirSeed *seed)
{
  WeirMemory *memory = dataset->n_partitions > 0 ? dataset->partitions[0]->arena.memory : NULL;
  WeirKeyIndex *index = g_new0 (WeirKeyIndex, 1);

  index->seed = *seed;
  weir_table_init (&index->table, memory, sizeof (WeirValue), 0, (guint64) 1 << 32);
  weir_arena_init (&index->items, memory);
  if (weir_table_reserve (&index->table, count_elements (dataset)) && for_each_chunk (dataset, index, count_values) &&
      lay_out (index) && for_each_chunk (dataset, index, place_values))
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
  if (!for_each_chunk (dataset, NULL, check_pairs)) {
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
