/* Owns the running of a stage: builds the chain of links for each task, drives it, gathers what the terminal gives.
 *
 * weir_stage_run () is called on the runner; run_task () runs on workers, each task touching only its own result.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/stage.h"

#include <string.h>

#include "engine/source.h"
#include "engine/workers.h"

/* Fewer elements than this are done before another thread has woken up. */
#define ALONE_BELOW 2048

typedef struct {
  gpointer output;
  guint64 n_elements;
  GArray *rejects; /* of Rejects, in order of the chain; NULL: none */
} Result;

typedef struct {
  WeirPartition *partition;
  WeirDataset *of;
} Rejects;

typedef struct {
  const WeirStage *stage;
  Result *results;
} Work;

typedef struct {
  WeirDataset *dataset;
  Result *results; /* by slice */
} Advance;

void
weir_pipeline_clear (WeirPipeline *pipeline)
{
  g_ptr_array_unref (pipeline->chain);
}

static gboolean
read_kept (WeirTask *task, WeirReader *reader)
{
  guint *at = reader->state;
  GArray *chunks = task->task_run->kept->chunks;

  if (*at < chunks->len)
    weir_task_forward (task, &g_array_index (chunks, WeirChunk, (*at)++));
  return *at < chunks->len;
}

static const WeirOpClass kept_class = {
  .verb = "kept",
  .kind = WEIR_OP_SOURCE,
  .reader_size = sizeof (guint),
  .read = read_kept,
};

static guint
slice_partitions (const WeirDataset *dataset)
{
  return dataset->is_kept ? dataset->n_partitions : dataset->op->n_slices;
}

/* The terminal's link; *n_left: how many of the chain's datasets still need links of their own. */
static WeirTask *
build_terminal (WeirTaskRun *task_run, const WeirStage *stage, const WeirPipeline *pipeline, guint *n_left)
{
  WeirDataset *const *chain = (WeirDataset *const *) pipeline->chain->pdata;
  const WeirOpClass *klass = NULL;
  guint n_absorbed = 0;
  WeirTask *task;

  if (stage->klass->fuse != NULL)
    klass = stage->klass->fuse (stage->terminal, chain, pipeline->chain->len, &n_absorbed);
  *n_left = pipeline->chain->len - n_absorbed;
  task = weir_task_link_new (task_run, stage->terminal, klass != NULL ? klass : stage->klass, NULL);
  if (task != NULL && n_absorbed > 0)
    task->absorbed = chain + *n_left;
  return task;
}

static WeirTask *
build_chain (WeirTaskRun *task_run, const WeirStage *stage, const WeirPipeline *pipeline)
{
  const WeirDataset *origin = pipeline->origin;
  guint n_left;
  WeirTask *task = build_terminal (task_run, stage, pipeline, &n_left);

  for (guint i = n_left; i > 0 && task != NULL; i--) {
    const WeirDataset *dataset = g_ptr_array_index (pipeline->chain, i - 1);

    task = weir_task_link_new (task_run, dataset->op, dataset->op->klass, task);
    if (task != NULL)
      task->is_again = dataset->has_run;
  }
  if (task != NULL)
    task = weir_task_link_new (task_run, origin->op, origin->is_kept ? &kept_class : origin->op->klass, task);
  task_run->first = task_run->ending = task;
  return task;
}

static gboolean
open_reader (WeirTaskRun *task_run, WeirDataset *dataset, const WeirOpClass *klass)
{
  WeirReader *reader = &task_run->reader;

  *reader = (WeirReader){ .dataset = dataset, .op = dataset->op, .partition = task_run->partition };
  reader->exchange = dataset->exchange;
  reader->plan = dataset->plan;
  if (dataset->op->slices != NULL && dataset->op->klass->kind == WEIR_OP_WIDE)
    reader->slice = dataset->op->slices[task_run->partition];
  reader->state = weir_arena_alloc (task_run->frame, klass->reader_size);
  if (reader->state == NULL)
    return FALSE;
  memset (reader->state, 0, klass->reader_size);
  return TRUE;
}

static WeirTask *
terminal_of (WeirTaskRun *task_run)
{
  WeirTask *task = task_run->first;

  while (task->next != NULL)
    task = task->next;
  return task;
}

static void
drive (WeirTaskRun *task_run)
{
  WeirTask *terminal = terminal_of (task_run);

  for (WeirTask *task = task_run->first->next; task != NULL; task = task->next)
    if (task->klass->open != NULL)
      task->klass->open (task);
  if ((terminal->klass->flags & WEIR_OP_PULLS) == 0)
    while (weir_task_is_going (terminal) && weir_task_pull (terminal))
      ;
  if (terminal->klass->end != NULL && weir_task_is_going (terminal))
    terminal->klass->end (terminal);
  if (task_run->first->klass->read_end != NULL)
    task_run->first->klass->read_end (task_run->first, &task_run->reader);
}

static void
add_rejects (Result *result, const WeirTask *task, WeirDataset *dataset)
{
  const Rejects rejects = { task->rejects, task->op->rejects_to != NULL ? task->op->rejects_to : dataset };

  if (task->rejects == NULL)
    return;
  if (result->rejects == NULL)
    result->rejects = g_array_new (FALSE, FALSE, sizeof (Rejects));
  g_array_append_val (result->rejects, rejects);
}

/* The dataset that the link at @i runs, whose next one is @task->next. */
static WeirDataset *
dataset_at (const WeirStage *stage, const WeirPipeline *pipeline, const WeirTask *task, guint i)
{
  if (i == 0)
    return pipeline->origin;
  return task->next != NULL ? g_ptr_array_index (pipeline->chain, i - 1) : stage->dataset;
}

static void
gather (WeirTaskRun *task_run, const WeirStage *stage, const WeirPipeline *pipeline, Result *result)
{
  WeirTask *task = task_run->first;

  for (guint i = 0; task != NULL; i++, task = task->next) {
    weir_task_end_rejects (task);
    if (task->next != NULL && task->next->next == NULL)
      result->n_elements = task->n_emitted;
    add_rejects (result, task, dataset_at (stage, pipeline, task, i));
  }
  task = terminal_of (task_run);
  if (task->klass->seal != NULL)
    result->output = task->klass->seal (task);
}

static const WeirPipeline *
find_pipeline (const WeirStage *stage, guint task, guint *partition)
{
  const WeirPipeline *pipeline = (const WeirPipeline *) stage->pipelines->data;

  for (; task >= pipeline->n_partitions; pipeline++)
    task -= pipeline->n_partitions;
  *partition = task;
  return pipeline;
}

static void
fail_memory (WeirRun *run, const WeirOp *op)
{
  weir_run_take_error (run, g_error_new (WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
                                         "%s: no memory for a task: raise memory.limit (%" G_GSIZE_FORMAT " bytes)",
                                         op->name, weir_memory_limit (run->memory)));
}

static void
run_task (guint index, guint worker, gpointer data)
{
  Work *work = data;
  const WeirStage *stage = work->stage;
  WeirArena frame;
  WeirTaskRun task_run = { .run = stage->run, .frame = &frame, .index = index };
  const WeirPipeline *pipeline = find_pipeline (stage, index, &task_run.partition);
  WeirDataset *origin = pipeline->origin;

  if (weir_run_has_failed (stage->run))
    return;
  weir_arena_init (&frame, stage->run->memory);
  weir_arena_init (&task_run.scratch, stage->run->memory);
  task_run.input = pipeline->input;
  if (origin->is_kept)
    task_run.kept = origin->partitions[task_run.partition];
  if (build_chain (&task_run, stage, pipeline) != NULL && open_reader (&task_run, origin, task_run.first->klass)) {
    /* Users count the partitions of what they see, which a union numbers on. */
    task_run.partition = index;
    drive (&task_run);
    gather (&task_run, stage, pipeline, &work->results[index]);
  } else {
    fail_memory (stage->run, stage->terminal);
  }
  weir_arena_clear (&task_run.scratch);
  weir_arena_clear (&frame);
}

static void
keep_rejects (Result *result)
{
  for (guint i = 0; result->rejects != NULL && i < result->rejects->len; i++) {
    const Rejects *rejects = &g_array_index (result->rejects, Rejects, i);

    if (rejects->of->rejects == NULL)
      rejects->of->rejects = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_partition_unref);
    g_ptr_array_add (rejects->of->rejects, rejects->partition);
  }
  g_clear_pointer (&result->rejects, g_array_unref);
}

static guint64
weigh (const WeirPipeline *pipeline)
{
  const WeirDataset *origin = pipeline->origin;
  const WeirPlan *plan = origin->plan;
  guint64 n = 0;

  if (origin->is_kept)
    for (guint i = 0; i < origin->n_partitions; i++)
      n += origin->partitions[i]->n_elements;
  else if (plan != NULL)
    n = plan->n_records >= 0 ? (guint64) plan->n_records : plan->n_bytes / 32;
  else if (origin->op->slices != NULL)
    n = ALONE_BELOW;
  else if (origin->exchange != NULL)
    n = origin->exchange->n_elements;
  return n;
}

static void
note_run (const WeirStage *stage)
{
  for (guint i = 0; i < stage->pipelines->len; i++) {
    const GPtrArray *chain = g_array_index (stage->pipelines, WeirPipeline, i).chain;

    for (guint k = 0; k < chain->len; k++)
      ((WeirDataset *) g_ptr_array_index (chain, k))->has_run = TRUE;
  }
}

gboolean
weir_stage_run (const WeirStage *stage, gpointer **outputs, guint *n_outputs, guint64 *n_elements)
{
  guint n = 0;
  guint64 weight = 0, total = 0;
  Work work = { .stage = stage };

  for (guint i = 0; i < stage->pipelines->len; i++) {
    n += g_array_index (stage->pipelines, WeirPipeline, i).n_partitions;
    weight += weigh (&g_array_index (stage->pipelines, WeirPipeline, i));
  }
  work.results = g_new0 (Result, n);
  weir_workers_run (stage->run->workers, n, weight < ALONE_BELOW, run_task, &work);
  note_run (stage);
  *outputs = g_new0 (gpointer, n);
  *n_outputs = n;
  for (guint i = 0; i < n; i++) {
    (*outputs)[i] = work.results[i].output;
    total += work.results[i].n_elements;
    keep_rejects (&work.results[i]);
  }
  if (n_elements != NULL)
    *n_elements = total;
  g_free (work.results);
  return !weir_run_has_failed (stage->run);
}

static void
advance_task (guint slice, guint worker, gpointer data)
{
  Advance *advance = data;
  WeirDataset *dataset = advance->dataset;
  WeirRun *run = dataset->run;
  WeirArena frame;
  WeirTaskRun task_run = { .run = run, .frame = &frame, .index = slice, .partition = slice };
  WeirTask *task;

  if (weir_run_has_failed (run))
    return;
  weir_arena_init (&frame, run->memory);
  weir_arena_init (&task_run.scratch, run->memory);
  task = weir_task_link_new (&task_run, dataset->op, dataset->op->klass, NULL);
  if (task != NULL && open_reader (&task_run, dataset, dataset->op->klass)) {
    task_run.first = task;
    dataset->op->klass->advance (task, &task_run.reader);
    weir_task_end_rejects (task);
    add_rejects (&advance->results[slice], task, dataset);
  } else {
    fail_memory (run, dataset->op);
  }
  weir_arena_clear (&task_run.scratch);
  weir_arena_clear (&frame);
}

gboolean
weir_stage_advance (WeirDataset *dataset)
{
  guint n_slices = slice_partitions (dataset);
  Advance advance = { dataset, g_new0 (Result, n_slices) };
  guint64 n_written = dataset->exchange->n_elements;
  gboolean alone = n_written + __atomic_load_n (&dataset->op->size_hint, __ATOMIC_RELAXED) < ALONE_BELOW;

  weir_workers_run (dataset->run->workers, n_slices, alone, advance_task, &advance);
  for (guint i = 0; i < n_slices; i++)
    keep_rejects (&advance.results[i]);
  g_free (advance.results);
  return !weir_run_has_failed (dataset->run);
}
