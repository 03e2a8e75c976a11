/* Owns map_with_state: the job's function is called for each record with the state of its key, then for the keys that
 * time out. A batch costs the keys that it touches: groups without rows and without a key that is too old are passed by.
 * What the function emits is kept until the batch ends, since states move on whether somebody reads it or not.
 * Both sides run on workers; a slice belongs to one task at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "engine/dataset.h"
#include "operators/keyed-rows.h"
#include "operators/keyed.h"
#include "operators/map-with-state.h"
#include "operators/state-handle.h"
#include "operators/state-rows.h"

typedef struct {
  WeirKeyedParams keyed; /* first */
  WeirStateFunc f;
  gpointer user_data;
  WeirTime timeout;
} Params;

typedef struct {
  const Params *params;
  WeirTask *task; /* that the function gets: what it emits goes on to the results */
  WeirState st;
  WeirPartition *results;
} Mapping;

/* Where the results stand before a call. */
typedef struct {
  guint n_open, n_chunks;
  guint64 n_emitted;
} Emitted;

static Emitted
mark_emitted (const Mapping *mapping)
{
  const WeirTask *task = mapping->task;

  return (Emitted){ task->head.n_elements, mapping->results->chunks->len, task->n_emitted };
}

/* Takes back what was emitted since: from the open chunk, or from that which began with elements of calls before. */
static void
take_back (Mapping *mapping, const Emitted *before)
{
  WeirTask *task = mapping->task;
  WeirPartition *results = mapping->results;
  GArray *chunks = results->chunks;

  if (task->n_emitted == before->n_emitted) {
    task->head.n_elements = before->n_open;
    return;
  }
  task->head.n_elements = 0;
  for (guint i = before->n_chunks; i < chunks->len; i++)
    results->n_elements -= g_array_index (chunks, WeirChunk, i).n;
  g_array_set_size (chunks, before->n_chunks + (before->n_open > 0));
  if (before->n_open > 0)
    g_array_index (chunks, WeirChunk, before->n_chunks).n = before->n_open;
  results->n_elements += before->n_open;
}

/* A record at which the function failed leaves the state as it was. */
static G_GNUC_NO_INLINE void
reject_record (Mapping *mapping, const Emitted *before, WeirValue key, WeirValue value)
{
  take_back (mapping, before);
  weir_task_settle (mapping->task, WEIR_PAIR_OF (key, value));
}

/* One call. Task memory that nobody can have kept is used again. */
static inline gboolean
call (Mapping *mapping, const WeirKey *key, WeirValue key_value, WeirValue value)
{
  WeirTask *task = mapping->task;
  WeirArena *scratch = &task->task_run->scratch;
  const WeirArena mark = *scratch;
  const guint64 n_emitted = task->n_emitted + task->head.n_elements;
  Emitted before = { 0 };

  if (G_UNLIKELY (task->is_shielded))
    before = mark_emitted (mapping);
  mapping->params->f (task, key_value, value, &mapping->st, mapping->params->user_data);
  if (G_UNLIKELY (task->has_failed))
    reject_record (mapping, &before, key_value, value);
  else if (G_UNLIKELY (!weir_state_commit (&mapping->st, key)))
    return FALSE;
  if (G_UNLIKELY (scratch->used != mark.used) && task->n_emitted + task->head.n_elements == n_emitted)
    weir_arena_rewind (scratch, &mark);
  return TRUE;
}

static int
compare_entries (const void *a, const void *b)
{
  guint32 one = *(const guint32 *) a, other = *(const guint32 *) b;

  return one < other ? -1 : one > other;
}

/* The key goes with its state, hence what is emitted of it is copied. */
static gboolean
time_out (Mapping *mapping, guint32 entry)
{
  WeirValue key = weir_key_value (&weir_entry_at (mapping->st.group, entry)->key);

  if (key.kind >= WEIR_PAIR)
    key = weir_copy (mapping->task, key);
  else if (key.kind >= WEIR_TEXT)
    key.flags |= WEIR_VALUE_BORROWED;
  weir_state_begin (&mapping->st, entry, TRUE);
  return call (mapping, NULL, key, weir_nil ());
}

/* The keys that nothing came for since before @limit, in the order of their numbers: that of their ages would be
 * another one after a restart. */
static gboolean
time_out_group (Mapping *mapping, WeirTime limit)
{
  const WeirStateGroup *group = mapping->st.group;
  guint32 n = 0, *entries;

  for (guint32 e = group->oldest; e != WEIR_NO_ENTRY && weir_entry_at (group, e)->age.time < limit;
       e = weir_entry_at (group, e)->age.newer)
    n++;
  if (n == 0)
    return TRUE;
  entries = weir_alloc (mapping->task, n * sizeof *entries);
  if (entries == NULL)
    return FALSE;
  for (guint32 i = 0, e = group->oldest; i < n; i++, e = weir_entry_at (group, e)->age.newer)
    entries[i] = e;
  qsort (entries, n, sizeof *entries, compare_entries);
  for (guint32 i = 0; i < n; i++)
    if (!time_out (mapping, entries[i]))
      return FALSE;
  return TRUE;
}

/* Ends the groups up to @group, which begins. */
static gboolean
go_to_group (Mapping *mapping, WeirStateGroup *group)
{
  WeirTime timeout = mapping->params->timeout;

  weir_task_unshield (mapping->task);
  for (; mapping->st.group < group; mapping->st.group++)
    if (timeout > 0 && !time_out_group (mapping, mapping->st.state->now - timeout))
      return FALSE;
  weir_task_shield (mapping->task);
  return TRUE;
}

static gboolean
map_row (Mapping *mapping, const WeirStateRow *row)
{
  const WeirKey *key = &row->row->key;
  WeirStateGroup *group = weir_keyed_state_group (mapping->st.state, key->hash);

  if (G_UNLIKELY (group != mapping->st.group) && !go_to_group (mapping, group))
    return FALSE;
  weir_state_begin (&mapping->st, weir_state_row_entry (row, group), FALSE);
  return call (mapping, key, weir_key_value (key), row->row->value);
}

static void
map_slice (Mapping *mapping, const WeirExchange *exchange)
{
  WeirKeyedState *state = mapping->st.state;
  const WeirStateRow *row;
  WeirStateRows rows;

  weir_state_rows_init (&rows, state, exchange);
  mapping->st.group = state->groups;
  weir_task_shield (mapping->task);
  while ((row = weir_state_rows_next (&rows)) != NULL)
    if (!map_row (mapping, row))
      return;
  if (go_to_group (mapping, state->groups + state->n_groups))
    weir_task_unshield (mapping->task);
}

/* What the function emits, on its way into the results. */
static void
gather_process (WeirTask *task, const WeirChunk *in)
{
  if (!weir_partition_append (*(WeirPartition **) task->instance, in, FALSE))
    weir_task_fail_memory (task);
}

static const WeirOpClass gather_class = {
  .verb = "map_with_state",
  .kind = WEIR_OP_TERMINAL,
  .instance_size = sizeof (WeirPartition *),
  .process = gather_process,
};

/* Task memory that results may point into stays with them. */
static void
take_scratch (WeirPartition *partition, WeirArena *scratch)
{
  WeirBlock **end = &partition->arena.blocks;

  while (*end != NULL)
    end = &(*end)->next;
  *end = scratch->blocks;
  weir_arena_init (scratch, scratch->memory);
}

static void
map_advance (WeirTask *task, WeirReader *reader)
{
  WeirMemory *memory = task->task_run->run->memory;
  WeirTask *end = weir_task_link_new (task->task_run, task->op, &gather_class, NULL);
  Mapping mapping = { .params = task->op->params };
  WeirKeyedSlice *slice = reader->slice;
  WeirPartition *results;

  if (end != NULL)
    mapping.task = weir_task_link_new (task->task_run, task->op, task->klass, end);
  if (mapping.task == NULL) {
    weir_task_fail_memory (task);
    return;
  }
  if (!weir_keyed_begin (task, slice, reader->partition))
    return;
  results = mapping.results = *(WeirPartition **) end->instance = weir_partition_new (memory);
  reader->exchange->merged[reader->partition] = weir_keyed_results_new (memory, results);
  mapping.st.task = mapping.task;
  mapping.st.state = slice->state;
  map_slice (&mapping, reader->exchange);
  weir_task_flush (mapping.task);
  weir_task_end_rejects (mapping.task);
  task->rejects = mapping.task->rejects;
  take_scratch (results, &task->task_run->scratch);
}

static gboolean
map_read (WeirTask *task, WeirReader *reader)
{
  const WeirKeyedRows *results = reader->exchange->merged[reader->partition];
  guint *next = reader->state;

  if (results == NULL || *next >= results->results->chunks->len)
    return FALSE;
  weir_task_forward (task, &g_array_index (results->results->chunks, WeirChunk, (*next)++));
  return TRUE;
}

static const WeirOpClass map_class = {
  .verb = "map_with_state",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_PAIRS | WEIR_OP_EVERY_BATCH,
  .instance_size = sizeof (WeirKeyedRows *),
  .open = weir_keyed_open,
  .process = weir_keyed_process,
  .seal = weir_keyed_seal,
  .output_free = weir_keyed_rows_free,
  .reader_size = sizeof (guint),
  .read = map_read,
  .slice_open = weir_keyed_slice_open,
  .slice_close = weir_keyed_slice_close,
  .advance = map_advance,
  .save = weir_keyed_save,
  .load = weir_keyed_load,
  .params_clear = weir_keyed_params_clear,
};

gboolean
weir_op_maps_with_state (const WeirOp *op)
{
  return op->klass == &map_class;
}

static void
check_spec (WeirStream *stream, const WeirStateSpec *spec)
{
  if (spec->function == NULL)
    weir_stream_mistake (stream, "needs a function: set it in the WeirStateSpec");
  if (spec->timeout < 0)
    weir_stream_mistake (stream, "has a timeout of %" G_GINT64_FORMAT " us: give one above 0, or 0 for none",
                         spec->timeout);
  if (spec->initial == NULL && spec->n_initial > 0)
    weir_stream_mistake (stream, "has %" G_GSIZE_FORMAT " initial states at NULL: give the pairs, or none",
                         spec->n_initial);
  else if (spec->n_initial > 0)
    weir_keyed_set_initial (stream, spec->initial, spec->n_initial);
}

/**
 * weir_map_with_state:
 * @s: a stream of pairs
 * @spec: the function and what goes with it; copied, the initial states too
 *
 * Keeps a state for each key, and calls @spec->function for each record with it; what the function emits is the stream. A
 * batch costs the keys that it touches, however many there are. Records of a key come in order of arrival, which is
 * (partition, position); a later one finds what the earlier one left.
 *
 * With a timeout, a key that has had no record for longer than that is called once more, with NIL for a value
 * (weir_state_is_timing_out()), after the records of the batch, and its state goes. That happens in every batch; any
 * record of a key, also one that leaves the state as it is, starts its time anew. Without one, states stay until they are
 * removed. They are kept in memory, up to `state.limit` (%WEIR_ERROR_STATE_LIMIT).
 *
 * With a checkpoint the states come back by the stream's uid (weir_stream_set_uid()), and @spec->initial is used only if
 * it has none of this stream. @spec->version and @spec->upgrade are what weir_stream_set_state_version() says. The
 * functions run on workers, for different keys at once. A plain value in @s fails the batch with %WEIR_ERROR_KIND.
 *
 * Returns: (transfer none): the stream of what was emitted; owned by the context
 */

/**
 * weir_map_with_state_sized:
 * @s: as weir_map_with_state()
 * @spec: as there
 * @size: sizeof (WeirStateSpec) as the caller knows it, so that fields can be appended
 *
 * What the macro weir_map_with_state() calls, for languages without macros.
 *
 * Returns: (transfer none): the stream of what was emitted; owned by the context
 */
WeirStream *
weir_map_with_state_sized (WeirStream *s, const WeirStateSpec *spec, gsize size)
{
  Params *params = g_new0 (Params, 1);
  WeirStateSpec own = { 0 };
  WeirStream *stream;

  if (spec != NULL)
    memcpy (&own, spec, MIN (size, sizeof own));
  params->f = own.function;
  params->user_data = own.user_data;
  params->timeout = own.timeout;
  params->keyed.is_dated = TRUE; /* also without a timeout: the job may get one later */
  params->keyed.has_timeout = own.timeout > 0;
  stream = weir_stream_derive (s, &map_class, params);
  stream->op.state_version = own.version;
  stream->op.upgrade = own.upgrade;
  stream->op.upgrade_data = own.user_data;
  check_spec (stream, &own);
  return stream;
}
