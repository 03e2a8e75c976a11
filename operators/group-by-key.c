/* Owns group_by_key: the values of each key as one list. Tasks hand pairs over by slice of the keys' hashes; a slice is
 * grouped in two passes, which count, then place values into lists that lie one behind the other. Groups come in the
 * order in which their keys came first. Both sides run on workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "engine/stream.h"
#include "engine/table.h"
#include "operators/pairs.h"
#include "operators/rows.h"

#define FIRST_GROUPS 64

typedef struct {
  WeirValue key;
  WeirValue *items;
  gsize n;
} Group;

/* What a slice is merged into; no rows of its own, but freed like those that the tasks wrote. */
typedef struct {
  WeirRows owner;
  Group *groups;
  gsize n_groups;
} Groups;

/* While a slice is grouped. */
typedef struct {
  WeirTask *task;
  const WeirReader *reader;
  WeirTable table; /* key -> guint32, its group */
  WeirArena arena; /* for the two below */
  Group *groups;
  gsize n_groups, capacity;
  guint32 *group_of; /* by row */
} Grouping;

static void
group_open (WeirTask *task)
{
  *(WeirRows **) task->instance = weir_rows_new (task->task_run->run->memory, task->op->n_slices);
  task->task_run->keep = TRUE;
}

static void
group_process (WeirTask *task, const WeirChunk *in)
{
  const WeirSeed *seed = &task->task_run->run->seed;
  WeirRows *rows = *(WeirRows **) task->instance;

  if (!weir_task_require_pairs (task, in))
    return;
  for (guint i = 0; i < in->n; i++) {
    guint32 hash = (guint32) (weir_hash_value (in->keys[i], seed) >> 32);

    if (!weir_rows_add (rows, weir_slice_of (hash, rows->n_slices), in, i)) {
      weir_task_fail_memory (task);
      return;
    }
  }
}

static gpointer
group_seal (WeirTask *task)
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
    Group *groups = weir_arena_alloc (&self->arena, capacity * sizeof *groups);

    if (groups == NULL)
      return FALSE;
    if (self->n_groups > 0)
      memcpy (groups, self->groups, self->n_groups * sizeof *groups);
    self->groups = groups;
    self->capacity = capacity;
  }
  self->groups[self->n_groups++] = (Group){ .key = key };
  return TRUE;
}

/* FALSE: memory limit. */
static gboolean
find_group (Grouping *self, WeirValue value, guint32 *group)
{
  WeirKey key, *slot;
  WeirValue cell;

  weir_key_of (value, &self->task->task_run->run->seed, &key, &cell);
  slot = weir_table_find (&self->table, &key, self->table.stride);
  if (slot->meta == 0) {
    slot = weir_table_insert (&self->table, &key, slot);
    if (slot == NULL || !add_group (self, value))
      return FALSE;
    *(guint32 *) weir_slot_value (slot) = (guint32) (self->n_groups - 1);
  }
  *group = *(const guint32 *) weir_slot_value (slot);
  return TRUE;
}

static gboolean
count_values (Grouping *self)
{
  WeirRowCursor cursor = { 0 };
  const WeirRowBlock *block;
  guint32 *group_of = self->group_of;

  while ((block = weir_row_cursor_next (&cursor, self->reader->exchange, self->reader->partition)) != NULL)
    for (guint i = 0; i < block->n; i++, group_of++) {
      if (!find_group (self, block->keys[i], group_of))
        return FALSE;
      self->groups[*group_of].n++;
    }
  return TRUE;
}

/* Lists that are empty yet, each with room for what was counted. */
static gboolean
lay_out (Grouping *self, Groups *merged, gsize n_rows)
{
  WeirValue *items = weir_arena_alloc (&merged->owner.arena, n_rows * sizeof *items);

  merged->groups = weir_arena_alloc (&merged->owner.arena, self->n_groups * sizeof (Group));
  if (items == NULL || merged->groups == NULL)
    return FALSE;
  memcpy (merged->groups, self->groups, self->n_groups * sizeof (Group));
  merged->n_groups = self->n_groups;
  for (gsize i = 0; i < merged->n_groups; i++) {
    merged->groups[i].items = items;
    items += merged->groups[i].n;
    merged->groups[i].n = 0;
  }
  return TRUE;
}

static void
place_values (const Grouping *self, Groups *merged)
{
  WeirRowCursor cursor = { 0 };
  const WeirRowBlock *block;
  const guint32 *group_of = self->group_of;

  while ((block = weir_row_cursor_next (&cursor, self->reader->exchange, self->reader->partition)) != NULL)
    for (guint i = 0; i < block->n; i++) {
      Group *group = &merged->groups[*group_of++];

      group->items[group->n++] = block->values[i];
    }
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
group_rows (WeirTask *task, const WeirReader *reader, Groups *merged, gsize n_rows)
{
  WeirMemory *memory = task->task_run->run->memory;
  guint64 start = weir_slice_start (reader->partition, reader->op->n_slices);
  guint64 end = weir_slice_start (reader->partition + 1, reader->op->n_slices);
  Grouping self = { .task = task, .reader = reader };
  gboolean ok;

  weir_table_init (&self.table, memory, sizeof (guint32), start, end - start);
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

static const Groups *
merge_slice (WeirTask *task, const WeirReader *reader)
{
  gpointer *slot = &reader->exchange->merged[reader->partition];
  gsize n_rows = count_rows (reader);
  Groups *merged;

  if (*slot != NULL)
    return *slot;
  *slot = merged = g_new0 (Groups, 1);
  weir_arena_init (&merged->owner.arena, task->task_run->run->memory);
  if (G_UNLIKELY (n_rows > G_MAXUINT32))
    weir_task_fail (task, WEIR_ERROR_FAILED, "%" G_GSIZE_FORMAT " pairs in one partition, of 4294967295 at most: %s",
                    n_rows, "ask for more with weir_stream_set_partitions ()");
  else if (n_rows > 0)
    group_rows (task, reader, merged, n_rows);
  return merged;
}

static gboolean
group_read (WeirTask *task, WeirReader *reader)
{
  const Groups *merged = merge_slice (task, reader);
  gsize *next = reader->state;
  gsize end = MIN (*next + WEIR_CHUNK_SIZE, merged->n_groups);

  for (; *next < end && weir_task_is_going (task); (*next)++) {
    const Group *group = &merged->groups[*next];

    weir_emit_pair (task, group->key, WEIR_VALUE_INIT (cells, group->items, (guint32) group->n, WEIR_LIST, 0));
  }
  return end < merged->n_groups;
}

static const WeirOpClass group_by_key_class = {
  .verb = "group_by_key",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_PAIRS,
  .instance_size = sizeof (WeirRows *),
  .open = group_open,
  .process = group_process,
  .seal = group_seal,
  .output_free = weir_rows_free,
  .reader_size = sizeof (gsize),
  .read = group_read,
};

/**
 * weir_group_by_key:
 * @s: a stream of pairs
 *
 * A stream of (key, LIST): one pair for each key of the batch, with all its values in order of arrival, which is
 * (partition, position). All values of a batch are in memory at once: where a sum or another reduction is wanted,
 * weir_reduce_by_key() and weir_aggregate_by_key() are far cheaper.
 *
 * Called while the graph is built. An element that is not a pair fails the batch with %WEIR_ERROR_KIND.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_group_by_key (WeirStream *s)
{
  return weir_stream_derive (s, &group_by_key_class, NULL);
}
