/* What the user's functions of the map-and-filter row do, the same code for weir and for the reference loop.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <stddef.h>
#include <string.h>

/* map: the line without its first word; the size of what is left */
static inline size_t
bench_drop_first_word (const char **text, size_t size)
{
  const char *blank = memchr (*text, ' ', size);

  if (blank == NULL)
    return size;
  size -= (size_t) (blank + 1 - *text);
  *text = blank + 1;
  return size;
}

/* filter: about half of the texts end in a letter up to m */
static inline int
bench_ends_in_first_half (const char *text, size_t size)
{
  return size > 0 && text[size - 1] <= 'm';
}
