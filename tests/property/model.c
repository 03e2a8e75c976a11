/* Owns the naive model's run: batch by batch, node by node. The verbs' own models stand in the table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/property/elements.h"

#define MOST_ELEMENTS 3000

const Node *
model_node (const Model *model, guint node)
{
  return &model->sketch->nodes[node];
}

const GArray *
model_input (const Model *model, guint node, guint input, guint batch)
{
  return model->sets[model_node (model, node)->inputs[input]][batch];
}

GArray *
model_window (const Model *model, guint node, guint batch)
{
  GArray *all = elements_new ();
  guint length = model_node (model, node)->length;

  for (guint at = batch > length ? batch - length + 1 : 1; at <= batch; at++)
    elements_append (all, model_input (model, node, 0, at));
  return all;
}

GArray *
model_states (Model *model, guint node)
{
  if (model->states[node] == NULL)
    model->states[node] = groups_new ();
  return model->states[node];
}

static gboolean
is_large (WeirValue value)
{
  if (weir_kind (value) == WEIR_PAIR)
    return is_large (weir_key (value)) || is_large (weir_val (value));
  return (weir_kind (value) == WEIR_INT && ABS (weir_as_int (value)) > G_MAXINT32) || weir_size (value) > MOST_ELEMENTS;
}

static void
run_node (Model *model, guint node, guint batch)
{
  GArray *set = elements_new ();

  model->sets[node][batch] = set;
  g_array_set_size (model->rejects[node], 0);
  verb_of (model_node (model, node))->model (model, node, batch, set);
  model->is_too_much |= set->len > MOST_ELEMENTS;
  for (guint i = 0; i < set->len && !model->is_too_much; i++)
    model->is_too_much = is_large (elements_at (set, i));
}

Model *
model_run (const Sketch *sketch)
{
  g_autoptr (Model) model = g_new0 (Model, 1);

  model->sketch = sketch;
  model->place.blocks = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < sketch->n_nodes; i++)
    model->rejects[i] = elements_new ();
  if (!sketch_shapes (sketch, model->shapes))
    return NULL;
  for (guint batch = 1; batch <= sketch->n_batches; batch++)
    for (guint i = 0; i < sketch->n_nodes && !model->is_too_much; i++)
      if (batch % model->shapes[i].slide == 0)
        run_node (model, i, batch);
  return model->is_too_much ? NULL : g_steal_pointer (&model);
}

void
model_free (Model *model)
{
  for (guint i = 0; i < MOST_NODES; i++) {
    for (guint batch = 0; batch <= MOST_BATCHES; batch++)
      g_clear_pointer (&model->sets[i][batch], g_array_unref);
    g_clear_pointer (&model->states[i], g_array_unref);
    g_clear_pointer (&model->rejects[i], g_array_unref);
  }
  g_ptr_array_unref (model->place.blocks);
  g_free (model);
}
