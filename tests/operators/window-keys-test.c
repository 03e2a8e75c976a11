/* Tests of operators/window-keys: numbers and their order, against a plain list of keys.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-keys.h"

#include "tests/engine/table-fixture.h"

#define N_KEYS 3000

typedef struct {
  WeirMemory *memory;
  WeirWindowKeys keys;
  WeirKey made[N_KEYS];
  char texts[N_KEYS][48];
  guint32 numbers[N_KEYS]; /* WEIR_NO_NUMBER: not there */
} Fixture;

/* Hashes are crowded: many of the same, and most in a corner of those that belong to the slice. */
static guint32
draw_hash (guint64 from, guint64 until)
{
  guint64 range = below (3) == 0 ? until - from : MIN (until - from, 500);

  return (guint32) (from + below ((guint) MIN (range, G_MAXUINT32)));
}

static void
set_up (Fixture *f, guint n_shards, guint64 from, guint64 until)
{
  WeirSeed seed;
  WeirValue cell;

  f->memory = weir_memory_new ((gsize) 64 * 1024 * 1024);
  weir_window_keys_init (&f->keys, f->memory, n_shards, from, until);
  weir_seed_init (&seed, 0);
  for (guint i = 0; i < N_KEYS; i++) {
    gint n = g_snprintf (f->texts[i], sizeof f->texts[i], i % 3 == 0 ? "%u" : "%u is the number of a long key", i);

    weir_key_of (weir_text_n (f->texts[i], (gsize) n), &seed, &f->made[i], &cell);
    f->made[i].hash = draw_hash (from, until);
    f->numbers[i] = WEIR_NO_NUMBER;
  }
}

static void
tear_down (Fixture *f)
{
  weir_window_keys_clear (&f->keys);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
  weir_memory_free (f->memory);
  g_free (f);
}

static gsize
count (const Fixture *f)
{
  gsize n = 0;

  for (guint i = 0; i < N_KEYS; i++)
    n += f->numbers[i] != WEIR_NO_NUMBER;
  return n;
}

/* All that are there, once, by hash and then by key. */
static void
expect_order (const Fixture *f)
{
  guint32 places[100];
  const WeirKey *last = NULL;
  gsize at = 0, n = 0;
  guint some;

  while ((some = weir_window_keys_next (&f->keys, &at, places, G_N_ELEMENTS (places))) > 0)
    for (guint i = 0; i < some; i++, n++) {
      const WeirKey *key = &f->keys.keys[places[i]];

      g_assert_true (last == NULL || last->hash < key->hash ||
                     (last->hash == key->hash && weir_compare (weir_key_value (last), weir_key_value (key)) < 0));
      last = key;
    }
  g_assert_cmpuint (n, ==, count (f));
  g_assert_cmpuint (n, ==, f->keys.n);
}

static void
expect_found (const Fixture *f)
{
  for (guint i = 0; i < N_KEYS; i++) {
    guint32 number = weir_window_keys_find (&f->keys, &f->made[i]), guess;
    const WeirKey *found;

    g_assert_cmpuint (number, ==, f->numbers[i]);
    if (number == WEIR_NO_NUMBER)
      continue;
    found = &f->keys.keys[weir_place_of (number, f->keys.capacity)];
    g_assert_true (weir_equal (weir_key_value (found), weir_key_value (&f->made[i])));
    guess = weir_window_keys_guess (weir_window_keys_home (&f->keys, f->made[i].hash), f->made[i].hash);
    g_assert_cmpuint (guess, !=, WEIR_NO_NUMBER);
    g_assert_cmpuint (f->keys.keys[guess].hash, ==, f->made[i].hash);
  }
}

static void
expect_numbers_differ (const Fixture *f)
{
  g_autofree gboolean *is_taken = g_new0 (gboolean, (gsize) f->keys.n_shards * f->keys.n_ranks);

  for (guint i = 0; i < N_KEYS; i++) {
    gsize at = weir_place_of (f->numbers[i], f->keys.n_ranks);

    if (f->numbers[i] == WEIR_NO_NUMBER)
      continue;
    g_assert_cmpuint (weir_shard_of (f->numbers[i]), <, f->keys.n_shards);
    g_assert_cmpuint (weir_rank_of (f->numbers[i]), <, f->keys.n_ranks);
    g_assert_false (is_taken[at]);
    is_taken[at] = TRUE;
  }
}

static void
toggle (Fixture *f, guint i)
{
  if (f->numbers[i] != WEIR_NO_NUMBER) {
    weir_window_keys_remove (&f->keys, f->numbers[i]);
    f->numbers[i] = WEIR_NO_NUMBER;
    return;
  }
  f->numbers[i] = weir_window_keys_add (&f->keys, &f->made[i]);
  g_assert_cmpuint (f->numbers[i], !=, WEIR_NO_NUMBER);
  g_assert_cmpuint (weir_window_keys_add (&f->keys, &f->made[i]), ==, f->numbers[i]);
}

static void
come_and_go (guint n_shards, guint64 from, guint64 until)
{
  Fixture *f = g_new (Fixture, 1);

  set_up (f, n_shards, from, until);
  expect_found (f);
  for (guint round = 0; round < 12; round++) {
    guint most = round % 4 == 3 ? 10 : N_KEYS;

    for (guint i = 0; i < 2000; i++)
      toggle (f, below (most));
    expect_order (f);
    expect_found (f);
    expect_numbers_differ (f);
  }
  for (guint i = 0; i < N_KEYS; i++)
    if (f->numbers[i] != WEIR_NO_NUMBER)
      toggle (f, i);
  expect_order (f);
  tear_down (f);
}

static void
keys_come_and_go (void)
{
  come_and_go (1, 0, ALL_HASHES);
  come_and_go (60, 0, ALL_HASHES);
}

static void
keys_of_a_slice_come_and_go (void)
{
  come_and_go (3, (guint64) 7 << 24, (guint64) 8 << 24);
  come_and_go (64, (guint64) 255 << 24, ALL_HASHES);
}

static int
by_hash (const void *a, const void *b)
{
  const WeirKey *x = a, *y = b;

  return (x->hash > y->hash) - (x->hash < y->hash);
}

static void
keys_come_in_order (void)
{
  Fixture *f = g_new (Fixture, 1);

  set_up (f, 60, 0, ALL_HASHES);
  qsort (f->made, N_KEYS, sizeof f->made[0], by_hash);
  g_assert_true (weir_window_keys_reserve (&f->keys, N_KEYS));
  for (guint i = 0; i < N_KEYS; i++)
    toggle (f, i);
  expect_order (f);
  expect_found (f);
  tear_down (f);
}

static void
at_the_memory_limit_all_stays_as_it_was (void)
{
  Fixture *f = g_new (Fixture, 1);
  guint n_failed = 0;

  set_up (f, 60, 0, ALL_HASHES);
  for (guint i = 0; i < N_KEYS; i++) {
    weir_memory_set_limit (f->memory, weir_memory_used (f->memory));
    f->numbers[i] = weir_window_keys_add (&f->keys, &f->made[i]);
    weir_memory_set_limit (f->memory, G_MAXSIZE);
    if (f->numbers[i] != WEIR_NO_NUMBER)
      continue;
    n_failed++;
    g_assert_cmpuint (weir_window_keys_find (&f->keys, &f->made[i]), ==, WEIR_NO_NUMBER);
    toggle (f, i);
  }
  g_assert_cmpuint (n_failed, >, 0);
  expect_order (f);
  expect_found (f);
  tear_down (f);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/window-keys/keys_come_and_go", keys_come_and_go);
  g_test_add_func ("/window-keys/keys_of_a_slice_come_and_go", keys_of_a_slice_come_and_go);
  g_test_add_func ("/window-keys/keys_come_in_order", keys_come_in_order);
  g_test_add_func ("/window-keys/at_the_memory_limit_all_stays_as_it_was", at_the_memory_limit_all_stays_as_it_was);
  return g_test_run ();
}
