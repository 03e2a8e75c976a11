/* Word indexes: a dataset of the context by key, where each key is an INT of its own, all values are single words of one
 * kind, and neither keys nor values are further apart than 2^32. A fifth of a key index's size: a cache line holds eight
 * pairs.
 *
 * Made once, on the runner, then read by any worker. Datasets that are not like that have a key index (key-index.h).
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/dataset.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define WEIR_WORD_LINE 8

/* Keys and values less the least ones. Every place holds a pair of the dataset; where a line has fewer than eight, pairs are
 * there again: a search needs to know of no empty places. A line that had no room for all keys that belong to it has its
 * first two keys in descending order, others have not. */
typedef struct {
  guint32 keys[WEIR_WORD_LINE], words[WEIR_WORD_LINE];
} WeirWordLine;

typedef struct {
  const WeirWordLine *lines;
  guint64 n_lines;
  guint64 least_key, least_word;
  WeirValue like; /* a value: all have its kind */
  WeirBlock *block;
} WeirWordIndex;

/* The word index of a dataset of the context, made if there is none yet. NULL: there cannot be one. */
const WeirWordIndex *weir_word_index_of (WeirDataset *dataset);

/* @offset: of the key from the least one. Keys in sequence are spread evenly; where others crowd, there is no index. */
static inline const WeirWordLine *
weir_word_index_home (const WeirWordIndex *index, guint64 offset)
{
  return &index->lines[(offset * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) >> 32) * index->n_lines >> 32];
}

/* Bits for places that have the key, two for each. */
static inline guint
weir_word_line_match (const WeirWordLine *line, guint32 key)
{
#ifdef __SSE2__
  const __m128i *keys = (const __m128i *) line->keys, wanted = _mm_set1_epi32 ((gint32) key);

  return (guint) _mm_movemask_epi8 (
      _mm_packs_epi32 (_mm_cmpeq_epi32 (keys[0], wanted), _mm_cmpeq_epi32 (keys[1], wanted)));
#else
  guint match = 0;

  for (guint i = 0; i < WEIR_WORD_LINE; i++)
    match |= (line->keys[i] == key) * 3u << 2 * i;
  return match;
#endif
}

#define WEIR_WORD_LINE_LAST (3u << 2 * (WEIR_WORD_LINE - 1))

/* The first of those places. @match: not 0 */
static inline guint
weir_word_line_place (guint match)
{
  return (guint) __builtin_ctz (match) / 2;
}

static inline gboolean
weir_word_line_has_spilled (const WeirWordLine *line)
{
  return line->keys[0] > line->keys[1];
}

/* FALSE: there is no such key. */
static inline gboolean
weir_word_index_find (const WeirWordIndex *index, guint64 key, guint64 *word)
{
  const guint64 offset = key - index->least_key;
  const WeirWordLine *line = weir_word_index_home (index, offset), *end = index->lines + index->n_lines;
  guint match;

  if (offset > G_MAXUINT32)
    return FALSE;
  for (;;) {
    match = weir_word_line_match (line, (guint32) offset);
    if (match != 0)
      break;
    if (!weir_word_line_has_spilled (line))
      return FALSE;
    line = line + 1 < end ? line + 1 : index->lines;
  }
  *word = index->least_word + line->words[weir_word_line_place (match)];
  return TRUE;
}
