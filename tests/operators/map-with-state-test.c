/* Tests of map_with_state: calls by record, timeouts, states in place, mistakes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

static WeirStream *
mapped (Job *job, WeirStateFunc f, WeirTime timeout)
{
  return weir_map_with_state (job->input, (&(WeirStateSpec){ .function = f, .timeout = timeout }));
}

static void
sum (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  gint64 total = weir_as_int (weir_state_get (state)) + weir_as_int (value);

  weir_state_update (state, weir_int (total));
  weir_emit_pair (task, key, weir_int (total));
}

static void
each_record_finds_what_the_one_before_left (Job *job)
{
  WeirStream *stream = mapped (job, sum, 0);
  WeirCollected *collected = weir_collect (stream), *states = weir_collect (weir_state_snapshots (stream));

  job_push (job, "a=1 b=2 a=3");
  job_push (job, "");
  job_push (job, "a=10");
  job_run (job);
  job_expect_sorted (collected, 0, "(a,1) (a,4) (b,2)");
  job_expect (collected, 1, "");
  job_expect (collected, 2, "(a,14)");
  job_expect_sorted (states, 0, "(a,4) (b,2)");
  job_expect_sorted (states, 1, "(a,4) (b,2)");
  job_expect_sorted (states, 2, "(a,14) (b,2)");
}

/* 0 leaves the state as it is, -1 removes it, anything else is the state. Emits what is there when it times out. */
static void
set (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  if (weir_state_is_timing_out (state)) {
    g_assert_true (weir_is_nil (value) && weir_state_exists (state));
    weir_emit_pair (task, key, weir_state_get (state));
  } else if (weir_as_int (value) == -1) {
    weir_state_remove (state);
    g_assert_false (weir_state_exists (state));
    g_assert_true (weir_is_nil (weir_state_get (state)));
  } else if (weir_as_int (value) != 0) {
    weir_state_update (state, value);
    g_assert_true (weir_state_exists (state));
  }
}

static void
a_key_times_out_after_the_timeout_and_not_at_it (Job *job)
{
  WeirStream *stream = mapped (job, set, WEIR_SECONDS (2));
  WeirCollected *collected = weir_collect (stream), *states = weir_collect (weir_state_snapshots (stream));

  job_push (job, "a=1 b=2 long-keys-do-not-fit-the-slot=3");
  job_push (job, "b=0");
  job_push (job, "none=0");
  for (guint i = 0; i < 4; i++)
    job_push (job, "");
  job_run (job);
  job_expect (collected, 2, "");
  job_expect_sorted (collected, 3, "(a,1) (long-keys-do-not-fit-the-slot,3)");
  job_expect (states, 3, "(b,2)");
  job_expect (collected, 4, "(b,2)");
  job_expect (states, 4, "");
  job_expect (collected, 5, "");
}

static void
data_beats_the_timeout_and_remove_beats_both (Job *job)
{
  WeirStream *stream = mapped (job, set, WEIR_SECONDS (1));
  WeirCollected *collected = weir_collect (stream), *states = weir_collect (weir_state_snapshots (stream));

  job_push (job, "a=1 b=2 c=3");
  job_push (job, "");
  job_push (job, "a=0 b=-1");
  job_push (job, "b=4");
  job_run (job);
  job_expect (collected, 2, "(c,3)");
  job_expect (states, 2, "(a,1)");
  job_expect_sorted (states, 3, "(a,1) (b,4)");
}

typedef struct {
  gint64 n;
  gdouble mean;
} Stats;

static void
edit (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  Stats *stats = weir_state_edit (state, sizeof *stats);

  g_assert_true (((guintptr) stats & 7) == 0);
  stats->mean = (stats->mean * (gdouble) stats->n + weir_as_float (value)) / (gdouble) (stats->n + 1);
  stats->n++;
  g_assert_cmpuint (weir_size (weir_state_get (state)), ==, sizeof *stats);
  weir_emit (task,
             weir_format (task, "%.*s:%d:%.2f", (int) weir_size (key), weir_data (key), (int) stats->n, stats->mean));
}

static void
structs_are_edited_in_place (Job *job)
{
  WeirCollected *collected = weir_collect (mapped (job, edit, 0));

  job_push (job, "a=1 b=7 a=2");
  job_push (job, "a=6 b=7");
  job_run (job);
  job_expect_sorted (collected, 0, "a:1:1.00 a:2:1.50 b:1:7.00");
  job_expect_sorted (collected, 1, "a:3:3.00 b:2:7.00");
}

/* Emits the state before and after, long texts that replace each other in one cell. */
static void
replace (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  WeirValue before = weir_state_get (state);
  WeirValue list = WEIR_LIST_OF (weir_format (task, "%030d", (int) weir_as_int (value)));

  weir_state_update (state, list);
  weir_emit (task, before);
  weir_emit (task, weir_item (weir_state_get (state), 0));
}

static void
what_is_emitted_of_a_state_stays_as_it_was (Job *job)
{
  WeirCollected *collected = weir_collect (mapped (job, replace, 0));

  job_push (job, "a=1 a=2");
  job_push (job, "a=3 a=4");
  job_run (job);
  job_expect (collected, 1,
              "[000000000000000000000000000002] 000000000000000000000000000003 [000000000000000000000000000003] "
              "000000000000000000000000000004");
}

static void
initial_states_are_there_before_data (Job *job)
{
  const WeirValue pairs[] = {
    WEIR_PAIR_OF (weir_text ("a"), weir_int (5)),
    WEIR_PAIR_OF (weir_text ("b"), weir_int (6)),
  };
  WeirStream *stream = weir_map_with_state (
      job->input, (&(WeirStateSpec){ .function = sum, .initial = pairs, .n_initial = 2, .timeout = WEIR_SECONDS (9) }));
  WeirCollected *collected = weir_collect (stream), *states = weir_collect (weir_state_snapshots (stream));

  job_push (job, "");
  job_push (job, "a=1");
  job_run (job);
  job_expect_sorted (states, 0, "(a,5) (b,6)");
  job_expect (collected, 1, "(a,6)");
}

static void
mistakes_are_named_at_start (Job *job)
{
  weir_collect (mapped (job, NULL, -1));
  job_run_into (job, WEIR_ERROR_GRAPH, "needs a function");
}

static void
reject_odd (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  if (weir_as_int (value) % 2 != 0)
    weir_reject (task, value, "odd");
  else
    weir_emit (task, value);
}

static void
rejects_are_kept_apart (Job *job)
{
  WeirStream *stream = mapped (job, reject_odd, 0);
  WeirCollected *collected = weir_collect (stream), *rejected = weir_collect (weir_rejected (stream));

  job_push (job, "a=1 b=2 c=3");
  job_run (job);
  job_expect (collected, 0, "2");
  job_expect_sorted (rejected, 0, "(odd,1) (odd,3)");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/map-with-state/records", each_record_finds_what_the_one_before_left);
  job_add_test ("/map-with-state/timeout", a_key_times_out_after_the_timeout_and_not_at_it);
  job_add_test ("/map-with-state/beats", data_beats_the_timeout_and_remove_beats_both);
  job_add_test ("/map-with-state/edit", structs_are_edited_in_place);
  job_add_test ("/map-with-state/emitted", what_is_emitted_of_a_state_stays_as_it_was);
  job_add_test ("/map-with-state/initial", initial_states_are_there_before_data);
  job_add_test ("/map-with-state/mistakes", mistakes_are_named_at_start);
  job_add_test ("/map-with-state/rejects", rejects_are_kept_apart);
  return g_test_run ();
}
