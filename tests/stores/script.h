/* A made-up job's checkpoints, whose every byte follows from the epoch's number: so that any process can write them, and
 * any other can tell whether what it finds is right. Belongs to the thread that calls.
 *
 * Epoch n has PLANS plans, BLOBS blobs and a manifest that refers to them and to the blobs of the epoch before.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/store.h"

#define SCRIPT_PLANS 3
#define SCRIPT_BLOBS 3

/* A new, empty one of the URI's class, not opened. Free it by script_close (). */
WeirStore *script_new_store (const char *uri);
WeirStore *script_open (const char *uri, GError **error); /* with a lease of 10 s */
WeirStore *script_open_for (const char *uri, gint64 lease, GError **error);
WeirStore *script_open_with (const WeirStoreSettings *settings, GError **error);
void script_close (WeirStore *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (WeirStore, script_close)

GBytes *script_plan (guint64 epoch, guint i);
GByteArray *script_blob (guint64 epoch, guint i);
/* The steps of an epoch. @said: (nullable): called after what is durable. */
typedef void (*ScriptSaid) (const char *what, guint64 epoch);
gboolean script_append_plans (WeirStore *store, guint64 epoch, ScriptSaid said, GError **error);
gboolean script_prepare (WeirStore *store, guint64 epoch, GError **error);
gboolean script_write_epoch (WeirStore *store, guint64 epoch, ScriptSaid said, GError **error);
/* All of an epoch is there and right. FALSE with the store's error, or CHECKPOINT_CORRUPT where the content tells of
 * damage; content that is wrong and looks right ends the test. */
gboolean script_check (WeirStore *store, guint64 epoch, GError **error);
/* The plans of an epoch: at least @n_least of them, in order. */
void script_check_plans (WeirStore *store, guint64 epoch, guint n_least);

/* The whole life of a process that goes on from what it finds up to epoch @last; prints "plan n", "sealed n" as soon as
 * that is durable. What failed and may pass is tried again, twice. The status to exit with: 0, or 3; errors are
 * printed. WEIR_TEST_LEASE: the lease, in microseconds. */
int script_main (const char *uri, guint64 last);
