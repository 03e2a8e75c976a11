/* Owns cogroup and the joins: two inputs, grouped by key together (operators/groups.h); a key's pairs are all its values
 * of the first input with all of the second. Both sides run on workers. A dataset of the context is looked up instead
 * (operators/lookup-join.h; where all of its keys are kept, operators/table-join.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/dataset.h>

#include "engine/verb.h"
#include "operators/groups.h"
#include "operators/lookup-join.h"
#include "operators/table-join.h"

/* What to do with a key that one input does not have. */
typedef enum { KEEP_NEITHER, KEEP_FIRST = 1, KEEP_SECOND = 2, KEEP_BOTH = 3 } Keep;

typedef struct {
  gsize group;
  guint32 first, second; /* the next pair of it */
} JoinReader;

/* A group's values of one input; a list of NIL where there are none and the key is kept. */
typedef struct {
  const WeirValue *items;
  guint32 n;
} Side;

static const WeirValue nil;

static void
choose_sides (const WeirGroup *group, Keep keep, Side *first, Side *second)
{
  *first = (Side){ group->items, group->n_first };
  *second = (Side){ group->items + group->n_first, group->n - group->n_first };
  if (first->n == 0 && (keep & KEEP_SECOND))
    *first = (Side){ &nil, 1 };
  else if (second->n == 0 && (keep & KEEP_FIRST))
    *second = (Side){ &nil, 1 };
}

/* Pairs of one group, up to @most; the reader moves to the next group when all are out. */
static guint
pair_up (JoinReader *state, const WeirGroup *group, Keep keep, WeirTaskHead *out, WeirValue *cells, guint most)
{
  Side first, second;
  guint n = 0;

  choose_sides (group, keep, &first, &second);
  for (; state->first < first.n && second.n > 0; state->first++, state->second = 0) {
    for (; state->second < second.n && n < most; state->second++, n++, cells += 2) {
      cells[0] = first.items[state->first];
      cells[1] = second.items[state->second];
      out->keys[out->n_elements + n] = group->key;
      out->values[out->n_elements + n] = WEIR_VALUE_INIT (cells, cells, 0, WEIR_PAIR, WEIR_VALUE_CELLS);
    }
    if (state->second < second.n)
      return n;
  }
  *state = (JoinReader){ .group = state->group + 1 };
  return n;
}

static gboolean
join_read (WeirTask *task, WeirReader *reader, Keep keep)
{
  const WeirGroups *slice = weir_groups_of_slice (task, reader);
  JoinReader *state = reader->state;
  WeirTaskHead *head = &task->head;
  WeirValue *cells;

  weir_task_reserve (task, TRUE);
  cells = weir_alloc (task, 2 * head->capacity * sizeof *cells);
  if (cells == NULL)
    return FALSE;
  while (state->group < slice->n_groups && head->n_elements < head->capacity)
    head->n_elements += pair_up (state, &slice->groups[state->group], keep, head, cells + 2 * head->n_elements,
                                 head->capacity - head->n_elements);
  weir_task_flush (task);
  return state->group < slice->n_groups;
}

static gboolean
inner_read (WeirTask *task, WeirReader *reader)
{
  return join_read (task, reader, KEEP_NEITHER);
}

static gboolean
left_read (WeirTask *task, WeirReader *reader)
{
  return join_read (task, reader, KEEP_FIRST);
}

static gboolean
right_read (WeirTask *task, WeirReader *reader)
{
  return join_read (task, reader, KEEP_SECOND);
}

static gboolean
full_read (WeirTask *task, WeirReader *reader)
{
  return join_read (task, reader, KEEP_BOTH);
}

static gboolean
cogroup_read (WeirTask *task, WeirReader *reader)
{
  const WeirGroups *slice = weir_groups_of_slice (task, reader);
  gsize *next = reader->state;
  gsize end = MIN (*next + WEIR_CHUNK_SIZE, slice->n_groups);
  WeirValue *cells = weir_alloc (task, 2 * WEIR_CHUNK_SIZE * sizeof *cells);

  for (; *next < end && cells != NULL && weir_task_is_going (task); (*next)++, cells += 2) {
    const WeirGroup *group = &slice->groups[*next];

    cells[0] = WEIR_VALUE_INIT (cells, group->items, group->n_first, WEIR_LIST, 0);
    cells[1] = WEIR_VALUE_INIT (cells, group->items + group->n_first, group->n - group->n_first, WEIR_LIST, 0);
    weir_emit_pair (task, group->key, WEIR_VALUE_INIT (cells, cells, 0, WEIR_PAIR, WEIR_VALUE_CELLS));
  }
  return *next < slice->n_groups && cells != NULL;
}

#define JOIN_CLASS(name, read_function, state_size)                                                                    \
  {                                                                                                                    \
    .verb = name, .kind = WEIR_OP_WIDE, .flags = WEIR_OP_PAIRS, .instance_size = WEIR_GROUPS_INSTANCE_SIZE,            \
    .open = weir_groups_open, .process = weir_groups_process, .seal = weir_groups_seal, .output_free = weir_rows_free, \
    .reader_size = state_size, .read = read_function,                                                                  \
  }

static const WeirOpClass join_class = JOIN_CLASS ("join", inner_read, sizeof (JoinReader));
static const WeirOpClass left_class = JOIN_CLASS ("left_outer_join", left_read, sizeof (JoinReader));
static const WeirOpClass right_class = JOIN_CLASS ("right_outer_join", right_read, sizeof (JoinReader));
static const WeirOpClass full_class = JOIN_CLASS ("full_outer_join", full_read, sizeof (JoinReader));
static const WeirOpClass cogroup_class = JOIN_CLASS ("cogroup", cogroup_read, sizeof (gsize));

static WeirStream *
join_streams (const WeirOpClass *klass, WeirStream *a, WeirStream *b)
{
  WeirStream *const parents[] = { a, b };

  return weir_verb_on_streams ((WeirVerb){ .klass = klass }, parents, G_N_ELEMENTS (parents));
}

static gboolean
is_of_context (const WeirDataset *dataset)
{
  return dataset != NULL && dataset->ctx != NULL;
}

/* A dataset of the context is hashed once, whatever is done with its keys. */
static WeirDataset *
join_with_table (const WeirOpClass *klass, WeirDataset *data, WeirDataset *table, gboolean table_is_first)
{
  const WeirOpClass *keeps_data = table_is_first ? &right_class : &left_class;

  if (klass == &join_class || klass == keeps_data)
    return weir_lookup_join (data, table, table_is_first, klass == keeps_data);
  if (klass == &cogroup_class)
    return weir_table_join (data, table, table_is_first, WEIR_TABLE_COGROUP);
  return weir_table_join (data, table, table_is_first, klass == &full_class ? WEIR_TABLE_FULL_OUTER : WEIR_TABLE_OUTER);
}

static WeirDataset *
join_datasets (const WeirOpClass *klass, WeirDataset *a, WeirDataset *b)
{
  WeirDataset *const parents[] = { a, b };

  if (is_of_context (b) && a != NULL)
    return join_with_table (klass, a, b, FALSE);
  if (is_of_context (a) && b != NULL)
    return join_with_table (klass, b, a, TRUE);
  return weir_verb_on_datasets ((WeirVerb){ .klass = klass }, parents, G_N_ELEMENTS (parents));
}

/**
 * weir_join:
 * @a: a stream of pairs
 * @b: a stream of pairs of the same context with the same slide; may be @a
 *
 * A stream of (key, (value of @a, value of @b)): one pair for each value of @a with each value of @b of the same key. Keys that
 * only one of the two has are left out. Within a key the order is that of arrival, first by @a, then by @b.
 *
 * |[<!-- language="C" -->
 * WeirStream *clicked = weir_join (impressions, clicks);
 * ]|
 *
 * Called while the graph is built. Different slides or contexts are a mistake in the graph; an element that is not a
 * pair fails the batch with %WEIR_ERROR_KIND.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_join (WeirStream *a, WeirStream *b)
{
  return join_streams (&join_class, a, b);
}

/**
 * weir_dataset_join:
 * @a: a dataset of pairs
 * @b: a dataset of pairs of the same batch, or of weir_context_dataset(); may be @a
 *
 * weir_join() of datasets. Where one is of weir_context_dataset(), the other's pairs look their keys up in it: they keep
 * their order and partitions, and it is not hashed anew; so it is with the outer joins that keep no key of the context's
 * dataset alone. The others, and cogroup, group the other one's pairs only. Called on the runner, in a function of transform or foreach; runs when the result is asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_join (WeirDataset *a, WeirDataset *b)
{
  return join_datasets (&join_class, a, b);
}

/**
 * weir_left_outer_join:
 * @a: a stream of pairs
 * @b: a stream of pairs of the same context with the same slide; may be @a
 *
 * A stream of (key, (value of @a, value of @b)) as of weir_join(), and (key, (value, NIL)) where @b does not have the key. Within a key the order is that of arrival, first by @a, then by @b.
 *
 * Called while the graph is built. Different slides or contexts are a mistake in the graph; an element that is not a
 * pair fails the batch with %WEIR_ERROR_KIND.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_left_outer_join (WeirStream *a, WeirStream *b)
{
  return join_streams (&left_class, a, b);
}

/**
 * weir_dataset_left_outer_join:
 * @a: a dataset of pairs
 * @b: a dataset of pairs of the same batch, or of weir_context_dataset(); may be @a
 *
 * weir_left_outer_join() of datasets. Called on the runner, in a function of transform or foreach; runs when the result is asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_left_outer_join (WeirDataset *a, WeirDataset *b)
{
  return join_datasets (&left_class, a, b);
}

/**
 * weir_right_outer_join:
 * @a: a stream of pairs
 * @b: a stream of pairs of the same context with the same slide; may be @a
 *
 * A stream of (key, (value of @a, value of @b)) as of weir_join(), and (key, (NIL, value)) where @a does not have the key. Within a key the order is that of arrival, first by @a, then by @b.
 *
 * Called while the graph is built. Different slides or contexts are a mistake in the graph; an element that is not a
 * pair fails the batch with %WEIR_ERROR_KIND.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_right_outer_join (WeirStream *a, WeirStream *b)
{
  return join_streams (&right_class, a, b);
}

/**
 * weir_dataset_right_outer_join:
 * @a: a dataset of pairs
 * @b: a dataset of pairs of the same batch, or of weir_context_dataset(); may be @a
 *
 * weir_right_outer_join() of datasets. Called on the runner, in a function of transform or foreach; runs when the result is asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_right_outer_join (WeirDataset *a, WeirDataset *b)
{
  return join_datasets (&right_class, a, b);
}

/**
 * weir_full_outer_join:
 * @a: a stream of pairs
 * @b: a stream of pairs of the same context with the same slide; may be @a
 *
 * A stream of (key, (value of @a, value of @b)) as of weir_join(), and NIL in the place of the value where one of the two does not
 * have the key. Within a key the order is that of arrival, first by @a, then by @b.
 *
 * Called while the graph is built. Different slides or contexts are a mistake in the graph; an element that is not a
 * pair fails the batch with %WEIR_ERROR_KIND.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_full_outer_join (WeirStream *a, WeirStream *b)
{
  return join_streams (&full_class, a, b);
}

/**
 * weir_dataset_full_outer_join:
 * @a: a dataset of pairs
 * @b: a dataset of pairs of the same batch, or of weir_context_dataset(); may be @a
 *
 * weir_full_outer_join() of datasets. Called on the runner, in a function of transform or foreach; runs when the result is asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_full_outer_join (WeirDataset *a, WeirDataset *b)
{
  return join_datasets (&full_class, a, b);
}

/**
 * weir_cogroup:
 * @a: a stream of pairs
 * @b: a stream of pairs of the same context with the same slide; may be @a
 *
 * A stream of (key, (LIST, LIST)): one pair for each key that either has, with all its values of @a and all its values of @b in
 * order of arrival; a list may be empty. Within a key the order is that of arrival, first by @a, then by @b.
 *
 * Called while the graph is built. Different slides or contexts are a mistake in the graph; an element that is not a
 * pair fails the batch with %WEIR_ERROR_KIND.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_cogroup (WeirStream *a, WeirStream *b)
{
  return join_streams (&cogroup_class, a, b);
}

/**
 * weir_dataset_cogroup:
 * @a: a dataset of pairs
 * @b: a dataset of pairs of the same batch, or of weir_context_dataset(); may be @a
 *
 * weir_cogroup() of datasets. Called on the runner, in a function of transform or foreach; runs when the result is asked for.
 *
 * Returns: (transfer none): the new dataset
 */
WeirDataset *
weir_dataset_cogroup (WeirDataset *a, WeirDataset *b)
{
  return join_datasets (&cogroup_class, a, b);
}
