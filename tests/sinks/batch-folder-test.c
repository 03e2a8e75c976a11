/* Tests of sinks/batch-folder: a folder appears whole or not at all, and nothing of anybody else's is touched.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sinks/batch-folder.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <weir/error.h>

#include "tests/sinks/scratch.h"

typedef struct {
  Scratch scratch;
  WeirBatchFolder folder;
} Fixture;

static void
name_folder (Fixture *fixture, const char *below)
{
  g_autofree char *prefix = scratch_path (&fixture->scratch, below);

  weir_batch_folder_clear (&fixture->folder);
  weir_batch_folder_init (&fixture->folder, prefix, NULL, WEIR_SECONDS (1), NULL);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  scratch_init (&fixture->scratch);
  fixture->folder = (WeirBatchFolder){ 0 };
  name_folder (fixture, "out");
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  weir_batch_folder_clear (&fixture->folder);
  scratch_clear (&fixture->scratch);
}

static void
begin (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  weir_batch_folder_begin (&fixture->folder, &error);
  g_assert_no_error (error);
}

static void
write_part (Fixture *fixture, const char *name, const char *text)
{
  g_autofree char *path = NULL;
  int fd = weir_batch_folder_create (&fixture->folder, name, &path);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, strlen (text));
  close (fd);
}

static void
commit (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  weir_batch_folder_mark_success (&fixture->folder, &error);
  g_assert_no_error (error);
  weir_batch_folder_commit (&fixture->folder, &error);
  g_assert_no_error (error);
}

static void
expect_error (GError *error, const char *path, const char *reason, const char *advice)
{
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_SINK);
  if (strstr (error->message, path) == NULL || strstr (error->message, reason) == NULL ||
      strstr (error->message, advice) == NULL)
    g_error ("'%s' does not say '%s', '%s' and '%s'", error->message, path, reason, advice);
}

static void
expect_begin_error (Fixture *fixture, const char *path, int reason, const char *advice)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_batch_folder_begin (&fixture->folder, &error));
  expect_error (error, path, g_strerror (reason), advice);
}

static void
expect_commit_error (Fixture *fixture, const char *reason, const char *advice)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_batch_folder_commit (&fixture->folder, &error));
  expect_error (error, fixture->folder.final, reason, advice);
  weir_batch_folder_abort (&fixture->folder);
}

static void
expect_name (const char *prefix, const char *suffix, WeirTime time, const char *run, const char *final,
             const char *temporary)
{
  WeirBatchFolder folder;

  weir_batch_folder_init (&folder, prefix, suffix, time, run);
  g_assert_cmpstr (folder.final, ==, final);
  g_assert_cmpstr (folder.temporary, ==, temporary);
  weir_batch_folder_clear (&folder);
}

static void
names_are_prefix_time_and_suffix (void)
{
  expect_name ("out", "txt", WEIR_SECONDS (1), NULL, "out-1000.txt", "./.out-1000.txt.tmp");
  expect_name ("/a/b/out", NULL, WEIR_MILLISECONDS (1700000000123), NULL, "/a/b/out-1700000000123",
               "/a/b/.out-1700000000123.tmp");
  expect_name ("/a/b/", "", 0, NULL, "/a/b/-0", "/a/b/.-0.tmp");
  expect_name ("", "txt", WEIR_SECONDS (2), NULL, "2000.txt", "./.2000.txt.tmp");
  expect_name (NULL, NULL, WEIR_SECONDS (2), NULL, "2000", "./.2000.tmp");
  expect_name ("out", "txt", WEIR_SECONDS (1), "0123456789abcdef", "out-1000.txt",
               "./.out-1000.txt.0123456789abcdef.tmp");
}

static void
nothing_is_seen_before_it_is_complete (Fixture *fixture, gconstpointer data)
{
  begin (fixture);
  write_part (fixture, "part-00000", "a\n");
  scratch_expect_names (&fixture->scratch, NULL, ".out-1000.tmp");
  commit (fixture);
  scratch_expect_names (&fixture->scratch, NULL, "out-1000");
  scratch_expect_names (&fixture->scratch, "out-1000", "_SUCCESS part-00000");
  scratch_expect_text (&fixture->scratch, "out-1000/part-00000", "a\n");
  scratch_expect_text (&fixture->scratch, "out-1000/_SUCCESS", "");
}

static void
what_is_given_up_leaves_nothing (Fixture *fixture, gconstpointer data)
{
  begin (fixture);
  write_part (fixture, "part-00000", "a\n");
  weir_batch_folder_abort (&fixture->folder);
  scratch_expect_names (&fixture->scratch, NULL, "");
}

static void
folders_above_are_made (Fixture *fixture, gconstpointer data)
{
  name_folder (fixture, "not/yet/out");
  begin (fixture);
  commit (fixture);
  scratch_expect_names (&fixture->scratch, "not/yet", "out-1000");
}

static void
an_older_output_is_replaced (Fixture *fixture, gconstpointer data)
{
  begin (fixture);
  write_part (fixture, "part-00000", "old\n");
  write_part (fixture, "part-00001", "old\n");
  commit (fixture);
  begin (fixture);
  write_part (fixture, "part-00000", "new\n");
  commit (fixture);
  scratch_expect_names (&fixture->scratch, NULL, "out-1000");
  scratch_expect_names (&fixture->scratch, "out-1000", "_SUCCESS part-00000");
  scratch_expect_text (&fixture->scratch, "out-1000/part-00000", "new\n");
}

static void
leftovers_of_a_killed_run_go (Fixture *fixture, gconstpointer data)
{
  scratch_mkdir (&fixture->scratch, ".out-1000.tmp");
  scratch_write (&fixture->scratch, ".out-1000.tmp/part-00007", "half a li");
  scratch_mkdir (&fixture->scratch, ".out-1000.tmp.old");
  scratch_write (&fixture->scratch, ".out-1000.tmp.old/_SUCCESS", "");
  scratch_mkdir (&fixture->scratch, "out-1000");
  scratch_write (&fixture->scratch, "out-1000/part-00000", "older\n");
  begin (fixture);
  write_part (fixture, "part-00000", "a\n");
  commit (fixture);
  scratch_expect_names (&fixture->scratch, NULL, "out-1000");
  scratch_expect_names (&fixture->scratch, "out-1000", "_SUCCESS part-00000");
}

static void
a_sweep_leaves_what_a_successor_writes (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { ".out-1000.tmp",
                                       ".out-1000.0123456789abcdef.tmp",
                                       ".out-2000.fedcba9876543210.tmp",
                                       ".out-2000.fedcba9876543210.tmp.old",
                                       ".out-3000.txt.tmp",
                                       ".out-x.tmp" };
  const gint64 second = G_USEC_PER_SEC, now = g_get_real_time ();
  g_autofree char *prefix = scratch_path (&fixture->scratch, "out");

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    scratch_mkdir (&fixture->scratch, names[i]);
  weir_batch_folder_sweep (prefix, "", "0123456789abcdef", now - 3600 * second);
  scratch_expect_names (&fixture->scratch, NULL,
                        ".out-1000.tmp .out-2000.fedcba9876543210.tmp .out-2000.fedcba9876543210.tmp.old "
                        ".out-3000.txt.tmp .out-x.tmp");
  weir_batch_folder_sweep (prefix, "", "0123456789abcdef", now + 3600 * second);
  scratch_expect_names (&fixture->scratch, NULL, ".out-3000.txt.tmp .out-x.tmp");
}

static void
a_link_at_the_temporary_name_is_not_followed (Fixture *fixture, gconstpointer data)
{
  g_autofree char *precious = scratch_path (&fixture->scratch, "precious");
  g_autofree char *link = scratch_path (&fixture->scratch, ".out-1000.tmp");

  scratch_mkdir (&fixture->scratch, "precious");
  scratch_write (&fixture->scratch, "precious/part-00000", "do not touch");
  g_assert_cmpint (symlink (precious, link), ==, 0);
  begin (fixture);
  write_part (fixture, "part-00000", "a\n");
  commit (fixture);
  scratch_expect_text (&fixture->scratch, "precious/part-00000", "do not touch");
  scratch_expect_text (&fixture->scratch, "out-1000/part-00000", "a\n");
}

static void
a_file_in_the_way_is_left_alone (Fixture *fixture, gconstpointer data)
{
  scratch_write (&fixture->scratch, "out-1000", "somebody's notes");
  begin (fixture);
  expect_commit_error (fixture, g_strerror (ENOTDIR), "move it, or save elsewhere");
  scratch_expect_names (&fixture->scratch, NULL, "out-1000");
  scratch_expect_text (&fixture->scratch, "out-1000", "somebody's notes");
}

static void
a_folder_that_is_no_output_is_left_alone (Fixture *fixture, gconstpointer data)
{
  scratch_mkdir (&fixture->scratch, "out-1000");
  scratch_write (&fixture->scratch, "out-1000/part-00000", "theirs");
  scratch_write (&fixture->scratch, "out-1000/part-of-a-novel", "theirs");
  begin (fixture);
  expect_commit_error (fixture, "part-of-a-novel", "move it, or save elsewhere");
  scratch_expect_names (&fixture->scratch, NULL, "out-1000");
  scratch_expect_names (&fixture->scratch, "out-1000", "part-00000 part-of-a-novel");
}

static void
a_leftover_that_is_none_of_ours_is_left_alone (Fixture *fixture, gconstpointer data)
{
  scratch_mkdir (&fixture->scratch, ".out-1000.tmp");
  scratch_write (&fixture->scratch, ".out-1000.tmp/notes", "theirs");
  expect_begin_error (fixture, fixture->folder.temporary, ENOTEMPTY, "move it, or save elsewhere");
  scratch_expect_text (&fixture->scratch, ".out-1000.tmp/notes", "theirs");
}

static void
a_file_instead_of_the_folder_above_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_autofree char *file = scratch_path (&fixture->scratch, "file");

  scratch_write (&fixture->scratch, "file", "no folder");
  name_folder (fixture, "file/out");
  expect_begin_error (fixture, file, ENOTDIR, "move it, or save elsewhere");
  name_folder (fixture, "file/below/out");
  expect_begin_error (fixture, file, ENOTDIR, "move it, or save elsewhere");
}

static void
a_name_that_is_too_long_is_an_error (Fixture *fixture, gconstpointer data)
{
  g_autofree char *name = g_strnfill (250, 'x');

  name_folder (fixture, name);
  expect_begin_error (fixture, fixture->folder.temporary, ENAMETOOLONG, "shorter prefix");
  scratch_expect_names (&fixture->scratch, NULL, "");
}

static void
a_part_is_created_once (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = NULL;

  begin (fixture);
  write_part (fixture, "part-00000", "a\n");
  g_assert_cmpint (weir_batch_folder_create (&fixture->folder, "part-00000", &path), <, 0);
  g_assert_cmpint (errno, ==, EEXIST);
}

static void
add (const char *path, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/batch-folder/names-are-prefix-time-and-suffix", names_are_prefix_time_and_suffix);
  add ("/batch-folder/nothing-is-seen-before-it-is-complete", nothing_is_seen_before_it_is_complete);
  add ("/batch-folder/what-is-given-up-leaves-nothing", what_is_given_up_leaves_nothing);
  add ("/batch-folder/folders-above-are-made", folders_above_are_made);
  add ("/batch-folder/an-older-output-is-replaced", an_older_output_is_replaced);
  add ("/batch-folder/leftovers-of-a-killed-run-go", leftovers_of_a_killed_run_go);
  add ("/batch-folder/a-sweep-leaves-what-a-successor-writes", a_sweep_leaves_what_a_successor_writes);
  add ("/batch-folder/a-link-at-the-temporary-name-is-not-followed", a_link_at_the_temporary_name_is_not_followed);
  add ("/batch-folder/a-file-in-the-way-is-left-alone", a_file_in_the_way_is_left_alone);
  add ("/batch-folder/a-folder-that-is-no-output-is-left-alone", a_folder_that_is_no_output_is_left_alone);
  add ("/batch-folder/a-leftover-that-is-none-of-ours-is-left-alone", a_leftover_that_is_none_of_ours_is_left_alone);
  add ("/batch-folder/a-file-instead-of-the-folder-above", a_file_instead_of_the_folder_above_is_an_error);
  add ("/batch-folder/a-name-that-is-too-long-is-an-error", a_name_that_is_too_long_is_an_error);
  add ("/batch-folder/a-part-is-created-once", a_part_is_created_once);
  return g_test_run ();
}
