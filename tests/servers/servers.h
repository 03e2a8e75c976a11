/* Real servers for tests in C: those that scripts/test keeps for the whole run, and private ones.
 *
 *   static void
 *   test_reads_a_topic (void)
 *   {
 *     const char *brokers = weir_test_brokers ();
 *     if (!brokers)
 *       return;                                       // skipped; in CI this has failed the test
 *     g_autofree char *topic = weir_test_topic_new (brokers, 4, "cleanup.policy=compact", NULL);
 *     weir_test_produce (brokers, topic, 0, "k1", "a line");
 *     weir_test_produce_numbered (brokers, topic, 1000, &(KafkaProduce){ .n_partitions = 4, .key_prefix = "k" });
 *     g_autoptr (GPtrArray) records = weir_test_consume (brokers, topic);         // of KafkaRecord, committed ones
 *     WeirTestServer *own = weir_test_server_start ("kafka", "--version", "3.9", "--set", "log.retention.ms=1000", NULL);
 *     weir_test_server_kill (own); weir_test_server_start_again (own); weir_test_server_free (own);
 *   }
 *
 * A test's programs are listed in `folder_kafka` or `folder_redis` of the folder's meson.build, which is their suite.
 * kafka-ops.h has what returns errors; the calls here end the test instead. Main thread only.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

#include "tests/servers/kafka-ops.h"

G_BEGIN_DECLS

/* "HOST:PORT" of the shared server; NULL after the running test was marked as skipped (failed where CI=true). */
const char *weir_test_brokers (void);
const char *weir_test_redis (void);

/* A new topic with a name of its own (transfer full); "name=value" settings follow, then NULL. */
char *weir_test_topic_new (const char *brokers, int n_partitions, ...) G_GNUC_NULL_TERMINATED;
/* One record, delivered when it returns; key may be NULL. */
void weir_test_produce (const char *brokers, const char *topic, int partition, const char *key, const char *value);
/* "line 0", "line 1" …; `how` may be NULL. */
void weir_test_produce_numbered (const char *brokers, const char *topic, gint64 n, const KafkaProduce *how);
/* All committed records: KafkaRecord, freed with the array. */
GPtrArray *weir_test_consume (const char *brokers, const char *topic);

/* A server of the test's own, "kafka" or "redis": options as `kafka.py run --help` and `redis.py run --help` list them.
 * NULL after the test was marked as skipped, as above. It is gone when it is freed, or when the test's process ends. */
typedef struct WeirTestServer WeirTestServer;
WeirTestServer *weir_test_server_start (const char *kind, ...) G_GNUC_NULL_TERMINATED;
void weir_test_server_free (WeirTestServer *server);
const char *weir_test_server_address (const WeirTestServer *server);
/* A listener of another kind of `kafka --tls --sasl`: "tls", "expired", "sasl"; or "ca", "other-ca": a file. */
const char *weir_test_server_get (const WeirTestServer *server, const char *name);

/* kill -9, SIGTERM and a wait for the end, start on the same port and data, SIGSTOP, SIGCONT. */
void weir_test_server_kill (WeirTestServer *server);
void weir_test_server_terminate (WeirTestServer *server);
void weir_test_server_start_again (WeirTestServer *server);
void weir_test_server_pause (WeirTestServer *server);
void weir_test_server_resume (WeirTestServer *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirTestServer, weir_test_server_free)

G_END_DECLS
