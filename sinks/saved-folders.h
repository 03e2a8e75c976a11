/* Outputs that save a folder a batch: text files, object files. They differ in what writes a part.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/stream.h"
#include "sinks/batch-folder.h"

/* What such an output has as its params. @part: a TERMINAL whose op->params is the batch's WeirBatchFolder. */
typedef struct {
  const WeirOpClass *part;
  char *prefix; /* never NULL, as the suffix */
  char *suffix;
  char run[WEIR_BATCH_FOLDER_RUN_SIZE + 1]; /* names this run's temporary folders until they are sealed */
  gint64 since;                             /* when it began, by the wall clock */
  GArray *written;                          /* of WeirTime: batches whose folders wait for the seal; runner */
  guint64 prepared;                         /* the newest epoch of this process; 0: none yet; whoever seals */
} WeirSavedFolders;

WeirOutput *weir_saved_folders_new (WeirStream *stream, const WeirOutputClass *klass, const WeirOpClass *part,
                                    const char *prefix, const char *suffix);

/* The slots of its class. */
gboolean weir_saved_folders_validate (WeirOutput *output, GError **error);
gboolean weir_saved_folders_run (WeirOutput *output, WeirDataset *data, WeirTime time, GError **error);
gpointer weir_saved_folders_cut (WeirOutput *output);
gboolean
weir_saved_folders_prepare (WeirOutput *output, gpointer gathered, guint64 epoch, GByteArray *note, GError **error);
gboolean weir_saved_folders_commit (WeirOutput *output, guint64 epoch, gconstpointer note, gsize size, GError **error);
void weir_saved_folders_abort (WeirOutput *output);
void weir_saved_folders_clear (gpointer params);

#define WEIR_SAVED_FOLDERS_CLASS(name)                                                                                 \
  {                                                                                                                    \
    .verb = (name), .validate = weir_saved_folders_validate, .run = weir_saved_folders_run,                            \
    .cut = weir_saved_folders_cut, .prepare = weir_saved_folders_prepare, .commit = weir_saved_folders_commit,         \
    .abort = weir_saved_folders_abort, .params_clear = weir_saved_folders_clear,                                       \
  }
