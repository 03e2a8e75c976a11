/* Tests of engine/keyed-state-save: whatever was done between checkpoints, what is loaded from them is the state, number
 * by number, in any number of slices; what is written and what has to be read stays in proportion; damage is told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/engine/keyed-state-fixture.h"

/* What a store would keep: by epoch, the slices' sections one after the other. */
typedef struct {
  GPtrArray *epochs; /* of GByteArray; epoch e at e - 1; NULL: dropped */
  guint64 oldest;
} Kept;

static void
kept_init (Kept *kept)
{
  *kept = (Kept){ g_ptr_array_new (), 1 };
}

static void
kept_clear (Kept *kept)
{
  for (guint i = 0; i < kept->epochs->len; i++)
    if (g_ptr_array_index (kept->epochs, i) != NULL)
      g_byte_array_unref (g_ptr_array_index (kept->epochs, i));
  g_ptr_array_unref (kept->epochs);
}

/* Writes the next epoch, drops those that nobody needs. Returns how much was written. */
static gsize
save (StateFixture *f, const Slices *slices, Kept *kept)
{
  WeirSaver saver = { .out = g_byte_array_new (), .epoch = kept->epochs->len + 1, .is_first = kept->epochs->len == 0 };
  guint64 oldest = saver.epoch;

  for (guint i = 0; i < slices->n; i++) {
    saver.oldest_needed = saver.epoch;
    weir_keyed_state_save (slices->slices[i], f->task, i, &saver);
    oldest = MIN (oldest, saver.oldest_needed);
  }
  g_assert_no_error (f->run.error);
  g_ptr_array_add (kept->epochs, saver.out);
  g_assert_cmpuint (oldest, >=, kept->oldest);
  for (; kept->oldest < oldest; kept->oldest++) {
    g_byte_array_unref (g_ptr_array_index (kept->epochs, kept->oldest - 1));
    g_ptr_array_index (kept->epochs, kept->oldest - 1) = NULL;
  }
  return saver.out->len;
}

static gsize
kept_size (const Kept *kept)
{
  gsize size = 0;

  for (guint i = 0; i < kept->epochs->len; i++)
    if (g_ptr_array_index (kept->epochs, i) != NULL)
      size += ((GByteArray *) g_ptr_array_index (kept->epochs, i))->len;
  return size;
}

static void
load_slice (StateFixture *f, WeirKeyedState *state, const Kept *kept)
{
  for (guint64 epoch = kept->oldest; epoch <= kept->epochs->len; epoch++) {
    const GByteArray *bytes = g_ptr_array_index (kept->epochs, epoch - 1);
    WeirTaker taker;
    WeirSection section;

    weir_taker_init (&taker, bytes->data, bytes->len);
    while (weir_section_next (&taker, epoch, &section))
      weir_keyed_state_load (state, f->task, &section);
    g_assert_true (weir_taker_is_done (&taker));
  }
}

static void
load (StateFixture *f, Slices *slices, guint n, const Kept *kept)
{
  slices_open (f, slices, n);
  for (guint i = 0; i < n; i++) {
    load_slice (f, slices->slices[i], kept);
    g_assert_true (weir_keyed_state_settle (slices->slices[i]));
  }
  g_assert_no_error (f->run.error);
}

static const WeirStateGroup *
group_of (const Slices *slices, guint number)
{
  WeirKeyedState *state = slice_with (slices, number << 24);

  return &state->groups[number - state->first];
}

/* Entry by entry: the number of a key is what it was. */
static void
expect_same (const Slices *a, const Slices *b)
{
  for (guint i = 0; i < WEIR_N_GROUPS; i++) {
    const WeirStateGroup *one = group_of (a, i), *other = group_of (b, i);

    g_assert_cmpuint (one->n, ==, other->n);
    for (guint32 e = 0; e < one->n; e++) {
      const WeirStateEntry *a_entry = weir_entry_at (one, e), *b_entry = weir_entry_at (other, e);

      g_assert_cmpint (a_entry->key.meta == 0, ==, b_entry->key.meta == 0);
      if (a_entry->key.meta == 0)
        continue;
      g_assert_true (weir_equal (weir_key_value (&a_entry->key), weir_key_value (&b_entry->key)));
      g_assert_true (weir_state_is_same (a_entry->value, b_entry->value));
      g_assert_cmpint (a_entry->age.time, ==, b_entry->age.time);
    }
  }
}

static void
do_something (StateFixture *f, const Slices *other, guint n)
{
  for (guint k = 0; k < n; k++) {
    guint i = (guint) g_test_rand_int_range (0, MOST_KEYS);

    if (g_test_rand_int_range (0, 4) == 0)
      state_fixture_remove (f, other, i);
    else
      state_fixture_set (f, other, i);
  }
}

static void
what_is_loaded_is_what_was_saved_and_goes_on_alike (void)
{
  static const guint n_slices[] = { 1, 3, 16, 7, 2 };
  StateFixture f;
  Kept kept;

  state_fixture_begin (&f, 3, TRUE);
  kept_init (&kept);
  for (guint round = 0; round < 25; round++) {
    Slices loaded;

    state_fixture_tick (&f, NULL);
    do_something (&f, NULL, round % 5 == 4 ? 0 : round % 3 == 0 ? 3000 : 200);
    save (&f, &f.state, &kept);
    load (&f, &loaded, n_slices[round % G_N_ELEMENTS (n_slices)], &kept);
    expect_same (&f.state, &loaded);
    expect_slices (&f, &loaded);
    expect_ages (&loaded);
    state_fixture_tick (&f, &loaded);
    do_something (&f, &loaded, 500);
    expect_same (&f.state, &loaded);
    slices_close (&loaded);
  }
  kept_clear (&kept);
  state_fixture_end (&f);
}

/* A job that is killed after each epoch, and goes on with another number of slices. */
static void
lives_follow_each_other (void)
{
  StateFixture f;
  Kept kept;

  state_fixture_begin (&f, 2, TRUE);
  kept_init (&kept);
  for (guint round = 0; round < 60; round++) {
    state_fixture_tick (&f, NULL);
    do_something (&f, NULL, round == 0 ? 4000 : 100);
    save (&f, &f.state, &kept);
    slices_close (&f.state);
    load (&f, &f.state, 1 + round % 16, &kept);
    expect_slices (&f, &f.state);
  }
  g_assert_cmpuint (kept.oldest, >, 1);
  kept_clear (&kept);
  state_fixture_end (&f);
}

/* States of one size, so that bytes can be compared. */
static void
set_numbers (StateFixture *f, guint from, guint n, gint64 value)
{
  for (guint i = from; i < from + n; i++) {
    slices_set (f, &f->state, i % 50000, weir_int (value + 1000000));
    weir_arena_reset (&f->task_run.scratch);
  }
}

static void
bytes_are_in_proportion_to_what_changes (void)
{
  StateFixture f;
  Kept kept;
  gsize all, changes = 0, written = 0, most_kept = 0;

  state_fixture_begin (&f, 2, TRUE);
  kept_init (&kept);
  state_fixture_tick (&f, NULL);
  set_numbers (&f, 0, 50000, 0);
  all = save (&f, &f.state, &kept);
  for (guint round = 1; round <= 300; round++) {
    state_fixture_tick (&f, NULL);
    set_numbers (&f, round * 1500, 1500, round);
    changes += all * 1500 / 50000;
    written += save (&f, &f.state, &kept);
    most_kept = MAX (most_kept, kept_size (&kept));
  }
  g_test_message ("%.2f of the changed bytes are written, %.2f of the state is kept",
                  (double) written / (double) changes, (double) most_kept / (double) all);
  /* Half as much again, and the sections' heads, which six changes each share here; before the first turn of the pages is
   * over, what was written first is kept beside one of them and their changes. */
  g_assert_cmpuint (written, <, changes * 21 / 10);
  g_assert_cmpuint (most_kept, <, all * 9 / 2);
  kept_clear (&kept);
  state_fixture_end (&f);
}

static void
nothing_is_written_where_nothing_changed (void)
{
  StateFixture f;
  Kept kept;

  state_fixture_begin (&f, 2, FALSE);
  kept_init (&kept);
  state_fixture_tick (&f, NULL);
  do_something (&f, NULL, 100);
  save (&f, &f.state, &kept);
  g_assert_cmpuint (save (&f, &f.state, &kept), ==, 0);
  for (guint i = 0; i < MOST_KEYS; i++)
    state_fixture_remove (&f, NULL, i);
  g_assert_cmpuint (save (&f, &f.state, &kept), >, 0);
  g_assert_cmpuint (save (&f, &f.state, &kept), <, 64); /* that there is state, and none of it */
  kept_clear (&kept);
  state_fixture_end (&f);
}

static WeirValue
upgrade (WeirTask *task, guint from_version, WeirValue state, gpointer user_data)
{
  g_assert_cmpuint (from_version, ==, 1);
  if (weir_kind (state) == WEIR_FLOAT)
    return weir_nil ();
  return weir_format (task, "upgraded-%d-and-longer-than-sixteen", (int) weir_as_int (state));
}

static void
states_of_an_older_version_are_upgraded (void)
{
  StateFixture f;
  Kept kept;
  Slices loaded;

  state_fixture_begin (&f, 1, FALSE);
  kept_init (&kept);
  state_fixture_tick (&f, NULL);
  for (guint i = 0; i < 100; i++)
    slices_set (&f, &f.state, i, i % 2 == 0 ? weir_int (i) : weir_float (i));
  save (&f, &f.state, &kept);
  f.op.saved_version = 1;
  f.op.state_version = 2;
  f.op.upgrade = upgrade;
  g_assert_true (weir_keyed_state_check_version (f.task));
  load (&f, &loaded, 2, &kept);
  weir_keyed_state_upgrade (loaded.slices[0], f.task);
  weir_keyed_state_upgrade (loaded.slices[1], f.task);
  g_assert_cmpuint (loaded.slices[0]->n_used + loaded.slices[1]->n_used, ==, 50);
  for (guint i = 0; i < 100; i++) {
    WeirStateGroup *group;
    guint32 entry = slices_find (&f, &loaded, i, &group);
    g_autofree char *expected = g_strdup_printf ("upgraded-%u-and-longer-than-sixteen", i);

    g_assert_cmpint (entry != WEIR_NO_ENTRY, ==, i % 2 == 0);
    if (entry != WEIR_NO_ENTRY)
      g_assert_true (weir_equal (weir_entry_at (group, entry)->value, weir_text (expected)));
  }
  save (&f, &loaded, &kept);
  g_assert_cmpuint (kept.oldest, ==, 2); /* nothing of the older version is left */
  slices_close (&loaded);
  kept_clear (&kept);
  state_fixture_end (&f);
}

static void
expect_version_error (guint saved, guint version, WeirUpgradeFunc f_upgrade)
{
  StateFixture f;

  state_fixture_begin (&f, 1, FALSE);
  f.op.saved_version = saved;
  f.op.state_version = version;
  f.op.upgrade = f_upgrade;
  g_assert_false (weir_keyed_state_check_version (f.task));
  g_assert_error (f.run.error, WEIR_ERROR, WEIR_ERROR_ORPHAN_STATE);
  g_assert_nonnull (strstr (f.run.error->message, "keeper"));
  state_fixture_end (&f);
}

static void
versions_that_nothing_upgrades_are_refused (void)
{
  expect_version_error (1, 2, NULL);
  expect_version_error (2, 1, upgrade);
}

/* A section with one byte changed or cut off is told, or is another state; it never crashes. */
static void
damage_is_no_danger (void)
{
  StateFixture f;
  Kept kept;
  WeirTaker taker;
  WeirSection section;
  guint n_told = 0;

  state_fixture_begin (&f, 1, TRUE);
  kept_init (&kept);
  state_fixture_tick (&f, NULL);
  do_something (&f, NULL, 300);
  save (&f, &f.state, &kept);
  weir_taker_init (&taker, ((GByteArray *) kept.epochs->pdata[0])->data, ((GByteArray *) kept.epochs->pdata[0])->len);
  while (weir_section_next (&taker, 1, &section)) {
    g_autofree guint8 *copy = g_memdup2 (section.data, section.size);
    WeirKeyedState *state = weir_keyed_state_new (f.memory, 0, 1, TRUE, TRUE);

    copy[g_test_rand_int_range (0, (gint32) section.size)] ^= (guint8) g_test_rand_int_range (1, 256);
    section.data = copy;
    section.size -= (gsize) g_test_rand_int_range (0, 3);
    weir_memory_set_limit (f.memory, (gsize) 64 * 1024 * 1024);
    weir_keyed_state_load (state, f.task, &section);
    n_told += f.run.error != NULL;
    weir_keyed_state_settle (state);
    weir_keyed_state_free (state);
    g_clear_error (&f.run.error);
    f.run.failed = 0;
  }
  g_assert_cmpuint (n_told, >, 10);
  kept_clear (&kept);
  state_fixture_end (&f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keyed-state-save/any-slices", what_is_loaded_is_what_was_saved_and_goes_on_alike);
  g_test_add_func ("/keyed-state-save/lives", lives_follow_each_other);
  g_test_add_func ("/keyed-state-save/proportion", bytes_are_in_proportion_to_what_changes);
  g_test_add_func ("/keyed-state-save/no-change", nothing_is_written_where_nothing_changed);
  g_test_add_func ("/keyed-state-save/upgrade", states_of_an_older_version_are_upgraded);
  g_test_add_func ("/keyed-state-save/versions", versions_that_nothing_upgrades_are_refused);
  g_test_add_func ("/keyed-state-save/damage", damage_is_no_danger);
  return g_test_run ();
}
