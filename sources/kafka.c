/* kafka.c: topics of Kafka in direct mode, as a source.
 *
 * Owns where the source stands, and plans: a batch has what has been staged by the tick, so that it never waits for the
 * network and its number of records is known. Must not know how records are fetched, nor what is done about trouble:
 * those are the readers' and the keeper's. Threads: the loop's, but for open and resume; see kafka-source.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/kafka.h>

#include "engine/options.h"
#include "engine/stream.h"
#include "sources/kafka-keeper.h"
#include "sources/kafka-reader.h"
#include "sources/kafka-slots.h"

/* --- running --- */

void
weir_kafka_source_wake_readers (WeirKafkaSource *self)
{
  pthread_mutex_lock (&self->lock);
  pthread_cond_broadcast (&self->room);
  pthread_mutex_unlock (&self->lock);
}

static void
kafka_start (WeirSource *source)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;
  GError *error = NULL;
  gboolean ok = TRUE;

  if (self->unresolved != NULL) {
    weir_engine_fail (source->engine, g_steal_pointer (&self->unresolved));
    return;
  }
  for (guint i = 0; i < self->n_readers && ok; i++)
    ok = weir_kafka_reader_start (self->readers[i], &error);
  if (!ok || !weir_kafka_keeper_start (self->keeper, &error))
    weir_engine_fail (source->engine, error);
}

/* What no batch has is read again after the next start; it need not be waited for. */
static void
kafka_stop (WeirSource *source)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;

  self->is_stopping = TRUE;
  __atomic_store_n (&self->quit, TRUE, __ATOMIC_RELEASE);
  for (guint i = 0; i < self->n_readers; i++)
    weir_kafka_reader_wake (self->readers[i]);
  weir_kafka_source_wake_readers (self);
}

static gboolean
kafka_has_staged (WeirSource *source)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;

  return !self->is_stopping && __atomic_load_n (&self->staging.n_bytes, __ATOMIC_RELAXED) > 0;
}

/* While a batch runs, about as much as it has may wait behind it; what rates leave for later does not pile up. */
static void
set_hold (WeirKafkaSource *self)
{
  gsize hold = G_MAXSIZE, oldest;

  if (self->backlog.sizes->len > 0) {
    oldest = MAX (g_array_index (self->backlog.sizes, gsize, 0), WEIR_BACKLOG_MIN);
    hold = oldest - MIN (oldest, self->backlog.total - g_array_index (self->backlog.sizes, gsize, 0));
  }
  if (self->left_bytes > 0)
    hold = MIN (hold, MAX (self->left_bytes, WEIR_BACKLOG_MIN));
  __atomic_store_n (&self->hold_above, hold, __ATOMIC_RELAXED);
  weir_kafka_source_wake_readers (self);
}

static void
on_room (WeirSource *source)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;

  self->waits_for_room = FALSE;
  if (self->partitions != NULL)
    weir_kafka_source_wake_readers (self);
}

void
weir_kafka_source_await_room (WeirKafkaSource *source)
{
  if (weir_engine_has_room (source->source.engine)) {
    weir_kafka_source_wake_readers (source);
  } else if (!source->waits_for_room) {
    source->waits_for_room = TRUE;
    weir_engine_on_room (source->source.engine, &source->source, on_room);
  }
}

void
weir_kafka_source_take_partition (WeirKafkaSource *source, WeirKafkaPartition *partition)
{
  if (weir_kafka_find_partition (source->partitions, partition->topic, partition->number) == NULL)
    g_ptr_array_add (source->partitions, partition);
}

/* --- planning --- */

static void
stand_behind (WeirKafkaPartition *partition, const WeirKafkaTaken *taken, gboolean has_extras)
{
  guint n = taken->pieces != NULL ? taken->pieces->len : 0;

  if (n > 0)
    partition->witness =
        weir_kafka_piece_witness (&g_array_index (taken->pieces, WeirKafkaPiece, n - 1), has_extras, taken->is_cut);
  else if (taken->until < partition->next)
    partition->witness.offset = -1; /* of a topic that is no more */
  partition->next = taken->until;
}

/* What is behind the newest record that was read, as far as the client has heard. */
static gint64
lag_of (const WeirKafkaPartition *partition, guint64 n_staged)
{
  gint64 low, high;

  if (rd_kafka_get_watermark_offsets (weir_kafka_reader_handle (partition->reader), partition->topic, partition->number,
                                      &low, &high) != RD_KAFKA_RESP_ERR_NO_ERROR ||
      high < partition->next)
    return (gint64) n_staged;
  return MAX (high - partition->next, (gint64) n_staged);
}

/* How many records of each partition the batch may have; NULL: any number. Transfer full. */
static gint64 *
share_rates (WeirKafkaSource *self)
{
  const WeirOptions *options = weir_engine_options (self->source.engine);
  guint n = self->partitions->len, most = weir_options_integer (options, WEIR_OPTION_KAFKA_MAX_RATE_PER_PARTITION);
  WeirRateLimits limits = { .estimate = self->source.rate, .least = 1 };
  g_autofree gdouble *rates = g_new (gdouble, n);
  g_autofree gint64 *lags = g_new (gint64, n);
  gint64 *records;

  if (most == 0 && self->source.rate <= 0)
    return NULL;
  limits.interval = weir_options_duration (options, WEIR_OPTION_BATCH_INTERVAL);
  limits.most = rates;
  records = g_new (gint64, n);
  for (guint i = 0; i < n; i++) {
    rates[i] = most;
    lags[i] =
        lag_of (weir_kafka_partition_at (self, i), weir_kafka_stage_count (&weir_kafka_partition_at (self, i)->stage));
  }
  weir_rate_share (&limits, lags, n, records);
  return records;
}

void
weir_kafka_source_finish_plan (WeirKafkaSource *self, WeirKafkaPlan *data, WeirPlan *plan)
{
  weir_kafka_plan_describe (data, plan);
  for (guint i = 0; i < data->n; i++)
    plan->n_hanging += __atomic_load_n (&data->slices[i].partition->is_said_to_hang, __ATOMIC_RELAXED) ? 1 : 0;
  plan->data = data;
  weir_backlog_planned (&self->backlog, plan->n_bytes);
  set_hold (self);
}

static void
kafka_plan (WeirSource *source, WeirPlan *plan)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;
  g_autofree gint64 *most = share_rates (self);
  WeirKafkaPlan *data = weir_kafka_plan_new (self->partitions->len);

  for (guint i = 0; i < data->n; i++) {
    WeirKafkaSlice *slice = &data->slices[i];
    WeirKafkaPartition *partition = weir_kafka_partition_at (self, i);

    slice->partition = partition;
    weir_kafka_stage_take (&partition->stage, partition->next, most != NULL ? (guint64) most[i] : G_MAXUINT64,
                           &slice->taken);
    stand_behind (partition, &slice->taken, self->staging.has_extras);
  }
  self->left_bytes = most != NULL ? __atomic_load_n (&self->staging.n_bytes, __ATOMIC_RELAXED) : 0;
  weir_kafka_source_finish_plan (self, data, plan);
}

static void
kafka_release (WeirSource *source, WeirPlan *plan)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;
  WeirKafkaPlan *data = g_steal_pointer (&plan->data);

  weir_backlog_released (&self->backlog, plan->n_bytes);
  set_hold (self);
  for (guint i = 0; i < data->n && plan->is_done && !weir_engine_is_durable (source->engine); i++)
    if (data->slices[i].taken.until > data->slices[i].taken.from)
      weir_kafka_keeper_commit (self->keeper, data->slices[i].partition->topic, data->slices[i].partition->number,
                                data->slices[i].taken.until);
  weir_kafka_plan_free (data);
}

/* --- the graph --- */

static void
kafka_params_clear (gpointer params)
{
  WeirKafkaSource *self = params;

  weir_kafka_topics_clear (&self->topics);
  if (self->starts != NULL)
    g_array_unref (self->starts);
  pthread_cond_destroy (&self->room);
  pthread_mutex_destroy (&self->lock);
}

static const WeirSourceKlass kafka_class = {
  .op = {
    .verb = "kafka_direct_stream",
    .kind = WEIR_OP_SOURCE,
    .reader_size = sizeof (WeirKafkaCursor),
    .read = weir_kafka_read,
    .params_clear = kafka_params_clear,
  },
  .instance_size = sizeof (WeirKafkaSource),
  .open = weir_kafka_source_open,
  .start = kafka_start,
  .plan = kafka_plan,
  .release = kafka_release,
  .stop = kafka_stop,
  .has_staged = kafka_has_staged,
  .save = weir_kafka_source_save,
  .resume = weir_kafka_source_resume,
  .replan = weir_kafka_source_replan,
  .sealed = weir_kafka_source_sealed,
  .close = weir_kafka_source_close,
};

static void
check_group (WeirStream *stream, const WeirKafka *kafka)
{
  const char *group = weir_kafka_group (kafka);

  if (group == NULL || group[0] == '\0')
    weir_stream_mistake (stream, "reads by a connection without a group: name one in weir_kafka_new ()");
  if (weir_kafka_brokers (kafka)[0] == '\0')
    weir_stream_mistake (stream, "has no brokers: name them in weir_kafka_new (), as in localhost:9092");
}

static WeirStream *
new_stream (WeirKafka *kafka, const char *topics, WeirKafkaFunc f, gpointer user_data)
{
  WeirStream *stream = weir_stream_new_source (weir_kafka_context (kafka), &kafka_class);
  WeirKafkaSource *self = (WeirKafkaSource *) stream->source;
  g_autoptr (GError) error = NULL;
  pthread_condattr_t attributes;

  pthread_mutex_init (&self->lock, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&self->room, &attributes);
  pthread_condattr_destroy (&attributes);
  self->kafka = kafka;
  self->f = f;
  self->user_data = user_data;
  check_group (stream, kafka);
  if (!weir_kafka_topics_parse (&self->topics, topics != NULL ? topics : "", &error))
    weir_stream_mistake (stream, "%s", error->message);
  return stream;
}

/**
 * weir_kafka_direct_stream:
 * @k: the connection, with a group
 * @topics: "a", "a,b", or a regular expression that begins with ^; topics whose names begin with __ are only read
 *   where the expression says so
 *
 * The records of topics as pairs: (key, value), each a TEXT without a copy, or NIL where the record has none. Each
 * partition of a topic is a partition of the stream, in order of offset. Only what is committed is read (a property
 * changes that: `isolation.level`).
 *
 * A batch has what had been fetched at its tick, within `kafka.max.rate.per.partition` and back-pressure. Where it
 * begins: a checkpoint beats weir_kafka_start_at(), which beats the offsets committed by the group, which beat
 * `auto.offset.reset`. Partitions and topics that are new while the job runs are found within ten seconds (the property
 * `topic.metadata.refresh.interval.ms`) and read from their beginning. Offsets are committed for the group when a batch is
 * complete, or with a checkpoint when it is sealed; there they are never the truth.
 *
 * Records that are deleted before they are read, and topics that are deleted and made anew, are noticed: the job fails
 * with %WEIR_ERROR_DATA_LOSS, or with `kafka.on.data.loss` goes on elsewhere and counts what is lost.
 *
 * Brokers that cannot be reached fail the start with %WEIR_ERROR_SOURCE; while the job runs it waits for them.
 *
 * Returns: (transfer none): the stream; a mistake is reported by weir_context_start(), with code %WEIR_ERROR_GRAPH
 */
WeirStream *
weir_kafka_direct_stream (WeirKafka *k, const char *topics)
{
  g_return_val_if_fail (k != NULL, NULL);
  return new_stream (k, topics, NULL, NULL);
}

/**
 * weir_kafka_direct_stream_with:
 * @k: as in weir_kafka_direct_stream()
 * @topics: as there
 * @f: is given each record with topic, partition, offset, timestamp and headers, and emits what it makes of it; runs on
 *   workers, several at a time
 * @user_data: handed to @f
 *
 * As weir_kafka_direct_stream(), for jobs that need more of a record than key and value. A record that cannot be read
 * is for weir_reject().
 *
 * Returns: (transfer none): the stream
 */
WeirStream *
weir_kafka_direct_stream_with (WeirKafka *k, const char *topics, WeirKafkaFunc f, gpointer user_data)
{
  WeirStream *stream;

  g_return_val_if_fail (k != NULL, NULL);
  stream = new_stream (k, topics, f, user_data);
  if (f == NULL)
    weir_stream_mistake (stream, "has no function (NULL): give one, or call weir_kafka_direct_stream ()");
  return stream;
}

static WeirKafkaSource *
source_of (WeirStream *stream, const char *what)
{
  if (stream->source != NULL && stream->source->klass == &kafka_class)
    return (WeirKafkaSource *) stream->source;
  weir_stream_mistake (stream, "is given to %s (), but is no Kafka stream", what);
  return NULL;
}

static gboolean
check_place (WeirStream *stream, const char *what, const char *topic, gint32 partition, gint64 offset)
{
  if (topic != NULL && partition >= 0 && offset >= RD_KAFKA_OFFSET_BEGINNING)
    return TRUE;
  weir_stream_mistake (stream,
                       "%s () was given %s, partition %d, offset %" G_GINT64_FORMAT
                       ": name a topic, a partition from 0 on, and an offset, or -2 for the beginning, -1 for the end",
                       what, topic != NULL ? topic : "no topic", partition, offset);
  return FALSE;
}

/**
 * weir_kafka_start_at:
 * @s: a Kafka stream
 * @topic: a topic of it
 * @partition: a partition of it
 * @offset: the first offset to read; -2: the beginning, -1: the end
 *
 * Says where a partition begins where the checkpoint has nothing of it: for jobs that keep their offsets themselves.
 * Called while the graph is built, once for each partition; the last of several counts.
 */
void
weir_kafka_start_at (WeirStream *s, const char *topic, gint32 partition, gint64 offset)
{
  WeirKafkaSource *self;
  WeirKafkaTopics list = { 0 };

  g_return_if_fail (s != NULL);
  self = source_of (s, "weir_kafka_start_at");
  if (self == NULL || !check_place (s, "weir_kafka_start_at", topic, partition, offset))
    return;
  list.assigned = self->starts;
  weir_kafka_topics_assign (&list, topic, partition, offset);
  self->starts = list.assigned;
}

/**
 * weir_kafka_assign:
 * @s: a Kafka stream
 * @topic: a topic
 * @partition: a partition of it
 * @offset: the first offset to read where the checkpoint has nothing; -2: the beginning, -1: the end
 *
 * Has the stream read this partition, and no others but those that are assigned as well: the topics that the stream was
 * made with are not looked at, nor are new partitions. Called while the graph is built.
 */
void
weir_kafka_assign (WeirStream *s, const char *topic, gint32 partition, gint64 offset)
{
  WeirKafkaSource *self;

  g_return_if_fail (s != NULL);
  self = source_of (s, "weir_kafka_assign");
  if (self != NULL && check_place (s, "weir_kafka_assign", topic, partition, offset))
    weir_kafka_topics_assign (&self->topics, topic, partition, offset);
}
