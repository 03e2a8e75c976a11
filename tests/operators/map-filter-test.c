/* Tests of operators/map-filter: a map with a filter behind it, whatever the functions return, reject or do wrong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

#define N 3000 /* several chunks in each partition */

static gint64
number_of (WeirValue value)
{
  return weir_as_int (weir_kind (value) == WEIR_PAIR ? weir_val (value) : value);
}

/* Plain, or a pair, or rejected. */
static WeirValue
mix (WeirTask *task, WeirValue value, gpointer user_data)
{
  gint64 i = number_of (value);

  if (i % 11 == 5)
    weir_reject (task, value, "five");
  return i % 7 == 3 ? weir_pair (task, weir_int (-i), weir_int (i)) : weir_int (i);
}

static gboolean
even_but_thirteens (WeirTask *task, WeirValue value, gpointer user_data)
{
  if (number_of (value) % 13 == 0)
    weir_reject (task, value, "thirteen");
  return number_of (value) % 2 == 0;
}

static char *
expected_text (void)
{
  GString *text = g_string_new (NULL);

  for (gint i = 0; i < N; i++) {
    if (i % 11 == 5 || i % 13 == 0 || i % 2 != 0)
      continue;
    if (i % 7 == 3)
      g_string_append_printf (text, "(%d,%d) ", -i, i);
    else
      g_string_append_printf (text, "%d ", i);
  }
  g_string_truncate (text, text->len - 1);
  return g_string_free (text, FALSE);
}

static void
all_shapes_come_in_order (Job *job)
{
  WeirStream *mapped = weir_map (job->input, mix, NULL), *kept = weir_filter (mapped, even_but_thirteens, NULL);
  WeirCollected *collected = weir_collect (kept), *fives = weir_collect (weir_count (weir_rejected (mapped)));
  WeirCollected *thirteens = weir_collect (weir_count (weir_rejected (kept)));
  g_autofree char *expected = expected_text ();

  job_push_range (job, N);
  job_run (job);
  job_expect (collected, 0, expected);
  job_expect (fives, 0, "273");
  job_expect (thirteens, 0, "210");
}

static WeirValue
value_only (WeirTask *task, WeirValue pair, gpointer user_data)
{
  return weir_val (pair);
}

static gboolean
is_small (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_as_int (value) < 3;
}

static void
pairs_are_mapped_and_kept (Job *job)
{
  WeirCollected *collected = weir_collect (weir_filter (weir_map (job->input, value_only, NULL), is_small, NULL));

  job_push (job, "a=1 b=5 c=2 d=4 e=0");
  job_run (job);
  job_expect (collected, 0, "1 2 0");
}

/* A borrowed text stays where it points to: in the element. */
static WeirValue
without_first (WeirTask *task, WeirValue text, gpointer user_data)
{
  return weir_text_n (weir_data (text) + 1, weir_size (text) - 1);
}

static gboolean
is_long (WeirTask *task, WeirValue text, gpointer user_data)
{
  return weir_size (text) > 2;
}

static void
texts_are_not_copied_wrongly (Job *job)
{
  WeirCollected *collected = weir_collect (weir_filter (weir_map (job->input, without_first, NULL), is_long, NULL));

  job_push (job, "alpha be gamma x delta");
  job_run (job);
  job_expect (collected, 0, "lpha amma elta");
}

static WeirValue
fail_at_four (WeirTask *task, WeirValue value, gpointer user_data)
{
  if (weir_as_int (value) == 4)
    weir_fail (task, "no four");
  return value;
}

static gboolean
fail_at_six (WeirTask *task, WeirValue value, gpointer user_data)
{
  if (weir_as_int (value) == 6)
    weir_fail (task, "no six");
  return TRUE;
}

static void
each_failure_rejects_a_record_of_its_operator (Job *job)
{
  WeirStream *mapped = weir_map (job->input, fail_at_four, NULL), *kept = weir_filter (mapped, fail_at_six, NULL);
  WeirCollected *collected = weir_collect (kept);
  WeirCollected *of_map = weir_collect (weir_rejected (mapped)), *of_filter = weir_collect (weir_rejected (kept));
  g_autoptr (GError) error = NULL;

  weir_context_set (job->ctx, "on.error", "reject", &error);
  g_assert_no_error (error);
  job_push_range (job, 9);
  job_run (job);
  job_expect (collected, 0, "0 1 2 3 5 7 8");
  job_expect (of_map, 0, "(no four,4)");
  job_expect (of_filter, 0, "(no six,6)");
}

static WeirValue
map_emits (WeirTask *task, WeirValue value, gpointer user_data)
{
  for (guint i = 0; i < 300; i++)
    weir_emit_pair (task, value, value);
  return value;
}

static gboolean
filter_emits (WeirTask *task, WeirValue value, gpointer user_data)
{
  weir_emit (task, value);
  return FALSE;
}

static void
a_map_that_emits_fails_the_batch (Job *job)
{
  weir_collect (weir_filter (weir_map (job->input, map_emits, NULL), is_small, NULL));
  job_push (job, "1 2 3");
  job_run_into (job, WEIR_ERROR_USER, "return the result");
}

static void
a_filter_that_emits_fails_the_batch (Job *job)
{
  weir_collect (weir_filter (weir_map (job->input, value_only, NULL), filter_emits, NULL));
  job_push (job, "1 2 3");
  job_run_into (job, WEIR_ERROR_USER, "it says what stays");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/map-filter/all-shapes-come-in-order", all_shapes_come_in_order);
  job_add_test ("/map-filter/pairs-are-mapped-and-kept", pairs_are_mapped_and_kept);
  job_add_test ("/map-filter/texts-are-not-copied-wrongly", texts_are_not_copied_wrongly);
  job_add_test ("/map-filter/each-failure-rejects-a-record-of-its-operator",
                each_failure_rejects_a_record_of_its_operator);
  job_add_test ("/map-filter/a-map-that-emits-fails-the-batch", a_map_that_emits_fails_the_batch);
  job_add_test ("/map-filter/a-filter-that-emits-fails-the-batch", a_filter_that_emits_fails_the_batch);
  return g_test_run ();
}
