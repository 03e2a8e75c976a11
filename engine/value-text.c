/* Owns how values are written for people and files. No locale has a say in it. Must not know sinks. Pure functions, any
 * thread; writing recurses as deep as a value is nested.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/value-text.h"

#include <math.h>
#include <string.h>

gsize
weir_format_int (gint64 i, char out[WEIR_INT_TEXT_MAX])
{
  guint64 rest = i < 0 ? -(guint64) i : (guint64) i;
  char digits[WEIR_INT_TEXT_MAX];
  char *end = digits + sizeof digits, *p = end;

  do {
    *--p = (char) ('0' + rest % 10);
    rest /= 10;
  } while (rest > 0);
  if (i < 0)
    *--p = '-';
  memcpy (out, p, (gsize) (end - p));
  return (gsize) (end - p);
}

/* The fewest digits that read back as `f` (finite, not 0), as "d.ddde+XX". Up to 15 digits survive the way through a
 * normal double, so 15 without trailing zeros is the shortest there; a subnormal has fewer. */
static void
shortest_digits (gdouble f, char out[WEIR_FLOAT_TEXT_MAX])
{
  gint decimals = fabs (f) < G_MINDOUBLE ? 0 : 14;

  for (; decimals <= 16; decimals++) {
    char format[8] = "%.16e";

    g_snprintf (format, sizeof format, "%%.%de", decimals);
    g_ascii_formatd (out, WEIR_FLOAT_TEXT_MAX, format, f);
    if (g_ascii_strtod (out, NULL) == f)
      return;
  }
}

/* Puts the point behind `n_before` of the digits, which may be more or fewer than there are. At least one digit
 * stands on both sides. */
static gsize
place_point (const char *digits, gint n_digits, gint n_before, char *out)
{
  char *p = out;

  if (n_before <= 0)
    *p++ = '0';
  for (gint i = 0; i < n_before; i++)
    *p++ = i < n_digits ? digits[i] : '0';
  *p++ = '.';
  for (gint i = n_before; i < 0; i++)
    *p++ = '0';
  for (gint i = MAX (n_before, 0); i < n_digits; i++)
    *p++ = digits[i];
  if (n_digits <= n_before)
    *p++ = '0';
  return (gsize) (p - out);
}

static gsize
format_positive (gdouble f, char *out)
{
  char text[WEIR_FLOAT_TEXT_MAX], digits[WEIR_FLOAT_TEXT_MAX];
  gint n_digits = 0, exponent;
  gsize n;

  shortest_digits (f, text);
  exponent = (gint) g_ascii_strtoll (strchr (text, 'e') + 1, NULL, 10);
  for (const char *p = text; *p != 'e'; p++)
    if (g_ascii_isdigit (*p))
      digits[n_digits++] = *p;
  while (n_digits > 1 && digits[n_digits - 1] == '0')
    n_digits--;
  if (f >= 1e-3 && f < 1e7)
    return place_point (digits, n_digits, exponent + 1, out);
  n = place_point (digits, n_digits, 1, out);
  out[n++] = 'E';
  return n + weir_format_int (exponent, out + n);
}

static gsize
format_whole (gint64 i, char *out)
{
  gsize n = weir_format_int (i, out);

  out[n++] = '.';
  out[n++] = '0';
  return n;
}

gsize
weir_format_float (gdouble f, char out[WEIR_FLOAT_TEXT_MAX])
{
  gsize n = 0;

  if (f != f)
    return g_strlcpy (out, "NaN", WEIR_FLOAT_TEXT_MAX);
  if (signbit (f))
    out[n++] = '-';
  f = fabs (f);
  if (isinf (f))
    return n + g_strlcpy (out + n, "Infinity", WEIR_FLOAT_TEXT_MAX - n);
  n += f < 1e7 && f == (gdouble) (gint64) f ? format_whole ((gint64) f, out + n) : format_positive (f, out + n);
  out[n] = '\0';
  return n;
}

static void
append_bytes (GString *out, WeirValue v)
{
  static const char hex[] = "0123456789abcdef";
  gsize start = out->len + 2;
  char *p;

  g_string_append (out, "0x");
  g_string_set_size (out, start + 2 * (gsize) v.size);
  p = out->str + start;
  for (guint32 i = 0; i < v.size; i++) {
    *p++ = hex[(guint8) v.data[i] >> 4];
    *p++ = hex[v.data[i] & 15];
  }
}

static void
append_list (GString *out, WeirValue v)
{
  g_string_append_c (out, '[');
  for (guint32 i = 0; i < v.size; i++) {
    if (i > 0)
      g_string_append_c (out, ',');
    weir_append_to_string (out, v.cells[i]);
  }
  g_string_append_c (out, ']');
}

static void
append_pair (GString *out, WeirValue v)
{
  g_string_append_c (out, '(');
  weir_append_to_string (out, v.cells[0]);
  g_string_append_c (out, ',');
  weir_append_to_string (out, v.cells[1]);
  g_string_append_c (out, ')');
}

static void
append_number (GString *out, WeirValue v)
{
  char text[WEIR_FLOAT_TEXT_MAX];
  gsize n = v.kind == WEIR_INT ? weir_format_int (v.integer, text) : weir_format_float (v.number, text);

  g_string_append_len (out, text, (gssize) n);
}

void
weir_append_to_string (GString *out, WeirValue v)
{
  switch (weir_kind (v)) {
  case WEIR_NIL:
    g_string_append (out, "null");
    break;
  case WEIR_BOOL:
    g_string_append (out, v.integer ? "true" : "false");
    break;
  case WEIR_INT:
  case WEIR_FLOAT:
    append_number (out, v);
    break;
  case WEIR_TEXT:
    g_string_append_len (out, weir_data (v), v.size);
    break;
  case WEIR_BYTES:
    append_bytes (out, v);
    break;
  case WEIR_PAIR:
    append_pair (out, v);
    break;
  case WEIR_LIST:
    append_list (out, v);
    break;
  }
}

/**
 * weir_to_string:
 * @v: any value
 *
 * Writes a value as Spark's print() would: `null`, `true`, `42`, `1.5`, `hello`, `(hello,1)`, `[1,2]`; BYTES as
 * `0x0a0b`. A FLOAT has the fewest digits that read back as the same number, and a point even where it is whole, so
 * that it can be told from an INT: `1.0`, `1.0E7` from ten millions on, `1.0E-4` below a thousandth, `NaN`,
 * `-Infinity`.
 *
 * A TEXT is written as it is, without quotes: commas, control characters, invalid UTF-8 and NULs too, so that what was
 * written cannot always be read back; weir_encode() is for that. With a NUL inside, the string seems to end there.
 *
 * Any thread. Recurses as deep as @v is nested.
 *
 * Returns: (transfer full): a NUL-terminated string, to be freed with g_free()
 */
char *
weir_to_string (WeirValue v)
{
  GString *out = g_string_sized_new (v.kind == WEIR_TEXT ? v.size : 32);

  weir_append_to_string (out, v);
  return g_string_free (out, FALSE);
}
