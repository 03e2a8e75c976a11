/* generator-test.c: each number is made once, in order, as many a batch as the rate says.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/test.h>

#include <math.h>
#include <string.h>

typedef struct {
  WeirContext *ctx;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->ctx = weir_test_context_new (WEIR_MILLISECONDS (100));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->ctx, weir_context_free);
}

static void
advance (Fixture *fixture, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (fixture->ctx, n, &error);
  g_assert_no_error (error);
}

static WeirValue
number (WeirTask *task, guint64 index, gpointer user_data)
{
  return weir_int ((gint64) index);
}

/* Every number from 0 on, batch after batch; returns how many. */
static gint64
check_numbers (WeirCollected *collected)
{
  gint64 next = 0;

  for (gsize batch = 0; batch < weir_collected_n_batches (collected); batch++) {
    gsize n;
    const WeirValue *values = weir_collected_values (collected, batch, &n);

    for (gsize i = 0; i < n; i++)
      g_assert_cmpint (weir_as_int (values[i]), ==, next++);
  }
  return next;
}

static void
test_a_rate_is_kept_over_batches (Fixture *fixture, gconstpointer data)
{
  WeirCollected *collected = weir_collect (weir_generator_stream (fixture->ctx, number, 25, NULL));
  gsize n;

  advance (fixture, 4);
  for (gsize batch = 0; batch < 4; batch++) {
    weir_collected_values (collected, batch, &n);
    g_assert_cmpuint (n, ==, batch % 2 == 0 ? 2 : 3);
  }
  g_assert_cmpint (check_numbers (collected), ==, 10);
}

static void
test_a_slow_rate_has_empty_batches (Fixture *fixture, gconstpointer data)
{
  WeirCollected *collected = weir_collect (weir_generator_stream (fixture->ctx, number, 1, NULL));

  advance (fixture, 9);
  g_assert_cmpint (check_numbers (collected), ==, 0);
  advance (fixture, 16);
  g_assert_cmpint (check_numbers (collected), ==, 2);
}

static void
test_a_large_batch_is_divided_and_whole (Fixture *fixture, gconstpointer data)
{
  WeirCollected *collected = weir_collect (weir_generator_stream (fixture->ctx, number, 123450, NULL));

  advance (fixture, 2);
  g_assert_cmpint (check_numbers (collected), ==, 24690);
}

static gboolean
count_partitions (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  g_array_append_vals (user_data, (guint[]){ weir_dataset_n_partitions (data) }, 1);
  return TRUE;
}

static void
test_partitions_follow_the_number_of_records (Fixture *fixture, gconstpointer data)
{
  static const struct {
    gdouble rate;
    guint n_partitions;
  } cases[] = { { 1, 0 }, { 9990, 1 }, { 10010, 2 }, { 30000, 3 }, { 1e6, 8 } };
  g_autoptr (GArray) seen = g_array_new (FALSE, FALSE, sizeof (guint));

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    weir_foreach_batch (weir_generator_stream (fixture->ctx, number, cases[i].rate, NULL), count_partitions, seen);
  advance (fixture, 1);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    g_assert_cmpuint (g_array_index (seen, guint, i), ==, cases[i].n_partitions);
}

static WeirValue
made (WeirTask *task, guint64 index, gpointer user_data)
{
  if (index % 10 == 3)
    weir_reject (task, weir_int ((gint64) index), "three is not wanted");
  if (index % 2 == 0)
    return weir_format (task, "even %04" G_GUINT64_FORMAT, index);
  return weir_pair (task, weir_format (task, "odd %04" G_GUINT64_FORMAT, index), weir_int (user_data != NULL));
}

static void
test_texts_pairs_and_rejects (Fixture *fixture, gconstpointer data)
{
  WeirCollected *collected = weir_collect (weir_generator_stream (fixture->ctx, made, 60, fixture));
  g_autofree char *text = NULL;

  advance (fixture, 1);
  text = weir_collected_text (collected, 0);
  g_assert_cmpstr (text, ==, "even 0000 even 0002 even 0004 (odd 0001,1) (odd 0005,1)");
}

static void
test_without_a_rate_batches_begin_small_and_leave_out_nothing (Fixture *fixture, gconstpointer data)
{
  WeirCollected *collected = weir_collect (weir_generator_stream (fixture->ctx, number, 0, NULL));
  gsize n;

  advance (fixture, 1);
  weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 10000);
  advance (fixture, 1);
  advance (fixture, 1);
  weir_collected_values (collected, 2, &n);
  g_assert_cmpuint (n, <=, 40000);
  g_assert_cmpint (check_numbers (collected), >=, 10000);
}

static WeirValue
slow (WeirTask *task, guint64 index, gpointer user_data)
{
  gint64 end = g_get_monotonic_time () + 50;

  while (g_get_monotonic_time () < end)
    continue;
  return weir_int ((gint64) index);
}

/* 10,000 records of 50 us are several intervals of 100 ms, whatever the number of workers. */
static void
test_without_a_rate_a_slow_function_gets_fewer_records (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  WeirCollected *collected = weir_collect (weir_generator_stream (fixture->ctx, slow, 0, NULL));
  gsize n;

  g_assert_true (weir_context_set (fixture->ctx, "workers", "1", &error));
  advance (fixture, 1);
  advance (fixture, 1);
  weir_collected_values (collected, 1, &n);
  g_assert_cmpuint (n, <, 5000);
  check_numbers (collected);
}

static void
expect_mistake (Fixture *fixture, WeirGeneratorFunc f, gdouble rate, const char *part)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (GError) error = NULL;

  weir_collect (weir_generator_stream (ctx, f, rate, NULL));
  g_assert_false (weir_context_start (ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_what_cannot_be_is_a_mistake (Fixture *fixture, gconstpointer data)
{
  expect_mistake (fixture, NULL, 1, "function");
  expect_mistake (fixture, number, -1, "rate");
  expect_mistake (fixture, number, NAN, "rate");
  expect_mistake (fixture, number, INFINITY, "rate");
}

static void
add (const char *path, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

typedef struct {
  gint64 next;
  guint n_fails;
} Seen;

/* Fails once, after some batches; what comes again is what came. */
static gboolean
see (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  Seen *seen = user_data;
  g_autoptr (GArray) values = weir_dataset_collect (data, error);

  g_assert_nonnull (values);
  if (time == WEIR_MILLISECONDS (500) && seen->n_fails++ == 0) {
    g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_USER, "as the test wants it");
    return FALSE;
  }
  for (guint i = 0; i < values->len; i++)
    g_assert_cmpint (weir_as_int (g_array_index (values, WeirValue, i)), ==, seen->next++);
  return TRUE;
}

static void
test_it_goes_on_after_a_batch_has_failed (Fixture *fixture, gconstpointer data)
{
  g_autofree char *folder = g_dir_make_tmp ("weir-generator-XXXXXX", NULL);
  g_autofree char *uri = g_strdup_printf ("file://%s", folder);
  const char *const command[] = { "rm", "-rf", folder, NULL };
  g_autoptr (GError) error = NULL;
  Seen seen = { 0 };

  weir_context_set (fixture->ctx, "checkpoint", uri, &error);
  g_assert_no_error (error);
  weir_context_set (fixture->ctx, "checkpoint.interval", "100ms", &error);
  g_assert_no_error (error);
  weir_context_set (fixture->ctx, "log.level", "error", &error);
  g_assert_no_error (error);
  weir_foreach_batch (weir_generator_stream (fixture->ctx, number, 100, NULL), see, &seen);
  advance (fixture, 10);
  g_assert_cmpuint (seen.n_fails, ==, 2);
  g_assert_cmpint (seen.next, ==, 100);
  g_clear_pointer (&fixture->ctx, weir_context_free);
  g_assert_true (g_spawn_sync (NULL, (char **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/generator/a-rate-is-kept-over-batches", test_a_rate_is_kept_over_batches);
  add ("/generator/a-slow-rate-has-empty-batches", test_a_slow_rate_has_empty_batches);
  add ("/generator/a-large-batch-is-divided-and-whole", test_a_large_batch_is_divided_and_whole);
  add ("/generator/partitions-follow-the-number-of-records", test_partitions_follow_the_number_of_records);
  add ("/generator/texts-pairs-and-rejects", test_texts_pairs_and_rejects);
  add ("/generator/without-a-rate-batches-begin-small", test_without_a_rate_batches_begin_small_and_leave_out_nothing);
  add ("/generator/without-a-rate-a-slow-function-gets-fewer-records",
       test_without_a_rate_a_slow_function_gets_fewer_records);
  add ("/generator/it-goes-on-after-a-batch-has-failed", test_it_goes_on_after_a_batch_has_failed);
  add ("/generator/what-cannot-be-is-a-mistake", test_what_cannot_be_is_a_mistake);
  return g_test_run ();
}
