/* Tests of sinks/text-files: what is in the files, when they are seen, and disks that do not take them.
 *
 * Disks that are full are a small tmpfs in a mount namespace of the test's own, where it may have one, and a limit on
 * the size of files; a folder without the right to write is tried as another user, because root may write anywhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/operators/job.h"
#include "tests/sinks/scratch.h"

#define NOBODY 65534

typedef struct {
  Job job;
  Scratch scratch;
  char *prefix;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer n_partitions)
{
  job_init (&fixture->job, GPOINTER_TO_UINT (n_partitions));
  scratch_init (&fixture->scratch);
  fixture->prefix = scratch_path (&fixture->scratch, "out");
}

static void
tear_down (Fixture *fixture, gconstpointer n_partitions)
{
  job_clear (&fixture->job);
  scratch_clear (&fixture->scratch);
  g_free (fixture->prefix);
}

static void
each_batch_is_a_folder_with_a_file_for_each_partition (Fixture *fixture, gconstpointer n_partitions)
{
  Scratch *scratch = &fixture->scratch;

  weir_save_as_text_files (fixture->job.input, fixture->prefix, "txt");
  job_push (&fixture->job, "to=1 be=2.5 plain _=null 4 5");
  job_push (&fixture->job, "a");
  job_run (&fixture->job);
  scratch_expect_names (scratch, NULL, "out-1000.txt out-2000.txt");
  scratch_expect_names (scratch, "out-1000.txt", "_SUCCESS part-00000 part-00001 part-00002");
  scratch_expect_text (scratch, "out-1000.txt/part-00000", "(to,1)\n(be,2.5)\n");
  scratch_expect_text (scratch, "out-1000.txt/part-00001", "plain\n(null,null)\n");
  scratch_expect_text (scratch, "out-1000.txt/part-00002", "4\n5\n");
  scratch_expect_text (scratch, "out-1000.txt/_SUCCESS", "");
  scratch_expect_names (scratch, "out-2000.txt", "_SUCCESS part-00000 part-00001 part-00002");
  scratch_expect_text (scratch, "out-2000.txt/part-00002", "a\n");
  scratch_expect_text (scratch, "out-2000.txt/part-00000", "");
}

static void
a_batch_of_nothing_is_saved_too (Fixture *fixture, gconstpointer n_partitions)
{
  weir_save_as_text_files (weir_stream_set_partitions (weir_count_by_value (fixture->job.input), 2), fixture->prefix,
                           NULL);
  job_push (&fixture->job, "");
  job_run (&fixture->job);
  scratch_expect_names (&fixture->scratch, "out-1000", "_SUCCESS part-00000 part-00001");
}

static void
without_prefix_and_suffix_the_name_is_the_time (Fixture *fixture, gconstpointer n_partitions)
{
  g_autofree char *before = g_get_current_dir ();

  weir_save_as_text_files (fixture->job.input, NULL, NULL);
  weir_save_as_text_files (fixture->job.input, "", "txt");
  job_push (&fixture->job, "a");
  g_assert_cmpint (chdir (fixture->scratch.path), ==, 0);
  job_run (&fixture->job);
  g_assert_cmpint (chdir (before), ==, 0);
  scratch_expect_names (&fixture->scratch, NULL, "1000 1000.txt");
  scratch_expect_text (&fixture->scratch, "1000/part-00000", "a\n");
}

static void
line_feeds_inside_a_text_go_out_as_they_are (Fixture *fixture, gconstpointer n_partitions)
{
  const WeirValue value = weir_text ("one\ntwo\r\n");

  weir_save_as_text_files (fixture->job.input, fixture->prefix, NULL);
  job_push_values (&fixture->job, &value, 1);
  job_run (&fixture->job);
  scratch_expect_text (&fixture->scratch, "out-1000/part-00000", "one\ntwo\r\n\n");
}

static void
expect_range (Fixture *fixture, guint n_partitions, guint n)
{
  g_autoptr (GString) all = g_string_new (NULL);
  g_autoptr (GString) expected = g_string_new (NULL);

  for (guint i = 0; i < n_partitions; i++) {
    g_autofree char *name = g_strdup_printf ("out-1000/part-%05u", i);
    g_autofree char *path = scratch_path (&fixture->scratch, name);
    g_autofree char *text = NULL;

    g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
    g_string_append (all, text);
  }
  for (guint i = 0; i < n; i++)
    g_string_append_printf (expected, "%u\n", i);
  g_assert_cmpuint (all->len, ==, expected->len);
  g_assert_true (g_str_equal (all->str, expected->str));
}

static void
more_than_a_buffer_keeps_its_order (Fixture *fixture, gconstpointer n_partitions)
{
  weir_save_as_text_files (fixture->job.input, fixture->prefix, NULL);
  job_push_range (&fixture->job, 300000);
  job_run (&fixture->job);
  expect_range (fixture, GPOINTER_TO_UINT (n_partitions), 300000);
}

static void
a_text_longer_than_a_buffer_keeps_its_place (Fixture *fixture, gconstpointer n_partitions)
{
  g_autofree char *long_text = g_strnfill (1000 * 1000, 'x');
  g_autofree char *expected = g_strdup_printf ("before\n%s\n(key,%s)\nafter\n", long_text, long_text);
  WeirValue values[4] = { weir_text ("before"), weir_text (long_text), weir_nil (), weir_text ("after") };

  values[2] = WEIR_PAIR_OF (weir_text ("key"), weir_text (long_text));
  weir_save_as_text_files (weir_repartition (fixture->job.input, 1), fixture->prefix, NULL);
  job_push_values (&fixture->job, values, G_N_ELEMENTS (values));
  job_run (&fixture->job);
  scratch_expect_text (&fixture->scratch, "out-1000/part-00000", expected);
}

static gboolean
is_not_seen_yet (WeirTask *task, WeirValue value, gpointer user_data)
{
  Fixture *fixture = user_data;
  gint64 second = weir_task_batch_time (task) / WEIR_SECONDS (1);

  g_assert_true (scratch_exists (&fixture->scratch, second == 1 ? ".out-1000.tmp" : ".out-2000.tmp"));
  g_assert_false (scratch_exists (&fixture->scratch, second == 1 ? "out-1000" : "out-2000"));
  g_assert_cmpint (scratch_exists (&fixture->scratch, "out-1000/_SUCCESS"), ==, second == 2);
  return TRUE;
}

static void
nobody_sees_a_batch_before_it_is_complete (Fixture *fixture, gconstpointer n_partitions)
{
  weir_save_as_text_files (weir_filter (fixture->job.input, is_not_seen_yet, fixture), fixture->prefix, NULL);
  job_push_range (&fixture->job, 3000);
  job_push_range (&fixture->job, 3000);
  job_run (&fixture->job);
  scratch_expect_names (&fixture->scratch, NULL, "out-1000 out-2000");
}

static gboolean
fails_in_the_second_batch (WeirTask *task, WeirValue value, gpointer user_data)
{
  if (weir_task_batch_time (task) == WEIR_SECONDS (2) && weir_as_int (value) == 2999)
    weir_fail (task, "not this one");
  return TRUE;
}

static void
a_batch_that_fails_leaves_nothing (Fixture *fixture, gconstpointer n_partitions)
{
  weir_save_as_text_files (weir_filter (fixture->job.input, fails_in_the_second_batch, NULL), fixture->prefix, NULL);
  job_push_range (&fixture->job, 3000);
  job_push_range (&fixture->job, 3000);
  job_run_into (&fixture->job, WEIR_ERROR_USER, "not this one");
  scratch_expect_names (&fixture->scratch, NULL, "out-1000");
}

static void
a_batch_that_runs_again_replaces_its_output (Fixture *fixture, gconstpointer n_partitions)
{
  weir_save_as_text_files (fixture->job.input, fixture->prefix, NULL);
  job_push (&fixture->job, "a b c");
  job_run (&fixture->job);
  job_clear (&fixture->job);
  job_init (&fixture->job, 1);
  weir_save_as_text_files (fixture->job.input, fixture->prefix, NULL);
  job_push (&fixture->job, "d");
  job_run (&fixture->job);
  scratch_expect_names (&fixture->scratch, NULL, "out-1000");
  scratch_expect_names (&fixture->scratch, "out-1000", "_SUCCESS part-00000");
  scratch_expect_text (&fixture->scratch, "out-1000/part-00000", "d\n");
}

static void
two_outputs_into_one_folder_are_a_mistake (Fixture *fixture, gconstpointer n_partitions)
{
  weir_save_as_text_files (fixture->job.input, fixture->prefix, NULL);
  weir_save_as_text_files (fixture->job.input, fixture->prefix, "other");
  weir_save_as_text_files (fixture->job.input, fixture->prefix, "");
  job_run_into (&fixture->job, WEIR_ERROR_GRAPH,
                "save_as_text_files-2 saves into the same folders as save_as_text_files-0");
}

static void
a_suffix_is_no_path (Fixture *fixture, gconstpointer n_partitions)
{
  weir_save_as_text_files (fixture->job.input, fixture->prefix, "a/b");
  job_run_into (&fixture->job, WEIR_ERROR_GRAPH, "has the suffix 'a/b'");
}

static void
an_older_output_survives_a_batch_that_fails (Fixture *fixture, gconstpointer n_partitions)
{
  weir_save_as_text_files (fixture->job.input, fixture->prefix, NULL);
  job_push (&fixture->job, "a");
  job_push (&fixture->job, "b");
  job_run (&fixture->job);
  job_clear (&fixture->job);
  job_init (&fixture->job, 1);
  weir_save_as_text_files (weir_filter (fixture->job.input, fails_in_the_second_batch, NULL), fixture->prefix, NULL);
  job_push (&fixture->job, "c");
  job_push (&fixture->job, "2999");
  job_run_into (&fixture->job, WEIR_ERROR_USER, "not this one");
  scratch_expect_names (&fixture->scratch, NULL, "out-1000 out-2000");
  scratch_expect_text (&fixture->scratch, "out-1000/part-00000", "c\n");
  scratch_expect_text (&fixture->scratch, "out-2000/part-00000", "b\n");
}

/* FALSE: the test may not do that, and has been skipped. */
static gboolean
mount_small_disk (const char *path, const char *options)
{
  if (geteuid () == 0 && unshare (CLONE_NEWNS) == 0 && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
      mount ("none", path, "tmpfs", 0, options) == 0)
    return TRUE;
  g_test_skip ("a small disk cannot be mounted here, so none was filled: run as root with the right to mount");
  return FALSE;
}

static void
fill_disk (Fixture *fixture, const char *options, const char *part)
{
  if (!mount_small_disk (fixture->scratch.path, options))
    return;
  weir_save_as_text_files (fixture->job.input, fixture->prefix, NULL);
  job_push_range (&fixture->job, 300000);
  job_run_into (&fixture->job, WEIR_ERROR_SINK, part);
  scratch_expect_names (&fixture->scratch, NULL, "");
  g_assert_cmpint (umount (fixture->scratch.path), ==, 0);
}

static void
a_full_disk_is_an_error_that_leaves_nothing (Fixture *fixture, gconstpointer n_partitions)
{
  fill_disk (fixture, "size=256k", ": No space left on device: make room there, or save elsewhere");
}

/* The task that writes a file bears the output's name as the output does. */
static void
what_a_part_says_names_its_output_once (Fixture *fixture, gconstpointer n_partitions)
{
  fill_disk (fixture, "size=256k", "batch 1000 ms: save_as_text_files-0: cannot write ");
}

static void
a_disk_that_takes_no_more_files_is_an_error (Fixture *fixture, gconstpointer n_partitions)
{
  /* The root, the folder, three parts, and none for _SUCCESS. */
  fill_disk (fixture, "nr_inodes=5", "_SUCCESS: No space left on device: make room there, or save elsewhere");
}

static void
a_limit_on_file_sizes_is_an_error (Fixture *fixture, gconstpointer n_partitions)
{
  void (*before) (int) = signal (SIGXFSZ, SIG_IGN);
  struct rlimit was, small;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &was), ==, 0);
  small = was;
  small.rlim_cur = 200 * 1024;
  weir_save_as_text_files (fixture->job.input, fixture->prefix, NULL);
  job_push_range (&fixture->job, 300000);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  job_run_into (&fixture->job, WEIR_ERROR_SINK, ": File too large: make room there, or save elsewhere");
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &was), ==, 0);
  signal (SIGXFSZ, before);
  scratch_expect_names (&fixture->scratch, NULL, "");
}

static void
a_folder_without_the_right_to_write_is_an_error (Fixture *fixture, gconstpointer n_partitions)
{
  uid_t me = geteuid ();

  g_assert_cmpint (chmod (fixture->scratch.path, 0555), ==, 0);
  weir_save_as_text_files (fixture->job.input, fixture->prefix, NULL);
  job_push (&fixture->job, "a");
  if (me == 0)
    g_assert_cmpint (seteuid (NOBODY), ==, 0);
  job_run_into (&fixture->job, WEIR_ERROR_SINK,
                "/.out-1000.tmp: Permission denied: give the job's user the right to write there, or save elsewhere");
  g_assert_cmpint (seteuid (me), ==, 0);
  g_assert_cmpint (chmod (fixture->scratch.path, 0755), ==, 0);
  scratch_expect_names (&fixture->scratch, NULL, "");
}

static void
a_file_in_the_way_fails_the_batch (Fixture *fixture, gconstpointer n_partitions)
{
  scratch_write (&fixture->scratch, "out-1000", "notes");
  weir_save_as_text_files (fixture->job.input, fixture->prefix, NULL);
  job_push (&fixture->job, "a");
  job_run_into (&fixture->job, WEIR_ERROR_SINK, "save_as_text_files-0: cannot put in place the folder");
  scratch_expect_names (&fixture->scratch, NULL, "out-1000");
}

static void
add (const char *path, void (*test) (Fixture *, gconstpointer), guint n_partitions)
{
  g_test_add (path, Fixture, GUINT_TO_POINTER (n_partitions), set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/text-files/each-batch-is-a-folder", each_batch_is_a_folder_with_a_file_for_each_partition, 3);
  add ("/text-files/a-batch-of-nothing-is-saved-too", a_batch_of_nothing_is_saved_too, 3);
  add ("/text-files/without-prefix-and-suffix", without_prefix_and_suffix_the_name_is_the_time, 1);
  add ("/text-files/line-feeds-go-out-as-they-are", line_feeds_inside_a_text_go_out_as_they_are, 1);
  add ("/text-files/more-than-a-buffer/1-partition", more_than_a_buffer_keeps_its_order, 1);
  add ("/text-files/more-than-a-buffer/16-partitions", more_than_a_buffer_keeps_its_order, 16);
  add ("/text-files/a-text-longer-than-a-buffer", a_text_longer_than_a_buffer_keeps_its_place, 3);
  add ("/text-files/nobody-sees-a-batch-before-it-is-complete", nobody_sees_a_batch_before_it_is_complete, 3);
  add ("/text-files/a-batch-that-fails-leaves-nothing", a_batch_that_fails_leaves_nothing, 3);
  add ("/text-files/a-batch-that-runs-again", a_batch_that_runs_again_replaces_its_output, 3);
  add ("/text-files/an-older-output-survives-a-batch-that-fails", an_older_output_survives_a_batch_that_fails, 1);
  add ("/text-files/two-outputs-into-one-folder", two_outputs_into_one_folder_are_a_mistake, 1);
  add ("/text-files/a-suffix-is-no-path", a_suffix_is_no_path, 1);
  add ("/text-files/a-full-disk", a_full_disk_is_an_error_that_leaves_nothing, 3);
  add ("/text-files/what-a-part-says-names-its-output-once", what_a_part_says_names_its_output_once, 3);
  add ("/text-files/a-disk-that-takes-no-more-files", a_disk_that_takes_no_more_files_is_an_error, 3);
  add ("/text-files/a-limit-on-file-sizes", a_limit_on_file_sizes_is_an_error, 3);
  add ("/text-files/a-folder-without-the-right-to-write", a_folder_without_the_right_to_write_is_an_error, 3);
  add ("/text-files/a-file-in-the-way", a_file_in_the_way_fails_the_batch, 3);
  return g_test_run ();
}
