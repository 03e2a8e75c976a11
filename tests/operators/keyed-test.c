/* Tests of operators/keyed: lives of a job that are cut short and go on from the checkpoint, with any number of
 * partitions, against a life without an end; initial states, versions, a graph that changed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/operators/job.h"
#include "tests/sinks/scratch.h"

#define N_BATCHES 40
#define N_KEYS    300

typedef struct {
  WeirContext *ctx;
  WeirCollected *states, *mapped, *snapshots;
} Life;

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, key, value, &error);
  g_assert_no_error (error);
}

static WeirContext *
context_at (guint n_done, const Scratch *folder, const char *partitions)
{
  WeirContext *ctx = weir_test_context_new_at (WEIR_SECONDS (1), WEIR_SECONDS ((gint64) n_done));
  g_autofree char *uri = folder != NULL ? g_strdup_printf ("file://%s", folder->path) : NULL;

  set (ctx, "workers", "2");
  set (ctx, "partitions", partitions);
  set (ctx, "log.level", "error");
  if (uri != NULL) {
    set (ctx, "checkpoint", uri);
    set (ctx, "checkpoint.interval", "1s");
  }
  return ctx;
}

/* The text of all values; one that is a multiple of 7 drops the key. */
static WeirValue
join (WeirTask *task, WeirValue key, const WeirValue *values, gsize n_values, WeirValue state, gpointer user_data)
{
  gsize size = weir_size (state);
  char *text = weir_alloc (task, size + 8 * n_values + 1);

  memcpy (text, weir_data (state), size);
  for (gsize i = 0; i < n_values; i++) {
    if (weir_as_int (values[i]) % 7 == 0)
      return weir_nil ();
    size += (gsize) g_snprintf (text + size, 8, "%d.", (int) weir_as_int (values[i]));
  }
  return n_values == 0 ? state : weir_text_n (text, size);
}

static void
sum (WeirTask *task, WeirValue key, WeirValue value, WeirState *state, gpointer user_data)
{
  gint64 *total;

  if (weir_state_is_timing_out (state)) {
    weir_emit_pair (task, key, weir_text ("timed out"));
  } else if (weir_as_int (value) % 7 == 0) {
    weir_state_remove (state);
  } else {
    total = weir_state_edit (state, sizeof *total);
    *total += weir_as_int (value);
    weir_emit_pair (task, key, weir_int (*total));
  }
}

static WeirValue
read_total (WeirTask *task, WeirValue state, gpointer user_data)
{
  gint64 total;

  memcpy (&total, weir_data (state), sizeof total);
  return weir_int (total);
}

static void
begin (Life *life, WeirQueue *queue, guint n_done, const Scratch *folder, const char *partitions)
{
  WeirStream *input, *mapped;

  life->ctx = context_at (n_done, folder, partitions);
  input = weir_queue_stream (life->ctx, queue, TRUE);
  mapped = weir_map_with_state (input, (&(WeirStateSpec){ .function = sum, .timeout = WEIR_SECONDS (3) }));
  life->states = weir_collect (weir_update_state_by_key (input, join, NULL));
  life->mapped = weir_collect (mapped);
  life->snapshots = weir_collect (weir_map_values (weir_state_snapshots (mapped), read_total, NULL));
}

static void
advance (WeirContext *ctx, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (ctx, n, &error);
  g_assert_no_error (error);
}

static void
push (WeirQueue *queue, const WeirValue *pairs, gsize n)
{
  weir_queue_set_partitions (queue, 3);
  weir_queue_push (queue, pairs, n);
}

static void
push_all (WeirQueue *a, WeirQueue *b)
{
  for (guint batch = 0; batch < N_BATCHES; batch++) {
    WeirValue cells[2 * 200], pairs[200];
    guint n = (guint) g_test_rand_int_range (0, batch % 5 == 0 ? 200 : 20);
    char keys[200][32];

    for (guint i = 0; i < n; i++) {
      guint key = (guint) g_test_rand_int_range (0, N_KEYS);

      g_snprintf (keys[i], sizeof keys[i], key % 2 == 0 ? "key-%u" : "key-that-is-long-%06u", key);
      cells[2 * i] = weir_text (keys[i]);
      cells[2 * i + 1] = weir_int (g_test_rand_int_range (1, 30));
      pairs[i] = weir_pair_at (&cells[2 * i]);
    }
    push (a, pairs, n);
    push (b, pairs, n);
  }
}

/* Also the order is the same: numbers of entries come back, and partitions only cut it. */
static void
compare (const Life *expected, const Life *life, guint n_done, guint n)
{
  for (guint i = 0; i < n; i++) {
    g_autofree char *states = job_text (expected->states, n_done + i),
                    *mapped = job_text (expected->mapped, n_done + i);
    g_autofree char *snapshots = job_text (expected->snapshots, n_done + i);

    g_assert_cmpint (weir_collected_time (life->states, i), ==, weir_collected_time (expected->states, n_done + i));
    job_expect (life->states, i, states);
    job_expect (life->mapped, i, mapped);
    job_expect (life->snapshots, i, snapshots);
  }
}

static void
lives_that_are_cut_short_add_up_to_a_whole_one (void)
{
  static const char *const partitions[] = { "1", "5", "16", "2" };
  WeirQueue *once = weir_queue_new (), *again = weir_queue_new ();
  Scratch folder;
  Life whole;

  push_all (once, again);
  begin (&whole, once, 0, NULL, "4");
  advance (whole.ctx, N_BATCHES);
  scratch_init (&folder);
  for (guint n_done = 0; n_done < N_BATCHES;) {
    guint n = 1 + (guint) g_test_rand_int_range (0, (gint32) MIN (4, N_BATCHES - n_done));
    Life life;

    begin (&life, again, n_done, &folder, partitions[g_test_rand_int_range (0, 4)]);
    advance (life.ctx, n);
    compare (&whole, &life, n_done, n);
    weir_context_free (life.ctx);
    n_done += n;
  }
  weir_context_free (whole.ctx);
  scratch_clear (&folder);
  weir_queue_free (once);
  weir_queue_free (again);
}

static WeirValue
count (WeirTask *task, WeirValue key, const WeirValue *values, gsize n_values, WeirValue state, gpointer user_data)
{
  for (gsize i = 0; i < n_values; i++)
    if (weir_as_int (values[i]) == 0)
      return weir_nil ();
  return weir_int (weir_as_int (state) + (gint64) n_values);
}

typedef struct {
  Scratch folder;
  WeirQueue *queue;
  guint n_done;
} Story;

static void
story_begin (Story *story)
{
  *story = (Story){ .queue = weir_queue_new () };
  scratch_init (&story->folder);
}

static void
story_end (Story *story)
{
  weir_queue_free (story->queue);
  scratch_clear (&story->folder);
}

static WeirStream *
count_stream (Story *story, WeirContext **ctx, guint n_streams_before)
{
  const WeirValue initial = WEIR_PAIR_OF (weir_text ("initial"), weir_int (100));
  WeirStream *input, *counts;

  *ctx = context_at (story->n_done, &story->folder, "3");
  input = weir_stream_set_uid (weir_queue_stream (*ctx, story->queue, TRUE), "input");
  for (guint i = 0; i < n_streams_before; i++)
    input = weir_union (input, input);
  counts = weir_stream_set_uid (weir_update_state_by_key (input, count, NULL), "counts");
  weir_stream_set_initial_state (counts, &initial, 1);
  return counts;
}

static void
expect_life (Story *story, guint n_streams_before, const char *expected)
{
  WeirContext *ctx;
  WeirCollected *collected = weir_collect (count_stream (story, &ctx, n_streams_before));
  g_autofree char *text = NULL;

  advance (ctx, 1);
  text = weir_collected_text (collected, 0);
  g_assert_cmpstr (text, ==, expected);
  weir_context_free (ctx);
  story->n_done++;
}

static void
initial_states_are_for_the_first_life (void)
{
  const WeirValue pairs[] = {
    WEIR_PAIR_OF (weir_text ("initial"), weir_int (0)),
    WEIR_PAIR_OF (weir_text ("a"), weir_int (1)),
  };
  Story story;

  story_begin (&story);
  weir_queue_push (story.queue, NULL, 0);
  weir_queue_push (story.queue, pairs, 1);
  weir_queue_push (story.queue, NULL, 0);
  weir_queue_push (story.queue, pairs + 1, 1);
  expect_life (&story, 0, "(initial,100)");
  expect_life (&story, 0, "");
  expect_life (&story, 0, "");
  expect_life (&story, 0, "(a,1)");
  story_end (&story);
}

static void
states_come_back_where_the_graph_has_changed_around_them (void)
{
  const WeirValue pair = WEIR_PAIR_OF (weir_text ("a"), weir_int (1));
  Story story;

  story_begin (&story);
  for (guint i = 0; i < 3; i++)
    weir_queue_push (story.queue, &pair, 1);
  expect_life (&story, 0, "(a,1) (initial,100)");
  expect_life (&story, 2, "(a,5) (initial,100)");
  expect_life (&story, 1, "(a,7) (initial,100)");
  story_end (&story);
}

static WeirValue
tenfold (WeirTask *task, guint from_version, WeirValue state, gpointer user_data)
{
  return from_version == 0 ? weir_int (10 * weir_as_int (state)) : weir_nil ();
}

static void
older_versions_are_upgraded_once (void)
{
  const WeirValue pair = WEIR_PAIR_OF (weir_text ("a"), weir_int (1));
  Story story;

  story_begin (&story);
  for (guint i = 0; i < 4; i++)
    weir_queue_push (story.queue, &pair, 1);
  expect_life (&story, 0, "(a,1) (initial,100)");
  for (guint i = 0; i < 2; i++) {
    WeirContext *ctx;
    WeirStream *counts = count_stream (&story, &ctx, 0);
    WeirCollected *collected = weir_collect (counts);
    g_autofree char *text = NULL;

    weir_stream_set_state_version (counts, 1, tenfold);
    advance (ctx, 1);
    text = weir_collected_text (collected, 0);
    g_assert_cmpstr (text, ==, i == 0 ? "(a,11) (initial,1000)" : "(a,12) (initial,1000)");
    weir_context_free (ctx);
    story.n_done++;
  }
  story_end (&story);
}

static void
a_version_that_nothing_upgrades_stops_the_start (void)
{
  g_autoptr (GError) error = NULL;
  WeirContext *ctx;
  WeirStream *counts;
  Story story;

  story_begin (&story);
  weir_queue_push (story.queue, NULL, 0);
  weir_queue_push (story.queue, NULL, 0);
  expect_life (&story, 0, "(initial,100)");
  counts = count_stream (&story, &ctx, 0);
  weir_collect (counts);
  weir_stream_set_state_version (counts, 3, NULL);
  g_assert_false (weir_test_advance (ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_ORPHAN_STATE);
  g_assert_nonnull (strstr (error->message, "counts"));
  weir_context_free (ctx);
  story_end (&story);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keyed/lives", lives_that_are_cut_short_add_up_to_a_whole_one);
  g_test_add_func ("/keyed/initial", initial_states_are_for_the_first_life);
  g_test_add_func ("/keyed/graph", states_come_back_where_the_graph_has_changed_around_them);
  g_test_add_func ("/keyed/upgrade", older_versions_are_upgraded_once);
  g_test_add_func ("/keyed/version", a_version_that_nothing_upgrades_stops_the_start);
  return g_test_run ();
}
