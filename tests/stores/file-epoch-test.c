/* The file of an epoch: it has its name only when it is whole, and says so of itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stores/file-epoch.h"

#include <string.h>

#include <weir/error.h>

#include "tests/sinks/scratch.h"

typedef struct {
  Scratch scratch;
  WeirFolder folder;
  WeirFileEpochWriter writer;
  WeirFileEpochReader reader;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  scratch_init (&f->scratch);
  g_assert_true (weir_folder_open (&f->folder, f->scratch.path, TRUE, NULL));
  weir_file_epoch_writer_init (&f->writer);
  weir_file_epoch_reader_init (&f->reader);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_file_epoch_discard (&f->writer, &f->folder);
  weir_file_epoch_reader_close (&f->reader);
  weir_folder_close (&f->folder);
  scratch_clear (&f->scratch);
}

static void
write_epoch (Fixture *f, guint64 epoch)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (weir_file_epoch_begin (&f->writer, &f->folder, epoch, &error));
  g_assert_true (weir_file_epoch_put (&f->writer, &f->folder, "one", 3, &error));
  g_assert_true (weir_file_epoch_put (&f->writer, &f->folder, "three", 5, &error));
  g_assert_true (weir_file_epoch_finish (&f->writer, &f->folder, "manifest", 8, &error));
  g_assert_no_error (error);
}

static void
expect_corrupt (Fixture *f, guint64 epoch, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_file_epoch_open (&f->reader, &f->folder, epoch, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
  if (strstr (error->message, part) == NULL)
    g_error ("no '%s' in: %s", part, error->message);
}

static void
test_pieces_come_back (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  WeirBlob blob = { .epoch = 7, .offset = 3, .size = 5 };

  write_epoch (f, 7);
  g_assert_true (weir_file_epoch_read (&f->reader, &f->folder, &blob, bytes, NULL));
  g_assert_cmpmem (bytes->data, bytes->len, "three", 5);
  g_assert_true (weir_file_epoch_read_manifest (&f->reader, &f->folder, bytes, NULL));
  g_assert_cmpmem (bytes->data, bytes->len, "manifest", 8);
}

static void
test_unfinished_one_has_no_name (Fixture *f, gconstpointer data)
{
  g_assert_true (weir_file_epoch_begin (&f->writer, &f->folder, 7, NULL));
  scratch_expect_names (&f->scratch, NULL, "epoch-7.tmp");
  expect_corrupt (f, 7, "/epoch-7 at 0: there is no such file any more");
  weir_file_epoch_discard (&f->writer, &f->folder);
  scratch_expect_names (&f->scratch, NULL, "");
}

static void
test_another_epochs_file_is_told (Fixture *f, gconstpointer data)
{
  write_epoch (f, 7);
  g_assert_true (weir_folder_rename (&f->folder, "epoch-7", "epoch-8", NULL));
  expect_corrupt (f, 8, "another epoch");
}

static void
test_what_was_appended_is_told (Fixture *f, gconstpointer data)
{
  g_autofree char *path = scratch_path (&f->scratch, "epoch-7");
  g_autofree char *content = NULL;
  g_autofree char *twice = NULL;
  gsize size;

  write_epoch (f, 7);
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  twice = g_malloc (2 * size);
  memcpy (twice, content, size);
  memcpy (twice + size, content, size);
  g_assert_true (g_file_set_contents (path, twice, (gssize) (2 * size), NULL));
  expect_corrupt (f, 7, "does not fit its size");
}

static void
test_places_beyond_the_blobs_are_refused (Fixture *f, gconstpointer data)
{
  static const WeirBlob bad[] = { { 7, 0, 9 }, { 7, 8, 1 }, { 7, 9, 0 }, { 7, G_MAXUINT64, 2 }, { 7, 2, G_MAXUINT64 } };
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  write_epoch (f, 7);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_false (weir_file_epoch_read (&f->reader, &f->folder, &bad[i], bytes, &error));
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
  }
}

static void
test_names_are_read_strictly (Fixture *f, gconstpointer data)
{
  static const char *const bad[] = { "epoch-",   "epoch-0",  "epoch-07", "epoch-7.tmp",
                                     "epoch--7", "epoch-+7", "plans-7",  "epoch-99999999999999999999" };
  guint64 epoch;

  g_assert_true (weir_file_epoch_parse_name ("epoch-18446744073709551615", "epoch-", &epoch));
  g_assert_cmpuint (epoch, ==, G_MAXUINT64);
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (weir_file_epoch_parse_name (bad[i], "epoch-", &epoch));
}

#define add(name, test) g_test_add ("/file-epoch/" name, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("pieces-come-back", test_pieces_come_back);
  add ("unfinished-one-has-no-name", test_unfinished_one_has_no_name);
  add ("another-epochs-file-is-told", test_another_epochs_file_is_told);
  add ("what-was-appended-is-told", test_what_was_appended_is_told);
  add ("places-beyond-the-blobs-are-refused", test_places_beyond_the_blobs_are_refused);
  add ("names-are-read-strictly", test_names_are_read_strictly);
  return g_test_run ();
}
