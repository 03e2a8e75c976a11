/* Owns the lives: a queue that stays, contexts that come and go, with another number of partitions each time. What each of
 * them says of a batch is compared with what the job without an end says.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/window-lives.h"

#include "tests/engine/random-value.h"
#include "tests/sinks/scratch.h"

#define N_BATCHES 30
#define MOST      200 /* lives */

static const guint shapes[][2] = { { 1, 1 }, { 4, 1 }, { 25, 1 }, { 6, 2 }, { 3, 2 }, { 2, 3 }, { 15, 5 } };

typedef struct {
  LivesVerb verb;
  guint interval; /* of checkpoints, in batches */
} Case;

typedef struct {
  const Case *one;
  WeirQueue *queue;
  Scratch folder;                                   /* of the checkpoint */
  char *expected[G_N_ELEMENTS (shapes)][N_BATCHES]; /* by the end of the batch; NULL: no result is due */
  gboolean is_seen[G_N_ELEMENTS (shapes)][N_BATCHES];
} Lives;

typedef struct {
  WeirContext *ctx;
  WeirCollected *collected[G_N_ELEMENTS (shapes)];
} Life;

/* The same to both. */
static void
push (WeirQueue *a, WeirQueue *b)
{
  for (guint i = 0; i < N_BATCHES; i++) {
    guint n = i % 7 == 3 ? 0 : below (30);
    g_autofree WeirValue *cells = g_new (WeirValue, 2 * n + 1);
    g_autofree WeirValue *values = g_new (WeirValue, n + 1);
    g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);

    for (guint k = 0; k < n; k++) {
      g_ptr_array_add (texts, g_strdup_printf ("key-number-%u", (i / 3 + below (5)) % 9));
      cells[2 * k] = weir_text (g_ptr_array_index (texts, k));
      cells[2 * k + 1] = weir_int (below (1000));
      values[k] = weir_pair_at (&cells[2 * k]);
    }
    weir_queue_push (a, values, n);
    weir_queue_push (b, values, n);
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
begin (Life *life, guint n_done)
{
  life->ctx = weir_test_context_new_at (WEIR_SECONDS (1), WEIR_SECONDS (n_done));
  set (life->ctx, "log.level", "error");
  set (life->ctx, "workers", "2");
}

static void
build (Life *life, const Lives *lives, WeirQueue *queue)
{
  WeirStream *input = weir_queue_stream (life->ctx, queue, TRUE);

  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    life->collected[i] =
        weir_collect (lives->one->verb (input, WEIR_SECONDS (shapes[i][0]), WEIR_SECONDS (shapes[i][1])));
}

static void
advance (Life *life, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (life->ctx, n, &error);
  g_assert_no_error (error);
}

/* The job without an end, and without a checkpoint. */
static void
note_expected (Lives *lives, WeirQueue *queue)
{
  Life life;

  begin (&life, 0);
  build (&life, lives, queue);
  advance (&life, N_BATCHES);
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    for (gsize k = 0; k < weir_collected_n_batches (life.collected[i]); k++)
      lives->expected[i][weir_collected_time (life.collected[i], k) / WEIR_SECONDS (1) - 1] =
          weir_collected_text (life.collected[i], k);
  weir_context_free (life.ctx);
}

static void
compare (Lives *lives, gsize shape, WeirCollected *collected, gsize batch)
{
  gint64 at = weir_collected_time (collected, batch) / WEIR_SECONDS (1) - 1;
  g_autofree char *text = weir_collected_text (collected, batch);

  if (at >= N_BATCHES)
    return;
  g_assert_cmpstr (text, ==, lives->expected[shape][at]);
  lives->is_seen[shape][at] = TRUE;
}

static gboolean
is_all_seen (const Lives *lives)
{
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    for (guint k = 0; k < N_BATCHES; k++)
      if (lives->expected[i][k] != NULL && !lives->is_seen[i][k])
        return FALSE;
  return TRUE;
}

/* Returns which batch was the last one. */
static guint
live (Lives *lives, guint n_done)
{
  static const char *const partitions[] = { "1", "5", "16" };
  g_autofree char *uri = g_strdup_printf ("file://%s", lives->folder.path);
  g_autofree char *interval = g_strdup_printf ("%us", lives->one->interval);
  guint n = 1 + below (6);
  Life life;

  begin (&life, n_done);
  set (life.ctx, "checkpoint", uri);
  set (life.ctx, "checkpoint.interval", interval);
  set (life.ctx, "partitions", partitions[below (G_N_ELEMENTS (partitions))]);
  build (&life, lives, lives->queue);
  advance (&life, n);
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    for (gsize k = 0; k < weir_collected_n_batches (life.collected[i]); k++)
      compare (lives, i, life.collected[i], k);
  weir_context_free (life.ctx);
  return n_done + n;
}

static void
lives_clear (Lives *lives)
{
  scratch_clear (&lives->folder);
  weir_queue_free (lives->queue);
  for (gsize i = 0; i < G_N_ELEMENTS (shapes); i++)
    for (guint k = 0; k < N_BATCHES; k++)
      g_free (lives->expected[i][k]);
}

static void
run_case (gconstpointer data)
{
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  Lives lives = { .one = data, .queue = weir_queue_new () };
  guint n_done = 0;

  scratch_init (&lives.folder);
  weir_queue_set_partitions (lives.queue, 3);
  weir_queue_set_partitions (queue, 3);
  push (lives.queue, queue);
  note_expected (&lives, queue);
  for (guint i = 0; i < MOST && !is_all_seen (&lives); i++)
    n_done = live (&lives, n_done);
  g_assert_true (is_all_seen (&lives));
  lives_clear (&lives);
}

void
lives_add_test (const char *path, LivesVerb verb)
{
  static const guint intervals[] = { 1, 3 };

  for (gsize i = 0; i < G_N_ELEMENTS (intervals); i++) {
    g_autofree char *name = g_strdup_printf ("%s/checkpoint-every-%u", path, intervals[i]);
    Case *one = g_new (Case, 1);

    *one = (Case){ verb, intervals[i] };
    g_test_add_data_func_full (name, one, run_case, g_free);
  }
}
