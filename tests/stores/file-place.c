/* Owns the directories. SPDX-License-Identifier: Apache-2.0
 */
#include "tests/stores/file-place.h"

#include <string.h>

#include "tests/sinks/scratch.h"

char *
file_place_make (void)
{
  Scratch scratch;
  char *uri;

  scratch_init (&scratch);
  uri = g_strdup_printf ("file://%s", scratch.path);
  g_free (scratch.path);
  return uri;
}

char *
file_place_path (const char *uri, const char *name)
{
  return g_build_filename (uri + strlen ("file://"), name, NULL);
}

void
file_place_clear (const char *uri)
{
  scratch_clear (&(Scratch){ .path = file_place_path (uri, NULL) });
}
