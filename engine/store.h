/* Stores: where checkpoints are kept. A store keeps bytes and knows nothing of what they mean: every piece carries its
 * own checksum (engine/frame.h).
 *
 * An epoch is begun, its blobs are put, it is prepared (durable with its manifest, not yet current), then sealed: the
 * current epoch moves to it, in one step. Plans are appended beside that, under the epoch that they will be part of.
 * All calls but append_plan come from one thread at a time; append_plan may come from another one at the same time.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

#include "engine/log.h"

typedef struct _WeirStore WeirStore;
typedef struct _WeirStoreKlass WeirStoreKlass;

typedef struct {
  guint64 epoch; /* that put it */
  guint64 offset;
  guint64 size;
} WeirBlob;

/* What a store may need of the options. */
typedef struct {
  const char *uri;           /* as the user wrote it */
  gint64 lease;              /* microseconds */
  const char *password_file; /* nullable */
  gboolean read_only;        /* for looking: takes no token, changes nothing */
  const WeirLog *log;
} WeirStoreSettings;

struct _WeirStoreKlass {
  const char *scheme; /* of the URI, without the colon */
  gsize instance_size;
  /* Takes the token, and makes an empty store where there is none (not if read_only). CHECKPOINT_LOCKED: it belongs to
   * somebody else, who is named. May block. */
  gboolean (*open) (WeirStore *store, const WeirStoreSettings *settings, GError **error);
  /* The current epoch, 0: none; and those that were prepared after it, 0: none. CHECKPOINT_CORRUPT where the store can
   * tell that what said so is damaged. */
  gboolean (*find) (WeirStore *store, guint64 *sealed, guint64 *prepared, GError **error);
  /* All epochs that have a manifest, in order (guint64). */
  gboolean (*list) (WeirStore *store, GArray *epochs, GError **error);
  /* Both replace what the array holds. CHECKPOINT_CORRUPT names the place: it is missing, or does not fit. */
  gboolean (*read_manifest) (WeirStore *store, guint64 epoch, GByteArray *manifest, GError **error);
  gboolean (*read) (WeirStore *store, const WeirBlob *blob, GByteArray *data, GError **error);
  /* @plans: GBytes, in the order in which they were appended; a torn last one is left out. */
  gboolean (*read_plans) (WeirStore *store, guint64 epoch, GPtrArray *plans, GError **error);
  /* Where a blob lies, for messages: "/dir/epoch-12 at 3456"; transfer full. NULL blob: the epoch's manifest. */
  char *(*describe) (WeirStore *store, guint64 epoch, const WeirBlob *blob);

  /* Durable when it returns. */
  gboolean (*append_plan) (WeirStore *store, guint64 epoch, gconstpointer data, gsize size, GError **error);
  /* Whatever was put or prepared under this number is gone. FAILED, as in drop_prepared: it is sealed, or older than
   * that. After a put or prepare that failed it is called again. */
  gboolean (*begin) (WeirStore *store, guint64 epoch, GError **error);
  gboolean (*put) (WeirStore *store, gconstpointer data, gsize size, WeirBlob *blob, GError **error);
  /* The epoch that was begun, its blobs and manifest, are durable when it returns. */
  gboolean (*prepare) (WeirStore *store, gconstpointer manifest, gsize size, GError **error);
  /* Makes a prepared epoch the current one, atomically and durably, if the token is still ours; FENCED if not. Again is
   * fine. CHECKPOINT_BEHIND: the store has lost the epoch sealed before. */
  gboolean (*seal) (WeirStore *store, guint64 epoch, GError **error);
  /* Forgets the manifest and the blobs of an epoch that was prepared and never sealed; its plans stay, for the batches
   * that are run again. */
  gboolean (*drop_prepared) (WeirStore *store, guint64 epoch, GError **error);
  /* Forgets every epoch before the current one whose number is not in @keep (sorted): blobs, manifest, plans. */
  gboolean (*forget) (WeirStore *store, const guint64 *keep, gsize n, GError **error);
  /* Says that the owner lives, optional; cheap if called often. FENCED: it has another owner, as all that changes
   * something says then. */
  gboolean (*renew) (WeirStore *store, GError **error);
  /* Gives the token back. */
  void (*close) (WeirStore *store);
};

struct _WeirStore {
  const WeirStoreKlass *klass;
};

/* stores/: NULL where no store has the URI's scheme; @error names those that are there. */
const WeirStoreKlass *weir_store_find_class (const char *uri, GError **error);
