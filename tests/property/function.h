/* The functions of random jobs, one for the library and the model: pure in the value, and fit for values of any kind.
 *
 * Any thread. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/property/elements.h"

typedef struct {
  Place *place;
  GArray *out;    /* of the model */
  GArray *reject; /* of the model */
} Emitter;

void emitter_emit (Emitter *emitter, WeirValue value);
void emitter_emit_pair (Emitter *emitter, WeirValue key, WeirValue value);
void emitter_reject (Emitter *emitter, WeirValue value, const char *reason);

enum { MAP_TO_INT, MAP_TO_KEY, MAP_TO_COUNTED, MAP_TO_LIST, MAP_SAME, MAP_TO_WORDS, MAP_TO_FLOAT, MAP_TO_PART, N_MAPS };
enum { FLAT_COPIES, FLAT_PAIRS, FLAT_MIXED, FLAT_REJECTS, N_FLATS };
enum { REDUCE_SUM, REDUCE_MIN, REDUCE_MAX, REDUCE_FIRST, REDUCE_LAST, REDUCE_GREATEST, REDUCE_JOINED, N_REDUCES };
enum { ORDER_OF_VALUES, ORDER_BACKWARDS, ORDER_NULL, ORDER_OF_CLASSES, N_ORDERS }; /* NULL: the library's own */
enum { SOURCE_COUNTED, SOURCE_ANY, SOURCE_WORDS, SOURCE_INTS, SOURCE_PAIRS, N_SOURCES };

guint fold (WeirValue value, guint n); /* a number below @n */
WeirValue function_prefix (guint i);
WeirValue function_record (Place *place, guint which, guint32 seed);
WeirValue function_map (Place *place, guint which, WeirValue value);
gboolean function_filter (guint which, WeirValue value);
void function_flat_map (Emitter *emitter, guint which, WeirValue value);
WeirValue function_reduce (Place *place, guint which, WeirValue a, WeirValue b);
gint function_compare (guint which, WeirValue a, WeirValue b);

guint shape_of_map (guint which, guint flags);
guint shape_of_flat_map (guint which, guint flags);
guint shape_of_source (guint which);
gboolean fits_reduce (guint which, guint flags); /* @flags: of what is reduced, without PAIRS where that are values */
WeirReduceFunc reduce_function (guint which);

/* As the library wants them; user_data is the node. */
WeirValue run_map (WeirTask *task, WeirValue value, gpointer node);
gboolean run_filter (WeirTask *task, WeirValue value, gpointer node);
void run_flat_map (WeirTask *task, WeirValue value, gpointer node);
gint run_compare (WeirValue a, WeirValue b, gpointer node);
