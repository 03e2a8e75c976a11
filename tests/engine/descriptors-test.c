/* A process without standard descriptors.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <glib.h>

/* In a child, whose status says what was wrong first; 0: nothing. */
static int
look_without (int closed)
{
  char byte = 'x';
  int fd;

  close (closed);
  weir_descriptors_hold ();
  fd = open ("/dev/null", O_RDWR);
  if (fd <= STDERR_FILENO)
    return 1;
  if ((closed == STDIN_FILENO ? read (closed, &byte, 1) : write (closed, &byte, 1)) >= 0 || errno != EBADF)
    return 2;
  for (int other = STDIN_FILENO; other <= STDERR_FILENO; other++)
    if (other != closed && fcntl (other, F_GETFD) < 0)
      return 3;
  return 0;
}

static void
test_a_file_is_never_taken_for_the_output (void)
{
  if (g_test_subprocess ())
    _exit (look_without ((int) g_ascii_strtoll (g_getenv ("WEIR_TEST_CLOSED"), NULL, 10)));
  for (int closed = STDIN_FILENO; closed <= STDERR_FILENO; closed++) {
    g_autofree char *number = g_strdup_printf ("%d", closed);

    g_setenv ("WEIR_TEST_CLOSED", number, TRUE);
    g_test_trap_subprocess (NULL, 0, 0);
    g_test_trap_assert_passed ();
  }
}

static void
test_what_is_open_stays (void)
{
  int before = fcntl (STDOUT_FILENO, F_GETFL);

  weir_descriptors_hold ();
  g_assert_cmpint (fcntl (STDOUT_FILENO, F_GETFL), ==, before);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/descriptors/a-file-is-never-taken-for-the-output", test_a_file_is_never_taken_for_the_output);
  g_test_add_func ("/descriptors/what-is-open-stays", test_what_is_open_stays);
  return g_test_run ();
}
