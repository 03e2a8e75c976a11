/* Owns how a verb becomes a stream of the graph or a dataset of the batch. Must not know any verb.
 * Threads: see verb.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/verb.h"

#include <weir/error.h>

#define DATASET_SALT ((guint64) 1 << 32) /* above those of streams */

void
weir_verb_clear (WeirVerb *verb)
{
  if (verb->params != NULL && verb->klass->params_clear != NULL)
    verb->klass->params_clear (verb->params);
  g_clear_pointer (&verb->params, g_free);
  g_clear_pointer (&verb->mistake, g_free);
}

WeirStream *
weir_verb_on_streams (WeirVerb verb, WeirStream *const *parents, guint n_parents)
{
  WeirStream *stream = weir_stream_new (NULL, verb.klass, verb.params, parents, n_parents);

  stream->asked_partitions = verb.n_partitions;
  if (verb.mistake != NULL)
    weir_stream_mistake (stream, "%s", verb.mistake);
  g_free (verb.mistake);
  return stream;
}

WeirStream *
weir_verb_on_stream (WeirVerb verb, WeirStream *parent)
{
  return weir_verb_on_streams (verb, &parent, 1);
}

static WeirOp *
op_new (const WeirVerb *verb, const WeirRun *run)
{
  guint n_asked = verb->n_partitions > 0 ? verb->n_partitions : run->n_partitions;
  guint n_datasets = run->datasets != NULL ? run->datasets->len : 0;
  WeirOp *op = g_new0 (WeirOp, 1);

  op->klass = verb->klass;
  op->params = verb->params;
  op->name =
      run->asker != NULL ? g_strdup_printf ("%s in %s", verb->klass->verb, run->asker) : g_strdup (verb->klass->verb);
  op->rejects_to = run->rejects_for;
  op->keep_rejects = run->rejects_for != NULL;
  op->salt = verb->salt > 0 ? verb->salt : DATASET_SALT + n_datasets;
  op->n_slices = verb->klass->flags & WEIR_OP_ONE_SLICE ? 1 : MAX (n_asked, 1);
  return op;
}

/* The batch that all parents belong to. NULL: there is none, since they are of another time. */
static WeirRun *
common_run (WeirDataset *const *parents, guint n_parents, gboolean *is_common)
{
  WeirRun *run = weir_dataset_run_of (parents[0]);

  *is_common = TRUE;
  for (guint i = 1; i < n_parents; i++) {
    WeirRun *other = weir_dataset_run_of (parents[i]);

    *is_common &= other == run;
    run = run != NULL ? run : other;
  }
  return run;
}

static void
fail (WeirRun *run, const WeirOp *op, const char *what)
{
  weir_run_take_error (run, g_error_new (WEIR_ERROR, WEIR_ERROR_GRAPH, "%s: %s", op->name, what));
}

WeirDataset *
weir_verb_on_datasets (WeirVerb verb, WeirDataset *const *parents, guint n_parents)
{
  gboolean is_common;
  WeirDataset *dataset;
  WeirRun *run;

  for (guint i = 0; i < n_parents; i++)
    if (parents[i] == NULL) {
      g_critical ("weir_dataset_%s () needs a dataset, got NULL: pass what it works on", verb.klass->verb);
      weir_verb_clear (&verb);
      return NULL;
    }
  run = common_run (parents, n_parents, &is_common);
  if (run == NULL) {
    weir_verb_clear (&verb);
    return parents[0]; /* whoever asks it for anything hears that its batch is over */
  }
  dataset = weir_dataset_new_node (run, op_new (&verb, run), parents, n_parents);
  dataset->owns_op = TRUE;
  for (guint i = 0; i < n_parents; i++)
    parents[i]->n_uses++;
  if (!is_common)
    fail (run, dataset->op, "takes datasets of different batches or contexts: use those that the function was given");
  else if (verb.mistake != NULL)
    fail (run, dataset->op, verb.mistake);
  g_free (verb.mistake);
  return dataset;
}

WeirDataset *
weir_verb_on_dataset (WeirVerb verb, WeirDataset *parent)
{
  return weir_verb_on_datasets (verb, &parent, 1);
}
