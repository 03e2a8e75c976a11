/* weir_window (), weir_group_by_key_and_window (): what the parent held in the last batches, as it is. Holds copies, since
 * a batch's memory goes in one piece; partitions are shared by all slides that they are in.
 * Runner thread; the copies are made by workers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/stream.h"

#include "engine/dataset.h"

typedef struct {
  WeirTime time;
  WeirPartition **partitions;
  guint n_partitions;
} Pane;

typedef struct {
  GArray *panes; /* of Pane, oldest first; runner only */
} Params;

static void
pane_clear (gpointer data)
{
  Pane *pane = data;

  for (guint i = 0; i < pane->n_partitions; i++)
    weir_partition_unref (pane->partitions[i]);
  g_free (pane->partitions);
}

static void
drop_old (GArray *panes, WeirTime until)
{
  guint n = 0;

  while (n < panes->len && g_array_index (panes, Pane, n).time <= until)
    n++;
  if (n > 0)
    g_array_remove_range (panes, 0, n);
}

static void
set_partitions (WeirDataset *dataset, const GArray *panes)
{
  guint n = 0;

  for (guint i = 0; i < panes->len; i++)
    n += g_array_index (panes, Pane, i).n_partitions;
  dataset->partitions = g_new (WeirPartition *, n);
  for (guint i = 0; i < panes->len; i++) {
    const Pane *pane = &g_array_index (panes, Pane, i);

    for (guint k = 0; k < pane->n_partitions; k++)
      dataset->partitions[dataset->n_partitions++] = weir_partition_ref (pane->partitions[k]);
  }
}

static gboolean
window_compute (WeirDataset *dataset, GError **error)
{
  GArray *panes = ((Params *) dataset->op->params)->panes;
  Pane pane = { .time = dataset->run->time };

  drop_old (panes, pane.time - dataset->op->length);
  if (!weir_dataset_hold (dataset->parents[0], TRUE, &pane.partitions, &pane.n_partitions, error)) {
    pane_clear (&pane);
    return FALSE;
  }
  g_array_append_val (panes, pane);
  set_partitions (dataset, panes);
  return TRUE;
}

static void
window_params_clear (gpointer params)
{
  g_array_unref (((Params *) params)->panes);
}

#define WINDOW_CLASS(name)                                                                                             \
  {                                                                                                                    \
    .verb = name, .kind = WEIR_OP_COMPUTED, .flags = WEIR_OP_EVERY_BATCH, .compute = window_compute,                   \
    .params_clear = window_params_clear,                                                                               \
  }

static const WeirOpClass window_class = WINDOW_CLASS ("window");
static const WeirOpClass group_class = WINDOW_CLASS ("group_by_key_and_window");

static WeirStream *
derive (WeirStream *s, const WeirOpClass *klass, WeirTime length, WeirTime slide)
{
  Params *params = g_new0 (Params, 1);
  WeirStream *stream;

  params->panes = g_array_new (FALSE, FALSE, sizeof (Pane));
  g_array_set_clear_func (params->panes, pane_clear);
  stream = weir_stream_derive (s, klass, params);
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

  groups->state_of = window;
  return groups;
}
