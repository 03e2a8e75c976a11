/* Verbs with state: the model keeps an array of keys. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/property/verbs.h"

enum { STATE_COUNTS, STATE_SUMS, STATE_LAST, STATE_STRUCT, N_STATES };

static gboolean
has_initial (const Node *node)
{
  return node->length == 1 && (node->verb == verb_named ("update_state_by_key") || node->which != STATE_STRUCT);
}

/* A key that some records have, and one that few have. */
static const WeirValue *
initial (void)
{
  static const WeirValue texts[2] = { WEIR_VALUE_INIT (data, "k1", 2, WEIR_TEXT, WEIR_VALUE_BORROWED),
                                      WEIR_VALUE_INIT (integer, 2, 0, WEIR_INT, 0) };
  static const WeirValue ints[2] = { WEIR_VALUE_INIT (integer, 77, 0, WEIR_INT, 0),
                                     WEIR_VALUE_INIT (integer, 1, 0, WEIR_INT, 0) };
  static const WeirValue pairs[2] = {
    WEIR_VALUE_INIT (cells, texts, 0, WEIR_PAIR, WEIR_VALUE_BORROWED | WEIR_VALUE_CELLS),
    WEIR_VALUE_INIT (cells, ints, 0, WEIR_PAIR, WEIR_VALUE_BORROWED | WEIR_VALUE_CELLS),
  };

  return pairs;
}

static GArray *
states_begun (Model *model, guint node, guint batch)
{
  gboolean is_first = model->states[node] == NULL;
  GArray *states = model_states (model, node);

  for (guint i = 0; i < 2 && is_first && has_initial (model_node (model, node)); i++) {
    Group *group = groups_touch (states, weir_key (initial ()[i]));

    group->state = weir_val (initial ()[i]);
    group->batch = batch;
  }
  return states;
}

/* How many values there were, up to a limit at which the key goes; or a list of the sum and of how long nothing came. */
static WeirValue
updated (Place *place, const Node *node, const WeirValue *values, gsize n, WeirValue state)
{
  gint64 sum = weir_as_int (weir_item (state, 0)) + weir_as_int (state);

  if (node->which == STATE_COUNTS) {
    if (n == 0 && !weir_is_nil (state))
      return state;
    return sum + (gint64) n > node->n ? weir_nil () : weir_int (sum + (gint64) n);
  }
  if (n == 0 && weir_as_int (weir_item (state, 1)) >= 1)
    return weir_nil ();
  for (gsize i = 0; i < n; i++)
    sum += fold (values[i], 100);
  return place_list (place, (WeirValue[]){ weir_int (sum), weir_int (n == 0) }, 2);
}

static WeirValue
run_update (WeirTask *task, WeirValue key, const WeirValue *values, gsize n, WeirValue state, gpointer node)
{
  return updated (&(Place){ .task = task }, node, values, n, state);
}

static gboolean
update_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = (Shape){ PAIRS | (node->which == STATE_COUNTS ? NUMBERS : 0), inputs[0].slide };
  return (inputs[0].flags & PAIRS) != 0;
}

static void
update_model (Model *model, guint node, guint batch, GArray *result)
{
  GArray *states = states_begun (model, node, batch);

  groups_add (states, model_input (model, node, 0, batch));
  for (guint i = 0; i < states->len; i++) {
    Group *group = &g_array_index (states, Group, i);
    const WeirValue *values = (const WeirValue *) group->values->data;

    group->state = updated (&model->place, model_node (model, node), values, group->values->len, group->state);
    g_array_set_size (group->values, 0);
    if (weir_is_nil (group->state))
      g_array_remove_index (states, i--);
    else
      elements_add (result, place_pair (&model->place, group->key, group->state));
  }
}

static WeirStream *
update_build (const Node *node, WeirStream *a, WeirStream *b)
{
  WeirStream *stream = weir_update_state_by_key (a, run_update, (gpointer) node);

  if (has_initial (node))
    weir_stream_set_initial_state (stream, initial (), 2);
  return stream;
}

/* What a function of map_with_state makes of a record: the next state (NIL: the key goes; @keep: it stays as it is), and
 * what it emits. Only STATE_LAST depends on the order of records. */
typedef struct {
  WeirValue state, emitted;
  gboolean keep;
} Step;

static Step
step (Place *place, const Node *node, WeirValue state, WeirValue value)
{
  gint64 n = weir_as_int (state) + 1;
  WeirValue items[2] = { state, value };

  if (node->which == STATE_LAST)
    return (Step){ value, place_list (place, items, 2), fold (value, 3) == 0 || weir_is_nil (value) };
  return (Step){ n >= node->n ? weir_nil () : weir_int (n), weir_int (n), FALSE };
}

static gboolean
mapping_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  *result = (Shape){ PAIRS | (node->which == STATE_LAST ? 0 : NUMBERS), inputs[0].slide };
  return (inputs[0].flags & PAIRS) != 0 && (node->which != STATE_LAST || (inputs[0].flags & ORDERED) != 0);
}

static void
map_record (Model *model, guint node, guint batch, WeirValue pair, GArray *result)
{
  GArray *states = states_begun (model, node, batch);
  Group *group = groups_find (states, weir_key (pair));
  WeirValue old = group != NULL ? group->state : weir_nil ();
  Step next = step (&model->place, model_node (model, node), old, weir_val (pair));

  elements_add (result, place_pair (&model->place, weir_key (pair), next.emitted));
  if (group != NULL)
    group->batch = batch;
  if (next.keep)
    return;
  if (!weir_is_nil (next.state)) {
    group = groups_touch (states, weir_key (pair));
    group->state = next.state;
    group->batch = batch;
  } else if (group != NULL)
    groups_remove (states, weir_key (pair));
}

static WeirValue
farewell (WeirValue state)
{
  return weir_int (-1 - weir_as_int (state));
}

static void
time_out (Model *model, guint node, guint batch, GArray *result)
{
  GArray *states = states_begun (model, node, batch);

  for (guint i = 0; i < states->len; i++) {
    Group *group = &g_array_index (states, Group, i);

    if (model_node (model, node)->slide > 0 && group->batch + model_node (model, node)->slide < batch) {
      elements_add (result, place_pair (&model->place, group->key, farewell (group->state)));
      g_array_remove_index (states, i--);
    }
  }
}

static void
mapping_model (Model *model, guint node, guint batch, GArray *result)
{
  const GArray *input = model_input (model, node, 0, batch);

  for (guint i = 0; i < input->len; i++)
    map_record (model, node, batch, elements_at (input, i), result);
  time_out (model, node, batch, result);
}

static void
run_mapping (WeirTask *task, WeirValue key, WeirValue value, WeirState *st, gpointer user_data)
{
  Place place = { .task = task };
  Step next;

  if (weir_state_is_timing_out (st)) {
    weir_emit_pair (task, key, farewell (weir_state_get (st)));
    return;
  }
  next = step (&place, user_data, weir_state_get (st), value);
  weir_emit_pair (task, key, next.emitted);
  if (next.keep)
    return;
  if (!weir_is_nil (next.state))
    weir_state_update (st, next.state);
  else if (weir_state_exists (st))
    weir_state_remove (st);
}

typedef struct {
  gint64 n;
} Counted;

/* The same as with an INT, in a struct. */
static void
run_edit (WeirTask *task, WeirValue key, WeirValue value, WeirState *st, gpointer user_data)
{
  const Node *node = user_data;
  Counted *counted;

  if (weir_state_is_timing_out (st)) {
    counted = (Counted *) (gpointer) weir_data (weir_state_get (st));
    weir_emit_pair (task, key, weir_int (-1 - counted->n));
    return;
  }
  counted = weir_state_edit (st, sizeof *counted);
  weir_emit_pair (task, key, weir_int (++counted->n));
  if (counted->n >= node->n)
    weir_state_remove (st);
}

static WeirStream *
mapping_build (const Node *node, WeirStream *a, WeirStream *b)
{
  WeirStateSpec spec = {
    .function = node->which == STATE_STRUCT ? run_edit : run_mapping,
    .user_data = (gpointer) node,
    .timeout = WEIR_SECONDS (node->slide),
  };

  if (has_initial (node)) {
    spec.initial = initial ();
    spec.n_initial = 2;
  }
  return weir_map_with_state (a, &spec);
}

static gboolean
snapshots_shape (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result)
{
  const Node *from = &sketch->nodes[node->inputs[0]];

  *result = (Shape){ PAIRS, inputs[0].slide };
  return from->verb == verb_named ("map_with_state") && from->which != STATE_STRUCT;
}

static void
snapshots_model (Model *model, guint node, guint batch, GArray *result)
{
  GArray *states = states_begun (model, model_node (model, node)->inputs[0], batch);

  for (guint i = 0; i < states->len; i++) {
    const Group *group = &g_array_index (states, Group, i);

    elements_add (result, place_pair (&model->place, group->key, group->state));
  }
}

static WeirStream *
snapshots_build (const Node *node, WeirStream *a, WeirStream *b)
{
  return weir_state_snapshots (a);
}

const Verb state_verbs[] = {
  { "update_state_by_key", 1, update_shape, update_model, update_build, NULL, TRUE, 2 },
  { "map_with_state", 1, mapping_shape, mapping_model, mapping_build, NULL, TRUE, N_STATES },
  { "state_snapshots", 1, snapshots_shape, snapshots_model, snapshots_build, NULL },
  { NULL },
};
