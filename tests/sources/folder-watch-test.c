/* Tests of sources/folder-watch: what comes is found on its own, trouble is said once, and it ends when it is told to.
 *
 * Looks are waited for by asking again, with a deadline: the watch has nobody to tell.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/folder-watch.h"

#include <sched.h>

#include <glib/gstdio.h>

#include "tests/sources/inbox.h"

#define PATIENCE WEIR_SECONDS (120)

typedef struct {
  Inbox inbox;
  WeirLog log;
  WeirFolderWatch *watch;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  inbox_init (&f->inbox);
  f->log = (WeirLog){ .name = "watch", .level = WEIR_LOG_DEBUG };
  f->watch = weir_folder_watch_new (
      weir_folder_scan_new (&(WeirFolderScanSettings){ .path = f->inbox.folder, .log = &f->log }));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_folder_watch_free (f->watch);
  inbox_clear (&f->inbox);
}

static void
start (Fixture *f, WeirTime interval)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_folder_watch_is_started (f->watch));
  g_assert_true (weir_folder_watch_start (f->watch, interval, &error));
  g_assert_true (weir_folder_watch_is_started (f->watch));
}

/* All names found, as they come, until there are as many. */
static void
await (Fixture *f, guint n, const char *expected)
{
  gint64 deadline = g_get_monotonic_time () + PATIENCE;
  g_autoptr (GString) names = g_string_new (NULL);
  guint n_found = 0;

  while (n_found < n && g_get_monotonic_time () < deadline) {
    g_autoptr (GArray) news = weir_folder_watch_take (f->watch);

    for (guint i = 0; i < news->len; i++) {
      const WeirFolderNews *one = &g_array_index (news, WeirFolderNews, i);

      g_string_append_printf (names, "%s%s ", one->is_gone ? "-" : "+", one->name);
    }
    n_found += news->len;
    sched_yield ();
  }
  g_assert_cmpstr (names->str, ==, expected);
}

/* The interval alone would be a day: the system says that something has happened. */
static void
what_comes_is_found_soon_where_the_system_says_so (Fixture *f, gconstpointer data)
{
  inbox_put (&f->inbox, "a", "1");
  start (f, WEIR_MINUTES (24 * 60));
  await (f, 1, "+a ");
  inbox_put (&f->inbox, "b", "1");
  await (f, 1, "+b ");
  inbox_remove (&f->inbox, "a");
  await (f, 1, "-a ");
  g_assert_false (weir_folder_watch_has_found (f->watch));
}

/* A folder that is made anew is another one to the system: the clock finds it. It comes with its file, since a look may
 * fall between the two. */
static void
trouble_is_said_once_and_so_is_its_end (Fixture *f, gconstpointer data)
{
  g_autofree char *away = scratch_path (&f->inbox.scratch, "away");
  g_autofree char *anew = scratch_path (&f->inbox.scratch, "anew");
  gint64 deadline = g_get_monotonic_time () + PATIENCE;

  start (f, WEIR_MILLISECONDS (1));
  inbox_put (&f->inbox, "a", "1");
  await (f, 1, "+a ");
  g_assert_cmpint (g_rename (f->inbox.folder, away), ==, 0);
  while (!inbox_has_log (&f->inbox, "cannot list the folder") && g_get_monotonic_time () < deadline)
    sched_yield ();
  scratch_mkdir (&f->inbox.scratch, "anew");
  scratch_write (&f->inbox.scratch, "anew/b", "1");
  g_assert_cmpint (g_rename (anew, f->inbox.folder), ==, 0);
  await (f, 2, "+b -a ");
  inbox_expect_log (&f->inbox, "cannot list the folder", 1);
  inbox_expect_log (&f->inbox, "can be listed again", 1);
}

static void
nothing_is_found_once_it_has_been_stopped (Fixture *f, gconstpointer data)
{
  inbox_put (&f->inbox, "a", "1");
  weir_folder_watch_look (f->watch);
  g_assert_true (weir_folder_watch_has_found (f->watch));
  weir_folder_watch_stop (f->watch);
  inbox_put (&f->inbox, "b", "1");
  start (f, WEIR_MILLISECONDS (1));
  await (f, 1, "+a ");
  g_assert_false (weir_folder_watch_has_found (f->watch));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/folder-watch/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (what_comes_is_found_soon_where_the_system_says_so);
  ADD (trouble_is_said_once_and_so_is_its_end);
  ADD (nothing_is_found_once_it_has_been_stopped);
  return g_test_run ();
}
