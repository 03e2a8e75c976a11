/* What a checkpoint in Redis holds, for who looks. stores/redis.c says which keys there are.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/store.h"
#include "stores/redis-token.h"

#define WEIR_REDIS_PIECE                                                                                               \
  ((guint64) 4 << 20) /* bytes of a field: far below the 512 MB that it may have, and soon sent */

char *weir_redis_number_key (const char *name, guint64 epoch); /* "name:epoch" */

/* All of these wait for the server as long as the lease is; CHECKPOINT_CORRUPT names the key. */
gboolean
weir_redis_read_epochs (WeirRedisChannel *channel, GArray *epochs, GError **error); /* prepared ones, in order */
gboolean weir_redis_read_current (WeirRedisChannel *channel, guint64 *sealed, GArray *epochs, GError **error);
gboolean weir_redis_read_blob (WeirRedisChannel *channel, const WeirBlob *blob, GByteArray *data, GError **error);
gboolean weir_redis_read_manifest (WeirRedisChannel *channel, guint64 epoch, GByteArray *manifest, GError **error);
gboolean weir_redis_read_plans (WeirRedisChannel *channel, guint64 epoch, GPtrArray *plans, GError **error);

/* Logs a warning where the server may lose what it was given. */
void weir_redis_warn_of_settings (WeirRedisChannel *channel, const WeirLog *log);
