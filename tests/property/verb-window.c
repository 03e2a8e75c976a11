/* Verbs on windows: the model is the verb without a window, on all that the window holds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/property/verbs.h"

static gboolean
slides (const Node *node, const Shape *input, guint flags, Shape *result)
{
  *result = (Shape){ flags, node->slide > 0 ? node->slide : input->slide };
  return node->length > 0 && node->length % input->slide == 0 && node->slide % input->slide == 0;
}

static gboolean
window_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  return slides (node, inputs, inputs[0].flags, result);
}

static void
window_model (Model *model, guint node, guint batch, GArray *result)
{
  g_autoptr (GArray) all = model_window (model, node, batch);

  elements_append (result, all);
}

static WeirStream *
window_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_window (a, WEIR_SECONDS (node->length), WEIR_SECONDS (node->slide));
}

static gboolean
reduce_by_window_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  guint flags = inputs[0].flags & PAIRS ? inputs[0].flags & ORDERED : inputs[0].flags;

  return slides (node, inputs, inputs[0].flags | ORDERED, result) && fits_reduce (node->which, flags);
}

static void
reduce_by_window_model (Model *model, guint node, guint batch, GArray *result)
{
  g_autoptr (GArray) all = model_window (model, node, batch);

  if (all->len > 0)
    elements_add (result, reduced (&model->place, model_node (model, node)->which, all));
}

static WeirValue
subtract (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_kind (a) == WEIR_INT ? weir_int (a.integer - b.integer) : weir_float (a.number - b.number);
}

/* Sums have an inverse, which they are told every other time. */
static WeirReduceFunc
inverse (const Node *node)
{
  return node->which == REDUCE_SUM && node->n % 2 == 0 ? subtract : NULL;
}

static WeirStream *
reduce_by_window_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_reduce_by_window (a, reduce_function (node->which), inverse (node), WEIR_SECONDS (node->length),
                                WEIR_SECONDS (node->slide), NULL);
}

static gboolean
reduce_by_key_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  return slides (node, inputs, inputs[0].flags & ~(guint) ORDERED, result) && (inputs[0].flags & PAIRS) != 0 &&
         fits_reduce (node->which, inputs[0].flags);
}

static WeirValue
reduced_group (Place *place, const Node *node, const GArray *values, guint flags)
{
  return reduced (place, node->which, values);
}

static void
reduce_by_key_model (Model *model, guint node, guint batch, GArray *result)
{
  g_autoptr (GArray) all = model_window (model, node, batch);

  model_groups (model, node, all, reduced_group, result);
}

static WeirStream *
reduce_by_key_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_reduce_by_key_and_window (a, reduce_function (node->which), inverse (node), WEIR_SECONDS (node->length),
                                        WEIR_SECONDS (node->slide), NULL);
}

static gboolean
pairs_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  return slides (node, inputs, PAIRS, result) && (inputs[0].flags & PAIRS) != 0;
}

static void
aggregate_model (Model *model, guint node, guint batch, GArray *result)
{
  g_autoptr (GArray) all = model_window (model, node, batch);

  model_groups (model, node, all, summary_of, result);
}

static WeirStream *
aggregate_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_aggregate_by_key_and_window (a, &summary, WEIR_SECONDS (node->length), WEIR_SECONDS (node->slide));
}

static void
group_model (Model *model, guint node, guint batch, GArray *result)
{
  g_autoptr (GArray) all = model_window (model, node, batch);

  model_groups (model, node, all, listed, result);
}

static WeirStream *
group_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_group_by_key_and_window (a, WEIR_SECONDS (node->length), WEIR_SECONDS (node->slide));
}

static gboolean
count_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  return slides (node, inputs, NUMBERS | ORDERED, result);
}

static void
count_model (Model *model, guint node, guint batch, GArray *result)
{
  g_autoptr (GArray) all = model_window (model, node, batch);

  elements_add (result, weir_int (all->len));
}

static WeirStream *
count_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_count_by_window (a, WEIR_SECONDS (node->length), WEIR_SECONDS (node->slide));
}

static gboolean
count_by_value_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  return slides (node, inputs, PAIRS | NUMBERS, result);
}

static WeirValue
size_of_group (Place *place, const Node *node, const GArray *values, guint flags)
{
  return weir_int (values->len);
}

static void
count_by_value_model (Model *model, guint node, guint batch, GArray *result)
{
  g_autoptr (GArray) all = model_window (model, node, batch);
  g_autoptr (GArray) pairs = elements_new ();

  for (guint i = 0; i < all->len; i++)
    elements_add (pairs, place_pair (&model->place, elements_at (all, i), weir_nil ()));
  model_groups (model, node, pairs, size_of_group, result);
}

static WeirStream *
count_by_value_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_count_by_value_and_window (a, WEIR_SECONDS (node->length), WEIR_SECONDS (node->slide));
}

const Verb window_verbs[] = {
  { "window", 1, window_shape, window_model, window_build },
  { "reduce_by_window", 1, reduce_by_window_shape, reduce_by_window_model, reduce_by_window_build,
    .n_which = N_REDUCES },
  { "reduce_by_key_and_window", 1, reduce_by_key_shape, reduce_by_key_model, reduce_by_key_build, NULL, TRUE,
    N_REDUCES },
  { "aggregate_by_key_and_window", 1, pairs_shape, aggregate_model, aggregate_build, NULL, TRUE },
  { "group_by_key_and_window", 1, pairs_shape, group_model, group_build, NULL, TRUE, .sorts_lists = TRUE },
  { "count_by_window", 1, count_shape, count_model, count_build },
  { "count_by_value_and_window", 1, count_by_value_shape, count_by_value_model, count_by_value_build, NULL, TRUE },
  { NULL },
};
