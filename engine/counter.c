/* Owns the job's counters. Workers add to the run's deltas (relaxed atomics), the runner merges them after the last
 * output of the batch, so a batch that fails or is run again counts once.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/counter.h"

#include "engine/context.h"
#include "engine/task.h"

struct _WeirCounter {
  char *name;
  char *help;
  guint index;
  gint64 value; /* atomic */
};

/**
 * weir_counter_new:
 * @ctx: the context
 * @name: what the counter is called; copied
 * @help: one line on what it counts; copied
 *
 * Makes a counter of the job's own. Before start; later it fails the context (%WEIR_ERROR_GRAPH).
 *
 * Returns: (transfer none): the counter; owned by the context
 */
WeirCounter *
weir_counter_new (WeirContext *ctx, const char *name, const char *help)
{
  g_autofree char *what = NULL;
  WeirCounter *counter;

  g_return_val_if_fail (ctx != NULL && name != NULL, NULL);
  counter = g_new0 (WeirCounter, 1);
  counter->name = g_strdup (name);
  counter->help = g_strdup (help);
  what = g_strdup_printf ("counter %s", name);
  if (weir_context_may_build (ctx, what)) {
    counter->index = ctx->counters->len;
    g_ptr_array_add (ctx->counters, counter);
  } else {
    counter->index = G_MAXUINT;
    weir_context_own (ctx, counter, (GDestroyNotify) weir_counter_free);
  }
  return counter;
}

void
weir_counter_free (WeirCounter *counter)
{
  g_free (counter->name);
  g_free (counter->help);
  g_free (counter);
}

/**
 * weir_counter_add:
 * @task: the task
 * @c: a counter of the same context
 * @n: what to add
 *
 * Adds to a counter: exactly once a batch, however often the batch is run; a batch that fails adds nothing. Doesn't
 * block.
 */
void
weir_counter_add (WeirTask *task, WeirCounter *c, gint64 n)
{
  WeirRun *run;

  g_return_if_fail (task != NULL && c != NULL);
  run = task->task_run->run;
  if (!task->is_again && c->index < run->n_counters)
    __atomic_add_fetch (&run->counters[c->index], n, __ATOMIC_RELAXED);
}

/**
 * weir_counter_value:
 * @c: the counter
 *
 * Returns: what completed batches have added; any thread
 */
gint64
weir_counter_value (WeirCounter *c)
{
  g_return_val_if_fail (c != NULL, 0);
  return __atomic_load_n (&c->value, __ATOMIC_RELAXED);
}

void
weir_counter_save (const WeirCounter *counter, WeirManifest *manifest)
{
  weir_manifest_add_counter (manifest, counter->name, __atomic_load_n (&counter->value, __ATOMIC_RELAXED));
}

void
weir_counter_load (WeirCounter *counter, const WeirManifest *manifest)
{
  gint64 value = 0;

  for (guint i = 0; i < manifest->counters->len; i++) {
    const WeirSavedCounter *saved = g_ptr_array_index (manifest->counters, i);

    if (g_str_equal (saved->name, counter->name))
      value = saved->value;
  }
  __atomic_store_n (&counter->value, value, __ATOMIC_RELAXED);
}

void
weir_counters_merge (GPtrArray *counters, const WeirRun *run)
{
  for (guint i = 0; i < run->n_counters; i++) {
    WeirCounter *counter = g_ptr_array_index (counters, i);

    __atomic_add_fetch (&counter->value, __atomic_load_n (&run->counters[i], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
  }
}
