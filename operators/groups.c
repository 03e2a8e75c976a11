/* Owns the grouping of a slice's rows: a pass that finds each row's group and counts, and one that places values. Must
 * not know what is emitted of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/groups.h"

#include <string.h>

#include "engine/table.h"
#include "operators/pairs.h"

#define FIRST_GROUPS 64

typedef struct {
  WeirTask *task;
  const WeirReader *reader;
  WeirTable table; /* key -> guint32, its group */
  WeirArena arena; /* for the two below */
  WeirGroup *groups;
  gsize n_groups, capacity;
  guint32 *group_of; /* by row */
} Grouping;

void
weir_groups_open (WeirTask *task)
{
  *(WeirRows **) task->instance = weir_rows_new (task->task_run->run->memory, task->op->n_slices);
  task->task_run->keep = TRUE;
}

void
weir_groups_process (WeirTask *task, const WeirChunk *in)
{
  const WeirSeed seed = task->seed;
  WeirRows *rows = *(WeirRows **) task->instance;

  if (!weir_task_require_pairs (task, in))
    return;
  for (guint i = 0; i < in->n; i++) {
    guint slice = 0;

    if (rows->n_slices > 1)
      slice = weir_slice_of ((guint32) (weir_hash_value (in->keys[i], &seed) >> 32), rows->n_slices);
    if (!weir_rows_add (rows, slice, in, i)) {
      weir_task_fail_memory (task);
      return;
    }
  }
}

gpointer
weir_groups_seal (WeirTask *task)
{
  WeirRows *rows = *(WeirRows **) task->instance;

  weir_rows_take_scratch (rows, &task->task_run->scratch);
  return rows;
}

static gboolean
add_group (Grouping *self, WeirValue key)
{
  if (self->n_groups == self->capacity) {
    gsize capacity = MAX (2 * self->capacity, FIRST_GROUPS);
    WeirGroup *groups = weir_arena_alloc (&self->arena, capacity * sizeof *groups);

    if (groups == NULL)
      return FALSE;
    if (self->n_groups > 0)
      memcpy (groups, self->groups, self->n_groups * sizeof *groups);
    self->groups = groups;
    self->capacity = capacity;
  }
  self->groups[self->n_groups++] = (WeirGroup){ .key = key };
  return TRUE;
}

/* FALSE: memory limit. */
static gboolean
find_group (Grouping *self, const WeirKey *key, WeirValue value, guint32 *group)
{
  WeirKey *slot = weir_table_find (&self->table, key, sizeof (WeirKey) + sizeof (guint64));

  if (G_UNLIKELY (slot->meta == 0)) {
    slot = weir_table_insert (&self->table, key, slot);
    if (slot == NULL || !add_group (self, value))
      return FALSE;
    *(guint32 *) weir_slot_value (slot) = (guint32) (self->n_groups - 1);
  }
  *group = *(const guint32 *) weir_slot_value (slot);
  return TRUE;
}

/* A block of at most a chunk: hashed, with the slots on their way, before the first is looked up. */
static gboolean
count_block (Grouping *self, const WeirRowBlock *block, guint32 *group_of, gboolean is_first)
{
  const WeirSeed seed = self->task->seed;
  WeirKey keys[WEIR_CHUNK_SIZE];
  WeirValue cells[WEIR_CHUNK_SIZE];

  for (guint i = 0; i < block->n; i++) {
    weir_key_of (block->keys[i], &seed, &keys[i], &cells[i]);
    __builtin_prefetch (weir_table_home (&self->table, keys[i].hash, self->table.stride), 1);
  }
  for (guint i = 0; i < block->n; i++)
    if (!find_group (self, &keys[i], block->keys[i], &group_of[i]))
      return FALSE;
  for (guint i = 0; i < block->n; i++) {
    WeirGroup *group = &self->groups[group_of[i]];

    group->n++;
    group->n_first += is_first;
  }
  return TRUE;
}

static gboolean
count_values (Grouping *self)
{
  const WeirExchange *exchange = self->reader->exchange;
  WeirRowCursor cursor = { 0 };
  const WeirRowBlock *block;
  guint32 *group_of = self->group_of;

  for (; (block = weir_row_cursor_next (&cursor, exchange, self->reader->partition)) != NULL; group_of += block->n)
    if (!count_block (self, block, group_of, exchange->inputs[cursor.output - 1] == 0))
      return FALSE;
  return TRUE;
}

/* Lists that are empty yet, each with room for what was counted. */
static gboolean
lay_out (Grouping *self, WeirGroups *merged, gsize n_rows)
{
  WeirValue *items = weir_arena_alloc (&merged->owner.arena, n_rows * sizeof *items);

  merged->groups = weir_arena_alloc (&merged->owner.arena, self->n_groups * sizeof (WeirGroup));
  if (items == NULL || merged->groups == NULL)
    return FALSE;
  memcpy (merged->groups, self->groups, self->n_groups * sizeof (WeirGroup));
  merged->n_groups = self->n_groups;
  for (gsize i = 0; i < merged->n_groups; i++) {
    merged->groups[i].items = items;
    items += merged->groups[i].n;
  }
  return TRUE;
}

/* Where the next value of each group goes, in the place of the table's groups, which are not needed any more. */
static void
place_values (const Grouping *self, const WeirGroups *merged)
{
  WeirValue **ends = (WeirValue **) self->groups;
  WeirRowCursor cursor = { 0 };
  const WeirRowBlock *block;
  const guint32 *group_of = self->group_of;

  for (gsize i = 0; i < merged->n_groups; i++)
    ends[i] = merged->groups[i].items;
  while ((block = weir_row_cursor_next (&cursor, self->reader->exchange, self->reader->partition)) != NULL)
    for (guint i = 0; i < block->n; i++)
      *ends[*group_of++]++ = block->values[i];
}

static gsize
count_rows (const WeirReader *reader)
{
  gsize n = 0;

  for (guint i = 0; i < reader->exchange->n_outputs; i++)
    n += ((const WeirRows *) reader->exchange->outputs[i])->slices[reader->partition].n_rows;
  return n;
}

static void
group_rows (WeirTask *task, const WeirReader *reader, WeirGroups *merged, gsize n_rows)
{
  WeirMemory *memory = task->task_run->run->memory;
  guint64 start = weir_slice_start (reader->partition, reader->op->n_slices);
  guint64 end = weir_slice_start (reader->partition + 1, reader->op->n_slices);
  Grouping self = { .task = task, .reader = reader };
  gboolean ok;

  weir_table_init (&self.table, memory, sizeof (guint64), start, end - start);
  weir_arena_init (&self.arena, memory);
  self.group_of = weir_arena_alloc (&self.arena, n_rows * sizeof *self.group_of);
  ok = self.group_of != NULL && count_values (&self) && lay_out (&self, merged, n_rows);
  if (ok)
    place_values (&self, merged);
  else
    weir_task_fail_memory (task);
  weir_table_clear (&self.table);
  weir_arena_clear (&self.arena);
}

const WeirGroups *
weir_groups_of_slice (WeirTask *task, const WeirReader *reader)
{
  gpointer *slot = &reader->exchange->merged[reader->partition];
  WeirGroups *merged = *slot;
  gsize n_rows;

  if (merged != NULL)
    return merged;
  *slot = merged = g_new0 (WeirGroups, 1);
  weir_arena_init (&merged->owner.arena, task->task_run->run->memory);
  n_rows = count_rows (reader);
  if (G_UNLIKELY (n_rows > G_MAXUINT32))
    weir_task_fail (task, WEIR_ERROR_FAILED, "%" G_GSIZE_FORMAT " pairs in one partition, of 4294967295 at most: %s",
                    n_rows, "ask for more with weir_stream_set_partitions ()");
  else if (n_rows > 0)
    group_rows (task, reader, merged, n_rows);
  return merged;
}
