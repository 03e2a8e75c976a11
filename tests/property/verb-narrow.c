/* Verbs that work element by element, or partition by partition. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/property/verbs.h"

gboolean
shape_same (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = inputs[0];
  return TRUE;
}

gboolean
shape_unordered (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = inputs[0];
  result->flags &= ~(guint) ORDERED;
  return TRUE;
}

static gboolean
source_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = (Shape){ shape_of_source (node->which), 1 };
  return TRUE;
}

static void
source_model (Model *model, guint node, guint batch, GArray *result)
{
  const GArray *records = model->sketch->records[node][batch - 1];

  for (guint i = 0; records != NULL && i < records->len; i++)
    elements_add (
        result, function_record (&model->place, model_node (model, node)->which, g_array_index (records, guint32, i)));
}

static gboolean
map_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = (Shape){ shape_of_map (node->which, inputs[0].flags), inputs[0].slide };
  return TRUE;
}

static void
map_model (Model *model, guint node, guint batch, GArray *result)
{
  const GArray *input = model_input (model, node, 0, batch);

  for (guint i = 0; i < input->len; i++)
    elements_add (result, function_map (&model->place, model_node (model, node)->which, elements_at (input, i)));
}

static WeirStream *
map_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_map (a, run_map, (gpointer) node);
}

static WeirDataset *
map_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_map (a, run_map, (gpointer) node);
}

static void
filter_model (Model *model, guint node, guint batch, GArray *result)
{
  const GArray *input = model_input (model, node, 0, batch);

  for (guint i = 0; i < input->len; i++)
    if (function_filter (model_node (model, node)->which, elements_at (input, i)))
      elements_add (result, elements_at (input, i));
}

static WeirStream *
filter_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_filter (a, run_filter, (gpointer) node);
}

static WeirDataset *
filter_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_filter (a, run_filter, (gpointer) node);
}

static gboolean
flat_map_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = (Shape){ shape_of_flat_map (node->which, inputs[0].flags), inputs[0].slide };
  return TRUE;
}

static void
flat_map_model (Model *model, guint node, guint batch, GArray *result)
{
  const GArray *input = model_input (model, node, 0, batch);
  Emitter emitter = { &model->place, result, model->rejects[node] };

  for (guint i = 0; i < input->len; i++)
    function_flat_map (&emitter, model_node (model, node)->which, elements_at (input, i));
}

static WeirStream *
flat_map_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_flat_map (a, run_flat_map, (gpointer) node);
}

static WeirDataset *
flat_map_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_flat_map (a, run_flat_map, (gpointer) node);
}

/* What is asked of a stream that rejects. */
static gboolean
rejected_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  const Node *from = &sketch->nodes[node->inputs[0]];

  *result = (Shape){ PAIRS, inputs[0].slide };
  return from->verb == verb_named ("flat_map") && from->which == FLAT_REJECTS && !from->in_transform;
}

static void
rejected_model (Model *model, guint node, guint batch, GArray *result)
{
  elements_append (result, model->rejects[model_node (model, node)->inputs[0]]);
}

static WeirStream *
rejected_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_rejected (a);
}

static gboolean
map_values_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  guint flags = shape_of_map (node->which, inputs[0].flags & ~(guint) PAIRS);

  *result = (Shape){ flags & PAIRS ? PAIRS | (flags & ORDERED) : PAIRS | flags, inputs[0].slide };
  return (inputs[0].flags & PAIRS) != 0;
}

static void
map_values_model (Model *model, guint node, guint batch, GArray *result)
{
  const GArray *input = model_input (model, node, 0, batch);

  for (guint i = 0; i < input->len; i++) {
    WeirValue pair = elements_at (input, i);
    WeirValue value = function_map (&model->place, model_node (model, node)->which, weir_val (pair));

    elements_add (result, place_pair (&model->place, weir_key (pair), value));
  }
}

static WeirStream *
map_values_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_map_values (a, run_map, (gpointer) node);
}

static WeirDataset *
map_values_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_map_values (a, run_map, (gpointer) node);
}

static gboolean
flat_map_values_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  guint flags = node->which == FLAT_COPIES || node->which == FLAT_REJECTS ? inputs[0].flags : 0;

  *result = (Shape){ PAIRS | flags | (inputs[0].flags & ORDERED), inputs[0].slide };
  return (inputs[0].flags & PAIRS) != 0;
}

static void
flat_map_values_model (Model *model, guint node, guint batch, GArray *result)
{
  const GArray *input = model_input (model, node, 0, batch);

  for (guint i = 0; i < input->len; i++) {
    WeirValue pair = elements_at (input, i);
    g_autoptr (GArray) values = elements_new ();

    function_flat_map (&(Emitter){ &model->place, values, NULL }, model_node (model, node)->which, weir_val (pair));
    for (guint k = 0; k < values->len; k++)
      elements_add (result, place_pair (&model->place, weir_key (pair), elements_at (values, k)));
  }
}

static WeirStream *
flat_map_values_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_flat_map_values (a, run_flat_map, (gpointer) node);
}

static WeirDataset *
flat_map_values_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_flat_map_values (a, run_flat_map, (gpointer) node);
}

static void
run_partition (WeirTask *task, WeirIter *values, gpointer node)
{
  WeirValue value;

  while (weir_iter_next (values, &value))
    if (run_filter (task, value, node))
      weir_emit (task, value);
}

static WeirStream *
map_partitions_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_map_partitions (a, run_partition, (gpointer) node);
}

static WeirDataset *
map_partitions_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_map_partitions (a, run_partition, (gpointer) node);
}

static void
same_model (Model *model, guint node, guint batch, GArray *result)
{
  elements_append (result, model_input (model, node, 0, batch));
}

static void
run_items (WeirTask *task, WeirValue list, gpointer node)
{
  for (gsize i = 0; i < weir_size (list); i++)
    weir_emit (task, weir_item (list, i));
}

/* One list for each partition, and the items again. */
static WeirStream *
glom_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_flat_map (weir_glom (a), run_items, NULL);
}

static WeirStream *
repartition_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_repartition (a, node->n);
}

static WeirDataset *
repartition_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_repartition (a, node->n);
}

static gboolean
split_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = inputs[0];
  return (inputs[0].flags & TEXTS) != 0 && (inputs[0].flags & PAIRS) == 0;
}

static gboolean
separates (const Node *node, char c)
{
  return node->which == 0 ? c == ' ' : g_ascii_isspace (c);
}

static void
split_model (Model *model, guint node, guint batch, GArray *result)
{
  const GArray *input = model_input (model, node, 0, batch);

  for (guint i = 0; i < input->len; i++) {
    WeirValue text = elements_at (input, i);
    gsize begin = 0, size = weir_size (text);

    for (gsize k = 0; k <= size; k++)
      if (k == size || separates (model_node (model, node), weir_data (text)[k])) {
        if (k > begin)
          elements_add (result, weir_text_n (weir_data (text) + begin, k - begin));
        begin = k + 1;
      }
  }
}

static WeirStream *
split_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_split (a, node->which == 0 ? ' ' : 0);
}

static gboolean
with_value_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = (Shape){ PAIRS | NUMBERS | (inputs[0].flags & ORDERED), inputs[0].slide };
  return TRUE;
}

static void
with_value_model (Model *model, guint node, guint batch, GArray *result)
{
  const GArray *input = model_input (model, node, 0, batch);

  for (guint i = 0; i < input->len; i++)
    elements_add (result,
                  place_pair (&model->place, elements_at (input, i), weir_int (model_node (model, node)->which)));
}

static WeirStream *
with_value_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_with_value (a, weir_int (node->which));
}

const Verb narrow_verbs[] = {
  { "source", 0, source_shape, source_model, NULL, NULL, .n_which = N_SOURCES },
  { "map", 1, map_shape, map_model, map_build, map_on_dataset, .n_which = N_MAPS },
  { "filter", 1, shape_same, filter_model, filter_build, filter_on_dataset, .n_which = 3 },
  { "flat_map", 1, flat_map_shape, flat_map_model, flat_map_build, flat_map_on_dataset, .n_which = N_FLATS },
  { "rejected", 1, rejected_shape, rejected_model, rejected_build, NULL },
  { "map_values", 1, map_values_shape, map_values_model, map_values_build, map_values_on_dataset, .n_which = N_MAPS },
  { "flat_map_values", 1, flat_map_values_shape, flat_map_values_model, flat_map_values_build,
    flat_map_values_on_dataset, .n_which = N_FLATS },
  { "map_partitions", 1, shape_same, filter_model, map_partitions_build, map_partitions_on_dataset, .n_which = 3 },
  { "glom", 1, shape_same, same_model, glom_build, NULL },
  { "repartition", 1, shape_unordered, same_model, repartition_build, repartition_on_dataset },
  { "split", 1, split_shape, split_model, split_build, NULL, .n_which = 2 },
  { "with_value", 1, with_value_shape, with_value_model, with_value_build, NULL, .n_which = 3 },
  { NULL },
};
