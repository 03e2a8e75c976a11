/* What a partition of a topic has given and no batch has yet: records in blocks, in order of offset.
 *
 * Two threads touch a stage. The one that reads appends into its open block, which nobody else looks at, and now and
 * then publishes what it has appended; the loop's takes what is published. `lock` guards what is published; what was
 * published never changes. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <pthread.h>

#include <weir/kafka.h>

#include "clients/kafka-position.h"
#include "engine/memory.h"

/* One record in a block: this, its extras where the stage keeps them, the key, the value; all 8-aligned. */
typedef struct {
  guint32 size;       /* of all of it */
  guint32 key_size;   /* WEIR_KAFKA_NO_BYTES: there is no key */
  guint32 value_size; /* likewise */
  guint32 delta;      /* of the offset, from the block's first */
} WeirKafkaHead;

#define WEIR_KAFKA_NO_BYTES G_MAXUINT32

/* Behind the head: for functions that want to know. Headers lie behind the value: of each two guint32, the sizes, then
 * the name with its 0, then the value, 4-aligned. */
typedef struct {
  gint64 timestamp_ms;
  guint32 n_headers, headers_size;
} WeirKafkaExtras;

/* A record as it comes in. */
typedef struct {
  gint64 offset, timestamp_ms;
  gconstpointer key, value; /* NULL: none */
  gsize key_size, value_size;
  GByteArray *headers; /* NULL: none; as they lie in the block */
  guint n_headers;
} WeirKafkaIncoming;

/* Neighbours in one block. A piece without a block is a break: what follows begins at offset `base` anew. */
typedef struct {
  WeirBlock *block;    /* a reference */
  gint64 base;         /* the block's first offset */
  guint32 from, to;    /* bytes */
  guint32 last;        /* where the last record lies */
  gint64 timestamp_ms; /* of the last record */
  guint64 n;           /* records */
} WeirKafkaPiece;

/* What all stages of a source share. */
typedef struct {
  WeirMemory *memory;
  gboolean has_extras;
  gsize n_bytes; /* atomic: published and not taken, of all stages */
} WeirKafkaStaging;

typedef struct {
  WeirKafkaStaging *staging;
  pthread_mutex_t lock;

  guint block_size; /* the reading thread's: of the next block */
  WeirBlock *open;  /* its own, as all up to pending_until; NULL: none */
  gint64 open_base; /* of the open block */
  guint32 at;       /* in the open block: behind the last record */
  guint32 newest;   /* in the open block: the last record */
  gint64 newest_timestamp_ms;
  WeirKafkaPiece pending; /* appended, not published; n 0: nothing */
  gint64 pending_until;   /* offset behind what was read; like `until` */

  GArray *pieces; /* under lock: of WeirKafkaPiece */
  gint64 until;   /* under lock: everything before this offset is in pieces, or is no record */
  guint64 n;      /* under lock: records in pieces */
} WeirKafkaStage;

void weir_kafka_stage_init (WeirKafkaStage *stage, WeirKafkaStaging *staging);
void weir_kafka_stage_clear (WeirKafkaStage *stage);
/* Forgets everything; the next record is that of @next or a later one. Nobody reads. */
void weir_kafka_stage_reset (WeirKafkaStage *stage, gint64 next);

/* The reading thread. FALSE: no memory, nothing was appended. */
gboolean weir_kafka_stage_append (WeirKafkaStage *stage, const WeirKafkaIncoming *record);
/* All before @next was read and is no record. */
void weir_kafka_stage_skip (WeirKafkaStage *stage, gint64 next);
void weir_kafka_stage_publish (WeirKafkaStage *stage);
void weir_kafka_stage_break (WeirKafkaStage *stage, gint64 next); /* or whoever knows that nobody reads */

/* What a batch has of one partition. */
typedef struct {
  gint64 from, until;
  GArray *pieces; /* of WeirKafkaPiece; NULL: none */
  guint64 n;      /* records */
  gsize n_bytes;
  gboolean is_cut; /* the last piece ends before what was published together */
} WeirKafkaTaken;

void weir_kafka_taken_clear (WeirKafkaTaken *taken);
/* The loop. @from: where the partition stands. Up to @most records, or up to the offset @until. */
void weir_kafka_stage_take (WeirKafkaStage *stage, gint64 from, guint64 most, WeirKafkaTaken *taken);
void weir_kafka_stage_take_until (WeirKafkaStage *stage, gint64 from, gint64 until, WeirKafkaTaken *taken);
/* Has everything before @until been read, or is it lost? */
gboolean weir_kafka_stage_reaches (WeirKafkaStage *stage, gint64 until);
guint64 weir_kafka_stage_count (WeirKafkaStage *stage); /* records that could be taken */
gint64 weir_kafka_stage_until (WeirKafkaStage *stage);  /* all before this offset is published; any thread */

static inline const WeirKafkaHead *
weir_kafka_head_at (const WeirKafkaPiece *piece, guint32 at)
{
  return (const WeirKafkaHead *) (gconstpointer) (piece->block->data + at);
}

static inline gint64
weir_kafka_offset_at (const WeirKafkaPiece *piece, const WeirKafkaHead *head)
{
  return piece->base + head->delta;
}

static inline const char *
weir_kafka_key_of (const WeirKafkaHead *head, gboolean has_extras)
{
  return (const char *) (head + 1) + (has_extras ? sizeof (WeirKafkaExtras) : 0);
}

static inline gsize
weir_kafka_size_of (guint32 size)
{
  return size == WEIR_KAFKA_NO_BYTES ? 0 : size;
}

/* The last record that was appended; offset -1: it is not known. The reading thread, or whoever knows that nobody reads. */
WeirKafkaWitness weir_kafka_stage_newest (const WeirKafkaStage *stage);

guint64 weir_kafka_hash (gconstpointer key, gsize key_size, gconstpointer value, gsize value_size);
/* The last record of a piece. */
WeirKafkaWitness weir_kafka_piece_witness (const WeirKafkaPiece *piece, gboolean has_extras, gboolean is_cut);
