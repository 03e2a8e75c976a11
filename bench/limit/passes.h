/* Runs a reference function in whole passes for a given time, checks that each gives the same, and prints one line of
 * JSON. Knows nothing of weir or GLib.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "bench/args.h"

typedef struct {
  const char *program;
  uint64_t (*pass) (void *data); /* what comes out, in one number that is the same for each pass */
  void *data;
  uint64_t items; /* of a pass; 0: the rate is microseconds a pass */
} Passes;

void passes_run (const Passes *passes, const BenchArgs *args);
