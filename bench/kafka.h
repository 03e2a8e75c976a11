/* Where the benchmarks' topic is: scripts/bench starts a broker, fills a topic, and tells programs by the environment.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

/* BENCH_BROKERS and BENCH_TOPIC; ends the process where there is none. */
static inline const char *
bench_kafka_from (const char *variable)
{
  const char *value = getenv (variable);

  if (value == NULL || value[0] == '\0') {
    fprintf (stderr, "%s is not set: scripts/bench sets it\n", variable);
    exit (2);
  }
  return value;
}
