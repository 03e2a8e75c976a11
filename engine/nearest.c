/* "Did you mean": edit distance between a mistyped word and the names that exist. Knows nothing of what the
 * names stand for. No state but the caller's struct; any thread.
 *
 * Distance: R. Wagner and M. Fischer, "The String-to-String Correction Problem", J. ACM 21 (1974), with the
 * swap of two neighbours counted as one edit (optimal string alignment). SPDX-License-Identifier: Apache-2.0
 */
#include "engine/nearest.h"

#include <string.h>

#define MAX_SIZE                                                                                                       \
  48 /* of a word that is compared at all: names are shorter, and input may be of any length                           \
      */

static guint
min3 (guint a, guint b, guint c)
{
  return MIN (MIN (a, b), c);
}

static gboolean
is_swap (const char *a, const char *b, gsize i, gsize j)
{
  return i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
}

static guint
distance (const char *a, gsize a_size, const char *b, gsize b_size)
{
  guint d[MAX_SIZE + 1][MAX_SIZE + 1];

  for (gsize i = 0; i <= a_size; i++)
    d[i][0] = i;
  for (gsize j = 0; j <= b_size; j++)
    d[0][j] = j;
  for (gsize i = 1; i <= a_size; i++) {
    for (gsize j = 1; j <= b_size; j++) {
      d[i][j] = min3 (d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
      if (is_swap (a, b, i, j))
        d[i][j] = MIN (d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a_size][b_size];
}

/* Whether one of the dotted parts of the candidate is the word: "interval" for batch.interval. */
static gboolean
is_part (const char *word, const char *candidate)
{
  g_auto (GStrv) parts = g_strsplit (candidate, ".", -1);
  return g_strv_contains ((const char *const *) parts, word);
}

void
weir_nearest_init (WeirNearest *nearest, const char *word)
{
  *nearest = (WeirNearest){ .word = word, .distance = G_MAXUINT };
}

/*
 * Keeps the candidate when it is nearer than those before and near enough: at most a third of the word's
 * letters differ (but one may always), or the word is one of the candidate's dotted parts. The first of
 * equals stays.
 */
void
weir_nearest_offer (WeirNearest *nearest, const char *candidate)
{
  gsize word_size = strlen (nearest->word), candidate_size = strlen (candidate);
  if (word_size == 0 || word_size > MAX_SIZE || candidate_size > MAX_SIZE)
    return;
  guint limit = MAX (1, word_size / 3);
  guint edits = distance (nearest->word, word_size, candidate, candidate_size);
  if (edits > limit && is_part (nearest->word, candidate))
    edits = limit;
  if (edits <= limit && edits < nearest->distance) {
    nearest->best = candidate;
    nearest->distance = edits;
  }
}
