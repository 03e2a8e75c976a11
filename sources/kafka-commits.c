/* Owns what is to be committed under the group: the newest offset of each partition, sent one request at a time, and
 * again after a while without news, because brokers forget the offsets of a group that nobody has joined. Must not know
 * why an offset is done. Threads: any adds, under `lock`; the keeper's sends.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sources/kafka-commits.h"

#include "engine/clock.h"
#include "sources/kafka-reader.h"

/* By the engine's clock. offsets.retention.minutes is seven days by default, and nobody sets it below some hours. */
#define SAY_AGAIN WEIR_MINUTES (30)

#define PAUSE    WEIR_MILLISECONDS (200)
#define PATIENCE WEIR_SECONDS (5) /* a group that moves from broker to broker has a new one by then */

struct _WeirKafkaCommits {
  WeirKafkaSource *source;

  pthread_mutex_t lock;
  rd_kafka_topic_partition_list_t *newest; /* under lock; all that were ever added */
  gboolean has_news;                       /* under lock */

  /* The keeper's. */
  rd_kafka_queue_t *answers; /* made with the first request */
  gboolean is_sent;          /* and not answered */
  gint64 sent_at;
  gint64 say_again_at;         /* by the engine's clock */
  rd_kafka_resp_err_t failure; /* of the last one */
  gint64 failing_since;        /* where it has one */
  rd_kafka_resp_err_t said;    /* the failure that is in the log already */
};

WeirKafkaCommits *
weir_kafka_commits_new (WeirKafkaSource *source)
{
  WeirKafkaCommits *commits = g_new0 (WeirKafkaCommits, 1);

  commits->source = source;
  commits->newest = rd_kafka_topic_partition_list_new (1);
  pthread_mutex_init (&commits->lock, NULL);
  return commits;
}

void
weir_kafka_commits_free (WeirKafkaCommits *commits)
{
  if (commits->answers != NULL)
    rd_kafka_queue_destroy (commits->answers);
  rd_kafka_topic_partition_list_destroy (commits->newest);
  pthread_mutex_destroy (&commits->lock);
  g_free (commits);
}

void
weir_kafka_commits_add (WeirKafkaCommits *commits, const char *topic, gint32 partition, gint64 offset)
{
  rd_kafka_topic_partition_t *place;

  pthread_mutex_lock (&commits->lock);
  place = rd_kafka_topic_partition_list_find (commits->newest, topic, partition);
  if (place == NULL)
    place = rd_kafka_topic_partition_list_add (commits->newest, topic, partition);
  commits->has_news |= place->offset != offset;
  place->offset = offset;
  pthread_mutex_unlock (&commits->lock);
}

/* Nothing is wrong: a broker begins, or goes, and the group's offsets are or will be another's. */
static gboolean
is_moving (rd_kafka_resp_err_t code)
{
  return code == RD_KAFKA_RESP_ERR_NOT_COORDINATOR || code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE ||
         code == RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS || code == RD_KAFKA_RESP_ERR__WAIT_COORD;
}

static void
say (WeirKafkaCommits *commits, rd_kafka_resp_err_t code)
{
  WeirKafkaSource *source = commits->source;

  if (code == commits->said)
    return;
  commits->said = code;
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR)
    weir_log (weir_engine_log (source->source.engine), WEIR_LOG_INFO, "%s: group %s: offsets are committed again",
              source->source.op->name, weir_kafka_group (source->kafka));
  else
    weir_log (weir_engine_log (source->source.engine), WEIR_LOG_WARNING,
              "%s: group %s: offsets could not be committed: %s; trying again%s", source->source.op->name,
              weir_kafka_group (source->kafka), rd_kafka_err2str (code),
              code == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID ? ". Somebody else uses the group: give each job its own"
                                                          : "");
}

/* What was not committed is sent again though nothing new is done: a topic may be silent from now on. */
static void
note_failure (WeirKafkaCommits *commits)
{
  if (commits->failure == RD_KAFKA_RESP_ERR_NO_ERROR)
    commits->failing_since = g_get_monotonic_time ();
  pthread_mutex_lock (&commits->lock);
  commits->has_news = TRUE;
  pthread_mutex_unlock (&commits->lock);
}

static void
on_committed (rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *data)
{
  WeirKafkaCommits *commits = data;

  for (int i = 0; code == RD_KAFKA_RESP_ERR_NO_ERROR && list != NULL && i < list->cnt; i++)
    code = list->elems[i].err;
  commits->is_sent = FALSE;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    note_failure (commits);
  commits->failure = code;
  if (!is_moving (code) || g_get_monotonic_time () - commits->failing_since >= PATIENCE)
    say (commits, code);
}

static void
poll_answers (WeirKafkaCommits *commits, int timeout)
{
  if (commits->answers != NULL)
    rd_kafka_queue_poll_callback (commits->answers, timeout);
}

/* What is to be sent now; NULL: nothing. */
static rd_kafka_topic_partition_list_t *
steal (WeirKafkaCommits *commits)
{
  gint64 now = weir_clock_monotonic (weir_engine_clock (commits->source->source.engine));
  rd_kafka_topic_partition_list_t *list = NULL;

  pthread_mutex_lock (&commits->lock);
  if (commits->newest->cnt > 0 && (commits->has_news || now >= commits->say_again_at))
    list = rd_kafka_topic_partition_list_copy (commits->newest);
  commits->has_news = FALSE;
  pthread_mutex_unlock (&commits->lock);
  if (list != NULL)
    commits->say_again_at = now + SAY_AGAIN;
  return list;
}

static void
send_now (WeirKafkaCommits *commits)
{
  rd_kafka_t *rk = weir_kafka_reader_handle (commits->source->readers[0]);
  g_autoptr (rd_kafka_topic_partition_list_t) list = steal (commits);
  rd_kafka_resp_err_t code;

  if (list == NULL)
    return;
  if (commits->answers == NULL)
    commits->answers = rd_kafka_queue_new (rk);
  commits->sent_at = g_get_monotonic_time ();
  commits->is_sent = TRUE;
  code = rd_kafka_commit_queue (rk, list, commits->answers, on_committed, commits);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    on_committed (rk, code, NULL, commits);
}

/* Before the next one: what fails for long is tried less and less often. */
static gint64
pause_of (const WeirKafkaCommits *commits, gint64 now)
{
  return commits->failure == RD_KAFKA_RESP_ERR_NO_ERROR ? PAUSE : CLAMP (now - commits->failing_since, PAUSE, PATIENCE);
}

void
weir_kafka_commits_send (WeirKafkaCommits *commits)
{
  gint64 now = g_get_monotonic_time ();

  poll_answers (commits, 0);
  if (!commits->is_sent && now - commits->sent_at >= pause_of (commits, now))
    send_now (commits);
}

static void
await_answer (WeirKafkaCommits *commits, gint64 deadline)
{
  while (commits->is_sent && g_get_monotonic_time () < deadline)
    poll_answers (commits, 50);
}

gboolean
weir_kafka_commits_finish (WeirKafkaCommits *commits)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  await_answer (commits, deadline);
  if (!commits->is_sent)
    send_now (commits);
  await_answer (commits, deadline);
  while (!commits->is_sent && is_moving (commits->failure) && g_get_monotonic_time () < deadline) {
    g_usleep (PAUSE);
    send_now (commits);
    await_answer (commits, deadline);
  }
  return !commits->is_sent;
}
