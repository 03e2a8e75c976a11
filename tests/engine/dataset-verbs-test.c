/* Tests of engine/dataset-verbs: what a job's function gets when it asks a dataset.
 *
 * Each test hands a function to foreach_batch and runs one batch of a queue. Outputs of the test's own see datasets
 * that nobody else asks for. SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/test.h>

#include "engine/dataset.h"
#include "engine/stream.h"

typedef struct {
  WeirContext *ctx;
  WeirQueue *queue;
  WeirStream *input;
  GString *seen;
  guint n_calls; /* atomic */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer n_partitions)
{
  g_autoptr (GError) error = NULL;

  fixture->ctx = weir_test_context_new (WEIR_SECONDS (1));
  weir_context_set (fixture->ctx, "workers", "2", &error);
  weir_context_set (fixture->ctx, "memory.limit", "64MB", &error);
  g_assert_no_error (error);
  fixture->queue = weir_queue_new ();
  weir_queue_set_partitions (fixture->queue, GPOINTER_TO_UINT (n_partitions));
  fixture->input = weir_queue_stream (fixture->ctx, fixture->queue, TRUE);
  fixture->seen = g_string_new (NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer n_partitions)
{
  weir_context_free (fixture->ctx);
  weir_queue_free (fixture->queue);
  g_string_free (fixture->seen, TRUE);
}

static void
push_range (Fixture *fixture, guint n)
{
  g_autofree WeirValue *values = g_new (WeirValue, n + 1);

  for (guint i = 0; i < n; i++)
    values[i] = weir_int (i);
  weir_queue_push (fixture->queue, values, n);
}

static void
run (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (fixture->ctx, 1, &error);
  g_assert_no_error (error);
}

static void
run_into (Fixture *fixture, gint code, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_test_advance (fixture->ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, code);
  if (strstr (error->message, part) == NULL)
    g_error ("'%s' does not say '%s'", error->message, part);
}

static void
append (GString *seen, const GArray *values)
{
  for (guint i = 0; i < values->len; i++) {
    g_autofree char *text = weir_to_string (g_array_index (values, WeirValue, i));

    g_string_append_printf (seen, "%s%s", i > 0 ? " " : "", text);
  }
  g_string_append_c (seen, ';');
}

static gboolean
see_all (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  g_autoptr (GArray) values = weir_dataset_collect (data, error);

  if (values == NULL)
    return FALSE;
  append (user_data, values);
  return TRUE;
}

static void
collect_keeps_the_order_of_partitions_and_positions (Fixture *fixture, gconstpointer n_partitions)
{
  weir_foreach_batch (fixture->input, see_all, fixture->seen);
  push_range (fixture, 10);
  run (fixture);
  run (fixture);
  g_assert_cmpstr (fixture->seen->str, ==, "0 1 2 3 4 5 6 7 8 9;;");
}

static WeirValue
to_pair (WeirTask *task, WeirValue value, gpointer user_data)
{
  __atomic_add_fetch ((guint *) user_data, 1, __ATOMIC_RELAXED);
  if (weir_as_int (value) % 3 == 0)
    return weir_format (task, "plain %d", (int) weir_as_int (value));
  return weir_pair (task, weir_format (task, "key %d", (int) weir_as_int (value)), value);
}

static void
collect_gives_pairs_and_plain_values (Fixture *fixture, gconstpointer n_partitions)
{
  weir_foreach_batch (weir_map (fixture->input, to_pair, &fixture->n_calls), see_all, fixture->seen);
  push_range (fixture, 5);
  run (fixture);
  g_assert_cmpstr (fixture->seen->str, ==, "plain 0 (key 1,1) (key 2,2) plain 3 (key 4,4);");
}

static gboolean
see_first (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  const gsize numbers[] = { 0, 1, 3, 10, 11, G_MAXSIZE };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++) {
    g_autoptr (GArray) values = weir_dataset_take (data, numbers[i], error);

    if (values == NULL)
      return FALSE;
    append (user_data, values);
  }
  return TRUE;
}

static void
take_gives_the_first_and_no_more (Fixture *fixture, gconstpointer n_partitions)
{
  weir_foreach_batch (fixture->input, see_first, fixture->seen);
  push_range (fixture, 10);
  run (fixture);
  g_assert_cmpstr (fixture->seen->str, ==, ";0;0 1 2;0 1 2 3 4 5 6 7 8 9;0 1 2 3 4 5 6 7 8 9;0 1 2 3 4 5 6 7 8 9;");
}

/* An output that, unlike foreach_batch, does not have its stream kept. */
static gboolean
see_once (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error)
{
  const gsize *n = output->params;
  g_autoptr (GArray) values = NULL;

  g_assert_cmpuint (data->n_uses, ==, 1);
  values = weir_dataset_take (data, n[0], error);
  if (values == NULL)
    return FALSE;
  append (*(GString **) (n + 1), values);
  return TRUE;
}

static const WeirOutputClass once_class = { .verb = "once", .run = see_once };

static void
take_once (Fixture *fixture, WeirStream *stream, gsize n)
{
  gsize *params = g_malloc (sizeof (gsize) + sizeof (GString *));

  params[0] = n;
  *(GString **) (params + 1) = fixture->seen;
  weir_output_new (stream, &once_class, params);
}

static void
take_of_what_nobody_else_asks_for_is_the_same (Fixture *fixture, gconstpointer n_partitions)
{
  WeirStream *pairs = weir_map (fixture->input, to_pair, &fixture->n_calls);

  take_once (fixture, pairs, 4);
  push_range (fixture, 1000);
  run (fixture);
  g_assert_cmpstr (fixture->seen->str, ==, "plain 0 (key 1,1) (key 2,2) plain 3;");
  g_assert_cmpuint (fixture->n_calls, ==, 1000);
}

static gboolean
fails_at_the_end (WeirTask *task, WeirValue value, gpointer user_data)
{
  if (weir_as_int (value) == 99)
    weir_fail (task, "the last one is bad");
  return TRUE;
}

static void
take_does_not_hide_an_error_that_lies_further_on (Fixture *fixture, gconstpointer n_partitions)
{
  take_once (fixture, weir_filter (fixture->input, fails_at_the_end, NULL), 1);
  push_range (fixture, 100);
  run_into (fixture, WEIR_ERROR_USER, "the last one is bad");
  g_assert_cmpstr (fixture->seen->str, ==, "");
}

static void
count_one (WeirTask *task, WeirIter *values, gpointer user_data)
{
  Fixture *fixture = user_data;
  WeirValue value;

  __atomic_add_fetch (&fixture->n_calls, 1, __ATOMIC_RELAXED);
  while (weir_iter_next (values, &value))
    __atomic_add_fetch (&fixture->n_calls, 1000, __ATOMIC_RELAXED);
}

static gboolean
ask_everything (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  Fixture *fixture = user_data;
  g_autoptr (GArray) all = NULL;
  g_autoptr (GArray) first = NULL;
  gsize count = 0;

  g_string_append_printf (fixture->seen, "%u partitions,", weir_dataset_n_partitions (data));
  if (!weir_dataset_count (data, &count, error))
    return FALSE;
  all = weir_dataset_collect (data, error);
  first = weir_dataset_take (data, 7, error);
  g_string_append_printf (fixture->seen, "%" G_GSIZE_FORMAT " elements,%u,%u;", count, all->len, first->len);
  return TRUE;
}

static void
what_is_asked_for_again_is_computed_once (Fixture *fixture, gconstpointer n_partitions)
{
  g_autofree char *expected = g_strdup_printf ("%u partitions,100 elements,100,7;", GPOINTER_TO_UINT (n_partitions));

  weir_foreach_batch (weir_map (fixture->input, to_pair, &fixture->n_calls), ask_everything, fixture);
  push_range (fixture, 100);
  run (fixture);
  g_assert_cmpstr (fixture->seen->str, ==, expected);
  g_assert_cmpuint (fixture->n_calls, ==, 100);
}

static void
a_keyed_stream_has_as_many_partitions_as_it_was_given (Fixture *fixture, gconstpointer n_partitions)
{
  weir_foreach_batch (weir_stream_set_partitions (weir_count_by_value (fixture->input), 5), ask_everything, fixture);
  push_range (fixture, 100);
  run (fixture);
  g_assert_cmpstr (fixture->seen->str, ==, "5 partitions,100 elements,100,7;");
}

static gboolean
go_by_partition (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return weir_dataset_foreach_partition (data, count_one, user_data, error);
}

static void
foreach_partition_calls_once_a_partition_even_if_it_is_empty (Fixture *fixture, gconstpointer n_partitions)
{
  weir_foreach_batch (fixture->input, go_by_partition, fixture);
  push_range (fixture, 2);
  run (fixture);
  g_assert_cmpuint (fixture->n_calls, ==, 2000 + GPOINTER_TO_UINT (n_partitions));
}

static void
fail_partition (WeirTask *task, WeirIter *values, gpointer user_data)
{
  weir_fail (task, "the disk of partition %u is full", weir_task_partition (task));
}

static gboolean
fail_by_partition (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  g_autoptr (GError) failure = NULL;

  g_assert_false (weir_dataset_foreach_partition (data, fail_partition, NULL, &failure));
  g_assert_error (failure, WEIR_ERROR, WEIR_ERROR_USER);
  return TRUE;
}

static void
a_failed_batch_stays_failed_whatever_the_function_says (Fixture *fixture, gconstpointer n_partitions)
{
  weir_foreach_batch (fixture->input, fail_by_partition, NULL);
  push_range (fixture, 2);
  run_into (fixture, WEIR_ERROR_USER, "the disk of partition");
}

static void
explode (WeirTask *task, WeirValue value, gpointer user_data)
{
  for (guint i = 0; i < GPOINTER_TO_UINT (user_data); i++)
    weir_emit_pair (task, weir_int (i), value);
}

static void
more_than_the_memory_limit_is_an_error (Fixture *fixture, gconstpointer n_partitions)
{
  weir_foreach_batch (weir_flat_map (fixture->input, explode, GUINT_TO_POINTER (1500000)), see_all, fixture->seen);
  push_range (fixture, 1);
  run_into (fixture, WEIR_ERROR_MEMORY_LIMIT, "memory.limit");
  g_assert_cmpstr (fixture->seen->str, ==, "");
}

static void
add (const char *name, void (*test) (Fixture *, gconstpointer))
{
  static const guint partitions[] = { 1, 3, 16 };

  for (guint i = 0; i < G_N_ELEMENTS (partitions); i++) {
    g_autofree char *path = g_strdup_printf ("/dataset-verbs/%s/%u-partitions", name, partitions[i]);

    g_test_add (path, Fixture, GUINT_TO_POINTER (partitions[i]), set_up, test, tear_down);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("collect-keeps-order", collect_keeps_the_order_of_partitions_and_positions);
  add ("collect-gives-pairs-and-plain-values", collect_gives_pairs_and_plain_values);
  add ("take-gives-the-first-and-no-more", take_gives_the_first_and_no_more);
  add ("take-of-what-nobody-else-asks-for", take_of_what_nobody_else_asks_for_is_the_same);
  add ("take-does-not-hide-an-error", take_does_not_hide_an_error_that_lies_further_on);
  add ("what-is-asked-for-again-is-computed-once", what_is_asked_for_again_is_computed_once);
  add ("a-keyed-stream-has-the-partitions-it-was-given", a_keyed_stream_has_as_many_partitions_as_it_was_given);
  add ("foreach-partition-calls-once-a-partition", foreach_partition_calls_once_a_partition_even_if_it_is_empty);
  add ("a-failed-batch-stays-failed", a_failed_batch_stays_failed_whatever_the_function_says);
  add ("more-than-the-memory-limit-is-an-error", more_than_the_memory_limit_is_an_error);
  return g_test_run ();
}
