/* What the clients of a connection have said lately: librdkafka reports a trouble to its log and to its errors, by every
 * client and at every try, and one who reads the job's log wants to know it once. Any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

typedef struct _WeirKafkaSaid WeirKafkaSaid;

WeirKafkaSaid *weir_kafka_said_new (void);
void weir_kafka_said_free (WeirKafkaSaid *said);

/* @text without the name of librdkafka's thread, a part of it; NULL: it has been said within half a minute of @now, in
 * microseconds of a clock that does not go back. */
const char *weir_kafka_said_news (WeirKafkaSaid *said, const char *text, gint64 now);

/* Why a broker could not be reached, for who learns only that none was. */
void weir_kafka_said_keep_reason (WeirKafkaSaid *said, const char *text);
/* The last of them; transfer full; NULL: none was kept. */
char *weir_kafka_said_reason (WeirKafkaSaid *said);
