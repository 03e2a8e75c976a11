/* replay.c: runs a fuzz target over each file of its corpus, one test case a file.
 *
 * Owns nothing but the list of files; the target, linked beside it, is called as libFuzzer would call it. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
replay (gconstpointer user_data)
{
  const char *path = user_data;
  g_autofree char *text = NULL;
  g_autofree uint8_t *exact = NULL;
  g_autoptr (GError) error = NULL;
  gsize size = 0;

  g_file_get_contents (path, &text, &size, &error);
  g_assert_no_error (error);
  /* A copy without the byte that GLib adds, so that reading one too many is seen. */
  exact = g_memdup2 (text, size);
  g_assert_cmpint (LLVMFuzzerTestOneInput (exact, size), ==, 0);
}

static guint
add_corpus (const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, &error);
  const char *name;
  guint n_files = 0;

  g_assert_no_error (error);
  while ((name = g_dir_read_name (dir))) {
    g_autofree char *base = g_path_get_basename (folder);
    g_autofree char *test = g_strdup_printf ("/fuzz/%s/%s", base, name);

    g_test_add_data_func_full (test, g_build_filename (folder, name, NULL), replay, g_free);
    n_files++;
  }
  return n_files;
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  if (argc != 2 || add_corpus (argv[1]) == 0) {
    fprintf (stderr, "usage: %s FOLDER [--tap], a folder with at least one file\n", argv[0]);
    return 2;
  }
  return g_test_run ();
}
