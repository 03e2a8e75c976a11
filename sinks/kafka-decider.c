/* Owns the transaction of an epoch: begin, flush, marker and commit, abort, and finding out after a restart which epoch was
 * decided. Must not know what is written, nor the store. Threads: see engine/decider.h.
 *
 * The marker is an offset that is committed in the transaction, of a group that has no members: offset = epoch, metadata
 * = "<epoch> <uuid of the checkpoint>". It is there if and only if the transaction's records are. A commit whose outcome
 * is unknown is never guessed: the context is opened again, a new handle with the same transactional id waits until the
 * brokers have settled it, and the marker tells.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sinks/kafka-decider.h"

#include <string.h>

#include <weir/error.h>

#include "engine/checkpoint.h"
#include "engine/clock.h"
#include "engine/kill-point.h"

#define TURN_MS         5000 /* how long a call waits before it is looked at whether the job stops */
#define ABORT_MS        3000
#define REPORT_MS       2000              /* how much later than its time it may be that the client tells of a record */
#define PATIENCE        WEIR_SECONDS (60) /* at start */
#define SHORT_PATIENCE  WEIR_SECONDS (5)
#define LEAST_TIMEOUT   60000
#define MOST_TIMEOUT    900000 /* what brokers allow unless they are told otherwise */
#define SLOT            0      /* of the transactional id: there is one producer a job */
#define TIMEOUT_SETTING "transaction.timeout.ms"

/* Brokers forget offsets of groups without members after offsets.retention.minutes, a week unless they are told otherwise. */
#define REFRESH WEIR_MINUTES (30)

static WeirKafkaDecider *
self_of (WeirDecider *decider)
{
  return (WeirKafkaDecider *) ((char *) decider - G_STRUCT_OFFSET (WeirKafkaDecider, decider));
}

static WeirCheckpoint *
checkpoint_of (const WeirKafkaDecider *self)
{
  return self->producer->engine->checkpoint;
}

static gint64
now_of (const WeirKafkaDecider *self)
{
  return weir_clock_monotonic (weir_engine_clock (self->producer->engine));
}

/* --- what calls answer --- */

/* Takes @failure. FALSE always. */
static gboolean
fail (WeirKafkaDecider *self, const char *what, rd_kafka_error_t *failure, GError **error)
{
  rd_kafka_resp_err_t code = rd_kafka_error_code (failure);

  if (rd_kafka_error_is_fatal (failure))
    weir_kafka_producer_fail (self->producer, code, rd_kafka_error_string (failure), error);
  else
    weir_kafka_fail (error, code, WEIR_ERROR_SINK, "Kafka %s: %s: %s", weir_kafka_brokers (self->producer->kafka), what,
                     rd_kafka_error_string (failure));
  rd_kafka_error_destroy (failure);
  return FALSE;
}

typedef rd_kafka_error_t *(*Call) (WeirKafkaDecider *self, gpointer data);

/* Calls until it is done or cannot be: brokers that are away are waited for. */
static gboolean
insist (WeirKafkaDecider *self, const char *what, Call call, gpointer data, GError **error)
{
  for (guint attempt = 0;; attempt++) {
    rd_kafka_error_t *failure = call (self, data);

    if (failure == NULL)
      return TRUE;
    if (!rd_kafka_error_is_retriable (failure) || !weir_checkpoint_pause (checkpoint_of (self), attempt))
      return fail (self, what, failure, error);
    if (attempt == 0)
      weir_log (weir_engine_log (self->producer->engine), WEIR_LOG_WARNING, "%s: %s: %s; trying again",
                self->producer->label, what, rd_kafka_error_string (failure));
    rd_kafka_error_destroy (failure);
    rd_kafka_poll (self->producer->rk, 0);
  }
}

/* --- after a restart --- */

/* Whoever has lost the store must not shut out the one who has it now. */
static gboolean
still_has_store (const WeirKafkaDecider *self, GError **error)
{
  WeirStore *store = checkpoint_of (self)->store;

  weir_kill_point ("kafka-fence");
  return store->klass->renew == NULL || store->klass->renew (store, error);
}

/* The store is asked before each turn: all of them may take longer than its lease. */
static gboolean
fence (WeirKafkaDecider *self, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  while (still_has_store (self, error)) {
    rd_kafka_error_t *failure = rd_kafka_init_transactions (self->producer->rk, TURN_MS);

    rd_kafka_poll (self->producer->rk, 0);
    if (failure == NULL)
      return TRUE;
    if (!rd_kafka_error_is_retriable (failure) || g_get_monotonic_time () > deadline)
      return fail (self, "cannot begin transactions", failure, error);
    rd_kafka_error_destroy (failure);
  }
  return FALSE;
}

static rd_kafka_resp_err_t
ask_marker (rd_kafka_t *rk, gint64 patience, rd_kafka_topic_partition_list_t *list)
{
  gint64 deadline = g_get_monotonic_time () + patience;
  rd_kafka_resp_err_t failure;

  do {
    failure = rd_kafka_committed (rk, list, TURN_MS);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR)
      failure = list->elems[0].err;
    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
      rd_kafka_poll (rk, 100);
  } while (failure != RD_KAFKA_RESP_ERR_NO_ERROR && weir_kafka_is_transient (failure) &&
           g_get_monotonic_time () < deadline);
  return failure;
}

/* @isolation: "read_committed": a marker in doubt is waited for. *failure: what the brokers say in the end. NULL: no handle
 * was to be had. Transfer full. */
static rd_kafka_topic_partition_list_t *
look (WeirKafkaDecider *self, const char *isolation, gint64 patience, rd_kafka_resp_err_t *failure, GError **error)
{
  const WeirKafkaSetting fixed[] = {
    { "group.id", self->group },
    { "enable.auto.commit", "false" },
    { "isolation.level", isolation },
    { NULL, NULL },
  };
  const WeirKafkaHandleSpec spec = { .role = WEIR_KAFKA_CONSUMER, .fixed = fixed };
  rd_kafka_t *rk = weir_kafka_handle_new (self->producer->kafka, &spec, error);
  rd_kafka_topic_partition_list_t *list;

  if (rk == NULL)
    return NULL;
  list = rd_kafka_topic_partition_list_new (1);
  rd_kafka_topic_partition_list_add (list, self->marker_topic, 0);
  *failure = ask_marker (rk, patience, list);
  weir_kafka_handle_free (rk);
  return list;
}

/* Two checkpoints that take turns under one name would each believe the other's epochs to be theirs. */
static gboolean
check_owner (const WeirKafkaDecider *self, const rd_kafka_topic_partition_t *found, GError **error)
{
  const WeirCheckpoint *checkpoint = checkpoint_of (self);
  g_autofree char *metadata = g_strndup (found->metadata != NULL ? found->metadata : "", found->metadata_size);
  const char *uuid = strchr (metadata, ' ');

  if (uuid == NULL || found->offset <= 0 || (!checkpoint->is_new && checkpoint->sealed == NULL) ||
      (!checkpoint->is_new && g_str_equal (uuid + 1, checkpoint->sealed->uuid)))
    return TRUE;
  if (checkpoint->is_new) {
    g_set_error (
        error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_BEHIND,
        "Kafka has the output of epoch %" G_GINT64_FORMAT
        " of a job of this name (group %s), and this checkpoint is a new one. Going on would write that output "
        "again. Bring back the store that had it, or give the job another name to begin anew",
        found->offset, self->group);
    return FALSE;
  }
  g_set_error (
      error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_BEHIND,
      "the marker of the job in Kafka (group %s) was written with another checkpoint: somebody ran a job of this "
      "name with another one since. Give each job a name of its own",
      self->group);
  return FALSE;
}

/* Whoever is not the job's owner must not shut out the one who is and runs. What this cannot see, because nothing has been
 * committed yet, or no broker answers in time, is seen behind the fence. */
static gboolean
look_before_fence (WeirKafkaDecider *self, GError **error)
{
  rd_kafka_resp_err_t failure;
  g_autoptr (rd_kafka_topic_partition_list_t) list = look (self, "read_uncommitted", SHORT_PATIENCE, &failure, error);

  return list != NULL && (failure != RD_KAFKA_RESP_ERR_NO_ERROR || check_owner (self, &list->elems[0], error));
}

/* Behind the fence the transaction is over, says its coordinator. If the group's still holds an offset back for one, the
 * mark of its end was lost on the way, and is not sent again. */
static gboolean
fail_to_read (WeirKafkaDecider *self, rd_kafka_resp_err_t failure, GError **error)
{
  rd_kafka_resp_err_t pending = failure;
  g_autoptr (rd_kafka_topic_partition_list_t) list = look (self, "read_uncommitted", SHORT_PATIENCE, &pending, NULL);
  gboolean is_held = list != NULL && pending == RD_KAFKA_RESP_ERR_NO_ERROR;

  return weir_kafka_fail (error, failure, WEIR_ERROR_SINK, "Kafka %s: cannot read the marker of the group %s%s",
                          weir_kafka_brokers (self->producer->kafka), self->group,
                          is_held ? ", which is held back for a transaction that hangs: find and abort it with Kafka's "
                                    "kafka-transactions.sh"
                                  : "");
}

static gboolean
read_marker (WeirKafkaDecider *self, guint64 *marker, GError **error)
{
  rd_kafka_resp_err_t failure;
  g_autoptr (rd_kafka_topic_partition_list_t) list = look (self, "read_committed", PATIENCE, &failure, error);

  if (list == NULL)
    return FALSE;
  if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
    return fail_to_read (self, failure, error);
  *marker = list->elems[0].offset >= 0 ? (guint64) list->elems[0].offset : 0;
  self->refresh_at = *marker > 0 ? now_of (self) : G_MAXINT64; /* nobody knows how old it is */
  return check_owner (self, &list->elems[0], error);
}

static gboolean
decider_recover (WeirDecider *decider, const char *topic, guint64 *marker, GError **error)
{
  WeirKafkaDecider *self = self_of (decider);

  g_free (self->marker_topic);
  self->marker_topic = g_strdup (topic != NULL ? topic : self->topic);
  return look_before_fence (self, error) && fence (self, error) && read_marker (self, marker, error);
}

static const char *
decider_topic (WeirDecider *decider)
{
  return self_of (decider)->topic;
}

/* --- an epoch --- */

static gboolean
open_transaction (WeirKafkaDecider *self, GError **error)
{
  WeirKafkaProducer *producer = self->producer;
  rd_kafka_error_t *failure;

  if (__atomic_load_n (&producer->n_written, __ATOMIC_RELAXED) == 0)
    producer->began = g_get_monotonic_time (); /* brokers count from the first record */
  if (self->is_open)
    return TRUE;
  failure = rd_kafka_begin_transaction (producer->rk);
  if (failure != NULL)
    return fail (self, "cannot begin a transaction", failure, error);
  self->is_open = TRUE;
  return TRUE;
}

gboolean
weir_kafka_decider_begin (WeirKafkaDecider *self, GError **error)
{
  return weir_engine_await_decided (self->producer->engine, error) && open_transaction (self, error);
}

/* A job that has nothing to write for a week must not lose its marker. */
static gboolean
decider_has_written (WeirDecider *decider)
{
  WeirKafkaDecider *self = self_of (decider);

  return __atomic_load_n (&self->producer->n_written, __ATOMIC_RELAXED) > 0 || now_of (self) >= self->refresh_at;
}

/* The client promises to tell of each record within message.timeout.ms, which is no longer than the transaction's time. It
 * loses some: those whose request fails after its partition was missing from an answer, as brokers give that have just
 * started. The transaction holds the old partition with them, and nobody sends them any more. */
static gboolean
check_reports (WeirKafkaDecider *self, gint64 since, GError **error)
{
  const WeirKafkaProducer *producer = self->producer;
  guint most = producer->transaction_timeout + REPORT_MS;

  if (g_get_monotonic_time () - since < WEIR_MILLISECONDS (most))
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK,
               "Kafka %s: nothing was heard of %" G_GUINT64_FORMAT " records for %u ms, longer than "
               "transaction.timeout.ms: the transaction is aborted, and what it held is written again",
               weir_kafka_brokers (producer->kafka),
               __atomic_load_n (&producer->n_written, __ATOMIC_RELAXED) -
                   __atomic_load_n (&producer->n_done, __ATOMIC_RELAXED),
               most);
  return FALSE;
}

static gboolean
decider_flush (WeirDecider *decider, GError **error)
{
  WeirKafkaDecider *self = self_of (decider);
  gint64 start = g_get_monotonic_time ();

  weir_kill_point ("kafka-flush");
  while (!weir_kafka_producer_flush (self->producer, 1000)) {
    char text[512] = "";
    rd_kafka_resp_err_t fatal = rd_kafka_fatal_error (self->producer->rk, text, sizeof text);

    if (fatal != RD_KAFKA_RESP_ERR_NO_ERROR)
      return weir_kafka_producer_fail (self->producer, fatal, text, error);
    if (!check_reports (self, start, error))
      return FALSE;
    if (weir_checkpoint_pause (checkpoint_of (self), 0))
      continue;
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_CLOSED, "Kafka %s: the job stops before all records are delivered",
                 weir_kafka_brokers (self->producer->kafka));
    return FALSE;
  }
  return TRUE;
}

static rd_kafka_error_t *
send_marker (WeirKafkaDecider *self, gpointer data)
{
  const guint64 *epoch = data;
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT " %s", *epoch, checkpoint_of (self)->uuid);
  g_autoptr (rd_kafka_topic_partition_list_t) offsets = rd_kafka_topic_partition_list_new (1);
  rd_kafka_topic_partition_t *marker = rd_kafka_topic_partition_list_add (offsets, self->marker_topic, 0);
  rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata_new (self->group);
  rd_kafka_error_t *failure;

  marker->offset = (int64_t) *epoch;
  marker->metadata_size = strlen (text);
  marker->metadata = rd_kafka_mem_malloc (NULL, marker->metadata_size); /* the list frees it */
  memcpy (marker->metadata, text, marker->metadata_size);
  failure = rd_kafka_send_offsets_to_transaction (self->producer->rk, offsets, group, TURN_MS);
  rd_kafka_consumer_group_metadata_destroy (group);
  return failure;
}

static rd_kafka_error_t *
commit_once (WeirKafkaDecider *self, gpointer data)
{
  return rd_kafka_commit_transaction (self->producer->rk, TURN_MS);
}

/* Records that were not delivered have made the transaction one that can only be aborted. */
static gboolean
decider_commit (WeirDecider *decider, guint64 epoch, GError **error)
{
  WeirKafkaDecider *self = self_of (decider);

  if (!weir_kafka_producer_check (self->producer, error) || !open_transaction (self, error))
    return FALSE;
  weir_kill_point ("kafka-marker");
  if (!insist (self, "cannot write the marker of the epoch", send_marker, &epoch, error))
    return FALSE;
  weir_kill_point ("kafka-commit");
  if (!insist (self, "cannot commit the epoch", commit_once, NULL, error))
    return FALSE;
  weir_kill_point ("kafka-commit-done");
  self->is_open = FALSE;
  self->refresh_at = now_of (self) + REFRESH;
  weir_kafka_producer_count_anew (self->producer);
  return TRUE;
}

/* One that cannot be aborted now is aborted by whoever begins next, or by the brokers when its time is over. */
static void
decider_abort (WeirDecider *decider)
{
  WeirKafkaDecider *self = self_of (decider);
  rd_kafka_error_t *failure;

  if (!self->is_open || self->producer->rk == NULL)
    return;
  failure = rd_kafka_abort_transaction (self->producer->rk, ABORT_MS);
  if (failure != NULL)
    rd_kafka_error_destroy (failure);
  self->is_open = FALSE;
  weir_kafka_producer_count_anew (self->producer);
}

/* --- life --- */

void
weir_kafka_decider_init (WeirKafkaDecider *self, WeirKafkaProducer *producer, const char *topic)
{
  *self = (WeirKafkaDecider){
    .decider = { decider_recover, decider_topic, decider_has_written, decider_flush, decider_commit, decider_abort },
    .producer = producer,
    .topic = topic,
    .group = g_strdup_printf ("weir.%s", weir_engine_job_name (producer->engine)),
  };
}

void
weir_kafka_decider_clear (WeirKafkaDecider *self)
{
  g_free (self->group);
  g_free (self->marker_topic);
  memset (self, 0, sizeof *self);
}

char *
weir_kafka_decider_id (const char *job)
{
  return g_strdup_printf ("%s.%d", job, SLOT);
}

gboolean
weir_kafka_decider_timeout (WeirKafka *kafka, WeirTime interval, guint *timeout, GError **error)
{
  g_autofree char *asked = weir_kafka_property (kafka, WEIR_KAFKA_PRODUCER, TIMEOUT_SETTING);
  gint64 least = 3 * interval / 1000;
  gint64 found = asked != NULL ? g_ascii_strtoll (asked, NULL, 10) : CLAMP (least, LEAST_TIMEOUT, MOST_TIMEOUT);

  *timeout = (guint) CLAMP (found, 0, G_MAXINT);
  if (found >= least && found <= MOST_TIMEOUT)
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
               "a transaction is open for a checkpoint.interval, and " TIMEOUT_SETTING
               " has to be three times as long, and at most 15 minutes: it is %" G_GINT64_FORMAT
               " ms, checkpoint.interval %" G_GINT64_FORMAT " ms",
               found, interval / 1000);
  return FALSE;
}
