/* Clocks: the system's goes on, the other one stands still until it is moved.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/clock.h"

static void
the_systems_clock_is_the_systems (void)
{
  const WeirClock *clock = weir_clock_system ();
  gint64 before = g_get_monotonic_time (), monotonic = weir_clock_monotonic (clock);
  WeirTime wall_before = g_get_real_time (), now = weir_clock_now (clock);

  g_assert_cmpint (monotonic, >=, before);
  g_assert_cmpint (monotonic, <=, g_get_monotonic_time ());
  g_assert_cmpint (ABS (now - wall_before), <, WEIR_MINUTES (1));
}

static void
a_manual_clock_stands_still (void)
{
  WeirManualClock manual;

  weir_manual_clock_init (&manual, WEIR_SECONDS (7));
  for (guint i = 0; i < 2; i++) {
    g_assert_cmpint (weir_clock_now (&manual.clock), ==, WEIR_SECONDS (7));
    g_assert_cmpint (weir_clock_monotonic (&manual.clock), ==, 0);
  }
}

static void
time_passes_on_both_faces (void)
{
  WeirManualClock manual;

  weir_manual_clock_init (&manual, WEIR_SECONDS (7));
  weir_manual_clock_advance (&manual, WEIR_SECONDS (2));
  g_assert_cmpint (weir_clock_now (&manual.clock), ==, WEIR_SECONDS (9));
  g_assert_cmpint (weir_clock_monotonic (&manual.clock), ==, WEIR_SECONDS (2));
}

static void
setting_the_wall_clock_moves_no_time (void)
{
  WeirManualClock manual;

  weir_manual_clock_init (&manual, WEIR_SECONDS (7));
  weir_manual_clock_advance (&manual, WEIR_SECONDS (1));
  weir_manual_clock_set (&manual, WEIR_SECONDS (3));
  g_assert_cmpint (weir_clock_now (&manual.clock), ==, WEIR_SECONDS (3));
  g_assert_cmpint (weir_clock_monotonic (&manual.clock), ==, WEIR_SECONDS (1));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/clock/the-system", the_systems_clock_is_the_systems);
  g_test_add_func ("/clock/manual-stands-still", a_manual_clock_stands_still);
  g_test_add_func ("/clock/time-passes-on-both-faces", time_passes_on_both_faces);
  g_test_add_func ("/clock/setting-the-wall-clock-moves-no-time", setting_the_wall_clock_moves_no_time);
  return g_test_run ();
}
