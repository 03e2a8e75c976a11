/* Owns partitions of topics as structs, and where they begin when no checkpoint knows them. Must not know who reads them.
 * Threads: whoever opens the source, or the keeper's.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sources/kafka-source.h"

#include <string.h>

#define ASK_MS   5000
#define PATIENCE (30 * G_USEC_PER_SEC)
#define PAUSE    (50 * 1000) /* before what is known is asked for again */

WeirKafkaPartition *
weir_kafka_partition_new (WeirKafkaSource *source, const char *topic, gint32 number)
{
  WeirKafkaPartition *partition = g_new0 (WeirKafkaPartition, 1);

  partition->topic = g_strdup (topic);
  partition->number = number;
  partition->next = partition->expected = WEIR_KAFKA_UNRESOLVED;
  partition->witness.offset = partition->check.offset = -1;
  partition->end = G_MAXINT64;
  weir_kafka_stage_init (&partition->stage, &source->staging);
  return partition;
}

void
weir_kafka_partition_free (WeirKafkaPartition *partition)
{
  weir_kafka_stage_clear (&partition->stage);
  g_free (partition->topic);
  g_free (partition);
}

WeirKafkaPartition *
weir_kafka_find_partition (GPtrArray *partitions, const char *topic, gint32 number)
{
  for (guint i = 0; i < partitions->len; i++)
    if (weir_kafka_partition_is (g_ptr_array_index (partitions, i), topic, number))
      return g_ptr_array_index (partitions, i);
  return NULL;
}

static const WeirKafkaPlace *
find_place (const GArray *places, const WeirKafkaPartition *partition)
{
  for (guint i = places != NULL ? places->len : 0; i > 0; i--) {
    const WeirKafkaPlace *place = &g_array_index (places, WeirKafkaPlace, i - 1);

    if (weir_kafka_partition_is (partition, place->topic, place->partition))
      return place;
  }
  return NULL;
}

/* Do brokers name it? */
static gboolean
is_named (rd_kafka_t *rk, const WeirKafkaPartition *partition)
{
  const struct rd_kafka_metadata *metadata = NULL;
  rd_kafka_topic_t *topic = rd_kafka_topic_new (rk, partition->topic, NULL);
  gboolean is = FALSE;

  if (rd_kafka_metadata (rk, 0, topic, &metadata, ASK_MS) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    is = metadata->topic_cnt > 0 && partition->number < metadata->topics[0].partition_cnt;
    rd_kafka_metadata_destroy (metadata);
  }
  rd_kafka_topic_destroy (topic);
  return is;
}

/* The client calls a partition unknown that nobody leads at the moment: that passes when a broker does. */
static gboolean
may_pass (rd_kafka_t *rk, const WeirKafkaPartition *partition, rd_kafka_resp_err_t code)
{
  if (code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) {
    g_usleep (PAUSE);
    return is_named (rk, partition);
  }
  return weir_kafka_is_transient (code) && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

gboolean
weir_kafka_ask_bounds (rd_kafka_t *rk, const WeirKafkaPartition *partition, gint64 *low, gint64 *high, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;
  rd_kafka_resp_err_t code;

  do {
    code = rd_kafka_query_watermark_offsets (rk, partition->topic, partition->number, low, high, ASK_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
      return TRUE;
  } while (may_pass (rk, partition, code) && g_get_monotonic_time () < deadline);
  return weir_kafka_fail (error, code, WEIR_ERROR_SOURCE, "asking where partition %s-%d begins and ends",
                          partition->topic, partition->number);
}

typedef enum { RESET_EARLIEST, RESET_LATEST, RESET_ERROR } Reset;

static Reset
reset_policy (const WeirKafka *kafka)
{
  g_autofree char *policy = weir_kafka_property (kafka, WEIR_KAFKA_CONSUMER, "auto.offset.reset");

  if (policy == NULL || g_str_equal (policy, "latest") || g_str_equal (policy, "largest") ||
      g_str_equal (policy, "end"))
    return RESET_LATEST;
  if (g_str_equal (policy, "error") || g_str_equal (policy, "none"))
    return RESET_ERROR;
  return RESET_EARLIEST;
}

static gboolean
begin_by_policy (WeirKafkaSource *source, WeirKafkaPartition *partition, rd_kafka_t *rk, Reset policy, GError **error)
{
  gint64 low, high;

  if (policy == RESET_ERROR) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_SOURCE,
                 "group %s has no offset for partition %s-%d, and auto.offset.reset is error: commit one, or call "
                 "weir_kafka_start_at ()",
                 weir_kafka_group (source->kafka), partition->topic, partition->number);
    return FALSE;
  }
  if (!weir_kafka_ask_bounds (rk, partition, &low, &high, error))
    return FALSE;
  partition->next = policy == RESET_EARLIEST ? low : high;
  return TRUE;
}

/* What the job's code says; -2 is the beginning, -1 the end. TRUE without an offset: it says nothing. */
static gboolean
begin_as_asked (WeirKafkaSource *source, WeirKafkaPartition *partition, rd_kafka_t *rk, GError **error)
{
  const WeirKafkaPlace *place = find_place (source->starts, partition);

  if (place == NULL)
    place = find_place (source->topics.assigned, partition);
  if (place == NULL)
    return TRUE;
  if (place->next < 0)
    return begin_by_policy (source, partition, rk,
                            place->next == RD_KAFKA_OFFSET_BEGINNING ? RESET_EARLIEST : RESET_LATEST, error);
  partition->next = place->next;
  return TRUE;
}

static gboolean
ask_committed (rd_kafka_t *rk, rd_kafka_topic_partition_list_t *list, const char *group, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;
  rd_kafka_resp_err_t code;

  do {
    code = rd_kafka_committed (rk, list, ASK_MS);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
      return TRUE;
  } while (weir_kafka_is_transient (code) && g_get_monotonic_time () < deadline);
  return weir_kafka_fail (error, code, WEIR_ERROR_SOURCE, "asking for the offsets of group %s", group);
}

static gboolean
begin_by_group (WeirKafkaSource *source, rd_kafka_t *rk, GError **error)
{
  g_autoptr (rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new (1);

  for (guint i = 0; i < source->partitions->len; i++) {
    const WeirKafkaPartition *partition = g_ptr_array_index (source->partitions, i);

    if (partition->next == WEIR_KAFKA_UNRESOLVED)
      rd_kafka_topic_partition_list_add (list, partition->topic, partition->number);
  }
  if (list->cnt == 0)
    return TRUE;
  if (!ask_committed (rk, list, weir_kafka_group (source->kafka), error))
    return FALSE;
  for (int i = 0; i < list->cnt; i++) {
    const rd_kafka_topic_partition_t *found = &list->elems[i];
    WeirKafkaPartition *partition = weir_kafka_find_partition (source->partitions, found->topic, found->partition);

    if (found->err == RD_KAFKA_RESP_ERR_NO_ERROR && found->offset >= 0)
      partition->next = found->offset;
  }
  return TRUE;
}

gboolean
weir_kafka_resolve_starts (WeirKafkaSource *source, rd_kafka_t *rk, gboolean is_new, GError **error)
{
  Reset policy = is_new ? RESET_EARLIEST : reset_policy (source->kafka);

  for (guint i = 0; i < source->partitions->len; i++) {
    WeirKafkaPartition *partition = g_ptr_array_index (source->partitions, i);

    if (partition->next == WEIR_KAFKA_UNRESOLVED && !begin_as_asked (source, partition, rk, error))
      return FALSE;
  }
  if (!is_new && !begin_by_group (source, rk, error))
    return FALSE;
  for (guint i = 0; i < source->partitions->len; i++) {
    WeirKafkaPartition *partition = g_ptr_array_index (source->partitions, i);

    if (partition->next == WEIR_KAFKA_UNRESOLVED && !begin_by_policy (source, partition, rk, policy, error))
      return FALSE;
  }
  return TRUE;
}
