/* Stages: pipelines run into a terminal, one task a partition, on the workers.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/dataset.h"

/* An origin (source, exchange or kept dataset), and the narrow datasets that follow it, nearest first. */
typedef struct {
  WeirDataset *origin;
  GPtrArray *chain; /* of WeirDataset, none owned */
  guint n_partitions;
  guint input;
} WeirPipeline;

void weir_pipeline_clear (WeirPipeline *pipeline);

typedef struct {
  WeirRun *run;
  GArray *pipelines; /* of WeirPipeline */
  const WeirOp *terminal;
  const WeirOpClass *klass; /* of the terminal */
  WeirDataset *dataset;     /* whose exchange the terminal writes, or NULL */
} WeirStage;

/* outputs[i]: what the terminal's seal gave for task i, in order. n_elements (may be NULL): that reached the terminal.
 * Blocks; the run has failed when it returns FALSE, and outputs are then given all the same, to be freed. */
gboolean weir_stage_run (const WeirStage *stage, gpointer **outputs, guint *n_outputs, guint64 *n_elements);

/* klass->advance for each slice of a dataset's operator. */
gboolean weir_stage_advance (WeirDataset *dataset);
