/* Members of a group: what one gets, what two share, and what is committed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

#include <string.h>

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "tests/engine/watch.h"

/* Requests' numbers in Kafka's protocol. */
#define OFFSET_COMMIT 8
#define OFFSET_FETCH  9

#define N_REFUSALS 8 /* more than the client tries on its own */

#define DEADLINE WEIR_SECONDS (120)

/* A session that outlasts every deadline of a test: who waits for the end of one fails. */
#define LONG_SESSION "300000"

typedef struct {
  const char *session_ms; /* NULL: LONG_SESSION */
  const char *poll_ms;    /* max.poll.interval.ms; nullable */
  const char *rate;       /* the option receiver.max.rate; nullable */
  GHashTable *tally;      /* nullable: how often each record came, as "KEY VALUE" */
} MemberSpec;

typedef struct {
  WeirContext *ctx;
  WeirCollected *collected;
  GHashTable *tally;
  gsize n_batches, n; /* that have been counted */
} Member;

static void
set_property (WeirKafka *kafka, const char *name, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_kafka_set (kafka, name, value, &error);
  g_assert_no_error (error);
}

/* The group hears of who comes and goes by heartbeats. */
static Member
member_with (const KafkaFixture *fixture, MemberSpec spec)
{
  Member member = { .ctx = weir_test_context_new (WEIR_SECONDS (1)), .tally = spec.tally };
  WeirKafka *kafka = weir_kafka_new (member.ctx, fixture->brokers, fixture->group);
  g_autoptr (GError) error = NULL;

  set_property (kafka, "auto.offset.reset", "earliest");
  set_property (kafka, "heartbeat.interval.ms", "200");
  set_property (kafka, "session.timeout.ms", spec.session_ms != NULL ? spec.session_ms : LONG_SESSION);
  if (spec.poll_ms != NULL)
    set_property (kafka, "max.poll.interval.ms", spec.poll_ms);
  if (spec.rate != NULL)
    weir_context_set (member.ctx, "receiver.max.rate", spec.rate, &error);
  g_assert_no_error (error);
  member.collected = weir_collect (weir_kafka_receiver_stream (kafka, fixture->topic));
  return member;
}

static Member
member_new (const KafkaFixture *fixture)
{
  return member_with (fixture, (MemberSpec){ 0 });
}

static GHashTable *
tally_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static void
tally_add (GHashTable *tally, WeirValue record)
{
  WeirValue key = weir_key (record), value = weir_val (record);
  char *text =
      g_strdup_printf ("%.*s %.*s", (int) weir_size (key), weir_data (key), (int) weir_size (value), weir_data (value));
  guint times = GPOINTER_TO_UINT (g_hash_table_lookup (tally, text));

  g_hash_table_insert (tally, text, GUINT_TO_POINTER (times + 1));
}

static gsize
count (Member *member)
{
  for (; member->n_batches < weir_collected_n_batches (member->collected); member->n_batches++) {
    gsize n;
    const WeirValue *values = weir_collected_values (member->collected, member->n_batches, &n);

    for (gsize i = 0; member->tally != NULL && i < n; i++)
      tally_add (member->tally, values[i]);
    member->n += n;
  }
  return member->n;
}

static void
advance (const Member *member)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (member->ctx, 1, &error);
  g_assert_no_error (error);
}

/* Both members, until they have @n in all; @b is nullable. */
static void
read_until (Member *a, Member *b, gsize n)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE;

  while (count (a) + (b != NULL ? count (b) : 0) < n && g_get_monotonic_time () < deadline) {
    advance (a);
    if (b != NULL)
      advance (b);
  }
  g_assert_cmpuint (count (a) + (b != NULL ? count (b) : 0), >=, n);
}

static void
read_both (Member *a, Member *b, gsize n)
{
  read_until (a, b, n);
  g_assert_cmpuint (count (a) + (b != NULL ? count (b) : 0), ==, n);
}

/* What it has received is processed. */
static void
member_leave (Member *member)
{
  g_autoptr (GError) error = NULL;

  weir_context_stop (member->ctx, TRUE);
  g_assert_cmpint (weir_context_await (member->ctx, WATCH_DEADLINE, &error), ==, WEIR_WAIT_STOPPED);
  g_assert_no_error (error);
  count (member);
  weir_context_free (member->ctx);
}

/* How many records whose key begins with @key came so many @times. */
static guint
tally_times (GHashTable *tally, const char *key, guint times)
{
  guint n = 0;
  GHashTableIter iter;
  gpointer text, found;

  g_hash_table_iter_init (&iter, tally);
  while (g_hash_table_iter_next (&iter, &text, &found))
    n += GPOINTER_TO_UINT (found) == times && g_str_has_prefix (text, key);
  return n;
}

/* --- tests --- */

static void
test_one_member_gets_all_and_commits_it (KafkaFixture *fixture, gconstpointer data)
{
  Member member = member_new (fixture);

  kafka_fixture_produce (fixture, 100, (KafkaProduce){ .key = "k" });
  read_both (&member, NULL, 100);
  g_assert_cmpint (kafka_fixture_await_group (fixture, 100), ==, 100);
  weir_context_free (member.ctx);
}

/* One leaves behind what it has committed, and the next one goes on from there. */
static void
test_the_next_member_goes_on (KafkaFixture *fixture, gconstpointer data)
{
  Member first = member_new (fixture), second;

  kafka_fixture_produce (fixture, 50, (KafkaProduce){ 0 });
  read_both (&first, NULL, 50);
  weir_context_free (first.ctx);
  kafka_fixture_produce (fixture, 20, (KafkaProduce){ 0 });
  second = member_new (fixture);
  read_both (&second, NULL, 20);
  weir_context_free (second.ctx);
}

static void
produce_and_advance (const KafkaFixture *fixture, const Member *a, const Member *b, guint n)
{
  g_autofree char *key = g_strdup_printf ("%u", n);

  kafka_fixture_produce (fixture, 100, (KafkaProduce){ .n_partitions = 4, .key = key });
  advance (a);
  advance (b);
}

/* @b joins and takes partitions over while records come in; none is lost, and none comes to both. */
static void
share (const KafkaFixture *fixture, Member *a, Member *b)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE;
  guint n = 4, until;

  kafka_fixture_produce (fixture, 400, (KafkaProduce){ .n_partitions = 4, .key = "0" });
  read_both (a, NULL, 400);
  while (count (b) == 0 && g_get_monotonic_time () < deadline)
    produce_and_advance (fixture, a, b, n++);
  g_assert_cmpuint (count (b), >, 0);
  for (until = n + 5; n < until; n++)
    produce_and_advance (fixture, a, b, n);
  read_until (a, b, n * 100);
  member_leave (a);
  member_leave (b);
  g_assert_cmpuint (g_hash_table_size (a->tally), ==, n * 100);
  g_assert_cmpuint (tally_times (a->tally, "", 1), ==, n * 100);
}

static void
test_two_members_share_and_nothing_is_lost_or_doubled (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (GHashTable) tally = tally_new ();
  Member a = member_with (fixture, (MemberSpec){ .tally = tally });
  Member b = member_with (fixture, (MemberSpec){ .tally = tally });
  Watch watch;

  watch_init (&watch);
  watch_catch_log (&watch);
  share (fixture, &a, &b);
  watch_clear (&watch);
}

/* The client has more of the topic than the member has taken, and goes on fetching until it has left. Who did not leave
 * would keep the next one waiting for longer than that waits. */
static void
test_members_leave_while_records_come (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (GHashTable) tally = tally_new ();
  const gsize n = 20000, n_members = 5;
  const MemberSpec spec = { .rate = "5000", .tally = tally };
  Watch watch;

  watch_init (&watch);
  watch_catch_log (&watch);
  for (gsize i = 1; i <= n_members; i++) {
    g_autofree char *key = g_strdup_printf ("%zu", i);
    Member member = member_with (fixture, spec);

    kafka_fixture_produce (fixture, n, (KafkaProduce){ .n_partitions = 4, .key = key });
    read_until (&member, NULL, i < n_members ? 1 : i * n - g_hash_table_size (tally));
    member_leave (&member);
  }
  g_assert_cmpuint (g_hash_table_size (tally), ==, n_members * n);
  g_assert_cmpuint (tally_times (tally, "", 1), ==, n_members * n);
  watch_clear (&watch);
}

/* A broker that takes half a second for every commit; old brokers know no such setting, and take
 * none. NULL: the test was skipped. */
static WeirTestServer *
start_slow_committer (const KafkaFixture *fixture, int n_partitions, KafkaFixture *own)
{
  WeirTestServer *server = weir_test_server_start ("kafka", "--set", "group.coordinator.append.linger.ms=500", "--set",
                                                   "group.coordinator.rebalance.protocols=classic,consumer", NULL);

  if (server == NULL)
    return NULL;
  *own = *fixture;
  own->brokers = weir_test_server_address (server);
  g_assert_true (kafka_ops_create_topic (own->brokers, own->topic, n_partitions, NULL, NULL));
  return server;
}

/* Each record is a block of its own here: the commits of several blocks are made in one. */
static void
test_slow_commits_do_not_pile_up (KafkaFixture *fixture, gconstpointer data)
{
  KafkaFixture own;
  g_autoptr (WeirTestServer) server = start_slow_committer (fixture, 1, &own);
  Member member;
  Watch watch;

  if (server == NULL)
    return;
  watch_init (&watch);
  watch_catch_log (&watch);
  member = member_new (&own);
  for (gsize n = 1; n <= 30; n++) {
    kafka_fixture_produce (&own, 1, (KafkaProduce){ 0 });
    read_both (&member, NULL, n);
  }
  member_leave (&member);
  g_assert_cmpuint (watch_count (&watch, "the group was not left"), ==, 0);
  g_assert_cmpint (kafka_fixture_await_group (&own, 30), ==, 30);
  watch_clear (&watch);
}

/* When the second member comes the first has stored what it has not committed yet: it commits that before it lets go. */
static void
test_what_is_stored_is_committed_before_a_partition_goes (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (GHashTable) tally = tally_new ();
  KafkaFixture own;
  g_autoptr (WeirTestServer) server = start_slow_committer (fixture, 4, &own);
  Member a, b;
  Watch watch;

  if (server == NULL)
    return;
  watch_init (&watch);
  watch_catch_log (&watch);
  a = member_with (&own, (MemberSpec){ .tally = tally });
  b = member_with (&own, (MemberSpec){ .tally = tally });
  share (&own, &a, &b);
  watch_clear (&watch);
}

/* The first is held back with a block in its hands, until it has been thrown out of the group and its partition has come
 * to the second: that one has the block as well. Then the first comes back, and goes on behind the second. */
static void
test_a_member_that_is_held_back_for_too_long_loses_nothing (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (GHashTable) tally = tally_new ();
  Member a =
      member_with (fixture, (MemberSpec){ .session_ms = "6000", .poll_ms = "6000", .rate = "1", .tally = tally });
  Member b;
  gint64 deadline;
  Watch watch;

  watch_init (&watch);
  watch_catch_log (&watch);
  kafka_fixture_produce (fixture, 3000, (KafkaProduce){ .key = "early" });
  read_until (&a, NULL, 1);
  b = member_with (fixture, (MemberSpec){ .tally = tally });
  read_until (&b, NULL, 1);
  member_leave (&b);
  kafka_fixture_produce (fixture, 1000, (KafkaProduce){ .key = "late" });
  deadline = g_get_monotonic_time () + DEADLINE;
  while (g_hash_table_size (tally) < 4000 && g_get_monotonic_time () < deadline) {
    advance (&a);
    count (&a);
  }
  member_leave (&a);
  g_assert_cmpuint (tally_times (tally, "late", 1), ==, 1000);
  g_assert_cmpuint (tally_times (tally, "early", 2), >, 0);     /* it was not committed before it was stored */
  g_assert_cmpuint (tally_times (tally, "early", 2), <=, 1000); /* a block */
  g_assert_cmpuint (tally_times (tally, "early", 1) + tally_times (tally, "early", 2), ==, 3000);
  watch_clear (&watch);
}

/* The group's coordinator says @code to so many requests of a kind; the member gets all and commits it, all the same. */
static void
read_from_one_that_refuses (const KafkaFixture *fixture, gint16 request, guint n, rd_kafka_resp_err_t code)
{
  rd_kafka_t *rk = rd_kafka_new (RD_KAFKA_PRODUCER, rd_kafka_conf_new (), NULL, 0);
  rd_kafka_mock_cluster_t *cluster = rd_kafka_mock_cluster_new (rk, 1);
  KafkaFixture mock = *fixture;
  Member member;
  Watch watch;

  watch_init (&watch);
  watch_catch_log (&watch);
  mock.brokers = rd_kafka_mock_cluster_bootstraps (cluster);
  rd_kafka_mock_topic_create (cluster, mock.topic, 1, 1);
  for (guint i = 0; i < n; i++)
    rd_kafka_mock_push_request_errors (cluster, request, 1, code);
  kafka_fixture_produce (&mock, 10, (KafkaProduce){ 0 });
  member = member_with (&mock, (MemberSpec){ .session_ms = "6000" }); /* who joins again waits as long, there */
  read_both (&member, NULL, 10);
  g_assert_cmpint (kafka_fixture_await_group (&mock, 10), ==, 10);
  member_leave (&member);
  rd_kafka_mock_cluster_destroy (cluster);
  rd_kafka_destroy (rk);
  watch_clear (&watch);
}

static void
test_a_commit_that_was_refused_is_made_again (KafkaFixture *fixture, gconstpointer data)
{
  read_from_one_that_refuses (fixture, OFFSET_COMMIT, N_REFUSALS, RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS);
}

static void
test_a_member_that_was_not_told_where_to_begin_joins_anew (KafkaFixture *fixture, gconstpointer data)
{
  read_from_one_that_refuses (fixture, OFFSET_FETCH, 1, RD_KAFKA_RESP_ERR_NOT_COORDINATOR);
}

/* It leaves the group if it can, and its commits are made if they can be; neither is waited for long. */
static void
test_a_member_stops_though_its_broker_stands_still (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (WeirTestServer) server = weir_test_server_start ("kafka", NULL);
  KafkaFixture own = *fixture;
  Member member;
  gint64 begin;
  Watch watch;

  if (server == NULL)
    return;
  watch_init (&watch);
  watch_catch_log (&watch);
  own.brokers = weir_test_server_address (server);
  g_assert_true (kafka_ops_create_topic (own.brokers, own.topic, 1, NULL, NULL));
  kafka_fixture_produce (&own, 10, (KafkaProduce){ 0 });
  member = member_with (&own, (MemberSpec){ .session_ms = "45000" });
  read_both (&member, NULL, 10);
  weir_test_server_pause (server);
  begin = g_get_monotonic_time ();
  weir_context_free (member.ctx);
  g_assert_cmpint (g_get_monotonic_time () - begin, <, WEIR_SECONDS (12));
  weir_test_server_resume (server);
  watch_clear (&watch);
}

static void
test_mistakes (KafkaFixture *fixture, gconstpointer data)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (GError) error = NULL;

  weir_collect (weir_kafka_receiver_stream (weir_kafka_new (ctx, fixture->brokers, NULL), "a b"));
  g_assert_false (weir_context_start (ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_nonnull (strstr (error->message, "without a group"));
  g_assert_nonnull (strstr (error->message, "\"a b\""));
}

int
main (int argc, char **argv)
{
  static const KafkaTest tests[] = {
    { "one-member-gets-all-and-commits-it", 1, test_one_member_gets_all_and_commits_it },
    { "the-next-member-goes-on", 1, test_the_next_member_goes_on },
    { "two-members-share-and-nothing-is-lost-or-doubled", 4, test_two_members_share_and_nothing_is_lost_or_doubled },
    { "members-leave-while-records-come", 4, test_members_leave_while_records_come },
    { "slow-commits-do-not-pile-up", 1, test_slow_commits_do_not_pile_up },
    { "what-is-stored-is-committed-before-a-partition-goes", 1,
      test_what_is_stored_is_committed_before_a_partition_goes },
    { "a-member-that-is-held-back-for-too-long-loses-nothing", 1,
      test_a_member_that_is_held_back_for_too_long_loses_nothing },
    { "a-commit-that-was-refused-is-made-again", 1, test_a_commit_that_was_refused_is_made_again },
    { "a-member-that-was-not-told-where-to-begin-joins-anew", 1,
      test_a_member_that_was_not_told_where_to_begin_joins_anew },
    { "a-member-stops-though-its-broker-stands-still", 1, test_a_member_stops_though_its_broker_stands_still },
    { "mistakes", 1, test_mistakes },
  };

  return kafka_tests_run (argc, argv, "/kafka-receiver/", tests, G_N_ELEMENTS (tests));
}
