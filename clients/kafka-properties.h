/* librdkafka's properties as a job gives them: from a file and from its code, for consumers, producers or both.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "clients/kafka-version.h"

typedef enum { WEIR_KAFKA_CONSUMER = 1, WEIR_KAFKA_PRODUCER = 2 } WeirKafkaRole;

typedef struct _WeirKafkaProperties WeirKafkaProperties;

WeirKafkaProperties *weir_kafka_properties_new (void);
void weir_kafka_properties_free (WeirKafkaProperties *properties);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirKafkaProperties, weir_kafka_properties_free)

/* @name may begin with "consumer." or "producer.". OPTION: unknown, not for a job to set, or a bad value; what is secret
 * is not in the message. */
gboolean
weir_kafka_properties_set (WeirKafkaProperties *properties, const char *name, const char *value, GError **error);
/* One name=value a line; empty lines and those that begin with # are none. */
gboolean weir_kafka_properties_read (WeirKafkaProperties *properties, const char *path, GError **error);

/* The last that was said, transfer full; NULL: nothing. A value `${env:NAME}` or `${file:PATH}` is taken from there, here
 * and below; where it leads nowhere this is NULL, too, and no handle can be made. */
char *weir_kafka_properties_get (const WeirKafkaProperties *properties, WeirKafkaRole role, const char *name);
/* Sets all that @role is given. */
gboolean weir_kafka_properties_apply (const WeirKafkaProperties *properties, WeirKafkaRole role, rd_kafka_conf_t *conf,
                                      GError **error);
