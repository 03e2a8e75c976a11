/* Owns the passes of weir's benchmarks.
 * Threads: the program's; the listener runs on the context's loop, the sums on its workers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/weir-pass.h"

#include <stdio.h>
#include <stdlib.h>

void
weir_pass_die (const char *what, const GError *error)
{
  fprintf (stderr, "%s: %s\n", what, error != NULL ? error->message : "failed");
  exit (1);
}

static void
on_completed (const WeirBatchInfo *info, gpointer user_data)
{
  WeirPass *pass = user_data;

  pass->processing = (double) weir_batch_info_processing_time (info) / 1e6;
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  if (!weir_context_set (ctx, key, value, &error))
    weir_pass_die (key, error);
}

void
weir_pass_init (WeirPass *pass, const BenchArgs *args)
{
  const WeirListener listener = { .batch_completed = on_completed };
  g_autofree char *workers = g_strdup_printf ("%u", (guint) MAX (args->workers, 1));

  *pass = (WeirPass){ .ctx = weir_test_context_new (WEIR_SECONDS (1)), .queue = weir_queue_new () };
  set (pass->ctx, "workers", workers);
  set (pass->ctx, "memory.limit", "20GB");
  set (pass->ctx, "log.level", "error");
  weir_queue_set_partitions (pass->queue, (guint) MAX (args->workers, 1));
  weir_context_add_listener (pass->ctx, &listener, pass);
  pass->lines = weir_queue_stream (pass->ctx, pass->queue, TRUE);
}

void
weir_pass_clear (WeirPass *pass)
{
  weir_context_free (pass->ctx);
  weir_queue_free (pass->queue);
}

static void
sum_partition (WeirTask *task, WeirIter *values, gpointer user_data)
{
  WeirPass *pass = user_data;
  WeirValue value;
  gint64 sum = 0;

  while (weir_iter_next (values, &value))
    sum += weir_as_int (weir_kind (value) == WEIR_PAIR ? weir_val (value) : value);
  __atomic_add_fetch (&pass->total, sum, __ATOMIC_RELAXED);
}

void
weir_pass_sum (WeirPass *pass, WeirStream *results)
{
  weir_foreach_partition (results, sum_partition, pass);
}

void
weir_pass_run (WeirPass *pass, const WeirValue *values, gsize n)
{
  g_autoptr (GError) error = NULL;

  pass->total = 0;
  weir_queue_push (pass->queue, values, n);
  if (!weir_test_advance (pass->ctx, 1, &error))
    weir_pass_die ("batch", error);
}

WeirValue *
weir_pass_values (const BenchCorpus *corpus)
{
  WeirValue *values = g_new (WeirValue, corpus->n_lines);

  for (size_t i = 0; i < corpus->n_lines; i++)
    values[i] = weir_text_n (corpus->lines[i].data, corpus->lines[i].size);
  return values;
}
