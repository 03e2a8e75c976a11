/* Runs a reference loop over the corpus in whole passes for a given time, in one process or in several with a share
 * of the lines each, checks that nothing was lost and prints one line of JSON. Knows nothing of weir or GLib.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "bench/args.h"

typedef struct {
  uint64_t items;   /* what the rate counts */
  uint64_t results; /* elements in the result, e.g. distinct words */
} MeasurePass;

/* One batch: starts from nothing and walks all the lines. */
typedef MeasurePass (*MeasureFunc) (const BenchLine *lines, size_t n_lines);

typedef struct {
  const char *program;
  const char *unit;
  MeasureFunc function;
} MeasureLoop;

/* Ends the process with status 1 when a pass's items differ from `expected` (0 = the first pass's). */
void measure_loop (const MeasureLoop *loop, const BenchArgs *args, const BenchCorpus *corpus, uint64_t expected);
