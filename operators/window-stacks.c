/* Owns the two stacks, and their form in checkpoints: all of them when `back` has become `front` since the last one, else
 * what entered since; entries are a time and a value. Must not know where values come from.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-stacks.h"

#include "engine/cells.h"
#include "engine/wire.h"
#include "operators/function.h"
#include "operators/returned.h"

enum { SECTION_ALL = 1, SECTION_NEW = 2 };

typedef struct {
  WeirTime time;
  WeirValue value; /* of the batch; in front: of it and all after it in front */
} Entry;

struct _WeirStacks {
  WeirCells cells;
  gboolean is_open;
  GArray *entries; /* of Entry: batches that had elements, oldest first */
  guint first;     /* of those that have not left */
  guint front_end; /* those before are in front */
  WeirValue back;  /* the others combined, where there are any */
  guint n_saved;   /* of the entries, unless must_rewrite */
  gboolean must_rewrite;
  guint64 base; /* the epoch that all was written in */
};

WeirStacks *
weir_stacks_new (void)
{
  WeirStacks *stacks = g_new0 (WeirStacks, 1);

  stacks->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  stacks->must_rewrite = TRUE;
  return stacks;
}

void
weir_stacks_free (WeirStacks *stacks)
{
  if (stacks->is_open)
    weir_cells_clear (&stacks->cells);
  g_array_unref (stacks->entries);
  g_free (stacks);
}

static Entry *
entry_at (const WeirStacks *stacks, guint i)
{
  return &g_array_index (stacks->entries, Entry, i);
}

static gboolean
store (WeirStacks *stacks, WeirTask *task, WeirValue *kept, WeirValue value)
{
  if (!stacks->is_open)
    weir_cells_init (&stacks->cells, task->task_run->run->memory);
  stacks->is_open = TRUE;
  if (weir_cells_replace (&stacks->cells, kept, value))
    return TRUE;
  weir_task_fail_memory (task);
  return FALSE;
}

/* @a came before @b; the result may lie in task memory. */
static WeirValue
combine_two (WeirTask *task, WeirValue a, WeirValue b)
{
  const WeirFunction *function = task->op->params;

  return weir_returned_take (task, function->reduce (task, a, b, function->user_data));
}

/* What a combination made on the way is given back, so that no window grows with its length. */
static gboolean
combine (WeirStacks *stacks, WeirTask *task, WeirValue *into, WeirValue a, WeirValue b)
{
  WeirArena *scratch = &task->task_run->scratch;
  const WeirArena mark = *scratch;
  gboolean ok = store (stacks, task, into, combine_two (task, a, b));

  weir_arena_rewind (scratch, &mark);
  return ok && weir_task_is_going (task);
}

/* Newest first, so that each entry finds what all after it come to. */
static gboolean
turn (WeirStacks *stacks, WeirTask *task)
{
  g_array_remove_range (stacks->entries, 0, stacks->first);
  stacks->first = 0;
  stacks->front_end = stacks->entries->len;
  stacks->must_rewrite = TRUE;
  weir_cells_drop (&stacks->cells, &stacks->back);
  for (guint i = stacks->front_end; i > 1; i--) {
    Entry *earlier = entry_at (stacks, i - 2);

    if (!combine (stacks, task, &earlier->value, earlier->value, entry_at (stacks, i - 1)->value))
      return FALSE;
  }
  return TRUE;
}

gboolean
weir_stacks_leave (WeirStacks *stacks, WeirTask *task, WeirTime until)
{
  while (stacks->first < stacks->entries->len && entry_at (stacks, stacks->first)->time <= until) {
    if (stacks->first == stacks->front_end && !turn (stacks, task))
      return FALSE;
    weir_cells_drop (&stacks->cells, &entry_at (stacks, stacks->first)->value);
    stacks->first++;
  }
  return TRUE;
}

static gboolean
append (WeirStacks *stacks, WeirTask *task, WeirTime time, WeirValue value)
{
  Entry entry = { .time = time, .value = weir_nil () };

  if (!store (stacks, task, &entry.value, value))
    return FALSE;
  g_array_append_val (stacks->entries, entry);
  return TRUE;
}

gboolean
weir_stacks_enter (WeirStacks *stacks, WeirTask *task, WeirTime time, WeirValue value)
{
  gboolean is_first = stacks->entries->len == stacks->front_end;

  if (!append (stacks, task, time, value))
    return FALSE;
  if (is_first)
    return store (stacks, task, &stacks->back, value);
  return combine (stacks, task, &stacks->back, stacks->back, value);
}

gboolean
weir_stacks_result (const WeirStacks *stacks, WeirTask *task, WeirValue *value)
{
  gboolean has_front = stacks->first < stacks->front_end, has_back = stacks->front_end < stacks->entries->len;

  if (has_front && has_back)
    *value = combine_two (task, entry_at (stacks, stacks->first)->value, stacks->back);
  else if (has_front)
    *value = entry_at (stacks, stacks->first)->value;
  else if (has_back)
    *value = stacks->back;
  return has_front || has_back;
}

static void
put_value (WeirTask *task, WeirSaver *saver, WeirValue value)
{
  if (!weir_encode_bounded (value, saver->out))
    weir_task_fail (task, WEIR_ERROR_FAILED,
                    "cannot save what its window holds: a value is nested deeper than %d, or all take more than 2 GiB: "
                    "let the function give something smaller",
                    WEIR_WIRE_DEPTH_MAX);
}

static void
put_entries (const WeirStacks *stacks, WeirTask *task, WeirSaver *saver, guint from)
{
  for (guint i = from; i < stacks->entries->len && weir_task_is_going (task); i++) {
    weir_put_u64 (saver->out, (guint64) entry_at (stacks, i)->time);
    put_value (task, saver, entry_at (stacks, i)->value);
  }
}

/* The number of a section of all tells how many of its entries are in front. */
static void
put_all (WeirStacks *stacks, WeirTask *task, WeirSaver *saver)
{
  guint n_front = MAX (stacks->front_end, stacks->first) - stacks->first;

  weir_saver_begin (saver, 0, (guint64) 1 << 32, SECTION_ALL, n_front);
  put_value (task, saver, stacks->back);
  put_entries (stacks, task, saver, stacks->first);
  weir_saver_end (saver);
  stacks->base = saver->epoch;
  stacks->must_rewrite = FALSE;
}

void
weir_stacks_save (WeirStacks *stacks, WeirTask *task, WeirSaver *saver)
{
  if (saver->is_first || stacks->must_rewrite) {
    put_all (stacks, task, saver);
  } else if (stacks->n_saved < stacks->entries->len) {
    weir_saver_begin (saver, 0, (guint64) 1 << 32, SECTION_NEW, 0);
    put_entries (stacks, task, saver, stacks->n_saved);
    weir_saver_end (saver);
  }
  stacks->n_saved = stacks->entries->len;
  saver->oldest_needed = MIN (saver->oldest_needed, stacks->base);
}

static gboolean
take_value (WeirTask *task, WeirTaker *taker, WeirValue *value)
{
  g_autoptr (GError) error = NULL;
  gsize n_used;

  if (weir_decode_prefix (task, taker->data, (gsize) (taker->end - taker->data), &n_used, value, &error)) {
    taker->data += n_used;
    return TRUE;
  }
  weir_task_fail (task, error->code == WEIR_ERROR_FAILED ? WEIR_ERROR_CHECKPOINT_CORRUPT : error->code,
                  "its saved window: %s", error->message);
  return FALSE;
}

typedef gboolean (*TakeEntry) (WeirStacks *stacks, WeirTask *task, WeirTime time, WeirValue value);

static void
take_entries (WeirStacks *stacks, WeirTask *task, WeirTaker *taker, TakeEntry take)
{
  const WeirArena mark = task->task_run->scratch;

  while (taker->data < taker->end) {
    WeirTime time = (WeirTime) weir_take_u64 (taker);
    WeirValue value;

    if (!take_value (task, taker, &value) || !take (stacks, task, time, value))
      return;
    weir_arena_rewind (&task->task_run->scratch, &mark);
  }
}

static void
forget_all (WeirStacks *stacks)
{
  for (guint i = stacks->first; i < stacks->entries->len; i++)
    weir_cells_drop (&stacks->cells, &entry_at (stacks, i)->value);
  weir_cells_drop (&stacks->cells, &stacks->back);
  g_array_set_size (stacks->entries, 0);
  stacks->first = 0;
}

static void
take_all (WeirStacks *stacks, WeirTask *task, WeirTaker *taker, const WeirSection *section)
{
  WeirValue back;

  forget_all (stacks);
  if (!take_value (task, taker, &back) || !store (stacks, task, &stacks->back, back))
    return;
  take_entries (stacks, task, taker, append);
  stacks->base = section->epoch;
  stacks->must_rewrite = FALSE;
  stacks->front_end = (guint) CLAMP (section->number, 0, (gint64) stacks->entries->len);
}

void
weir_stacks_load (WeirStacks *stacks, WeirTask *task, const WeirSection *section)
{
  WeirTaker taker;

  weir_taker_init (&taker, section->data, section->size);
  if (section->kind == SECTION_ALL)
    take_all (stacks, task, &taker, section);
  else if (section->kind == SECTION_NEW)
    take_entries (stacks, task, &taker, weir_stacks_enter);
  else
    weir_section_refuse (task, section);
  stacks->n_saved = stacks->entries->len;
}
