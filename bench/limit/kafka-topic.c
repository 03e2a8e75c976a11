/* Makes a topic of --partitions anew and writes --messages lines of the corpus into it, from its beginning again when it
 * is used up, each with a key of eight bytes that decides the partition. One thread beside the client's.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limit/kafka-client.h"
#include "bench/usage.h"

#include <stdio.h>
#include <string.h>

#define PATIENCE_MS 20000

static rd_kafka_resp_err_t
first_error (rd_kafka_queue_t *queue)
{
  rd_kafka_event_t *event = rd_kafka_queue_poll (queue, PATIENCE_MS);
  rd_kafka_resp_err_t failure = event != NULL ? rd_kafka_event_error (event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
  const rd_kafka_topic_result_t **results = NULL;
  size_t n = 0;

  if (event != NULL && rd_kafka_event_type (event) == RD_KAFKA_EVENT_CREATETOPICS_RESULT)
    results = rd_kafka_CreateTopics_result_topics (rd_kafka_event_CreateTopics_result (event), &n);
  if (event != NULL && rd_kafka_event_type (event) == RD_KAFKA_EVENT_DELETETOPICS_RESULT)
    results = rd_kafka_DeleteTopics_result_topics (rd_kafka_event_DeleteTopics_result (event), &n);
  if (failure == RD_KAFKA_RESP_ERR_NO_ERROR && n > 0)
    failure = rd_kafka_topic_result_error (results[0]);
  if (event != NULL)
    rd_kafka_event_destroy (event);
  return failure;
}

static void
delete_topic (rd_kafka_t *rk, const BenchArgs *args, rd_kafka_queue_t *queue)
{
  rd_kafka_DeleteTopic_t *topic = rd_kafka_DeleteTopic_new (args->topic);
  rd_kafka_resp_err_t failure;

  rd_kafka_DeleteTopics (rk, &topic, 1, NULL, queue);
  failure = first_error (queue);
  if (failure != RD_KAFKA_RESP_ERR_NO_ERROR && failure != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
    kafka_client_die ("delete the topic", rd_kafka_err2str (failure));
  rd_kafka_DeleteTopic_destroy (topic);
}

/* A topic that was just deleted may still be there for a moment. */
static void
make_topic (rd_kafka_t *rk, const BenchArgs *args)
{
  rd_kafka_queue_t *queue = rd_kafka_queue_new (rk);
  char said[512];
  rd_kafka_resp_err_t failure;
  double start = bench_now ();

  delete_topic (rk, args, queue);
  do {
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new (args->topic, (int) args->partitions, 1, said, sizeof said);

    rd_kafka_CreateTopics (rk, &topic, 1, NULL, queue);
    failure = first_error (queue);
    rd_kafka_NewTopic_destroy (topic);
  } while (failure == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS && bench_now () - start < PATIENCE_MS / 1e3);
  if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
    kafka_client_die ("make the topic", rd_kafka_err2str (failure));
  rd_kafka_queue_destroy (queue);
}

static void
write_line (rd_kafka_t *rk, rd_kafka_topic_t *topic, const BenchLine *line, uint64_t number)
{
  char key[16];
  int size = snprintf (key, sizeof key, "%08u", (unsigned) (number * 2654435761u % 100000));

  while (rd_kafka_produce (topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, (void *) line->data, line->size, key,
                           (size_t) size, NULL) != 0) {
    if (rd_kafka_last_error () != RD_KAFKA_RESP_ERR__QUEUE_FULL)
      kafka_client_die ("write", rd_kafka_err2str (rd_kafka_last_error ()));
    rd_kafka_poll (rk, 10);
  }
}

int
main (int argc, char **argv)
{
  static const char *const settings[] = { "enable.idempotence", "true", "partitioner", "murmur2_random", NULL };
  BenchArgs args;
  BenchCorpus *corpus;
  rd_kafka_t *rk;
  rd_kafka_topic_t *topic;
  double start;

  bench_args_parse (&args, argc, argv);
  rk = kafka_client_new (RD_KAFKA_PRODUCER, &args, settings);
  make_topic (rk, &args);
  corpus = bench_args_corpus (&args);
  topic = rd_kafka_topic_new (rk, args.topic, NULL);
  start = bench_now ();
  for (uint64_t i = 0; i < args.messages; i++) {
    write_line (rk, topic, &corpus->lines[i % corpus->n_lines], i);
    if (i % 1000 == 0)
      rd_kafka_poll (rk, 0);
  }
  if (rd_kafka_flush (rk, 600000) != RD_KAFKA_RESP_ERR_NO_ERROR)
    kafka_client_die ("deliver", "not all within ten minutes");
  printf ("{\"program\": \"kafka-topic\", \"rate\": %.1f, \"unit\": \"messages/s\", \"messages\": %llu}\n",
          (double) args.messages / (bench_now () - start), (unsigned long long) args.messages);
  rd_kafka_topic_destroy (topic);
  rd_kafka_destroy (rk);
  bench_corpus_free (corpus);
  return 0;
}
