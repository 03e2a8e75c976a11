/* Tokens of a text, found sixteen bytes at a time where the machine can, inline because jobs spend their time
 * here. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/value-access.h>

/* A 16-byte load may read past a text but never past the page that it begins in, so it cannot fault.
 * Sanitizers see the text's bounds and not the page's, hence the plain loop under them. */
#if defined(__SSE2__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#if defined(__has_feature)
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer) && !__has_feature(memory_sanitizer)
#define WEIR_TEXT_SSE2 1
#endif
#else
#define WEIR_TEXT_SSE2 1
#endif
#endif

#ifdef WEIR_TEXT_SSE2
#include <emmintrin.h>
#endif

G_BEGIN_DECLS

WEIR_API gboolean weir_text_next_blank_token (WeirValue *rest, WeirValue *token);

inline gsize
weir_text_span (const char *p, gsize size, char separator)
{
  gsize n = 0;

#ifdef WEIR_TEXT_SSE2
  const __m128i wanted = _mm_set1_epi8 (separator);

  for (; n < size; n += 16) {
    const char *at = p + n;
    int found;

    if (G_UNLIKELY (((guintptr) at & 4095) > 4080 && size - n < 16))
      break;
    __asm__("" : "+r"(at)); /* compilers warn of what they see of the text's bounds */
    found = _mm_movemask_epi8 (_mm_cmpeq_epi8 (_mm_loadu_si128 ((const __m128i *) at), wanted));
    if (found != 0) {
      n += (gsize) __builtin_ctz ((unsigned) found);
      if (G_LIKELY (n < size))
        return n;
      __asm__(""); /* keeps the branch: with a conditional move, where the next token begins would wait for `size` */
      return size;
    }
  }
#endif
  while (n < size && p[n] != separator)
    n++;
  return MIN (n, size);
}

inline gboolean
weir_text_next_token (WeirValue *rest, char separator, WeirValue *token)
{
  const char *p = rest->data;
  gsize size = rest->size, n;

  if (G_UNLIKELY (separator == 0 || (rest->kind != WEIR_TEXT && rest->kind != WEIR_BYTES))) {
    WeirValue blank_rest = *rest, blank_token = *rest; /* so that the caller's own can stay in registers */
    gboolean found = weir_text_next_blank_token (&blank_rest, &blank_token);

    *rest = blank_rest;
    if (found)
      *token = blank_token;
    return found;
  }
  while (size > 0 && *p == separator) {
    p++;
    size--;
  }
  if (size == 0) {
    rest->data = p;
    rest->size = 0;
    return FALSE;
  }
  n = weir_text_span (p, size, separator);
  *token = WEIR_VALUE_INIT (data, p, (guint32) n, rest->kind, rest->flags);
  if (G_LIKELY (n < size))
    n++; /* the separator itself */
  else
    __asm__(""); /* see weir_text_span () */
  rest->data = p + n;
  rest->size = (guint32) (size - n);
  return TRUE;
}

G_END_DECLS
