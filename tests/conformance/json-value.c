/* Owns the way between JSON and values, and their comparison. Must not know what cases are about. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/json-value.h"

static WeirValue
array_value (JsonArray *array, GPtrArray *memory)
{
  guint n = json_array_get_length (array);
  WeirValue *items = g_new (WeirValue, n + 1);

  g_ptr_array_add (memory, items);
  for (guint i = 0; i < n; i++)
    items[i] = json_value (json_array_get_element (array, i), memory);
  return n == 2 ? weir_pair_at (items) : weir_list_at (items, n);
}

static WeirValue
scalar_value (JsonNode *node)
{
  GType type = json_node_get_value_type (node);

  if (type == G_TYPE_STRING)
    return weir_text (json_node_get_string (node));
  if (type == G_TYPE_BOOLEAN)
    return weir_bool (json_node_get_boolean (node));
  if (type == G_TYPE_DOUBLE)
    return weir_float (json_node_get_double (node));
  return weir_int (json_node_get_int (node));
}

WeirValue
json_value (JsonNode *node, GPtrArray *memory)
{
  if (JSON_NODE_HOLDS_ARRAY (node))
    return array_value (json_node_get_array (node), memory);
  return JSON_NODE_HOLDS_VALUE (node) ? scalar_value (node) : weir_nil ();
}

const WeirValue *
json_values (JsonNode *array, GPtrArray *memory, gsize *n)
{
  WeirValue *values;

  *n = json_length (array);
  values = g_new (WeirValue, *n + 1);
  g_ptr_array_add (memory, values);
  for (guint i = 0; i < *n; i++)
    values[i] = json_value (json_array_get_element (json_node_get_array (array), i), memory);
  return values;
}

/* Equality of JSON with values is transitive, so the first partner that is free is as good as any other. */
static gboolean
matches_in_any_order (JsonArray *expected, const WeirValue *actual, guint n)
{
  g_autofree gboolean *is_taken = g_new0 (gboolean, n + 1);

  for (guint i = 0; i < n; i++) {
    guint k = 0;

    while (k < n && (is_taken[k] || !json_matches (json_array_get_element (expected, k), actual[i], FALSE)))
      k++;
    if (k == n)
      return FALSE;
    is_taken[k] = TRUE;
  }
  return TRUE;
}

static gboolean
matches_in_order (JsonArray *expected, const WeirValue *actual, guint n, gboolean nested_in_order)
{
  for (guint i = 0; i < n; i++)
    if (!json_matches (json_array_get_element (expected, i), actual[i], nested_in_order))
      return FALSE;
  return TRUE;
}

static gboolean
matches_array (JsonArray *expected, WeirValue actual, gboolean in_order)
{
  guint n = json_array_get_length (expected);

  if (weir_kind (actual) == WEIR_PAIR) {
    const WeirValue both[] = { weir_key (actual), weir_val (actual) };

    return n == 2 && matches_in_order (expected, both, 2, in_order);
  }
  if (weir_kind (actual) != WEIR_LIST || weir_size (actual) != n)
    return FALSE;

  g_autofree WeirValue *items = g_new (WeirValue, n + 1);
  for (guint i = 0; i < n; i++)
    items[i] = weir_item (actual, i);
  return in_order ? matches_in_order (expected, items, n, TRUE) : matches_in_any_order (expected, items, n);
}

gboolean
json_matches (JsonNode *expected, WeirValue actual, gboolean in_order)
{
  if (JSON_NODE_HOLDS_ARRAY (expected))
    return matches_array (json_node_get_array (expected), actual, in_order);
  return weir_equal (json_value (expected, NULL), actual);
}

gboolean
json_matches_all (JsonNode *expected, const WeirValue *actual, gsize n, gboolean in_order)
{
  if (json_length (expected) != n)
    return FALSE;
  if (n == 0)
    return TRUE;
  if (in_order)
    return matches_in_order (json_node_get_array (expected), actual, (guint) n, TRUE);
  return matches_in_any_order (json_node_get_array (expected), actual, (guint) n);
}

char *
json_text (JsonNode *node)
{
  return json_to_string (node, FALSE);
}

static JsonNode *
node_of_items (JsonArray *items)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);

  json_node_take_array (node, items);
  return node;
}

static JsonNode *node_of (WeirValue value);

static JsonNode *
node_of_list (WeirValue list)
{
  JsonArray *items = json_array_new ();

  for (gsize i = 0; i < weir_size (list); i++)
    json_array_add_element (items, node_of (weir_item (list, i)));
  return node_of_items (items);
}

static JsonNode *
node_of_pair (WeirValue pair)
{
  JsonArray *items = json_array_new ();

  json_array_add_element (items, node_of (weir_key (pair)));
  json_array_add_element (items, node_of (weir_val (pair)));
  return node_of_items (items);
}

static JsonNode *
node_of_text (WeirValue value)
{
  g_autofree char *text = g_utf8_make_valid (weir_data (value), (gssize) weir_size (value));

  return json_node_init_string (json_node_alloc (), text);
}

static JsonNode *
node_of (WeirValue value)
{
  switch (weir_kind (value)) {
  case WEIR_NIL:
    return json_node_init_null (json_node_alloc ());
  case WEIR_BOOL:
    return json_node_init_boolean (json_node_alloc (), weir_as_bool (value));
  case WEIR_INT:
    return json_node_init_int (json_node_alloc (), weir_as_int (value));
  case WEIR_FLOAT:
    return json_node_init_double (json_node_alloc (), weir_as_float (value));
  case WEIR_PAIR:
    return node_of_pair (value);
  case WEIR_LIST:
    return node_of_list (value);
  default:
    return node_of_text (value);
  }
}

char *
json_text_of_values (const WeirValue *values, gsize n)
{
  JsonArray *items = json_array_new ();
  g_autoptr (JsonNode) node = NULL;

  for (gsize i = 0; i < n; i++)
    json_array_add_element (items, node_of (values[i]));
  node = node_of_items (items);
  return json_text (node);
}

JsonNode *
json_member (JsonObject *object, const char *name)
{
  return json_object_has_member (object, name) ? json_object_get_member (object, name) : NULL;
}

const char *
json_member_text (JsonObject *object, const char *name)
{
  JsonNode *node = json_member (object, name);

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string (node);
}

gint64
json_member_int (JsonObject *object, const char *name, gint64 otherwise)
{
  JsonNode *node = json_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_int (node) : otherwise;
}

gboolean
json_member_bool (JsonObject *object, const char *name, gboolean otherwise)
{
  JsonNode *node = json_member (object, name);

  return node != NULL && JSON_NODE_HOLDS_VALUE (node) ? json_node_get_boolean (node) : otherwise;
}

guint
json_length (JsonNode *array)
{
  return array != NULL && JSON_NODE_HOLDS_ARRAY (array) ? json_array_get_length (json_node_get_array (array)) : 0;
}
