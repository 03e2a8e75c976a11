/* Logs of what was received: numbers, segments, forgetting, reading back, who owns one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/block-log.h"

#include <string.h>

#include <weir/error.h>

#include "tests/sinks/scratch.h"

typedef struct {
  Scratch scratch;
  WeirLog log;
  WeirBlockLogSettings settings;
  WeirBlockLog *blocks;
  GArray *found;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  *f = (Fixture){ .log = { "job", WEIR_LOG_ERROR }, .found = g_array_new (FALSE, FALSE, sizeof (WeirLoggedBlock)) };
  scratch_init (&f->scratch);
  f->settings = (WeirBlockLogSettings){ f->scratch.path, "texts", 0, &f->log };
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_block_log_close (f->blocks);
  g_array_unref (f->found);
  scratch_clear (&f->scratch);
}

static void
open_log (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  weir_block_log_close (f->blocks);
  g_array_set_size (f->found, 0);
  f->blocks = weir_block_log_open (&f->settings, f->found, &error);
  g_assert_no_error (error);
}

/* One group: the words of @text. */
static void
append (Fixture *f, const char *text)
{
  g_auto (GStrv) words = g_strsplit (text, " ", -1);
  g_autofree WeirLogEntry *entries = g_new0 (WeirLogEntry, g_strv_length (words));
  g_autoptr (GError) error = NULL;
  guint n = g_strv_length (words);

  for (guint i = 0; i < n; i++)
    entries[i] = (WeirLogEntry){ words[i], strlen (words[i]), i };
  weir_block_log_append (f->blocks, entries, n, &error);
  g_assert_no_error (error);
}

static void
expect_found (Fixture *f, const char *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < f->found->len; i++) {
    const WeirLoggedBlock *block = &g_array_index (f->found, WeirLoggedBlock, i);
    g_autoptr (GError) error = NULL;
    g_autoptr (GBytes) bytes = weir_block_log_read (f->blocks, block, &error);

    g_assert_no_error (error);
    g_string_append_printf (text, "%s%" G_GUINT64_FORMAT ":%.*s", i > 0 ? " " : "", block->number,
                            (int) g_bytes_get_size (bytes), (const char *) g_bytes_get_data (bytes, NULL));
  }
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_a_new_one_is_empty_and_counts_from_1 (Fixture *f, gconstpointer data)
{
  open_log (f);
  g_assert_cmpuint (weir_block_log_next (f->blocks), ==, 1);
  g_assert_cmpuint (weir_block_log_first (f->blocks), ==, 1);
  scratch_expect_names (&f->scratch, NULL, "lock");
  g_assert_false (weir_block_log_is_there (f->scratch.path));
}

static void
test_blocks_are_there_again_in_order (Fixture *f, gconstpointer data)
{
  open_log (f);
  append (f, "one");
  append (f, "two three");
  g_assert_cmpuint (weir_block_log_next (f->blocks), ==, 4);
  open_log (f);
  append (f, "four");
  open_log (f);
  expect_found (f, "1:one 2:two 3:three 4:four");
  g_assert_cmpint (g_array_index (f->found, WeirLoggedBlock, 2).n_records, ==, 1);
  g_assert_true (weir_block_log_is_there (f->scratch.path));
}

static void
test_an_empty_block_is_one (Fixture *f, gconstpointer data)
{
  const WeirLogEntry empty = { NULL, 0, 0 };

  open_log (f);
  g_assert_true (weir_block_log_append (f->blocks, &empty, 1, NULL));
  open_log (f);
  expect_found (f, "1:");
}

static void
test_a_full_segment_is_followed_by_another (Fixture *f, gconstpointer data)
{
  f->settings.segment_size = 1;
  open_log (f);
  append (f, "one two");
  append (f, "three");
  append (f, "four");
  scratch_expect_names (&f->scratch, NULL, "blocks-1 blocks-3 blocks-4 lock");
  open_log (f);
  append (f, "five");
  open_log (f);
  expect_found (f, "1:one 2:two 3:three 4:four 5:five");
}

static void
test_segments_go_when_nobody_needs_any_of_their_blocks (Fixture *f, gconstpointer data)
{
  f->settings.segment_size = 1;
  open_log (f);
  append (f, "one two");
  append (f, "three");
  append (f, "four");
  g_assert_true (weir_block_log_forget (f->blocks, 2, NULL));
  scratch_expect_names (&f->scratch, NULL, "blocks-1 blocks-3 blocks-4 lock");
  g_assert_true (weir_block_log_forget (f->blocks, 3, NULL));
  scratch_expect_names (&f->scratch, NULL, "blocks-3 blocks-4 lock");
  g_assert_true (weir_block_log_forget (f->blocks, 100, NULL));
  scratch_expect_names (&f->scratch, NULL, "blocks-4 lock"); /* the number of the next block stands in it */
  open_log (f);
  g_assert_cmpuint (weir_block_log_first (f->blocks), ==, 4);
  append (f, "five");
  open_log (f);
  expect_found (f, "4:four 5:five");
}

static void
test_a_second_owner_is_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GArray) found = g_array_new (FALSE, FALSE, sizeof (WeirLoggedBlock));
  g_autoptr (GError) error = NULL;

  open_log (f);
  g_assert_null (weir_block_log_open (&f->settings, found, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_LOCKED);
}

static void
test_blocks_of_another_form_are_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  open_log (f);
  append (f, "one");
  g_clear_pointer (&f->blocks, weir_block_log_close);
  f->settings.form = "numbers";
  g_assert_null (weir_block_log_open (&f->settings, f->found, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_nonnull (strstr (error->message, "holds texts, and the stream is of numbers now"));
}

static void
test_a_block_that_was_damaged_since_is_found_when_it_is_read (Fixture *f, gconstpointer data)
{
  g_autofree char *path = scratch_path (&f->scratch, "blocks-1"), *content = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  open_log (f);
  append (f, "one");
  append (f, "two");
  open_log (f);
  g_file_get_contents (path, &content, &size, NULL);
  content[size - 1] ^= 1;
  g_file_set_contents_full (path, content, (gssize) size, G_FILE_SET_CONTENTS_NONE, 0600, NULL);
  g_assert_null (weir_block_log_read (f->blocks, &g_array_index (f->found, WeirLoggedBlock, 1), &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
}

static void
test_the_place_is_in_a_checkpoint_of_files (void)
{
  g_autofree char *place = weir_block_log_place ("file:///var/my%20job", NULL, NULL);
  g_autofree char *other = weir_block_log_place ("file:///var/job", "/fast", NULL);
  g_autofree char *beside = weir_block_log_place ("redis://localhost", "/fast", NULL);

  g_assert_cmpstr (place, ==, "/var/my job/receivers");
  g_assert_cmpstr (other, ==, "/fast");
  g_assert_cmpstr (beside, ==, "/fast");
}

static void
expect_no_place (const char *checkpoint, const char *directory, const char *says)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (weir_block_log_place (checkpoint, directory, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  if (strstr (error->message, says) == NULL)
    g_error ("'%s' says nothing of '%s'", error->message, says);
}

static void
test_without_a_place_it_is_said_what_to_do (void)
{
  expect_no_place (NULL, "/fast", "--checkpoint=file:///dir");
  expect_no_place ("redis://localhost", NULL, "--receiver.wal.directory=/dir");
  expect_no_place ("redis://localhost", "fast", "no absolute path");
}

#define ADD(name) g_test_add ("/block-log/" #name, Fixture, NULL, set_up, test_##name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_new_one_is_empty_and_counts_from_1);
  ADD (blocks_are_there_again_in_order);
  ADD (an_empty_block_is_one);
  ADD (a_full_segment_is_followed_by_another);
  ADD (segments_go_when_nobody_needs_any_of_their_blocks);
  ADD (a_second_owner_is_refused);
  ADD (blocks_of_another_form_are_refused);
  ADD (a_block_that_was_damaged_since_is_found_when_it_is_read);
  g_test_add_func ("/block-log/the_place_is_in_a_checkpoint_of_files", test_the_place_is_in_a_checkpoint_of_files);
  g_test_add_func ("/block-log/without_a_place_it_is_said_what_to_do", test_without_a_place_it_is_said_what_to_do);
  return g_test_run ();
}
