/* Owns a connection to a cluster: what the job says of it, safe defaults, and making handles. Must not know what is read
 * or written. Threads: see kafka.h; no callback of ours runs on librdkafka's own threads, which is why what the client
 * says goes through the handle's main queue.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "clients/kafka.h"

#include <pthread.h>
#include <string.h>
#include <syslog.h>

#include "clients/kafka-said.h"

#define ASK_MS 1000

typedef struct {
  WeirKafkaCommitter commit;
  gpointer data;
} Committer;

struct _WeirKafka {
  WeirContext *ctx;
  char *brokers, *group;
  WeirKafkaProperties *properties; /* of the job's code */
  WeirKafkaSaid *said;
  pthread_mutex_t lock;
  char *path;                /* that `file` was read from, under lock; NULL: from none */
  WeirKafkaProperties *file; /* of kafka.properties; constant once it is read */
  GArray *committers;        /* of Committer, under lock */
};

/* What a handle's callbacks get. */
typedef struct {
  WeirKafkaSay say;
  gpointer data;
  WeirKafkaSaid *said;         /* the connection's */
  rd_kafka_resp_err_t refusal; /* of the last broker that was there and did not want us */
} Opaque;

static const WeirKafkaSetting common[] = {
  { "client.id", "weir" },
  { "socket.nagle.disable", "true" },
  { "reconnect.backoff.max.ms", "2000" },
  { "log.connection.close", "false" },
  { NULL, NULL },
};

static void
kafka_free (gpointer data)
{
  WeirKafka *kafka = data;

  pthread_mutex_destroy (&kafka->lock);
  g_array_unref (kafka->committers);
  weir_kafka_said_free (kafka->said);
  weir_kafka_properties_free (kafka->properties);
  weir_kafka_properties_free (kafka->file);
  g_free (kafka->path);
  g_free (kafka->brokers);
  g_free (kafka->group);
  g_free (kafka);
}

/**
 * weir_kafka_new:
 * @ctx: the context
 * @brokers: "host:port", several with commas between
 * @group: (nullable): the consumer group under which offsets are committed; %NULL where nothing is read
 *
 * A connection to a Kafka cluster, for sources and outputs. Nothing is connected before the context starts; brokers that
 * cannot be reached then fail the start with %WEIR_ERROR_SOURCE or %WEIR_ERROR_SINK. Doesn't block.
 *
 * Returns: (transfer none): the connection; owned by the context
 */
WeirKafka *
weir_kafka_new (WeirContext *ctx, const char *brokers, const char *group)
{
  WeirKafka *kafka = g_new0 (WeirKafka, 1);

  kafka->ctx = ctx;
  kafka->brokers = g_strdup (brokers != NULL ? brokers : "");
  kafka->group = g_strdup (group);
  kafka->properties = weir_kafka_properties_new ();
  kafka->said = weir_kafka_said_new ();
  kafka->file = weir_kafka_properties_new ();
  kafka->committers = g_array_new (FALSE, FALSE, sizeof (Committer));
  pthread_mutex_init (&kafka->lock, NULL);
  weir_context_own (ctx, kafka, kafka_free);
  return kafka;
}

/**
 * weir_kafka_set:
 * @k: the connection
 * @property: a property of librdkafka; before it `consumer.` or `producer.` where it is for readers or writers only
 * @value: its value; `${env:NAME}` and `${file:PATH}` stand for what is there when the context starts
 * @error: %WEIR_ERROR_OPTION: there is no such property, its value is not accepted, or it is not for a job to set
 *
 * Sets a property, before the context starts. It outranks the file that the option `kafka.properties` names. What decides
 * whether records are lost or doubled cannot be set: committing is weir's. Values of passwords and keys never stand in a
 * message or in the log. Doesn't block.
 *
 * Returns: %TRUE if it was set
 */
gboolean
weir_kafka_set (WeirKafka *k, const char *property, const char *value, GError **error)
{
  g_return_val_if_fail (k != NULL && property != NULL && value != NULL, FALSE);
  return weir_kafka_properties_set (k->properties, property, value, error);
}

WeirContext *
weir_kafka_context (const WeirKafka *kafka)
{
  return kafka->ctx;
}

const char *
weir_kafka_brokers (const WeirKafka *kafka)
{
  return kafka->brokers;
}

const char *
weir_kafka_group (const WeirKafka *kafka)
{
  return kafka->group;
}

static gboolean
read_locked (WeirKafka *kafka, const char *path, GError **error)
{
  g_autoptr (WeirKafkaProperties) file = NULL;

  if (path == NULL || g_strcmp0 (path, kafka->path) == 0)
    return TRUE;
  file = weir_kafka_properties_new ();
  if (!weir_kafka_properties_read (file, path, error))
    return FALSE;
  weir_kafka_properties_free (kafka->file);
  kafka->file = g_steal_pointer (&file);
  g_free (kafka->path);
  kafka->path = g_strdup (path);
  return TRUE;
}

/* Sources, outputs and receivers of a connection all ask, receivers on threads of their own and again and again: the
 * first has it read, and nobody takes it away from the others. */
gboolean
weir_kafka_read_file (WeirKafka *kafka, const char *path, GError **error)
{
  gboolean ok;

  pthread_mutex_lock (&kafka->lock);
  ok = read_locked (kafka, path, error);
  pthread_mutex_unlock (&kafka->lock);
  return ok;
}

char *
weir_kafka_property (const WeirKafka *kafka, WeirKafkaRole role, const char *name)
{
  char *value = weir_kafka_properties_get (kafka->properties, role, name);

  return value != NULL ? value : weir_kafka_properties_get (kafka->file, role, name);
}

/* --- handles --- */

static gboolean
set_all (rd_kafka_conf_t *conf, const WeirKafkaSetting *settings, gboolean may_be_unknown, GError **error)
{
  char said[512];

  for (; settings != NULL && settings->name != NULL; settings++) {
    rd_kafka_conf_res_t result = rd_kafka_conf_set (conf, settings->name, settings->value, said, sizeof said);

    if (result == RD_KAFKA_CONF_OK || (may_be_unknown && result == RD_KAFKA_CONF_UNKNOWN))
      continue;
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "Kafka property %s: %s", settings->name, said);
    return FALSE;
  }
  return TRUE;
}

static gboolean
set_own (const WeirKafka *kafka, const WeirKafkaHandleSpec *spec, rd_kafka_conf_t *conf, GError **error)
{
  const WeirKafkaSetting own[] = {
    { "bootstrap.servers", kafka->brokers },
    { "log.queue", "true" },
    { spec->role == WEIR_KAFKA_CONSUMER ? "group.id" : NULL, kafka->group != NULL ? kafka->group : "" },
    { NULL, NULL },
  };

  return set_all (conf, own, FALSE, error) && set_all (conf, spec->fixed, FALSE, error);
}

static void
tell (const Opaque *opaque, int severity, const char *text)
{
  const char *news = opaque->say != NULL ? weir_kafka_said_news (opaque->said, text, g_get_monotonic_time ()) : NULL;

  if (news != NULL)
    opaque->say (severity, news, opaque->data);
}

static void
on_log (const rd_kafka_t *rk, int severity, const char *facility, const char *text)
{
  const Opaque *opaque = rd_kafka_opaque (rk);

  if (opaque != NULL)
    tell (opaque, severity, text);
}

/* Whoever asks for something hears that no broker answers, and not why. */
static void
on_error (rd_kafka_t *rk, int code, const char *reason, void *data)
{
  Opaque *opaque = data;

  if (code == RD_KAFKA_RESP_ERR__AUTHENTICATION || code == RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED ||
      code == RD_KAFKA_RESP_ERR__SSL)
    opaque->refusal = (rd_kafka_resp_err_t) code;
  if (code != RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN)
    weir_kafka_said_keep_reason (opaque->said, reason);
  tell (opaque, LOG_ERR, reason);
}

static rd_kafka_conf_t *
conf_new (const WeirKafka *kafka, const WeirKafkaHandleSpec *spec, GError **error)
{
  g_autoptr (rd_kafka_conf_t) conf = rd_kafka_conf_new ();

  if (!set_all (conf, common, TRUE, error) || !set_all (conf, spec->defaults, TRUE, error) ||
      !weir_kafka_properties_apply (kafka->file, spec->role, conf, error) ||
      !weir_kafka_properties_apply (kafka->properties, spec->role, conf, error) || !set_own (kafka, spec, conf, error))
    return NULL;
  rd_kafka_conf_set_log_cb (conf, on_log);
  rd_kafka_conf_set_error_cb (conf, on_error);
  if (spec->delivered != NULL)
    rd_kafka_conf_set_dr_msg_cb (conf, spec->delivered);
  if (spec->rebalanced != NULL)
    rd_kafka_conf_set_rebalance_cb (conf, spec->rebalanced);
  return g_steal_pointer (&conf);
}

rd_kafka_t *
weir_kafka_handle_new (WeirKafka *kafka, const WeirKafkaHandleSpec *spec, GError **error)
{
  rd_kafka_conf_t *conf = conf_new (kafka, spec, error);
  rd_kafka_type_t type = spec->role == WEIR_KAFKA_CONSUMER ? RD_KAFKA_CONSUMER : RD_KAFKA_PRODUCER;
  Opaque *opaque;
  char said[512];
  rd_kafka_t *rk;

  if (conf == NULL)
    return NULL;
  opaque = g_new (Opaque, 1);
  *opaque = (Opaque){ .say = spec->say, .data = spec->data, .said = kafka->said };
  rd_kafka_conf_set_opaque (conf, opaque);
  rk = rd_kafka_new (type, conf, said, sizeof said);
  if (rk != NULL) {
    rd_kafka_set_log_queue (rk, NULL);
    return rk;
  }
  rd_kafka_conf_destroy (conf);
  g_free (opaque);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION, "Kafka %s: %s: see kafka.properties and weir_kafka_set ()",
               kafka->brokers, said);
  return NULL;
}

void
weir_kafka_handle_free (rd_kafka_t *rk)
{
  gpointer opaque;

  if (rk == NULL)
    return;
  opaque = rd_kafka_opaque (rk);
  rd_kafka_destroy_flags (rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  g_free (opaque);
}

static gpointer
free_main (gpointer rk)
{
  weir_kafka_handle_free (rk);
  return NULL;
}

/* Callbacks are called by whoever polls, and nobody does. */
void
weir_kafka_handle_abandon (rd_kafka_t *rk)
{
  pthread_t thread;

  if (pthread_create (&thread, NULL, free_main, rk) == 0)
    pthread_detach (thread);
  else
    weir_kafka_handle_free (rk);
}

gpointer
weir_kafka_handle_data (const rd_kafka_t *rk)
{
  return ((const Opaque *) rd_kafka_opaque (rk))->data;
}

/* What a broker that was there has against us comes with an advice of its own. */
static gboolean
fail_to_reach (const WeirKafka *kafka, rd_kafka_resp_err_t refusal, rd_kafka_resp_err_t failure, WeirError code,
               GError **error)
{
  g_autofree char *reason = weir_kafka_said_reason (kafka->said);
  g_autoptr (GError) bare = NULL;
  gboolean is_refused = refusal != RD_KAFKA_RESP_ERR_NO_ERROR;

  weir_kafka_fail (&bare, is_refused ? refusal : failure, code,
                   "cannot connect to Kafka: no broker of %s answers%s%s%s", kafka->brokers, reason != NULL ? " (" : "",
                   reason != NULL ? reason : "", reason != NULL ? ")" : "");
  g_set_error (error, bare->domain, bare->code, "%s%s", bare->message,
               is_refused ? "" : ": is the address right, and security.protocol, if the brokers want it?");
  return FALSE;
}

gboolean
weir_kafka_handle_reach (rd_kafka_t *rk, const WeirKafka *kafka, gint64 patience, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + patience;
  WeirError code = rd_kafka_type (rk) == RD_KAFKA_CONSUMER ? WEIR_ERROR_SOURCE : WEIR_ERROR_SINK;
  const Opaque *opaque = rd_kafka_opaque (rk);
  rd_kafka_resp_err_t failure;

  do {
    const struct rd_kafka_metadata *metadata = NULL;

    failure = rd_kafka_metadata (rk, 0, NULL, &metadata, ASK_MS);
    rd_kafka_poll (rk, 0);
    if (failure == RD_KAFKA_RESP_ERR_NO_ERROR) {
      rd_kafka_metadata_destroy (metadata);
      return TRUE;
    }
  } while (weir_kafka_is_transient (failure) && g_get_monotonic_time () < deadline);
  return fail_to_reach (kafka, opaque->refusal, failure, code, error);
}

char *
weir_kafka_handle_cluster (rd_kafka_t *rk)
{
  char *id = rd_kafka_clusterid (rk, ASK_MS);
  char *copy = g_strdup (id != NULL ? id : "");

  if (id != NULL)
    rd_kafka_mem_free (rk, id);
  return copy;
}

/* --- commits that the job asks for --- */

void
weir_kafka_add_committer (WeirKafka *kafka, WeirKafkaCommitter committer, gpointer data)
{
  Committer fresh = { committer, data };

  pthread_mutex_lock (&kafka->lock);
  g_array_append_val (kafka->committers, fresh);
  pthread_mutex_unlock (&kafka->lock);
}

void
weir_kafka_remove_committer (WeirKafka *kafka, gpointer data)
{
  pthread_mutex_lock (&kafka->lock);
  for (guint i = kafka->committers->len; i > 0; i--)
    if (g_array_index (kafka->committers, Committer, i - 1).data == data)
      g_array_remove_index (kafka->committers, i - 1);
  pthread_mutex_unlock (&kafka->lock);
}

/**
 * weir_kafka_commit_async:
 * @k: the connection
 * @ranges: (array length=n): what is done, as weir_dataset_offset_ranges() gave it
 * @n: how many
 *
 * Commits the ends of the ranges under the connection's group, soon and on another thread; a failure is said in the log.
 * For jobs that keep their own books: weir commits by itself when a batch is complete, or with a checkpoint when it is
 * sealed. Any thread while the context runs; does nothing when no stream reads by this connection. Doesn't block.
 */
void
weir_kafka_commit_async (WeirKafka *k, const WeirOffsetRange *ranges, gsize n)
{
  g_return_if_fail (k != NULL && (ranges != NULL || n == 0));
  pthread_mutex_lock (&k->lock);
  if (k->committers->len > 0) { /* any of them may commit for the whole group */
    const Committer *committer = &g_array_index (k->committers, Committer, 0);

    committer->commit (ranges, n, committer->data);
  }
  pthread_mutex_unlock (&k->lock);
}
