/* See passes.h. One thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limit/passes.h"
#include "bench/usage.h"

#include <stdio.h>
#include <stdlib.h>

static void
check (const Passes *passes, uint64_t got, uint64_t wanted)
{
  if (got == wanted)
    return;
  fprintf (stderr, "%s: a pass gave %llu, the first one %llu\n", passes->program, (unsigned long long) got,
           (unsigned long long) wanted);
  exit (1);
}

void
passes_run (const Passes *passes, const BenchArgs *args)
{
  uint64_t first = passes->pass (passes->data), n = 0; /* and memory is warm */
  double start = bench_now (), seconds;

  do {
    check (passes, passes->pass (passes->data), first);
    n++;
    seconds = bench_now () - start;
  } while (seconds < args->seconds);
  printf (
      "{\"program\": \"%s\", \"rate\": %.3f, \"unit\": \"%s\", \"seconds\": %.3f, \"passes\": %llu, \"result\": %llu}\n",
      passes->program, passes->items > 0 ? (double) (passes->items * n) / seconds : seconds / (double) n * 1e6,
      passes->items > 0 ? "items/s" : "us/pass", seconds, (unsigned long long) n, (unsigned long long) first);
}
