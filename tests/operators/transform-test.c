/* Tests of transform: what the job's function returns is the stream; what it must not return fails the batch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/pair-of-queues.h"

static WeirValue
twice (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_int (2 * weir_as_int (value));
}

static gboolean
is_even (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_as_int (value) % 2 == 0;
}

static WeirDataset *
twice_the_even_ones (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return weir_dataset_map (weir_dataset_filter (data, is_even, NULL), twice, NULL);
}

static void
what_the_function_builds_is_the_stream (Job *job)
{
  WeirCollected *collected = weir_collect (weir_transform (job->input, twice_the_even_ones, NULL));

  job_push (job, "1 2 3 4");
  job_push (job, "");
  job_push (job, "6");
  job_run (job);
  job_expect (collected, 0, "4 8");
  job_expect (collected, 1, "");
  job_expect (collected, 2, "12");
}

static WeirDataset *
itself (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  WeirTime *last = user_data;

  g_assert_cmpint (time, >, *last);
  *last = time;
  return data;
}

/* A second call in one batch would find that no time has passed. */
static void
the_function_is_called_once_a_batch (Job *job)
{
  WeirTime last = 0;
  WeirStream *same = weir_transform (job->input, itself, &last);
  WeirCollected *first = weir_collect (same), *second = weir_collect (weir_union (same, job->input));

  job_push (job, "1 a=2");
  job_push (job, "");
  job_run (job);
  job_expect (first, 0, "1 (a,2)");
  job_expect (second, 0, "1 (a,2) 1 (a,2)");
  g_assert_cmpint (last, ==, WEIR_SECONDS (2));
}

static WeirDataset *
how_many (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  gsize count;
  WeirValue value;

  if (!weir_dataset_count (data, &count, error))
    return NULL;
  value = weir_int ((gint64) count);
  return weir_dataset_union (weir_dataset_new (data, &value, 1), data);
}

static void
the_function_may_ask_and_make_datasets_of_its_own (Job *job)
{
  WeirCollected *collected = weir_collect (weir_transform (job->input, how_many, NULL));

  job_push (job, "7 8");
  job_push (job, "");
  job_run (job);
  job_expect (collected, 0, "2 7 8");
  job_expect (collected, 1, "0");
}

static WeirValue
counted (WeirTask *task, WeirValue value, gpointer user_data)
{
  weir_counter_add (task, user_data, 1);
  if (weir_as_int (value) == 3)
    weir_reject (task, value, "three");
  return value;
}

static WeirDataset *
asks_again_and_again (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  WeirDataset *mapped = weir_dataset_map (data, counted, user_data);
  WeirDataset *even = weir_dataset_filter (mapped, is_even, NULL);
  gsize count, n_even;

  if (!weir_dataset_count (even, &n_even, error) ||
      !weir_dataset_count (weir_dataset_map (mapped, twice, NULL), &count, error))
    return NULL;
  g_assert_cmpuint (n_even, ==, 1);
  g_assert_cmpuint (count, ==, 2);
  return mapped;
}

static void
note_rejected (const WeirBatchInfo *info, gpointer user_data)
{
  *(guint64 *) user_data += weir_batch_info_n_rejected (info);
}

static void
what_is_run_again_counts_once (Job *job)
{
  const WeirListener listener = { .batch_completed = note_rejected };
  WeirCounter *counter = weir_counter_new (job->ctx, "calls", NULL);
  WeirCollected *collected = weir_collect (weir_transform (job->input, asks_again_and_again, counter));
  guint64 n_rejected = 0;

  weir_context_add_listener (job->ctx, &listener, &n_rejected);
  job_push (job, "1 2 3");
  job_run (job);
  job_expect (collected, 0, "1 2");
  g_assert_cmpint (weir_counter_value (counter), ==, 3);
  weir_context_stop (job->ctx, TRUE);
  g_assert_cmpint (weir_context_await (job->ctx, -1, NULL), ==, WEIR_WAIT_STOPPED);
  g_assert_cmpuint (n_rejected, ==, 1);
}

static WeirDataset *
both (WeirDataset *a, WeirDataset *b, WeirTime time, gpointer user_data, GError **error)
{
  return weir_dataset_union (b, weir_dataset_map (a, twice, NULL));
}

static void
two_streams (void)
{
  WeirCollected *collected;
  Pair pair;

  pair_init (&pair, 2, 3);
  collected = weir_collect (weir_transform_with (pair.job.input, pair.other.input, both, NULL));
  pair_push (&pair, "1 2", "x y");
  pair_push (&pair, "3", "");
  job_run (&pair.job);
  job_expect (collected, 0, "x y 2 4");
  job_expect (collected, 1, "6");
  pair_clear (&pair);
}

static void
a_stream_with_itself (Job *job)
{
  WeirCollected *collected = weir_collect (weir_transform_with (job->input, job->input, both, NULL));

  job_push (job, "1 2");
  job_run (job);
  job_expect (collected, 0, "1 2 2 4");
}

static WeirDataset *
last_first (WeirDataset *const *data, gsize n, WeirTime time, gpointer user_data, GError **error)
{
  WeirDataset *all = data[n - 1];

  for (gsize i = n - 1; i > 0; i--)
    all = weir_dataset_union (all, data[i - 1]);
  return all;
}

static void
any_number_of_streams (Job *job)
{
  WeirStream *doubled = weir_map (job->input, twice, NULL);
  WeirStream *const streams[] = { job->input, doubled, weir_map (doubled, twice, NULL) };
  WeirCollected *collected = weir_collect (weir_transform_all (streams, 3, last_first, NULL));

  job_push (job, "1 2");
  job_run (job);
  job_expect (collected, 0, "4 8 2 4 1 2");
}

static WeirDataset *
nothing (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return NULL;
}

static void
null_without_an_error_fails_the_batch (Job *job)
{
  weir_collect (weir_stream_set_name (weir_transform (job->input, nothing, NULL), "void"));
  job_push (job, "1");
  job_run_into (job, WEIR_ERROR_USER, "void: the job's function returned NULL and set no error");
}

static WeirDataset *
refuse (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "not today");
  return user_data != NULL ? data : NULL;
}

static void
an_error_that_is_set_fails_the_batch (Job *job)
{
  weir_collect (weir_transform (job->input, refuse, NULL));
  job_push (job, "1");
  job_run_into (job, WEIR_ERROR_FAILED, "not today");
}

static void
an_error_beside_a_dataset_fails_the_batch (Job *job)
{
  weir_collect (weir_transform (job->input, refuse, job));
  job_push (job, "1");
  job_run_into (job, WEIR_ERROR_FAILED, "not today");
}

static WeirDataset *
the_first_ever (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  WeirDataset **first = user_data;

  if (*first == NULL)
    *first = data;
  return *first;
}

static void
a_dataset_of_an_earlier_batch_is_refused (Job *job)
{
  WeirDataset *first = NULL;

  weir_collect (weir_stream_set_name (weir_transform (job->input, the_first_ever, &first), "late"));
  job_push (job, "1");
  job_push (job, "2");
  job_run_into (job, WEIR_ERROR_USER, "late: the job's function returned a dataset of another batch");
}

static WeirDataset *
count_the_first_ever (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  WeirDataset *first = the_first_ever (data, time, user_data, error);
  gsize count;

  return weir_dataset_count (weir_dataset_map (first, twice, NULL), &count, error) ? data : NULL;
}

static void
a_dataset_of_an_earlier_batch_answers_nothing (Job *job)
{
  WeirDataset *first = NULL;

  weir_collect (weir_transform (job->input, count_the_first_ever, &first));
  job_push (job, "1");
  job_push (job, "2");
  job_run_into (job, WEIR_ERROR_USER, "the dataset's batch is over");
}

static WeirDataset *
without_a_function (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return weir_dataset_map (data, NULL, NULL);
}

static void
mistakes_name_the_verb_and_the_stream (Job *job)
{
  weir_collect (weir_stream_set_name (weir_transform (job->input, without_a_function, NULL), "mine"));
  job_push (job, "1");
  job_run_into (job, WEIR_ERROR_GRAPH, "map in mine: needs a function, got NULL");
}

static WeirDataset *
grouped (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return weir_dataset_group_by_key (data);
}

static void
wrong_kinds_name_the_verb_and_the_value (Job *job)
{
  weir_collect (weir_stream_set_name (weir_transform (job->input, grouped, NULL), "mine"));
  job_push (job, "word");
  job_run_into (job, WEIR_ERROR_KIND, "group_by_key in mine: takes pairs, and got TEXT word");
}

static void
a_function_is_needed (Job *job)
{
  weir_collect (weir_transform (job->input, NULL, NULL));
  job_run_into (job, WEIR_ERROR_GRAPH, "needs a function, got NULL: pass one to weir_transform ()");
}

static void
slides_must_be_equal (Job *job)
{
  WeirStream *slow = weir_window (job->input, WEIR_SECONDS (2), WEIR_SECONDS (2));

  weir_collect (weir_transform_with (job->input, weir_stream_set_name (slow, "slow"), both, NULL));
  job_run_into (job, WEIR_ERROR_GRAPH, "with slow, which slides by 2s");
}

static void
windows_see_what_it_makes (Job *job)
{
  WeirStream *doubled = weir_transform (job->input, twice_the_even_ones, NULL);
  WeirCollected *collected = weir_collect (weir_window (doubled, WEIR_SECONDS (2), 0));

  job_push (job, "1 2");
  job_push (job, "4");
  job_run (job);
  job_expect (collected, 0, "4");
  job_expect (collected, 1, "4 8");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/transform/what-the-function-builds-is-the-stream", what_the_function_builds_is_the_stream);
  job_add_test ("/transform/the-function-is-called-once-a-batch", the_function_is_called_once_a_batch);
  job_add_test ("/transform/the-function-may-ask-and-make-datasets-of-its-own",
                the_function_may_ask_and_make_datasets_of_its_own);
  job_add_test ("/transform/what-is-run-again-counts-once", what_is_run_again_counts_once);
  g_test_add_func ("/transform/two-streams", two_streams);
  job_add_test ("/transform/a-stream-with-itself", a_stream_with_itself);
  job_add_test ("/transform/any-number-of-streams", any_number_of_streams);
  job_add_test ("/transform/null-without-an-error-fails-the-batch", null_without_an_error_fails_the_batch);
  job_add_test ("/transform/an-error-that-is-set-fails-the-batch", an_error_that_is_set_fails_the_batch);
  job_add_test ("/transform/an-error-beside-a-dataset-fails-the-batch", an_error_beside_a_dataset_fails_the_batch);
  job_add_test ("/transform/a-dataset-of-an-earlier-batch-is-refused", a_dataset_of_an_earlier_batch_is_refused);
  job_add_test ("/transform/a-dataset-of-an-earlier-batch-answers-nothing",
                a_dataset_of_an_earlier_batch_answers_nothing);
  job_add_test ("/transform/mistakes-name-the-verb-and-the-stream", mistakes_name_the_verb_and_the_stream);
  job_add_test ("/transform/wrong-kinds-name-the-verb-and-the-value", wrong_kinds_name_the_verb_and_the_value);
  job_add_test ("/transform/a-function-is-needed", a_function_is_needed);
  job_add_test ("/transform/slides-must-be-equal", slides_must_be_equal);
  job_add_test ("/transform/windows-see-what-it-makes", windows_see_what_it_makes);
  return g_test_run ();
}
