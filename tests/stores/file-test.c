/* The store of directories: what every store does, its URIs, its lock, and damage to any of its files.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include <weir/error.h>

#include "tests/sinks/scratch.h"
#include "tests/stores/suite.h"

static char *
path_of (const char *uri, const char *name)
{
  return g_build_filename (uri + strlen ("file://"), name, NULL);
}

static char *
make_place (void)
{
  Scratch scratch;
  char *uri;

  scratch_init (&scratch);
  uri = g_strdup_printf ("file://%s", scratch.path);
  g_free (scratch.path);
  return uri;
}

static void
clear_place (const char *uri)
{
  Scratch scratch = { .path = path_of (uri, NULL) };

  scratch_clear (&scratch);
}

static void
take_over (const char *uri)
{
  g_autofree char *lock = path_of (uri, "lock");

  g_assert_cmpint (g_unlink (lock), ==, 0);
  g_assert_true (g_file_set_contents (lock, "process 1 on host elsewhere\n", -1, NULL));
}

static const SuiteKind file_kind = { "file", make_place, take_over, clear_place };

int
main (int argc, char **argv)
{
  if (argc == 4 && g_str_equal (argv[1], "--work"))
    return script_main (argv[2], g_ascii_strtoull (argv[3], NULL, 10));
  g_test_init (&argc, &argv, NULL);
  suite_add (&file_kind);
  return g_test_run ();
}
