/* Owns the columns that a window's tasks write. Must not know what becomes of them, nor how values are folded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-columns.h"

#include "operators/combine-sum.h"

/* Keys that are hashed before the first is looked up: what they touch fits the first-level cache, and is there by then. */
#define STEP 128

typedef struct {
  WeirTask *task;
  const WeirFold *fold;
  WeirCombined *combined;
  WeirColumns *columns;
  gboolean reduces; /* by calling the job's function for each value of a key but the first */
  WeirArena mark;   /* task memory as the step found it */
  WeirKey keys[STEP];
  WeirValue cells[STEP];
  WeirValue *places[STEP];    /* that the keys probably have in their columns; NULL: they have none */
  const WeirKey *known[STEP]; /* whose places those are */
} Step;

WeirBlock *
weir_columns_block_new (const WeirWindowKeys *keys, guint32 *n_ranks)
{
  /* The keys that enter with the batch get numbers, too: with room for some, the column can stay where it is. */
  const guint32 ranks = keys->n_ranks + keys->n_ranks / 16 + 1;
  const gsize n = (gsize) ranks * keys->n_shards;
  WeirBlock *block = weir_block_new (keys->memory, n * sizeof (WeirValue));

  for (gsize i = 0; block != NULL && i < n; i++)
    ((WeirValue *) block->data)[i] = WEIR_ABSENT;
  *n_ranks = ranks;
  return block;
}

static WeirColumns *
columns_new (guint n_slices, const WeirWindowKeys *const *keys)
{
  WeirColumns *columns = g_malloc0 (sizeof *columns + n_slices * sizeof (WeirColumn));

  columns->n_slices = n_slices;
  for (guint i = 0; i < n_slices; i++)
    columns->slices[i].keys = keys[i];
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

static inline WeirColumn *
column_of (const Step *step, guint32 hash)
{
  WeirColumns *columns = step->columns;

  return &columns->slices[columns->n_slices == 1 ? 0 : weir_slice_of (hash, columns->n_slices)];
}

static void
hash_keys (Step *step, const WeirValue *values, guint n)
{
  const WeirSeed seed = step->task->seed;

  for (guint i = 0; i < n; i++) {
    const WeirColumn *column;

    weir_key_of (values[i], &seed, &step->keys[i], &step->cells[i]);
    column = column_of (step, step->keys[i].hash);
    if (G_LIKELY (column->keys != NULL))
      __builtin_prefetch (weir_window_keys_home (column->keys, step->keys[i].hash));
  }
}

static inline WeirValue *
value_at (const WeirColumn *column, guint32 number)
{
  return &column->values[weir_place_of (number, column->n_ranks)];
}

/* Where values of the keys are likely to go; whether they are the keys is seen when these have come from memory. FALSE:
 * the task has failed. */
static gboolean
find_places (Step *step, guint n)
{
  for (guint i = 0; i < n; i++) {
    WeirColumn *column = column_of (step, step->keys[i].hash);
    guint32 number = WEIR_NO_NUMBER;
    const WeirKey *known;

    step->places[i] = NULL;
    if (G_LIKELY (column->keys != NULL))
      number = weir_window_keys_guess (column->keys, step->keys[i].hash);
    if (G_UNLIKELY (number == WEIR_NO_NUMBER))
      continue;
    if (G_UNLIKELY (column->block == NULL) && !open_column (step->task, column))
      return FALSE;
    known = weir_window_keys_key (column->keys, number);
    step->known[i] = known;
    step->places[i] = value_at (column, number);
    __builtin_prefetch (known);
    __builtin_prefetch ((const char *) (known + 1) - 1); /* it may straddle two cache lines */
    __builtin_prefetch (step->places[i], 1);
  }
  return TRUE;
}

/* Another key has the same hash. NULL: this one has no number. */
static G_GNUC_NO_INLINE WeirValue *
find_slowly (Step *step, const WeirKey *key)
{
  WeirColumn *column = column_of (step, key->hash);
  guint32 number = weir_window_keys_find (column->keys, key);

  return number != WEIR_NO_NUMBER ? value_at (column, number) : NULL;
}

static inline WeirValue *
place_of (Step *step, guint i)
{
  if (G_UNLIKELY (step->places[i] == NULL) || G_LIKELY (weir_key_equal (step->known[i], &step->keys[i])))
    return step->places[i];
  return find_slowly (step, &step->keys[i]);
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

static inline void
fold_value (Step *step, const WeirKey *key, WeirValue *place, WeirValue value)
{
  WeirTask *task = step->task;
  const guint64 n_rejects = task->n_rejects_ever;

  if (G_UNLIKELY (place == NULL))
    add_to_table (step, key, value);
  else if (step->reduces && G_LIKELY (!WEIR_IS_ABSENT (*place)))
    weir_reduce_into (task, &step->combined->cells, place, *place, value, &step->mark);
  else
    step->fold->add_value (task, step->combined, key, place, value, WEIR_IS_ABSENT (*place));
  if (G_UNLIKELY (task->n_rejects_ever != n_rejects))
    weir_task_settle (task, WEIR_PAIR_OF (weir_key_value (key), value));
}

static void
fold_values (Step *step, const WeirValue *values, guint n)
{
  const gboolean is_sum = step->fold == &weir_fold_sum;

  step->mark = step->task->task_run->scratch;
  for (guint i = 0; i < n && weir_task_is_going (step->task); i++) {
    WeirValue *place = place_of (step, i);

    if (!is_sum || G_UNLIKELY (place == NULL) || !add_int (place, values[i]))
      fold_value (step, &step->keys[i], place, values[i]);
  }
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
