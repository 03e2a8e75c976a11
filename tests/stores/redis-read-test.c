/* Looking at a checkpoint in Redis: what is damaged is named by key and place; settings that lose data are warned of.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stores/redis-read.h"

#include <string.h>

#include <weir/error.h>

#include "tests/clients/redis-place.h"

typedef struct {
  RedisPlace place;
  WeirRedisOwner owner;
  WeirRedisChannel channel;
  GString *log;
} Fixture;

static GLogWriterOutput
catch_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  Fixture *f = data;

  for (gsize i = 0; i < n; i++)
    if (g_str_equal (fields[i].key, "MESSAGE"))
      g_string_append (f->log, fields[i].value);
  return G_LOG_WRITER_HANDLED;
}

static Fixture *current; /* GLib lets the writer be set once a process */

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  return current != NULL ? catch_log (level, fields, n, current) : G_LOG_WRITER_HANDLED;
}

static gboolean
set_up (Fixture *f)
{
  g_autofree char *uri = NULL;

  if (!redis_place_start (&f->place))
    return FALSE;
  uri = redis_place_uri (&f->place, NULL);
  f->owner = (WeirRedisOwner){ .prefix = (char *) "p", .lease = G_USEC_PER_SEC };
  f->channel.redis = weir_redis_new (&(WeirRedisSettings){ .uri = uri }, NULL);
  f->channel.owner = &f->owner;
  f->log = g_string_new (NULL);
  current = f;
  return TRUE;
}

static void
tear_down (Fixture *f)
{
  current = NULL;
  weir_redis_free (f->channel.redis);
  g_string_free (f->log, TRUE);
  redis_place_clear (&f->place);
}

#define ask(...) g_free (redis_place_ask (&f.place, __VA_ARGS__, NULL))

#define expect_corrupt(call, text)                                                                                     \
  do {                                                                                                                 \
    g_autoptr (GError) error = NULL;                                                                                   \
    g_assert_false (call);                                                                                             \
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);                                                 \
    if (strstr (error->message, text) == NULL)                                                                         \
      g_error ("no '%s' in: %s", text, error->message);                                                                \
  } while (0)

static void
test_damage_is_named (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));
  WeirBlob blob = { .epoch = 7, .offset = 10, .size = 3 };
  Fixture f = { 0 };
  guint64 sealed;

  if (!set_up (&f))
    return;
  expect_corrupt (weir_redis_read_manifest (&f.channel, 7, bytes, &error), "p:epoch:7 at 0: it does not say");
  ask ("HSET", "p:epoch:7", "manifest", "10 x");
  expect_corrupt (weir_redis_read_manifest (&f.channel, 7, bytes, &error), "p:epoch:7 at 0: it does not say");
  ask ("HSET", "p:epoch:7", "manifest", "0 99999999999999");
  expect_corrupt (weir_redis_read_manifest (&f.channel, 7, bytes, &error), "larger than anything");
  expect_corrupt (weir_redis_read_blob (&f.channel, &blob, bytes, &error), "p:epoch:7 at 10: there is no such piece");
  ask ("HSET", "p:epoch:7", "10", "ab");
  expect_corrupt (weir_redis_read_blob (&f.channel, &blob, bytes, &error), "p:epoch:7 at 10: it ends too early");
  ask ("HSET", "p:epoch:7", "10", "abcd");
  expect_corrupt (weir_redis_read_blob (&f.channel, &blob, bytes, &error), "p:epoch:7 at 10: it is too long");
  ask ("ZADD", "p:epochs", "7", "7");
  expect_corrupt (weir_redis_read_current (&f.channel, &sealed, epochs, &error), "p:current at 0: it is missing");
  ask ("SET", "p:current", "seven");
  expect_corrupt (weir_redis_read_current (&f.channel, &sealed, epochs, &error), "p:current at 0: it is no number");
  ask ("ZADD", "p:epochs", "8", "eight");
  expect_corrupt (weir_redis_read_epochs (&f.channel, epochs, &error), "p:epochs at 0");
  tear_down (&f);
}

static void
test_keys_of_others_are_an_error (void)
{
  g_autoptr (GArray) epochs = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_autoptr (GError) error = NULL;
  Fixture f = { 0 };

  if (!set_up (&f))
    return;
  ask ("SET", "p:epochs", "somebody's own");
  g_assert_false (weir_redis_read_epochs (&f.channel, epochs, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "nobody else uses these keys"));
  tear_down (&f);
}

static void
expect_warning (Fixture *f, const char *part)
{
  static const WeirLog log = { .name = "job", .level = WEIR_LOG_WARNING };

  g_string_truncate (f->log, 0);
  weir_redis_warn_of_settings (&f->channel, &log);
  if (part == NULL)
    g_assert_cmpstr (f->log->str, ==, "");
  else if (strstr (f->log->str, part) == NULL)
    g_error ("no '%s' in: %s", part, f->log->str);
}

static void
test_settings_that_lose_data_are_warned_of (void)
{
  Fixture f = { 0 };

  if (!set_up (&f))
    return;
  expect_warning (&f, NULL);
  ask ("CONFIG", "SET", "appendfsync", "everysec");
  expect_warning (&f, "(appendonly yes, appendfsync everysec)");
  ask ("CONFIG", "SET", "appendfsync", "always");
  ask ("CONFIG", "SET", "appendonly", "no");
  expect_warning (&f, "(appendonly no, appendfsync always)");
  ask ("CONFIG", "SET", "appendonly", "yes");
  ask ("CONFIG", "SET", "maxmemory", "100mb");
  expect_warning (&f, NULL);
  ask ("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
  expect_warning (&f, "maxmemory-policy allkeys-lru");
  ask ("ACL", "SETUSER", "default", "-config");
  expect_warning (&f, "does not say whether");
  tear_down (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_log_set_writer_func (write_log, NULL, NULL);
  g_test_add_func ("/redis-read/damage-is-named", test_damage_is_named);
  g_test_add_func ("/redis-read/keys-of-others-are-an-error", test_keys_of_others_are_an_error);
  g_test_add_func ("/redis-read/settings-that-lose-data-are-warned-of", test_settings_that_lose_data_are_warned_of);
  return g_test_run ();
}
