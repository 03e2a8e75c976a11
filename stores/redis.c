/* The store redis://host:port/db?prefix=name. Of its keys, each after the prefix and a colon:
 *
 *   owner, lease   whose it is (stores/redis-token.c)
 *   current        the number of the sealed epoch
 *   epochs, begun  sorted sets of numbers: those with a manifest; all of which there is something
 *   epoch:<n>      a hash: pieces of blobs and of the manifest by their offset; "manifest": its offset and size
 *   plans:<n>      a list; their numbers are in the sorted set "planned"
 *
 * Owns epochs and plans. Must not know what blobs, manifests and plans say. Each change is one script, so it is done or
 * not done, and may be sent again. Threads: append_plan has a channel of its own, all else is of the calling thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stores/redis.h"

#include <unistd.h>

#include <weir/error.h>

#include "engine/kill-point.h"
#include "stores/redis-read.h"
#include "stores/redis-token.h"

#define DEFAULT_PREFIX "weir"
#define LEAST_TIMEOUT  (1000 * 1000)
#define MOST_TIMEOUT   (10 * 1000 * 1000)

typedef struct {
  WeirStore store;
  WeirRedisOwner owner;
  WeirRedisChannel channel;
  WeirRedisChannel plans;
  gboolean is_open;
  gboolean is_owner;
  gint64 renewed; /* when */
  guint64 sealed; /* that we know of: the server must not know less */
  guint64 epoch;  /* that is begun; 0: none */
  guint64 size;   /* of what was put */
  guint64 n_pieces;
} RedisStore;

#define OLD_CHECK                                                                                                      \
  "local n, current = tonumber(ARGV[4]), tonumber(redis.call('GET', KEYS[2]) or '0')\n"                                \
  "if n <= current then return redis.error_reply('OLD epoch') end\n"

/* KEYS[2 …]: current, epoch, epochs, begun; ARGV[4]: epoch. */
static const char begin_script[] =
    WEIR_REDIS_GUARD OLD_CHECK "redis.call('UNLINK', KEYS[3])\n"
                               "redis.call('ZREM', KEYS[4], ARGV[4])\n"
                               "redis.call('ZADD', KEYS[5], ARGV[4], ARGV[4])\n" WEIR_REDIS_GUARD_END;

static const char drop_script[] =
    WEIR_REDIS_GUARD OLD_CHECK "redis.call('UNLINK', KEYS[3])\n"
                               "redis.call('ZREM', KEYS[4], ARGV[4])\n"
                               "redis.call('ZREM', KEYS[5], ARGV[4])\n" WEIR_REDIS_GUARD_END;

/* KEYS[2]: epoch; ARGV[4 …]: offset, bytes. */
static const char put_script[] =
    WEIR_REDIS_GUARD "redis.call('HSET', KEYS[2], ARGV[4], ARGV[5])\n" WEIR_REDIS_GUARD_END;

/* KEYS[2 …]: current, epoch, epochs; ARGV[4 …]: epoch, pieces, place of the manifest. */
static const char prepare_script[] = WEIR_REDIS_GUARD OLD_CHECK
    "if redis.call('HLEN', KEYS[3]) ~= tonumber(ARGV[5]) then return redis.error_reply('LOST pieces') end\n"
    "redis.call('HSET', KEYS[3], 'manifest', ARGV[6])\n"
    "redis.call('ZADD', KEYS[4], ARGV[4], ARGV[4])\n" WEIR_REDIS_GUARD_END;

/* KEYS[2 …]: current, epochs; ARGV[4 …]: epoch, the one sealed before. */
static const char seal_script[] = WEIR_REDIS_GUARD
    "local n, current = tonumber(ARGV[4]), tonumber(redis.call('GET', KEYS[2]) or '0')\n"
    "if n < current then return redis.error_reply('OLD epoch') end\n"
    "if n > current then\n"
    "  if current ~= tonumber(ARGV[5]) then return redis.error_reply('BEHIND epoch') end\n"
    "  if not redis.call('ZSCORE', KEYS[3], ARGV[4]) then return redis.error_reply('MISSING epoch') end\n"
    "  redis.call('SET', KEYS[2], ARGV[4])\n"
    "end\n" WEIR_REDIS_GUARD_END;

/* KEYS[2 …]: current, epochs, begun, planned; ARGV[4 …]: newest that may go, prefix, those to keep. */
static const char forget_script[] =
    WEIR_REDIS_GUARD "local keep = {[redis.call('GET', KEYS[2]) or '0'] = true}\n"
                     "for i = 6, #ARGV do keep[ARGV[i]] = true end\n"
                     "local function forget(set, name)\n"
                     "  for _, n in ipairs(redis.call('ZRANGEBYSCORE', set, '-inf', ARGV[4])) do\n"
                     "    if not keep[n] then\n"
                     "      redis.call('ZREM', KEYS[3], n)\n"
                     "      redis.call('ZREM', set, n)\n"
                     "      redis.call('UNLINK', ARGV[5] .. name .. n)\n"
                     "    end\n"
                     "  end\n"
                     "end\n"
                     "forget(KEYS[4], ':epoch:')\n"
                     "forget(KEYS[5], ':plans:')\n" WEIR_REDIS_GUARD_END;

/* KEYS[2 …]: plans, planned; ARGV[4 …]: epoch, plan. */
static const char plan_script[] =
    WEIR_REDIS_GUARD "redis.call('RPUSH', KEYS[2], ARGV[5])\n"
                     "redis.call('ZADD', KEYS[3], ARGV[4], ARGV[4])\n" WEIR_REDIS_GUARD_END;

#define KEYS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static gboolean
set_error (RedisStore *self, int code, guint64 epoch, const char *what, GError **error)
{
  g_set_error (error, WEIR_ERROR, code, "epoch %" G_GUINT64_FORMAT " of the checkpoint %s (%s): %s", epoch,
               weir_redis_name (self->channel.redis), self->owner.prefix, what);
  return FALSE;
}

/* --- changes --- */

static gboolean
check_writable (RedisStore *self, guint64 epoch, GError **error)
{
  return self->is_owner ||
         set_error (self, WEIR_ERROR_FAILED, epoch, "cannot be changed: it was opened for reading", error);
}

/* What the scripts above say no with. FALSE: it is something else. */
static gboolean
explain (RedisStore *self, guint64 epoch, const char *refusal, GError **error)
{
  if (g_str_has_prefix (refusal, "OLD"))
    set_error (self, WEIR_ERROR_FAILED, epoch,
               "a newer one is sealed, or it is itself: this is a mistake of weir: please report it", error);
  else if (g_str_has_prefix (refusal, "LOST"))
    set_error (self, WEIR_ERROR_SINK, epoch,
               "the server has lost a part of it: it is written again; keep the server's appendonly yes and "
               "appendfsync always",
               error);
  else if (g_str_has_prefix (refusal, "MISSING"))
    set_error (self, WEIR_ERROR_CHECKPOINT_CORRUPT, epoch, "it is not there, and was to be sealed", error);
  else if (g_str_has_prefix (refusal, "BEHIND"))
    set_error (self, WEIR_ERROR_CHECKPOINT_BEHIND, epoch,
               "the server has lost the sealed epoch before it: keep its appendonly yes and appendfsync always; bring "
               "back the server's data, or begin anew with another prefix",
               error);
  else
    return FALSE;
  return TRUE;
}

static gboolean
run (RedisStore *self, guint64 epoch, GError **error)
{
  g_autoptr (GError) cause = NULL;
  const char *refusal;

  if (weir_redis_token_run (&self->channel, &cause))
    return TRUE;
  refusal = weir_redis_refusal (self->channel.redis);
  if (refusal == NULL || !explain (self, epoch, refusal, error))
    g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

static gboolean
redis_append_plan (WeirStore *store, guint64 epoch, gconstpointer data, gsize size, GError **error)
{
  RedisStore *self = (RedisStore *) store;
  g_autofree char *plans = weir_redis_number_key ("plans", epoch);

  if (!check_writable (self, epoch, error))
    return FALSE;
  weir_kill_point ("store-plan");
  weir_redis_token_begin (&self->plans, plan_script, KEYS (plans, "planned"), 2);
  weir_redis_add_number (self->plans.redis, epoch);
  weir_redis_add (self->plans.redis, data, size);
  if (!weir_redis_token_run (&self->plans, error))
    return FALSE;
  weir_kill_point ("store-plan-done");
  return TRUE;
}

static gboolean
change_epoch (RedisStore *self, const char *script, guint64 epoch, GError **error)
{
  g_autofree char *key = weir_redis_number_key ("epoch", epoch);

  weir_redis_token_begin (&self->channel, script, KEYS ("current", key, "epochs", "begun"), 1);
  weir_redis_add_number (self->channel.redis, epoch);
  return run (self, epoch, error);
}

static gboolean
redis_begin (WeirStore *store, guint64 epoch, GError **error)
{
  RedisStore *self = (RedisStore *) store;

  if (!check_writable (self, epoch, error))
    return FALSE;
  weir_redis_discard (self->channel.redis);
  self->epoch = 0;
  weir_kill_point ("store-begin");
  if (!change_epoch (self, begin_script, epoch, error))
    return FALSE;
  self->epoch = epoch;
  self->size = self->n_pieces = 0;
  return TRUE;
}

static gboolean
check_begun (RedisStore *self, GError **error)
{
  return self->epoch != 0 ||
         set_error (self, WEIR_ERROR_FAILED, 0,
                    "nothing can be added: none is begun, or a write to it failed: begin it again", error);
}

/* Sends what has gathered. After a failure the epoch has to be begun again. */
static gboolean
flush (RedisStore *self, GError **error)
{
  guint64 epoch = self->epoch;

  if (weir_redis_pending (self->channel.redis) == 0 || run (self, epoch, error))
    return TRUE;
  self->epoch = 0;
  return FALSE;
}

static gboolean
put_piece (RedisStore *self, const char *key, const guint8 *data, gsize size, GError **error)
{
  weir_redis_token_begin (&self->channel, put_script, KEYS (key), 2);
  weir_redis_add_number (self->channel.redis, self->size);
  weir_redis_add (self->channel.redis, data, size);
  self->size += size;
  self->n_pieces++;
  return weir_redis_pending (self->channel.redis) < WEIR_REDIS_PIECE || flush (self, error);
}

static gboolean
put_all (RedisStore *self, const guint8 *data, gsize size, GError **error)
{
  g_autofree char *key = weir_redis_number_key ("epoch", self->epoch);

  for (gsize at = 0; at < size; at += WEIR_REDIS_PIECE)
    if (!put_piece (self, key, data + at, MIN (size - at, WEIR_REDIS_PIECE), error))
      return FALSE;
  return TRUE;
}

static gboolean
redis_put (WeirStore *store, gconstpointer data, gsize size, WeirBlob *blob, GError **error)
{
  RedisStore *self = (RedisStore *) store;

  *blob = (WeirBlob){ .epoch = self->epoch, .offset = self->size, .size = size };
  if (!check_begun (self, error))
    return FALSE;
  weir_kill_point ("store-put");
  if (!put_all (self, data, size, error))
    return FALSE;
  weir_kill_point ("store-put-done");
  return TRUE;
}

static gboolean
finish (RedisStore *self, guint64 epoch, gsize manifest_size, GError **error)
{
  g_autofree char *key = weir_redis_number_key ("epoch", epoch);
  g_autofree char *place =
      g_strdup_printf ("%" G_GUINT64_FORMAT " %" G_GSIZE_FORMAT, self->size - manifest_size, manifest_size);

  weir_redis_token_begin (&self->channel, prepare_script, KEYS ("current", key, "epochs"), 3);
  weir_redis_add_number (self->channel.redis, epoch);
  weir_redis_add_number (self->channel.redis, self->n_pieces);
  weir_redis_add_text (self->channel.redis, place);
  return run (self, epoch, error);
}

static gboolean
redis_prepare (WeirStore *store, gconstpointer manifest, gsize size, GError **error)
{
  RedisStore *self = (RedisStore *) store;
  guint64 epoch = self->epoch;
  gboolean ok;

  if (!check_begun (self, error))
    return FALSE;
  weir_kill_point ("store-prepare");
  ok = put_all (self, manifest, size, error) && flush (self, error);
  if (ok)
    weir_kill_point ("store-prepare-manifest-done");
  ok = ok && finish (self, epoch, size, error);
  self->epoch = 0;
  if (ok)
    weir_kill_point ("store-prepare-done");
  return ok;
}

static gboolean
redis_seal (WeirStore *store, guint64 epoch, GError **error)
{
  RedisStore *self = (RedisStore *) store;

  if (!check_writable (self, epoch, error))
    return FALSE;
  weir_kill_point ("store-seal");
  weir_redis_token_begin (&self->channel, seal_script, KEYS ("current", "epochs"), 2);
  weir_redis_add_number (self->channel.redis, epoch);
  weir_redis_add_number (self->channel.redis, self->sealed);
  if (!run (self, epoch, error))
    return FALSE;
  self->sealed = epoch;
  weir_kill_point ("store-seal-done");
  return TRUE;
}

static gboolean
redis_drop_prepared (WeirStore *store, guint64 epoch, GError **error)
{
  RedisStore *self = (RedisStore *) store;

  weir_kill_point ("store-drop");
  return check_writable (self, epoch, error) && change_epoch (self, drop_script, epoch, error);
}

static gboolean
redis_forget (WeirStore *store, const guint64 *keep, gsize n, GError **error)
{
  RedisStore *self = (RedisStore *) store;

  if (!check_writable (self, self->sealed, error))
    return FALSE;
  weir_kill_point ("store-forget");
  weir_redis_token_begin (&self->channel, forget_script, KEYS ("current", "epochs", "begun", "planned"), 2 + (guint) n);
  weir_redis_add_number (self->channel.redis, self->sealed);
  weir_redis_add_text (self->channel.redis, self->owner.prefix);
  for (gsize i = 0; i < n; i++)
    weir_redis_add_number (self->channel.redis, keep[i]);
  return run (self, self->sealed, error);
}

/* Called often: the server is told so three times a lease. */
static gboolean
redis_renew (WeirStore *store, GError **error)
{
  RedisStore *self = (RedisStore *) store;
  gint64 now = g_get_monotonic_time ();

  if (!check_writable (self, self->sealed, error))
    return FALSE;
  if (now - self->renewed < self->owner.lease / 3)
    return TRUE;
  if (!flush (self, error) || !weir_redis_token_renew (&self->channel, error))
    return FALSE;
  self->renewed = now;
  return TRUE;
}

/* --- reading --- */

static gboolean
redis_list (WeirStore *store, GArray *epochs, GError **error)
{
  return weir_redis_read_epochs (&((RedisStore *) store)->channel, epochs, error);
}

static gboolean
redis_find (WeirStore *store, guint64 *sealed, guint64 *prepared, GError **error)
{
  RedisStore *self = (RedisStore *) store;
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint64 last;

  if (!weir_redis_read_current (&self->channel, sealed, epochs, error))
    return FALSE;
  self->sealed = *sealed;
  last = epochs->len > 0 ? g_array_index (epochs, guint64, epochs->len - 1) : 0;
  *prepared = last > *sealed ? last : 0;
  return TRUE;
}

/* What is missing is no damage if all is: the server may have lost its data since the last look, and another process may
 * have taken over and forgotten the epoch. The token tells; while it cannot be asked, nothing is known. */
static gboolean
find_cause (RedisStore *self, GError *found, GError **error)
{
  GError *loss = NULL;

  if (self->is_owner && g_error_matches (found, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT) &&
      !weir_redis_token_renew (&self->channel, &loss)) {
    g_error_free (found);
    found = loss;
  }
  g_propagate_error (error, found);
  return FALSE;
}

static gboolean
redis_read (WeirStore *store, const WeirBlob *blob, GByteArray *data, GError **error)
{
  RedisStore *self = (RedisStore *) store;
  GError *found = NULL;

  return weir_redis_read_blob (&self->channel, blob, data, &found) || find_cause (self, found, error);
}

static gboolean
redis_read_manifest (WeirStore *store, guint64 epoch, GByteArray *manifest, GError **error)
{
  RedisStore *self = (RedisStore *) store;
  GError *found = NULL;

  return weir_redis_read_manifest (&self->channel, epoch, manifest, &found) || find_cause (self, found, error);
}

static gboolean
redis_read_plans (WeirStore *store, guint64 epoch, GPtrArray *plans, GError **error)
{
  return weir_redis_read_plans (&((RedisStore *) store)->channel, epoch, plans, error);
}

static char *
redis_describe (WeirStore *store, guint64 epoch, const WeirBlob *blob)
{
  RedisStore *self = (RedisStore *) store;
  const char *name = weir_redis_name (self->channel.redis);

  if (blob == NULL)
    return g_strdup_printf ("%s, %s:epoch:%" G_GUINT64_FORMAT ", the manifest", name, self->owner.prefix, epoch);
  return g_strdup_printf ("%s, %s:epoch:%" G_GUINT64_FORMAT " at %" G_GUINT64_FORMAT, name, self->owner.prefix, epoch,
                          blob->offset);
}

/* --- opening --- */

static gboolean
connect_both (RedisStore *self, const WeirStoreSettings *settings, GError **error)
{
  gint64 timeout = CLAMP (settings->lease / 2, LEAST_TIMEOUT, MOST_TIMEOUT);
  WeirRedisSettings connection = { settings->uri, settings->password_file, timeout, timeout };

  self->channel = (WeirRedisChannel){ weir_redis_new (&connection, error), &self->owner, "n", 0 };
  if (self->channel.redis == NULL)
    return FALSE;
  self->plans = (WeirRedisChannel){ weir_redis_new (&connection, error), &self->owner, "n-plans", 0 };
  return self->plans.redis != NULL;
}

static void
redis_close (WeirStore *store)
{
  RedisStore *self = (RedisStore *) store;

  if (!self->is_open)
    return;
  self->is_open = FALSE;
  if (self->is_owner) {
    weir_redis_discard (self->channel.redis);
    weir_redis_token_release (&self->channel);
  }
  self->is_owner = FALSE;
  g_clear_pointer (&self->channel.redis, weir_redis_free);
  g_clear_pointer (&self->plans.redis, weir_redis_free);
  g_clear_pointer (&self->owner.prefix, g_free);
  g_clear_pointer (&self->owner.id, g_free);
  g_clear_pointer (&self->owner.who, g_free);
}

static gboolean
become_owner (RedisStore *self, const WeirLog *log, GError **error)
{
  guint64 sealed, prepared;

  self->owner.id = g_uuid_string_random ();
  self->owner.who = g_strdup_printf ("process %d on host %s", (int) getpid (), g_get_host_name ());
  if (!weir_redis_token_take (&self->channel, log, error))
    return FALSE;
  self->is_owner = TRUE;
  self->renewed = g_get_monotonic_time ();
  if (log != NULL)
    weir_redis_warn_of_settings (&self->channel, log);
  redis_find (&self->store, &sealed, &prepared, NULL); /* what is sealed; who needs it finds it again, with the error */
  return TRUE;
}

static gboolean
redis_open (WeirStore *store, const WeirStoreSettings *settings, GError **error)
{
  RedisStore *self = (RedisStore *) store;
  const char *prefix;

  self->is_open = TRUE;
  self->owner.lease = settings->lease;
  if (connect_both (self, settings, error)) {
    prefix = weir_redis_prefix (self->channel.redis);
    self->owner.prefix = g_strdup (prefix != NULL ? prefix : DEFAULT_PREFIX);
    if (settings->read_only || become_owner (self, settings->log, error))
      return TRUE;
  }
  redis_close (store);
  return FALSE;
}

const WeirStoreKlass weir_redis_store_class = {
  .scheme = "redis",
  .instance_size = sizeof (RedisStore),
  .open = redis_open,
  .find = redis_find,
  .list = redis_list,
  .read_manifest = redis_read_manifest,
  .read = redis_read,
  .read_plans = redis_read_plans,
  .describe = redis_describe,
  .append_plan = redis_append_plan,
  .begin = redis_begin,
  .put = redis_put,
  .prepare = redis_prepare,
  .seal = redis_seal,
  .drop_prepared = redis_drop_prepared,
  .forget = redis_forget,
  .renew = redis_renew,
  .close = redis_close,
};
