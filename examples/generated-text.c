/* See generated-text.h. SPDX-License-Identifier: Apache-2.0 */
#include "examples/generated-text.h"

/* The most frequent first. */
static const char *const vocabulary[GENERATED_TEXT_WORDS] = {
  "the",     "water",  "of",     "river",  "and",    "weir",   "a",      "to",      "in",      "stream",
  "flows",   "over",   "bank",   "rain",   "slowly", "fish",   "stone",  "mill",    "down",    "from",
  "lake",    "level",  "under",  "bridge", "cold",   "wide",   "rises",  "salmon",  "gravel",  "reed",
  "current", "falls",  "spring", "wheel",  "autumn", "delta",  "deep",   "eddy",    "heron",   "ford",
  "gauge",   "sluice", "otter",  "silt",   "rapids", "meadow", "willow", "basin",   "brook",   "tide",
  "marsh",   "barge",  "canal",  "lock",   "source", "mouth",  "flood",  "drought", "estuary", "meander",
};

void
generated_text_init (GeneratedText *text, guint64 seed)
{
  double sum = 0;

  for (gsize i = 0; i < G_N_ELEMENTS (vocabulary); i++)
    text->cumulative[i] = sum += 1.0 / (double) (i + 1);
  for (gsize i = 0; i < G_N_ELEMENTS (vocabulary); i++)
    text->cumulative[i] /= sum;
  text->state = seed * G_GUINT64_CONSTANT (0x9e3779b97f4a7c15) + 1;
}

/* xorshift64*, see Marsaglia, "Xorshift RNGs", 2003. */
static guint64
text_random (GeneratedText *text)
{
  text->state ^= text->state >> 12;
  text->state ^= text->state << 25;
  text->state ^= text->state >> 27;
  return text->state * G_GUINT64_CONSTANT (0x2545f4914f6cdd1d);
}

static const char *
text_word (GeneratedText *text)
{
  double point = (double) (text_random (text) >> 11) / (double) (G_GUINT64_CONSTANT (1) << 53);
  gsize i = 0;

  while (i + 1 < G_N_ELEMENTS (vocabulary) && text->cumulative[i] <= point)
    i++;
  return vocabulary[i];
}

guint
generated_text_append_line (GeneratedText *text, GString *out)
{
  guint n_words = 5 + (guint) (text_random (text) % 11);

  for (guint i = 0; i < n_words; i++) {
    if (i > 0)
      g_string_append_c (out, ' ');
    g_string_append (out, text_word (text));
  }
  g_string_append_c (out, '\n');
  return n_words;
}
