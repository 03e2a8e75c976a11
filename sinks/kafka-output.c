/* weir_kafka_output (): the elements of a stream as records in Kafka topics; with a checkpoint each exactly once.
 *
 * Owns what the outputs of one connection share while the job runs: a producer, and with a checkpoint the transaction that
 * decides each epoch. Must not know how an element becomes a record (sinks/kafka-write.c) nor how an epoch is decided
 * (sinks/kafka-decider.c). Runner; workers write.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/kafka.h>

#include <weir/error.h>

#include "engine/checkpoint.h"
#include "engine/dataset.h"
#include "engine/stream.h"
#include "sinks/kafka-decider.h"
#include "sinks/kafka-write.h"

#define MOST_ATTEMPTS 3
#define TURN_MS       100 /* how long a wait for deliveries lasts before it is looked at whether the batch goes on */

/* The topic of a marker has to exist: where no output names one, this does in every cluster that has groups. */
#define ANY_TOPIC "__consumer_offsets"

/* Of all outputs by one connection. */
typedef struct {
  guint n_users;
  char *transaction_id;
  WeirKafkaProducer producer;
  WeirKafkaDecider decider; /* its group NULL: there is none */
} Shared;

typedef struct {
  WeirKafka *kafka;
  char *topic; /* NULL: encode says it */
  WeirKafkaEncodeFunc encode;
  gpointer user_data;
  Shared *shared; /* while the job runs */
  gboolean was_open;
} Params;

/* --- writing a batch --- */

static gboolean
write_all (WeirOutput *output, WeirDataset *data, GError **error)
{
  const Params *params = output->params;
  WeirKafkaWriting writing = { &params->shared->producer, NULL, params->encode, params->user_data };
  const WeirOp terminal = { .klass = &weir_kafka_write_class, .name = output->label, .params = &writing };
  g_autofree gpointer *outputs = NULL;
  guint n;

  if (params->topic != NULL)
    writing.topic = weir_kafka_producer_topic (writing.producer, params->topic, error);
  if (params->topic != NULL && writing.topic == NULL)
    return FALSE;
  return weir_dataset_run (data, &terminal, &outputs, &n, error);
}

/* TRUE: there is nothing left to wait for. */
static gboolean
await_deliveries (WeirKafkaProducer *producer, WeirDataset *data, GError **error)
{
  while (!weir_kafka_producer_is_broken (producer) && !weir_kafka_producer_flush (producer, TURN_MS))
    if (weir_run_has_failed (data->run))
      return weir_run_report (data->run, error);
  return TRUE;
}

static gboolean
begin_anew (WeirOutput *output, guint attempt, GError **error)
{
  WeirKafkaProducer *producer = &((Params *) output->params)->shared->producer;
  char text[512] = "";
  rd_kafka_resp_err_t fatal = rd_kafka_fatal_error (producer->rk, text, sizeof text);

  if (attempt >= MOST_ATTEMPTS && !weir_kafka_producer_check (producer, error))
    return FALSE;
  if (attempt >= MOST_ATTEMPTS || !weir_kafka_is_transient (fatal))
    return weir_kafka_producer_fail (producer, fatal, text, error);
  if (fatal == RD_KAFKA_RESP_ERR_NO_ERROR)
    g_strlcpy (text, "a record was given up while brokers were away", sizeof text);
  weir_log (weir_engine_log (output->engine), WEIR_LOG_WARNING,
            "%s: %s: the batch is written again by another producer, and what was delivered of it comes twice",
            output->label, text);
  return weir_kafka_producer_renew (producer, error);
}

static gboolean
write_and_deliver (WeirOutput *output, WeirDataset *data, GError **error)
{
  WeirKafkaProducer *producer = &((Params *) output->params)->shared->producer;

  for (guint attempt = 1;; attempt++) {
    weir_kafka_producer_count_anew (producer);
    if (!write_all (output, data, error) || !await_deliveries (producer, data, error))
      return FALSE;
    if (!weir_kafka_producer_is_broken (producer))
      return weir_kafka_producer_check (producer, error);
    if (!begin_anew (output, attempt, error))
      return FALSE;
  }
}

static gboolean
kafka_run (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error)
{
  Shared *shared = ((Params *) output->params)->shared;

  if (!output->is_sealed)
    return write_and_deliver (output, data, error);
  return weir_kafka_decider_begin (&shared->decider, error) && write_all (output, data, error) &&
         weir_kafka_producer_check (&shared->producer, error);
}

/* --- sealing: the decider does it all --- */

static gpointer
kafka_cut (WeirOutput *output)
{
  return NULL;
}

static gboolean
kafka_commit (WeirOutput *output, guint64 epoch, gconstpointer note, gsize size, GError **error)
{
  return TRUE; /* never asked for: there are no notes */
}

/* --- life --- */

static const WeirOutputClass kafka_class;

/* The next of this connection's outputs at @i or after; NULL: none. */
static const WeirOutput *
next_output (const WeirOutput *output, guint *i)
{
  GPtrArray *outputs = output->stream->ctx->outputs;
  const Params *params = output->params;

  while (*i < outputs->len) {
    const WeirOutput *other = g_ptr_array_index (outputs, (*i)++);

    if (other->klass == &kafka_class && ((const Params *) other->params)->kafka == params->kafka)
      return other;
  }
  return NULL;
}

static Shared *
find_shared (const WeirOutput *output)
{
  const WeirOutput *other;
  guint i = 0;

  while ((other = next_output (output, &i)) != NULL)
    if (((const Params *) other->params)->shared != NULL)
      return ((const Params *) other->params)->shared;
  return NULL;
}

static const char *
find_marker_topic (const WeirOutput *output)
{
  const WeirOutput *other;
  guint i = 0;

  while ((other = next_output (output, &i)) != NULL)
    if (((const Params *) other->params)->topic != NULL)
      return ((const Params *) other->params)->topic;
  return ANY_TOPIC;
}

static gboolean
become_decider (WeirOutput *output, Shared *shared, GError **error)
{
  WeirEngine *engine = output->engine;

  if (engine->decider != NULL && engine->decider != &shared->decider.decider) {
    g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_GRAPH,
                         "goes by another connection than an output before it: with a checkpoint one transaction holds "
                         "what all of a job's Kafka outputs write: give them the same WeirKafka");
    return FALSE;
  }
  if (!weir_kafka_decider_timeout (shared->producer.kafka, engine->checkpoint->interval,
                                   &shared->producer.transaction_timeout, error))
    return FALSE;
  shared->transaction_id = weir_kafka_decider_id (weir_engine_job_name (engine));
  shared->producer.transaction_id = shared->transaction_id;
  weir_kafka_decider_init (&shared->decider, &shared->producer, find_marker_topic (output));
  return weir_engine_set_decider (engine, &shared->decider.decider, error);
}

static gboolean
open_shared (WeirOutput *output, GError **error)
{
  Params *params = output->params;
  const char *path = weir_options_string (weir_engine_options (output->engine), WEIR_OPTION_KAFKA_PROPERTIES);
  Shared *shared = params->shared = g_new0 (Shared, 1);

  shared->n_users = 1;
  shared->producer.kafka = params->kafka;
  shared->producer.engine = output->engine;
  shared->producer.label = output->label;
  if (!weir_kafka_read_file (params->kafka, path, error) ||
      (output->is_sealed && !become_decider (output, shared, error)))
    return FALSE;
  return weir_kafka_producer_open (&shared->producer, params->was_open, error);
}

static gboolean
kafka_open (WeirOutput *output, GError **error)
{
  Params *params = output->params;
  Shared *shared = find_shared (output);

  if (shared != NULL) {
    shared->n_users++;
    params->shared = shared;
  } else if (!open_shared (output, error)) {
    return FALSE;
  }
  if (params->topic != NULL && weir_kafka_producer_topic (&params->shared->producer, params->topic, error) == NULL)
    return FALSE;
  params->was_open = TRUE;
  return TRUE;
}

static void
kafka_close (WeirOutput *output)
{
  Params *params = output->params;
  Shared *shared = g_steal_pointer (&params->shared);

  if (shared == NULL || --shared->n_users > 0)
    return;
  weir_kafka_producer_close (&shared->producer);
  weir_kafka_decider_clear (&shared->decider);
  g_free (shared->transaction_id);
  g_free (shared);
}

static gboolean
kafka_validate (WeirOutput *output, GError **error)
{
  const Params *params = output->params;

  if (params->kafka == NULL)
    g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_GRAPH,
                         "has no connection: pass what weir_kafka_new () returned");
  else if (weir_kafka_context (params->kafka) != output->stream->ctx)
    g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_GRAPH,
                         "has a connection of another context: make one with weir_kafka_new () for this one");
  else if (params->encode == NULL && (params->topic == NULL || params->topic[0] == '\0'))
    g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_GRAPH,
                         "has neither a topic nor an encode function: give it one");
  else
    return TRUE;
  return FALSE;
}

static void
params_clear (gpointer data)
{
  g_free (((Params *) data)->topic);
}

static const WeirOutputClass kafka_class = {
  .verb = "kafka_output",
  .validate = kafka_validate,
  .run = kafka_run,
  .params_clear = params_clear,
  .open = kafka_open,
  .close = kafka_close,
  .cut = kafka_cut,
  .commit = kafka_commit,
  .decides = TRUE,
};

/**
 * weir_kafka_output:
 * @s: any stream
 * @k: the connection; its group does not matter
 * @topic: the topic, which has to exist when the context starts
 *
 * Writes each element as a record. TEXT and BYTES go out as they are, INT, FLOAT and BOOL as weir_to_string() writes them,
 * NIL as null; a pair as key and value, anything else as a value with a null key; LISTs and pairs within pairs are an
 * error. Records with equal keys go into the same partition, the one that Java's clients choose (murmur2), in the order
 * that they have in the stream.
 *
 * Without a checkpoint a batch is complete when the brokers have confirmed all its records (acks=all): each is there at
 * least once. With one each is there exactly once: all that the Kafka outputs of a job write in an epoch is one transaction,
 * which is committed when the epoch is sealed; who reads with `isolation.level=read_committed` sees nothing before. Its
 * transactional id is the context's name and ".0": two jobs of one name shut each other out (%WEIR_ERROR_FENCED). The group
 * `weir.` and the context's name holds the number of the last epoch as its offset.
 *
 * Called while the graph is built. Workers write, several at once, and wait while the client's queue is full
 * (`queue.buffering.max.kbytes`); the runner waits for the brokers, for as long as they are away.
 *
 * Errors, at start: %WEIR_ERROR_GRAPH for a missing connection or topic, or for several connections with a checkpoint;
 * %WEIR_ERROR_OPTION where `transaction.timeout.ms` and `checkpoint.interval` do not fit; %WEIR_ERROR_SINK where no broker
 * answers; %WEIR_ERROR_FAILED where the topic is missing. In a batch: %WEIR_ERROR_KIND; %WEIR_ERROR_FAILED for a record that
 * is too large, which names it; %WEIR_ERROR_SINK and %WEIR_ERROR_TIMEOUT for one that was not delivered.
 *
 * Returns: (transfer none): the output; owned by the context
 */
WeirOutput *
weir_kafka_output (WeirStream *s, WeirKafka *k, const char *topic)
{
  Params *params = g_new0 (Params, 1);

  params->kafka = k;
  params->topic = g_strdup (topic != NULL ? topic : "");
  return weir_output_new (s, &kafka_class, params);
}

/**
 * weir_kafka_output_with:
 * @s: any stream
 * @k: the connection; its group does not matter
 * @f: (scope notified): fills in the record that an element becomes; %FALSE leaves the element out. Called on workers,
 *   several at once. What it points to may lie in the element or in task memory. The topic it has to set; partition -1 is
 *   by the key, timestamp -1 is now; key and value go out as those of weir_kafka_output() do
 * @user_data: for @f
 *
 * As weir_kafka_output(), with topic, partition, timestamp and headers for each record. A topic is asked for when it is
 * first written to; one that does not exist fails the batch (%WEIR_ERROR_FAILED), as does a partition that the topic does
 * not have. weir_reject() in @f leaves the element out and counts it.
 *
 * With a checkpoint, where no output of the connection is a weir_kafka_output(), the number of the last epoch is kept
 * under the topic `__consumer_offsets`, since the topics are not known at start.
 *
 * Returns: (transfer none): the output; owned by the context
 */
WeirOutput *
weir_kafka_output_with (WeirStream *s, WeirKafka *k, WeirKafkaEncodeFunc f, gpointer user_data)
{
  Params *params = g_new0 (Params, 1);

  params->kafka = k;
  params->encode = f;
  params->user_data = user_data;
  return weir_output_new (s, &kafka_class, params);
}
