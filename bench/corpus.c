/* Generates the benchmarks' text. Owns the corpus's memory, which comes from mmap so that no allocator under test
 * has a hand in it; must not know who walks it. One thread; the result is read-only afterwards.
 *
 * Only integers and IEEE divisions decide what is drawn: the bytes do not depend on a C library's exp or log.
 *
 * A word's length grows with the logarithm of its rank, as in real text: the commonest have two to six letters, the
 * rarest about eleven, three in a thousand of the text's words are longer than sixteen. Over the text the mean is 6.8
 * letters.
 *
 * About 10 million distinct words: with a = 1 a text of 61 million words from a vocabulary of V words holds the word
 * of rank r at least once with probability 1 - exp (-c / r), c = 61 million / ln V. Summed over all ranks that is
 * 10 million for V = 41 million. So MANY is the same Zipf law over 41 million ranks: the first 100,000 as in ZIPF,
 * the rest drawn from buckets of neighbouring ranks (1 % wide, uniform inside, where Zipf is flat) and spelled from
 * the rank by a bijection, so that no table of 41 million words is needed.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
  VOCABULARY = 100000,
  VOCABULARY_FEW = 10,
  RANKS_MANY = 41000000,
  MAX_BUCKETS = 1024,
  LONGEST_WORD = 31,
  SHORTEST_LINE = 5,
  LINE_SPREAD = 11,
  LONGEST_LINE = 16 * (LONGEST_WORD + 1),
  TAIL_LETTERS = 6
};

static const uint32_t TAIL_WORDS = 308915776;  /* 26 to the power of TAIL_LETTERS */
static const uint32_t TAIL_STRIDE = 190924453; /* coprime to 26: neighbouring ranks look nothing alike */

typedef struct {
  char text[LONGEST_WORD];
  uint8_t size;
} Word;

/* One column of Walker's alias table: the upper half of a draw picks the column, the lower half decides. */
typedef struct {
  uint32_t threshold;
  uint32_t alias;
} Column;

typedef struct {
  uint64_t random;
  Word *words;
  uint32_t n_words;
  uint32_t bucket_start[MAX_BUCKETS + 1]; /* ranks of the tail, from VOCABULARY on */
  uint32_t n_buckets;
  Column *columns; /* words, then buckets */
  uint32_t n_columns;
} Source;

/* splitmix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014) */
static inline uint64_t
draw (Source *s)
{
  uint64_t z = (s->random += 0x9e3779b97f4a7c15u);

  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static inline uint32_t
draw_below (Source *s, uint32_t n)
{
  return (uint32_t) (((draw (s) >> 32) * n) >> 32);
}

static void *
map_memory (size_t size)
{
  void *p = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (p == MAP_FAILED) {
    fprintf (stderr, "cannot map %zu bytes for the corpus; use a smaller --bytes\n", size);
    exit (1);
  }
  return p;
}

static void *
allocate (size_t n, size_t size)
{
  void *p = calloc (n, size);

  if (p == NULL)
    abort ();
  return p;
}

/* log2 in 1/1024, linear between powers of two */
static uint32_t
log2_1024 (uint32_t n)
{
  uint32_t whole = 31 - (uint32_t) __builtin_clz (n);

  return whole * 1024 + (uint32_t) ((((uint64_t) n << 10) >> whole) - 1024);
}

static uint32_t
word_length (Source *s, uint32_t rank)
{
  /* 2.5 to 11 letters from the first rank to the last, and -4 to +5 around that */
  uint32_t mean = 2300 + 8500 * log2_1024 (rank) / log2_1024 (s->n_words);
  int length = (int) ((mean + 512) / 1024);

  length += (int) (draw_below (s, 4) + draw_below (s, 4) + draw_below (s, 4)) - 4;
  if (rank > 100 && draw_below (s, 64) == 0)
    length += (int) draw_below (s, 12);
  return length < 2 ? 2 : length > LONGEST_WORD ? LONGEST_WORD : (uint32_t) length;
}

static void
spell_word (Source *s, Word *word, uint32_t size)
{
  /* letters about as often as in English */
  static const char letters[65] = "eeeeeeeetttttaaaaaoooooiiiiinnnnnsssshhhhrrrrddllluucmwfgypbvkjz";

  memset (word, 0, sizeof *word);
  for (uint32_t i = 0; i < size; i++)
    word->text[i] = letters[draw_below (s, 64)];
  word->size = (uint8_t) size;
}

static uint32_t
word_slot (const uint32_t *seen, const Word *words, const Word *word, uint32_t mask)
{
  uint64_t hash = 14695981039346656037u;
  uint32_t slot;

  for (uint32_t i = 0; i < word->size; i++)
    hash = (hash ^ (uint8_t) word->text[i]) * 1099511628211u;
  slot = (uint32_t) (hash >> 32) & mask;
  while (seen[slot] != 0 && memcmp (&words[seen[slot] - 1], word, sizeof *word) != 0)
    slot = (slot + 1) & mask;
  return slot;
}

/* The vocabulary by rank; no word twice: one that is taken is drawn again, longer after a few tries. */
static void
make_words (Source *s, uint32_t n)
{
  uint32_t mask = 1, slot;
  uint32_t *seen;

  while (mask < 4 * n)
    mask *= 2;
  seen = allocate (mask--, sizeof *seen);
  s->words = allocate (n, sizeof *s->words);
  s->n_words = n;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t size = word_length (s, i + 1), tries = 0;

    do {
      spell_word (s, &s->words[i], size + tries / 8 < LONGEST_WORD ? size + tries / 8 : LONGEST_WORD);
      slot = word_slot (seen, s->words, &s->words[i], mask);
      tries++;
    } while (seen[slot] != 0);
    seen[slot] = i + 1;
  }
  free (seen);
}

static void
make_buckets (Source *s)
{
  uint32_t rank = VOCABULARY;

  while (rank < RANKS_MANY) {
    s->bucket_start[s->n_buckets++] = rank;
    rank += rank / 100;
  }
  s->bucket_start[s->n_buckets] = RANKS_MANY;
}

static double
column_weight (const Source *s, uint32_t column)
{
  uint32_t from, to;

  if (column < s->n_words)
    return 1.0 / (column + 1.0);
  from = s->bucket_start[column - s->n_words];
  to = s->bucket_start[column - s->n_words + 1];
  return 2.0 * (to - from) / ((double) from + to);
}

/* Vose's method (A linear algorithm for generating random numbers with a given distribution, 1991): the columns that
 * are too low stand at the front of `order`, those that are too high at its end. */
static void
make_columns (Source *s)
{
  uint32_t n = s->n_words + s->n_buckets, low = 0, high = n;
  double total = 0, *weight = allocate (n, sizeof *weight);
  uint32_t *order = allocate (n, sizeof *order);

  s->columns = allocate (n, sizeof *s->columns);
  s->n_columns = n;
  for (uint32_t i = 0; i < n; i++)
    total += column_weight (s, i);
  for (uint32_t i = 0; i < n; i++) {
    weight[i] = column_weight (s, i) * n / total;
    order[weight[i] < 1 ? low++ : --high] = i;
    s->columns[i] = (Column){ UINT32_MAX, i };
  }
  for (uint32_t next = 0; next < low && high < n; next++) {
    uint32_t donor = order[high], poor = order[next];

    s->columns[poor] = (Column){ (uint32_t) (weight[poor] * UINT32_MAX), donor };
    weight[donor] -= 1 - weight[poor];
    if (weight[donor] < 1)
      order[low++] = order[high++];
  }
  free (weight);
  free (order);
}

static void
source_init (Source *s, BenchCorpusKind kind, uint64_t seed)
{
  memset (s, 0, sizeof *s);
  s->random = seed;
  make_words (s, kind == BENCH_CORPUS_FEW ? VOCABULARY_FEW : VOCABULARY);
  if (kind == BENCH_CORPUS_MANY)
    make_buckets (s);
  make_columns (s);
}

static void
source_clear (Source *s)
{
  free (s->words);
  free (s->columns);
}

static uint32_t
write_tail_word (Source *s, char *to, uint32_t bucket)
{
  uint32_t from = s->bucket_start[bucket];
  uint32_t rank = from + draw_below (s, s->bucket_start[bucket + 1] - from);
  uint32_t code = (uint32_t) ((uint64_t) rank * TAIL_STRIDE % TAIL_WORDS), mix = code * 0x9e3779b1u;
  uint32_t size = TAIL_LETTERS + (mix >> 30) + (mix >> 28 & 1);

  for (uint32_t i = 0; i < size; i++, code = i == TAIL_LETTERS ? mix : code / 26)
    to[i] = (char) ('a' + code % 26);
  return size;
}

static inline uint32_t
write_word (Source *s, char *to)
{
  uint64_t random = draw (s);
  uint32_t column = (uint32_t) (((random >> 32) * s->n_columns) >> 32);

  if ((uint32_t) random > s->columns[column].threshold)
    column = s->columns[column].alias;
  if (__builtin_expect (column >= s->n_words, 0))
    return write_tail_word (s, to, column - s->n_words);
  memcpy (to, &s->words[column], sizeof (Word));
  return s->words[column].size;
}

/* 5-15 words, a blank between two, a line feed at the end; returns the size with it */
static size_t
write_line (Source *s, char *to, uint64_t *n_words)
{
  uint32_t n = SHORTEST_LINE + draw_below (s, LINE_SPREAD);
  char *p = to;

  *n_words += n;
  while (n-- > 0) {
    p += write_word (s, p);
    *p++ = ' ';
  }
  p[-1] = '\n';
  return (size_t) (p - to);
}

/* words up to 100 bytes, the last one cut; never ends in a blank */
static size_t
write_fixed_line (Source *s, char *to, uint64_t *n_words)
{
  uint32_t size = 0;

  while (size < BENCH_CORPUS_FIXED_LINE) {
    size += write_word (s, to + size);
    to[size++] = ' ';
    ++*n_words;
  }
  if (to[BENCH_CORPUS_FIXED_LINE - 1] == ' ')
    to[BENCH_CORPUS_FIXED_LINE - 1] = 'e';
  to[BENCH_CORPUS_FIXED_LINE] = '\n';
  return BENCH_CORPUS_FIXED_LINE + 1;
}

static size_t
max_lines (BenchCorpusKind kind, size_t size)
{
  /* five words of one letter with their separators are the least that a line has */
  return size / (kind == BENCH_CORPUS_FIXED ? BENCH_CORPUS_FIXED_LINE + 1 : 2 * SHORTEST_LINE) + 1;
}

/* Whole lines until `size` is reached: the last line may pass it. */
BenchCorpus *
bench_corpus_new (BenchCorpusKind kind, size_t size, uint64_t seed)
{
  BenchCorpus *c = allocate (1, sizeof *c);
  Source *source = allocate (1, sizeof *source);

  source_init (source, kind, seed);
  c->map_size = size + LONGEST_LINE + BENCH_CORPUS_PADDING;
  c->lines_map_size = max_lines (kind, size) * sizeof *c->lines;
  c->data = map_memory (c->map_size);
  c->lines = map_memory (c->lines_map_size);
  while (c->size < size) {
    char *line = c->data + c->size;
    size_t n = kind == BENCH_CORPUS_FIXED ? write_fixed_line (source, line, &c->n_words)
                                          : write_line (source, line, &c->n_words);

    c->lines[c->n_lines++] = (BenchLine){ line, (uint32_t) n - 1, 0 };
    c->size += n;
  }
  memset (c->data + c->size, 0, LONGEST_WORD);
  source_clear (source);
  free (source);
  return c;
}

void
bench_corpus_free (BenchCorpus *c)
{
  munmap (c->data, c->map_size);
  munmap (c->lines, c->lines_map_size);
  free (c);
}

/* Returns 0 when there is no such kind. */
int
bench_corpus_kind_from_name (const char *name, BenchCorpusKind *kind)
{
  static const char *const names[] = { "zipf", "few", "many", "fixed" };

  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp (name, names[i]) == 0) {
      *kind = (BenchCorpusKind) i;
      return 1;
    }
  return 0;
}
