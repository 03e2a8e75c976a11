/* Lines of generated text: 5 to 15 words each, whose frequencies follow Zipf's law, as those of a language do: the second
 * one is half as frequent as the first, and so on. The same seed gives the same lines.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

#define GENERATED_TEXT_WORDS 60

typedef struct {
  double cumulative[GENERATED_TEXT_WORDS];
  guint64 state;
} GeneratedText;

void generated_text_init (GeneratedText *text, guint64 seed);
/* Appends a line and its end; how many words it has. */
guint generated_text_append_line (GeneratedText *text, GString *out);
