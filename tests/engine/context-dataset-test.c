/* Tests of datasets that no stream made: those of the context, and those of a batch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/operators/job.h"
#include "tests/sinks/scratch.h"

static WeirValue
twice (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_int (2 * weir_as_int (value));
}

static WeirDataset *
itself (WeirDataset *data, WeirTime time, gpointer dataset, GError **error)
{
  return dataset;
}

static WeirDataset *
doubled (WeirDataset *data, WeirTime time, gpointer dataset, GError **error)
{
  return weir_dataset_map (dataset, twice, NULL);
}

static WeirDataset *
with_data (WeirDataset *data, WeirTime time, gpointer dataset, GError **error)
{
  return weir_dataset_union (dataset, weir_dataset_union (data, dataset));
}

static WeirDataset *
dataset_of_three (Job *job)
{
  char text[] = "three";
  WeirValue values[] = { weir_int (1), WEIR_PAIR_OF (weir_text ("two"), weir_int (2)), weir_text (text) };
  WeirDataset *dataset = weir_context_dataset (job->ctx, values, G_N_ELEMENTS (values), 2);

  text[0] = 'X'; /* it was copied */
  return dataset;
}

static void
a_contexts_dataset_is_there_in_every_batch (Job *job)
{
  WeirDataset *dataset = dataset_of_three (job);
  WeirCollected *alone = weir_collect (weir_transform (job->input, itself, dataset));
  WeirCollected *beside = weir_collect (weir_transform (job->input, with_data, dataset));

  job_push (job, "7");
  job_push (job, "");
  job_run (job);
  job_expect (alone, 0, "1 (two,2) three");
  job_expect (alone, 1, "1 (two,2) three");
  job_expect (beside, 0, "1 (two,2) three 7 1 (two,2) three");
  job_expect (beside, 1, "1 (two,2) three 1 (two,2) three");
}

static void
verbs_work_on_it_alone (Job *job)
{
  WeirValue values[] = { weir_int (1), weir_int (2), weir_int (3) };
  WeirDataset *dataset = weir_context_dataset (job->ctx, values, 3, 5);
  WeirCollected *collected = weir_collect (weir_transform (job->input, doubled, dataset));

  job_push (job, "");
  job_push (job, "");
  job_run (job);
  job_expect (collected, 0, "2 4 6");
  job_expect (collected, 1, "2 4 6");
}

static gboolean
ask_all (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  WeirDataset *dataset = user_data;
  g_autoptr (GArray) all = weir_dataset_collect (dataset, error);
  g_autoptr (GArray) two = weir_dataset_take (dataset, 2, error);
  gsize count;

  g_assert_no_error (*error);
  g_assert_true (weir_dataset_count (dataset, &count, error));
  g_assert_cmpuint (count, ==, 3);
  g_assert_cmpuint (all->len, ==, 3);
  g_assert_cmpuint (two->len, ==, 2);
  g_assert_cmpuint (weir_dataset_n_partitions (dataset), ==, 2);
  g_assert_cmpint (weir_as_int (weir_val (g_array_index (all, WeirValue, 1))), ==, 2);
  return TRUE;
}

static void
it_answers_in_functions (Job *job)
{
  weir_foreach_batch (job->input, ask_all, dataset_of_three (job));
  job_push (job, "1");
  job_push (job, "2");
  job_run (job);
}

static void
outside_of_functions_it_says_so (Job *job)
{
  WeirDataset *dataset = dataset_of_three (job);
  g_autoptr (GError) error = NULL;
  gsize count;

  g_assert_false (weir_dataset_count (dataset, &count, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_USER);
  g_assert_nonnull (strstr (error->message, "in functions of transform and foreach only"));
}

static void
of_another_context_it_is_refused (Job *job)
{
  g_autoptr (WeirContext) other = weir_test_context_new (WEIR_SECONDS (1));
  WeirValue value = weir_int (1);

  weir_collect (weir_transform (job->input, with_data, weir_context_dataset (other, &value, 1, 1)));
  job_push (job, "1");
  job_run_into (job, WEIR_ERROR_GRAPH, "takes datasets of different batches or contexts");
}

static WeirDataset *
many (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  WeirValue values[1000];

  for (guint i = 0; i < G_N_ELEMENTS (values); i++)
    values[i] = weir_int (i);
  return weir_dataset_map (weir_dataset_new (data, values, G_N_ELEMENTS (values)), twice, NULL);
}

static void
a_batchs_own_dataset_is_copied (Job *job)
{
  WeirCollected *collected = weir_collect (weir_reduce (weir_transform (job->input, many, NULL), WEIR_SUM, NULL));

  job_push (job, "7");
  job_push (job, "");
  job_run (job);
  job_expect (collected, 0, "999000");
  job_expect (collected, 1, "999000");
}

static gboolean
fail_once (WeirDataset *data, WeirTime time, gpointer fails, GError **error)
{
  if (time < WEIR_SECONDS (2) || !*(gboolean *) fails)
    return TRUE;
  *(gboolean *) fails = FALSE;
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_USER, "as the test wants it");
  return FALSE;
}

/* FALSE: a batch has failed. */
static gboolean
live (const Scratch *store, WeirQueue *queue, WeirTime at, gboolean *fails)
{
  g_autofree char *uri = g_strdup_printf ("file://%s", store->path);
  g_autoptr (WeirContext) ctx = weir_test_context_new_at (WEIR_SECONDS (1), at);
  g_autoptr (GError) error = NULL;
  WeirCollected *collected;
  WeirStream *input;

  g_assert_true (weir_context_set (ctx, "checkpoint", uri, NULL));
  g_assert_true (weir_context_set (ctx, "restart.attempts", "0", NULL));
  g_assert_true (weir_context_set (ctx, "log.level", "error", NULL));
  input = weir_queue_stream (ctx, queue, TRUE);
  collected =
      weir_collect (weir_transform (input, with_data, weir_context_dataset (ctx, (WeirValue[]){ weir_int (1) }, 1, 1)));
  weir_foreach_batch (input, fail_once, fails);
  if (!weir_test_advance (ctx, 2, &error)) {
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_USER);
    return FALSE;
  }
  g_assert_cmpint (weir_collected_time (collected, 0), ==, WEIR_SECONDS (2));
  weir_collected_expect (collected, 0, "1 1 7", &error);
  g_assert_no_error (error);
  return TRUE;
}

/* A batch that was planned and not sealed runs as soon as there is a runner, while the context is still starting. */
static void
a_batch_that_is_run_again_at_start_has_it (void)
{
  for (guint i = 0; i < 20; i++) {
    g_autoptr (WeirQueue) queue = weir_queue_new ();
    gboolean fails = TRUE;
    Scratch store;

    scratch_init (&store);
    weir_queue_push_nothing (queue);
    weir_queue_push (queue, (WeirValue[]){ weir_int (7) }, 1);
    g_assert_false (live (&store, queue, 0, &fails));
    g_assert_true (live (&store, queue, WEIR_SECONDS (2), &fails));
    scratch_clear (&store);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/context-dataset/a-contexts-dataset-is-there-in-every-batch",
                a_contexts_dataset_is_there_in_every_batch);
  job_add_test ("/context-dataset/verbs-work-on-it-alone", verbs_work_on_it_alone);
  job_add_test ("/context-dataset/it-answers-in-functions", it_answers_in_functions);
  job_add_test ("/context-dataset/outside-of-functions-it-says-so", outside_of_functions_it_says_so);
  job_add_test ("/context-dataset/of-another-context-it-is-refused", of_another_context_it_is_refused);
  job_add_test ("/context-dataset/a-batchs-own-dataset-is-copied", a_batchs_own_dataset_is_copied);
  g_test_add_func ("/context-dataset/a-batch-that-is-run-again-at-start-has-it",
                   a_batch_that_is_run_again_at_start_has_it);
  return g_test_run ();
}
