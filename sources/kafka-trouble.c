/* Owns the decision about offsets that are not there any more, topics that were deleted, made anew or cut short: by the
 * option kafka.on.data.loss the job fails, or goes on elsewhere with what was lost counted and named. Must not know
 * batches: those learn of a break by the stage. Threads: the keeper's.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sources/kafka-trouble.h"

#include "engine/loop.h"
#include "sources/kafka-keeper.h"
#include "sources/kafka-reader.h"

#define RETRY WEIR_SECONDS (1)

/* A new leader may not know for a while how far the log was committed under the one before. */
#define SHORT_MOST WEIR_SECONDS (10)

static gboolean
try_later (WeirKafkaPartition *partition)
{
  partition->retry_at = g_get_monotonic_time () + RETRY;
  return FALSE;
}

static void
fail (WeirKafkaSource *source, GError *error)
{
  g_prefix_error (&error, "%s: ", source->source.op->name);
  weir_engine_fail (source->source.engine, error);
}

static void
read_on (WeirKafkaSource *source, WeirKafkaPartition *partition)
{
  GError *error = NULL;

  if (!weir_kafka_reader_assign (partition->reader, partition, &error))
    fail (source, error);
}

/* "…: offsets 10 to 20 are gone" */
static char *
describe (const WeirKafkaPartition *partition, WeirKafkaTroubleKind kind, gint64 low, gint64 high)
{
  if (kind != WEIR_KAFKA_CHANGED && partition->expected < low)
    return g_strdup_printf ("partition %s-%d: offset %" G_GINT64_FORMAT
                            " is wanted and the first that is there is %" G_GINT64_FORMAT ": up to %" G_GINT64_FORMAT
                            " records were deleted before they were read (retention.ms, retention.bytes)",
                            partition->topic, partition->number, partition->expected, low, low - partition->expected);
  return g_strdup_printf ("partition %s-%d: %s at offset %" G_GINT64_FORMAT
                          ": the topic was deleted and made anew, or cut short (it ends at %" G_GINT64_FORMAT ")",
                          partition->topic, partition->number,
                          kind == WEIR_KAFKA_CHANGED ? "another record than before lies" : "nothing is",
                          kind == WEIR_KAFKA_CHANGED ? partition->expected - 1 : partition->expected, high);
}

typedef struct {
  WeirKafkaSource *source;
  guint64 n;
} Lost;

static void
count_lost (gpointer data)
{
  Lost *lost = data;

  weir_engine_count_reject (lost->source->source.engine, lost->source->source.op, "deleted by Kafka before it was read",
                            lost->n);
  g_free (lost);
}

static void
tell_lost (WeirKafkaSource *source, guint64 n)
{
  Lost *lost;

  if (n == 0)
    return;
  lost = g_new (Lost, 1);
  *lost = (Lost){ source, n };
  if (!weir_loop_post (weir_engine_loop (source->source.engine), count_lost, lost))
    g_free (lost);
}

/* What was at the expected offset is lost. */
static gboolean
lose (WeirKafkaSource *source, WeirKafkaPartition *partition, WeirKafkaTroubleKind kind, gint64 low, gint64 high)
{
  g_autofree char *what = describe (partition, kind, low, high);
  gint64 next = source->on_loss == WEIR_KAFKA_LOSS_EARLIEST ? low : high;

  if (source->on_loss == WEIR_KAFKA_LOSS_FAIL) {
    fail (source, g_error_new (
                      WEIR_ERROR, WEIR_ERROR_DATA_LOSS,
                      "%s. To go on without what is lost, start with --kafka.on.data.loss=earliest (or latest)", what));
    return TRUE;
  }
  weir_log (weir_engine_log (source->source.engine), WEIR_LOG_WARNING,
            "%s: %s; going on at offset %" G_GINT64_FORMAT " (kafka.on.data.loss)", source->source.op->name, what,
            next);
  if (kind != WEIR_KAFKA_CHANGED && partition->expected < next)
    tell_lost (source, (guint64) (next - partition->expected));
  partition->expected = next;
  partition->check.offset = -1;
  weir_kafka_stage_break (&partition->stage, next);
  read_on (source, partition);
  return TRUE;
}

/* Where the record before is gone, reading goes on behind it, with nothing to compare. */
static gboolean
look (WeirKafkaSource *source, WeirKafkaPartition *partition, WeirKafkaTroubleKind kind)
{
  rd_kafka_t *rk = weir_kafka_reader_handle (partition->reader);
  gint64 low, high;

  if (rd_kafka_query_watermark_offsets (rk, partition->topic, partition->number, &low, &high, 1000) !=
      RD_KAFKA_RESP_ERR_NO_ERROR)
    return try_later (partition);
  weir_kafka_reader_leave (partition->reader, partition);
  if (kind == WEIR_KAFKA_CHANGED || partition->expected < low || partition->expected > high)
    return lose (source, partition, kind, low, high);
  partition->check.offset = -1;
  read_on (source, partition);
  return TRUE;
}

/* A topic that comes back is looked at from the last record that was read on. */
static gboolean
await_return (WeirKafkaSource *source, WeirKafkaPartition *partition)
{
  rd_kafka_t *rk = weir_kafka_reader_handle (partition->reader);
  gint64 low, high;
  rd_kafka_resp_err_t code =
      rd_kafka_query_watermark_offsets (rk, partition->topic, partition->number, &low, &high, 1000);

  if (partition->retry_at == 0)
    weir_log (weir_engine_log (source->source.engine), WEIR_LOG_WARNING,
              "%s: partition %s-%d is gone: waiting for it to come back", source->source.op->name, partition->topic,
              partition->number);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR)
    return try_later (partition);
  partition->retry_at = 0;
  weir_kafka_reader_leave (partition->reader, partition);
  if (partition->expected < low || partition->expected > high)
    return lose (source, partition, WEIR_KAFKA_GONE, low, high);
  if (weir_kafka_stage_newest (&partition->stage).offset >= low) /* the same again, or another with as many records? */
    partition->check = weir_kafka_stage_newest (&partition->stage);
  read_on (source, partition);
  return TRUE;
}

/* Read on as soon as it is waited for itself, or nothing is. */
static gboolean
await_turn (WeirKafkaSource *source, WeirKafkaPartition *partition)
{
  if (!partition->is_left)
    weir_kafka_reader_leave (partition->reader, partition);
  partition->is_left = __atomic_load_n (&source->is_awaited, __ATOMIC_ACQUIRE) &&
                       partition->expected >= __atomic_load_n (&partition->awaited, __ATOMIC_RELAXED);
  if (partition->is_left)
    return FALSE;
  read_on (source, partition);
  return TRUE;
}

/* What the batch had is not there any more, and will not be again: others are written at those offsets. */
static void
lose_end (WeirKafkaSource *source, WeirKafkaPartition *partition, gint64 awaited, gint64 high)
{
  g_autofree char *what =
      g_strdup_printf ("partition %s-%d: a batch that is to be run again had the records up to offset %" G_GINT64_FORMAT
                       ", and now there are none from offset %" G_GINT64_FORMAT
                       " on: the topic was deleted and made anew, or lost its end (unclean.leader.election.enable)",
                       partition->topic, partition->number, awaited, high);

  if (source->on_loss == WEIR_KAFKA_LOSS_FAIL) {
    fail (source, g_error_new (
                      WEIR_ERROR, WEIR_ERROR_DATA_LOSS,
                      "%s. To go on without what is lost, start with --kafka.on.data.loss=earliest (or latest)", what));
    return;
  }
  weir_log (weir_engine_log (source->source.engine), WEIR_LOG_WARNING,
            "%s: %s; it runs with what there is (kafka.on.data.loss)", source->source.op->name, what);
  weir_kafka_keeper_tell_end (source, partition, high);
}

static void
look_for_end (WeirKafkaSource *source, WeirKafkaPartition *partition, gint64 now)
{
  gint64 awaited = __atomic_load_n (&partition->awaited, __ATOMIC_RELAXED), low, high;

  partition->look_at = now + RETRY;
  if (rd_kafka_query_watermark_offsets (weir_kafka_reader_handle (partition->reader), partition->topic,
                                        partition->number, &low, &high, 1000) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return;
  if (high >= awaited)
    partition->short_since = 0;
  else if (partition->short_since == 0)
    partition->short_since = now;
  if (partition->short_since == 0 || now - partition->short_since < SHORT_MOST)
    return;
  partition->look_at = G_MAXINT64;
  lose_end (source, partition, awaited, high);
}

void
weir_kafka_look_for_ends (WeirKafkaSource *source)
{
  gint64 now = g_get_monotonic_time ();

  for (guint i = 0; i < source->all->len; i++) {
    WeirKafkaPartition *partition = g_ptr_array_index (source->all, i);

    if (partition->look_at == 0) /* what is there comes by itself, mostly */
      partition->look_at = now + RETRY;
    else if (now >= partition->look_at)
      look_for_end (source, partition, now);
  }
}

gboolean
weir_kafka_settle (WeirKafkaSource *source, const WeirKafkaTrouble *trouble)
{
  WeirKafkaPartition *partition = trouble->partition;

  if (trouble->kind == WEIR_KAFKA_GONE)
    return await_return (source, partition);
  if (trouble->kind == WEIR_KAFKA_AHEAD)
    return await_turn (source, partition);
  if (trouble->kind != WEIR_KAFKA_BROKEN)
    return look (source, partition, trouble->kind);
  fail (source,
        g_error_new (WEIR_ERROR, WEIR_ERROR_FAILED,
                     "partition %s-%d cannot be read at offset %" G_GINT64_FORMAT
                     ": %s: check the rights of the user, and the codecs that the client was built with",
                     partition->topic, partition->number, partition->expected, rd_kafka_err2str (trouble->code)));
  return TRUE;
}
