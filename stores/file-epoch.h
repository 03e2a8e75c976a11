/* The file of one epoch: its blobs one after the other, its manifest, and a footer that says where that lies.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/store.h"
#include "stores/file-io.h"

#define WEIR_FILE_EPOCH_NAME_SIZE 40

void weir_file_epoch_name (guint64 epoch, char name[WEIR_FILE_EPOCH_NAME_SIZE]);
/* TRUE if @name is that of a prepared epoch's file. */
gboolean weir_file_epoch_parse_name (const char *name, const char *prefix, guint64 *epoch);

/* An epoch that is being written, under a temporary name. One thread. */
typedef struct {
  int fd; /* -1: none is */
  guint64 epoch;
  guint64 size;
} WeirFileEpochWriter;

void weir_file_epoch_writer_init (WeirFileEpochWriter *writer);
/* What there was of this number, whole or not, is gone. */
gboolean weir_file_epoch_begin (WeirFileEpochWriter *writer, const WeirFolder *folder, guint64 epoch, GError **error);
/* After a put or finish that failed there is no epoch until the next begin. */
gboolean weir_file_epoch_put (WeirFileEpochWriter *writer, const WeirFolder *folder, gconstpointer data, gsize size,
                              GError **error);
gboolean weir_file_epoch_finish (WeirFileEpochWriter *writer, const WeirFolder *folder, gconstpointer manifest,
                                 gsize size, GError **error);
void weir_file_epoch_discard (WeirFileEpochWriter *writer, const WeirFolder *folder);

/* A whole one. One thread. */
typedef struct {
  int fd; /* -1: none is open */
  guint64 epoch;
  guint64 manifest_at, manifest_size; /* blobs lie before manifest_at */
} WeirFileEpochReader;

void weir_file_epoch_reader_init (WeirFileEpochReader *reader);
void weir_file_epoch_reader_close (WeirFileEpochReader *reader);
/* The one that is open already is kept. CHECKPOINT_CORRUPT: it is missing or its footer is damaged. */
gboolean weir_file_epoch_open (WeirFileEpochReader *reader, const WeirFolder *folder, guint64 epoch, GError **error);
gboolean weir_file_epoch_read (WeirFileEpochReader *reader, const WeirFolder *folder, const WeirBlob *blob,
                               GByteArray *data, GError **error);
gboolean weir_file_epoch_read_manifest (WeirFileEpochReader *reader, const WeirFolder *folder, GByteArray *manifest,
                                        GError **error);
