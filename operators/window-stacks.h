/* A sliding aggregate of one value a batch, without an inverse: two stacks.
 *
 * `front` holds, for each of the window's older batches, what that one and those after it, up to where `back` begins,
 * come to; `back` what the younger ones come to. When the last of `front` has left, `back` becomes `front`. So a slide
 * costs three combinations in the mean, however long the window is (Tangwongsan, Hirzel, Schneider: "General incremental
 * sliding-window aggregation", 2015). Values are combined by the WeirFunction that is task->op's params.
 *
 * One thread at a time. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/saver.h"
#include "engine/task.h"

typedef struct _WeirStacks WeirStacks;

WeirStacks *weir_stacks_new (void);
void weir_stacks_free (WeirStacks *stacks);

/* What is as old as @until leaves. FALSE: the task has failed. */
gboolean weir_stacks_leave (WeirStacks *stacks, WeirTask *task, WeirTime until);
/* @time is later than all before. FALSE: the task has failed. */
gboolean weir_stacks_enter (WeirStacks *stacks, WeirTask *task, WeirTime time, WeirValue value);
/* What all come to; it may lie in task memory. FALSE: there is none. */
gboolean weir_stacks_result (const WeirStacks *stacks, WeirTask *task, WeirValue *value);

void weir_stacks_save (WeirStacks *stacks, WeirTask *task, WeirSaver *saver);
void weir_stacks_load (WeirStacks *stacks, WeirTask *task, const WeirSection *section);
