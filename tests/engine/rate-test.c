/* Back-pressure's arithmetic: the rows of Spark Streaming's PIDRateEstimatorSuite and DirectKafkaStreamSuite.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/rate.h"

#define NONE -1.0

typedef struct {
  gdouble time, processing, delay; /* milliseconds */
  gint64 n;
  gdouble expected;
} Row;

static void
init (WeirRate *rate, gdouble integral, gdouble least)
{
  g_assert_true (weir_rate_init_full (rate, WEIR_MILLISECONDS (20), 1, integral, 0, least));
}

static void
assert_row (WeirRate *rate, Row row)
{
  gdouble estimate = NONE;

  weir_rate_add (rate, row.time * 1000, row.n, row.processing * 1000, row.delay * 1000, &estimate);
  g_assert_cmpfloat_with_epsilon (estimate, row.expected, 1e-6);
}

static void
test_the_first_sample_gives_no_estimate (void)
{
  WeirRate rate;

  init (&rate, 0, 10);
  assert_row (&rate, (Row){ 0, 10, 0, 10, NONE });
  assert_row (&rate, (Row){ 10, 10, 0, 10, 1000 });
}

static void
test_a_sample_of_the_same_time_gives_none (void)
{
  WeirRate rate;

  init (&rate, 0, 10);
  assert_row (&rate, (Row){ 0, 10, 0, 10, NONE });
  assert_row (&rate, (Row){ 10, 10, 0, 10, 1000 });
  assert_row (&rate, (Row){ 10, 10, 0, 10, NONE });
}

static void
test_no_records_or_no_time_give_none (void)
{
  WeirRate rate;

  init (&rate, 0, 10);
  assert_row (&rate, (Row){ 0, 10, 0, 10, NONE });
  assert_row (&rate, (Row){ 10, 0, 0, 10, NONE });
  assert_row (&rate, (Row){ 20, -10, 0, 10, NONE });
  assert_row (&rate, (Row){ 30, 10, 0, 0, NONE });
}

static void
test_the_estimate_is_never_below_the_least (void)
{
  WeirRate rate;

  init (&rate, 1, 5);
  for (int i = 0; i < 50; i++)
    assert_row (&rate, (Row){ i * 20, 20, 100, 1, i == 0 ? NONE : 5 });
}

static void
test_without_delay_it_follows_the_processing_speed (void)
{
  WeirRate rate;

  init (&rate, 1, 10);
  for (int i = 0; i < 50; i++)
    assert_row (&rate, (Row){ i * 20, 20, 0, 1000 - 20 * i, i == 0 ? NONE : 50000 - 1000 * i });
}

static void
test_delay_keeps_it_below_the_processing_speed (void)
{
  static const gint64 n[] = { 200, 237, 274, 311, 348, 385, 422, 459, 496, 533, 570, 607 };
  static const int delays[] = { 0, 7, 14, 2, 9, 16, 4, 11, 18, 6, 13, 1 };
  static const gdouble expected[] = { NONE,    11808.525, 13604.1, 15534.45, 17321.7,  19096.0,
                                      21057.8, 22823.775, 24576.8, 26570.05, 28314.75, 30334.825 };
  WeirRate rate;

  init (&rate, 0.01, 10);
  for (guint i = 0; i < G_N_ELEMENTS (n); i++)
    assert_row (&rate, (Row){ i * 20, 20, delays[i], n[i], expected[i] });
}

static void
test_ranges_are_checked (void)
{
  WeirRate rate;

  g_assert_false (weir_rate_init_full (&rate, 0, 1, 2, 3, 10));
  g_assert_false (weir_rate_init_full (&rate, 100, -1, 2, 3, 10));
  g_assert_false (weir_rate_init_full (&rate, 100, 0, -1, 3, 10));
  g_assert_false (weir_rate_init_full (&rate, 100, 0, 0, -1, 10));
  g_assert_false (weir_rate_init_full (&rate, 100, 0, 0, 0, 0));
  g_assert_false (weir_rate_init_full (&rate, 100, 0, 0, 0, -10));
}

static void
assert_share (const gint64 *lags, guint n, gdouble estimate, const gdouble *most, gint64 least, WeirTime interval,
              const gint64 *expected)
{
  gint64 records[4];

  weir_rate_share (&(WeirRateLimits){ estimate, most, least, interval }, lags, n, records);
  for (guint i = 0; i < n; i++)
    g_assert_cmpint (records[i], ==, expected[i]);
}

static void
test_without_an_estimate_the_most_counts (void)
{
  assert_share ((gint64[]){ 50, 50 }, 2, 0, (gdouble[]){ 100, 100 }, 1, WEIR_MILLISECONDS (100), (gint64[]){ 10, 10 });
  assert_share ((gint64[]){ 50, 50 }, 2, 0, (gdouble[]){ 0, 0 }, 1, WEIR_MILLISECONDS (100),
                (gint64[]){ G_MAXINT64, G_MAXINT64 });
}

static void
test_an_estimate_respects_the_most (void)
{
  assert_share ((gint64[]){ 1000, 1000 }, 2, 1000, (gdouble[]){ 50, 100 }, 1, WEIR_MILLISECONDS (100),
                (gint64[]){ 5, 10 });
  assert_share ((gint64[]){ 1000 }, 1, 500, (gdouble[]){ 1000 }, 1, WEIR_MILLISECONDS (500), (gint64[]){ 250 });
}

static void
test_the_share_follows_the_lag (void)
{
  assert_share ((gint64[]){ 900, 100 }, 2, 500, (gdouble[]){ 0, 0 }, 1, WEIR_SECONDS (1), (gint64[]){ 450, 50 });
}

static void
test_the_least_is_of_a_batch (void)
{
  assert_share ((gint64[]){ 0, 100, 200, 300 }, 4, 1, (gdouble[]){ 100, 100, 100, 100 }, 5, WEIR_SECONDS (60),
                (gint64[]){ 5, 10, 20, 30 });
}

static void
test_no_lag_limits_nothing (void)
{
  assert_share ((gint64[]){ 0, 0 }, 2, 500, (gdouble[]){ 0, 0 }, 1, WEIR_SECONDS (1),
                (gint64[]){ G_MAXINT64, G_MAXINT64 });
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rate/the-first-sample-gives-no-estimate", test_the_first_sample_gives_no_estimate);
  g_test_add_func ("/rate/a-sample-of-the-same-time-gives-none", test_a_sample_of_the_same_time_gives_none);
  g_test_add_func ("/rate/no-records-or-no-time-give-none", test_no_records_or_no_time_give_none);
  g_test_add_func ("/rate/the-estimate-is-never-below-the-least", test_the_estimate_is_never_below_the_least);
  g_test_add_func ("/rate/without-delay-it-follows-the-processing-speed",
                   test_without_delay_it_follows_the_processing_speed);
  g_test_add_func ("/rate/delay-keeps-it-below-the-processing-speed", test_delay_keeps_it_below_the_processing_speed);
  g_test_add_func ("/rate/ranges-are-checked", test_ranges_are_checked);
  g_test_add_func ("/rate/without-an-estimate-the-most-counts", test_without_an_estimate_the_most_counts);
  g_test_add_func ("/rate/an-estimate-respects-the-most", test_an_estimate_respects_the_most);
  g_test_add_func ("/rate/the-share-follows-the-lag", test_the_share_follows_the_lag);
  g_test_add_func ("/rate/the-least-is-of-a-batch", test_the_least_is_of_a_batch);
  g_test_add_func ("/rate/no-lag-limits-nothing", test_no_lag_limits_nothing);
  return g_test_run ();
}
