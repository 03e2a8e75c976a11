/* Hashing: the same words on every path, and hashes spread evenly in their top and in their low bits.
 * Must not know tables. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/hash.h"

#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define N_KEYS    100000
#define N_BUCKETS 256

static void
words_are_the_bytes_and_zeros (void)
{
  for (gsize n = 0; n <= WEIR_HASH_SHORT; n++) {
    char padded[16] = { 0 }, text[32];
    guint64 lo, hi, lo_bounded, hi_bounded;

    for (gsize i = 0; i < sizeof text; i++)
      text[i] = (char) (0x81 + 7 * i);
    memcpy (padded, text, n);
    weir_key_words (text, n, &lo, &hi);
    weir_key_words_bounded (text, n, &lo_bounded, &hi_bounded);
    g_assert_cmphex (lo, ==, weir_key_load (padded, 8));
    g_assert_cmphex (hi, ==, weir_key_load (padded + 8, 8));
    g_assert_cmphex (lo, ==, lo_bounded);
    g_assert_cmphex (hi, ==, hi_bounded);
  }
}

static void
words_at_the_end_of_a_page_stay_within_it (void)
{
  gsize page_size = (gsize) sysconf (_SC_PAGESIZE);
  char *page = mmap (NULL, 2 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  guint64 lo, hi, lo_bounded, hi_bounded;

  g_assert_true (page != MAP_FAILED);
  g_assert_cmpint (mprotect (page + page_size, page_size, PROT_NONE), ==, 0);
  memset (page, 'x', page_size);
  for (gsize n = 0; n <= WEIR_HASH_SHORT; n++) {
    weir_key_words (page + page_size - n, n, &lo, &hi);
    weir_key_words_bounded (page + page_size - n, n, &lo_bounded, &hi_bounded);
    g_assert_cmphex (lo, ==, lo_bounded);
    g_assert_cmphex (hi, ==, hi_bounded);
  }
  munmap (page, 2 * page_size);
  weir_key_words (NULL, 0, &lo, &hi);
  g_assert_cmphex (lo | hi, ==, 0);
}

static void
length_content_and_seed_change_the_hash (void)
{
  static const char zeros[40] = { 0 };
  g_autoptr (GHashTable) seen = g_hash_table_new (g_int64_hash, g_int64_equal);
  guint64 hashes[2][40];

  for (guint64 seed = 0; seed < 2; seed++)
    for (gsize n = 0; n < 40; n++) {
      hashes[seed][n] = weir_hash_bytes_seeded (zeros, n, seed);
      g_assert_true (g_hash_table_add (seen, &hashes[seed][n]));
    }
  g_assert_cmphex (weir_hash_bytes_seeded ("a", 1, 5), !=, weir_hash_bytes_seeded ("b", 1, 5));
}

static void
containers_hash_by_kind_order_and_shape (void)
{
  const WeirValue values[] = {
    weir_nil (),
    weir_list_at (NULL, 0),
    WEIR_LIST_OF (weir_nil ()),
    WEIR_LIST_OF (weir_nil (), weir_nil ()),
    WEIR_PAIR_OF (weir_nil (), weir_nil ()),
    WEIR_LIST_OF (weir_int (1), weir_int (2)),
    WEIR_LIST_OF (weir_int (2), weir_int (1)),
    WEIR_PAIR_OF (weir_int (1), weir_int (2)),
    WEIR_LIST_OF (WEIR_LIST_OF (weir_int (1)), weir_int (2)),
    WEIR_LIST_OF (weir_int (1), WEIR_LIST_OF (weir_int (2))),
    WEIR_LIST_OF (weir_float (1.0), weir_float (2.0)),
    weir_int (1),
    weir_bool (TRUE),
    weir_float (1.0),
    weir_int (0),
    weir_bool (FALSE),
    weir_float (0.0),
  };
  g_autoptr (GHashTable) seen = g_hash_table_new (g_int64_hash, g_int64_equal);
  guint64 hashes[G_N_ELEMENTS (values)];
  WeirSeed seed;

  weir_seed_init (&seed, 1);
  for (guint i = 0; i < G_N_ELEMENTS (values); i++) {
    hashes[i] = weir_hash_value (values[i], &seed);
    g_assert_true (g_hash_table_add (seen, &hashes[i]));
  }
}

static void
floats_that_are_equal_share_a_key (void)
{
  g_assert_cmphex (weir_float_key (-0.0), ==, weir_float_key (0.0));
  g_assert_cmphex (weir_float_key (NAN), ==, weir_float_key (-NAN));
  g_assert_cmphex (weir_float_key (1.0), !=, weir_float_key (-1.0));
}

typedef WeirValue (*KeyFunc) (guint64 i, char *buffer);

static WeirValue
numbered_word (guint64 i, char *buffer)
{
  return weir_text_n (buffer, (gsize) g_snprintf (buffer, 64, "a%" G_GUINT64_FORMAT, i + 1));
}

static WeirValue
short_word (guint64 i, char *buffer)
{
  gsize n = 0;

  for (; i > 0 || n == 0; i /= 26)
    buffer[n++] = (char) ('a' + i % 26);
  return weir_text_n (buffer, n);
}

static WeirValue
middle_word (guint64 i, char *buffer)
{
  return weir_text_n (buffer, (gsize) g_snprintf (buffer, 64, "user:%06" G_GUINT64_FORMAT ":id", i));
}

static WeirValue
long_word (guint64 i, char *buffer)
{
  return weir_text_n (buffer, (gsize) g_snprintf (buffer, 64, "https://example.org/page/%" G_GUINT64_FORMAT, i));
}

static WeirValue
whole_number (guint64 i, char *buffer)
{
  return weir_int ((gint64) i);
}

static WeirValue
aligned_number (guint64 i, char *buffer)
{
  return weir_int ((gint64) (i << 20));
}

static WeirValue
whole_float (guint64 i, char *buffer)
{
  return weir_float ((gdouble) i);
}

static WeirValue
tenth (guint64 i, char *buffer)
{
  return weir_float ((gdouble) i / 10);
}

static WeirValue
pair_of_ints (guint64 i, char *buffer)
{
  WeirValue *cells = (WeirValue *) buffer;

  cells[0] = weir_int ((gint64) (i / 300));
  cells[1] = weir_int ((gint64) (i % 300));
  return weir_pair_at (cells);
}

/* Chi-square of N_KEYS keys over the buckets that eight bits of the hash name. */
static gdouble
chi_square (KeyFunc key, guint shift, guint64 seed_value)
{
  gdouble expected = (gdouble) N_KEYS / N_BUCKETS, sum = 0.0;
  guint counts[N_BUCKETS] = { 0 };
  WeirSeed seed;

  weir_seed_init (&seed, seed_value);
  for (guint64 i = 0; i < N_KEYS; i++) {
    WeirValue buffer[4];

    counts[weir_hash_value (key (i, (char *) buffer), &seed) >> shift & (N_BUCKETS - 1)]++;
  }
  for (guint i = 0; i < N_BUCKETS; i++)
    sum += (counts[i] - expected) * (counts[i] - expected) / expected;
  return sum;
}

/* 255 degrees of freedom: a mean of 255, a deviation of 22.6. Keys in sequence may well be spread more evenly than
 * chance would; unevenly by six deviations they must not be, under any of the seeds. */
static void
bits_are_spread_evenly (gconstpointer user_data)
{
  KeyFunc key = *(const KeyFunc *) user_data;
  static const guint shifts[] = { 0, 8, 24, 32, 48, 56 };
  gdouble worst = 0.0;

  for (guint64 seed = 0; seed < 8; seed++)
    for (guint i = 0; i < G_N_ELEMENTS (shifts); i++)
      worst = MAX (worst, chi_square (key, shifts[i], seed));
  g_test_message ("worst chi-square %.0f", worst);
  g_assert_cmpfloat (worst, <, 255 + 6 * 22.6);
}

static gint
order_hashes (gconstpointer a, gconstpointer b)
{
  guint64 x = *(const guint64 *) a, y = *(const guint64 *) b;

  return (x > y) - (x < y);
}

static void
hashes_do_not_collide (gconstpointer user_data)
{
  KeyFunc key = *(const KeyFunc *) user_data;
  g_autofree guint64 *hashes = g_new (guint64, N_KEYS);
  WeirSeed seed;

  weir_seed_init (&seed, 0);
  for (guint64 i = 0; i < N_KEYS; i++) {
    WeirValue buffer[4];

    hashes[i] = weir_hash_value (key (i, (char *) buffer), &seed);
  }
  qsort (hashes, N_KEYS, sizeof *hashes, order_hashes);
  for (guint64 i = 1; i < N_KEYS; i++)
    g_assert_cmphex (hashes[i - 1], !=, hashes[i]);
}

static const struct {
  const char *name;
  KeyFunc key;
} key_sets[] = {
  { "numbered-words", numbered_word }, { "short-words", short_word },
  { "middle-words", middle_word },     { "long-words", long_word },
  { "whole-numbers", whole_number },   { "aligned-numbers", aligned_number },
  { "whole-floats", whole_float },     { "tenths", tenth },
  { "pairs", pair_of_ints },
};

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/hash/words-are-the-bytes-and-zeros", words_are_the_bytes_and_zeros);
  g_test_add_func ("/hash/words-at-the-end-of-a-page-stay-within-it", words_at_the_end_of_a_page_stay_within_it);
  g_test_add_func ("/hash/length-content-and-seed-change-the-hash", length_content_and_seed_change_the_hash);
  g_test_add_func ("/hash/containers-hash-by-kind-order-and-shape", containers_hash_by_kind_order_and_shape);
  g_test_add_func ("/hash/floats-that-are-equal-share-a-key", floats_that_are_equal_share_a_key);
  for (guint i = 0; i < G_N_ELEMENTS (key_sets); i++) {
    g_autofree char *even = g_strdup_printf ("/hash/bits-are-spread-evenly/%s", key_sets[i].name);
    g_autofree char *apart = g_strdup_printf ("/hash/hashes-do-not-collide/%s", key_sets[i].name);

    g_test_add_data_func (even, &key_sets[i].key, bits_are_spread_evenly);
    g_test_add_data_func (apart, &key_sets[i].key, hashes_do_not_collide);
  }
  return g_test_run ();
}
