/* What an empty batch costs: CPU time of the whole process for batches of three operators, one every millisecond. No
 * listener: the output itself counts the batches.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/weir-pass.h"

#include <stdio.h>

static gboolean
is_anything (WeirTask *task, WeirValue value, gpointer user_data)
{
  return TRUE;
}

static void
count_batches (WeirTask *task, WeirIter *values, gpointer user_data)
{
  WeirValue value;

  while (weir_iter_next (values, &value))
    continue;
  if (weir_task_partition (task) == 0)
    __atomic_add_fetch ((guint64 *) user_data, 1, __ATOMIC_RELAXED);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (WeirContext) ctx = weir_context_new ("weir-empty-batch", WEIR_MILLISECONDS (1));
  guint64 n_batches = 0, n;
  BenchArgs args;
  WeirStream *words;
  double cpu;

  bench_args_parse (&args, argc, argv);
  if (!weir_context_set (ctx, "workers", "1", &error) || !weir_context_set (ctx, "log.level", "error", &error))
    weir_pass_die ("option", error);
  words = weir_filter (weir_split (weir_queue_stream (ctx, queue, TRUE), ' '), is_anything, NULL);
  weir_foreach_partition (weir_count_by_value (words), count_batches, &n_batches);
  if (!weir_context_start (ctx, &error))
    weir_pass_die ("start", error);
  weir_context_await (ctx, WEIR_MILLISECONDS (200), NULL);
  n = __atomic_load_n (&n_batches, __ATOMIC_RELAXED);
  cpu = bench_cpu_seconds ();
  if (weir_context_await (ctx, (WeirTime) (args.seconds * 1e6), &error) != WEIR_WAIT_TIMEOUT)
    weir_pass_die ("run", error);
  cpu = bench_cpu_seconds () - cpu;
  n = __atomic_load_n (&n_batches, __ATOMIC_RELAXED) - n;
  if ((double) n < args.seconds * 900)
    weir_pass_die ("there was not a batch every millisecond", NULL);
  printf ("{\"program\": \"weir-empty-batch\", \"rate\": %.2f, \"unit\": \"us\", \"batches\": %llu}\n",
          cpu / (double) n * 1e6, (unsigned long long) n);
  return 0;
}
