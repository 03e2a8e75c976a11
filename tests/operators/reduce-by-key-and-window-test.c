/* Tests of reduce_by_key_and_window: every slide against the batches of its window, reduced one by one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "tests/engine/random-value.h"
#include "tests/operators/bare-run.h"
#include "tests/operators/job.h"

#define N_BATCHES 30
#define N_KEYS    12

/* What was pushed: by batch, (key, value) in order. */
typedef struct {
  guint key;
  gint64 value;
} Record;

typedef struct {
  GArray *batches[N_BATCHES]; /* of Record */
} History;

static void
history_clear (History *history)
{
  for (guint i = 0; i < N_BATCHES; i++)
    g_array_unref (history->batches[i]);
}

/* Keys come and go: a batch has some neighbours of its own number. */
static void
push_history (Job *job, History *history)
{
  for (guint i = 0; i < N_BATCHES; i++) {
    GString *text = g_string_new (NULL);
    GArray *batch = history->batches[i] = g_array_new (FALSE, FALSE, sizeof (Record));

    for (guint k = below (4) == 0 ? 0 : below (40); k > 0; k--) {
      Record record = { (i / 2 + below (5)) % N_KEYS, (gint64) below (1000) };

      g_array_append_val (batch, record);
      g_string_append_printf (text, " key-number-%u=%d", record.key, (int) record.value);
    }
    job_push (job, text->str);
    g_string_free (text, TRUE);
  }
}

typedef struct {
  const char *name;
  WeirReduceFunc f;
  void (*fold) (GString *text, gint64 *so_far, gint64 value); /* text is the answer, or so_far where it is empty */
} Kind;

static void
fold_sum (GString *text, gint64 *so_far, gint64 value)
{
  *so_far += value;
}

static void
fold_max (GString *text, gint64 *so_far, gint64 value)
{
  *so_far = MAX (*so_far, value);
}

static void
fold_text (GString *text, gint64 *so_far, gint64 value)
{
  g_string_append_printf (text, "%s%d", text->len > 0 ? "," : "", (int) value);
}

static WeirValue
concatenate (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  g_autofree char *left = weir_to_string (a), *right = weir_to_string (b);

  return weir_format (task, "%s,%s", left, right);
}

static const Kind kinds[] = {
  { "sums", WEIR_SUM, fold_sum },
  { "greatest", WEIR_MAX, fold_max },
  { "texts", concatenate, fold_text },
};

static WeirStream *
window_of (const Kind *kind, WeirStream *s, guint length, guint slide)
{
  return weir_reduce_by_key_and_window (s, kind->f, NULL, WEIR_SECONDS (length), WEIR_SECONDS (slide), NULL);
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* "(key,answer)" of each key with a record in ]time - length, time], sorted. */
static char *
expected_window (const History *history, const Kind *kind, gint64 second, guint length)
{
  g_autoptr (GPtrArray) pairs = g_ptr_array_new_with_free_func (g_free);

  for (guint key = 0; key < N_KEYS; key++) {
    g_autoptr (GString) text = g_string_new (NULL);
    gint64 so_far = 0;
    guint n = 0;

    for (gint64 i = MAX (second - length, 0); i < second; i++)
      for (guint k = 0; k < history->batches[i]->len; k++) {
        const Record *record = &g_array_index (history->batches[i], Record, k);

        if (record->key == key && ++n > 0)
          kind->fold (text, &so_far, record->value);
      }
    if (n > 0)
      g_ptr_array_add (pairs, text->len > 0 ? g_strdup_printf ("(key-number-%u,%s)", key, text->str)
                                            : g_strdup_printf ("(key-number-%u,%d)", key, (int) so_far));
  }
  g_ptr_array_sort (pairs, compare_texts);
  g_ptr_array_add (pairs, NULL);
  return g_strjoinv (" ", (char **) pairs->pdata);
}

static char *
collected_window (WeirCollected *collected, guint batch)
{
  g_autoptr (GPtrArray) pairs = g_ptr_array_new_with_free_func (g_free);
  gsize n;
  const WeirValue *values = weir_collected_values (collected, batch, &n);

  for (gsize i = 0; i < n; i++)
    g_ptr_array_add (pairs, weir_to_string (values[i]));
  g_ptr_array_sort (pairs, compare_texts);
  g_ptr_array_add (pairs, NULL);
  return g_strjoinv (" ", (char **) pairs->pdata);
}

static void
expect_windows (WeirCollected *collected, const History *history, const Kind *kind, guint length, guint slide)
{
  g_assert_cmpuint (weir_collected_n_batches (collected), ==, N_BATCHES / slide);
  for (guint i = 0; i < N_BATCHES / slide; i++) {
    g_autofree char *expected = expected_window (history, kind, (i + 1) * slide, length);
    g_autofree char *got = collected_window (collected, i);

    g_assert_cmpint (weir_collected_time (collected, i), ==, WEIR_SECONDS ((i + 1) * slide));
    g_assert_cmpstr (got, ==, expected);
  }
}

static void
every_slide_is_its_batches_reduced (Job *job)
{
  static const guint shapes[][2] = { { 1, 1 }, { 3, 1 }, { 10, 1 }, { 6, 2 }, { 3, 2 }, { 2, 3 }, { 15, 5 }, { 4, 6 } };
  WeirCollected *collected[G_N_ELEMENTS (kinds)][G_N_ELEMENTS (shapes)];
  History history;

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (shapes); k++)
      collected[i][k] = weir_collect (window_of (&kinds[i], job->input, shapes[k][0], shapes[k][1]));
  push_history (job, &history);
  job_run (job);
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (shapes); k++)
      expect_windows (collected[i][k], &history, &kinds[i], shapes[k][0], shapes[k][1]);
  history_clear (&history);
}

static void
windows_may_have_any_number_of_partitions (Job *job)
{
  static const guint partitions[] = { 1, 5, 256 };
  WeirCollected *collected[G_N_ELEMENTS (partitions)];
  History history;

  for (gsize i = 0; i < G_N_ELEMENTS (partitions); i++)
    collected[i] = weir_collect (weir_stream_set_partitions (window_of (&kinds[2], job->input, 7, 1), partitions[i]));
  push_history (job, &history);
  job_run (job);
  for (gsize i = 0; i < G_N_ELEMENTS (partitions); i++)
    expect_windows (collected[i], &history, &kinds[2], 7, 1);
  history_clear (&history);
}

/* Tumbling seconds into a sliding window: the parent slides by two. */
static void
a_window_may_follow_another (Job *job)
{
  WeirStream *pairs = window_of (&kinds[0], job->input, 2, 2);
  WeirCollected *collected = weir_collect (window_of (&kinds[0], pairs, 6, 2));
  History history;

  push_history (job, &history);
  job_run (job);
  expect_windows (collected, &history, &kinds[0], 6, 2);
  history_clear (&history);
}

static void
two_may_use_one_window (Job *job)
{
  WeirStream *window = window_of (&kinds[0], job->input, 3, 1);
  WeirCollected *left = weir_collect (window), *right = weir_collect (weir_reduce_by_key (window, WEIR_SUM, NULL));
  History history;

  push_history (job, &history);
  job_run (job);
  expect_windows (left, &history, &kinds[0], 3, 1);
  expect_windows (right, &history, &kinds[0], 3, 1);
  history_clear (&history);
}

/* Never called: the engine needs none. */
static WeirValue
inverse (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  g_assert_not_reached ();
}

static void
sums_of_floats_do_not_drift (Job *job)
{
  WeirCollected *collected = weir_collect (
      weir_reduce_by_key_and_window (job->input, WEIR_SUM, inverse, WEIR_SECONDS (2), WEIR_SECONDS (1), NULL));

  job_push (job, "a=1e300 a=0.5");
  job_push (job, "a=0.25");
  job_push (job, "a=0.125");
  job_push (job, "");
  job_push (job, "");
  job_run (job);
  job_expect (collected, 2, "(a,0.375)");
  job_expect (collected, 3, "(a,0.125)");
  job_expect (collected, 4, "");
}

/* Rejects from tasks that combine and from slices that slide; the value so far stays. */
static WeirValue
reject_and_keep (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  weir_reject (task, b, "second");
  return a;
}

static void
what_its_function_rejects_is_read_elsewhere (Job *job)
{
  WeirStream *window =
      weir_reduce_by_key_and_window (job->input, reject_and_keep, NULL, WEIR_SECONDS (3), WEIR_SECONDS (1), NULL);
  WeirCollected *collected = weir_collect (window), *rejected = weir_collect (weir_rejected (window));
  gsize n;

  for (guint i = 0; i < 5; i++)
    job_push (job, "a=1 b=2 a=3");
  job_run (job);
  job_expect_sorted (collected, 4, "(a,1) (b,2)");
  for (guint i = 0; i < 5; i++) {
    weir_collected_values (rejected, i, &n);
    g_assert_cmpuint (n, >=, 1);
  }
}

static void
an_overflow_of_the_window_fails_the_batch (Job *job)
{
  weir_collect (weir_stream_set_name (window_of (&kinds[0], job->input, 3, 1), "recent"));
  job_push (job, "a=9223372036854775000 b=1");
  job_push (job, "a=900 b=1");
  job_run_into (job, WEIR_ERROR_OVERFLOW, "recent: the sum of key 'a' does not fit an INT when 900 is added to");
}

/* What does not fit comes @n slides after the first, so that it meets what was rebuilt and what was not. */
static void
overflow_after (guint n_partitions, guint n, const char *const *batches)
{
  Job job;

  job_init (&job, n_partitions);
  weir_collect (weir_stream_set_name (window_of (&kinds[0], job.input, 5, 1), "recent"));
  for (guint i = 0; i < n; i++)
    job_push (&job, "a=0 b=1 c=2");
  while (*batches != NULL)
    job_push (&job, *batches++);
  job_run_into (&job, WEIR_ERROR_OVERFLOW, "recent: the sum of key 'b' does not fit an INT when ");
  job_clear (&job);
}

static void
an_overflow_names_the_key_wherever_it_is_met (void)
{
  /* As it enters; in one batch, between tasks; and as panes are added up again, from the newest on. */
  static const char *const batches[][7] = {
    { "a=1 b=9223372036854775000 c=1", "c=1 b=900 a=1", "a=1 c=2", "b=900", NULL },
    { "b=9223372036854775000 a=1 b=9223372036854775000 c=1", NULL },
    { "b=-9", "b=9223372036854775000 a=1", "b=810", "c=1 b=1", "a=1", "a=1", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (batches); i++)
    for (guint n = 0; n < 8; n++) {
      overflow_after (1, n, batches[i]);
      overflow_after (3, n, batches[i]);
    }
}

static void
a_plain_value_fails_the_batch (Job *job)
{
  weir_collect (window_of (&kinds[0], job->input, 3, 1));
  job_push (job, "a=1 1");
  job_run_into (job, WEIR_ERROR_KIND, "takes pairs");
}

static void
expect_mistake (WeirReduceFunc f, WeirTime length, const char *fragment)
{
  g_autoptr (GError) error = NULL;
  Job job;

  job_init (&job, 1);
  weir_collect (weir_reduce_by_key_and_window (job.input, f, NULL, length, 0, NULL));
  g_assert_false (weir_context_start (job.ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_cmpstr (strstr (error->message, fragment) != NULL ? fragment : error->message, ==, fragment);
  job_clear (&job);
}

static void
no_function_or_an_odd_length_is_a_mistake (void)
{
  expect_mistake (NULL, WEIR_SECONDS (2), "got NULL");
  expect_mistake (WEIR_SUM, WEIR_MILLISECONDS (2500), "window of 2500ms");
}

/* Batches below a memory limit: right, or failed for that reason; the window is freed either way. */
static void
to_pairs (WeirTask *task, const WeirChunk *in)
{
  for (guint i = 0; i < in->n; i++)
    weir_emit_pair (task, weir_format (task, "the key number %d", (int) weir_as_int (in->values[i]) % 40),
                    weir_format (task, "%d", (int) weir_as_int (in->values[i])));
}

static gboolean
slide_below (gsize limit, guint slide, guint64 *n_keys)
{
  static const WeirOpClass to_pairs_class = { .verb = "pairs", .kind = WEIR_OP_NARROW, .process = to_pairs };
  const WeirOp pairs = { .klass = &to_pairs_class, .name = "pairs" };
  Script script = { .n_partitions = 2, .n = 150, .step = 40 };
  gboolean ok = TRUE;
  WeirStream *stream;
  BareRun bare;

  bare_run_begin (&bare, 2, 3);
  stream = bare_run_resolve (&bare, window_of (&kinds[2], bare.input, 4, slide));
  stream->op.pane = WEIR_SECONDS (slide);
  weir_memory_set_limit (bare.stage.memory, limit);
  for (guint batch = 1; batch < 9 && ok; batch++) {
    WeirDataset *dataset = derive (&bare.stage, &pairs, stage_fixture_run (&bare.stage, &script));
    g_autoptr (GError) error = NULL;

    bare.stage.run.time = WEIR_SECONDS (batch);
    dataset = bare_run_dataset (&bare, stream, dataset);
    ok = weir_dataset_advance (dataset, &error) && weir_dataset_keep (dataset, &error);
    if (!ok)
      g_assert_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT);
    *n_keys = 0;
    for (guint i = 0; ok && i < dataset->n_partitions; i++)
      *n_keys += dataset->partitions[i]->n_elements;
    weir_run_clear (&bare.stage.run);
  }
  bare_run_end (&bare);
  return ok;
}

static void
at_every_memory_limit_it_works_or_fails (gconstpointer data)
{
  guint n_well = 0, n_failed = 0;
  guint64 n_keys;

  for (gsize limit = 0; n_well < 3; limit += 1 + limit / 20) {
    if (!slide_below (limit, GPOINTER_TO_UINT (data), &n_keys)) {
      n_failed++;
      continue;
    }
    n_well++;
    g_assert_cmpuint (n_keys, ==, 40);
  }
  g_assert_cmpuint (n_failed, >, 50);
}

#define ADD(test) job_add_test ("/reduce-by-key-and-window/" #test, test)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (every_slide_is_its_batches_reduced);
  ADD (windows_may_have_any_number_of_partitions);
  ADD (a_window_may_follow_another);
  ADD (two_may_use_one_window);
  ADD (sums_of_floats_do_not_drift);
  ADD (what_its_function_rejects_is_read_elsewhere);
  ADD (an_overflow_of_the_window_fails_the_batch);
  ADD (a_plain_value_fails_the_batch);
  g_test_add_func ("/reduce-by-key-and-window/an_overflow_names_the_key_wherever_it_is_met",
                   an_overflow_names_the_key_wherever_it_is_met);
  g_test_add_func ("/reduce-by-key-and-window/no_function_or_an_odd_length_is_a_mistake",
                   no_function_or_an_odd_length_is_a_mistake);
  g_test_add_data_func ("/reduce-by-key-and-window/at_every_memory_limit_it_works_or_fails/a-pane-a-batch",
                        GUINT_TO_POINTER (1), at_every_memory_limit_it_works_or_fails);
  g_test_add_data_func ("/reduce-by-key-and-window/at_every_memory_limit_it_works_or_fails/two-batches-a-pane",
                        GUINT_TO_POINTER (2), at_every_memory_limit_it_works_or_fails);
  return g_test_run ();
}
