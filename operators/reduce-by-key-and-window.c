/* weir_reduce_by_key_and_window (), weir_count_by_value_and_window (): each batch is combined by key as reduce_by_key
 * does, then goes into the window of its slice. Threads: as operators/combine.c.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/stream.h"
#include "operators/combine-sum.h"
#include "operators/pairs.h"
#include "operators/split-sum.h"
#include "operators/window-slice.h"

typedef struct {
  WeirReduceParams reduce; /* first: weir_reduce_into () finds it */
} Params;

static const WeirFold *
fold_of (const WeirOp *op)
{
  return ((const Params *) op->params)->reduce.f == WEIR_SUM ? &weir_fold_sum : &weir_fold_value;
}

static void
window_open (WeirTask *task)
{
  weir_window_slice_write (task, fold_of (task->op));
}

static void
window_process (WeirTask *task, const WeirChunk *in)
{
  if (!weir_task_require_pairs (task, in))
    return;
  if (((WeirCombineInstance *) task->instance)->combined->columns != NULL)
    weir_columns_process (task, fold_of (task->op), in);
  else if (fold_of (task->op) == &weir_fold_sum)
    weir_sum_process_pairs (task, in);
  else
    weir_combine_process (task, &weir_fold_value, in);
}

static void
window_advance (WeirTask *task, WeirReader *reader)
{
  weir_window_slice_advance (task, fold_of (task->op), reader);
}

static void
window_save (WeirTask *task, gpointer slice, guint index, WeirSaver *saver)
{
  weir_window_slice_save (task, fold_of (task->op), slice, index, saver);
}

static void
window_load (WeirTask *task, gpointer slice, guint index, const WeirSection *section)
{
  weir_window_slice_load (task, fold_of (task->op), slice, index, section);
}

static const WeirOpClass *
window_fuse (const WeirOp *op, WeirDataset *const *chain, guint n, guint *n_absorbed)
{
  return fold_of (op) == &weir_fold_sum ? weir_split_sum_fuse (op, chain, n, n_absorbed) : NULL;
}

#define WINDOW_CLASS(name)                                                                                             \
  {                                                                                                                    \
    .verb = name, .kind = WEIR_OP_WIDE, .flags = WEIR_OP_PAIRS | WEIR_OP_EVERY_BATCH,                                  \
    .instance_size = sizeof (WeirCombineInstance), .open = window_open, .process = window_process,                     \
    .seal = weir_combine_seal, .fuse = window_fuse, .output_free = weir_columns_output_free,                           \
    .reader_size = sizeof (WeirWindowReader), .read = weir_window_slice_read, .slice_open = weir_window_slice_open,    \
    .slice_close = weir_window_slice_close, .advance = window_advance, .save = window_save, .load = window_load,       \
  }

static const WeirOpClass window_class = WINDOW_CLASS ("reduce_by_key_and_window");
static const WeirOpClass count_class = WINDOW_CLASS ("count_by_value_and_window");

static WeirStream *
derive (WeirStream *s, const WeirOpClass *klass, WeirReduceParams reduce, WeirTime length, WeirTime slide)
{
  Params *params = g_new0 (Params, 1);
  WeirStream *stream;

  params->reduce = reduce;
  stream = weir_stream_derive (s, klass, params);
  weir_stream_set_window (stream, length, slide);
  return stream;
}

/**
 * weir_reduce_by_key_and_window:
 * @s: a stream of pairs
 * @f: (scope notified): combines two values of one key; associative; @a came before @b
 * @inverse: (nullable) (scope notified): a hint, may never be called: windows need no inverse here
 * @length: of the window: a multiple of the slide of @s
 * @slide: how often there is a result: a multiple of the slide of @s; 0: each time @s has a batch
 * @user_data: for @f
 *
 * Each @slide one pair (key, combined value) for each key that has a record in the last @length. A slide costs the keys
 * that enter and those that leave, however long the window is, and a key whose records have all left is gone. Sums of
 * FLOATs do not drift, since nothing is ever subtracted. Errors as weir_reduce_by_key(); a length or slide that is no
 * multiple is an error at start (%WEIR_ERROR_GRAPH).
 *
 * Algorithm: two stacks per key (Tangwongsan et al., VLDB 2015), rebuilt in turn so that no slide is slow.
 *
 * Returns: (transfer none): the stream of pairs; owned by the context
 */
WeirStream *
weir_reduce_by_key_and_window (WeirStream *s, WeirReduceFunc f, WeirReduceFunc inverse, WeirTime length, WeirTime slide,
                               gpointer user_data)
{
  WeirStream *stream = derive (s, &window_class, (WeirReduceParams){ f, user_data }, length, slide);

  if (f == NULL)
    weir_stream_mistake (stream, "needs a function that combines two values, got NULL: pass one, or WEIR_SUM");
  return stream;
}

/**
 * weir_count_by_value_and_window:
 * @s: any stream
 * @length: as of weir_reduce_by_key_and_window()
 * @slide: as of weir_reduce_by_key_and_window()
 *
 * Each @slide one pair (element, INT) for each different element of the last @length: how often it occurs there. Costs
 * what weir_reduce_by_key_and_window() costs, and is recognised behind weir_split().
 *
 * |[<!-- language="C" -->
 * WeirStream *trending = weir_count_by_value_and_window (tags, WEIR_MINUTES (5), WEIR_SECONDS (10));
 * ]|
 *
 * Called while the graph is built.
 *
 * Returns: (transfer none): the stream of pairs; owned by the context
 */
WeirStream *
weir_count_by_value_and_window (WeirStream *s, WeirTime length, WeirTime slide)
{
  WeirStream *ones = weir_with_value (s, weir_int (1));

  return derive (ones, &count_class, (WeirReduceParams){ WEIR_SUM, NULL }, length, slide);
}
