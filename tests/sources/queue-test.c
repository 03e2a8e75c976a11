/* queue-test.c: what is pushed comes out as batches, whole, in order, in the partitions that were asked for.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/test.h>

#include <pthread.h>
#include <string.h>

#define DEADLINE WEIR_SECONDS (120)

typedef struct {
  WeirContext *ctx;
  WeirQueue *queue;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->ctx = weir_test_context_new (WEIR_SECONDS (1));
  fixture->queue = weir_queue_new ();
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  weir_context_free (fixture->ctx);
  weir_queue_free (fixture->queue);
}

static void
push_ints (WeirQueue *queue, gint64 first, gsize n)
{
  g_autofree WeirValue *values = g_new (WeirValue, n);

  for (gsize i = 0; i < n; i++)
    values[i] = weir_int (first + (gint64) i);
  weir_queue_push (queue, values, n);
}

static void
advance (Fixture *fixture, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (fixture->ctx, n, &error);
  g_assert_no_error (error);
}

static void
expect (WeirCollected *collected, gsize batch, const char *text)
{
  g_autofree char *found = weir_collected_text (collected, batch);

  g_assert_cmpstr (found, ==, text);
}

static void
test_one_push_is_one_batch (Fixture *fixture, gconstpointer data)
{
  WeirCollected *collected = weir_collect (weir_queue_stream (fixture->ctx, fixture->queue, TRUE));

  push_ints (fixture->queue, 1, 3);
  weir_queue_push_nothing (fixture->queue);
  push_ints (fixture->queue, 7, 1);
  advance (fixture, 4);
  expect (collected, 0, "1 2 3");
  expect (collected, 1, "");
  expect (collected, 2, "7");
  expect (collected, 3, "");
}

static void
test_all_pushes_in_one_batch (Fixture *fixture, gconstpointer data)
{
  WeirCollected *collected = weir_collect (weir_queue_stream (fixture->ctx, fixture->queue, FALSE));
  const WeirValue *values;
  gsize n;

  push_ints (fixture->queue, 5, 2);
  weir_queue_push_nothing (fixture->queue);
  push_ints (fixture->queue, 1, 1);
  advance (fixture, 2);
  values = weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, 3);
  g_assert_cmpint (weir_as_int (values[0]), ==, 5);
  g_assert_cmpint (weir_as_int (values[2]), ==, 1);
  expect (collected, 1, "");
}

static void
test_pairs_and_others_keep_their_order (Fixture *fixture, gconstpointer data)
{
  WeirCollected *collected = weir_collect (weir_queue_stream (fixture->ctx, fixture->queue, TRUE));
  const WeirValue values[] = {
    WEIR_PAIR_OF (weir_text ("a"), weir_int (1)),
    WEIR_PAIR_OF (weir_text ("b"), weir_int (2)),
    weir_text ("plain"),
    weir_nil (),
    WEIR_PAIR_OF (weir_nil (), WEIR_LIST_OF (weir_int (3), weir_text ("c"))),
  };
  const WeirValue *seen;
  gsize n;

  weir_queue_push (fixture->queue, values, G_N_ELEMENTS (values));
  advance (fixture, 1);
  seen = weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (values));
  for (gsize i = 0; i < n; i++)
    g_assert_true (weir_equal (seen[i], values[i]));
}

static void
test_a_push_is_copied_deeply (Fixture *fixture, gconstpointer data)
{
  WeirCollected *collected = weir_collect (weir_queue_stream (fixture->ctx, fixture->queue, TRUE));
  char text[] = "kept text", key[] = "kept key";
  WeirValue cells[2] = { weir_text (key), weir_bytes (text, 4) };
  WeirValue values[2] = { weir_text (text), weir_list_at (cells, 2) };

  weir_queue_push (fixture->queue, values, 2);
  values[0] = weir_pair_at (cells);
  weir_queue_push (fixture->queue, values, 1);
  memset (text, 'x', sizeof text - 1);
  memset (key, 'x', sizeof key - 1);
  cells[0] = cells[1] = weir_nil ();
  advance (fixture, 2);
  expect (collected, 0, "kept text [kept key,0x6b657074]");
  expect (collected, 1, "(kept key,0x6b657074)");
}

static void
sum_partition (WeirTask *task, WeirIter *values, gpointer user_data)
{
  gint64 sum = 0;
  WeirValue value;

  while (weir_iter_next (values, &value))
    sum += weir_as_int (value);
  weir_emit_pair (task, weir_int ((gint64) weir_task_partition (task)), weir_int (sum));
}

static void
test_a_push_is_divided_into_neighbours (Fixture *fixture, gconstpointer data)
{
  WeirStream *stream = weir_queue_stream (fixture->ctx, fixture->queue, TRUE);
  WeirCollected *collected = weir_collect (weir_map_partitions (stream, sum_partition, NULL));

  weir_queue_set_partitions (fixture->queue, 3);
  push_ints (fixture->queue, 1, 7); /* 1 2 | 3 4 | 5 6 7 */
  push_ints (fixture->queue, 1, 2); /* | 1 | 2 */
  push_ints (fixture->queue, 1, 0);
  weir_queue_push_nothing (fixture->queue);
  advance (fixture, 4);
  expect (collected, 0, "(0,3) (1,7) (2,18)");
  expect (collected, 1, "(0,0) (1,1) (2,2)");
  expect (collected, 2, "(0,0) (1,0) (2,0)");
  expect (collected, 3, "");
}

static void
test_pushes_of_one_batch_are_divided_each (Fixture *fixture, gconstpointer data)
{
  WeirStream *stream = weir_queue_stream (fixture->ctx, fixture->queue, FALSE);
  WeirCollected *collected = weir_collect (weir_map_partitions (stream, sum_partition, NULL));

  push_ints (fixture->queue, 1, 4);
  push_ints (fixture->queue, 10, 2);
  weir_queue_set_partitions (fixture->queue, 2);
  advance (fixture, 1);
  expect (collected, 0, "(0,3) (1,7) (2,10) (3,11)");
}

#define N_MANY 100003

static void
test_many_values_keep_their_order (Fixture *fixture, gconstpointer data)
{
  WeirCollected *collected = weir_collect (weir_queue_stream (fixture->ctx, fixture->queue, TRUE));
  const WeirValue *values;
  gsize n;

  weir_queue_set_partitions (fixture->queue, 7);
  push_ints (fixture->queue, 0, N_MANY);
  advance (fixture, 1);
  values = weir_collected_values (collected, 0, &n);
  g_assert_cmpuint (n, ==, N_MANY);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpint (weir_as_int (values[i]), ==, (gint64) i);
}

static void
test_the_program_may_let_go_early (Fixture *fixture, gconstpointer data)
{
  WeirCollected *collected = weir_collect (weir_queue_stream (fixture->ctx, fixture->queue, TRUE));

  push_ints (fixture->queue, 1, 1);
  push_ints (fixture->queue, 2, 1);
  g_clear_pointer (&fixture->queue, weir_queue_free);
  advance (fixture, 1);
  expect (collected, 0, "1");
}

static void
test_a_stream_of_no_queue_is_a_mistake (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  weir_collect (weir_queue_stream (fixture->ctx, NULL, TRUE));
  g_assert_false (weir_context_start (fixture->ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_nonnull (strstr (error->message, "queue"));
}

#define N_THREADS 4
#define N_PUSHES  500

static void *
push_many (void *data)
{
  for (guint i = 0; i < N_PUSHES; i++)
    push_ints (data, 1, 10);
  return NULL;
}

static gboolean
add_up (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  gsize n;

  if (!weir_dataset_count (data, &n, error))
    return FALSE;
  *(gsize *) user_data += n;
  return TRUE;
}

/* Also: a graceful stop processes all that was pushed, though one push at a time goes into a batch. */
static void
test_threads_push_while_it_runs (Fixture *fixture, gconstpointer data)
{
  g_autoptr (WeirContext) ctx = weir_context_new ("pushed", WEIR_MILLISECONDS (1));
  g_autoptr (GError) error = NULL;
  pthread_t threads[N_THREADS];
  gsize sum = 0;

  weir_foreach_batch (weir_queue_stream (ctx, fixture->queue, TRUE), add_up, &sum);
  g_assert_true (weir_context_set (ctx, "catchup.batches", "1000000", &error));
  g_assert_true (weir_context_start (ctx, &error));
  for (guint i = 0; i < N_THREADS; i++)
    pthread_create (&threads[i], NULL, push_many, fixture->queue);
  for (guint i = 0; i < N_THREADS; i++)
    pthread_join (threads[i], NULL);
  weir_context_stop (ctx, TRUE);
  g_assert_cmpint (weir_context_await (ctx, DEADLINE, &error), ==, WEIR_WAIT_STOPPED);
  g_assert_no_error (error);
  g_assert_cmpuint (sum, ==, N_THREADS * N_PUSHES * 10);
}

static void
add (const char *path, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/queue/one-push-is-one-batch", test_one_push_is_one_batch);
  add ("/queue/all-pushes-in-one-batch", test_all_pushes_in_one_batch);
  add ("/queue/pairs-and-others-keep-their-order", test_pairs_and_others_keep_their_order);
  add ("/queue/a-push-is-copied-deeply", test_a_push_is_copied_deeply);
  add ("/queue/a-push-is-divided-into-neighbours", test_a_push_is_divided_into_neighbours);
  add ("/queue/pushes-of-one-batch-are-divided-each", test_pushes_of_one_batch_are_divided_each);
  add ("/queue/many-values-keep-their-order", test_many_values_keep_their_order);
  add ("/queue/the-program-may-let-go-early", test_the_program_may_let_go_early);
  add ("/queue/a-stream-of-no-queue-is-a-mistake", test_a_stream_of_no_queue_is_a_mistake);
  add ("/queue/threads-push-while-it-runs", test_threads_push_while_it_runs);
  return g_test_run ();
}
