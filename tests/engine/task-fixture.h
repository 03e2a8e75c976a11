/* A task that has memory and nothing else, for what only asks weir_alloc().
 *
 * Belongs to one test, one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/memory.h"
#include "engine/task.h"

typedef struct {
  WeirMemory *memory;
  WeirTaskRun task_run;
  WeirTask task;
} TaskFixture;

static inline WeirTask *
task_fixture_init (TaskFixture *fixture)
{
  *fixture = (TaskFixture){ .memory = weir_memory_new (G_MAXSIZE) };
  weir_arena_init (&fixture->task_run.scratch, fixture->memory);
  fixture->task.task_run = &fixture->task_run;
  return &fixture->task;
}

static inline void
task_fixture_clear (TaskFixture *fixture)
{
  weir_arena_clear (&fixture->task_run.scratch);
  weir_memory_free (fixture->memory);
}
