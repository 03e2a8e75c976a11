/* Owns the form that panes have in checkpoints, a section a pane with keys and values one after the other, and which of
 * them a checkpoint has. Must not know how panes become a window. Worker threads, one at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/pane-log.h"

#include "engine/quantity.h"
#include "engine/wire.h"

#define SECTION_PANE 1
#define SECTION_GRID 3 /* its number: how long the panes behind it are; 2 is the window's own */

typedef struct {
  gint64 number;
  guint64 epoch;    /* that it was written in; 0: not yet */
  GByteArray *data; /* until it is written */
} Noted;

typedef struct {
  gint64 number;
  WeirCombined *pane;
} Restored;

struct _WeirPaneLog {
  GArray *noted;    /* of Noted, by number */
  GArray *restored; /* of Restored, by number */
  WeirTime grid;    /* how long the panes that are read back are; 0: as today's */
};

static void
noted_clear (gpointer data)
{
  g_clear_pointer (&((Noted *) data)->data, g_byte_array_unref);
}

static void
restored_clear (gpointer data)
{
  g_clear_pointer (&((Restored *) data)->pane, weir_combined_free);
}

WeirPaneLog *
weir_pane_log_new (void)
{
  WeirPaneLog *log = g_new0 (WeirPaneLog, 1);

  log->noted = g_array_new (FALSE, FALSE, sizeof (Noted));
  g_array_set_clear_func (log->noted, noted_clear);
  log->restored = g_array_new (FALSE, FALSE, sizeof (Restored));
  g_array_set_clear_func (log->restored, restored_clear);
  return log;
}

void
weir_pane_log_free (WeirPaneLog *log)
{
  g_array_unref (log->noted);
  g_array_unref (log->restored);
  g_free (log);
}

gboolean
weir_pane_put (WeirTask *task, WeirValue key, WeirValue value, GByteArray *out)
{
  if (weir_encode_bounded (key, out) && weir_encode_bounded (value, out))
    return TRUE;
  weir_task_fail (
      task, WEIR_ERROR_FAILED,
      "cannot save what its window holds: a value is nested deeper than %d, or a pane of a slice takes more "
      "than 2 GiB: flatten it, or ask for more slices with weir_stream_set_partitions ()",
      WEIR_WIRE_DEPTH_MAX);
  return FALSE;
}

gboolean
weir_pane_encode (WeirTask *task, const WeirFold *fold, guint index, const WeirTable *table, GByteArray *out)
{
  WeirTableCursor cursor;
  WeirKey *slots[WEIR_CHUNK_SIZE];
  guint n;

  weir_table_cursor_init (&cursor, table, weir_slice_start (index, task->op->n_slices),
                          weir_slice_start (index + 1, task->op->n_slices));
  while ((n = weir_table_cursor_next (&cursor, slots, WEIR_CHUNK_SIZE)) > 0)
    for (guint i = 0; i < n; i++)
      if (!weir_pane_put (task, weir_key_value (slots[i]), fold->result (task, slots[i]), out))
        return FALSE;
  return TRUE;
}

void
weir_pane_log_add (WeirPaneLog *log, gint64 number, GByteArray *data)
{
  Noted noted = { .number = number, .data = data };

  if (data->len > 0)
    g_array_append_val (log->noted, noted);
  else
    g_byte_array_unref (data);
}

void
weir_pane_log_forget (WeirPaneLog *log, gint64 number)
{
  guint n = 0;

  while (n < log->noted->len && g_array_index (log->noted, Noted, n).number <= number)
    n++;
  if (n > 0)
    g_array_remove_range (log->noted, 0, n);
}

void
weir_pane_log_save (WeirPaneLog *log, const WeirOp *op, guint index, WeirSaver *saver)
{
  weir_saver_begin (saver, weir_slice_start (index, op->n_slices), weir_slice_start (index + 1, op->n_slices),
                    SECTION_GRID, op->pane);
  weir_saver_end (saver);
  for (guint i = 0; i < log->noted->len; i++) {
    Noted *noted = &g_array_index (log->noted, Noted, i);

    if (noted->epoch == 0) {
      weir_saver_begin (saver, weir_slice_start (index, op->n_slices), weir_slice_start (index + 1, op->n_slices),
                        SECTION_PANE, noted->number);
      g_byte_array_append (saver->out, noted->data->data, noted->data->len);
      weir_saver_end (saver);
      noted->epoch = saver->epoch;
      g_clear_pointer (&noted->data, g_byte_array_unref);
    }
    saver->oldest_needed = MIN (saver->oldest_needed, noted->epoch);
  }
}

typedef struct {
  WeirTask *task;
  const guint8 *at, *end;
} Reader;

static gboolean
take_value (Reader *reader, WeirValue *value)
{
  g_autoptr (GError) error = NULL;
  gsize n_used;

  if (weir_decode_prefix (reader->task, reader->at, (gsize) (reader->end - reader->at), &n_used, value, &error)) {
    reader->at += n_used;
    return TRUE;
  }
  weir_task_fail (reader->task, error->code == WEIR_ERROR_FAILED ? WEIR_ERROR_CHECKPOINT_CORRUPT : error->code,
                  "its saved window: %s", error->message);
  return FALSE;
}

/* FALSE: the task has failed. */
static gboolean
put (WeirTask *task, const WeirFold *fold, guint index, WeirCombined *into, WeirValue key_value, WeirValue value)
{
  WeirValue cell;
  WeirKey key, *slot;
  gboolean is_new;

  weir_key_of (key_value, &task->seed, &key, &cell);
  if (weir_slice_of (key.hash, task->op->n_slices) != index)
    return TRUE;
  slot = weir_table_find (&into->table, &key, into->table.stride);
  is_new = slot->meta == 0;
  if (is_new)
    slot = weir_combined_insert (task, into, &key, slot);
  if (slot != NULL && fold->restore != NULL)
    fold->restore (task, into, slot, value);
  else if (slot != NULL)
    fold->add (task, into, slot, value, is_new);
  return weir_task_is_going (task);
}

gboolean
weir_pane_decode (WeirTask *task, const WeirFold *fold, guint index, const WeirSection *section, WeirCombined *into)
{
  Reader reader = { task, section->data, section->data + section->size };
  const WeirArena mark = task->task_run->scratch;
  WeirValue key, value;

  while (reader.at < reader.end) {
    if (!take_value (&reader, &key) || !take_value (&reader, &value) || !put (task, fold, index, into, key, value))
      return FALSE;
    weir_arena_rewind (&task->task_run->scratch, &mark);
  }
  return TRUE;
}

/* The place of pane @number in @panes, which begin with their number, or where it would be. */
static guint
find (const GArray *panes, gint64 number)
{
  guint at = panes->len, size = g_array_get_element_size ((GArray *) panes);

  while (at > 0 && *(const gint64 *) (gpointer) (panes->data + (gsize) (at - 1) * size) >= number)
    at--;
  return at;
}

static void
note_stored (WeirPaneLog *log, const WeirSection *section, gint64 number)
{
  guint at = find (log->noted, number);
  Noted noted = { number, section->epoch, NULL };

  if (at == log->noted->len || g_array_index (log->noted, Noted, at).number != number)
    g_array_insert_val (log->noted, at, noted);
}

static WeirCombined *
restored_pane (WeirPaneLog *log, WeirTask *task, guint index, gint64 number)
{
  guint at = find (log->restored, number);
  Restored restored = { .number = number };

  if (at < log->restored->len && g_array_index (log->restored, Restored, at).number == number)
    return g_array_index (log->restored, Restored, at).pane;
  restored.pane = weir_combined_new (task->op, task->task_run->run->memory, sizeof (WeirValue),
                                     weir_slice_start (index, task->op->n_slices),
                                     weir_slice_start (index + 1, task->op->n_slices));
  g_array_insert_val (log->restored, at, restored);
  return restored.pane;
}

static void
restore_value (WeirTask *task, WeirCombined *combined, WeirKey *slot, WeirValue value)
{
  if (!weir_cells_replace (&combined->cells, weir_slot_value (slot), value))
    weir_task_fail_memory (task);
}

/* Panes may become finer: what one of them holds then lies at its end. They cannot become coarser. */
static void
take_grid (WeirPaneLog *log, WeirTask *task, WeirTime saved)
{
  g_autofree char *before = weir_quantity_format (weir_duration_units, saved);
  g_autofree char *now = weir_quantity_format (weir_duration_units, task->op->pane);

  log->grid = saved;
  if (saved > 0 && saved % task->op->pane == 0)
    return;
  weir_task_fail (
      task, WEIR_ERROR_ORPHAN_STATE,
      "its window was saved in panes of %s, and cannot go on in panes of %s, which length and slide are now "
      "multiples of: keep the slide and the batch interval, or give the stream another uid to begin with an "
      "empty one",
      before, now);
}

gboolean
weir_pane_log_load (WeirPaneLog *log, WeirTask *task, guint index, const WeirSection *section)
{
  static const WeirFold values = { .restore = restore_value };
  gint64 number = section->number;

  if (section->kind == SECTION_GRID) {
    take_grid (log, task, section->number);
    return TRUE;
  }
  if (section->kind != SECTION_PANE)
    return FALSE;
  if (log->grid > 0)
    number *= log->grid / task->op->pane;
  note_stored (log, section, number);
  weir_pane_decode (task, &values, index, section, restored_pane (log, task, index, number));
  return TRUE;
}

WeirCombined *
weir_pane_log_take (WeirPaneLog *log, gint64 *number)
{
  WeirCombined *pane;
  Restored *first;

  if (log->restored->len == 0)
    return NULL;
  first = &g_array_index (log->restored, Restored, 0);
  *number = first->number;
  pane = g_steal_pointer (&first->pane);
  g_array_remove_index (log->restored, 0);
  return pane;
}
