/* Owns the slices of operators with keyed state, from the first batch or a checkpoint on. Must not know what the job's
 * functions do with a state. Threads: see keyed.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/keyed.h"

#include <string.h>

#include "engine/value-copy.h"

gpointer
weir_keyed_slice_open (const WeirOp *op, guint slice)
{
  return g_new0 (WeirKeyedSlice, 1);
}

void
weir_keyed_slice_close (gpointer data)
{
  WeirKeyedSlice *slice = data;

  weir_keyed_state_free (slice->state);
  g_free (slice);
}

static WeirKeyedState *
state_of (WeirTask *task, WeirKeyedSlice *slice, guint index)
{
  const WeirKeyedParams *params = task->op->params;

  if (slice->state == NULL)
    slice->state = weir_keyed_state_new (task->task_run->run->state_memory, index, task->op->n_slices, params->is_dated,
                                         params->has_timeout);
  return slice->state;
}

/* A later pair of the same key replaces an earlier one. */
static gboolean
put_initial (WeirTask *task, WeirKeyedState *state, WeirValue key_value, WeirValue value)
{
  WeirStateGroup *group;
  WeirValue cell;
  WeirKey key;
  guint32 entry;

  weir_key_of (key_value, &task->seed, &key, &cell);
  if (key.hash >> 24 < state->first || key.hash >> 24 >= state->first + state->n_groups)
    return TRUE;
  group = weir_keyed_state_group (state, key.hash);
  entry = weir_entry_find (group, &key);
  if (entry == WEIR_NO_ENTRY)
    entry = weir_entry_insert (state, group, &key);
  return entry != WEIR_NO_ENTRY && weir_entry_set (state, group, entry, value);
}

static gboolean
use_initial (WeirTask *task, WeirKeyedState *state)
{
  const WeirKeyedParams *params = task->op->params;

  for (gsize i = 0; i < params->n_initial; i++)
    if (!put_initial (task, state, params->initial[2 * i], params->initial[2 * i + 1]))
      return FALSE;
  return TRUE;
}

/* Once all has been loaded. */
static gboolean
end_load (WeirTask *task, WeirKeyedSlice *slice)
{
  if (!slice->is_loading)
    return TRUE;
  slice->is_loading = FALSE;
  if (!weir_keyed_state_settle (slice->state))
    return FALSE;
  weir_keyed_state_upgrade (slice->state, task);
  return TRUE;
}

gboolean
weir_keyed_begin (WeirTask *task, WeirKeyedSlice *slice, guint index)
{
  WeirKeyedState *state = state_of (task, slice, index);
  gboolean ok = weir_keyed_state_begin (state, task->task_run->run->time) && end_load (task, slice);

  if (ok && !slice->has_begun)
    ok = use_initial (task, state);
  slice->has_begun = TRUE;
  if (!ok)
    weir_keyed_state_fail_memory (task, state);
  return ok && weir_task_is_going (task);
}

void
weir_keyed_save (WeirTask *task, gpointer data, guint index, WeirSaver *saver)
{
  WeirKeyedSlice *slice = data;

  if (!slice->has_begun)
    return;
  if (end_load (task, slice))
    weir_keyed_state_save (slice->state, task, index, saver);
  else
    weir_keyed_state_fail_memory (task, slice->state);
}

void
weir_keyed_load (WeirTask *task, gpointer data, guint index, const WeirSection *section)
{
  WeirKeyedSlice *slice = data;

  if (!weir_keyed_state_check_version (task))
    return;
  slice->has_begun = slice->is_loading = TRUE;
  weir_keyed_state_load (state_of (task, slice, index), task, section);
}

static WeirValue *
copy_pairs (const WeirValue *pairs, gsize n)
{
  gsize size = 2 * n * sizeof (WeirValue);
  WeirValue *cells;
  char *at;

  for (gsize i = 0; i < n; i++)
    size += weir_value_memory (pairs[i].cells[0]) + weir_value_memory (pairs[i].cells[1]);
  cells = g_malloc (size + 1);
  at = (char *) (cells + 2 * n);
  for (gsize i = 0; i < 2 * n; i++)
    cells[i] = weir_value_copy_to (pairs[i / 2].cells[i % 2], &at);
  return cells;
}

void
weir_keyed_set_initial (WeirStream *stream, const WeirValue *pairs, gsize n)
{
  WeirKeyedParams *params = stream->op.params;

  for (gsize i = 0; i < n; i++)
    if (weir_kind (pairs[i]) != WEIR_PAIR) {
      weir_stream_mistake (stream,
                           "has an initial state whose element %" G_GSIZE_FORMAT " is no pair: give (key, state)", i);
      return;
    }
  g_free (params->initial);
  params->initial = copy_pairs (pairs, n);
  params->n_initial = n;
}

void
weir_keyed_params_clear (gpointer data)
{
  WeirKeyedParams *params = data;

  g_free (params->initial);
}

/* Up to the end of the group or of the open chunk. */
static void
gather (WeirTask *task, const WeirStateGroup *group, guint32 *entry)
{
  WeirTaskHead *head = &task->head;
  const WeirStateEntry *one = weir_entry_at (group, *entry);
  guint32 n = head->n_elements;

  for (; *entry < group->n && n < WEIR_CHUNK_SIZE; (*entry)++, one = weir_entry_behind (group, one)) {
    if (one->key.meta == 0)
      continue;
    head->keys[n] = weir_key_value (&one->key);
    head->values[n++] = one->value;
  }
  head->n_elements = n;
}

gboolean
weir_keyed_view_read (WeirTask *task, const WeirKeyedState *state, WeirKeyedView *view)
{
  if (!task->head.has_keys)
    weir_task_reserve (task, TRUE);
  while (view->group < state->n_groups) {
    const WeirStateGroup *group = &state->groups[view->group];

    gather (task, group, &view->entry);
    if (task->head.n_elements == WEIR_CHUNK_SIZE) {
      weir_task_flush (task);
      return TRUE;
    }
    view->group++;
    view->entry = 0;
  }
  weir_task_flush (task);
  return FALSE;
}
