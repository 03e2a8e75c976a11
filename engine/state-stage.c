/* Runs the operators' save and load, one task a slice. Must not know what is in a section, or where it is kept.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/state-stage.h"

#include <weir/error.h>

#include "engine/workers.h"

typedef struct {
  WeirRun *run;
  WeirOp *op;
  WeirSaver *savers;      /* by slice */
  const GArray *payloads; /* of WeirSavedBlob */
} StateWork;

void
weir_saved_blob_clear (gpointer blob)
{
  g_bytes_unref (((WeirSavedBlob *) blob)->bytes);
}

typedef void (*SliceFunc) (StateWork *work, WeirTask *task, gpointer slice, guint index);

static void
with_task (StateWork *work, guint index, SliceFunc f)
{
  WeirRun *run = work->run;
  WeirArena frame;
  WeirTaskRun task_run = { .run = run, .frame = &frame, .index = index, .partition = index };
  WeirTask *task;

  if (weir_run_has_failed (run))
    return;
  weir_arena_init (&frame, run->memory);
  weir_arena_init (&task_run.scratch, run->memory);
  task = weir_task_link_new (&task_run, work->op, work->op->klass, NULL);
  task_run.first = task;
  if (task != NULL)
    f (work, task, work->op->slices[index], index);
  weir_arena_clear (&task_run.scratch);
  weir_arena_clear (&frame);
}

static void
save_slice (StateWork *work, WeirTask *task, gpointer slice, guint index)
{
  WeirSaver *saver = &work->savers[index];
  guint start = weir_frame_begin (saver->out);

  work->op->klass->save (task, slice, index, saver);
  if (saver->out->len > start + WEIR_FRAME_HEADER)
    weir_frame_end (saver->out, start, WEIR_FRAME_STATE);
}

static void
save_task (guint index, guint worker, gpointer data)
{
  with_task (data, index, save_slice);
}

static void
load_slice (StateWork *work, WeirTask *task, gpointer slice, guint index)
{
  for (guint i = 0; i < work->payloads->len; i++) {
    const WeirSavedBlob *blob = &g_array_index (work->payloads, WeirSavedBlob, i);
    gsize size;
    const guint8 *data = g_bytes_get_data (blob->bytes, &size);
    WeirTaker taker;
    WeirSection section;

    weir_taker_init (&taker, data, size);
    while (weir_task_is_going (task) && weir_section_next (&taker, blob->epoch, &section)) {
      work->op->klass->load (task, slice, index, &section);
      weir_arena_reset (&task->task_run->scratch);
    }
    if (taker.has_failed)
      weir_task_fail (task, WEIR_ERROR_CHECKPOINT_CORRUPT,
                      "its saved state of epoch %" G_GUINT64_FORMAT " is cut short", blob->epoch);
  }
}

static void
load_task (guint index, guint worker, gpointer data)
{
  with_task (data, index, load_slice);
}

gboolean
weir_state_save (WeirRun *run, WeirOp *op, guint64 epoch, gboolean is_first, GPtrArray *frames, guint64 *oldest_needed)
{
  guint n = op->n_slices;
  StateWork work = { .run = run, .op = op, .savers = g_new0 (WeirSaver, n) };

  for (guint i = 0; i < n; i++)
    work.savers[i] = (WeirSaver){ g_byte_array_new (), epoch, epoch, is_first, 0 };
  weir_workers_run (run->workers, n, FALSE, save_task, &work);
  for (guint i = 0; i < n; i++) {
    WeirSaver *saver = &work.savers[i];

    *oldest_needed = MIN (*oldest_needed, saver->oldest_needed);
    if (saver->out->len > WEIR_FRAME_HEADER)
      g_ptr_array_add (frames, saver->out);
    else
      g_byte_array_unref (saver->out);
  }
  g_free (work.savers);
  return !weir_run_has_failed (run);
}

gboolean
weir_state_load (WeirRun *run, WeirOp *op, const GArray *payloads)
{
  StateWork work = { .run = run, .op = op, .payloads = payloads };

  weir_workers_run (run->workers, op->n_slices, FALSE, load_task, &work);
  return !weir_run_has_failed (run);
}
