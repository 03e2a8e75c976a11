/* Tests of sources/files at every step of a seal: the whole world, folder, checkpoint and output, is copied before and after
 * each; from every copy the job goes on and each line is saved once.
 *
 * The copies are taken by outputs of the test's own, on the runner and on the checkpoint's thread, one at a time: a context
 * of the test kit waits for its seals.
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "engine/frame.h"
#include "engine/stream.h"
#include "tests/sources/inbox.h"

#define N_BATCHES 4

typedef struct {
  Inbox inbox;
  gboolean is_taking;
  GPtrArray *copies; /* of paths */
} Fixture;

static void
run_command (const char *program, const char *option, const char *a, const char *b)
{
  const char *argv[] = { program, option, a, b, NULL };
  int status = -1;

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  inbox_init (&f->inbox);
  f->copies = g_ptr_array_new_with_free_func (g_free);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < f->copies->len; i++)
    run_command ("rm", "-rf", g_ptr_array_index (f->copies, i), NULL);
  g_ptr_array_unref (f->copies);
  inbox_clear (&f->inbox);
}

static void
take_copy (const WeirOutput *output)
{
  Fixture *f = *(Fixture **) output->params;
  char *path;

  if (!f->is_taking)
    return;
  path = g_strdup_printf ("%s-%u", f->inbox.scratch.path, f->copies->len);
  run_command ("cp", "-a", f->inbox.scratch.path, path);
  g_ptr_array_add (f->copies, path);
}

static gboolean
copy_at_run (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error)
{
  take_copy (output);
  return TRUE;
}

static gpointer
copy_at_cut (WeirOutput *output)
{
  take_copy (output);
  return output;
}

static gboolean
copy_at_prepare (WeirOutput *output, gpointer gathered, guint64 epoch, GByteArray *note, GError **error)
{
  take_copy (output);
  weir_put_u64 (note, epoch);
  return TRUE;
}

static gboolean
copy_at_commit (WeirOutput *output, guint64 epoch, gconstpointer note, gsize size, GError **error)
{
  take_copy (output);
  return TRUE;
}

static const WeirOutputClass copy_class = {
  .verb = "copy",
  .run = copy_at_run,
  .cut = copy_at_cut,
  .prepare = copy_at_prepare,
  .commit = copy_at_commit,
};

static void
add_copies (Fixture *f, WeirStream *stream, const char *uid)
{
  Fixture **params = g_new0 (Fixture *, 1);

  *params = f;
  weir_output_set_uid (weir_output_new (stream, &copy_class, params), uid);
}

static void
live (Fixture *f)
{
  g_autofree char *prefix = scratch_path (&f->inbox.scratch, "out/batch");
  g_autoptr (GError) error = NULL;
  WeirStream *lines;

  inbox_close (&f->inbox);
  inbox_open_durable (&f->inbox, 1);
  lines = weir_text_file_stream (f->inbox.ctx, f->inbox.folder);
  add_copies (f, lines, "before");
  weir_save_as_text_files (lines, prefix, NULL);
  add_copies (f, lines, "after");
  weir_context_start (f->inbox.ctx, &error);
  g_assert_no_error (error);
}

/* All lines of all files in the folder, and of all parts of the folders in it that can be seen, sorted. */
static void
add_lines (const char *folder, GPtrArray *lines)
{
  g_autoptr (GDir) entries = g_dir_open (folder, 0, NULL);
  const char *name;

  while (entries != NULL && (name = g_dir_read_name (entries)) != NULL) {
    g_autofree char *path = g_build_filename (folder, name, NULL);
    g_autofree char *text = NULL;
    g_auto (GStrv) parts = NULL;

    if (name[0] != '.')
      add_lines (path, lines);
    if (name[0] == '.' || !g_file_get_contents (path, &text, NULL, NULL))
      continue;
    parts = g_strsplit (text, "\n", 0);
    for (guint i = 0; parts[i] != NULL; i++)
      if (parts[i][0] != '\0')
        g_ptr_array_add (lines, g_strdup (parts[i]));
  }
}

static gint
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

static char *
lines_below (const Fixture *f, const char *below)
{
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *folder = scratch_path (&f->inbox.scratch, below);

  add_lines (folder, lines);
  g_ptr_array_sort (lines, compare_texts);
  g_ptr_array_add (lines, NULL);
  return g_strjoinv (" ", (char **) lines->pdata);
}

/* The world as it was, in the place where it was: a checkpoint holds paths. */
static void
go_on_from (Fixture *f, const char *copy)
{
  g_autofree char *came = NULL;
  g_autofree char *saved = NULL;

  inbox_close (&f->inbox);
  run_command ("rm", "-rf", f->inbox.scratch.path, NULL);
  run_command ("cp", "-a", copy, f->inbox.scratch.path);
  f->inbox.n_batches = N_BATCHES;
  live (f);
  inbox_advance (&f->inbox);
  inbox_advance (&f->inbox);
  came = lines_below (f, "in");
  saved = lines_below (f, "out");
  g_assert_cmpstr (saved, ==, came);
  g_assert_cmpuint (strlen (came), >, 0);
}

static void
from_every_step_each_line_is_saved_once (Fixture *f, gconstpointer data)
{
  live (f);
  f->is_taking = TRUE;
  for (guint i = 0; i < N_BATCHES; i++) {
    g_autofree char *name = g_strdup_printf ("file-%u", i);
    g_autofree char *text = g_strdup_printf ("%u\n%u\n", 100 + 2 * i, 101 + 2 * i);

    inbox_put (&f->inbox, name, text);
    inbox_advance (&f->inbox);
  }
  f->is_taking = FALSE;
  g_assert_cmpuint (f->copies->len, >=, 6 * N_BATCHES);
  for (guint i = 0; i < f->copies->len; i++)
    go_on_from (f, g_ptr_array_index (f->copies, i));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/files-seal/from_every_step_each_line_is_saved_once", Fixture, NULL, set_up,
              from_every_step_each_line_is_saved_once, tear_down);
  return g_test_run ();
}
