/* A folder of the test's own, and what is in it. Belongs to one test.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

typedef struct {
  char *path;
} Scratch;

void scratch_init (Scratch *scratch);
void scratch_clear (Scratch *scratch); /* removes it and all that is in it */

/* Paths are below the folder; NULL is the folder itself. */
char *scratch_path (const Scratch *scratch, const char *below);
void scratch_write (const Scratch *scratch, const char *below, const char *text);
void scratch_mkdir (const Scratch *scratch, const char *below);
void
scratch_expect_names (const Scratch *scratch, const char *below, const char *names); /* "a b", sorted, hidden too */
void scratch_expect_text (const Scratch *scratch, const char *below, const char *text);
gboolean scratch_exists (const Scratch *scratch, const char *below);
