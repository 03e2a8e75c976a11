/* Looking into a folder: which files have come since the last look, and which have gone. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/input.h>

#include "engine/log.h"

typedef struct {
  char *path;                                                /* of the folder; transfer none, copied */
  gboolean (*filter) (const char *name, gpointer user_data); /* NULL: weir_folder_scan_is_plain () */
  gpointer user_data;
  gboolean with_folders; /* also the parts in folders that have a _SUCCESS, as "folder/part-00000" */
  const WeirLog *log;
} WeirFolderScanSettings;

/* What a look has found. */
typedef struct {
  char *name;
  guint64 size;
  gboolean is_gone;
} WeirFolderNews;

/* One thread at a time. */
typedef struct _WeirFolderScan WeirFolderScan;

WeirFolderScan *weir_folder_scan_new (const WeirFolderScanSettings *settings);
void weir_folder_scan_free (WeirFolderScan *scan);
const char *weir_folder_scan_path (const WeirFolderScan *scan);
const WeirLog *weir_folder_scan_log (const WeirFolderScan *scan);
/* A file that is no news. */
void weir_folder_scan_know (WeirFolderScan *scan, const char *name);
GHashTable *
weir_folder_scan_refused (const WeirFolderScan *scan); /* names that could not be read when they were looked at */
void weir_folder_scan_forget_all (WeirFolderScan *scan);

/* Blocks on the disk. Appends to @news (of WeirFolderNews) in the order in which it happened; FALSE: the folder cannot be
 * listed (SOURCE), and nothing is said to be gone. */
gboolean weir_folder_scan_look (WeirFolderScan *scan, GArray *news, GError **error);

GArray *weir_folder_news_new (void); /* transfer full; owns the names */
/* Neither hidden nor about to be renamed. */
gboolean weir_folder_scan_is_plain (const char *name);
