/* Owns a record of counts. The runner appends to it under `lock` and signals `changed`.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/integration/tally.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "tests/integration/corpus.h"

#define DEADLINE_US WEIR_SECONDS (120)

typedef struct {
  WeirTime time;
  GHashTable *counts;
} Batch;

struct _Tally {
  pthread_mutex_t lock; /* guards the rest */
  pthread_cond_t changed;
  GArray *batches; /* of Batch */
  gint64 sum;
};

static void
batch_clear (gpointer data)
{
  g_hash_table_unref (((Batch *) data)->counts);
}

static gboolean
add_batch (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  Tally *tally = user_data;
  Batch batch = { time, corpus_table_new () };
  g_autoptr (GArray) pairs = weir_dataset_collect (data, error);

  for (guint i = 0; pairs != NULL && i < pairs->len; i++) {
    WeirValue pair = g_array_index (pairs, WeirValue, i), word = weir_key (pair);

    corpus_add (batch.counts, weir_data (word), weir_size (word), weir_as_int (weir_val (pair)));
  }
  pthread_mutex_lock (&tally->lock);
  g_array_append_val (tally->batches, batch);
  tally->sum += corpus_sum (batch.counts);
  pthread_cond_broadcast (&tally->changed);
  pthread_mutex_unlock (&tally->lock);
  return pairs != NULL;
}

Tally *
tally_new (WeirStream *counts)
{
  Tally *tally = g_new0 (Tally, 1);
  pthread_condattr_t attributes;

  pthread_mutex_init (&tally->lock, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&tally->changed, &attributes);
  pthread_condattr_destroy (&attributes);
  tally->batches = g_array_new (FALSE, FALSE, sizeof (Batch));
  g_array_set_clear_func (tally->batches, batch_clear);
  weir_foreach_batch (counts, add_batch, tally);
  return tally;
}

void
tally_free (Tally *tally)
{
  g_array_unref (tally->batches);
  pthread_cond_destroy (&tally->changed);
  pthread_mutex_destroy (&tally->lock);
  g_free (tally);
}

void
tally_await_sum (Tally *tally, gint64 n)
{
  gint64 end = g_get_monotonic_time () + DEADLINE_US;
  const struct timespec deadline = { end / G_USEC_PER_SEC, end % G_USEC_PER_SEC * 1000 };

  pthread_mutex_lock (&tally->lock);
  while (tally->sum < n)
    if (pthread_cond_timedwait (&tally->changed, &tally->lock, &deadline) == ETIMEDOUT)
      g_error ("%" G_GINT64_FORMAT " words were counted and not %" G_GINT64_FORMAT, tally->sum, n);
  pthread_mutex_unlock (&tally->lock);
}

gint64
tally_sum (Tally *tally)
{
  gint64 sum;

  pthread_mutex_lock (&tally->lock);
  sum = tally->sum;
  pthread_mutex_unlock (&tally->lock);
  return sum;
}

guint
tally_n_batches (Tally *tally)
{
  return tally->batches->len;
}

WeirTime
tally_time (Tally *tally, guint batch)
{
  return g_array_index (tally->batches, Batch, batch).time;
}

char *
tally_text_between (Tally *tally, WeirTime after, WeirTime until)
{
  g_autoptr (GHashTable) all = corpus_table_new ();
  gpointer word, count;
  GHashTableIter iter;

  for (guint i = 0; i < tally->batches->len; i++) {
    const Batch *batch = &g_array_index (tally->batches, Batch, i);

    if (batch->time <= after || batch->time > until)
      continue;
    g_hash_table_iter_init (&iter, batch->counts);
    while (g_hash_table_iter_next (&iter, &word, &count))
      corpus_add (all, word, strlen (word), *(const gint64 *) count);
  }
  return corpus_text (all);
}

char *
tally_text (Tally *tally)
{
  return tally_text_between (tally, 0, G_MAXINT64);
}
