/* Owns the making of word indexes: pairs go into the first line from their home on that has room, then lines are filled up.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/word-index.h"

#include <string.h>

#define CACHE_LINE   ((gsize) 64)
#define PAIRS_A_LINE 5  /* of eight: one key in forty spills into the next line */
#define MOST_LINES   32 /* that a key may be away from its home: else keys crowd */

typedef struct {
  gint64 least, most;
} Range;

typedef struct {
  WeirWordIndex *index;
  WeirWordLine *lines;
  guint8 *counts;  /* of pairs in a line */
  guint8 *spilled; /* lines had no room for a key */
  gsize n_pairs;
  Range keys, words;
} Making;

static void
index_free (gpointer data)
{
  WeirWordIndex *index = data;

  if (index->block != NULL)
    weir_block_unref (index->block);
  g_free (index);
}

static void
widen (Range *range, gint64 word)
{
  range->least = MIN (range->least, word);
  range->most = MAX (range->most, word);
}

static gboolean
is_narrow (const Range *range)
{
  return (guint64) range->most - (guint64) range->least <= G_MAXUINT32;
}

/* Pairs of an INT and a single word, all of one kind. */
static gboolean
look_at (const WeirChunk *chunk, gpointer data)
{
  Making *making = data;
  WeirValue *like = &making->index->like;

  for (guint i = 0; i < chunk->n; i++) {
    if (chunk->keys == NULL || chunk->keys[i].kind != WEIR_INT || chunk->values[i].kind > WEIR_FLOAT)
      return FALSE;
    if (making->n_pairs > 0 && chunk->values[i].kind != like->kind)
      return FALSE;
    *like = WEIR_VALUE_INIT (integer, 0, 0, chunk->values[i].kind, 0);
    widen (&making->keys, chunk->keys[i].integer);
    widen (&making->words, chunk->values[i].integer);
    making->n_pairs++;
  }
  return TRUE;
}

/* FALSE: the key is there already, or it would be far from home. */
static gboolean
place (Making *making, guint32 key, guint32 word)
{
  gsize at = (gsize) (weir_word_index_home (making->index, key) - making->lines);
  WeirWordLine *line = &making->lines[at];

  for (guint n = 0; making->counts[at] == WEIR_WORD_LINE; n++, line = &making->lines[at]) {
    if (n == MOST_LINES || weir_word_line_match (line, key) != 0)
      return FALSE;
    making->spilled[at] = TRUE;
    at = at + 1 < making->index->n_lines ? at + 1 : 0;
  }
  for (guint i = 0; i < making->counts[at]; i++)
    if (line->keys[i] == key)
      return FALSE;
  line->keys[making->counts[at]] = key;
  line->words[making->counts[at]++] = word;
  return TRUE;
}

static gboolean
place_pairs (const WeirChunk *chunk, gpointer data)
{
  Making *making = data;
  const WeirWordIndex *index = making->index;

  for (guint i = 0; i < chunk->n; i++)
    __builtin_prefetch (weir_word_index_home (index, chunk->keys[i].bits - index->least_key), 1);
  for (guint i = 0; i < chunk->n; i++)
    if (!place (making, (guint32) (chunk->keys[i].bits - index->least_key),
                (guint32) (chunk->values[i].bits - index->least_word)))
      return FALSE;
  return TRUE;
}

static void
swap_first (guint32 words[2])
{
  guint32 first = words[0];

  words[0] = words[1];
  words[1] = first;
}

/* @key, @word: a pair that is somewhere. */
static void
fill_line (WeirWordLine *line, guint n, gboolean has_spilled, guint32 key, guint32 word)
{
  for (; n < WEIR_WORD_LINE; n++) {
    line->keys[n] = key;
    line->words[n] = word;
  }
  if (weir_word_line_has_spilled (line) != has_spilled) {
    swap_first (line->keys);
    swap_first (line->words);
  }
}

static void
fill_lines (Making *making)
{
  guint32 key, word;
  gsize n = making->index->n_lines, i = 0;

  while (making->counts[i] == 0)
    i++;
  key = making->lines[i].keys[0];
  word = making->lines[i].words[0];
  for (i = 0; i < n; i++)
    fill_line (&making->lines[i], making->counts[i], making->spilled[i], key, word);
}

static gboolean
allocate (Making *making, WeirMemory *memory)
{
  WeirWordIndex *index = making->index;
  gsize n = making->n_pairs / PAIRS_A_LINE + 1;

  if (making->n_pairs == 0 || n > G_MAXUINT32 || !is_narrow (&making->keys) || !is_narrow (&making->words))
    return FALSE;
  index->block = weir_block_new (memory, n * sizeof (WeirWordLine) + CACHE_LINE);
  making->counts = g_try_malloc0 (2 * n);
  if (index->block == NULL || making->counts == NULL)
    return FALSE;
  making->spilled = making->counts + n;
  making->lines = (WeirWordLine *) (((guintptr) index->block->data + CACHE_LINE - 1) & ~(guintptr) (CACHE_LINE - 1));
  index->lines = making->lines;
  index->n_lines = n;
  index->least_key = (guint64) making->keys.least;
  index->least_word = (guint64) making->words.least;
  return TRUE;
}

static void
make (WeirWordIndex *index, const WeirDataset *dataset)
{
  const Range none = { G_MAXINT64, G_MININT64 };
  Making making = { .index = index, .keys = none, .words = none };

  if (weir_dataset_each_chunk (dataset, look_at, &making) && allocate (&making, dataset->partitions[0]->arena.memory) &&
      weir_dataset_each_chunk (dataset, place_pairs, &making))
    fill_lines (&making);
  else
    g_clear_pointer (&index->block, weir_block_unref);
  g_free (making.counts);
}

/* What cannot be made is not tried again. */
const WeirWordIndex *
weir_word_index_of (WeirDataset *dataset)
{
  WeirWordIndex *index = dataset->words;

  if (index == NULL) {
    dataset->words = index = g_new0 (WeirWordIndex, 1);
    dataset->words_free = index_free;
    make (index, dataset);
  }
  return index->block != NULL ? index : NULL;
}
