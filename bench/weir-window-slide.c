/* A slide of a sliding window: each pane holds the same keys, the function has no inverse and is the job's own, so that
 * every key is touched through a call each time; --by sum takes WEIR_SUM instead.
 *
 * The time of a slide is that of the whole batch: combining the records that enter, moving the window, reading all
 * keys. With --batches 2 or more a slide is as many batches, of which the first brings the records and the last is
 * timed: what it takes to move the window by a pane that is there, and to read it.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/weir-pass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const BenchArgs *args;
  WeirValue *pairs;
  double *times; /* of the slides with a full window, in seconds */
  double *cpu;
} Slides;

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

/* The pane's keys, in an order that looks like none, each with a one. */
static WeirValue *
make_pairs (guint64 n)
{
  WeirValue *pairs = g_new (WeirValue, n), *cells = g_new (WeirValue, 2 * n);

  for (guint64 i = 0; i < n; i++) {
    cells[2 * i] = weir_text (g_strdup_printf ("user-%" G_GUINT64_FORMAT, i * G_GUINT64_CONSTANT (2654435761) % n));
    cells[2 * i + 1] = weir_int (1);
    pairs[i] = weir_pair_at (&cells[2 * i]);
  }
  return pairs;
}

static void
slide (WeirPass *pass, Slides *slides, guint64 i)
{
  const BenchArgs *args = slides->args;
  double cpu;

  weir_queue_push (pass->queue, slides->pairs, args->keys);
  for (guint64 n = 1; n < args->batches; n++) {
    weir_test_advance (pass->ctx, 1, NULL);
    weir_queue_push (pass->queue, NULL, 0);
  }
  pass->total = 0;
  cpu = bench_cpu_seconds ();
  if (!weir_test_advance (pass->ctx, 1, NULL) || pass->total != (gint64) (MIN (i + 1, args->panes) * args->keys))
    weir_pass_die ("a slide's sums are wrong", NULL);
  if (i < args->panes)
    return;
  slides->cpu[i - args->panes] = bench_cpu_seconds () - cpu;
  slides->times[i - args->panes] = pass->processing;
}

static void
report (Slides *slides)
{
  guint64 n = slides->args->slides;
  double median;

  qsort (slides->times, n, sizeof *slides->times, compare);
  qsort (slides->cpu, n, sizeof *slides->cpu, compare);
  median = slides->cpu[n / 2];
  printf ("{\"program\": \"weir-window-slide\", \"rate\": %.1f, \"unit\": \"us/slide\", \"p99\": %.1f, "
          "\"cpu_median\": %.1f, \"cpu_p99_over_median\": %.3f}\n",
          slides->times[n / 2] * 1e6, slides->times[n * 99 / 100] * 1e6, median * 1e6,
          slides->cpu[n * 99 / 100] / median);
}

int
main (int argc, char **argv)
{
  BenchArgs args;
  Slides slides = { .args = &args };
  WeirReduceFunc f = add;
  WeirTime by;
  WeirPass pass;

  bench_args_parse (&args, argc, argv);
  if (strcmp (args.by, "sum") == 0)
    f = WEIR_SUM;
  by = WEIR_SECONDS ((gint64) args.batches);
  slides.pairs = make_pairs (args.keys);
  slides.times = g_new (double, args.slides);
  slides.cpu = g_new (double, args.slides);
  weir_pass_init (&pass, &args);
  weir_pass_sum (&pass, weir_reduce_by_key_and_window (pass.lines, f, NULL, by * (WeirTime) args.panes, by, NULL));
  for (guint64 i = 0; i < args.panes + args.slides; i++)
    slide (&pass, &slides, i);
  report (&slides);
  weir_pass_clear (&pass);
  return 0;
}
