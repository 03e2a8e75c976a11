/* Tests of split, alone and in front of what the engine fuses it with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

static void
push_lines (Job *job, const char *const *lines)
{
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (WeirValue));

  for (; *lines != NULL; lines++) {
    WeirValue line = weir_text (*lines);

    g_array_append_val (values, line);
  }
  job_push_values (job, (const WeirValue *) values->data, values->len);
}

static void
tokens_come_in_order_and_empty_ones_are_left_out (Job *job)
{
  static const char *const lines[] = { "the  quick", "", " brown fox ", "   ", "jumps", NULL };
  WeirCollected *collected = weir_collect (weir_split (job->input, ' '));

  push_lines (job, lines);
  job_push (job, "");
  job_run (job);
  job_expect (collected, 0, "the quick brown fox jumps");
  job_expect (collected, 1, "");
}

static void
any_byte_may_separate (Job *job)
{
  static const char *const lines[] = { "a,b,,d", ",", ",e", NULL };
  WeirCollected *collected = weir_collect (weir_split (job->input, ','));

  push_lines (job, lines);
  job_run (job);
  job_expect (collected, 0, "a b d e");
}

static void
zero_separates_at_any_blank (Job *job)
{
  static const char *const lines[] = { "a\tb\r\nc  d\v\fe", NULL };
  WeirCollected *collected = weir_collect (weir_split (job->input, 0));

  push_lines (job, lines);
  job_run (job);
  job_expect (collected, 0, "a b c d e");
}

static void
long_texts_and_many_tokens (Job *job)
{
  WeirCollected *collected = weir_collect (weir_split (job->input, ' '));
  g_autofree char *wide = g_strnfill (100 * 1000, 'w');
  g_autoptr (GString) line = g_string_new (wide);
  gsize n;

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (line, " %u", i);
  push_lines (job, (const char *const[]){ line->str, "end", NULL });
  job_run (job);
  weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 1002);
  g_assert_true (weir_equal (weir_collected_values (collected, 0, &n)[0], weir_text (wide)));
  g_assert_true (weir_equal (weir_collected_values (collected, 0, &n)[1000], weir_text ("999")));
}

static void
bytes_become_bytes (Job *job)
{
  WeirCollected *collected = weir_collect (weir_split (job->input, '\0'));
  WeirCollected *tokens = weir_collect (weir_split (job->input, '/'));
  const WeirValue value = weir_bytes ("a\0b/c", 5);
  gsize n;

  job_push_values (job, &value, 1);
  job_run (job);
  g_assert_true (weir_equal (weir_collected_values (tokens, 0, &n)[0], weir_bytes ("a\0b", 3)));
  g_assert_cmpuint (n, ==, 2);
  weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 1);
}

static void
it_counts_words_in_any_company (Job *job)
{
  static const char *const lines[] = { "a b a", "b  a", "c", "", NULL };
  WeirStream *words = weir_split (job->input, ' ');
  WeirCollected *sums = weir_collect (weir_reduce_by_key (weir_with_value (words, weir_int (2)), WEIR_SUM, NULL));
  WeirCollected *alone = weir_collect (weir_count_by_value (weir_split (job->input, ' ')));

  push_lines (job, lines);
  push_lines (job, lines + 4);
  job_run (job);
  job_expect_sorted (sums, 0, "(a,6) (b,4) (c,2)");
  job_expect_sorted (alone, 0, "(a,3) (b,2) (c,1)");
  job_expect_sorted (sums, 1, "");
  job_expect_sorted (alone, 1, "");
}

static void
only_texts_can_be_split (Job *job)
{
  weir_collect (weir_stream_set_name (weir_split (job->input, ' '), "words"));
  job_push (job, "5");
  job_run_into (job, WEIR_ERROR_KIND, "words: takes TEXT or BYTES, and got INT 5");
}

static void
pairs_cannot_be_split (Job *job)
{
  weir_collect (weir_split (job->input, ' '));
  job_push (job, "a=b");
  job_run_into (job, WEIR_ERROR_KIND, "takes TEXT or BYTES, and got PAIR (a,b)");
}

static void
a_fused_split_is_named_all_the_same (Job *job)
{
  weir_collect (weir_count_by_value (weir_stream_set_name (weir_split (job->input, ' '), "words")));
  job_push (job, "5");
  job_run_into (job, WEIR_ERROR_KIND, "words: takes TEXT or BYTES, and got INT 5");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/split/tokens-come-in-order-and-empty-ones-are-left-out",
                tokens_come_in_order_and_empty_ones_are_left_out);
  job_add_test ("/split/any-byte-may-separate", any_byte_may_separate);
  job_add_test ("/split/zero-separates-at-any-blank", zero_separates_at_any_blank);
  job_add_test ("/split/long-texts-and-many-tokens", long_texts_and_many_tokens);
  job_add_test ("/split/bytes-become-bytes", bytes_become_bytes);
  job_add_test ("/split/it-counts-words-in-any-company", it_counts_words_in_any_company);
  job_add_test ("/split/only-texts-can-be-split", only_texts_can_be_split);
  job_add_test ("/split/pairs-cannot-be-split", pairs_cannot_be_split);
  job_add_test ("/split/a-fused-split-is-named-all-the-same", a_fused_split_is_named_all_the_same);
  return g_test_run ();
}
