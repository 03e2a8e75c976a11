/* The arithmetic of back-pressure. Must not know sources or batches. One thread at a time.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/rate.h"

/* Spark Streaming's defaults. */
#define PROPORTIONAL 1.0
#define INTEGRAL     0.2
#define DERIVATIVE   0.0
#define LEAST        100.0

void
weir_rate_init (WeirRate *rate, WeirTime interval)
{
  weir_rate_init_full (rate, interval, PROPORTIONAL, INTEGRAL, DERIVATIVE, LEAST);
}

gboolean
weir_rate_init_full (WeirRate *rate, WeirTime interval, gdouble proportional, gdouble integral, gdouble derivative,
                     gdouble least)
{
  *rate = (WeirRate){ .interval = (gdouble) interval,
                      .proportional = proportional,
                      .integral = integral,
                      .derivative = derivative,
                      .least = least };
  return interval > 0 && proportional >= 0 && integral >= 0 && derivative >= 0 && least > 0;
}

gboolean
weir_rate_add (WeirRate *rate, gdouble time, gint64 n, gdouble processing, gdouble delay, gdouble *estimate)
{
  gdouble processed, error, gathered, change;
  gboolean is_first = !rate->has_sample;

  if ((rate->has_sample && time <= rate->time) || n <= 0 || processing <= 0)
    return FALSE;
  processed = (gdouble) n * G_USEC_PER_SEC / processing;
  if (is_first) {
    rate->rate = processed;
    rate->error = 0;
  } else {
    error = rate->rate - processed;
    gathered = delay * processed / rate->interval;
    change = (error - rate->error) / ((time - rate->time) / G_USEC_PER_SEC);
    rate->rate = MAX (rate->rate - rate->proportional * error - rate->integral * gathered - rate->derivative * change,
                      rate->least);
    rate->error = error;
    *estimate = rate->rate;
  }
  rate->time = time;
  rate->has_sample = TRUE;
  return !is_first;
}

static gdouble
allowed (gint64 lag, gdouble total, gdouble estimate, gdouble most)
{
  gdouble share;

  if (!(estimate > 0))
    return most;
  share = total > 0 ? estimate * (gdouble) lag / total : 0;
  return most > 0 ? MIN (share, most) : share;
}

void
weir_rate_share (const WeirRateLimits *limits, const gint64 *lags, guint n, gint64 *records)
{
  gdouble total = 0, sum = 0, seconds = (gdouble) limits->interval / G_USEC_PER_SEC;

  for (guint i = 0; i < n; i++)
    total += (gdouble) lags[i];
  for (guint i = 0; i < n; i++)
    sum += allowed (lags[i], total, limits->estimate, limits->most[i]);
  for (guint i = 0; i < n; i++) {
    gdouble rate = allowed (lags[i], total, limits->estimate, limits->most[i]);

    if (!(sum > 0) || (!(limits->estimate > 0) && !(limits->most[i] > 0)))
      records[i] = G_MAXINT64;
    else
      records[i] = MAX ((gint64) MIN (seconds * rate, (gdouble) (G_MAXINT64 / 2)), limits->least);
  }
}
