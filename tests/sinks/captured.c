/* Owns the place of descriptor 1 while a test looks at it. One thread begins and ends; any writes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/sinks/captured.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

void
captured_redirect (Captured *captured, int fd)
{
  fflush (stdout);
  captured->file = -1;
  captured->saved = dup (STDOUT_FILENO);
  g_assert_cmpint (captured->saved, >=, 0);
  g_assert_cmpint (dup2 (fd, STDOUT_FILENO), ==, STDOUT_FILENO);
}

void
captured_begin (Captured *captured)
{
  int file = memfd_create ("captured", MFD_CLOEXEC);

  g_assert_cmpint (file, >=, 0);
  captured_redirect (captured, file);
  captured->file = file;
}

char *
captured_end (Captured *captured)
{
  char *text = NULL;
  off_t size;

  fflush (stdout);
  g_assert_cmpint (dup2 (captured->saved, STDOUT_FILENO), ==, STDOUT_FILENO);
  close (captured->saved);
  if (captured->file < 0)
    return NULL;
  size = lseek (captured->file, 0, SEEK_END);
  text = g_malloc0 ((gsize) size + 1);
  g_assert_cmpint (pread (captured->file, text, (gsize) size, 0), ==, size);
  close (captured->file);
  return text;
}
