/* Tests of sinks/saved-folders: when the folders of a batch can be seen, with a checkpoint and across the ends of a job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sinks/saved-folders.h"

#include <glob.h>
#include <string.h>

#include <weir/error.h>

#include "tests/operators/job.h"
#include "tests/sinks/scratch.h"

typedef struct {
  Scratch scratch;
  char *prefix;
  WeirContext *ctx;
  guint n_batches; /* of all lives */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  *f = (Fixture){ 0 };
  scratch_init (&f->scratch);
  f->prefix = scratch_path (&f->scratch, "out");
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->ctx, weir_context_free);
  scratch_clear (&f->scratch);
  g_free (f->prefix);
}

/* A life of a job that saves its only push each batch, and begins where the one before it ended: pushes are numbered. */
static void
live_from (Fixture *f, const char *interval, guint n, gint64 first)
{
  g_autofree char *uri = g_strdup_printf ("file://%s/checkpoint", f->scratch.path);
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (GError) error = NULL;
  WeirStream *stream;

  g_clear_pointer (&f->ctx, weir_context_free);
  f->ctx = weir_test_context_new_at (WEIR_SECONDS (1), f->n_batches * WEIR_SECONDS (1));
  g_assert_true (weir_context_set (f->ctx, "checkpoint", uri, &error));
  g_assert_true (weir_context_set (f->ctx, "checkpoint.interval", interval, &error));
  stream = weir_queue_stream (f->ctx, queue, TRUE);
  weir_save_as_text_files (stream, f->prefix, "txt");
  weir_save_as_object_files (stream, f->prefix, "objects");
  for (guint i = 0; i < 20; i++) {
    const WeirValue value = weir_int (first + i);

    weir_queue_push (queue, &value, 1);
  }
  g_assert_true (weir_test_advance (f->ctx, n, &error));
  f->n_batches += n;
}

static void
live (Fixture *f, const char *interval, guint n)
{
  live_from (f, interval, n, 1);
}

/* How many whole folders wait under a temporary name of @name. */
static guint
n_waiting (const Fixture *f, const char *name)
{
  g_autofree char *pattern = g_strdup_printf ("%s/.%s.????????????????.tmp/_SUCCESS", f->scratch.path, name);
  glob_t found = { 0 };
  guint n;

  glob (pattern, 0, NULL, &found);
  n = (guint) found.gl_pathc;
  globfree (&found);
  return n;
}

static void
folders_appear_when_their_epoch_is_sealed (Fixture *f, gconstpointer data)
{
  live (f, "3s", 2);
  g_assert_cmpuint (n_waiting (f, "out-1000.txt"), ==, 1);
  g_assert_cmpuint (n_waiting (f, "out-2000.objects"), ==, 1);
  g_assert_false (scratch_exists (&f->scratch, "out-1000.txt"));
  g_assert_false (scratch_exists (&f->scratch, "out-1000.objects"));
}

static void
each_batch_appears_once_whatever_lives_it_took (Fixture *f, gconstpointer data)
{
  live (f, "3s", 2);
  live (f, "1s", 3);
  live (f, "1s", 2);
  scratch_expect_names (&f->scratch, NULL,
                        "checkpoint out-1000.objects out-1000.txt out-2000.objects out-2000.txt out-3000.objects "
                        "out-3000.txt out-4000.objects out-4000.txt out-5000.objects out-5000.txt out-6000.objects "
                        "out-6000.txt out-7000.objects out-7000.txt");
}

/* What is on the disk is not enough: pushes that a life had saved and not sealed come again, in another one. */
static void
nothing_is_lost_or_doubled_between_lives (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) all = g_string_new (NULL);

  live (f, "2s", 3);
  live (f, "2s", 4);
  live (f, "1s", 3);
  for (guint i = 1; i <= f->n_batches; i++) {
    g_autofree char *name = g_strdup_printf ("out-%u000.txt/part-00000", i);
    g_autofree char *path = scratch_path (&f->scratch, name);
    g_autofree char *text = NULL;

    if (g_file_get_contents (path, &text, NULL, NULL))
      g_string_append (all, text);
  }
  g_assert_true (g_str_has_prefix ("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n", all->str));
  g_assert_nonnull (strstr (all->str, "9\n"));
}

static void
remove_tree (const Scratch *scratch, const char *name)
{
  g_autofree char *path = scratch_path (scratch, name);
  const char *argv[] = { "rm", "-r", path, NULL };
  int status = -1;

  g_assert_true (g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
}

/* The newest epoch's folders are put in place once more at a start: who reads them may have moved them on by then. */
static void
what_readers_have_taken_away_is_not_missed (Fixture *f, gconstpointer data)
{
  live (f, "1s", 2);
  remove_tree (&f->scratch, "out-2000.txt");
  live (f, "1s", 1);
  g_assert_false (scratch_exists (&f->scratch, "out-2000.txt"));
  scratch_expect_text (&f->scratch, "out-3000.txt/part-00000", "3\n");
}

/* A driver that stood still, and one that has taken over from it meanwhile, run batches of the same times: the one must not
 * touch what the other has written and not sealed yet. */
static void
two_drivers_never_write_into_one_folder (Fixture *f, gconstpointer data)
{
  Fixture other = *f;

  live (f, "3s", 2);
  f->n_batches = 0;
  other.scratch.path = scratch_path (&f->scratch, "elsewhere");
  other.n_batches = 0;
  live_from (&other, "3s", 2, 100);
  g_assert_cmpuint (n_waiting (f, "out-1000.txt"), ==, 2);
  g_assert_true (weir_test_advance (f->ctx, 1, NULL));
  scratch_expect_text (&f->scratch, "out-1000.txt/part-00000", "1\n");
  scratch_expect_text (&f->scratch, "out-2000.txt/part-00000", "2\n");
  g_assert_cmpuint (n_waiting (f, "out-1000.txt"), ==, 1);
  weir_context_free (other.ctx);
  g_free (other.scratch.path);
}

static void
two_that_save_into_the_same_folders_are_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (GError) error = NULL;
  WeirStream *stream;

  f->ctx = weir_test_context_new (WEIR_SECONDS (1));
  stream = weir_queue_stream (f->ctx, queue, TRUE);
  weir_save_as_text_files (stream, f->prefix, NULL);
  weir_save_as_object_files (stream, f->prefix, "");
  g_assert_false (weir_context_start (f->ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_nonnull (strstr (error->message, "saves into the same folders as"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
#define ADD(name) g_test_add ("/saved-folders/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (folders_appear_when_their_epoch_is_sealed);
  ADD (each_batch_appears_once_whatever_lives_it_took);
  ADD (nothing_is_lost_or_doubled_between_lives);
  ADD (what_readers_have_taken_away_is_not_missed);
  ADD (two_drivers_never_write_into_one_folder);
  ADD (two_that_save_into_the_same_folders_are_refused);
  return g_test_run ();
}
