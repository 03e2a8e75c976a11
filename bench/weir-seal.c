/* What checkpoints of a large state cost. --by pause: batches that touch some of many keys, each followed by an epoch; how
 * long the runner stands still to cut one, and what all writes of the process come to beside the bytes that changed.
 * --by fill: fills the state, says so when it is sealed, and goes on until it is killed; --by resume: the same job started
 * again; it ends after its first batch.
 *
 * The clock is a real one: epochs are sealed while batches go on.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/weir.h>

#include "bench/args.h"
#include "bench/pairs.h"
#include "bench/usage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILL_BATCHES = 10, QUIET_EPOCHS = 2, STATE_BYTES = 8 };

typedef struct {
  const BenchArgs *args;
  WeirContext *ctx;
  WeirQueue *queue;         /* --by pause */
  gint n_batches, n_epochs; /* completed, sealed; atomic */
  double started, first_done;
  GArray *pauses;         /* of double; the loop's */
  gint64 emitted, states; /* how many, and their sum; atomic */
} Job;

static void
die (const char *what, const GError *error)
{
  fprintf (stderr, "weir-seal: %s: %s\n", what, error != NULL ? error->message : "failed");
  exit (1);
}

static void
count (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  gint64 n = weir_as_int (weir_state_get (state)) + weir_as_int (value);

  weir_state_update (state, weir_int (n));
  weir_emit (task, weir_int (n));
}

static void
add_states (WeirTask *task, WeirIter *values, gpointer user_data)
{
  Job *job = user_data;
  WeirValue value;
  gint64 n = 0, sum = 0;

  while (weir_iter_next (values, &value)) {
    n++;
    sum += weir_as_int (value);
  }
  __atomic_add_fetch (&job->emitted, n, __ATOMIC_RELAXED);
  __atomic_add_fetch (&job->states, sum, __ATOMIC_RELAXED);
}

static void
on_started (const WeirBatchInfo *info, gpointer user_data)
{
  ((Job *) user_data)->started = bench_now ();
}

/* A batch is completed when its epoch, if one is due, has been cut: what is more than its processing time. */
static void
on_completed (const WeirBatchInfo *info, gpointer user_data)
{
  Job *job = user_data;
  double now = bench_now (), pause = now - job->started - (double) weir_batch_info_processing_time (info) / 1e6;

  if (job->first_done == 0)
    job->first_done = now;
  g_array_append_val (job->pauses, pause);
  __atomic_add_fetch (&job->n_batches, 1, __ATOMIC_RELEASE);
}

static void
on_sealed (guint64 epoch, gpointer user_data)
{
  __atomic_add_fetch (&((Job *) user_data)->n_epochs, 1, __ATOMIC_RELEASE);
}

static void
await (Job *job, const gint *counter, gint n)
{
  while (__atomic_load_n (counter, __ATOMIC_ACQUIRE) < n) {
    GError *error = NULL;

    if (weir_context_await (job->ctx, WEIR_MILLISECONDS (1), &error) == WEIR_WAIT_FAILED)
      die ("run", error);
  }
}

static void
set (Job *job, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  if (!weir_context_set (job->ctx, key, value, &error))
    die (key, error);
}

static WeirValue
make_pair (WeirTask *task, guint64 index, gpointer user_data)
{
  const BenchArgs *args = user_data;

  return weir_pair (task, weir_format (task, "user-%" G_GUINT64_FORMAT, index * BENCH_KEY_STEP % args->keys),
                    weir_int (1));
}

static WeirStream *
source_of (Job *job)
{
  const BenchArgs *args = job->args;

  if (strcmp (args->by, "pause") != 0)
    return weir_generator_stream (job->ctx, make_pair, (double) args->keys / 4, (gpointer) args);
  job->queue = weir_queue_new ();
  return weir_queue_stream (job->ctx, job->queue, TRUE);
}

static void
build (Job *job)
{
  const WeirListener listener = { .batch_started = on_started,
                                  .batch_completed = on_completed,
                                  .epoch_sealed = on_sealed };
  const WeirStateSpec spec = { .function = count };
  g_autofree char *uri = g_strdup_printf ("file://%s", job->args->directory);
  g_autofree char *interval = g_strdup_printf ("%" G_GUINT64_FORMAT "us", job->args->interval_us);
  WeirStream *states;

  job->ctx = weir_context_new ("weir-seal", (WeirTime) job->args->interval_us);
  set (job, "workers", "2");
  set (job, "memory.limit", "12GB");
  set (job, "state.limit", "12GB");
  set (job, "log.level", "error");
  set (job, "checkpoint", uri);
  set (job, "checkpoint.interval", interval);
  weir_context_add_listener (job->ctx, &listener, job);
  states = weir_map_with_state (source_of (job), &spec);
  weir_stream_set_uid (states, "states");
  weir_foreach_partition (states, add_states, job);
}

static void
start (Job *job)
{
  g_autoptr (GError) error = NULL;

  if (!weir_context_start (job->ctx, &error))
    die ("start", error);
}

/* The keys numbered @first and on, each with a one. Pushed at once, since a push copies. */
static void
push_keys (Job *job, const BenchCell *keys, gsize n)
{
  g_autofree WeirValue *pairs = g_new (WeirValue, n), *cells = g_new (WeirValue, 2 * n);

  for (gsize i = 0; i < n; i++) {
    cells[2 * i] = weir_text_n (keys[i].text, keys[i].size);
    cells[2 * i + 1] = weir_int (1);
    pairs[i] = weir_pair_at (&cells[2 * i]);
  }
  weir_queue_push (job->queue, pairs, n);
}

static guint64
written_bytes (void)
{
  g_autofree char *text = NULL;
  const char *line = NULL;

  if (!g_file_get_contents ("/proc/self/io", &text, NULL, NULL) || (line = strstr (text, "wchar: ")) == NULL)
    die ("/proc/self/io does not tell what was written", NULL);
  return g_ascii_strtoull (line + strlen ("wchar: "), NULL, 10);
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

/* Waits until all that was pushed is processed and sealed. */
static void
settle (Job *job, gint64 n_emitted)
{
  while (__atomic_load_n (&job->emitted, __ATOMIC_ACQUIRE) < n_emitted)
    await (job, &job->n_batches, __atomic_load_n (&job->n_batches, __ATOMIC_ACQUIRE) + 1);
  await (job, &job->n_epochs, __atomic_load_n (&job->n_epochs, __ATOMIC_ACQUIRE) + QUIET_EPOCHS);
}

static void
report_pause (const Job *job, guint from, guint64 written, guint64 changed)
{
  double *pauses = &g_array_index (job->pauses, double, from);
  guint n = job->pauses->len - from;

  qsort (pauses, n, sizeof *pauses, compare);
  printf (
      "{\"program\": \"weir-seal\", \"rate\": %.1f, \"unit\": \"us\", \"pause_max_ms\": %.3f, \"pause_p50_ms\": %.3f, "
      "\"written_over_changed\": %.3f, \"batches\": %u}\n",
      pauses[n - 1] * 1e6, pauses[n - 1] * 1e3, pauses[n / 2] * 1e3, (double) written / (double) changed, n);
}

static void
measure_pause (Job *job)
{
  const BenchArgs *args = job->args;
  BenchCell *keys = bench_keys_new (args->keys, BENCH_KEY_STEP);
  guint64 per_batch = args->keys / FILL_BATCHES, written, changed = 0;
  guint from;

  for (guint64 i = 0; i < FILL_BATCHES; i++)
    push_keys (job, keys + i * per_batch, per_batch);
  start (job);
  settle (job, (gint64) (FILL_BATCHES * per_batch));
  from = job->pauses->len;
  written = written_bytes ();
  for (guint64 i = 0; i < args->batches; i++)
    push_keys (job, keys + i * args->touched, args->touched);
  for (guint64 i = 0; i < args->batches * args->touched; i++)
    changed += keys[i].size + STATE_BYTES;
  settle (job, (gint64) (FILL_BATCHES * per_batch + args->batches * args->touched));
  written = written_bytes () - written;
  weir_context_stop (job->ctx, TRUE);
  weir_context_await (job->ctx, -1, NULL);
  report_pause (job, from, written, changed);
}

static void
run_until_killed (Job *job)
{
  start (job);
  settle (job, (gint64) job->args->keys);
  printf ("{\"program\": \"weir-seal\", \"rate\": 0, \"ready\": true}\n");
  fflush (stdout);
  await (job, &job->n_batches, G_MAXINT);
}

static void
resume (Job *job)
{
  start (job);
  await (job, &job->n_batches, 1);
  if (job->emitted > 0 && job->states <= job->emitted)
    die ("the first batch found no states of the life before", NULL);
  printf ("{\"program\": \"weir-seal\", \"rate\": 0, \"first_batch_done\": %.6f, \"records\": %lld}\n", job->first_done,
          (long long) job->emitted);
  fflush (stdout);
  _Exit (0); /* what it would seal at the end is not asked for */
}

int
main (int argc, char **argv)
{
  BenchArgs args;
  Job job = { .args = &args };

  bench_args_parse (&args, argc, argv);
  if (*args.directory == '\0')
    die ("--directory is needed, an empty one", NULL);
  job.pauses = g_array_new (FALSE, FALSE, sizeof (double));
  build (&job);
  if (strcmp (args.by, "pause") == 0)
    measure_pause (&job);
  else if (strcmp (args.by, "fill") == 0)
    run_until_killed (&job);
  else
    resume (&job);
  weir_context_free (job.ctx);
  return 0;
}
