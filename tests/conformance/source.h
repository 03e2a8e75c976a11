/* The run of a case about a source, and what its kinds share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/conformance/session.h"

typedef struct {
  Case *one;
  JsonObject *op; /* the source */
  Session session;
  WeirCollected *records; /* of the source, before any operator */
  gboolean is_flat;       /* the case's note asks for the elements of all batches, whatever batch they came in */
  gint64 n_records;       /* that batches say they read; atomic */
} SourceRun;

void run_files (SourceRun *run);

/* One batch more. FALSE: noted. */
gboolean source_advance (SourceRun *run);
/* The graph behind the case's source. FALSE: noted. */
gboolean source_build (SourceRun *run, WeirStream *source);
gsize source_count (const SourceRun *run); /* records that were read */
gint64 source_deadline (void);             /* monotonic: after which nothing is waited for any more */
/* Notes whether the batches are those that are expected; and whether the elements are, whatever batch they came in. */
void source_compare (SourceRun *run);
void source_compare_flat (SourceRun *run);
