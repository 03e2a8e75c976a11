/* A job that reads topics of a real broker under the test's own clock, life after life.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/kafka.h>
#include <weir/test.h>
#include <weir/weir.h>

#include "tests/servers/servers.h"

typedef struct {
  const char *brokers, *group, *topics;
  const char *folder;  /* of the checkpoint; NULL: none */
  const char *on_loss; /* the option kafka.on.data.loss; NULL: as it is */
  const char *reset;   /* auto.offset.reset; NULL: earliest */
  WeirKafkaFunc f;     /* NULL: key and value */
  void (*build) (WeirKafka *kafka, WeirStream *stream, gconstpointer data); /* nullable: before the start */
  gconstpointer data;                                                       /* of build */
  const char *rate; /* the option kafka.max.rate.per.partition; nullable */
  WeirTime at;      /* where the clock stands */
} KafkaJobSpec;

typedef struct {
  WeirContext *ctx;
  WeirKafka *kafka;
  WeirCollected *collected;
  GPtrArray *ranges; /* one text a batch: "topic-0:0-10 topic-1:0-0" */
  GString *rejected; /* "reason: n" lines */
  guint n_hanging;   /* partitions, of the newest batch */
  gsize n_read;      /* values so far, of n_batches */
  gsize n_batches;
  GLogLevelFlags fatal; /* as it was before a failure was waited for; 0: none was */
} KafkaJob;

KafkaJob *kafka_job_new (const KafkaJobSpec *spec);
void kafka_job_free (KafkaJob *job);
/* Likewise; where the clock stood, for the next life. */
WeirTime kafka_job_end (KafkaJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (KafkaJob, kafka_job_free)

/* Runs batches until @n values have come in all; fails the test after 30 seconds. */
void kafka_job_read (KafkaJob *job, gsize n);
/* Runs batches until one fails; its error. */
GError *kafka_job_fail (KafkaJob *job);
/* Runs batches for @milliseconds, and expects no more values. */
void kafka_job_idle (KafkaJob *job, guint milliseconds);
/* The same while @span passes by the test's clock. */
void kafka_job_pass (KafkaJob *job, WeirTime span);
/* All values so far, one a line, sorted; transfer full. */
char *kafka_job_values (KafkaJob *job);
/* "line 3\nline 4": what weir_test_produce_numbered () writes, as values without keys, sorted. */
char *kafka_numbered (gint64 from, gint64 until);
