/* Tests of operators/state-rows: all rows of a slice, group after group, each with the entry that its key has by then,
 * whatever comes and goes while rows are on their way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/state-rows.h"

#include "tests/operators/bare-run.h"

#define N_SLICES 3

typedef struct {
  StageFixture stage;
  WeirOp op;
  gpointer *outputs;
  WeirExchange exchange;
  WeirKeyedState *slices[N_SLICES];
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

static void
begin (Fixture *f, Script *script, gboolean is_dated, gboolean has_timeout)
{
  g_autoptr (GError) error = NULL;
  WeirDataset *dataset;

  stage_fixture_begin (&f->stage, 2);
  f->op = (WeirOp){ .klass = &rows_class, .name = "rows", .salt = 3 };
  f->exchange = (WeirExchange){ 0 };
  dataset = stage_fixture_run (&f->stage, script);
  weir_dataset_run (dataset, &f->op, &f->exchange.outputs, &f->exchange.n_outputs, &error);
  g_assert_no_error (error);
  f->exchange.n_elements = (guint64) script_total (script);
  for (guint i = 0; i < N_SLICES; i++) {
    f->slices[i] = weir_keyed_state_new (f->stage.memory, i, N_SLICES, is_dated, has_timeout);
    g_assert_true (weir_keyed_state_begin (f->slices[i], WEIR_SECONDS (1)));
  }
}

static void
end (Fixture *f)
{
  for (guint i = 0; i < N_SLICES; i++)
    weir_keyed_state_free (f->slices[i]);
  for (guint i = 0; i < f->exchange.n_outputs; i++)
    weir_keyed_rows_free (f->exchange.outputs[i]);
  g_free (f->exchange.outputs);
  weir_run_clear (&f->stage.run);
  stage_fixture_end (&f->stage);
}

/* Now and then a key comes or goes. */
static void
change (WeirKeyedState *state, WeirStateGroup *group, const WeirKey *key, guint32 entry)
{
  guint dice = (guint) g_test_rand_int_range (0, 4);

  if (entry == WEIR_NO_ENTRY && dice > 0)
    g_assert_cmpuint (weir_entry_insert (state, group, key), !=, WEIR_NO_ENTRY);
  else if (entry != WEIR_NO_ENTRY && dice == 0)
    weir_entry_remove (state, group, entry);
  else if (entry != WEIR_NO_ENTRY && state->is_dated)
    weir_entry_touch (state, group, entry);
}

static gsize
walk (Fixture *f, WeirKeyedState *state)
{
  const WeirStateRow *row;
  guint last_group = 0;
  gint64 last = -1;
  WeirStateRows rows;
  gsize n = 0;

  weir_state_rows_init (&rows, state, &f->exchange);
  for (; (row = weir_state_rows_next (&rows)) != NULL; n++) {
    WeirStateGroup *group = weir_keyed_state_group (state, row->row->key.hash);
    gint64 id = weir_as_int (weir_key_value (&row->row->key));
    guint number = row->row->key.hash >> 24;
    guint32 entry = weir_entry_find (group, &row->row->key);

    g_assert_cmpuint (number, >=, last_group);
    g_assert_true (number > last_group || id > last);
    g_assert_cmpuint (weir_state_row_entry (row, group), ==, entry);
    change (state, group, &row->row->key, entry);
    last_group = number;
    last = id;
  }
  return n;
}

static void
rows_find_the_entries_of_their_keys (Script script, gboolean is_dated, gboolean has_timeout)
{
  Fixture f;

  begin (&f, &script, is_dated, has_timeout);
  for (guint round = 0; round < 6; round++) {
    gsize n = 0;

    for (guint i = 0; i < N_SLICES; i++)
      n += walk (&f, f.slices[i]);
    g_assert_cmpuint (n, ==, (gsize) script_total (&script));
  }
  end (&f);
}

static void
keys_come_and_go_while_rows_are_on_their_way (void)
{
  const Script script = { .n_partitions = 3, .n = 5000, .step = 100, .shape = PAIRS };

  rows_find_the_entries_of_their_keys (script, TRUE, TRUE);
  rows_find_the_entries_of_their_keys (script, TRUE, FALSE);
  rows_find_the_entries_of_their_keys (script, FALSE, FALSE);
}

static void
few_rows_are_all_found (void)
{
  for (gint64 n = 0; n < 70; n += 3)
    rows_find_the_entries_of_their_keys ((Script){ .n_partitions = 2, .n = n, .step = 7, .shape = PAIRS }, TRUE, TRUE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/state-rows/keys-come-and-go", keys_come_and_go_while_rows_are_on_their_way);
  g_test_add_func ("/state-rows/few", few_rows_are_all_found);
  return g_test_run ();
}
