/* What weir's benchmark programs share: a job over one queue, run in passes of one batch, timed by a listener.
 *
 * The clock of a pass is the batch's processing time: tasks and outputs, not the copying of the lines into the queue
 * before, which the reference loops do not have either. A push is divided into one partition for each worker.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/test.h>

#include "bench/args.h"
#include "bench/usage.h"

typedef struct {
  WeirContext *ctx;
  WeirQueue *queue;
  WeirStream *lines;
  double processing; /* of the last batch, in seconds */
  gint64 total;      /* what the job's output found in the last batch; atomic */
} WeirPass;

void weir_pass_init (WeirPass *pass, const BenchArgs *args);
void weir_pass_clear (WeirPass *pass);
/* An output that sums the values of (key, INT) pairs, or INTs, into pass->total. */
void weir_pass_sum (WeirPass *pass, WeirStream *results);
/* One batch of these values, which are borrowed while they are pushed; ends the process if it fails. */
void weir_pass_run (WeirPass *pass, const WeirValue *values, gsize n);
/* The corpus' lines as values: made once. */
WeirValue *weir_pass_values (const BenchCorpus *corpus);
void weir_pass_die (const char *what, const GError *error);
