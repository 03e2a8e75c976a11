/* kafka-receiver.c: a member of a consumer group as a receiver: brokers share the partitions out among all members, and
 * what comes is stored in blocks, with the receiver's log where it is on.
 *
 * Owns the group's handle, and that offsets are committed behind what is stored, never before, and before a partition
 * goes to another member. Must not know where blocks lie. Threads: the receiver's alone; librdkafka calls back on it.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/kafka.h>
#include <weir/receiver.h>

#include "clients/kafka.h"
#include "engine/options.h"
#include "engine/stream.h"
#include "sources/kafka-topics.h"
#include "sources/receiver-thread.h"

#define AT_ONCE  1000 /* messages in a block */
#define WAIT_MS  100  /* for the first of them; then no longer than what is there */
#define PATIENCE WEIR_SECONDS (10)

#define LEAVE_MOST WEIR_SECONDS (5)

/* The graph's. */
typedef struct {
  WeirKafka *kafka;
  WeirKafkaTopics topics;
  char *text; /* as the job gave it */
} Subscription;

typedef struct {
  WeirReceiver *receiver;
  rd_kafka_t *rk;
  guint n;
  rd_kafka_message_t *messages[AT_ONCE]; /* that came and are not stored */
  const char *trouble;                   /* why it cannot go on; NULL: it can */
  rd_kafka_topic_partition_list_t *due;  /* the next offset of partitions of which more is stored than committed */
  rd_kafka_queue_t *answers;
  guint n_sent; /* commits that are not answered */
} Member;

static void
say (gint severity, const char *text, gpointer data)
{
  const Member *member = data;
  WeirLogLevel level = severity <= 4 ? WEIR_LOG_WARNING : severity <= 6 ? WEIR_LOG_INFO : WEIR_LOG_DEBUG;

  weir_log (weir_engine_log (member->receiver->source.engine), level, "%s: %s", member->receiver->source.op->name,
            text);
}

/* --- storing, then committing --- */

static WeirValue
bytes_of (const void *data, gsize size)
{
  return data != NULL ? weir_text_n (data, size) : weir_nil ();
}

static gboolean
store (Member *member, GError **error)
{
  WeirValue values[AT_ONCE], cells[AT_ONCE][2];

  for (guint i = 0; i < member->n; i++) {
    const rd_kafka_message_t *message = member->messages[i];

    cells[i][0] = bytes_of (message->key, message->key_len);
    cells[i][1] = bytes_of (message->payload, message->len);
    values[i] = weir_pair_at (cells[i]);
  }
  return weir_receiver_store_block (member->receiver, values, member->n, error);
}

static void
note_stored (Member *member)
{
  for (guint i = 0; i < member->n; i++) {
    const char *topic = rd_kafka_topic_name (member->messages[i]->rkt);
    rd_kafka_topic_partition_t *place =
        rd_kafka_topic_partition_list_find (member->due, topic, member->messages[i]->partition);

    if (place == NULL)
      place = rd_kafka_topic_partition_list_add (member->due, topic, member->messages[i]->partition);
    place->offset = member->messages[i]->offset + 1;
  }
}

/* What failed is tried again, with what has been stored since; a newer offset stands for the older. */
static void
put_back (Member *member, const rd_kafka_topic_partition_list_t *list)
{
  for (int i = 0; i < list->cnt; i++) {
    const rd_kafka_topic_partition_t *place = &list->elems[i];

    if (rd_kafka_topic_partition_list_find (member->due, place->topic, place->partition) == NULL)
      rd_kafka_topic_partition_list_add (member->due, place->topic, place->partition)->offset = place->offset;
  }
}

/* Others have the partitions now, or the client has given up: the records come again, there or to its successor. */
static gboolean
is_too_late (rd_kafka_resp_err_t code)
{
  return code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID || code == RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION ||
         code == RD_KAFKA_RESP_ERR__FATAL;
}

static void
on_committed (rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *data)
{
  Member *member = data;

  member->n_sent--;
  for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && list != NULL && i < list->cnt; i++)
    code = list->elems[i].err;
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
    return;
  say (6, rd_kafka_err2str (code), member);
  if (list != NULL && weir_kafka_is_transient (code) && !is_too_late (code))
    put_back (member, list);
}

/* Of partitions that are lost nothing is committed: it would turn back the offset of whoever had them meanwhile. */
static void
send_commit (Member *member)
{
  g_autoptr (rd_kafka_topic_partition_list_t) list = g_steal_pointer (&member->due);
  rd_kafka_resp_err_t code;

  member->due = rd_kafka_topic_partition_list_new (1);
  if (rd_kafka_assignment_lost (member->rk))
    return;
  member->n_sent++;
  code = rd_kafka_commit_queue (member->rk, list, member->answers, on_committed, member);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    on_committed (member->rk, code, NULL, member);
}

/* One request at a time, with all that was stored since the last: a broker takes some milliseconds for each, whatever is
 * in it, so one for each small block would pile up, and heartbeats, rebalances and leaving wait behind all of them. */
static void
commit (Member *member, int wait_ms)
{
  rd_kafka_queue_poll_callback (member->answers, wait_ms);
  if (member->due->cnt > 0 && member->n_sent == 0)
    send_commit (member);
}

static void
start_commits (Member *member)
{
  member->due = rd_kafka_topic_partition_list_new (1);
  member->answers = rd_kafka_queue_new (member->rk);
  member->n_sent = 0;
}

/* Before its handle. What is not answered is not heard of any more. */
static void
clear_commits (Member *member)
{
  rd_kafka_queue_destroy (member->answers);
  rd_kafka_topic_partition_list_destroy (member->due);
}

static void
forget (Member *member)
{
  for (guint i = 0; i < member->n; i++)
    rd_kafka_message_destroy (member->messages[i]);
  member->n = 0;
}

static void
drain (Member *member)
{
  g_autoptr (GError) error = NULL;

  if (member->n > 0 && member->trouble == NULL && store (member, &error)) /* nothing behind what was not stored */
    note_stored (member);
  else if (error != NULL && !weir_receiver_is_stopping (member->receiver))
    member->trouble = "what came could not be stored";
  forget (member);
}

/* --- the group --- */

/* What is committed later would be about partitions that this member no longer has. */
static void
let_go (Member *member)
{
  gint64 deadline = g_get_monotonic_time () + LEAVE_MOST;

  if (rd_kafka_assignment_lost (member->rk))
    forget (member);
  drain (member);
  commit (member, 0);
  while (member->n_sent > 0 && !rd_kafka_assignment_lost (member->rk) && g_get_monotonic_time () < deadline)
    commit (member, WAIT_MS);
  clear_commits (member);
  start_commits (member);
}

/* A partition that goes away takes nothing with it: what came of it is stored and committed before it is let go. What
 * came of partitions that are lost already comes to whoever has them now. */
static void
on_rebalance (rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *partitions, void *opaque)
{
  Member *member = weir_kafka_handle_data (rk);
  gboolean is_gradual = g_str_equal (rd_kafka_rebalance_protocol (rk), "COOPERATIVE");

  if (code != RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS)
    let_go (member);
  if (is_gradual) {
    rd_kafka_error_t *failure = code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS
                                    ? rd_kafka_incremental_assign (rk, partitions)
                                    : rd_kafka_incremental_unassign (rk, partitions);

    if (failure != NULL)
      rd_kafka_error_destroy (failure);
  } else {
    rd_kafka_assign (rk, code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS ? partitions : NULL);
  }
}

static rd_kafka_t *
join (Member *member, WeirKafka *kafka, GError **error)
{
  static const WeirKafkaSetting defaults[] = {
    { "isolation.level", "read_committed" },
    { "queued.max.messages.kbytes", "32768" },
    { "fetch.error.backoff.ms", "100" },
    { NULL, NULL },
  };
  static const WeirKafkaSetting fixed[] = {
    { "enable.auto.commit", "false" },
    { "enable.auto.offset.store", "false" },
    { "enable.partition.eof", "false" },
    { NULL, NULL },
  };
  const WeirKafkaHandleSpec spec = { .role = WEIR_KAFKA_CONSUMER,
                                     .defaults = defaults,
                                     .fixed = fixed,
                                     .rebalanced = on_rebalance,
                                     .say = say,
                                     .data = member };

  return weir_kafka_handle_new (kafka, &spec, error);
}

static gboolean
subscribe (Member *member, const Subscription *subscription, GError **error)
{
  g_autoptr (rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new (1);
  rd_kafka_resp_err_t code;

  if (subscription->topics.names == NULL)
    rd_kafka_topic_partition_list_add (list, subscription->text, RD_KAFKA_PARTITION_UA);
  for (char **name = subscription->topics.names; name != NULL && *name != NULL; name++)
    rd_kafka_topic_partition_list_add (list, *name, RD_KAFKA_PARTITION_UA);
  rd_kafka_poll_set_consumer (member->rk);
  code = rd_kafka_subscribe (member->rk, list);
  return code == RD_KAFKA_RESP_ERR_NO_ERROR ||
         weir_kafka_fail (error, code, WEIR_ERROR_SOURCE, "subscribing to %s", subscription->text);
}

/* --- the receiver --- */

static gboolean
kafka_start (WeirReceiver *receiver, GError **error)
{
  Subscription *subscription = weir_receiver_user_data (receiver);
  WeirKafka *kafka = subscription->kafka;
  Member *member = weir_receiver_instance (receiver);
  const char *path = weir_options_string (weir_engine_options (receiver->source.engine), WEIR_OPTION_KAFKA_PROPERTIES);

  *member = (Member){ .receiver = receiver };
  if (!weir_kafka_read_file (kafka, path, error))
    return FALSE;
  member->rk = join (member, kafka, error);
  if (member->rk == NULL)
    return FALSE;
  start_commits (member);
  if (weir_kafka_handle_reach (member->rk, kafka, PATIENCE, error) && subscribe (member, subscription, error))
    return TRUE;
  clear_commits (member);
  weir_kafka_handle_free (member->rk);
  return FALSE;
}

/* The coordinator moves, or has just begun, and did not say where partitions were to be read from. Versions in use of
 * librdkafka never ask again, and never read them: the member has to join anew. */
static gboolean
is_where_to_begin (const rd_kafka_message_t *message)
{
  return message->rkt == NULL && (message->err == RD_KAFKA_RESP_ERR_NOT_COORDINATOR ||
                                  message->err == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS ||
                                  message->err == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE);
}

static void
take (Member *member, rd_kafka_message_t *message)
{
  rd_kafka_resp_err_t code = message->err;

  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    member->messages[member->n++] = message;
    return;
  }
  if (code == RD_KAFKA_RESP_ERR__FATAL || !weir_kafka_is_transient (code) || is_where_to_begin (message))
    member->trouble = rd_kafka_err2str (code);
  else
    say (6, rd_kafka_message_errstr (message), member);
  rd_kafka_message_destroy (message);
}

static void
kafka_run (WeirReceiver *receiver)
{
  Member *member = weir_receiver_instance (receiver);

  while (!weir_receiver_is_stopping (receiver) && member->trouble == NULL) {
    rd_kafka_message_t *message = rd_kafka_consumer_poll (member->rk, member->n > 0 ? 0 : WAIT_MS);

    if (message != NULL)
      take (member, message);
    if (member->n == AT_ONCE || (message == NULL && member->n > 0))
      drain (member);
    if (member->n == 0)
      commit (member, 0);
  }
  drain (member);
  if (member->trouble != NULL && !weir_receiver_is_stopping (receiver))
    weir_receiver_restart (receiver, member->trouble);
}

/* So the other members need not wait for a time-out, and the last commits are made. Where no broker answers the client
 * waits as long as the session lasts: the job does not, and what was not committed comes again. Messages may still come
 * until the partitions are let go, so that the queue is one of messages (a queue of events ends the process at the first
 * of them); they are not committed. FALSE: it is not done. */
static gboolean
leave (Member *member)
{
  gint64 deadline = g_get_monotonic_time () + LEAVE_MOST;
  g_autoptr (rd_kafka_queue_t) queue = rd_kafka_queue_new (member->rk);
  rd_kafka_error_t *failure = rd_kafka_consumer_close_queue (member->rk, queue);

  while (failure == NULL && !rd_kafka_consumer_closed (member->rk) && g_get_monotonic_time () < deadline) {
    rd_kafka_message_t *message = rd_kafka_consume_queue (queue, WAIT_MS);

    if (message != NULL)
      rd_kafka_message_destroy (message);
  }
  if (failure != NULL)
    rd_kafka_error_destroy (failure);
  return rd_kafka_consumer_closed (member->rk);
}

static void
kafka_end (WeirReceiver *receiver)
{
  Member *member = weir_receiver_instance (receiver);
  gboolean has_left = leave (member);

  clear_commits (member);
  if (has_left) {
    weir_kafka_handle_free (member->rk);
    return;
  }
  say (4, "no broker answers: the group was not left, and others get its partitions after session.timeout.ms", member);
  weir_kafka_handle_abandon (member->rk);
}

static const WeirReceiverClass kafka_class = {
  .name = "kafka",
  .instance_size = sizeof (Member),
  .start = kafka_start,
  .run = kafka_run,
  .end = kafka_end,
};

static void
subscription_free (gpointer data)
{
  Subscription *subscription = data;

  weir_kafka_topics_clear (&subscription->topics);
  g_free (subscription->text);
  g_free (subscription);
}

/**
 * weir_kafka_receiver_stream:
 * @k: the connection, with a group
 * @topics: as in weir_kafka_direct_stream()
 *
 * The records of topics as pairs, (key, value), as a member of the group: the brokers share the partitions out among all
 * members, jobs or others, and anew when one comes or goes. What came is stored as blocks of a receiver
 * (weir_receiver_stream()), and its offsets are committed behind that.
 *
 * With `receiver.wal=true` nothing that was received is lost; what was stored and not yet committed when the job was
 * killed comes a second time. weir_kafka_direct_stream() needs no log and counts each record once: take this one where
 * several readers have to share a topic. Where its offsets are gone the client goes on by `auto.offset.reset` and says
 * nothing: `kafka.on.data.loss` is the direct stream's.
 *
 * Returns: (transfer none): the stream; a mistake is reported by weir_context_start(), with code %WEIR_ERROR_GRAPH
 */
WeirStream *
weir_kafka_receiver_stream (WeirKafka *k, const char *topics)
{
  Subscription *subscription;
  WeirStream *stream;
  g_autoptr (GError) error = NULL;

  g_return_val_if_fail (k != NULL, NULL);
  subscription = g_new0 (Subscription, 1);
  subscription->kafka = k;
  subscription->text = g_strdup (topics != NULL ? topics : "");
  weir_context_own (weir_kafka_context (k), subscription, subscription_free);
  stream = weir_receiver_stream (weir_kafka_context (k), &kafka_class, subscription);
  if (weir_kafka_group (k) == NULL || weir_kafka_group (k)[0] == '\0')
    weir_stream_mistake (stream, "reads by a connection without a group: name one in weir_kafka_new ()");
  if (!weir_kafka_topics_parse (&subscription->topics, subscription->text, &error))
    weir_stream_mistake (stream, "%s", error->message);
  return stream;
}
