/* on.error=reject: a record at which a function fails is kept apart, by operator, with the reason, and leaves nothing
 * behind; what is no single record's fault fails the batch.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/connector.h>
#include <weir/dataset.h>
#include <weir/error.h>
#include <weir/state.h>

#include <string.h>

#include "engine/task.h"
#include "tests/operators/job.h"

#define MOST "9223372036854775807"

static void
set_reject (Job *job)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (job->ctx, "on.error", "reject", &error);
  g_assert_no_error (error);
}

/* Fails at TEXT "bad". */
static gboolean
is_bad (WeirTask *task, WeirValue value)
{
  if (!weir_equal (value, weir_text ("bad")))
    return FALSE;
  weir_fail (task, "the word is %.*s", (int) weir_size (value), weir_data (value));
  return TRUE;
}

static WeirValue
check (WeirTask *task, WeirValue value, gpointer user_data)
{
  return is_bad (task, value) ? weir_int (-1) : value;
}

static gboolean
passes (WeirTask *task, WeirValue value, gpointer user_data)
{
  is_bad (task, value);
  return !weir_equal (value, weir_text ("no"));
}

typedef struct {
  WeirCollected *good, *bad;
} Both;

static Both
collect_both (WeirStream *stream)
{
  return (Both){ weir_collect (stream), weir_collect (weir_rejected (stream)) };
}

static void
test_map (Job *job)
{
  Both both = collect_both (weir_map (job->input, check, NULL));

  set_reject (job);
  job_push (job, "a bad 1 b=2 bad c");
  job_push (job, "bad");
  job_push (job, "b=1 bad");
  job_run (job);
  job_expect (both.good, 0, "a 1 (b,2) c");
  job_expect (both.bad, 0, "(the word is bad,bad) (the word is bad,bad)");
  job_expect (both.good, 1, "");
  job_expect (both.bad, 1, "(the word is bad,bad)");
  job_expect (both.good, 2, "(b,1)");
}

static void
test_map_values_and_filter (Job *job)
{
  Both values = collect_both (weir_map_values (job->input, check, NULL));
  Both passed = collect_both (weir_filter (job->input, passes, NULL));

  set_reject (job);
  job_push (job, "a=1 b=bad c=2 bad no");
  job_run (job);
  job_expect (values.good, 0, "(a,1) (c,2)");
  job_expect (passed.good, 0, "(a,1) (b,bad) (c,2)");
  job_expect (passed.bad, 0, "(the word is bad,bad)");
}

static void
test_a_plain_value_where_pairs_are_wanted (Job *job)
{
  Both both = collect_both (weir_group_by_key (job->input));

  set_reject (job);
  job_push (job, "a=1 7 a=2");
  job_run (job);
  job_expect (both.good, 0, "(a,[1,2])");
  job_expect (both.bad, 0,
              "(takes pairs, and got INT 7: make pairs first, with weir_with_value (), weir_pair () in a map, or "
              "weir_emit_pair (),7)");
}

/* Whether the values meet in one task or where tasks are put together. */
static void
test_a_sum_that_overflows (Job *job)
{
  Both both = collect_both (weir_reduce_by_key (job->input, WEIR_SUM, NULL));
  WeirCollected *n = weir_collect (weir_count (weir_rejected (weir_reduce_by_key (job->input, WEIR_SUM, NULL))));

  set_reject (job);
  job_push (job, "a=" MOST " a=1 b=2");
  job_push (job, "a=x b=1 a=x");
  job_push (job, "a=1 a=x a=2.5");
  job_run (job);
  job_expect_sorted (both.good, 0, "(a," MOST ") (b,2)");
  job_expect (both.bad, 0,
              "(the sum of key 'a' does not fit an INT when 1 is added to " MOST
              ": sum FLOATs instead, or smaller numbers,(a,1))");
  job_expect (n, 0, "1");
  job_expect_sorted (both.good, 1, "(b,1)"); /* a key without a number is none */
  job_expect (n, 1, "2");
  job_expect_sorted (both.good, 2, "(a,3.5)");
  job_expect (n, 2, "1");
}

static void
test_the_sum_of_all (Job *job)
{
  Both both = collect_both (weir_reduce (job->input, WEIR_SUM, NULL));

  set_reject (job);
  job_push (job, MOST " 1");
  job_run (job);
  job_expect (both.good, 0, MOST);
  job_expect (both.bad, 0, "(the sum of " MOST " and 1 does not fit an INT: sum FLOATs instead, or smaller numbers,1)");
}

/* Known keys, keys that are new, and what several tasks found. */
static void
test_windows (Job *job)
{
  Both sums = collect_both (
      weir_reduce_by_key_and_window (job->input, WEIR_SUM, NULL, WEIR_SECONDS (2), WEIR_SECONDS (1), NULL));

  set_reject (job);
  job_push (job, "a=1 b=x");
  job_push (job, "a=x a=2 b=1 c=x");
  job_push (job, "d=" MOST " d=3 b=x b=5");
  job_push (job, "c=1 b=x");
  job_run (job);
  job_expect_sorted (sums.good, 0, "(a,1)");
  job_expect (sums.bad, 0, "(WEIR_SUM takes INT and FLOAT, but key 'b' has the value 'x',(b,x))");
  job_expect_sorted (sums.good, 1, "(a,3) (b,1)");
  job_expect_sorted (sums.good, 2, "(a,2) (b,6) (d," MOST ")");
  job_expect_sorted (sums.good, 3, "(b,5) (c,1) (d," MOST ")");
}

/* Two panes, each of them right by itself. */
static void
test_panes_that_do_not_add_up_fail_the_batch (Job *job)
{
  weir_collect (weir_reduce_by_key_and_window (job->input, WEIR_SUM, NULL, WEIR_SECONDS (2), WEIR_SECONDS (1), NULL));
  set_reject (job);
  job_push (job, "a=" MOST);
  job_push (job, "a=1");
  job_run_into (job, WEIR_ERROR_OVERFLOW, "reduce_by_key_and_window-1");
}

static WeirValue
add_small (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  if (weir_as_int (b) > 10)
    weir_fail (task, "too large");
  return weir_int (weir_as_int (a) + weir_as_int (b));
}

/* Whether the values meet in one task or where the columns of several are put together, which keys have from their second
 * pane on. */
static void
test_functions_of_windows (Job *job)
{
  Both sums = collect_both (
      weir_reduce_by_key_and_window (job->input, add_small, NULL, WEIR_SECONDS (2), WEIR_SECONDS (1), NULL));

  set_reject (job);
  job_push (job, "a=1 b=1 a=20");
  job_push (job, "a=2 b=2 a=20");
  job_push (job, "a=3 b=3 b=4 a=20");
  job_run (job);
  for (guint i = 0; i < 3; i++)
    job_expect (sums.bad, i, "(too large,(a,20))");
  job_expect_sorted (sums.good, 0, "(a,1) (b,1)");
  job_expect_sorted (sums.good, 1, "(a,3) (b,3)");
  job_expect_sorted (sums.good, 2, "(a,5) (b,9)");
}

/* A pane of several batches: what is rejected shows in the batch in which it came. */
static void
test_batches_of_a_pane (Job *job)
{
  Both sums = collect_both (
      weir_reduce_by_key_and_window (job->input, add_small, NULL, WEIR_SECONDS (2), WEIR_SECONDS (2), NULL));

  set_reject (job);
  job_push (job, "a=1 b=1 a=20");
  job_push (job, "a=30 b=2");
  job_push (job, "a=1 a=40");
  job_push (job, "b=1");
  job_run (job);
  job_expect_sorted (sums.good, 0, "(a,1) (b,3)");
  job_expect_sorted (sums.good, 1, "(a,1) (b,1)");
  job_expect (sums.bad, 0, "(too large,(a,20))");
  job_expect (sums.bad, 1, "(too large,(a,30))");
  job_expect (sums.bad, 2, "(too large,(a,40))");
  job_expect (sums.bad, 3, "");
}

static void
test_a_function_that_combines (Job *job)
{
  Both both = collect_both (weir_reduce_by_key (job->input, add_small, NULL));

  set_reject (job);
  job_push (job, "a=1 a=20 b=30 a=2");
  job_run (job);
  job_expect_sorted (both.good, 0, "(a,3) (b,30)");
  job_expect (both.bad, 0, "(too large,(a,20))");
}

static WeirValue
create_small (WeirTask *task, WeirValue value, gpointer user_data)
{
  return add_small (task, weir_int (0), value, NULL);
}

static void
test_a_combiner (Job *job)
{
  const WeirCombiner combiner = { .create = create_small, .merge_value = add_small, .merge_combiners = add_small };
  Both both = collect_both (weir_combine_by_key (job->input, &combiner));

  set_reject (job);
  job_push (job, "b=30 a=1 a=20 c=12 a=2");
  job_run (job);
  job_expect_sorted (both.good, 0, "(a,3)"); /* b and c never came to be */
  job_expect (both.bad, 0, "(too large,(b,30)) (too large,(a,20)) (too large,(c,12))");
}

static void
test_split_alone_and_fused (Job *job)
{
  Both both = collect_both (weir_split (job->input, ','));
  WeirCollected *counts = weir_collect (weir_count_by_value (weir_split (job->input, ',')));
  WeirCollected *sums =
      weir_collect (weir_reduce_by_key (weir_with_value (weir_split (job->input, ','), weir_int (2)), WEIR_SUM, NULL));

  set_reject (job);
  job_push (job, "a,b 7 b x=y");
  job_run (job);
  job_expect (both.good, 0, "a b b");
  job_expect (
      both.bad, 0,
      "(takes TEXT or BYTES, and got INT 7: make a text of it first, with weir_format () in a map,7) (takes TEXT "
      "or BYTES, and got PAIR (x,y): make a text of it first, with weir_format () in a map,(x,y))");
  job_expect_sorted (counts, 0, "(a,1) (b,2)");
  job_expect_sorted (sums, 0, "(a,2) (b,4)");
}

static WeirValue
even (WeirTask *task, guint64 index, gpointer user_data)
{
  if (index % 2 == 1)
    weir_fail (task, "odd");
  return weir_int ((gint64) index);
}

static void
test_a_generator (Job *job)
{
  Both both = collect_both (weir_generator_stream (job->ctx, even, 5, NULL));

  set_reject (job);
  job_push (job, "");
  job_run (job);
  job_expect (both.good, 0, "0 2 4");
  job_expect (both.bad, 0, "(odd,1) (odd,3)");
}

/* --- a source whose function emits into the task itself, as that of a Kafka stream does --- */

/* Much is plain, little is of both shapes in turn. */
static void
emit_then_fail (WeirTask *task, gint64 n)
{
  for (gint64 i = 0; i < ABS (n); i++)
    if (i % 2 == 0 || ABS (n) > 500)
      weir_emit (task, weir_int (n));
    else
      weir_emit_pair (task, weir_int (i), weir_int (n));
  if (n < 0)
    weir_fail (task, "below 0");
}

static gboolean
plan_once (WeirSource *source, WeirSourcePlan *plan, GError **error)
{
  plan->n_partitions = plan->from_size == 0 ? 1 : 0;
  g_byte_array_append (plan->until, (const guint8 *) "1", 1);
  return TRUE;
}

static gboolean
fetch_records (WeirTask *task, WeirFetch *fetch, GError **error)
{
  const GArray *records = weir_source_user_data (fetch->source);

  weir_task_shield (task);
  for (guint i = 0; i < records->len; i++) {
    gint64 record = g_array_index (records, gint64, i);
    WeirTaskMark mark = weir_task_begin_record (task);

    emit_then_fail (task, record);
    weir_task_end_record (task, mark, weir_int (record));
  }
  weir_task_unshield (task);
  return FALSE;
}

static const WeirSourceClass records_class = { .name = "records", .plan = plan_once, .fetch = fetch_records };

static void
test_a_source_with_a_function (Job *job)
{
  g_autoptr (GArray) records = g_array_new (FALSE, FALSE, sizeof (gint64));
  Both both = collect_both (weir_source_stream (job->ctx, &records_class, records));
  WeirCollected *n = weir_collect (weir_count (weir_source_stream (job->ctx, &records_class, records)));

  for (gint64 i = 0; i < 2000; i++) {
    gint64 record = i % 2 == 0 ? 1 : -1;

    g_array_append_val (records, record);
  }
  set_reject (job);
  job_push (job, "");
  job_run (job);
  job_expect (n, 0, "1000");
  {
    g_autofree char *good = job_text (both.good, 0), *bad = job_text (both.bad, 0);

    g_assert_null (strchr (good, '-'));
    g_assert_true (g_str_has_prefix (bad, "(below 0,-1) (below 0,-1) "));
  }
}

/* More than a chunk holds, beside records that are well. */
static void
test_much_that_a_source_gave_is_taken_back (Job *job)
{
  const gint64 numbers[] = { 3, -1000, 600, -300, -2, 2, -600, 400, -5 };
  g_autoptr (GArray) records = g_array_new (FALSE, FALSE, sizeof (gint64));
  Both both = collect_both (weir_source_stream (job->ctx, &records_class, records));
  gsize n_good;

  g_array_append_vals (records, numbers, G_N_ELEMENTS (numbers));
  set_reject (job);
  job_push (job, "");
  job_run (job);
  weir_collected_values (both.good, 0, &n_good);
  g_assert_cmpuint (n_good, ==, 3 + 600 + 2 + 400);
  job_expect_sorted (both.bad, 0, "(below 0,-1000) (below 0,-600) (below 0,-300) (below 0,-5) (below 0,-2)");
  {
    g_autofree char *good = job_text (both.good, 0);

    g_assert_null (strchr (good, '-'));
  }
}

/* --- state --- */

/* Changes the state, emits, and then fails at "bad". */
static void
remember_last (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  WeirValue before = weir_state_get (state);

  weir_emit (task, weir_format (task, "%.*s:%s", (int) weir_size (key), weir_data (key),
                                weir_state_is_timing_out (state) ? "out"
                                : weir_is_nil (before)           ? "new"
                                                                 : "known"));
  if (weir_state_is_timing_out (state)) {
    if (user_data != NULL)
      weir_fail (task, "no record is at fault");
    return;
  }
  if (weir_equal (value, weir_text ("gone")))
    weir_state_remove (state);
  else
    weir_state_update (state, value);
  if (weir_equal (value, weir_text ("bad")))
    weir_fail (task, "bad after %s", weir_is_nil (before) ? "nothing" : "something");
}

static void
test_a_state_is_as_before (Job *job)
{
  const WeirStateSpec spec = { .function = remember_last };
  WeirStream *mapped = weir_map_with_state (job->input, &spec);
  WeirCollected *bad = weir_collect (weir_rejected (mapped)), *good = weir_collect (mapped);
  WeirCollected *states = weir_collect (weir_state_snapshots (mapped));

  set_reject (job);
  job_push (job, "a=bad b=1 a=bad b=bad");
  job_push (job, "a=2 b=bad a=bad");
  job_push (job, "a=gone a=bad b=bad a=3");
  job_run (job);
  job_expect_sorted (good, 0, "b:new");
  job_expect_sorted (bad, 0, "(bad after nothing,(a,bad)) (bad after nothing,(a,bad)) (bad after something,(b,bad))");
  job_expect_sorted (states, 0, "(b,1)");
  job_expect_sorted (good, 1, "a:new");
  job_expect_sorted (states, 1, "(a,2) (b,1)");
  job_expect_sorted (good, 2, "a:known a:new");
  job_expect_sorted (states, 2, "(a,3) (b,1)");
}

static void
count_in_place (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  gint64 *n = weir_state_edit (state, sizeof *n);

  (*n)++;
  for (gint64 i = 0; i < weir_as_int (value); i++)
    weir_emit (task, weir_int (*n));
  if (weir_as_int (value) % 2 == 1)
    weir_fail (task, "odd");
}

/* More results than a chunk holds, before and after records that are rejected. */
static void
test_edits_and_results_are_taken_back (Job *job)
{
  const WeirStateSpec spec = { .function = count_in_place };
  WeirCollected *sums = weir_collect (weir_count_by_value (weir_map_with_state (job->input, &spec)));

  set_reject (job);
  job_push (job, "a=10 a=301 a=20 a=3 a=600 a=1 a=1001 a=4");
  job_push (job, "a=7 a=2");
  job_run (job);
  job_expect_sorted (sums, 0, "(1,10) (2,20) (3,600) (4,4)");
  job_expect_sorted (sums, 1, "(5,2)");
}

static void
test_a_rejected_record_does_not_refresh_its_key (Job *job)
{
  const WeirStateSpec spec = { .function = remember_last, .timeout = WEIR_SECONDS (2) };
  WeirCollected *good = weir_collect (weir_map_with_state (job->input, &spec));

  set_reject (job);
  job_push (job, "a=1");
  job_push (job, "a=bad");
  job_push (job, "a=bad");
  job_push (job, "b=1");
  job_run (job);
  job_expect (good, 2, "");
  job_expect_sorted (good, 3, "a:out b:new");
}

static void
test_a_timeout_fails_the_batch (Job *job)
{
  const WeirStateSpec spec = { .function = remember_last, .timeout = WEIR_SECONDS (1), .user_data = job };

  weir_collect (weir_map_with_state (job->input, &spec));
  set_reject (job);
  job_push (job, "a=1");
  job_push (job, "");
  job_push (job, "");
  job_run_into (job, WEIR_ERROR_USER, "map_with_state-1: no record is at fault");
}

static WeirValue
add_up (WeirTask *task, WeirValue key, const WeirValue *values, gsize n, WeirValue state, gpointer user_data)
{
  gint64 sum = weir_as_int (state);

  for (gsize i = 0; i < n; i++) {
    if (is_bad (task, values[i]))
      return weir_nil ();
    sum += weir_as_int (values[i]);
  }
  return weir_int (sum);
}

static void
test_the_values_of_a_key_are_rejected_together (Job *job)
{
  Both both = collect_both (weir_update_state_by_key (job->input, add_up, NULL));

  set_reject (job);
  job_push (job, "a=1 b=bad");
  job_push (job, "a=2 a=bad a=3 b=1");
  job_push (job, "a=4");
  job_run (job);
  job_expect_sorted (both.good, 0, "(a,1)");
  job_expect_sorted (both.good, 1, "(a,1) (b,1)");
  job_expect_sorted (both.bad, 1, "(the word is bad,(a,2)) (the word is bad,(a,3)) (the word is bad,(a,bad))");
  job_expect_sorted (both.good, 2, "(a,5) (b,1)");
}

/* --- transform --- */

static WeirDataset *
check_and_count (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  WeirDataset *checked = weir_dataset_map (weir_dataset_filter (data, passes, NULL), check, NULL);
  gsize n;

  if (user_data != NULL && !weir_dataset_count (checked, &n, error))
    return NULL;
  return weir_dataset_count_by_value (checked);
}

static WeirValue
reject_c (WeirTask *task, WeirValue value, gpointer user_data)
{
  if (weir_equal (value, weir_text ("c")))
    weir_reject (task, value, "no c");
  return value;
}

static WeirDataset *
twice (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return weir_dataset_map (weir_dataset_map (data, reject_c, NULL), check, NULL);
}

static void
test_rejects_inside_of_transform (Job *job)
{
  Both once = collect_both (weir_transform (job->input, check_and_count, NULL));
  Both eager = collect_both (weir_transform (job->input, check_and_count, job));
  Both chain = collect_both (weir_transform (job->input, twice, NULL));

  set_reject (job);
  job_push (job, "a bad c a bad");
  job_push (job, "a");
  job_run (job);
  job_expect_sorted (once.good, 0, "(a,2) (c,1)");
  job_expect (once.bad, 0, "(the word is bad,bad) (the word is bad,bad)");
  job_expect_sorted (eager.good, 0, "(a,2) (c,1)");
  job_expect (eager.bad, 0, "(the word is bad,bad) (the word is bad,bad)");
  job_expect (chain.good, 0, "a a");
  job_expect_sorted (chain.bad, 0, "(no c,c) (the word is bad,bad) (the word is bad,bad)");
  job_expect (chain.bad, 1, "");
}

/* --- what listeners hear, and what is nobody's fault --- */

typedef struct {
  guint64 n;
  GString *text;
} Heard;

static void
hear_reason (const char *where_and_why, guint64 n, gpointer user_data)
{
  g_string_append_printf (((Heard *) user_data)->text, "%s x%" G_GUINT64_FORMAT "\n", where_and_why, n);
}

static void
hear (const WeirBatchInfo *info, gpointer user_data)
{
  Heard *heard = user_data;

  heard->n += weir_batch_info_n_rejected (info);
  g_assert_no_error (weir_batch_info_error (info));
  weir_batch_info_foreach_rejected (info, hear_reason, heard);
}

static void
test_listeners_hear_of_it (Job *job)
{
  const WeirListener listener = { .batch_completed = hear };
  Heard heard = { 0, g_string_new (NULL) };

  weir_collect (weir_map (weir_filter (job->input, passes, NULL), check, NULL));
  weir_context_add_listener (job->ctx, &listener, &heard);
  set_reject (job);
  job_push (job, "a bad c bad");
  job_run (job);
  job_clear (job); /* all events have been told */
  g_assert_cmpuint (heard.n, ==, 2);
  g_assert_cmpstr (heard.text->str, ==, "filter-1: the word is bad x2\n");
  g_string_free (heard.text, TRUE);
}

static void
fail_partition (WeirTask *task, WeirIter *values, gpointer user_data)
{
  weir_fail (task, "the partition as a whole");
}

static void
test_a_partition_is_no_record (Job *job)
{
  weir_collect (weir_map_partitions (job->input, fail_partition, NULL));
  set_reject (job);
  job_push (job, "a");
  job_run_into (job, WEIR_ERROR_USER, "map_partitions-1: the partition as a whole");
}

static void
test_without_the_option_the_batch_fails (Job *job)
{
  weir_collect (weir_map (job->input, check, NULL));
  job_push (job, "a bad");
  job_run_into (job, WEIR_ERROR_USER, "map-1: the word is bad");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/on-error/map", test_map);
  job_add_test ("/on-error/map-values-and-filter", test_map_values_and_filter);
  job_add_test ("/on-error/a-plain-value-where-pairs-are-wanted", test_a_plain_value_where_pairs_are_wanted);
  job_add_test ("/on-error/a-sum-that-overflows", test_a_sum_that_overflows);
  job_add_test ("/on-error/windows", test_windows);
  job_add_test ("/on-error/windows-of-functions", test_functions_of_windows);
  job_add_test ("/on-error/panes-of-batches", test_batches_of_a_pane);
  job_add_test ("/on-error/panes-that-do-not-add-up-fail-the-batch", test_panes_that_do_not_add_up_fail_the_batch);
  job_add_test ("/on-error/the-sum-of-all", test_the_sum_of_all);
  job_add_test ("/on-error/a-function-that-combines", test_a_function_that_combines);
  job_add_test ("/on-error/a-combiner", test_a_combiner);
  job_add_test ("/on-error/split-alone-and-fused", test_split_alone_and_fused);
  job_add_test ("/on-error/a-generator", test_a_generator);
  job_add_test ("/on-error/a-source-with-a-function", test_a_source_with_a_function);
  job_add_test ("/on-error/much-that-a-source-gave-is-taken-back", test_much_that_a_source_gave_is_taken_back);
  job_add_test ("/on-error/a-state-is-as-before", test_a_state_is_as_before);
  job_add_test ("/on-error/edits-and-results-are-taken-back", test_edits_and_results_are_taken_back);
  job_add_test ("/on-error/a-rejected-record-does-not-refresh-its-key",
                test_a_rejected_record_does_not_refresh_its_key);
  job_add_test ("/on-error/a-timeout-fails-the-batch", test_a_timeout_fails_the_batch);
  job_add_test ("/on-error/the-values-of-a-key-are-rejected-together", test_the_values_of_a_key_are_rejected_together);
  job_add_test ("/on-error/rejects-inside-of-transform", test_rejects_inside_of_transform);
  job_add_test ("/on-error/listeners-hear-of-it", test_listeners_hear_of_it);
  job_add_test ("/on-error/a-partition-is-no-record", test_a_partition_is_no_record);
  job_add_test ("/on-error/without-the-option-the-batch-fails", test_without_the_option_the_batch_fails);
  return g_test_run ();
}
