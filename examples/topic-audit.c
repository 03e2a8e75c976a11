/* topic_audit BROKERS GROUP TOPIC OUT REDIS: how many bytes each partition of TOPIC has had, as records of the topic OUT; and
 * what OUT says last, of whoever writes there, in the hash "audit" of REDIS.
 *
 * Shows all of a record (topic, partition, time, headers), records made by a function, one partition alone, offsets that the
 * group is told of, a member of a group that reads with the others, and what a listener hears of it.
 *
 *   topic_audit localhost:9092 audit lines sizes redis://localhost:6379/0
 *   topic_audit --partition=3 …              that partition only, from its beginning
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/kafka.h>
#include <weir/redis.h>
#include <weir/weir.h>

static gint option_partition = -1;

static const GOptionEntry entries[] = {
  { "partition", 0, 0, G_OPTION_ARG_INT, &option_partition, "This one only (-1: all)", "N" },
  G_OPTION_ENTRY_NULL,
};

/* (topic/partition, bytes) */
static void
place_and_size (WeirTask *task, const WeirKafkaMessage *message, gpointer user_data)
{
  gsize size = weir_size (message->value);

  if (weir_is_nil (message->value)) {
    weir_reject (task, weir_int (message->offset), "a record without a value");
    return;
  }
  for (gsize i = 0; i < message->n_headers; i++)
    size += message->headers[i].size;
  weir_emit_pair (task, weir_format (task, "%s/%d", message->topic, message->partition), weir_int ((gint64) size));
}

static WeirValue
add_up (WeirTask *task, WeirValue place, const WeirValue *sizes, gsize n, WeirValue total, gpointer user_data)
{
  gint64 sum = weir_as_int (total);

  for (gsize i = 0; i < n; i++)
    sum += weir_as_int (sizes[i]);
  return weir_int (sum);
}

/* The first version counted records, which says nothing of bytes. */
static WeirValue
begin_again (WeirTask *task, guint from_version, WeirValue total, gpointer user_data)
{
  return from_version == 1 ? weir_int (0) : total;
}

static gboolean
to_record (WeirTask *task, WeirValue pair, WeirKafkaRecord *record, gpointer out)
{
  record->topic = out;
  record->key = weir_key (pair);
  record->value = weir_format (task, "%" G_GINT64_FORMAT, weir_as_int (weir_val (pair)));
  return weir_as_int (weir_val (pair)) > 0;
}

/* For those who watch the group's lag; the job itself needs no offsets in Kafka. */
static gboolean
tell_group (WeirDataset *records, WeirTime time, gpointer kafka, GError **error)
{
  gsize n;
  const WeirOffsetRange *ranges = weir_dataset_offset_ranges (records, &n);

  weir_kafka_commit_async (kafka, ranges, n);
  return TRUE;
}

/* --- what a listener hears --- */

static void
show_reason (const char *where_and_why, guint64 n, gpointer user_data)
{
  g_printerr ("%" G_GUINT64_FORMAT " x %s\n", n, where_and_why);
}

static void
on_batch (const WeirBatchInfo *info, gpointer user_data)
{
  weir_batch_info_foreach_rejected (info, show_reason, NULL);
  if (weir_batch_info_n_hanging (info) > 0)
    g_printerr ("%u partitions wait for somebody's transaction\n", weir_batch_info_n_hanging (info));
}

static void
on_receiver (const WeirReceiverInfo *info, gpointer user_data)
{
  const GError *error = weir_receiver_info_error (info);

  g_printerr ("%s of %s %s, started again %u times\n", weir_receiver_info_name (info), weir_receiver_info_stream (info),
              weir_receiver_info_is_active (info) ? "reads" : "waits", weir_receiver_info_n_restarts (info));
  if (error != NULL)
    g_printerr ("at %" G_GINT64_FORMAT ": %s\n", weir_receiver_info_error_time (info), error->message);
}

/* --- the graph --- */

static void
audit (WeirKafka *kafka, const char *topic, const char *out)
{
  const WeirValue beginning = WEIR_PAIR_OF (weir_text ("all"), weir_int (0));
  WeirStream *sizes = weir_kafka_direct_stream_with (kafka, topic, place_and_size, NULL);
  WeirStream *totals = weir_update_state_by_key (sizes, add_up, NULL);

  if (option_partition >= 0)
    weir_kafka_assign (sizes, topic, option_partition, 0);
  weir_stream_set_uid (sizes, "sizes");
  weir_stream_set_uid (totals, "totals");
  weir_stream_set_initial_state (totals, &beginning, 1);
  weir_stream_set_state_version (totals, 2, begin_again);
  weir_output_set_uid (weir_kafka_output_with (totals, kafka, to_record, (gpointer) out), "records");
  weir_foreach_batch (sizes, tell_group, kafka);
}

/* Of a connection of its own: a member of the group reads what the other members leave to it. */
static gboolean
keep (WeirContext *ctx, char **words, GError **error)
{
  char *group = g_strconcat (words[2], "-keeper", NULL);
  WeirKafka *kafka = weir_kafka_new (ctx, words[1], group);
  WeirStream *said;

  weir_context_own (ctx, group, g_free);
  if (!weir_kafka_set (kafka, "consumer.auto.offset.reset", "earliest", error))
    return FALSE;
  said = weir_reduce_by_key (weir_kafka_receiver_stream (kafka, words[4]), WEIR_LAST, NULL);
  weir_redis_hash_output (said, words[5], "audit", WEIR_REDIS_MERGE);
  return TRUE;
}

int
main (int argc, char **argv)
{
  static const WeirListener listener = { .batch_completed = on_batch,
                                         .receiver_started = on_receiver,
                                         .receiver_error = on_receiver,
                                         .receiver_stopped = on_receiver };
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("topic_audit", WEIR_MILLISECONDS (200));

  weir_context_set_usage (ctx, "BROKERS GROUP TOPIC OUT REDIS");
  weir_context_add_options (ctx, entries);
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  WeirKafka *kafka = weir_kafka_new (ctx, argv[1], argv[2]);
  if (!weir_kafka_set (kafka, "consumer.auto.offset.reset", "earliest", &error) || !keep (ctx, argv, &error))
    return weir_exit_with_error (error);
  weir_context_add_listener (ctx, &listener, NULL);
  audit (kafka, argv[3], argv[4]);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
