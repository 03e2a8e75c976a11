/* Owns update_state_by_key: the job's function sees every key in every batch, and what it returns is the key's state
 * from then on. Groups are done one after the other: the rows of the batch are put in the order of the entries, then the
 * entries are walked through, so that a key without data costs a call and nothing else.
 * Both sides run on workers; a slice belongs to one task at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/state.h>

#include <stdlib.h>
#include <string.h>

#include "engine/context.h"
#include "operators/keyed-rows.h"
#include "operators/keyed.h"

/* Failures are looked for each so many calls. */
#define CALLS 256

typedef struct {
  WeirKeyedParams keyed; /* first */
  WeirUpdateFunc f;
  gpointer user_data;
} Params;

/* A row of the batch; in the order of entries once that is known. */
typedef struct {
  const WeirKeyedRow *row;
  guint32 entry;
  guint32 at; /* in order of arrival */
} Arrived;

typedef struct {
  WeirTask *task;
  const Params *params;
  WeirKeyedState *state;
  WeirStateGroup *group;
  Arrived *arrived;  /* in the order of the entries, then of arrival */
  WeirValue *values; /* of these */
  gsize n;
  WeirArena mark;
} Update;

static int
compare_keys (const void *a, const void *b)
{
  const Arrived *one = a, *other = b;
  const WeirKey *key = &one->row->key, *other_key = &other->row->key;

  if (key->hash != other_key->hash)
    return key->hash < other_key->hash ? -1 : 1;
  return weir_compare (weir_key_value (key), weir_key_value (other_key));
}

static int
compare_entries (const void *a, const void *b)
{
  const Arrived *one = a, *other = b;

  if (one->entry != other->entry)
    return one->entry < other->entry ? -1 : 1;
  return one->at < other->at ? -1 : 1;
}

/* Rows of the group in order of arrival, with room for their values; FALSE: memory limit. */
static gboolean
list_rows (Update *update, const WeirExchange *exchange, guint number)
{
  WeirKeyedCursor cursor = { 0 };
  const WeirKeyedBlock *block;
  guint32 at = 0;

  update->n = weir_keyed_count (exchange, number);
  if (update->n == 0)
    return TRUE;
  if (update->n > G_MAXUINT32) {
    weir_task_fail (update->task, WEIR_ERROR_FAILED,
                    "more than 4294967295 values in one of 256 key groups in one batch");
    return FALSE;
  }
  update->arrived = weir_alloc (update->task, update->n * sizeof *update->arrived);
  update->values = weir_alloc (update->task, update->n * sizeof *update->values);
  if (update->arrived == NULL || update->values == NULL)
    return FALSE;
  while ((block = weir_keyed_cursor_next (&cursor, exchange, number)) != NULL)
    for (guint i = 0; i < block->n; i++, at++) {
      update->arrived[at] = (Arrived){ &block->rows[i], WEIR_NO_ENTRY, at };
      __builtin_prefetch (weir_entry_home (update->group, block->rows[i].key.hash));
    }
  return TRUE;
}

/* Keys that are new, in the order of their hashes: what came first must not show in the numbers. */
static gboolean
insert_new (Update *update, Arrived *fresh, gsize n)
{
  guint32 entry = WEIR_NO_ENTRY;

  qsort (fresh, n, sizeof *fresh, compare_keys);
  for (gsize i = 0; i < n; i++) {
    if (i == 0 || !weir_key_equal (&fresh[i - 1].row->key, &fresh[i].row->key))
      entry = weir_entry_insert (update->state, update->group, &fresh[i].row->key);
    if (entry == WEIR_NO_ENTRY) {
      weir_keyed_state_fail_memory (update->task, update->state);
      return FALSE;
    }
    fresh[i].entry = entry;
  }
  return TRUE;
}

/* Gives each row its entry; rows of new keys are put behind the others meanwhile. */
static gboolean
find_entries (Update *update)
{
  gsize n_known = 0, last = update->n;

  while (n_known < last) {
    Arrived *arrived = &update->arrived[n_known];

    arrived->entry = weir_entry_find (update->group, &arrived->row->key);
    if (arrived->entry != WEIR_NO_ENTRY) {
      n_known++;
      continue;
    }
    Arrived other = update->arrived[--last];
    update->arrived[last] = *arrived;
    *arrived = other;
  }
  return last == update->n || insert_new (update, update->arrived + last, update->n - last);
}

/* Places the rows by counting how many each entry has: cheaper than sorting where many keys have data. */
static gboolean
place_rows (Update *update)
{
  gsize n_entries = update->group->n;
  guint32 *starts = weir_alloc (update->task, (n_entries + 1) * sizeof *starts);
  Arrived *placed = weir_alloc (update->task, update->n * sizeof *placed);
  Arrived *by_arrival = weir_alloc (update->task, update->n * sizeof *by_arrival);

  if (starts == NULL || placed == NULL || by_arrival == NULL)
    return FALSE;
  memset (starts, 0, (n_entries + 1) * sizeof *starts);
  for (gsize i = 0; i < update->n; i++) {
    by_arrival[update->arrived[i].at] = update->arrived[i];
    starts[update->arrived[i].entry + 1]++;
  }
  for (gsize i = 0; i < n_entries; i++)
    starts[i + 1] += starts[i];
  for (gsize i = 0; i < update->n; i++)
    placed[starts[by_arrival[i].entry]++] = by_arrival[i];
  update->arrived = placed;
  return TRUE;
}

static gboolean
order_rows (Update *update)
{
  if (update->n > update->group->n / 16) {
    if (!place_rows (update))
      return FALSE;
  } else {
    qsort (update->arrived, update->n, sizeof *update->arrived, compare_entries);
  }
  for (gsize i = 0; i < update->n; i++)
    update->values[i] = update->arrived[i].row->value;
  return TRUE;
}

/* What the function returned becomes the state; what is the same is left alone. */
static G_GNUC_NO_INLINE gboolean
take_result (Update *update, guint32 entry, WeirValue result)
{
  WeirTask *task = update->task;

  if (!weir_task_is_going (task))
    return FALSE;
  if (weir_is_nil (result)) {
    weir_entry_remove (update->state, update->group, entry);
  } else if (!weir_state_is_same (weir_entry_at (update->group, entry)->value, result) &&
             !weir_entry_set (update->state, update->group, entry, result)) {
    weir_keyed_state_fail_memory (task, update->state);
    return FALSE;
  }
  if (task->task_run->scratch.used != update->mark.used)
    weir_arena_rewind (&task->task_run->scratch, &update->mark);
  return TRUE;
}

/* Calls for the entries up to @until, which have no data. */
static gboolean
pass_idle (Update *update, guint32 from, guint32 until)
{
  WeirTask *task = update->task;
  const WeirUpdateFunc f = update->params->f;
  gpointer user_data = update->params->user_data;
  const WeirArena *scratch = &task->task_run->scratch;
  const gsize used = update->mark.used;
  const WeirStateGroup *group = update->group;
  const WeirStateEntry *one = weir_entry_at (group, from);

  for (guint32 entry = from; entry < MIN (until, group->n); entry++, one = weir_entry_behind (group, one)) {
    WeirValue state = one->value, result;

    if (G_UNLIKELY (one->key.meta == 0))
      continue;
    result = f (task, weir_key_value (&one->key), NULL, 0, state, user_data);
    if (G_LIKELY (result.bits == state.bits && result.size == state.size && result.kind == state.kind &&
                  result.kind != WEIR_NIL && scratch->used == used && entry % CALLS != 0))
      continue;
    if (!take_result (update, entry, result))
      return FALSE;
  }
  return TRUE;
}

/* The function failed at these values: they are rejected, and the state is as it was. */
static G_GNUC_NO_INLINE void
reject_values (Update *update, WeirValue key, const WeirValue *values, gsize n, const char *reason)
{
  for (gsize i = 0; i < n && weir_task_is_going (update->task); i++)
    weir_reject (update->task, WEIR_PAIR_OF (key, values[i]), reason);
}

/* The call for @n values that came for the entry. */
static gboolean
pass_values (Update *update, guint32 entry, const WeirValue *values, gsize n)
{
  const Params *params = update->params;
  WeirTask *task = update->task;
  WeirValue key = weir_key_value (&weir_entry_at (update->group, entry)->key),
            state = weir_entry_at (update->group, entry)->value, result;
  const char *reason;

  weir_task_shield (task);
  result = params->f (task, key, values, n, state, params->user_data);
  if (G_UNLIKELY (weir_task_take_failure (task, &reason))) {
    reject_values (update, key, values, n, reason);
    result = state;
  }
  weir_task_unshield (task);
  return take_result (update, entry, result);
}

static gboolean
pass_group (Update *update)
{
  guint32 next = 0;

  for (gsize i = 0, end; i < update->n; i = end) {
    guint32 entry = update->arrived[i].entry;

    for (end = i + 1; end < update->n && update->arrived[end].entry == entry; end++)
      ;
    if (!pass_idle (update, next, entry) || !pass_values (update, entry, update->values + i, end - i))
      return FALSE;
    next = entry + 1;
  }
  return pass_idle (update, next, G_MAXUINT32);
}

static gboolean
update_group (Update *update, const WeirExchange *exchange)
{
  WeirArena *scratch = &update->task->task_run->scratch;
  const WeirArena start = *scratch;
  guint number = update->state->first + (guint) (update->group - update->state->groups);
  gboolean ok;

  if (!list_rows (update, exchange, number))
    return FALSE;
  if (update->n > 0 && !(find_entries (update) && order_rows (update)))
    return FALSE;
  update->mark = *scratch;
  ok = pass_group (update);
  weir_arena_rewind (scratch, &start);
  return ok;
}

static void
update_advance (WeirTask *task, WeirReader *reader)
{
  WeirKeyedSlice *slice = reader->slice;
  Update update = { .task = task, .params = task->op->params };
  gboolean ok = weir_keyed_begin (task, slice, reader->partition);

  update.state = slice->state;
  for (guint i = 0; i < slice->state->n_groups && ok; i++) {
    update.group = &slice->state->groups[i];
    ok = update_group (&update, reader->exchange) && weir_task_is_going (task);
  }
  if (reader->partition == 0) /* all keys are work, whatever came */
    __atomic_store_n (&((WeirOp *) task->op)->size_hint, slice->state->n_used * task->op->n_slices, __ATOMIC_RELAXED);
}

static gboolean
update_read (WeirTask *task, WeirReader *reader)
{
  return weir_keyed_view_read (task, ((const WeirKeyedSlice *) reader->slice)->state, reader->state);
}

static const WeirOpClass update_class = {
  .verb = "update_state_by_key",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_PAIRS | WEIR_OP_EVERY_BATCH,
  .instance_size = sizeof (WeirKeyedRows *),
  .open = weir_keyed_open,
  .process = weir_keyed_process,
  .seal = weir_keyed_seal,
  .output_free = weir_keyed_rows_free,
  .reader_size = sizeof (WeirKeyedView),
  .read = update_read,
  .slice_open = weir_keyed_slice_open,
  .slice_close = weir_keyed_slice_close,
  .advance = update_advance,
  .save = weir_keyed_save,
  .load = weir_keyed_load,
  .params_clear = weir_keyed_params_clear,
};

/**
 * weir_update_state_by_key:
 * @s: a stream of pairs
 * @f: (scope notified): called once for each key in each batch: for keys that have a state, and for keys of the batch;
 *   gets the key's values of the batch in order of arrival, which is (partition, position), and the state, NIL if there
 *   is none yet; returns the new state, or NIL to drop the key
 * @user_data: for @f; shared by all workers
 *
 * Keeps a state for each key. The stream is the whole state: one pair (key, state) for each key, in every batch, also
 * where nothing came. A batch costs a call for each key there is; where most keys have no data, weir_map_with_state()
 * costs far less. A state that @f returns as it was is neither copied nor written to the checkpoint. States are kept in
 * memory, up to `state.limit` (%WEIR_ERROR_STATE_LIMIT).
 *
 * With a checkpoint the states come back by the stream's uid (weir_stream_set_uid()). @f runs on workers, for different
 * keys at once; it returns, and doesn't emit. A plain value in @s fails the batch with %WEIR_ERROR_KIND.
 *
 * Returns: (transfer none): the stream of pairs; owned by the context
 */
WeirStream *
weir_update_state_by_key (WeirStream *s, WeirUpdateFunc f, gpointer user_data)
{
  Params *params = g_new0 (Params, 1);
  WeirStream *stream;

  params->f = f;
  params->user_data = user_data;
  stream = weir_stream_derive (s, &update_class, params);
  if (f == NULL)
    weir_stream_mistake (stream, "needs a function that updates a state, got NULL: pass one");
  return stream;
}

/**
 * weir_stream_set_initial_state:
 * @s: a stream of weir_update_state_by_key() or weir_map_with_state()
 * @pairs: (array length=n_pairs): pairs (key, state); copied; may be %NULL if there are none
 * @n_pairs: how many
 *
 * Gives the states to begin with. They are used only if the checkpoint has none of this stream: after a restart the
 * saved states count. Of two pairs with one key the later one counts. Before start.
 */
void
weir_stream_set_initial_state (WeirStream *s, const WeirValue *pairs, gsize n_pairs)
{
  g_return_if_fail (s != NULL);
  g_return_if_fail (pairs != NULL || n_pairs == 0);
  if (!weir_context_may_build (s->ctx, "the initial state of a stream"))
    return;
  if (s->op.klass->params_clear == weir_keyed_params_clear)
    weir_keyed_set_initial (s, pairs, n_pairs);
  else
    weir_stream_mistake (s, "keeps no state of keys: give the initial state to weir_update_state_by_key () or "
                            "weir_map_with_state ()");
}
