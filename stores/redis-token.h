/* Whose a checkpoint in Redis is: a token that says so for good, and a lease that says until when nobody may take it.
 *
 * Whoever takes the token writes his id into <prefix>:owner; all that changes anything does so in a script that looks at
 * that first. So a process that slept through its lease goes on if nobody came, and touches nothing if somebody did.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "clients/redis.h"
#include "engine/log.h"

/* Constant while the store is open; shared by its threads. */
typedef struct {
  char *prefix; /* of all keys */
  char *id;     /* of this process's hold on it; NULL: read only */
  char *who;    /* "process 12 on host foo" */
  gint64 lease; /* microseconds */
} WeirRedisOwner;

/* A connection with a counter of its own: what the server gets late, because a connection broke, is told by its number
 * and left undone. Of one thread. */
typedef struct {
  WeirRedis *redis;
  const WeirRedisOwner *owner;
  const char *counter; /* its field in <prefix>:owner */
  guint64 n_sent;
} WeirRedisChannel;

/* Takes the token. A lease that runs out is waited for; CHECKPOINT_LOCKED: one that is renewed meanwhile. */
gboolean weir_redis_token_take (WeirRedisChannel *channel, const WeirLog *log, GError **error);
gboolean weir_redis_token_renew (WeirRedisChannel *channel, GError **error);
void weir_redis_token_release (WeirRedisChannel *channel);

/* Adds a script that runs only if the token is ours. @keys: up to NULL, without the prefix: KEYS[2], KEYS[3] … of
 * the script; @n_arguments are to be added by the caller: ARGV[4], ARGV[5] … The script ends in WEIR_REDIS_GUARD_END. */
void weir_redis_token_begin (WeirRedisChannel *channel, const char *script, const char *const *keys, guint n_arguments);
/* Runs what was added, within the lease. FENCED: the token is somebody else's. Refusals of the scripts' own are left to
 * the caller: weir_redis_refusal (). */
gboolean weir_redis_token_run (WeirRedisChannel *channel, GError **error);

#define WEIR_REDIS_GUARD                                                                                               \
  "local o = redis.call('HMGET', KEYS[1], 'id', ARGV[2], 'who')\n"                                                     \
  "if o[1] ~= ARGV[1] then return redis.error_reply('FENCED by ' .. (o[3] or '')) end\n"                               \
  "if tonumber(ARGV[3]) <= tonumber(o[2] or '0') then return 'DONE' end\n"
#define WEIR_REDIS_GUARD_END                                                                                           \
  "redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])\n"                                                                    \
  "return 'DONE'\n"
