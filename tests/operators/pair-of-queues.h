/* A job with a second queue, for tests of operators that take two streams.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/operators/job.h"

typedef struct {
  Job job; /* the first; it runs */
  Job other;
} Pair;

static inline void
pair_init (Pair *pair, guint n_partitions, guint n_other_partitions)
{
  job_init (&pair->job, n_partitions);
  pair->other = (Job){ .ctx = pair->job.ctx, .queue = weir_queue_new () };
  weir_queue_set_partitions (pair->other.queue, n_other_partitions);
  pair->other.input = weir_queue_stream (pair->job.ctx, pair->other.queue, TRUE);
}

static inline void
pair_clear (Pair *pair)
{
  job_clear (&pair->job);
  pair->other.ctx = NULL;
  job_clear (&pair->other);
}

/* One batch of both. */
static inline void
pair_push (Pair *pair, const char *elements, const char *other)
{
  job_push (&pair->job, elements);
  job_push (&pair->other, other);
}
