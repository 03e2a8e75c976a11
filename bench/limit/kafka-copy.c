/* The reference for copying a topic exactly once: one thread consumes in batches of 10,000 and produces into a
 * transaction, which is flushed, given the offsets and committed each second. Beside it the clients' own threads.
 *
 * The clock runs from the assignment of the partitions to the end of the last commit.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limit/kafka-client.h"
#include "bench/usage.h"

#include <stdio.h>
#include <stdlib.h>

#define BATCH        10000
#define WAIT_MS      600000
#define GROUP        "limit-kafka-copy"
#define MOST_OFFSETS 64

typedef struct {
  rd_kafka_t *consumer, *producer;
  rd_kafka_topic_t *output;
  rd_kafka_queue_t *queue;
  const char *topic;
  int n_partitions;
  int64_t next[MOST_OFFSETS]; /* by partition; 0: nothing read */
  int64_t n_all, n_done;
} Copy;

static void
open_clients (Copy *copy, const BenchArgs *args)
{
  static const char *const consuming[] = { "group.id",
                                           GROUP,
                                           "enable.auto.commit",
                                           "false",
                                           "enable.auto.offset.store",
                                           "false",
                                           "isolation.level",
                                           "read_committed",
                                           "queued.min.messages",
                                           "1000000",
                                           "queued.max.messages.kbytes",
                                           "262144",
                                           "socket.nagle.disable",
                                           "true",
                                           NULL };
  static const char *const producing[] = {
    "transactional.id",     GROUP,  "partitioner", "murmur2_random", "queue.buffering.max.messages", "1000000",
    "socket.nagle.disable", "true", NULL
  };

  copy->consumer = kafka_client_new (RD_KAFKA_CONSUMER, args, consuming);
  copy->producer = kafka_client_new (RD_KAFKA_PRODUCER, args, producing);
  copy->topic = args->topic;
  copy->n_all = kafka_client_count (copy->consumer, args->topic, &copy->n_partitions);
  if (copy->n_partitions > MOST_OFFSETS)
    kafka_client_die (args->topic, "has too many partitions");
  copy->output = rd_kafka_topic_new (copy->producer, args->output, NULL);
  kafka_client_count (copy->producer, args->output, &(int){ 0 }); /* which asks for the metadata */
  kafka_client_check ("init_transactions", rd_kafka_init_transactions (copy->producer, WAIT_MS));
}

static void
assign (Copy *copy)
{
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new (copy->n_partitions);

  for (int i = 0; i < copy->n_partitions; i++)
    rd_kafka_topic_partition_list_add (list, copy->topic, i)->offset = 0;
  if (rd_kafka_assign (copy->consumer, list) != RD_KAFKA_RESP_ERR_NO_ERROR)
    kafka_client_die ("assign", copy->topic);
  rd_kafka_topic_partition_list_destroy (list);
  copy->queue = rd_kafka_queue_get_consumer (copy->consumer);
}

static void
write_copy (Copy *copy, const rd_kafka_message_t *message)
{
  while (rd_kafka_produce (copy->output, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, message->payload, message->len,
                           message->key, message->key_len, NULL) != 0) {
    if (rd_kafka_last_error () != RD_KAFKA_RESP_ERR__QUEUE_FULL)
      kafka_client_die ("write", rd_kafka_err2str (rd_kafka_last_error ()));
    rd_kafka_poll (copy->producer, 10);
  }
}

static void
copy_batch (Copy *copy, rd_kafka_message_t **messages)
{
  ssize_t n = rd_kafka_consume_batch_queue (copy->queue, 100, messages, BATCH);

  for (ssize_t i = 0; i < n; i++) {
    if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      write_copy (copy, messages[i]);
      copy->next[messages[i]->partition] = messages[i]->offset + 1;
      copy->n_done++;
    }
    rd_kafka_message_destroy (messages[i]);
  }
  rd_kafka_poll (copy->producer, 0);
}

static void
commit (Copy *copy)
{
  rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new (copy->n_partitions);
  rd_kafka_consumer_group_metadata_t *group = rd_kafka_consumer_group_metadata (copy->consumer);

  for (int i = 0; i < copy->n_partitions; i++)
    if (copy->next[i] > 0)
      rd_kafka_topic_partition_list_add (offsets, copy->topic, i)->offset = copy->next[i];
  if (rd_kafka_flush (copy->producer, WAIT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR)
    kafka_client_die ("flush", "timed out");
  kafka_client_check ("send_offsets", rd_kafka_send_offsets_to_transaction (copy->producer, offsets, group, WAIT_MS));
  kafka_client_check ("commit", rd_kafka_commit_transaction (copy->producer, WAIT_MS));
  rd_kafka_consumer_group_metadata_destroy (group);
  rd_kafka_topic_partition_list_destroy (offsets);
}

static double
copy_all (Copy *copy, double interval)
{
  rd_kafka_message_t **messages = malloc (BATCH * sizeof *messages);
  double start = bench_now ();

  assign (copy);
  while (copy->n_done < copy->n_all) {
    double began = bench_now ();

    kafka_client_check ("begin", rd_kafka_begin_transaction (copy->producer));
    while (copy->n_done < copy->n_all && bench_now () - began < interval)
      copy_batch (copy, messages);
    commit (copy);
  }
  free (messages);
  return bench_now () - start;
}

int
main (int argc, char **argv)
{
  BenchArgs args;
  Copy copy = { 0 };
  double seconds;

  bench_args_parse (&args, argc, argv);
  open_clients (&copy, &args);
  seconds = copy_all (&copy, (double) args.interval_us / 1e6);
  printf ("{\"program\": \"kafka-copy\", \"rate\": %.1f, \"unit\": \"messages/s\", \"messages\": %lld, "
          "\"cpu_seconds\": %.3f, \"peak_rss_bytes\": %llu}\n",
          (double) copy.n_all / seconds, (long long) copy.n_all, bench_cpu_seconds (),
          (unsigned long long) bench_peak_rss_bytes ());
  fflush (stdout);
  _Exit (0); /* closing the clients takes seconds and shows nothing */
}
