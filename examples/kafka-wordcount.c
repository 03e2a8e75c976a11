/* kafka_wordcount BROKERS GROUP TOPIC...: counts the words of Kafka topics, second by second.
 *
 * Shows a direct stream: each partition of a topic is a partition of the stream, and the job knows which offsets each of
 * its batches has. It goes on where the group's committed offsets stand; a group that has none begins with all there is.
 *
 *   kafka_wordcount localhost:9092 wordcount lines
 *   kafka_wordcount localhost:9092 wordcount lines more-lines --print-offsets
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/kafka.h>
#include <weir/weir.h>

static gboolean wants_offsets;

static const GOptionEntry entries[] = {
  { "print-offsets", 0, 0, G_OPTION_ARG_NONE, &wants_offsets, "Print which offsets each batch has", NULL },
  { NULL },
};

static void
split_words (WeirTask *task, WeirValue record, gpointer user_data)
{
  WeirValue line = weir_val (record), word;

  while (weir_text_next_token (&line, ' ', &word))
    weir_emit_pair (task, word, weir_int (1));
}

static gboolean
print_offsets (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  gsize n;
  const WeirOffsetRange *ranges = weir_dataset_offset_ranges (data, &n);

  for (gsize i = 0; i < n; i++)
    g_print ("offsets %" G_GINT64_FORMAT " %s %d %" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", time / 1000,
             ranges[i].topic, ranges[i].partition, ranges[i].from, ranges[i].until);
  return TRUE;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("kafka_wordcount", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "BROKERS GROUP TOPIC...");
  weir_context_add_options (ctx, entries);
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  g_autofree char *topics = g_strjoinv (",", argv + 3);
  WeirKafka *kafka = weir_kafka_new (ctx, argv[1], argv[2]);
  if (!weir_kafka_set (kafka, "auto.offset.reset", "earliest", &error))
    return weir_exit_with_error (error);

  WeirStream *records = weir_kafka_direct_stream (kafka, topics);
  WeirStream *words = weir_flat_map (records, split_words, NULL);
  WeirStream *counts = weir_reduce_by_key (words, WEIR_SUM, NULL);
  weir_print (counts, 10);
  if (wants_offsets)
    weir_foreach_batch (records, print_offsets, NULL);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
