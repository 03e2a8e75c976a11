/* weir_reduce_by_window (), weir_count_by_window (): each batch is reduced as reduce does, and enters the window.
 *
 * One slice, which one thread touches at a time. SPDX-License-Identifier: Apache-2.0
 */
#include "operators/function.h"
#include "operators/reduce.h"
#include "operators/returned.h"
#include "operators/window-slice.h"
#include "operators/window-stacks.h"

static gpointer
window_new (const WeirOp *op, guint slice)
{
  return weir_stacks_new ();
}

static void
window_free (gpointer slice)
{
  weir_stacks_free (slice);
}

static void
window_advance (WeirTask *task, WeirReader *reader)
{
  WeirTime time = task->task_run->run->time;
  WeirValue value;

  if (!weir_stacks_leave (reader->slice, task, time - task->op->length))
    return;
  if (weir_reduce_outputs (task, reader->exchange, &value) && weir_task_is_going (task))
    weir_stacks_enter (reader->slice, task, time, value);
}

static gboolean
window_read (WeirTask *task, WeirReader *reader)
{
  WeirValue value;

  if (weir_stacks_result (reader->slice, task, &value))
    weir_returned_emit (task, value);
  return FALSE;
}

static void
window_save (WeirTask *task, gpointer slice, guint index, WeirSaver *saver)
{
  weir_stacks_save (slice, task, saver);
}

static void
window_load (WeirTask *task, gpointer slice, guint index, const WeirSection *section)
{
  if (weir_window_check_version (task))
    weir_stacks_load (slice, task, section);
}

#define WINDOW_CLASS(name)                                                                                             \
  {                                                                                                                    \
    .verb = name, .kind = WEIR_OP_WIDE, .flags = WEIR_OP_ONE_SLICE | WEIR_OP_EVERY_BATCH,                              \
    .instance_size = sizeof (gpointer), .open = weir_reduce_open, .process = weir_reduce_process,                      \
    .seal = weir_reduce_seal, .output_free = weir_reduced_free, .read = window_read, .slice_open = window_new,         \
    .slice_close = window_free, .advance = window_advance, .save = window_save, .load = window_load,                   \
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
