/* Back-pressure: how many records a second a source may give, by how fast batches are done; and how that is shared out
 * among the partitions of a topic. Pure arithmetic, one thread at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/macros.h>

/* A PID controller on the processing rate, after Spark Streaming's PIDRateEstimator. */
typedef struct {
  gdouble interval;                           /* of batches, microseconds */
  gdouble proportional, integral, derivative; /* gains */
  gdouble least;                              /* records a second */
  gdouble time, rate, error;                  /* of the newest accepted sample; time in microseconds */
  gboolean has_sample;
} WeirRate;

void weir_rate_init (WeirRate *rate, WeirTime interval);
/* FALSE: a gain below 0, or an interval or a least rate that is not above 0. */
gboolean weir_rate_init_full (WeirRate *rate, WeirTime interval, gdouble proportional, gdouble integral,
                              gdouble derivative, gdouble least);
/* A batch of @n records ended at @time, after @processing on workers and @delay of waiting, all in microseconds. TRUE:
 * *estimate is the new rate; FALSE: the sample tells nothing new. */
gboolean weir_rate_add (WeirRate *rate, gdouble time, gint64 n, gdouble processing, gdouble delay, gdouble *estimate);

/* What bounds the records of a batch. */
typedef struct {
  gdouble estimate;    /* records a second of all partitions; 0 or less: there is none */
  const gdouble *most; /* by partition: records a second; 0: any number */
  gint64 least;        /* of each partition a batch, whatever the rates */
  WeirTime interval;
} WeirRateLimits;

/* How many records of each of @n partitions may go into a batch: the estimate is shared out by lag. G_MAXINT64: any
 * number. */
void weir_rate_share (const WeirRateLimits *limits, const gint64 *lags, guint n, gint64 *records);
