/* Tests of sources/files: what comes into a folder is read once, whatever happens to the folder, the files and the job.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "tests/sources/inbox.h"

#define NOBODY 65534

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
start (Inbox *inbox)
{
  g_autoptr (GError) error = NULL;

  weir_context_start (inbox->ctx, &error);
  g_assert_no_error (error);
}

static void
read_lines (Inbox *inbox)
{
  inbox_open (inbox);
  inbox->output = weir_collect (weir_text_file_stream (inbox->ctx, inbox->folder));
  start (inbox);
}

static void
read_records (Inbox *inbox, const WeirFileSpec *spec)
{
  inbox_open (inbox);
  inbox->output = weir_collect (weir_file_stream (inbox->ctx, inbox->folder, spec));
  start (inbox);
}

static void
a_file_is_read_once (Inbox *inbox, gconstpointer data)
{
  read_lines (inbox);
  inbox_advance_to (inbox, "");
  inbox_put (inbox, "a", "one\ntwo\n");
  inbox_advance_to (inbox, "one two");
  inbox_advance_to (inbox, "");
  inbox_put (inbox, "b", "three\n");
  inbox_advance_to (inbox, "three");
  inbox_advance_to (inbox, "");
}

static void
files_of_a_batch_come_in_order_of_their_names_each_a_partition (Inbox *inbox, gconstpointer data)
{
  inbox_open (inbox);
  inbox->output = weir_collect (weir_glom (weir_text_file_stream (inbox->ctx, inbox->folder)));
  start (inbox);
  inbox_put (inbox, "c", "6\n");
  inbox_put (inbox, "a", "1\n2\n3\n");
  inbox_put (inbox, "b", "4\n5");
  inbox_advance_to (inbox, "[1,2,3] [4,5] [6]");
}

static void
what_was_there_at_the_start_is_left_alone (Inbox *inbox, gconstpointer data)
{
  inbox_put (inbox, "old", "old\n");
  read_lines (inbox);
  inbox_put (inbox, "new", "new\n");
  inbox_advance_to (inbox, "new");
}

static void
what_was_there_at_the_start_is_read_where_it_is_asked_for (Inbox *inbox, gconstpointer data)
{
  inbox_put (inbox, "old", "old\n");
  read_records (inbox, &(WeirFileSpec){ .include_existing = TRUE });
  inbox_put (inbox, "new", "new\n");
  inbox_advance_to (inbox, "new old");
}

static void
hidden_and_temporary_files_wait_for_their_names (Inbox *inbox, gconstpointer data)
{
  g_autofree char *hidden = g_build_filename (inbox->folder, ".hidden", NULL);
  g_autofree char *plain = g_build_filename (inbox->folder, "plain", NULL);

  read_lines (inbox);
  inbox_put (inbox, ".hidden", "hidden\n");
  inbox_put (inbox, "_SUCCESS", "mark\n");
  inbox_put (inbox, "half.tmp", "half\n");
  inbox_put (inbox, "half._COPYING_", "half\n");
  scratch_mkdir (&inbox->scratch, "in/folder");
  inbox_advance_to (inbox, "");
  g_assert_cmpint (g_rename (hidden, plain), ==, 0);
  inbox_advance_to (inbox, "hidden");
}

static gboolean
ends_in_csv (const char *name, gpointer user_data)
{
  return g_str_has_suffix (name, user_data);
}

static void
a_filter_takes_the_place_of_the_rule_for_names (Inbox *inbox, gconstpointer data)
{
  read_records (inbox, &(WeirFileSpec){ .filter = ends_in_csv, .user_data = (gpointer) ".csv" });
  inbox_put (inbox, "a.txt", "text\n");
  inbox_put (inbox, "_b.csv", "comma\n");
  inbox_advance_to (inbox, "comma");
}

static void
ends_of_lines_and_of_files_are_told_from_content (Inbox *inbox, gconstpointer data)
{
  read_lines (inbox);
  inbox_put (inbox, "a", "");
  inbox_put (inbox, "b", "unended");
  inbox_put (inbox, "c", "\n\nx\r\ny\r");
  inbox_put (inbox, "d", "z\n");
  inbox_advance_to (inbox, "unended   x y z");
}

static void
records_are_framed_as_asked (Inbox *inbox, gconstpointer data)
{
  static const WeirFramingKind kinds[] = { WEIR_FRAMING_DELIMITER, WEIR_FRAMING_FIXED, WEIR_FRAMING_LENGTH32 };
  WeirFileSpec spec = { .framing = { .delimiter = ';', .size = 3, .text = TRUE } };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++) {
    spec.framing.kind = kinds[i];
    read_records (inbox, &spec);
    if (kinds[i] == WEIR_FRAMING_DELIMITER)
      inbox_put (inbox, "delimiter", "one;two;;six");
    else if (kinds[i] == WEIR_FRAMING_FIXED)
      inbox_put (inbox, "fixed", "onetwosix");
    else
      inbox_put_bytes (inbox, "length32", "\0\0\0\3one\0\0\0\3two\0\0\0\3six", 21);
    inbox_advance_to (inbox, i == 0 ? "one two  six" : "one two six");
    inbox_close (inbox);
  }
}

static void
bytes_that_are_no_record_are_counted (Inbox *inbox, gconstpointer data)
{
  g_autofree char *long_line = g_strnfill (100, 'x');
  g_autofree char *text = g_strdup_printf ("a\n%s\nb\n%s", long_line, long_line);

  read_records (inbox, &(WeirFileSpec){ .framing = { .kind = WEIR_FRAMING_FIXED, .size = 3, .text = TRUE } });
  inbox_put (inbox, "fixed", "onetwos");
  inbox_advance_to (inbox, "one two");
  inbox_close (inbox);
  inbox_expect_log (inbox, "the file ends inside a record", 1);
  read_records (inbox, &(WeirFileSpec){ .framing = { .max_size = 99 } });
  inbox_put (inbox, "long", text);
  inbox_advance_to (inbox, "a b");
  inbox_close (inbox);
  inbox_expect_log (inbox, "record longer than its framing's max_size", 1);
}

static void
a_folder_that_is_not_there_is_an_error_at_the_start (Inbox *inbox, gconstpointer data)
{
  g_autofree char *missing = scratch_path (&inbox->scratch, "missing");
  g_autofree char *file = scratch_path (&inbox->scratch, "file");
  const char *const paths[] = { missing, file };

  scratch_write (&inbox->scratch, "file", "no folder");
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++) {
    g_autoptr (GError) error = NULL;

    inbox_open (inbox);
    weir_collect (weir_text_file_stream (inbox->ctx, paths[i]));
    g_assert_false (weir_context_start (inbox->ctx, &error));
    g_assert_error (error, WEIR_ERROR, WEIR_ERROR_SOURCE);
    g_assert_nonnull (strstr (error->message, paths[i]));
    inbox_close (inbox);
  }
}

static void
a_folder_that_goes_away_for_a_while_loses_and_doubles_nothing (Inbox *inbox, gconstpointer data)
{
  g_autofree char *away = scratch_path (&inbox->scratch, "away");

  read_lines (inbox);
  inbox_put (inbox, "a", "a\n");
  inbox_advance_to (inbox, "a");
  inbox_put (inbox, "b", "b\n");
  g_assert_cmpint (g_rename (inbox->folder, away), ==, 0);
  inbox_advance_to (inbox, "");
  inbox_advance_to (inbox, "");
  inbox_expect_log (inbox, "cannot list the folder", 1);
  g_assert_cmpint (g_rename (away, inbox->folder), ==, 0);
  inbox_advance_to (inbox, "b");
  inbox_expect_log (inbox, "can be listed again", 1);
}

static void
the_name_of_a_deleted_file_may_be_used_again (Inbox *inbox, gconstpointer data)
{
  read_lines (inbox);
  inbox_put (inbox, "a", "first\n");
  inbox_advance_to (inbox, "first");
  inbox_remove (inbox, "a");
  inbox_advance_to (inbox, "");
  inbox_put (inbox, "a", "second\n");
  inbox_advance_to (inbox, "second");
}

static gboolean
call (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  Inbox *inbox = user_data;
  g_autofree char *path = g_build_filename (inbox->folder, "a", NULL);
  FILE *file;

  if (time < WEIR_SECONDS (2))
    return TRUE;
  if (time < WEIR_SECONDS (3))
    return g_unlink (path) == 0;
  file = fopen (path, time < WEIR_SECONDS (4) ? "a" : "w");
  fputs ("x\n", file);
  fclose (file);
  return TRUE;
}

/* Something happens to the file of batch @time, after it was planned and before it is read. */
static void
meddle (Inbox *inbox, guint time)
{
  inbox->n_batches = time - 1;
  inbox_open (inbox);
  weir_foreach_batch (weir_text_file_stream (inbox->ctx, "/"), call, inbox);
  inbox->output = weir_collect (weir_text_file_stream (inbox->ctx, inbox->folder));
  start (inbox);
  inbox_put (inbox, "a", "one\ntwo\n");
}

static void
a_file_that_has_gone_before_it_is_read_fails_its_batch (Inbox *inbox, gconstpointer data)
{
  meddle (inbox, 2);
  inbox_advance_into (inbox, WEIR_ERROR_DATA_LOSS, "/in/a belongs to this batch and has gone");
}

static void
a_file_that_has_become_shorter_fails_its_batch (Inbox *inbox, gconstpointer data)
{
  meddle (inbox, 4);
  inbox_advance_into (inbox, WEIR_ERROR_DATA_LOSS, "/in/a ends at byte 2, and had 8 bytes when it was found");
}

static void
what_is_appended_to_a_file_is_not_read_and_said_so (Inbox *inbox, gconstpointer data)
{
  meddle (inbox, 3);
  inbox_advance_to (inbox, "one two");
  inbox_expect_log (inbox, "/in/a had 8 bytes when it was found and has 10 now", 1);
}

/* Root may read anything: the test becomes somebody else, where it may. */
static void
a_file_that_may_not_be_read_waits_until_it_may (Inbox *inbox, gconstpointer data)
{
  g_autofree char *path = g_build_filename (inbox->folder, "a", NULL);
  gboolean is_root = geteuid () == 0;

  read_lines (inbox);
  inbox_put (inbox, "a", "secret\n");
  g_assert_cmpint (g_chmod (path, 0), ==, 0);
  g_assert_cmpint (g_chmod (inbox->scratch.path, 0755), ==, 0);
  if (is_root)
    g_assert_cmpint (seteuid (NOBODY), ==, 0);
  inbox_advance_to (inbox, "");
  inbox_advance_to (inbox, "");
  if (is_root)
    g_assert_cmpint (seteuid (0), ==, 0);
  inbox_expect_log (inbox, "/in/a cannot be read and is left out: Permission denied", 1);
  g_assert_cmpint (g_chmod (path, 0644), ==, 0);
  inbox_advance_to (inbox, "secret");
}

static void
a_file_that_was_there_is_left_alone_even_if_it_could_not_be_read (Inbox *inbox, gconstpointer data)
{
  g_autofree char *path = g_build_filename (inbox->folder, "old", NULL);
  gboolean is_root = geteuid () == 0;

  inbox_put (inbox, "old", "secret\n");
  g_assert_cmpint (g_chmod (path, 0), ==, 0);
  g_assert_cmpint (g_chmod (inbox->scratch.path, 0755), ==, 0);
  if (is_root)
    g_assert_cmpint (seteuid (NOBODY), ==, 0);
  read_lines (inbox);
  if (is_root)
    g_assert_cmpint (seteuid (0), ==, 0);
  g_assert_cmpint (g_chmod (path, 0644), ==, 0);
  inbox_advance_to (inbox, "");
}

/* Much more than memory.limit, in pieces; nearly nothing of it is on the disk. */
static void
a_large_file_is_read_in_little_memory (Inbox *inbox, gconstpointer data)
{
  const WeirFileSpec spec = { .framing = { .kind = WEIR_FRAMING_FIXED, .size = 1000 } };
  g_autofree char *made = scratch_path (&inbox->scratch, "made");
  g_autofree char *arrived = g_build_filename (inbox->folder, "large", NULL);
  g_autoptr (GError) error = NULL;

  inbox_open (inbox);
  g_assert_true (weir_context_set (inbox->ctx, "memory.limit", "64MB", &error));
  inbox->output = weir_collect (weir_count (weir_file_stream (inbox->ctx, inbox->folder, &spec)));
  start (inbox);
  scratch_write (&inbox->scratch, "made", "");
  g_assert_cmpint (truncate (made, 300 * 1000 * 1000), ==, 0);
  g_assert_cmpint (g_rename (made, arrived), ==, 0);
  inbox_advance_to (inbox, "300000");
}

static void
mistakes_are_told_at_the_start (Inbox *inbox, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  const char *const wanted[] = { "has no folder to watch", "has no spec (NULL)", "FIXED framing of size 0" };

  inbox_open (inbox);
  weir_collect (weir_text_file_stream (inbox->ctx, NULL));
  weir_collect (weir_file_stream (inbox->ctx, inbox->folder, NULL));
  weir_collect (
      weir_file_stream (inbox->ctx, inbox->folder, (&(WeirFileSpec){ .framing = { .kind = WEIR_FRAMING_FIXED } })));
  g_assert_false (weir_context_start (inbox->ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  for (guint i = 0; i < G_N_ELEMENTS (wanted); i++)
    g_assert_nonnull (strstr (error->message, wanted[i]));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/files/" #name, Inbox, NULL, set_up, name, tear_down)
  ADD (a_file_is_read_once);
  ADD (files_of_a_batch_come_in_order_of_their_names_each_a_partition);
  ADD (what_was_there_at_the_start_is_left_alone);
  ADD (what_was_there_at_the_start_is_read_where_it_is_asked_for);
  ADD (hidden_and_temporary_files_wait_for_their_names);
  ADD (a_filter_takes_the_place_of_the_rule_for_names);
  ADD (ends_of_lines_and_of_files_are_told_from_content);
  ADD (records_are_framed_as_asked);
  ADD (bytes_that_are_no_record_are_counted);
  ADD (a_folder_that_is_not_there_is_an_error_at_the_start);
  ADD (a_folder_that_goes_away_for_a_while_loses_and_doubles_nothing);
  ADD (the_name_of_a_deleted_file_may_be_used_again);
  ADD (a_file_that_has_gone_before_it_is_read_fails_its_batch);
  ADD (a_file_that_has_become_shorter_fails_its_batch);
  ADD (what_is_appended_to_a_file_is_not_read_and_said_so);
  ADD (a_file_that_may_not_be_read_waits_until_it_may);
  ADD (a_file_that_was_there_is_left_alone_even_if_it_could_not_be_read);
  ADD (a_large_file_is_read_in_little_memory);
  ADD (mistakes_are_told_at_the_start);
  return g_test_run ();
}
