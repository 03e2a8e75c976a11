/* The Kafka reference: a handle a thread, each with its share of the topic's partitions, batches of 10,000 messages,
 * and the loop of simd-words.h on each message where librdkafka has it. Reads from the beginning to the end that the
 * topic has; the clock runs from the making of the handles to the last message, and so includes connecting.
 * --processes: how many handles.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limit/kafka-client.h"
#include "bench/limit/simd-words.h"
#include "bench/usage.h"

#include <pthread.h>
#include <stdio.h>

enum { N_PARTITIONS = 4, AT_ONCE = 10000, MOST_HANDLES = 4, FIRST_SLOTS = 4096, LONGEST = 1 << 20, LOAD_PADDING = 64 };

typedef struct {
  pthread_t thread;
  const BenchArgs *args;
  uint64_t index, n_handles;
  SimdTable table;
  SimdWords words;
  uint64_t n_messages;
  double last; /* when the last message was counted */
} Reader;

static rd_kafka_t *
handle_new (const BenchArgs *args)
{
  static const char *const settings[] = { "group.id",
                                          "bench-limit",
                                          "enable.auto.commit",
                                          "false",
                                          "enable.partition.eof",
                                          "true",
                                          "queued.min.messages",
                                          "1000000",
                                          "queued.max.messages.kbytes",
                                          "262144",
                                          "fetch.max.bytes",
                                          "52428800",
                                          "fetch.message.max.bytes",
                                          "10485760",
                                          NULL };

  return kafka_client_new (RD_KAFKA_CONSUMER, args, settings);
}

static int
assign (rd_kafka_t *rk, const Reader *reader)
{
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new (N_PARTITIONS);
  int n;

  for (uint64_t i = reader->index; i < N_PARTITIONS; i += reader->n_handles)
    rd_kafka_topic_partition_list_add (list, reader->args->topic, (int32_t) i)->offset = 0;
  n = list->cnt;
  rd_kafka_assign (rk, list);
  rd_kafka_topic_partition_list_destroy (list);
  return n;
}

/* Words are loaded in whole vectors, up to 16 bytes past a message: librdkafka's buffers have bytes there, if only those
 * of the allocator. */
static void
count_message (Reader *reader, const rd_kafka_message_t *message)
{
  const char *text = message->payload, *end = text + message->len;
  const char *rest = simd_words_count (&reader->words, text, end);

  if (rest < end)
    simd_words_add (&reader->words, rest, (uint32_t) (end - rest));
}

static void *
read_all (void *data)
{
  static __thread rd_kafka_message_t *messages[AT_ONCE];
  Reader *reader = data;
  rd_kafka_t *rk = handle_new (reader->args);
  rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer (rk);
  int n_left = assign (rk, reader);

  while (n_left > 0) {
    ssize_t n = rd_kafka_consume_batch_queue (queue, 1000, messages, AT_ONCE);

    for (ssize_t i = 0; i < n; i++) {
      if (messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
        count_message (reader, messages[i]);
        reader->n_messages++;
      } else if (messages[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        n_left--;
      }
    }
    simd_words_flush (&reader->words);
    for (ssize_t i = 0; i < n; i++)
      rd_kafka_message_destroy (messages[i]);
  }
  reader->last = bench_now ();
  rd_kafka_queue_destroy (queue);
  rd_kafka_destroy_flags (rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  return NULL;
}

int
main (int argc, char **argv)
{
  static Reader readers[MOST_HANDLES];
  double started = bench_now (), last = 0;
  uint64_t n_messages = 0, n_handles;
  int64_t words = 0;
  BenchArgs args;

  bench_args_parse (&args, argc, argv);
  n_handles = args.processes < 1 ? 1 : args.processes > MOST_HANDLES ? MOST_HANDLES : args.processes;
  for (uint64_t i = 0; i < n_handles; i++) {
    readers[i].args = &args;
    readers[i].index = i;
    readers[i].n_handles = n_handles;
    simd_table_init (&readers[i].table, FIRST_SLOTS, 1);
    readers[i].words.table = &readers[i].table;
    if (pthread_create (&readers[i].thread, NULL, read_all, &readers[i]) != 0)
      return 1;
  }
  for (uint64_t i = 0; i < n_handles; i++) {
    pthread_join (readers[i].thread, NULL);
    n_messages += readers[i].n_messages;
    words += simd_table_total (&readers[i].table);
    if (readers[i].last > last)
      last = readers[i].last;
  }
  printf (
      "{\"program\": \"kafka-count\", \"rate\": %.1f, \"unit\": \"messages/s\", \"seconds\": %.3f, \"cpu_seconds\": %.3f, "
      "\"messages\": %llu, \"words\": %lld, \"peak_rss_bytes\": %llu}\n",
      (double) n_messages / (last - started), last - started, bench_cpu_seconds (), (unsigned long long) n_messages,
      (long long) words, (unsigned long long) bench_peak_rss_bytes ());
  return 0;
}
