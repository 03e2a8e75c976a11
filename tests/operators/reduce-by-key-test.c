/* Tests of reduce_by_key, count_by_key and count_by_value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/engine/random-value.h"
#include "tests/engine/task-fixture.h"
#include "tests/operators/job.h"

static WeirValue
concatenate (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_format (task, "%.*s%.*s", (int) weir_size (a), weir_data (a), (int) weir_size (b), weir_data (b));
}

static WeirValue
fail_at_13 (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  if (weir_as_int (b) == 13)
    weir_fail (task, "thirteen");
  return a;
}

static void
sums_and_their_kin (Job *job)
{
  WeirCollected *sum = weir_collect (weir_reduce_by_key (job->input, WEIR_SUM, NULL));
  WeirCollected *min = weir_collect (weir_reduce_by_key (job->input, WEIR_MIN, NULL));
  WeirCollected *max = weir_collect (weir_reduce_by_key (job->input, WEIR_MAX, NULL));
  WeirCollected *first = weir_collect (weir_reduce_by_key (job->input, WEIR_FIRST, NULL));
  WeirCollected *last = weir_collect (weir_reduce_by_key (job->input, WEIR_LAST, NULL));

  job_push (job, "a=3 b=2 a=1 a=5 b=-4");
  job_push (job, "");
  job_run (job);
  job_expect_sorted (sum, 0, "(a,9) (b,-2)");
  job_expect_sorted (min, 0, "(a,1) (b,-4)");
  job_expect_sorted (max, 0, "(a,5) (b,2)");
  job_expect_sorted (first, 0, "(a,3) (b,2)");
  job_expect_sorted (last, 0, "(a,5) (b,-4)");
  job_expect (sum, 1, "");
}

static void
int_with_float_gives_float (Job *job)
{
  WeirCollected *sum = weir_collect (weir_reduce_by_key (job->input, WEIR_SUM, NULL));

  job_push (job, "a=1 a=0.5 b=0.25 b=2 c=7");
  job_run (job);
  job_expect_sorted (sum, 0, "(a,1.5) (b,2.25) (c,7)");
}

static void
the_order_of_arrival_is_kept (Job *job)
{
  WeirCollected *collected = weir_collect (weir_reduce_by_key (job->input, concatenate, NULL));

  job_push (job, "k=a q=x k=b k=c q=y k=d k=e k=f");
  job_run (job);
  job_expect_sorted (collected, 0, "(k,abcdef) (q,xy)");
}

static void
keys_of_all_kinds_are_kept_apart (Job *job)
{
  const WeirValue keys[] = {
    weir_nil (),
    weir_bool (FALSE),
    weir_int (0),
    weir_float (0),
    weir_text (""),
    weir_bytes ("", 0),
    weir_int (1),
    weir_float (1),
    weir_text ("1"),
    weir_float (-0.0),
    weir_text ("sixteen letters!"),
    weir_text ("seventeen letters"),
    WEIR_PAIR_OF (weir_int (1), weir_text ("x")),
    WEIR_LIST_OF (weir_int (1), weir_text ("x")),
    weir_text ("\0"),
  };
  WeirCollected *collected = weir_collect (weir_count_by_value (job->input));
  WeirValue twice[2 * G_N_ELEMENTS (keys)];
  gsize n;

  for (guint i = 0; i < G_N_ELEMENTS (twice); i++)
    twice[i] = keys[i % G_N_ELEMENTS (keys)];
  job_push_values (job, twice, G_N_ELEMENTS (twice));
  job_run (job);
  weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (keys) - 2); /* -0 is 0, and a text of a NUL written so is empty */
  for (gsize i = 0; i < n; i++) {
    WeirValue pair = weir_collected_values (collected, 0, &n)[i], key = weir_key (pair);
    gboolean is_double = weir_equal (key, weir_float (0)) || weir_equal (key, weir_text (""));

    g_assert_cmpint (weir_as_int (weir_val (pair)), ==, is_double ? 4 : 2);
  }
}

static void
counts_by_key_and_by_value (Job *job)
{
  WeirCollected *by_key = weir_collect (weir_count_by_key (job->input));
  WeirCollected *by_value = weir_collect (weir_count_by_value (job->input));

  job_push (job, "a=1 b=1 a=1 a=2");
  job_run (job);
  job_expect_sorted (by_key, 0, "(a,3) (b,1)");
  job_expect_sorted (by_value, 0, "((a,1),2) ((a,2),1) ((b,1),1)");
}

static void
many_keys_are_each_counted (Job *job)
{
  WeirStream *counts = weir_count_by_value (job->input);
  WeirCollected *n_keys = weir_collect (weir_count (counts));
  WeirCollected *twice = weir_collect (weir_count_by_value (counts));

  job_push_range (job, 60000);
  job_run (job);
  job_expect (n_keys, 0, "60000");
  g_assert_cmpuint (weir_collected_n_batches (twice), ==, 1);
}

static void
one_keyed_stream_feeds_another (Job *job)
{
  WeirStream *counts = weir_count_by_value (job->input);
  WeirCollected *sums = weir_collect (weir_count_by_key (weir_reduce_by_key (counts, WEIR_SUM, NULL)));
  WeirCollected *n = weir_collect (weir_count (weir_count_by_key (counts)));

  job_push_range (job, 30000);
  job_run (job);
  job_expect (n, 0, "30000");
  g_assert_cmpuint (weir_collected_n_batches (sums), ==, 1);
}

static void
a_sum_that_does_not_fit_is_an_error (Job *job)
{
  weir_collect (weir_reduce_by_key (job->input, WEIR_SUM, NULL));
  job_push (job, "a=9223372036854775807 b=1 a=1");
  job_run_into (job, WEIR_ERROR_OVERFLOW, "key 'a'");
}

static void
a_text_has_no_sum (Job *job)
{
  weir_collect (weir_reduce_by_key (job->input, WEIR_SUM, NULL));
  job_push (job, "a=1 b=two");
  job_run_into (job, WEIR_ERROR_KIND, "two");
}

static void
a_plain_value_fails_the_batch (Job *job)
{
  weir_collect (weir_count_by_key (job->input));
  job_push (job, "a=1 plain");
  job_run_into (job, WEIR_ERROR_KIND, "plain");
}

static void
a_function_that_fails_fails_the_batch (Job *job)
{
  weir_collect (weir_reduce_by_key (job->input, fail_at_13, NULL));
  job_push (job, "a=1 a=13 a=2");
  job_run_into (job, WEIR_ERROR_USER, "thirteen");
}

/* A list of two: containers as accumulators. */
static WeirValue
nest (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  const WeirValue items[] = { a, b };

  return weir_list (task, items, 2);
}

static void
values_may_be_containers (Job *job)
{
  WeirCollected *collected = weir_collect (weir_reduce_by_key (job->input, nest, NULL));

  weir_queue_set_partitions (job->queue, 1);
  job_push (job, "k=a k=b l=c k=d k=1");
  job_run (job);
  job_expect_sorted (collected, 0, "(k,[[[a,b],d],1]) (l,c)");
}

/* Each key twice, and more often where random keys are equal. */
static void
random_keys_are_one_where_they_are_equal (Job *job)
{
  enum { N = 3000 };
  g_autofree WeirValue *cells = g_new (WeirValue, 4 * N), *pairs = g_new (WeirValue, 2 * N);
  WeirCollected *collected = weir_collect (weir_count_by_key (job->input));
  TaskFixture tasks;
  WeirTask *task = task_fixture_init (&tasks);
  gint64 n_all = 0;
  gsize n;

  for (guint i = 0; i < 2 * N; i++) {
    cells[2 * i] = i < N ? random_value (task, 2) : weir_copy (task, cells[2 * (i - N)]);
    cells[2 * i + 1] = weir_int (1);
    pairs[i] = weir_pair_at (&cells[2 * i]);
  }
  job_push_values (job, pairs, 2 * N);
  job_run (job);
  for (const WeirValue *value = weir_collected_values (collected, 0, &n); n > 0; n--, value++) {
    gint64 n_equal = 0;

    for (guint i = 0; i < 2 * N; i++)
      n_equal += weir_equal (cells[2 * i], weir_key (*value));
    g_assert_cmpint (weir_as_int (weir_val (*value)), ==, n_equal);
    n_all += n_equal;
  }
  g_assert_cmpint (n_all, ==, 2 * N);
  task_fixture_clear (&tasks);
}

static WeirValue
by_remainder (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_format (task, "key-%d", (int) weir_as_int (value) % 500),
                    weir_format (task, "%d,", (int) weir_as_int (value)));
}

static char *
run_with (guint n_partitions, const char *workers)
{
  WeirCollected *collected;
  char *text;
  Job job;

  job_init (&job, n_partitions);
  g_assert_true (weir_context_set (job.ctx, "workers", workers, NULL));
  collected = weir_collect (weir_reduce_by_key (weir_map (job.input, by_remainder, NULL), concatenate, NULL));
  job_push_range (&job, 20000);
  job_run (&job);
  text = job_text (collected, 0);
  job_clear (&job);
  return text;
}

/* Byte by byte, order of keys and all. */
static void
the_number_of_workers_and_tasks_cannot_be_seen (void)
{
  static const guint partitions[] = { 1, 2, 7, 16 };
  static const char *const workers[] = { "1", "2", "5" };
  g_autofree char *expected = run_with (1, "1");

  for (gsize i = 0; i < G_N_ELEMENTS (partitions); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (workers); k++) {
      g_autofree char *text = run_with (partitions[i], workers[k]);

      g_assert_cmpstr (text, ==, expected);
    }
}

static void
partitions_may_be_asked_for (Job *job)
{
  static const guint partitions[] = { 1, 2, 7, 100, 256 };
  WeirCollected *collected[G_N_ELEMENTS (partitions)];
  WeirStream *pairs = weir_map (job->input, by_remainder, NULL);
  g_autofree char *expected = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (partitions); i++)
    collected[i] =
        weir_collect (weir_stream_set_partitions (weir_reduce_by_key (pairs, concatenate, NULL), partitions[i]));
  job_push_range (job, 3000);
  job_run (job);
  expected = weir_collected_text (collected[0], 0);
  for (gsize i = 0; i < G_N_ELEMENTS (partitions); i++)
    job_expect_sorted (collected[i], 0, expected);
}

static WeirValue
emits (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  weir_emit (task, a);
  return b;
}

static void
a_function_that_emits_fails_the_batch (Job *job)
{
  weir_queue_set_partitions (job->queue, 1);
  weir_collect (weir_reduce_by_key (job->input, emits, NULL));
  job_push (job, "a=1 a=2 a=3");
  job_run_into (job, WEIR_ERROR_USER, "emit");
}

static void
no_function_is_a_mistake (Job *job)
{
  weir_collect (weir_reduce_by_key (job->input, NULL, NULL));
  job_run_into (job, WEIR_ERROR_GRAPH, "combines two values, got NULL");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/reduce-by-key/sums-and-their-kin", sums_and_their_kin);
  job_add_test ("/reduce-by-key/int-with-float-gives-float", int_with_float_gives_float);
  job_add_test ("/reduce-by-key/the-order-of-arrival-is-kept", the_order_of_arrival_is_kept);
  job_add_test ("/reduce-by-key/keys-of-all-kinds-are-kept-apart", keys_of_all_kinds_are_kept_apart);
  job_add_test ("/reduce-by-key/counts-by-key-and-by-value", counts_by_key_and_by_value);
  job_add_test ("/reduce-by-key/many-keys-are-each-counted", many_keys_are_each_counted);
  job_add_test ("/reduce-by-key/one-keyed-stream-feeds-another", one_keyed_stream_feeds_another);
  job_add_test ("/reduce-by-key/a-sum-that-does-not-fit-is-an-error", a_sum_that_does_not_fit_is_an_error);
  job_add_test ("/reduce-by-key/a-text-has-no-sum", a_text_has_no_sum);
  job_add_test ("/reduce-by-key/a-plain-value-fails-the-batch", a_plain_value_fails_the_batch);
  job_add_test ("/reduce-by-key/a-function-that-fails-fails-the-batch", a_function_that_fails_fails_the_batch);
  job_add_test ("/reduce-by-key/values-may-be-containers", values_may_be_containers);
  job_add_test ("/reduce-by-key/random-keys-are-one-where-they-are-equal", random_keys_are_one_where_they_are_equal);
  g_test_add_func ("/reduce-by-key/the-number-of-workers-and-tasks-cannot-be-seen",
                   the_number_of_workers_and_tasks_cannot_be_seen);
  job_add_test ("/reduce-by-key/partitions-may-be-asked-for", partitions_may_be_asked_for);
  job_add_test ("/reduce-by-key/a-function-that-emits-fails-the-batch", a_function_that_emits_fails_the_batch);
  job_add_test ("/reduce-by-key/no-function-is-a-mistake", no_function_is_a_mistake);
  return g_test_run ();
}
