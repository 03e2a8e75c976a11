/* Verbs on all elements of a batch, of one stream or of several. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/property/verbs.h"

static gboolean
union_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  guint flags = inputs[0].flags & inputs[1].flags;

  /* NUMBERS and TEXTS are said of values where there are pairs, and of elements else; FLOATs and INTs don't mix. */
  if (((inputs[0].flags ^ inputs[1].flags) & (PAIRS | FLOATS)) != 0)
    flags &= PAIRS | ORDERED;
  *result = (Shape){ flags, inputs[0].slide };
  return inputs[0].slide == inputs[1].slide;
}

static void
union_model (Model *model, guint node, guint batch, GArray *result)
{
  elements_append (result, model_input (model, node, 0, batch));
  elements_append (result, model_input (model, node, 1, batch));
}

static WeirStream *
union_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_union (a, b);
}

static WeirDataset *
union_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_union (a, b);
}

static void
union_all_model (Model *model, guint node, guint batch, GArray *result)
{
  union_model (model, node, batch, result);
  elements_append (result, model_input (model, node, 0, batch));
}

static WeirStream *
union_all_build (const Node *node, WeirStream *a, WeirStream *b)
{
  WeirStream *all[] = { a, b, a };

  return weir_union_all (all, G_N_ELEMENTS (all));
}

static WeirDataset *
in_turn (WeirDataset *const *data, gsize n, WeirTime time, gpointer user_data, GError **error)
{
  WeirDataset *all = data[0];

  for (gsize i = 1; i < n; i++)
    all = weir_dataset_union (all, data[i]);
  return all;
}

static WeirStream *
transform_all_build (const Node *node, WeirStream *a, WeirStream *b)
{
  WeirStream *all[] = { a, b, a };

  return weir_transform_all (all, G_N_ELEMENTS (all), in_turn, NULL);
}

static gboolean
count_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = (Shape){ NUMBERS | ORDERED, inputs[0].slide };
  return TRUE;
}

static void
count_model (Model *model, guint node, guint batch, GArray *result)
{
  elements_add (result, weir_int (model_input (model, node, 0, batch)->len));
}

static WeirStream *
count_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_count (a);
}

/* The function of transform counts, and makes a dataset of the number. */
static WeirDataset *
count_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  gsize n = 0;
  WeirValue value;

  if (!weir_dataset_count (a, &n, NULL))
    return NULL;
  value = weir_int ((gint64) n);
  return weir_dataset_new (a, &value, 1);
}

static gboolean
reduce_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = (Shape){ inputs[0].flags | ORDERED, inputs[0].slide };
  return fits_reduce (node->which, inputs[0].flags & PAIRS ? inputs[0].flags & ORDERED : inputs[0].flags);
}

static void
reduce_model (Model *model, guint node, guint batch, GArray *result)
{
  const GArray *input = model_input (model, node, 0, batch);

  if (input->len > 0)
    elements_add (result, reduced (&model->place, model_node (model, node)->which, input));
}

static WeirStream *
reduce_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_reduce (a, reduce_function (node->which), NULL);
}

static gboolean
sorted_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = (Shape){ inputs[0].flags | ORDERED, inputs[0].slide };
  return node->which != ORDER_OF_CLASSES || (inputs[0].flags & ORDERED) != 0;
}

static gint
compare_by (gconstpointer a, gconstpointer b, gpointer node)
{
  return run_compare (*(const WeirValue *) a, *(const WeirValue *) b, node);
}

/* Stable, as g_array_sort_with_data () is: what is equal in the order stays as it was. */
static void
sort_model (Model *model, guint node, guint batch, GArray *result)
{
  elements_append (result, model_input (model, node, 0, batch));
  g_array_sort_with_data (result, compare_by, (gpointer) model_node (model, node));
}

static WeirDataset *
sort_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_sort_by (a, node->which == ORDER_NULL ? NULL : run_compare, (gpointer) node);
}

static void
top_model (Model *model, guint node, guint batch, GArray *result)
{
  sort_model (model, node, batch, result);
  g_array_set_size (result, MIN (result->len, model_node (model, node)->n));
}

static WeirStream *
top_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_top (a, node->n, node->which == ORDER_NULL ? NULL : run_compare, (gpointer) node);
}

static WeirDataset *
top_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_top (a, node->n, node->which == ORDER_NULL ? NULL : run_compare, (gpointer) node);
}

static gboolean
take_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = inputs[0];
  return (inputs[0].flags & ORDERED) != 0;
}

static void
take_model (Model *model, guint node, guint batch, GArray *result)
{
  elements_append (result, model_input (model, node, 0, batch));
  g_array_set_size (result, MIN (result->len, model_node (model, node)->n));
}

static WeirDataset *
take_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  g_autoptr (GArray) values = weir_dataset_take (a, node->n, NULL);

  return values != NULL ? weir_dataset_new (a, (const WeirValue *) values->data, values->len) : NULL;
}

static void
distinct_model (Model *model, guint node, guint batch, GArray *result)
{
  const GArray *input = model_input (model, node, 0, batch);
  g_autoptr (GArray) groups = groups_new ();

  for (guint i = 0; i < input->len; i++)
    groups_touch (groups, elements_at (input, i));
  for (guint i = 0; i < groups->len; i++)
    elements_add (result, g_array_index (groups, Group, i).key);
}

static WeirDataset *
distinct_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_distinct (a);
}

const Verb gather_verbs[] = {
  { "union", 2, union_shape, union_model, union_build, union_on_dataset },
  { "union_all", 2, union_shape, union_all_model, union_all_build, NULL },
  { "transform_all", 2, union_shape, union_all_model, transform_all_build, NULL },
  { "count", 1, count_shape, count_model, count_build, count_on_dataset },
  { "reduce", 1, reduce_shape, reduce_model, reduce_build, NULL, .n_which = N_REDUCES },
  { "top", 1, sorted_shape, top_model, top_build, top_on_dataset, .n_which = N_ORDERS },
  { "sort_by", 1, sorted_shape, sort_model, NULL, sort_on_dataset, .n_which = N_ORDERS },
  { "take", 1, take_shape, take_model, NULL, take_on_dataset },
  { "distinct", 1, shape_unordered, distinct_model, NULL, distinct_on_dataset },
  { NULL },
};
