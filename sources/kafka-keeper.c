/* Owns what a direct source does beside reading: assignment, new partitions, trouble, commits for the group. Must not
 * know batches; what the loop has to hear of is posted to it.
 *
 * Offsets are committed as a mirror of what is done, never as the truth: a failure is said once and tried again with the
 * next ones. Threads: see kafka-source.h; `lock` guards what others hand over.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sources/kafka-keeper.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/loop.h"
#include "sources/kafka-commits.h"
#include "sources/kafka-hanging.h"
#include "sources/kafka-reader.h"
#include "sources/kafka-trouble.h"

#define TURN     WEIR_MILLISECONDS (250) /* what clients have to say waits that long */
#define ASK_MS   1000
#define DISCOVER WEIR_SECONDS (10)

struct _WeirKafkaKeeper {
  WeirKafkaSource *source;
  pthread_t thread; /* 0: not started */

  pthread_mutex_t lock;
  pthread_cond_t changed;
  GArray *reported;          /* under lock: of WeirKafkaTrouble */
  gboolean wants_room, quit; /* under lock */

  WeirKafkaCommits *commits; /* has a lock of its own */

  /* The thread's own. */
  GArray *troubles; /* of WeirKafkaTrouble: to be tried again */
  gint64 discover_at;
  WeirTime discover_every; /* 0: never */
};

/* --- messages to the loop --- */

typedef struct {
  WeirKafkaSource *source;
  guint generation;
  WeirKafkaPartition *partition; /* NULL: room is wanted */
  gint64 end;                    /* of the partition; G_MAXINT64: it is new */
} Mail;

static void
deliver (gpointer data)
{
  Mail *mail = data;

  if (mail->generation == mail->source->generation) { /* else the source was closed meanwhile */
    if (mail->partition == NULL)
      weir_kafka_source_await_room (mail->source);
    else if (mail->end == G_MAXINT64)
      weir_kafka_source_take_partition (mail->source, mail->partition);
    else
      weir_kafka_source_take_end (mail->source, mail->partition, mail->end);
  }
  g_free (mail);
}

static void
post (WeirKafkaSource *source, WeirKafkaPartition *partition, gint64 end)
{
  Mail *mail = g_new (Mail, 1);

  *mail = (Mail){ source, source->generation, partition, end };
  if (!weir_loop_post (weir_engine_loop (source->source.engine), deliver, mail))
    g_free (mail);
}

void
weir_kafka_keeper_tell_end (WeirKafkaSource *source, WeirKafkaPartition *partition, gint64 end)
{
  post (source, partition, end);
}

/* --- what others hand over --- */

void
weir_kafka_keeper_report (WeirKafkaKeeper *keeper, const WeirKafkaTrouble *trouble)
{
  pthread_mutex_lock (&keeper->lock);
  g_array_append_vals (keeper->reported, trouble, 1);
  pthread_cond_signal (&keeper->changed);
  pthread_mutex_unlock (&keeper->lock);
}

void
weir_kafka_keeper_ask_for_room (WeirKafkaKeeper *keeper)
{
  pthread_mutex_lock (&keeper->lock);
  keeper->wants_room = TRUE;
  pthread_cond_signal (&keeper->changed);
  pthread_mutex_unlock (&keeper->lock);
}

void
weir_kafka_keeper_commit (WeirKafkaKeeper *keeper, const char *topic, gint32 partition, gint64 offset)
{
  weir_kafka_commits_add (keeper->commits, topic, partition, offset);
}

void
weir_kafka_keeper_say (gint severity, const char *text, gpointer data)
{
  const WeirKafkaSource *source = data;
  WeirLogLevel level = severity <= 4 ? WEIR_LOG_WARNING : severity <= 6 ? WEIR_LOG_INFO : WEIR_LOG_DEBUG;

  weir_log (weir_engine_log (source->source.engine), level, "%s: %s", source->source.op->name, text);
}

/* --- assignment --- */

static void
fail (WeirKafkaSource *source, GError *error)
{
  g_prefix_error (&error, "%s: ", source->source.op->name);
  weir_engine_fail (source->source.engine, error);
}

static void
assign (WeirKafkaSource *source, WeirKafkaPartition *partition)
{
  GError *error = NULL;

  if (!weir_kafka_reader_assign (partition->reader, partition, &error))
    fail (source, error);
}

static WeirKafkaReader *
choose_reader (const WeirKafkaSource *source)
{
  WeirKafkaReader *least = source->readers[0];

  for (guint i = 1; i < source->n_readers; i++)
    if (weir_kafka_reader_count (source->readers[i]) < weir_kafka_reader_count (least))
      least = source->readers[i];
  return least;
}

/* All that the source has when it starts. */
static void
assign_all (WeirKafkaKeeper *keeper)
{
  WeirKafkaSource *source = keeper->source;

  for (guint i = 0; i < source->all->len; i++)
    assign (source, g_ptr_array_index (source->all, i));
}

/* --- new partitions --- */

static gboolean
is_known (WeirKafkaSource *source, const WeirKafkaPartitionName *name)
{
  gboolean is;

  pthread_mutex_lock (&source->lock);
  is = weir_kafka_find_partition (source->all, name->topic, name->partition) != NULL;
  pthread_mutex_unlock (&source->lock);
  return is;
}

/* One that was not there at the start begins at its beginning: what came before it was found is not lost. */
static gboolean
add_partition (WeirKafkaKeeper *keeper, const WeirKafkaPartitionName *name, GError **error)
{
  WeirKafkaSource *source = keeper->source;
  WeirKafkaPartition *partition = weir_kafka_partition_new (source, name->topic, name->partition);
  gint64 low, high;

  partition->reader = choose_reader (source);
  if (!weir_kafka_ask_bounds (weir_kafka_reader_handle (partition->reader), partition, &low, &high, error)) {
    weir_kafka_partition_free (partition);
    return FALSE;
  }
  partition->next = partition->expected = low;
  weir_kafka_stage_reset (&partition->stage, low);
  weir_log (weir_engine_log (source->source.engine), WEIR_LOG_INFO,
            "%s: partition %s-%d is new and is read from offset %" G_GINT64_FORMAT, source->source.op->name,
            name->topic, name->partition, low);
  pthread_mutex_lock (&source->lock);
  g_ptr_array_add (source->all, partition);
  pthread_mutex_unlock (&source->lock);
  assign (source, partition);
  post (source, partition, G_MAXINT64);
  return TRUE;
}

static void
discover (WeirKafkaKeeper *keeper)
{
  WeirKafkaSource *source = keeper->source;
  rd_kafka_t *rk = weir_kafka_reader_handle (source->readers[0]);
  g_autoptr (GArray) found = weir_kafka_partition_names_new ();
  g_autoptr (GError) error = NULL;
  gboolean ok = weir_kafka_topics_list (&source->topics, rk, ASK_MS, found, NULL, &error);

  for (guint i = 0; i < found->len && ok; i++) {
    const WeirKafkaPartitionName *name = &g_array_index (found, WeirKafkaPartitionName, i);

    ok = is_known (source, name) || add_partition (keeper, name, &error);
  }
  if (!ok)
    weir_log (weir_engine_log (source->source.engine), WEIR_LOG_INFO, "%s: looking for new partitions: %s",
              source->source.op->name, error->message);
}

static void
discover_if_due (WeirKafkaKeeper *keeper)
{
  if (keeper->discover_every == 0 || g_get_monotonic_time () < keeper->discover_at)
    return;
  discover (keeper);
  keeper->discover_at = g_get_monotonic_time () + keeper->discover_every;
}

/* --- the thread --- */

static void
look_at_troubles (WeirKafkaKeeper *keeper)
{
  for (guint i = keeper->troubles->len; i > 0; i--) {
    const WeirKafkaTrouble *trouble = &g_array_index (keeper->troubles, WeirKafkaTrouble, i - 1);

    if (g_get_monotonic_time () >= trouble->partition->retry_at && weir_kafka_settle (keeper->source, trouble))
      g_array_remove_index (keeper->troubles, i - 1);
  }
}

static void
poll_handles (WeirKafkaSource *source)
{
  for (guint i = 0; i < source->n_readers; i++)
    rd_kafka_poll (weir_kafka_reader_handle (source->readers[i]), 0);
}

static void
turn (WeirKafkaKeeper *keeper)
{
  poll_handles (keeper->source);
  look_at_troubles (keeper);
  if (__atomic_load_n (&keeper->source->is_awaited, __ATOMIC_ACQUIRE))
    weir_kafka_look_for_ends (keeper->source);
  weir_kafka_look_for_hanging (keeper->source);
  discover_if_due (keeper);
  weir_kafka_commits_send (keeper->commits);
}

/* TRUE: go on. */
static gboolean
take_over (WeirKafkaKeeper *keeper)
{
  gint64 at = g_get_monotonic_time () + TURN;
  struct timespec until = { at / G_USEC_PER_SEC, at % G_USEC_PER_SEC * 1000 };
  gboolean goes_on, wants_room;

  pthread_mutex_lock (&keeper->lock);
  while (!keeper->quit && !keeper->wants_room && keeper->reported->len == 0 &&
         pthread_cond_timedwait (&keeper->changed, &keeper->lock, &until) != ETIMEDOUT)
    ;
  g_array_append_vals (keeper->troubles, keeper->reported->data, keeper->reported->len);
  g_array_set_size (keeper->reported, 0);
  wants_room = keeper->wants_room;
  keeper->wants_room = FALSE;
  goes_on = !keeper->quit;
  pthread_mutex_unlock (&keeper->lock);
  if (wants_room && goes_on)
    post (keeper->source, NULL, G_MAXINT64);
  return goes_on;
}

static gpointer
keeper_main (gpointer data)
{
  WeirKafkaKeeper *keeper = data;

  pthread_setname_np (pthread_self (), "weir-kafka-keep");
  assign_all (keeper);
  while (take_over (keeper))
    turn (keeper);
  if (!weir_kafka_commits_finish (keeper->commits))
    weir_kafka_reader_give_up (keeper->source->readers[0]);
  poll_handles (keeper->source);
  return NULL;
}

/* --- life --- */

static void
init_condition (pthread_cond_t *condition)
{
  pthread_condattr_t attributes;

  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (condition, &attributes);
  pthread_condattr_destroy (&attributes);
}

static WeirTime
discovery_interval (const WeirKafka *kafka)
{
  g_autofree char *text = weir_kafka_property (kafka, WEIR_KAFKA_CONSUMER, "topic.metadata.refresh.interval.ms");

  if (text == NULL)
    return DISCOVER;
  return MAX (WEIR_MILLISECONDS (g_ascii_strtoll (text, NULL, 10)), 0);
}

WeirKafkaKeeper *
weir_kafka_keeper_new (WeirKafkaSource *source)
{
  WeirKafkaKeeper *keeper = g_new0 (WeirKafkaKeeper, 1);

  keeper->source = source;
  pthread_mutex_init (&keeper->lock, NULL);
  init_condition (&keeper->changed);
  keeper->reported = g_array_new (FALSE, FALSE, sizeof (WeirKafkaTrouble));
  keeper->troubles = g_array_new (FALSE, FALSE, sizeof (WeirKafkaTrouble));
  keeper->commits = weir_kafka_commits_new (source);
  return keeper;
}

gboolean
weir_kafka_keeper_start (WeirKafkaKeeper *keeper, GError **error)
{
  const WeirKafkaSource *source = keeper->source;
  int code;

  keeper->discover_every = source->topics.assigned != NULL ? 0 : discovery_interval (source->kafka);
  keeper->discover_at = g_get_monotonic_time () + keeper->discover_every;
  code = pthread_create (&keeper->thread, NULL, keeper_main, keeper);

  if (code == 0)
    return TRUE;
  keeper->thread = 0;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "cannot start a thread: %s", g_strerror (code));
  return FALSE;
}

void
weir_kafka_keeper_stop (WeirKafkaKeeper *keeper)
{
  if (keeper->thread == 0)
    return;
  pthread_mutex_lock (&keeper->lock);
  keeper->quit = TRUE;
  pthread_cond_signal (&keeper->changed);
  pthread_mutex_unlock (&keeper->lock);
  pthread_join (keeper->thread, NULL);
  keeper->thread = 0;
}

void
weir_kafka_keeper_free (WeirKafkaKeeper *keeper)
{
  if (keeper == NULL)
    return;
  weir_kafka_keeper_stop (keeper);
  weir_kafka_commits_free (keeper->commits);
  g_array_unref (keeper->reported);
  g_array_unref (keeper->troubles);
  pthread_cond_destroy (&keeper->changed);
  pthread_mutex_destroy (&keeper->lock);
  g_free (keeper);
}
