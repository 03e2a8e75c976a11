/* See measure.h. Owns the child processes and the memory that they report through; one thread each. The
 * children wait at a pipe until all are there, so that none has the machine to itself at the start.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limit/measure.h"
#include "bench/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  MeasurePass pass;
  uint64_t passes;
  double seconds;
  double cpu_seconds;
} Share;

static void
fail (const char *program, const char *what, uint64_t got, uint64_t wanted)
{
  fprintf (stderr, "%s: %s: %llu instead of %llu\n", program, what, (unsigned long long) got,
           (unsigned long long) wanted);
  exit (1);
}

static void
run_passes (const MeasureLoop *loop, const BenchLine *lines, size_t n_lines, double seconds, Share *share)
{
  double start = bench_now (), cpu_start = bench_cpu_seconds ();

  do {
    MeasurePass pass = loop->function (lines, n_lines);

    if (share->passes > 0 && pass.items != share->pass.items)
      fail (loop->program, "a pass counted otherwise than the first", pass.items, share->pass.items);
    share->pass = pass;
    share->passes++;
    share->seconds = bench_now () - start;
  } while (share->seconds < seconds);
  share->cpu_seconds = bench_cpu_seconds () - cpu_start;
}

static void
run_child (const MeasureLoop *loop, const BenchArgs *args, const BenchCorpus *corpus, uint64_t index, Share *shares)
{
  size_t from = corpus->n_lines * index / args->processes;
  size_t to = corpus->n_lines * (index + 1) / args->processes;

  run_passes (loop, corpus->lines + from, to - from, args->seconds, &shares[index]);
  _exit (0);
}

static void
run_children (const MeasureLoop *loop, const BenchArgs *args, const BenchCorpus *corpus, Share *shares)
{
  int gate[2], status;
  char byte;

  if (pipe (gate) != 0)
    abort ();
  for (uint64_t i = 0; i < args->processes; i++)
    if (fork () == 0) {
      close (gate[1]);
      if (read (gate[0], &byte, 1) == 0)
        run_child (loop, args, corpus, i, shares);
      _exit (1);
    }
  close (gate[1]);
  for (uint64_t i = 0; i < args->processes; i++)
    if (wait (&status) < 0 || status != 0)
      fail (loop->program, "status of a child process", (uint64_t) status, 0);
}

void
measure_loop (const MeasureLoop *loop, const BenchArgs *args, const BenchCorpus *corpus, uint64_t expected)
{
  Share *shares =
      mmap (NULL, args->processes * sizeof *shares, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Share sum = { .passes = 0 };
  double rate = 0;

  if (shares == MAP_FAILED)
    abort ();
  if (args->processes > 1)
    run_children (loop, args, corpus, shares);
  else
    run_passes (loop, corpus->lines, corpus->n_lines, args->seconds, shares);
  for (uint64_t i = 0; i < args->processes; i++) {
    rate += (double) (shares[i].pass.items * shares[i].passes) / shares[i].seconds;
    sum.pass.items += shares[i].pass.items;
    sum.pass.results += shares[i].pass.results;
    sum.passes += shares[i].passes;
    sum.seconds = shares[i].seconds > sum.seconds ? shares[i].seconds : sum.seconds;
    sum.cpu_seconds += shares[i].cpu_seconds;
  }
  if (expected != 0 && sum.pass.items != expected)
    fail (loop->program, "items in a pass", sum.pass.items, expected);
  printf ("{\"program\": \"%s\", \"rate\": %.1f, \"unit\": \"%s\", \"seconds\": %.3f, \"cpu_seconds\": %.3f, "
          "\"passes\": %llu, \"items\": %llu, \"results\": %llu, \"processes\": %llu}\n",
          loop->program, rate, loop->unit, sum.seconds, sum.cpu_seconds, (unsigned long long) sum.passes,
          (unsigned long long) sum.pass.items, (unsigned long long) sum.pass.results,
          (unsigned long long) args->processes);
}
