/* The panes of a window's slice as checkpoints keep them: each is written once, when it is new, and read back in the order
 * of the panes. Belongs to the slice, and to one thread at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/saver.h"
#include "operators/combine.h"

typedef struct _WeirPaneLog WeirPaneLog;

WeirPaneLog *weir_pane_log_new (void);
void weir_pane_log_free (WeirPaneLog *log);

/* Notes a pane for the next checkpoint: keys and values that weir_pane_put () wrote. @data: transfer full. */
void weir_pane_log_add (WeirPaneLog *log, gint64 number, GByteArray *data);
/* Panes up to @number have left the window. */
void weir_pane_log_forget (WeirPaneLog *log, gint64 number);
/* Writes what was noted, and lowers saver->oldest_needed to what the oldest pane of the window was written in. */
void weir_pane_log_save (WeirPaneLog *log, const WeirOp *op, guint index, WeirSaver *saver);

/* Takes a pane's keys that belong to slice @index; FALSE: the section holds no pane. */
gboolean weir_pane_log_load (WeirPaneLog *log, WeirTask *task, guint index, const WeirSection *section);
/* The oldest pane that was read back: its slots hold what fold->result gave, as weir_fold_value has it. NULL: none is
 * left. Transfer full. */
WeirCombined *weir_pane_log_take (WeirPaneLog *log, gint64 *number);

/* FALSE: the task has failed. */
gboolean weir_pane_put (WeirTask *task, WeirValue key, WeirValue value, GByteArray *out);

/* Keys with what fold->result gives for them, those of slice @index; and back. FALSE: the task has failed. */
gboolean weir_pane_encode (WeirTask *task, const WeirFold *fold, guint index, const WeirTable *table, GByteArray *out);
gboolean
weir_pane_decode (WeirTask *task, const WeirFold *fold, guint index, const WeirSection *section, WeirCombined *into);
