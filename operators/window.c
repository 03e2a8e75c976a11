/* weir_window (), weir_group_by_key_and_window (): what the parent held in the last batches, as it is. Holds copies, since
 * a batch's memory goes in one piece; partitions are shared by all slides that they are in.
 * Runner thread; the copies are made by workers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/stream.h"

#include "operators/held-panes.h"
#include "operators/window-slice.h"

static gpointer
panes_new (const WeirOp *op, guint slice)
{
  return weir_held_panes_new ();
}

static void
panes_free (gpointer panes)
{
  g_array_unref (panes);
}

static void
drop_old (GArray *panes, WeirTime until)
{
  guint n = 0;

  while (n < panes->len && g_array_index (panes, WeirHeldPane, n).time <= until)
    n++;
  if (n > 0)
    g_array_remove_range (panes, 0, n);
}

static void
set_partitions (WeirDataset *dataset, const GArray *panes)
{
  guint n = 0;

  for (guint i = 0; i < panes->len; i++)
    n += g_array_index (panes, WeirHeldPane, i).n_partitions;
  dataset->partitions = g_new (WeirPartition *, n);
  for (guint i = 0; i < panes->len; i++) {
    const WeirHeldPane *pane = &g_array_index (panes, WeirHeldPane, i);

    for (guint k = 0; k < pane->n_partitions; k++)
      dataset->partitions[dataset->n_partitions++] = weir_partition_ref (pane->partitions[k]);
  }
}

static gboolean
window_compute (WeirDataset *dataset, GError **error)
{
  GArray *panes = dataset->op->slices[0];
  WeirHeldPane pane = { .time = dataset->run->time };

  drop_old (panes, pane.time - dataset->op->length);
  if (!weir_dataset_hold (dataset->parents[0], TRUE, &pane.partitions, &pane.n_partitions, error)) {
    weir_held_pane_clear (&pane);
    return FALSE;
  }
  g_array_append_val (panes, pane);
  set_partitions (dataset, panes);
  return TRUE;
}

static void
window_save (WeirTask *task, gpointer panes, guint index, WeirSaver *saver)
{
  weir_held_panes_save (panes, task, saver);
}

static void
window_load (WeirTask *task, gpointer panes, guint index, const WeirSection *section)
{
  if (weir_window_check_version (task))
    weir_held_panes_load (panes, task, section);
}

#define WINDOW_CLASS(name)                                                                                             \
  {                                                                                                                    \
    .verb = name, .kind = WEIR_OP_COMPUTED, .flags = WEIR_OP_EVERY_BATCH, .compute = window_compute,                   \
    .slice_open = panes_new, .slice_close = panes_free, .save = window_save, .load = window_load,                      \
  }

static const WeirOpClass window_class = WINDOW_CLASS ("window");
static const WeirOpClass group_class = WINDOW_CLASS ("group_by_key_and_window");

static WeirStream *
derive (WeirStream *s, const WeirOpClass *klass, WeirTime length, WeirTime slide)
{
  WeirStream *stream = weir_stream_derive (s, klass, NULL);

  weir_stream_set_window (stream, length, slide);
  return stream;
}

/**
 * weir_window:
 * @s: any stream
 * @length: of the window: a multiple of the slide of @s
 * @slide: how often there is a result: a multiple of the slide of @s; 0: each time @s has a batch
 *
 * Each @slide all elements of the last @length, batch after batch, duplicates and all. The elements are copied once and
 * held until they leave; for aggregates weir_reduce_by_key_and_window() holds much less. A length or slide that is no
 * multiple is an error at start (%WEIR_ERROR_GRAPH).
 *
 * Returns: (transfer none): the stream; owned by the context
 */
WeirStream *
weir_window (WeirStream *s, WeirTime length, WeirTime slide)
{
  return derive (s, &window_class, length, slide);
}

/**
 * weir_group_by_key_and_window:
 * @s: a stream of pairs
 * @length: of the window: a multiple of the slide of @s
 * @slide: how often there is a result: a multiple of the slide of @s; 0: each time @s has a batch
 *
 * Each @slide one pair (key, LIST) for each key that has a record in the last @length, with all its values there in order
 * of arrival. That is weir_window() and weir_group_by_key() in one, and costs as much: all elements of the window are
 * held, and grouped at each slide. Errors as there; a uid names what the window holds.
 *
 * |[<!-- language="C" -->
 * WeirStream *visits = weir_group_by_key_and_window (pages_by_user, WEIR_MINUTES (30), WEIR_MINUTES (1));
 * ]|
 *
 * Called while the graph is built.
 *
 * Returns: (transfer none): the stream of pairs; owned by the context
 */
WeirStream *
weir_group_by_key_and_window (WeirStream *s, WeirTime length, WeirTime slide)
{
  WeirStream *window = derive (s, &group_class, length, slide);
  WeirStream *groups = weir_group_by_key (window);

  weir_stream_set_keeper (groups, window);
  return groups;
}
