/* Owns the token: taking, waiting for, renewing, giving back, and refusing what lost it. Must not know what epochs are.
 * The threads of its callers. SPDX-License-Identifier: Apache-2.0
 */
#include "stores/redis-token.h"

#include <string.h>

#include <weir/error.h>

#define FENCED       "FENCED by " /* what scripts say, and who, if anybody */
#define LONGEST_WAIT (100 * 1000) /* between two looks at somebody else's lease */
#define SLACK        (50 * 1000)  /* by which two looks at one clock may differ */

/* KEYS: owner, lease, current, begun; ARGV: id, who, milliseconds. An empty reply: it is ours. */
static const char take_script[] =
    "local holder = redis.call('GET', KEYS[2])\n"
    "if holder and holder ~= ARGV[1] then\n"
    "  return {redis.call('HGET', KEYS[1], 'who') or '', redis.call('PTTL', KEYS[2])}\n"
    "end\n"
    "if redis.call('HGET', KEYS[1], 'id') ~= ARGV[1] then\n"
    "  redis.call('DEL', KEYS[1])\n"
    "  redis.call('HSET', KEYS[1], 'id', ARGV[1], 'who', ARGV[2])\n"
    "end\n"
    "redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])\n"
    "if redis.call('EXISTS', KEYS[3], KEYS[4]) == 0 then redis.call('SET', KEYS[3], '0') end\n"
    "return {}\n";

/* KEYS: owner, lease; ARGV: id, milliseconds. */
static const char renew_script[] =
    "local o = redis.call('HMGET', KEYS[1], 'id', 'who')\n"
    "if o[1] ~= ARGV[1] then return redis.error_reply('FENCED by ' .. (o[2] or '')) end\n"
    "redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])\n"
    "return 'DONE'\n";

/* Who it was stays: somebody who slept meanwhile learns that the checkpoint was not his any more. */
static const char release_script[] = "if redis.call('HGET', KEYS[1], 'id') == ARGV[1] then\n"
                                     "  redis.call('HDEL', KEYS[1], 'id')\n"
                                     "  redis.call('DEL', KEYS[2])\n"
                                     "end\n"
                                     "return 'DONE'\n";

static void
add_key (WeirRedisChannel *channel, const char *name)
{
  g_autofree char *key = g_strconcat (channel->owner->prefix, ":", name, NULL);

  weir_redis_add_text (channel->redis, key);
}

static void
begin_script (WeirRedisChannel *channel, const char *script, const char *const *keys, guint n_arguments)
{
  guint n_keys = g_strv_length ((char **) keys);

  weir_redis_begin (channel->redis, 3 + n_keys + n_arguments);
  weir_redis_add_text (channel->redis, "EVAL");
  weir_redis_add_text (channel->redis, script);
  weir_redis_add_number (channel->redis, n_keys);
  for (guint i = 0; i < n_keys; i++)
    add_key (channel, keys[i]);
}

void
weir_redis_token_begin (WeirRedisChannel *channel, const char *script, const char *const *keys, guint n_arguments)
{
  g_autoptr (GPtrArray) all = g_ptr_array_new ();

  g_ptr_array_add (all, (gpointer) "owner");
  for (; *keys != NULL; keys++)
    g_ptr_array_add (all, (gpointer) *keys);
  g_ptr_array_add (all, NULL);
  begin_script (channel, script, (const char *const *) all->pdata, 3 + n_arguments);
  weir_redis_add_text (channel->redis, channel->owner->id);
  weir_redis_add_text (channel->redis, channel->counter);
  weir_redis_add_number (channel->redis, ++channel->n_sent);
}

static void
set_fenced (const WeirRedisChannel *channel, const char *who, GError **error)
{
  g_clear_error (error);
  if (who[0] != '\0')
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_FENCED,
                 "the checkpoint %s (%s) is no longer this process's: %s took it over after checkpoint.lease: nothing "
                 "more is written there",
                 weir_redis_name (channel->redis), channel->owner->prefix, who);
  else
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_BEHIND,
                 "the checkpoint %s (%s) is no longer this process's: nobody holds it, so the server has lost its data "
                 "or somebody has removed it: nothing more is written there. Bring back the server's data; a start "
                 "without it begins anew",
                 weir_redis_name (channel->redis), channel->owner->prefix);
}

gboolean
weir_redis_token_run (WeirRedisChannel *channel, GError **error)
{
  g_autoptr (GError) cause = NULL;
  const char *refusal;

  if (weir_redis_run (channel->redis, channel->owner->lease, &cause))
    return TRUE;
  refusal = weir_redis_refusal (channel->redis);
  if (refusal != NULL && g_str_has_prefix (refusal, FENCED))
    set_fenced (channel, refusal + strlen (FENCED), &cause);
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

gboolean
weir_redis_token_renew (WeirRedisChannel *channel, GError **error)
{
  begin_script (channel, renew_script, (const char *const[]){ "owner", "lease", NULL }, 2);
  weir_redis_add_text (channel->redis, channel->owner->id);
  weir_redis_add_number (channel->redis, (guint64) (channel->owner->lease / 1000));
  return weir_redis_token_run (channel, error);
}

void
weir_redis_token_release (WeirRedisChannel *channel)
{
  begin_script (channel, release_script, (const char *const[]){ "owner", "lease", NULL }, 1);
  weir_redis_add_text (channel->redis, channel->owner->id);
  weir_redis_run (channel->redis, 0, NULL); /* if it fails the lease runs out by itself */
}

/* Somebody else's hold on it, as it was seen last. */
typedef struct {
  char *who;
  gint64 left; /* of the lease */
  gint64 seen; /* when it was that much, at the latest */
  gboolean is_renewed;
} Holder;

static void
note_holder (Holder *holder, const WeirRedisReply *reply, gint64 asked)
{
  const char *who = weir_redis_reply_text (weir_redis_reply_at (reply, 0), NULL);
  guint64 milliseconds = 0;
  gboolean runs_out = weir_redis_reply_number (weir_redis_reply_at (reply, 1), &milliseconds);
  gint64 left = (gint64) milliseconds * 1000;

  holder->is_renewed = !runs_out || (holder->who != NULL && left > holder->left - (asked - holder->seen) + SLACK) ||
                       (holder->who != NULL && who != NULL && !g_str_equal (who, holder->who));
  g_free (holder->who);
  holder->who = g_strdup (who != NULL && who[0] != '\0' ? who : "another process");
  holder->left = left;
  holder->seen = g_get_monotonic_time ();
}

/* TRUE: the server was asked; *is_ours says what it said. */
static gboolean
try_take (WeirRedisChannel *channel, Holder *holder, gboolean *is_ours, GError **error)
{
  gint64 asked = g_get_monotonic_time ();
  const WeirRedisReply *reply;

  begin_script (channel, take_script, (const char *const[]){ "owner", "lease", "current", "begun", NULL }, 3);
  weir_redis_add_text (channel->redis, channel->owner->id);
  weir_redis_add_text (channel->redis, channel->owner->who);
  weir_redis_add_number (channel->redis, (guint64) (channel->owner->lease / 1000));
  if (!weir_redis_run (channel->redis, channel->owner->lease, error))
    return FALSE;
  reply = weir_redis_reply (channel->redis, 0);
  *is_ours = weir_redis_reply_length (reply) < 2;
  if (!*is_ours)
    note_holder (holder, reply, asked);
  return TRUE;
}

static gboolean
refuse (const WeirRedisChannel *channel, const Holder *holder, GError **error)
{
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_LOCKED,
               "the checkpoint %s (%s) is in use by %s: stop that, or give this job another prefix",
               weir_redis_name (channel->redis), channel->owner->prefix, holder->who);
  return FALSE;
}

gboolean
weir_redis_token_take (WeirRedisChannel *channel, const WeirLog *log, GError **error)
{
  g_autofree char *who = NULL;
  Holder holder = { 0 };
  gboolean is_ours = FALSE, ok = TRUE;

  while (ok && !is_ours) {
    ok = try_take (channel, &holder, &is_ours, error);
    if (!ok || is_ours)
      break;
    if (who == NULL && log != NULL)
      weir_log (log, WEIR_LOG_INFO, "the checkpoint %s was held by %s: if that is dead, its lease ends in %.1f s",
                weir_redis_name (channel->redis), holder.who, (double) holder.left / G_USEC_PER_SEC);
    if (who == NULL)
      who = g_strdup (holder.who);
    if (holder.is_renewed)
      ok = refuse (channel, &holder, error);
    else
      g_usleep ((gulong) CLAMP (holder.left, 1000, LONGEST_WAIT));
  }
  g_free (holder.who);
  return ok;
}
