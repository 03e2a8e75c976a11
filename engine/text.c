/* Owns what is read out of a text: tokens, fields, numbers, C strings. No locale has a say in it. Must not know memory
 * other than weir_alloc(). Pure functions, any thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/task.h>

#include <string.h>

/* A double's exact decimal expansion is shorter; what is longer is no number that anyone wrote. */
#define FLOAT_TEXT_LIMIT 1100

static gboolean
is_text (WeirValue v)
{
  return v.kind == WEIR_TEXT || v.kind == WEIR_BYTES;
}

static inline gboolean
is_blank (char c)
{
  return c == ' ' || (guint8) (c - '\t') <= '\r' - '\t';
}

/* The bytes before the first blank: weir_text_span() for six separators, under the same rule about pages. */
static gsize
blank_span (const char *p, gsize size)
{
  gsize n = 0;

#ifdef WEIR_TEXT_SSE2
  for (; n < size; n += 16) {
    __m128i bytes, low;
    int found;

    if (G_UNLIKELY (((guintptr) (p + n) & 4095) > 4080 && size - n < 16))
      break;
    bytes = _mm_loadu_si128 ((const __m128i *) (p + n));
    low = _mm_sub_epi8 (bytes, _mm_set1_epi8 ('\t'));
    low = _mm_cmpeq_epi8 (_mm_min_epu8 (low, _mm_set1_epi8 ('\r' - '\t')), low);
    found = _mm_movemask_epi8 (_mm_or_si128 (low, _mm_cmpeq_epi8 (bytes, _mm_set1_epi8 (' '))));
    if (found != 0)
      return MIN (n + (gsize) __builtin_ctz ((unsigned) found), size);
  }
#endif
  while (n < size && !is_blank (p[n]))
    n++;
  return MIN (n, size);
}

static gsize
field_span (const char *p, gsize size, char separator)
{
  return separator == 0 ? blank_span (p, size) : weir_text_span (p, size, separator);
}

/**
 * weir_text_next_blank_token:
 * @rest: (inout): a TEXT or BYTES; becomes what follows the token and the blank behind it
 * @token: (out): the next token, as weir_text_next_token() has it; untouched at the end
 *
 * weir_text_next_token() with separator 0: tokens stand between ASCII blanks (space, \t, \n, \v, \f, \r), one or many.
 *
 * Any thread. Doesn't block.
 *
 * Returns: %FALSE when there is no token any more, or @rest is neither TEXT nor BYTES
 */
gboolean
weir_text_next_blank_token (WeirValue *rest, WeirValue *token)
{
  const char *p = rest->data, *end;
  gsize n;

  if (!is_text (*rest) || rest->size == 0)
    return FALSE;
  for (end = p + rest->size; p < end && is_blank (*p); p++)
    ;
  n = blank_span (p, (gsize) (end - p));
  if (n > 0) {
    *token = *rest;
    token->data = p;
    token->size = (guint32) n;
  }
  p += n;
  p += p < end; /* the blank itself */
  rest->data = p;
  rest->size = (guint32) (end - p);
  return n > 0;
}

/**
 * weir_text_field:
 * @text: a TEXT or BYTES
 * @separator: the byte between fields; 0 = any one ASCII blank
 * @index: counts from 0
 * @field: (out): the field, of the same kind; it points into @text, and lives as long as that does. Untouched on %FALSE
 *
 * Takes one field out of a line. Empty fields count: "a,,b" has three, and an empty text has one, which is empty.
 * Nothing is copied. The time is that of reading up to the field.
 *
 * Any thread. Doesn't block.
 *
 * Returns: %FALSE when there are fewer fields, or @text is neither TEXT nor BYTES
 */
gboolean
weir_text_field (WeirValue text, char separator, gsize index, WeirValue *field)
{
  const char *p = text.data;
  gsize size = text.size, n;

  if (!is_text (text))
    return FALSE;
  for (n = field_span (p, size, separator); index > 0; index--) {
    if (n == size)
      return FALSE;
    p += n + 1;
    size -= n + 1;
    n = field_span (p, size, separator);
  }
  *field = text;
  field->data = p;
  field->size = (guint32) n;
  return TRUE;
}

/**
 * weir_parse_int:
 * @text: a TEXT or BYTES
 * @value: (out): the number; untouched on %FALSE
 *
 * Reads a decimal number: a sign or none, then digits, then nothing. No blanks, no locale.
 *
 * Any thread. Doesn't block.
 *
 * Returns: %FALSE when the whole text is not one number, or the number is out of a gint64's range
 */
gboolean
weir_parse_int (WeirValue text, gint64 *value)
{
  const char *p = text.data, *end;
  gboolean negative = FALSE;
  gint64 sum = 0;

  if (!is_text (text) || text.size == 0)
    return FALSE;
  end = p + text.size;
  if (*p == '-' || *p == '+')
    negative = *p++ == '-';
  if (p == end)
    return FALSE;
  for (; p < end; p++) {
    gint64 digit = *p - '0';

    if (digit < 0 || digit > 9 || __builtin_mul_overflow (sum, (gint64) 10, &sum) ||
        __builtin_sub_overflow (sum, negative ? digit : -digit, &sum))
      return FALSE;
  }
  *value = sum;
  return TRUE;
}

/**
 * weir_parse_float:
 * @text: a TEXT or BYTES
 * @value: (out): the nearest double; untouched on %FALSE
 *
 * Reads a number as C's strtod() in the C locale: `1`, `-1.5e3`, `0x1p-2`, `NaN`, `Infinity`, so all that
 * weir_to_string() writes for a FLOAT or INT; what is too large becomes an infinity. No blanks, and no more than 1100
 * bytes.
 *
 * Any thread. Doesn't block.
 *
 * Returns: %FALSE when the whole text is not one number
 */
gboolean
weir_parse_float (WeirValue text, gdouble *value)
{
  char copy[FLOAT_TEXT_LIMIT + 1];
  gdouble number;
  char *end;

  if (!is_text (text) || text.size == 0 || text.size > FLOAT_TEXT_LIMIT || is_blank (text.data[0]))
    return FALSE;
  memcpy (copy, text.data, text.size);
  copy[text.size] = '\0';
  number = g_ascii_strtod (copy, &end);
  if (end != copy + text.size)
    return FALSE;
  *value = number;
  return TRUE;
}

/**
 * weir_cstr:
 * @task: the task whose memory the copy is made in
 * @text: a TEXT or BYTES
 *
 * Copies a text and ends it with a NUL, for C libraries. A NUL inside the text stays there: to C the string ends at it.
 *
 * Called from user functions, on the thread of @task. Doesn't block.
 *
 * Returns: (transfer none): a string in task memory; an empty one when @text is neither TEXT nor BYTES, or when the
 * task has no memory left, and then the batch fails
 */
const char *
weir_cstr (WeirTask *task, WeirValue text)
{
  char *copy;

  g_return_val_if_fail (task != NULL, "");

  if (!is_text (text) || text.size == 0)
    return "";
  copy = weir_alloc (task, (gsize) text.size + 1);
  if (copy == NULL)
    return "";
  memcpy (copy, text.data, text.size);
  copy[text.size] = '\0';
  return copy;
}
