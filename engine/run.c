/* Owns what a batch gathers while it runs: its first failure, and the counts of rejected records.
 * Threads: see run.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/run.h"

#include <string.h>

#define REASONS_MOST 200

#include "engine/dataset.h"

void
weir_run_init (WeirRun *run, WeirMemory *memory, WeirWorkers *workers)
{
  *run = (WeirRun){ .memory = memory, .state_memory = memory, .workers = workers };
  pthread_mutex_init (&run->lock, NULL);
  weir_arena_init (&run->results, memory);
}

static void
bury (GPtrArray *datasets, GPtrArray **graves)
{
  for (guint i = 0; i < datasets->len; i++)
    weir_dataset_clear (g_ptr_array_index (datasets, i));
  if (*graves != NULL)
    g_ptr_array_unref (*graves);
  *graves = datasets;
}

void
weir_run_clear (WeirRun *run)
{
  if (run->datasets != NULL && run->graves != NULL)
    bury (run->datasets, run->graves);
  else if (run->datasets != NULL)
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

gboolean
weir_run_report (WeirRun *run, GError **error)
{
  pthread_mutex_lock (&run->lock);
  g_propagate_error (error, g_error_copy (run->error));
  pthread_mutex_unlock (&run->lock);
  return FALSE;
}

/* Reasons may hold what a record holds: past so many the rest of an operator's is counted together. */
static char *
shorten (GHashTable *rejects, const char *where_and_why)
{
  const char *colon = strstr (where_and_why, ": ");
  gsize size = colon != NULL ? (gsize) (colon - where_and_why) : 0;

  if (g_hash_table_size (rejects) < REASONS_MOST || colon == NULL)
    return g_strdup (where_and_why);
  return g_strdup_printf ("%.*s: other reasons", (int) size, where_and_why);
}

static guint64 *
find_count (GHashTable *rejects, const char *where_and_why)
{
  guint64 *count = g_hash_table_lookup (rejects, where_and_why);
  char *key;

  if (count != NULL)
    return count;
  key = shorten (rejects, where_and_why);
  count = g_hash_table_lookup (rejects, key);
  if (count != NULL) {
    g_free (key);
    return count;
  }
  count = g_new0 (guint64, 1);
  g_hash_table_insert (rejects, key, count);
  return count;
}

void
weir_rejects_add (GHashTable **rejects, const char *where_and_why, guint64 n)
{
  if (*rejects == NULL)
    *rejects = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  *find_count (*rejects, where_and_why) += n;
}

guint64
weir_rejects_sum (GHashTable *rejects)
{
  GHashTableIter iter;
  gpointer key, count;
  guint64 sum = 0;

  if (rejects == NULL)
    return 0;
  g_hash_table_iter_init (&iter, rejects);
  while (g_hash_table_iter_next (&iter, &key, &count))
    sum += *(guint64 *) count;
  return sum;
}

void
weir_run_count_reject (WeirRun *run, const char *operator_name, const char *reason, guint64 n)
{
  g_autofree char *key = g_strdup_printf ("%s: %s", operator_name, reason);

  pthread_mutex_lock (&run->lock);
  weir_rejects_add (&run->rejects, key, n);
  pthread_mutex_unlock (&run->lock);
}
