/* Members of a group: what one gets, what two share, and what is committed.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

#include <string.h>

#include "tests/engine/watch.h"

typedef struct {
  WeirContext *ctx;
  WeirCollected *collected;
} Member;

static Member
member_with_session (const KafkaFixture *fixture, const char *session_ms)
{
  Member member = { .ctx = weir_test_context_new (WEIR_SECONDS (1)) };
  WeirKafka *kafka = weir_kafka_new (member.ctx, fixture->brokers, fixture->group);
  g_autoptr (GError) error = NULL;

  weir_kafka_set (kafka, "auto.offset.reset", "earliest", &error);
  g_assert_no_error (error);
  weir_kafka_set (kafka, "session.timeout.ms", session_ms, &error);
  g_assert_no_error (error);
  member.collected = weir_collect (weir_kafka_receiver_stream (kafka, fixture->topic));
  return member;
}

static Member
member_new (const KafkaFixture *fixture)
{
  return member_with_session (fixture, "6000");
}

static gsize
count (const Member *member)
{
  gsize sum = 0;

  for (gsize batch = 0; batch < weir_collected_n_batches (member->collected); batch++) {
    gsize n;

    weir_collected_values (member->collected, batch, &n);
    sum += n;
  }
  return sum;
}

static void
advance (const Member *member)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (member->ctx, 1, &error);
  g_assert_no_error (error);
}

/* Both members, until they have @n in all. */
static void
read_both (const Member *a, const Member *b, gsize n)
{
  gint64 deadline = g_get_monotonic_time () + WEIR_SECONDS (40);

  while (count (a) + (b != NULL ? count (b) : 0) < n && g_get_monotonic_time () < deadline) {
    advance (a);
    if (b != NULL)
      advance (b);
  }
  g_assert_cmpuint (count (a) + (b != NULL ? count (b) : 0), ==, n);
}

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
produce_and_advance (const KafkaFixture *fixture, const Member *a, const Member *b, gsize *n_produced)
{
  kafka_fixture_produce (fixture, 100, (KafkaProduce){ .n_partitions = 4 });
  *n_produced += 100;
  advance (a);
  advance (b);
}

/* A second member takes partitions over while records come in; none is lost, and none comes to both. Neither is thrown out,
 * however busy the machine is. */
static void
test_two_members_share_and_nothing_is_lost_or_doubled (KafkaFixture *fixture, gconstpointer data)
{
  gint64 deadline = g_get_monotonic_time () + WATCH_DEADLINE, until;
  Member a = member_with_session (fixture, "45000"), b;
  gsize n_produced = 400;
  Watch watch;

  watch_init (&watch);
  watch_catch_log (&watch);
  kafka_fixture_produce (fixture, 400, (KafkaProduce){ .n_partitions = 4 });
  read_both (&a, NULL, 400);
  b = member_with_session (fixture, "45000");
  while (count (&b) == 0 && g_get_monotonic_time () < deadline)
    produce_and_advance (fixture, &a, &b, &n_produced);
  g_assert_cmpuint (count (&b), >, 0);
  for (int round = 0; round < 5; round++)
    produce_and_advance (fixture, &a, &b, &n_produced);
  read_both (&a, &b, n_produced);
  until = g_get_monotonic_time () + WEIR_SECONDS (1); /* in which more could come */
  while (g_get_monotonic_time () < until) {
    advance (&a);
    advance (&b);
  }
  g_assert_cmpuint (count (&a) + count (&b), ==, n_produced);
  weir_context_free (a.ctx);
  weir_context_free (b.ctx);
  watch_clear (&watch);
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
  member = member_with_session (&own, "45000");
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
    { "a-member-stops-though-its-broker-stands-still", 1, test_a_member_stops_though_its_broker_stands_still },
    { "mistakes", 1, test_mistakes },
  };

  return kafka_tests_run (argc, argv, "/kafka-receiver/", tests, G_N_ELEMENTS (tests));
}
