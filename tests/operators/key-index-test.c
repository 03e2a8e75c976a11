/* Tests of key indexes: every value is found under its key, in order; an index is made once for a seed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/key-index.h"

#include <weir/dataset.h>
#include <weir/test.h>

#include "tests/engine/stage-fixture.h"

#define N 10000

static WeirDataset *
numbers (WeirContext *ctx)
{
  g_autofree WeirValue *cells = g_new (WeirValue, 2 * N), *values = g_new (WeirValue, N);

  for (guint i = 0; i < N; i++) {
    cells[2 * i] = weir_int (i < 4000 ? i : i % 100);
    cells[2 * i + 1] = weir_int (i);
    values[i] = weir_pair_at (&cells[2 * i]);
  }
  return weir_context_dataset (ctx, values, N, 7);
}

static const WeirKeyEntry *
find (const WeirKeyIndex *index, WeirValue value)
{
  WeirValue cell;
  WeirKey key;

  weir_key_of (value, &index->seed, &key, &cell);
  return weir_key_index_find (weir_key_index_start (index, &key), &key);
}

static void
expect_values (const WeirKeyIndex *index, gint64 key)
{
  guint32 n;
  const WeirValue *values = weir_key_entry_values (find (index, weir_int (key)), &n);

  g_assert_cmpuint (n, ==, key < 100 ? 61 : 1);
  g_assert_cmpint (weir_as_int (values[0]), ==, key);
  for (guint i = 1; i < n; i++)
    g_assert_cmpint (weir_as_int (values[i]), ==, 4000 + 100 * ((gint64) i - 1) + key);
}

static void
values_are_found_in_order (void)
{
  WeirContext *ctx = weir_test_context_new (WEIR_SECONDS (1));
  WeirDataset *dataset = numbers (ctx);
  const WeirKeyIndex *index;
  StageFixture f;

  stage_fixture_begin (&f, 1);
  weir_run_init (&f.run, f.memory, f.workers);
  index = weir_key_index_of (dataset, &f.run, "test");
  for (gint64 key = 0; key < 4000; key++)
    expect_values (index, key);
  g_assert_null (find (index, weir_int (4000)));
  g_assert_null (find (index, weir_text ("1")));
  weir_run_clear (&f.run);
  stage_fixture_end (&f);
  weir_context_free (ctx);
}

static void
it_is_made_once_for_a_seed (void)
{
  WeirContext *ctx = weir_test_context_new (WEIR_SECONDS (1));
  WeirDataset *dataset = numbers (ctx);
  const WeirKeyIndex *index;
  StageFixture f;

  stage_fixture_begin (&f, 1);
  weir_run_init (&f.run, f.memory, f.workers);
  index = weir_key_index_of (dataset, &f.run, "test");
  g_assert_true (weir_key_index_of (dataset, &f.run, "test") == index);
  weir_seed_init (&f.run.seed, 99);
  index = weir_key_index_of (dataset, &f.run, "test");
  for (gint64 key = 0; key < 4000; key++)
    expect_values (index, key);
  weir_run_clear (&f.run);
  stage_fixture_end (&f);
  weir_context_free (ctx);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/key-index/values-are-found-in-order", values_are_found_in_order);
  g_test_add_func ("/key-index/it-is-made-once-for-a-seed", it_is_made_once_for_a_seed);
  return g_test_run ();
}
