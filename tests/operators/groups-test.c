/* Tests of groups: a slice's values by key, those of the first input before those of the second.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/groups.h"

#include "tests/operators/bare-run.h"

static const WeirOpClass pairs_class = {
  .verb = "groups",
  .kind = WEIR_OP_WIDE,
  .instance_size = WEIR_GROUPS_INSTANCE_SIZE,
  .open = weir_groups_open,
  .process = weir_groups_process,
  .seal = weir_groups_seal,
  .output_free = weir_rows_free,
};

typedef struct {
  BareRun bare;
  WeirOp op;
  WeirArena frame;
  WeirTaskRun task_run;
  WeirTask *task;
  gpointer outputs[3];
  guint inputs[3];
  WeirExchange exchange;
  gpointer merged[2];
} Fixture;

static void
begin_task (Fixture *f)
{
  weir_arena_init (&f->task_run.scratch, f->bare.stage.memory);
  f->task = weir_task_link_new (&f->task_run, &f->op, &pairs_class, NULL);
  weir_groups_open (f->task);
}

static void
end_task (Fixture *f, guint input)
{
  f->inputs[f->exchange.n_outputs] = input;
  f->outputs[f->exchange.n_outputs++] = weir_groups_seal (f->task);
  weir_arena_clear (&f->task_run.scratch);
}

static void
begin (Fixture *f, guint n_slices)
{
  *f = (Fixture){ .op = { .klass = &pairs_class, .name = "groups", .salt = 5, .n_slices = n_slices } };
  bare_run_begin (&f->bare, 1, n_slices);
  weir_run_init (&f->bare.stage.run, f->bare.stage.memory, f->bare.stage.workers);
  f->exchange = (WeirExchange){ .outputs = f->outputs, .inputs = f->inputs, .n_slices = n_slices, .merged = f->merged };
  weir_arena_init (&f->frame, f->bare.stage.memory);
  f->task_run = (WeirTaskRun){ .run = &f->bare.stage.run, .frame = &f->frame };
}

static void
end (Fixture *f)
{
  for (guint i = 0; i < f->exchange.n_outputs; i++)
    weir_rows_free (f->outputs[i]);
  for (guint i = 0; i < G_N_ELEMENTS (f->merged); i++)
    weir_rows_free (f->merged[i]);
  weir_arena_clear (&f->frame);
  weir_run_clear (&f->bare.stage.run);
  bare_run_end (&f->bare);
}

/* Pairs (i % 100, i) for i in [from, until). */
static void
write_pairs (Fixture *f, gint64 from, gint64 until)
{
  for (gint64 i = from; i < until; i++) {
    const WeirValue key = weir_int (i % 100), value = weir_int (i);

    weir_groups_process (f->task, &(WeirChunk){ &key, &value, 1 });
  }
}

static void
expect_group (const WeirGroup *group)
{
  gint64 key = weir_as_int (group->key);

  g_assert_cmpuint (group->n, ==, 9);
  g_assert_cmpuint (group->n_first, ==, 6);
  for (guint i = 0; i < group->n; i++)
    g_assert_cmpint (weir_as_int (group->items[i]), ==, 100 * (gint64) i + key);
}

static void
values_come_by_input_and_order_of_arrival (void)
{
  gsize n_groups = 0;
  Fixture f;

  begin (&f, 2);
  for (guint i = 0; i < 3; i++) {
    begin_task (&f);
    write_pairs (&f, 300 * i, 300 * (i + 1));
    end_task (&f, i == 2 ? 1 : 0);
  }
  begin_task (&f);
  for (guint slice = 0; slice < 2; slice++) {
    const WeirReader reader = { .op = &f.op, .partition = slice, .exchange = &f.exchange };
    const WeirGroups *groups = weir_groups_of_slice (f.task, &reader);

    g_assert_true (weir_groups_of_slice (f.task, &reader) == groups);
    for (gsize i = 0; i < groups->n_groups; i++)
      expect_group (&groups->groups[i]);
    n_groups += groups->n_groups;
  }
  g_assert_cmpuint (n_groups, ==, 100);
  weir_rows_free (weir_groups_seal (f.task));
  weir_arena_clear (&f.task_run.scratch);
  end (&f);
}

static void
keys_come_in_the_order_of_their_first_pairs (void)
{
  const WeirReader reader = { .partition = 0 };
  WeirReader own = reader;
  const WeirGroups *groups;
  Fixture f;

  begin (&f, 1);
  begin_task (&f);
  write_pairs (&f, 40, 90);
  write_pairs (&f, 10, 60);
  end_task (&f, 0);
  begin_task (&f);
  own.op = &f.op;
  own.exchange = &f.exchange;
  groups = weir_groups_of_slice (f.task, &own);
  g_assert_cmpuint (groups->n_groups, ==, 80);
  for (guint i = 0; i < 80; i++)
    g_assert_cmpint (weir_as_int (groups->groups[i].key), ==, i < 50 ? 40 + (gint64) i : (gint64) i - 40);
  weir_rows_free (weir_groups_seal (f.task));
  weir_arena_clear (&f.task_run.scratch);
  end (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/groups/values-come-by-input-and-order-of-arrival", values_come_by_input_and_order_of_arrival);
  g_test_add_func ("/groups/keys-come-in-the-order-of-their-first-pairs", keys_come_in_the_order_of_their_first_pairs);
  return g_test_run ();
}
