/* How many records pass, and how long the next one waits.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/throttle.h"

#define MS WEIR_MILLISECONDS (1)

static guint
count_passing (WeirThrottle *throttle, gint64 now)
{
  guint n = 0;

  while (weir_throttle_take (throttle, 1, now) == 0)
    n++;
  return n;
}

static void
test_without_a_rate_all_pass (void)
{
  WeirThrottle throttle;

  weir_throttle_init (&throttle, 0, 0);
  for (guint i = 0; i < 1000; i++)
    g_assert_cmpint (weir_throttle_take (&throttle, G_MAXUINT32, 0), ==, 0);
}

static void
test_none_pass_before_time_does (void)
{
  WeirThrottle throttle;

  weir_throttle_init (&throttle, 100, 5 * MS);
  g_assert_cmpuint (count_passing (&throttle, 5 * MS), ==, 0);
  g_assert_cmpuint (count_passing (&throttle, 15 * MS), ==, 1);
  g_assert_cmpuint (count_passing (&throttle, 15 * MS), ==, 0);
  g_assert_cmpuint (count_passing (&throttle, 115 * MS), ==, 10);
}

static void
test_after_the_wait_it_passes (void)
{
  WeirThrottle throttle;
  gint64 now = 0;
  WeirTime wait;

  weir_throttle_init (&throttle, 3, 0);
  for (guint i = 0; i < 1000; i++) {
    wait = weir_throttle_take (&throttle, 1, now);
    g_assert_cmpint (wait, >, 0);
    now += wait;
    g_assert_cmpint (weir_throttle_take (&throttle, 1, now), ==, 0);
  }
  g_assert_cmpint (ABS (now - 1000 * G_USEC_PER_SEC / 3), <, 2000);
}

static void
test_what_is_not_used_is_kept_for_a_second (void)
{
  WeirThrottle throttle;

  weir_throttle_init (&throttle, 50, 0);
  g_assert_cmpuint (count_passing (&throttle, WEIR_MINUTES (10)), ==, 50);
}

static void
test_many_at_once_pass_and_those_after_them_wait (void)
{
  WeirThrottle throttle;
  WeirTime wait;

  weir_throttle_init (&throttle, 100, 0);
  g_assert_cmpint (weir_throttle_take (&throttle, 1000, 10 * MS), ==, 0);
  wait = weir_throttle_take (&throttle, 1, 10 * MS);
  g_assert_cmpint (wait / MS, ==, 10000);
  g_assert_cmpint (weir_throttle_take (&throttle, 1, 10 * MS + wait), ==, 0);
}

static void
test_a_rate_below_one_lets_one_pass_now_and_then (void)
{
  WeirThrottle throttle;

  weir_throttle_init (&throttle, 0.1, 0);
  g_assert_cmpuint (count_passing (&throttle, WEIR_SECONDS (9)), ==, 0);
  g_assert_cmpuint (count_passing (&throttle, WEIR_SECONDS (10)), ==, 1);
}

static void
test_a_new_rate_holds_from_then_on (void)
{
  WeirThrottle throttle;

  weir_throttle_init (&throttle, 0, 0);
  weir_throttle_set_rate (&throttle, 100, WEIR_SECONDS (5));
  g_assert_cmpuint (count_passing (&throttle, WEIR_SECONDS (5)), ==, 0);
  weir_throttle_set_rate (&throttle, 10, WEIR_SECONDS (6)); /* a hundred would be left */
  g_assert_cmpuint (count_passing (&throttle, WEIR_SECONDS (6) + 100 * MS), ==, 10);
  g_assert_cmpuint (count_passing (&throttle, WEIR_SECONDS (6) + 200 * MS), ==, 1);
}

static void
test_a_clock_that_goes_back_gives_nothing (void)
{
  WeirThrottle throttle;

  weir_throttle_init (&throttle, 100, WEIR_SECONDS (10));
  g_assert_cmpuint (count_passing (&throttle, WEIR_SECONDS (1)), ==, 0);
  g_assert_cmpuint (count_passing (&throttle, WEIR_SECONDS (11)), ==, 100);
}

#define ADD(name) g_test_add_func ("/throttle/" #name, test_##name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (without_a_rate_all_pass);
  ADD (none_pass_before_time_does);
  ADD (after_the_wait_it_passes);
  ADD (what_is_not_used_is_kept_for_a_second);
  ADD (many_at_once_pass_and_those_after_them_wait);
  ADD (a_rate_below_one_lets_one_pass_now_and_then);
  ADD (a_new_rate_holds_from_then_on);
  ADD (a_clock_that_goes_back_gives_nothing);
  return g_test_run ();
}
