/* framing-batch-test.c: how ranges become partitions, and that their records are read whole and in order.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "sources/framing-batch.h"

#define KB 1024

static const WeirFraming fixed = { .kind = WEIR_FRAMING_FIXED, .size = 4, .max_size = 4 };

/* Ranges of the given sizes, a block each, filled with numbers that count on. */
static GArray *
make_ranges (WeirMemory *memory, const gsize *sizes, guint n, gsize *n_bytes)
{
  GArray *ranges = g_array_new (FALSE, FALSE, sizeof (WeirRange));
  guint32 next = 0;

  g_array_set_clear_func (ranges, (GDestroyNotify) weir_range_clear);
  *n_bytes = 0;
  for (guint i = 0; i < n; i++) {
    WeirBlock *block = weir_block_new (memory, sizes[i]);
    WeirRange range = { block, block->data, block->data + sizes[i] };

    for (gsize at = 0; at < sizes[i]; at += sizeof next, next++)
      memcpy (block->data + at, &next, sizeof next);
    g_array_append_val (ranges, range);
    *n_bytes += sizes[i];
  }
  return ranges;
}

static void
read_partition (const WeirFramedBatch *batch, guint partition, guint capacity, guint32 *next)
{
  WeirFramedCursor cursor = { 0 };
  WeirFramingTally tally = { 0 };
  WeirValue values[300];

  while (weir_framed_cursor_open (&cursor, batch, partition)) {
    guint n = weir_framed_cursor_read (&cursor, batch, &fixed, values, capacity, &tally);

    for (guint i = 0; i < n; i++, (*next)++)
      g_assert_cmpmem (values[i].data, values[i].size, next, sizeof *next);
  }
}

/* @starts: the first range of each partition that is expected, @n_expected of them. */
static void
check (const gsize *sizes, guint n, guint most, const guint *starts, guint n_expected)
{
  WeirMemory *memory = weir_memory_new (G_MAXSIZE);
  gsize n_bytes;
  GArray *ranges = make_ranges (memory, sizes, n, &n_bytes);
  WeirFramedBatch *batch = weir_framed_batch_new (ranges, n_bytes, most);

  g_assert_cmpuint (batch->n_partitions, ==, n_expected);
  for (guint i = 0; i < n_expected; i++)
    g_assert_cmpuint (batch->starts[i], ==, starts[i]);
  g_assert_cmpuint (batch->starts[n_expected], ==, n);
  for (guint capacity = 7; capacity <= 300; capacity += 293) {
    guint32 next = 0;

    for (guint i = 0; i < n_expected; i++)
      read_partition (batch, i, capacity, &next);
    g_assert_cmpuint (next, ==, n_bytes / sizeof next);
  }
  weir_framed_batch_free (batch);
  weir_memory_free (memory);
}

static void
test_nothing_has_no_partitions (void)
{
  check (NULL, 0, 8, NULL, 0);
}

static void
test_little_is_one_partition (void)
{
  check ((const gsize[]){ 4 }, 1, 8, (const guint[]){ 0 }, 1);
  check ((const gsize[]){ 100 * KB, 4, 200 * KB }, 3, 8, (const guint[]){ 0 }, 1);
}

static void
test_much_is_divided_evenly (void)
{
  const gsize blocks[8] = { 256 * KB, 256 * KB, 256 * KB, 256 * KB, 256 * KB, 256 * KB, 256 * KB, 256 * KB };

  check (blocks, 8, 8, (const guint[]){ 0, 1, 2, 3, 4, 5, 6, 7 }, 8);
  check (blocks, 8, 100, (const guint[]){ 0, 1, 2, 3, 4, 5, 6, 7 }, 8);
  check (blocks, 8, 4, (const guint[]){ 0, 2, 4, 6 }, 4);
  check (blocks, 8, 3, (const guint[]){ 0, 3, 6 }, 3);
  check (blocks, 8, 1, (const guint[]){ 0 }, 1);
}

static void
test_a_large_range_is_not_divided (void)
{
  const gsize sizes[] = { 64 * KB, 1024 * KB, 64 * KB, 128 * KB };

  check (sizes, 4, 5, (const guint[]){ 0, 2 }, 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/framing-batch/nothing-has-no-partitions", test_nothing_has_no_partitions);
  g_test_add_func ("/framing-batch/little-is-one-partition", test_little_is_one_partition);
  g_test_add_func ("/framing-batch/much-is-divided-evenly", test_much_is_divided_evenly);
  g_test_add_func ("/framing-batch/a-large-range-is-not-divided", test_a_large_range_is_not_divided);
  return g_test_run ();
}
