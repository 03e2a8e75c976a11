/* Owns nothing. Must not know weir: what it counts is the yardstick of what weir counts. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/integration/corpus.h"

#include <string.h>

#define N_WORDS 4000

/* The cube of an even number makes small ranks frequent. Some words are longer than a table's slot, some not ASCII. */
static void
append_word (GString *text, GRand *rand)
{
  gdouble even = g_rand_double (rand);
  guint rank = (guint) (even * even * even * N_WORDS);

  if (rank % 100 == 99)
    g_string_append_printf (text, "a-word-of-rank-%u-that-is-much-too-long-to-be-kept-in-place", rank);
  else if (rank % 50 == 25)
    g_string_append_printf (text, "größe%u", rank);
  else
    g_string_append_printf (text, "w%u", rank);
}

static void
append_line (GString *text, GRand *rand)
{
  guint n_words = (guint) g_rand_int_range (rand, 0, 16);

  for (guint i = 0; i < n_words; i++) {
    g_string_append (text, i % 5 == 3 ? "  " : " ");
    append_word (text, rand);
  }
  g_string_append (text, n_words == 7 ? "\r\n" : "\n");
}

GString *
corpus_new (guint32 seed, gsize size)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
  GString *text = g_string_sized_new (size + 1024);

  while (text->len < size)
    append_line (text, rand);
  return text;
}

GHashTable *
corpus_table_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

void
corpus_add (GHashTable *counts, const char *word, gsize size, gint64 n)
{
  g_autofree char *key = g_strndup (word, size);
  gint64 *count = g_hash_table_lookup (counts, key);

  if (count == NULL) {
    count = g_new0 (gint64, 1);
    g_hash_table_insert (counts, g_steal_pointer (&key), count);
  }
  *count += n;
}

GHashTable *
corpus_count (const char *text, gsize size)
{
  GHashTable *counts = corpus_table_new ();
  const char *word = NULL;

  for (const char *at = text; at <= text + size; at++) {
    gboolean is_between = at == text + size || strchr (" \r\n", *at) != NULL;

    if (is_between && word != NULL)
      corpus_add (counts, word, (gsize) (at - word), 1);
    if (is_between)
      word = NULL;
    else if (word == NULL)
      word = at;
  }
  return counts;
}

char *
corpus_text (GHashTable *counts)
{
  g_autoptr (GList) words = g_list_sort (g_hash_table_get_keys (counts), (GCompareFunc) strcmp);
  GString *text = g_string_new (NULL);

  for (GList *word = words; word != NULL; word = word->next)
    g_string_append_printf (text, "%s %" G_GINT64_FORMAT "\n", (const char *) word->data,
                            *(const gint64 *) g_hash_table_lookup (counts, word->data));
  return g_string_free (text, FALSE);
}

gint64
corpus_sum (GHashTable *counts)
{
  GHashTableIter iter;
  gpointer count;
  gint64 sum = 0;

  g_hash_table_iter_init (&iter, counts);
  while (g_hash_table_iter_next (&iter, NULL, &count))
    sum += *(const gint64 *) count;
  return sum;
}
