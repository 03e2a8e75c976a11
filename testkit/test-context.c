/* Contexts for tests: no clock, no network, the same hash seed each time. Batches run when the test says so.
 * Threads: the test's own.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/test.h>

#include "engine/context.h"

/**
 * weir_test_context_new:
 * @batch_interval: how long a batch is, in microseconds
 *
 * Makes a context whose clock stands at 0 and moves by weir_test_advance() alone; the first batch is at one interval.
 *
 * Returns: (transfer full): the context; free with weir_context_free()
 */
WeirContext *
weir_test_context_new (WeirTime batch_interval)
{
  return weir_context_new_manual ("test", batch_interval, 0);
}

/**
 * weir_test_context_new_at:
 * @batch_interval: how long a batch is, in microseconds
 * @start: where the clock stands
 *
 * As weir_test_context_new(), for tests of a job that starts again later.
 *
 * Returns: (transfer full): the context; free with weir_context_free()
 */
WeirContext *
weir_test_context_new_at (WeirTime batch_interval, WeirTime start)
{
  return weir_context_new_manual ("test", batch_interval, start);
}

/**
 * weir_test_advance:
 * @ctx: a context of weir_test_context_new()
 * @n_batches: how many
 * @error: why a batch failed, or the context did not start
 *
 * Starts the context if needed, moves its clock on by batches and returns when they are complete. Blocks.
 *
 * Returns: %TRUE if all of them succeeded
 */
gboolean
weir_test_advance (WeirContext *ctx, guint n_batches, GError **error)
{
  g_return_val_if_fail (ctx != NULL, FALSE);
  return weir_context_advance (ctx, n_batches, error);
}
