/* A folder that appears whole or not at all: written under a temporary name beside its place, synced, then renamed.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/macros.h>

typedef struct {
  char *final;     /* prefix-<ms>[.suffix] */
  char *temporary; /* .<name>.tmp, beside it */
} WeirBatchFolder;

/* Names both; nothing is touched yet. */
void weir_batch_folder_init (WeirBatchFolder *folder, const char *prefix, const char *suffix, WeirTime time);
void weir_batch_folder_clear (WeirBatchFolder *folder);

gboolean weir_batch_folder_begin (const WeirBatchFolder *folder, GError **error);  /* leftovers of the same name go */
gboolean weir_batch_folder_commit (const WeirBatchFolder *folder, GError **error); /* what stood there is replaced */
void weir_batch_folder_abort (const WeirBatchFolder *folder);

/* Creates the file, with @text in it, synced. */
gboolean
weir_batch_folder_write_file (const WeirBatchFolder *folder, const char *name, const char *text, GError **error);
/* "cannot <what> <path>: <reason>: <what to do>" */
void weir_batch_folder_set_error (GError **error, const char *what, const char *path, int code);
