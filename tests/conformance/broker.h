/* A Kafka broker of a case's own topics: the one that WEIR_TEST_BROKERS names, or else one in memory, in this process.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "tests/conformance/kafka-input.h"

typedef struct {
  char *addresses;
  char *prefix;       /* of all names, so that no case meets another's */
  gpointer memory;    /* the broker in this process; NULL: a real one */
  GHashTable *ends;   /* "topic/partition" of the case -> how many records were written there that are read */
  guint n_partitions; /* of each topic */
} Broker;

/* FALSE: clear it then, too. */
gboolean broker_init (Broker *broker, guint n_partitions, GError **error);
void broker_clear (Broker *broker);
/* What a case's name is called there; transfer full. */
char *broker_name (const Broker *broker, const char *name);
gboolean broker_create (Broker *broker, const char *topic, GError **error);
/* Blocks until all is there. Transactions need a real one. */
gboolean broker_write (Broker *broker, const KafkaLines *lines, gboolean is_uncommitted_read, GError **error);
/* Reads all that is in a topic, as another reader would. */
void broker_look (const Broker *broker, const char *topic);
gint64 broker_end (const Broker *broker, const char *topic, guint partition);
