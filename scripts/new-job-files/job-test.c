/* Tests the job's graph without a clock and without a network: lines come from a queue, time is moved by hand.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/test.h>

#include "job.h"

static void
counts_the_words_of_each_batch (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  WeirCollected *counts = weir_collect (new_job_graph (weir_queue_stream (ctx, queue, TRUE)));
  const WeirValue first[] = { weir_text ("to be or"), weir_text ("not to be") };
  const WeirValue second[] = { weir_text ("be  quiet ") };

  weir_queue_push (queue, first, G_N_ELEMENTS (first));
  weir_queue_push (queue, second, G_N_ELEMENTS (second));
  weir_test_advance (ctx, 2, &error);
  g_assert_no_error (error);

  g_autofree char *in_first = weir_collected_text (counts, 0);
  g_autofree char *in_second = weir_collected_text (counts, 1);
  g_assert_cmpstr (in_first, ==, "(be,2) (not,1) (or,1) (to,2)");
  g_assert_cmpstr (in_second, ==, "(be,1) (quiet,1)");
}

static void
a_batch_without_lines_counts_nothing (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  WeirCollected *counts = weir_collect (new_job_graph (weir_queue_stream (ctx, queue, TRUE)));

  weir_test_advance (ctx, 1, &error);
  g_assert_no_error (error);

  g_autofree char *text = weir_collected_text (counts, 0);
  g_assert_cmpstr (text, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/new-job/counts-the-words-of-each-batch", counts_the_words_of_each_batch);
  g_test_add_func ("/new-job/a-batch-without-lines-counts-nothing", a_batch_without_lines_counts_nothing);
  return g_test_run ();
}
