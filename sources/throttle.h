/* How many records a second may pass. Pure arithmetic, one thread at a time. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/macros.h>

/* What is not used is kept for a second. Begins with nothing. */
typedef struct {
  gdouble rate; /* records a second; 0: any number */
  gdouble left; /* records that may pass; below 0 after many came at once */
  gint64 at;    /* monotonic: when that was so */
} WeirThrottle;

void weir_throttle_init (WeirThrottle *throttle, gdouble rate, gint64 now);
/* From now on. */
void weir_throttle_set_rate (WeirThrottle *throttle, gdouble rate, gint64 now);
/* 0: @n records pass, all together; else how long to wait until they may, in microseconds. */
WeirTime weir_throttle_take (WeirThrottle *throttle, guint64 n, gint64 now);
