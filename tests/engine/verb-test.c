/* Tests of verbs: on a dataset each gives what it gives on a stream, and mistakes are told either way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/test.h>

#include <string.h>

typedef WeirStream *(*OnStream) (WeirStream *a, WeirStream *b);
typedef WeirDataset *(*OnDataset) (WeirDataset *a, WeirDataset *b);

static WeirValue
plus_one (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_int (weir_as_int (value) + 1);
}

static WeirValue
swap (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_pair (task, weir_val (value), weir_key (value));
}

static gboolean
has_even_value (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_as_int (weir_val (value)) % 2 == 0;
}

static void
thrice (WeirTask *task, WeirValue value, gpointer user_data)
{
  for (guint i = 0; i < 3; i++)
    weir_emit (task, value);
}

static void
numbered (WeirTask *task, WeirIter *values, gpointer user_data)
{
  WeirValue value;

  for (gint64 i = 0; weir_iter_next (values, &value); i++)
    weir_emit_pair (task, weir_int (i), value);
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

static const WeirAggregate sum = { sizeof (gint64), add, merge, result, NULL, 0 };
static const WeirCombiner first = { plus_one, weir_reduce_sum, weir_reduce_sum, NULL };

#define BOTH(name, verb, ...)                                                                                          \
  static WeirStream *on_stream_##name (WeirStream *a, WeirStream *b)                                                   \
  {                                                                                                                    \
    return weir_##verb (a __VA_ARGS__);                                                                                \
  }                                                                                                                    \
  static WeirDataset *on_dataset_##name (WeirDataset *a, WeirDataset *b)                                               \
  {                                                                                                                    \
    return weir_dataset_##verb (a __VA_ARGS__);                                                                        \
  }

BOTH (map, map, , swap, NULL)
BOTH (flat_map, flat_map, , thrice, NULL)
BOTH (filter, filter, , has_even_value, NULL)
BOTH (map_values, map_values, , plus_one, NULL)
BOTH (flat_map_values, flat_map_values, , thrice, NULL)
BOTH (map_partitions, map_partitions, , numbered, NULL)
BOTH (repartition, repartition, , 3)
BOTH (union, union, , b)
BOTH (count_by_value, count_by_value)
BOTH (top, top, , 4, NULL, NULL)
BOTH (reduce_by_key, reduce_by_key, , WEIR_LAST, NULL)
BOTH (sum_by_key, reduce_by_key, , WEIR_SUM, NULL)
BOTH (group_by_key, group_by_key)
BOTH (combine_by_key, combine_by_key, , &first)
BOTH (aggregate_by_key, aggregate_by_key, , &sum)
BOTH (join, join, , b)
BOTH (left_outer_join, left_outer_join, , b)
BOTH (right_outer_join, right_outer_join, , b)
BOTH (full_outer_join, full_outer_join, , b)
BOTH (cogroup, cogroup, , b)

#define CASE(name)                                                                                                     \
  {                                                                                                                    \
#name, on_stream_##name, on_dataset_##name                                                                         \
  }

static const struct {
  const char *name;
  OnStream on_stream;
  OnDataset on_dataset;
} cases[] = {
  CASE (map),
  CASE (flat_map),
  CASE (filter),
  CASE (map_values),
  CASE (flat_map_values),
  CASE (map_partitions),
  CASE (repartition),
  CASE (union),
  CASE (count_by_value),
  CASE (top),
  CASE (reduce_by_key),
  CASE (sum_by_key),
  CASE (group_by_key),
  CASE (combine_by_key),
  CASE (aggregate_by_key),
  CASE (join),
  CASE (left_outer_join),
  CASE (right_outer_join),
  CASE (full_outer_join),
  CASE (cogroup),
};

typedef struct {
  WeirContext *ctx;
  WeirQueue *queues[2];
  WeirStream *streams[2];
} Fixture;

static void
push (WeirQueue *queue, guint n, guint n_keys)
{
  g_autofree WeirValue *cells = g_new (WeirValue, 2 * n + 1), *values = g_new (WeirValue, n + 1);

  for (guint i = 0; i < n; i++) {
    cells[2 * i] = weir_int (i * 7 % n_keys);
    cells[2 * i + 1] = weir_int (i);
    values[i] = weir_pair_at (&cells[2 * i]);
  }
  weir_queue_push (queue, values, n);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->ctx = weir_test_context_new (WEIR_SECONDS (1));
  for (guint i = 0; i < 2; i++) {
    f->queues[i] = weir_queue_new ();
    weir_queue_set_partitions (f->queues[i], 2 + i);
    f->streams[i] = weir_queue_stream (f->ctx, f->queues[i], TRUE);
    push (f->queues[i], 100, 13 + 4 * i);
    push (f->queues[i], 0, 1);
    push (f->queues[i], 3000, 500 + 100 * i);
  }
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_context_free (f->ctx);
  for (guint i = 0; i < 2; i++)
    weir_queue_free (f->queues[i]);
}

static WeirDataset *
call (WeirDataset *a, WeirDataset *b, WeirTime time, gpointer function, GError **error)
{
  return ((OnDataset) function) (a, b);
}

static void
advance (Fixture *f, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (f->ctx, n, &error);
  g_assert_no_error (error);
}

static void
datasets_give_what_streams_give (Fixture *f, gconstpointer data)
{
  WeirCollected *of_streams[G_N_ELEMENTS (cases)], *of_datasets[G_N_ELEMENTS (cases)];

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    WeirStream *stream = weir_transform_with (f->streams[0], f->streams[1], call, (gpointer) cases[i].on_dataset);

    of_streams[i] = weir_collect (cases[i].on_stream (f->streams[0], f->streams[1]));
    of_datasets[i] = weir_collect (stream);
  }
  advance (f, 3);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint batch = 0; batch < 3; batch++) {
      g_autofree char *expected = weir_collected_text (of_streams[i], batch);
      g_autofree char *text = weir_collected_text (of_datasets[i], batch);

      g_test_message ("%s, batch %u", cases[i].name, batch);
      g_assert_cmpstr (text, ==, expected);
      g_assert_true (batch == 1 || strlen (expected) > 0);
    }
}

static WeirDataset *
of_nothing (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return weir_dataset_join (data, NULL);
}

static void
without_a_dataset_nothing_is_made (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  if (g_test_subprocess ()) {
    g_log_set_always_fatal (G_LOG_FATAL_MASK);
    weir_collect (weir_transform (f->streams[0], of_nothing, NULL));
    g_assert_false (weir_test_advance (f->ctx, 1, &error));
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_USER);
    return;
  }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr ("*weir_dataset_join () needs a dataset, got NULL*");
}

static WeirDataset *
of_no_partitions (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return weir_dataset_repartition (data, 0);
}

static void
a_mistake_fails_the_batch (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  weir_collect (weir_stream_set_name (weir_transform (f->streams[0], of_no_partitions, NULL), "mine"));
  g_assert_false (weir_test_advance (f->ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_nonnull (strstr (error->message, "repartition in mine: is to have 0 partitions"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/verb/datasets-give-what-streams-give", Fixture, NULL, set_up, datasets_give_what_streams_give,
              tear_down);
  g_test_add ("/verb/without-a-dataset-nothing-is-made", Fixture, NULL, set_up, without_a_dataset_nothing_is_made,
              tear_down);
  g_test_add ("/verb/a-mistake-fails-the-batch", Fixture, NULL, set_up, a_mistake_fails_the_batch, tear_down);
  return g_test_run ();
}
