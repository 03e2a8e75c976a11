/* Files of a checkpoint's directory: whole writes, syncs, and errors that say which file, why and what to do.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

/* Constant while it is open; shared by the threads of a store. */
typedef struct {
  int fd;
  char *path; /* for messages */
} WeirFolder;

/* Makes it and the folders above it where they are missing (mode 0700), durably, unless @must_exist. */
gboolean weir_folder_open (WeirFolder *folder, const char *path, gboolean must_exist, GError **error);
void weir_folder_close (WeirFolder *folder);

/* These set the error and return FALSE. @name: of a file in the folder; NULL: the folder itself. */
gboolean weir_folder_fail (const WeirFolder *folder, const char *name, const char *what, int code, GError **error);
/* What weir_frame_open () says of a piece, with its code. */
gboolean
weir_folder_refuse (const WeirFolder *folder, const char *name, guint64 offset, const GError *why, GError **error);
gboolean
weir_folder_corrupt (const WeirFolder *folder, const char *name, guint64 offset, const char *why, GError **error);

/* As the system calls, closed on exec; -1 with the error set. */
int weir_folder_create (const WeirFolder *folder, const char *name, GError **error); /* must not be there */
int weir_folder_open_file (const WeirFolder *folder, const char *name, int flags, GError **error);
gboolean weir_folder_rename (const WeirFolder *folder, const char *from, const char *to, GError **error);
gboolean weir_folder_unlink (const WeirFolder *folder, const char *name, GError **error); /* none: TRUE */
gboolean weir_folder_sync (const WeirFolder *folder, GError **error);
/* The names in it; NULL with the error set. */
GPtrArray *weir_folder_list (const WeirFolder *folder, GError **error);

/* 0 or what went wrong. Go on after signals and short writes. */
int weir_file_write (int fd, guint64 offset, gconstpointer data, gsize size);
int weir_file_sync (int fd, gboolean data_only);
int weir_file_read (int fd, guint64 offset, gpointer data, gsize size, gsize *n_read); /* less only at the end */

/* Room for @size bytes, whatever it held; FALSE: there is none. */
gboolean weir_bytes_resize (GByteArray *data, guint64 size);
/* All of a file; TRUE with *found FALSE if there is none. */
gboolean
weir_folder_load (const WeirFolder *folder, const char *name, GByteArray *data, gboolean *found, GError **error);
/* A small file, replaced durably and at once: temporary name, sync, rename, sync of the folder. */
gboolean
weir_folder_replace (const WeirFolder *folder, const char *name, gconstpointer data, gsize size, GError **error);
