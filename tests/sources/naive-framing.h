/* The plainest way to cut a stream of bytes into records, for tests to compare with; and a framer fed in pieces.
 *
 * Belongs to one test, one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <string.h>

#include "engine/chunk.h"
#include "sources/framing.h"

/* Records as "size:bytes;" in a row, so that two ways of cutting are compared as one string. */
typedef struct {
  GString *records;
  guint64 n_too_long;
  gsize n_unfinished; /* bytes */
} Cut;

static inline void
cut_add (Cut *cut, const char *data, gsize size, gsize max_size)
{
  if (size > max_size) {
    cut->n_too_long++;
    return;
  }
  g_string_append_printf (cut->records, "%" G_GSIZE_FORMAT ":", size);
  g_string_append_len (cut->records, data, (gssize) size);
  g_string_append_c (cut->records, ';');
}

static inline void
naive_delimited (Cut *cut, const WeirFraming *framing, const char *data, gsize size)
{
  while (size > 0) {
    const char *found = memchr (data, framing->delimiter, size);
    gsize n = found != NULL ? (gsize) (found - data) : size;
    gboolean has_cr = framing->kind == WEIR_FRAMING_LINES && n > 0 && data[n - 1] == '\r';

    cut_add (cut, data, n - has_cr, framing->max_size);
    n += found != NULL;
    data += n;
    size -= n;
  }
}

static inline void
naive_sized (Cut *cut, const WeirFraming *framing, const char *data, gsize size)
{
  gsize header = framing->kind == WEIR_FRAMING_LENGTH32 ? 4 : 0;

  while (size >= MAX (header, 1)) {
    const guint8 *p = (const guint8 *) data;
    gsize n = framing->size;

    if (header > 0)
      n = (gsize) p[0] << 24 | (gsize) p[1] << 16 | (gsize) p[2] << 8 | p[3];
    if (size - header < n) {
      /* What is too long is known by its length; otherwise it is unfinished. */
      cut->n_too_long += n > framing->max_size;
      cut->n_unfinished = n > framing->max_size ? 0 : size;
      return;
    }
    cut_add (cut, data + header, n, framing->max_size);
    data += header + n;
    size -= header + n;
  }
  cut->n_unfinished = size;
}

static inline void
naive_cut (Cut *cut, const WeirFraming *framing, const char *data, gsize size)
{
  cut->records = g_string_new (NULL);
  if (framing->kind <= WEIR_FRAMING_DELIMITER)
    naive_delimited (cut, framing, data, size);
  else
    naive_sized (cut, framing, data, size);
}

static inline void
cut_clear (Cut *cut)
{
  g_string_free (cut->records, TRUE);
  *cut = (Cut){ 0 };
}

/* Receives @size bytes, the room's limit or @most at a time. */
static inline void
framer_feed (WeirFramer *framer, const char *data, gsize size, gsize most)
{
  while (size > 0) {
    gsize room;
    char *at;

    if (!weir_framer_room (framer, &at, &room))
      g_error ("no memory for a block");
    room = MIN (MIN (room, most), size);
    memcpy (at, data, room);
    weir_framer_took (framer, room);
    data += room;
    size -= room;
  }
}

/* Reads what is complete, @capacity records at a time, and lets go of it. */
static inline void
framer_read (WeirFramer *framer, Cut *cut, guint capacity)
{
  gsize n_bytes, seen = 0;
  GArray *ranges = weir_framer_steal (framer, &n_bytes);
  WeirFramingTally tally = { 0 };
  WeirValue values[WEIR_CHUNK_SIZE];

  for (guint i = 0; i < ranges->len; i++) {
    const WeirRange *range = &g_array_index (ranges, WeirRange, i);
    const char *at = range->from;

    seen += (gsize) (range->to - range->from);
    while (at < range->to) {
      guint n = weir_framing_read (framer->framing, &at, range->to, values, capacity, &tally);

      for (guint k = 0; k < n; k++)
        cut_add (cut, values[k].data, values[k].size, framer->framing->max_size);
    }
  }
  g_assert_cmpuint (seen, ==, n_bytes);
  cut->n_too_long += tally.n_too_long + framer->n_too_long;
  framer->n_too_long = 0;
  g_array_unref (ranges);
}
