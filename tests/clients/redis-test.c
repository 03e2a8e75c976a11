/* The connection to Redis, on a real server: pipelines, passwords, servers that die, sleep and come again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "clients/redis.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>

#include <weir/error.h>

#include "tests/clients/redis-place.h"

#define PATIENCE (120 * G_USEC_PER_SEC)

typedef struct {
  RedisPlace place;
  WeirRedis *redis; /* NULL: there is no server */
} Fixture;

static WeirRedis *
connection (const char *uri, gint64 timeout)
{
  g_autoptr (GError) error = NULL;
  WeirRedis *redis = weir_redis_new (
      &(WeirRedisSettings){ .uri = uri, .connect_timeout = timeout, .command_timeout = timeout }, &error);

  g_assert_no_error (error);
  return redis;
}

static void
set_up (Fixture *f, gconstpointer password)
{
  g_autofree char *uri = NULL;

  f->place.password = (char *) password;
  if (!redis_place_start (&f->place))
    return;
  uri = redis_place_uri (&f->place, NULL);
  f->redis = connection (uri, 5 * G_USEC_PER_SEC);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->redis, weir_redis_free);
  redis_place_clear (&f->place);
}

static void
run (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  weir_redis_run (f->redis, 0, &error);
  g_assert_no_error (error);
}

static void
expect_failure (Fixture *f, gint64 patience, int code, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_redis_run (f->redis, patience, &error));
  g_assert_error (error, WEIR_ERROR, code);
  if (strstr (error->message, part) == NULL || strstr (error->message, "secret") != NULL)
    g_error ("no '%s' in: %s", part, error->message);
  g_assert_cmpuint (weir_redis_pending (f->redis), ==, 0);
}

static void
expect_text (Fixture *f, guint i, const char *expected)
{
  gsize size;
  const char *text = weir_redis_reply_text (weir_redis_reply (f->redis, i), &size);

  g_assert_cmpmem (text, size, expected, strlen (expected));
}

static void
test_replies_come_in_order (Fixture *f, gconstpointer data)
{
  guint64 number;

  if (f->redis == NULL)
    return;
  weir_redis_command (f->redis, "SET", "key", "17", NULL);
  weir_redis_command (f->redis, "GET", "key", NULL);
  weir_redis_command (f->redis, "GET", "nothing", NULL);
  weir_redis_command (f->redis, "INCR", "key", NULL);
  weir_redis_command (f->redis, "MGET", "key", "nothing", NULL);
  run (f);
  g_assert_cmpuint (weir_redis_n_replies (f->redis), ==, 5);
  expect_text (f, 0, "OK");
  expect_text (f, 1, "17");
  g_assert_true (weir_redis_reply_number (weir_redis_reply (f->redis, 1), &number));
  g_assert_true (weir_redis_reply_is_nil (weir_redis_reply (f->redis, 2)));
  g_assert_true (weir_redis_reply_number (weir_redis_reply (f->redis, 3), &number));
  g_assert_cmpuint (number, ==, 18);
  g_assert_cmpuint (weir_redis_reply_length (weir_redis_reply (f->redis, 4)), ==, 2);
  g_assert_true (weir_redis_reply_is_nil (weir_redis_reply_at (weir_redis_reply (f->redis, 4), 1)));
}

static void
test_bytes_come_back_as_they_are (Fixture *f, gconstpointer data)
{
  gsize size = 20 * 1000 * 1000, n;
  g_autofree char *bytes = g_malloc (size);
  const char *found;

  if (f->redis == NULL)
    return;
  for (gsize i = 0; i < size; i++)
    bytes[i] = (char) (i * 31 >> 3);
  weir_redis_begin (f->redis, 3);
  weir_redis_add_text (f->redis, "SET");
  weir_redis_add (f->redis, "a\r\n\0b", 5);
  weir_redis_add (f->redis, bytes, size);
  weir_redis_begin (f->redis, 2);
  weir_redis_add_text (f->redis, "GET");
  weir_redis_add (f->redis, "a\r\n\0b", 5);
  run (f);
  found = weir_redis_reply_text (weir_redis_reply (f->redis, 1), &n);
  g_assert_cmpuint (n, ==, size);
  g_assert_true (memcmp (found, bytes, size) == 0);
}

static void
test_long_pipelines_do_not_stall (Fixture *f, gconstpointer data)
{
  if (f->redis == NULL)
    return;
  for (guint i = 0; i < 100000; i++)
    weir_redis_command (f->redis, "INCR", "count", NULL);
  weir_redis_command (f->redis, "GET", "count", NULL);
  run (f);
  expect_text (f, 100000, "100000");
}

static void
test_refusals_are_told_from_failures (Fixture *f, gconstpointer data)
{
  if (f->redis == NULL)
    return;
  weir_redis_command (f->redis, "SET", "key", "text", NULL);
  weir_redis_command (f->redis, "INCR", "key", NULL);
  weir_redis_command (f->redis, "GET", "key", NULL);
  expect_failure (f, PATIENCE, WEIR_ERROR_FAILED, "not an integer");
  g_assert_true (g_str_has_prefix (weir_redis_refusal (f->redis), "ERR value is not"));
  expect_text (f, 2, "text"); /* the connection is as good as before */
  weir_redis_command (f->redis, "MULTI", NULL);
  weir_redis_command (f->redis, "INCR", "key", NULL);
  weir_redis_command (f->redis, "EXEC", NULL);
  expect_failure (f, PATIENCE, WEIR_ERROR_FAILED, "not an integer"); /* inside of the reply of EXEC */
  weir_redis_command (f->redis, "PING", NULL);
  run (f);
  g_assert_null (weir_redis_refusal (f->redis));
}

static void
test_password_is_given (Fixture *f, gconstpointer data)
{
  if (f->redis == NULL)
    return;
  weir_redis_command (f->redis, "PING", NULL);
  run (f);
  expect_text (f, 0, "PONG");
}

static void
test_a_wrong_password_is_not_tried_again (Fixture *f, gconstpointer data)
{
  g_autofree char *uri = g_strdup_printf ("redis://:secret@127.0.0.1:%u", f->place.port);
  gint64 began = g_get_monotonic_time ();

  if (f->redis == NULL)
    return;
  weir_redis_free (f->redis);
  f->redis = connection (uri, PATIENCE);
  weir_redis_command (f->redis, "PING", NULL);
  expect_failure (f, PATIENCE, WEIR_ERROR_OPTION, "password");
  g_assert_cmpint (g_get_monotonic_time () - began, <, PATIENCE / 2);
}

static void
test_nobody_there_is_retriable (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  if (f->redis == NULL)
    return;
  redis_place_kill (&f->place);
  weir_redis_command (f->redis, "PING", NULL);
  g_assert_false (weir_redis_run (f->redis, 100 * 1000, &error));
  g_assert_true (weir_error_is_retriable (error));
  g_assert_nonnull (strstr (error->message, "cannot connect to redis://127.0.0.1:"));
}

static gpointer
get_with_patience (gpointer data)
{
  GError *error = NULL;

  weir_redis_run (data, PATIENCE, &error);
  return error;
}

static void
test_a_restarted_server_is_found_again (Fixture *f, gconstpointer data)
{
  gpointer error;
  pthread_t thread;

  if (f->redis == NULL)
    return;
  weir_redis_command (f->redis, "SET", "key", "kept", NULL);
  run (f);
  redis_place_kill (&f->place);
  weir_redis_command (f->redis, "GET", "key", NULL);
  g_assert_cmpint (pthread_create (&thread, NULL, get_with_patience, f->redis), ==, 0);
  redis_place_restart (&f->place);
  g_assert_cmpint (pthread_join (thread, &error), ==, 0);
  g_assert_no_error ((GError *) error);
  expect_text (f, 0, "kept");
}

static void
test_without_patience_nothing_is_sent_twice (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  if (f->redis == NULL)
    return;
  weir_redis_command (f->redis, "PING", NULL);
  run (f);
  redis_place_kill (&f->place);
  redis_place_restart (&f->place);
  weir_redis_command (f->redis, "INCR", "count", NULL);
  g_assert_false (weir_redis_run (f->redis, 0, &error)); /* over the connection that is gone; SIGPIPE ends nobody */
  g_assert_true (weir_error_is_retriable (error));
  weir_redis_command (f->redis, "INCR", "count", NULL);
  run (f);
  weir_redis_command (f->redis, "GET", "count", NULL);
  run (f);
  expect_text (f, 0, "1");
}

static void
test_a_server_that_sleeps_runs_into_the_time_out (Fixture *f, gconstpointer data)
{
  g_autofree char *uri = redis_place_uri (&f->place, NULL);

  if (f->redis == NULL)
    return;
  weir_redis_free (f->redis);
  f->redis = connection (uri, 50 * 1000);
  weir_redis_command (f->redis, "PING", NULL);
  g_assert_true (weir_redis_run (f->redis, PATIENCE, NULL)); /* a busy machine's server may take longer, too */
  redis_place_pause (&f->place);
  weir_redis_command (f->redis, "PING", NULL);
  expect_failure (f, 0, WEIR_ERROR_TIMEOUT, "does not answer");
  redis_place_resume (&f->place);
  weir_redis_command (f->redis, "PING", NULL);
  g_assert_true (weir_redis_run (f->redis, PATIENCE, NULL));
}

#define add(name, password, test) g_test_add ("/redis/" name, Fixture, password, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("replies-come-in-order", NULL, test_replies_come_in_order);
  add ("bytes-come-back-as-they-are", NULL, test_bytes_come_back_as_they_are);
  add ("long-pipelines-do-not-stall", NULL, test_long_pipelines_do_not_stall);
  add ("refusals-are-told-from-failures", NULL, test_refusals_are_told_from_failures);
  add ("password-is-given", "a-password", test_password_is_given);
  add ("a-wrong-password-is-not-tried-again", "a-password", test_a_wrong_password_is_not_tried_again);
  add ("nobody-there-is-retriable", NULL, test_nobody_there_is_retriable);
  add ("a-restarted-server-is-found-again", NULL, test_a_restarted_server_is_found_again);
  add ("without-patience-nothing-is-sent-twice", NULL, test_without_patience_nothing_is_sent_twice);
  add ("a-server-that-sleeps-runs-into-the-time-out", NULL, test_a_server_that_sleeps_runs_into_the_time_out);
  return g_test_run ();
}
