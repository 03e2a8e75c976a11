/* Keys and tables for tests: keys of all kinds, keys of a chosen hash.
 *
 * Belongs to one test, one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/table-cursor.h"
#include "engine/value-copy.h"
#include "tests/engine/random-value.h"
#include "tests/engine/task-fixture.h"

#define ALL_HASHES ((guint64) 1 << 32)

typedef struct {
  WeirMemory *memory; /* of the tables */
  TaskFixture tasks;  /* of random values */
  WeirTask *task;
  WeirSeed seed;
  WeirTable table;
} TableFixture;

static inline void
table_fixture_set_up (TableFixture *f, gconstpointer data)
{
  f->memory = weir_memory_new ((gsize) 256 * 1024 * 1024);
  f->task = task_fixture_init (&f->tasks);
  weir_seed_init (&f->seed, 0);
  weir_table_init (&f->table, f->memory, sizeof (gint64), 0, ALL_HASHES);
}

static inline void
table_fixture_tear_down (TableFixture *f, gconstpointer data)
{
  weir_table_clear (&f->table);
  task_fixture_clear (&f->tasks);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
  weir_memory_free (f->memory);
}

/* Scalars, texts around the size that a slot holds, containers. */
static inline WeirValue
random_key (WeirTask *task)
{
  static const char letters[] = "ab\0\xff";
  guint n = below (41);
  char *p;

  if (below (3) > 0)
    return random_value (task, 3);
  p = weir_alloc (task, n + 1);
  for (guint i = 0; i < n; i++)
    p[i] = letters[below (4)];
  return WEIR_VALUE_INIT (data, p, n, below (2) == 0 ? WEIR_TEXT : WEIR_BYTES, 0);
}

/* The slot of a value, made if it is not there; NULL: memory limit. */
static inline WeirKey *
table_put (WeirTable *table, const WeirSeed *seed, WeirValue value, gboolean *is_new)
{
  WeirKey key, *slot;
  WeirValue cell;

  weir_key_of (value, seed, &key, &cell);
  slot = weir_table_find (table, &key, table->stride);
  *is_new = slot->meta == 0;
  return *is_new ? weir_table_insert (table, &key, slot) : slot;
}

static inline WeirKey *
table_get (const WeirTable *table, const WeirSeed *seed, WeirValue value)
{
  WeirKey key, *slot;
  WeirValue cell;

  weir_key_of (value, seed, &key, &cell);
  slot = weir_table_find (table, &key, table->stride);
  return slot->meta != 0 ? slot : NULL;
}

/* An INT whose hash is what the test says. */
static inline WeirKey
key_with_hash (gint64 i, guint32 hash)
{
  static const WeirSeed any;
  WeirKey key;
  WeirValue cell;

  weir_key_of (weir_int (i), &any, &key, &cell);
  key.hash = hash;
  return key;
}

static inline gboolean
table_put_key (WeirTable *table, WeirKey key)
{
  WeirKey *slot = weir_table_find (table, &key, table->stride);

  if (slot->meta == 0)
    slot = weir_table_insert (table, &key, slot);
  if (slot == NULL)
    return FALSE;
  *(gint64 *) weir_slot_value (slot) = (gint64) key.lo;
  return TRUE;
}
