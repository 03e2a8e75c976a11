/* Tests of sources/file-reader: wherever a file is divided, its records come once, whole and in order; what cannot be read
 * is told by name.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "engine/options.h"
#include "tests/sinks/scratch.h"
#include "tests/sources/piece-run.h"

#define KB ((gsize) 1024)
#define MB (1024 * KB)

typedef struct {
  Scratch scratch;
  char *path;
  GRand *random;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  scratch_init (&f->scratch);
  f->path = scratch_path (&f->scratch, "file");
  f->random = g_rand_new_with_seed (17);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  scratch_clear (&f->scratch);
  g_rand_free (f->random);
  g_free (f->path);
}

static void
write_file (const Fixture *f, const char *data, gsize size)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (f->path, data, (gssize) size, &error);
  g_assert_no_error (error);
}

/* All pieces of a file, divided at @bounds, against the whole cut in the plainest way. */
static void
compare (const Fixture *f, const WeirFraming *framing, const GString *content, const GArray *bounds)
{
  g_autoptr (GString) all = g_string_new (NULL);
  guint64 n_too_long = 0;
  Cut whole = { 0 };

  naive_cut (&whole, framing, content->str, content->len);
  for (guint i = 0; i + 1 < bounds->len; i++) {
    const WeirFilePiece piece = { .path = f->path,
                                  .from = g_array_index (bounds, guint64, i),
                                  .until = g_array_index (bounds, guint64, i + 1),
                                  .size = content->len };
    PieceRun run = { .piece = &piece, .framing = framing, .keeps = i % 2 };

    if (piece.from == piece.until && piece.size > 0)
      continue; /* there are none */
    piece_run (&run);
    g_assert_no_error (run.error);
    g_string_append_len (all, run.records->str, (gssize) run.records->len);
    n_too_long += run.n_too_long;
    piece_run_clear (&run);
  }
  g_assert_cmpmem (all->str, all->len, whole.records->str, whole.records->len);
  g_assert_cmpuint (n_too_long, ==, whole.n_too_long);
  cut_clear (&whole);
}

static GArray *
bounds_new (guint64 size)
{
  GArray *bounds = g_array_new (FALSE, FALSE, sizeof (guint64));
  guint64 from = 0;

  g_array_append_val (bounds, from);
  g_array_append_val (bounds, size);
  return bounds;
}

static void
lines_come_once_wherever_a_file_is_divided (Fixture *f, gconstpointer data)
{
  static const char *const contents[] = {
    "", "\n", "a", "a\n", "\n\n\n", "ab\ncd\n", "ab\ncd", "\r\na\r\n", "abcdef\n\ng", "\n\nab", "abcdefghij\nk\nlm"
  };
  static const WeirFraming framings[] = {
    { .kind = WEIR_FRAMING_LINES, .delimiter = '\n', .max_size = 8, .text = TRUE },
    { .kind = WEIR_FRAMING_DELIMITER, .delimiter = 'b', .max_size = 8 }
  };

  for (guint i = 0; i < G_N_ELEMENTS (contents) * G_N_ELEMENTS (framings); i++) {
    g_autoptr (GString) content = g_string_new (contents[i / 2]);

    write_file (f, content->str, content->len);
    for (guint64 a = 0; a <= content->len; a++)
      for (guint64 b = a; b <= content->len; b++) {
        g_autoptr (GArray) bounds = bounds_new (content->len);

        g_array_insert_val (bounds, 1, b);
        g_array_insert_val (bounds, 1, a);
        compare (f, &framings[i % 2], content, bounds);
      }
  }
}

/* Lines of any length up to some blocks, some of them too long. */
static GString *
random_lines (Fixture *f, gsize size, gsize most)
{
  GString *content = g_string_new (NULL);

  while (content->len < size) {
    gsize n = (gsize) g_rand_int_range (f->random, 0, g_rand_int_range (f->random, 0, 10) == 0 ? (gint) most : 100);

    for (gsize i = 0; i < n; i++)
      g_string_append_c (content, (char) g_rand_int_range (f->random, 'a', 'z'));
    g_string_append (content, g_rand_boolean (f->random) ? "\n" : "\r\n");
  }
  g_string_append (content, "the last");
  return content;
}

static void
lines_of_any_length_come_once_in_any_pieces (Fixture *f, gconstpointer data)
{
  const WeirFraming framing = { .kind = WEIR_FRAMING_LINES, .delimiter = '\n', .max_size = 600 * KB, .text = TRUE };

  for (guint round = 0; round < 4; round++) {
    g_autoptr (GString) content = random_lines (f, 6 * MB, MB);
    g_autoptr (GArray) bounds = bounds_new (content->len);
    guint64 at = 0;

    write_file (f, content->str, content->len);
    while ((at += (guint64) g_rand_int_range (f->random, 1, 2 * MB)) < content->len)
      g_array_insert_val (bounds, bounds->len - 1, at);
    compare (f, &framing, content, bounds);
  }
}

static void
records_of_one_size_and_with_lengths_come_whole (Fixture *f, gconstpointer data)
{
  const WeirFraming fixed = { .kind = WEIR_FRAMING_FIXED, .size = 7, .max_size = 7 };
  const WeirFraming lengths = { .kind = WEIR_FRAMING_LENGTH32, .max_size = MB };
  g_autoptr (GString) content = g_string_new (NULL);
  g_autoptr (GArray) bounds = NULL;
  guint64 middle;

  for (guint i = 0; content->len < 3 * MB; i++) {
    guint32 size = GUINT32_TO_BE (i % 5000);

    g_string_append_len (content, (const char *) &size, sizeof size);
    for (guint k = 0; k < i % 5000; k++)
      g_string_append_c (content, (char) (i + k));
  }
  write_file (f, content->str, content->len);
  bounds = bounds_new (content->len);
  compare (f, &lengths, content, bounds);
  middle = content->len / 14 * 7;
  g_array_insert_val (bounds, 1, middle);
  compare (f, &fixed, content, bounds);
}

static void
what_is_no_whole_record_at_the_end_is_counted (Fixture *f, gconstpointer data)
{
  const WeirFraming fixed = { .kind = WEIR_FRAMING_FIXED, .size = 4, .max_size = 4 };
  const WeirFilePiece piece = { .path = f->path, .until = 10, .size = 10 };
  PieceRun run = { .piece = &piece, .framing = &fixed };

  write_file (f, "onceabcdxy", 10);
  piece_run (&run);
  g_assert_cmpstr (run.records->str, ==, "4:once;4:abcd;");
  g_assert_cmpuint (run.n_unfinished, ==, 1);
  piece_run_clear (&run);
}

static void
memory_does_not_grow_with_the_file (Fixture *f, gconstpointer data)
{
  const WeirFraming framing = { .kind = WEIR_FRAMING_LINES, .delimiter = '\n', .max_size = MB, .text = TRUE };
  g_autoptr (GString) content = random_lines (f, 8 * MB, 100);
  const WeirFilePiece piece = { .path = f->path, .until = content->len, .size = content->len };
  PieceRun run = { .piece = &piece, .framing = &framing };
  Cut whole = { 0 };

  write_file (f, content->str, content->len);
  naive_cut (&whole, &framing, content->str, content->len);
  piece_run (&run);
  g_assert_cmpmem (run.records->str, run.records->len, whole.records->str, whole.records->len);
  g_assert_cmpuint (run.n_peak, <, MB);
  piece_run_clear (&run);
  run.keeps = TRUE;
  piece_run (&run);
  g_assert_cmpmem (run.records->str, run.records->len, whole.records->str, whole.records->len);
  g_assert_cmpuint (run.n_peak, <, content->len * 5 / 4);
  piece_run_clear (&run);
  run.memory_limit = 2 * MB;
  piece_run (&run);
  g_assert_error (run.error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT);
  piece_run_clear (&run);
  cut_clear (&whole);
}

static void
a_small_file_that_is_kept_takes_little_memory (Fixture *f, gconstpointer data)
{
  const WeirFraming framing = { .kind = WEIR_FRAMING_LINES, .delimiter = '\n', .max_size = MB, .text = TRUE };
  const WeirFilePiece piece = { .path = f->path, .until = 11, .size = 11 };
  PieceRun run = { .piece = &piece, .framing = &framing, .keeps = TRUE };

  write_file (f, "one\ntwo\nsix", 11);
  piece_run (&run);
  g_assert_cmpstr (run.records->str, ==, "3:one;3:two;3:six;");
  g_assert_cmpuint (run.n_peak, <, 64 * KB);
  piece_run_clear (&run);
}

static void
fails (const WeirFilePiece *piece, gint code, const char *fragment)
{
  const WeirFraming framing = { .kind = WEIR_FRAMING_LINES, .delimiter = '\n', .max_size = KB, .text = TRUE };
  PieceRun run = { .piece = piece, .framing = &framing };

  piece_run (&run);
  g_assert_error (run.error, WEIR_ERROR, code);
  g_assert_nonnull (strstr (run.error->message, piece->path));
  g_assert_nonnull (strstr (run.error->message, fragment));
  piece_run_clear (&run);
}

static void
a_file_that_is_not_as_it_was_is_named (Fixture *f, gconstpointer data)
{
  const WeirFilePiece missing = { .path = "/nowhere/at/all", .until = 3, .size = 3 };
  const WeirFilePiece folder = { .path = f->scratch.path, .until = 3, .size = 3 };
  const WeirFilePiece shorter = { .path = f->path, .until = 8, .size = 8 };

  write_file (f, "a\nb\n", 4);
  fails (&missing, WEIR_ERROR_DATA_LOSS, "has gone");
  fails (&folder, WEIR_ERROR_SOURCE, "at byte 0: Is a directory");
  fails (&shorter, WEIR_ERROR_DATA_LOSS, "ends at byte 4, and had 8 bytes");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/file-reader/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (lines_come_once_wherever_a_file_is_divided);
  ADD (lines_of_any_length_come_once_in_any_pieces);
  ADD (records_of_one_size_and_with_lengths_come_whole);
  ADD (what_is_no_whole_record_at_the_end_is_counted);
  ADD (memory_does_not_grow_with_the_file);
  ADD (a_small_file_that_is_kept_takes_little_memory);
  ADD (a_file_that_is_not_as_it_was_is_named);
  return g_test_run ();
}
