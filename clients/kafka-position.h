/* Where a job stands in the topics of one cluster, as bytes: what a checkpoint keeps of a source, and what a transaction
 * commits under the group.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

/* The newest record before `next`: tells a topic from another one of the same name. */
typedef struct {
  gint64 offset; /* -1: it is not known */
  gint64 timestamp_ms;
  guint64 hash; /* of key and value */
} WeirKafkaWitness;

#define WEIR_KAFKA_UNRESOLVED G_GINT64_CONSTANT (-1) /* nobody could tell yet where to begin */

typedef struct {
  char *topic;
  gint32 partition;
  gint64 next; /* the first offset that is not done; or WEIR_KAFKA_UNRESOLVED */
  WeirKafkaWitness witness;
} WeirKafkaPlace;

typedef struct {
  char *cluster; /* "": not known */
  char *group;
  GArray *places; /* of WeirKafkaPlace */
} WeirKafkaPosition;

WeirKafkaPosition *weir_kafka_position_new (const char *cluster, const char *group);
void weir_kafka_position_free (WeirKafkaPosition *position);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirKafkaPosition, weir_kafka_position_free)

void weir_kafka_position_add (WeirKafkaPosition *position, const char *topic, gint32 partition, gint64 next,
                              const WeirKafkaWitness *witness);
/* NULL: it has none. */
const WeirKafkaPlace *weir_kafka_position_find (const WeirKafkaPosition *position, const char *topic, gint32 partition);
#define weir_kafka_position_place(position, i) (&g_array_index ((position)->places, WeirKafkaPlace, (i)))

void weir_kafka_position_encode (const WeirKafkaPosition *position, GByteArray *out);
/* Do the bytes begin as a position does? */
gboolean weir_kafka_position_is (gconstpointer data, gsize size);
/* CHECKPOINT_CORRUPT: they do not fit together. */
WeirKafkaPosition *weir_kafka_position_decode (gconstpointer data, gsize size, GError **error);
