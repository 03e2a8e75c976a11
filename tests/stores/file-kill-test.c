/* Processes that write checkpoints into a directory and are killed; and two of them at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <string.h>

#include <weir/error.h>

#include "tests/stores/crash.h"
#include "tests/stores/file-place.h"

static void
test_killed_when_it_says_something (void)
{
  crash_at_each_line (file_place_make, file_place_clear, NULL);
}

static void
test_killed_at_each_point (void)
{
  crash_at_each_point (file_place_make, file_place_clear, NULL);
}

static void
test_the_owner_keeps_it_even_asleep (void)
{
  g_autofree char *uri = file_place_make ();
  g_autofree char *pid = NULL;
  g_autoptr (GError) error = NULL;
  Crash owner = { 0 };

  crash_start (&owner, uri, 500, NULL);
  while (owner.sealed < 3)
    g_assert_true (crash_hear (&owner));
  kill (owner.pid, SIGSTOP);
  pid = g_strdup_printf ("process %d on host", (int) owner.pid);
  g_assert_null (script_open (uri, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_LOCKED);
  g_assert_nonnull (strstr (error->message, pid));
  kill (owner.pid, SIGCONT);
  crash_end (&owner);
  g_assert_cmpint (owner.status, ==, 0);
  g_assert_cmpuint (owner.sealed, ==, 500);
  crash_clear (&owner);
  file_place_clear (uri);
}

int
main (int argc, char **argv)
{
  if (argc == 4 && g_str_equal (argv[1], "--work"))
    return script_main (argv[2], g_ascii_strtoull (argv[3], NULL, 10));
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/file-kill/killed-when-it-says-something", test_killed_when_it_says_something);
  g_test_add_func ("/file-kill/killed-at-each-point", test_killed_at_each_point);
  g_test_add_func ("/file-kill/the-owner-keeps-it-even-asleep", test_the_owner_keeps_it_even_asleep);
  return g_test_run ();
}
