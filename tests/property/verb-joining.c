/* Verbs on two streams of pairs, and on a stream and a dataset of the context. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/property/verbs.h"

enum { INNER, LEFT, RIGHT, FULL };

static gboolean
join_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = (Shape){ PAIRS, inputs[0].slide };
  return (inputs[0].flags & inputs[1].flags & PAIRS) != 0 && inputs[0].slide == inputs[1].slide;
}

/* Each element of @a with each of @b of its key; with NIL where there is none and @outer says so. */
static void
each_with_each (Place *place, const GArray *a, const GArray *b, gboolean outer, GArray *result)
{
  for (guint i = 0; i < a->len; i++) {
    WeirValue left = elements_at (a, i);
    guint n_before = result->len;

    for (guint k = 0; k < b->len; k++) {
      WeirValue right = elements_at (b, k);

      if (weir_equal (weir_key (left), weir_key (right)))
        elements_add (result,
                      place_pair (place, weir_key (left), place_pair (place, weir_val (left), weir_val (right))));
    }
    if (outer && result->len == n_before)
      elements_add (result, place_pair (place, weir_key (left), place_pair (place, weir_val (left), weir_nil ())));
  }
}

/* Those of @b whose key @a doesn't have. */
static void
alone (Place *place, const GArray *a, const GArray *b, GArray *result)
{
  g_autoptr (GArray) groups = groups_new ();

  groups_add (groups, a);
  for (guint i = 0; i < b->len; i++) {
    WeirValue pair = elements_at (b, i);

    if (groups_find (groups, weir_key (pair)) == NULL)
      elements_add (result, place_pair (place, weir_key (pair), place_pair (place, weir_nil (), weir_val (pair))));
  }
}

static void
join_sets (Model *model, guint node, const GArray *a, const GArray *b, GArray *result)
{
  guint which = model_node (model, node)->which % 4;

  each_with_each (&model->place, a, b, which == LEFT || which == FULL, result);
  if (which == RIGHT || which == FULL)
    alone (&model->place, a, b, result);
}

static void
join_model (Model *model, guint node, guint batch, GArray *result)
{
  join_sets (model, node, model_input (model, node, 0, batch), model_input (model, node, 1, batch), result);
}

static WeirStream *
join_build (const Node *node, WeirStream *a, WeirStream *b)
{
  static WeirStream *(*const joins[]) (WeirStream *, WeirStream *) = { weir_join, weir_left_outer_join,
                                                                       weir_right_outer_join, weir_full_outer_join };

  return joins[node->which % 4](a, b);
}

static WeirDataset *
join_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  static WeirDataset *(*const joins[]) (WeirDataset *, WeirDataset *) = {
    weir_dataset_join, weir_dataset_left_outer_join, weir_dataset_right_outer_join, weir_dataset_full_outer_join
  };

  return joins[node->which % 4](a, b);
}

void
table_fill (Place *place, GArray *table)
{
  for (guint i = 0; i < 8; i++) {
    elements_add (table, place_pair (place, place_format (place, "k%" G_GINT64_FORMAT, i % 3, 0), weir_int (i)));
    elements_add (table, place_pair (place, weir_int (i % 5), weir_nil ()));
    elements_add (table, place_pair (place, function_prefix (i), weir_int (-1 - (gint64) i)));
    for (guint k = 1; k < 20; k++)
      elements_add (table, place_pair (place, function_prefix (8 * k + i % 3), weir_int (i)));
  }
  elements_add (table, place_pair (place, weir_nil (), weir_text ("of nil")));
}

/* Joins with a table: it stands on the right for the first four functions, then on the left. */
static gboolean
lookup_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = (Shape){ PAIRS, inputs[0].slide };
  return (inputs[0].flags & PAIRS) != 0;
}

static void
lookup_model (Model *model, guint node, guint batch, GArray *result)
{
  const GArray *input = model_input (model, node, 0, batch);
  g_autoptr (GArray) table = elements_new ();

  table_fill (&model->place, table);
  if (model_node (model, node)->which < 4)
    join_sets (model, node, input, table, result);
  else
    join_sets (model, node, table, input, result);
}

static WeirDataset *
lookup_on_dataset (const Node *node, WeirDataset *a, WeirDataset *table)
{
  return node->which < 4 ? join_on_dataset (node, a, table) : join_on_dataset (node, table, a);
}

static gboolean
cogroup_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  return join_shape (sketch, node, inputs, result);
}

static void
cogroup_model (Model *model, guint node, guint batch, GArray *result)
{
  const Node *self = model_node (model, node);
  guint flags = model->shapes[self->inputs[0]].flags & model->shapes[self->inputs[1]].flags;
  g_autoptr (GArray) left = groups_new ();
  g_autoptr (GArray) right = groups_new ();

  groups_add (left, model_input (model, node, 0, batch));
  groups_add (right, model_input (model, node, 1, batch));
  for (guint i = 0; i < right->len; i++)
    groups_touch (left, g_array_index (right, Group, i).key);
  for (guint i = 0; i < left->len; i++) {
    const Group *group = &g_array_index (left, Group, i), *other = groups_touch (right, group->key);
    WeirValue lists[2] = { listed (&model->place, self, group->values, flags),
                           listed (&model->place, self, other->values, flags) };

    elements_add (result, place_pair (&model->place, group->key, place_pair (&model->place, lists[0], lists[1])));
  }
}

static WeirStream *
cogroup_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_cogroup (a, b);
}

static WeirDataset *
cogroup_on_dataset (const Node *node, WeirDataset *a, WeirDataset *b)
{
  return weir_dataset_cogroup (a, b);
}

const Verb joining_verbs[] = {
  { "join", 2, join_shape, join_model, join_build, join_on_dataset, TRUE, 4 },
  { "cogroup", 2, cogroup_shape, cogroup_model, cogroup_build, cogroup_on_dataset, TRUE, .sorts_lists = TRUE },
  { "join with a table", 1, lookup_shape, lookup_model, NULL, lookup_on_dataset, .n_which = 8, .takes_table = TRUE },
  { NULL },
};
