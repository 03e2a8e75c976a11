/* Directories for the store of directories. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

char *file_place_make (void);                              /* the URI of a new, empty one; transfer full */
char *file_place_path (const char *uri, const char *name); /* NULL: the directory; transfer full */
void file_place_clear (const char *uri);                   /* removes it and all that is in it */
