/* Tests of sinks/part-file: bytes end up in a file named by the task, and what goes wrong is told by path.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sinks/part-file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <weir/error.h>

#include "tests/sinks/scratch.h"

typedef struct {
  Scratch scratch;
  WeirBatchFolder folder;
  WeirMemory *memory;
  WeirRun run;
  WeirTaskRun task_run;
  WeirOp op;
  WeirTask task;
  WeirPartFile file;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree char *prefix = NULL;
  g_autoptr (GError) error = NULL;

  scratch_init (&f->scratch);
  prefix = scratch_path (&f->scratch, "out");
  weir_batch_folder_init (&f->folder, prefix, NULL, WEIR_SECONDS (1), NULL);
  g_assert_true (weir_batch_folder_begin (&f->folder, &error));
  f->memory = weir_memory_new (G_MAXSIZE);
  weir_run_init (&f->run, f->memory, NULL);
  f->task_run = (WeirTaskRun){ .run = &f->run, .index = 7 };
  f->op.name = "the output";
  f->task = (WeirTask){ .op = &f->op, .task_run = &f->task_run };
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_run_clear (&f->run);
  weir_memory_free (f->memory);
  weir_batch_folder_clear (&f->folder);
  scratch_clear (&f->scratch);
}

static void
expect_failure (Fixture *f, const char *fragment)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_run_report (&f->run, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_SINK);
  g_assert_nonnull (strstr (error->message, fragment));
  g_assert_nonnull (strstr (error->message, "/.out-1000.tmp/part-00007"));
}

static void
bytes_are_in_the_file_of_the_task (Fixture *f, gconstpointer data)
{
  weir_part_file_open (&f->task, &f->file, &f->folder);
  weir_part_file_write (&f->task, &f->file, "one ", 4);
  weir_part_file_write (&f->task, &f->file, "", 0);
  weir_part_file_write (&f->task, &f->file, "two", 3);
  weir_part_file_sync (&f->task, &f->file);
  weir_part_file_close (&f->task, &f->file);
  g_assert_false (weir_run_has_failed (&f->run));
  scratch_expect_text (&f->scratch, ".out-1000.tmp/part-00007", "one two");
}

static void
a_file_that_is_there_already_is_not_written_over (Fixture *f, gconstpointer data)
{
  scratch_write (&f->scratch, ".out-1000.tmp/part-00007", "somebody's");
  weir_part_file_open (&f->task, &f->file, &f->folder);
  weir_part_file_write (&f->task, &f->file, "mine", 4);
  weir_part_file_sync (&f->task, &f->file);
  weir_part_file_close (&f->task, &f->file);
  expect_failure (f, "cannot create");
  scratch_expect_text (&f->scratch, ".out-1000.tmp/part-00007", "somebody's");
}

static void
a_file_that_cannot_be_written_is_named (Fixture *f, gconstpointer data)
{
  weir_part_file_open (&f->task, &f->file, &f->folder);
  g_assert_cmpint (close (f->file.fd), ==, 0);
  f->file.fd = open ("/dev/full", O_WRONLY | O_CLOEXEC);
  weir_part_file_write (&f->task, &f->file, "mine", 4);
  weir_part_file_close (&f->task, &f->file);
  expect_failure (f, "cannot write");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/part-file/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (bytes_are_in_the_file_of_the_task);
  ADD (a_file_that_is_there_already_is_not_written_over);
  ADD (a_file_that_cannot_be_written_is_named);
  return g_test_run ();
}
