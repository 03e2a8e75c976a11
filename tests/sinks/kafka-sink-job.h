/* A job that writes a queue into a topic of a real broker, under the test's own clock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/kafka.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "tests/servers/servers.h"

typedef struct {
  const char *brokers;
  char *topic;
  WeirContext *ctx;
  WeirQueue *queue;
  WeirStream *stream;
  WeirKafka *kafka;
} SinkJob;

/* FALSE: there is no broker, the test is skipped. */
gboolean sink_job_init (SinkJob *job, int n_partitions);
void sink_job_clear (SinkJob *job);
void sink_job_set (WeirContext *ctx, const char *key, const char *value);
/* One batch of one value. */
void sink_job_push (SinkJob *job, WeirValue value);
void sink_job_run (SinkJob *job, guint n);
/* Runs a batch into an error with that code, whose message has @fragment in it. */
void sink_job_run_into (SinkJob *job, gint code, const char *fragment);
/* All records as "key=value", NULL as "-", a blank between them; partition after partition. */
void sink_job_expect (SinkJob *job, const char *expected);
