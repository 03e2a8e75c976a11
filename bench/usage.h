/* What a benchmark measures of its own process: time, CPU time, memory. Knows nothing of weir or GLib. Any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stdint.h>

double bench_now (void);         /* CLOCK_MONOTONIC, in seconds */
double bench_cpu_seconds (void); /* all threads, user and system */
uint64_t bench_rss_bytes (void); /* resident now; 0 where /proc does not tell */
uint64_t bench_peak_rss_bytes (void);
