/* Tests of state_snapshots: all states in every batch, whoever else looks at the stream.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

static void
sum (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  weir_state_update (state, weir_int (weir_as_int (weir_state_get (state)) + weir_as_int (value)));
}

static WeirStream *
sums (Job *job)
{
  return weir_map_with_state (job->input, (&(WeirStateSpec){ .function = sum }));
}

static void
snapshots_alone_move_the_state_on (Job *job)
{
  WeirCollected *states = weir_collect (weir_state_snapshots (sums (job)));

  job_push (job, "a=1 b=2 a=3");
  job_push (job, "");
  job_push (job, "a=1");
  job_run (job);
  job_expect_sorted (states, 0, "(a,4) (b,2)");
  job_expect_sorted (states, 1, "(a,4) (b,2)");
  job_expect_sorted (states, 2, "(a,5) (b,2)");
}

static gboolean
look_away (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return TRUE;
}

static void
an_output_that_does_not_look_moves_it_on_too (Job *job)
{
  WeirStream *stream = sums (job);
  WeirCollected *states;

  weir_foreach_batch (stream, look_away, NULL);
  states = weir_collect (weir_state_snapshots (stream));
  job_push (job, "a=1");
  job_push (job, "a=2");
  job_run (job);
  job_expect (states, 1, "(a,3)");
}

static gboolean
expect_5_partitions (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  g_assert_cmpuint (weir_dataset_n_partitions (data), ==, 5);
  return TRUE;
}

static void
partitions_are_those_of_the_states (Job *job)
{
  WeirStream *stream = weir_stream_set_partitions (sums (job), 5);
  WeirCollected *states = weir_collect (weir_state_snapshots (stream));

  weir_foreach_batch (weir_state_snapshots (stream), expect_5_partitions, NULL);
  job_push (job, "a=1 b=2 c=3 d=4");
  job_run (job);
  job_expect_sorted (states, 0, "(a,1) (b,2) (c,3) (d,4)");
}

static void
streams_without_states_are_a_mistake (Job *job)
{
  weir_collect (weir_state_snapshots (job->input));
  job_run_into (job, WEIR_ERROR_GRAPH, "has no states to show");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/state-snapshots/alone", snapshots_alone_move_the_state_on);
  job_add_test ("/state-snapshots/unseen", an_output_that_does_not_look_moves_it_on_too);
  job_add_test ("/state-snapshots/partitions", partitions_are_those_of_the_states);
  job_add_test ("/state-snapshots/mistake", streams_without_states_are_a_mistake);
  return g_test_run ();
}
