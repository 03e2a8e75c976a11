/* A job that starts on a damaged checkpoint: each file of the newest epochs cut to each length, and each of its bits
 * turned, one at a time. Its totals are right, or its start fails and names the file; counts are printed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include <weir/error.h>

#include "tests/engine/durable.h"

#define N_BATCHES 5 /* of the life before; with a seal behind every second one the last is planned, and not sealed */
#define N_MORE    2

typedef struct {
  char *name;
  char *content;
  gsize size;
} File;

typedef struct {
  Durable job;
  World world;          /* what was outside when the first life ended */
  GPtrArray *files;     /* of File: of the checkpoint, then */
  guint n_told, n_gone; /* cases: the start failed; it went on, and all was right */
} Fixture;

static void
file_free (gpointer data)
{
  File *file = data;

  g_free (file->name);
  g_free (file->content);
  g_free (file);
}

static void
remember_files (Fixture *f, const char *from)
{
  g_autoptr (GDir) folder = g_dir_open (from, 0, NULL);
  const char *name;

  f->files = g_ptr_array_new_with_free_func (file_free);
  while ((name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *path = g_build_filename (from, name, NULL);
    File *file = g_new0 (File, 1);

    file->name = g_strdup (name);
    g_assert_true (g_file_get_contents (path, &file->content, &file->size, NULL));
    g_ptr_array_add (f->files, file);
  }
}

static void
begin (Fixture *f, Outputs outputs)
{
  durable_init (&f->job, outputs);
  f->job.n_keys = f->job.partitions = f->job.workers = 1;
  f->job.interval = WEIR_SECONDS (2);
}

static void
set_up (Fixture *f, gconstpointer outputs)
{
  begin (f, GPOINTER_TO_UINT (outputs));
  durable_run (&f->job, 0, N_BATCHES);
  durable_world_copy (&f->world, &f->job.world);
  remember_files (f, f->job.folder);
}

/* As it was between a decision and its seal. */
static void
set_up_in_doubt (Fixture *f, gconstpointer outputs)
{
  const Snapshot *last = NULL;

  begin (f, GPOINTER_TO_UINT (outputs));
  durable_take_snapshots (&f->job);
  durable_run (&f->job, 0, N_BATCHES);
  for (guint i = 0; i < f->job.snapshots->len; i++) {
    const Snapshot *snapshot = g_ptr_array_index (f->job.snapshots, i);

    last = g_str_has_prefix (snapshot->step, "after decision") ? snapshot : last;
  }
  g_assert_nonnull (last);
  durable_world_copy (&f->world, &last->world);
  remember_files (f, last->folder);
  g_clear_pointer (&f->job.snapshots, g_ptr_array_unref);
}

static void
tear_down (Fixture *f, gconstpointer outputs)
{
  g_test_message ("%u cases told at the start, %u went on and were right", f->n_told, f->n_gone);
  g_ptr_array_unref (f->files);
  durable_world_clear (&f->world);
  durable_clear (&f->job);
}

static void
put_file (const Fixture *f, const char *name, const char *content, gsize size)
{
  g_autofree char *path = g_build_filename (f->job.folder, name, NULL);
  FILE *file = g_fopen (path, "wb");

  g_assert_nonnull (file);
  g_assert_cmpuint (fwrite (content, 1, size, file), ==, size);
  g_assert_cmpint (fclose (file), ==, 0);
}

static void
restore (Fixture *f)
{
  g_autoptr (GDir) folder = g_dir_open (f->job.folder, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (folder)) != NULL) {
    g_autofree char *path = g_build_filename (f->job.folder, name, NULL);

    g_assert_cmpint (g_unlink (path), ==, 0);
  }
  for (guint i = 0; i < f->files->len; i++) {
    const File *file = g_ptr_array_index (f->files, i);

    put_file (f, file->name, file->content, file->size);
  }
  durable_world_clear (&f->job.world);
  durable_world_copy (&f->job.world, &f->world);
}

/* What is outside has not changed: a start that fails touches nothing. */
static void
assert_same_world (const Fixture *f)
{
  GHashTableIter iter;
  gpointer key, value;

  g_assert_cmpuint (g_hash_table_size (f->job.world.committed), ==, g_hash_table_size (f->world.committed));
  g_hash_table_iter_init (&iter, f->world.committed);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_assert_cmpstr (g_hash_table_lookup (f->job.world.committed, key), ==, value);
}

static void
try_with (Fixture *f, const File *file, const char *content, gsize size)
{
  g_autoptr (GError) error = NULL;

  restore (f);
  put_file (f, file->name, content, size);
  if (durable_try (&f->job, WEIR_SECONDS (N_BATCHES), N_MORE, &error)) {
    durable_assert_world (&f->job, N_BATCHES - 1 + N_MORE);
    f->n_gone++;
    return;
  }
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
  if (strstr (error->message, file->name) == NULL)
    g_error ("%s is damaged, and is not named: %s", file->name, error->message);
  assert_same_world (f);
  f->n_told++;
}

static void
try_file (Fixture *f, const File *file)
{
  g_autofree char *content = g_memdup2 (file->content, file->size);
  guint n_told = f->n_told, n_gone = f->n_gone;

  for (gsize size = 0; size < file->size; size++)
    try_with (f, file, content, size);
  for (gsize bit = 0; bit < file->size * 8; bit++) {
    content[bit / 8] ^= (char) (1 << bit % 8);
    try_with (f, file, content, file->size);
    content[bit / 8] ^= (char) (1 << bit % 8);
  }
  g_test_message ("%s, %" G_GSIZE_FORMAT " bytes: %u told, %u went on", file->name, file->size, f->n_told - n_told,
                  f->n_gone - n_gone);
}

static void
test_each_damage (Fixture *f, gconstpointer outputs)
{
  for (guint i = 0; i < f->files->len; i++)
    try_file (f, g_ptr_array_index (f->files, i));
  g_assert_cmpuint (f->n_told, >, 0);
}

#define ADD(name, outputs, how)                                                                                        \
  g_test_add ("/damage/" name, Fixture, GUINT_TO_POINTER (outputs), how, test_each_damage, tear_down)

int
main (int argc, char **argv)
{
  /* Nothing here rests on what survives a power cut, and a disk would be waited for thousands of times. */
  if (g_access ("/dev/shm", W_OK) == 0)
    g_setenv ("TMPDIR", "/dev/shm", TRUE);
  g_test_init (&argc, &argv, NULL);
  ADD ("an-output-of-sealed-files", SEALED, set_up);
  ADD ("an-output-that-is-shown-at-once", SHOWN_AT_ONCE, set_up);
  ADD ("an-output-that-decides", DECIDED, set_up);
  ADD ("a-decision-that-is-not-sealed", DECIDED, set_up_in_doubt);
  return g_test_run ();
}
