/* A topic and a group of a test's own on the real broker, and a folder for a checkpoint.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/sources/kafka-job.h"

typedef struct {
  const char *brokers; /* NULL: the test is skipped */
  char *topic, *group, *folder;
} KafkaFixture;

/* Topic and group where the spec names none. */
KafkaJob *kafka_fixture_job (const KafkaFixture *fixture, KafkaJobSpec spec);
void kafka_fixture_produce (const KafkaFixture *fixture, gint64 n, KafkaProduce how);
/* The group's offset of partition 0, as soon as it is @wanted; else the last that was found. */
gint64 kafka_fixture_await_group (const KafkaFixture *fixture, gint64 wanted);

/* The job has read lines 0 to n - 1, each once. */
void kafka_job_expect (KafkaJob *job, gint64 n);
/* The ranges of a partition follow one another from @from without a gap or an overlap; where they end. */
gint64 kafka_job_follow (const KafkaJob *job, int partition, gint64 from);

typedef struct {
  const char *name;
  gint n_partitions;
  void (*test) (KafkaFixture *fixture, gconstpointer data); /* not called where there is no broker */
} KafkaTest;

int kafka_tests_run (int argc, char **argv, const char *folder, const KafkaTest *tests, guint n);
