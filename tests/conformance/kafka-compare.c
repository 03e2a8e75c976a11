/* Owns the comparison of what phases gave with what a case expects: by each phase where the case has as many, else all
 * together. Must not know how it was read.
 *
 * One thread. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/kafka-compare.h"

#include <string.h>

typedef struct {
  Case *one;
  const KafkaInput *input;
  GPtrArray *memory;
} Comparison;

/* "b x3" are three. */
static void
add_expanded (JsonArray *all, JsonNode *element, gboolean is_short)
{
  const char *text = JSON_NODE_HOLDS_VALUE (element) ? json_node_get_string (element) : NULL;
  const char *sign = text != NULL && is_short ? g_strrstr (text, " x") : NULL;
  guint64 n;

  if (sign == NULL || !g_ascii_string_to_unsigned (sign + 2, 10, 0, 999999, &n, NULL)) {
    json_array_add_element (all, json_node_copy (element));
    return;
  }
  for (guint64 i = 0; i < n; i++) {
    g_autofree char *one = g_strndup (text, (gsize) (sign - text));

    json_array_add_string_element (all, one);
  }
}

/* The elements of all of them, one behind the other; transfer full. */
static JsonNode *
joined (JsonNode *const *parts, guint n, gboolean is_short)
{
  JsonNode *node = json_node_new (JSON_NODE_ARRAY);
  JsonArray *all = json_array_new ();

  for (guint i = 0; i < n; i++)
    for (guint k = 0; k < json_length (parts[i]); k++)
      add_expanded (all, json_array_get_element (json_node_get_array (parts[i]), k), is_short);
  json_node_take_array (node, all);
  return node;
}

/* How many are left of them with each of those that are equal once. */
static gsize
make_distinct (WeirValue *values, gsize n)
{
  gsize n_kept = 0;

  for (gsize i = 0; i < n; i++) {
    gsize k = 0;

    while (k < n_kept && !weir_equal (values[k], values[i]))
      k++;
    if (k == n_kept)
      values[n_kept++] = values[i];
  }
  return n_kept;
}

/* Totals by a key that stands for all may be expected without it. */
static gsize
drop_keys (WeirValue *values, gsize n)
{
  for (gsize i = 0; i < n && weir_kind (values[i]) == WEIR_PAIR; i++)
    values[i] = weir_val (values[i]);
  return n;
}

static gboolean
has_array (JsonNode *array)
{
  for (guint i = 0; i < json_length (array); i++)
    if (JSON_NODE_HOLDS_ARRAY (json_array_get_element (json_node_get_array (array), i)))
      return TRUE;
  return FALSE;
}

static gboolean
matches (Comparison *comparison, JsonNode *expected, JsonNode *gave)
{
  gboolean is_short = comparison->input->is_short, in_order = comparison->one->in_order;
  gsize n, n_expected;
  WeirValue *values = (WeirValue *) json_values (gave, comparison->memory, &n);
  WeirValue *wanted = (WeirValue *) json_values (expected, comparison->memory, &n_expected);

  if (is_short && make_distinct (wanted, n_expected) == n_expected)
    n = make_distinct (values, n);
  if (json_matches_all (expected, values, n, in_order))
    return TRUE;
  return !has_array (expected) && json_matches_all (expected, values, drop_keys (values, n), in_order);
}

static void
compare_parts (Comparison *comparison, JsonNode *const *expected, JsonNode *const *gave, guint n, const char *where)
{
  g_autoptr (JsonNode) wanted = joined (expected, 1, comparison->input->is_short);
  g_autoptr (JsonNode) got = joined (gave, n, FALSE);
  g_autofree char *wanted_text = json_text (wanted), *got_text = json_text (got);

  if (!matches (comparison, wanted, got))
    case_note (comparison->one, CASE_FAIL, "%s: expected %s, got %s", where, wanted_text, got_text);
}

/* Arrays of the members of an array; transfer container. */
static GPtrArray *
members (JsonNode *array)
{
  GPtrArray *all = g_ptr_array_new ();

  for (guint i = 0; i < json_length (array); i++)
    g_ptr_array_add (all, json_array_get_element (json_node_get_array (array), i));
  return all;
}

static void
compare_phases (Comparison *comparison, const GPtrArray *expected, const GPtrArray *gave)
{
  for (guint i = 0; i < gave->len; i++) {
    g_autofree char *where = g_strdup_printf ("phase %u", i + 1);

    compare_parts (comparison, (JsonNode *const *) &expected->pdata[i], (JsonNode *const *) &gave->pdata[i], 1, where);
  }
}

static void
compare_all (Comparison *comparison, JsonNode *expected, const GPtrArray *gave)
{
  g_autoptr (GPtrArray) parts = members (expected);
  g_autoptr (JsonNode) all =
      has_array (expected) ? joined ((JsonNode *const *) parts->pdata, parts->len, FALSE) : json_node_copy (expected);

  compare_parts (comparison, &all, (JsonNode *const *) gave->pdata, gave->len, "all phases");
}

/* Numbers of elements: by each phase, or of all. */
static void
compare_counts (Case *one, JsonArray *expected, const GPtrArray *gave)
{
  guint n_parts = json_array_get_length (expected), at = 0;

  for (guint i = 0; i < n_parts; i++) {
    guint until = i + 1 == n_parts ? gave->len : i + 1;
    gint64 n = 0, wanted = json_array_get_int_element (expected, i);

    for (; at < until; at++)
      n += json_length (g_ptr_array_index (gave, at));
    if (n != wanted)
      case_note (one, CASE_FAIL, "expected %" G_GINT64_FORMAT " elements, got %" G_GINT64_FORMAT, wanted, n);
  }
}

static gboolean
are_counts (const Case *one, JsonNode *expected, const GPtrArray *gave)
{
  guint n = json_length (expected);

  if (!g_str_equal (one->kind, "source") || !(n == 1 || n == gave->len))
    return FALSE;
  for (guint i = 0; i < n; i++) {
    JsonNode *node = json_array_get_element (json_node_get_array (expected), i);

    if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64)
      return FALSE;
  }
  return TRUE;
}

void
kafka_compare (Case *one, const KafkaInput *input, const GPtrArray *gave)
{
  g_autoptr (GPtrArray) memory = g_ptr_array_new_with_free_func (g_free);
  Comparison comparison = { one, input, memory };
  JsonNode *expected = case_expected (one);
  g_autoptr (GPtrArray) parts = members (expected);

  if (are_counts (one, expected, gave))
    compare_counts (one, json_node_get_array (expected), gave);
  else if (has_array (expected) && parts->len == gave->len)
    compare_phases (&comparison, parts, gave);
  else
    compare_all (&comparison, expected, gave);
}
