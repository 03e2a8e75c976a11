/* A connection to a Redis server: pipelines of commands, time-outs, and connecting again. Belongs to one thread at a
 * time; every call but new and free may block, within its time-outs.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

typedef struct _WeirRedis WeirRedis;
typedef struct redisReply WeirRedisReply;

typedef struct {
  const char *uri;           /* clients/redis-address.h */
  const char *password_file; /* nullable */
  gint64 connect_timeout;    /* microseconds; 0: 5 s */
  gint64 command_timeout;    /* of silence of the server; microseconds; 0: 10 s */
} WeirRedisSettings;

/* Does not connect yet. OPTION: the URI. */
WeirRedis *weir_redis_new (const WeirRedisSettings *settings, GError **error);
void weir_redis_free (WeirRedis *redis);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirRedis, weir_redis_free)

const char *weir_redis_name (const WeirRedis *redis);   /* for messages: without user and password */
const char *weir_redis_prefix (const WeirRedis *redis); /* of the URI; NULL: it has none */

/* Commands gather until they are run: weir_redis_begin (), then exactly so many arguments, the command's name first. */
void weir_redis_begin (WeirRedis *redis, guint n_arguments);
void weir_redis_add (WeirRedis *redis, gconstpointer data, gsize size);
void weir_redis_add_text (WeirRedis *redis, const char *text);
void weir_redis_add_number (WeirRedis *redis, guint64 number);
/* A whole command of texts, up to NULL. */
void weir_redis_command (WeirRedis *redis, ...) G_GNUC_NULL_TERMINATED;
gsize weir_redis_pending (const WeirRedis *redis); /* bytes gathered */

/* Sends what has gathered and takes all replies, which stay until the next run. Connects where there is no connection.
 *
 * A server that cannot be reached, or is loading its data, is tried again for @patience microseconds, with growing
 * pauses; then all commands are sent again, so that they must bear being run twice: 0 for those that do not. After a
 * failure the outcome is unknown, nothing is gathered any more, and the connection is closed.
 *
 * FALSE: no reply (SINK or TIMEOUT, both retriable), or one of the replies is an error: OPTION where it is about the
 * password or rights, SINK where it passes by itself, FAILED for the rest; weir_redis_refusal () is its text then. */
gboolean weir_redis_run (WeirRedis *redis, gint64 patience, GError **error);
const char *weir_redis_refusal (const WeirRedis *redis); /* NULL: no reply was an error */
void weir_redis_discard (WeirRedis *redis);              /* what has gathered */
void weir_redis_disconnect (WeirRedis *redis);

guint weir_redis_n_replies (const WeirRedis *redis);
const WeirRedisReply *weir_redis_reply (const WeirRedis *redis, guint i);
/* NULL if it is no text (nil, number, array). */
const char *weir_redis_reply_text (const WeirRedisReply *reply, gsize *size);
gboolean weir_redis_reply_number (const WeirRedisReply *reply, guint64 *number); /* also a text that is one */
gboolean weir_redis_reply_is_nil (const WeirRedisReply *reply);
guint weir_redis_reply_length (const WeirRedisReply *reply); /* of an array, else 0 */
const WeirRedisReply *weir_redis_reply_at (const WeirRedisReply *reply, guint i);
const char *
weir_redis_reply_setting (const WeirRedisReply *reply); /* of CONFIG GET with one name; "unknown": there is none */
