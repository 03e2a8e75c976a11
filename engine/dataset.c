/* Owns datasets: how one is computed from its parents. Narrow operators join their parent's pipelines, unions append
 * them, wide operators write an exchange first and are read slice by slice; what more than one asks for is kept.
 *
 * Runner thread only; the stages that it starts run on workers.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/dataset.h"

#include "engine/source.h"
#include "engine/stage.h"

typedef struct {
  GArray *pipelines; /* of WeirPipeline, in order */
  guint input;
} Plan;

static gboolean collect (WeirDataset *dataset, Plan *plan, GError **error);

WeirDataset *
weir_dataset_new_node (WeirRun *run, const WeirOp *op, WeirDataset *const *parents, guint n_parents)
{
  WeirDataset *dataset = g_new0 (WeirDataset, 1);

  dataset->run = run;
  dataset->op = op;
  dataset->parents = g_memdup2 (parents, n_parents * sizeof *parents);
  dataset->n_parents = n_parents;
  if (run->datasets == NULL)
    run->datasets = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_dataset_free);
  g_ptr_array_add (run->datasets, dataset);
  return dataset;
}

static void
exchange_free (WeirExchange *exchange, void (*output_free) (gpointer))
{
  for (guint i = 0; i < exchange->n_outputs; i++)
    if (exchange->outputs[i] != NULL)
      output_free (exchange->outputs[i]);
  for (guint i = 0; i < exchange->n_slices; i++)
    if (exchange->merged[i] != NULL)
      output_free (exchange->merged[i]);
  g_free (exchange->outputs);
  g_free (exchange->inputs);
  g_free (exchange->merged);
  g_free (exchange);
}

static void
op_free (WeirOp *op)
{
  if (op->params != NULL && op->klass->params_clear != NULL)
    op->klass->params_clear (op->params);
  g_free (op->params);
  g_free ((char *) op->name);
  g_free (op);
}

void
weir_dataset_clear (WeirDataset *dataset)
{
  for (guint i = 0; i < dataset->n_partitions; i++)
    weir_partition_unref (dataset->partitions[i]);
  if (dataset->exchange != NULL)
    exchange_free (dataset->exchange, dataset->op->klass->output_free);
  if (dataset->rejects != NULL)
    g_ptr_array_unref (dataset->rejects);
  if (dataset->owns_op)
    op_free ((WeirOp *) dataset->op);
  g_free (dataset->partitions);
  g_free (dataset->parents);
  *dataset = (WeirDataset){ 0 };
}

void
weir_dataset_free (WeirDataset *dataset)
{
  weir_dataset_clear (dataset);
  g_free (dataset);
}

static void
plan_init (Plan *plan)
{
  plan->pipelines = g_array_new (FALSE, FALSE, sizeof (WeirPipeline));
  g_array_set_clear_func (plan->pipelines, (GDestroyNotify) weir_pipeline_clear);
  plan->input = 0;
}

static void
add_origin (WeirDataset *dataset, guint n_partitions, Plan *plan)
{
  WeirPipeline pipeline = { .origin = dataset, .chain = g_ptr_array_new (), .n_partitions = n_partitions };

  pipeline.input = plan->input;
  g_array_append_val (plan->pipelines, pipeline);
}

/* Writes the exchange of a wide operator: all its parents' pipelines, as one stage. */
static gboolean
write_exchange (WeirDataset *dataset, GError **error)
{
  WeirStage stage = { dataset->run, NULL, dataset->op, dataset->op->klass, dataset };
  WeirExchange *exchange;
  Plan plan;
  guint task = 0;
  gboolean ok = TRUE;

  if (dataset->exchange != NULL)
    return TRUE;
  plan_init (&plan);
  for (; plan.input < dataset->n_parents && ok; plan.input++)
    ok = collect (dataset->parents[plan.input], &plan, error);
  if (ok) {
    stage.pipelines = plan.pipelines;
    exchange = dataset->exchange = g_new0 (WeirExchange, 1);
    ok = weir_stage_run (&stage, &exchange->outputs, &exchange->n_outputs, &exchange->n_elements) ||
         weir_run_report (dataset->run, error);
    exchange->n_slices = dataset->op->n_slices;
    exchange->merged = g_new0 (gpointer, exchange->n_slices);
    exchange->inputs = g_new0 (guint, exchange->n_outputs);
    for (guint i = 0; i < plan.pipelines->len; i++)
      for (guint k = 0; k < g_array_index (plan.pipelines, WeirPipeline, i).n_partitions; k++)
        exchange->inputs[task++] = g_array_index (plan.pipelines, WeirPipeline, i).input;
  }
  g_array_unref (plan.pipelines);
  return ok;
}

gboolean
weir_dataset_advance (WeirDataset *dataset, GError **error)
{
  gboolean ok;

  if (dataset->is_advanced)
    return TRUE;
  dataset->is_advanced = TRUE;
  if (dataset->op->klass->kind == WEIR_OP_COMPUTED)
    return weir_dataset_keep (dataset, error);
  ok = write_exchange (dataset, error);
  return ok && (weir_stage_advance (dataset) || weir_run_report (dataset->run, error));
}

static gboolean
collect_wide (WeirDataset *dataset, Plan *plan, GError **error)
{
  gboolean every_batch = (dataset->op->klass->flags & WEIR_OP_EVERY_BATCH) != 0;

  if (every_batch ? !weir_dataset_advance (dataset, error) : !write_exchange (dataset, error))
    return FALSE;
  add_origin (dataset, dataset->op->n_slices, plan);
  return TRUE;
}

static gboolean
collect_narrow (WeirDataset *dataset, Plan *plan, GError **error)
{
  guint from = plan->pipelines->len;

  for (guint i = 0; i < dataset->n_parents; i++)
    if (!collect (dataset->parents[i], plan, error))
      return FALSE;
  for (guint i = from; i < plan->pipelines->len && dataset->op->klass->kind == WEIR_OP_NARROW; i++)
    g_ptr_array_add (g_array_index (plan->pipelines, WeirPipeline, i).chain, dataset);
  return TRUE;
}

/* Once; whoever asks again hears of the same failure. */
static gboolean
settle (WeirDataset *dataset, GError **error)
{
  GError *failure = NULL;

  if (dataset->is_settled)
    return TRUE;
  if (weir_run_has_failed (dataset->run))
    return weir_run_report (dataset->run, error);
  dataset->is_settled = dataset->op->klass->compute (dataset, &failure);
  if (dataset->is_settled)
    return TRUE;
  weir_run_take_error (dataset->run, g_error_copy (failure));
  g_propagate_error (error, failure);
  return FALSE;
}

static gboolean
collect_fresh (WeirDataset *dataset, Plan *plan, GError **error)
{
  switch (dataset->op->klass->kind) {
  case WEIR_OP_SOURCE:
    add_origin (dataset, ((WeirPlan *) dataset->plan)->n_partitions, plan);
    return TRUE;
  case WEIR_OP_WIDE:
    return collect_wide (dataset, plan, error);
  case WEIR_OP_DEFERRED:
    return settle (dataset, error) && collect_narrow (dataset, plan, error);
  case WEIR_OP_NARROW:
  case WEIR_OP_UNION:
    return collect_narrow (dataset, plan, error);
  default:
    g_assert_not_reached ();
  }
}

/* Appends the pipelines that make @dataset. */
static gboolean
collect (WeirDataset *dataset, Plan *plan, GError **error)
{
  gboolean must_keep = dataset->n_uses > 1 || dataset->n_handed > 0 || dataset->op->klass->kind == WEIR_OP_COMPUTED;

  if (must_keep && !weir_dataset_keep (dataset, error))
    return FALSE;
  if (!dataset->is_kept)
    return collect_fresh (dataset, plan, error);
  add_origin (dataset, dataset->n_partitions, plan);
  return TRUE;
}

/* The terminal that keeps: into a partition of its own. */
static void
keep_open (WeirTask *task)
{
  gboolean deep = GPOINTER_TO_INT (task->op->params);

  *(WeirPartition **) task->instance = weir_partition_new (task->task_run->run->memory);
  if (!deep)
    task->task_run->keep = TRUE;
}

static void
keep_process (WeirTask *task, const WeirChunk *in)
{
  WeirPartition *partition = *(WeirPartition **) task->instance;

  if (!weir_partition_append (partition, in, GPOINTER_TO_INT (task->op->params)))
    weir_task_fail_memory (task);
}

/* Shallow chunks point into the task's scratch, which therefore joins the partition. */
static gpointer
keep_seal (WeirTask *task)
{
  WeirPartition *partition = *(WeirPartition **) task->instance;
  WeirArena *scratch = &task->task_run->scratch;
  WeirBlock **end = &partition->arena.blocks;

  if (GPOINTER_TO_INT (task->op->params))
    return partition;
  while (*end != NULL)
    end = &(*end)->next;
  *end = scratch->blocks;
  weir_arena_init (scratch, scratch->memory);
  return partition;
}

static const WeirOpClass keep_class = {
  .verb = "keep",
  .kind = WEIR_OP_TERMINAL,
  .instance_size = sizeof (WeirPartition *),
  .open = keep_open,
  .process = keep_process,
  .seal = keep_seal,
};

gboolean
weir_dataset_each_chunk (const WeirDataset *dataset, WeirChunkFunc f, gpointer data)
{
  for (guint i = 0; i < dataset->n_partitions; i++) {
    const GArray *chunks = dataset->partitions[i]->chunks;

    for (guint k = 0; k < chunks->len; k++)
      if (!f (&g_array_index (chunks, WeirChunk, k), data))
        return FALSE;
  }
  return TRUE;
}

static gboolean
run_pipelines (WeirDataset *dataset, Plan *plan, const WeirOp *terminal, gpointer **outputs, guint *n_outputs,
               GError **error)
{
  WeirStage stage = { weir_dataset_run_of (dataset), plan->pipelines, terminal, terminal->klass, NULL };

  return weir_stage_run (&stage, outputs, n_outputs, NULL) || weir_run_report (stage.run, error);
}

gboolean
weir_dataset_run (WeirDataset *dataset, const WeirOp *terminal, gpointer **outputs, guint *n_outputs, GError **error)
{
  gboolean ok;
  Plan plan;

  *outputs = NULL;
  *n_outputs = 0;
  plan_init (&plan);
  ok = collect (dataset, &plan, error) && run_pipelines (dataset, &plan, terminal, outputs, n_outputs, error);
  g_array_unref (plan.pipelines);
  return ok;
}

gboolean
weir_dataset_hold (WeirDataset *dataset, gboolean deep, WeirPartition ***partitions, guint *n_partitions,
                   GError **error)
{
  const WeirOp terminal = { .klass = &keep_class, .name = dataset->op->name, .params = GINT_TO_POINTER (deep) };

  return weir_dataset_run (dataset, &terminal, (gpointer **) partitions, n_partitions, error);
}

gboolean
weir_dataset_keep (WeirDataset *dataset, GError **error)
{
  const WeirOp terminal = { .klass = &keep_class, .name = dataset->op->name };
  gboolean ok;
  Plan plan;

  if (dataset->is_kept)
    return TRUE;
  if (weir_run_has_failed (dataset->run))
    return weir_run_report (dataset->run, error);
  if (dataset->op->klass->kind == WEIR_OP_COMPUTED) {
    dataset->is_kept = dataset->op->klass->compute (dataset, error);
    return dataset->is_kept;
  }
  plan_init (&plan);
  ok = collect_fresh (dataset, &plan, error) &&
       run_pipelines (dataset, &plan, &terminal, (gpointer **) &dataset->partitions, &dataset->n_partitions, error);
  dataset->is_kept = ok;
  g_array_unref (plan.pipelines);
  return ok;
}

gboolean
weir_dataset_count_partitions (WeirDataset *dataset, guint *n, GError **error)
{
  gboolean ok;
  Plan plan;

  plan_init (&plan);
  ok = collect (dataset, &plan, error);
  *n = 0;
  for (guint i = 0; i < plan.pipelines->len; i++)
    *n += g_array_index (plan.pipelines, WeirPipeline, i).n_partitions;
  g_array_unref (plan.pipelines);
  return ok;
}
