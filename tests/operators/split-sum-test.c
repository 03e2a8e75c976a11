/* Tests of the recognised word count: one loop that must give what the operators give one by one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/engine/random-value.h"
#include "tests/operators/job.h"

static WeirValue
as_it_is (WeirTask *task, WeirValue value, gpointer user_data)
{
  return value;
}

/* Lines over a small vocabulary with words of every length, and blanks in odd places. */
static void
push_lines (Job *job, guint n, guint seed)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (seed);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autofree WeirValue *lines = g_new (WeirValue, n);

  for (guint i = 0; i < n; i++) {
    GString *line = g_string_new (g_rand_boolean (random) ? " " : "");
    guint n_words = (guint) g_rand_int_range (random, 0, 12);

    for (guint k = 0; k < n_words; k++) {
      guint word = (guint) (g_rand_double (random) * g_rand_double (random) * 7000);

      g_string_append_printf (line, "%0*u%s", 1 + (int) (word % 24), word, g_rand_boolean (random) ? " " : "  ");
    }
    g_ptr_array_add (texts, line->str);
    lines[i] = weir_text_n (line->str, line->len);
    g_string_free (line, FALSE);
  }
  job_push_values (job, lines, n);
}

static void
expect_equal (WeirCollected *a, WeirCollected *b)
{
  for (guint batch = 0; batch < weir_collected_n_batches (a); batch++) {
    g_autofree char *one = weir_collected_text (a, batch);
    g_autofree char *other = weir_collected_text (b, batch);

    g_assert_cmpstr (one, ==, other);
  }
}

static void
it_counts_what_the_operators_count (Job *job)
{
  WeirStream *words = weir_split (job->input, ' ');
  WeirStream *plain = weir_map (weir_split (job->input, ' '), as_it_is, NULL);
  WeirCollected *fused = weir_collect (weir_count_by_value (weir_split (job->input, ' ')));
  WeirCollected *summed =
      weir_collect (weir_reduce_by_key (weir_with_value (weir_split (job->input, ' '), weir_int (1)), WEIR_SUM, NULL));
  WeirCollected *kept = weir_collect (weir_count_by_value (words));
  WeirCollected *single = weir_collect (weir_count_by_value (plain));

  weir_collect (words);      /* a stream that two use is not fused */
  push_lines (job, 3000, 1); /* more words than a small table holds */
  push_lines (job, 10, 2);
  push_lines (job, 0, 3);
  job_run (job);
  expect_equal (fused, single);
  expect_equal (summed, single);
  expect_equal (kept, single);
}

static void
the_amount_is_what_with_value_says (Job *job)
{
  WeirCollected *collected =
      weir_collect (weir_reduce_by_key (weir_with_value (weir_split (job->input, ','), weir_int (-5)), WEIR_SUM, NULL));

  job_push (job, "a,b,a ,,b");
  job_run (job);
  job_expect_sorted (collected, 0, "(a,-10) (b,-10)");
}

static void
floats_are_summed_all_the_same (Job *job)
{
  WeirCollected *collected = weir_collect (
      weir_reduce_by_key (weir_with_value (weir_split (job->input, ','), weir_float (0.5)), WEIR_SUM, NULL));

  job_push (job, "a,b,a");
  job_run (job);
  job_expect_sorted (collected, 0, "(a,1.0) (b,0.5)");
}

static void
what_is_no_text_fails_in_the_name_of_split (Job *job)
{
  WeirStream *words = weir_stream_set_name (weir_split (job->input, ' '), "cut into words");

  weir_collect (weir_count_by_value (words));
  job_push (job, "text 12");
  job_run_into (job, WEIR_ERROR_KIND, "cut into words");
}

static void
an_overflow_is_an_error (Job *job)
{
  weir_collect (weir_reduce_by_key (weir_with_value (weir_split (job->input, ','), weir_int (G_MAXINT64 / 2 + 1)),
                                    WEIR_SUM, NULL));
  job_push (job, "a,b,a");
  job_run_into (job, WEIR_ERROR_OVERFLOW, "'a'");
}

/* Hands on what it gets: the engine recognises nothing behind it. */
static gboolean
is_any (WeirTask *task, WeirValue value, gpointer user_data)
{
  return TRUE;
}

static WeirStream *
apart (WeirStream *s)
{
  return weir_filter (s, is_any, NULL);
}

/* Words of up to 25 bytes between blanks, in TEXT and BYTES. */
static void
push_random_lines (Job *job, guint n_lines, guint n_words)
{
  g_autofree WeirValue *lines = g_new (WeirValue, n_lines + 1);
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < n_lines; i++) {
    GString *line = g_string_new (NULL);

    for (guint k = below (30); k > 0; k--)
      g_string_append_printf (line, "%s%.*s%u", below (5) == 0 ? "" : " ", (gint) below (20) + 1,
                              "a-word-that-is-quite-long", below (n_words));
    lines[i] = i % 2 == 0 ? weir_text_n (line->str, line->len) : weir_bytes (line->str, line->len);
    g_ptr_array_add (texts, g_string_free (line, FALSE));
  }
  job_push_values (job, lines, n_lines);
}

static void
expect_same (Job *job, WeirStream *fused, WeirStream *plain, guint n_words)
{
  WeirCollected *left = weir_collect (fused), *right = weir_collect (plain);

  push_random_lines (job, 2000, n_words);
  push_random_lines (job, 0, n_words);
  push_random_lines (job, 30, n_words);
  job_run (job);
  for (guint batch = 0; batch < 3; batch++) {
    g_autofree char *expected = weir_collected_text (right, batch);

    job_expect_sorted (left, batch, expected);
  }
}

static void
random_lines_of_few_words (Job *job)
{
  WeirStream *fused = weir_with_value (weir_split (job->input, ' '), weir_int (3));
  WeirStream *plain = weir_with_value (apart (weir_split (job->input, ' ')), weir_int (3));

  expect_same (job, weir_reduce_by_key (fused, WEIR_SUM, NULL), weir_reduce_by_key (plain, WEIR_SUM, NULL), 5);
}

static void
random_lines_of_many_words (Job *job)
{
  WeirStream *fused = weir_with_value (weir_split (job->input, 0), weir_int (-1));
  WeirStream *plain = weir_with_value (apart (weir_split (job->input, 0)), weir_int (-1));

  expect_same (job, weir_reduce_by_key (fused, WEIR_SUM, NULL), weir_reduce_by_key (plain, WEIR_SUM, NULL), 100000);
}

static void
random_lines_counted_by_value (Job *job)
{
  expect_same (job, weir_count_by_value (weir_split (job->input, ' ')),
               weir_count_by_value (apart (weir_split (job->input, ' '))), 3000);
}

/* What others use, too, is not swallowed. */
static void
a_split_that_two_use (Job *job)
{
  WeirStream *split = weir_split (job->input, ' ');
  WeirStream *ones = weir_with_value (split, weir_int (1));
  WeirCollected *counts = weir_collect (weir_reduce_by_key (ones, WEIR_SUM, NULL));
  WeirCollected *again = weir_collect (weir_count_by_value (split));
  WeirCollected *pairs = weir_collect (ones);
  const WeirValue lines[] = { weir_text ("a b a"), weir_text ("c a") };

  job_push_values (job, lines, 2);
  job_run (job);
  job_expect_sorted (counts, 0, "(a,3) (b,1) (c,1)");
  job_expect_sorted (again, 0, "(a,3) (b,1) (c,1)");
  job_expect (pairs, 0, "(a,1) (b,1) (a,1) (c,1) (a,1)");
}

/* One input of the sum is fused, the other is not. */
static void
a_union_of_fused_and_other_pairs (Job *job)
{
  WeirStream *words = weir_with_value (weir_split (job->input, ' '), weir_int (1));
  WeirStream *others = weir_with_value (apart (weir_split (job->input, ' ')), weir_int (10));
  WeirCollected *collected = weir_collect (weir_reduce_by_key (weir_union (words, others), WEIR_SUM, NULL));
  const WeirValue lines[] = { weir_text ("x y x"), weir_text ("y") };

  job_push_values (job, lines, 2);
  job_run (job);
  job_expect_sorted (collected, 0, "(x,22) (y,22)");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/split-sum/it-counts-what-the-operators-count", it_counts_what_the_operators_count);
  job_add_test ("/split-sum/the-amount-is-what-with-value-says", the_amount_is_what_with_value_says);
  job_add_test ("/split-sum/floats-are-summed-all-the-same", floats_are_summed_all_the_same);
  job_add_test ("/split-sum/what-is-no-text-fails-in-the-name-of-split", what_is_no_text_fails_in_the_name_of_split);
  job_add_test ("/split-sum/an-overflow-is-an-error", an_overflow_is_an_error);
  job_add_test ("/split-sum/random-lines-of-few-words", random_lines_of_few_words);
  job_add_test ("/split-sum/random-lines-of-many-words", random_lines_of_many_words);
  job_add_test ("/split-sum/random-lines-counted-by-value", random_lines_counted_by_value);
  job_add_test ("/split-sum/a-split-that-two-use", a_split_that_two_use);
  job_add_test ("/split-sum/a-union-of-fused-and-other-pairs", a_union_of_fused_and_other_pairs);
  return g_test_run ();
}
