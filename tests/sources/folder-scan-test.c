/* Tests of sources/folder-scan: what is new, what has gone, and what cannot be looked at.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/folder-scan.h"

#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>
#include <weir/error.h>

#include "tests/sources/inbox.h"

typedef struct {
  Inbox inbox;
  WeirLog log;
  WeirFolderScan *scan;
} Fixture;

static void
set_up (Fixture *f, gconstpointer with_folders)
{
  inbox_init (&f->inbox);
  f->log = (WeirLog){ .name = "scan", .level = WEIR_LOG_DEBUG };
  f->scan = weir_folder_scan_new (
      &(WeirFolderScanSettings){ .path = f->inbox.folder, .with_folders = with_folders != NULL, .log = &f->log });
}

static void
tear_down (Fixture *f, gconstpointer with_folders)
{
  weir_folder_scan_free (f->scan);
  inbox_clear (&f->inbox);
}

static gint
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

/* "+name=size" and "-name", sorted. */
static void
look (Fixture *f, const char *expected)
{
  g_autoptr (GArray) news = weir_folder_news_new ();
  g_autoptr (GPtrArray) texts = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  weir_folder_scan_look (f->scan, news, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < news->len; i++) {
    const WeirFolderNews *one = &g_array_index (news, WeirFolderNews, i);

    g_ptr_array_add (texts, one->is_gone ? g_strdup_printf ("-%s", one->name)
                                         : g_strdup_printf ("+%s=%d", one->name, (int) one->size));
  }
  g_ptr_array_sort (texts, compare_texts);
  g_ptr_array_add (texts, NULL);
  text = g_strjoinv (" ", (char **) texts->pdata);
  g_assert_cmpstr (text, ==, expected);
}

static void
a_file_is_news_once_when_it_comes_and_once_when_it_goes (Fixture *f, gconstpointer with_folders)
{
  look (f, "");
  inbox_put (&f->inbox, "a", "12");
  inbox_put (&f->inbox, "b", "");
  look (f, "+a=2 +b=0");
  look (f, "");
  inbox_put (&f->inbox, "c", "123");
  inbox_remove (&f->inbox, "a");
  look (f, "+c=3 -a");
  inbox_put (&f->inbox, "a", "1");
  look (f, "+a=1");
  look (f, "");
}

static void
what_is_known_is_no_news_until_it_goes (Fixture *f, gconstpointer with_folders)
{
  inbox_put (&f->inbox, "a", "12");
  weir_folder_scan_know (f->scan, "a");
  weir_folder_scan_know (f->scan, "long gone");
  look (f, "-long gone");
  weir_folder_scan_forget_all (f->scan);
  look (f, "+a=2");
}

static void
only_files_count_and_links_to_them (Fixture *f, gconstpointer with_folders)
{
  g_autofree char *link = g_build_filename (f->inbox.folder, "link", NULL);
  g_autofree char *broken = g_build_filename (f->inbox.folder, "broken", NULL);
  g_autofree char *pipe = g_build_filename (f->inbox.folder, "pipe", NULL);

  scratch_write (&f->inbox.scratch, "target", "1234");
  scratch_mkdir (&f->inbox.scratch, "in/folder");
  g_assert_cmpint (symlink ("../target", link), ==, 0);
  g_assert_cmpint (symlink ("nowhere", broken), ==, 0);
  g_assert_cmpint (mkfifo (pipe, 0600), ==, 0);
  look (f, "+link=4");
}

static void
a_folder_that_cannot_be_listed_says_nothing_of_its_files (Fixture *f, gconstpointer with_folders)
{
  g_autofree char *away = scratch_path (&f->inbox.scratch, "away");
  g_autoptr (GArray) news = weir_folder_news_new ();
  g_autoptr (GError) error = NULL;

  inbox_put (&f->inbox, "a", "12");
  look (f, "+a=2");
  g_assert_cmpint (g_rename (f->inbox.folder, away), ==, 0);
  g_assert_false (weir_folder_scan_look (f->scan, news, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_SOURCE);
  g_assert_nonnull (strstr (error->message, f->inbox.folder));
  g_assert_cmpuint (news->len, ==, 0);
  g_assert_cmpint (g_rename (away, f->inbox.folder), ==, 0);
  look (f, "");
}

static void
a_folder_of_parts_counts_when_it_is_complete (Fixture *f, gconstpointer with_folders)
{
  inbox_put (&f->inbox, "plain", "1");
  scratch_mkdir (&f->inbox.scratch, "in/out-1000");
  inbox_put (&f->inbox, "out-1000/part-00000", "12");
  inbox_put (&f->inbox, "out-1000/part-00001", "123");
  inbox_put (&f->inbox, "out-1000/other", "1234");
  scratch_mkdir (&f->inbox.scratch, "in/.out-2000.tmp");
  inbox_put (&f->inbox, ".out-2000.tmp/part-00000", "12");
  inbox_put (&f->inbox, ".out-2000.tmp/_SUCCESS", "");
  look (f, "+plain=1");
  inbox_put (&f->inbox, "out-1000/_SUCCESS", "");
  look (f, "+out-1000/part-00000=2 +out-1000/part-00001=3");
  look (f, "");
}

static void
parts_go_with_their_folder (Fixture *f, gconstpointer with_folders)
{
  g_autofree char *folder = g_build_filename (f->inbox.folder, "out-1000", NULL);
  g_autofree char *away = scratch_path (&f->inbox.scratch, "away");

  scratch_mkdir (&f->inbox.scratch, "in/out-1000");
  inbox_put (&f->inbox, "out-1000/part-00000", "12");
  inbox_put (&f->inbox, "out-1000/part-00001", "12");
  inbox_put (&f->inbox, "out-1000/_SUCCESS", "");
  weir_folder_scan_know (f->scan, "out-1000/part-00000");
  look (f, "+out-1000/part-00001=2");
  g_assert_cmpint (g_rename (folder, away), ==, 0);
  look (f, "-out-1000/part-00000 -out-1000/part-00001");
  g_assert_cmpint (g_rename (away, folder), ==, 0);
  look (f, "+out-1000/part-00000=2 +out-1000/part-00001=2");
}

static void
names_are_judged_by_how_they_begin_and_end (void)
{
  static const char *const plain[] = { "a", "a.tmp.gz", "tmp", "a_", "a.", "part-00000" };
  static const char *const others[] = { ".", "..", ".a", "_SUCCESS", "a.tmp", "a._COPYING_" };

  for (guint i = 0; i < G_N_ELEMENTS (plain); i++) {
    g_assert_true (weir_folder_scan_is_plain (plain[i]));
    g_assert_false (weir_folder_scan_is_plain (others[i]));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, folders) g_test_add ("/folder-scan/" #name, Fixture, folders, set_up, name, tear_down)
  ADD (a_file_is_news_once_when_it_comes_and_once_when_it_goes, NULL);
  ADD (what_is_known_is_no_news_until_it_goes, NULL);
  ADD (only_files_count_and_links_to_them, NULL);
  ADD (a_folder_that_cannot_be_listed_says_nothing_of_its_files, NULL);
  ADD (a_folder_of_parts_counts_when_it_is_complete, "with folders");
  ADD (parts_go_with_their_folder, "with folders");
  g_test_add_func ("/folder-scan/names_are_judged_by_how_they_begin_and_end",
                   names_are_judged_by_how_they_begin_and_end);
  return g_test_run ();
}
