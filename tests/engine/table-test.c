/* Tests of engine/table: keys of all kinds against a plain list, growth, removal, hashes that crowd, memory limits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/engine/table-fixture.h"

#define N_POOL 3000

/* What should be in the table: a pool of different keys, of which some are there. */
typedef struct {
  WeirValue keys[N_POOL];
  gint64 values[N_POOL];
  gboolean is_there[N_POOL];
  guint n;
  gsize n_there;
} Model;

static int
compare (const void *a, const void *b)
{
  return weir_compare (*(const WeirValue *) a, *(const WeirValue *) b);
}

static void
model_init (Model *model, WeirTask *task)
{
  guint n = 1;

  memset (model, 0, sizeof *model);
  for (guint i = 0; i < N_POOL; i++)
    model->keys[i] = random_key (task);
  qsort (model->keys, N_POOL, sizeof model->keys[0], compare);
  for (guint i = 1; i < N_POOL; i++)
    if (!weir_equal (model->keys[i], model->keys[n - 1]))
      model->keys[n++] = model->keys[i];
  model->n = n;
}

/* The key somewhere else in memory, gone after the next call. */
static WeirValue
elsewhere (WeirValue key)
{
  static _Alignas(8) char copy[64 * 1024];
  char *at = copy;

  memset (copy, 0xee, sizeof copy);
  g_assert_cmpuint (weir_value_memory (key), <, sizeof copy);
  return weir_value_copy_to (key, &at);
}

static void
put (TableFixture *f, Model *model, guint i)
{
  gboolean is_new;
  WeirKey *slot = table_put (&f->table, &f->seed, elsewhere (model->keys[i]), &is_new);
  gint64 *value = weir_slot_value (slot);

  g_assert_cmpint (is_new, ==, !model->is_there[i]);
  g_assert_cmpint (*value, ==, is_new ? 0 : model->values[i]);
  g_assert_true (is_new || slot->meta >> WEIR_KEY_NOTE_SHIFT << 24 == (guint32) (i & 255) << 24);
  slot->meta = (slot->meta & WEIR_KEY_BITS) | (i & 255) << WEIR_KEY_NOTE_SHIFT;
  *value = model->values[i] = g_test_rand_int ();
  model->n_there += is_new;
  model->is_there[i] = TRUE;
}

static void
take_out (TableFixture *f, Model *model, guint i)
{
  WeirKey *slot = table_get (&f->table, &f->seed, elsewhere (model->keys[i]));

  g_assert_cmpint (slot != NULL, ==, model->is_there[i]);
  if (slot == NULL)
    return;
  weir_table_remove (&f->table, slot);
  model->is_there[i] = FALSE;
  model->values[i] = 0;
  model->n_there--;
}

static void
expect_model (TableFixture *f, const Model *model)
{
  g_assert_cmpuint (f->table.n, ==, model->n_there);
  for (guint i = 0; i < model->n; i++) {
    const WeirKey *slot = table_get (&f->table, &f->seed, elsewhere (model->keys[i]));

    g_assert_cmpint (slot != NULL, ==, model->is_there[i]);
    if (slot == NULL)
      continue;
    g_assert_cmpint (*(gint64 *) weir_slot_value (slot), ==, model->values[i]);
    g_assert_cmpuint (slot->meta >> WEIR_KEY_NOTE_SHIFT & 255, ==, i & 255);
    g_assert_true (weir_equal (weir_key_value (slot), model->keys[i]));
  }
}

static void
keys_of_all_kinds_are_found_as_they_come_and_go (TableFixture *f, gconstpointer data)
{
  g_autofree Model *model = g_new (Model, 1);

  model_init (model, f->task);
  g_assert_cmpuint (model->n, >, 1000);
  for (guint round = 0; round < 6; round++) {
    for (guint k = 0; k < 4000; k++)
      put (f, model, below (model->n));
    expect_model (f, model);
    for (guint k = 0; k < 4000 + round * 2000; k++)
      take_out (f, model, below (model->n));
    expect_model (f, model);
  }
  for (guint i = 0; i < model->n; i++)
    take_out (f, model, i);
  g_assert_cmpuint (f->table.n, ==, 0);
}

static void
an_empty_table_finds_nothing (TableFixture *f, gconstpointer data)
{
  for (guint i = 0; i < 1000; i++)
    g_assert_null (table_get (&f->table, &f->seed, random_key (f->task)));
  g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
}

static void
zeros_are_one_key_and_so_are_nans (TableFixture *f, gconstpointer data)
{
  const WeirValue same[][2] = {
    { weir_float (0.0), weir_float (-0.0) },
    { weir_float (NAN), weir_float (-NAN) },
    { WEIR_PAIR_OF (weir_float (-0.0), weir_int (1)), WEIR_PAIR_OF (weir_float (0.0), weir_int (1)) },
  };
  const WeirValue others[] = {
    weir_int (0), weir_bool (FALSE), weir_nil (), weir_text (""), weir_bytes ("", 0), weir_list_at (NULL, 0),
  };
  gboolean is_new;

  for (gsize i = 0; i < G_N_ELEMENTS (same); i++) {
    WeirKey *slot = table_put (&f->table, &f->seed, same[i][0], &is_new);

    g_assert_true (is_new);
    g_assert_true (table_put (&f->table, &f->seed, same[i][1], &is_new) == slot);
    g_assert_false (is_new);
  }
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++) {
    table_put (&f->table, &f->seed, others[i], &is_new);
    g_assert_true (is_new);
  }
}

static void
texts_of_one_beginning_or_padded_by_nul_differ (TableFixture *f, gconstpointer data)
{
  static const char zeros[64];
  gboolean is_new;

  for (gsize n = 0; n <= sizeof zeros; n++) {
    table_put (&f->table, &f->seed, weir_text_n (zeros, n), &is_new);
    g_assert_true (is_new);
    table_put (&f->table, &f->seed, weir_bytes (zeros, n), &is_new);
    g_assert_true (is_new);
  }
  for (gsize n = 0; n <= sizeof zeros; n++)
    g_assert_cmpuint (weir_size (weir_key_value (table_get (&f->table, &f->seed, weir_text_n (zeros, n)))), ==, n);
}

static void
put_ints (TableFixture *f, gint64 from, gint64 to)
{
  gboolean is_new;

  for (gint64 i = from; i < to; i++) {
    WeirKey *slot = table_put (&f->table, &f->seed, weir_int (i), &is_new);

    g_assert_nonnull (slot);
    *(gint64 *) weir_slot_value (slot) = i;
  }
}

static void
what_is_reserved_is_there_without_growing (TableFixture *f, gconstpointer data)
{
  for (gsize n = 1; n <= 200000; n = n * 3 + 1) {
    char *slots;

    weir_table_clear (&f->table);
    weir_table_init (&f->table, f->memory, sizeof (gint64), 0, ALL_HASHES);
    g_assert_true (weir_table_reserve (&f->table, n));
    slots = f->table.slots;
    put_ints (f, 0, (gint64) n);
    g_assert_true (f->table.slots == slots);
    g_assert_true (weir_table_reserve (&f->table, n / 2));
    g_assert_true (f->table.slots == slots);
  }
}

static void
reserving_keeps_what_is_there (TableFixture *f, gconstpointer data)
{
  put_ints (f, 0, 1000);
  g_assert_true (weir_table_reserve (&f->table, 100000));
  weir_memory_set_limit (f->memory, weir_memory_used (f->memory) + 1000);
  g_assert_false (weir_table_reserve (&f->table, 10000000));
  g_assert_false (weir_table_reserve (&f->table, G_MAXSIZE));
  g_assert_cmpuint (f->table.n, ==, 1000);
  for (gint64 i = 0; i < 1000; i++)
    g_assert_cmpint (*(gint64 *) weir_slot_value (table_get (&f->table, &f->seed, weir_int (i))), ==, i);
}

static void
a_table_that_grows_is_at_least_a_ninth_full (TableFixture *f, gconstpointer data)
{
  for (gint64 n = 100; n < 300000; n = n * 5 / 4) {
    put_ints (f, (gint64) f->table.n, n);
    g_assert_cmpuint (f->table.capacity, <=, (gsize) n * 9);
  }
}

static void
keys_that_come_and_go_do_not_grow_it (TableFixture *f, gconstpointer data)
{
  gsize used;

  put_ints (f, 0, 10000);
  used = weir_memory_used (f->memory);
  for (gint64 i = 10000; i < 400000; i++) {
    weir_table_remove (&f->table, table_get (&f->table, &f->seed, weir_int (i - 10000)));
    put_ints (f, i, i + 1);
  }
  g_assert_cmpuint (f->table.n, ==, 10000);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, used);
}

/* Keys of such hashes are there afterwards, and half of them after the other half has gone. */
static void
expect_crowd (TableFixture *f, gint64 n, guint32 (*hash_of) (gint64 i))
{
  for (gint64 i = 0; i < n; i++)
    g_assert_true (table_put_key (&f->table, key_with_hash (i * 7919 % n, hash_of (i * 7919 % n))));
  g_assert_cmpuint (f->table.n, ==, n);
  for (gint64 i = 1; i < n; i += 2) {
    WeirKey key = key_with_hash (i, hash_of (i));

    weir_table_remove (&f->table, weir_table_find (&f->table, &key, f->table.stride));
  }
  for (gint64 i = 0; i < n; i++) {
    WeirKey key = key_with_hash (i, hash_of (i));
    WeirKey *slot = weir_table_find (&f->table, &key, f->table.stride);

    g_assert_cmpint (slot->meta != 0, ==, i % 2 == 0);
    g_assert_cmpint (*(gint64 *) weir_slot_value (slot), ==, i % 2 == 0 ? i : 0);
  }
}

static guint32
first_hash (gint64 i)
{
  return 0;
}

static guint32
last_hash (gint64 i)
{
  return G_MAXUINT32;
}

static guint32
few_hashes (gint64 i)
{
  return (guint32) (i % 3) * 0x55555555;
}

static guint32
neighbours (gint64 i)
{
  return 0x80000000 + (guint32) i / 8;
}

static guint32
last_neighbours (gint64 i)
{
  return G_MAXUINT32 - (guint32) i / 8;
}

static void
equal_hashes_do_not_make_it_grow (TableFixture *f, gconstpointer data)
{
  expect_crowd (f, 3000, (guint32 (*) (gint64)) data);
  g_assert_cmpuint (weir_memory_peak (f->memory), <=, 1024 * 1024);
}

/* Never seen of a hash worth its name; it must work all the same. */
static void
neighbours_are_kept_apart (TableFixture *f, gconstpointer data)
{
  expect_crowd (f, 1000, (guint32 (*) (gint64)) data);
}

/* How far from home the slots of @from land, when they are taken into the fixture's table in order. */
static gsize
merge (TableFixture *f, const WeirTable *from, guint64 start, guint64 end)
{
  WeirTableCursor cursor;
  WeirKey *slots[256];
  gsize n_steps = 0;
  guint n;

  weir_table_cursor_init (&cursor, from, start, end);
  while ((n = weir_table_cursor_next (&cursor, slots, 256)) > 0)
    for (guint i = 0; i < n; i++) {
      const char *home = (const char *) weir_table_home (&f->table, slots[i]->hash, f->table.stride);
      WeirKey *slot = weir_table_find (&f->table, slots[i], f->table.stride);

      n_steps += (gsize) ((const char *) slot - home) / f->table.stride;
      if (slot->meta == 0)
        slot = weir_table_insert (&f->table, slots[i], slot);
      *(gint64 *) weir_slot_value (slot) += *(gint64 *) weir_slot_value (slots[i]);
    }
  return n_steps;
}

static void
taking_in_another_table_in_its_order_is_linear (TableFixture *f, gconstpointer data)
{
  WeirTable into = f->table, from;

  put_ints (f, 0, 400000);
  from = f->table;
  f->table = into;
  g_assert_cmpuint (merge (f, &from, 0, ALL_HASHES), <, 60 * from.n);
  g_assert_cmpuint (f->table.n, ==, from.n);
  g_assert_cmpuint (f->table.capacity, <=, 9 * from.n);
  g_assert_cmpuint (merge (f, &from, 0, ALL_HASHES), <, 60 * from.n);
  for (gint64 i = 0; i < 400000; i++)
    g_assert_cmpint (*(gint64 *) weir_slot_value (table_get (&f->table, &f->seed, weir_int (i))), ==, 2 * i);
  weir_table_clear (&from);
}

static void
a_table_for_one_slice_takes_all_of_it (TableFixture *f, gconstpointer data)
{
  guint n_slices = GPOINTER_TO_UINT (data);
  WeirTable from;
  gsize n = 0;

  put_ints (f, 0, 50000);
  from = f->table;
  for (guint i = 0; i < n_slices; i++) {
    guint64 start = weir_slice_start (i, n_slices), end = weir_slice_start (i + 1, n_slices);

    weir_table_init (&f->table, f->memory, sizeof (gint64), start, end - start);
    merge (f, &from, start, end);
    n += f->table.n;
    weir_table_clear (&f->table);
  }
  g_assert_cmpuint (n, ==, from.n);
  f->table = from;
}

static guint32
hash_of_int (const WeirSeed *seed, gint64 i)
{
  return (guint32) (weir_hash_value (weir_int (i), seed) >> 32);
}

/* One operator's slice is another operator's input: with one seed for both, all of it would go to one place. */
static void
keys_of_one_slice_are_spread_evenly_with_another_salt (TableFixture *f, gconstpointer data)
{
  for (guint64 salt = 0; salt < 20; salt++) {
    const WeirSeed first = weir_seed_salted (&f->seed, salt), second = weir_seed_salted (&f->seed, salt + 1);
    guint n[16] = { 0 }, n_all = 0;

    for (gint64 i = 0; i < 64000; i++)
      if (weir_slice_of (hash_of_int (&first, i), 16) == salt % 16) {
        n[weir_slice_of (hash_of_int (&second, i), 16)]++;
        n_all++;
      }
    for (guint i = 0; i < 16; i++) {
      g_assert_cmpuint (n[i], >, n_all / 16 * 3 / 5);
      g_assert_cmpuint (n[i], <, n_all / 16 * 7 / 5);
    }
  }
}

static void
every_key_group_is_in_the_slice_that_begins_before_it (void)
{
  for (guint n_slices = 1; n_slices <= WEIR_N_GROUPS; n_slices++) {
    g_assert_cmpuint (weir_slice_start (0, n_slices), ==, 0);
    g_assert_cmpuint (weir_slice_start (n_slices, n_slices), ==, ALL_HASHES);
    for (guint32 group = 0; group < WEIR_N_GROUPS; group++) {
      guint slice = weir_slice_of (group << 24, n_slices);

      g_assert_cmpuint (slice, <, n_slices);
      g_assert_cmpuint (slice, ==, weir_slice_of (group << 24 | 0xffffff, n_slices));
      g_assert_cmpuint (group << 24, >=, weir_slice_start (slice, n_slices));
      g_assert_cmpuint (group << 24 | 0xffffff, <, weir_slice_start (slice + 1, n_slices));
    }
  }
}

/* As many keys as fit below the limit; all of them are there, and more once the limit is raised. */
static void
fill_up_to (TableFixture *f, const Model *model, gsize limit)
{
  guint n = 0;
  gboolean is_new;

  weir_memory_set_limit (f->memory, limit);
  for (; n < model->n; n++) {
    WeirKey *slot = table_put (&f->table, &f->seed, model->keys[n], &is_new);

    if (slot == NULL)
      break;
    *(gint64 *) weir_slot_value (slot) = n;
  }
  g_assert_cmpuint (weir_memory_used (f->memory), <=, limit);
  weir_memory_set_limit (f->memory, G_MAXSIZE);
  for (guint i = 0; i < model->n; i++) {
    WeirKey *slot = table_get (&f->table, &f->seed, model->keys[i]);

    g_assert_cmpint (slot != NULL, ==, i < n);
    g_assert_true (slot == NULL || *(gint64 *) weir_slot_value (slot) == i);
  }
  g_assert_cmpuint (f->table.n, ==, n);
  for (guint i = n; i < model->n; i++)
    g_assert_nonnull (table_put (&f->table, &f->seed, model->keys[i], &is_new));
}

static void
a_memory_limit_leaves_the_table_as_it_was (TableFixture *f, gconstpointer data)
{
  g_autofree Model *model = g_new (Model, 1);
  gsize enough;

  model_init (model, f->task);
  fill_up_to (f, model, G_MAXSIZE);
  enough = weir_memory_peak (f->memory);
  for (gsize limit = 0; limit < enough + 3000; limit += 1 + enough / 200) {
    weir_table_clear (&f->table);
    weir_table_init (&f->table, f->memory, sizeof (gint64), 0, ALL_HASHES);
    fill_up_to (f, model, limit);
  }
}

#define ADD(test) ADD_WITH (test, "/table/" #test, NULL)
#define ADD_WITH(test, path, data)                                                                                     \
  g_test_add (path, TableFixture, (gconstpointer) (data), table_fixture_set_up, test, table_fixture_tear_down)

int
main (int argc, char **argv)
{
  static const guint slices[] = { 1, 2, 3, 7, 8, 16, 100, 256 };

  g_test_init (&argc, &argv, NULL);
  ADD (keys_of_all_kinds_are_found_as_they_come_and_go);
  ADD (an_empty_table_finds_nothing);
  ADD (zeros_are_one_key_and_so_are_nans);
  ADD (texts_of_one_beginning_or_padded_by_nul_differ);
  ADD (what_is_reserved_is_there_without_growing);
  ADD (reserving_keeps_what_is_there);
  ADD (a_table_that_grows_is_at_least_a_ninth_full);
  ADD (keys_that_come_and_go_do_not_grow_it);
  ADD_WITH (equal_hashes_do_not_make_it_grow, "/table/crowd/first-hash", first_hash);
  ADD_WITH (equal_hashes_do_not_make_it_grow, "/table/crowd/last-hash", last_hash);
  ADD_WITH (equal_hashes_do_not_make_it_grow, "/table/crowd/few-hashes", few_hashes);
  ADD_WITH (neighbours_are_kept_apart, "/table/crowd/neighbours", neighbours);
  ADD_WITH (neighbours_are_kept_apart, "/table/crowd/last-neighbours", last_neighbours);
  ADD (taking_in_another_table_in_its_order_is_linear);
  for (gsize i = 0; i < G_N_ELEMENTS (slices); i++) {
    g_autofree char *path = g_strdup_printf ("/table/a_table_for_one_slice_takes_all_of_it/%u", slices[i]);

    ADD_WITH (a_table_for_one_slice_takes_all_of_it, path, GUINT_TO_POINTER (slices[i]));
  }
  ADD (keys_of_one_slice_are_spread_evenly_with_another_salt);
  g_test_add_func ("/table/every_key_group_is_in_the_slice_that_begins_before_it",
                   every_key_group_is_in_the_slice_that_begins_before_it);
  ADD (a_memory_limit_leaves_the_table_as_it_was);
  return g_test_run ();
}
