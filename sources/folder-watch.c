/* folder-watch.c: looks into a folder, by the clock and when the system says that something has happened.
 *
 * Owns the thread and what it has found and nobody has taken. The system's word is a hint: a look decides, since there is
 * none for what other machines do in a folder that they share. Must not know what happens to the files.
 * Threads: the watch's own looks; the loop's starts, stops and takes. `news`, `n_found` and `is_stopping` are guarded by
 * `lock`; the scan belongs to the thread while there is one.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/folder-watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <weir/error.h>

/* A folder that takes long to list is not listed all the time: the pause is at least so many times the look. */
#define PAUSE_PART 4

/* Where the system tells of what happens, looking by the clock is for folders of other machines. */
#define PAUSE_MIN WEIR_MILLISECONDS (100)

struct _WeirFolderWatch {
  WeirFolderScan *scan;
  WeirTime interval;
  pthread_t thread;
  gboolean is_started;
  int wake;            /* eventfd: stop */
  int hints;           /* inotify; below 0: none */
  gboolean has_failed; /* the last look has: it was said */
  pthread_mutex_t lock;
  GArray *news;
  guint n_found; /* in them, that are not gone */
  gboolean is_stopping;
};

WeirFolderWatch *
weir_folder_watch_new (WeirFolderScan *scan)
{
  WeirFolderWatch *watch = g_new0 (WeirFolderWatch, 1);

  watch->scan = scan;
  watch->wake = watch->hints = -1;
  watch->news = weir_folder_news_new ();
  pthread_mutex_init (&watch->lock, NULL);
  return watch;
}

static void
report (WeirFolderWatch *watch, const GError *error)
{
  const WeirLog *log = weir_folder_scan_log (watch->scan);

  if (error != NULL && !watch->has_failed)
    weir_log (log, WEIR_LOG_WARNING, "%s. No files come in until then", error->message);
  else if (error == NULL && watch->has_failed)
    weir_log (log, WEIR_LOG_INFO, "the folder %s can be listed again", weir_folder_scan_path (watch->scan));
  watch->has_failed = error != NULL;
}

void
weir_folder_watch_look (WeirFolderWatch *watch)
{
  g_autoptr (GArray) news = weir_folder_news_new ();
  g_autoptr (GError) error = NULL;

  weir_folder_scan_look (watch->scan, news, &error);
  report (watch, error);
  pthread_mutex_lock (&watch->lock);
  for (guint i = 0; i < news->len; i++)
    watch->n_found += !g_array_index (news, WeirFolderNews, i).is_gone;
  g_array_append_vals (watch->news, news->data, news->len);
  pthread_mutex_unlock (&watch->lock);
  if (news->len > 0) /* the names have gone over */
    memset (news->data, 0, news->len * sizeof (WeirFolderNews));
}

GArray *
weir_folder_watch_take (WeirFolderWatch *watch)
{
  GArray *news, *none = weir_folder_news_new ();

  pthread_mutex_lock (&watch->lock);
  news = watch->news;
  watch->news = none;
  watch->n_found = 0;
  pthread_mutex_unlock (&watch->lock);
  return news;
}

gboolean
weir_folder_watch_has_found (WeirFolderWatch *watch)
{
  gboolean has;

  pthread_mutex_lock (&watch->lock);
  has = watch->n_found > 0;
  pthread_mutex_unlock (&watch->lock);
  return has;
}

gboolean
weir_folder_watch_is_started (const WeirFolderWatch *watch)
{
  return watch->is_started;
}

static gboolean
is_stopping (WeirFolderWatch *watch)
{
  gboolean is;

  pthread_mutex_lock (&watch->lock);
  is = watch->is_stopping;
  pthread_mutex_unlock (&watch->lock);
  return is;
}

/* A folder that has been moved away and made anew is another one to the system. */
static void
ask_for_hints (WeirFolderWatch *watch)
{
  if (watch->hints >= 0)
    inotify_add_watch (watch->hints, weir_folder_scan_path (watch->scan),
                       IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR);
}

static void
drop_hints (int fd)
{
  char room[4096];

  while (fd >= 0 && read (fd, room, sizeof room) > 0)
    ;
}

/* Until there is a reason to look again. Hints are heard after a pause only: many may come at once. */
static void
pause_for (WeirFolderWatch *watch, WeirTime took)
{
  WeirTime least = took * PAUSE_PART, most = watch->hints >= 0 ? MAX (watch->interval, PAUSE_MIN) : watch->interval;
  struct pollfd fds[2] = { { watch->wake, POLLIN, 0 }, { watch->hints, POLLIN, 0 } };
  struct timespec first = { least / G_USEC_PER_SEC, least % G_USEC_PER_SEC * 1000 };
  WeirTime rest = MAX (most - least, 0);
  struct timespec then = { rest / G_USEC_PER_SEC, rest % G_USEC_PER_SEC * 1000 };

  if (ppoll (fds, 1, &first, NULL) == 0)
    ppoll (fds, 2, &then, NULL);
}

static gpointer
look_on (gpointer data)
{
  WeirFolderWatch *watch = data;

  pthread_setname_np (pthread_self (), "weir-files");
  while (!is_stopping (watch)) {
    gint64 begun = g_get_monotonic_time ();

    ask_for_hints (watch);
    drop_hints (watch->hints);
    weir_folder_watch_look (watch);
    pause_for (watch, g_get_monotonic_time () - begun);
  }
  return NULL;
}

static void
close_all (WeirFolderWatch *watch)
{
  if (watch->wake >= 0)
    close (watch->wake);
  if (watch->hints >= 0)
    close (watch->hints);
  watch->wake = watch->hints = -1;
}

gboolean
weir_folder_watch_start (WeirFolderWatch *watch, WeirTime interval, GError **error)
{
  int code;

  watch->interval = interval;
  watch->wake = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  watch->hints = inotify_init1 (IN_CLOEXEC | IN_NONBLOCK);
  code = watch->wake < 0 ? errno : pthread_create (&watch->thread, NULL, look_on, watch);
  watch->is_started = code == 0;
  if (code == 0)
    return TRUE;
  close_all (watch);
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED, "cannot start a thread that looks into the folder %s: %s",
               weir_folder_scan_path (watch->scan), g_strerror (code));
  return FALSE;
}

void
weir_folder_watch_stop (WeirFolderWatch *watch)
{
  const guint64 one = 1;

  pthread_mutex_lock (&watch->lock);
  watch->is_stopping = TRUE;
  pthread_mutex_unlock (&watch->lock);
  if (watch->wake >= 0 && write (watch->wake, &one, sizeof one) < 0)
    g_assert (errno == EAGAIN); /* it is awake already */
}

void
weir_folder_watch_free (WeirFolderWatch *watch)
{
  weir_folder_watch_stop (watch);
  if (watch->is_started)
    pthread_join (watch->thread, NULL);
  close_all (watch);
  weir_folder_scan_free (watch->scan);
  g_array_unref (watch->news);
  pthread_mutex_destroy (&watch->lock);
  g_free (watch);
}
