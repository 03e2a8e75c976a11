/* Owns a temporary folder. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/sinks/scratch.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
scratch_init (Scratch *scratch)
{
  g_autoptr (GError) error = NULL;

  scratch->path = g_dir_make_tmp ("weir-sinks-XXXXXX", &error);
  g_assert_no_error (error);
}

static void
remove_all (const char *path)
{
  g_autoptr (GDir) entries = NULL;
  struct stat about;
  const char *name;

  if (lstat (path, &about) == 0 && S_ISDIR (about.st_mode))
    entries = g_dir_open (path, 0, NULL);
  while (entries != NULL && (name = g_dir_read_name (entries)) != NULL) {
    g_autofree char *below = g_build_filename (path, name, NULL);

    remove_all (below);
  }
  if (rmdir (path) != 0)
    unlink (path);
}

void
scratch_clear (Scratch *scratch)
{
  remove_all (scratch->path);
  g_assert_false (g_file_test (scratch->path, G_FILE_TEST_EXISTS));
  g_free (scratch->path);
}

char *
scratch_path (const Scratch *scratch, const char *below)
{
  return below == NULL ? g_strdup (scratch->path) : g_build_filename (scratch->path, below, NULL);
}

void
scratch_write (const Scratch *scratch, const char *below, const char *text)
{
  g_autofree char *path = scratch_path (scratch, below);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
}

void
scratch_mkdir (const Scratch *scratch, const char *below)
{
  g_autofree char *path = scratch_path (scratch, below);

  g_assert_cmpint (g_mkdir_with_parents (path, 0755), ==, 0);
}

static gint
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

void
scratch_expect_names (const Scratch *scratch, const char *below, const char *names)
{
  g_autofree char *path = scratch_path (scratch, below);
  g_autoptr (GError) error = NULL;
  g_autoptr (GDir) entries = g_dir_open (path, 0, &error);
  g_autoptr (GPtrArray) found = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *joined = NULL;
  const char *name;

  g_assert_no_error (error);
  while ((name = g_dir_read_name (entries)) != NULL)
    g_ptr_array_add (found, g_strdup (name));
  g_ptr_array_sort (found, compare_names);
  g_ptr_array_add (found, NULL);
  joined = g_strjoinv (" ", (char **) found->pdata);
  g_assert_cmpstr (joined, ==, names);
}

void
scratch_expect_text (const Scratch *scratch, const char *below, const char *text)
{
  g_autofree char *path = scratch_path (scratch, below);
  g_autoptr (GError) error = NULL;
  g_autofree char *found = NULL;

  g_file_get_contents (path, &found, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, text);
}

gboolean
scratch_exists (const Scratch *scratch, const char *below)
{
  g_autofree char *path = scratch_path (scratch, below);
  struct stat about;

  return lstat (path, &about) == 0;
}
