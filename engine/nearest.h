/* The nearest of some names to a word that was mistyped.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

/* Embedded; set up by weir_nearest_init(), then fed one candidate at a time. The strings are borrowed. */
typedef struct {
  const char *word;
  const char *best; /* NULL while nothing is near enough */
  guint distance;   /* of best */
} WeirNearest;

void weir_nearest_init (WeirNearest *nearest, const char *word);
void weir_nearest_offer (WeirNearest *nearest, const char *candidate);
