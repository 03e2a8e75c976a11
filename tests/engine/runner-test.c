/* Batches run in order, and none begins after one that failed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/weir.h>

#define DEADLINE WEIR_SECONDS (20)

typedef struct {
  GMutex lock;
  GCond changed;
  guint n_submitted, n_begun;
} Seen;

static void
seen_init (Seen *seen)
{
  *seen = (Seen){ 0 };
  g_mutex_init (&seen->lock);
  g_cond_init (&seen->changed);
}

static void
seen_clear (Seen *seen)
{
  g_mutex_clear (&seen->lock);
  g_cond_clear (&seen->changed);
}

static void
on_submitted (const WeirBatchInfo *info, gpointer user_data)
{
  Seen *seen = user_data;

  g_mutex_lock (&seen->lock);
  seen->n_submitted++;
  g_cond_broadcast (&seen->changed);
  g_mutex_unlock (&seen->lock);
}

static WeirValue
number (WeirTask *task, guint64 index, gpointer user_data)
{
  return weir_int ((gint64) index);
}

/* Fails the first batch once two more wait behind it. */
static gboolean
fail_when_two_wait (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  Seen *seen = user_data;
  gint64 end = g_get_monotonic_time () + DEADLINE;

  g_mutex_lock (&seen->lock);
  seen->n_begun++;
  while (seen->n_submitted < 3 && g_cond_wait_until (&seen->changed, &seen->lock, end))
    ;
  g_mutex_unlock (&seen->lock);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "batch %u", seen->n_begun);
  return FALSE;
}

static void
no_batch_begins_after_one_that_failed (void)
{
  static const WeirListener listener = { .batch_submitted = on_submitted };

  /* That planned batches are dropped is worth a warning, and what is wanted here. */
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
  for (guint round = 0; round < 20; round++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (WeirContext) ctx = weir_context_new ("fails", WEIR_MILLISECONDS (1));
    Seen seen;

    seen_init (&seen);
    weir_context_add_listener (ctx, &listener, &seen);
    weir_foreach_batch (weir_generator_stream (ctx, number, 100, NULL), fail_when_two_wait, &seen);
    g_assert_true (weir_context_start (ctx, &error));
    g_assert_cmpint (weir_context_await (ctx, DEADLINE, &error), ==, WEIR_WAIT_FAILED);
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_SINK);
    g_assert_cmpuint (seen.n_submitted, >=, 3);
    g_assert_cmpuint (seen.n_begun, ==, 1);
    seen_clear (&seen);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/runner/no-batch-begins-after-one-that-failed", no_batch_begins_after_one_that_failed);
  return g_test_run ();
}
