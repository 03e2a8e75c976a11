/* How the state of operators gets into a checkpoint and back: as sections, each for a range of hashes, written by the
 * slices that changed and read again in order.
 *
 * A saver belongs to one task at a time. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/frame.h"
#include "engine/op.h"

struct _WeirSection {
  guint64 epoch;       /* that it was written in */
  guint64 from, until; /* of the hashes (top half): until is exclusive, 2^32 at most */
  guint32 kind;        /* the operator's own: a base, a change, a pane */
  gint64 number;       /* the operator's own */
  const guint8 *data;
  gsize size;
};

struct _WeirSaver {
  GByteArray *out;
  guint64 epoch; /* that is being written */
  guint64
      oldest_needed; /* what the slice was written in and still refers to; the operator lowers it; starts as epoch */
  gboolean is_first; /* nothing is stored yet: write all that there is */
  guint start;
};

/* Begins a section; what is put into saver->out until weir_saver_end () is its content. */
void weir_saver_begin (WeirSaver *saver, guint64 from, guint64 until, guint32 kind, gint64 number);
void weir_saver_end (WeirSaver *saver);

/* The section that the taker stands at. FALSE at the end, or if it does not fit (taker->has_failed). */
gboolean weir_section_next (WeirTaker *taker, guint64 epoch, WeirSection *section);
/* Of a kind that the operator does not know: its state is not taken for what it is not. */
void weir_section_refuse (WeirTask *task, const WeirSection *section);
