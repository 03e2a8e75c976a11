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
  gint64 n_records; /* that batches say they read; atomic */
} SourceRun;

void run_files (SourceRun *run);

/* One batch more. FALSE: noted. */
gboolean source_advance (SourceRun *run);
/* As many batches as it takes for that many elements to come. FALSE: noted. */
gboolean source_advance_until (SourceRun *run, gsize n);
gint64 source_deadline (void); /* monotonic: after which nothing is waited for any more */
gsize source_n_expected (const Case *one);
/* Notes whether the batches are those that are expected; and whether the elements are, whatever batch they came in. */
void source_compare (SourceRun *run);
void source_compare_flat (SourceRun *run);
