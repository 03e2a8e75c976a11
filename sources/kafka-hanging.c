/* Owns the warning, and the mark for listeners, that a partition stands still behind somebody's open transaction: brokers
 * hand out nothing behind its first record, and to the job it looks as if nothing came in. Must not know what is read.
 * Threads: the keeper's; planning reads the mark.
 *
 * Fetched answers carry the end of the log; asked for it, brokers tell a reader of committed records where those end.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sources/kafka-hanging.h"

#include "engine/loop.h"
#include "sources/kafka-reader.h"

#define LOOK_EVERY  WEIR_SECONDS (5)
#define HANGS_AFTER WEIR_SECONDS (30)

#define ASK_MS 1000

typedef enum {
  FREE,   /* the log goes no further than what was read, or more of it can be read */
  HELD,   /* it goes further, and nothing of that can be read */
  UNKNOWN /* nobody has said */
} Standing;

static Standing
ask (const WeirKafkaPartition *partition, gint64 until, gint64 *end)
{
  rd_kafka_t *rk = weir_kafka_reader_handle (partition->reader);
  gint64 low, committed;

  if (rd_kafka_get_watermark_offsets (rk, partition->topic, partition->number, &low, end) !=
          RD_KAFKA_RESP_ERR_NO_ERROR ||
      *end <= until)
    return FREE;
  if (rd_kafka_query_watermark_offsets (rk, partition->topic, partition->number, &low, &committed, ASK_MS) !=
      RD_KAFKA_RESP_ERR_NO_ERROR)
    return UNKNOWN;
  return committed == until ? HELD : FREE;
}

static void
say_moving (const WeirKafkaSource *source, WeirKafkaPartition *partition)
{
  if (partition->is_said_to_hang)
    weir_log (weir_engine_log (source->source.engine), WEIR_LOG_INFO,
              "%s: partition %s-%d goes on: the transaction has ended", source->source.op->name, partition->topic,
              partition->number);
  __atomic_store_n (&partition->is_said_to_hang, FALSE, __ATOMIC_RELAXED);
}

static void
say_hanging (const WeirKafkaSource *source, WeirKafkaPartition *partition, gint64 end)
{
  weir_log (weir_engine_log (source->source.engine), WEIR_LOG_WARNING,
            "%s: partition %s-%d stands at offset %" G_GINT64_FORMAT ", and %" G_GINT64_FORMAT
            " offsets behind it wait: somebody's transaction has not ended for %d s. It ends with its producer's "
            "transaction.timeout.ms at the latest; kafka-transactions.sh find-hanging names one that does not",
            source->source.op->name, partition->topic, partition->number, partition->stands_at,
            end - partition->stands_at, (int) (HANGS_AFTER / G_USEC_PER_SEC));
  __atomic_store_n (&partition->is_said_to_hang, TRUE, __ATOMIC_RELAXED);
}

static void
look (WeirKafkaSource *source, WeirKafkaPartition *partition, gint64 now)
{
  gint64 until = weir_kafka_stage_until (&partition->stage), end;
  Standing standing;

  if (partition->stands_since == 0 || until != partition->stands_at) {
    say_moving (source, partition);
    partition->stands_at = until;
    partition->stands_since = now;
  } else if (now - partition->stands_since >= HANGS_AFTER && !partition->is_said_to_hang) {
    standing = ask (partition, until, &end);
    if (standing == HELD)
      say_hanging (source, partition, end);
    else if (standing == FREE)
      partition->stands_since = now;
  }
}

void
weir_kafka_look_for_hanging (WeirKafkaSource *source)
{
  gint64 now = g_get_monotonic_time ();

  if (now - source->looked_at < LOOK_EVERY)
    return;
  source->looked_at = now;
  for (guint i = 0; i < source->all->len; i++)
    look (source, g_ptr_array_index (source->all, i), now);
}
