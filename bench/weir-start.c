/* From the start of the process to the end of its first batch: prints when that was.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/weir-pass.h"

#include <stdio.h>

static void
on_completed (const WeirBatchInfo *info, gpointer user_data)
{
  double *done = user_data;

  if (*done == 0)
    *done = bench_now ();
}

static gboolean
stop (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  weir_context_stop (user_data, TRUE);
  return TRUE;
}

int
main (int argc, char **argv)
{
  const WeirListener listener = { .batch_completed = on_completed };
  g_autoptr (GError) error = NULL;
  double done = 0;
  BenchArgs args;

  bench_args_parse (&args, argc, argv);
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (WeirContext) ctx = weir_context_new ("weir-start", (WeirTime) args.interval_us);

  if (!weir_context_set (ctx, "log.level", "error", &error))
    weir_pass_die ("option", error);
  weir_queue_push (queue, (const WeirValue[]){ weir_text ("to be or not to be") }, 1);
  weir_foreach_batch (weir_count_by_value (weir_split (weir_queue_stream (ctx, queue, TRUE), ' ')), stop, ctx);
  weir_context_add_listener (ctx, &listener, &done);
  if (!weir_context_run (ctx, &error))
    weir_pass_die ("run", error);
  printf ("{\"program\": \"weir-start\", \"rate\": 0, \"first_batch_done\": %.6f}\n", done);
  return 0;
}
