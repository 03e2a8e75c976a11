/* Owns held batches, and their form in checkpoints: a section a batch, in it for each partition the number of its elements
 * and these one after the other. Must not know which of them a window still needs. SPDX-License-Identifier: Apache-2.0
 */
#include "operators/held-panes.h"

#include "engine/wire.h"

#define SECTION_PANE    1
#define NOTHING_TO_KEEP G_MAXUINT64

void
weir_held_pane_clear (gpointer data)
{
  WeirHeldPane *pane = data;

  for (guint i = 0; i < pane->n_partitions; i++)
    weir_partition_unref (pane->partitions[i]);
  g_clear_pointer (&pane->partitions, g_free);
  pane->n_partitions = 0;
}

GArray *
weir_held_panes_new (void)
{
  GArray *panes = g_array_new (FALSE, FALSE, sizeof (WeirHeldPane));

  g_array_set_clear_func (panes, weir_held_pane_clear);
  return panes;
}

static gboolean
put_chunk (const WeirChunk *chunk, WeirTask *task, GByteArray *out)
{
  WeirValue cells[2];

  for (guint i = 0; i < chunk->n; i++)
    if (!weir_encode_bounded (weir_chunk_element (chunk, i, cells), out)) {
      weir_task_fail (
          task, WEIR_ERROR_FAILED,
          "cannot save what its window holds: a value is nested deeper than %d, or what came since the last "
          "checkpoint takes more than 2 GiB: flatten it, or make checkpoint.interval shorter",
          WEIR_WIRE_DEPTH_MAX);
      return FALSE;
    }
  return TRUE;
}

static gboolean
put_partition (const WeirPartition *partition, WeirTask *task, GByteArray *out)
{
  weir_put_u64 (out, partition->n_elements);
  for (guint i = 0; i < partition->chunks->len; i++)
    if (!put_chunk (&g_array_index (partition->chunks, WeirChunk, i), task, out))
      return FALSE;
  return TRUE;
}

static void
save_pane (WeirHeldPane *pane, WeirTask *task, WeirSaver *saver)
{
  weir_saver_begin (saver, 0, (guint64) 1 << 32, SECTION_PANE, pane->time);
  for (guint i = 0; i < pane->n_partitions; i++)
    if (!put_partition (pane->partitions[i], task, saver->out))
      return;
  weir_saver_end (saver);
  pane->epoch = saver->epoch;
}

static gboolean
is_empty (const WeirHeldPane *pane)
{
  for (guint i = 0; i < pane->n_partitions; i++)
    if (pane->partitions[i]->n_elements > 0)
      return FALSE;
  return TRUE;
}

void
weir_held_panes_save (GArray *panes, WeirTask *task, WeirSaver *saver)
{
  for (guint i = 0; i < panes->len && weir_task_is_going (task); i++) {
    WeirHeldPane *pane = &g_array_index (panes, WeirHeldPane, i);

    if (pane->epoch == 0 && is_empty (pane))
      pane->epoch = NOTHING_TO_KEEP;
    else if (pane->epoch == 0)
      save_pane (pane, task, saver);
    saver->oldest_needed = MIN (saver->oldest_needed, pane->epoch);
  }
}

/* Elements of one shape on their way into a partition. */
typedef struct {
  WeirPartition *partition;
  WeirValue keys[WEIR_CHUNK_SIZE], values[WEIR_CHUNK_SIZE];
  guint n;
  gboolean has_keys;
} Filling;

static gboolean
flush (Filling *filling, WeirTask *task)
{
  const WeirChunk chunk = { filling->has_keys ? filling->keys : NULL, filling->values, filling->n };

  filling->n = 0;
  if (weir_partition_append (filling->partition, &chunk, TRUE))
    return TRUE;
  weir_task_fail_memory (task);
  return FALSE;
}

static gboolean
add_element (Filling *filling, WeirTask *task, WeirValue value)
{
  gboolean is_pair = value.kind == WEIR_PAIR;

  if ((filling->n == WEIR_CHUNK_SIZE || filling->has_keys != is_pair) && !flush (filling, task))
    return FALSE;
  filling->has_keys = is_pair;
  if (is_pair)
    filling->keys[filling->n] = weir_key (value);
  filling->values[filling->n++] = is_pair ? weir_val (value) : value;
  return TRUE;
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

static gboolean
take_partition (Filling *filling, WeirTask *task, WeirTaker *taker)
{
  guint64 n = weir_take_u64 (taker);
  WeirValue value;

  for (guint64 i = 0; i < n; i++)
    if (!take_value (task, taker, &value) || !add_element (filling, task, value))
      return FALSE;
  return flush (filling, task);
}

void
weir_held_panes_load (GArray *panes, WeirTask *task, const WeirSection *section)
{
  WeirHeldPane pane = { .time = section->number, .epoch = section->epoch };
  g_autoptr (GPtrArray) partitions = g_ptr_array_new ();
  Filling filling;
  WeirTaker taker;
  gboolean ok = TRUE;

  if (section->kind != SECTION_PANE) {
    weir_section_refuse (task, section);
    return;
  }
  weir_taker_init (&taker, section->data, section->size);
  while (ok && taker.data < taker.end) {
    filling.partition = weir_partition_new (task->task_run->run->memory);
    filling.n = 0;
    filling.has_keys = FALSE;
    g_ptr_array_add (partitions, filling.partition);
    ok = take_partition (&filling, task, &taker);
  }
  pane.n_partitions = partitions->len;
  pane.partitions = (WeirPartition **) g_ptr_array_steal (partitions, NULL);
  g_array_append_val (panes, pane);
}
