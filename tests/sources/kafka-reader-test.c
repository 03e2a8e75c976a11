/* kafka-reader-test.c: offsets without a record, transactions that are open, and records that find no room at first.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/kafka-reader.h"

#include "engine/stream.h"
#include "sources/kafka-slots.h"
#include "tests/sources/kafka-fixture.h"

/* A mark of a transaction has an offset, too: five records and a mark are six. */
static void
test_aborted_records_first_last_and_in_between (KafkaFixture *fixture, gconstpointer data)
{
  const KafkaProduce aborted = { .transactional_id = fixture->group, .abort = TRUE };
  const KafkaProduce committed = { .transactional_id = fixture->group };
  g_autoptr (KafkaJob) job = NULL;

  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  kafka_fixture_produce (fixture, 5, aborted);
  kafka_fixture_produce (fixture, 5, committed);
  kafka_fixture_produce (fixture, 5, aborted);
  kafka_fixture_produce (fixture, 5, committed);
  kafka_fixture_produce (fixture, 5, aborted);
  kafka_job_read (job, 10);
  while (kafka_job_follow (job, 0, 0) < 30)
    kafka_job_idle (job, 20);
  g_assert_cmpint (kafka_job_follow (job, 0, 0), ==, 30);
}

/* A batch that is all gap, and a restart behind it. */
static void
test_a_batch_of_nothing_but_aborted_records (KafkaFixture *fixture, gconstpointer data)
{
  const KafkaProduce aborted = { .transactional_id = fixture->group, .abort = TRUE };
  g_autoptr (KafkaJob) first = NULL, second = NULL;
  WeirTime at;

  kafka_fixture_produce (fixture, 50, aborted);
  first = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  while (first->ranges->len == 0 || kafka_job_follow (first, 0, 0) < 51)
    kafka_job_idle (first, 20);
  kafka_job_idle (first, 50);
  at = kafka_job_end (g_steal_pointer (&first));
  kafka_fixture_produce (fixture, 3, (KafkaProduce){ 0 });
  second = kafka_fixture_job (fixture, (KafkaJobSpec){ .folder = fixture->folder, .at = at });
  kafka_job_read (second, 3);
  g_assert_cmpint (kafka_job_follow (second, 0, 51), ==, 54);
}

/* Somebody else's transaction that does not end: what is behind it is not planned before it does. */
static void
test_nothing_behind_an_open_transaction_is_planned (KafkaFixture *fixture, gconstpointer data)
{
  const KafkaProduce open = { .transactional_id = fixture->group,
                              .leave_open = TRUE,
                              .transaction_timeout_ms = 600000 };
  g_autoptr (KafkaJob) job = NULL;

  kafka_fixture_produce (fixture, 3, (KafkaProduce){ 0 });
  kafka_fixture_produce (fixture, 5, open);
  kafka_fixture_produce (fixture, 4, (KafkaProduce){ 0 });
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 3);
  kafka_job_idle (job, 500);
  g_assert_cmpint (kafka_job_follow (job, 0, 0), ==, 3);
  kafka_fixture_produce (fixture, 1,
                         (KafkaProduce){ .transactional_id = fixture->group }); /* which aborts the open one */
  kafka_job_read (job, 8);
}

/* How many records a reader that is not weir's gets. */
static guint
count_records (const char *brokers, const char *topic)
{
  g_autoptr (GPtrArray) records = weir_test_consume (brokers, topic);

  return records->len;
}

static gsize
count_values (const KafkaJob *job)
{
  gsize sum = 0, n;

  for (gsize i = 0; i < weir_collected_n_batches (job->collected); i++) {
    weir_collected_values (job->collected, i, &n);
    sum += n;
  }
  return sum;
}

/* Each record is read that is still there, whatever has gone before it. */
static void
test_compaction (KafkaFixture *fixture, gconstpointer data)
{
  gint64 deadline = g_get_monotonic_time () + WEIR_SECONDS (120);
  g_autofree char *topic = NULL;
  g_autoptr (KafkaJob) job = NULL;
  KafkaOffsets offsets;
  guint n_before, n_written = 0;

  topic = weir_test_topic_new (fixture->brokers, 1, "cleanup.policy=compact", "segment.ms=100",
                               "min.cleanable.dirty.ratio=0.001", "max.compaction.lag.ms=200", NULL);
  do { /* what is in the newest segment stays, and a quick machine writes much into one */
    weir_test_produce_numbered (fixture->brokers, topic, 50, &(KafkaProduce){ .key_prefix = "k", .n_keys = 5 });
    n_written += 50;
    n_before = count_records (fixture->brokers, topic);
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  } while (n_before == n_written);
  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .topics = topic });
  g_assert_true (kafka_ops_offsets (fixture->brokers, topic, 0, &offsets, NULL));
  while (job->ranges->len == 0 || kafka_job_follow (job, 0, 0) < offsets.end) {
    g_autoptr (GError) error = NULL;

    weir_test_advance (job->ctx, 1, &error);
    g_assert_no_error (error);
  }
  g_assert_cmpint (kafka_job_follow (job, 0, 0), ==, offsets.end);
  g_assert_cmpuint (count_values (job), <=, n_before);
  g_assert_cmpuint (count_values (job), >=, count_records (fixture->brokers, topic)); /* more may have gone since */
}

static void
note_source (WeirKafka *kafka, WeirStream *stream, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  *(WeirKafkaSource **) data = (WeirKafkaSource *) stream->source;
  weir_context_set (weir_kafka_context (kafka), "memory.limit", "128MB", &error);
  g_assert_no_error (error);
}

/* All that is left, to the last small block. */
static WeirBlock *
take_all_memory (WeirMemory *memory)
{
  WeirBlock *all = NULL;

  for (gsize size = weir_memory_limit (memory); size > 0; size /= 2)
    for (WeirBlock *block = weir_block_new (memory, size); block != NULL; block = weir_block_new (memory, size)) {
      block->next = all;
      all = block;
    }
  return all;
}

static void
give_back (WeirBlock *all)
{
  while (all != NULL) {
    WeirBlock *next = all->next;

    weir_block_unref (all);
    all = next;
  }
}

/* Does the reader take the record before offset @next from its client, though there is no memory? It does where it waits
 * for records, as it does nearly always. */
static gboolean
is_taken (const KafkaFixture *fixture, const WeirKafkaSource *source, gint64 next)
{
  gint64 deadline = g_get_monotonic_time () + WEIR_SECONDS (2);
  g_autoptr (rd_kafka_topic_partition_list_t) list = rd_kafka_topic_partition_list_new (1);
  rd_kafka_topic_partition_t *place = rd_kafka_topic_partition_list_add (list, fixture->topic, 0);

  while (place->offset < next && g_get_monotonic_time () < deadline) {
    g_assert_cmpint (rd_kafka_position (weir_kafka_reader_handle (source->readers[0]), list), ==, 0);
    g_thread_yield ();
  }
  return place->offset >= next;
}

/* What is kept beside until there is room is freed once, be it placed in the end or not. */
static void
test_records_that_find_no_room_at_first (KafkaFixture *fixture, gconstpointer data)
{
  WeirKafkaSource *source = NULL;
  g_autoptr (KafkaJob) job = NULL;
  g_autofree char *key = g_strnfill (400 * 1000, 'k'); /* larger than what is left of any block */
  WeirBlock *all;
  gint64 n = 1;
  guint n_beside = 0;

  job = kafka_fixture_job (fixture, (KafkaJobSpec){ .build = note_source, .data = &source });
  kafka_fixture_produce (fixture, 1, (KafkaProduce){ 0 });
  kafka_job_read (job, 1);
  while (n_beside < 2) {
    all = take_all_memory (weir_engine_memory (source->source.engine));
    kafka_fixture_produce (fixture, 1, (KafkaProduce){ .key = key });
    n_beside += is_taken (fixture, source, ++n);
    g_assert_cmpuint (weir_kafka_stage_count (&weir_kafka_partition_at (source, 0)->stage), ==, 0);
    give_back (all);
    kafka_job_read (job, (gsize) n);
  }
}

/* --- who takes long --- */

#define POLL_MS 1000 /* max.poll.interval.ms */

/* The first batch with records takes twice as long as a member of a group may stay away. */
static gboolean
take_long (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  gint64 until = g_get_monotonic_time () + 2 * WEIR_MILLISECONDS (POLL_MS);
  gboolean *has_taken = user_data;
  gsize n;

  if (!weir_dataset_count (data, &n, error))
    return FALSE;
  while (n > 0 && !*has_taken && g_get_monotonic_time () < until)
    g_thread_yield (); /* a function that is at work */
  *has_taken = *has_taken || n > 0;
  return TRUE;
}

static void
set_short_poll (WeirKafka *kafka, WeirStream *stream, gconstpointer has_taken)
{
  g_autofree char *poll = g_strdup_printf ("%d", POLL_MS);
  g_autoptr (GError) error = NULL;

  weir_kafka_set (kafka, "session.timeout.ms", "1000", &error);
  g_assert_no_error (error);
  weir_kafka_set (kafka, "max.poll.interval.ms", poll, &error);
  g_assert_no_error (error);
  weir_foreach_batch (stream, take_long, (gpointer) has_taken);
}

static void
test_a_batch_longer_than_the_poll_interval (KafkaFixture *fixture, gconstpointer data)
{
  gboolean has_taken = FALSE;
  g_autoptr (KafkaJob) job = kafka_fixture_job (fixture, (KafkaJobSpec){ .build = set_short_poll, .data = &has_taken });

  kafka_fixture_produce (fixture, 100, (KafkaProduce){ 0 });
  kafka_job_read (job, 100);
  g_assert_true (has_taken);
  kafka_job_expect (job, 100);
  kafka_fixture_produce (fixture, 100, (KafkaProduce){ 0 });
  kafka_job_read (job, 200);
  g_assert_cmpint (kafka_job_follow (job, 0, 0), ==, 200);
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "aborted-records-first-last-and-in-between", 1, test_aborted_records_first_last_and_in_between },
    { "a-batch-of-nothing-but-aborted-records", 1, test_a_batch_of_nothing_but_aborted_records },
    { "nothing-behind-an-open-transaction-is-planned", 1, test_nothing_behind_an_open_transaction_is_planned },
    { "compaction", 1, test_compaction },
    { "records-that-find-no-room-at-first", 1, test_records_that_find_no_room_at_first },
    { "a-batch-longer-than-the-poll-interval", 1, test_a_batch_longer_than_the_poll_interval },
  };

  return kafka_tests_run (argc, argv, "/kafka-reader/", tests, G_N_ELEMENTS (tests));
}
