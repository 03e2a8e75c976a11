/* What operators keep of a window by key, slice by slice: batches are combined by key, join the open pane, and a pane
 * that is complete enters the window.
 *
 * How values are folded is a WeirFold; its result must be what the operator's WeirReduceParams reduce, which its params
 * begin with. advance () runs once a batch and slice; reading emits what the slice holds. Threads: as
 * operators/combine.c. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/saver.h"
#include "operators/combine.h"
#include "operators/window-columns.h"

typedef struct {
  gsize at; /* of weir_panes_emit () */
} WeirWindowReader;

/* For slice_open and slice_close of a class. */
gpointer weir_window_slice_open (const WeirOp *op, guint slice);
void weir_window_slice_close (gpointer slice);

/* For open of a class; process and output_free are those of operators/window-columns.h. */
void weir_window_slice_write (WeirTask *task, const WeirFold *fold);
/* Takes in the batch that the tasks wrote. */
void weir_window_slice_advance (WeirTask *task, const WeirFold *fold, WeirReader *reader);
/* For save and load of a class. Each pane is written once; so is the open one each time. */
void weir_window_slice_save (WeirTask *task, const WeirFold *fold, gpointer slice, guint index, WeirSaver *saver);
void
weir_window_slice_load (WeirTask *task, const WeirFold *fold, gpointer slice, guint index, const WeirSection *section);
/* Emits about a chunk of (key, aggregate); the class's reader_size is that of a WeirWindowReader. */
gboolean weir_window_slice_read (WeirTask *task, WeirReader *reader);

/* FALSE: the checkpoint has another version of what the window holds, and the task has failed. */
gboolean weir_window_check_version (WeirTask *task);
