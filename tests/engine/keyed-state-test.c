/* Tests of engine/keyed-state: content and ages against a plain model, numbers that depend on history alone, memory.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/engine/keyed-state-fixture.h"

static void
do_something (StateFixture *f, const Slices *other, guint n_keys, guint n)
{
  for (guint k = 0; k < n; k++) {
    guint i = (guint) g_test_rand_int_range (0, (gint32) n_keys);

    if (g_test_rand_int_range (0, 3) == 0)
      state_fixture_remove (f, other, i);
    else
      state_fixture_set (f, other, i);
  }
}

static void
content_is_that_of_a_plain_model (void)
{
  static const guint n_keys[] = { 3, 300, MOST_KEYS };

  for (guint k = 0; k < G_N_ELEMENTS (n_keys); k++) {
    StateFixture f;

    state_fixture_begin (&f, 1 + k * 2, TRUE);
    for (guint round = 0; round < 8; round++) {
      state_fixture_tick (&f, NULL);
      do_something (&f, NULL, n_keys[k], n_keys[k]);
      expect_slices (&f, &f.state);
      expect_ages (&f.state);
    }
    state_fixture_end (&f);
  }
}

static void
the_lowest_free_number_is_given_out_first (void)
{
  StateFixture f;
  WeirKeyedState *state;
  WeirStateGroup *group;

  state_fixture_begin (&f, 1, FALSE);
  state = f.state.slices[0];
  group = &state->groups[3];
  for (gint64 i = 0; i < 200; i++) {
    WeirKey key = key_with_hash (i, (guint32) (3u << 24 | (guint32) i * 7919u));

    g_assert_cmpuint (weir_entry_insert (state, group, &key), ==, (guint) i);
  }
  for (guint32 i = 150; i > 10; i -= 10)
    weir_entry_remove (state, group, i);
  for (guint32 i = 20; i <= 150; i += 10) {
    WeirKey key = key_with_hash (1000 + i, (guint32) (3u << 24 | i));

    g_assert_cmpuint (weir_entry_insert (state, group, &key), ==, i);
  }
  for (guint32 i = 100; i < 200; i++)
    weir_entry_remove (state, group, i);
  g_assert_cmpuint (group->n, ==, 100);
  g_assert_cmpuint (group->n_used, ==, 100);
  state_fixture_end (&f);
}

static void
keys_of_one_hash_are_told_apart (void)
{
  StateFixture f;
  WeirKeyedState *state;
  WeirStateGroup *group;

  state_fixture_begin (&f, 1, FALSE);
  state = f.state.slices[0];
  group = &state->groups[255];
  for (gint64 i = 0; i < 100; i++) {
    WeirKey key = key_with_hash (i, G_MAXUINT32);

    g_assert_cmpuint (weir_entry_find (group, &key), ==, WEIR_NO_ENTRY);
    weir_entry_insert (state, group, &key);
  }
  for (gint64 i = 0; i < 100; i += 2) {
    WeirKey key = key_with_hash (i, G_MAXUINT32);

    weir_entry_remove (state, group, weir_entry_find (group, &key));
  }
  for (gint64 i = 0; i < 100; i++) {
    WeirKey key = key_with_hash (i, G_MAXUINT32);

    g_assert_cmpuint (weir_entry_find (group, &key), ==, i % 2 == 0 ? WEIR_NO_ENTRY : (guint) i);
  }
  state_fixture_end (&f);
}

static void
groups_do_not_all_grow_at_once (void)
{
  StateFixture f;
  guint32 least = G_MAXUINT32, most = 0;

  state_fixture_begin (&f, 1, FALSE);
  for (guint g = 0; g < WEIR_N_GROUPS; g++)
    for (guint32 i = 0; i < 100; i++) {
      WeirKey key = key_with_hash (i, (g << 24) | i * 7919u);

      g_assert_cmpuint (weir_entry_insert (f.state.slices[0], &f.state.slices[0]->groups[g], &key), ==, i);
    }
  for (guint g = 0; g < WEIR_N_GROUPS; g++) {
    least = MIN (least, f.state.slices[0]->groups[g].capacity);
    most = MAX (most, f.state.slices[0]->groups[g].capacity);
  }
  g_assert_cmpuint (most, >=, least * 3 / 2);
  state_fixture_end (&f);
}

static void
the_limit_leaves_the_state_as_it_was (void)
{
  StateFixture f;
  guint32 n = 0;
  WeirStateGroup *group;

  state_fixture_begin (&f, 1, TRUE);
  group = &f.state.slices[0]->groups[0];
  weir_memory_set_limit (f.memory, weir_memory_used (f.memory) + 100000);
  for (gint64 i = 0;; i++) {
    WeirKey key = key_with_hash (i, (guint32) i * 7919u & 0xffffffu);

    if (weir_entry_insert (f.state.slices[0], group, &key) == WEIR_NO_ENTRY)
      break;
    n++;
  }
  g_assert_cmpuint (n, >, 100);
  g_assert_cmpuint (group->n_used, ==, n);
  for (gint64 i = 0; i < n; i++) {
    WeirKey key = key_with_hash (i, (guint32) i * 7919u & 0xffffffu);

    g_assert_cmpuint (weir_entry_find (group, &key), ==, (guint) i);
  }
  state_fixture_end (&f);
}

static void
same_is_to_the_last_bit (void)
{
  const WeirValue list = WEIR_LIST_OF (weir_text ("a"), weir_float (0.0)),
                  other = WEIR_LIST_OF (weir_text ("a"), weir_float (-0.0));
  const WeirValue again = WEIR_LIST_OF (weir_text_n ("ab", 1), weir_float (0.0));

  g_assert_true (weir_state_is_same (weir_nil (), weir_nil ()));
  g_assert_true (weir_state_is_same (list, again));
  g_assert_false (weir_state_is_same (list, other));
  g_assert_false (weir_state_is_same (weir_float (0.0), weir_float (-0.0)));
  g_assert_false (weir_state_is_same (weir_int (0), weir_bool (FALSE)));
  g_assert_false (weir_state_is_same (weir_text ("a"), weir_bytes ("a", 1)));
  g_assert_false (weir_state_is_same (weir_text ("a"), weir_text ("b")));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/keyed-state/model", content_is_that_of_a_plain_model);
  g_test_add_func ("/keyed-state/lowest-first", the_lowest_free_number_is_given_out_first);
  g_test_add_func ("/keyed-state/one-hash", keys_of_one_hash_are_told_apart);
  g_test_add_func ("/keyed-state/growth", groups_do_not_all_grow_at_once);
  g_test_add_func ("/keyed-state/limit", the_limit_leaves_the_state_as_it_was);
  g_test_add_func ("/keyed-state/same", same_is_to_the_last_bit);
  return g_test_run ();
}
