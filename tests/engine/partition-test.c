/* Tests of engine/partition: chunks are kept in order and shape; deep copies need nothing of what they came from.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/dataset.h"
#include "tests/engine/random-value.h"
#include "tests/engine/task-fixture.h"

typedef struct {
  WeirMemory *memory;
  TaskFixture tasks;
  WeirTask *task;
  WeirPartition *partition;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->memory = weir_memory_new (64 * 1024 * 1024);
  f->task = task_fixture_init (&f->tasks);
  f->partition = weir_partition_new (f->memory);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_partition_unref (f->partition);
  task_fixture_clear (&f->tasks);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
  weir_memory_free (f->memory);
}

static void
expect_ints (const WeirPartition *partition, const gint64 *expected, gsize n)
{
  gsize at = 0;

  g_assert_cmpuint (partition->n_elements, ==, n);
  for (guint i = 0; i < partition->chunks->len; i++) {
    const WeirChunk *chunk = &g_array_index (partition->chunks, WeirChunk, i);

    for (guint k = 0; k < chunk->n; k++, at++) {
      g_assert_cmpint (chunk->values[k].integer, ==, expected[at]);
      if (chunk->keys != NULL)
        g_assert_cmpint (chunk->keys[k].integer, ==, -expected[at]);
    }
  }
  g_assert_cmpuint (at, ==, n);
}

static void
chunks_keep_order_and_shape (Fixture *f, gconstpointer data)
{
  const WeirValue values[] = { weir_int (1), weir_int (2), weir_int (3) };
  const WeirValue keys[] = { weir_int (-1), weir_int (-2), weir_int (-3) };

  g_assert_true (weir_partition_append (f->partition, &(WeirChunk){ keys, values, 3 }, FALSE));
  g_assert_true (weir_partition_append (f->partition, &(WeirChunk){ NULL, values, 2 }, FALSE));
  g_assert_true (weir_partition_append (f->partition, &(WeirChunk){ keys + 2, values + 2, 1 }, TRUE));
  expect_ints (f->partition, (const gint64[]){ 1, 2, 3, 1, 2, 3 }, 6);
  g_assert_null (g_array_index (f->partition->chunks, WeirChunk, 1).keys);
}

static void
the_columns_are_copied (Fixture *f, gconstpointer data)
{
  WeirValue value = weir_int (1);

  weir_partition_append (f->partition, &(WeirChunk){ NULL, &value, 1 }, FALSE);
  value = weir_int (2);
  expect_ints (f->partition, (const gint64[]){ 1 }, 1);
}

static void
a_chunk_of_nothing_is_no_failure (Fixture *f, gconstpointer data)
{
  g_assert_true (weir_partition_append (f->partition, &(WeirChunk){ NULL, NULL, 0 }, TRUE));
  g_assert_cmpuint (f->partition->n_elements, ==, 0);
  g_assert_cmpuint (f->partition->chunks->len, ==, 0);
}

static void
deep_copies_outlive_what_they_came_from (Fixture *f, gconstpointer data)
{
  enum { N = 300 };
  WeirValue keys[N], values[N], copies[2 * N];
  TaskFixture tasks;
  WeirTask *task = task_fixture_init (&tasks);

  for (guint i = 0; i < N; i++) {
    keys[i] = random_value (task, 3);
    values[i] = random_value (task, 3);
    copies[2 * i] = weir_copy (f->task, keys[i]);
    copies[2 * i + 1] = weir_copy (f->task, values[i]);
  }
  g_assert_true (weir_partition_append (f->partition, &(WeirChunk){ keys, values, N }, TRUE));
  task_fixture_clear (&tasks);
  for (guint i = 0; i < N; i++) {
    const WeirChunk *chunk = &g_array_index (f->partition->chunks, WeirChunk, 0);

    g_assert_true (is_identical (chunk->keys[i], copies[2 * i]));
    g_assert_true (is_identical (chunk->values[i], copies[2 * i + 1]));
    g_assert_cmpuint (chunk->values[i].flags & WEIR_VALUE_BORROWED, ==, 0);
  }
}

static void
it_lives_as_long_as_its_last_reference (Fixture *f, gconstpointer data)
{
  WeirValue value = weir_int (7);

  weir_partition_append (f->partition, &(WeirChunk){ NULL, &value, 1 }, FALSE);
  g_assert_true (weir_partition_ref (f->partition) == f->partition);
  weir_partition_unref (f->partition);
  expect_ints (f->partition, (const gint64[]){ 7 }, 1);
  weir_partition_unref (NULL);
}

/* At the limit what was appended before is still whole. */
static void
append_up_to (Fixture *f, gsize limit)
{
  g_autofree char *text = g_strnfill (700, 't');
  WeirValue values[100], keys[100];
  guint64 n = 0;

  for (guint i = 0; i < 100; i++) {
    keys[i] = weir_int (i);
    values[i] = weir_text_n (text, i * 7);
  }
  weir_memory_set_limit (f->memory, limit);
  while (n < 2000 && weir_partition_append (f->partition, &(WeirChunk){ keys, values, 100 }, TRUE))
    n += 100;
  g_assert_cmpuint (f->partition->n_elements, ==, n);
  for (guint i = 0; i < f->partition->chunks->len; i++)
    for (guint k = 0; k < 100; k++)
      g_assert_true (weir_equal (g_array_index (f->partition->chunks, WeirChunk, i).values[k], values[k]));
}

static void
at_the_memory_limit_it_is_as_it_was (Fixture *f, gconstpointer data)
{
  for (gsize limit = 0; limit < 1200 * 1000; limit += 7919) {
    append_up_to (f, limit);
    weir_partition_unref (f->partition);
    f->partition = weir_partition_new (f->memory);
  }
  append_up_to (f, G_MAXSIZE);
  g_assert_cmpuint (f->partition->n_elements, ==, 2000);
}

#define ADD(test) g_test_add ("/partition/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (chunks_keep_order_and_shape);
  ADD (the_columns_are_copied);
  ADD (a_chunk_of_nothing_is_no_failure);
  ADD (deep_copies_outlive_what_they_came_from);
  ADD (it_lives_as_long_as_its_last_reference);
  ADD (at_the_memory_limit_it_is_as_it_was);
  return g_test_run ();
}
