/* Values as JSON, and JSON as values: a pair is an array of two, NIL is null.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <json-glib/json-glib.h>
#include <weir/weir.h>

/* A value that lives as long as @node and @memory (of blocks that it frees). An array of two is a PAIR. */
WeirValue json_value (JsonNode *node, GPtrArray *memory);
/* The elements of an array as values; none for null. *n: how many. Lives as long as @memory. */
const WeirValue *json_values (JsonNode *array, GPtrArray *memory, gsize *n);

/* Whether a value is what the JSON says. An array stands for a PAIR or a LIST; the items of a LIST may come in any order
 * unless @in_order. */
gboolean json_matches (JsonNode *expected, WeirValue actual, gboolean in_order);
/* Whether these are the elements of an array (null: none), in any order unless @in_order. */
gboolean json_matches_all (JsonNode *expected, const WeirValue *actual, gsize n, gboolean in_order);

/* Transfer full. */
char *json_text (JsonNode *node);
char *json_text_of_values (const WeirValue *values, gsize n);

/* A member of an object, or what stands in for it where it is missing. */
JsonNode *json_member (JsonObject *object, const char *name);        /* NULL: not there */
const char *json_member_text (JsonObject *object, const char *name); /* NULL: not there, or no text */
gint64 json_member_int (JsonObject *object, const char *name, gint64 otherwise);
gboolean json_member_bool (JsonObject *object, const char *name, gboolean otherwise);
guint json_length (JsonNode *array); /* of null or nothing: 0 */
