/* Tests of operators/combine: the same answers whatever the number of tasks, slices and workers, at every memory limit.
 *
 * The folds are those of the operators; what they are held against is made one by one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/combine.h"

#include "tests/operators/bare-run.h"

#define N_KEYS 257

/* A pair for each element of the script: (key, its number as a text), or as an INT. */
static void
key_of (gint64 id, char key[64])
{
  gint64 i = id % N_KEYS;

  g_snprintf (key, 64, i % 4 == 0 ? "a key that is too long for a slot: %d" : "k%d", (int) i);
}

static void
rekey (WeirTask *task, const WeirChunk *in)
{
  gboolean as_text = GPOINTER_TO_INT (task->op->params);

  for (guint i = 0; i < in->n; i++) {
    gint64 id = weir_as_int (in->values[i]);
    WeirValue value = as_text ? weir_format (task, "%d;", (int) id) : weir_int (id);
    char key[64];

    key_of (id, key);
    weir_emit_pair (task, weir_text (key), value);
  }
}

static const WeirOpClass rekey_class = { .verb = "rekey", .kind = WEIR_OP_NARROW, .process = rekey };
static const WeirOp texts = { .klass = &rekey_class, .name = "texts", .params = GINT_TO_POINTER (TRUE) };
static const WeirOp ints = { .klass = &rekey_class, .name = "ints" };

static WeirValue
concatenate (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  return weir_format (task, "%.*s%.*s", (int) weir_size (a), weir_data (a), (int) weir_size (b), weir_data (b));
}

/* The accumulator of an aggregation: a fingerprint of the order of arrival, and padding. */
typedef struct {
  gint64 n, sum, order;
  guint8 padding[];
} Acc;

static void
acc_add (gpointer data, WeirValue value, gpointer user_data)
{
  Acc *acc = data;

  acc->n++;
  acc->sum += weir_as_int (value);
  acc->order = weir_as_int (value);
}

static void
acc_merge (gpointer data, gconstpointer later, gpointer user_data)
{
  Acc *acc = data;
  const Acc *other = later;

  g_assert_cmpint (acc->order, <, other->order);
  acc->n += other->n;
  acc->sum += other->sum;
  acc->order = other->order;
}

static WeirValue
acc_result (WeirTask *task, gconstpointer data, gpointer user_data)
{
  const Acc *acc = data;

  return weir_format (task, "%d,%d,%d", (int) acc->n, (int) acc->sum, (int) acc->order);
}

static WeirStream *
concatenation (WeirStream *s)
{
  return weir_reduce_by_key (s, concatenate, NULL);
}

static WeirStream *
sum (WeirStream *s)
{
  return weir_reduce_by_key (s, WEIR_SUM, NULL);
}

static WeirStream *
aggregation (WeirStream *s, gsize size)
{
  const WeirAggregate aggregate = { .size = size, .add = acc_add, .merge = acc_merge, .result = acc_result };

  return weir_aggregate_by_key (s, &aggregate);
}

static WeirStream *
small_aggregation (WeirStream *s)
{
  return aggregation (s, sizeof (Acc));
}

static WeirStream *
large_aggregation (WeirStream *s)
{
  return aggregation (s, 3001);
}

/* What the operator should say of one key's numbers, in order. */
static char *
expect_texts (const gint64 *ids, guint n)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, "%d;", (int) ids[i]);
  return g_string_free (text, FALSE);
}

static char *
expect_count (const gint64 *ids, guint n)
{
  return g_strdup_printf ("%u", n);
}

static char *
expect_sum (const gint64 *ids, guint n)
{
  gint64 all = 0;

  for (guint i = 0; i < n; i++)
    all += ids[i];
  return g_strdup_printf ("%" G_GINT64_FORMAT, all);
}

static char *
expect_acc (const gint64 *ids, guint n)
{
  g_autofree char *all = expect_sum (ids, n);

  return g_strdup_printf ("%u,%s,%d", n, all, (int) ids[n - 1]);
}

typedef struct {
  const char *name;
  const WeirOp *input;
  WeirStream *(*build) (WeirStream *s);
  char *(*expect) (const gint64 *ids, guint n);
} Kind;

static const Kind kinds[] = {
  { "texts", &texts, concatenation, expect_texts },
  { "sums", &ints, sum, expect_sum },
  { "counts", &ints, weir_count_by_key, expect_count },
  { "accumulators", &ints, small_aggregation, expect_acc },
  { "large-accumulators", &ints, large_aggregation, expect_acc },
};

/* Key -> text, the slow way. */
static GHashTable *
model_new (const Script *script, const Kind *kind)
{
  GHashTable *model = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);

  for (gint64 k = 0; k < N_KEYS; k++) {
    g_autoptr (GArray) ids = g_array_new (FALSE, FALSE, sizeof (gint64));
    char key[64];

    for (guint p = 0; p < script->n_partitions; p++)
      for (gint64 i = 0; i < script_size (script, p); i++) {
        gint64 id = script_id (p, i);

        if (id % N_KEYS == k)
          g_array_append_val (ids, id);
      }
    key_of (k, key);
    if (ids->len > 0)
      g_hash_table_insert (model, g_strdup (key), kind->expect ((gint64 *) ids->data, ids->len));
  }
  return model;
}

/* Every key once, in its slice, in order of the hashes. */
static void
expect_model (GHashTable *model, const WeirStream *stream, const BareRun *bare, WeirPartition **partitions, guint n)
{
  const WeirSeed seed = weir_seed_salted (&bare->stage.run.seed, stream->op.salt);
  guint n_keys = 0;

  for (guint p = 0; p < n; p++) {
    Walk walk = { partitions + p, 1 };
    WeirValue cells[2], value = weir_nil ();
    guint32 last = 0;

    for (; walk_next (&walk, cells, &value); n_keys++) {
      guint32 hash = (guint32) (weir_hash_value (weir_key (value), &seed) >> 32);
      g_autofree char *key = weir_to_string (weir_key (value)), *text = weir_to_string (weir_val (value));

      g_assert_cmpstr (text, ==, g_hash_table_lookup (model, key));
      g_assert_cmpuint (weir_slice_of (hash, n), ==, p);
      g_assert_cmpuint (hash, >=, last);
      last = hash;
    }
  }
  g_assert_cmpuint (n_keys, ==, g_hash_table_size (model));
}

static void
run_kind (const Kind *kind, guint n_tasks, guint n_slices, guint n_workers)
{
  Script script = { .n_partitions = n_tasks, .n = 700, .step = 100 };
  g_autoptr (GHashTable) model = model_new (&script, kind);
  WeirPartition **partitions;
  WeirStream *stream;
  BareRun bare;
  guint n;

  bare_run_begin (&bare, n_workers, n_slices);
  stream = bare_run_resolve (&bare, kind->build (bare.input));
  for (guint batch = 0; batch < 3; batch++) {
    WeirDataset *dataset = derive (&bare.stage, kind->input, stage_fixture_run (&bare.stage, &script));

    dataset = bare_run_dataset (&bare, stream, dataset);
    for (guint again = 0; again < 2; again++) {
      g_assert_true (weir_dataset_hold (dataset, TRUE, &partitions, &n, NULL));
      g_assert_cmpuint (n, ==, n_slices);
      expect_model (model, stream, &bare, partitions, n);
      free_partitions (partitions, n);
    }
    weir_run_clear (&bare.stage.run);
  }
  bare_run_end (&bare);
}

static void
answers_are_the_same_however_it_is_cut (gconstpointer data)
{
  static const guint tasks[] = { 0, 1, 2, 5, 16 }, slices[] = { 1, 2, 7, 16, 256 }, workers[] = { 1, 2, 7 };

  for (gsize i = 0; i < G_N_ELEMENTS (tasks); i++)
    for (gsize k = 0; k < G_N_ELEMENTS (slices); k++)
      run_kind (data, tasks[i], slices[k], workers[(i + k) % 3]);
}

static gboolean
run_below (BareRun *bare, WeirStream *stream, const Kind *kind, GHashTable *model, Script *script, gsize limit)
{
  WeirDataset *dataset = derive (&bare->stage, kind->input, stage_fixture_run (&bare->stage, script));
  WeirPartition **partitions;
  GError *error = NULL;
  gboolean ok;
  guint n;

  weir_memory_set_limit (bare->stage.memory, limit);
  ok = weir_dataset_hold (bare_run_dataset (bare, stream, dataset), TRUE, &partitions, &n, &error);
  if (ok)
    expect_model (model, stream, bare, partitions, n);
  else
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT);
  g_clear_error (&error);
  free_partitions (partitions, n);
  weir_run_clear (&bare->stage.run);
  g_assert_cmpuint (weir_memory_used (bare->stage.memory), ==, 0);
  return ok;
}

static void
at_every_memory_limit_they_are_right_or_none (gconstpointer data)
{
  const Kind *kind = data;
  Script script = { .n_partitions = 3, .n = 300, .step = 50 };
  g_autoptr (GHashTable) model = model_new (&script, kind);
  guint n_well = 0, n_failed = 0;
  WeirStream *stream;
  BareRun bare;

  bare_run_begin (&bare, 2, 3);
  stream = bare_run_resolve (&bare, kind->build (bare.input));
  for (gsize limit = 0; n_well < 5; limit += 1 + limit / 40)
    run_below (&bare, stream, kind, model, &script, limit) ? n_well++ : n_failed++;
  g_assert_cmpuint (n_failed, >, 50);
  bare_run_end (&bare);
}

static WeirValue
fail_late (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  if (__atomic_add_fetch ((gint *) user_data, 1, __ATOMIC_RELAXED) == 1000)
    weir_fail (task, "the thousandth");
  return a;
}

static void
a_failure_on_either_side_frees_all (void)
{
  BareRun bare;

  for (gint first = 1000; first > -2000; first -= 37) {
    Script script = { .n_partitions = 4, .n = 500, .step = 50 };
    g_autoptr (GError) error = NULL;
    gint n_calls = first;
    WeirPartition **partitions;
    WeirStream *stream;
    WeirDataset *dataset;
    guint n;

    bare_run_begin (&bare, 2, 5);
    stream = bare_run_resolve (&bare, weir_reduce_by_key (bare.input, fail_late, &n_calls));
    dataset = derive (&bare.stage, &texts, stage_fixture_run (&bare.stage, &script));
    if (!weir_dataset_hold (bare_run_dataset (&bare, stream, dataset), TRUE, &partitions, &n, &error))
      g_assert_error (error, WEIR_ERROR, WEIR_ERROR_USER);
    g_assert_cmpint (error != NULL, ==, first < 1000 && n_calls >= 1000);
    free_partitions (partitions, n);
    weir_run_clear (&bare.stage.run);
    bare_run_end (&bare);
  }
}

static void
to_one_key (WeirTask *task, const WeirChunk *in)
{
  for (guint i = 0; i < in->n; i++)
    weir_emit_pair (task, weir_nil (), weir_format (task, "%07d", (int) weir_as_int (in->values[i])));
}

/* A text that grows by each of 12,000 values: all that it is on its way adds up to 500 MB. */
static void
a_text_that_grows_takes_no_more_than_itself (void)
{
  Script script = { .n_partitions = 2, .n = 6000, .step = 256 };
  static const WeirOpClass one_key = { .verb = "one key", .kind = WEIR_OP_NARROW, .process = to_one_key };
  const WeirOp op = { .klass = &one_key, .name = "one key" };
  WeirPartition **partitions;
  WeirStream *stream;
  WeirDataset *dataset;
  BareRun bare;
  guint n;

  bare_run_begin (&bare, 2, 1);
  stream = bare_run_resolve (&bare, concatenation (bare.input));
  dataset = derive (&bare.stage, &op, stage_fixture_run (&bare.stage, &script));
  g_assert_true (weir_dataset_hold (bare_run_dataset (&bare, stream, dataset), TRUE, &partitions, &n, NULL));
  g_assert_cmpuint (weir_memory_peak (bare.stage.memory), <, 2 * 1024 * 1024);
  g_assert_cmpuint (weir_size (g_array_index (partitions[0]->chunks, WeirChunk, 0).values[0]), ==, 7 * 12001);
  free_partitions (partitions, n);
  weir_run_clear (&bare.stage.run);
  bare_run_end (&bare);
}

/* All keys are in the last partition; the others have three. */
static void
skew (WeirTask *task, const WeirChunk *in)
{
  for (guint i = 0; i < in->n; i++) {
    gint64 id = weir_as_int (in->values[i]);

    weir_emit_pair (task, weir_int (id >= script_id (15, 0) ? id : id % 3), weir_int (1));
  }
}

static void
one_large_task_does_not_make_the_others_large (void)
{
  static const WeirOpClass skew_class = { .verb = "skew", .kind = WEIR_OP_NARROW, .process = skew };
  const WeirOp op = { .klass = &skew_class, .name = "skew" };
  Script script = { .n_partitions = 16, .n = 30000, .step = 256 };
  gsize first = 0;
  WeirStream *stream;
  BareRun bare;

  bare_run_begin (&bare, 3, 2);
  stream = bare_run_resolve (&bare, sum (bare.input));
  for (guint batch = 0; batch < 4; batch++) {
    WeirDataset *dataset = derive (&bare.stage, &op, stage_fixture_run (&bare.stage, &script));

    g_assert_true (weir_dataset_keep (bare_run_dataset (&bare, stream, dataset), NULL));
    if (batch == 0)
      first = weir_memory_peak (bare.stage.memory);
    g_assert_cmpuint (weir_memory_peak (bare.stage.memory), <=, 3 * first);
    weir_run_clear (&bare.stage.run);
    weir_memory_peak (bare.stage.memory);
  }
  bare_run_end (&bare);
}

static void
add_kind (const char *name, const Kind *kind, GTestDataFunc test)
{
  g_autofree char *path = g_strdup_printf ("/combine/%s/%s", name, kind->name);

  g_test_add_data_func (path, kind, test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++) {
    add_kind ("answers_are_the_same_however_it_is_cut", &kinds[i], answers_are_the_same_however_it_is_cut);
    add_kind ("at_every_memory_limit_they_are_right_or_none", &kinds[i], at_every_memory_limit_they_are_right_or_none);
  }
  g_test_add_func ("/combine/one_large_task_does_not_make_the_others_large",
                   one_large_task_does_not_make_the_others_large);
  g_test_add_func ("/combine/a_failure_on_either_side_frees_all", a_failure_on_either_side_frees_all);
  g_test_add_func ("/combine/a_text_that_grows_takes_no_more_than_itself", a_text_that_grows_takes_no_more_than_itself);
  return g_test_run ();
}
