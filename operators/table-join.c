/* Owns joins that keep all keys of a dataset of the context. A slice's groups of the data look their keys up in the table's
 * index and mark what they find; then come the table's entries that nobody has marked, which lie in the order of the
 * hash, a slice's side by side. Both sides run on workers.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/table-join.h"

#include <string.h>

#include "engine/verb.h"
#include "operators/groups.h"
#include "operators/key-index.h"

#define WORD_BITS 64
#define AHEAD     16 /* groups whose entries are on their way */

typedef struct {
  const WeirKeyIndex *index; /* NULL: it could not be made, and the batch has failed */
  gboolean table_is_first;
  WeirTableJoin kind;
} TableJoin;

typedef struct {
  const WeirValue *items;
  guint32 n;
} Side;

typedef struct {
  gsize group;               /* of the data; then all of them are out, and */
  gsize place;               /* of the index, from the slice's first, comes next */
  guint32 of_data, of_table; /* the next pair of the group or entry */
} Reader;

static const WeirValue nil;

static void
slice_bounds (const WeirReader *reader, guint64 *start, guint64 *end)
{
  *start = weir_slice_start (reader->partition, reader->op->n_slices);
  *end = weir_slice_start (reader->partition + 1, reader->op->n_slices);
}

static gboolean
reserve_marks (WeirTask *task, WeirGroups *groups, gsize n_places)
{
  gsize size = (n_places / WORD_BITS + 1) * sizeof (guint64);

  if (groups->marks != NULL)
    return TRUE;
  groups->marks = weir_arena_alloc (&groups->owner.arena, size);
  if (groups->marks == NULL) {
    weir_task_fail_memory (task);
    return FALSE;
  }
  memset (groups->marks, 0, size);
  return TRUE;
}

static const WeirKeyEntry *
look_up (const WeirTask *task, const WeirKeyIndex *index, WeirValue value)
{
  const WeirSeed seed = task->seed;
  WeirKey key;
  WeirValue cell;

  weir_key_of (value, &seed, &key, &cell);
  return weir_key_index_find (weir_key_index_start (index, &key), &key);
}

/* A group's entry will be needed soon: tables are mostly larger than caches. */
static void
ask_for (const WeirTask *task, const WeirKeyIndex *index, const WeirGroups *groups, gsize i)
{
  const WeirSeed seed = task->seed;
  WeirKey key;
  WeirValue cell;

  if (i >= groups->n_groups)
    return;
  weir_key_of (groups->groups[i].key, &seed, &key, &cell);
  __builtin_prefetch (weir_key_index_start (index, &key));
}

static void
emit_both (WeirTask *task, const TableJoin *params, WeirValue key, WeirValue of_data, WeirValue of_table)
{
  WeirValue *cells = weir_alloc (task, 2 * sizeof *cells);

  if (cells == NULL)
    return;
  cells[params->table_is_first] = of_data;
  cells[!params->table_is_first] = of_table;
  weir_emit_pair (task, key, WEIR_VALUE_INIT (cells, cells, 0, WEIR_PAIR, WEIR_VALUE_CELLS));
}

static WeirValue
list_of (Side side)
{
  return WEIR_VALUE_INIT (cells, side.items, side.n, WEIR_LIST, 0);
}

/* What there is of one key, up to @most pairs. TRUE: that was all. */
static gboolean
emit_key (WeirTask *task, Reader *state, WeirValue key, Side data, Side table, guint *most)
{
  const TableJoin *params = task->op->params;

  if (params->kind == WEIR_TABLE_COGROUP) {
    emit_both (task, params, key, list_of (data), list_of (table));
    *most -= 1;
    return TRUE;
  }
  data = data.n > 0 ? data : (Side){ &nil, 1 };
  if (table.n == 0)
    table = (Side){ &nil, params->kind == WEIR_TABLE_FULL_OUTER };
  for (; state->of_data < data.n && table.n > 0; state->of_data++, state->of_table = 0)
    for (; state->of_table < table.n; state->of_table++) {
      if (*most == 0)
        return FALSE;
      *most -= 1;
      emit_both (task, params, key, data.items[state->of_data], table.items[state->of_table]);
    }
  state->of_data = state->of_table = 0;
  return TRUE;
}

static Side
values_of (const WeirKeyEntry *entry)
{
  Side side = { NULL, 0 };

  if (entry != NULL)
    side.items = weir_key_entry_values (entry, &side.n);
  return side;
}

static void
emit_groups (WeirTask *task, WeirGroups *groups, Reader *state, gsize first_place, guint *most)
{
  const TableJoin *params = task->op->params;

  for (; state->group<groups->n_groups && * most> 0 && weir_task_is_going (task); state->group++) {
    const WeirGroup *group = &groups->groups[state->group];
    const WeirKeyEntry *entry = look_up (task, params->index, group->key);
    gsize place = entry != NULL ? (gsize) (entry - params->index->entries) - first_place : 0;

    ask_for (task, params->index, groups, state->group + AHEAD);
    if (entry != NULL)
      groups->marks[place / WORD_BITS] |= G_GUINT64_CONSTANT (1) << place % WORD_BITS;
    if (!emit_key (task, state, group->key, (Side){ group->items, group->n }, values_of (entry), most))
      return;
  }
}

static gboolean
is_left (const WeirGroups *groups, const WeirKeyEntry *entry, gsize place, guint64 start, guint64 end)
{
  return entry->meta != 0 && entry->hash >= start && entry->hash < end &&
         (groups->marks[place / WORD_BITS] >> place % WORD_BITS & 1) == 0;
}

static gboolean
table_read (WeirTask *task, WeirReader *reader)
{
  const TableJoin *params = task->op->params;
  WeirGroups *groups = (WeirGroups *) weir_groups_of_slice (task, reader); /* the slice is this task's */
  Reader *state = reader->state;
  guint most = WEIR_CHUNK_SIZE;
  guint64 start, end;
  gsize first, n;

  if (params->index == NULL || !weir_task_is_going (task))
    return FALSE;
  slice_bounds (reader, &start, &end);
  first = weir_key_index_place (params->index, start);
  n = weir_key_index_end (params->index, end) - first;
  if (!reserve_marks (task, groups, n))
    return FALSE;
  emit_groups (task, groups, state, first, &most);
  for (; state->group == groups->n_groups && state->place < n && most > 0; state->place++) {
    const WeirKeyEntry *entry = &params->index->entries[first + state->place];

    if (is_left (groups, entry, state->place, start, end) &&
        !emit_key (task, state, weir_key_entry_key (entry), (Side){ NULL, 0 }, values_of (entry), &most))
      break;
  }
  return weir_task_is_going (task) && (state->group < groups->n_groups || state->place < n);
}

#define TABLE_CLASS(name)                                                                                              \
  {                                                                                                                    \
    .verb = name, .kind = WEIR_OP_WIDE, .flags = WEIR_OP_PAIRS, .instance_size = WEIR_GROUPS_INSTANCE_SIZE,            \
    .open = weir_groups_open, .process = weir_groups_process, .seal = weir_groups_seal, .output_free = weir_rows_free, \
    .reader_size = sizeof (Reader), .read = table_read,                                                                \
  }

static const WeirOpClass left_class = TABLE_CLASS ("left_outer_join");
static const WeirOpClass right_class = TABLE_CLASS ("right_outer_join");
static const WeirOpClass full_class = TABLE_CLASS ("full_outer_join");
static const WeirOpClass cogroup_class = TABLE_CLASS ("cogroup");

static const WeirOpClass *
class_of (const TableJoin *params)
{
  if (params->kind == WEIR_TABLE_OUTER)
    return params->table_is_first ? &left_class : &right_class;
  return params->kind == WEIR_TABLE_COGROUP ? &cogroup_class : &full_class;
}

WeirDataset *
weir_table_join (WeirDataset *data, WeirDataset *table, gboolean table_is_first, WeirTableJoin kind)
{
  TableJoin *params = g_new0 (TableJoin, 1);
  WeirVerb verb = { .params = params, .salt = WEIR_KEY_INDEX_SALT };

  params->table_is_first = table_is_first;
  params->kind = kind;
  verb.klass = class_of (params);
  params->index = weir_key_index_for (&verb, data, table);
  return weir_verb_on_dataset (verb, data);
}
