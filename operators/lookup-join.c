/* Owns joins with a dataset of the context. Elements keep their order and partitions; pairs of one element come in the
 * order of the table's values. Runs on workers, chunk by chunk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/lookup-join.h"

#include "engine/verb.h"
#include "operators/combine.h"
#include "operators/key-index.h"
#include "operators/pairs.h"

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
look_up (WeirTask *task, const LookupJoin *params, const WeirKey *sought, WeirValue key, WeirValue value)
{
  const WeirKey *slot = weir_table_find (&params->index->table, sought, sizeof (WeirKey) + sizeof (WeirValue));
  const WeirValue *values = &nil;
  guint32 n = params->keeps_data;

  if (G_LIKELY (slot->meta != 0))
    values = weir_key_index_values (slot, &n);
  while (n > 0) {
    guint some = MIN (n, task->head.capacity - task->head.n_elements);

    if (!emit_some (task, params, key, value, values, some))
      return;
    values += some;
    n -= some;
  }
}

static void
lookup_process (WeirTask *task, const WeirChunk *in)
{
  const LookupJoin params = *(const LookupJoin *) task->op->params;
  WeirKey keys[WEIR_CHUNK_SIZE];
  WeirValue cells[WEIR_CHUNK_SIZE];

  if (!weir_task_require_pairs (task, in) || params.index == NULL)
    return;
  weir_task_reserve (task, TRUE);
  for (guint from = 0; from < in->n && weir_task_is_going (task); from += WEIR_CHUNK_SIZE) {
    guint n = MIN (in->n - from, WEIR_CHUNK_SIZE);

    weir_combine_hash (task, &params.index->table, in->keys + from, n, keys, cells);
    for (guint i = 0; i < n; i++)
      look_up (task, &params, &keys[i], in->keys[from + i], in->values[from + i]);
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
  WeirRun *run = weir_dataset_run_of (data);

  params->table_is_first = table_is_first;
  params->keeps_data = keeps_data;
  verb.klass = class_of (params);
  if (run != NULL && run == weir_dataset_run_of (table))
    params->index = weir_key_index_of (table, run, run->asker != NULL ? run->asker : verb.klass->verb);
  else
    verb.mistake = g_strdup ("takes datasets of different batches or contexts: use those that the function was given");
  return weir_verb_on_dataset (verb, data);
}
