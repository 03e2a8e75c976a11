/* What a case wants written to topics: phases of lines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/conformance/case.h"

typedef enum { LINES_PLAIN, LINES_COMMITTED, LINES_ABORTED } LinesFate;

/* Lines that lie one behind the other, of one topic and one key. */
typedef struct {
  char *topic;
  gint32 partition; /* -1: they go round all partitions */
  char *key;        /* nullable */
  LinesFate fate;   /* of a transaction */
  GPtrArray *texts;
} KafkaLines;

typedef struct {
  GPtrArray *phases;  /* of GPtrArray of KafkaLines: what is written at a time */
  GPtrArray *topics;  /* names, each once */
  GPtrArray *wanted;  /* names that are subscribed to */
  gboolean is_short;  /* texts are written as "a x10": what is expected are the different ones */
  gboolean is_number; /* all are INTs */
  gboolean has_keys, has_transactions;
  guint n_partitions; /* of each topic */
} KafkaInput;

/* "topic/3" */
typedef struct {
  char *topic;
  gint32 partition;
} KafkaPlace;

gboolean kafka_place_parse (KafkaPlace *place, const char *text, GError **error);
void kafka_place_clear (KafkaPlace *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (KafkaPlace, kafka_place_clear)

/* FALSE: it is written in a way that is unknown; clear it then, too. */
gboolean kafka_input_init (KafkaInput *input, const Case *one, JsonObject *op, GError **error);
void kafka_input_clear (KafkaInput *input);
/* Does the operator read the topic? */
gboolean kafka_input_is_read (const KafkaInput *input, JsonObject *op, const char *topic, gint32 partition);
