/* Numbers with a unit, as people write them: 200ms, 1.5GB, 8.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

/* Largest factor first; a table ends with a NULL name. The unit "" is a number that stands alone. */
typedef struct {
  const char *name;
  gint64 factor;
} WeirUnit;

extern const WeirUnit weir_duration_units[]; /* h, m, s, ms, us; the value is in microseconds */
extern const WeirUnit weir_size_units[];     /* TB, GB, MB, KB, B or none, powers of 1024; the value is in bytes */
extern const WeirUnit weir_count_units[];    /* none */

typedef enum {
  WEIR_QUANTITY_OK,
  WEIR_QUANTITY_SYNTAX,    /* no number, a fraction where there can be none, or an unknown unit */
  WEIR_QUANTITY_NO_UNIT,   /* a number that needs a unit and has none */
  WEIR_QUANTITY_TOO_LARGE, /* fits in no gint64 */
} WeirQuantityResult;

WeirQuantityResult weir_quantity_parse (const WeirUnit *units, const char *text, gint64 *value);
char *weir_quantity_format (const WeirUnit *units, gint64 value);
