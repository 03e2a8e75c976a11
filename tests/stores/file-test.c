/* The store of directories: what every store does, its URIs and its lock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include <weir/error.h>

#include "tests/stores/file-place.h"
#include "tests/stores/suite.h"

static void
take_over (const char *uri)
{
  g_autofree char *lock = file_place_path (uri, "lock");

  g_assert_cmpint (g_unlink (lock), ==, 0);
  g_assert_true (g_file_set_contents (lock, "process 1 on host elsewhere\n", -1, NULL));
}

static const SuiteKind file_kind = { "file", file_place_make, take_over, file_place_clear };

static void
expect_bad_uri (const char *uri)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (script_open (uri, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_nonnull (strstr (error->message, uri));
  g_assert_nonnull (strstr (error->message, "write file:///path"));
}

static void
test_bad_uris_are_explained (void)
{
  expect_bad_uri ("file://dir/of/mine"); /* "dir" is a host */
  expect_bad_uri ("file:relative");
  expect_bad_uri ("file:///a%00b");
  expect_bad_uri ("file:");
}

static void
test_escapes_and_missing_folders (void)
{
  g_autofree char *above = file_place_make ();
  g_autofree char *uri = g_strconcat (above, "/my%20jobs/one/", NULL);
  g_autofree char *path = file_place_path (above, "my jobs/one");
  g_autoptr (GError) error = NULL;
  struct stat about;

  script_close (script_open (uri, &error));
  g_assert_no_error (error);
  g_assert_cmpint (stat (path, &about), ==, 0);
  g_assert_cmpint (about.st_mode & 0777, ==, 0700);
  file_place_clear (above);
}

static void
test_a_dead_owner_holds_nothing (void)
{
  g_autofree char *uri = file_place_make ();
  g_autofree char *lock = file_place_path (uri, "lock");
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (lock, "process 12345 on host here\n", -1, NULL));
  script_close (script_open (uri, &error));
  g_assert_no_error (error);
  file_place_clear (uri);
}

/* Every descriptor of a file in the folder is closed on exec; returns how many there are. */
static guint
check_descriptors (const char *path)
{
  g_autoptr (GDir) all = g_dir_open ("/proc/self/fd", 0, NULL);
  const char *number;
  guint n = 0;

  while ((number = g_dir_read_name (all)) != NULL) {
    g_autofree char *link = g_build_filename ("/proc/self/fd", number, NULL);
    g_autofree char *target = g_file_read_link (link, NULL);

    if (target == NULL || !g_str_has_prefix (target, path))
      continue;
    g_assert_cmpint (fcntl ((int) g_ascii_strtoll (number, NULL, 10), F_GETFD) & FD_CLOEXEC, !=, 0);
    n++;
  }
  return n;
}

static void
test_children_inherit_nothing (void)
{
  g_autofree char *uri = file_place_make ();
  g_autofree char *path = file_place_path (uri, NULL);
  WeirStore *store = script_open (uri, NULL);
  WeirBlob blob;

  g_assert_true (script_write_epoch (store, 1, NULL, NULL));
  g_assert_true (script_check (store, 1, NULL));
  g_assert_true (store->klass->begin (store, 2, NULL));
  g_assert_true (store->klass->put (store, "x", 1, &blob, NULL));
  g_assert_cmpuint (check_descriptors (path), ==, 5); /* folder, lock, plans, the epoch read, the epoch written */
  script_close (store);
  g_assert_cmpuint (check_descriptors (path), ==, 0);
  file_place_clear (uri);
}

static void
test_reading_needs_a_checkpoint_and_leaves_no_trace (void)
{
  g_autofree char *uri = file_place_make ();
  g_autofree char *path = file_place_path (uri, NULL);
  g_autoptr (GError) error = NULL;
  WeirStoreSettings settings = { .uri = uri, .read_only = TRUE };
  guint64 sealed, prepared;
  WeirStore *store = script_open_with (&settings, &error);

  g_assert_no_error (error);
  g_assert_true (store->klass->find (store, &sealed, &prepared, NULL));
  g_assert_cmpuint (sealed, ==, 0);
  script_close (store);
  g_assert_cmpint (g_rmdir (path), ==, 0); /* it is empty */
  g_assert_null (script_open_with (&settings, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_SINK);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
}

static void
test_leftovers_of_the_killed_are_cleared (void)
{
  static const char *const names[] = { "epoch-1.tmp", "epoch-77.tmp", "current.tmp" };
  g_autofree char *uri = file_place_make ();
  g_autofree char *foreign = file_place_path (uri, "notes.tmp");

  g_assert_true (g_file_set_contents (foreign, "somebody's own", -1, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = file_place_path (uri, names[i]);

    g_assert_true (g_file_set_contents (path, "half", -1, NULL));
  }
  script_close (script_open (uri, NULL));
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autofree char *path = file_place_path (uri, names[i]);

    g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  }
  g_assert_true (g_file_test (foreign, G_FILE_TEST_EXISTS));
  file_place_clear (uri);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  suite_add (&file_kind);
  g_test_add_func ("/file/bad-uris-are-explained", test_bad_uris_are_explained);
  g_test_add_func ("/file/escapes-and-missing-folders", test_escapes_and_missing_folders);
  g_test_add_func ("/file/a-dead-owner-holds-nothing", test_a_dead_owner_holds_nothing);
  g_test_add_func ("/file/children-inherit-nothing", test_children_inherit_nothing);
  g_test_add_func ("/file/reading-needs-a-checkpoint-and-leaves-no-trace",
                   test_reading_needs_a_checkpoint_and_leaves_no_trace);
  g_test_add_func ("/file/leftovers-of-the-killed-are-cleared", test_leftovers_of_the_killed_are_cleared);
  return g_test_run ();
}
