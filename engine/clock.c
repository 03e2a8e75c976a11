/* Owns the two clocks: the system's, and one that is moved by hand. Must not know batches.
 * Threads: any; see clock.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/clock.h"

static WeirTime
system_now (const WeirClock *clock)
{
  return g_get_real_time ();
}

static gint64
system_monotonic (const WeirClock *clock)
{
  return g_get_monotonic_time ();
}

const WeirClock *
weir_clock_system (void)
{
  static const WeirClock clock = { .now = system_now, .monotonic = system_monotonic };

  return &clock;
}

static WeirTime
manual_now (const WeirClock *clock)
{
  return __atomic_load_n (&((const WeirManualClock *) clock)->now, __ATOMIC_ACQUIRE);
}

static gint64
manual_monotonic (const WeirClock *clock)
{
  return __atomic_load_n (&((const WeirManualClock *) clock)->monotonic, __ATOMIC_ACQUIRE);
}

void
weir_manual_clock_init (WeirManualClock *manual, WeirTime now)
{
  *manual = (WeirManualClock){ .clock = { .now = manual_now, .monotonic = manual_monotonic }, .now = now };
}

void
weir_manual_clock_advance (WeirManualClock *manual, WeirTime by)
{
  __atomic_add_fetch (&manual->now, by, __ATOMIC_ACQ_REL);
  __atomic_add_fetch (&manual->monotonic, by, __ATOMIC_ACQ_REL);
}

void
weir_manual_clock_set (WeirManualClock *manual, WeirTime now)
{
  __atomic_store_n (&manual->now, now, __ATOMIC_RELEASE);
}
