/* A producer that the Kafka outputs of one connection share: a handle, its topics, and what became of each record.
 *
 * The runner opens and closes it and waits for deliveries, with a checkpoint the checkpoint thread does; workers write.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <pthread.h>

#include "clients/kafka.h"
#include "engine/source.h"

typedef struct {
  char *name;
  rd_kafka_topic_t *handle;
  gint n_partitions; /* atomic: they may become more */
} WeirKafkaTopic;

typedef struct {
  /* Constant while it is open. */
  WeirKafka *kafka;
  WeirEngine *engine;
  const char *label;          /* of the output that it was opened for */
  const char *transaction_id; /* NULL: no transactions */
  guint transaction_timeout;  /* ms */
  rd_kafka_t *rk;

  gint64 began; /* monotonic: the open transaction; runner, while no task runs */

  guint64 n_written, n_done; /* atomic: handed to the client, and heard of again */
  gint has_broken;           /* atomic: the handle is of no use any more, what was written has to be written again */

  pthread_mutex_t topics_lock; /* held while a broker is asked */
  GHashTable *topics;          /* of WeirKafkaTopic by its name, under topics_lock */

  pthread_mutex_t lock;
  rd_kafka_resp_err_t failure; /* of the first record that was not delivered, under lock */
  char *failed;                /* which that was, under lock; NULL: none */
} WeirKafkaProducer;

/* @producer: zeroed. Waits for a broker, shortly or @is_patient. SINK, OPTION. */
gboolean weir_kafka_producer_open (WeirKafkaProducer *producer, gboolean is_patient, GError **error);
void weir_kafka_producer_close (WeirKafkaProducer *producer); /* what is not delivered is dropped */
/* Without transactions: another handle in the place of one that is broken. */
gboolean weir_kafka_producer_renew (WeirKafkaProducer *producer, GError **error);

/* The topic, which has to exist; owned by the producer. Any thread; may block when it is first asked for. */
WeirKafkaTopic *weir_kafka_producer_topic (WeirKafkaProducer *producer, const char *name, GError **error);
/* Tells the client, too, what brokers say of it now. Any thread; may block for a second. */
void weir_kafka_producer_ask_again (WeirKafkaProducer *producer, WeirKafkaTopic *topic);
gboolean weir_kafka_producer_has_partition (WeirKafkaProducer *producer, WeirKafkaTopic *topic, gint partition);

/* Waits for deliveries for a while. TRUE: all that was written is delivered, or has failed. */
gboolean weir_kafka_producer_flush (WeirKafkaProducer *producer, guint ms);
/* Since it was opened or counted anew: was each record delivered? */
gboolean weir_kafka_producer_check (WeirKafkaProducer *producer, GError **error);
void weir_kafka_producer_count_anew (WeirKafkaProducer *producer);
/* The client has given up for good. */
gboolean weir_kafka_producer_is_broken (const WeirKafkaProducer *producer);
/* Says why it has; FENCED only where that cannot have been the brokers' own doing. FALSE always. */
gboolean
weir_kafka_producer_fail (WeirKafkaProducer *producer, rd_kafka_resp_err_t code, const char *text, GError **error);
