/* stateful_kafka_wordcount BROKERS GROUP TOPIC... --output PREFIX: running totals of the words in Kafka topics.
 *
 * Each batch is saved as a folder PREFIX-<ms> with the total of every word so far. With a checkpoint, state and offsets
 * survive: the job may be killed at any time, and goes on as if nothing had happened, with no folder missing or wrong.
 *
 *   stateful_kafka_wordcount localhost:9092 totals lines --output $PWD/totals --checkpoint=file://$PWD/checkpoint
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/kafka.h>
#include <weir/weir.h>

static char *prefix;

static const GOptionEntry entries[] = {
  { "output", 0, 0, G_OPTION_ARG_FILENAME, &prefix, "Save each batch as a folder PREFIX-<ms>; none: print it",
    "PREFIX" },
  { NULL },
};

static void
split_words (WeirTask *task, WeirValue record, gpointer user_data)
{
  WeirValue line = weir_val (record), word;

  while (weir_text_next_token (&line, ' ', &word))
    weir_emit_pair (task, word, weir_int (1));
}

/* Called for every word that ever came, in every batch; NIL is the state of one that is new. */
static WeirValue
add_up (WeirTask *task, WeirValue word, const WeirValue *ones, gsize n, WeirValue total, gpointer user_data)
{
  gint64 sum = weir_as_int (total);

  for (gsize i = 0; i < n; i++)
    sum += weir_as_int (ones[i]);
  return weir_int (sum);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("stateful_kafka_wordcount", WEIR_SECONDS (1));

  weir_context_set_usage (ctx, "BROKERS GROUP TOPIC...");
  weir_context_add_options (ctx, entries);
  if (!weir_context_parse_args (ctx, &argc, &argv, &error))
    return weir_exit_with_error (error);

  g_autofree char *topics = g_strjoinv (",", argv + 3);
  WeirKafka *kafka = weir_kafka_new (ctx, argv[1], argv[2]);
  if (!weir_kafka_set (kafka, "auto.offset.reset", "earliest", &error))
    return weir_exit_with_error (error);

  WeirStream *records = weir_kafka_direct_stream (kafka, topics);
  weir_stream_set_uid (records, "records");
  WeirStream *words = weir_flat_map (records, split_words, NULL);
  WeirStream *totals = weir_update_state_by_key (words, add_up, NULL);
  weir_stream_set_uid (totals, "totals");
  if (prefix != NULL)
    weir_output_set_uid (weir_save_as_text_files (totals, prefix, NULL), "folders");
  else
    weir_print (totals, 10);

  if (!weir_context_run (ctx, &error))
    return weir_exit_with_error (error);
  return 0;
}
