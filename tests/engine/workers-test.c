/* Tests of engine/workers: each task once, none before or after its stage, whatever the number of threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/workers.h"

#include <pthread.h>
#include <string.h>

#define MOST 1000

/* Written by workers while a stage runs, each task its own places; read by the test between stages. */
typedef struct {
  guint n_workers;
  guint calls[MOST];
  guint by[MOST];
  guint64 sum; /* atomic */
} Stage;

static void
note (guint task, guint worker, gpointer data)
{
  Stage *stage = data;

  g_assert_cmpuint (worker, <, stage->n_workers);
  stage->calls[task]++;
  stage->by[task] = worker;
  __atomic_add_fetch (&stage->sum, task, __ATOMIC_RELAXED);
}

static void
run_stage (WeirWorkers *workers, Stage *stage, guint n_tasks, gboolean alone)
{
  memset (stage, 0, sizeof *stage);
  stage->n_workers = weir_workers_count (workers);
  weir_workers_run (workers, n_tasks, alone, note, stage);
  for (guint i = 0; i < MOST; i++)
    g_assert_cmpuint (stage->calls[i], ==, i < n_tasks ? 1 : 0);
  g_assert_cmpuint (stage->sum, ==, n_tasks == 0 ? 0 : (guint64) n_tasks * (n_tasks - 1) / 2);
}

static void
every_task_runs_once_in_stage_after_stage (gconstpointer data)
{
  WeirWorkers *workers = weir_workers_new (GPOINTER_TO_UINT (data));
  Stage stage;

  g_assert_cmpuint (weir_workers_count (workers), ==, GPOINTER_TO_UINT (data));
  for (guint i = 0; i < 2000; i++)
    run_stage (workers, &stage, i % 5 == 0 ? i % (MOST + 1) : i % 5, FALSE);
  weir_workers_free (workers);
}

static void
alone_the_caller_does_all (gconstpointer data)
{
  WeirWorkers *workers = weir_workers_new (GPOINTER_TO_UINT (data));
  Stage stage;

  for (guint i = 0; i < 100; i++) {
    run_stage (workers, &stage, 50, TRUE);
    for (guint k = 0; k < 50; k++)
      g_assert_cmpuint (stage.by[k], ==, 0);
    run_stage (workers, &stage, 50, FALSE);
  }
  weir_workers_free (workers);
}

static void
no_workers_asked_for_is_one (void)
{
  WeirWorkers *workers = weir_workers_new (0);
  Stage stage;

  g_assert_cmpuint (weir_workers_count (workers), ==, 1);
  run_stage (workers, &stage, 10, FALSE);
  weir_workers_free (workers);
}

static void
workers_may_have_nothing_to_do (void)
{
  weir_workers_free (NULL);
  for (guint i = 0; i < 200; i++)
    weir_workers_free (weir_workers_new (1 + i % 8));
}

/* Tasks that wait for each other: they end only if each has a worker of its own. */
static void
meet (guint task, guint worker, gpointer data)
{
  pthread_barrier_wait (data);
}

static void
as_many_tasks_run_at_once_as_there_are_workers (gconstpointer data)
{
  guint n = GPOINTER_TO_UINT (data);
  WeirWorkers *workers = weir_workers_new (n);
  pthread_barrier_t barrier;

  pthread_barrier_init (&barrier, NULL, n);
  for (guint i = 0; i < 100; i++)
    weir_workers_run (workers, n, FALSE, meet, &barrier);
  pthread_barrier_destroy (&barrier);
  weir_workers_free (workers);
}

/* What one stage wrote without any lock, the next one reads on other threads. */
static void
fill (guint task, guint worker, gpointer data)
{
  ((guint *) data)[task] += task;
}

static void
check (guint task, guint worker, gpointer data)
{
  guint *values = data;

  for (guint i = 0; i < 64; i++)
    g_assert_cmpuint (values[i], ==, i * values[64]);
}

static void
a_stage_sees_all_that_the_one_before_wrote (gconstpointer data)
{
  WeirWorkers *workers = weir_workers_new (GPOINTER_TO_UINT (data));
  guint values[65] = { 0 };

  for (values[64] = 1; values[64] <= 300; values[64]++) {
    weir_workers_run (workers, 64, FALSE, fill, values);
    weir_workers_run (workers, 20, FALSE, check, values);
  }
  weir_workers_free (workers);
}

static void
add (const char *name, GTestDataFunc test)
{
  static const guint n_workers[] = { 1, 2, 7 };

  for (gsize i = 0; i < G_N_ELEMENTS (n_workers); i++) {
    g_autofree char *path = g_strdup_printf ("/workers/%s/%u", name, n_workers[i]);

    g_test_add_data_func (path, GUINT_TO_POINTER (n_workers[i]), test);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("every_task_runs_once_in_stage_after_stage", every_task_runs_once_in_stage_after_stage);
  add ("alone_the_caller_does_all", alone_the_caller_does_all);
  add ("as_many_tasks_run_at_once_as_there_are_workers", as_many_tasks_run_at_once_as_there_are_workers);
  add ("a_stage_sees_all_that_the_one_before_wrote", a_stage_sees_all_that_the_one_before_wrote);
  g_test_add_func ("/workers/no_workers_asked_for_is_one", no_workers_asked_for_is_one);
  g_test_add_func ("/workers/workers_may_have_nothing_to_do", workers_may_have_nothing_to_do);
  return g_test_run ();
}
