/* Tests of engine/stage: tasks and their partitions, links that pull, failures, rejects, slices that advance.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/stage.h"

#include "engine/iter.h"
#include "tests/engine/stage-fixture.h"

/* A terminal that checks what it gets and counts it; seal gives the count. */
typedef struct {
  Shape shape;
  gboolean is_once; /* each element of the partition, in order */
} Check;

typedef struct {
  guint64 n;
  gint64 next;
} Count;

static void
check_open (WeirTask *task)
{
  *(Count **) task->instance = g_new0 (Count, 1);
}

static void
check_process (WeirTask *task, const WeirChunk *in)
{
  const Check *check = task->op->params;
  Count *count = *(Count **) task->instance;
  WeirValue cells[2];

  for (guint i = 0; i < in->n; i++, count->n++) {
    WeirValue value = weir_chunk_element (in, i, cells);
    gint64 id = script_id (task->task_run->partition, count->next);

    if (!check->is_once)
      continue;
    expect_element (value, check->shape, id);
    count->next++;
  }
}

static gpointer
check_seal (WeirTask *task)
{
  return *(Count **) task->instance;
}

static const WeirOpClass check_class = {
  .verb = "check",
  .kind = WEIR_OP_TERMINAL,
  .instance_size = sizeof (Count *),
  .open = check_open,
  .process = check_process,
  .seal = check_seal,
};

/* What came of a stage. */
typedef struct {
  gboolean ok;
  guint n_outputs;
  guint64 n; /* elements of all tasks */
  guint64 n_of[64];
} Outcome;

static Outcome
run_into (WeirDataset *dataset, const WeirOp *terminal)
{
  Outcome outcome = { 0 };
  g_autoptr (GError) error = NULL;
  gpointer *outputs;

  outcome.ok = weir_dataset_run (dataset, terminal, &outputs, &outcome.n_outputs, &error);
  g_assert_cmpint (outcome.ok, ==, error == NULL);
  for (guint i = 0; i < outcome.n_outputs; i++) {
    outcome.n_of[i % 64] = outputs[i] != NULL ? ((Count *) outputs[i])->n : 0;
    outcome.n += outcome.n_of[i % 64];
    g_free (outputs[i]);
  }
  g_free (outputs);
  return outcome;
}

static void
each_partition_is_a_task (gconstpointer data)
{
  StageFixture f;

  stage_fixture_begin (&f, GPOINTER_TO_UINT (data));
  for (guint round = 0; round < 40; round++) {
    Script script = { .n_partitions = round, .n = round % 3 * 700, .step = 64, .shape = (Shape) (round % 4) };
    const Check check = { script.shape, TRUE };
    const WeirOp op = { .klass = &check_class, .name = "check", .params = (gpointer) &check };
    Outcome outcome = run_into (stage_fixture_run (&f, &script), &op);

    g_assert_true (outcome.ok);
    g_assert_cmpuint (outcome.n_outputs, ==, round);
    for (guint i = 0; i < round; i++)
      g_assert_cmpuint (outcome.n_of[i], ==, (guint64) script_size (&script, i));
    g_assert_cmpuint (script.n_read_end, ==, round);
    weir_run_clear (&f.run);
  }
  stage_fixture_end (&f);
}

/* A narrow operator that makes texts of its own, and says at the end how many there were. */
static void
count_process (WeirTask *task, const WeirChunk *in)
{
  *(gint64 *) task->instance += in->n;
  for (guint i = 0; i < in->n; i++)
    weir_emit (task, weir_format (task, "%d", (int) weir_as_int (in->values[i])));
}

static void
count_end (WeirTask *task)
{
  weir_emit_pair (task, weir_text ("in all"), weir_int (*(gint64 *) task->instance));
}

static const WeirOpClass count_class = {
  .verb = "count",
  .kind = WEIR_OP_NARROW,
  .instance_size = sizeof (gint64),
  .process = count_process,
  .end = count_end,
};

static void
links_are_ended_from_first_to_last (void)
{
  StageFixture f;
  Script script = { .n_partitions = 3, .n = 1000, .step = 100 };
  const WeirOp op = { .klass = &count_class, .name = "count" };
  WeirPartition **partitions;
  WeirDataset *dataset;
  guint n;

  stage_fixture_begin (&f, 2);
  dataset = derive (&f, &op, derive (&f, &op, stage_fixture_run (&f, &script)));
  g_assert_true (weir_dataset_hold (dataset, TRUE, &partitions, &n, NULL));
  for (guint p = 0; p < n; p++) {
    GArray *chunks = partitions[p]->chunks;
    const WeirChunk *last = &g_array_index (chunks, WeirChunk, chunks->len - 1);

    /* The second link saw what the first said at its end, too. */
    g_assert_cmpuint (partitions[p]->n_elements, ==, 1000 + p + 2);
    g_assert_cmpint (weir_as_int (last->values[last->n - 1]), ==, 1000 + p + 1);
  }
  free_partitions (partitions, n);
  weir_run_clear (&f.run);
  stage_fixture_end (&f);
}

/* A partition function: takes so many elements and emits them again, each as often as it says. */
typedef struct {
  guint64 most;
  guint times;
} Taking;

static void
take_open (WeirTask *task)
{
  weir_iter_init (task->instance, task);
}

static void
take_queue (WeirTask *task, const WeirChunk *in)
{
  weir_iter_queue (task->instance, in);
}

static void
take_end (WeirTask *task)
{
  const Taking *taking = task->op->params;
  WeirValue value;

  for (guint64 i = 0; i < taking->most && weir_iter_next (task->instance, &value); i++)
    for (guint k = 0; k < taking->times; k++)
      weir_emit (task, value);
}

static const WeirOpClass take_class = {
  .verb = "take",
  .kind = WEIR_OP_NARROW,
  .flags = WEIR_OP_PULLS,
  .instance_size = sizeof (WeirIter),
  .open = take_open,
  .process = take_queue,
  .end = take_end,
};

/* Two pullers with a link between, below, above. */
static Outcome
run_takers (StageFixture *f, Script *script, Taking first, Taking second)
{
  const Check check = { script->shape, first.times == 1 && second.times == 1 };
  const WeirOp ops[] = {
    { .klass = &take_class, .name = "first", .params = &first },
    { .klass = &take_class, .name = "second", .params = &second },
    { .klass = &check_class, .name = "check", .params = (gpointer) &check },
  };
  WeirDataset *dataset = stage_fixture_run (f, script);

  return run_into (derive (f, &ops[1], derive (f, &ops[0], dataset)), &ops[2]);
}

static void
pullers_may_follow_each_other (void)
{
  StageFixture f;

  stage_fixture_begin (&f, 2);
  for (gint64 step = 1; step < 2000; step = step * 5 + 1)
    for (Shape shape = PLAIN_INTS; shape <= MIXED; shape++) {
      Script script = { .n_partitions = 4, .n = 1500, .step = step, .shape = shape };
      Outcome outcome = run_takers (&f, &script, (Taking){ G_MAXUINT64, 1 }, (Taking){ G_MAXUINT64, 1 });

      g_assert_true (outcome.ok);
      g_assert_cmpuint (outcome.n, ==, (guint64) script_total (&script));
      g_assert_cmpuint (script.n_read_end, ==, 4);
      weir_run_clear (&f.run);
    }
  stage_fixture_end (&f);
}

static void
pullers_may_multiply (void)
{
  StageFixture f;
  Script script = { .n_partitions = 2, .n = 900, .step = 200, .shape = MIXED };
  Outcome outcome;

  stage_fixture_begin (&f, 2);
  outcome = run_takers (&f, &script, (Taking){ G_MAXUINT64, 3 }, (Taking){ G_MAXUINT64, 2 });
  g_assert_cmpuint (outcome.n, ==, 6 * (guint64) script_total (&script));
  weir_run_clear (&f.run);
  stage_fixture_end (&f);
}

static void
who_stops_early_stops_the_reading (gconstpointer data)
{
  gboolean is_second = GPOINTER_TO_INT (data);
  StageFixture f;

  stage_fixture_begin (&f, 2);
  for (guint64 most = 0; most < 2000; most = most * 3 + 1) {
    Script script = { .n_partitions = 4, .n = 100000, .step = 50, .shape = MIXED };
    Outcome outcome = run_takers (&f, &script, (Taking){ is_second ? 10000 : most, 1 },
                                  (Taking){ is_second ? most : G_MAXUINT64, 1 });

    g_assert_true (outcome.ok);
    g_assert_cmpuint (outcome.n, ==, 4 * most);
    g_assert_cmpuint (script.n_read, <=, 4 * ((is_second ? 10000 : most) + 2 * 50));
    g_assert_cmpuint (script.n_read_end, ==, 4);
    weir_run_clear (&f.run);
  }
  stage_fixture_end (&f);
}

/* A terminal that pulls. */
static void
drain_end (WeirTask *task)
{
  const Taking *taking = task->op->params;
  WeirValue value;

  for (guint64 i = 0; i < taking->most && weir_iter_next (task->instance, &value); i++)
    expect_element (value, MIXED, script_id (task->task_run->partition, (gint64) i));
}

static void
a_terminal_may_pull (void)
{
  static const WeirOpClass drain_class = {
    .verb = "drain",
    .kind = WEIR_OP_TERMINAL,
    .flags = WEIR_OP_PULLS,
    .instance_size = sizeof (WeirIter),
    .open = take_open,
    .process = take_queue,
    .end = drain_end,
  };
  StageFixture f;
  Taking all = { G_MAXUINT64, 1 };
  const WeirOp take = { .klass = &take_class, .name = "take", .params = &all };

  stage_fixture_begin (&f, 2);
  for (guint64 most = 0; most < 5000; most = most * 7 + 1)
    for (guint with_taker = 0; with_taker < 2; with_taker++) {
      Script script = { .n_partitions = 3, .n = 2000, .step = 128, .shape = MIXED };
      Taking taking = { most, 0 };
      const WeirOp drain = { .klass = &drain_class, .name = "drain", .params = &taking };
      WeirDataset *dataset = stage_fixture_run (&f, &script);

      if (with_taker)
        dataset = derive (&f, &take, dataset);
      g_assert_true (run_into (dataset, &drain).ok);
      g_assert_cmpuint (script.n_read, <=, with_taker ? (guint64) script_total (&script) : 3 * (most + 128));
      weir_run_clear (&f.run);
    }
  stage_fixture_end (&f);
}

static void
a_failure_stops_all_tasks_soon (void)
{
  StageFixture f;
  Script script = { .n_partitions = 4, .n = 1000000, .step = 10, .shape = MIXED, .fails_at = script_id (0, 500) };
  const Check check = { 0 };
  const WeirOp op = { .klass = &check_class, .name = "check", .params = (gpointer) &check };
  Outcome outcome;

  stage_fixture_begin (&f, 2);
  outcome = run_into (stage_fixture_run (&f, &script), &op);
  g_assert_false (outcome.ok);
  g_assert_cmpuint (script.n_read, <, 3 * 1000000);
  g_assert_cmpstr (f.run.error->message, ==, "source: element 500");
  weir_run_clear (&f.run);
  stage_fixture_end (&f);
}

/* Rejects every third element, for a reason that changes. */
static void
reject_some (WeirTask *task, const WeirChunk *in)
{
  for (guint i = 0; i < in->n; i++) {
    gint64 id = weir_as_int (in->values[i]);

    if (id % 3 == 0)
      weir_reject (task, in->values[i], id % 2 == 0 ? "even" : "odd");
    else
      weir_emit (task, in->values[i]);
  }
}

static const WeirOpClass reject_class = { .verb = "reject", .kind = WEIR_OP_NARROW, .process = reject_some };

static void
expect_rejects (WeirDataset *dataset, const Script *script)
{
  Walk walk = { (WeirPartition *const *) dataset->rejects->pdata, dataset->rejects->len };
  WeirValue cells[2], value = weir_nil ();

  for (guint p = 0; p < script->n_partitions; p++)
    for (gint64 i = 0; i < script_size (script, p); i++) {
      gint64 id = script_id (p, i);

      if (id % 3 != 0)
        continue;
      g_assert_true (walk_next (&walk, cells, &value));
      g_assert_cmpint (weir_as_int (weir_val (value)), ==, id);
      g_assert_true (weir_equal (weir_key (value), weir_text (id % 2 == 0 ? "even" : "odd")));
    }
  g_assert_false (walk_next (&walk, cells, &value));
}

static void
rejects_are_kept_in_order_of_task (void)
{
  StageFixture f;
  Script script = { .n_partitions = 6, .n = 2000, .step = 100 };
  const WeirOp op = { .klass = &reject_class, .name = "reject", .keep_rejects = TRUE };
  WeirDataset *dataset;
  guint64 *n_even;

  stage_fixture_begin (&f, 3);
  dataset = derive (&f, &op, stage_fixture_run (&f, &script));
  g_assert_true (weir_dataset_keep (dataset, NULL));
  expect_rejects (dataset, &script);
  n_even = g_hash_table_lookup (f.run.rejects, "reject: even");
  g_assert_nonnull (n_even);
  g_assert_cmpuint (*n_even, >, 1500);
  weir_run_clear (&f.run);
  stage_fixture_end (&f);
}

/* A wide operator with slices that count how often they advance, and reject something each time. */
typedef struct {
  guint n_advanced;
  guint64 n_seen;
} Slice;

static void
nothing_process (WeirTask *task, const WeirChunk *in)
{
}

static gpointer
nothing_seal (WeirTask *task)
{
  return NULL;
}

static void
slice_advance (WeirTask *task, WeirReader *reader)
{
  Slice *slice = reader->slice;

  slice->n_advanced++;
  slice->n_seen = reader->exchange->n_elements;
  weir_alloc (task, 100000);
  weir_reject (task, weir_int (reader->partition), "advanced");
}

static gboolean
slice_read (WeirTask *task, WeirReader *reader)
{
  const Slice *slice = reader->slice;

  weir_emit_pair (task, weir_int (reader->partition), weir_int (slice->n_advanced));
  return FALSE;
}

static const WeirOpClass slice_class = {
  .verb = "slices",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_EVERY_BATCH,
  .process = nothing_process,
  .seal = nothing_seal,
  .read = slice_read,
  .advance = slice_advance,
};

static void
each_slice_advances_once_a_batch (gconstpointer data)
{
  enum { N_SLICES = 9 };
  StageFixture f;
  Slice slices[N_SLICES] = { 0 };
  gpointer states[N_SLICES];
  WeirOp op = { .klass = &slice_class, .name = "slices", .n_slices = N_SLICES, .slices = states, .keep_rejects = TRUE };

  for (guint i = 0; i < N_SLICES; i++)
    states[i] = &slices[i];
  stage_fixture_begin (&f, GPOINTER_TO_UINT (data));
  for (guint batch = 1; batch < 20; batch++) {
    Script script = { .n_partitions = 3, .n = batch * 300, .step = 64 };
    WeirDataset *dataset = derive (&f, &op, stage_fixture_run (&f, &script));

    g_assert_true (weir_dataset_advance (dataset, NULL));
    g_assert_true (weir_dataset_keep (dataset, NULL));
    g_assert_true (weir_dataset_advance (dataset, NULL));
    g_assert_cmpuint (dataset->n_partitions, ==, N_SLICES);
    g_assert_cmpuint (dataset->rejects->len, ==, N_SLICES);
    for (guint i = 0; i < N_SLICES; i++) {
      const WeirPartition *rejects = g_ptr_array_index (dataset->rejects, i);

      g_assert_cmpuint (slices[i].n_advanced, ==, batch);
      g_assert_cmpuint (slices[i].n_seen, ==, (guint64) script_total (&script));
      g_assert_cmpint (g_array_index (rejects->chunks, WeirChunk, 0).values[0].integer, ==, i);
    }
    weir_run_clear (&f.run);
  }
  stage_fixture_end (&f);
}

/* A terminal that takes the place of the operators before it where they are two that count. */
static void
fused_process (WeirTask *task, const WeirChunk *in)
{
  g_assert_cmpstr (task->absorbed[0]->op->name, ==, "second");
  g_assert_cmpstr (task->absorbed[1]->op->name, ==, "third");
  check_process (task, in);
}

static const WeirOpClass *
fuse_two (const WeirOp *op, WeirDataset *const *chain, guint n, guint *n_absorbed)
{
  static WeirOpClass fused;

  if (n < 2 || chain[n - 1]->op->klass != &count_class || chain[n - 2]->op->klass != &count_class)
    return NULL;
  fused = check_class;
  fused.process = fused_process;
  *n_absorbed = 2;
  return &fused;
}

static void
a_terminal_may_absorb_what_stands_before_it (void)
{
  StageFixture f;
  WeirOpClass klass = check_class;
  Script script = { .n_partitions = 1, .n = 500, .step = 64 };
  const Check check = { 0 };
  const WeirOp ops[] = {
    { .klass = &count_class, .name = "first" },
    { .klass = &count_class, .name = "second" },
    { .klass = &count_class, .name = "third" },
    { .klass = &klass, .name = "check", .params = (gpointer) &check },
  };
  WeirDataset *dataset;

  klass.fuse = fuse_two;
  stage_fixture_begin (&f, 1);
  dataset = derive (&f, &ops[0], stage_fixture_run (&f, &script));
  dataset = derive (&f, &ops[2], derive (&f, &ops[1], dataset));
  /* 500, and what the first says at its end; the absorbed ones say nothing. */
  g_assert_cmpuint (run_into (dataset, &ops[3]).n, ==, 501);
  weir_run_clear (&f.run);
  dataset = derive (&f, &ops[0], stage_fixture_run (&f, &script));
  g_assert_cmpuint (run_into (dataset, &ops[3]).n, ==, 501);
  weir_run_clear (&f.run);
  stage_fixture_end (&f);
}

/* Pullers, rejects and texts below every limit. */
static gboolean
run_below (StageFixture *f, gsize limit)
{
  Script script = { .n_partitions = 3, .n = 700, .step = 30, .shape = PLAIN_INTS };
  Taking all = { G_MAXUINT64, 2 };
  const WeirOp ops[] = {
    { .klass = &take_class, .name = "take", .params = &all },
    { .klass = &reject_class, .name = "reject", .keep_rejects = TRUE },
    { .klass = &count_class, .name = "count" },
  };
  WeirDataset *dataset = derive (f, &ops[1], derive (f, &ops[0], stage_fixture_run (f, &script)));
  GError *error = NULL;
  gboolean ok;

  dataset->n_uses = 2;
  weir_memory_set_limit (f->memory, limit);
  ok = weir_dataset_keep (derive (f, &ops[2], dataset), &error);
  if (ok)
    g_assert_cmpuint (dataset->rejects->len, ==, 3);
  else
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT);
  g_clear_error (&error);
  weir_run_clear (&f->run);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
  return ok;
}

static void
at_every_memory_limit_it_works_or_fails (void)
{
  StageFixture f;
  guint n_well = 0, n_failed = 0;

  stage_fixture_begin (&f, 2);
  for (gsize limit = 0; n_well < 5; limit += 1 + limit / 60)
    run_below (&f, limit) ? n_well++ : n_failed++;
  g_assert_cmpuint (n_failed, >, 50);
  stage_fixture_end (&f);
}

static void
add_by_workers (const char *name, GTestDataFunc test)
{
  for (guint n = 1; n < 8; n += 3) {
    g_autofree char *path = g_strdup_printf ("/stage/%s/%u-workers", name, n);

    g_test_add_data_func (path, GUINT_TO_POINTER (n), test);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_by_workers ("each_partition_is_a_task", each_partition_is_a_task);
  g_test_add_func ("/stage/links_are_ended_from_first_to_last", links_are_ended_from_first_to_last);
  g_test_add_func ("/stage/pullers_may_follow_each_other", pullers_may_follow_each_other);
  g_test_add_func ("/stage/pullers_may_multiply", pullers_may_multiply);
  g_test_add_data_func ("/stage/who_stops_early_stops_the_reading/first", GINT_TO_POINTER (0),
                        who_stops_early_stops_the_reading);
  g_test_add_data_func ("/stage/who_stops_early_stops_the_reading/second", GINT_TO_POINTER (1),
                        who_stops_early_stops_the_reading);
  g_test_add_func ("/stage/a_terminal_may_pull", a_terminal_may_pull);
  g_test_add_func ("/stage/a_failure_stops_all_tasks_soon", a_failure_stops_all_tasks_soon);
  g_test_add_func ("/stage/rejects_are_kept_in_order_of_task", rejects_are_kept_in_order_of_task);
  add_by_workers ("each_slice_advances_once_a_batch", each_slice_advances_once_a_batch);
  g_test_add_func ("/stage/a_terminal_may_absorb_what_stands_before_it", a_terminal_may_absorb_what_stands_before_it);
  g_test_add_func ("/stage/at_every_memory_limit_it_works_or_fails", at_every_memory_limit_it_works_or_fails);
  return g_test_run ();
}
