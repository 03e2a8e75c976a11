/* Writes the corpus to the benchmarks' topic, a line a record, round all partitions. The topic is there.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/args.h"
#include "bench/kafka.h"
#include "bench/usage.h"

#include <librdkafka/rdkafka.h>

enum { N_PARTITIONS = 4, AT_ONCE = 10000 };

static rd_kafka_t *
producer_new (void)
{
  static const char *const properties[][2] = { { "queue.buffering.max.messages", "1000000" },
                                               { "linger.ms", "50" },
                                               { "batch.num.messages", "10000" },
                                               { "batch.size", "1000000" },
                                               { "acks", "1" } };
  rd_kafka_conf_t *conf = rd_kafka_conf_new ();
  char said[512];

  rd_kafka_conf_set (conf, "bootstrap.servers", bench_kafka_from ("BENCH_BROKERS"), said, sizeof said);
  for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++)
    rd_kafka_conf_set (conf, properties[i][0], properties[i][1], said, sizeof said);
  return rd_kafka_new (RD_KAFKA_PRODUCER, conf, said, sizeof said);
}

static void
write_lines (rd_kafka_t *rk, rd_kafka_topic_t *topic, const BenchCorpus *corpus)
{
  static rd_kafka_message_t messages[AT_ONCE];

  for (size_t at = 0; at < corpus->n_lines; at += AT_ONCE) {
    size_t n = corpus->n_lines - at < AT_ONCE ? corpus->n_lines - at : AT_ONCE;

    for (size_t i = 0; i < n; i++)
      messages[i] =
          (rd_kafka_message_t){ .payload = (void *) corpus->lines[at + i].data, .len = corpus->lines[at + i].size };
    while (rd_kafka_produce_batch (topic, (int32_t) (at / AT_ONCE % N_PARTITIONS), 0, messages, (int) n) < (int) n) {
      size_t left = 0;

      for (size_t i = 0; i < n; i++)
        if (messages[i].err != RD_KAFKA_RESP_ERR_NO_ERROR)
          messages[left++] = (rd_kafka_message_t){ .payload = messages[i].payload, .len = messages[i].len };
      n = left;
      rd_kafka_poll (rk, 100);
    }
    rd_kafka_poll (rk, 0);
  }
}

int
main (int argc, char **argv)
{
  double started = bench_now ();
  BenchCorpus *corpus;
  BenchArgs args;
  rd_kafka_topic_t *topic;
  rd_kafka_t *rk;

  bench_args_parse (&args, argc, argv);
  rk = producer_new ();
  if (rk == NULL)
    return 1;
  corpus = bench_args_corpus (&args);
  topic = rd_kafka_topic_new (rk, bench_kafka_from ("BENCH_TOPIC"), NULL);
  write_lines (rk, topic, corpus);
  if (rd_kafka_flush (rk, 120000) != RD_KAFKA_RESP_ERR_NO_ERROR)
    return 1;
  printf ("{\"program\": \"kafka-fill\", \"records\": %zu, \"words\": %llu, \"bytes\": %zu, \"seconds\": %.1f}\n",
          corpus->n_lines, (unsigned long long) corpus->n_words, corpus->size, bench_now () - started);
  rd_kafka_topic_destroy (topic);
  rd_kafka_destroy (rk);
  bench_corpus_free (corpus);
  return 0;
}
