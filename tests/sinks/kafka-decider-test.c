/* weir_kafka_output () with a checkpoint, on a real broker: what a reader of committed records sees, when, and how often,
 * also where the job is killed in the middle of a seal.
 *
 * The jobs that are killed are processes of their own: this program with other arguments.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <sys/wait.h>

#include <weir/kafka.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "engine/context.h"
#include "tests/engine/watch.h"
#include "tests/servers/servers.h"
#include "tests/sinks/scratch.h"

enum { N_BATCHES = 12, N_RECORDS = 5, N_KEYS = 3 };

typedef struct {
  Scratch scratch; /* for the checkpoint */
  const char *brokers;
  char *topic, *name;
  const char *timeout;     /* transaction.timeout.ms; nullable */
  char *other;             /* the topic of a second output; nullable */
  gboolean is_other_apart; /* which has a connection of its own */
  gboolean is_encoded;     /* records say their topic themselves */
} Place;

typedef struct {
  WeirContext *ctx;
  WeirQueue *queue;
} Job;

static gboolean
place_init (Place *place)
{
  *place = (Place){ .brokers = weir_test_brokers () };
  if (place->brokers == NULL)
    return FALSE;
  scratch_init (&place->scratch);
  place->topic = weir_test_topic_new (place->brokers, 2, NULL);
  place->name = g_strdup_printf ("job-%s", place->topic);
  return TRUE;
}

static void
place_clear (Place *place)
{
  scratch_clear (&place->scratch);
  g_free (place->topic);
  g_free (place->other);
  g_free (place->name);
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, key, value, &error);
  g_assert_no_error (error);
}

/* Batch n, from 0, has the values n * N_RECORDS …, each under the key that it has modulo N_KEYS. */
static void
push_all (WeirQueue *queue)
{
  for (guint n = 0; n < N_BATCHES * N_RECORDS; n += N_RECORDS) {
    WeirValue cells[2 * N_RECORDS], values[N_RECORDS];

    for (guint i = 0; i < N_RECORDS; i++) {
      cells[2 * i] = weir_int ((n + i) % N_KEYS);
      cells[2 * i + 1] = weir_int (n + i);
      values[i] = weir_pair_at (cells + 2 * i);
    }
    weir_queue_push (queue, values, N_RECORDS);
  }
}

static gboolean
encode (WeirTask *task, WeirValue value, WeirKafkaRecord *record, gpointer user_data)
{
  const Place *place = user_data;

  record->topic = place->topic;
  record->key = weir_key (value);
  record->value = weir_val (value);
  return TRUE;
}

/* Batches of half a second, sealed each second; each life begins 100 s after the one before. */
static void
job_init (Job *job, Place *place, const char *checkpoint, guint life)
{
  g_autofree char *uri = g_strdup_printf ("file://%s/%s", place->scratch.path, checkpoint);
  g_autoptr (GError) error = NULL;
  WeirStream *stream;
  WeirKafka *kafka;

  job->ctx = weir_context_new_manual (place->name, WEIR_MILLISECONDS (500), WEIR_SECONDS (100 * life));
  job->queue = weir_queue_new ();
  push_all (job->queue);
  stream = weir_queue_stream (job->ctx, job->queue, TRUE);
  weir_stream_set_uid (stream, "numbers");
  kafka = weir_kafka_new (job->ctx, place->brokers, NULL);
  if (place->timeout != NULL)
    weir_kafka_set (kafka, "transaction.timeout.ms", place->timeout, &error);
  g_assert_no_error (error);
  set (job->ctx, "checkpoint", uri);
  set (job->ctx, "checkpoint.interval", "1s");
  set (job->ctx, "workers", "2");
  set (job->ctx, "log.level", "error");
  weir_output_set_uid (place->is_encoded ? weir_kafka_output_with (stream, kafka, encode, place)
                                         : weir_kafka_output (stream, kafka, place->topic),
                       "out");
  if (place->is_other_apart)
    kafka = weir_kafka_new (job->ctx, place->brokers, NULL);
  if (place->other != NULL)
    weir_output_set_uid (weir_kafka_output (stream, kafka, place->other), "other");
}

static void
job_clear (Job *job)
{
  weir_context_free (job->ctx);
  weir_queue_free (job->queue);
}

static void
run (Job *job, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (job->ctx, n, &error);
  g_assert_no_error (error);
}

static void
live (Place *place, guint life, guint n)
{
  Job job;

  job_init (&job, place, "checkpoint", life);
  run (&job, n);
  job_clear (&job);
}

/* What is committed, once it is as much: brokers show it a moment after they have confirmed it. */
static GPtrArray *
await_committed (const Place *place, gint64 n)
{
  gint64 deadline = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;

  for (;;) {
    GPtrArray *records = weir_test_consume (place->brokers, place->topic);

    if (records->len >= n || g_get_monotonic_time () > deadline)
      return records;
    g_ptr_array_unref (records);
  }
}

/* Committed are the values from 0 to n - 1, each once, in order within a key. */
static void
expect (const Place *place, gint64 n)
{
  g_autoptr (GPtrArray) records = await_committed (place, n);
  gint64 next[N_KEYS];

  for (guint key = 0; key < N_KEYS; key++)
    next[key] = key;
  g_assert_cmpint (records->len, ==, n);
  for (guint i = 0; i < records->len; i++) {
    const KafkaRecord *record = g_ptr_array_index (records, i);
    gint64 value = g_ascii_strtoll (record->value, NULL, 10);

    g_assert_cmpint (g_ascii_strtoll (record->key, NULL, 10), ==, value % N_KEYS);
    g_assert_cmpint (value, ==, next[value % N_KEYS]);
    next[value % N_KEYS] += N_KEYS;
  }
}

/* --- without a fault --- */

static void
test_an_epoch_is_seen_when_it_is_sealed (void)
{
  Place place;
  Job job;

  if (!place_init (&place))
    return;
  job_init (&job, &place, "checkpoint", 1);
  run (&job, 1);
  expect (&place, 0);
  run (&job, 1);
  expect (&place, 2 * N_RECORDS);
  run (&job, 1);
  expect (&place, 2 * N_RECORDS);
  run (&job, N_BATCHES);
  expect (&place, N_BATCHES * N_RECORDS);
  job_clear (&job);
  place_clear (&place);
}

static void
test_the_marker_is_the_last_epoch (void)
{
  g_autofree char *group = NULL;
  g_autofree char *metadata = NULL;
  g_autoptr (GError) error = NULL;
  gint64 offset;
  Place place;

  if (!place_init (&place))
    return;
  live (&place, 1, 4);
  group = g_strdup_printf ("weir.%s", place.name);
  kafka_ops_group_offset (place.brokers, group, place.topic, 0, &offset, &metadata, &error);
  g_assert_no_error (error);
  g_assert_cmpint (offset, ==, 3); /* the first epoch is of a job that has not run yet */
  g_assert_true (g_str_has_prefix (metadata, "3 "));
  g_assert_cmpuint (strlen (metadata), ==, strlen ("3 ") + 36);
  place_clear (&place);
}

static void
test_what_was_not_sealed_is_written_again (void)
{
  Place place;

  if (!place_init (&place))
    return;
  live (&place, 1, 5); /* the fifth batch is written, and aborted */
  expect (&place, 4 * N_RECORDS);
  live (&place, 2, N_BATCHES);
  expect (&place, N_BATCHES * N_RECORDS);
  place_clear (&place);
}

static void
test_outputs_of_a_job_share_the_transaction (void)
{
  Place place, other;

  if (!place_init (&place))
    return;
  place.other = weir_test_topic_new (place.brokers, 2, NULL);
  other = (Place){ .brokers = place.brokers, .topic = place.other };
  live (&place, 1, 5);
  expect (&place, 4 * N_RECORDS);
  expect (&other, 4 * N_RECORDS);
  live (&place, 2, N_BATCHES);
  expect (&place, N_BATCHES * N_RECORDS);
  expect (&other, N_BATCHES * N_RECORDS);
  place_clear (&place);
}

static void
run_into (Job *job, gint code, const char *fragment)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_test_advance (job->ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, code);
  if (strstr (error->message, fragment) == NULL)
    g_error ("'%s' is not in: %s", fragment, error->message);
}

static void
test_outputs_of_two_connections_are_refused (void)
{
  Place place;
  Job job;

  if (!place_init (&place))
    return;
  place.other = weir_test_topic_new (place.brokers, 2, NULL);
  place.is_other_apart = TRUE;
  job_init (&job, &place, "checkpoint", 1);
  run_into (&job, WEIR_ERROR_GRAPH, "give them the same WeirKafka");
  job_clear (&job);
  place_clear (&place);
}

static void
test_a_transaction_has_to_outlast_an_epoch (void)
{
  static const char *const bad[] = { "2999", "900001" };
  Place place;

  if (!place_init (&place))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    Job job;

    place.timeout = bad[i];
    job_init (&job, &place, "checkpoint", 1);
    run_into (&job, WEIR_ERROR_OPTION, "transaction.timeout.ms has to be three times as long");
    job_clear (&job);
  }
  place_clear (&place);
}

/* The file of properties counts as much as what the job says. */
static void
test_the_time_may_be_said_in_a_file (void)
{
  g_autofree char *path = NULL;
  Place place;
  Job job;

  if (!place_init (&place))
    return;
  scratch_write (&place.scratch, "properties", "producer.transaction.timeout.ms=2999\n");
  path = scratch_path (&place.scratch, "properties");
  job_init (&job, &place, "checkpoint", 1);
  set (job.ctx, "kafka.properties", path);
  run_into (&job, WEIR_ERROR_OPTION, "transaction.timeout.ms has to be three times as long");
  job_clear (&job);
  place_clear (&place);
}

/* Where no topic is known at start the marker needs another place. */
static void
test_topics_may_be_unknown_at_start (void)
{
  Place place;

  if (!place_init (&place))
    return;
  place.is_encoded = TRUE;
  live (&place, 1, 5);
  expect (&place, 4 * N_RECORDS);
  live (&place, 2, N_BATCHES);
  expect (&place, N_BATCHES * N_RECORDS);
  place_clear (&place);
}

/* --- killed --- */

/* This program as a job: --job BROKERS TOPIC NAME FOLDER LIFE. */
static int
be_job (char **argv)
{
  Place place = { .brokers = argv[0], .topic = argv[1], .name = argv[2], .scratch = { argv[3] } };

  live (&place, (guint) g_ascii_strtoull (argv[4], NULL, 10), N_BATCHES + 2);
  return 0;
}

/* What it was killed at; NULL: it came to its end. Transfer full. */
static char *
live_apart (const Place *place, guint life, const char *kill_at)
{
  g_autofree char *number = g_strdup_printf ("%u", life);
  const char *argv[] = { "/proc/self/exe", "--job", place->brokers, place->topic, place->name, place->scratch.path,
                         number,           NULL };
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "WEIR_KILL_AT", kill_at, TRUE);
  g_autofree char *said = NULL;
  g_autoptr (GError) error = NULL;
  int status;

  g_spawn_sync (NULL, (char **) argv, environment, G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &said, &status,
                &error);
  g_assert_no_error (error);
  if (status == 0)
    return NULL;
  if (!WIFEXITED (status) || WEXITSTATUS (status) != 137)
    g_error ("the job ended with status %d: %s", status, said);
  return g_strchomp (g_steal_pointer (&said));
}

/* Killed there once, the job then runs to its end. What it was killed at, transfer full; NULL: there is no broker. */
static char *
kill_at (const char *point)
{
  char *where;
  Place place;

  if (!place_init (&place))
    return NULL;
  where = live_apart (&place, 1, point);
  if (where == NULL)
    g_error ("%s was not passed", point);
  g_assert_null (live_apart (&place, 2, "none:1"));
  g_test_message ("%s: %s", point, where);
  expect (&place, N_BATCHES * N_RECORDS);
  place_clear (&place);
  return where;
}

static gboolean
has_kill_points (void)
{
#ifdef WEIR_KILL_POINTS
  return TRUE;
#else
  g_test_skip ("built without kill points: configure with -Dkill_points=true");
  return FALSE;
#endif
}

static void
test_killed_around_the_commit (void)
{
  static const char *const points[] = {
    "kafka-flush:1",  "kafka-flush:3",  "kafka-marker:1",      "kafka-marker:3",
    "kafka-commit:1", "kafka-commit:3", "kafka-commit-done:1", "kafka-commit-done:3"
  };

  if (!has_kill_points ())
    return;
  for (guint i = 0; i < G_N_ELEMENTS (points); i++)
    g_free (kill_at (points[i]));
}

/* Every step between the ends of two seals: what the store writes, too. */
static void
test_killed_at_every_step_of_an_epoch (void)
{
  guint n_sealed = 0;

  if (!has_kill_points ())
    return;
  for (guint i = 20; n_sealed < 2; i++) {
    g_autofree char *point = g_strdup_printf ("any:%u", i);
    g_autofree char *where = kill_at (point);

    if (where == NULL)
      return;
    n_sealed += g_str_has_suffix (where, "at seal-done");
  }
}

/* --- fenced --- */

static void
test_another_job_of_the_name_ends_the_first (void)
{
  Place place;
  Job first, second;

  if (!place_init (&place))
    return;
  job_init (&first, &place, "checkpoint", 1);
  run (&first, 1); /* nothing is sealed yet */
  job_init (&second, &place, "another-checkpoint", 1);
  run (&second, 4);
  run_into (&first, WEIR_ERROR_FENCED, "another job has begun with the transactional id");
  expect (&place, 4 * N_RECORDS); /* of the second */
  job_clear (&first);
  job_clear (&second);
  place_clear (&place);
}

/* Where it learns that from is another call than above: its first records have not been written before. */
static void
test_another_job_of_the_name_ends_one_that_has_written_nothing (void)
{
  g_autoptr (GError) error = NULL;
  Place place;
  Job first, second;

  if (!place_init (&place))
    return;
  job_init (&first, &place, "checkpoint", 1);
  run (&first, 0);
  job_init (&second, &place, "another-checkpoint", 1);
  run (&second, 1);
  for (guint i = 0; i < N_BATCHES && error == NULL; i++)
    weir_test_advance (first.ctx, 1, &error);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_FENCED);
  run (&second, 3);
  expect (&place, 4 * N_RECORDS); /* of the second */
  job_clear (&first);
  job_clear (&second);
  place_clear (&place);
}

/* And has not shut out the one that runs: that would open its context again, and say so. */
static void
test_another_checkpoint_of_the_name_is_refused (void)
{
  Place place;
  Job first, second;
  Watch watch;

  if (!place_init (&place))
    return;
  watch_init (&watch);
  watch_catch_log (&watch);
  job_init (&first, &place, "checkpoint", 1);
  set (first.ctx, "log.level", "warning");
  run (&first, 2);
  job_init (&second, &place, "another-checkpoint", 2);
  run_into (&second, WEIR_ERROR_CHECKPOINT_BEHIND, "give the job another name to begin anew");
  run (&first, 2);
  expect (&place, 4 * N_RECORDS);
  g_assert_cmpuint (watch_count (&watch, "epoch"), ==, 0);
  job_clear (&first);
  job_clear (&second);
  watch_clear (&watch);
  place_clear (&place);
}

/* The first has an epoch prepared, with the number of one that the other has decided: it must not be taken for its own. */
static void
test_an_epoch_of_another_checkpoint_is_not_taken_for_one_in_doubt (void)
{
  Place place;
  Job other, again;
  char *where;

  if (!has_kill_points () || !place_init (&place))
    return;
  where = live_apart (&place, 1, "kafka-commit:1");
  g_assert_nonnull (where);
  g_free (where);
  job_init (&other, &place, "another-checkpoint", 1);
  run (&other, 3);
  job_clear (&other);
  job_init (&again, &place, "checkpoint", 2);
  run_into (&again, WEIR_ERROR_CHECKPOINT_BEHIND, "was written with another checkpoint");
  job_clear (&again);
  place_clear (&place);
}

/* --- time --- */

static void
await_end_of_transaction (const Place *place)
{
  gint64 deadline = g_get_monotonic_time () + 120 * G_USEC_PER_SEC;
  g_autoptr (GError) error = NULL;

  for (gint partition = 0; partition < 2; partition++) {
    KafkaOffsets offsets = { 0 };

    do {
      kafka_ops_offsets (place->brokers, place->topic, partition, &offsets, &error);
      g_assert_no_error (error);
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    } while (offsets.committed < offsets.end);
  }
}

static void
test_a_transaction_that_times_out_is_written_again (void)
{
  Place place;
  Job job;

  if (!place_init (&place))
    return;
  place.timeout = "3000";
  job_init (&job, &place, "checkpoint", 1);
  run (&job, 3);
  await_end_of_transaction (&place);
  expect (&place, 2 * N_RECORDS);
  run (&job, N_BATCHES);
  expect (&place, N_BATCHES * N_RECORDS);
  job_clear (&job);
  place_clear (&place);
}

/* --- outages --- */

static gpointer
start_again (gpointer data)
{
  weir_test_server_start_again (data);
  return NULL;
}

/* A broker that keeps its topics in a ZooKeeper, and is killed before it has marked the end of a transaction in all its
 * partitions, leaves those without that it does not know yet when it starts: nobody reads on behind them. So it is killed
 * while one is open. */
static void
await_marks (const Place *place, gint64 epoch, gint64 n)
{
  g_autofree char *group = g_strdup_printf ("weir.%s", place->name);
  g_autoptr (GError) error = NULL;
  gint64 offset;

  kafka_ops_group_offset (place->brokers, group, place->topic, 0, &offset, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (offset, ==, epoch);
  expect (place, n);
}

static void
test_epochs_wait_for_a_broker_that_is_killed (void)
{
  g_autoptr (WeirTestServer) server = weir_test_server_start ("kafka", NULL);
  g_autofree char *address = NULL;
  GThread *thread;
  Place place;
  Job job;

  if (server == NULL || !place_init (&place))
    return;
  place.brokers = address = g_strdup (weir_test_server_address (server)); /* the server's own goes with a restart */
  g_free (place.topic);
  place.topic = weir_test_topic_new (place.brokers, 2, NULL);
  place.timeout = "20000"; /* what the client loses is waited for as long */
  job_init (&job, &place, "checkpoint", 1);
  run (&job, 5);
  await_marks (&place, 3, 4 * N_RECORDS);
  weir_test_server_kill (server);
  thread = g_thread_new ("start-again", start_again, server);
  run (&job, N_BATCHES);
  g_thread_join (thread);
  expect (&place, N_BATCHES * N_RECORDS);
  job_clear (&job);
  place_clear (&place);
}

int
main (int argc, char **argv)
{
  if (argc == 7 && g_str_equal (argv[1], "--job"))
    return be_job (argv + 2);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kafka-decider/an-epoch-is-seen-when-it-is-sealed", test_an_epoch_is_seen_when_it_is_sealed);
  g_test_add_func ("/kafka-decider/the-marker-is-the-last-epoch", test_the_marker_is_the_last_epoch);
  g_test_add_func ("/kafka-decider/what-was-not-sealed-is-written-again", test_what_was_not_sealed_is_written_again);
  g_test_add_func ("/kafka-decider/outputs-of-a-job-share-the-transaction",
                   test_outputs_of_a_job_share_the_transaction);
  g_test_add_func ("/kafka-decider/outputs-of-two-connections-are-refused",
                   test_outputs_of_two_connections_are_refused);
  g_test_add_func ("/kafka-decider/a-transaction-has-to-outlast-an-epoch", test_a_transaction_has_to_outlast_an_epoch);
  g_test_add_func ("/kafka-decider/the-time-may-be-said-in-a-file", test_the_time_may_be_said_in_a_file);
  g_test_add_func ("/kafka-decider/topics-may-be-unknown-at-start", test_topics_may_be_unknown_at_start);
  g_test_add_func ("/kafka-decider/killed-around-the-commit", test_killed_around_the_commit);
  g_test_add_func ("/kafka-decider/killed-at-every-step-of-an-epoch", test_killed_at_every_step_of_an_epoch);
  g_test_add_func ("/kafka-decider/another-job-of-the-name-ends-the-first",
                   test_another_job_of_the_name_ends_the_first);
  g_test_add_func ("/kafka-decider/another-job-of-the-name-ends-one-that-has-written-nothing",
                   test_another_job_of_the_name_ends_one_that_has_written_nothing);
  g_test_add_func ("/kafka-decider/another-checkpoint-of-the-name-is-refused",
                   test_another_checkpoint_of_the_name_is_refused);
  g_test_add_func ("/kafka-decider/an-epoch-of-another-checkpoint-is-not-taken-for-one-in-doubt",
                   test_an_epoch_of_another_checkpoint_is_not_taken_for_one_in_doubt);
  g_test_add_func ("/kafka-decider/a-transaction-that-times-out-is-written-again",
                   test_a_transaction_that_times_out_is_written_again);
  g_test_add_func ("/kafka-decider/epochs-wait-for-a-broker-that-is-killed",
                   test_epochs_wait_for_a_broker_that_is_killed);
  return g_test_run ();
}
