/* Operators without a running context: a graph is built, its streams are run by hand, with any number of tasks, slices,
 * workers and bytes.
 *
 * Belongs to one test.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/test.h>

#include "engine/context.h"
#include "tests/engine/stage-fixture.h"

typedef struct {
  StageFixture stage;
  WeirContext *ctx;
  WeirStream *input;
  guint n_slices;
} BareRun;

static inline void
bare_run_begin (BareRun *bare, guint n_workers, guint n_slices)
{
  static const WeirSourceKlass input_class = {
    .op = { .verb = "input", .kind = WEIR_OP_SOURCE },
    .instance_size = sizeof (WeirSource),
  };

  stage_fixture_begin (&bare->stage, n_workers);
  bare->ctx = weir_test_context_new (WEIR_SECONDS (1));
  bare->input = weir_stream_new_source (bare->ctx, &input_class);
  bare->n_slices = n_slices;
}

static inline void
bare_run_end (BareRun *bare)
{
  weir_context_free (bare->ctx);
  stage_fixture_end (&bare->stage);
}

/* What start does to an operator. */
static inline WeirStream *
bare_run_resolve (BareRun *bare, WeirStream *stream)
{
  WeirOp *op = &stream->op;

  op->n_slices = bare->n_slices;
  if (op->klass->slice_open == NULL)
    return stream;
  op->slices = g_new0 (gpointer, op->n_slices);
  for (guint i = 0; i < op->n_slices; i++)
    op->slices[i] = op->klass->slice_open (op, i);
  return stream;
}

/* Begins a batch of what @stream makes of @dataset. */
static inline WeirDataset *
bare_run_dataset (BareRun *bare, WeirStream *stream, WeirDataset *dataset)
{
  return derive (&bare->stage, &stream->op, dataset);
}
