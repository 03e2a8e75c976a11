/* Owns the worker threads. Knows nothing of what they do.
 *
 * `lock` guards generation, stop and n_busy; job and n_tasks are written under it before the generation moves; `next`
 * is atomic. Workers sleep on `wake`; the runner sleeps on `done`. SPDX-License-Identifier: Apache-2.0
 */
#include "engine/workers.h"

#include <pthread.h>

typedef struct {
  WeirWorkers *workers;
  pthread_t thread;
  guint index;
} Worker;

struct _WeirWorkers {
  pthread_mutex_t lock;
  pthread_cond_t wake;
  pthread_cond_t done;
  guint64 generation;
  gboolean stop;
  guint n_busy;
  WeirWorkFunc job;
  gpointer data;
  guint n_tasks;
  guint next;      /* atomic */
  guint n_threads; /* beside the runner */
  Worker threads[];
};

static void
work (WeirWorkers *workers, guint index)
{
  guint task;

  while ((task = __atomic_fetch_add (&workers->next, 1, __ATOMIC_RELAXED)) < workers->n_tasks)
    workers->job (task, index, workers->data);
}

static gpointer
worker_main (gpointer data)
{
  Worker *me = data;
  WeirWorkers *workers = me->workers;
  guint64 seen = 0;

  pthread_setname_np (pthread_self (), "weir-worker");
  pthread_mutex_lock (&workers->lock);
  for (;;) {
    while (workers->generation == seen && !workers->stop)
      pthread_cond_wait (&workers->wake, &workers->lock);
    if (workers->stop)
      break;
    seen = workers->generation;
    pthread_mutex_unlock (&workers->lock);
    work (workers, me->index);
    pthread_mutex_lock (&workers->lock);
    if (--workers->n_busy == 0)
      pthread_cond_signal (&workers->done);
  }
  pthread_mutex_unlock (&workers->lock);
  return NULL;
}

WeirWorkers *
weir_workers_new (guint n)
{
  guint n_threads = n > 1 ? n - 1 : 0;
  WeirWorkers *workers = g_malloc0 (sizeof (WeirWorkers) + n_threads * sizeof (Worker));

  pthread_mutex_init (&workers->lock, NULL);
  pthread_cond_init (&workers->wake, NULL);
  pthread_cond_init (&workers->done, NULL);
  for (guint i = 0; i < n_threads; i++) {
    workers->threads[i] = (Worker){ .workers = workers, .index = i + 1 };
    if (pthread_create (&workers->threads[i].thread, NULL, (void *(*) (void *) ) worker_main, &workers->threads[i]) !=
        0)
      break; /* fewer threads do the same work */
    workers->n_threads++;
  }
  return workers;
}

void
weir_workers_free (WeirWorkers *workers)
{
  if (workers == NULL)
    return;
  pthread_mutex_lock (&workers->lock);
  workers->stop = TRUE;
  pthread_cond_broadcast (&workers->wake);
  pthread_mutex_unlock (&workers->lock);
  for (guint i = 0; i < workers->n_threads; i++)
    pthread_join (workers->threads[i].thread, NULL);
  pthread_mutex_destroy (&workers->lock);
  pthread_cond_destroy (&workers->wake);
  pthread_cond_destroy (&workers->done);
  g_free (workers);
}

guint
weir_workers_count (const WeirWorkers *workers)
{
  return workers->n_threads + 1;
}

void
weir_workers_run (WeirWorkers *workers, guint n_tasks, gboolean alone, WeirWorkFunc f, gpointer data)
{
  if (alone || n_tasks < 2 || workers->n_threads == 0) {
    for (guint i = 0; i < n_tasks; i++)
      f (i, 0, data);
    return;
  }
  pthread_mutex_lock (&workers->lock);
  workers->job = f;
  workers->data = data;
  workers->n_tasks = n_tasks;
  __atomic_store_n (&workers->next, 0, __ATOMIC_RELAXED);
  workers->n_busy = workers->n_threads;
  workers->generation++;
  pthread_cond_broadcast (&workers->wake);
  pthread_mutex_unlock (&workers->lock);
  work (workers, 0);
  pthread_mutex_lock (&workers->lock);
  while (workers->n_busy > 0)
    pthread_cond_wait (&workers->done, &workers->lock);
  pthread_mutex_unlock (&workers->lock);
}
