/* Keyed state: a batch that touches some of the keys. --by map: weir_map_with_state, which emits the new state of each
 * record; with --leaving so many keys of a batch are new, and as many that it does not touch time out. --by update:
 * weir_update_state_by_key, of which all states are read.
 *
 * Keys get their states in another order than that in which they are touched.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/pairs.h"
#include "bench/weir-pass.h"

#include <stdio.h>
#include <string.h>

enum { STRIDE = 7919 }; /* a prime: the order within a batch */

typedef struct {
  WeirPass pass;
  const BenchArgs *args;
  WeirValue *ring; /* pairs, touched one stretch after the other */
  gsize n_ring, next;
  WeirValue *batch;
} Job;

static void
count (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  gint64 n = weir_as_int (weir_state_get (state)) + weir_as_int (value);

  if (weir_state_is_timing_out (state))
    return;
  weir_state_update (state, weir_int (n));
  weir_emit (task, weir_int (n));
}

static WeirValue
add_up (WeirTask *task, WeirValue key, const WeirValue *values, gsize n, WeirValue state, gpointer user_data)
{
  gint64 sum = weir_as_int (state);

  for (gsize i = 0; i < n; i++)
    sum += weir_as_int (values[i]);
  return weir_int (sum);
}

static WeirValue *
make_pairs (gsize n, guint64 step)
{
  BenchCell *keys = bench_keys_new (n, step);
  WeirValue *pairs = g_new (WeirValue, n), *cells = g_new (WeirValue, 2 * n);

  for (gsize i = 0; i < n; i++) {
    cells[2 * i] = weir_text_n (keys[i].text, keys[i].size);
    cells[2 * i + 1] = weir_int (1);
    pairs[i] = weir_pair_at (&cells[2 * i]);
  }
  return pairs;
}

static void
build (Job *job)
{
  const BenchArgs *args = job->args;
  const WeirStateSpec spec = { .function = count, .timeout = args->leaving > 0 ? WEIR_MILLISECONDS (500) : 0 };
  WeirStream *states = NULL;

  if (strcmp (args->by, "map") == 0)
    states = weir_map_with_state (job->pass.lines, &spec);
  else if (strcmp (args->by, "update") == 0)
    states = weir_update_state_by_key (job->pass.lines, add_up, NULL);
  else
    weir_pass_die ("--by is neither map nor update", NULL);
  weir_pass_sum (&job->pass, states);
}

/* The keys' first states, or the first window of the ring. */
static void
fill (Job *job)
{
  const BenchArgs *args = job->args;
  WeirValue *pairs = args->leaving > 0 ? job->ring : make_pairs (args->keys, 1);

  weir_pass_run (&job->pass, pairs, args->keys);
  if (job->pass.total != (gint64) args->keys)
    weir_pass_die ("the first states are wrong", NULL);
}

static void
touch (Job *job)
{
  const BenchArgs *args = job->args;

  for (gsize i = 0; i < args->touched; i++)
    job->batch[i] = job->ring[(job->next + i * STRIDE % args->touched) % job->n_ring];
  job->next += args->leaving > 0 ? args->leaving : args->touched;
  weir_pass_run (&job->pass, job->batch, args->touched);
}

/* Which round of the keys batch @i, from 0, belongs to decides what their states are. */
static void
check (const Job *job, guint64 i)
{
  const BenchArgs *args = job->args;
  guint64 per_round = args->keys / args->touched, n = args->touched, expected = n * (i / per_round + 2);

  if (strcmp (args->by, "update") == 0)
    expected = args->keys + n * (i + 1);
  if (args->leaving == 0 && job->pass.total != (gint64) expected)
    weir_pass_die ("the states are wrong", NULL);
}

/* With keys that come and go: each is in so many batches, in each of them with the next number. */
static void
check_leaving (const Job *job)
{
  const BenchArgs *args = job->args;
  guint64 n = args->touched / args->leaving;

  if (job->pass.total != (gint64) (args->leaving * (n * (n + 1) / 2)))
    weir_pass_die ("the states of keys that come and go are wrong", NULL);
}

int
main (int argc, char **argv)
{
  BenchArgs args;
  Job job = { .args = &args };
  double seconds = 0;
  guint64 warm, n = 0;

  bench_args_parse (&args, argc, argv);
  weir_pass_init (&job.pass, &args);
  job.n_ring = args.leaving > 0 ? 2 * args.keys : args.keys;
  job.ring = make_pairs (job.n_ring, BENCH_KEY_STEP);
  job.batch = g_new (WeirValue, args.touched);
  build (&job);
  fill (&job);
  for (warm = 0; warm < (args.leaving > 0 ? args.touched / args.leaving + 1 : 3); warm++)
    touch (&job);
  for (; seconds < args.seconds; n++) {
    touch (&job);
    check (&job, warm + n);
    if (args.leaving > 0)
      check_leaving (&job);
    seconds += job.pass.processing;
  }
  printf (
      "{\"program\": \"weir-state\", \"rate\": %.1f, \"unit\": \"us/batch\", \"seconds\": %.3f, \"batches\": %llu}\n",
      seconds / (double) n * 1e6, seconds, (unsigned long long) n);
  weir_pass_clear (&job.pass);
  return 0;
}
