/* Bad values, verb by verb: the error names batch, operator and value, whatever the operator, on streams and on datasets.
 * With a checkpoint nothing of such a batch is kept.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/test.h>

#include "tests/sinks/scratch.h"

typedef struct {
  const char *name; /* of the operator, as the error has it */
  WeirStream *(*build) (WeirStream *s);
} Verb;

typedef WeirDataset *(*OnDataset) (WeirDataset *data);

static WeirDataset *
call (WeirDataset *data, WeirTime time, gpointer function, GError **error)
{
  return ((OnDataset) function) (data);
}

/* What an operator's function is, where it doesn't matter. */

static WeirValue
same (WeirTask *task, WeirValue value, gpointer user_data)
{
  return value;
}

static void
emit_same (WeirTask *task, WeirValue value, gpointer user_data)
{
  weir_emit (task, value);
}

static void
add (gpointer acc, WeirValue value, gpointer user_data)
{
  *(gint64 *) acc += weir_as_int (value);
}

static void
merge (gpointer acc, gconstpointer later, gpointer user_data)
{
  *(gint64 *) acc += *(const gint64 *) later;
}

static WeirValue
result (WeirTask *task, gconstpointer acc, gpointer user_data)
{
  return weir_int (*(const gint64 *) acc);
}

static const WeirAggregate total = { sizeof (gint64), add, merge, result, NULL, 0 };
static const WeirCombiner combiner = { same, WEIR_SUM, WEIR_SUM, NULL };

static WeirValue
add_up (WeirTask *task, WeirValue key, const WeirValue *values, gsize n, WeirValue state, gpointer user_data)
{
  gint64 sum = weir_as_int (state);

  for (gsize i = 0; i < n; i++)
    sum += weir_as_int (values[i]);
  return weir_int (sum);
}

static void
add_one (WeirTask *task, WeirValue key, WeirValue value, WeirState *st, gpointer user_data)
{
  weir_state_update (st, weir_int (weir_as_int (weir_state_get (st)) + weir_as_int (value)));
  weir_emit_pair (task, key, weir_state_get (st));
}

static const WeirStateSpec state = { .function = add_one };

/* Verbs that take pairs. */

#define OF_STREAM(verb, call)                                                                                          \
  static WeirStream *verb##_of (WeirStream *s)                                                                         \
  {                                                                                                                    \
    return call;                                                                                                       \
  }
#define OF_DATASET(verb, expression)                                                                                   \
  static WeirDataset *verb##_in (WeirDataset *d)                                                                       \
  {                                                                                                                    \
    return expression;                                                                                                 \
  }                                                                                                                    \
  static WeirStream *verb##_in_transform (WeirStream *s)                                                               \
  {                                                                                                                    \
    return weir_transform (s, call, (gpointer) verb##_in);                                                             \
  }

OF_STREAM (map_values, weir_map_values (s, same, NULL))
OF_STREAM (flat_map_values, weir_flat_map_values (s, emit_same, NULL))
OF_STREAM (reduce_by_key, weir_reduce_by_key (s, WEIR_SUM, NULL))
OF_STREAM (reduce_by_key_last, weir_reduce_by_key (s, WEIR_LAST, NULL))
OF_STREAM (count_by_key, weir_count_by_key (s))
OF_STREAM (group_by_key, weir_group_by_key (s))
OF_STREAM (combine_by_key, weir_combine_by_key (s, &combiner))
OF_STREAM (aggregate_by_key, weir_aggregate_by_key (s, &total))
OF_STREAM (join, weir_join (s, s))
OF_STREAM (left_outer_join, weir_left_outer_join (s, s))
OF_STREAM (right_outer_join, weir_right_outer_join (s, s))
OF_STREAM (full_outer_join, weir_full_outer_join (s, s))
OF_STREAM (cogroup, weir_cogroup (s, s))
OF_STREAM (reduce_by_key_and_window, weir_reduce_by_key_and_window (s, WEIR_SUM, NULL, WEIR_SECONDS (2), 0, NULL))
OF_STREAM (aggregate_by_key_and_window, weir_aggregate_by_key_and_window (s, &total, WEIR_SECONDS (2), 0))
OF_STREAM (group_by_key_and_window, weir_group_by_key_and_window (s, WEIR_SECONDS (2), 0))
OF_STREAM (update_state_by_key, weir_update_state_by_key (s, add_up, NULL))
OF_STREAM (map_with_state, weir_map_with_state (s, &state))
OF_DATASET (map_values, weir_dataset_map_values (d, same, NULL))
OF_DATASET (flat_map_values, weir_dataset_flat_map_values (d, emit_same, NULL))
OF_DATASET (reduce_by_key, weir_dataset_reduce_by_key (d, WEIR_SUM, NULL))
OF_DATASET (group_by_key, weir_dataset_group_by_key (d))
OF_DATASET (combine_by_key, weir_dataset_combine_by_key (d, &combiner))
OF_DATASET (aggregate_by_key, weir_dataset_aggregate_by_key (d, &total))
OF_DATASET (join, weir_dataset_join (d, d))
OF_DATASET (left_outer_join, weir_dataset_left_outer_join (d, d))
OF_DATASET (right_outer_join, weir_dataset_right_outer_join (d, d))
OF_DATASET (full_outer_join, weir_dataset_full_outer_join (d, d))
OF_DATASET (cogroup, weir_dataset_cogroup (d, d))

#define ON_STREAM(verb)                                                                                                \
  {                                                                                                                    \
#verb "-1", verb##_of                                                                                              \
  }
#define ON_DATASET(verb)                                                                                               \
  {                                                                                                                    \
#verb " in transform-1", verb##_in_transform                                                                       \
  }

static const Verb keyed[] = {
  ON_STREAM (map_values),
  ON_STREAM (flat_map_values),
  ON_STREAM (reduce_by_key),
  { "reduce_by_key-1", reduce_by_key_last_of },
  ON_STREAM (count_by_key),
  ON_STREAM (group_by_key),
  ON_STREAM (combine_by_key),
  ON_STREAM (aggregate_by_key),
  ON_STREAM (join),
  ON_STREAM (left_outer_join),
  ON_STREAM (right_outer_join),
  ON_STREAM (full_outer_join),
  ON_STREAM (cogroup),
  ON_STREAM (reduce_by_key_and_window),
  ON_STREAM (aggregate_by_key_and_window),
  ON_STREAM (group_by_key_and_window),
  ON_STREAM (update_state_by_key),
  ON_STREAM (map_with_state),
  ON_DATASET (map_values),
  ON_DATASET (flat_map_values),
  ON_DATASET (reduce_by_key),
  ON_DATASET (group_by_key),
  ON_DATASET (combine_by_key),
  ON_DATASET (aggregate_by_key),
  ON_DATASET (join),
  ON_DATASET (left_outer_join),
  ON_DATASET (right_outer_join),
  ON_DATASET (full_outer_join),
  ON_DATASET (cogroup),
};

/* Verbs whose sums may not fit. */

OF_STREAM (reduce, weir_reduce (weir_map (s, same, NULL), WEIR_SUM, NULL))
OF_STREAM (reduce_by_window, weir_reduce_by_window (s, WEIR_SUM, NULL, WEIR_SECONDS (3), 0, NULL))

static const Verb sums_of_pairs[] = {
  ON_STREAM (reduce_by_key),
  ON_STREAM (reduce_by_key_and_window),
  ON_STREAM (combine_by_key),
  ON_DATASET (reduce_by_key),
};

static const Verb sums[] = { { "reduce-2", reduce_of }, ON_STREAM (reduce_by_window) };

/* Functions that fail, of every kind that gets a task. */

static WeirValue
fail_map (WeirTask *task, WeirValue value, gpointer user_data)
{
  weir_fail (task, "no sense in it");
  return value;
}

static gboolean
fail_filter (WeirTask *task, WeirValue value, gpointer user_data)
{
  weir_fail (task, "no sense in it");
  return TRUE;
}

static void
fail_flat_map (WeirTask *task, WeirValue value, gpointer user_data)
{
  weir_emit (task, value);
  weir_fail (task, "no sense in it");
  weir_emit (task, value);
}

static void
fail_partition (WeirTask *task, WeirIter *values, gpointer user_data)
{
  WeirValue value;

  if (weir_iter_next (values, &value) && weir_kind (value) == WEIR_TEXT)
    weir_fail (task, "no sense in it");
}

static WeirValue
fail_reduce (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  weir_fail (task, "no sense in it");
  return a;
}

static WeirValue
fail_result (WeirTask *task, gconstpointer acc, gpointer user_data)
{
  weir_fail (task, "no sense in it");
  return weir_nil ();
}

static WeirValue
fail_update (WeirTask *task, WeirValue key, const WeirValue *values, gsize n, WeirValue state, gpointer user_data)
{
  weir_fail (task, "no sense in it");
  return state;
}

static void
fail_state (WeirTask *task, WeirValue key, WeirValue value, WeirState *st, gpointer user_data)
{
  weir_fail (task, "no sense in it");
}

static WeirDataset *
fail_transform (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  if (time < WEIR_SECONDS (3)) /* it is called for empty batches too */
    return data;
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_USER, "no sense in it");
  return NULL;
}

static const WeirAggregate no_result = { sizeof (gint64), add, merge, fail_result, NULL, 0 };
static const WeirCombiner no_create = { fail_map, WEIR_SUM, WEIR_SUM, NULL };
static const WeirCombiner no_merge = { same, fail_reduce, fail_reduce, NULL };
static const WeirStateSpec no_state = { .function = fail_state };

OF_STREAM (bad_map, weir_map (s, fail_map, NULL))
OF_STREAM (bad_filter, weir_filter (s, fail_filter, NULL))
OF_STREAM (bad_flat_map, weir_flat_map (s, fail_flat_map, NULL))
OF_STREAM (bad_map_partitions, weir_map_partitions (s, fail_partition, NULL))
OF_STREAM (bad_reduce, weir_reduce (s, fail_reduce, NULL))
OF_STREAM (bad_reduce_by_window, weir_reduce_by_window (s, fail_reduce, NULL, WEIR_SECONDS (1), 0, NULL))
OF_STREAM (bad_transform, weir_transform (s, fail_transform, NULL))
OF_STREAM (bad_split, weir_split (weir_with_value (s, weir_int (1)), ' '))
OF_STREAM (pairs, weir_with_value (s, weir_int (1)))
OF_STREAM (bad_map_values, weir_map_values (pairs_of (s), fail_map, NULL))
OF_STREAM (bad_flat_map_values, weir_flat_map_values (pairs_of (s), fail_flat_map, NULL))
OF_STREAM (bad_reduce_by_key, weir_reduce_by_key (pairs_of (s), fail_reduce, NULL))
OF_STREAM (bad_sums, weir_reduce_by_key_and_window (pairs_of (s), fail_reduce, NULL, WEIR_SECONDS (1), 0, NULL))
OF_STREAM (bad_create, weir_combine_by_key (pairs_of (s), &no_create))
OF_STREAM (bad_merge, weir_combine_by_key (pairs_of (s), &no_merge))
OF_STREAM (bad_result, weir_aggregate_by_key (pairs_of (s), &no_result))
OF_STREAM (bad_result_of_a_window, weir_aggregate_by_key_and_window (pairs_of (s), &no_result, WEIR_SECONDS (1), 0))
OF_STREAM (bad_update, weir_update_state_by_key (pairs_of (s), fail_update, NULL))
OF_STREAM (bad_state, weir_map_with_state (pairs_of (s), &no_state))

static const Verb failing[] = {
  { "map-1", bad_map_of },
  { "filter-1", bad_filter_of },
  { "flat_map-1", bad_flat_map_of },
  { "map_partitions-1", bad_map_partitions_of },
  { "reduce-1", bad_reduce_of },
  { "reduce_by_window-1", bad_reduce_by_window_of },
  { "transform-1", bad_transform_of },
  { "map_values-2", bad_map_values_of },
  { "flat_map_values-2", bad_flat_map_values_of },
  { "reduce_by_key-2", bad_reduce_by_key_of },
  { "reduce_by_key_and_window-2", bad_sums_of },
  { "combine_by_key-2", bad_create_of },
  { "combine_by_key-2", bad_merge_of },
  { "aggregate_by_key-2", bad_result_of },
  { "aggregate_by_key_and_window-2", bad_result_of_a_window_of },
  { "update_state_by_key-2", bad_update_of },
  { "map_with_state-2", bad_state_of },
};

static const Verb of_texts[] = { { "split-2", bad_split_of } };

typedef struct {
  WeirContext *ctx;
  WeirStream *input;
} Life;

static void
begin (Life *life, WeirQueue *queue, WeirTime at, const char *store)
{
  life->ctx = weir_test_context_new_at (WEIR_SECONDS (1), at);
  g_assert_true (weir_context_set (life->ctx, "log.level", "error", NULL));
  g_assert_true (weir_context_set (life->ctx, "workers", "2", NULL));
  if (store != NULL) {
    g_autofree char *uri = g_strdup_printf ("file://%s", store);

    g_assert_true (weir_context_set (life->ctx, "checkpoint", uri, NULL));
    g_assert_true (weir_context_set (life->ctx, "restart.attempts", "0", NULL));
  }
  life->input = weir_queue_stream (life->ctx, queue, TRUE);
}

/* Batch 3 fails, and says of what. */
static void
expect_failure (WeirContext *ctx, gint code, const char *name, const char *value)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_test_advance (ctx, 4, &error));
  g_assert_error (error, WEIR_ERROR, code);
  if (!g_str_has_prefix (error->message, "batch 3000 ms: ") || strstr (error->message, name) == NULL ||
      strstr (error->message, value) == NULL)
    g_error ("should name batch 3000 ms, %s and %s: %s", name, value, error->message);
}

static void
push_pairs (WeirQueue *queue, gint64 number)
{
  weir_queue_push (
      queue,
      (WeirValue[]){ WEIR_PAIR_OF (weir_text ("a"), weir_int (number)), WEIR_PAIR_OF (weir_text ("b"), weir_int (1)) },
      2);
}

static void
push_pair_and_text (WeirQueue *queue)
{
  weir_queue_push (queue, (WeirValue[]){ WEIR_PAIR_OF (weir_text ("a"), weir_int (5)), weir_text ("not-a-pair") }, 2);
}

static void
what_is_no_pair_is_told (gconstpointer data)
{
  const Verb *verb = data;
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  Life life;

  push_pairs (queue, 1);
  push_pairs (queue, 2);
  push_pair_and_text (queue);
  begin (&life, queue, 0, NULL);
  weir_collect (verb->build (life.input));
  expect_failure (life.ctx, WEIR_ERROR_KIND, verb->name, "TEXT not-a-pair");
  weir_context_free (life.ctx);
}

static void
a_sum_of_pairs_that_does_not_fit_is_told (gconstpointer data)
{
  const Verb *verb = data;
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  WeirValue pairs[] = { WEIR_PAIR_OF (weir_nil (), weir_int (G_MAXINT64 - 1)),
                        WEIR_PAIR_OF (weir_nil (), weir_int (2)) };
  Life life;

  push_pairs (queue, 1);
  push_pairs (queue, 2);
  weir_queue_push (queue, pairs, 2);
  begin (&life, queue, 0, NULL);
  weir_collect (verb->build (life.input));
  expect_failure (life.ctx, WEIR_ERROR_OVERFLOW, verb->name, "9223372036854775806");
  weir_context_free (life.ctx);
}

static void
a_sum_that_does_not_fit_is_told (gconstpointer data)
{
  const Verb *verb = data;
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  Life life;

  weir_queue_push (queue, (WeirValue[]){ weir_int (0) }, 1);
  weir_queue_push (queue, (WeirValue[]){ weir_int (0) }, 1);
  weir_queue_push (queue, (WeirValue[]){ weir_int (G_MININT64 + 1), weir_int (-2) }, 2);
  begin (&life, queue, 0, NULL);
  weir_collect (verb->build (life.input));
  expect_failure (life.ctx, WEIR_ERROR_OVERFLOW, verb->name, "-9223372036854775807");
  weir_context_free (life.ctx);
}

/* In batch 3, which is the first with records. */
static void
expect_of_texts (const Verb *verb, gint code, const char *value)
{
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  const WeirValue same_twice[] = { weir_text ("x"), weir_text ("x") };
  Life life;

  weir_queue_push_nothing (queue);
  weir_queue_push_nothing (queue);
  weir_queue_push (queue, same_twice, 2);
  begin (&life, queue, 0, NULL);
  weir_collect (verb->build (life.input));
  expect_failure (life.ctx, code, verb->name, value);
  weir_context_free (life.ctx);
}

static void
a_function_that_fails_is_named (gconstpointer data)
{
  expect_of_texts (data, WEIR_ERROR_USER, ": no sense in it");
}

static void
what_is_no_text_is_told (gconstpointer data)
{
  expect_of_texts (data, WEIR_ERROR_KIND, "PAIR (x,1)");
}

/* Nothing of a batch that failed is kept: the next program, which leaves the bad record out, adds the rest once. */

static gboolean
is_pair (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_kind (value) == WEIR_PAIR;
}

static gboolean
is_anything (WeirTask *task, WeirValue value, gpointer user_data)
{
  return TRUE;
}

static WeirCollected *
build_filtered (Life *life, const Verb *verb, WeirFilterFunc filter)
{
  return weir_collect (weir_stream_set_uid (verb->build (weir_filter (life->input, filter, NULL)), "state"));
}

static void
a_failed_batch_leaves_nothing_in_the_checkpoint (gconstpointer data)
{
  const Verb *verb = data;
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  WeirCollected *collected;
  Scratch store;
  Life life;

  scratch_init (&store);
  push_pairs (queue, 1);
  push_pairs (queue, 2);
  push_pair_and_text (queue);
  begin (&life, queue, 0, store.path);
  build_filtered (&life, verb, is_anything);
  expect_failure (life.ctx, WEIR_ERROR_KIND, "state", "TEXT not-a-pair");
  weir_context_free (life.ctx);
  begin (&life, queue, WEIR_SECONDS (3), store.path);
  collected = build_filtered (&life, verb, is_pair);
  weir_test_advance (life.ctx, 1, &error);
  g_assert_no_error (error);
  g_assert_cmpint (weir_collected_time (collected, 0), ==, WEIR_SECONDS (3));
  text = weir_collected_text (collected, 0);
  g_assert_true (g_str_has_prefix (text, "(a,8)"));
  weir_context_free (life.ctx);
  scratch_clear (&store);
}

OF_STREAM (sums_in_a_window, weir_reduce_by_key_and_window (s, WEIR_SUM, NULL, WEIR_SECONDS (60), 0, NULL))

static const Verb with_state[] = {
  ON_STREAM (update_state_by_key),
  ON_STREAM (map_with_state),
  { "reduce_by_key_and_window", sums_in_a_window_of },
};

static void
add_tests (const char *path, const Verb *verbs, gsize n, GTestDataFunc test)
{
  for (gsize i = 0; i < n; i++) {
    g_autofree char *name = g_strdup_printf ("/bad-value/%s/%" G_GSIZE_FORMAT "-%s", path, i, verbs[i].name);

    g_test_add_data_func (name, &verbs[i], test);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_tests ("no-pair", keyed, G_N_ELEMENTS (keyed), what_is_no_pair_is_told);
  add_tests ("sum-of-pairs", sums_of_pairs, G_N_ELEMENTS (sums_of_pairs), a_sum_of_pairs_that_does_not_fit_is_told);
  add_tests ("sum", sums, G_N_ELEMENTS (sums), a_sum_that_does_not_fit_is_told);
  add_tests ("fails", failing, G_N_ELEMENTS (failing), a_function_that_fails_is_named);
  add_tests ("no-text", of_texts, G_N_ELEMENTS (of_texts), what_is_no_text_is_told);
  add_tests ("kept", with_state, G_N_ELEMENTS (with_state), a_failed_batch_leaves_nothing_in_the_checkpoint);
  return g_test_run ();
}
