/* Owns joins with a dataset of the context. Elements keep their order and partitions; pairs of one element come in the
 * order of the table's values. Runs on workers, chunk by chunk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/lookup-join.h"

#include "engine/verb.h"
#include "operators/key-index.h"
#include "operators/pairs.h"

#define AHEAD 16 /* entries on their way while one is looked at */

typedef struct {
  const WeirKeyIndex *index; /* NULL: it could not be made, and the batch has failed */
  gboolean table_is_first, keeps_data;
} LookupJoin;

static const WeirValue nil;

/* @n pairs of one element, at most as many as the open chunk has room for. FALSE: memory limit. */
static inline gboolean
emit_some (WeirTask *task, const LookupJoin *params, WeirValue key, WeirValue value, const WeirValue *values, guint n)
{
  WeirTaskHead *head = &task->head;
  WeirValue *cells = weir_arena_alloc (&task->task_run->scratch, 2 * n * sizeof *cells);

  if (G_UNLIKELY (cells == NULL)) {
    weir_task_fail_memory (task);
    return FALSE;
  }
  for (guint i = 0; i < n; i++, cells += 2) {
    cells[params->table_is_first] = value;
    cells[!params->table_is_first] = values[i];
    head->keys[head->n_elements] = key;
    head->values[head->n_elements++] = WEIR_VALUE_INIT (cells, cells, 0, WEIR_PAIR, WEIR_VALUE_CELLS);
  }
  if (head->n_elements == head->capacity)
    weir_task_flush (task);
  return TRUE;
}

static inline void
emit_all (WeirTask *task, const LookupJoin *params, const WeirKeyEntry *entry, WeirValue key, WeirValue value)
{
  const WeirValue *values = &nil;
  guint32 n = params->keeps_data;

  if (G_LIKELY (entry != NULL))
    values = weir_key_entry_values (entry, &n);
  while (n > 0) {
    guint some = MIN (n, task->head.capacity - task->head.n_elements);

    if (!emit_some (task, params, key, value, values, some))
      return;
    values += some;
    n -= some;
  }
}

/* The common case: one value in the table. */
static inline void
emit_one (WeirTask *task, const LookupJoin *params, WeirValue key, WeirValue value, WeirValue found, WeirValue *cells)
{
  WeirTaskHead *head = &task->head;
  guint32 n = head->n_elements;

  cells[params->table_is_first] = value;
  cells[!params->table_is_first] = found;
  head->keys[n] = key;
  head->values[n] = WEIR_VALUE_INIT (cells, cells, 0, WEIR_PAIR, WEIR_VALUE_CELLS);
  head->n_elements = n + 1;
  if (G_UNLIKELY (n + 1 == head->capacity))
    weir_task_flush (task);
}

/* Its home and what is behind it, which may be in the next cache line. */
static inline void
prefetch (const WeirKeyEntry *home)
{
  __builtin_prefetch (home);
  __builtin_prefetch (home + 1);
}

static void
look_up (WeirTask *task, const LookupJoin *params, const WeirChunk *in, WeirValue *spare)
{
  const WeirSeed seed = task->seed;
  const WeirKeyIndex *index = params->index;
  WeirKey keys[WEIR_CHUNK_SIZE];
  WeirValue cells[WEIR_CHUNK_SIZE];

  for (guint i = 0; i < in->n + AHEAD; i++) {
    const WeirKeyEntry *entry;
    guint k = i - AHEAD;

    if (i < in->n) {
      weir_key_of (in->keys[i], &seed, &keys[i], &cells[i]);
      prefetch (weir_key_index_start (index, &keys[i]));
    }
    if (i < AHEAD)
      continue;
    entry = weir_key_index_find (weir_key_index_start (index, &keys[k]), &keys[k]);
    if (G_LIKELY (entry != NULL && (entry->meta & WEIR_KEY_INDEX_SEVERAL) == 0))
      emit_one (task, params, in->keys[k], in->values[k], entry->value, spare + 2 * k);
    else
      emit_all (task, params, entry, in->keys[k], in->values[k]);
  }
}

static void
lookup_process (WeirTask *task, const WeirChunk *in)
{
  const LookupJoin params = *(const LookupJoin *) task->op->params;

  if (!weir_task_require_pairs (task, in) || params.index == NULL)
    return;
  weir_task_reserve (task, TRUE);
  for (guint from = 0; from < in->n && weir_task_is_going (task); from += WEIR_CHUNK_SIZE) {
    const WeirChunk some = { in->keys + from, in->values + from, MIN (in->n - from, WEIR_CHUNK_SIZE) };
    WeirValue *spare = weir_alloc (task, 2 * some.n * sizeof *spare);

    if (spare != NULL)
      look_up (task, &params, &some, spare);
  }
}

#define LOOKUP_CLASS(name)                                                                                             \
  {                                                                                                                    \
    .verb = name, .kind = WEIR_OP_NARROW, .flags = WEIR_OP_PAIRS, .process = lookup_process                            \
  }

static const WeirOpClass inner_class = LOOKUP_CLASS ("join");
static const WeirOpClass left_class = LOOKUP_CLASS ("left_outer_join");
static const WeirOpClass right_class = LOOKUP_CLASS ("right_outer_join");

static const WeirOpClass *
class_of (const LookupJoin *params)
{
  if (!params->keeps_data)
    return &inner_class;
  return params->table_is_first ? &right_class : &left_class;
}

WeirDataset *
weir_lookup_join (WeirDataset *data, WeirDataset *table, gboolean table_is_first, gboolean keeps_data)
{
  LookupJoin *params = g_new0 (LookupJoin, 1);
  WeirVerb verb = { .params = params, .salt = WEIR_KEY_INDEX_SALT };

  params->table_is_first = table_is_first;
  params->keeps_data = keeps_data;
  verb.klass = class_of (params);
  params->index = weir_key_index_for (&verb, data, table);
  return weir_verb_on_dataset (verb, data);
}
