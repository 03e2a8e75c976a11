/* See kafka-client.h. One thread. SPDX-License-Identifier: Apache-2.0
 */
#include "bench/limit/kafka-client.h"

#include <stdio.h>
#include <stdlib.h>

#define PATIENCE_MS 20000

void
kafka_client_die (const char *what, const char *why)
{
  fprintf (stderr, "%s: %s\n", what, why);
  exit (1);
}

void
kafka_client_check (const char *what, rd_kafka_error_t *error)
{
  if (error != NULL)
    kafka_client_die (what, rd_kafka_error_string (error));
}

rd_kafka_t *
kafka_client_new (rd_kafka_type_t type, const BenchArgs *args, const char *const *settings)
{
  rd_kafka_conf_t *conf = rd_kafka_conf_new ();
  char said[512];
  rd_kafka_t *rk;

  if (args->brokers == NULL)
    kafka_client_die ("--brokers", "is missing");
  if (rd_kafka_conf_set (conf, "bootstrap.servers", args->brokers, said, sizeof said) != RD_KAFKA_CONF_OK)
    kafka_client_die ("--brokers", said);
  for (; *settings != NULL; settings += 2)
    if (rd_kafka_conf_set (conf, settings[0], settings[1], said, sizeof said) != RD_KAFKA_CONF_OK)
      kafka_client_die (settings[0], said);
  rk = rd_kafka_new (type, conf, said, sizeof said);
  if (rk == NULL)
    kafka_client_die ("handle", said);
  return rk;
}

static int
count_partitions (rd_kafka_t *rk, const char *topic)
{
  rd_kafka_topic_t *handle = rd_kafka_topic_new (rk, topic, NULL);
  const struct rd_kafka_metadata *metadata;
  rd_kafka_resp_err_t failure = rd_kafka_metadata (rk, 0, handle, &metadata, PATIENCE_MS);
  int n;

  if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
    kafka_client_die (topic, rd_kafka_err2str (failure));
  if (metadata->topics[0].err != RD_KAFKA_RESP_ERR_NO_ERROR)
    kafka_client_die (topic, rd_kafka_err2str (metadata->topics[0].err));
  n = metadata->topics[0].partition_cnt;
  rd_kafka_metadata_destroy (metadata);
  rd_kafka_topic_destroy (handle);
  return n;
}

int64_t
kafka_client_count (rd_kafka_t *rk, const char *topic, int *n_partitions)
{
  int64_t sum = 0;

  *n_partitions = count_partitions (rk, topic);
  for (int i = 0; i < *n_partitions; i++) {
    int64_t low, high;
    rd_kafka_resp_err_t failure = rd_kafka_query_watermark_offsets (rk, topic, i, &low, &high, PATIENCE_MS);

    if (failure != RD_KAFKA_RESP_ERR_NO_ERROR)
      kafka_client_die (topic, rd_kafka_err2str (failure));
    sum += high - low;
  }
  return sum;
}
