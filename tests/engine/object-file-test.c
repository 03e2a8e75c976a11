/* Tests of engine/object-file: a block says what it is, and one whose bytes were changed is none.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/object-file.h"

#include <string.h>

typedef struct {
  WeirObjectWriter writer;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  weir_object_writer_init (&f->writer);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_object_writer_clear (&f->writer);
}

static const char *
open_block (const guint8 *data, gsize size, WeirObjectBlock *block)
{
  WeirObjectHead head;
  const char *fault = weir_object_head_open (data, &head);

  if (fault != NULL)
    return fault;
  if (head.size != size - WEIR_OBJECT_HEADER)
    return "another size";
  return weir_object_block_open (&head, data + WEIR_OBJECT_HEADER, block);
}

static void
seal (Fixture *f, WeirObjectBlock *block)
{
  const GByteArray *bytes = weir_object_writer_seal (&f->writer);

  g_assert_cmpstr (open_block (bytes->data, bytes->len, block), ==, NULL);
}

static void
a_block_says_which_one_it_is_and_how_many_values_it_has (Fixture *f, gconstpointer data)
{
  WeirObjectBlock block;

  for (guint64 number = 0; number < 3; number++) {
    for (guint i = 0; i <= number; i++)
      g_assert_true (weir_object_writer_add (&f->writer, weir_int (i)));
    seal (f, &block);
    g_assert_cmpuint (block.number, ==, number);
    g_assert_cmpuint (block.n_left, ==, number + 1);
    weir_object_writer_next (&f->writer);
  }
  seal (f, &block);
  g_assert_cmpuint (block.n_left, ==, 0);
  g_assert_cmpuint (block.n_values, ==, 6);
}

static void
a_block_is_full_after_about_so_many_bytes (Fixture *f, gconstpointer data)
{
  g_autofree char *text = g_strnfill (1000, 'x');
  guint n = 0;

  for (; !weir_object_writer_is_full (&f->writer); n++)
    g_assert_true (weir_object_writer_add (&f->writer, weir_text (text)));
  g_assert_cmpuint (n, >=, WEIR_OBJECT_BLOCK / 1100);
  g_assert_cmpuint (n, <=, WEIR_OBJECT_BLOCK / 900);
}

static void
a_value_that_has_no_encoding_is_refused_and_changes_nothing (Fixture *f, gconstpointer data)
{
  WeirValue cells[200][2];
  WeirValue deep = weir_nil ();
  WeirObjectBlock block;

  for (guint i = 0; i < G_N_ELEMENTS (cells); i++) {
    cells[i][0] = weir_nil ();
    cells[i][1] = deep;
    deep = weir_pair_at (cells[i]);
  }
  g_assert_true (weir_object_writer_add (&f->writer, weir_int (1)));
  g_assert_false (weir_object_writer_add (&f->writer, deep));
  seal (f, &block);
  g_assert_cmpuint (block.n_left, ==, 1);
}

static void
every_flipped_bit_is_told (Fixture *f, gconstpointer data)
{
  GByteArray *bytes;
  WeirObjectBlock block;

  g_assert_true (weir_object_writer_add (&f->writer, weir_text ("some bytes")));
  bytes = weir_object_writer_seal (&f->writer);
  for (guint bit = 0; bit < 8 * bytes->len; bit++) {
    bytes->data[bit / 8] ^= (guint8) (1 << bit % 8);
    g_assert_nonnull (open_block (bytes->data, bytes->len, &block));
    bytes->data[bit / 8] ^= (guint8) (1 << bit % 8);
  }
  g_assert_cmpstr (open_block (bytes->data, bytes->len, &block), ==, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/object-file/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (a_block_says_which_one_it_is_and_how_many_values_it_has);
  ADD (a_block_is_full_after_about_so_many_bytes);
  ADD (a_value_that_has_no_encoding_is_refused_and_changes_nothing);
  ADD (every_flipped_bit_is_told);
  return g_test_run ();
}
