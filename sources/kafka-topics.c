/* Owns the choice of topics, and asking brokers for their partitions. Must not know who reads them. Threads: built before
 * start and constant from then on; listing may come from any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sources/kafka-topics.h"

#include <string.h>

#define MOST_NAME 249

static gboolean
is_name (const char *name)
{
  gsize size = strlen (name);

  for (gsize i = 0; i < size; i++)
    if (!g_ascii_isalnum (name[i]) && strchr ("._-", name[i]) == NULL)
      return FALSE;
  return size > 0 && size <= MOST_NAME && !g_str_equal (name, ".") && !g_str_equal (name, "..");
}

static gboolean
parse_pattern (WeirKafkaTopics *topics, const char *text, GError **error)
{
  g_autoptr (GError) failure = NULL;

  topics->pattern = g_regex_new (text, G_REGEX_OPTIMIZE, 0, &failure);
  topics->has_private = g_str_has_prefix (text, "^__");
  if (topics->pattern != NULL)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "has the pattern \"%s\" for topics, which is none: %s", text,
               failure->message);
  return FALSE;
}

gboolean
weir_kafka_topics_parse (WeirKafkaTopics *topics, const char *text, GError **error)
{
  if (text[0] == '^')
    return parse_pattern (topics, text, error);
  topics->names = g_strsplit (text, ",", -1);
  for (char **name = topics->names; *name != NULL; name++)
    if (!is_name (g_strstrip (*name))) {
      g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
                   "reads \"%s\", which is no name of a topic: give letters, digits, ., _ and -, names with commas "
                   "between, or a pattern that begins with ^",
                   *name);
      return FALSE;
    }
  if (topics->names[0] != NULL)
    return TRUE;
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_OPTION, "reads no topic: name one");
  return FALSE;
}

static void
place_clear (gpointer place)
{
  g_free (((WeirKafkaPlace *) place)->topic);
}

void
weir_kafka_topics_assign (WeirKafkaTopics *topics, const char *topic, gint32 partition, gint64 offset)
{
  WeirKafkaPlace place = { NULL, partition, offset, { -1, -1, 0 } };

  if (topics->assigned == NULL) {
    topics->assigned = g_array_new (FALSE, FALSE, sizeof place);
    g_array_set_clear_func (topics->assigned, place_clear);
  }
  for (guint i = 0; i < topics->assigned->len; i++) {
    WeirKafkaPlace *known = &g_array_index (topics->assigned, WeirKafkaPlace, i);

    if (known->partition == partition && g_str_equal (known->topic, topic)) {
      known->next = offset;
      return;
    }
  }
  place.topic = g_strdup (topic);
  g_array_append_val (topics->assigned, place);
}

void
weir_kafka_topics_clear (WeirKafkaTopics *topics)
{
  g_strfreev (topics->names);
  g_clear_pointer (&topics->pattern, g_regex_unref);
  g_clear_pointer (&topics->assigned, g_array_unref);
}

static void
name_clear (gpointer name)
{
  g_free (((WeirKafkaPartitionName *) name)->topic);
}

GArray *
weir_kafka_partition_names_new (void)
{
  GArray *names = g_array_new (FALSE, FALSE, sizeof (WeirKafkaPartitionName));

  g_array_set_clear_func (names, name_clear);
  return names;
}

static void
add_name (GArray *found, const char *topic, gint32 partition)
{
  WeirKafkaPartitionName name = { g_strdup (topic), partition };

  g_array_append_val (found, name);
}

static gint
compare_partitions (gconstpointer a, gconstpointer b)
{
  const WeirKafkaPartitionName *x = a, *y = b;
  int order = strcmp (x->topic, y->topic);

  return order != 0 ? order : (x->partition > y->partition) - (x->partition < y->partition);
}

static gboolean
is_missing (rd_kafka_resp_err_t code)
{
  return code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART || code == RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
}

static gboolean
wants (const WeirKafkaTopics *topics, const char *name)
{
  if (topics->pattern == NULL)
    return TRUE;
  return (topics->has_private || !g_str_has_prefix (name, "__")) && g_regex_match (topics->pattern, name, 0, NULL);
}

gboolean
weir_kafka_topics_want (const WeirKafkaTopics *topics, const char *topic, gint32 partition)
{
  if (topics->assigned == NULL)
    return topics->names != NULL ? g_strv_contains ((const char *const *) topics->names, topic) : wants (topics, topic);
  for (guint i = 0; i < topics->assigned->len; i++) {
    const WeirKafkaPlace *place = &g_array_index (topics->assigned, WeirKafkaPlace, i);

    if (place->partition == partition && g_str_equal (place->topic, topic))
      return TRUE;
  }
  return FALSE;
}

static gboolean
take_topic (const WeirKafkaTopics *topics, const rd_kafka_metadata_topic_t *topic, GArray *found, GPtrArray *missing,
            GError **error)
{
  if (!wants (topics, topic->topic))
    return TRUE;
  if (is_missing (topic->err)) {
    if (missing != NULL)
      g_ptr_array_add (missing, g_strdup (topic->topic));
    return TRUE;
  }
  if (topic->err != RD_KAFKA_RESP_ERR_NO_ERROR && topic->err != RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE)
    return weir_kafka_fail (error, topic->err, WEIR_ERROR_SOURCE, "topic %s", topic->topic);
  for (int i = 0; i < topic->partition_cnt; i++)
    add_name (found, topic->topic, topic->partitions[i].id);
  return TRUE;
}

typedef struct {
  const WeirKafkaTopics *topics;
  rd_kafka_t *rk;
  int timeout;
  GArray *found;
  GPtrArray *missing;
} Question;

/* @name: NULL: all topics. */
static gboolean
ask (const Question *question, const char *name, GError **error)
{
  const struct rd_kafka_metadata *metadata = NULL;
  rd_kafka_topic_t *topic = name != NULL ? rd_kafka_topic_new (question->rk, name, NULL) : NULL;
  rd_kafka_resp_err_t failure = rd_kafka_metadata (question->rk, name == NULL, topic, &metadata, question->timeout);
  gboolean ok = TRUE;

  if (topic != NULL)
    rd_kafka_topic_destroy (topic);
  if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
    return weir_kafka_fail (error, failure, WEIR_ERROR_SOURCE, "asking for the partitions of %s",
                            name != NULL ? name : "all topics");
  for (int i = 0; i < metadata->topic_cnt && ok; i++)
    ok = take_topic (question->topics, &metadata->topics[i], question->found, question->missing, error);
  rd_kafka_metadata_destroy (metadata);
  return ok;
}

gboolean
weir_kafka_topics_list (const WeirKafkaTopics *topics, rd_kafka_t *rk, int timeout, GArray *found, GPtrArray *missing,
                        GError **error)
{
  const Question question = { topics, rk, timeout, found, missing };
  gboolean ok = TRUE;

  for (guint i = 0; topics->assigned != NULL && i < topics->assigned->len; i++) {
    const WeirKafkaPlace *place = &g_array_index (topics->assigned, WeirKafkaPlace, i);

    add_name (found, place->topic, place->partition);
  }
  if (topics->assigned == NULL && topics->pattern != NULL)
    ok = ask (&question, NULL, error);
  else if (topics->assigned == NULL)
    for (char **name = topics->names; *name != NULL && ok; name++)
      ok = ask (&question, *name, error);
  g_array_sort (found, compare_partitions);
  return ok;
}
