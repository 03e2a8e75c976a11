/* Owns the reading of what cases want written to topics: ["topic", 16], ["topic", partition, 16], "a x10", 3,
 * ["key", "value"], {"aborted": [...]}. Must not know brokers.
 *
 * One thread. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/conformance/kafka-input.h"

#include <string.h>

#include <gio/gio.h>

static void
lines_free (gpointer data)
{
  KafkaLines *lines = data;

  g_free (lines->topic);
  g_free (lines->key);
  g_ptr_array_unref (lines->texts);
  g_free (lines);
}

gboolean
kafka_place_parse (KafkaPlace *place, const char *text, GError **error)
{
  const char *slash = strrchr (text, '/');
  guint64 partition;

  *place = (KafkaPlace){ 0 };
  if (slash == NULL || !g_ascii_string_to_unsigned (slash + 1, 10, 0, 999, &partition, NULL)) {
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "'%s' is no partition of a topic, as \"topic/0\" is",
                 text);
    return FALSE;
  }
  place->topic = g_strndup (text, (gsize) (slash - text));
  place->partition = (gint32) partition;
  return TRUE;
}

void
kafka_place_clear (KafkaPlace *place)
{
  g_clear_pointer (&place->topic, g_free);
}

static void
add_name (GPtrArray *names, const char *name)
{
  if (!g_ptr_array_find_with_equal_func (names, name, g_str_equal, NULL))
    g_ptr_array_add (names, g_strdup (name));
}

static gboolean
has_name (const GPtrArray *names, const char *name)
{
  return g_ptr_array_find_with_equal_func ((GPtrArray *) names, name, g_str_equal, NULL);
}

/* --- what is written --- */

/* While a phase is read. */
typedef struct {
  KafkaInput *input;
  GPtrArray *phase;
  LinesFate fate;
} Reading;

/* To the lines before, where those are of the same topic and key. */
static void
add_text (const Reading *reading, const char *topic, const char *key, char *text)
{
  GPtrArray *phase = reading->phase;
  KafkaLines *last = phase->len > 0 ? g_ptr_array_index (phase, phase->len - 1) : NULL;

  if (last == NULL || !g_str_equal (last->topic, topic) || g_strcmp0 (last->key, key) != 0 ||
      last->fate != reading->fate || last->partition >= 0) {
    last = g_new0 (KafkaLines, 1);
    *last =
        (KafkaLines){ g_strdup (topic), -1, g_strdup (key), reading->fate, g_ptr_array_new_with_free_func (g_free) };
    g_ptr_array_add (phase, last);
    add_name (reading->input->topics, topic);
  }
  g_ptr_array_add (last->texts, text);
}

static gint64
int_at (JsonArray *array, guint index)
{
  JsonNode *node = json_array_get_element (array, index);

  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_INT64)
    return -1;
  return json_node_get_int (node);
}

static const char *
text_of (JsonNode *node)
{
  if (!JSON_NODE_HOLDS_VALUE (node) || json_node_get_value_type (node) != G_TYPE_STRING)
    return NULL;
  return json_node_get_string (node);
}

/* ["topic", n] or ["topic", partition, n] */
static gboolean
is_of_topic (JsonNode *node)
{
  JsonArray *array = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
  guint n = array != NULL ? json_array_get_length (array) : 0;

  return (n == 2 || n == 3) && text_of (json_array_get_element (array, 0)) != NULL && int_at (array, 1) >= 0 &&
         int_at (array, n - 1) >= 0;
}

/* Lines that are numbered. */
static void
add_counted (const Reading *reading, JsonArray *counted)
{
  guint n = json_array_get_length (counted);
  KafkaLines *lines = g_new0 (KafkaLines, 1);

  lines->topic = g_strdup (json_array_get_string_element (counted, 0));
  lines->partition = n == 3 ? (gint32) int_at (counted, 1) : -1;
  lines->fate = reading->fate;
  lines->texts = g_ptr_array_new_with_free_func (g_free);
  for (gint64 i = 0; i < int_at (counted, n - 1); i++)
    g_ptr_array_add (lines->texts, g_strdup_printf ("%s %" G_GINT64_FORMAT, lines->topic, i));
  reading->input->n_partitions = MAX (reading->input->n_partitions, (guint) (lines->partition + 1));
  reading->input->is_number = FALSE;
  add_name (reading->input->topics, lines->topic);
  g_ptr_array_add (reading->phase, lines);
}

static char *
scalar_text (JsonNode *node)
{
  g_autoptr (GPtrArray) memory = g_ptr_array_new_with_free_func (g_free);

  return weir_to_string (json_value (node, memory));
}

static gboolean
add_scalar (const Reading *reading, const char *topic, JsonNode *node)
{
  g_autoptr (GRegex) regex = g_regex_new ("^(.*) x(\\d{1,6})$", 0, 0, NULL);
  g_autoptr (GMatchInfo) match = NULL;
  const char *text = text_of (node);
  guint64 n = 1;
  g_autofree char *line = NULL;

  if (text == NULL && json_node_get_value_type (node) != G_TYPE_INT64 &&
      json_node_get_value_type (node) != G_TYPE_DOUBLE)
    return FALSE;
  reading->input->is_number = reading->input->is_number && json_node_get_value_type (node) == G_TYPE_INT64;
  if (text != NULL && g_regex_match (regex, text, 0, &match)) {
    g_autofree char *times = g_match_info_fetch (match, 2);

    n = g_ascii_strtoull (times, NULL, 10);
    line = g_match_info_fetch (match, 1);
    reading->input->is_short = TRUE;
  }
  for (guint64 i = 0; i < n; i++)
    add_text (reading, topic, NULL, line != NULL ? g_strdup (line) : scalar_text (node));
  return TRUE;
}

/* [key, value] */
static gboolean
add_keyed (const Reading *reading, const char *topic, JsonArray *pair)
{
  JsonNode *key = json_array_get_length (pair) == 2 ? json_array_get_element (pair, 0) : NULL;
  JsonNode *value = key != NULL ? json_array_get_element (pair, 1) : NULL;
  g_autofree char *text = NULL;

  if (key == NULL || !(JSON_NODE_HOLDS_VALUE (key) || JSON_NODE_HOLDS_NULL (key)) || !JSON_NODE_HOLDS_VALUE (value))
    return FALSE;
  text = JSON_NODE_HOLDS_VALUE (key) ? scalar_text (key) : NULL;
  add_text (reading, topic, text, scalar_text (value));
  reading->input->has_keys = TRUE;
  reading->input->is_number = FALSE;
  return TRUE;
}

static const char *
default_topic (const KafkaInput *input)
{
  return input->wanted->len > 0 ? g_ptr_array_index (input->wanted, 0) : "topic";
}

static gboolean
add_one (const Reading *reading, JsonNode *node)
{
  const KafkaInput *input = reading->input;

  if (is_of_topic (node) && has_name (input->wanted, json_array_get_string_element (json_node_get_array (node), 0))) {
    add_counted (reading, json_node_get_array (node));
    return TRUE;
  }
  if (JSON_NODE_HOLDS_ARRAY (node))
    return add_keyed (reading, default_topic (input), json_node_get_array (node));
  return JSON_NODE_HOLDS_VALUE (node) && add_scalar (reading, default_topic (input), node);
}

static gboolean
add_all (const Reading *reading, JsonNode *nodes)
{
  for (guint i = 0; i < json_length (nodes); i++)
    if (!add_one (reading, json_array_get_element (json_node_get_array (nodes), i)))
      return FALSE;
  return TRUE;
}

/* {"committed": [...], "aborted": [...]}: transactions, in that order. */
static gboolean
add_transactions (Reading *reading, JsonObject *object)
{
  g_autoptr (GList) names = json_object_get_members (object);

  reading->input->has_transactions = TRUE;
  for (GList *at = names; at != NULL; at = at->next) {
    if (!g_str_equal (at->data, "committed") && !g_str_equal (at->data, "aborted"))
      return FALSE;
    reading->fate = g_str_equal (at->data, "aborted") ? LINES_ABORTED : LINES_COMMITTED;
    if (!add_all (reading, json_object_get_member (object, at->data)))
      return FALSE;
  }
  return TRUE;
}

static gboolean
read_phase (KafkaInput *input, JsonNode *batch)
{
  Reading reading = { input, g_ptr_array_new_with_free_func (lines_free), LINES_PLAIN };

  g_ptr_array_add (input->phases, reading.phase);
  if (JSON_NODE_HOLDS_OBJECT (batch))
    return add_transactions (&reading, json_node_get_object (batch));
  return (JSON_NODE_HOLDS_ARRAY (batch) || JSON_NODE_HOLDS_NULL (batch)) && add_all (&reading, batch);
}

/* All at once: [["one", 16], ["other", 16]]. */
static gboolean
read_counted (KafkaInput *input, JsonNode *batches)
{
  Reading reading = { input, g_ptr_array_new_with_free_func (lines_free), LINES_PLAIN };

  g_ptr_array_add (input->phases, reading.phase);
  for (guint i = 0; i < json_length (batches); i++)
    add_counted (&reading, json_array_get_array_element (json_node_get_array (batches), i));
  return TRUE;
}

static gboolean
is_counted (JsonNode *batches)
{
  for (guint i = 0; i < json_length (batches); i++)
    if (!is_of_topic (json_array_get_element (json_node_get_array (batches), i)))
      return FALSE;
  return json_length (batches) > 0;
}

static gboolean
read_batches (KafkaInput *input, JsonNode *batches, GError **error)
{
  gboolean ok = TRUE;

  input->is_number = TRUE;
  if (is_counted (batches))
    ok = read_counted (input, batches);
  else
    for (guint i = 0; i < json_length (batches) && ok; i++)
      ok = read_phase (input, json_array_get_element (json_node_get_array (batches), i));
  if (!ok || input->phases->len == 0)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "what is to be written to topics is unknown, in batch %u",
                 input->phases->len);
  return ok && input->phases->len > 0;
}

/* --- what is read --- */

/* Names of topics, "one,other" or an array of them. */
static void
want_topics (KafkaInput *input, JsonNode *node)
{
  if (node != NULL && text_of (node) != NULL) {
    g_auto (GStrv) names = g_strsplit (text_of (node), ",", -1);

    for (guint i = 0; names[i] != NULL; i++)
      add_name (input->wanted, g_strstrip (names[i]));
  }
  for (guint i = 0; i < json_length (node); i++)
    add_name (input->wanted, json_array_get_string_element (json_node_get_array (node), i));
}

static gboolean
want_places (KafkaInput *input, JsonNode *node, GError **error)
{
  g_autoptr (GList) names = NULL;

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return TRUE;
  names = json_object_get_members (json_node_get_object (node));
  for (GList *at = names; at != NULL; at = at->next) {
    g_auto (KafkaPlace) place = { 0 };

    if (!kafka_place_parse (&place, at->data, error))
      return FALSE;
    add_name (input->wanted, place.topic);
    input->n_partitions = MAX (input->n_partitions, (guint) (place.partition + 1));
  }
  return TRUE;
}

gboolean
kafka_input_init (KafkaInput *input, const Case *one, JsonObject *op, GError **error)
{
  gint64 n_partitions = json_member_int (op, "partitions", json_member_int (one->json, "partitions", 1));

  *input = (KafkaInput){ .n_partitions = (guint) CLAMP (n_partitions, 1, 100) };
  input->phases = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  input->topics = g_ptr_array_new_with_free_func (g_free);
  input->wanted = g_ptr_array_new_with_free_func (g_free);
  want_topics (input, json_member (op, "topics"));
  want_topics (input, json_member (op, "topic"));
  if (!want_places (input, json_member (op, "start"), error) || !read_batches (input, case_input (one, 0), error))
    return FALSE;
  if (json_member (op, "topics") == NULL && json_member (op, "topic") == NULL)
    for (guint i = 0; i < input->topics->len; i++)
      add_name (input->wanted, g_ptr_array_index (input->topics, i));
  for (guint i = 0; i < input->wanted->len; i++)
    add_name (input->topics, g_ptr_array_index (input->wanted, i));
  return TRUE;
}

void
kafka_input_clear (KafkaInput *input)
{
  g_ptr_array_unref (input->phases);
  g_ptr_array_unref (input->topics);
  g_ptr_array_unref (input->wanted);
}

gboolean
kafka_input_is_read (const KafkaInput *input, JsonObject *op, const char *topic, gint32 partition)
{
  const char *pattern = json_member_text (op, "pattern"), *strategy = json_member_text (op, "strategy");
  g_autofree char *place = g_strdup_printf ("%s/%d", topic, partition);
  JsonNode *start = json_member (op, "start");

  if (g_strcmp0 (strategy, "Assign") == 0)
    return start != NULL && json_object_has_member (json_node_get_object (start), place);
  if (pattern != NULL) {
    g_autofree char *whole = g_strdup_printf ("^(?:%s)$", pattern);

    return g_regex_match_simple (whole, topic, 0, 0);
  }
  return has_name (input->wanted, topic);
}
