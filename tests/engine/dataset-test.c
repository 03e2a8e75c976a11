/* Tests of engine/dataset: what is computed when, how often and in which order; memory limits and failures.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/engine/stage-fixture.h"

/* A narrow operator that hands on what it gets and counts elements. */
static void
pass (WeirTask *task, const WeirChunk *in)
{
  __atomic_add_fetch ((guint64 *) task->op->params, in->n, __ATOMIC_RELAXED);
  weir_task_forward (task, in);
}

static const WeirOpClass pass_class = { .verb = "pass", .kind = WEIR_OP_NARROW, .process = pass };
static const WeirOpClass union_class = { .verb = "union", .kind = WEIR_OP_UNION };

/* A wide operator: a task hands over what it got as one partition; slice s reads the elements s, s + n, s + 2 n … of
 * all outputs, first a note of where each output came from. */
static void
hand_over_open (WeirTask *task)
{
  *(WeirPartition **) task->instance = weir_partition_new (task->task_run->run->memory);
}

static void
hand_over (WeirTask *task, const WeirChunk *in)
{
  if (!weir_partition_append (*(WeirPartition **) task->instance, in, TRUE))
    weir_task_fail_memory (task);
}

static gpointer
hand_over_seal (WeirTask *task)
{
  return *(WeirPartition **) task->instance;
}

static gboolean
read_slice (WeirTask *task, WeirReader *reader)
{
  const WeirExchange *exchange = reader->exchange;
  Walk walk = { (WeirPartition *const *) exchange->outputs, exchange->n_outputs };
  WeirValue cells[2], value = weir_nil ();

  for (guint i = 0; walk_next (&walk, cells, &value); i++)
    if (i % exchange->n_slices == reader->partition)
      weir_emit (task, value);
  return FALSE;
}

static const WeirOpClass deal_class = {
  .verb = "deal",
  .kind = WEIR_OP_WIDE,
  .instance_size = sizeof (WeirPartition *),
  .open = hand_over_open,
  .process = hand_over,
  .seal = hand_over_seal,
  .output_free = (void (*) (gpointer)) weir_partition_unref,
  .read = read_slice,
};

typedef struct {
  WeirDataset *dataset;
  WeirPartition **partitions;
  guint n_partitions;
} Held;

static Held
hold (WeirDataset *dataset)
{
  Held held = { .dataset = dataset };
  g_autoptr (GError) error = NULL;

  g_assert_true (weir_dataset_hold (dataset, TRUE, &held.partitions, &held.n_partitions, &error));
  g_assert_no_error (error);
  return held;
}

static void
held_free (Held *held)
{
  free_partitions (held->partitions, held->n_partitions);
}

/* All of the script, partition by partition. */
static void
expect_script (const Held *held, const Script *script)
{
  WeirValue cells[2], value = weir_nil ();

  g_assert_cmpuint (held->n_partitions, ==, script->n_partitions);
  for (guint p = 0; p < script->n_partitions; p++) {
    Walk walk = { held->partitions + p, 1 };

    g_assert_cmpuint (held->partitions[p]->n_elements, ==, (guint64) script_size (script, p));
    for (gint64 i = 0; i < script_size (script, p); i++) {
      g_assert_true (walk_next (&walk, cells, &value));
      expect_element (value, script->shape, script_id (p, i));
    }
    g_assert_false (walk_next (&walk, cells, &value));
  }
}

static void
elements_come_in_order_whatever_the_steps (void)
{
  StageFixture f;

  stage_fixture_begin (&f, 3);
  for (gint64 step = 1; step < 3000; step = step * 3 + 1)
    for (Shape shape = PLAIN_INTS; shape <= MIXED; shape++) {
      Script script = { .n_partitions = 5, .n = 1000, .step = step, .shape = shape };
      guint64 n_passed = 0;
      const WeirOp op = { .klass = &pass_class, .name = "pass", .params = &n_passed };
      Held held = hold (derive (&f, &op, stage_fixture_run (&f, &script)));

      weir_run_clear (&f.run);
      expect_script (&held, &script);
      g_assert_cmpuint (n_passed, ==, (guint64) script_total (&script));
      g_assert_cmpuint (script.n_read_end, ==, 5);
      held_free (&held);
    }
  stage_fixture_end (&f);
}

static void
what_is_kept_is_whole_without_copies (void)
{
  StageFixture f;
  Script script = { .n_partitions = 3, .n = 20000, .step = 100, .shape = MIXED };
  g_autoptr (GError) error = NULL;
  WeirDataset *dataset;

  stage_fixture_begin (&f, 2);
  dataset = stage_fixture_run (&f, &script);
  g_assert_true (weir_dataset_keep (dataset, &error));
  g_assert_true (weir_dataset_keep (dataset, &error));
  expect_script (&(Held){ dataset, dataset->partitions, dataset->n_partitions }, &script);
  g_assert_cmpuint (script.n_read, ==, (guint64) script_total (&script));
  weir_run_clear (&f.run);
  stage_fixture_end (&f);
}

static void
nothing_is_computed_before_somebody_asks (void)
{
  StageFixture f;
  Script script = { .n_partitions = 3, .n = 10, .step = 3 };
  guint64 n_passed = 0;
  const WeirOp op = { .klass = &pass_class, .name = "pass", .params = &n_passed };
  g_autoptr (GError) error = NULL;
  WeirDataset *dataset;
  guint n;

  stage_fixture_begin (&f, 2);
  dataset = derive (&f, &op, stage_fixture_run (&f, &script));
  g_assert_true (weir_dataset_count_partitions (dataset, &n, &error));
  g_assert_cmpuint (n, ==, 3);
  g_assert_cmpuint (script.n_read, ==, 0);
  weir_run_clear (&f.run);
  stage_fixture_end (&f);
}

static void
what_two_use_is_computed_once (void)
{
  StageFixture f;
  Script script = { .n_partitions = 4, .n = 5000, .step = 100, .shape = PAIRS };
  guint64 n_first = 0, n_left = 0, n_right = 0;
  const WeirOp first = { .klass = &pass_class, .name = "first", .params = &n_first };
  const WeirOp left = { .klass = &pass_class, .name = "left", .params = &n_left };
  const WeirOp right = { .klass = &pass_class, .name = "right", .params = &n_right };
  WeirDataset *shared;
  Held held[2];

  stage_fixture_begin (&f, 2);
  shared = derive (&f, &first, stage_fixture_run (&f, &script));
  shared->n_uses = 2;
  held[0] = hold (derive (&f, &left, shared));
  held[1] = hold (derive (&f, &right, shared));
  weir_run_clear (&f.run);
  expect_script (&held[0], &script);
  expect_script (&held[1], &script);
  g_assert_cmpuint (n_first, ==, (guint64) script_total (&script));
  g_assert_cmpuint (n_left, ==, n_first);
  g_assert_cmpuint (n_right, ==, n_first);
  held_free (&held[0]);
  held_free (&held[1]);
  stage_fixture_end (&f);
}

static WeirDataset *
unite (StageFixture *f, const WeirOp *op, WeirDataset *a, WeirDataset *b)
{
  WeirDataset *const parents[] = { a, b };
  WeirDataset *dataset = weir_dataset_new_node (&f->run, op, parents, 2);

  dataset->n_uses = 1;
  return dataset;
}

static void
a_union_has_the_partitions_of_one_then_of_the_other (void)
{
  StageFixture f;
  Script script = { .n_partitions = 3, .n = 700, .step = 50, .shape = MIXED };
  const WeirOp op = { .klass = &union_class, .name = "union" };
  WeirDataset *source;
  Held held, part;

  stage_fixture_begin (&f, 2);
  source = stage_fixture_run (&f, &script);
  source->n_uses = 2;
  held = hold (unite (&f, &op, source, source));
  g_assert_cmpuint (held.n_partitions, ==, 6);
  for (guint i = 0; i < 2; i++) {
    part = (Held){ NULL, held.partitions + 3 * i, 3 };
    expect_script (&part, &script);
  }
  weir_run_clear (&f.run);
  held_free (&held);
  stage_fixture_end (&f);
}

/* Elements are dealt out in turn over the slices, in order of task, which is the order of the script. */
static void
expect_dealt (const Held *held, const Script *script, guint n_slices)
{
  g_autofree gint64 *ids = g_new (gint64, script_total (script));
  WeirValue cells[2], value = weir_nil ();
  gint64 n = 0;

  g_assert_cmpuint (held->n_partitions, ==, n_slices);
  for (guint p = 0; p < script->n_partitions; p++)
    for (gint64 i = 0; i < script_size (script, p); i++)
      ids[n++] = script_id (p, i);
  for (guint s = 0; s < n_slices; s++) {
    Walk walk = { held->partitions + s, 1 };

    for (gint64 i = s; i < n; i += n_slices) {
      g_assert_true (walk_next (&walk, cells, &value));
      expect_element (value, script->shape, ids[i]);
    }
    g_assert_false (walk_next (&walk, cells, &value));
  }
}

static void
a_wide_operator_reads_what_all_tasks_wrote (gconstpointer data)
{
  StageFixture f;

  stage_fixture_begin (&f, GPOINTER_TO_UINT (data));
  for (guint n_partitions = 0; n_partitions < 17; n_partitions += 4)
    for (guint n_slices = 1; n_slices < 20; n_slices += 6) {
      Script script = { .n_partitions = n_partitions, .n = 900, .step = 100, .shape = MIXED };
      const WeirOp op = { .klass = &deal_class, .name = "deal", .n_slices = n_slices };
      WeirDataset *dataset = derive (&f, &op, stage_fixture_run (&f, &script));
      Held held = hold (dataset);

      expect_dealt (&held, &script, n_slices);
      g_assert_cmpuint (dataset->exchange->n_elements, ==, (guint64) script_total (&script));
      g_assert_cmpuint (dataset->exchange->n_outputs, ==, n_partitions);
      held_free (&held);
      weir_run_clear (&f.run);
    }
  stage_fixture_end (&f);
}

/* The exchange is written once, however often it is read. */
static void
a_wide_operator_may_be_asked_twice (void)
{
  StageFixture f;
  Script script = { .n_partitions = 3, .n = 400, .step = 100, .shape = PLAIN_TEXTS };
  const WeirOp op = { .klass = &deal_class, .name = "deal", .n_slices = 4 };
  WeirDataset *dataset;
  Held held[2];

  stage_fixture_begin (&f, 2);
  dataset = derive (&f, &op, stage_fixture_run (&f, &script));
  for (guint i = 0; i < 2; i++) {
    held[i] = hold (dataset);
    expect_dealt (&held[i], &script, 4);
    held_free (&held[i]);
  }
  g_assert_cmpuint (script.n_read, ==, (guint64) script_total (&script));
  weir_run_clear (&f.run);
  stage_fixture_end (&f);
}

static void
the_exchange_knows_which_parent_a_task_read (void)
{
  StageFixture f;
  Script script = { .n_partitions = 3, .n = 40, .step = 100, .shape = PLAIN_TEXTS };
  const WeirOp op = { .klass = &deal_class, .name = "deal", .n_slices = 2 };
  WeirDataset *source, *dataset;
  Held held;

  stage_fixture_begin (&f, 2);
  source = stage_fixture_run (&f, &script);
  source->n_uses = 2;
  dataset = unite (&f, &op, source, source);
  held = hold (dataset);
  g_assert_cmpuint (dataset->exchange->n_outputs, ==, 6);
  for (guint i = 0; i < 6; i++)
    g_assert_cmpuint (dataset->exchange->inputs[i], ==, i / 3);
  held_free (&held);
  weir_run_clear (&f.run);
  stage_fixture_end (&f);
}

/* Sums of two different shapes of chain in one exchange, twice one after the other. */
static WeirDataset *
long_chain (StageFixture *f, const WeirOp ops[4], Script *script)
{
  WeirDataset *source = stage_fixture_run (f, script), *narrow, *wide;

  source->n_uses = 2;
  narrow = derive (f, &ops[0], source);
  wide = unite (f, &ops[1], narrow, source);
  wide->n_uses = 2;
  narrow = derive (f, &ops[0], derive (f, &ops[0], wide));
  return derive (f, &ops[3], unite (f, &ops[2], narrow, wide));
}

static void
run_long_chain (StageFixture *f, gsize limit, gboolean *ok)
{
  Script script = { .n_partitions = 5, .n = 600, .step = 50, .shape = MIXED };
  guint64 n_passed = 0;
  const WeirOp ops[] = {
    { .klass = &pass_class, .name = "pass", .params = &n_passed },
    { .klass = &deal_class, .name = "deal", .n_slices = 3 },
    { .klass = &union_class, .name = "union" },
    { .klass = &deal_class, .name = "deal again", .n_slices = 4 },
  };
  WeirPartition **partitions = NULL;
  guint n_partitions = 0;
  GError *error = NULL;
  guint64 n = 0;

  weir_memory_set_limit (f->memory, limit);
  *ok = weir_dataset_hold (long_chain (f, ops, &script), TRUE, &partitions, &n_partitions, &error);
  weir_run_clear (&f->run);
  for (guint i = 0; i < n_partitions; i++)
    n += partitions[i] != NULL ? partitions[i]->n_elements : 0;
  free_partitions (partitions, n_partitions);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
  if (*ok) {
    g_assert_cmpuint (n, ==, 4 * (guint64) script_total (&script));
    g_assert_cmpuint (n_passed, ==, 5 * (guint64) script_total (&script));
  } else {
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT);
    g_clear_error (&error);
  }
}

static void
at_every_memory_limit_it_is_right_or_fails (void)
{
  StageFixture f;
  gboolean ok = FALSE;
  guint n_failed = 0, n_well = 0;

  stage_fixture_begin (&f, 3);
  for (gsize limit = 0; n_well < 5; limit += 1 + limit / 50) {
    run_long_chain (&f, limit, &ok);
    n_failed += !ok;
    n_well += ok;
  }
  g_assert_cmpuint (n_failed, >, 50);
  stage_fixture_end (&f);
}

static void
a_failure_is_told_to_all_that_ask (void)
{
  StageFixture f;
  Script script = { .n_partitions = 4, .n = 3000, .step = 10, .fails_at = script_id (2, 1000) };
  const WeirOp op = { .klass = &deal_class, .name = "deal", .n_slices = 4 };
  WeirDataset *dataset;

  stage_fixture_begin (&f, 2);
  dataset = derive (&f, &op, stage_fixture_run (&f, &script));
  for (guint i = 0; i < 3; i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (weir_dataset_keep (dataset, &error));
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_USER);
    g_assert_cmpstr (error->message, ==, "source: element 2001000");
  }
  weir_run_clear (&f.run);
  stage_fixture_end (&f);
}

static gboolean
compute (WeirDataset *dataset, GError **error)
{
  ++*(guint *) dataset->op->params;
  return weir_dataset_hold (dataset->parents[0], FALSE, &dataset->partitions, &dataset->n_partitions, error);
}

static gboolean
compute_fails (WeirDataset *dataset, GError **error)
{
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_FAILED, "cannot compute");
  return FALSE;
}

static void
what_computes_itself_does_so_once (void)
{
  static const WeirOpClass klass = { .verb = "computed", .kind = WEIR_OP_COMPUTED, .compute = compute };
  StageFixture f;
  Script script = { .n_partitions = 2, .n = 300, .step = 40, .shape = PAIRS };
  guint n_computed = 0;
  const WeirOp op = { .klass = &klass, .name = "computed", .params = &n_computed };
  g_autoptr (GError) error = NULL;
  WeirDataset *dataset;
  Held held;

  stage_fixture_begin (&f, 2);
  dataset = derive (&f, &op, stage_fixture_run (&f, &script));
  g_assert_true (weir_dataset_advance (dataset, &error));
  g_assert_true (weir_dataset_advance (dataset, &error));
  held = hold (dataset);
  expect_script (&held, &script);
  g_assert_cmpuint (n_computed, ==, 1);
  held_free (&held);
  weir_run_clear (&f.run);
  stage_fixture_end (&f);
}

static void
what_cannot_compute_itself_says_why (void)
{
  static const WeirOpClass klass = { .verb = "computed", .kind = WEIR_OP_COMPUTED, .compute = compute_fails };
  StageFixture f;
  Script script = { .n_partitions = 2, .n = 3, .step = 1 };
  const WeirOp op = { .klass = &klass, .name = "computed" };
  g_autoptr (GError) error = NULL;
  WeirDataset *dataset;
  WeirPartition **partitions;
  guint n;

  stage_fixture_begin (&f, 2);
  dataset = derive (&f, &op, stage_fixture_run (&f, &script));
  g_assert_false (weir_dataset_hold (dataset, TRUE, &partitions, &n, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_FAILED);
  g_assert_null (partitions);
  weir_run_clear (&f.run);
  stage_fixture_end (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dataset/elements_come_in_order_whatever_the_steps", elements_come_in_order_whatever_the_steps);
  g_test_add_func ("/dataset/what_is_kept_is_whole_without_copies", what_is_kept_is_whole_without_copies);
  g_test_add_func ("/dataset/nothing_is_computed_before_somebody_asks", nothing_is_computed_before_somebody_asks);
  g_test_add_func ("/dataset/what_two_use_is_computed_once", what_two_use_is_computed_once);
  g_test_add_func ("/dataset/a_union_has_the_partitions_of_one_then_of_the_other",
                   a_union_has_the_partitions_of_one_then_of_the_other);
  for (guint n = 1; n < 8; n += 3) {
    g_autofree char *path = g_strdup_printf ("/dataset/a_wide_operator_reads_what_all_tasks_wrote/%u-workers", n);

    g_test_add_data_func (path, GUINT_TO_POINTER (n), a_wide_operator_reads_what_all_tasks_wrote);
  }
  g_test_add_func ("/dataset/a_wide_operator_may_be_asked_twice", a_wide_operator_may_be_asked_twice);
  g_test_add_func ("/dataset/the_exchange_knows_which_parent_a_task_read", the_exchange_knows_which_parent_a_task_read);
  g_test_add_func ("/dataset/at_every_memory_limit_it_is_right_or_fails", at_every_memory_limit_it_is_right_or_fails);
  g_test_add_func ("/dataset/a_failure_is_told_to_all_that_ask", a_failure_is_told_to_all_that_ask);
  g_test_add_func ("/dataset/what_computes_itself_does_so_once", what_computes_itself_does_so_once);
  g_test_add_func ("/dataset/what_cannot_compute_itself_says_why", what_cannot_compute_itself_says_why);
  return g_test_run ();
}
