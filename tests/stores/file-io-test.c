/* Files of a checkpoint's directory: made durably, replaced at once, errors that help.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stores/file-io.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <weir/error.h>

#include "tests/sinks/scratch.h"

typedef struct {
  Scratch scratch;
  WeirFolder folder;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  scratch_init (&f->scratch);
  weir_folder_open (&f->folder, f->scratch.path, TRUE, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_folder_close (&f->folder);
  scratch_clear (&f->scratch);
}

static void
test_missing_folders_are_made_for_the_owner_alone (Fixture *f, gconstpointer data)
{
  g_autofree char *path = scratch_path (&f->scratch, "a/b/c/");
  g_autofree char *middle = scratch_path (&f->scratch, "a/b");
  g_autoptr (GError) error = NULL;
  WeirFolder folder;
  struct stat about;

  g_assert_false (weir_folder_open (&folder, path, TRUE, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_SINK);
  g_clear_error (&error);
  weir_folder_close (&folder);
  g_assert_true (weir_folder_open (&folder, path, FALSE, &error));
  g_assert_no_error (error);
  g_assert_cmpint (stat (middle, &about), ==, 0);
  g_assert_cmpint (about.st_mode & 0777, ==, 0700);
  g_assert_true (g_str_has_suffix (folder.path, "/a/b/c"));
  weir_folder_close (&folder);
}

static void
test_a_file_in_the_way_is_named (Fixture *f, gconstpointer data)
{
  g_autofree char *path = scratch_path (&f->scratch, "file/below");
  g_autoptr (GError) error = NULL;
  WeirFolder folder;

  scratch_write (&f->scratch, "file", "");
  g_assert_false (weir_folder_open (&folder, path, FALSE, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_nonnull (strstr (error->message, "take another directory"));
  weir_folder_close (&folder);
}

static void
test_replacing_leaves_one_whole_file (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  gboolean found = TRUE;

  g_assert_true (weir_folder_load (&f->folder, "name", bytes, &found, &error));
  g_assert_false (found);
  scratch_write (&f->scratch, "name.tmp", "left by somebody who was killed");
  g_assert_true (weir_folder_replace (&f->folder, "name", "first", 5, &error));
  g_assert_true (weir_folder_replace (&f->folder, "name", "second!", 7, &error));
  g_assert_no_error (error);
  scratch_expect_names (&f->scratch, NULL, "name");
  g_assert_true (weir_folder_load (&f->folder, "name", bytes, &found, &error));
  g_assert_true (found);
  g_assert_cmpmem (bytes->data, bytes->len, "second!", 7);
}

static void
test_reading_ends_at_the_end (Fixture *f, gconstpointer data)
{
  char bytes[16];
  gsize n;
  int fd;

  scratch_write (&f->scratch, "short", "12345678");
  fd = weir_folder_open_file (&f->folder, "short", O_RDWR, NULL);
  g_assert_cmpint (weir_file_read (fd, 5, bytes, sizeof bytes, &n), ==, 0);
  g_assert_cmpmem (bytes, n, "678", 3);
  g_assert_cmpint (weir_file_write (fd, 10, "xy", 2), ==, 0);
  g_assert_cmpint (weir_file_sync (fd, TRUE), ==, 0);
  g_assert_cmpint (weir_file_read (fd, 0, bytes, sizeof bytes, &n), ==, 0);
  g_assert_cmpmem (bytes, n, "12345678\0\0xy", 12);
  close (fd);
}

static void
test_failed_calls_are_reported (Fixture *f, gconstpointer data)
{
  int fd;
  char byte;
  gsize n;

  scratch_write (&f->scratch, "read-only", "x");
  fd = weir_folder_open_file (&f->folder, "read-only", O_RDONLY, NULL);
  g_assert_cmpint (weir_file_write (fd, 0, "y", 1), ==, EBADF);
  close (fd);
  g_assert_cmpint (weir_file_read (fd, 0, &byte, 1, &n), ==, EBADF);
  g_assert_cmpint (weir_file_sync (fd, FALSE), ==, EBADF);
}

static void
expect_verdict (Fixture *f, int code, int error_code, const char *advice)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_folder_fail (&f->folder, "epoch-7", "write", code, &error));
  g_assert_error (error, WEIR_ERROR, error_code);
  g_assert_nonnull (strstr (error->message, "cannot write "));
  g_assert_nonnull (strstr (error->message, "/epoch-7: "));
  g_assert_nonnull (strstr (error->message, advice));
}

static void
test_errors_say_what_to_do (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  expect_verdict (f, ENOSPC, WEIR_ERROR_SINK, "make room");
  expect_verdict (f, EIO, WEIR_ERROR_SINK, "disk");
  expect_verdict (f, EMFILE, WEIR_ERROR_SINK, "ulimit -n");
  expect_verdict (f, EROFS, WEIR_ERROR_FAILED, "right to write");
  weir_folder_corrupt (&f->folder, "epoch-7", 123, "it ends too early", &error);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
  g_assert_true (g_str_has_suffix (error->message, "/epoch-7 at 123: it ends too early"));
}

static void
test_symbolic_links_are_not_followed (Fixture *f, gconstpointer data)
{
  g_autofree char *link = scratch_path (&f->scratch, "link");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (symlink ("/etc/passwd", link), ==, 0);
  g_assert_cmpint (weir_folder_open_file (&f->folder, "link", O_RDONLY, &error), ==, -1);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_FAILED);
}

static void
test_sizes_beyond_memory_are_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  g_assert_false (weir_bytes_resize (bytes, G_MAXUINT64));
  g_assert_false (weir_bytes_resize (bytes, (guint64) G_MAXUINT + 1));
  g_assert_true (weir_bytes_resize (bytes, 10));
  g_assert_cmpuint (bytes->len, ==, 10);
}

#define add(name, test) g_test_add ("/file-io/" name, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("missing-folders-are-made-for-the-owner-alone", test_missing_folders_are_made_for_the_owner_alone);
  add ("a-file-in-the-way-is-named", test_a_file_in_the_way_is_named);
  add ("replacing-leaves-one-whole-file", test_replacing_leaves_one_whole_file);
  add ("reading-ends-at-the-end", test_reading_ends_at_the_end);
  add ("failed-calls-are-reported", test_failed_calls_are_reported);
  add ("errors-say-what-to-do", test_errors_say_what_to_do);
  add ("symbolic-links-are-not-followed", test_symbolic_links_are_not_followed);
  add ("sizes-beyond-memory-are-refused", test_sizes_beyond_memory_are_refused);
  return g_test_run ();
}
