/* Tests of operators/keyed-rows: all rows of a batch, by group, in order of arrival, whatever the keys are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/keyed-rows.h"

#include "tests/operators/bare-run.h"

#define N_TASKS 3

typedef struct {
  StageFixture stage;
  WeirOp op;
  gpointer *outputs;
  WeirExchange exchange;
} Fixture;

static const WeirOpClass rows_class = {
  .verb = "rows",
  .kind = WEIR_OP_WIDE,
  .flags = WEIR_OP_PAIRS,
  .instance_size = sizeof (WeirKeyedRows *),
  .open = weir_keyed_open,
  .process = weir_keyed_process,
  .seal = weir_keyed_seal,
  .output_free = weir_keyed_rows_free,
};

static gboolean
write_rows (Fixture *f, Script *script)
{
  g_autoptr (GError) error = NULL;
  WeirDataset *dataset;

  stage_fixture_begin (&f->stage, 2);
  f->op = (WeirOp){ .klass = &rows_class, .name = "rows", .salt = 3 };
  dataset = stage_fixture_run (&f->stage, script);
  f->exchange = (WeirExchange){ 0 };
  if (!weir_dataset_run (dataset, &f->op, &f->exchange.outputs, &f->exchange.n_outputs, &error))
    return FALSE;
  f->exchange.n_elements = (guint64) script_total (script);
  return TRUE;
}

static void
clear_rows (Fixture *f)
{
  for (guint i = 0; i < f->exchange.n_outputs; i++)
    weir_keyed_rows_free (f->exchange.outputs[i]);
  g_free (f->exchange.outputs);
  weir_run_clear (&f->stage.run);
  stage_fixture_end (&f->stage);
}

static gsize
check_group (Fixture *f, guint group)
{
  const WeirSeed seed = weir_seed_salted (&f->stage.run.seed, f->op.salt);
  WeirKeyedCursor cursor = { 0 };
  const WeirKeyedBlock *block;
  gint64 last = -1;
  gsize n = 0;

  while ((block = weir_keyed_cursor_next (&cursor, &f->exchange, group)) != NULL)
    for (guint i = 0; i < block->n; i++, n++) {
      WeirValue key = weir_key_value (&block->rows[i].key);
      gint64 id = weir_as_int (key);

      g_assert_cmpuint (weir_hash_value (key, &seed) >> 56, ==, group);
      g_assert_cmpint (id, >, last);
      expect_element (WEIR_PAIR_OF (key, block->rows[i].value), PAIRS, id);
      last = id;
    }
  g_assert_cmpuint (n, ==, weir_keyed_count (&f->exchange, group));
  return n;
}

static void
rows_are_found_by_group_in_order_of_arrival (void)
{
  Script script = { .n_partitions = N_TASKS, .n = 5000, .step = 100, .shape = PAIRS };
  gsize n = 0;
  Fixture f;

  g_assert_true (write_rows (&f, &script));
  for (guint group = 0; group < WEIR_N_GROUPS; group++)
    n += check_group (&f, group);
  g_assert_cmpuint (n, ==, (gsize) script_total (&script));
  clear_rows (&f);
}

static void
plain_values_are_refused (void)
{
  Script script = { .n_partitions = N_TASKS, .n = 10, .step = 100, .shape = PLAIN_INTS };
  Fixture f;

  g_assert_false (write_rows (&f, &script));
  g_assert_error (f.stage.run.error, WEIR_ERROR, WEIR_ERROR_KIND);
  clear_rows (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keyed-rows/by-group", rows_are_found_by_group_in_order_of_arrival);
  g_test_add_func ("/keyed-rows/plain", plain_values_are_refused);
  return g_test_run ();
}
