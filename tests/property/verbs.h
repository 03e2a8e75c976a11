/* The table of verbs, a part for each family. A row has all that the test knows of a verb.
 *
 * Constant. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/property/function.h"

/* Each ends with a row without a name. */
extern const Verb narrow_verbs[];
extern const Verb gather_verbs[];
extern const Verb keyed_verbs[];
extern const Verb joining_verbs[];
extern const Verb window_verbs[];
extern const Verb state_verbs[];

/* Shapes that several verbs have. */
gboolean shape_same (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result);
gboolean shape_unordered (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result);
gboolean shape_of_pairs (const Sketch *sketch, const Node *node, const Shape inputs[2], Shape *result);

/* What is in the table of verbs that take one. */
void table_fill (Place *place, GArray *table);

/* Pairs (key, one value out of all that the key has). */
typedef WeirValue (*OfGroup) (Place *place, const Node *node, const GArray *values, guint flags);
void model_groups (Model *model, guint node, const GArray *pairs, OfGroup f, GArray *result);
WeirValue reduced (Place *place, guint which, const GArray *values);
WeirValue listed (Place *place, const Node *node, const GArray *values, guint flags);
WeirValue summary_of (Place *place, const Node *node, const GArray *values, guint flags);

/* What the library makes in the order of hashes is put into the order of the values, as @listed does. */
WeirValue run_sort_list (WeirTask *task, WeirValue list, gpointer node);
extern const WeirAggregate summary; /* of what summary_of () models */
