/* Owns the columns that a window's tasks write. Must not know what becomes of them, nor how values are folded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-columns.h"

#include "operators/combine-sum.h"

/* Keys that are hashed before the first is looked up: what they touch fits the first-level cache, and is there by then. */
#define STEP 64

typedef struct {
  WeirTask *task;
  const WeirFold *fold;
  WeirCombined *combined;
  WeirColumns *columns;
  gboolean reduces;  /* by calling the job's function for each value of a key but the first */
  gboolean is_sum;   /* by WEIR_SUM */
  guint first_kinds; /* a bit a kind: values that become accumulators as they are */
  WeirArena mark;    /* task memory as the step found it */
  WeirKey keys[STEP];
  WeirValue cells[STEP];
  WeirColumn *columns_of[STEP];
  const WeirKeyPlace *homes[STEP];
  WeirValue *places[STEP];    /* that the keys probably have in their columns; NULL: they have none */
  const WeirKey *known[STEP]; /* whose places those are, or a key that is none */
} Step;

WeirBlock *
weir_columns_block_new (const WeirWindowKeys *keys, guint32 *n_ranks)
{
  const gsize n = (gsize) keys->capacity * keys->n_shards;
  WeirBlock *block = weir_block_new (keys->memory, n * sizeof (WeirValue));

  if (block != NULL)
    weir_values_fill ((WeirValue *) block->data, WEIR_ABSENT, n);
  *n_ranks = keys->capacity;
  return block;
}

static WeirColumns *
columns_new (guint n_slices, const WeirWindowKeys *const *keys)
{
  static const WeirKeyPlace no_places[] = WEIR_NO_PLACES;
  static const WeirWindowKeys no_keys = { .places = (WeirKeyPlace *) no_places };
  WeirColumns *columns = g_malloc0 (sizeof *columns + n_slices * sizeof (WeirColumn));

  columns->n_slices = n_slices;
  for (guint i = 0; i < n_slices; i++)
    columns->slices[i].keys = keys[i] != NULL ? keys[i] : &no_keys;
  for (guint i = 0; i < WEIR_N_GROUPS; i++)
    columns->of_group[i] = &columns->slices[weir_slice_of (i << 24, n_slices)];
  return columns;
}

void
weir_columns_open (WeirTask *task, const WeirFold *fold, const WeirWindowKeys *const *keys)
{
  WeirCombineInstance *instance = task->instance;
  gboolean any = FALSE;

  weir_combine_open (task, fold);
  for (guint i = 0; i < task->op->n_slices; i++)
    any |= keys[i] != NULL;
  if (any)
    instance->combined->columns = columns_new (task->op->n_slices, keys);
}

void
weir_columns_output_free (gpointer data)
{
  WeirColumns *columns = ((WeirCombined *) data)->columns;

  for (guint i = 0; columns != NULL && i < columns->n_slices; i++)
    if (columns->slices[i].block != NULL)
      weir_block_unref (columns->slices[i].block);
  g_free (columns);
  weir_combined_free (data);
}

static gboolean
open_column (WeirTask *task, WeirColumn *column)
{
  column->block = weir_columns_block_new (column->keys, &column->n_ranks);
  if (column->block == NULL) {
    weir_task_fail_memory (task);
    return FALSE;
  }
  column->values = (WeirValue *) column->block->data;
  return TRUE;
}

static void
hash_keys (Step *step, const WeirValue *values, guint n)
{
  const WeirSeed seed = step->task->seed;
  WeirColumn *const *of_group = step->columns->of_group;

  for (guint i = 0; i < n; i++) {
    WeirKey *key = &step->keys[i];
    WeirColumn *column;

    weir_key_of (values[i], &seed, key, &step->cells[i]);
    column = of_group[key->hash >> 24];
    step->columns_of[i] = column;
    step->homes[i] = weir_window_keys_home (column->keys, key->hash);
    __builtin_prefetch (step->homes[i]);
    __builtin_prefetch ((const char *) (step->homes[i] + 3) - 1); /* where it is looked for may straddle two, too */
  }
}

/* Where values of the keys are likely to go; whether they are the keys is seen when these have come from memory. FALSE:
 * the task has failed. */
static gboolean
find_places (Step *step, guint n)
{
  static const WeirKey no_key; /* that no key is equal to */

  for (guint i = 0; i < n; i++) {
    const guint32 at = weir_window_keys_guess (step->homes[i], step->keys[i].hash);
    WeirColumn *column = step->columns_of[i];
    const WeirKey *known;
    WeirValue *place;

    if (G_UNLIKELY (at == WEIR_NO_NUMBER)) {
      step->known[i] = &no_key;
      step->places[i] = NULL;
      continue;
    }
    if (G_UNLIKELY (column->values == NULL) && !open_column (step->task, column))
      return FALSE;
    known = &column->keys->keys[at];
    place = &column->values[at];
    __builtin_prefetch (known);
    __builtin_prefetch ((const char *) (known + 1) - 1); /* it may straddle two cache lines */
    __builtin_prefetch (place, 1);
    step->known[i] = known;
    step->places[i] = place;
  }
  return TRUE;
}

/* The key is not kept in itself, or another one has the same hash. NULL: it has no number. */
static G_GNUC_NO_INLINE WeirValue *
find_slowly (Step *step, guint i)
{
  const WeirColumn *column = step->columns_of[i];
  guint32 number;

  if (step->places[i] == NULL || weir_key_equal (step->known[i], &step->keys[i]))
    return step->places[i];
  number = weir_window_keys_find (column->keys, &step->keys[i]);
  return number != WEIR_NO_NUMBER ? &column->values[weir_place_of (number, column->n_ranks)] : NULL;
}

/* As weir_key_equal () has it for keys that are kept in themselves. */
static inline gboolean
is_same (const WeirKey *a, const WeirKey *b)
{
  return ((a->lo ^ b->lo) | (a->hi ^ b->hi) | ((a->meta ^ b->meta) & WEIR_KEY_BITS)) == 0;
}

static G_GNUC_NO_INLINE void
add_to_table (Step *step, const WeirKey *key, WeirValue value)
{
  WeirCombined *combined = step->combined;
  WeirKey *slot = weir_table_find (&combined->table, key, combined->table.stride);
  gboolean is_new = slot->meta == 0;

  if (is_new && step->fold->accepts != NULL && !step->fold->accepts (step->task, key, value))
    return;
  if (is_new)
    slot = weir_combined_insert (step->task, combined, key, slot);
  if (slot != NULL)
    step->fold->add (step->task, combined, slot, value, is_new);
}

/* INTs that are summed make up most windows, and need no call. */
static inline gboolean
add_int (WeirValue *place, WeirValue value)
{
  gint64 sum;

  if (place->kind != WEIR_INT || value.kind != WEIR_INT || __builtin_add_overflow (place->integer, value.integer, &sum))
    return FALSE;
  place->integer = sum;
  return TRUE;
}

static G_GNUC_NO_INLINE void
fold_value (Step *step, const WeirKey *key, WeirValue *place, WeirValue value)
{
  WeirTask *task = step->task;
  const guint64 n_rejects = task->n_rejects_ever;

  if (place == NULL)
    add_to_table (step, key, value);
  else if (step->reduces && !WEIR_IS_ABSENT (*place))
    weir_reduce_into (task, &step->combined->cells, place, *place, value, &step->mark);
  else
    step->fold->add_value (task, step->combined, key, place, value, WEIR_IS_ABSENT (*place));
  if (G_UNLIKELY (task->n_rejects_ever != n_rejects))
    weir_task_settle (task, WEIR_PAIR_OF (weir_key_value (key), value));
}

/* What costs no call. FALSE: it was not to be done. */
static inline gboolean
fold_quickly (const Step *step, WeirValue *place, WeirValue value)
{
  if (!WEIR_IS_ABSENT (*place))
    return step->is_sum && add_int (place, value);
  if ((step->first_kinds >> value.kind & 1) == 0)
    return FALSE;
  *place = value;
  return TRUE;
}

static void
fold_values (Step *step, const WeirValue *values, guint n)
{
  step->mark = step->task->task_run->scratch;
  for (guint i = 0; i < n; i++) {
    WeirValue *place = step->places[i];

    if (G_UNLIKELY (!is_same (step->known[i], &step->keys[i])))
      place = find_slowly (step, i);
    if (G_LIKELY (place != NULL) && G_LIKELY (fold_quickly (step, place, values[i])))
      continue;
    fold_value (step, &step->keys[i], place, values[i]);
    if (!weir_task_is_going (step->task))
      return;
  }
}

static guint
first_kinds (const WeirFold *fold)
{
  if (fold == &weir_fold_value)
    return (1u << WEIR_TEXT) - 1;
  return fold == &weir_fold_sum ? 1u << WEIR_INT : 0;
}

static gboolean
calls_for_each (const WeirTask *task, const WeirFold *fold)
{
  const WeirReduceParams *params = task->op->params;

  return fold == &weir_fold_value && params->f != WEIR_FIRST && params->f != WEIR_LAST;
}

void
weir_columns_process (WeirTask *task, const WeirFold *fold, const WeirChunk *in)
{
  Step step; /* not cleared: it is large */

  step.task = task;
  step.fold = fold;
  step.combined = ((WeirCombineInstance *) task->instance)->combined;
  step.columns = step.combined->columns;
  step.reduces = calls_for_each (task, fold);
  step.is_sum = fold == &weir_fold_sum;
  step.first_kinds = first_kinds (fold);
  weir_task_shield (task);
  for (guint from = 0; from < in->n && weir_task_is_going (task); from += STEP) {
    guint n = MIN (in->n - from, STEP);

    hash_keys (&step, in->keys + from, n);
    if (!find_places (&step, n))
      break;
    fold_values (&step, in->values + from, n);
  }
  weir_task_unshield (task);
}
