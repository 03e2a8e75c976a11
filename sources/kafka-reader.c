/* Owns a consumer handle, its one queue and the thread that empties it into the stages of its partitions: checks each
 * record's offset, holds back where there is no room, reports what goes wrong. Must not know plans, nor what is done
 * about trouble.
 *
 * All partitions of a handle come by its consumer queue, which the thread waits on; the client's own thread fetches. (Queues
 * per partition would have to be forwarded anew at each assignment, which races with the end of the one before.) No lock
 * is taken per record. Threads: see kafka-source.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sources/kafka-reader.h"

#include <string.h>

#include "engine/options.h"
#include "sources/kafka-keeper.h"

/* So many records are published at once, and there is a look at the room then. */
#define AT_ONCE 2048

#define WAIT_MS   500
#define ROOM_WAIT WEIR_MILLISECONDS (100)

/* What a record takes in the client's queue beside its bytes. */
#define QUEUED_OVERHEAD 512

/* The client's queues may take this part of memory.limit. */
#define QUEUE_SHARE 4

#define LEAST_QUEUE ((gsize) 16 * 1024 * 1024)
#define MOST_QUEUE  ((gsize) 1024 * 1024 * 1024)

/* A record that could not be taken for want of memory, copied. */
typedef struct {
  WeirKafkaPartition *partition; /* NULL: there is none */
  WeirKafkaIncoming record;
  gpointer copy;
} Spilled;

struct _WeirKafkaReader {
  WeirKafkaSource *source;
  rd_kafka_t *rk;
  rd_kafka_queue_t *queue;
  pthread_t thread;     /* 0: not started */
  gboolean is_given_up; /* the keeper's, which is joined before */

  pthread_mutex_t lock;
  GPtrArray *partitions; /* under lock: of WeirKafkaPartition; the keeper adds */

  /* The thread's own. */
  WeirKafkaPartition *last; /* that a message was of */
  GPtrArray *touched;       /* to be published */
  guint n_unpublished;
  Spilled spilled;
  gboolean has_asked; /* for room */
};

static void
spilled_clear (Spilled *spilled)
{
  g_free (spilled->copy);
  if (spilled->record.headers != NULL)
    g_byte_array_unref (spilled->record.headers);
  *spilled = (Spilled){ 0 };
}

/* --- making the handle --- */

typedef struct {
  char kbytes[24], messages[24], fetch[24];
} QueueLimits;

static void
limit_queue (const WeirKafkaSource *source, QueueLimits *limits)
{
  WeirEngine *engine = source->source.engine;
  gsize share = weir_memory_limit (weir_engine_memory (engine)) / QUEUE_SHARE / source->n_readers / 2;

  share = MIN (share, MOST_QUEUE);
  if (share < LEAST_QUEUE)
    weir_log (weir_engine_log (engine), WEIR_LOG_WARNING,
              "memory.limit leaves Kafka's client %" G_GSIZE_FORMAT
              " bytes to read ahead, and below 16 MB it is several times slower: raise memory.limit",
              share);
  g_snprintf (limits->kbytes, sizeof limits->kbytes, "%" G_GSIZE_FORMAT, MAX (share / 1024, 1024));
  g_snprintf (limits->messages, sizeof limits->messages, "%" G_GSIZE_FORMAT, MAX (share / QUEUED_OVERHEAD, 1000));
  g_snprintf (limits->fetch, sizeof limits->fetch, "%" G_GSIZE_FORMAT, CLAMP (share, 1024 * 1024, 50 * 1024 * 1024));
}

static rd_kafka_t *
make_handle (WeirKafkaReader *reader, GError **error)
{
  QueueLimits limits;
  const WeirKafkaSetting defaults[] = {
    { "isolation.level", "read_committed" },    { "queued.max.messages.kbytes", limits.kbytes },
    { "queued.min.messages", limits.messages }, { "fetch.max.bytes", limits.fetch },
    { "fetch.error.backoff.ms", "100" },        { "fetch.queue.backoff.ms", "20" },
    { "max.poll.interval.ms", "86400000" },     { NULL, NULL },
  };
  static const WeirKafkaSetting fixed[] = {
    { "enable.auto.commit", "false" },
    { "enable.auto.offset.store", "false" },
    { "enable.partition.eof", "true" },
    { "auto.offset.reset", "error" },
    { NULL, NULL },
  };
  const WeirKafkaHandleSpec spec = { .role = WEIR_KAFKA_CONSUMER,
                                     .defaults = defaults,
                                     .fixed = fixed,
                                     .say = weir_kafka_keeper_say,
                                     .data = reader->source };

  limit_queue (reader->source, &limits);
  return weir_kafka_handle_new (reader->source->kafka, &spec, error);
}

WeirKafkaReader *
weir_kafka_reader_new (WeirKafkaSource *source, GError **error)
{
  WeirKafkaReader *reader = g_new0 (WeirKafkaReader, 1);

  reader->source = source;
  reader->rk = make_handle (reader, error);
  if (reader->rk == NULL) {
    g_free (reader);
    return NULL;
  }
  reader->queue = rd_kafka_queue_get_consumer (reader->rk);
  reader->partitions = g_ptr_array_new ();
  reader->touched = g_ptr_array_new ();
  pthread_mutex_init (&reader->lock, NULL);
  return reader;
}

void
weir_kafka_reader_free (WeirKafkaReader *reader)
{
  if (reader == NULL)
    return;
  if (reader->thread != 0) {
    weir_kafka_reader_wake (reader);
    pthread_join (reader->thread, NULL);
  }
  rd_kafka_queue_destroy (reader->queue);
  if (reader->is_given_up)
    weir_kafka_handle_abandon (reader->rk);
  else
    weir_kafka_handle_free (reader->rk);
  g_ptr_array_unref (reader->partitions);
  g_ptr_array_unref (reader->touched);
  pthread_mutex_destroy (&reader->lock);
  spilled_clear (&reader->spilled);
  g_free (reader);
}

void
weir_kafka_reader_give_up (WeirKafkaReader *reader)
{
  reader->is_given_up = TRUE;
}

rd_kafka_t *
weir_kafka_reader_handle (const WeirKafkaReader *reader)
{
  return reader->rk;
}

guint
weir_kafka_reader_count (const WeirKafkaReader *reader)
{
  return reader->partitions->len;
}

/* --- messages --- */

static gboolean
is_of (WeirKafkaPartition *partition, const rd_kafka_message_t *message)
{
  if (partition->number != message->partition)
    return FALSE;
  if (partition->rkt == message->rkt)
    return TRUE;
  if (!g_str_equal (partition->topic, rd_kafka_topic_name (message->rkt)))
    return FALSE;
  partition->rkt = message->rkt;
  return TRUE;
}

/* Neighbours in the queue are of one partition, mostly. */
static WeirKafkaPartition *
find_partition (WeirKafkaReader *reader, const rd_kafka_message_t *message)
{
  WeirKafkaPartition *found = reader->last;

  if (G_UNLIKELY (message->rkt == NULL))
    return NULL;
  if (G_LIKELY (found != NULL && is_of (found, message)))
    return found;
  found = NULL;
  pthread_mutex_lock (&reader->lock);
  for (guint i = 0; i < reader->partitions->len && found == NULL; i++)
    if (is_of (g_ptr_array_index (reader->partitions, i), message))
      found = g_ptr_array_index (reader->partitions, i);
  pthread_mutex_unlock (&reader->lock);
  if (found != NULL)
    reader->last = found;
  return found;
}

static void
touch (WeirKafkaReader *reader, WeirKafkaPartition *partition)
{
  if (partition->is_touched)
    return;
  partition->is_touched = TRUE;
  g_ptr_array_add (reader->touched, partition);
}

static void
publish (WeirKafkaReader *reader)
{
  WeirKafkaSource *source = reader->source;

  if (reader->touched->len == 0)
    return;
  for (guint i = 0; i < reader->touched->len; i++) {
    WeirKafkaPartition *partition = g_ptr_array_index (reader->touched, i);

    weir_kafka_stage_publish (&partition->stage);
    partition->is_touched = FALSE;
  }
  g_ptr_array_set_size (reader->touched, 0);
  reader->n_unpublished = 0;
  if (__atomic_load_n (&source->is_awaited, __ATOMIC_ACQUIRE))
    weir_engine_wake (source->source.engine);
}

/* From here on the partition is the keeper's. */
static void
hand_over (WeirKafkaReader *reader, WeirKafkaPartition *partition, WeirKafkaTroubleKind kind, rd_kafka_resp_err_t code)
{
  const WeirKafkaTrouble trouble = { partition, kind, code };

  publish (reader);
  __atomic_store_n (&partition->is_read, FALSE, __ATOMIC_RELEASE);
  weir_kafka_keeper_report (reader->source->keeper, &trouble);
}

static void
append_header (GByteArray *out, const char *name, gconstpointer value, gsize size)
{
  const guint32 sizes[2] = { (guint32) strlen (name), value != NULL ? (guint32) size : WEIR_KAFKA_NO_BYTES };
  static const guint8 zeros[4] = { 0 };

  g_byte_array_append (out, (const guint8 *) sizes, sizeof sizes);
  g_byte_array_append (out, (const guint8 *) name, sizes[0] + 1);
  if (value != NULL)
    g_byte_array_append (out, value, (guint) size);
  g_byte_array_append (out, zeros, (4 - out->len % 4) % 4);
}

static void
take_headers (rd_kafka_message_t *message, WeirKafkaIncoming *record)
{
  rd_kafka_headers_t *headers = NULL;
  const char *name;
  const void *value;
  size_t size;

  if (rd_kafka_message_headers (message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return;
  record->headers = g_byte_array_new ();
  while (rd_kafka_header_get_all (headers, record->n_headers, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    append_header (record->headers, name, value, size);
    record->n_headers++;
  }
}

/* Is the record before the expected one still the one that was read then? FALSE: it is another. */
static gboolean
check (WeirKafkaPartition *partition, const WeirKafkaIncoming *record)
{
  WeirKafkaWitness witness = partition->check;

  partition->check.offset = -1;
  if (record->offset > witness.offset) /* compacted away; nobody can tell */
    return TRUE;
  return (witness.timestamp_ms == -1 || witness.timestamp_ms == record->timestamp_ms) &&
         witness.hash == weir_kafka_hash (record->key, record->key_size, record->value, record->value_size);
}

/* For want of memory: the record is kept beside, and the client keeps what follows. */
static void
spill (WeirKafkaReader *reader, WeirKafkaPartition *partition, const WeirKafkaIncoming *record)
{
  gsize n_headers = record->headers != NULL ? record->headers->len : 0;
  gsize size = record->key_size + record->value_size;
  Spilled *spilled = &reader->spilled;
  char *copy = g_malloc (size + 1);

  *spilled = (Spilled){ partition, *record, copy };
  if (record->key != NULL)
    spilled->record.key = memcpy (copy, record->key, record->key_size);
  if (record->value != NULL)
    spilled->record.value = memcpy (copy + record->key_size, record->value, record->value_size);
  if (n_headers > 0)
    spilled->record.headers = g_byte_array_ref (record->headers);
  rd_kafka_yield (reader->rk);
}

static void
stage (WeirKafkaReader *reader, WeirKafkaPartition *partition, const WeirKafkaIncoming *record)
{
  if (G_UNLIKELY (!weir_kafka_stage_append (&partition->stage, record))) {
    spill (reader, partition, record);
    return;
  }
  partition->n_skipped += (guint64) (record->offset - partition->expected);
  partition->expected = record->offset + 1;
  touch (reader, partition);
  reader->n_unpublished++;
}

static gboolean must_hold (WeirKafkaReader *reader);

/* What may be staged beside a batch that is waited for, which has to fit as it is: a part of memory.limit. */
#define AHEAD_SHARE 8

static gboolean
is_ahead (const WeirKafkaSource *source, const WeirKafkaPartition *partition, gint64 offset)
{
  return offset >= __atomic_load_n (&partition->awaited, __ATOMIC_RELAXED) &&
         __atomic_load_n (&source->staging.n_bytes, __ATOMIC_RELAXED) >=
             weir_memory_limit (weir_engine_memory (source->source.engine)) / AHEAD_SHARE;
}

static void
take_record (WeirKafkaReader *reader, WeirKafkaPartition *partition, rd_kafka_message_t *message)
{
  rd_kafka_timestamp_type_t type;
  WeirKafkaIncoming record = { .offset = message->offset,
                               .timestamp_ms = rd_kafka_message_timestamp (message, &type),
                               .key = message->key,
                               .value = message->payload,
                               .key_size = message->key_len,
                               .value_size = message->len };

  if (G_UNLIKELY (partition->check.offset >= 0) && !check (partition, &record)) {
    hand_over (reader, partition, WEIR_KAFKA_CHANGED, RD_KAFKA_RESP_ERR_NO_ERROR);
    return;
  }
  if (record.offset < partition->expected)
    return;
  if (G_UNLIKELY (__atomic_load_n (&reader->source->is_awaited, __ATOMIC_ACQUIRE)) &&
      is_ahead (reader->source, partition, record.offset)) {
    hand_over (reader, partition, WEIR_KAFKA_AHEAD, RD_KAFKA_RESP_ERR_NO_ERROR);
    return;
  }
  if (reader->source->f != NULL)
    take_headers (message, &record);
  stage (reader, partition, &record);
  if (record.headers != NULL)
    g_byte_array_unref (record.headers);
  if (G_UNLIKELY (reader->n_unpublished >= AT_ONCE)) {
    publish (reader);
    if (must_hold (reader))
      rd_kafka_yield (reader->rk);
  }
}

static void
take_end (WeirKafkaReader *reader, WeirKafkaPartition *partition, gint64 offset)
{
  if (offset < partition->expected) { /* the log is shorter than it was */
    hand_over (reader, partition, WEIR_KAFKA_OUT_OF_RANGE, RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE);
    return;
  }
  partition->check.offset = -1;
  partition->n_skipped += (guint64) (offset - partition->expected);
  partition->expected = offset;
  weir_kafka_stage_skip (&partition->stage, offset);
  touch (reader, partition);
}

static void
take_error (WeirKafkaReader *reader, WeirKafkaPartition *partition, const rd_kafka_message_t *message)
{
  switch (message->err) {
  case RD_KAFKA_RESP_ERR__PARTITION_EOF:
    take_end (reader, partition, message->offset);
    return;
  case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
  case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    hand_over (reader, partition, WEIR_KAFKA_OUT_OF_RANGE, message->err);
    return;
  case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
  case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
  case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    hand_over (reader, partition, WEIR_KAFKA_GONE, message->err);
    return;
  case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
  case RD_KAFKA_RESP_ERR__BAD_MSG:
  case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
  case RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED:
    hand_over (reader, partition, WEIR_KAFKA_BROKEN, message->err);
    return;
  default: /* the client tries again by itself, and says so in the log */
    return;
  }
}

static void
on_message (rd_kafka_message_t *message, void *data)
{
  WeirKafkaReader *reader = data;
  WeirKafkaPartition *partition = find_partition (reader, message);

  if (partition == NULL || !__atomic_load_n (&partition->is_read, __ATOMIC_ACQUIRE))
    return;
  if (G_LIKELY (message->err == RD_KAFKA_RESP_ERR_NO_ERROR))
    take_record (reader, partition, message);
  else
    take_error (reader, partition, message);
}

/* --- holding back --- */

/* A record that alone is too large would wait for ever, and so would a batch that has to be as large as it was. */
static void
check_spilled (WeirKafkaReader *reader)
{
  WeirKafkaSource *source = reader->source;
  const WeirKafkaIncoming *record = &reader->spilled.record;
  gsize limit = weir_memory_limit (weir_engine_memory (source->source.engine));
  gsize size = record->key_size + record->value_size;

  if (size < limit / 4 && !__atomic_load_n (&source->is_awaited, __ATOMIC_ACQUIRE))
    return;
  weir_engine_fail (source->source.engine,
                    g_error_new (WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT,
                                 "%s: partition %s-%d: a record of %" G_GSIZE_FORMAT
                                 " bytes at offset %" G_GINT64_FORMAT " finds no room in memory.limit, %" G_GSIZE_FORMAT
                                 " bytes: raise it",
                                 source->source.op->name, reader->spilled.partition->topic,
                                 reader->spilled.partition->number, size, record->offset, limit));
}

/* FALSE: it is still there, in a copy of the copy. */
static gboolean
place_spilled (WeirKafkaReader *reader)
{
  Spilled spilled = reader->spilled;

  if (spilled.partition == NULL)
    return TRUE;
  reader->spilled = (Spilled){ 0 };
  stage (reader, spilled.partition, &spilled.record);
  spilled_clear (&spilled);
  publish (reader);
  if (reader->spilled.partition == NULL)
    return TRUE;
  check_spilled (reader);
  return FALSE;
}

static gboolean
must_hold (WeirKafkaReader *reader)
{
  WeirKafkaSource *source = reader->source;

  if (reader->spilled.partition != NULL)
    return TRUE;
  if (__atomic_load_n (&source->is_awaited, __ATOMIC_ACQUIRE))
    return FALSE;
  return __atomic_load_n (&source->staging.n_bytes, __ATOMIC_RELAXED) >=
             __atomic_load_n (&source->hold_above, __ATOMIC_RELAXED) ||
         !weir_engine_has_room (source->source.engine);
}

static void
wait_for_room (WeirKafkaReader *reader)
{
  WeirKafkaSource *source = reader->source;
  gint64 at = g_get_monotonic_time () + ROOM_WAIT;
  struct timespec until = { at / G_USEC_PER_SEC, at % G_USEC_PER_SEC * 1000 };

  if (!reader->has_asked && !weir_engine_has_room (source->source.engine))
    weir_kafka_keeper_ask_for_room (source->keeper);
  reader->has_asked = TRUE;
  pthread_mutex_lock (&source->lock);
  if (!__atomic_load_n (&source->quit, __ATOMIC_ACQUIRE))
    pthread_cond_timedwait (&source->room, &source->lock, &until);
  pthread_mutex_unlock (&source->lock);
}

static gpointer
reader_main (gpointer data)
{
  WeirKafkaReader *reader = data;

  pthread_setname_np (pthread_self (), "weir-kafka");
  while (!__atomic_load_n (&reader->source->quit, __ATOMIC_ACQUIRE)) {
    if (!place_spilled (reader) || must_hold (reader)) {
      wait_for_room (reader);
      continue;
    }
    reader->has_asked = FALSE;
    rd_kafka_consume_callback_queue (reader->queue, WAIT_MS, on_message, reader);
    publish (reader);
  }
  return NULL;
}

gboolean
weir_kafka_reader_start (WeirKafkaReader *reader, GError **error)
{
  int code = pthread_create (&reader->thread, NULL, reader_main, reader);

  if (code == 0)
    return TRUE;
  reader->thread = 0;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "cannot start a thread: %s", g_strerror (code));
  return FALSE;
}

void
weir_kafka_reader_wake (WeirKafkaReader *reader)
{
  rd_kafka_queue_yield (reader->queue);
}

/* --- what is read; keeper --- */

static void
know (WeirKafkaReader *reader, WeirKafkaPartition *partition)
{
  pthread_mutex_lock (&reader->lock);
  if (!g_ptr_array_find (reader->partitions, partition, NULL))
    g_ptr_array_add (reader->partitions, partition);
  pthread_mutex_unlock (&reader->lock);
}

gboolean
weir_kafka_reader_assign (WeirKafkaReader *reader, WeirKafkaPartition *partition, GError **error)
{
  g_autoptr (rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new (1);
  rd_kafka_error_t *failure;
  rd_kafka_resp_err_t code;

  rd_kafka_topic_partition_list_add (list, partition->topic, partition->number)->offset =
      partition->check.offset >= 0 ? partition->check.offset : partition->expected;
  know (reader, partition);
  __atomic_store_n (&partition->is_read, TRUE, __ATOMIC_RELEASE);
  failure = rd_kafka_incremental_assign (reader->rk, list);
  if (failure == NULL)
    return TRUE;
  __atomic_store_n (&partition->is_read, FALSE, __ATOMIC_RELEASE);
  code = rd_kafka_error_code (failure);
  rd_kafka_error_destroy (failure);
  return weir_kafka_fail (error, code, WEIR_ERROR_SOURCE, "reading partition %s-%d", partition->topic,
                          partition->number);
}

void
weir_kafka_reader_leave (WeirKafkaReader *reader, WeirKafkaPartition *partition)
{
  g_autoptr (rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new (1);
  rd_kafka_error_t *failure;

  rd_kafka_topic_partition_list_add (list, partition->topic, partition->number);
  failure = rd_kafka_incremental_unassign (reader->rk, list);
  if (failure != NULL)
    rd_kafka_error_destroy (failure);
}
