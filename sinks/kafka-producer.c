/* Owns a producer's handle, its topics, and the books about records: written, delivered, failed. Delivery reports are the
 * only truth. Must not know values, batches or transactions. Threads: see kafka-producer.h; callbacks come on whichever
 * thread polls.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sinks/kafka-producer.h"

#include <string.h>

#include <weir/error.h>

#include "engine/options.h"

#define ASK_MS           1000
#define QUEUE_SHARE      8 /* of memory.limit: what the client may hold until it is delivered */
#define LEAST_QUEUE      ((gsize) 4 * 1024 * 1024)
#define MOST_QUEUE       ((gsize) 128 * 1024 * 1024)
#define FIRST_PATIENCE   WEIR_SECONDS (10)
#define LATER_PATIENCE   WEIR_SECONDS (60) /* as the sources */
#define UNKNOWN_PATIENCE WEIR_SECONDS (2)  /* a topic that was made just now is not known everywhere yet */

/* --- what the client has to say --- */

/* That a property of the connection is for its readers is nothing to warn of. */
static WeirLogLevel
level_of (gint severity, const char *text)
{
  if (severity > 6 || strstr (text, "will be ignored by this producer") != NULL)
    return WEIR_LOG_DEBUG;
  return severity <= 4 ? WEIR_LOG_WARNING : WEIR_LOG_INFO;
}

static void
on_say (gint severity, const char *text, gpointer data)
{
  const WeirKafkaProducer *producer = data;
  WeirLogLevel level = level_of (severity, text);

  weir_log (weir_engine_log (producer->engine), level, "%s: %s", producer->label, text);
}

/* What librdkafka held of a topic or a partition that brokers did not name for a while, as when they start, it gives up:
 * nothing is wrong with the record. That a record's own partition exists was seen before it was written. */
static gboolean
is_given_up (rd_kafka_resp_err_t code)
{
  return code == RD_KAFKA_RESP_ERR__DESTROY || code == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION ||
         code == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC || code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
}

/* Purged ones were given up by ourselves: the reason came before them. */
static void
note_failure (WeirKafkaProducer *producer, const rd_kafka_message_t *message)
{
  if (is_given_up (message->err) && producer->transaction_id == NULL)
    __atomic_store_n (&producer->has_broken, TRUE, __ATOMIC_RELAXED);
  pthread_mutex_lock (&producer->lock);
  if (producer->failed == NULL) {
    producer->failure = message->err;
    producer->failed = g_strdup_printf (
        "a record of %zu bytes for topic %s, partition %d, with %s%.*s, was not delivered", message->len,
        rd_kafka_topic_name (message->rkt), message->partition, message->key == NULL ? "no key" : "key ",
        message->key == NULL ? 0 : (int) MIN (message->key_len, 40),
        message->key == NULL ? "" : (const char *) message->key);
  }
  pthread_mutex_unlock (&producer->lock);
}

static void
on_delivered (rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
  WeirKafkaProducer *producer = weir_kafka_handle_data (rk);

  if (G_UNLIKELY (message->err != RD_KAFKA_RESP_ERR_NO_ERROR))
    note_failure (producer, message);
  __atomic_add_fetch (&producer->n_done, 1, __ATOMIC_RELEASE);
}

/* --- life --- */

static void
topic_free (gpointer data)
{
  WeirKafkaTopic *topic = data;

  rd_kafka_topic_destroy (topic->handle);
  g_free (topic->name);
  g_free (topic);
}

static gboolean
make_handle (WeirKafkaProducer *producer, GError **error)
{
  gsize limit = weir_memory_limit (weir_engine_memory (producer->engine));
  g_autofree char *timeout = g_strdup_printf ("%u", producer->transaction_timeout);
  g_autofree char *kbytes =
      g_strdup_printf ("%" G_GSIZE_FORMAT, CLAMP (limit / QUEUE_SHARE, LEAST_QUEUE, MOST_QUEUE) / 1024);
  const WeirKafkaSetting defaults[] = {
    { "partitioner", "murmur2_random" }, /* as Java's */
    { "queue.buffering.max.messages", "1000000" },
    { "queue.buffering.max.kbytes", kbytes },
    { "transaction.timeout.ms", producer->transaction_id != NULL ? timeout : "60000" },
    { producer->transaction_id == NULL ? "message.timeout.ms" : NULL, "0" }, /* never given up */
    { NULL, NULL },
  };
  const WeirKafkaSetting fixed[] = {
    { "enable.idempotence", "true" },
    { "delivery.report.only.error", "false" },
    { producer->transaction_id != NULL ? "transactional.id" : NULL, producer->transaction_id },
    { NULL, NULL },
  };
  const WeirKafkaHandleSpec spec = { .role = WEIR_KAFKA_PRODUCER,
                                     .defaults = defaults,
                                     .fixed = fixed,
                                     .delivered = on_delivered,
                                     .say = on_say,
                                     .data = producer };

  producer->topics = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, topic_free);
  producer->rk = weir_kafka_handle_new (producer->kafka, &spec, error);
  return producer->rk != NULL;
}

/* A handle that still has records waits for them, unless it is told not to. */
static void
drop_handle (WeirKafkaProducer *producer)
{
  if (producer->rk != NULL) {
    rd_kafka_purge (producer->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_flush (producer->rk, ASK_MS);
  }
  g_clear_pointer (&producer->topics, g_hash_table_unref);
  g_clear_pointer (&producer->rk, weir_kafka_handle_free);
}

gboolean
weir_kafka_producer_open (WeirKafkaProducer *producer, gboolean is_patient, GError **error)
{
  pthread_mutex_init (&producer->topics_lock, NULL);
  pthread_mutex_init (&producer->lock, NULL);
  return make_handle (producer, error) &&
         weir_kafka_handle_reach (producer->rk, producer->kafka, is_patient ? LATER_PATIENCE : FIRST_PATIENCE, error);
}

void
weir_kafka_producer_close (WeirKafkaProducer *producer)
{
  drop_handle (producer);
  g_free (producer->failed);
  pthread_mutex_destroy (&producer->lock);
  pthread_mutex_destroy (&producer->topics_lock);
  memset (producer, 0, sizeof *producer);
}

gboolean
weir_kafka_producer_renew (WeirKafkaProducer *producer, GError **error)
{
  drop_handle (producer);
  weir_kafka_producer_count_anew (producer);
  return make_handle (producer, error) &&
         weir_kafka_handle_reach (producer->rk, producer->kafka, LATER_PATIENCE, error);
}

/* --- topics --- */

static rd_kafka_resp_err_t
ask_once (WeirKafkaProducer *producer, WeirKafkaTopic *topic)
{
  const struct rd_kafka_metadata *metadata = NULL;
  rd_kafka_resp_err_t failure = rd_kafka_metadata (producer->rk, 0, topic->handle, &metadata, ASK_MS);

  if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
    return failure;
  failure = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
    __atomic_store_n (&topic->n_partitions, metadata->topics[0].partition_cnt, __ATOMIC_RELAXED);
  rd_kafka_metadata_destroy (metadata);
  return failure;
}

/* The client knows the topic from then on, too: it does not have to ask when the first record comes. */
static gboolean
ask (WeirKafkaProducer *producer, WeirKafkaTopic *topic, GError **error)
{
  gint64 start = g_get_monotonic_time (), patience;
  rd_kafka_resp_err_t failure;

  for (;;) {
    failure = ask_once (producer, topic);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
      return TRUE;
    patience = failure == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART ? UNKNOWN_PATIENCE : FIRST_PATIENCE;
    if (!weir_kafka_is_transient (failure) || g_get_monotonic_time () - start > patience)
      break;
    rd_kafka_poll (producer->rk, 100);
  }
  if (failure == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "Kafka %s has no topic '%s': make it, or name another",
                 weir_kafka_brokers (producer->kafka), topic->name);
  else
    weir_kafka_fail (error, failure, WEIR_ERROR_SINK, "Kafka %s does not tell of the topic '%s'",
                     weir_kafka_brokers (producer->kafka), topic->name);
  return FALSE;
}

static WeirKafkaTopic *
add_topic (WeirKafkaProducer *producer, const char *name, GError **error)
{
  WeirKafkaTopic *topic = g_new0 (WeirKafkaTopic, 1);

  topic->name = g_strdup (name);
  topic->handle = rd_kafka_topic_new (producer->rk, name, NULL);
  if (topic->handle == NULL) {
    weir_kafka_fail (error, rd_kafka_last_error (), WEIR_ERROR_SINK, "cannot write to the topic '%s'", name);
    g_free (topic->name);
    g_free (topic);
    return NULL;
  }
  if (!ask (producer, topic, error)) {
    topic_free (topic);
    return NULL;
  }
  g_hash_table_insert (producer->topics, topic->name, topic);
  return topic;
}

WeirKafkaTopic *
weir_kafka_producer_topic (WeirKafkaProducer *producer, const char *name, GError **error)
{
  WeirKafkaTopic *topic;

  pthread_mutex_lock (&producer->topics_lock);
  topic = g_hash_table_lookup (producer->topics, name);
  if (topic == NULL)
    topic = add_topic (producer, name, error);
  pthread_mutex_unlock (&producer->topics_lock);
  return topic;
}

void
weir_kafka_producer_ask_again (WeirKafkaProducer *producer, WeirKafkaTopic *topic)
{
  ask_once (producer, topic);
}

gboolean
weir_kafka_producer_has_partition (WeirKafkaProducer *producer, WeirKafkaTopic *topic, gint partition)
{
  if (partition < __atomic_load_n (&topic->n_partitions, __ATOMIC_RELAXED))
    return TRUE;
  ask_once (producer, topic); /* it may be a new one */
  return partition < __atomic_load_n (&topic->n_partitions, __ATOMIC_RELAXED);
}

/* --- deliveries --- */

gboolean
weir_kafka_producer_flush (WeirKafkaProducer *producer, guint ms)
{
  if (rd_kafka_flush (producer->rk, (int) ms) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return FALSE;
  return __atomic_load_n (&producer->n_done, __ATOMIC_ACQUIRE) >=
         __atomic_load_n (&producer->n_written, __ATOMIC_RELAXED);
}

void
weir_kafka_producer_count_anew (WeirKafkaProducer *producer)
{
  pthread_mutex_lock (&producer->lock);
  g_clear_pointer (&producer->failed, g_free);
  pthread_mutex_unlock (&producer->lock);
  __atomic_store_n (&producer->n_written, 0, __ATOMIC_RELAXED);
  __atomic_store_n (&producer->n_done, 0, __ATOMIC_RELAXED);
  __atomic_store_n (&producer->has_broken, FALSE, __ATOMIC_RELAXED);
}

gboolean
weir_kafka_producer_is_broken (const WeirKafkaProducer *producer)
{
  return __atomic_load_n (&producer->has_broken, __ATOMIC_RELAXED) ||
         rd_kafka_fatal_error (producer->rk, NULL, 0) != RD_KAFKA_RESP_ERR_NO_ERROR;
}

/* Brokers that end a transaction because its time is over shut its producer out as if somebody else had begun. Whoever
 * comes back from that has to ask the store first whether the job is still his. */
static gboolean
has_timed_out (const WeirKafkaProducer *producer)
{
  return producer->transaction_id != NULL &&
         g_get_monotonic_time () - producer->began >= WEIR_MILLISECONDS (producer->transaction_timeout);
}

gboolean
weir_kafka_producer_fail (WeirKafkaProducer *producer, rd_kafka_resp_err_t code, const char *text, GError **error)
{
  const char *brokers = weir_kafka_brokers (producer->kafka);

  if (weir_kafka_error_code (code, WEIR_ERROR_SINK) != WEIR_ERROR_FENCED)
    return weir_kafka_fail (error, code, WEIR_ERROR_SINK, "Kafka %s: the producer cannot go on: %s", brokers, text);
  if (has_timed_out (producer))
    g_set_error (
        error, WEIR_ERROR, WEIR_ERROR_SINK,
        "Kafka %s: the transaction was open for longer than transaction.timeout.ms (%u), and was aborted: what "
        "it held is written again. Raise it if batches take that long",
        brokers, producer->transaction_timeout);
  else
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_FENCED,
                 "Kafka %s: another job has begun with the transactional id '%s', which is made of the context's name: "
                 "this one ends. Give each job a name of its own",
                 brokers, producer->transaction_id);
  return FALSE;
}

/* A client that finds itself shut out gives up all that it holds, and then says no more of a record than that it gave it up. */
static gboolean
fail_by_fence (WeirKafkaProducer *producer, GError **error)
{
  char text[512] = "";
  rd_kafka_resp_err_t fatal = rd_kafka_fatal_error (producer->rk, text, sizeof text);

  if (weir_kafka_error_code (fatal, WEIR_ERROR_SINK) != WEIR_ERROR_FENCED)
    return FALSE;
  weir_kafka_producer_fail (producer, fatal, text, error);
  return TRUE;
}

gboolean
weir_kafka_producer_check (WeirKafkaProducer *producer, GError **error)
{
  gboolean ok;

  pthread_mutex_lock (&producer->lock);
  ok = producer->failed == NULL;
  if (!ok && weir_kafka_error_code (producer->failure, WEIR_ERROR_SINK) == WEIR_ERROR_FENCED)
    weir_kafka_producer_fail (producer, producer->failure, producer->failed, error);
  else if (!ok && !fail_by_fence (producer, error))
    weir_kafka_fail (error, producer->failure, WEIR_ERROR_SINK, "Kafka %s: %s", weir_kafka_brokers (producer->kafka),
                     producer->failed);
  pthread_mutex_unlock (&producer->lock);
  return ok;
}
