/* Owns looking at a checkpoint in Redis, and at the settings of its server. Must change nothing there. The thread of the
 * channel. SPDX-License-Identifier: Apache-2.0
 */
#include "stores/redis-read.h"

#include <weir/error.h>

static gboolean
corrupt (const WeirRedisChannel *channel, const char *key, guint64 offset, const char *why, GError **error)
{
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT, "%s, %s:%s at %" G_GUINT64_FORMAT ": %s",
               weir_redis_name (channel->redis), channel->owner->prefix, key, offset, why);
  return FALSE;
}

char *
weir_redis_number_key (const char *name, guint64 epoch)
{
  return g_strdup_printf ("%s:%" G_GUINT64_FORMAT, name, epoch);
}

static gboolean
look (WeirRedisChannel *channel, GError **error)
{
  return weir_redis_run (channel->redis, channel->owner->lease, error);
}

/* @more: up to NULL, what follows the key. */
static void
add_look (WeirRedisChannel *channel, const char *command, const char *key, const char *const *more)
{
  g_autofree char *full = g_strconcat (channel->owner->prefix, ":", key, NULL);

  weir_redis_begin (channel->redis, 2 + g_strv_length ((char **) more));
  weir_redis_add_text (channel->redis, command);
  weir_redis_add_text (channel->redis, full);
  for (; *more != NULL; more++)
    weir_redis_add_text (channel->redis, *more);
}

#define WITH(...) ((const char *const[]){ __VA_ARGS__, NULL })

static gboolean
take_epochs (const WeirRedisChannel *channel, const WeirRedisReply *reply, GArray *epochs, GError **error)
{
  guint64 epoch;

  for (guint i = 0; i < weir_redis_reply_length (reply); i++) {
    if (!weir_redis_reply_number (weir_redis_reply_at (reply, i), &epoch))
      return corrupt (channel, "epochs", 0, "something in it is no number of an epoch", error);
    g_array_append_val (epochs, epoch);
  }
  return TRUE;
}

gboolean
weir_redis_read_epochs (WeirRedisChannel *channel, GArray *epochs, GError **error)
{
  add_look (channel, "ZRANGE", "epochs", WITH ("0", "-1"));
  return look (channel, error) && take_epochs (channel, weir_redis_reply (channel->redis, 0), epochs, error);
}

gboolean
weir_redis_read_current (WeirRedisChannel *channel, guint64 *sealed, GArray *epochs, GError **error)
{
  const WeirRedisReply *reply;

  *sealed = 0;
  add_look (channel, "GET", "current", (const char *const[]){ NULL });
  add_look (channel, "ZRANGE", "epochs", WITH ("0", "-1"));
  if (!look (channel, error) || !take_epochs (channel, weir_redis_reply (channel->redis, 1), epochs, error))
    return FALSE;
  reply = weir_redis_reply (channel->redis, 0);
  if (weir_redis_reply_is_nil (reply))
    return epochs->len == 0 || corrupt (channel, "current", 0, "it is missing, and epochs are there", error);
  return weir_redis_reply_number (reply, sealed) ||
         corrupt (channel, "current", 0, "it is no number of an epoch", error);
}

static gboolean
read_piece (WeirRedisChannel *channel, const WeirBlob *piece, GByteArray *data, GError **error)
{
  g_autofree char *key = weir_redis_number_key ("epoch", piece->epoch);
  g_autofree char *field = g_strdup_printf ("%" G_GUINT64_FORMAT, piece->offset);
  const char *bytes;
  gsize size;

  add_look (channel, "HGET", key, WITH (field));
  if (!look (channel, error))
    return FALSE;
  bytes = weir_redis_reply_text (weir_redis_reply (channel->redis, 0), &size);
  if (bytes == NULL)
    return corrupt (channel, key, piece->offset, "there is no such piece any more", error);
  if (size != piece->size)
    return corrupt (channel, key, piece->offset, size < piece->size ? "it ends too early" : "it is too long", error);
  g_byte_array_append (data, (const guint8 *) bytes, (guint) size);
  return TRUE;
}

gboolean
weir_redis_read_blob (WeirRedisChannel *channel, const WeirBlob *blob, GByteArray *data, GError **error)
{
  g_byte_array_set_size (data, 0);
  if (blob->size > G_MAXUINT / 2 || blob->offset > G_MAXUINT64 / 2) {
    g_autofree char *key = weir_redis_number_key ("epoch", blob->epoch);

    return corrupt (channel, key, blob->offset, "it is said to be larger than anything there", error);
  }
  for (guint64 at = 0; at < blob->size; at += WEIR_REDIS_PIECE) {
    WeirBlob piece = { blob->epoch, blob->offset + at, MIN (blob->size - at, WEIR_REDIS_PIECE) };

    if (!read_piece (channel, &piece, data, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean
parse_place (const char *text, WeirBlob *place)
{
  g_auto (GStrv) parts = g_strsplit (text != NULL ? text : "", " ", 3);

  return g_strv_length (parts) == 2 &&
         g_ascii_string_to_unsigned (parts[0], 10, 0, G_MAXUINT64, &place->offset, NULL) &&
         g_ascii_string_to_unsigned (parts[1], 10, 0, G_MAXUINT64, &place->size, NULL);
}

gboolean
weir_redis_read_manifest (WeirRedisChannel *channel, guint64 epoch, GByteArray *manifest, GError **error)
{
  g_autofree char *key = weir_redis_number_key ("epoch", epoch);
  WeirBlob place = { .epoch = epoch };

  add_look (channel, "HGET", key, WITH ("manifest"));
  if (!look (channel, error))
    return FALSE;
  if (!parse_place (weir_redis_reply_text (weir_redis_reply (channel->redis, 0), NULL), &place))
    return corrupt (channel, key, 0, "it does not say where its manifest lies", error);
  return weir_redis_read_blob (channel, &place, manifest, error);
}

gboolean
weir_redis_read_plans (WeirRedisChannel *channel, guint64 epoch, GPtrArray *plans, GError **error)
{
  g_autofree char *key = weir_redis_number_key ("plans", epoch);
  const WeirRedisReply *reply;

  add_look (channel, "LRANGE", key, WITH ("0", "-1"));
  if (!look (channel, error))
    return FALSE;
  reply = weir_redis_reply (channel->redis, 0);
  for (guint i = 0; i < weir_redis_reply_length (reply); i++) {
    gsize size = 0;
    const char *bytes = weir_redis_reply_text (weir_redis_reply_at (reply, i), &size);

    g_ptr_array_add (plans, g_bytes_new (bytes, size));
  }
  return TRUE;
}

/* --- the server's settings --- */

static gboolean
ask_settings (WeirRedisChannel *channel, GError **error)
{
  WeirRedis *redis = channel->redis;

  weir_redis_command (redis, "CONFIG", "GET", "appendonly", NULL);
  weir_redis_command (redis, "CONFIG", "GET", "appendfsync", NULL);
  weir_redis_command (redis, "CONFIG", "GET", "maxmemory", NULL);
  weir_redis_command (redis, "CONFIG", "GET", "maxmemory-policy", NULL);
  return look (channel, error);
}

/* Nothing here stops the start: many a server is run so on purpose. */
void
weir_redis_warn_of_settings (WeirRedisChannel *channel, const WeirLog *log)
{
  WeirRedis *redis = channel->redis;
  const char *name = weir_redis_name (redis), *appends, *syncs, *limit, *policy;

  if (!ask_settings (channel, NULL)) {
    weir_log (log, WEIR_LOG_WARNING,
              "the checkpoint is in %s, which does not say whether it keeps what it was given: have its appendonly yes "
              "and appendfsync always",
              name);
    return;
  }
  appends = weir_redis_reply_setting (weir_redis_reply (redis, 0));
  syncs = weir_redis_reply_setting (weir_redis_reply (redis, 1));
  limit = weir_redis_reply_setting (weir_redis_reply (redis, 2));
  policy = weir_redis_reply_setting (weir_redis_reply (redis, 3));
  if (!g_str_equal (appends, "yes") || !g_str_equal (syncs, "always"))
    weir_log (log, WEIR_LOG_WARNING,
              "the checkpoint is in %s, which can lose a sealed epoch when it is killed or the power fails (appendonly "
              "%s, appendfsync %s): set appendonly yes and appendfsync always there",
              name, appends, syncs);
  if (!g_str_equal (limit, "0") && !g_str_equal (policy, "noeviction"))
    weir_log (log, WEIR_LOG_WARNING,
              "the checkpoint is in %s, which may drop parts of it when its memory is full (maxmemory-policy %s): set "
              "noeviction there",
              name, policy);
}
