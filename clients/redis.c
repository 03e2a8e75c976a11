/* Owns the connection and what is sent over it. Must not know what the commands are for. One thread at a time.
 *
 * Commands are kept as the bytes that go out until all replies are there: so they can be sent again after connecting
 * again. hiredis only connects and reads: it would write in a way that can end the process (SIGPIPE).
 * SPDX-License-Identifier: Apache-2.0
 */
#include "clients/redis.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include <weir/error.h>

#include "clients/hiredis-version.h"
#include "clients/redis-address.h"

#define CONNECT_TIMEOUT (5 * G_USEC_PER_SEC)
#define COMMAND_TIMEOUT (10 * G_USEC_PER_SEC)
#define FIRST_PAUSE     (20 * 1000)
#define LONGEST_PAUSE   (1000 * 1000)
#define KEPT_BUFFER     (1 << 20)

struct _WeirRedis {
  WeirRedisAddress address;
  gint64 connect_timeout, command_timeout;
  redisContext *context; /* NULL: not connected */
  GByteArray *commands;
  guint n_commands;
  guint n_missing;    /* arguments of the command that is being added */
  GPtrArray *replies; /* of redisReply */
  char *refusal;
};

WeirRedis *
weir_redis_new (const WeirRedisSettings *settings, GError **error)
{
  WeirRedis *redis = g_new0 (WeirRedis, 1);

  if (!weir_redis_address_parse (&redis->address, settings->uri, settings->password_file, error)) {
    g_free (redis);
    return NULL;
  }
  redis->connect_timeout = settings->connect_timeout > 0 ? settings->connect_timeout : CONNECT_TIMEOUT;
  redis->command_timeout = settings->command_timeout > 0 ? settings->command_timeout : COMMAND_TIMEOUT;
  redis->commands = g_byte_array_new ();
  redis->replies = g_ptr_array_new_with_free_func (freeReplyObject);
  return redis;
}

void
weir_redis_disconnect (WeirRedis *redis)
{
  g_clear_pointer (&redis->context, redisFree);
}

void
weir_redis_free (WeirRedis *redis)
{
  weir_redis_disconnect (redis);
  weir_redis_address_clear (&redis->address);
  g_byte_array_unref (redis->commands);
  g_ptr_array_unref (redis->replies);
  g_free (redis->refusal);
  g_free (redis);
}

const char *
weir_redis_name (const WeirRedis *redis)
{
  return redis->address.name;
}

const char *
weir_redis_prefix (const WeirRedis *redis)
{
  return redis->address.prefix;
}

/* --- commands --- */

static void
put_header (GByteArray *out, char kind, gsize n)
{
  char text[32];
  int size = g_snprintf (text, sizeof text, "%c%" G_GSIZE_FORMAT "\r\n", kind, n);

  g_byte_array_append (out, (const guint8 *) text, (guint) size);
}

void
weir_redis_begin (WeirRedis *redis, guint n_arguments)
{
  g_assert (redis->n_missing == 0);
  put_header (redis->commands, '*', n_arguments);
  redis->n_missing = n_arguments;
  redis->n_commands++;
}

void
weir_redis_add (WeirRedis *redis, gconstpointer data, gsize size)
{
  g_assert (redis->n_missing > 0 && size <= G_MAXUINT / 2);
  put_header (redis->commands, '$', size);
  if (size > 0)
    g_byte_array_append (redis->commands, data, (guint) size);
  g_byte_array_append (redis->commands, (const guint8 *) "\r\n", 2);
  redis->n_missing--;
}

void
weir_redis_add_text (WeirRedis *redis, const char *text)
{
  weir_redis_add (redis, text, strlen (text));
}

void
weir_redis_add_number (WeirRedis *redis, guint64 number)
{
  char text[24];

  g_snprintf (text, sizeof text, "%" G_GUINT64_FORMAT, number);
  weir_redis_add_text (redis, text);
}

void
weir_redis_command (WeirRedis *redis, ...)
{
  const char *text;
  va_list texts;
  guint n = 0;

  va_start (texts, redis);
  while (va_arg (texts, const char *) != NULL)
    n++;
  va_end (texts);
  weir_redis_begin (redis, n);
  va_start (texts, redis);
  while ((text = va_arg (texts, const char *)) != NULL)
    weir_redis_add_text (redis, text);
  va_end (texts);
}

gsize
weir_redis_pending (const WeirRedis *redis)
{
  return redis->commands->len;
}

void
weir_redis_discard (WeirRedis *redis)
{
  if (redis->commands->len > KEPT_BUFFER) { /* a big one is not kept for ever */
    g_byte_array_unref (redis->commands);
    redis->commands = g_byte_array_new ();
  }
  g_byte_array_set_size (redis->commands, 0);
  redis->n_commands = 0;
  redis->n_missing = 0;
}

/* --- talking --- */

static struct timeval
to_timeval (gint64 time)
{
  return (struct timeval){ .tv_sec = time / G_USEC_PER_SEC, .tv_usec = time % G_USEC_PER_SEC };
}

static gboolean
fail (WeirRedis *redis, const char *what, int code, const char *why, GError **error)
{
  gboolean is_timeout = code == EAGAIN || code == EWOULDBLOCK || code == ETIMEDOUT || code == EINPROGRESS;

  if (is_timeout)
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_TIMEOUT,
                 "cannot %s %s: it does not answer: see that the server runs and can be reached", what,
                 redis->address.name);
  else
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "cannot %s %s: %s: see that the server runs and can be reached",
                 what, redis->address.name, why);
  weir_redis_disconnect (redis);
  return FALSE;
}

static gboolean
send_all (WeirRedis *redis, const guint8 *data, gsize size, GError **error)
{
  while (size > 0) {
    gssize n = send (redis->context->fd, data, size, MSG_NOSIGNAL);

    if (n < 0 && errno != EINTR)
      return fail (redis, "send to", errno, g_strerror (errno), error);
    data += MAX (n, 0);
    size -= (gsize) MAX (n, 0);
  }
  return TRUE;
}

static gboolean
take_reply (WeirRedis *redis, GError **error)
{
  gpointer reply = NULL;

  errno = 0;
  if (redisGetReply (redis->context, &reply) == REDIS_OK) {
    g_ptr_array_add (redis->replies, reply);
    return TRUE;
  }
  return fail (redis, "hear from", redis->context->err == REDIS_ERR_IO ? errno : 0, redis->context->errstr, error);
}

/* Of an error in the reply: which code it is. */
static int
judge (const char *text)
{
  static const char *const passing[] = {
    "LOADING", "BUSY",     "TRYAGAIN",    "MASTERDOWN", "MISCONF",
    "OOM",     "READONLY", "CLUSTERDOWN", "NOREPLICAS", "ERR max number of clients"
  };
  static const char *const rights[] = {
    "NOAUTH", "WRONGPASS", "NOPERM", "ERR invalid password", "ERR AUTH", "ERR Client sent AUTH", "ERR DB index"
  };

  for (gsize i = 0; i < G_N_ELEMENTS (passing); i++)
    if (g_str_has_prefix (text, passing[i]))
      return WEIR_ERROR_SINK;
  for (gsize i = 0; i < G_N_ELEMENTS (rights); i++)
    if (g_str_has_prefix (text, rights[i]))
      return WEIR_ERROR_OPTION;
  return WEIR_ERROR_FAILED;
}

static const char *
advice (int code)
{
  switch (code) {
  case WEIR_ERROR_OPTION:
    return "check the user, the password, their rights and the database's number";
  case WEIR_ERROR_SINK:
    return "it is tried again; if it stays, look at the server's log and memory";
  default:
    return "see that nobody else uses these keys, and that the server is a Redis of 6.0 or later";
  }
}

static const redisReply *
find_error (const redisReply *reply)
{
  const redisReply *found = NULL;

  if (reply->type == REDIS_REPLY_ERROR)
    return reply;
  if (reply->type != REDIS_REPLY_ARRAY)
    return NULL;
  for (gsize i = 0; i < reply->elements && found == NULL; i++)
    found = find_error (reply->element[i]);
  return found;
}

static gboolean
check_replies (WeirRedis *redis, GError **error)
{
  const redisReply *found = NULL;
  int code;

  for (guint i = 0; i < redis->replies->len && found == NULL; i++)
    found = find_error (g_ptr_array_index (redis->replies, i));
  if (found == NULL)
    return TRUE;
  redis->refusal = g_strndup (found->str, found->len);
  code = judge (redis->refusal);
  g_set_error (error, WEIR_ERROR, code, "%s refuses: %s: %s", redis->address.name, redis->refusal, advice (code));
  return FALSE;
}

static void
forget_replies (WeirRedis *redis)
{
  g_ptr_array_set_size (redis->replies, 0);
  g_clear_pointer (&redis->refusal, g_free);
}

/* Sends @n commands and takes as many replies. */
static gboolean
exchange (WeirRedis *redis, const GByteArray *commands, guint n, GError **error)
{
  forget_replies (redis);
  if (!send_all (redis, commands->data, commands->len, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (!take_reply (redis, error))
      return FALSE;
  return check_replies (redis, error);
}

/* What every connection begins with, beside what has gathered. */
static gboolean
log_in (WeirRedis *redis, GError **error)
{
  g_autoptr (GByteArray) waiting = g_steal_pointer (&redis->commands);
  guint n_waiting = redis->n_commands;
  const WeirRedisAddress *address = &redis->address;
  g_autofree char *db = g_strdup_printf ("%u", address->db);
  gboolean ok;

  redis->commands = g_byte_array_new ();
  redis->n_commands = 0;
  if (address->user != NULL)
    weir_redis_command (redis, "AUTH", address->user, address->password, NULL);
  else if (address->password != NULL)
    weir_redis_command (redis, "AUTH", address->password, NULL);
  weir_redis_command (redis, "SELECT", db, NULL);
  ok = exchange (redis, redis->commands, redis->n_commands, error);
  g_byte_array_unref (redis->commands);
  redis->commands = g_steal_pointer (&waiting);
  redis->n_commands = n_waiting;
  return ok;
}

static gboolean
connect_to (WeirRedis *redis, GError **error)
{
  if (redis->context != NULL)
    return TRUE;
  errno = 0;
  redis->context =
      redisConnectWithTimeout (redis->address.host, (int) redis->address.port, to_timeval (redis->connect_timeout));
  if (redis->context == NULL)
    return fail (redis, "connect to", 0, "no memory", error);
  if (redis->context->err != 0)
    return fail (redis, "connect to", redis->context->err == REDIS_ERR_IO ? errno : 0, redis->context->errstr, error);
  if (redisSetTimeout (redis->context, to_timeval (redis->command_timeout)) != REDIS_OK ||
      redisEnableKeepAlive (redis->context) != REDIS_OK)
    return fail (redis, "connect to", 0, redis->context->errstr, error);
  if (log_in (redis, error))
    return TRUE;
  weir_redis_disconnect (redis);
  return FALSE;
}

/* May the same commands be answered otherwise in a while? A reply that says no is an answer, unless the server only
 * begins to be there. */
static gboolean
is_worth_waiting (const WeirRedis *redis, const GError *error)
{
  return redis->refusal == NULL ? weir_error_is_retriable (error) : g_str_has_prefix (redis->refusal, "LOADING");
}

static gboolean
try_once (WeirRedis *redis, GError **error)
{
  return connect_to (redis, error) && exchange (redis, redis->commands, redis->n_commands, error);
}

gboolean
weir_redis_run (WeirRedis *redis, gint64 patience, GError **error)
{
  gint64 deadline = g_get_monotonic_time () + patience;
  gint64 pause = FIRST_PAUSE;
  g_autoptr (GError) cause = NULL;

  g_assert (redis->n_missing == 0);
  while (!try_once (redis, &cause)) {
    if (!is_worth_waiting (redis, cause) || g_get_monotonic_time () + pause > deadline)
      break;
    g_usleep ((gulong) pause);
    pause = MIN (2 * pause, LONGEST_PAUSE);
    g_clear_error (&cause);
  }
  weir_redis_discard (redis);
  if (cause == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

const char *
weir_redis_refusal (const WeirRedis *redis)
{
  return redis->refusal;
}

/* --- replies --- */

guint
weir_redis_n_replies (const WeirRedis *redis)
{
  return redis->replies->len;
}

const WeirRedisReply *
weir_redis_reply (const WeirRedis *redis, guint i)
{
  g_assert (i < redis->replies->len);
  return g_ptr_array_index (redis->replies, i);
}

const char *
weir_redis_reply_text (const WeirRedisReply *reply, gsize *size)
{
  if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS)
    return NULL;
  if (size != NULL)
    *size = reply->len;
  return reply->str;
}

gboolean
weir_redis_reply_number (const WeirRedisReply *reply, guint64 *number)
{
  const char *text = weir_redis_reply_text (reply, NULL);

  if (text != NULL)
    return g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT64, number, NULL);
  *number = (guint64) reply->integer;
  return reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0;
}

gboolean
weir_redis_reply_is_nil (const WeirRedisReply *reply)
{
  return reply->type == REDIS_REPLY_NIL;
}

guint
weir_redis_reply_length (const WeirRedisReply *reply)
{
  return reply->type == REDIS_REPLY_ARRAY ? (guint) reply->elements : 0;
}

const WeirRedisReply *
weir_redis_reply_at (const WeirRedisReply *reply, guint i)
{
  g_assert (i < weir_redis_reply_length (reply));
  return reply->element[i];
}

const char *
weir_redis_reply_setting (const WeirRedisReply *reply)
{
  const char *value =
      weir_redis_reply_length (reply) == 2 ? weir_redis_reply_text (weir_redis_reply_at (reply, 1), NULL) : NULL;

  return value != NULL ? value : "unknown";
}
