/* mock_kafka: a broker that lives in memory, and lines of generated text in a topic of it. Something for a job to read
 * where there is no Kafka.
 *
 *   mock_kafka [--topic=NAME] [--partitions=N] [--rate=LINES_PER_SECOND] [--seconds=N] [--seed=N]
 *
 * The broker is the one that librdkafka brings for tests: it keeps the newest 5 MiB of each partition, and forgets all
 * when it ends. After --seconds it writes no more, says what it has written, and serves until it is told to end. Knows
 * nothing of weir: librdkafka, one thread of its own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <unistd.h>

#include "examples/generated-text.h"

#define PAUSE_US  10000
#define MOST_RATE 1e6

typedef struct {
  rd_kafka_t *producer;
  rd_kafka_mock_cluster_t *cluster;
  guint64 n_lines, n_words, n_undelivered;
} Broker;

static char *option_topic;
static int option_partitions = 4;
static double option_rate = 20000;
static int option_seconds = 20;
static int option_seed = 1;

static const GOptionEntry options[] = {
  { "topic", 0, 0, G_OPTION_ARG_STRING, &option_topic, "Name of the topic (lines)", "NAME" },
  { "partitions", 0, 0, G_OPTION_ARG_INT, &option_partitions, "How many it has (4)", "N" },
  { "rate", 0, 0, G_OPTION_ARG_DOUBLE, &option_rate, "Lines a second (20000)", "LINES" },
  { "seconds", 0, 0, G_OPTION_ARG_INT, &option_seconds, "Write for so long (20; 0: always)", "N" },
  { "seed", 0, 0, G_OPTION_ARG_INT, &option_seed, "The same seed gives the same lines (1)", "N" },
  G_OPTION_ENTRY_NULL,
};

static void
on_delivered (rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque)
{
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR)
    ((Broker *) opaque)->n_undelivered++;
}

static gboolean
broker_start (Broker *broker)
{
  rd_kafka_conf_t *conf = rd_kafka_conf_new ();
  char said[512];

  rd_kafka_conf_set_opaque (conf, broker);
  rd_kafka_conf_set_dr_msg_cb (conf, on_delivered);
  /* The producer has the brokers in its own process: this is what the property is for. */
  if (rd_kafka_conf_set (conf, "test.mock.num.brokers", "1", said, sizeof said) == RD_KAFKA_CONF_OK &&
      rd_kafka_conf_set (conf, "linger.ms", "20", said, sizeof said) == RD_KAFKA_CONF_OK &&
      rd_kafka_conf_set (conf, "log_level", "4", said, sizeof said) == RD_KAFKA_CONF_OK)
    broker->producer = rd_kafka_new (RD_KAFKA_PRODUCER, conf, said, sizeof said);
  if (broker->producer == NULL) {
    fprintf (stderr, "mock_kafka: %s\n", said);
    return FALSE;
  }
  broker->cluster = rd_kafka_handle_mock_cluster (broker->producer);
  if (rd_kafka_mock_topic_create (broker->cluster, option_topic, option_partitions, 1) == RD_KAFKA_RESP_ERR_NO_ERROR)
    return TRUE;
  fprintf (stderr, "mock_kafka: there can be no topic %s of %d partitions\n", option_topic, option_partitions);
  return FALSE;
}

/* Waits where the producer's queue is full. */
static void
write_line (Broker *broker, const char *line, gsize size)
{
  while (rd_kafka_producev (broker->producer, RD_KAFKA_V_TOPIC (option_topic),
                            RD_KAFKA_V_PARTITION ((gint32) (broker->n_lines % (guint) option_partitions)),
                            RD_KAFKA_V_MSGFLAGS (RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_VALUE ((void *) line, size),
                            RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR__QUEUE_FULL)
    rd_kafka_poll (broker->producer, 100);
  broker->n_lines++;
}

static void
write_lines (Broker *broker)
{
  g_autoptr (GString) line = g_string_new (NULL);
  gint64 start = g_get_monotonic_time (), elapsed = 0;
  GeneratedText text;

  generated_text_init (&text, (guint64) option_seed);
  while (option_seconds == 0 || elapsed < (gint64) option_seconds * G_USEC_PER_SEC) {
    guint64 n_due = (guint64) ((double) elapsed / G_USEC_PER_SEC * option_rate);

    while (broker->n_lines < n_due) {
      g_string_truncate (line, 0);
      broker->n_words += generated_text_append_line (&text, line);
      write_line (broker, line->str, line->len - 1);
    }
    rd_kafka_poll (broker->producer, 0);
    g_usleep (PAUSE_US);
    elapsed = g_get_monotonic_time () - start;
  }
  rd_kafka_flush (broker->producer, 30000);
}

/* NULL, or what is wrong with the command line. */
static const char *
find_mistake (int argc)
{
  if (argc > 1)
    return "it takes options and nothing else";
  if (option_partitions < 1 || option_partitions > 100)
    return "--partitions is out of range: it may be 1 to 100";
  if (!(option_rate > 0 && option_rate <= MOST_RATE))
    return "--rate is out of range: it may be above 0, up to 1e6";
  if (option_seconds < 0)
    return "--seconds is out of range: it may be 0 or more";
  return NULL;
}

static gboolean
parse (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  const char *mistake = NULL;

  g_option_context_set_summary (context, "Serves generated lines as a topic of a Kafka broker in memory.");
  g_option_context_add_main_entries (context, options, NULL);
  if (g_option_context_parse (context, &argc, &argv, &error))
    mistake = find_mistake (argc);
  if (error == NULL && mistake == NULL)
    return TRUE;
  fprintf (stderr, "mock_kafka: %s (see --help)\n", error != NULL ? error->message : mistake);
  return FALSE;
}

int
main (int argc, char **argv)
{
  Broker broker = { 0 };

  option_topic = g_strdup ("lines");
  if (!parse (argc, argv) || !broker_start (&broker))
    return 1;
  printf ("mock_kafka: serving %s at %s\n", option_topic, rd_kafka_mock_cluster_bootstraps (broker.cluster));
  fflush (stdout);
  write_lines (&broker);
  if (broker.n_undelivered > 0) {
    fprintf (stderr, "mock_kafka: %" G_GUINT64_FORMAT " lines were not taken\n", broker.n_undelivered);
    return 1;
  }
  printf ("mock_kafka: wrote %" G_GUINT64_FORMAT " lines, %" G_GUINT64_FORMAT " words\n", broker.n_lines,
          broker.n_words);
  fflush (stdout);
  for (;;)
    pause ();
}
