/* Reading and writing of numbers with a unit. Exact: integers all the way, no floating point, so that 1.5GB
 * is what it says. Independent of the locale. Knows nothing of options or ranges. No state; any thread.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/quantity.h"

#include <string.h>

#define MAX_DECIMALS 6 /* 10^6 times the largest factor, 2^40, fits in 64 bits */

const WeirUnit weir_duration_units[] = {
  { "h", G_GINT64_CONSTANT (3600000000) },
  { "m", 60000000 },
  { "s", 1000000 },
  { "ms", 1000 },
  { "us", 1 },
  { NULL, 0 },
};

const WeirUnit weir_size_units[] = {
  { "TB", G_GINT64_CONSTANT (1) << 40 },
  { "GB", 1 << 30 },
  { "MB", 1 << 20 },
  { "KB", 1 << 10 },
  { "B", 1 },
  { "", 1 },
  { NULL, 0 },
};

const WeirUnit weir_count_units[] = {
  { "", 1 },
  { NULL, 0 },
};

static const char *
skip_blanks (const char *p)
{
  while (*p == ' ' || *p == '\t')
    p++;
  return p;
}

/* A unit and nothing after it but blanks; letters of either case. */
static const WeirUnit *
find_unit (const WeirUnit *units, const char *p)
{
  gsize size = 0;
  while (g_ascii_isalpha (p[size]))
    size++;
  if (*skip_blanks (p + size) != '\0')
    return NULL;
  for (const WeirUnit *unit = units; unit->name != NULL; unit++)
    if (strlen (unit->name) == size && g_ascii_strncasecmp (unit->name, p, size) == 0)
      return unit;
  return NULL;
}

/* Digits; FALSE when they pass 64 bits. All of them are consumed either way. */
static gboolean
read_digits (const char **p, guint64 *number)
{
  gboolean fits = TRUE;
  *number = 0;
  for (; g_ascii_isdigit (**p); (*p)++)
    fits = fits && g_uint64_checked_mul (number, *number, 10) && g_uint64_checked_add (number, *number, **p - '0');
  return fits;
}

/* The fraction as a number of millionths. FALSE when there is no digit, or more of them than can be kept. */
static gboolean
read_decimals (const char **p, guint64 *millionths)
{
  const char *start = *p;
  read_digits (p, millionths);
  gsize n_digits = *p - start;
  if (n_digits == 0 || n_digits > MAX_DECIMALS)
    return FALSE;
  for (; n_digits < MAX_DECIMALS; n_digits++)
    *millionths *= 10;
  return TRUE;
}

/*
 * Reads all of @text: blanks, an optional minus sign, digits, an optional fraction of up to six digits, a
 * unit. What a fraction leaves below 1 is cut off. A unit of 1 takes no fraction. @value is set with
 * WEIR_QUANTITY_OK only.
 */
WeirQuantityResult
weir_quantity_parse (const WeirUnit *units, const char *text, gint64 *value)
{
  guint64 whole, millionths = 0;
  const char *p = skip_blanks (text);
  gboolean negative = *p == '-';
  p += negative;
  if (!g_ascii_isdigit (*p))
    return WEIR_QUANTITY_SYNTAX;
  gboolean fits = read_digits (&p, &whole);
  gboolean has_fraction = *p == '.';
  if (has_fraction && (p++, !read_decimals (&p, &millionths)))
    return WEIR_QUANTITY_SYNTAX;

  p = skip_blanks (p);
  const WeirUnit *unit = find_unit (units, p);
  if (unit == NULL)
    return *p == '\0' ? WEIR_QUANTITY_NO_UNIT : WEIR_QUANTITY_SYNTAX;
  if (has_fraction && unit->factor == 1)
    return WEIR_QUANTITY_SYNTAX;
  if (!fits || !g_uint64_checked_mul (&whole, whole, (guint64) unit->factor) ||
      !g_uint64_checked_add (&whole, whole, millionths * (guint64) unit->factor / 1000000) || whole > G_MAXINT64)
    return WEIR_QUANTITY_TOO_LARGE;
  *value = negative ? -(gint64) whole : (gint64) whole;
  return WEIR_QUANTITY_OK;
}

/* In the largest unit that needs no fraction: 1500ms, 64MB, 8. Transfer full; reads back as the same value.
 */
char *
weir_quantity_format (const WeirUnit *units, gint64 value)
{
  const WeirUnit *unit = units;
  while (unit->factor > 1 && (value == 0 || value % unit->factor != 0))
    unit++;
  return g_strdup_printf ("%" G_GINT64_FORMAT "%s", value / unit->factor, unit->name);
}
