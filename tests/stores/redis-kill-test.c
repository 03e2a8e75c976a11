/* Processes that write checkpoints into Redis and are killed or put to sleep, and servers that are killed under them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <string.h>

#include <weir/error.h>

#include "tests/clients/redis-place.h"
#include "tests/stores/crash.h"

static RedisPlace place;

static const char *const short_lease[] = { "WEIR_TEST_LEASE=100000", NULL };

static char *
make_place (void)
{
  static guint n;
  g_autofree char *prefix = g_strdup_printf ("kill-%u", ++n);

  return redis_place_uri (&place, prefix);
}

static void
test_killed_when_it_says_something (void)
{
  crash_at_each_line (make_place, NULL, short_lease);
}

static void
test_killed_at_each_point (void)
{
  crash_at_each_point (make_place, NULL, short_lease);
}

static void
test_who_sleeps_through_the_lease_is_replaced (void)
{
  g_autofree char *uri = make_place ();
  g_autofree char *fenced = g_strdup_printf ("error %d: ", WEIR_ERROR_FENCED);
  g_autoptr (GError) error = NULL;
  Crash first = { 0 };
  WeirStore *second;
  guint64 sealed, prepared;

  crash_start (&first, uri, 1000000, short_lease);
  while (first.sealed < 3)
    g_assert_true (crash_hear (&first));
  kill (first.pid, SIGSTOP);
  second = script_open (uri, &error);
  g_assert_no_error (error);
  g_assert_true (second->klass->find (second, &sealed, &prepared, NULL));
  kill (first.pid, SIGCONT);
  crash_end (&first);
  g_assert_cmpint (first.status, ==, 3);
  g_assert_true (g_str_has_prefix (first.errors, fenced));
  g_assert_cmpuint (first.sealed, <=, sealed); /* nothing after it woke up */
  if (prepared > 0)
    g_assert_true (second->klass->drop_prepared (second, prepared, NULL));
  g_assert_true (script_write_epoch (second, sealed + 1, NULL, &error));
  g_assert_true (script_check (second, sealed + 1, &error));
  script_close (second);
  crash_clear (&first);
}

static void
test_a_killed_server_is_waited_for (void)
{
  g_autofree char *uri = make_place ();
  Crash crash = { 0 };

  crash_start (&crash, uri, 60, NULL);
  for (guint64 i = 1; i <= 3; i++) {
    while (crash.sealed < 10 * i)
      g_assert_true (crash_hear (&crash));
    redis_place_kill (&place);
    redis_place_restart (&place);
  }
  crash_end (&crash);
  if (crash.status != 0)
    g_error ("status %d: %s", crash.status, crash.errors);
  g_assert_cmpuint (crash.sealed, ==, 60);
  memset (crash.n_plans, 0, sizeof crash.n_plans);
  crash_check (&crash, uri);
  crash_clear (&crash);
}

static void
test_a_server_that_lost_all_is_told (void)
{
  RedisPlace forgetful = { .no_append = TRUE };
  g_autofree char *uri = NULL;
  g_autofree char *behind = g_strdup_printf ("error %d: ", WEIR_ERROR_CHECKPOINT_BEHIND);
  Crash crash = { 0 };

  if (!redis_place_start (&forgetful))
    return;
  uri = redis_place_uri (&forgetful, "lost");
  crash_start (&crash, uri, 1000000, NULL);
  while (crash.sealed < 3)
    g_assert_true (crash_hear (&crash));
  redis_place_kill (&forgetful);
  redis_place_restart (&forgetful);
  crash_end (&crash);
  g_assert_cmpint (crash.status, ==, 3);
  if (!g_str_has_prefix (crash.errors, behind))
    g_error ("%s", crash.errors);
  g_assert_nonnull (strstr (crash.errors, "the server has lost its data"));
  crash_clear (&crash);
  redis_place_clear (&forgetful);
}

int
main (int argc, char **argv)
{
  int status;

  if (argc == 4 && g_str_equal (argv[1], "--work"))
    return script_main (argv[2], g_ascii_strtoull (argv[3], NULL, 10));
  g_test_init (&argc, &argv, NULL);
  if (!redis_place_start (&place))
    return 0;
  g_test_add_func ("/redis-kill/killed-when-it-says-something", test_killed_when_it_says_something);
  g_test_add_func ("/redis-kill/killed-at-each-point", test_killed_at_each_point);
  g_test_add_func ("/redis-kill/who-sleeps-through-the-lease-is-replaced",
                   test_who_sleeps_through_the_lease_is_replaced);
  g_test_add_func ("/redis-kill/a-killed-server-is-waited-for", test_a_killed_server_is_waited_for);
  g_test_add_func ("/redis-kill/a-server-that-lost-all-is-told", test_a_server_that_lost_all_is_told);
  status = g_test_run ();
  redis_place_clear (&place);
  return status;
}
