/* Verbs that bring the values of a key together. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/property/verbs.h"

gboolean
shape_of_pairs (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = (Shape){ PAIRS, inputs[0].slide };
  return (inputs[0].flags & PAIRS) != 0;
}

void
model_groups (Model *model, guint node, const GArray *pairs, OfGroup f, GArray *result)
{
  const Node *self = model_node (model, node);
  guint flags = model->shapes[self->inputs[0]].flags;
  g_autoptr (GArray) groups = groups_new ();

  groups_add (groups, pairs);
  for (guint i = 0; i < groups->len; i++) {
    const Group *group = &g_array_index (groups, Group, i);

    elements_add (result, place_pair (&model->place, group->key, f (&model->place, self, group->values, flags)));
  }
}

WeirValue
reduced (Place *place, guint which, const GArray *values)
{
  WeirValue value = elements_at (values, 0);

  for (guint i = 1; i < values->len; i++)
    value = function_reduce (place, which, value, elements_at (values, i));
  return value;
}

static WeirValue
reduced_group (Place *place, const Node *node, const GArray *values, guint flags)
{
  return reduced (place, node->which, values);
}

static gboolean
reduce_by_key_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = (Shape){ inputs[0].flags & ~(guint) ORDERED, inputs[0].slide };
  return (inputs[0].flags & PAIRS) != 0 && fits_reduce (node->which, inputs[0].flags);
}

static void
reduce_by_key_model (Model *model, guint node, guint batch, GArray *result)
{
  model_groups (model, node, model_input (model, node, 0, batch), reduced_group, result);
}

static WeirStream *
reduce_by_key_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_reduce_by_key (a, reduce_function (node->which), NULL);
}

static WeirDataset *
reduce_by_key_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_reduce_by_key (a, reduce_function (node->which), NULL);
}

/* Where nothing is known of the order in which values come, they are put into their own. */
WeirValue
listed (Place *place, const Node *node, const GArray *values, guint flags)
{
  g_autoptr (GArray) list = elements_new ();

  elements_append (list, values);
  if ((flags & ORDERED) == 0)
    elements_sort (list);
  return elements_list (place, list);
}

static WeirValue
sorted_list (Place *place, WeirValue list)
{
  g_autoptr (GArray) items = elements_new ();

  for (gsize i = 0; i < weir_size (list); i++)
    elements_add (items, weir_item (list, i));
  return listed (place, NULL, items, 0);
}

WeirValue
run_sort_list (WeirTask *task, WeirValue list, gpointer node)
{
  Place place = { .task = task };

  if (weir_kind (list) == WEIR_PAIR)
    return place_pair (&place, sorted_list (&place, weir_key (list)), sorted_list (&place, weir_val (list)));
  return sorted_list (&place, list);
}

static void
group_by_key_model (Model *model, guint node, guint batch, GArray *result)
{
  model_groups (model, node, model_input (model, node, 0, batch), listed, result);
}

static WeirStream *
group_by_key_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_group_by_key (a);
}

static WeirDataset *
group_by_key_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_group_by_key (a);
}

static WeirValue
size_of_group (Place *place, const Node *node, const GArray *values, guint flags)
{
  return weir_int (values->len);
}

static gboolean
counts_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = (Shape){ PAIRS | NUMBERS, inputs[0].slide };
  return (inputs[0].flags & PAIRS) != 0;
}

static void
count_by_key_model (Model *model, guint node, guint batch, GArray *result)
{
  model_groups (model, node, model_input (model, node, 0, batch), size_of_group, result);
}

static WeirStream *
count_by_key_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_count_by_key (a);
}

static gboolean
count_by_value_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = (Shape){ PAIRS | NUMBERS, inputs[0].slide };
  return TRUE;
}

static void
count_by_value_model (Model *model, guint node, guint batch, GArray *result)
{
  const GArray *input = model_input (model, node, 0, batch);
  g_autoptr (GArray) pairs = elements_new ();

  for (guint i = 0; i < input->len; i++)
    elements_add (pairs, place_pair (&model->place, elements_at (input, i), weir_nil ()));
  model_groups (model, node, pairs, size_of_group, result);
}

static WeirStream *
count_by_value_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_count_by_value (a);
}

static WeirDataset *
count_by_value_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_count_by_value (a);
}

/* An accumulator of a task: how many values, and the greatest. */
static WeirValue
create (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_int (1), value);
}

static WeirValue
merge_combiners (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  gint64 n = weir_as_int (weir_key (a)) + weir_as_int (weir_key (b));

  return weir_pair (task, weir_int (n), function_reduce (NULL, REDUCE_GREATEST, weir_val (a), weir_val (b)));
}

static WeirValue
merge_value (WeirTask *task, WeirValue accumulator, WeirValue value, gpointer user_data)
{
  return merge_combiners (task, accumulator, create (task, value, user_data), user_data);
}

static const WeirCombiner combiner = { create, merge_value, merge_combiners, NULL };

static WeirValue
combined_group (Place *place, const Node *node, const GArray *values, guint flags)
{
  return place_pair (place, weir_int (values->len), reduced (place, REDUCE_GREATEST, values));
}

static void
combine_by_key_model (Model *model, guint node, guint batch, GArray *result)
{
  model_groups (model, node, model_input (model, node, 0, batch), combined_group, result);
}

static WeirStream *
combine_by_key_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_combine_by_key (a, &combiner);
}

static WeirDataset *
combine_by_key_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_combine_by_key (a, &combiner);
}

typedef struct {
  gint64 n, sum;
  guint32 most;
} Summary;

static void
summary_add (gpointer acc, WeirValue value, gpointer user_data)
{
  Summary *sum = acc;

  sum->n++;
  sum->sum += fold (value, 1000);
  sum->most = MAX (sum->most, fold (value, 999));
}

static void
summary_merge (gpointer acc, gconstpointer later, gpointer user_data)
{
  Summary *sum = acc;
  const Summary *more = later;

  sum->n += more->n;
  sum->sum += more->sum;
  sum->most = MAX (sum->most, more->most);
}

static WeirValue
summary_result (WeirTask *task, gconstpointer acc, gpointer user_data)
{
  const Summary *sum = acc;

  return weir_list (task, (WeirValue[]){ weir_int (sum->n), weir_int (sum->sum), weir_int (sum->most) }, 3);
}

const WeirAggregate summary = { sizeof (Summary), summary_add, summary_merge, summary_result, NULL, 0 };

WeirValue
summary_of (Place *place, const Node *node, const GArray *values, guint flags)
{
  Summary sum = { 0 };

  for (guint i = 0; i < values->len; i++)
    summary_add (&sum, elements_at (values, i), NULL);
  return place_list (place, (WeirValue[]){ weir_int (sum.n), weir_int (sum.sum), weir_int (sum.most) }, 3);
}

static void
aggregate_by_key_model (Model *model, guint node, guint batch, GArray *result)
{
  model_groups (model, node, model_input (model, node, 0, batch), summary_of, result);
}

static WeirStream *
aggregate_by_key_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_aggregate_by_key (a, &summary);
}

static WeirDataset *
aggregate_by_key_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_aggregate_by_key (a, &summary);
}

const Verb keyed_verbs[] = {
  { "reduce_by_key", 1, reduce_by_key_shape, reduce_by_key_model, reduce_by_key_build, reduce_by_key_on_dataset, TRUE,
    N_REDUCES },
  { "count_by_key", 1, counts_shape, count_by_key_model, count_by_key_build, NULL, TRUE },
  { "group_by_key", 1, shape_of_pairs, group_by_key_model, group_by_key_build, group_by_key_on_dataset, TRUE,
    .sorts_lists = TRUE },
  { "count_by_value", 1, count_by_value_shape, count_by_value_model, count_by_value_build, count_by_value_on_dataset,
    TRUE },
  { "combine_by_key", 1, shape_of_pairs, combine_by_key_model, combine_by_key_build, combine_by_key_on_dataset, TRUE },
  { "aggregate_by_key", 1, shape_of_pairs, aggregate_by_key_model, aggregate_by_key_build, aggregate_by_key_on_dataset,
    TRUE },
  { NULL },
};
