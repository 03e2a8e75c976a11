/* Owns transform: a stream that is, in each batch, the dataset that the job's function makes of its parents' datasets.
 * The function runs on the runner when the result is first asked for; what it builds is fused with what follows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/dataset.h>
#include <weir/error.h>

#include "engine/verb.h"

typedef struct {
  WeirTransformFunc one;
  WeirTransform2Func two;
  WeirTransformNFunc many;
  gpointer user_data;
} Transform;

static WeirDataset *
call (const Transform *params, WeirDataset *const *data, guint n, WeirTime time, GError **error)
{
  if (params->one != NULL)
    return params->one (data[0], time, params->user_data, error);
  if (params->two != NULL)
    return params->two (data[0], data[1], time, params->user_data, error);
  return params->many (data, n, time, params->user_data, error);
}

/* The function takes this operator's place among those who use the datasets; it may ask one of them more than once. */
static WeirDataset *
call_with_parents (WeirDataset *dataset, GError **error)
{
  WeirRun *run = dataset->run;
  const char *asker = run->asker;
  g_autofree WeirDataset **parents = g_memdup2 (dataset->parents, dataset->n_parents * sizeof *parents);
  WeirDataset *result;

  for (guint i = 0; i < dataset->n_parents; i++) {
    parents[i]->n_uses--;
    parents[i]->n_handed++;
  }
  run->asker = dataset->op->name;
  run->rejects_for = dataset->op->keep_rejects ? dataset : NULL;
  result = call (dataset->op->params, parents, dataset->n_parents, run->time, error);
  run->asker = asker;
  run->rejects_for = NULL;
  for (guint i = 0; i < dataset->n_parents; i++)
    parents[i]->n_handed--;
  return result;
}

static GError *
find_fault (const WeirDataset *dataset, const WeirDataset *result)
{
  if (result == NULL)
    return g_error_new (WEIR_ERROR, WEIR_ERROR_USER,
                        "the job's function returned NULL and set no error: return a dataset, such as the one that it "
                        "was given, or set an error that says what went wrong");
  if (weir_dataset_run_of (result) != dataset->run)
    return g_error_new (WEIR_ERROR, WEIR_ERROR_USER,
                        "the job's function returned a dataset of another batch or context: return one that it made "
                        "of those that it was given");
  return NULL;
}

static gboolean
transform_compute (WeirDataset *dataset, GError **error)
{
  GError *failure = NULL;
  WeirDataset *result = call_with_parents (dataset, &failure);

  if (failure == NULL)
    failure = find_fault (dataset, result);
  if (failure != NULL) {
    g_propagate_prefixed_error (error, failure, "%s: ", dataset->op->name);
    return FALSE;
  }
  dataset->parents[0] = result;
  dataset->n_parents = 1;
  result->n_uses++;
  return TRUE;
}

static WeirVerb
transform_verb (const WeirOpClass *klass, const Transform *params)
{
  WeirVerb verb = { .klass = klass, .params = g_memdup2 (params, sizeof *params) };

  if (params->one == NULL && params->two == NULL && params->many == NULL)
    verb.mistake = g_strdup_printf ("needs a function, got NULL: pass one to weir_%s ()", klass->verb);
  return verb;
}

static const WeirOpClass transform_class = {
  .verb = "transform",
  .kind = WEIR_OP_DEFERRED,
  .compute = transform_compute,
};

static const WeirOpClass transform_with_class = {
  .verb = "transform_with",
  .kind = WEIR_OP_DEFERRED,
  .compute = transform_compute,
};

static const WeirOpClass transform_all_class = {
  .verb = "transform_all",
  .kind = WEIR_OP_DEFERRED,
  .compute = transform_compute,
};

/**
 * weir_transform:
 * @s: the stream
 * @f: makes a dataset of what @s holds in the batch, with the verbs on datasets; it may also ask for elements
 * @user_data: handed to @f
 *
 * A stream that holds in each batch the dataset that @f returns: for what has no verb on streams, such as sorting, and
 * for joins with datasets that no stream made. @f is called once a batch, when the result is first asked for, empty
 * batches included; what it builds is run later, together with what follows. %NULL, an error that is set, or a dataset
 * of another batch fails the batch: with that error, or with %WEIR_ERROR_USER. Records that functions of the datasets'
 * verbs in @f reject are in weir_rejected() of the new stream, as far as what they belong to is computed.
 *
 * |[<!-- language="C" -->
 * static WeirDataset *
 * in_order (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
 * {
 *   return weir_dataset_sort_by (data, NULL, NULL);
 * }
 *
 * WeirStream *sorted = weir_transform (words, in_order, NULL);
 * ]|
 *
 * Called while the graph is built. @f runs on the runner, never twice at once, and may block.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_transform (WeirStream *s, WeirTransformFunc f, gpointer user_data)
{
  const Transform params = { .one = f, .user_data = user_data };

  return weir_verb_on_stream (transform_verb (&transform_class, &params), s);
}

/**
 * weir_transform_with:
 * @a: a stream
 * @b: a stream of the same context with the same slide; may be @a
 * @f: makes a dataset of what both hold in the batch
 * @user_data: handed to @f
 *
 * weir_transform() of two streams. Different slides or contexts are a mistake in the graph.
 *
 * Called while the graph is built. @f runs on the runner, never twice at once, and may block.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_transform_with (WeirStream *a, WeirStream *b, WeirTransform2Func f, gpointer user_data)
{
  const Transform params = { .two = f, .user_data = user_data };
  WeirStream *const parents[] = { a, b };

  return weir_verb_on_streams (transform_verb (&transform_with_class, &params), parents, G_N_ELEMENTS (parents));
}

/**
 * weir_transform_all:
 * @streams: (array length=n): streams of one context with one slide; one may be there more than once
 * @n: how many, at least 1
 * @f: makes a dataset of what all hold in the batch; it gets them in the order of @streams
 * @user_data: handed to @f
 *
 * weir_transform() of any number of streams. Different slides or contexts are a mistake in the graph.
 *
 * Called while the graph is built. @f runs on the runner, never twice at once, and may block.
 *
 * Returns: (transfer none): the new stream
 */
WeirStream *
weir_transform_all (WeirStream *const *streams, gsize n, WeirTransformNFunc f, gpointer user_data)
{
  const Transform params = { .many = f, .user_data = user_data };

  g_return_val_if_fail (streams != NULL && n > 0 && n <= G_MAXUINT, NULL);
  return weir_verb_on_streams (transform_verb (&transform_all_class, &params), streams, (guint) n);
}
