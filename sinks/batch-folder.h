/* A folder that appears whole or not at all: written under a temporary name beside its place, synced, then renamed.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/macros.h>

#define WEIR_BATCH_FOLDER_SUCCESS  "_SUCCESS" /* a file that says: all parts are there */
#define WEIR_BATCH_FOLDER_RUN_SIZE 16         /* hexadecimal digits that name a run */

typedef struct {
  char *final;     /* prefix-<ms>[.suffix] */
  char *temporary; /* .<name>[.run].tmp, beside it */
} WeirBatchFolder;

/* Names both; nothing is touched yet. @run: whose folder it is, so that a process that stood still and one that took over
 * from it never write into one; NULL where nobody takes over. */
void weir_batch_folder_init (WeirBatchFolder *folder, const char *prefix, const char *suffix, WeirTime time,
                             const char *run);
void weir_batch_folder_clear (WeirBatchFolder *folder);

/* Each blocks on the disk and sets WEIR_ERROR_SINK with path, reason and what to do. */
gboolean weir_batch_folder_begin (const WeirBatchFolder *folder, GError **error); /* leftovers of the same name go */
gboolean weir_batch_folder_mark_success (const WeirBatchFolder *folder, GError **error);
gboolean weir_batch_folder_commit (const WeirBatchFolder *folder, GError **error); /* an older output is replaced */
void weir_batch_folder_abort (const WeirBatchFolder *folder);

/* The same in two steps, for folders that appear when their epoch is sealed. sync: it is whole, durable and invisible.
 * put: it appears, durably; done already is as good. */
gboolean weir_batch_folder_sync (const WeirBatchFolder *folder, GError **error);
gboolean weir_batch_folder_put (const WeirBatchFolder *folder, GError **error);
/* It neither waits to be put there nor is there; the folder that it was to be in is. */
gboolean weir_batch_folder_is_taken (const WeirBatchFolder *folder);
/* Removes what batches have left under temporary names of this prefix and suffix: all of @run, and of others what is
 * older than @since (wall clock, µs): younger ones are those of a process that has taken over from this one. */
void weir_batch_folder_sweep (const char *prefix, const char *suffix, const char *run, gint64 since);

/* A descriptor to write to; below 0: errno says why. @path is set in any case, to be freed. Any thread. */
int weir_batch_folder_create (const WeirBatchFolder *folder, const char *name, char **path);

/* "cannot <what> <path>: <reason>: <what to do>" */
void weir_batch_folder_set_error (GError **error, const char *what, const char *path, int code);
