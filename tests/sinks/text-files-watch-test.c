/* Tests of sinks/text-files, seen from outside: what another program that watches the folder gets to see.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/inotify.h>
#include <unistd.h>

#include "tests/operators/job.h"
#include "tests/sinks/scratch.h"

/* A stranger who watches the folder where outputs appear, and from the first record on the one that is being written.
 */
typedef struct {
  Scratch scratch;
  int fd, inside; /* of inotify: the instance, the watch inside */
} Watcher;

static gboolean
watch_inside (WeirTask *task, WeirValue value, gpointer user_data)
{
  Watcher *watcher = user_data;
  g_autofree char *path = scratch_path (&watcher->scratch, ".out-1000.tmp");

  watcher->inside = inotify_add_watch (watcher->fd, path, IN_CREATE | IN_CLOSE_WRITE | IN_DELETE | IN_MOVE_SELF);
  g_assert_cmpint (watcher->inside, >=, 0);
  return TRUE;
}

static WeirValue
fail_while_watched (WeirTask *task, WeirValue value, gpointer user_data)
{
  watch_inside (task, value, user_data);
  weir_fail (task, "not this one");
  return value;
}

static void
append_event (GString *text, const Watcher *watcher, const struct inotify_event *event)
{
  static const struct {
    guint32 mask;
    const char *name;
  } kinds[] = { { IN_CREATE, "create" },        { IN_CLOSE_WRITE, "close" }, { IN_DELETE, "delete" },
                { IN_MOVED_FROM, "move-from" }, { IN_MOVED_TO, "move-to" },  { IN_MOVE_SELF, "moved" } };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (event->mask & kinds[i].mask)
      g_string_append_printf (text, "%s%s %s\n", event->wd == watcher->inside ? "  " : "", kinds[i].name,
                              event->len > 0 ? event->name : ".");
}

/* What it saw: a line an event, those of inside moved in. */
static char *
read_events (const Watcher *watcher)
{
  GString *text = g_string_new (NULL);
  char events[8192] __attribute__ ((aligned (8)));
  gssize size;

  while ((size = read (watcher->fd, events, sizeof events)) > 0)
    for (const char *at = events; at < events + size;) {
      const struct inotify_event *event = (const struct inotify_event *) (gconstpointer) at;

      append_event (text, watcher, event);
      at += sizeof *event + event->len;
    }
  return g_string_free (text, FALSE);
}

static void
watcher_init (Watcher *watcher)
{
  scratch_init (&watcher->scratch);
  watcher->fd = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  watcher->inside = -1;
  g_assert_cmpint (watcher->fd, >=, 0);
  g_assert_cmpint (inotify_add_watch (watcher->fd, watcher->scratch.path, IN_CREATE | IN_MOVE | IN_DELETE), >=, 0);
}

static void
watcher_clear (Watcher *watcher)
{
  close (watcher->fd);
  scratch_clear (&watcher->scratch);
}

static void
a_watcher_sees_one_rename_of_what_is_complete (Job *job)
{
  Watcher watcher;
  g_autofree char *prefix = NULL, *seen = NULL;

  watcher_init (&watcher);
  prefix = scratch_path (&watcher.scratch, "out");
  weir_save_as_text_files (weir_filter (weir_repartition (job->input, 1), watch_inside, &watcher), prefix, NULL);
  job_push (job, "a");
  job_run (job);
  seen = read_events (&watcher);
  g_assert_cmpstr (seen, ==,
                   "create .out-1000.tmp\n"
                   "  close part-00000\n"
                   "  create _SUCCESS\n"
                   "  close _SUCCESS\n"
                   "move-from .out-1000.tmp\n"
                   "move-to out-1000\n"
                   "  moved .\n");
  watcher_clear (&watcher);
}

static void
a_watcher_sees_nothing_but_the_temporary_name_of_a_batch_that_fails (Job *job)
{
  Watcher watcher;
  g_autofree char *prefix = NULL, *seen = NULL;

  watcher_init (&watcher);
  prefix = scratch_path (&watcher.scratch, "out");
  weir_save_as_text_files (weir_map (weir_repartition (job->input, 1), fail_while_watched, &watcher), prefix, NULL);
  job_push (job, "a");
  job_run_into (job, WEIR_ERROR_USER, "not this one");
  seen = read_events (&watcher);
  g_assert_cmpstr (seen, ==,
                   "create .out-1000.tmp\n"
                   "  close part-00000\n"
                   "  delete part-00000\n"
                   "delete .out-1000.tmp\n");
  watcher_clear (&watcher);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/text-files-watch/one-rename", a_watcher_sees_one_rename_of_what_is_complete);
  job_add_test ("/text-files-watch/a-batch-that-fails",
                a_watcher_sees_nothing_but_the_temporary_name_of_a_batch_that_fails);
  return g_test_run ();
}
