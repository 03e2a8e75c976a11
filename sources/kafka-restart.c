/* What a checkpoint keeps of a direct source, and going on from it: the saved places beat all others, and a batch that is
 * run again reads the offsets that it had. Must not know how records are fetched. Threads: the loop's, but for resume.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sources/kafka-keeper.h"
#include "sources/kafka-slots.h"

void
weir_kafka_source_save (WeirSource *source, const WeirPlan *plan, GByteArray *bytes)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;
  g_autoptr (WeirKafkaPosition) position = weir_kafka_position_new (self->cluster, weir_kafka_group (self->kafka));

  for (guint i = 0; i < self->partitions->len; i++) {
    const WeirKafkaPartition *partition = weir_kafka_partition_at (self, i);

    weir_kafka_position_add (position, partition->topic, partition->number, partition->next, &partition->witness);
  }
  weir_kafka_position_encode (position, bytes);
}

static gboolean
check_cluster (const WeirKafkaSource *self, const WeirKafkaPosition *position, GError **error)
{
  if (position->cluster[0] == '\0' || self->cluster[0] == '\0' || g_str_equal (position->cluster, self->cluster))
    return TRUE;
  if (self->on_loss != WEIR_KAFKA_LOSS_FAIL) {
    weir_log (weir_engine_log (self->source.engine), WEIR_LOG_WARNING,
              "%s: the checkpoint is of cluster %s and the brokers are those of %s: offsets may be other records'",
              self->source.op->name, position->cluster, self->cluster);
    return TRUE;
  }
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS,
               "the checkpoint is of cluster %s and the brokers %s are those of %s, where its offsets mean nothing: "
               "connect to that cluster, or start with --kafka.on.data.loss=earliest to take the offsets as they are",
               position->cluster, weir_kafka_brokers (self->kafka), self->cluster);
  return FALSE;
}

/* A partition that the job does not want any more is let go; one that the brokers do not have now, or not any more, would be
 * read from its beginning when it comes back. */
static gboolean
let_go (const WeirKafkaSource *self, const WeirKafkaPlace *place, GError **error)
{
  if (weir_kafka_topics_want (&self->topics, place->topic, place->partition) && self->on_loss == WEIR_KAFKA_LOSS_FAIL) {
    g_set_error (
        error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS,
        "the checkpoint has partition %s-%d up to offset %" G_GINT64_FORMAT
        ", and the brokers do not know it: was the topic deleted, or is it away for a moment? Start again when it "
        "is back, or with --kafka.on.data.loss=earliest to go on without it",
        place->topic, place->partition, place->next);
    return FALSE;
  }
  weir_log (weir_engine_log (self->source.engine), WEIR_LOG_WARNING,
            "%s: the checkpoint has partition %s-%d, which is not read any more", self->source.op->name, place->topic,
            place->partition);
  return TRUE;
}

/* The saved order comes first: it is that of the batches' partitions. */
static gboolean
take_places (WeirKafkaSource *self, const WeirKafkaPosition *position, GError **error)
{
  g_autoptr (GPtrArray) known = g_steal_pointer (&self->partitions);

  self->partitions = g_ptr_array_new ();
  for (guint i = 0; i < position->places->len; i++) {
    const WeirKafkaPlace *place = weir_kafka_position_place (position, i);
    WeirKafkaPartition *partition = weir_kafka_find_partition (known, place->topic, place->partition);

    if (partition == NULL) {
      if (!let_go (self, place, error))
        return FALSE;
      continue;
    }
    partition->next = place->next;
    partition->witness = place->witness;
    g_ptr_array_add (self->partitions, partition);
    g_ptr_array_remove (known, partition);
  }
  for (guint i = 0; i < known->len; i++) {
    WeirKafkaPartition *fresh = g_ptr_array_index (known, i);

    fresh->next = WEIR_KAFKA_UNRESOLVED;
    g_ptr_array_add (self->partitions, fresh);
  }
  return TRUE;
}

static gboolean
is_begun (const WeirKafkaPosition *position)
{
  for (guint i = 0; i < position->places->len; i++)
    if (weir_kafka_position_place (position, i)->next != WEIR_KAFKA_UNRESOLVED)
      return TRUE;
  return FALSE;
}

gboolean
weir_kafka_source_resume (WeirSource *source, gconstpointer bytes, gsize size, GError **error)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;
  g_autoptr (WeirKafkaPosition) position = weir_kafka_position_decode (bytes, size, error);

  if (position == NULL || !check_cluster (self, position, error))
    return FALSE;
  return take_places (self, position, error) && weir_kafka_source_find_starts (self, is_begun (position), error);
}

static gboolean
has_all (WeirKafkaSource *self, const WeirKafkaPosition *position)
{
  for (guint i = 0; i < position->places->len; i++) {
    const WeirKafkaPlace *place = weir_kafka_position_place (position, i);
    WeirKafkaPartition *partition = weir_kafka_find_partition (self->partitions, place->topic, place->partition);

    if (partition != NULL && !weir_kafka_stage_reaches (&partition->stage, MIN (place->next, partition->end)))
      return FALSE;
  }
  return TRUE;
}

/* Tells readers what they must read, up to where the batch has it of each partition: though there is no room, unless a batch
 * before it is at work, which needs room and gives its own back. */
static void
say_awaited (WeirKafkaSource *self, const WeirKafkaPosition *position)
{
  for (guint i = 0; i < self->partitions->len; i++) {
    WeirKafkaPartition *partition = weir_kafka_partition_at (self, i);
    const WeirKafkaPlace *place =
        position != NULL ? weir_kafka_position_find (position, partition->topic, partition->number) : NULL;

    __atomic_store_n (&partition->awaited, place != NULL ? place->next : 0, __ATOMIC_RELAXED);
  }
  __atomic_store_n (&self->is_awaited, self->backlog.sizes->len == 0, __ATOMIC_RELEASE);
}

/* What it had of the partition, or of that what is left. */
static void
take_again (WeirKafkaSource *self, WeirKafkaPartition *partition, const WeirKafkaPlace *place, WeirKafkaTaken *taken)
{
  gint64 until = MIN (place->next, MAX (partition->end, partition->next));

  weir_kafka_stage_take_until (&partition->stage, partition->next, until, taken);
  partition->next = until;
  partition->witness = place->witness;
  if (until == place->next)
    return;
  partition->witness.offset = -1; /* it is lost */
  weir_engine_count_reject (self->source.engine, self->source.op, "lost by Kafka before it was read again",
                            (guint64) (place->next - until));
}

void
weir_kafka_source_take_end (WeirKafkaSource *source, WeirKafkaPartition *partition, gint64 end)
{
  partition->end = end;
  weir_engine_wake (source->source.engine);
}

/* The batch's partitions are those that it had, in their order; one that is gone has nothing. */
gboolean
weir_kafka_source_replan (WeirSource *source, WeirPlan *plan, gconstpointer bytes, gsize size)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;
  g_autoptr (WeirKafkaPosition) position = weir_kafka_position_decode (bytes, size, NULL);
  WeirKafkaPlan *data;
  guint n = 0;

  say_awaited (self, position);
  if (position != NULL && !has_all (self, position)) {
    weir_kafka_source_wake_readers (self);
    return FALSE;
  }
  __atomic_store_n (&self->is_awaited, FALSE, __ATOMIC_RELEASE);
  data = weir_kafka_plan_new (position != NULL ? position->places->len : 0);
  for (guint i = 0; i < data->n; i++) {
    const WeirKafkaPlace *place = weir_kafka_position_place (position, i);
    WeirKafkaPartition *partition = weir_kafka_find_partition (self->partitions, place->topic, place->partition);

    if (partition == NULL)
      continue;
    data->slices[n].partition = partition;
    take_again (self, partition, place, &data->slices[n].taken);
    n++;
  }
  data->n = n;
  weir_kafka_source_finish_plan (self, data, plan);
  return TRUE;
}

void
weir_kafka_source_sealed (WeirSource *source, gconstpointer bytes, gsize size)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;
  g_autoptr (WeirKafkaPosition) position = weir_kafka_position_decode (bytes, size, NULL);

  for (guint i = 0; position != NULL && self->keeper != NULL && i < position->places->len; i++) {
    const WeirKafkaPlace *place = weir_kafka_position_place (position, i);

    if (place->next >= 0)
      weir_kafka_keeper_commit (self->keeper, place->topic, place->partition, place->next);
  }
}
