/* Owns joins with a dataset of the context. Elements keep their order and partitions; pairs of one element come in the
 * order of the table's values. Runs on workers, chunk by chunk.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/lookup-join.h"

#include "engine/verb.h"
#include "operators/key-index.h"
#include "operators/pairs.h"
#include "operators/word-join.h"

/* Elements that are on their way to their homes, and to the results. */
#define HOME_AHEAD 20
#define AHEAD      30

typedef struct {
  const WeirWordIndex *words; /* NULL: the table has other than words */
  const WeirKeyIndex *index;  /* without words; NULL: it could not be made, and the batch has failed */
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

/* The keys of a chunk on their way. */
typedef struct {
  const WeirKeyIndex *index;
  WeirSeed seed;
  WeirValue *spare; /* two cells an element */
  WeirKey keys[WEIR_CHUNK_SIZE];
  WeirValue cells[WEIR_CHUNK_SIZE];          /* of keys that are containers */
  const WeirKeyEntry *near[WEIR_CHUNK_SIZE]; /* the home, then the entry or what is behind the home */
} Lookup;

static inline void
ask_for_home (Lookup *lookup, const WeirChunk *in, guint i)
{
  WeirKey *key = &lookup->keys[i];

  weir_key_of (in->keys[i], &lookup->seed, key, &lookup->cells[i]);
  lookup->near[i] = weir_key_index_start (lookup->index, key);
  __builtin_prefetch (lookup->near[i]);
}

/* Once the home is there: the key's entry, or the one behind the home, which is in the next cache line. Without branches,
 * since which of a home's places it is cannot be foreseen. */
static inline void
ask_for_entry (Lookup *lookup, guint i)
{
  const WeirKey *key = &lookup->keys[i];
  const WeirKeyEntry *entry = lookup->near[i];

  entry += !weir_key_entry_is_word (entry, key);
  entry += !weir_key_entry_is_word (entry, key);
  __builtin_prefetch (entry);
  lookup->near[i] = entry;
}

/* The common case: one value in the table. Values are copied where they lie: in registers, compilers take them apart. */
static inline void
emit_one (WeirTask *task, const LookupJoin *params, const WeirChunk *in, guint i, const WeirValue *found,
          WeirValue *cells)
{
  WeirTaskHead *head = &task->head;
  guint32 n = head->n_elements;

  cells[params->table_is_first] = in->values[i];
  cells[!params->table_is_first] = *found;
  head->keys[n] = in->keys[i];
  head->values[n] = WEIR_VALUE_INIT (cells, cells, 0, WEIR_PAIR, WEIR_VALUE_CELLS);
  head->n_elements = n + 1;
  if (G_UNLIKELY (n + 1 == head->capacity))
    weir_task_flush (task);
}

static inline void
look_up (WeirTask *task, const LookupJoin *params, const Lookup *lookup, const WeirChunk *in, guint i)
{
  const WeirKey *key = &lookup->keys[i];
  const WeirKeyEntry *entry = lookup->near[i];

  if (G_UNLIKELY (!weir_key_entry_is_word (entry, key)))
    entry = weir_key_index_find (weir_key_index_start (lookup->index, key), key);
  if (G_LIKELY (entry != NULL && (entry->meta & WEIR_KEY_INDEX_SEVERAL) == 0))
    emit_one (task, params, in, i, &entry->value, lookup->spare + 2 * i);
  else
    emit_all (task, params, entry, in->keys[i], in->values[i]);
}

static void
look_up_all (WeirTask *task, const LookupJoin *params, const WeirChunk *in)
{
  const guint n = in->n;
  Lookup lookup;

  lookup.index = params->index;
  lookup.seed = task->seed;
  lookup.spare = weir_alloc (task, 2 * n * sizeof *lookup.spare);
  if (lookup.spare == NULL)
    return;
  for (guint i = 0; i < n + AHEAD; i++) { /* below zero is a large number */
    if (i < n)
      ask_for_home (&lookup, in, i);
    if (i - HOME_AHEAD < n)
      ask_for_entry (&lookup, i - HOME_AHEAD);
    if (i - AHEAD < n)
      look_up (task, params, &lookup, in, i - AHEAD);
  }
}

static void
lookup_process (WeirTask *task, const WeirChunk *in)
{
  const LookupJoin params = *(const LookupJoin *) task->op->params;

  if (!weir_task_require_pairs (task, in) || (params.index == NULL && params.words == NULL))
    return;
  if (!task->head.has_keys) /* what is open stays open: chunks are full however little is found */
    weir_task_reserve (task, TRUE);
  for (guint from = 0; from < in->n && weir_task_is_going (task); from += WEIR_CHUNK_SIZE) {
    const WeirChunk some = { in->keys + from, in->values + from, MIN (in->n - from, WEIR_CHUNK_SIZE) };

    if (params.words != NULL)
      weir_word_join (task, &(WeirWordJoin){ params.words, params.table_is_first, params.keeps_data }, &some);
    else
      look_up_all (task, &params, &some);
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

/* Words where the table has them. */
static void
set_index (LookupJoin *params, WeirVerb *verb, WeirDataset *data, WeirDataset *table)
{
  WeirRun *run = weir_dataset_run_of (data);

  if (run != NULL && run == weir_dataset_run_of (table))
    params->words = weir_word_index_of (table);
  if (params->words == NULL)
    params->index = weir_key_index_for (verb, data, table);
}

WeirDataset *
weir_lookup_join (WeirDataset *data, WeirDataset *table, gboolean table_is_first, gboolean keeps_data)
{
  LookupJoin *params = g_new0 (LookupJoin, 1);
  WeirVerb verb = { .params = params, .salt = WEIR_KEY_INDEX_SALT };

  params->table_is_first = table_is_first;
  params->keeps_data = keeps_data;
  verb.klass = class_of (params);
  set_index (params, &verb, data, table);
  return weir_verb_on_dataset (verb, data);
}
