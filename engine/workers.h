/* The worker pool: a stage's tasks, taken one after the other by an atomic index. The runner that starts a stage is
 * worker 0 and works along, so that one worker needs no hand-over at all.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

typedef struct _WeirWorkers WeirWorkers;
typedef void (*WeirWorkFunc) (guint task, guint worker, gpointer data);

WeirWorkers *weir_workers_new (guint n);
void weir_workers_free (WeirWorkers *workers);
guint weir_workers_count (const WeirWorkers *workers);

/* Calls f for tasks 0 … n-1 and returns when all are done. With @alone the caller does all of them: work too small to
 * wake anybody for. One caller at a time. */
void weir_workers_run (WeirWorkers *workers, guint n_tasks, gboolean alone, WeirWorkFunc f, gpointer data);
