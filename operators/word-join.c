/* Owns the loops that look a chunk's keys up in a word index. Where each key is found, as is common, the chunk goes on
 * with the keys' column as it came.
 *
 * Runs on workers. SPDX-License-Identifier: Apache-2.0
 */
#include "operators/word-join.h"

#include <string.h>

#define AHEAD 24 /* lines that are on their way */

typedef struct {
  const WeirWordIndex *index;
  const WeirWordLine *homes[WEIR_CHUNK_SIZE];
  WeirValue *cells;       /* a pair for each element */
  WeirValue *table_cells; /* where the first pair has the table's value */
  WeirValue *data_cells;  /* and the data's */
  WeirValue out[WEIR_CHUNK_SIZE];
  guint16 late[WEIR_CHUNK_SIZE + 1]; /* elements that are not in their homes; then those that are nowhere */
  guint n_late;
} Lookup;

/* Values are stored as two words, because compilers take apart and put together again what comes from two places. */
static inline guint64
tag_of (const WeirValue *value)
{
  guint64 tag;

  memcpy (&tag, &value->size, sizeof tag);
  return tag;
}

static inline void
put (WeirValue *to, guint64 bits, guint64 tag)
{
  to->bits = bits;
  memcpy (&to->size, &tag, sizeof tag);
}

/* A pass of its own: compilers do it for two keys at once, and it leaves registers to those that follow. */
static gboolean
may_all_be_there (const WeirWordIndex *index, const WeirValue *keys, guint n)
{
  const guint64 least_key = index->least_key;
  guint64 any = 0, all = G_MAXUINT64, offsets = 0;

  for (guint i = 0; i < n; i++) {
    const guint64 tag = tag_of (&keys[i]);

    any |= tag;
    all &= tag;
    offsets |= keys[i].bits - least_key;
  }
  return any == all && any == (guint64) WEIR_INT << 32 && offsets <= G_MAXUINT32;
}

static inline void
ask_for_home (Lookup *lookup, const WeirWordIndex *index, const WeirValue *keys, guint i)
{
  const WeirWordLine *home = weir_word_index_home (index, keys[i].bits - index->least_key);

  lookup->homes[i] = home;
  __builtin_prefetch (home);
}

/* The elements from @from to before @to, each of which asks for the home of a later one: so memory works all the time.
 * Which of a home's places it is, and whether it is one at all, cannot be foreseen: no branches. What is not there gets a
 * value that is not its own, until late. Returns how many elements are late. */
static inline __attribute__ ((always_inline)) guint
pair_up_some (Lookup *lookup, const WeirChunk *in, guint from, guint to, guint n_late, gboolean asks)
{
  const WeirWordIndex index = *lookup->index;
  const WeirValue *keys = in->keys, *values = in->values;
  const WeirValue pair = WEIR_VALUE_INIT (cells, NULL, 0, WEIR_PAIR, WEIR_VALUE_CELLS);
  const guint64 value_tag = tag_of (&index.like), pair_tag = tag_of (&pair);
  WeirValue *of_table = lookup->table_cells, *of_data = lookup->data_cells, *cells = lookup->cells;

  for (guint i = from; i < to; i++) {
    const WeirWordLine *line = lookup->homes[i];
    const guint match = weir_word_line_match (line, (guint32) (keys[i].bits - index.least_key));

    if (asks)
      ask_for_home (lookup, &index, keys, i + AHEAD);
    lookup->late[n_late] = (guint16) i;
    n_late += match == 0;
    of_data[2 * i] = values[i];
    put (&of_table[2 * i], index.least_word + line->words[weir_word_line_place (match | WEIR_WORD_LINE_LAST)],
         value_tag);
    put (&lookup->out[i], (guint64) (guintptr) &cells[2 * i], pair_tag);
  }
  return n_late;
}

static void
all_are_late (Lookup *lookup, guint n)
{
  for (guint i = 0; i < n; i++)
    lookup->late[i] = (guint16) i;
  lookup->n_late = n;
}

static void
pair_up (Lookup *lookup, const WeirChunk *in)
{
  const WeirWordIndex index = *lookup->index;
  const guint n = in->n, n_first = MIN (n, AHEAD), n_asking = n - n_first;
  const gboolean may_be_there = may_all_be_there (&index, in->keys, n);

  for (guint i = 0; i < n_first; i++)
    ask_for_home (lookup, &index, in->keys, i);
  lookup->n_late = pair_up_some (lookup, in, 0, n_asking, 0, TRUE);
  lookup->n_late = pair_up_some (lookup, in, n_asking, n, lookup->n_late, FALSE);
  if (G_UNLIKELY (!may_be_there))
    all_are_late (lookup, n);
}

/* Those that are not in their homes: in the next lines, or nowhere. */
static void
pair_up_late (Lookup *lookup, const WeirChunk *in)
{
  guint n_missing = 0;

  for (guint k = 0; k < lookup->n_late; k++)
    __builtin_prefetch (lookup->homes[lookup->late[k]] + 1);
  for (guint k = 0; k < lookup->n_late; k++) {
    const guint i = lookup->late[k];
    WeirValue *value = &lookup->table_cells[2 * i];

    *value = lookup->index->like;
    if (in->keys[i].kind == WEIR_INT && weir_word_index_find (lookup->index, in->keys[i].bits, &value->bits))
      continue;
    *value = weir_nil ();
    lookup->late[n_missing++] = (guint16) i;
  }
  lookup->n_late = n_missing;
}

/* Where some are nowhere: the others, close together. */
static void
emit_found (WeirTask *task, Lookup *lookup, const WeirChunk *in)
{
  WeirTaskHead *head = &task->head;
  guint k = 0;

  lookup->late[lookup->n_late] = G_MAXUINT16;
  for (guint i = 0; i < in->n; i++) {
    const gboolean is_missing = i == lookup->late[k];

    k += (guint) is_missing;
    head->keys[head->n_elements] = in->keys[i];
    head->values[head->n_elements] = lookup->out[i];
    head->n_elements += !is_missing;
    if (G_UNLIKELY (head->n_elements == head->capacity))
      weir_task_flush (task);
  }
}

void
weir_word_join (WeirTask *task, const WeirWordJoin *join, const WeirChunk *in)
{
  Lookup lookup;
  const WeirChunk joined = { in->keys, lookup.out, in->n };

  lookup.index = join->index;
  lookup.cells = weir_alloc (task, 2 * in->n * sizeof *lookup.cells);
  if (lookup.cells == NULL || in->n == 0)
    return;
  lookup.table_cells = lookup.cells + !join->table_is_first;
  lookup.data_cells = lookup.cells + join->table_is_first;
  pair_up (&lookup, in);
  pair_up_late (&lookup, in);
  if (lookup.n_late == 0 || join->keeps_data)
    weir_task_forward (task, &joined);
  else
    emit_found (task, &lookup, in);
}
