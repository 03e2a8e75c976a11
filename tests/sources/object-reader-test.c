/* Tests of sources/object-reader: values come back as they were, and a file that was cut off or has one bit flipped is
 * never taken for a good one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/object-file.h"
#include "tests/sinks/scratch.h"
#include "tests/sources/piece-run.h"

typedef struct {
  Scratch scratch;
  char *path;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  scratch_init (&f->scratch);
  f->path = scratch_path (&f->scratch, "file");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  scratch_clear (&f->scratch);
  g_free (f->path);
}

static void
drain (WeirObjectWriter *writer, GByteArray *file)
{
  const GByteArray *block = weir_object_writer_seal (writer);

  g_byte_array_append (file, block->data, block->len);
  weir_object_writer_next (writer);
}

/* Blocks of @n_a_block values each, INTs and what else there is; @text: the same as a Cut has them. */
static GByteArray *
make_file (guint n, guint n_a_block, GString *text)
{
  GByteArray *file = g_byte_array_new ();
  PieceRun expected = { .records = text };
  WeirObjectWriter writer;

  weir_object_writer_init (&writer);
  for (guint i = 0; i < n; i++) {
    WeirValue cells[2] = { weir_text ("key"), weir_int (i) };
    WeirValue value = i % 3 == 0 ? weir_int (i) : i % 3 == 1 ? weir_text ("plain") : weir_pair_at (cells);

    g_assert_true (weir_object_writer_add (&writer, value));
    piece_run_add (&expected, value);
    if (writer.n == n_a_block)
      drain (&writer, file);
  }
  if (writer.n > 0)
    drain (&writer, file);
  drain (&writer, file);
  weir_object_writer_clear (&writer);
  return file;
}

static gboolean
read_file (const Fixture *f, const guint8 *data, gsize size, PieceRun *run)
{
  WeirFilePiece piece = { .path = f->path, .until = size, .size = size };
  g_autoptr (GError) error = NULL;

  g_file_set_contents_full (f->path, (const char *) data, (gssize) size, G_FILE_SET_CONTENTS_NONE, 0600, &error);
  g_assert_no_error (error);
  *run = (PieceRun){ .piece = &piece };
  piece_run (run);
  if (run->error != NULL)
    g_assert_error (run->error, WEIR_ERROR, WEIR_ERROR_SOURCE);
  return run->error == NULL;
}

static void
values_come_back_as_they_were (Fixture *f, gconstpointer data)
{
  static const guint sizes[] = { 0, 1, 2, 100, 5000 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (GString) text = g_string_new (NULL);
    g_autoptr (GByteArray) file = make_file (sizes[i], 700, text);
    PieceRun run;

    g_assert_true (read_file (f, file->data, file->len, &run));
    g_assert_cmpstr (run.records->str, ==, text->str);
    piece_run_clear (&run);
  }
}

static void
a_file_that_was_cut_off_anywhere_is_told (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GByteArray) file = make_file (9, 4, text);

  for (gsize size = 0; size < file->len; size++) {
    PieceRun run;

    g_assert_false (read_file (f, file->data, size, &run));
    g_assert_nonnull (strstr (run.error->message, "cut off"));
    g_assert_nonnull (strstr (run.error->message, f->path));
    piece_run_clear (&run);
  }
}

static void
one_flipped_bit_anywhere_is_told (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GByteArray) file = make_file (9, 4, text);

  for (gsize bit = 0; bit < 8 * file->len; bit++) {
    PieceRun run;

    file->data[bit / 8] ^= (guint8) (1 << bit % 8);
    g_assert_false (read_file (f, file->data, file->len, &run));
    file->data[bit / 8] ^= (guint8) (1 << bit % 8);
    piece_run_clear (&run);
  }
}

static void
refused (const Fixture *f, const GByteArray *file, const char *fragment)
{
  PieceRun run;

  g_assert_false (read_file (f, file->data, file->len, &run));
  g_assert_cmpstr (strstr (run.error->message, fragment) != NULL ? fragment : run.error->message, ==, fragment);
  piece_run_clear (&run);
}

/* Each block is good, and the file is not. */
static void
blocks_that_are_missing_doubled_or_behind_the_end_are_told (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autoptr (GByteArray) file = make_file (4, 4, text);
  g_autoptr (GByteArray) longer = make_file (8, 4, text);
  g_autoptr (GByteArray) mixed = g_byte_array_new ();
  const guint n_end = WEIR_OBJECT_HEADER + 20; /* of the last block */

  g_byte_array_append (mixed, file->data, file->len);
  g_byte_array_append (mixed, file->data, file->len);
  refused (f, mixed, "something follows the last block");
  g_byte_array_set_size (mixed, file->len - n_end);
  g_byte_array_append (mixed, file->data, file->len);
  refused (f, mixed, "another block belongs there");
  g_byte_array_set_size (mixed, file->len - n_end);
  g_byte_array_append (mixed, longer->data + longer->len - n_end, n_end);
  refused (f, mixed, "another block belongs there");
}

static void
a_file_of_anything_else_is_told (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) file = g_byte_array_new ();

  g_byte_array_append (file, (const guint8 *) "lines of text that nobody took for objects\n", 44);
  refused (f, file, "no block of an object file begins there");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/object-reader/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (values_come_back_as_they_were);
  ADD (a_file_that_was_cut_off_anywhere_is_told);
  ADD (one_flipped_bit_anywhere_is_told);
  ADD (blocks_that_are_missing_doubled_or_behind_the_end_are_told);
  ADD (a_file_of_anything_else_is_told);
  return g_test_run ();
}
