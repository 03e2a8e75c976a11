/* The batches that a window holds as they are, oldest first, and their form in checkpoints: each is written once.
 *
 * One thread at a time. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/dataset.h"
#include "engine/saver.h"

typedef struct {
  WeirTime time;
  guint64 epoch; /* that it was written in; 0: not yet */
  WeirPartition **partitions;
  guint n_partitions;
} WeirHeldPane;

GArray *weir_held_panes_new (void); /* of WeirHeldPane, which it clears */
void weir_held_pane_clear (gpointer pane);

void weir_held_panes_save (GArray *panes, WeirTask *task, WeirSaver *saver);
void weir_held_panes_load (GArray *panes, WeirTask *task, const WeirSection *section);
