/* Looking into a folder again and again, on a thread of its own, since a disk may take its time. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "sources/folder-scan.h"

/* Belongs to the loop's thread, or to whoever opens the source. */
typedef struct _WeirFolderWatch WeirFolderWatch;

/* Transfer full of @scan. */
WeirFolderWatch *weir_folder_watch_new (WeirFolderScan *scan);
void weir_folder_watch_free (WeirFolderWatch *watch); /* waits for a look that is under way */

/* From now on the folder is looked into every @interval, and soon after something has happened in it where the system says
 * so. FALSE: the system gives no thread. */
gboolean weir_folder_watch_start (WeirFolderWatch *watch, WeirTime interval, GError **error);
gboolean weir_folder_watch_is_started (const WeirFolderWatch *watch);
void weir_folder_watch_stop (WeirFolderWatch *watch); /* no look begins any more; returns at once */

void weir_folder_watch_look (WeirFolderWatch *watch);    /* now, on this thread; not while it is started */
GArray *weir_folder_watch_take (WeirFolderWatch *watch); /* of WeirFolderNews, in order; transfer full */
gboolean weir_folder_watch_has_found (WeirFolderWatch *watch);
