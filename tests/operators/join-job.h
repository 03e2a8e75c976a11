/* A stream that is joined to a dataset of the context, in three batches, of which the second is empty.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/operators/job.h"

typedef struct {
  WeirDataset *(*join) (WeirDataset *a, WeirDataset *b);
  WeirDataset *table;
  gboolean table_is_first;
} JoinSpec; /* lives as long as the job */

WeirStream *join_stream (WeirStream *stream, JoinSpec *spec);
/* Joins the job's input, and runs it with @elements, nothing, and @elements again; what comes out. */
WeirCollected *job_join (Job *job, JoinSpec *spec, const char *elements);
