/* The naive model's sets: arrays of values that are searched from end to end.
 *
 * Belongs to one thread. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/property/sketch.h"

/* Where a function puts what it makes: in task memory when the library runs it, among @blocks when the model does. */
typedef struct {
  WeirTask *task;
  GPtrArray *blocks;
} Place;

gpointer place_alloc (Place *place, gsize size);
WeirValue place_pair (Place *place, WeirValue key, WeirValue value);
WeirValue place_list (Place *place, const WeirValue *items, gsize n);
WeirValue place_format (Place *place, const char *format, gint64 a, gint64 b);

/* Of WeirValue. */
GArray *elements_new (void);
void elements_add (GArray *elements, WeirValue value);
void elements_append (GArray *elements, const GArray *more);
WeirValue elements_at (const GArray *elements, guint i);
void elements_sort (GArray *elements);
WeirValue elements_list (Place *place, const GArray *elements);
gboolean elements_equal (const GArray *a, const GArray *b);
char *elements_text (const GArray *elements);

/* What a key has, and in the model of state what is known of it. */
typedef struct {
  WeirValue key;
  GArray *values;
  WeirValue state;
  guint batch; /* of the last record */
} Group;

/* Of Group, in the order in which the keys came. */
GArray *groups_new (void);
Group *groups_find (GArray *groups, WeirValue key); /* NULL: there is none */
Group *groups_touch (GArray *groups, WeirValue key);
void groups_add (GArray *groups, const GArray *pairs);
void groups_remove (GArray *groups, WeirValue key);

/* What every model knows. */
struct _Model {
  const Sketch *sketch;
  Place place;
  Shape shapes[MOST_NODES];
  GArray *sets[MOST_NODES][MOST_BATCHES + 1]; /* by batch, from 1; NULL: nothing is due */
  GArray *states[MOST_NODES];                 /* of Group */
  GArray *rejects[MOST_NODES];                /* of the batch */
  gboolean is_too_much;                       /* a set got so large, or a sum, that the sketch is no good */
};

/* NULL: too much. */
Model *model_run (const Sketch *sketch);
void model_free (Model *model);
const Node *model_node (const Model *model, guint node);
const GArray *model_input (const Model *model, guint node, guint input, guint batch);
/* All elements of the node's window that ends with the batch. */
GArray *model_window (const Model *model, guint node, guint batch);
GArray *model_states (Model *model, guint node);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Model, model_free)
