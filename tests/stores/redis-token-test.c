/* The token: one holder at a time; a dead one is waited for as long as its lease is; who lost it is told by whom.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stores/redis-token.h"

#include <string.h>

#include <weir/error.h>

#include "tests/clients/redis-place.h"

#define LEASE      (2 * G_USEC_PER_SEC)
#define LONG_LEASE (120 * G_USEC_PER_SEC)

static const char set_script[] = WEIR_REDIS_GUARD "redis.call('APPEND', KEYS[2], ARGV[4])\n" WEIR_REDIS_GUARD_END;

static RedisPlace place;

static WeirRedisChannel *
candidate_for (const char *prefix, const char *name, gint64 lease)
{
  g_autofree char *uri = redis_place_uri (&place, NULL);
  WeirRedisOwner *owner = g_new0 (WeirRedisOwner, 1);
  WeirRedisChannel *channel = g_new0 (WeirRedisChannel, 1);

  owner->prefix = (char *) prefix;
  owner->id = owner->who = (char *) name;
  owner->lease = lease;
  channel->redis = weir_redis_new (&(WeirRedisSettings){ .uri = uri }, NULL);
  channel->owner = owner;
  channel->counter = "n";
  return channel;
}

static WeirRedisChannel *
candidate (const char *prefix, const char *name)
{
  return candidate_for (prefix, name, LEASE);
}

static void
candidate_free (WeirRedisChannel *channel)
{
  weir_redis_free (channel->redis);
  g_free ((gpointer) channel->owner);
  g_free (channel);
}

static void
take (WeirRedisChannel *channel)
{
  g_autoptr (GError) error = NULL;

  weir_redis_token_take (channel, NULL, &error);
  g_assert_no_error (error);
}

static gboolean
append (WeirRedisChannel *channel, const char *text, GError **error)
{
  weir_redis_token_begin (channel, set_script, (const char *const[]){ "value", NULL }, 1);
  weir_redis_add_text (channel->redis, text);
  return weir_redis_token_run (channel, error);
}

static void
expect_refused (WeirRedisChannel *channel, WeirError code, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (append (channel, "never", &error));
  g_assert_error (error, WEIR_ERROR, (gint) code);
  g_assert_nonnull (strstr (error->message, part));
  g_clear_error (&error);
  g_assert_false (weir_redis_token_renew (channel, &error));
  g_assert_error (error, WEIR_ERROR, (gint) code);
}

static void
expect_fenced (WeirRedisChannel *channel, const char *part)
{
  expect_refused (channel, WEIR_ERROR_FENCED, part);
}

static void
expect_value (const char *key, const char *expected)
{
  g_autofree char *value = redis_place_ask (&place, "GET", key, NULL);

  g_assert_cmpstr (value, ==, expected);
}

static void
test_a_dead_holder_is_waited_for (void)
{
  WeirRedisChannel *first = candidate ("dead", "first"), *second = candidate ("dead", "second");
  gint64 began = g_get_monotonic_time ();

  take (first);
  g_assert_true (append (first, "a", NULL));
  take (second);
  g_assert_cmpint (g_get_monotonic_time () - began, >, LEASE / 2);
  expect_fenced (first, "second took it over");
  g_assert_true (append (second, "b", NULL));
  weir_redis_token_release (first); /* what is not its own it does not give away */
  g_assert_true (append (second, "c", NULL));
  expect_value ("dead:value", "abc");
  candidate_free (first);
  candidate_free (second);
}

static void
test_what_is_given_back_is_taken_at_once (void)
{
  WeirRedisChannel *first = candidate_for ("given", "first", LONG_LEASE),
                   *second = candidate_for ("given", "second", LONG_LEASE);
  gint64 began = g_get_monotonic_time ();

  take (first);
  weir_redis_token_release (first);
  take (second);
  g_assert_cmpint (g_get_monotonic_time () - began, <, LONG_LEASE / 2);
  expect_fenced (first, "second took it over");
  candidate_free (first);
  candidate_free (second);
}

static void
await_end_of_lease (const char *key)
{
  gint64 deadline = g_get_monotonic_time () + 20 * LEASE;
  gboolean is_over = FALSE;

  while (!is_over) {
    g_autofree char *there = redis_place_ask (&place, "EXISTS", key, NULL);

    is_over = g_str_equal (there, "0");
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
  }
}

static void
test_who_overslept_goes_on_if_nobody_came (void)
{
  WeirRedisChannel *first = candidate ("late", "first");

  take (first);
  await_end_of_lease ("late:lease");
  g_assert_true (append (first, "a", NULL));
  g_assert_true (weir_redis_token_renew (first, NULL));
  expect_value ("late:value", "a");
  candidate_free (first);
}

/* A rival that could not go on, say. */
static void
test_who_overslept_is_told_of_a_rival_that_has_left (void)
{
  WeirRedisChannel *first = candidate ("left", "first"), *second = candidate ("left", "second");

  take (first);
  await_end_of_lease ("left:lease");
  take (second);
  weir_redis_token_release (second);
  expect_fenced (first, "second took it over");
  take (first);
  g_assert_true (append (first, "a", NULL));
  candidate_free (first);
  candidate_free (second);
}

static void
test_lost_data_is_told_from_a_rival (void)
{
  WeirRedisChannel *first = candidate ("lost", "first");

  take (first);
  g_free (redis_place_ask (&place, "DEL", "lost:owner", "lost:lease", NULL));
  expect_refused (first, WEIR_ERROR_CHECKPOINT_BEHIND, "the server has lost its data");
  candidate_free (first);
}

static void
test_what_comes_twice_is_done_once (void)
{
  WeirRedisChannel *first = candidate ("twice", "first");

  take (first);
  g_assert_true (append (first, "a", NULL));
  first->n_sent--; /* as if the reply had been lost */
  g_assert_true (append (first, "a", NULL));
  g_assert_true (append (first, "b", NULL));
  first->n_sent = 0; /* as if the network had kept it till now */
  g_assert_true (append (first, "a", NULL));
  expect_value ("twice:value", "ab");
  candidate_free (first);
}

static void
test_a_holder_without_end_is_no_dead_one (void)
{
  WeirRedisChannel *second = candidate ("endless", "second");
  g_autoptr (GError) error = NULL;

  g_free (redis_place_ask (&place, "SET", "endless:lease", "somebody", NULL));
  g_assert_false (weir_redis_token_take (second, NULL, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_LOCKED);
  candidate_free (second);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  if (!redis_place_start (&place))
    return 0;
  g_test_add_func ("/redis-token/a-dead-holder-is-waited-for", test_a_dead_holder_is_waited_for);
  g_test_add_func ("/redis-token/what-is-given-back-is-taken-at-once", test_what_is_given_back_is_taken_at_once);
  g_test_add_func ("/redis-token/who-overslept-goes-on-if-nobody-came", test_who_overslept_goes_on_if_nobody_came);
  g_test_add_func ("/redis-token/who-overslept-is-told-of-a-rival-that-has-left",
                   test_who_overslept_is_told_of_a_rival_that_has_left);
  g_test_add_func ("/redis-token/lost-data-is-told-from-a-rival", test_lost_data_is_told_from_a_rival);
  g_test_add_func ("/redis-token/what-comes-twice-is-done-once", test_what_comes_twice_is_done_once);
  g_test_add_func ("/redis-token/a-holder-without-end-is-no-dead-one", test_a_holder_without_end_is_no_dead_one);
  status = g_test_run ();
  redis_place_clear (&place);
  return status;
}
