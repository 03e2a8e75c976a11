/* A slide of a sliding window: each pane holds the same keys, the function has no inverse and is the job's own, so that
 * every key is touched through a call each time. The time of a slide is the whole batch: combining the records that
 * enter, moving the window, reading all keys. --by sum takes WEIR_SUM instead.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/weir-pass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static WeirValue
add (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_int (weir_as_int (a) + weir_as_int (b));
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* The pane's keys, in an order that looks like none. */
static WeirValue *
make_keys (guint64 n)
{
  WeirValue *keys = g_new (WeirValue, n);

  for (guint64 i = 0; i < n; i++)
    keys[i] = weir_text (g_strdup_printf ("user-%" G_GUINT64_FORMAT, i * G_GUINT64_CONSTANT (2654435761) % n));
  return keys;
}

int
main (int argc, char **argv)
{
  BenchArgs args;
  WeirValue *keys;
  g_autofree double *times = NULL;
  g_autofree double *cpu = NULL;
  WeirStream *window;
  gboolean by_sum;
  WeirPass pass;
  double total = 0;

  bench_args_parse (&args, argc, argv);
  keys = make_keys (args.keys);
  by_sum = args.by != NULL && strcmp (args.by, "sum") == 0;
  times = g_new (double, args.slides);
  cpu = g_new (double, args.slides);
  weir_pass_init (&pass, &args);
  weir_queue_set_partitions (pass.queue, 1); /* a queue's default: a pane is no more than a task's worth */
  window = weir_reduce_by_key_and_window (weir_with_value (pass.lines, weir_int (1)), by_sum ? WEIR_SUM : add, NULL,
                                          WEIR_SECONDS ((gint64) args.panes), 0, NULL);
  weir_pass_sum (&pass, window);
  for (guint64 i = 0; i < args.panes + args.slides; i++) {
    guint64 held = MIN (i + 1, args.panes);
    double start;

    weir_queue_push (pass.queue, keys, args.keys);
    start = bench_cpu_seconds ();
    pass.total = 0;
    if (!weir_test_advance (pass.ctx, 1, NULL) || pass.total != (gint64) (held * args.keys))
      weir_pass_die ("a slide's sums are wrong", NULL);
    if (i < args.panes)
      continue;
    cpu[i - args.panes] = bench_cpu_seconds () - start;
    times[i - args.panes] = pass.processing;
    total += pass.processing;
  }
  qsort (times, args.slides, sizeof *times, compare);
  qsort (cpu, args.slides, sizeof *cpu, compare);
  printf (
      "{\"program\": \"weir-window-slide\", \"rate\": %.1f, \"unit\": \"us\", \"mean\": %.1f, \"cpu_median\": %.1f, "
      "\"cpu_p99_over_median\": %.3f}\n",
      times[args.slides / 2] * 1e6, total / (double) args.slides * 1e6, cpu[args.slides / 2] * 1e6,
      cpu[args.slides * 99 / 100] / cpu[args.slides / 2]);
  weir_pass_clear (&pass);
  return 0;
}
