/* weir_reduce_by_window (), weir_count_by_window (): each batch is reduced as reduce does, and joins two stacks.
 *
 * `front` holds, for each of the window's older batches, what that one and those after it, up to where `back` begins,
 * come to; `back` what the younger ones come to. When the last of `front` has left, `back` becomes `front`. So a slide
 * costs three combinations in the mean, however long the window is (Tangwongsan, Hirzel, Schneider: "General incremental
 * sliding-window aggregation", 2015).
 *
 * One slice, which one thread touches at a time. SPDX-License-Identifier: Apache-2.0
 */
#include "operators/reduce.h"

#include "engine/cells.h"
#include "operators/function.h"
#include "operators/returned.h"

typedef struct {
  WeirTime time;
  WeirValue value; /* of the batch; in front: of it and all after it in front */
} Entry;

typedef struct {
  WeirCells cells;
  gboolean is_open;
  GArray *entries; /* of Entry: batches that had elements, oldest first */
  guint first;     /* of those that have not left */
  guint front_end; /* those before are in front */
  WeirValue back;  /* the others reduced, where there are any */
} Window;

static gpointer
window_new (const WeirOp *op, guint slice)
{
  Window *window = g_new0 (Window, 1);

  window->entries = g_array_new (FALSE, FALSE, sizeof (Entry));
  return window;
}

static void
window_free (gpointer data)
{
  Window *window = data;

  if (window->is_open)
    weir_cells_clear (&window->cells);
  g_array_unref (window->entries);
  g_free (window);
}

static Entry *
entry_at (const Window *window, guint i)
{
  return &g_array_index (window->entries, Entry, i);
}

static gboolean
store (WeirTask *task, Window *window, WeirValue *kept, WeirValue value)
{
  gboolean ok = weir_cells_replace (&window->cells, kept, value);

  if (!ok)
    weir_task_fail_memory (task);
  return ok;
}

/* @a came before @b; the result may lie in task memory. */
static WeirValue
reduce_two (WeirTask *task, WeirValue a, WeirValue b)
{
  const WeirFunction *function = task->op->params;

  return weir_returned_take (task, function->reduce (task, a, b, function->user_data));
}

/* What a combination made on the way is given back, so that no window grows with its length. */
static gboolean
combine (WeirTask *task, Window *window, WeirValue *into, WeirValue a, WeirValue b)
{
  WeirArena *scratch = &task->task_run->scratch;
  const WeirArena mark = *scratch;
  gboolean ok = store (task, window, into, reduce_two (task, a, b));

  weir_arena_rewind (scratch, &mark);
  return ok;
}

/* Newest first, so that each entry finds what all after it come to. */
static gboolean
turn (WeirTask *task, Window *window)
{
  g_array_remove_range (window->entries, 0, window->first);
  window->first = 0;
  window->front_end = window->entries->len;
  weir_cells_drop (&window->cells, &window->back);
  for (guint i = window->front_end; i > 1; i--) {
    Entry *earlier = entry_at (window, i - 2);

    if (!combine (task, window, &earlier->value, earlier->value, entry_at (window, i - 1)->value))
      return FALSE;
  }
  return TRUE;
}

/* FALSE: the task has failed. */
static gboolean
leave (WeirTask *task, Window *window, WeirTime until)
{
  while (window->first < window->entries->len && entry_at (window, window->first)->time <= until) {
    if (window->first == window->front_end && !turn (task, window))
      return FALSE;
    weir_cells_drop (&window->cells, &entry_at (window, window->first)->value);
    window->first++;
  }
  return TRUE;
}

static void
enter (WeirTask *task, Window *window, WeirTime time, WeirValue value)
{
  Entry entry = { .time = time, .value = weir_nil () };
  gboolean is_first = window->entries->len == window->front_end;

  if (!store (task, window, &entry.value, value))
    return;
  g_array_append_val (window->entries, entry);
  if (is_first)
    store (task, window, &window->back, value);
  else
    combine (task, window, &window->back, window->back, value);
}

static void
window_advance (WeirTask *task, WeirReader *reader)
{
  const WeirRun *run = task->task_run->run;
  Window *window = reader->slice;
  WeirValue value;

  if (!window->is_open)
    weir_cells_init (&window->cells, run->memory);
  window->is_open = TRUE;
  if (!leave (task, window, run->time - task->op->length))
    return;
  if (weir_reduce_outputs (task, reader->exchange, &value) && weir_task_is_going (task))
    enter (task, window, run->time, value);
}

static gboolean
window_read (WeirTask *task, WeirReader *reader)
{
  const Window *window = reader->slice;
  gboolean has_front = window->first < window->front_end, has_back = window->front_end < window->entries->len;

  if (has_front && has_back)
    weir_returned_emit (task, reduce_two (task, entry_at (window, window->first)->value, window->back));
  else if (has_front)
    weir_emit (task, entry_at (window, window->first)->value);
  else if (has_back)
    weir_emit (task, window->back);
  return FALSE;
}

#define WINDOW_CLASS(name)                                                                                             \
  {                                                                                                                    \
    .verb = name, .kind = WEIR_OP_WIDE, .flags = WEIR_OP_ONE_SLICE | WEIR_OP_EVERY_BATCH,                              \
    .instance_size = sizeof (gpointer), .open = weir_reduce_open, .process = weir_reduce_process,                      \
    .seal = weir_reduce_seal, .output_free = weir_reduced_free, .read = window_read, .slice_open = window_new,         \
    .slice_close = window_free, .advance = window_advance,                                                             \
  }

static const WeirOpClass window_class = WINDOW_CLASS ("reduce_by_window");
static const WeirOpClass count_class = WINDOW_CLASS ("count_by_window");

/**
 * weir_reduce_by_window:
 * @s: the stream
 * @f: makes one value of two neighbours, as of weir_reduce(); associative, not necessarily commutative
 * @inverse: (nullable): a hint, may never be called: windows need no inverse here
 * @length: of the window: a multiple of the slide of @s
 * @slide: how often there is a result: a multiple of the slide of @s; 0: each time @s has a batch
 * @user_data: handed to @f; shared by all workers
 *
 * Each @slide one element: all elements of the last @length, reduced in order of arrival; nothing where there are none.
 * A slide costs what its own elements cost and three calls of @f in the mean, however long the window is. Sums of FLOATs
 * do not drift, since nothing is ever subtracted. A length or slide that is no multiple is an error at start
 * (%WEIR_ERROR_GRAPH).
 *
 * |[<!-- language="C" -->
 * WeirStream *peak = weir_reduce_by_window (loads, WEIR_MAX, NULL, WEIR_MINUTES (15), WEIR_MINUTES (1), NULL);
 * ]|
 *
 * Called while the graph is built. @f runs on workers, concurrently for different partitions.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_reduce_by_window (WeirStream *s, WeirReduceFunc f, WeirReduceFunc inverse, WeirTime length, WeirTime slide,
                       gpointer user_data)
{
  WeirFunction function = { .reduce = f, .user_data = user_data };
  WeirStream *stream = weir_stream_derive_function (s, &window_class, function);

  weir_stream_set_window (stream, length, slide);
  return stream;
}

/**
 * weir_count_by_window:
 * @s: the stream
 * @length: as of weir_reduce_by_window()
 * @slide: as of weir_reduce_by_window()
 *
 * Each @slide one INT: how many elements @s had in the last @length; 0 when there were none, from the first slide on.
 *
 * |[<!-- language="C" -->
 * WeirStream *rate = weir_count_by_window (requests, WEIR_SECONDS (10), 0);
 * ]|
 *
 * Called while the graph is built.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_count_by_window (WeirStream *s, WeirTime length, WeirTime slide)
{
  WeirFunction function = { .reduce = WEIR_SUM };
  WeirStream *stream = weir_stream_derive_function (weir_count (s), &count_class, function);

  weir_stream_set_window (stream, length, slide);
  return stream;
}
