/* The plans of epochs: a file each, appended to, an entry a frame.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "stores/file-io.h"

#define WEIR_FILE_PLANS_NAME_SIZE 40

void weir_file_plans_name (guint64 epoch, char name[WEIR_FILE_PLANS_NAME_SIZE]);

/* The file that is appended to. Its own thread's; reading (weir_file_plans_load) touches none of it. */
typedef struct {
  int fd; /* -1: none is open */
  guint64 epoch;
  guint64 size;       /* so much is whole and on the disk */
  guint32 n_plans;    /* in it */
  gboolean has_tail;  /* there may be more behind, to be cut off */
  GByteArray *buffer; /* lazily made */
} WeirFilePlansWriter;

void weir_file_plans_writer_init (WeirFilePlansWriter *writer);
void weir_file_plans_writer_close (WeirFilePlansWriter *writer);
gboolean weir_file_plans_append (WeirFilePlansWriter *writer, const WeirFolder *folder, guint64 epoch,
                                 gconstpointer plan, gsize size, GError **error);

/* @plans: GBytes. A torn last one is left out; CHECKPOINT_CORRUPT where whole ones follow the damage. */
gboolean weir_file_plans_load (const WeirFolder *folder, guint64 epoch, GPtrArray *plans, GError **error);
