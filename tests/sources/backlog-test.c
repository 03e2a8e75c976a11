/* Tests of the account of what waits for batches: when a source is to hold back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sources/backlog.h"

#define MB ((gsize) 1024 * 1024)

typedef struct {
  WeirBacklog backlog;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  weir_backlog_init (&fixture->backlog);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  weir_backlog_clear (&fixture->backlog);
}

static void
test_without_a_batch_nothing_is_held_back (Fixture *fixture, gconstpointer data)
{
  g_assert_false (weir_backlog_is_full (&fixture->backlog, 0));
  g_assert_false (weir_backlog_is_full (&fixture->backlog, 1000 * WEIR_BACKLOG_MIN));
  weir_backlog_planned (&fixture->backlog, 0);
  g_assert_false (weir_backlog_is_full (&fixture->backlog, 1000 * WEIR_BACKLOG_MIN));
}

static void
test_behind_a_small_batch_the_least_may_wait (Fixture *fixture, gconstpointer data)
{
  weir_backlog_planned (&fixture->backlog, MB);
  g_assert_false (weir_backlog_is_full (&fixture->backlog, WEIR_BACKLOG_MIN - 1));
  g_assert_true (weir_backlog_is_full (&fixture->backlog, WEIR_BACKLOG_MIN));
  weir_backlog_planned (&fixture->backlog, MB);
  g_assert_false (weir_backlog_is_full (&fixture->backlog, WEIR_BACKLOG_MIN - MB - 1));
  g_assert_true (weir_backlog_is_full (&fixture->backlog, WEIR_BACKLOG_MIN - MB));
}

static void
test_behind_a_large_batch_as_much_may_wait (Fixture *fixture, gconstpointer data)
{
  const gsize large = 4 * WEIR_BACKLOG_MIN;

  weir_backlog_planned (&fixture->backlog, large);
  g_assert_false (weir_backlog_is_full (&fixture->backlog, large - 1));
  g_assert_true (weir_backlog_is_full (&fixture->backlog, large));
}

static void
test_the_oldest_batch_is_the_measure (Fixture *fixture, gconstpointer data)
{
  const gsize large = 4 * WEIR_BACKLOG_MIN;

  weir_backlog_planned (&fixture->backlog, MB);
  weir_backlog_planned (&fixture->backlog, large);
  g_assert_true (weir_backlog_is_full (&fixture->backlog, 0));
  weir_backlog_released (&fixture->backlog, MB);
  g_assert_false (weir_backlog_is_full (&fixture->backlog, large - 1));
  weir_backlog_released (&fixture->backlog, large);
  g_assert_false (weir_backlog_is_full (&fixture->backlog, 2 * large));
}

static void
test_batches_without_bytes_do_not_count (Fixture *fixture, gconstpointer data)
{
  weir_backlog_planned (&fixture->backlog, 0);
  weir_backlog_planned (&fixture->backlog, MB);
  weir_backlog_released (&fixture->backlog, 0);
  g_assert_true (weir_backlog_is_full (&fixture->backlog, WEIR_BACKLOG_MIN));
  weir_backlog_released (&fixture->backlog, MB);
  g_assert_false (weir_backlog_is_full (&fixture->backlog, WEIR_BACKLOG_MIN));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/backlog/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("without-a-batch-nothing-is-held-back", test_without_a_batch_nothing_is_held_back);
  ADD ("behind-a-small-batch-the-least-may-wait", test_behind_a_small_batch_the_least_may_wait);
  ADD ("behind-a-large-batch-as-much-may-wait", test_behind_a_large_batch_as_much_may_wait);
  ADD ("the-oldest-batch-is-the-measure", test_the_oldest_batch_is_the_measure);
  ADD ("batches-without-bytes-do-not-count", test_batches_without_bytes_do_not_count);
#undef ADD
  return g_test_run ();
}
