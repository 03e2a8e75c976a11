/* kafka-test.c: topics of a real broker in direct mode: where reading begins, what a batch has, gaps, losses, restarts.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-job.h"

#include <string.h>

#include "tests/engine/watch.h"

typedef struct {
  const char *brokers; /* NULL: the test is skipped */
  char *topic, *group, *folder;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer n_partitions)
{
  static gint n;

  fixture->brokers = weir_test_brokers ();
  if (fixture->brokers == NULL)
    return;
  fixture->topic = weir_test_topic_new (fixture->brokers, GPOINTER_TO_INT (n_partitions), NULL);
  fixture->group = g_strdup_printf ("%s-group-%d", fixture->topic, n++);
  fixture->folder = g_dir_make_tmp ("weir-kafka-test-XXXXXX", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  const char *argv[] = { "rm", "-rf", fixture->folder, NULL };

  if (fixture->folder != NULL)
    g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  g_free (fixture->topic);
  g_free (fixture->group);
  g_free (fixture->folder);
}

static KafkaJob *
job_new (const Fixture *fixture, KafkaJobSpec spec)
{
  spec.brokers = fixture->brokers;
  if (spec.topics == NULL)
    spec.topics = fixture->topic;
  if (spec.group == NULL)
    spec.group = fixture->group;
  return kafka_job_new (&spec);
}

static void
produce (const Fixture *fixture, gint64 n, KafkaProduce how)
{
  weir_test_produce_numbered (fixture->brokers, fixture->topic, n, &how);
}

static void
expect_numbered (KafkaJob *job, gint64 n)
{
  g_autofree char *found = kafka_job_values (job), *expected = kafka_numbered (0, n);

  g_assert_cmpstr (found, ==, expected);
}

/* The ranges of each partition follow one another without a gap or an overlap; where partition @n ends. */
static gint64
follow_ranges (const KafkaJob *job, int partition, gint64 from)
{
  g_autofree char *prefix = g_strdup_printf ("%d:", partition);

  for (guint i = 0; i < job->ranges->len; i++) {
    g_auto (GStrv) parts = g_strsplit (g_ptr_array_index (job->ranges, i), " ", -1);

    for (guint k = 0; parts[k] != NULL; k++) {
      char *dash;

      if (!g_str_has_prefix (parts[k], prefix))
        continue;
      g_assert_cmpint (g_ascii_strtoll (parts[k] + strlen (prefix), &dash, 10), ==, from);
      from = g_ascii_strtoll (dash + 1, NULL, 10);
    }
  }
  return from;
}

/* --- what is read --- */

static void
test_reads_every_partition_once (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  if (fixture->brokers == NULL)
    return;
  produce (fixture, 1000, (KafkaProduce){ .n_partitions = 4, .key_prefix = "k" });
  job = job_new (fixture, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 1000);
  expect_numbered (job, 1000);
  for (int partition = 0; partition < 4; partition++)
    g_assert_cmpint (follow_ranges (job, partition, 0), ==, 250);
}

static void
describe (WeirTask *task, const WeirKafkaMessage *message, gpointer user_data)
{
  g_autofree char *text = NULL;

  text = g_strdup_printf ("%d@%" G_GINT64_FORMAT " %s t=%" G_GINT64_FORMAT " key=%.*s value=%.*s headers=%d",
                          message->partition, message->offset, message->topic, message->timestamp_ms,
                          (int) weir_size (message->key), (const char *) weir_data (message->key),
                          (int) weir_size (message->value), (const char *) weir_data (message->value),
                          (int) message->n_headers);
  weir_emit_pair (task, weir_nil (), weir_copy (task, weir_text (text)));
}

/* The timestamp is what the producer set (CreateTime), not a clock of ours. */
static void
test_a_function_sees_all_of_a_record (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  g_autofree char *found = NULL, *expected = NULL;

  if (fixture->brokers == NULL)
    return;
  produce (fixture, 2, (KafkaProduce){ .first_partition = 1, .key = "k", .timestamp_ms = 1234567 });
  job = job_new (fixture, (KafkaJobSpec){ .f = describe });
  kafka_job_read (job, 2);
  found = kafka_job_values (job);
  expected = g_strdup_printf ("1@0 %s t=1234567 key=k value=line 0 headers=0\n"
                              "1@1 %s t=1234567 key=k value=line 1 headers=0",
                              fixture->topic, fixture->topic);
  g_assert_cmpstr (found, ==, expected);
}

static void
test_compressed_records (Fixture *fixture, gconstpointer data)
{
  static const char *const codecs[] = { "gzip", "snappy", "lz4", "zstd" };
  g_autoptr (KafkaJob) job = NULL;

  if (fixture->brokers == NULL)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (codecs); i++)
    produce (fixture, 500, (KafkaProduce){ .n_partitions = 4, .compression = codecs[i] });
  job = job_new (fixture, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 2000);
}

static void
test_a_pattern_finds_topics_that_come_later (Fixture *fixture, gconstpointer data)
{
  g_autofree char *pattern = NULL, *later = NULL;
  g_autoptr (KafkaJob) job = NULL;

  if (fixture->brokers == NULL)
    return;
  later = g_strconcat (fixture->topic, "-later", NULL);
  pattern = g_strdup_printf ("^%s.*", fixture->topic);
  produce (fixture, 10, (KafkaProduce){ 0 });
  job = job_new (fixture, (KafkaJobSpec){ .topics = pattern, .reset = "latest" });
  kafka_job_idle (job, 200);
  g_assert_true (kafka_ops_create_topic (fixture->brokers, later, 2, NULL, NULL));
  weir_test_produce_numbered (fixture->brokers, later, 20, &(KafkaProduce){ .n_partitions = 2 });
  kafka_job_read (job, 20);
  expect_numbered (job, 20);
}

/* What comes before a partition is found is not lost, though the policy says latest. */
static void
test_a_new_partition_is_read_from_its_beginning (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  if (fixture->brokers == NULL)
    return;
  job = job_new (fixture, (KafkaJobSpec){ .reset = "latest" });
  kafka_job_idle (job, 200);
  g_assert_true (kafka_ops_add_partitions (fixture->brokers, fixture->topic, 6, NULL));
  produce (fixture, 30, (KafkaProduce){ .first_partition = 5 });
  kafka_job_read (job, 30);
  expect_numbered (job, 30);
  g_assert_cmpint (follow_ranges (job, 5, 0), ==, 30);
}

/* --- where reading begins --- */

static void
start_at_seven (WeirKafka *kafka, WeirStream *stream, gconstpointer topic)
{
  weir_kafka_start_at (stream, topic, 0, 7);
}

static void
assign_end_of_two (WeirKafka *kafka, WeirStream *stream, gconstpointer topic)
{
  weir_kafka_assign (stream, topic, 2, 8);
}

static void
commit_for_group (const Fixture *fixture, gint64 offset)
{
  g_autoptr (KafkaJob) job = job_new (fixture, (KafkaJobSpec){ 0 });
  const WeirOffsetRange range = { fixture->topic, 0, 0, offset };
  gint64 found = -1, deadline = g_get_monotonic_time () + WEIR_SECONDS (20);

  kafka_job_idle (job, 50);
  weir_kafka_commit_async (job->kafka, &range, 1);
  while (found != offset && g_get_monotonic_time () < deadline)
    g_assert_true (kafka_ops_group_offset (fixture->brokers, fixture->group, fixture->topic, 0, &found, NULL, NULL));
  g_assert_cmpint (found, ==, offset);
}

static void
test_the_groups_offsets_beat_the_policy (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  if (fixture->brokers == NULL)
    return;
  commit_for_group (fixture, 4);
  produce (fixture, 10, (KafkaProduce){ 0 });
  job = job_new (fixture, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 6);
}

static void
test_start_at_beats_the_groups_offsets (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  if (fixture->brokers == NULL)
    return;
  commit_for_group (fixture, 4);
  produce (fixture, 10, (KafkaProduce){ 0 });
  job = job_new (fixture, (KafkaJobSpec){ .build = start_at_seven, .data = fixture->topic });
  kafka_job_read (job, 3);
  g_assert_cmpint (follow_ranges (job, 0, 7), ==, 10);
}

static void
test_the_checkpoint_beats_them_all (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) first = NULL, second = NULL;
  WeirTime at;

  if (fixture->brokers == NULL)
    return;
  produce (fixture, 10, (KafkaProduce){ 0 });
  first = job_new (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  kafka_job_read (first, 10);
  at = kafka_job_end (g_steal_pointer (&first));
  produce (fixture, 5, (KafkaProduce){ 0 });
  second = job_new (
      fixture, (KafkaJobSpec){ .folder = fixture->folder, .build = start_at_seven, .data = fixture->topic, .at = at });
  kafka_job_read (second, 5);
}

static void
test_latest_begins_at_the_end (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  if (fixture->brokers == NULL)
    return;
  produce (fixture, 10, (KafkaProduce){ .n_partitions = 4 });
  job = job_new (fixture, (KafkaJobSpec){ .reset = "latest" });
  kafka_job_idle (job, 200);
  produce (fixture, 5, (KafkaProduce){ .n_partitions = 4 });
  kafka_job_read (job, 5);
}

static void
test_assigned_partitions_and_no_others (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  if (fixture->brokers == NULL)
    return;
  produce (fixture, 40, (KafkaProduce){ .n_partitions = 4 });
  job = job_new (fixture, (KafkaJobSpec){ .build = assign_end_of_two, .data = fixture->topic });
  kafka_job_read (job, 2);
  kafka_job_idle (job, 300);
  g_assert_cmpint (follow_ranges (job, 2, 8), ==, 10);
}

/* --- gaps: offsets without a record --- */

/* A mark of a transaction has an offset, too: five records and a mark are six. */
static void
test_aborted_records_first_last_and_in_between (Fixture *fixture, gconstpointer data)
{
  const KafkaProduce aborted = { .transactional_id = fixture->group, .abort = TRUE };
  const KafkaProduce committed = { .transactional_id = fixture->group };
  g_autoptr (KafkaJob) job = NULL;

  if (fixture->brokers == NULL)
    return;
  job = job_new (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  produce (fixture, 5, aborted);
  produce (fixture, 5, committed);
  produce (fixture, 5, aborted);
  produce (fixture, 5, committed);
  produce (fixture, 5, aborted);
  kafka_job_read (job, 10);
  while (follow_ranges (job, 0, 0) < 30)
    kafka_job_idle (job, 20);
  g_assert_cmpint (follow_ranges (job, 0, 0), ==, 30);
}

/* A batch that is all gap, and a restart behind it. */
static void
test_a_batch_of_nothing_but_aborted_records (Fixture *fixture, gconstpointer data)
{
  const KafkaProduce aborted = { .transactional_id = fixture->group, .abort = TRUE };
  g_autoptr (KafkaJob) first = NULL, second = NULL;
  WeirTime at;

  if (fixture->brokers == NULL)
    return;
  produce (fixture, 50, aborted);
  first = job_new (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  while (first->ranges->len == 0 || follow_ranges (first, 0, 0) < 51)
    kafka_job_idle (first, 20);
  kafka_job_idle (first, 50);
  at = kafka_job_end (g_steal_pointer (&first));
  produce (fixture, 3, (KafkaProduce){ 0 });
  second = job_new (fixture, (KafkaJobSpec){ .folder = fixture->folder, .at = at });
  kafka_job_read (second, 3);
  g_assert_cmpint (follow_ranges (second, 0, 51), ==, 54);
}

/* Somebody else's transaction that does not end: what is behind it is not planned before it does. */
static void
test_nothing_behind_an_open_transaction_is_planned (Fixture *fixture, gconstpointer data)
{
  const KafkaProduce open = { .transactional_id = fixture->group, .leave_open = TRUE };
  g_autoptr (KafkaJob) job = NULL;

  if (fixture->brokers == NULL)
    return;
  produce (fixture, 3, (KafkaProduce){ 0 });
  produce (fixture, 5, open);
  produce (fixture, 4, (KafkaProduce){ 0 });
  job = job_new (fixture, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 3);
  kafka_job_idle (job, 500);
  g_assert_cmpint (follow_ranges (job, 0, 0), ==, 3);
  produce (fixture, 1, (KafkaProduce){ .transactional_id = fixture->group }); /* which aborts the open one */
  kafka_job_read (job, 8);
}

static void
test_compaction (Fixture *fixture, gconstpointer data)
{
  g_autofree char *topic = NULL;
  g_autoptr (KafkaJob) job = NULL;
  KafkaOffsets offsets;

  if (fixture->brokers == NULL)
    return;
  topic = weir_test_topic_new (fixture->brokers, 1, "cleanup.policy=compact", "segment.ms=100",
                               "min.cleanable.dirty.ratio=0.001", "max.compaction.lag.ms=200", NULL);
  for (int i = 0; i < 20; i++)
    weir_test_produce_numbered (fixture->brokers, topic, 50, &(KafkaProduce){ .key_prefix = "k", .n_keys = 5 });
  job = job_new (fixture, (KafkaJobSpec){ .topics = topic });
  g_assert_true (kafka_ops_offsets (fixture->brokers, topic, 0, &offsets, NULL));
  while (job->ranges->len == 0 || follow_ranges (job, 0, 0) < offsets.end) {
    g_autoptr (GError) error = NULL;

    weir_test_advance (job->ctx, 1, &error);
    g_assert_no_error (error);
    g_usleep (5000);
  }
  g_assert_cmpint (follow_ranges (job, 0, 0), ==, offsets.end);
}

/* --- losses --- */

/* A job that has read ten, has ended, and comes back when twenty more were written and all but five deleted. */
static KafkaJob *
come_back_late (const Fixture *fixture, const char *on_loss)
{
  KafkaJob *job = job_new (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  WeirTime at;

  produce (fixture, 10, (KafkaProduce){ 0 });
  kafka_job_read (job, 10);
  at = kafka_job_end (job);
  produce (fixture, 20, (KafkaProduce){ 0 });
  g_assert_true (kafka_ops_delete_records (fixture->brokers, fixture->topic, 0, 25, NULL));
  return job_new (fixture, (KafkaJobSpec){ .folder = fixture->folder, .on_loss = on_loss, .at = at });
}

static void
test_retention_overtakes_the_reader_and_the_job_fails (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  g_autoptr (GError) error = NULL;

  if (fixture->brokers == NULL)
    return;
  job = come_back_late (fixture, NULL);
  error = kafka_job_fail (job);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS);
  g_assert_nonnull (strstr (error->message, "-0: offset 10 is wanted and the first that is there is 25: up to 15 "));
}

static void
test_retention_overtakes_the_reader_and_the_job_goes_on (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  Watch watch;

  if (fixture->brokers == NULL)
    return;
  watch_init (&watch);
  watch_catch_log (&watch);
  job = come_back_late (fixture, "earliest");
  kafka_job_read (job, 5);
  while (job->rejected->len == 0)
    kafka_job_idle (job, 20);
  g_assert_nonnull (strstr (job->rejected->str, "deleted by Kafka before it was read: 15\n"));
  g_assert_cmpuint (watch_count (&watch, "offset 10 is wanted and the first that is there is 25"), ==, 1);
  g_clear_pointer (&job, kafka_job_free);
  watch_clear (&watch);
}

static void
test_latest_goes_on_at_the_end (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  Watch watch;

  if (fixture->brokers == NULL)
    return;
  watch_init (&watch);
  watch_catch_log (&watch);
  job = come_back_late (fixture, "latest");
  while (job->rejected->len == 0)
    kafka_job_idle (job, 20);
  produce (fixture, 3, (KafkaProduce){ 0 });
  kafka_job_read (job, 3);
  g_assert_nonnull (strstr (job->rejected->str, ": 20\n"));
  g_clear_pointer (&job, kafka_job_free);
  watch_clear (&watch);
}

static void
make_anew (const Fixture *fixture)
{
  g_assert_true (kafka_ops_delete_topic (fixture->brokers, fixture->topic, NULL));
  g_assert_true (kafka_ops_create_topic (fixture->brokers, fixture->topic, 1, NULL, NULL));
}

/* As many records as before, and the offset is in range: only the record before it tells. */
static void
test_a_topic_made_anew_while_the_job_was_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) first = NULL, second = NULL;
  WeirTime at;
  g_autoptr (GError) error = NULL;

  if (fixture->brokers == NULL)
    return;
  first = job_new (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  produce (fixture, 10, (KafkaProduce){ 0 });
  kafka_job_read (first, 10);
  at = kafka_job_end (g_steal_pointer (&first));
  make_anew (fixture);
  produce (fixture, 20, (KafkaProduce){ .key = "other" });
  second = job_new (fixture, (KafkaJobSpec){ .folder = fixture->folder, .at = at });
  error = kafka_job_fail (second);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS);
  g_assert_nonnull (strstr (error->message, "another record than before lies at offset 9"));
}

static void
test_a_topic_made_anew_and_shorter (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) first = NULL, second = NULL;
  WeirTime at;
  g_autoptr (GError) error = NULL;

  if (fixture->brokers == NULL)
    return;
  first = job_new (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  produce (fixture, 10, (KafkaProduce){ 0 });
  kafka_job_read (first, 10);
  at = kafka_job_end (g_steal_pointer (&first));
  make_anew (fixture);
  produce (fixture, 4, (KafkaProduce){ 0 });
  second = job_new (fixture, (KafkaJobSpec){ .folder = fixture->folder, .at = at });
  error = kafka_job_fail (second);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_DATA_LOSS);
}

static void
test_a_topic_made_anew_while_it_is_read (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  Watch watch;

  if (fixture->brokers == NULL)
    return;
  watch_init (&watch);
  watch_catch_log (&watch);
  job = job_new (fixture, (KafkaJobSpec){ .folder = fixture->folder, .on_loss = "earliest" });
  produce (fixture, 10, (KafkaProduce){ 0 });
  kafka_job_read (job, 10);
  make_anew (fixture);
  produce (fixture, 4, (KafkaProduce){ .key = "other" });
  kafka_job_read (job, 14);
  g_clear_pointer (&job, kafka_job_free);
  watch_clear (&watch);
}

/* --- restarts, offsets of the group, rates --- */

static void
test_killed_between_batches_nothing_is_lost_or_doubled (Fixture *fixture, gconstpointer data)
{
  WeirTime at = 0;
  gsize n = 0;

  if (fixture->brokers == NULL)
    return;
  for (int life = 0; life < 5; life++) {
    KafkaJob *job = job_new (fixture, (KafkaJobSpec){ .folder = fixture->folder, .at = at });

    produce (fixture, 100, (KafkaProduce){ .n_partitions = 4, .key_prefix = "k" });
    kafka_job_read (job, 100);
    n += job->n_read;
    at = kafka_job_end (job);
  }
  g_assert_cmpuint (n, ==, 500);
}

static gint64
await_group_offset (const Fixture *fixture, gint64 wanted)
{
  gint64 found = -1, deadline = g_get_monotonic_time () + WEIR_SECONDS (20);

  while (found != wanted && g_get_monotonic_time () < deadline)
    g_assert_true (kafka_ops_group_offset (fixture->brokers, fixture->group, fixture->topic, 0, &found, NULL, NULL));
  return found;
}

static void
test_the_groups_offsets_follow_complete_batches (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;

  if (fixture->brokers == NULL)
    return;
  produce (fixture, 10, (KafkaProduce){ 0 });
  job = job_new (fixture, (KafkaJobSpec){ 0 });
  kafka_job_read (job, 10);
  g_assert_cmpint (await_group_offset (fixture, 10), ==, 10);
}

/* The checkpoint is the truth: a group whose offsets have expired, or were never committed, does not matter. */
static void
test_expired_offsets_of_the_group_do_not_matter (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) first = NULL, second = NULL;
  WeirTime at;
  g_autofree char *other = NULL;

  if (fixture->brokers == NULL)
    return;
  produce (fixture, 10, (KafkaProduce){ 0 });
  first = job_new (fixture, (KafkaJobSpec){ .folder = fixture->folder });
  kafka_job_read (first, 10);
  at = kafka_job_end (g_steal_pointer (&first));
  g_assert_cmpint (await_group_offset (fixture, 10), ==, 10);
  produce (fixture, 3, (KafkaProduce){ 0 });
  other = g_strconcat (fixture->group, "-without-offsets", NULL);
  second = job_new (fixture, (KafkaJobSpec){ .folder = fixture->folder, .group = other, .reset = "latest", .at = at });
  kafka_job_read (second, 3);
}

static void
test_no_partition_gives_more_than_its_rate (Fixture *fixture, gconstpointer data)
{
  g_autoptr (KafkaJob) job = NULL;
  gint64 last = 0;

  if (fixture->brokers == NULL)
    return;
  produce (fixture, 100, (KafkaProduce){ 0 });
  job = job_new (fixture, (KafkaJobSpec){ .rate = "30" });
  kafka_job_read (job, 100);
  for (guint i = 0; i < job->ranges->len; i++) {
    gint64 until = g_ascii_strtoll (strchr (strchr (g_ptr_array_index (job->ranges, i), ':'), '-') + 1, NULL, 10);

    g_assert_cmpint (until - last, <=, 30);
    last = until;
  }
  expect_numbered (job, 100);
}

/* --- mistakes --- */

static void
expect_start_error (const Fixture *fixture, KafkaJobSpec spec, gint code, const char *part)
{
  g_autoptr (KafkaJob) job = job_new (fixture, spec);
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_test_advance (job->ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, code);
  if (strstr (error->message, part) == NULL)
    g_error ("\"%s\" does not hold \"%s\"", error->message, part);
}

static void
test_mistakes_are_named (Fixture *fixture, gconstpointer data)
{
  if (fixture->brokers == NULL)
    return;
  expect_start_error (fixture, (KafkaJobSpec){ .topics = "no-such-topic" }, WEIR_ERROR_SOURCE,
                      "there is no topic no-such-topic");
  expect_start_error (fixture, (KafkaJobSpec){ .group = "" }, WEIR_ERROR_GRAPH, "without a group");
  expect_start_error (fixture, (KafkaJobSpec){ .topics = "^[" }, WEIR_ERROR_GRAPH, "[");
  expect_start_error (fixture, (KafkaJobSpec){ .reset = "error" }, WEIR_ERROR_SOURCE, "has no offset for partition");
}

int
main (int argc, char **argv)
{
  static const struct {
    const char *name;
    gint n_partitions;
    void (*test) (Fixture *, gconstpointer);
  } tests[] = {
    { "reads-every-partition-once", 4, test_reads_every_partition_once },
    { "a-function-sees-all-of-a-record", 2, test_a_function_sees_all_of_a_record },
    { "compressed-records", 4, test_compressed_records },
    { "a-pattern-finds-topics-that-come-later", 1, test_a_pattern_finds_topics_that_come_later },
    { "a-new-partition-is-read-from-its-beginning", 4, test_a_new_partition_is_read_from_its_beginning },
    { "the-groups-offsets-beat-the-policy", 1, test_the_groups_offsets_beat_the_policy },
    { "start-at-beats-the-groups-offsets", 1, test_start_at_beats_the_groups_offsets },
    { "the-checkpoint-beats-them-all", 1, test_the_checkpoint_beats_them_all },
    { "latest-begins-at-the-end", 4, test_latest_begins_at_the_end },
    { "assigned-partitions-and-no-others", 4, test_assigned_partitions_and_no_others },
    { "aborted-records-first-last-and-in-between", 1, test_aborted_records_first_last_and_in_between },
    { "a-batch-of-nothing-but-aborted-records", 1, test_a_batch_of_nothing_but_aborted_records },
    { "nothing-behind-an-open-transaction-is-planned", 1, test_nothing_behind_an_open_transaction_is_planned },
    { "compaction", 1, test_compaction },
    { "retention-overtakes-the-reader-and-the-job-fails", 1, test_retention_overtakes_the_reader_and_the_job_fails },
    { "retention-overtakes-the-reader-and-the-job-goes-on", 1,
      test_retention_overtakes_the_reader_and_the_job_goes_on },
    { "latest-goes-on-at-the-end", 1, test_latest_goes_on_at_the_end },
    { "a-topic-made-anew-while-the-job-was-down", 1, test_a_topic_made_anew_while_the_job_was_down },
    { "a-topic-made-anew-and-shorter", 1, test_a_topic_made_anew_and_shorter },
    { "a-topic-made-anew-while-it-is-read", 1, test_a_topic_made_anew_while_it_is_read },
    { "killed-between-batches-nothing-is-lost-or-doubled", 4, test_killed_between_batches_nothing_is_lost_or_doubled },
    { "the-groups-offsets-follow-complete-batches", 1, test_the_groups_offsets_follow_complete_batches },
    { "expired-offsets-of-the-group-do-not-matter", 1, test_expired_offsets_of_the_group_do_not_matter },
    { "no-partition-gives-more-than-its-rate", 1, test_no_partition_gives_more_than_its_rate },
    { "mistakes-are-named", 1, test_mistakes_are_named },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++) {
    g_autofree char *path = g_strconcat ("/kafka/", tests[i].name, NULL);

    g_test_add (path, Fixture, GINT_TO_POINTER (tests[i].n_partitions), set_up, tests[i].test, tear_down);
  }
  return g_test_run ();
}
