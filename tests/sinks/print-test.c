/* Tests of sinks/print: the text to the byte, in one piece, and outputs that cannot be written.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/operators/job.h"
#include "tests/sinks/captured.h"

#define RULE "-------------------------------------------\n"

static char *
run_captured (Job *job)
{
  Captured captured;

  captured_begin (&captured);
  job_run (job);
  return captured_end (&captured);
}

static void
the_text_is_sparks (Job *job)
{
  g_autofree char *text = NULL;

  weir_print (job->input, 10);
  job_push (job, "1 2 3 4 5 6 7 8 9 10 11 12");
  text = run_captured (job);
  g_assert_cmpuint (strlen (RULE), ==, 44);
  g_assert_cmpstr (text, ==, RULE "Time: 1000 ms\n" RULE "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n...\n\n");
}

static void
as_many_as_asked_for_have_no_dots (Job *job)
{
  g_autofree char *text = NULL;

  weir_print (job->input, 3);
  job_push (job, "to=1 be=2 _=null");
  text = run_captured (job);
  g_assert_cmpstr (text, ==, RULE "Time: 1000 ms\n" RULE "(to,1)\n(be,2)\n(null,null)\n\n");
}

static void
an_empty_batch_shows_its_time (Job *job)
{
  g_autofree char *text = NULL;

  weir_print (job->input, 3);
  job_push (job, "");
  job_push (job, "a");
  text = run_captured (job);
  g_assert_cmpstr (text, ==, RULE "Time: 1000 ms\n" RULE "\n" RULE "Time: 2000 ms\n" RULE "a\n\n");
}

static void
no_elements_may_be_asked_for (Job *job)
{
  g_autofree char *text = NULL;

  weir_print (job->input, 0);
  job_push (job, "a b");
  job_push (job, "");
  text = run_captured (job);
  g_assert_cmpstr (text, ==, RULE "Time: 1000 ms\n" RULE "...\n\n" RULE "Time: 2000 ms\n" RULE "\n");
}

static void
all_elements_may_be_asked_for (Job *job)
{
  g_autofree char *text = NULL;

  weir_print (job->input, G_MAXUINT);
  job_push (job, "a b");
  text = run_captured (job);
  g_assert_cmpstr (text, ==, RULE "Time: 1000 ms\n" RULE "a\nb\n\n");
}

static void
a_batch_failed_before_it_prints_nothing (Job *job)
{
  g_autofree char *text = NULL;
  Captured captured;

  weir_print (weir_reduce_by_key (job->input, WEIR_SUM, NULL), 10);
  job_push (job, "no pair");
  captured_begin (&captured);
  job_run_into (job, WEIR_ERROR_KIND, "pair");
  text = captured_end (&captured);
  g_assert_cmpstr (text, ==, "");
}

static gpointer
make_noise (gpointer data)
{
  const gint *stop = data;

  while (!__atomic_load_n (stop, __ATOMIC_RELAXED))
    fputs ("noise\n", stdout);
  return NULL;
}

/* Each batch stands in one piece, whatever else the program prints. */
static void
expect_whole (char *text, guint n_batches, guint n_elements)
{
  guint n = 0;

  for (char *at = strstr (text, "Time: "); at != NULL; at = strstr (at, "Time: "), n++) {
    char *end = strstr (at, "\n\n");
    guint n_lines = 0;

    g_assert_nonnull (end);
    for (char *p = at; p < end; p++)
      n_lines += *p == '\n';
    g_assert_cmpuint (n_lines, ==, 1 + n_elements);
    *end = '\0';
    g_assert_null (strstr (at, "noise"));
    at = end + 1;
  }
  g_assert_cmpuint (n, ==, n_batches);
}

static void
nothing_gets_between_the_lines_of_a_batch (Job *job)
{
  g_autofree char *text = NULL;
  Captured captured;
  pthread_t thread;
  gint stop = 0;

  weir_print (job->input, 3000);
  weir_print (job->input, 3000);
  for (guint i = 0; i < 20; i++)
    job_push_range (job, 3000);
  captured_begin (&captured);
  g_assert_cmpint (pthread_create (&thread, NULL, make_noise, &stop), ==, 0);
  job_run (job);
  __atomic_store_n (&stop, 1, __ATOMIC_RELAXED);
  pthread_join (thread, NULL);
  text = captured_end (&captured);
  expect_whole (text, 40, 3000);
}

static void
a_full_disk_is_an_error (Job *job)
{
  int full = open ("/dev/full", O_WRONLY | O_CLOEXEC);
  Captured captured;

  g_assert_cmpint (full, >=, 0);
  weir_print (job->input, 3);
  job_push (job, "a b");
  captured_redirect (&captured, full);
  job_run_into (job, WEIR_ERROR_SINK, "cannot print to standard output: No space left on device");
  captured_end (&captured);
  close (full);
}

static void
a_reader_that_went_away_is_an_error_and_no_signal (Job *job)
{
  void (*before) (int) = signal (SIGPIPE, SIG_DFL);
  Captured captured;
  sigset_t pending;
  int ends[2];

  g_assert_cmpint (pipe2 (ends, O_CLOEXEC), ==, 0);
  close (ends[0]);
  weir_print (job->input, 3);
  job_push (job, "a b");
  captured_redirect (&captured, ends[1]);
  job_run_into (job, WEIR_ERROR_SINK, "its reader is gone");
  captured_end (&captured);
  close (ends[1]);
  g_assert_cmpint (sigpending (&pending), ==, 0);
  g_assert_false (sigismember (&pending, SIGPIPE));
  signal (SIGPIPE, before);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/print/the-text-is-sparks", the_text_is_sparks);
  job_add_test ("/print/as-many-as-asked-for-have-no-dots", as_many_as_asked_for_have_no_dots);
  job_add_test ("/print/an-empty-batch-shows-its-time", an_empty_batch_shows_its_time);
  job_add_test ("/print/no-elements-may-be-asked-for", no_elements_may_be_asked_for);
  job_add_test ("/print/all-elements-may-be-asked-for", all_elements_may_be_asked_for);
  job_add_test ("/print/a-batch-failed-before-it-prints-nothing", a_batch_failed_before_it_prints_nothing);
  job_add_test ("/print/nothing-gets-between-the-lines", nothing_gets_between_the_lines_of_a_batch);
  job_add_test ("/print/a-full-disk-is-an-error", a_full_disk_is_an_error);
  job_add_test ("/print/a-reader-that-went-away-is-an-error", a_reader_that_went_away_is_an_error_and_no_signal);
  return g_test_run ();
}
