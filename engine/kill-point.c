/* Kill points: reads WEIR_KILL_AT and counts. Must not know what the points stand for. Any thread.
 *
 * The count is of the process, as its death is; there is none in a build that is not for tests.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/kill-point.h"

#ifdef WEIR_KILL_POINTS

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

static atomic_ullong n_passed;

void
weir_kill_point (const char *name)
{
  const char *at = g_getenv ("WEIR_KILL_AT");
  const char *colon = at != NULL ? strrchr (at, ':') : NULL;
  gsize size = colon != NULL ? (gsize) (colon - at) : 0;
  gboolean is_any = size == 3 && strncmp (at, "any", 3) == 0;

  if (colon == NULL || !(is_any || (strlen (name) == size && strncmp (at, name, size) == 0)))
    return;
  if (atomic_fetch_add (&n_passed, 1) + 1 != g_ascii_strtoull (colon + 1, NULL, 10))
    return;
  dprintf (STDERR_FILENO, "killed at %s\n", name);
  _exit (137);
}

#endif
