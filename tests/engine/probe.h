/* A source that says what is asked of it, and does what a test has told it to. SPDX-License-Identifier: Apache-2.0
 *
 * Figures are set before start, or atomically; all but the reading is on the loop's thread.
 */
#pragma once

#include "engine/stream.h"

#include "tests/engine/watch.h"

typedef struct {
  WeirSource source;
  Watch *watch;       /* "open probe-0", "start …", "plan 1000", "release 1000", "stop …", "close …" */
  const char *refuse; /* open fails, and says this; NULL: it does not */
  guint n_records;    /* atomic: INTs from 0 on, a batch, in n_partitions */
  guint n_partitions;
  gboolean is_counted; /* by the reading, not by the plan */
  guint n_staged;      /* atomic: batches that a graceful stop has to plan */
  guint n_lost;        /* atomic: to be rejected as "lost" by the next plan */
  guint n_hanging;     /* partitions, of each plan */
  gsize n_bytes;       /* that a plan holds until it is released */
  gboolean asks_room;  /* each plan: "room" once there is some again */
} Probe;

WeirStream *probe_stream (WeirContext *ctx, Watch *watch);
Probe *probe_of (WeirStream *stream);
