/* framing-test.c: bytes that arrive in any pieces become the records that a plain splitter sees.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/error.h>

#include "tests/sources/naive-framing.h"

#define BLOCK 64 /* small, so that every record meets the end of a block */

static const WeirFraming lines = { .kind = WEIR_FRAMING_LINES, .delimiter = '\n', .max_size = 40, .text = TRUE };
static const WeirFraming zeros = { .kind = WEIR_FRAMING_DELIMITER, .delimiter = '\0', .max_size = 40 };
static const WeirFraming threes = { .kind = WEIR_FRAMING_FIXED, .size = 3, .max_size = 3 };
static const WeirFraming frames = { .kind = WEIR_FRAMING_LENGTH32, .max_size = 40 };

/* Feeds @data in pieces: the first of @first bytes, the others of at most @most; compares with the plain way. */
static void
check (const WeirFraming *framing, const char *data, gsize size, gsize first, gsize most, guint capacity)
{
  WeirMemory *memory = weir_memory_new (G_MAXSIZE);
  Cut naive = { 0 }, cut = { .records = g_string_new (NULL) };
  WeirFramer framer;

  naive_cut (&naive, framing, data, size);
  weir_framer_init (&framer, framing, memory, BLOCK);
  framer_feed (&framer, data, first, first);
  framer_read (&framer, &cut, capacity);
  framer_feed (&framer, data + first, size - first, most);
  cut.n_unfinished = weir_framer_finish (&framer);
  framer_read (&framer, &cut, capacity);
  g_assert_cmpstr (cut.records->str, ==, naive.records->str);
  g_assert_true (g_string_equal (cut.records, naive.records));
  g_assert_cmpuint (cut.n_too_long, ==, naive.n_too_long);
  g_assert_cmpuint (cut.n_unfinished, ==, naive.n_unfinished);
  weir_framer_clear (&framer);
  cut_clear (&naive);
  cut_clear (&cut);
  weir_memory_free (memory);
}

static void
check_all_splits (const WeirFraming *framing, const char *data, gsize size)
{
  for (gsize first = 0; first <= size; first++)
    for (gsize most = 1; most <= size; most = most * 2 + 1)
      check (framing, data, size, first, most, 1 + (guint) (first % 5));
}

static void
test_lines_split_anywhere (void)
{
  static const char data[] = "one\ntwo\r\n\n\r\nthree three three\rx\r\r\n"
                             "a line that is much too long for forty bytes, as can be seen\n"
                             "exactly forty bytes, which is just good.\r\n"
                             "a NUL \0 passes\n"
                             "\xff not UTF-8\nfor\xc3\xaat\nunfinished";

  check_all_splits (&lines, data, sizeof data - 1);
  check_all_splits (&lines, data, sizeof data - 11);
}

static void
test_a_terminator_split_between_cr_and_lf (void)
{
  check (&lines, "ab\r\ncd", 6, 3, 6, 10);
  check (&lines, "ab\r\n", 4, 3, 1, 10);
}

static void
test_other_framings_split_anywhere (void)
{
  static const char text[] = "one\0two\0\0a record that is too long, more than forty bytes\0last";
  static const char framed[] = "\0\0\0\3abc\0\0\0\0\0\0\0\1x\0\0\0\51" /* 41 */
                               "0123456789012345678901234567890123456789X"
                               "\0\0\0\50" /* 40 */
                               "0123456789012345678901234567890123456789\0\0\0\5four";

  check_all_splits (&zeros, text, sizeof text - 1);
  check_all_splits (&threes, text, sizeof text - 1);
  check_all_splits (&frames, framed, sizeof framed - 1);
}

static void
test_a_length_beyond_the_stream_is_skipped (void)
{
  check (&frames, "GET / HTTP/1.0\r\n\r\n", 18, 7, 3, 10);
  check (&frames, "\0\0\0", 3, 1, 1, 10);
}

static void
test_random_bytes_in_random_pieces (void)
{
  const WeirFraming *all[] = { &lines, &zeros, &threes, &frames };
  char data[700];

  for (guint round = 0; round < 2000; round++) {
    gsize size = (gsize) g_test_rand_int_range (0, sizeof data);

    for (gsize i = 0; i < size; i++)
      data[i] = "\n\r\0\0\0\5ax"[g_test_rand_int_range (0, 8)];
    check (all[round % 4], data, size, (gsize) g_test_rand_int_range (0, (gint32) size + 1),
           (gsize) g_test_rand_int_range (1, 200), (guint) g_test_rand_int_range (1, WEIR_CHUNK_SIZE + 1));
  }
}

static void
test_a_line_of_100_mb_takes_no_memory (void)
{
  const WeirFraming framing = { .kind = WEIR_FRAMING_LINES, .delimiter = '\n', .max_size = 1024 * 1024, .text = TRUE };
  gsize piece = 1024 * 1024;
  g_autofree char *data = g_malloc (piece);
  WeirMemory *memory = weir_memory_new (G_MAXSIZE);
  Cut cut = { .records = g_string_new (NULL) };
  WeirFramer framer;

  memset (data, 'x', piece);
  weir_framer_init (&framer, &framing, memory, WEIR_FRAMER_BLOCK);
  framer_feed (&framer, "before\n", 7, 7);
  for (guint i = 0; i < 100; i++)
    framer_feed (&framer, data, piece, piece);
  framer_feed (&framer, "\nafter\n", 7, 7);
  g_assert_cmpuint (weir_memory_peak (memory), <, 8 * piece);
  framer_read (&framer, &cut, 10);
  g_assert_cmpstr (cut.records->str, ==, "6:before;5:after;");
  g_assert_cmpuint (cut.n_too_long, ==, 1);
  weir_framer_clear (&framer);
  cut_clear (&cut);
  weir_memory_free (memory);
}

static void
test_a_long_line_below_the_limit_is_whole (void)
{
  const WeirFraming framing = { .kind = WEIR_FRAMING_LINES, .delimiter = '\n', .max_size = 5000000, .text = TRUE };
  g_autofree char *data = g_malloc (5000001);

  memset (data, 'x', 5000000);
  data[5000000] = '\n';
  check (&framing, data, 5000001, 1, 100000, 3);
}

static void
test_without_memory_there_is_no_room_and_nothing_is_lost (void)
{
  WeirMemory *memory = weir_memory_new (WEIR_BLOCK_MIN);
  Cut cut = { .records = g_string_new (NULL) };
  WeirFramer framer;
  gsize size;
  char *at;

  weir_framer_init (&framer, &lines, memory, BLOCK);
  framer_feed (&framer, "0123456789012345678901234567890123456789012345678901234567\nabcd", 63, 63);
  g_assert_false (weir_framer_room (&framer, &at, &size));
  weir_memory_set_limit (memory, G_MAXSIZE);
  framer_feed (&framer, "ef\n", 3, 1);
  framer_read (&framer, &cut, 10);
  g_assert_cmpstr (cut.records->str, ==, "6:abcdef;");
  g_assert_cmpuint (cut.n_too_long, ==, 1);
  weir_framer_clear (&framer);
  cut_clear (&cut);
  weir_memory_free (memory);
}

static void
test_a_stream_that_breaks_off_loses_only_what_was_unfinished (void)
{
  WeirMemory *memory = weir_memory_new (G_MAXSIZE);
  Cut cut = { .records = g_string_new (NULL) };
  WeirFramer framer;

  weir_framer_init (&framer, &lines, memory, BLOCK);
  framer_feed (&framer, "whole\npart", 10, 3);
  g_assert_cmpuint (weir_framer_pending (&framer), ==, 4);
  g_assert_cmpuint (weir_framer_drop (&framer), ==, 4);
  framer_feed (&framer, "next\n", 5, 5);
  framer_read (&framer, &cut, 10);
  g_assert_cmpstr (cut.records->str, ==, "5:whole;4:next;");
  weir_framer_clear (&framer);
  cut_clear (&cut);
  weir_memory_free (memory);
}

static void
test_a_stolen_range_stays_while_its_block_is_filled_further (void)
{
  WeirMemory *memory = weir_memory_new (G_MAXSIZE);
  WeirFramer framer;
  gsize n_bytes;
  GArray *first, *second;

  weir_framer_init (&framer, &lines, memory, BLOCK);
  framer_feed (&framer, "one\ntw", 6, 6);
  first = weir_framer_steal (&framer, &n_bytes);
  g_assert_cmpuint (n_bytes, ==, 4);
  framer_feed (&framer, "o\nthree\n", 8, 2);
  second = weir_framer_steal (&framer, &n_bytes);
  g_assert_cmpuint (n_bytes, ==, 10);
  g_assert_cmpuint (first->len, ==, 1);
  g_assert_cmpuint (second->len, ==, 1);
  g_assert_true (g_array_index (first, WeirRange, 0).block == g_array_index (second, WeirRange, 0).block);
  weir_framer_clear (&framer);
  g_assert_cmpint (memcmp (g_array_index (first, WeirRange, 0).from, "one\ntwo\nthree\n", 14), ==, 0);
  g_array_unref (first);
  g_array_unref (second);
  weir_memory_free (memory);
}

static void
assert_mistake (WeirFraming framing, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_framing_resolve (&framing, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_framings_that_cannot_be (void)
{
  WeirFraming good = { .kind = WEIR_FRAMING_LINES };
  g_autoptr (GError) error = NULL;

  assert_mistake ((WeirFraming){ .kind = WEIR_FRAMING_FIXED }, "size");
  assert_mistake ((WeirFraming){ .kind = WEIR_FRAMING_FIXED, .size = 10, .max_size = 9 }, "max_size");
  assert_mistake ((WeirFraming){ .kind = WEIR_FRAMING_LENGTH32, .max_size = G_MAXUINT32 }, "1 GB");
  assert_mistake ((WeirFraming){ .kind = (WeirFramingKind) 17 }, "kind");
  g_assert_true (weir_framing_resolve (&good, &error));
  g_assert_no_error (error);
  g_assert_true (good.text);
  g_assert_cmpint (good.delimiter, ==, '\n');
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/framing/lines-split-anywhere", test_lines_split_anywhere);
  g_test_add_func ("/framing/a-terminator-split-between-cr-and-lf", test_a_terminator_split_between_cr_and_lf);
  g_test_add_func ("/framing/other-framings-split-anywhere", test_other_framings_split_anywhere);
  g_test_add_func ("/framing/a-length-beyond-the-stream-is-skipped", test_a_length_beyond_the_stream_is_skipped);
  g_test_add_func ("/framing/random-bytes-in-random-pieces", test_random_bytes_in_random_pieces);
  g_test_add_func ("/framing/a-line-of-100-mb-takes-no-memory", test_a_line_of_100_mb_takes_no_memory);
  g_test_add_func ("/framing/a-long-line-below-the-limit-is-whole", test_a_long_line_below_the_limit_is_whole);
  g_test_add_func ("/framing/without-memory-there-is-no-room",
                   test_without_memory_there_is_no_room_and_nothing_is_lost);
  g_test_add_func ("/framing/a-stream-that-breaks-off", test_a_stream_that_breaks_off_loses_only_what_was_unfinished);
  g_test_add_func ("/framing/a-stolen-range-stays", test_a_stolen_range_stays_while_its_block_is_filled_further);
  g_test_add_func ("/framing/framings-that-cannot-be", test_framings_that_cannot_be);
  return g_test_run ();
}
