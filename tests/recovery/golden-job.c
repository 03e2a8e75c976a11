/* See golden-job.h. SPDX-License-Identifier: Apache-2.0 */
#include "tests/recovery/golden-job.h"

#define N_PUSHES 20
#define N_EACH   3
#define N_KEYS   5

const char *const golden_names[GOLDEN_N] = { "totals", "recent", "windowed", "held", "sliding" };

static WeirValue
add_up (WeirTask *task, WeirValue key, const WeirValue *values, gsize n, WeirValue state, gpointer user_data)
{
  gint64 sum = weir_as_int (state);

  for (gsize i = 0; i < n; i++)
    sum += weir_as_int (values[i]);
  return weir_int (sum);
}

static void
remember (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer counter)
{
  if (weir_state_is_timing_out (state)) {
    weir_emit_pair (task, key, weir_text ("gone"));
    return;
  }
  weir_counter_add (task, counter, 1);
  weir_state_update (state, weir_format (task, "%s last seen with the number %d, in a text beyond sixteen bytes",
                                         weir_state_exists (state) ? "again" : "first", (int) weir_as_int (value)));
  weir_emit_pair (task, key, weir_state_get (state));
}

static WeirValue
number (WeirTask *task, guint64 index, gpointer user_data)
{
  return weir_int ((gint64) (index * index));
}

/* Push n, counted from 0, has three pairs; one key in five comes in one push of four alone, so that it times out. */
static void
fill (WeirQueue *queue)
{
  for (guint n = 0; n < N_PUSHES; n++) {
    WeirValue cells[N_EACH][2], pairs[N_EACH];

    for (guint i = 0; i < N_EACH; i++) {
      guint key = (n * N_EACH + i) % N_KEYS;

      cells[i][0] = weir_int (key == 4 && n % 4 != 1 ? 0 : key);
      cells[i][1] = weir_int (n * 10 + i);
      pairs[i] = weir_pair_at (cells[i]);
    }
    weir_queue_push (queue, pairs, N_EACH);
  }
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, key, value, &error);
  g_assert_no_error (error);
}

static void
set_checkpoint (GoldenJob *job, WeirTime interval)
{
  g_autofree char *path = g_canonicalize_filename (GOLDEN_CHECKPOINT, NULL);
  g_autofree char *uri = g_filename_to_uri (path, NULL, NULL);
  g_autofree char *text = g_strdup_printf ("%" G_GINT64_FORMAT "us", interval);

  set (job->ctx, "checkpoint", uri);
  set (job->ctx, "checkpoint.interval", text);
}

static WeirStream *
named (WeirStream *stream, const char *uid)
{
  return weir_stream_set_uid (stream, uid);
}

static void
build (GoldenJob *job, gboolean has_files)
{
  WeirStream *pushes = named (weir_queue_stream (job->ctx, job->queue, TRUE), "pushes");
  WeirStream *numbers = named (weir_generator_stream (job->ctx, number, 10, NULL), "numbers");
  WeirStateSpec spec = { .function = remember, .user_data = job->counter, .timeout = WEIR_SECONDS (3), .version = 2 };
  WeirTime length = WEIR_SECONDS (3), slide = WEIR_SECONDS (1);
  WeirStream *streams[GOLDEN_N] = {
    weir_update_state_by_key (pushes, add_up, NULL),
    weir_map_with_state (pushes, &spec),
    weir_reduce_by_key_and_window (pushes, WEIR_SUM, NULL, length, slide, NULL),
    weir_window (pushes, length, slide),
    weir_reduce_by_window (numbers, WEIR_SUM, NULL, length, slide, NULL),
  };

  for (guint i = 0; i < GOLDEN_N; i++) {
    named (streams[i], golden_names[i]);
    job->collected[i] = weir_collect (streams[i]);
  }
  if (has_files) {
    job->files = weir_save_as_text_files (streams[GOLDEN_TOTALS], GOLDEN_PREFIX, NULL);
    weir_output_set_uid (job->files, "files");
  }
}

void
golden_job_init (GoldenJob *job, WeirTime at, WeirTime interval)
{
  job->queue = weir_queue_new ();
  fill (job->queue);
  job->ctx = weir_test_context_new_at (WEIR_SECONDS (1), at);
  job->counter = weir_counter_new (job->ctx, "seen", "pairs that the state function saw");
  set (job->ctx, "partitions", "2");
  set (job->ctx, "workers", "2");
  set (job->ctx, "log.level", "error");
  if (interval > 0)
    set_checkpoint (job, interval);
  build (job, interval > 0);
}

void
golden_job_clear (GoldenJob *job)
{
  weir_context_free (job->ctx);
  weir_queue_free (job->queue);
}

void
golden_job_run (GoldenJob *job, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (job->ctx, n, &error);
  g_assert_no_error (error);
}
