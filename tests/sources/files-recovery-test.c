/* Tests of sources/files across the ends of a job: a batch that is run again has the same files, nothing is read twice, and
 * nothing is lost.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <glib/gstdio.h>

#include "tests/sources/inbox.h"

#define NEVER 3600 /* seconds: no batch of the test is sealed */

static void
set_up (Inbox *inbox, gconstpointer data)
{
  inbox_init (inbox);
}

static void
tear_down (Inbox *inbox, gconstpointer data)
{
  inbox_clear (inbox);
}

static void
live (Inbox *inbox, guint seconds)
{
  g_autoptr (GError) error = NULL;

  inbox_close (inbox);
  inbox_open_durable (inbox, seconds);
  inbox->output = weir_collect (weir_text_file_stream (inbox->ctx, inbox->folder));
  weir_context_start (inbox->ctx, &error);
  g_assert_no_error (error);
}

static void
batches_that_were_not_sealed_have_the_same_files (Inbox *inbox, gconstpointer data)
{
  live (inbox, NEVER);
  inbox_put (inbox, "a", "a\n");
  inbox_advance_to (inbox, "a");
  inbox_put (inbox, "c", "c\n");
  inbox_put (inbox, "b", "b\n");
  inbox_advance_to (inbox, "b c");
  inbox_put (inbox, "aa", "while it was away\n");
  live (inbox, NEVER);
  inbox_advance (inbox);
  inbox_expect (inbox, 0, "a");
  inbox_expect (inbox, 1, "b c");
  inbox_expect (inbox, 2, "while it was away");
  inbox_advance_to (inbox, "");
}

static void
batches_that_were_sealed_are_not_read_again (Inbox *inbox, gconstpointer data)
{
  live (inbox, 1);
  inbox_put (inbox, "a", "a\n");
  inbox_advance_to (inbox, "a");
  live (inbox, 1);
  inbox_put (inbox, "b", "b\n");
  inbox_advance_to (inbox, "b");
  live (inbox, 1);
  inbox_advance_to (inbox, "");
}

static void
what_was_there_at_the_first_start_is_left_alone_for_ever (Inbox *inbox, gconstpointer data)
{
  inbox_put (inbox, "old", "old\n");
  live (inbox, 1);
  live (inbox, 1);
  inbox_put (inbox, "new", "new\n");
  live (inbox, 1);
  inbox_advance_to (inbox, "new");
}

static void
a_planned_file_that_has_gone_is_missed_by_name (Inbox *inbox, gconstpointer data)
{
  live (inbox, NEVER);
  inbox_put (inbox, "a", "a\n");
  inbox_advance_to (inbox, "a");
  inbox_remove (inbox, "a");
  live (inbox, NEVER);
  inbox_advance_into (inbox, WEIR_ERROR_DATA_LOSS, "/in/a belongs to this batch and has gone");
}

static void
a_planned_file_has_as_many_bytes_as_it_had (Inbox *inbox, gconstpointer data)
{
  live (inbox, NEVER);
  inbox_put (inbox, "a", "one\n");
  inbox_advance_to (inbox, "one");
  inbox_put (inbox, "a", "one\ntwo\n");
  live (inbox, NEVER);
  inbox_advance (inbox);
  inbox_expect (inbox, 0, "one");
  inbox_expect (inbox, 1, "");
  inbox_expect_log (inbox, "/in/a had 4 bytes when it was found and has 8 now", 1);
}

static gboolean
fail_once (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  guint *n = user_data;

  if (time == WEIR_SECONDS (2) && (*n)++ == 0)
    g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_SINK, "as the test wants it");
  return *n != 1 || time != WEIR_SECONDS (2);
}

/* The context goes back to its checkpoint by itself: the source is closed and opened again. */
static void
a_batch_that_failed_has_the_same_files_when_it_is_run_again (Inbox *inbox, gconstpointer data)
{
  WeirStream *lines;
  guint n = 0;

  inbox_open_durable (inbox, NEVER);
  lines = weir_text_file_stream (inbox->ctx, inbox->folder);
  weir_foreach_batch (lines, fail_once, &n);
  inbox->output = weir_collect (lines);
  inbox_advance (inbox);
  inbox_put (inbox, "a", "a\n");
  inbox_advance (inbox);
  inbox_put (inbox, "b", "b\n");
  inbox_advance (inbox);
  g_assert_cmpuint (n, ==, 2);
  inbox_expect_log (inbox, "going back to the checkpoint", 1);
  inbox_expect (inbox, (guint) weir_collected_n_batches (inbox->output) - 2, "a");
  inbox_expect (inbox, (guint) weir_collected_n_batches (inbox->output) - 1, "b");
}

static void
names_that_were_deleted_may_be_used_again_in_another_life (Inbox *inbox, gconstpointer data)
{
  live (inbox, 1);
  inbox_put (inbox, "a", "first\n");
  inbox_put (inbox, "b", "stays\n");
  inbox_advance_to (inbox, "first stays");
  inbox_remove (inbox, "a");
  live (inbox, 1);
  inbox_advance_to (inbox, "");
  inbox_put (inbox, "a", "second\n");
  live (inbox, 1);
  inbox_advance_to (inbox, "second");
}

/* A life whose batches are saved, each when its epoch is sealed. */
static void
save (Inbox *inbox, guint seconds)
{
  g_autofree char *prefix = scratch_path (&inbox->scratch, "out/batch");
  g_autoptr (GError) error = NULL;

  inbox_close (inbox);
  inbox_open_durable (inbox, seconds);
  weir_save_as_text_files (weir_text_file_stream (inbox->ctx, inbox->folder), prefix, NULL);
  weir_context_start (inbox->ctx, &error);
  g_assert_no_error (error);
}

/* How often each number has been saved. */
static void
count_saved (const Inbox *inbox, guint *counts, guint n)
{
  g_autofree char *out = scratch_path (&inbox->scratch, "out");
  g_autoptr (GDir) folders = g_dir_open (out, 0, NULL);
  const char *folder, *part;

  while (folders != NULL && (folder = g_dir_read_name (folders)) != NULL) {
    g_autofree char *path = g_build_filename (out, folder, NULL);
    g_autoptr (GDir) parts = g_dir_open (path, 0, NULL);

    while (folder[0] != '.' && (part = g_dir_read_name (parts)) != NULL) {
      g_autofree char *file = g_build_filename (path, part, NULL);
      g_autofree char *text = NULL;
      char *at;

      g_assert_true (g_file_get_contents (file, &text, NULL, NULL));
      for (at = text; *at != '\0'; at++) {
        guint64 number = g_ascii_strtoull (at, &at, 10);

        g_assert_cmpuint (number, <, n);
        counts[number]++;
      }
    }
  }
}

static guint
put_some (Inbox *inbox, GRand *random, guint next)
{
  guint n_files = (guint) g_rand_int_range (random, 0, 3);

  for (guint i = 0; i < n_files; i++) {
    g_autofree char *name = g_strdup_printf ("%08x", g_rand_int (random));
    g_autoptr (GString) text = g_string_new (NULL);
    guint n_lines = (guint) g_rand_int_range (random, 0, 4);

    for (guint k = 0; k < n_lines; k++)
      g_string_append_printf (text, "%u\n", next++);
    inbox_put (inbox, name, text->str);
  }
  return next;
}

static void
every_line_is_saved_once_whatever_lives_it_took (Inbox *inbox, gconstpointer data)
{
  GRand *random = g_rand_new_with_seed (3);
  guint counts[1000] = { 0 }, next = 0;

  save (inbox, 1);
  for (guint i = 0; i < 100; i++) {
    next = put_some (inbox, random, next);
    if (g_rand_int_range (random, 0, 3) == 0)
      save (inbox, (guint) g_rand_int_range (random, 1, 4));
    else
      inbox_advance (inbox);
  }
  save (inbox, 1);
  for (guint i = 0; i < 3; i++)
    inbox_advance (inbox);
  count_saved (inbox, counts, G_N_ELEMENTS (counts));
  for (guint i = 0; i < next; i++)
    g_assert_cmpuint (counts[i], ==, 1);
  g_assert_cmpuint (next, >, 50);
  g_rand_free (random);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/files-recovery/" #name, Inbox, NULL, set_up, name, tear_down)
  ADD (batches_that_were_not_sealed_have_the_same_files);
  ADD (batches_that_were_sealed_are_not_read_again);
  ADD (what_was_there_at_the_first_start_is_left_alone_for_ever);
  ADD (a_planned_file_that_has_gone_is_missed_by_name);
  ADD (a_planned_file_has_as_many_bytes_as_it_had);
  ADD (a_batch_that_failed_has_the_same_files_when_it_is_run_again);
  ADD (names_that_were_deleted_may_be_used_again_in_another_life);
  ADD (every_line_is_saved_once_whatever_lives_it_took);
  return g_test_run ();
}
