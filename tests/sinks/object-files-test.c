/* Tests of sinks/object-files: what one job saves another one reads, value by value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <glib/gstdio.h>

#include "tests/operators/job.h"
#include "tests/sinks/scratch.h"

typedef struct {
  Job job;
  Scratch scratch;
  char *folder;
  char *prefix;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  job_init (&f->job, 3);
  scratch_init (&f->scratch);
  scratch_mkdir (&f->scratch, "saved");
  f->folder = scratch_path (&f->scratch, "saved");
  f->prefix = scratch_path (&f->scratch, "saved/run");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  job_clear (&f->job);
  scratch_clear (&f->scratch);
  g_free (f->folder);
  g_free (f->prefix);
}

/* Another job, which reads what is there. */
static void
expect (const Fixture *f, const char *folder, const char *expected)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  WeirCollected *read = weir_collect (weir_object_file_stream (ctx, folder));
  g_autoptr (GError) error = NULL;

  weir_test_advance (ctx, 1, &error);
  g_assert_no_error (error);
  job_expect (read, 0, expected);
}

static void
elements_of_every_kind_come_back (Fixture *f, gconstpointer data)
{
  const WeirValue list[3] = { weir_int (-1), weir_text (""), weir_float (1.5) };
  WeirValue inner[2] = { weir_text ("inner"), weir_list_at (list, 3) };
  WeirValue cells[2] = { weir_bool (TRUE), weir_pair_at (inner) };
  WeirValue values[6] = { weir_nil (),          weir_int (G_MININT64),  weir_bytes ("\0\n", 2),
                          weir_pair_at (cells), weir_list_at (list, 3), weir_text ("line\nfeed") };

  weir_save_as_object_files (f->job.input, f->prefix, NULL);
  job_push_values (&f->job, values, G_N_ELEMENTS (values));
  job_run (&f->job);
  expect (f, f->folder, "null -9223372036854775808 0x000a (true,(inner,[-1,,1.5])) [-1,,1.5] line\nfeed");
}

static void
folders_and_parts_come_in_order_of_their_names (Fixture *f, gconstpointer data)
{
  g_autofree char *one = scratch_path (&f->scratch, "saved/run-2000");

  weir_save_as_object_files (f->job.input, f->prefix, NULL);
  job_push (&f->job, "a=1 b 3");
  job_push (&f->job, "");
  job_push (&f->job, "c d=2");
  job_run (&f->job);
  scratch_expect_names (&f->scratch, "saved", "run-1000 run-2000 run-3000");
  scratch_expect_names (&f->scratch, "saved/run-2000", "_SUCCESS part-00000 part-00001 part-00002");
  expect (f, f->folder, "(a,1) b 3 c (d,2)");
  expect (f, one, "");
}

static void
one_folder_may_be_read_by_itself (Fixture *f, gconstpointer data)
{
  g_autofree char *one = scratch_path (&f->scratch, "saved/run-1000.obj");

  weir_save_as_object_files (f->job.input, f->prefix, "obj");
  job_push (&f->job, "a b c d");
  job_run (&f->job);
  expect (f, one, "a b c d");
}

static void
more_than_a_block_keeps_its_order (Fixture *f, gconstpointer data)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  WeirCollected *read = weir_collect (weir_object_file_stream (ctx, f->folder));
  g_autoptr (GError) error = NULL;
  const WeirValue *values;
  gsize n;

  weir_save_as_object_files (f->job.input, f->prefix, NULL);
  job_push_range (&f->job, 300000);
  job_run (&f->job);
  weir_test_advance (ctx, 1, &error);
  g_assert_no_error (error);
  values = weir_collected_values (read, 0, &n);
  g_assert_cmpuint (n, ==, 300000);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpint (weir_as_int (values[i]), ==, (gint64) i);
}

static void
an_element_longer_than_a_block_comes_back (Fixture *f, gconstpointer data)
{
  g_autofree char *text = g_strnfill (1000 * 1000, 'x');
  g_autofree char *expected = g_strdup_printf ("before %s after", text);
  const WeirValue values[3] = { weir_text ("before"), weir_text (text), weir_text ("after") };

  weir_save_as_object_files (weir_repartition (f->job.input, 1), f->prefix, NULL);
  job_push_values (&f->job, values, G_N_ELEMENTS (values));
  job_run (&f->job);
  expect (f, f->folder, expected);
}

static void
an_element_that_cannot_be_written_fails_the_batch_and_leaves_nothing (Fixture *f, gconstpointer data)
{
  WeirValue cells[100][2];
  WeirValue deep = weir_nil ();

  for (guint i = 0; i < G_N_ELEMENTS (cells); i++) {
    cells[i][0] = weir_nil ();
    cells[i][1] = deep;
    deep = weir_pair_at (cells[i]);
  }
  weir_save_as_object_files (f->job.input, f->prefix, NULL);
  job_push_values (&f->job, &deep, 1);
  job_run_into (&f->job, WEIR_ERROR_SINK, "nested deeper than 64");
  scratch_expect_names (&f->scratch, "saved", "");
}

/* As if the disk had lost the end of it. */
static void
a_part_that_was_cut_off_fails_the_batch_that_reads_it (Fixture *f, gconstpointer data)
{
  g_autofree char *part = scratch_path (&f->scratch, "saved/run-1000/part-00001");
  g_autofree char *content = NULL;
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (GError) error = NULL;
  gsize size;

  weir_save_as_object_files (f->job.input, f->prefix, NULL);
  job_push (&f->job, "a b c d e f");
  job_run (&f->job);
  g_assert_true (g_file_get_contents (part, &content, &size, NULL));
  g_assert_true (g_file_set_contents (part, content, (gssize) size - 1, NULL));
  weir_collect (weir_object_file_stream (ctx, f->folder));
  g_assert_false (weir_test_advance (ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_SOURCE);
  g_assert_nonnull (strstr (error->message, "run-1000/part-00001 is damaged"));
}

/* A life of a job with a checkpoint, of one batch. */
static void
live (const Fixture *f, WeirTime at, const char *expected)
{
  g_autofree char *uri = g_strdup_printf ("file://%s/checkpoint", f->scratch.path);
  g_autoptr (WeirContext) ctx = weir_test_context_new_at (WEIR_SECONDS (1), at);
  WeirCollected *read = weir_collect (weir_stream_set_uid (weir_object_file_stream (ctx, f->folder), "saved"));
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, "checkpoint", uri, &error);
  g_assert_no_error (error);
  weir_context_set (ctx, "checkpoint.interval", "1s", &error);
  g_assert_no_error (error);
  weir_test_advance (ctx, 1, &error);
  g_assert_no_error (error);
  job_expect (read, 0, expected);
}

static void
a_job_goes_on_with_what_it_has_not_read (Fixture *f, gconstpointer data)
{
  weir_save_as_object_files (f->job.input, f->prefix, NULL);
  job_push (&f->job, "a b c");
  job_run (&f->job);
  live (f, 0, "a b c");
  job_push (&f->job, "d e f");
  job_run (&f->job);
  live (f, WEIR_SECONDS (1), "d e f");
  live (f, WEIR_SECONDS (2), "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/object-files/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (elements_of_every_kind_come_back);
  ADD (folders_and_parts_come_in_order_of_their_names);
  ADD (one_folder_may_be_read_by_itself);
  ADD (more_than_a_block_keeps_its_order);
  ADD (an_element_longer_than_a_block_comes_back);
  ADD (an_element_that_cannot_be_written_fails_the_batch_and_leaves_nothing);
  ADD (a_part_that_was_cut_off_fails_the_batch_that_reads_it);
  ADD (a_job_goes_on_with_what_it_has_not_read);
  return g_test_run ();
}
