/* Where time comes from. The wall clock names batches and may jump either way; the monotonic one tells when they are
 * due. Waiting is the loop's: a timer that fires early by a clock of a test's is armed again.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/macros.h>

typedef struct _WeirClock WeirClock;

/* Both are required, never block, and may be called by any thread. */
struct _WeirClock {
  WeirTime (*now) (const WeirClock *clock);     /* microseconds since the epoch */
  gint64 (*monotonic) (const WeirClock *clock); /* microseconds since any point; never goes back */
};

const WeirClock *weir_clock_system (void);

/* Stands still until it is moved, by any thread. */
typedef struct {
  WeirClock clock;
  WeirTime now;     /* atomic */
  gint64 monotonic; /* atomic */
} WeirManualClock;

void weir_manual_clock_init (WeirManualClock *manual, WeirTime now);
void weir_manual_clock_advance (WeirManualClock *manual, WeirTime by); /* time passes */
void weir_manual_clock_set (WeirManualClock *manual, WeirTime now);    /* somebody sets the wall clock */

static inline WeirTime
weir_clock_now (const WeirClock *clock)
{
  return clock->now (clock);
}

static inline gint64
weir_clock_monotonic (const WeirClock *clock)
{
  return clock->monotonic (clock);
}
