/* weir_redis_hash_output (): pairs as the fields of a hash in Redis; with a checkpoint each epoch exactly once.
 *
 * Owns what a hash is given and how an epoch is told to have been given already: beside the hash there is a key with the
 * number of the last one, written in the same transaction. Must not know connections: those are clients/redis.c's.
 * Workers encode, each its own partition; the runner gathers; without a checkpoint it also writes, else the checkpoint
 * thread does. SPDX-License-Identifier: Apache-2.0
 */
#include <weir/redis.h>

#include <string.h>

#include <weir/error.h>

#include "clients/redis.h"
#include "engine/checkpoint.h"
#include "engine/decider.h"
#include "engine/frame.h"
#include "engine/kill-point.h"
#include "engine/stream.h"
#include "sinks/redis-pairs.h"

#define FIELDS_AT_ONCE 500 /* of one HSET */
#define PATIENCE       (5 * G_USEC_PER_SEC)

typedef struct {
  char *uri, *hash;
  WeirRedisMode mode;
  WeirRedis *redis;        /* while the job runs */
  WeirRedisPairs gathered; /* of the open epoch; runner */
  gboolean has_batches;    /* there was one since the last cut */
} Params;

/* --- gathering, on the runner --- */

static void
forget_gathered (Params *params)
{
  weir_redis_pairs_clear (&params->gathered);
  weir_redis_pairs_init (&params->gathered);
  params->has_batches = FALSE;
}

static gboolean
gather (WeirOutput *output, WeirDataset *data, GError **error)
{
  Params *params = output->params;

  if (params->mode == WEIR_REDIS_REPLACE)
    forget_gathered (params); /* of an epoch's batches the last counts */
  if (!weir_redis_pairs_add_dataset (&params->gathered, data, output->label, error))
    return FALSE;
  params->has_batches = TRUE;
  return TRUE;
}

/* --- writing --- */

static void
add_fields (WeirRedis *redis, const char *hash, WeirTaker *taker, guint64 n)
{
  weir_redis_begin (redis, 2 + 2 * (guint) n);
  weir_redis_add_text (redis, "HSET");
  weir_redis_add_text (redis, hash);
  for (guint64 i = 0; i < 2 * n; i++) {
    gsize size;
    const guint8 *bytes = weir_take_bytes (taker, &size);

    weir_redis_add (redis, bytes, size);
  }
}

/* The commands that make a hash what it is to be. */
static void
add_commands (WeirRedis *redis, const char *hash, WeirRedisMode mode, WeirTaker *taker, guint64 n)
{
  if (mode == WEIR_REDIS_REPLACE)
    weir_redis_command (redis, "DEL", hash, NULL);
  for (guint64 at = 0; at < n; at += FIELDS_AT_ONCE)
    add_fields (redis, hash, taker, MIN (n - at, FIELDS_AT_ONCE));
}

/* Without a checkpoint: at once; it may be sent twice, which changes nothing. */
static gboolean
write_now (WeirOutput *output, GError **error)
{
  Params *params = output->params;
  WeirTaker taker;

  weir_taker_init (&taker, params->gathered.bytes->data, params->gathered.bytes->len);
  weir_redis_command (params->redis, "MULTI", NULL);
  add_commands (params->redis, params->hash, params->mode, &taker, params->gathered.n);
  weir_redis_command (params->redis, "EXEC", NULL);
  forget_gathered (params);
  return weir_redis_run (params->redis, PATIENCE, error);
}

static gboolean
hash_run (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error)
{
  return gather (output, data, error) && (output->is_sealed || write_now (output, error));
}

/* --- sealing --- */

static gpointer
hash_cut (WeirOutput *output)
{
  Params *params = output->params;

  if (!params->has_batches || (params->mode == WEIR_REDIS_MERGE && params->gathered.n == 0))
    return NULL;
  params->has_batches = FALSE;
  return weir_redis_pairs_steal (&params->gathered);
}

/* All that a commit needs, whatever the job's code says then; the address alone is the job's. */
typedef struct {
  char *epoch_key, *uuid, *hash;
  WeirRedisMode mode;
  guint64 n;
  WeirTaker pairs;
} Note;

static gboolean
hash_prepare (WeirOutput *output, gpointer gathered, guint64 epoch, GByteArray *note, GError **error)
{
  const Params *params = output->params;
  WeirRedisPairs *pairs = gathered;
  g_autofree char *identity = weir_output_identity (output);
  g_autofree char *epoch_key =
      g_strdup_printf ("weir:epoch:%s:%s:%s", weir_engine_job_name (output->engine), identity, params->hash);

  weir_put_string (note, epoch_key);
  weir_put_string (note, output->engine->checkpoint->uuid);
  weir_put_string (note, params->hash);
  weir_put_u32 (note, params->mode);
  weir_put_u64 (note, pairs->n);
  g_byte_array_append (note, pairs->bytes->data, pairs->bytes->len);
  weir_redis_pairs_free (pairs);
  return TRUE;
}

static void
note_clear (Note *note)
{
  g_free (note->epoch_key);
  g_free (note->uuid);
  g_free (note->hash);
}

static gboolean
note_take (Note *note, gconstpointer data, gsize size, GError **error)
{
  WeirTaker all;

  weir_taker_init (&note->pairs, data, size);
  note->epoch_key = weir_take_string (&note->pairs);
  note->uuid = weir_take_string (&note->pairs);
  note->hash = weir_take_string (&note->pairs);
  note->mode = weir_take_u32 (&note->pairs);
  note->n = weir_take_u64 (&note->pairs);
  all = note->pairs;
  for (guint64 i = 0; i < 2 * note->n && !all.has_failed; i++)
    weir_take_bytes (&all, &size);
  if (weir_taker_is_done (&all))
    return TRUE;
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT,
                       "the note of a Redis output does not fit its size");
  return FALSE;
}

/* The epoch that was last written, "<uuid of the checkpoint> <epoch>": of another checkpoint: none. */
static guint64
parse_epoch (const Note *note, const WeirRedisReply *reply)
{
  const char *text = weir_redis_reply_text (reply, NULL);
  gsize size = strlen (note->uuid);
  guint64 epoch = 0;

  if (text == NULL || strncmp (text, note->uuid, size) != 0 || text[size] != ' ')
    return 0;
  g_ascii_string_to_unsigned (text + size + 1, 10, 0, G_MAXUINT64, &epoch, NULL);
  return epoch;
}

/* Looks at the epoch's key, and has the server watch it: the transaction fails if somebody changes it meanwhile. */
static gboolean
watch_epoch (Params *params, const Note *note, guint64 *written, GError **error)
{
  WeirRedis *redis = params->redis;
  const char *type;

  weir_redis_command (redis, "WATCH", note->epoch_key, NULL);
  weir_redis_command (redis, "GET", note->epoch_key, NULL);
  weir_redis_command (redis, "TYPE", note->hash, NULL);
  if (!weir_redis_run (redis, PATIENCE, error))
    return FALSE;
  *written = parse_epoch (note, weir_redis_reply (redis, 1));
  type = weir_redis_reply_text (weir_redis_reply (redis, 2), NULL);
  if (note->mode == WEIR_REDIS_REPLACE || g_str_equal (type, "hash") || g_str_equal (type, "none"))
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED,
               "%s: the key %s is no hash but a %s: remove it, or name another hash", weir_redis_name (redis),
               note->hash, type);
  return FALSE;
}

static gboolean
write_epoch (Params *params, Note *note, guint64 epoch, GError **error)
{
  g_autofree char *value = g_strdup_printf ("%s %" G_GUINT64_FORMAT, note->uuid, epoch);
  WeirRedis *redis = params->redis;
  guint last;

  weir_redis_command (redis, "MULTI", NULL);
  add_commands (redis, note->hash, note->mode, &note->pairs, note->n);
  weir_redis_command (redis, "SET", note->epoch_key, value, NULL);
  weir_redis_command (redis, "EXEC", NULL);
  weir_kill_point ("redis-commit");
  if (!weir_redis_run (redis, 0, error)) /* what came of it is seen at the key, the next time */
    return FALSE;
  weir_kill_point ("redis-commit-done");
  last = weir_redis_n_replies (redis) - 1;
  if (!weir_redis_reply_is_nil (weir_redis_reply (redis, last)))
    return TRUE;
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "%s: somebody else wrote %s meanwhile", weir_redis_name (redis),
               note->epoch_key);
  return FALSE;
}

static gboolean
commit_note (WeirOutput *output, guint64 epoch, Note *note, GError **error)
{
  Params *params = output->params;
  guint64 written;

  if (!watch_epoch (params, note, &written, error))
    return FALSE;
  if (written < epoch)
    return write_epoch (params, note, epoch, error);
  weir_redis_command (params->redis, "UNWATCH", NULL);
  return weir_redis_run (params->redis, 0, error);
}

static gboolean
hash_commit (WeirOutput *output, guint64 epoch, gconstpointer data, gsize size, GError **error)
{
  Note note = { 0 };
  gboolean ok = note_take (&note, data, size, error) && commit_note (output, epoch, &note, error);

  note_clear (&note);
  return ok;
}

static void
hash_abort (WeirOutput *output)
{
  forget_gathered (output->params);
}

/* --- life --- */

/* What a server without a log forgets, the checkpoint believes to be there: of that only the newest epoch comes again. */
static void
warn_of_settings (const WeirOutput *output, WeirRedis *redis)
{
  const char *appends = "unknown", *syncs = "unknown";

  weir_redis_command (redis, "CONFIG", "GET", "appendonly", NULL);
  weir_redis_command (redis, "CONFIG", "GET", "appendfsync", NULL);
  if (weir_redis_run (redis, 0, NULL)) {
    appends = weir_redis_reply_setting (weir_redis_reply (redis, 0));
    syncs = weir_redis_reply_setting (weir_redis_reply (redis, 1));
  }
  if (!g_str_equal (appends, "yes") || !g_str_equal (syncs, "always"))
    weir_log (weir_engine_log (output->engine), WEIR_LOG_WARNING,
              "%s: %s can lose what was written there when it is killed or the power fails (appendonly %s, appendfsync "
              "%s), and the checkpoint takes it to be there: set appendonly yes and appendfsync always",
              output->label, weir_redis_name (redis), appends, syncs);
}

static gboolean
hash_open (WeirOutput *output, GError **error)
{
  Params *params = output->params;
  WeirRedisSettings settings = {
    .uri = params->uri,
    .password_file = weir_options_string (weir_engine_options (output->engine), WEIR_OPTION_REDIS_PASSWORD_FILE),
  };

  params->redis = weir_redis_new (&settings, error);
  if (params->redis == NULL)
    return FALSE;
  weir_redis_command (params->redis, "PING", NULL);
  if (!weir_redis_run (params->redis, 0, error))
    return FALSE;
  if (output->is_sealed)
    warn_of_settings (output, params->redis);
  return TRUE;
}

static void
hash_close (WeirOutput *output)
{
  Params *params = output->params;

  g_clear_pointer (&params->redis, weir_redis_free);
  forget_gathered (params);
}

static gboolean
hash_validate (WeirOutput *output, GError **error)
{
  const Params *params = output->params;

  if (params->hash[0] != '\0')
    return TRUE;
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_GRAPH, "has no name of a hash: give it one");
  return FALSE;
}

static void
params_clear (gpointer data)
{
  Params *params = data;

  weir_redis_pairs_clear (&params->gathered);
  g_free (params->uri);
  g_free (params->hash);
}

static const WeirOutputClass hash_class = {
  .verb = "redis_hash_output",
  .validate = hash_validate,
  .run = hash_run,
  .params_clear = params_clear,
  .open = hash_open,
  .close = hash_close,
  .cut = hash_cut,
  .prepare = hash_prepare,
  .commit = hash_commit,
  .abort = hash_abort,
};

/**
 * weir_redis_hash_output:
 * @s: a stream of pairs (field, value)
 * @uri: the server: `redis://[user:password@]host:port/db`; the password may be in the file that the option
 *   `redis.password.file` names
 * @hash: the key of the hash, which this output alone should write
 * @mode: %WEIR_REDIS_MERGE sets the batch's fields and leaves the others; %WEIR_REDIS_REPLACE makes the hash equal to the
 *   batch: fields that it does not have are gone, and after an empty batch so is the hash
 *
 * Writes each batch into a hash of a Redis server. TEXT and BYTES go out as they are, all else as weir_to_string() writes
 * it; of two equal fields in a batch the later one counts, in order of partition.
 *
 * With a checkpoint each epoch is written exactly once, when it is sealed, in one transaction: what a batch changes is
 * seen all at once or not at all, even if the job is killed. A key `weir:epoch:…` beside the hash remembers the last
 * epoch; who removes it has the newest epoch written once more. Of the batches of an epoch that replace the hash only the
 * last is written. Without a checkpoint each batch is written in one transaction as it ends, and once more if the job
 * runs it again. What is gathered until the seal may have up to 1 GiB. With a checkpoint a warning at the start tells of a
 * server that can lose what it was given (`appendonly`, `appendfsync`): of that only the newest epoch would come again.
 *
 * Called while the graph is built. Workers encode; the writing blocks the runner, or with a checkpoint the checkpoint
 * thread, for as long as the server takes. A server that cannot be reached fails the start; while the job runs it is
 * tried again: for a few seconds without a checkpoint, after which the batch fails, else until it is there.
 *
 * Errors: %WEIR_ERROR_OPTION for a bad address or password, %WEIR_ERROR_GRAPH for an empty @hash, %WEIR_ERROR_SINK and
 * %WEIR_ERROR_TIMEOUT where the server does not do it, %WEIR_ERROR_KIND for an element that is no pair,
 * %WEIR_ERROR_FAILED where the key is no hash, %WEIR_ERROR_MEMORY_LIMIT beyond 1 GiB.
 *
 * Returns: (transfer none): the output; owned by the context
 */
WeirOutput *
weir_redis_hash_output (WeirStream *s, const char *uri, const char *hash, WeirRedisMode mode)
{
  Params *params = g_new0 (Params, 1);

  params->uri = g_strdup (uri != NULL ? uri : "");
  params->hash = g_strdup (hash != NULL ? hash : "");
  params->mode = mode;
  weir_redis_pairs_init (&params->gathered);
  return weir_output_new (s, &hash_class, params);
}
