/* Owns what a batch gathers while it runs: its first failure, and the counts of rejected records.
 * Threads: see run.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/run.h"

#include "engine/dataset.h"

void
weir_run_init (WeirRun *run, WeirMemory *memory, WeirWorkers *workers)
{
  *run = (WeirRun){ .memory = memory, .workers = workers };
  pthread_mutex_init (&run->lock, NULL);
  weir_arena_init (&run->results, memory);
}

void
weir_run_clear (WeirRun *run)
{
  if (run->datasets != NULL)
    g_ptr_array_unref (run->datasets);
  if (run->held != NULL)
    g_ptr_array_unref (run->held);
  weir_arena_clear (&run->results);
  if (run->rejects != NULL)
    g_hash_table_unref (run->rejects);
  g_clear_error (&run->error);
  pthread_mutex_destroy (&run->lock);
}

void
weir_run_take_error (WeirRun *run, GError *error)
{
  pthread_mutex_lock (&run->lock);
  if (run->error == NULL)
    run->error = g_steal_pointer (&error);
  __atomic_store_n (&run->failed, 1, __ATOMIC_RELAXED);
  pthread_mutex_unlock (&run->lock);
  g_clear_error (&error);
}

void
weir_run_count_reject (WeirRun *run, const char *operator_name, const char *reason, guint64 n)
{
  g_autofree char *key = g_strdup_printf ("%s: %s", operator_name, reason);
  guint64 *count;

  pthread_mutex_lock (&run->lock);
  if (run->rejects == NULL)
    run->rejects = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  count = g_hash_table_lookup (run->rejects, key);
  if (count == NULL) {
    count = g_new0 (guint64, 1);
    g_hash_table_insert (run->rejects, g_steal_pointer (&key), count);
  }
  *count += n;
  pthread_mutex_unlock (&run->lock);
}
