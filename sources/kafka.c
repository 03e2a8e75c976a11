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
#include "sources/kafka-plan.h"
#include "sources/kafka-reader.h"

#define MOST_READERS 4

/* A broker that does not answer at the first start is a mistake, mostly; later it is a broker that is away. */
#define FIRST_PATIENCE WEIR_SECONDS (10)
#define LATER_PATIENCE WEIR_SECONDS (60)
#define LIST_MS        5000

/* --- opening --- */

static gboolean
make_readers (WeirKafkaSource *self, guint n, GError **error)
{
  self->n_readers = n;
  self->readers = g_renew (WeirKafkaReader *, self->readers, n);
  for (guint i = 0; i < n; i++) {
    self->readers[i] = weir_kafka_reader_new (self, error);
    if (self->readers[i] == NULL) {
      self->n_readers = i;
      return FALSE;
    }
  }
  return TRUE;
}

static void
free_readers (WeirKafkaSource *self)
{
  for (guint i = 0; i < self->n_readers; i++)
    weir_kafka_reader_free (self->readers[i]);
  self->n_readers = 0;
  g_clear_pointer (&self->readers, g_free);
}

static gboolean
refuse_missing (const GPtrArray *missing, GError **error)
{
  if (missing->len == 0)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SOURCE, "there is no topic %s: create it, or check the name",
               (const char *) g_ptr_array_index (missing, 0));
  return FALSE;
}

static void
add_partition (WeirKafkaSource *self, const char *topic, gint32 number)
{
  WeirKafkaPartition *partition = weir_kafka_partition_new (self, topic, number);

  g_ptr_array_add (self->all, partition);
  g_ptr_array_add (self->partitions, partition);
}

static gboolean
list_partitions (WeirKafkaSource *self, GError **error)
{
  rd_kafka_t *rk = weir_kafka_reader_handle (self->readers[0]);
  g_autoptr (GArray) found = weir_kafka_partition_names_new ();
  g_autoptr (GPtrArray) missing = g_ptr_array_new_with_free_func (g_free);

  if (!weir_kafka_topics_list (&self->topics, rk, LIST_MS, found, missing, error) || !refuse_missing (missing, error))
    return FALSE;
  for (guint i = 0; i < found->len; i++) {
    const WeirKafkaPartitionName *name = &g_array_index (found, WeirKafkaPartitionName, i);

    add_partition (self, name->topic, name->partition);
  }
  return TRUE;
}

/* One handle parses on one thread: two read twice as much, where there are partitions and CPUs for both. */
static gboolean
add_readers (WeirKafkaSource *self, GError **error)
{
  guint n_workers = weir_options_integer (weir_engine_options (self->source.engine), WEIR_OPTION_WORKERS);
  guint n = CLAMP (MIN (self->partitions->len, n_workers), 1, MOST_READERS);

  if (n > 1) {
    free_readers (self);
    if (!make_readers (self, n, error))
      return FALSE;
  }
  for (guint i = 0; i < self->partitions->len; i++)
    ((WeirKafkaPartition *) g_ptr_array_index (self->partitions, i))->reader = self->readers[i % n];
  return TRUE;
}

static gboolean
connect_to_cluster (WeirKafkaSource *self, GError **error)
{
  gint64 patience = self->was_open ? LATER_PATIENCE : FIRST_PATIENCE;
  rd_kafka_t *rk;

  self->n_readers = 1;
  if (!make_readers (self, 1, error))
    return FALSE;
  rk = weir_kafka_reader_handle (self->readers[0]);
  if (!weir_kafka_handle_reach (rk, self->kafka, patience, error))
    return FALSE;
  g_free (self->cluster);
  self->cluster = weir_kafka_handle_cluster (rk);
  return TRUE;
}

static void
init_open (WeirKafkaSource *self)
{
  WeirEngine *engine = self->source.engine;

  self->generation++;
  self->is_stopping = self->waits_for_room = FALSE;
  self->quit = self->is_awaited = FALSE;
  self->hold_above = G_MAXSIZE;
  self->left_bytes = 0;
  self->staging = (WeirKafkaStaging){ .memory = weir_engine_memory (engine), .has_extras = self->f != NULL };
  self->on_loss =
      (WeirKafkaLossPolicy) weir_options_choice (weir_engine_options (engine), WEIR_OPTION_KAFKA_ON_DATA_LOSS);
  self->all = g_ptr_array_new_with_free_func ((GDestroyNotify) weir_kafka_partition_free);
  self->partitions = g_ptr_array_new ();
  weir_backlog_init (&self->backlog);
}

static void
commit_ranges (const WeirOffsetRange *ranges, gsize n, gpointer data)
{
  WeirKafkaSource *self = data;

  for (gsize i = 0; i < n; i++)
    weir_kafka_keeper_commit (self->keeper, ranges[i].topic, ranges[i].partition, ranges[i].until);
}

static void
note_starts (WeirKafkaSource *self)
{
  for (guint i = 0; i < self->partitions->len; i++) {
    WeirKafkaPartition *partition = g_ptr_array_index (self->partitions, i);

    partition->expected = partition->next;
    partition->check = partition->witness;
    weir_kafka_stage_reset (&partition->stage, MAX (partition->next, 0));
  }
}

/* Where nothing is known yet, a checkpoint may know: then it does not matter that nobody else does. */
static gboolean
find_starts (WeirKafkaSource *self, gboolean is_new, GError **error)
{
  rd_kafka_t *rk = weir_kafka_reader_handle (self->readers[0]);
  GError *failure = NULL;

  g_clear_error (&self->unresolved);
  if (weir_kafka_resolve_starts (self, rk, is_new, &failure)) {
    note_starts (self);
    return TRUE;
  }
  if (!weir_engine_is_durable (self->source.engine) || is_new) {
    g_propagate_error (error, failure);
    return FALSE;
  }
  self->unresolved = failure;
  return TRUE;
}

static gboolean
kafka_open (WeirSource *source, GError **error)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;
  const char *path = weir_options_string (weir_engine_options (source->engine), WEIR_OPTION_KAFKA_PROPERTIES);

  init_open (self);
  self->keeper = weir_kafka_keeper_new (self);
  weir_kafka_add_committer (self->kafka, commit_ranges, self);
  if (!weir_kafka_read_file (self->kafka, path, error) || !connect_to_cluster (self, error) ||
      !list_partitions (self, error) || !add_readers (self, error) || !find_starts (self, FALSE, error))
    return FALSE;
  self->was_open = TRUE;
  return TRUE;
}

static void
kafka_close (WeirSource *source)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;

  if (self->keeper == NULL)
    return;
  weir_kafka_remove_committer (self->kafka, self);
  __atomic_store_n (&self->quit, TRUE, __ATOMIC_RELEASE);
  weir_kafka_keeper_stop (self->keeper);
  free_readers (self);
  g_clear_pointer (&self->keeper, weir_kafka_keeper_free);
  g_clear_pointer (&self->partitions, g_ptr_array_unref);
  g_clear_pointer (&self->all, g_ptr_array_unref);
  g_clear_pointer (&self->cluster, g_free);
  g_clear_error (&self->unresolved);
  weir_backlog_clear (&self->backlog);
  self->generation++;
}

/* --- running --- */

static void
wake_readers (WeirKafkaSource *self)
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
  wake_readers (self);
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
  wake_readers (self);
}

static void
on_room (WeirSource *source)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;

  self->waits_for_room = FALSE;
  if (self->partitions != NULL)
    wake_readers (self);
}

void
weir_kafka_source_await_room (WeirKafkaSource *source)
{
  if (weir_engine_has_room (source->source.engine)) {
    wake_readers (source);
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

static WeirKafkaPartition *
partition_at (const WeirKafkaSource *self, guint i)
{
  return g_ptr_array_index (self->partitions, i);
}

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
    lags[i] = lag_of (partition_at (self, i), weir_kafka_stage_count (&partition_at (self, i)->stage));
  }
  weir_rate_share (&limits, lags, n, records);
  return records;
}

static void
finish_plan (WeirKafkaSource *self, WeirKafkaPlan *data, WeirPlan *plan)
{
  weir_kafka_plan_describe (data, plan);
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
    WeirKafkaPartition *partition = partition_at (self, i);

    slice->partition = partition;
    weir_kafka_stage_take (&partition->stage, partition->next, most != NULL ? (guint64) most[i] : G_MAXUINT64,
                           &slice->taken);
    stand_behind (partition, &slice->taken, self->staging.has_extras);
  }
  self->left_bytes = most != NULL ? __atomic_load_n (&self->staging.n_bytes, __ATOMIC_RELAXED) : 0;
  finish_plan (self, data, plan);
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

/* --- positions --- */

static void
kafka_save (WeirSource *source, const WeirPlan *plan, GByteArray *bytes)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;
  g_autoptr (WeirKafkaPosition) position = weir_kafka_position_new (self->cluster, weir_kafka_group (self->kafka));

  for (guint i = 0; i < self->partitions->len; i++) {
    const WeirKafkaPartition *partition = partition_at (self, i);

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

/* The saved order comes first: it is that of the batches' partitions. */
static void
take_places (WeirKafkaSource *self, const WeirKafkaPosition *position)
{
  g_autoptr (GPtrArray) known = g_steal_pointer (&self->partitions);

  self->partitions = g_ptr_array_new ();
  for (guint i = 0; i < position->places->len; i++) {
    const WeirKafkaPlace *place = weir_kafka_position_place (position, i);
    WeirKafkaPartition *partition = weir_kafka_find_partition (known, place->topic, place->partition);

    if (partition == NULL) {
      weir_log (weir_engine_log (self->source.engine), WEIR_LOG_WARNING,
                "%s: the checkpoint has partition %s-%d, which is not read any more", self->source.op->name,
                place->topic, place->partition);
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
}

static gboolean
is_begun (const WeirKafkaPosition *position)
{
  for (guint i = 0; i < position->places->len; i++)
    if (weir_kafka_position_place (position, i)->next != WEIR_KAFKA_UNRESOLVED)
      return TRUE;
  return FALSE;
}

static gboolean
kafka_resume (WeirSource *source, gconstpointer bytes, gsize size, GError **error)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;
  g_autoptr (WeirKafkaPosition) position = weir_kafka_position_decode (bytes, size, error);

  if (position == NULL || !check_cluster (self, position, error))
    return FALSE;
  take_places (self, position);
  return find_starts (self, is_begun (position), error);
}

static gboolean
has_all (WeirKafkaSource *self, const WeirKafkaPosition *position)
{
  for (guint i = 0; i < position->places->len; i++) {
    const WeirKafkaPlace *place = weir_kafka_position_place (position, i);
    WeirKafkaPartition *partition = weir_kafka_find_partition (self->partitions, place->topic, place->partition);

    if (partition != NULL && !weir_kafka_stage_reaches (&partition->stage, place->next))
      return FALSE;
  }
  return TRUE;
}

/* The batch's partitions are those that it had, in their order; one that is gone has nothing. */
static gboolean
kafka_replan (WeirSource *source, WeirPlan *plan, gconstpointer bytes, gsize size)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;
  g_autoptr (WeirKafkaPosition) position = weir_kafka_position_decode (bytes, size, NULL);
  WeirKafkaPlan *data;
  guint n = 0;

  __atomic_store_n (&self->is_awaited, TRUE, __ATOMIC_RELEASE);
  if (position != NULL && !has_all (self, position)) {
    wake_readers (self);
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
    weir_kafka_stage_take_until (&partition->stage, partition->next, place->next, &data->slices[n].taken);
    partition->next = place->next;
    partition->witness = place->witness;
    n++;
  }
  data->n = n;
  finish_plan (self, data, plan);
  return TRUE;
}

static void
kafka_sealed (WeirSource *source, gconstpointer bytes, gsize size)
{
  WeirKafkaSource *self = (WeirKafkaSource *) source;
  g_autoptr (WeirKafkaPosition) position = weir_kafka_position_decode (bytes, size, NULL);

  for (guint i = 0; position != NULL && self->keeper != NULL && i < position->places->len; i++) {
    const WeirKafkaPlace *place = weir_kafka_position_place (position, i);

    if (place->next >= 0)
      weir_kafka_keeper_commit (self->keeper, place->topic, place->partition, place->next);
  }
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
  .open = kafka_open,
  .start = kafka_start,
  .plan = kafka_plan,
  .release = kafka_release,
  .stop = kafka_stop,
  .has_staged = kafka_has_staged,
  .save = kafka_save,
  .resume = kafka_resume,
  .replan = kafka_replan,
  .sealed = kafka_sealed,
  .close = kafka_close,
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
