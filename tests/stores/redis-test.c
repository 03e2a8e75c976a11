/* The store of Redis servers, on a real one: what every store does, leases, lost data, restarts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <unistd.h>

#include <weir/error.h>

#include "tests/clients/redis-place.h"
#include "tests/stores/suite.h"

static RedisPlace place; /* for the tests that all stores share: they take prefixes of their own */

static char *
make_place (void)
{
  static guint n;
  g_autofree char *prefix = g_strdup_printf ("suite-%u", ++n);

  return redis_place_uri (&place, prefix);
}

static void
take_over (const char *uri)
{
  g_autofree char *key = g_strconcat (strstr (uri, "prefix=") + strlen ("prefix="), ":owner", NULL);

  g_free (redis_place_ask (&place, "DEL", key, NULL));
  g_free (redis_place_ask (&place, "HSET", key, "id", "another", "who", "process 1 on host elsewhere", NULL));
}

static const SuiteKind redis_kind = { "redis", make_place, take_over, NULL };

#define ask(...) g_free (redis_place_ask (&place, __VA_ARGS__, NULL))

static WeirStore *
open_with_two_epochs (const char *prefix)
{
  g_autofree char *uri = redis_place_uri (&place, prefix);
  g_autoptr (GError) error = NULL;
  WeirStore *store = script_open (uri, &error);

  g_assert_no_error (error);
  g_assert_true (script_write_epoch (store, 1, NULL, &error));
  g_assert_true (script_write_epoch (store, 2, NULL, &error));
  return store;
}

static void
test_a_lost_sealed_epoch_is_told (void)
{
  WeirStore *store = open_with_two_epochs ("behind");
  g_autoptr (GError) error = NULL;

  ask ("SET", "behind:current", "1"); /* as after a power cut without appendfsync always */
  g_assert_false (script_write_epoch (store, 3, NULL, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_BEHIND);
  g_assert_nonnull (strstr (error->message, "appendfsync always"));
  script_close (store);
}

static void
test_reading_tells_a_loss_of_all_from_damage (void)
{
  WeirStore *store = open_with_two_epochs ("all");
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) error = NULL;

  ask ("HDEL", "all:epoch:2", "0");
  g_assert_false (script_check (store, 2, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
  g_clear_error (&error);
  ask ("DEL", "all:epoch:2", "all:owner", "all:lease"); /* as when the server begins anew between two reads */
  g_assert_false (script_check (store, 2, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_BEHIND);
  g_clear_error (&error);
  g_assert_false (store->klass->read (store, &(WeirBlob){ .epoch = 2, .size = 1 }, bytes, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_BEHIND);
  script_close (store);
}

static void
test_a_lost_piece_is_told_before_the_seal (void)
{
  WeirStore *store = open_with_two_epochs ("piece");
  g_autoptr (GError) error = NULL;
  WeirBlob blob;

  g_assert_true (store->klass->begin (store, 3, NULL));
  for (guint i = 0; i < 3; i++) {
    g_autofree char *big = g_malloc0 (5 << 20); /* sent at once */

    g_assert_true (store->klass->put (store, big, 5 << 20, &blob, NULL));
  }
  ask ("HDEL", "piece:epoch:3", "0");
  g_assert_false (store->klass->prepare (store, "m", 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_SINK); /* writing it again mends it */
  g_clear_error (&error);
  g_assert_true (script_write_epoch (store, 3, NULL, &error));
  g_assert_true (script_check (store, 3, &error));
  script_close (store);
}

static void
test_without_a_prefix_it_is_weir (void)
{
  g_autofree char *uri = redis_place_uri (&place, NULL);
  WeirStore *store = script_open (uri, NULL);
  g_autofree char *current = redis_place_ask (&place, "GET", "weir:current", NULL);

  g_assert_cmpstr (current, ==, "0");
  script_close (store);
}

static void
test_forgotten_epochs_leave_nothing (void)
{
  WeirStore *store = open_with_two_epochs ("clean");
  g_autofree char *left = NULL;

  for (guint64 epoch = 3; epoch <= 9; epoch++)
    g_assert_true (script_write_epoch (store, epoch, NULL, NULL));
  script_close (store);
  left = redis_place_ask (&place, "EVAL", "local all = redis.call('KEYS', 'clean:*') table.sort(all) return all", "0",
                          NULL);
  g_assert_cmpstr (
      left, ==,
      "clean:begun clean:current clean:epoch:8 clean:epoch:9 clean:epochs clean:owner clean:planned clean:plans:8 "
      "clean:plans:9");
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  if (!redis_place_start (&place))
    return 0;
  suite_add (&redis_kind);
  g_test_add_func ("/redis/a-lost-sealed-epoch-is-told", test_a_lost_sealed_epoch_is_told);
  g_test_add_func ("/redis/reading-tells-a-loss-of-all-from-damage", test_reading_tells_a_loss_of_all_from_damage);
  g_test_add_func ("/redis/a-lost-piece-is-told-before-the-seal", test_a_lost_piece_is_told_before_the_seal);
  g_test_add_func ("/redis/without-a-prefix-it-is-weir", test_without_a_prefix_it_is_weir);
  g_test_add_func ("/redis/forgotten-epochs-leave-nothing", test_forgotten_epochs_leave_nothing);
  status = g_test_run ();
  redis_place_clear (&place);
  return status;
}
