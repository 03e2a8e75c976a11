/* The direct source's inside: partitions, the handles that read them, and the thread that looks after both.
 *
 * Threads: the loop plans; a reader's thread takes what its handle gives; the keeper's does all that may block: assigns,
 * looks for new partitions, finds out what went wrong, commits. Each struct says whose its fields are.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/source.h"
#include "sources/backlog.h"
#include "sources/kafka-stage.h"
#include "sources/kafka-topics.h"

typedef struct _WeirKafkaSource WeirKafkaSource;
typedef struct _WeirKafkaReader WeirKafkaReader;
typedef struct _WeirKafkaKeeper WeirKafkaKeeper;

/* Choices of kafka.on.data.loss, in order. */
typedef enum { WEIR_KAFKA_LOSS_FAIL, WEIR_KAFKA_LOSS_EARLIEST, WEIR_KAFKA_LOSS_LATEST } WeirKafkaLossPolicy;

typedef struct {
  /* Constant. */
  char *topic;
  gint32 number;
  WeirKafkaReader *reader;
  WeirKafkaStage stage;

  /* Loop thread. */
  gint64 next; /* the first offset that no batch has */
  WeirKafkaWitness witness;
  gint64 end; /* where the log ends that a batch is waited for from, for good; G_MAXINT64: it is not known to */

  gint64 awaited; /* atomic, while source->is_awaited; the loop writes: records before this offset are waited for */

  gint is_read; /* atomic: who has what follows: the reader's thread, else the keeper's */
  gint64 expected;
  WeirKafkaWitness check; /* offset -1: nothing is to be checked */
  guint64 n_skipped;      /* offsets without a record: aborted, compacted, control records */
  gboolean is_touched;    /* the reader's: published next */
  rd_kafka_topic_t *rkt;  /* the reader's: what its messages carry */

  gint64 stands_at;         /* keeper: what was read up to, */
  gint64 stands_since;      /* monotonic; 0: nobody has looked */
  gboolean is_said_to_hang; /* atomic, the keeper writes: it stands behind an open transaction */

  gint64 retry_at;    /* keeper: monotonic */
  gint64 look_at;     /* keeper: monotonic: whether what is waited for is there; 0: nothing was */
  gint64 short_since; /* keeper: monotonic: so long there is less than is waited for; 0: there is not */
  gboolean is_left;   /* keeper: nothing is fetched of it */
} WeirKafkaPartition;

typedef enum {
  WEIR_KAFKA_OUT_OF_RANGE, /* nothing is there at the expected offset */
  WEIR_KAFKA_CHANGED,      /* what is there is another record than before */
  WEIR_KAFKA_GONE,         /* the brokers do not know the partition */
  WEIR_KAFKA_BROKEN,       /* what is there cannot be read */
  WEIR_KAFKA_AHEAD,        /* no trouble: there is no room for it now, while others are waited for */
} WeirKafkaTroubleKind;

typedef struct {
  WeirKafkaPartition *partition;
  WeirKafkaTroubleKind kind;
  rd_kafka_resp_err_t code;
} WeirKafkaTrouble;

struct _WeirKafkaSource {
  WeirSource source;

  /* The graph's; constant once it runs. */
  WeirKafka *kafka;
  WeirKafkaTopics topics;
  GArray *starts; /* of WeirKafkaPlace: weir_kafka_start_at () */
  WeirKafkaFunc f;
  gpointer user_data;
  gboolean was_open; /* it has been read before: brokers that are away come back */

  /* Constant while it is open. */
  char *cluster;
  WeirKafkaReader **readers;
  guint n_readers;
  WeirKafkaKeeper *keeper;
  WeirKafkaLossPolicy on_loss;

  /* Loop thread. */
  GPtrArray *partitions; /* of WeirKafkaPartition, none owned: in the order of the batches' partitions */
  WeirBacklog backlog;
  GError *unresolved; /* nobody can tell where to begin; NULL: all can */
  guint generation;   /* of openings: what was posted before the last one is stale */
  gboolean is_stopping, waits_for_room;
  gsize left_bytes; /* that rates left to later batches; 0: none */

  gint64 looked_at; /* keeper: monotonic: for transactions that hang */

  WeirKafkaStaging staging;
  GPtrArray *all; /* under lock: of WeirKafkaPartition, owned */

  pthread_mutex_t lock;
  pthread_cond_t room; /* something has changed for readers that hold back */
  gint quit;           /* atomic: readers end */
  gint is_awaited;     /* atomic: a batch waits for what is read */
  gsize hold_above;    /* atomic: staged bytes at which readers hold back */
};

static inline gboolean
weir_kafka_partition_is (const WeirKafkaPartition *partition, const char *topic, gint32 number)
{
  return partition->number == number && g_str_equal (partition->topic, topic);
}

/* sources/kafka-partitions.c */
WeirKafkaPartition *weir_kafka_partition_new (WeirKafkaSource *source, const char *topic, gint32 number);
void weir_kafka_partition_free (WeirKafkaPartition *partition);
WeirKafkaPartition *weir_kafka_find_partition (GPtrArray *partitions, const char *topic, gint32 number);

/* Where the unresolved partitions begin: start_at, then the group's offset, then the policy; with @is_new, where others
 * have been read before, at the beginning. May block; nothing runs. */
gboolean weir_kafka_resolve_starts (WeirKafkaSource *source, rd_kafka_t *rk, gboolean is_new, GError **error);
/* The first offset, and the one behind the last that may be read. May block. */
gboolean
weir_kafka_ask_bounds (rd_kafka_t *rk, const WeirKafkaPartition *partition, gint64 *low, gint64 *high, GError **error);
