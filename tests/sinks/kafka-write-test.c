/* What elements become as records, where they go, and in which order; on a real broker.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <librdkafka/rdkafka.h>

#include "tests/sinks/kafka-sink-job.h"

/* --- values --- */

static void
test_values_of_each_kind (void)
{
  const char bytes[] = { 'b', 'y', 't', 'e', 's' };
  SinkJob job;

  if (!sink_job_init (&job, 1))
    return;
  weir_kafka_output (job.stream, job.kafka, job.topic);
  sink_job_push (&job, weir_text ("text"));
  sink_job_push (&job, weir_text (""));
  sink_job_push (&job, weir_bytes (bytes, sizeof bytes));
  sink_job_push (&job, weir_int (-42));
  sink_job_push (&job, weir_float (1.5));
  sink_job_push (&job, weir_bool (TRUE));
  sink_job_push (&job, weir_nil ());
  sink_job_push (&job, WEIR_PAIR_OF (weir_text ("k"), weir_int (7)));
  sink_job_push (&job, WEIR_PAIR_OF (weir_int (3), weir_nil ()));
  sink_job_push (&job, WEIR_PAIR_OF (weir_nil (), weir_text ("v")));
  sink_job_push (&job, WEIR_PAIR_OF (weir_text (""), weir_text ("empty key")));
  sink_job_run (&job, 11);
  sink_job_expect (&job, "-=text -= -=bytes -=-42 -=1.5 -=true -=- k=7 3=- -=v =empty key");
  sink_job_clear (&job);
}

static void
test_lists_are_refused (void)
{
  SinkJob job;

  if (!sink_job_init (&job, 1))
    return;
  weir_kafka_output (job.stream, job.kafka, job.topic);
  sink_job_push (&job, WEIR_LIST_OF (weir_int (1), weir_int (2)));
  sink_job_run_into (&job, WEIR_ERROR_KIND, "a LIST as the value of a Kafka record");
  sink_job_expect (&job, "");
  sink_job_clear (&job);
}

static void
test_pairs_within_pairs_are_refused (void)
{
  SinkJob job;

  if (!sink_job_init (&job, 1))
    return;
  weir_kafka_output (job.stream, job.kafka, job.topic);
  sink_job_push (&job, WEIR_PAIR_OF (WEIR_PAIR_OF (weir_int (1), weir_int (2)), weir_int (3)));
  sink_job_run_into (&job, WEIR_ERROR_KIND, "a pair as the key of a Kafka record");
  sink_job_clear (&job);
}

/* --- places --- */

/* What org.apache.kafka.common.utils.Utils.murmur2 () of the Java client gives, as its own tests have it. */
static void
test_partitions_are_those_of_java (void)
{
  static const struct {
    const char *key;
    gint32 hash;
  } known[] = {
    { "21", -973932308 },
    { "foobar", -790332482 },
    { "a-little-bit-long-string", -985981536 },
    { "a-little-bit-longer-string", -1486304829 },
    { "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971 },
    { "abc", 479470107 },
  };
  const gint32 n_partitions = 11;
  g_autoptr (GPtrArray) records = NULL;
  SinkJob job;

  if (!sink_job_init (&job, n_partitions))
    return;
  weir_kafka_output (job.stream, job.kafka, job.topic);
  for (guint i = 0; i < G_N_ELEMENTS (known); i++)
    sink_job_push (&job, WEIR_PAIR_OF (weir_text (known[i].key), weir_int (i)));
  sink_job_run (&job, G_N_ELEMENTS (known));
  records = weir_test_consume (job.brokers, job.topic);
  g_assert_cmpuint (records->len, ==, G_N_ELEMENTS (known));
  for (guint i = 0; i < records->len; i++) {
    const KafkaRecord *record = g_ptr_array_index (records, i);
    guint at = (guint) g_ascii_strtoull (record->value, NULL, 10);

    g_assert_cmpstr (record->key, ==, known[at].key);
    g_assert_cmpint (record->partition, ==, (known[at].hash & 0x7fffffff) % n_partitions);
  }
  sink_job_clear (&job);
}

static void
test_order_is_kept_within_a_key (void)
{
  enum { N_BATCHES = 20, N_RECORDS = 500, N_KEYS = 7 };
  g_autofree WeirValue *values = g_new (WeirValue, N_RECORDS);
  g_autofree WeirValue *cells = g_new (WeirValue, 2 * N_RECORDS);
  g_autoptr (GPtrArray) records = NULL;
  gint64 last[N_KEYS], n = 0;
  SinkJob job;

  if (!sink_job_init (&job, 4))
    return;
  weir_kafka_output (job.stream, job.kafka, job.topic);
  for (guint batch = 0; batch < N_BATCHES; batch++) {
    for (guint i = 0; i < N_RECORDS; i++, n++) {
      cells[2 * i] = weir_int (n % N_KEYS);
      cells[2 * i + 1] = weir_int (n);
      values[i] = weir_pair_at (cells + 2 * i);
    }
    weir_queue_push (job.queue, values, N_RECORDS);
  }
  sink_job_run (&job, N_BATCHES);
  records = weir_test_consume (job.brokers, job.topic);
  g_assert_cmpint (records->len, ==, n);
  for (guint i = 0; i < N_KEYS; i++)
    last[i] = -1;
  for (guint i = 0; i < records->len; i++) {
    const KafkaRecord *record = g_ptr_array_index (records, i);
    gint64 number = g_ascii_strtoll (record->value, NULL, 10), key = g_ascii_strtoll (record->key, NULL, 10);

    g_assert_cmpint (number % N_KEYS, ==, key);
    g_assert_cmpint (number, >, last[key]);
    last[key] = number;
  }
  sink_job_clear (&job);
}

/* --- encode functions --- */

/* What encode_all () gets. */
typedef struct {
  const char *topics[2];
  gint64 time; /* recent, or the broker deletes what is written */
} Places;

static gboolean
encode_all (WeirTask *task, WeirValue value, WeirKafkaRecord *record, gpointer user_data)
{
  const Places *places = user_data;
  WeirKafkaHeader *headers = weir_alloc (task, 3 * sizeof *headers);
  gint64 n = weir_as_int (value);

  g_assert_cmpint (record->partition, ==, -1);
  g_assert_cmpint (record->timestamp_ms, ==, -1);
  if (n == 0)
    return FALSE;
  headers[0] = (WeirKafkaHeader){ "first", "one", 3 };
  headers[1] = (WeirKafkaHeader){ "empty", "", 0 };
  headers[2] = (WeirKafkaHeader){ "null", NULL, 0 };
  record->topic = places->topics[n % 2];
  record->partition = 2;
  record->timestamp_ms = places->time + n;
  record->key = weir_format (task, "key-%d", (int) n);
  record->value = weir_bytes ("\0v", 2);
  record->headers = headers;
  record->n_headers = n == 1 ? 0 : 3;
  return TRUE;
}

typedef void (*CheckFunc) (const rd_kafka_message_t *message, const Places *places);

/* The first record of partition 2, with all that it has. */
static void
check_first (const char *brokers, const char *topic, const Places *places, CheckFunc check)
{
  rd_kafka_conf_t *conf = rd_kafka_conf_new ();
  rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new (1);
  rd_kafka_message_t *message = NULL;
  gint64 deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  rd_kafka_t *rk;

  rd_kafka_conf_set (conf, "bootstrap.servers", brokers, NULL, 0);
  rd_kafka_conf_set (conf, "group.id", "reader", NULL, 0);
  rk = rd_kafka_new (RD_KAFKA_CONSUMER, conf, NULL, 0);
  rd_kafka_topic_partition_list_add (list, topic, 2)->offset = 0;
  rd_kafka_assign (rk, list);
  while (message == NULL && g_get_monotonic_time () < deadline)
    message = rd_kafka_consumer_poll (rk, 1000);
  g_assert_nonnull (message);
  g_assert_cmpint (message->err, ==, RD_KAFKA_RESP_ERR_NO_ERROR);
  check (message, places);
  rd_kafka_message_destroy (message);
  rd_kafka_topic_partition_list_destroy (list);
  rd_kafka_consumer_close (rk);
  rd_kafka_destroy (rk);
}

static void
check_header (const rd_kafka_headers_t *headers, gsize i, const char *name, const char *value)
{
  const char *found_name;
  const void *found;
  size_t size;

  g_assert_cmpint (rd_kafka_header_get_all (headers, i, &found_name, &found, &size), ==, RD_KAFKA_RESP_ERR_NO_ERROR);
  g_assert_cmpstr (found_name, ==, name);
  if (value == NULL)
    g_assert_null (found);
  else
    g_assert_cmpmem (found, size, value, strlen (value));
}

static void
check_with_headers (const rd_kafka_message_t *message, const Places *places)
{
  rd_kafka_headers_t *headers = NULL;
  rd_kafka_timestamp_type_t type;

  g_assert_cmpmem (message->key, message->key_len, "key-2", 5);
  g_assert_cmpmem (message->payload, message->len, "\0v", 2);
  g_assert_cmpint (rd_kafka_message_timestamp (message, &type), ==, places->time + 2);
  g_assert_cmpint (rd_kafka_message_headers (message, &headers), ==, RD_KAFKA_RESP_ERR_NO_ERROR);
  g_assert_cmpuint (rd_kafka_header_cnt (headers), ==, 3);
  check_header (headers, 0, "first", "one");
  check_header (headers, 1, "empty", "");
  check_header (headers, 2, "null", NULL);
}

static void
check_without_headers (const rd_kafka_message_t *message, const Places *places)
{
  rd_kafka_headers_t *headers = NULL;

  g_assert_cmpmem (message->key, message->key_len, "key-1", 5);
  g_assert_cmpint (rd_kafka_message_headers (message, &headers), ==, RD_KAFKA_RESP_ERR__NOENT);
}

static void
test_encode_sets_topic_partition_time_and_headers (void)
{
  Places places = { .time = g_get_real_time () / 1000 - 60000 };
  g_autofree char *other = NULL;
  g_autoptr (GPtrArray) records = NULL;
  SinkJob job;

  if (!sink_job_init (&job, 3))
    return;
  other = weir_test_topic_new (job.brokers, 3, NULL);
  places.topics[0] = job.topic;
  places.topics[1] = other;
  weir_kafka_output_with (job.stream, job.kafka, encode_all, &places);
  for (guint i = 0; i < 5; i++)
    sink_job_push (&job, weir_int (i));
  sink_job_run (&job, 5);
  check_first (job.brokers, job.topic, &places, check_with_headers);
  check_first (job.brokers, other, &places, check_without_headers);
  records = weir_test_consume (job.brokers, other);
  g_assert_cmpuint (records->len, ==, 2); /* 1 and 3; 0 was left out */
  sink_job_clear (&job);
}

static gboolean
encode_badly (WeirTask *task, WeirValue value, WeirKafkaRecord *record, gpointer user_data)
{
  const char *topic = user_data;

  switch (weir_as_int (value)) {
  case 1:
    return TRUE; /* no topic */
  case 2:
    record->topic = "there-is-no-such-topic";
    return TRUE;
  case 3:
    record->topic = topic;
    record->partition = 9;
    return TRUE;
  default:
    record->topic = topic;
    weir_reject (task, value, "not wanted");
    return TRUE;
  }
}

static void
encode_into (gint64 number, gint code, const char *fragment)
{
  SinkJob job;

  if (!sink_job_init (&job, 2))
    return;
  weir_kafka_output_with (job.stream, job.kafka, encode_badly, job.topic);
  sink_job_push (&job, weir_int (number));
  sink_job_run_into (&job, code, fragment);
  sink_job_clear (&job);
}

static void
test_a_record_without_a_topic_fails (void)
{
  encode_into (1, WEIR_ERROR_USER, "set record->topic");
}

static void
test_a_record_for_a_missing_topic_fails (void)
{
  encode_into (2, WEIR_ERROR_FAILED, "has no topic 'there-is-no-such-topic'");
}

static void
test_a_record_for_a_missing_partition_fails (void)
{
  encode_into (3, WEIR_ERROR_FAILED, "has no partition 9: it has 2");
}

static void
test_what_encode_rejects_is_left_out (void)
{
  SinkJob job;

  if (!sink_job_init (&job, 1))
    return;
  weir_kafka_output_with (job.stream, job.kafka, encode_badly, job.topic);
  sink_job_push (&job, weir_int (4));
  sink_job_run (&job, 1);
  sink_job_expect (&job, "");
  sink_job_clear (&job);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kafka-write/values-of-each-kind", test_values_of_each_kind);
  g_test_add_func ("/kafka-write/lists-are-refused", test_lists_are_refused);
  g_test_add_func ("/kafka-write/pairs-within-pairs-are-refused", test_pairs_within_pairs_are_refused);
  g_test_add_func ("/kafka-write/partitions-are-those-of-java", test_partitions_are_those_of_java);
  g_test_add_func ("/kafka-write/order-is-kept-within-a-key", test_order_is_kept_within_a_key);
  g_test_add_func ("/kafka-write/encode-sets-topic-partition-time-and-headers",
                   test_encode_sets_topic_partition_time_and_headers);
  g_test_add_func ("/kafka-write/a-record-without-a-topic-fails", test_a_record_without_a_topic_fails);
  g_test_add_func ("/kafka-write/a-record-for-a-missing-topic-fails", test_a_record_for_a_missing_topic_fails);
  g_test_add_func ("/kafka-write/a-record-for-a-missing-partition-fails", test_a_record_for_a_missing_partition_fails);
  g_test_add_func ("/kafka-write/what-encode-rejects-is-left-out", test_what_encode_rejects_is_left_out);
  return g_test_run ();
}
