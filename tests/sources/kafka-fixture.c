/* Must not know what a test expects. SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/kafka-fixture.h"

#include <string.h>

static void
set_up (KafkaFixture *fixture, gconstpointer data)
{
  static gint n;

  fixture->brokers = weir_test_brokers ();
  if (fixture->brokers == NULL)
    return;
  fixture->topic = weir_test_topic_new (fixture->brokers, ((const KafkaTest *) data)->n_partitions, NULL);
  fixture->group = g_strdup_printf ("%s-group-%d", fixture->topic, n++);
  fixture->folder = g_dir_make_tmp ("weir-kafka-test-XXXXXX", NULL);
}

static void
tear_down (KafkaFixture *fixture, gconstpointer data)
{
  const char *argv[] = { "rm", "-rf", fixture->folder, NULL };

  if (fixture->folder != NULL)
    g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  g_free (fixture->topic);
  g_free (fixture->group);
  g_free (fixture->folder);
}

KafkaJob *
kafka_fixture_job (const KafkaFixture *fixture, KafkaJobSpec spec)
{
  spec.brokers = fixture->brokers;
  if (spec.topics == NULL)
    spec.topics = fixture->topic;
  if (spec.group == NULL)
    spec.group = fixture->group;
  return kafka_job_new (&spec);
}

void
kafka_fixture_produce (const KafkaFixture *fixture, gint64 n, KafkaProduce how)
{
  weir_test_produce_numbered (fixture->brokers, fixture->topic, n, &how);
}

gint64
kafka_fixture_await_group (const KafkaFixture *fixture, gint64 wanted)
{
  gint64 found = -1, deadline = g_get_monotonic_time () + WEIR_SECONDS (120);

  while (found != wanted && g_get_monotonic_time () < deadline)
    g_assert_true (kafka_ops_group_offset (fixture->brokers, fixture->group, fixture->topic, 0, &found, NULL, NULL));
  return found;
}

void
kafka_job_expect (KafkaJob *job, gint64 n)
{
  g_autofree char *found = kafka_job_values (job), *expected = kafka_numbered (0, n);

  g_assert_cmpstr (found, ==, expected);
}

/* The ranges of each partition follow one another without a gap or an overlap; where partition @n ends. */
gint64
kafka_job_follow (const KafkaJob *job, int partition, gint64 from)
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

static void
run_test (KafkaFixture *fixture, gconstpointer data)
{
  if (fixture->brokers != NULL)
    ((const KafkaTest *) data)->test (fixture, NULL);
}

int
kafka_tests_run (int argc, char **argv, const char *folder, const KafkaTest *tests, guint n)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < n; i++) {
    g_autofree char *path = g_strconcat (folder, tests[i].name, NULL);

    g_test_add (path, KafkaFixture, &tests[i], set_up, run_test, tear_down);
  }
  return g_test_run ();
}
