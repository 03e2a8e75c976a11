/* Tests of operators/window-rebuild: what a rebuild leaves in panes, `front` and `back` of each shard.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-rebuild.h"

#include "tests/engine/table-fixture.h"

#define LENGTH 7 /* of the window: as many shards, and a rebuild a step */
#define N_KEYS 700

typedef struct {
  TableFixture base;
  WeirReduceParams params;
  WeirOp op;
  WeirRun run;
  WeirPanes *panes;
  guint share; /* panes but the first have one key in so many */
} Fixture;

static void
set_up (Fixture *f, gconstpointer share)
{
  table_fixture_set_up (&f->base, share);
  f->params.f = WEIR_SUM;
  f->op = (WeirOp){ .name = "window", .params = &f->params };
  f->base.task->op = &f->op;
  weir_run_init (&f->run, f->base.memory, NULL);
  f->base.task->task_run->run = &f->run;
  f->share = GPOINTER_TO_UINT (share);
  f->panes = weir_panes_new (f->base.memory, LENGTH, 0, ALL_HASHES);
}

static void
tear_down (Fixture *f, gconstpointer share)
{
  weir_panes_free (f->panes);
  weir_run_clear (&f->run);
  table_fixture_tear_down (&f->base, share);
}

static gboolean
has (const Fixture *f, gint64 pane, guint key)
{
  return pane == 0 || key % f->share == 0;
}

static gint64
value_of (const Fixture *f, gint64 pane, guint key)
{
  return has (f, pane, key) ? (gint64) (key + 1) << pane : 0;
}

static void
enter (Fixture *f, gint64 pane)
{
  WeirTable table;

  weir_table_init (&table, f->base.memory, sizeof (WeirValue), 0, ALL_HASHES);
  for (guint i = 0; i < N_KEYS; i++) {
    gboolean is_new;

    if (has (f, pane, i))
      *(WeirValue *) weir_slot_value (table_put (&table, &f->base.seed, weir_int (i), &is_new)) =
          weir_int (value_of (f, pane, i));
  }
  g_assert_true (
      weir_panes_enter (f->panes, f->base.task, pane, &(WeirPaneSource){ .table = &table, .fold = &weir_fold_value }));
  weir_table_clear (&table);
}

static WeirValue
value_in (const WeirPane *pane, guint32 number)
{
  if (pane->values != NULL)
    return pane->values[weir_place_of (number, pane->n_ranks)];
  for (gsize i = 0; i < pane->n; i++)
    if (pane->entries[i].number == number)
      return pane->entries[i].value;
  return WEIR_ABSENT;
}

/* What the key has in the panes after @after, up to @until; nothing where it is in none of them. */
static void
expect_sum (const Fixture *f, WeirValue value, guint key, gint64 after, gint64 until)
{
  gint64 sum = 0;

  for (gint64 pane = after + 1; pane <= until; pane++)
    sum += value_of (f, pane, key);
  if (sum == 0)
    g_assert_true (WEIR_IS_NO_VALUE (value));
  else
    g_assert_cmpint (weir_as_int (value), ==, sum);
}

/* @rebuilt: the newest pane that the last rebuild of its shard gathered. */
static void
expect_key (const Fixture *f, guint key, guint32 number, gint64 rebuilt)
{
  const WeirWindowKeys *keys = &f->panes->store.keys;
  const gsize at = weir_place_of (number, keys->capacity);

  expect_sum (f, keys->fronts[at], key, -1, rebuilt);
  expect_sum (f, keys->backs[at], key, rebuilt, LENGTH - 1);
  g_assert_true (WEIR_IS_NO_VALUE (keys->scans[at]));
  g_assert_true (WEIR_IS_NO_VALUE (keys->nexts[at]));
  for (guint i = 0; i < LENGTH; i++) {
    const WeirValue value = value_in (weir_panes_at (f->panes, i), number);

    if (!has (f, i, key))
      g_assert_true (WEIR_IS_ABSENT (value));
    else if (i <= rebuilt)
      expect_sum (f, value, key, i, rebuilt);
    else
      g_assert_cmpint (weir_as_int (value), ==, value_of (f, i, key));
  }
}

static void
panes_have_what_comes_after_them (Fixture *f, gconstpointer share)
{
  for (gint64 pane = 0; pane < LENGTH; pane++)
    enter (f, pane);
  g_assert_cmpuint (f->panes->panes->len, ==, LENGTH);
  g_assert_true ((weir_panes_at (f->panes, 1)->values != NULL) == (f->share == 1));
  g_assert_true (weir_rebuild_step (f->panes, f->base.task, LENGTH - 1));
  for (guint i = 0; i < N_KEYS; i++) {
    WeirValue cell;
    WeirKey key;
    guint32 number;

    weir_key_of (weir_int (i), &f->base.seed, &key, &cell);
    number = weir_window_keys_find (&f->panes->store.keys, &key);
    g_assert_cmpuint (number, !=, WEIR_NO_NUMBER);
    expect_key (f, i, number, weir_shard_of (number)); /* in turn, one a step */
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/window-rebuild/panes_have_what_comes_after_them/columns", Fixture, GUINT_TO_POINTER (1), set_up,
              panes_have_what_comes_after_them, tear_down);
  g_test_add ("/window-rebuild/panes_have_what_comes_after_them/lists", Fixture, GUINT_TO_POINTER (50), set_up,
              panes_have_what_comes_after_them, tear_down);
  return g_test_run ();
}
