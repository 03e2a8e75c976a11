/* Files of plans: a torn end is cut off and gone on from; damage before whole entries is told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "stores/file-plans.h"

#include <string.h>

#include <weir/error.h>

#include "tests/sinks/scratch.h"

typedef struct {
  Scratch scratch;
  WeirFolder folder;
  WeirFilePlansWriter writer;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  scratch_init (&f->scratch);
  g_assert_true (weir_folder_open (&f->folder, f->scratch.path, TRUE, NULL));
  weir_file_plans_writer_init (&f->writer);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_file_plans_writer_close (&f->writer);
  weir_folder_close (&f->folder);
  scratch_clear (&f->scratch);
}

static void
append (Fixture *f, guint64 epoch, const char *plan)
{
  g_autoptr (GError) error = NULL;

  weir_file_plans_append (&f->writer, &f->folder, epoch, plan, strlen (plan), &error);
  g_assert_no_error (error);
}

static void
expect (Fixture *f, guint64 epoch, const char *expected)
{
  g_autoptr (GPtrArray) plans = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (GString) found = g_string_new (NULL);
  g_autoptr (GError) error = NULL;

  weir_file_plans_load (&f->folder, epoch, plans, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < plans->len; i++) {
    gsize size;
    const char *data = g_bytes_get_data (g_ptr_array_index (plans, i), &size);

    g_string_append (found, i > 0 ? "," : "");
    g_string_append_len (found, data, (gssize) size);
  }
  g_assert_cmpstr (found->str, ==, expected);
}

/* Replaces the file by @size bytes of itself and what is in @tail. */
static void
cut_to (Fixture *f, gsize size, const char *tail)
{
  g_autofree char *path = scratch_path (&f->scratch, "plans-3");
  g_autofree char *content = NULL;
  g_autoptr (GString) cut = NULL;

  weir_file_plans_writer_close (&f->writer);
  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  cut = g_string_new_len (content, (gssize) size);
  g_string_append (cut, tail);
  g_assert_true (g_file_set_contents (path, cut->str, (gssize) cut->len, NULL));
}

static void
test_plans_come_back (Fixture *f, gconstpointer data)
{
  append (f, 3, "one");
  append (f, 3, "two");
  append (f, 4, "of the next");
  append (f, 3, "three");
  expect (f, 3, "one,two,three");
  expect (f, 4, "of the next");
  expect (f, 5, "");
}

static void
test_torn_end_is_cut_off (Fixture *f, gconstpointer data)
{
  gsize whole;

  append (f, 3, "one");
  append (f, 3, "two");
  whole = f->writer.size;
  append (f, 3, "three");
  for (gsize size = f->writer.size - 1; size > whole; size--) {
    cut_to (f, size, "");
    expect (f, 3, "one,two");
  }
}

static void
test_appending_goes_on_after_a_torn_end (Fixture *f, gconstpointer data)
{
  append (f, 3, "one");
  append (f, 3, "a longer one, which is cut");
  cut_to (f, f->writer.size - 5, "");
  append (f, 3, "x");
  append (f, 3, "y");
  expect (f, 3, "one,x,y");
}

static void
test_garbage_at_the_end_is_cut_off (Fixture *f, gconstpointer data)
{
  append (f, 3, "one");
  cut_to (f, f->writer.size, "weir, and something that is no entry");
  expect (f, 3, "one");
  append (f, 3, "two");
  expect (f, 3, "one,two");
}

static void
test_damage_before_whole_ones_is_told (Fixture *f, gconstpointer data)
{
  g_autofree char *path = scratch_path (&f->scratch, "plans-3");
  g_autoptr (GPtrArray) plans = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (GError) error = NULL;
  g_autofree char *content = NULL;
  gsize size;

  append (f, 3, "one");
  append (f, 3, "two");
  weir_file_plans_writer_close (&f->writer);
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  content[40] ^= 1;
  g_assert_true (g_file_set_contents (path, content, (gssize) size, NULL));
  g_assert_false (weir_file_plans_load (&f->folder, 3, plans, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
  g_assert_nonnull (strstr (error->message, "/plans-3 at 0: the checksum is wrong"));
  g_clear_error (&error);
  g_assert_false (weir_file_plans_append (&f->writer, &f->folder, 3, "x", 1, &error)); /* nor is it gone on with */
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
}

static void
test_a_missing_entry_is_told (Fixture *f, gconstpointer data)
{
  g_autofree char *path = scratch_path (&f->scratch, "plans-3");
  g_autoptr (GPtrArray) plans = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  g_autoptr (GError) error = NULL;
  g_autofree char *content = NULL;
  gsize first, size;

  append (f, 3, "one");
  first = f->writer.size;
  append (f, 3, "two");
  weir_file_plans_writer_close (&f->writer);
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  g_assert_true (g_file_set_contents (path, content + first, (gssize) (size - first), NULL));
  g_assert_false (weir_file_plans_load (&f->folder, 3, plans, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_CHECKPOINT_CORRUPT);
}

#define add(name, test) g_test_add ("/file-plans/" name, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("plans-come-back", test_plans_come_back);
  add ("torn-end-is-cut-off", test_torn_end_is_cut_off);
  add ("appending-goes-on-after-a-torn-end", test_appending_goes_on_after_a_torn_end);
  add ("garbage-at-the-end-is-cut-off", test_garbage_at_the_end_is_cut_off);
  add ("damage-before-whole-ones-is-told", test_damage_before_whole_ones_is_told);
  add ("a-missing-entry-is-told", test_a_missing_entry_is_told);
  return g_test_run ();
}
