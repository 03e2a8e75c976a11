/* framing-fuzz.c: any bytes in any pieces give the records of a plain splitter.
 *
 * Input: five bytes that choose (framing, most bytes of a record, size of FIXED records, bytes of the first piece, most
 * bytes of the others), then the stream. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "tests/sources/naive-framing.h"

#define N_CHOICES 5
#define BLOCK     48

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
compare (const WeirFraming *framing, const char *data, gsize size, gsize first, gsize most)
{
  WeirMemory *memory = weir_memory_new (G_MAXSIZE);
  Cut naive = { 0 }, cut = { .records = g_string_new (NULL) };
  WeirFramer framer;

  naive_cut (&naive, framing, data, size);
  weir_framer_init (&framer, framing, memory, BLOCK);
  framer_feed (&framer, data, MIN (first, size), MAX (first, 1));
  framer_read (&framer, &cut, 3);
  framer_feed (&framer, data + MIN (first, size), size - MIN (first, size), most);
  cut.n_unfinished = weir_framer_finish (&framer);
  framer_read (&framer, &cut, WEIR_CHUNK_SIZE);
  g_assert_true (g_string_equal (cut.records, naive.records));
  g_assert_cmpuint (cut.n_too_long, ==, naive.n_too_long);
  g_assert_cmpuint (cut.n_unfinished, ==, naive.n_unfinished);
  weir_framer_clear (&framer);
  cut_clear (&naive);
  cut_clear (&cut);
  weir_memory_free (memory);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  WeirFraming framing = { 0 };

  if (size < N_CHOICES)
    return 0;
  framing.kind = (WeirFramingKind) (data[0] % 4);
  framing.text = data[0] >= 128;
  framing.delimiter = framing.kind == WEIR_FRAMING_LINES ? '\n' : (char) (data[0] / 4);
  framing.size = data[2] % 64 + 1u;
  framing.max_size = framing.kind == WEIR_FRAMING_FIXED ? framing.size : data[1];
  compare (&framing, (const char *) data + N_CHOICES, size - N_CHOICES, data[3], data[4] + 1u);
  return 0;
}
