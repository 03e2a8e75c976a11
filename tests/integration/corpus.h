/* A text to count, and the plain count of it: one loop and one hash table, to hold a job's results against.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

/* Lines of words between blanks, of very unequal frequency; some lines are empty, some end with CRLF. The same seed
 * gives the same text. */
GString *corpus_new (guint32 seed, gsize size);

/* Word -> count. */
GHashTable *corpus_count (const char *text, gsize size);

/* Counts as text, sorted: "a 1\nb 2\n". */
char *corpus_text (GHashTable *counts);
gint64 corpus_sum (GHashTable *counts);

/* Word -> count, kept in a table of gint64s. */
GHashTable *corpus_table_new (void);
void corpus_add (GHashTable *counts, const char *word, gsize size, gint64 n);
