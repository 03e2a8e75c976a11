/* Reads clocks and /proc/self/status. Owns nothing. Any thread.
 *
 * getrusage's ru_maxrss is no use here: it begins with the size that the process had before exec, which is that of
 * whoever started it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/usage.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static double
read_clock (clockid_t clock)
{
  struct timespec t;

  clock_gettime (clock, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

double
bench_now (void)
{
  return read_clock (CLOCK_MONOTONIC);
}

double
bench_cpu_seconds (void)
{
  return read_clock (CLOCK_PROCESS_CPUTIME_ID);
}

static uint64_t
read_status (const char *field)
{
  FILE *status = fopen ("/proc/self/status", "re");
  unsigned long long kib = 0;
  char line[256];

  if (status == NULL)
    return 0;
  while (fgets (line, sizeof line, status) != NULL)
    if (strncmp (line, field, strlen (field)) == 0)
      sscanf (line + strlen (field), ": %llu", &kib);
  fclose (status);
  return kib * 1024;
}

uint64_t
bench_rss_bytes (void)
{
  return read_status ("VmRSS");
}

uint64_t
bench_peak_rss_bytes (void)
{
  return read_status ("VmHWM");
}
