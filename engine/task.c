/* Owns the links of a task: their open chunks, task memory, and what a user function says besides emitting (reject,
 * fail).
 *
 * Runs on the worker that has the task. Must not know stages: who builds the chain and what the chunks end in.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/task.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/dataset.h"
#include "engine/value-copy.h"

/* Beyond this much of task memory, what is in flight is flushed and the memory used again: it stays in cache. */
#define SCRATCH_FLUSH ((gsize) 64 * 1024)
#define REASON_MAX    200

WeirTask *
weir_task_link_new (WeirTaskRun *task_run, const WeirOp *op, const WeirOpClass *klass, WeirTask *next)
{
  guint32 capacity = next != NULL ? WEIR_CHUNK_SIZE : 1; /* at the end of a chain the first emit is one too many */
  gsize columns = capacity * sizeof (WeirValue);
  WeirTask *task = weir_arena_alloc (task_run->frame, sizeof *task + klass->instance_size);
  char *memory = weir_arena_alloc (task_run->frame, 2 * columns);

  if (task == NULL || memory == NULL)
    return NULL;
  memset (task, 0, sizeof *task + klass->instance_size);
  task->head.keys = (WeirValue *) memory;
  task->head.values = (WeirValue *) (memory + columns);
  task->head.capacity = capacity;
  task->op = op;
  task->klass = klass;
  task->seed = weir_seed_salted (&task_run->run->seed, op->salt);
  task->instance = task + 1;
  task->next = next;
  task->task_run = task_run;
  return task;
}

/* A full chunk of one record's results, which may have to be taken back. In the scratch, as what its values point to. */
struct _WeirHeldChunk {
  WeirHeldChunk *next;
  WeirChunk chunk;
};

static void
hand_on (WeirTask *task, const WeirChunk *chunk)
{
  task->n_emitted += chunk->n;
  if (chunk->n > 0 && weir_task_is_going (task))
    task->next->klass->process (task->next, chunk);
}

static void
hold (WeirTask *task, const WeirChunk *chunk)
{
  gsize column = chunk->n * sizeof (WeirValue);
  WeirHeldChunk *held = weir_alloc (task, sizeof *held + (chunk->keys != NULL ? 2 : 1) * column);
  WeirValue *values;

  if (held == NULL)
    return;
  values = memcpy (held + 1, chunk->values, column);
  held->next = NULL;
  held->chunk = (WeirChunk){ NULL, values, chunk->n };
  if (chunk->keys != NULL)
    held->chunk.keys = memcpy (values + chunk->n, chunk->keys, column);
  if (task->held == NULL)
    task->held = held;
  else
    task->last_held->next = held;
  task->last_held = held;
}

void
weir_task_forward (WeirTask *task, const WeirChunk *chunk)
{
  weir_task_flush (task);
  hand_on (task, chunk);
}

/**
 * weir_task_flush:
 * @task: the task
 *
 * Hands the open chunk on. What the inline weir_emit() calls when the chunk is full; jobs have no need to.
 */
void
weir_task_flush (WeirTask *task)
{
  WeirChunk chunk = { task->head.has_keys ? task->head.keys : NULL, task->head.values, task->head.n_elements };

  task->head.n_elements = 0;
  if (chunk.n == 0 || !weir_task_is_going (task))
    return;
  if (G_UNLIKELY (task->is_in_record))
    hold (task, &chunk);
  else if (G_LIKELY (task->next != NULL))
    hand_on (task, &chunk);
  else
    weir_task_fail (task, WEIR_ERROR_USER,
                    "a function emitted, but nothing takes what it emits: return a value instead");
}

void
weir_task_reserve (WeirTask *task, gboolean has_keys)
{
  if (task->head.n_elements > 0)
    weir_task_flush (task);
  task->head.has_keys = has_keys;
}

static void
set_shape (WeirTask *task, gboolean has_keys)
{
  if ((task->head.has_keys != 0) != has_keys)
    weir_task_reserve (task, has_keys);
}

static void
store_pair (WeirTask *task, WeirValue key, WeirValue value)
{
  WeirTaskHead *head = &task->head;

  set_shape (task, TRUE);
  head->keys[head->n_elements] = key;
  head->values[head->n_elements] = value;
  if (++head->n_elements == head->capacity)
    weir_task_flush (task);
}

static void
store (WeirTask *task, WeirValue value)
{
  WeirTaskHead *head = &task->head;

  set_shape (task, FALSE);
  head->values[head->n_elements] = value;
  if (++head->n_elements == head->capacity)
    weir_task_flush (task);
}

/**
 * weir_task_emit_slow:
 * @task: the task
 * @value: what to emit
 *
 * What the inline weir_emit() calls where there is more to do than to store: pairs, borrowed values, a change of shape.
 */
void
weir_task_emit_slow (WeirTask *task, WeirValue value)
{
  if (value.kind == WEIR_PAIR)
    store_pair (task, weir_keep (task, value.cells[0]), weir_keep (task, value.cells[1]));
  else
    store (task, weir_keep (task, value));
}

/**
 * weir_task_emit_pair_slow:
 * @task: the task
 * @key: the pair's key
 * @value: the pair's value
 *
 * What the inline weir_emit_pair() calls where there is more to do than to store.
 */
void
weir_task_emit_pair_slow (WeirTask *task, WeirValue key, WeirValue value)
{
  store_pair (task, weir_keep (task, key), weir_keep (task, value));
}

void
weir_task_emit_returned (WeirTask *task, WeirValue value)
{
  WeirValue key;

  if (value.kind != WEIR_PAIR) {
    value.flags = 0;
    store (task, value);
    return;
  }
  /* A returned pair may sit in a cell of the caller's, so containers inside of it are copied where borrowed. */
  key = value.cells[0];
  value = value.cells[1];
  if (key.kind >= WEIR_PAIR)
    key = weir_keep (task, key);
  if (value.kind >= WEIR_PAIR)
    value = weir_keep (task, value);
  key.flags &= (guint8) ~WEIR_VALUE_BORROWED;
  value.flags &= (guint8) ~WEIR_VALUE_BORROWED;
  store_pair (task, key, value);
}

/**
 * weir_alloc:
 * @task: the task
 * @size: bytes
 *
 * Memory that lives until the results of the running call are taken. Not zeroed, 8-aligned. Doesn't block.
 *
 * Returns: (transfer none): the memory; %NULL if the batch would pass `memory.limit`: the batch then fails with
 * %WEIR_ERROR_MEMORY_LIMIT and what the function returns or emits is ignored
 */
gpointer
weir_alloc (WeirTask *task, gsize size)
{
  gpointer p = weir_arena_alloc (&task->task_run->scratch, size);

  if (G_UNLIKELY (p == NULL))
    weir_task_fail_memory (task);
  return p;
}

/**
 * weir_format:
 * @task: the task
 * @format: as printf's
 * @...: its arguments
 *
 * Makes a text in task memory.
 *
 * Returns: a TEXT; NIL if there is no memory left, and then the batch fails
 */
WeirValue
weir_format (WeirTask *task, const char *format, ...)
{
  WeirArena *scratch = &task->task_run->scratch;
  gsize room = (gsize) (scratch->end - scratch->next);
  char *text = scratch->next;
  va_list arguments;
  int n;

  va_start (arguments, format);
  n = vsnprintf (text, room, format, arguments);
  va_end (arguments);
  g_return_val_if_fail (n >= 0, weir_nil ());
  if ((gsize) n < room)
    return WEIR_VALUE_INIT (data, weir_arena_alloc (scratch, (gsize) n + 1), (guint32) n, WEIR_TEXT, 0);
  text = weir_alloc (task, (gsize) n + 1);
  if (text == NULL)
    return weir_nil ();
  va_start (arguments, format);
  vsnprintf (text, (gsize) n + 1, format, arguments);
  va_end (arguments);
  return WEIR_VALUE_INIT (data, text, (guint32) n, WEIR_TEXT, 0);
}

/**
 * weir_task_batch_time:
 * @task: the task
 *
 * Returns: the time of the batch that the task belongs to
 */
WeirTime
weir_task_batch_time (const WeirTask *task)
{
  return task->task_run->run->time;
}

/**
 * weir_task_partition:
 * @task: the task
 *
 * Returns: the number of the partition that the task makes, from 0
 */
guint
weir_task_partition (const WeirTask *task)
{
  return task->task_run->partition;
}

void
weir_task_end_rejects (WeirTask *task)
{
  if (task->n_rejects > 0)
    weir_run_count_reject (task->task_run->run, task->op->name, task->reject_reason, task->n_rejects);
  task->n_rejects = 0;
}

static void
start_rejects (WeirTask *task, const char *reason)
{
  gsize size = MIN (strlen (reason), REASON_MAX);

  weir_task_end_rejects (task);
  if (task->reject_reason == NULL)
    task->reject_reason = weir_arena_alloc (task->task_run->frame, REASON_MAX + 1);
  if (task->reject_reason == NULL) {
    weir_task_fail_memory (task);
    return;
  }
  memcpy (task->reject_reason, reason, size);
  task->reject_reason[size] = '\0';
}

static void
keep_reject (WeirTask *task, WeirValue value)
{
  WeirValue reason = weir_text (task->reject_reason);
  WeirChunk chunk = { &reason, &value, 1 };

  if (task->rejects == NULL)
    task->rejects = weir_partition_new (task->task_run->run->memory);
  if (!weir_partition_append (task->rejects, &chunk, TRUE))
    weir_task_fail_memory (task);
}

/**
 * weir_reject:
 * @task: the task
 * @value: the record that cannot be used; copied where somebody reads weir_rejected()
 * @reason: why, a short text: rejects are counted by it; more than 200 bytes are cut
 *
 * Keeps a bad record apart: it is counted by reason, shows in weir_rejected(), and the batch goes on. Doesn't block.
 */
void
weir_reject (WeirTask *task, WeirValue value, const char *reason)
{
  g_return_if_fail (task != NULL && reason != NULL);
  if (task->is_again) {
    task->n_rejects_ever++;
    return;
  }
  if (task->reject_reason == NULL || strncmp (task->reject_reason, reason, REASON_MAX) != 0)
    start_rejects (task, reason);
  if (!weir_task_is_going (task))
    return;
  task->n_rejects++;
  task->n_rejects_ever++;
  if (task->op->keep_rejects)
    keep_reject (task, value);
}

static void
note_failure (WeirTask *task, const char *format, va_list arguments)
{
  task->n_rejects_ever++;
  if (task->has_failed) /* what came first is the reason */
    return;
  if (task->failure == NULL)
    task->failure = weir_arena_alloc (task->task_run->frame, REASON_MAX + 1);
  if (task->failure == NULL) {
    weir_task_fail_memory (task);
    return;
  }
  g_vsnprintf (task->failure, REASON_MAX + 1, format, arguments);
  task->has_failed = TRUE;
}

gboolean
weir_task_take_failure (WeirTask *task, const char **reason)
{
  if (!task->has_failed)
    return FALSE;
  task->has_failed = FALSE;
  *reason = task->failure;
  return TRUE;
}

void
weir_task_settle (WeirTask *task, WeirValue record)
{
  const char *reason;

  if (weir_task_take_failure (task, &reason))
    weir_reject (task, record, reason);
}

/* The open chunk has room for what one record usually gives, so that it can be taken back; more of it is held. */
WeirTaskMark
weir_task_begin_record (WeirTask *task)
{
  if (task->is_shielded && task->head.n_elements > task->head.capacity / 2)
    weir_task_flush (task);
  task->is_in_record = task->is_shielded;
  return (WeirTaskMark){ task->head.n_elements };
}

/* What stood in the open chunk before the record, of which the first held one may be made. */
static void
take_back (WeirTask *task, WeirTaskMark mark)
{
  if (task->held == NULL) {
    task->head.n_elements = mark.n_open;
    return;
  }
  task->head.n_elements = 0;
  task->held->chunk.n = mark.n_open;
  task->held->next = NULL;
}

void
weir_task_end_record (WeirTask *task, WeirTaskMark mark, WeirValue record)
{
  WeirHeldChunk *held;

  task->is_in_record = FALSE;
  if (G_UNLIKELY (task->has_failed))
    take_back (task, mark);
  held = g_steal_pointer (&task->held);
  for (; held != NULL; held = held->next)
    hand_on (task, &held->chunk);
  weir_task_settle (task, record);
}

/* A failure that nobody has asked for is not lost. */
void
weir_task_unshield (WeirTask *task)
{
  const char *reason;

  task->is_shielded = FALSE;
  if (G_UNLIKELY (weir_task_take_failure (task, &reason)))
    weir_task_fail (task, WEIR_ERROR_USER, "%s", reason);
}

static void
fail_valist (WeirTask *task, gint code, const char *format, va_list arguments)
{
  GError *error;

  if (!weir_task_is_going (task))
    return;
  error = g_error_new_valist (WEIR_ERROR, code, format, arguments);
  g_prefix_error (&error, "%s: ", task->op->name);
  weir_run_take_error (task->task_run->run, error);
}

/**
 * weir_fail:
 * @task: the task
 * @format: what is wrong, as printf's; the operator's name and the batch are added
 * @...: its arguments
 *
 * Fails the batch with %WEIR_ERROR_USER. Returns; what the calling function then emits or returns is ignored. With the
 * option `on.error` at `reject`, a function that is called for one record has that record rejected instead, with the
 * message as the reason, and the batch goes on.
 */
void
weir_fail (WeirTask *task, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (task->is_shielded)
    note_failure (task, format, arguments);
  else
    fail_valist (task, WEIR_ERROR_USER, format, arguments);
  va_end (arguments);
}

void
weir_task_fail_record (WeirTask *task, gint code, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (task->is_shielded)
    note_failure (task, format, arguments);
  else
    fail_valist (task, code, format, arguments);
  va_end (arguments);
}

void
weir_task_fail (WeirTask *task, gint code, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  fail_valist (task, code, format, arguments);
  va_end (arguments);
}

void
weir_task_fail_memory (WeirTask *task)
{
  WeirMemory *memory = task->task_run->run->memory;

  weir_task_fail (task, WEIR_ERROR_MEMORY_LIMIT,
                  "%" G_GSIZE_FORMAT " bytes are in use and more are needed than memory.limit = %" G_GSIZE_FORMAT
                  " bytes allows: raise memory.limit, or take fewer records a batch",
                  weir_memory_used (memory), weir_memory_limit (memory));
}

gboolean
weir_value_copy_into (WeirArena *arena, WeirValue *value)
{
  gsize size = weir_value_memory (*value);
  char *at;

  if (size == 0) {
    if (value->kind >= WEIR_TEXT)
      *value = weir_value_copy_to (*value, &(char *){ NULL });
    return TRUE;
  }
  at = weir_arena_alloc (arena, size);
  if (at == NULL)
    return FALSE;
  *value = weir_value_copy_to (*value, &at);
  return TRUE;
}

/* The last operator that pulls in [from, upto). */
static WeirTask *
find_puller (WeirTask *from, const WeirTask *upto)
{
  WeirTask *found = NULL;

  for (WeirTask *task = from; task != upto; task = task->next)
    if (task->klass->flags & WEIR_OP_PULLS)
      found = task;
  return found;
}

static void
recycle_scratch (WeirTaskRun *task_run)
{
  if (G_LIKELY (task_run->scratch.used < SCRATCH_FLUSH) || task_run->keep)
    return;
  for (WeirTask *task = task_run->first; task->next != NULL; task = task->next)
    weir_task_flush (task);
  weir_arena_reset (&task_run->scratch);
}

static gboolean
step_origin (WeirTaskRun *task_run)
{
  WeirTask *first = task_run->first;

  if (task_run->origin_is_done || !weir_task_is_going (first))
    return FALSE;
  if (!first->klass->read (first, &task_run->reader))
    task_run->origin_is_done = TRUE;
  recycle_scratch (task_run);
  return TRUE;
}

static void
end_link (WeirTask *task)
{
  if (task != task->task_run->first && task->klass->end != NULL && weir_task_is_going (task))
    task->klass->end (task);
  weir_task_flush (task);
}

gboolean
weir_task_pull (WeirTask *upto)
{
  WeirTaskRun *task_run = upto->task_run;
  WeirTask *puller;

  if (task_run->ending == upto)
    return FALSE;
  puller = find_puller (task_run->ending, upto);
  if (puller == NULL && step_origin (task_run))
    return TRUE;
  if (puller != NULL) {
    end_link (puller);
    task_run->origin_is_done = TRUE;
    task_run->ending = puller->next;
  }
  for (; task_run->ending != upto; task_run->ending = task_run->ending->next)
    end_link (task_run->ending);
  return TRUE;
}
