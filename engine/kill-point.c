/* Kill points: reads WEIR_KILL_AT and counts, and writes the phase down. Must not know what the points stand for. Any thread.
 *
 * Count and phase are of the process, as its death is; there are none in a build that is not for tests.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/kill-point.h"

#ifdef WEIR_KILL_POINTS

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#define LINE ((gsize) 32) /* with its end */

static char *phases; /* two lines; NULL: nobody wants to know */

/* A page of the file: what is written to it is there when the process is gone. */
static void
open_phases (void)
{
  const char *path = g_getenv ("WEIR_TEST_PHASE_FILE");
  int fd = path != NULL ? open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
  gpointer page;

  if (fd < 0)
    return;
  if (ftruncate (fd, 2 * LINE) == 0) {
    page = mmap (NULL, 2 * LINE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page != MAP_FAILED)
      phases = page;
  }
  close (fd);
}

static void
note_phase (const char *name)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  char line[LINE + 1];

  pthread_once (&once, open_phases);
  if (phases == NULL)
    return;
  g_snprintf (line, sizeof line, "%-31s\n", name);
  memcpy (phases + (g_str_has_prefix (name, "batch") ? 0 : LINE), line, LINE);
}

/* Whether @name is passed for the time that the environment's @variable tells. */
static gboolean
is_at (const char *variable, atomic_ullong *n_passed, const char *name)
{
  const char *at = g_getenv (variable);
  const char *colon = at != NULL ? strrchr (at, ':') : NULL;
  gsize size = colon != NULL ? (gsize) (colon - at) : 0;
  gboolean is_any = size == 3 && strncmp (at, "any", 3) == 0;

  if (colon == NULL || !(is_any || (strlen (name) == size && strncmp (at, name, size) == 0)))
    return FALSE;
  return atomic_fetch_add (n_passed, 1) + 1 == g_ascii_strtoull (colon + 1, NULL, 10);
}

void
weir_kill_point (const char *name)
{
  static atomic_ullong n_before_kill, n_before_stop;

  note_phase (name);
  if (is_at ("WEIR_STOP_AT", &n_before_stop, name)) {
    dprintf (STDERR_FILENO, "stands still at %s\n", name);
    raise (SIGSTOP); /* this thread first: it goes no further */
  }
  if (is_at ("WEIR_KILL_AT", &n_before_kill, name)) {
    dprintf (STDERR_FILENO, "killed at %s\n", name);
    _exit (137);
  }
}

#endif
