/* Kill points: the n-th passing ends or stops the process, others do not; a build for users has none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/kill-point.h"

#include <glib.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void
pass_points (void)
{
  for (int i = 0; i < 3; i++) {
    g_print ("round %d\n", i);
    weir_kill_point ("first");
    weir_kill_point ("second");
  }
}

/* Runs pass_points () in a process of its own. */
static int
status_with (const char *at, char **output)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "WEIR_KILL_AT", at, TRUE);
  char *command[] = { self, (char *) "--pass-points", NULL };
  g_autoptr (GError) error = NULL;
  int status;

  g_spawn_sync (NULL, command, environment, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, output, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_true (WIFEXITED (status));
  return WEXITSTATUS (status);
}

static void
expect (const char *at, int status, const char *output)
{
  g_autofree char *printed = NULL;

#ifndef WEIR_KILL_POINTS
  status = 0;
  output = "round 0\nround 1\nround 2\n";
#endif
  g_assert_cmpint (status_with (at, &printed), ==, status);
  g_assert_cmpstr (printed, ==, output);
}

static void
test_nth_passing_ends_the_process (void)
{
  expect ("first:1", 137, "round 0\n");
  expect ("second:2", 137, "round 0\nround 1\n");
}

static void
test_any_counts_all_points (void)
{
  expect ("any:5", 137, "round 0\nround 1\nround 2\n");
  expect ("any:6", 137, "round 0\nround 1\nround 2\n");
  expect ("any:7", 0, "round 0\nround 1\nround 2\n");
}

static void
test_other_names_do_nothing (void)
{
  expect ("third:1", 0, "round 0\nround 1\nround 2\n");
  expect ("fir:1", 0, "round 0\nround 1\nround 2\n");
  expect ("", 0, "round 0\nround 1\nround 2\n");
}

static int
wait_for (pid_t child)
{
  int status;

  g_assert_cmpint (waitpid (child, &status, WUNTRACED), ==, child);
  return status;
}

static void
test_stands_still_until_it_is_told_to_go_on (void)
{
  pid_t child = fork ();
  int status;

  if (child == 0) {
    g_setenv ("WEIR_STOP_AT", "here:2", TRUE);
    for (int i = 0; i < 3; i++)
      weir_kill_point ("here");
    _exit (0);
  }
  status = wait_for (child);
#ifdef WEIR_KILL_POINTS
  g_assert_true (WIFSTOPPED (status));
  kill (child, SIGCONT);
  status = wait_for (child);
#endif
  g_assert_true (WIFEXITED (status));
  g_assert_cmpint (WEXITSTATUS (status), ==, 0);
}

int
main (int argc, char **argv)
{
  if (argc == 2 && g_str_equal (argv[1], "--pass-points")) {
    pass_points ();
    return 0;
  }
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kill-point/nth-passing-ends-the-process", test_nth_passing_ends_the_process);
  g_test_add_func ("/kill-point/any-counts-all-points", test_any_counts_all_points);
  g_test_add_func ("/kill-point/other-names-do-nothing", test_other_names_do_nothing);
  g_test_add_func ("/kill-point/stands-still-until-it-is-told-to-go-on", test_stands_still_until_it_is_told_to_go_on);
  return g_test_run ();
}
