/* Sections of a slice's state. Must not know what is in them. Any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/saver.h"

#include <string.h>

#include <weir/error.h>

#include "engine/task.h"

void
weir_saver_begin (WeirSaver *saver, guint64 from, guint64 until, guint32 kind, gint64 number)
{
  weir_put_u64 (saver->out, from);
  weir_put_u64 (saver->out, until);
  weir_put_u32 (saver->out, kind);
  weir_put_u64 (saver->out, (guint64) number);
  saver->start = saver->out->len;
  weir_put_u64 (saver->out, 0);
}

void
weir_saver_end (WeirSaver *saver)
{
  guint64 size = GUINT64_TO_LE (saver->out->len - saver->start - sizeof (guint64));

  memcpy (saver->out->data + saver->start, &size, sizeof size);
}

gboolean
weir_section_next (WeirTaker *taker, guint64 epoch, WeirSection *section)
{
  if (taker->data == taker->end)
    return FALSE;
  *section = (WeirSection){ .epoch = epoch };
  section->from = weir_take_u64 (taker);
  section->until = weir_take_u64 (taker);
  section->kind = weir_take_u32 (taker);
  section->number = (gint64) weir_take_u64 (taker);
  section->size = weir_take_u64 (taker);
  section->data = taker->data;
  if (taker->has_failed || section->size > (gsize) (taker->end - taker->data)) {
    taker->has_failed = TRUE;
    return FALSE;
  }
  taker->data += section->size;
  return TRUE;
}

void
weir_section_refuse (WeirTask *task, const WeirSection *section)
{
  weir_task_fail (
      task, WEIR_ERROR_FAILED,
      "its saved state of epoch %" G_GUINT64_FORMAT
      " has a section of kind %u, which this weir does not know: use the weir that wrote it, or a newer one",
      section->epoch, section->kind);
}
