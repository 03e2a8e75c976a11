/* Which files a source has read, and in which of its batches: where it stands. One thread. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

typedef struct {
  char *name;
  guint64 size;   /* when it was found: so much of it is read */
  guint64 number; /* of the batch, counted by the source; 0: it was there before and is not read */
} WeirLedgerFile;

typedef struct {
  guint64 number;      /* of the last batch that read anything */
  GPtrArray *files;    /* of WeirLedgerFile, in the order in which they were read */
  GHashTable *by_name; /* name -> WeirLedgerFile */
  GByteArray *encoded; /* NULL: something has changed */
} WeirFileLedger;

void weir_file_ledger_init (WeirFileLedger *ledger);
void weir_file_ledger_clear (WeirFileLedger *ledger);
gboolean weir_file_ledger_has (const WeirFileLedger *ledger, const char *name);
/* Into the batch `number`. */
void weir_file_ledger_add (WeirFileLedger *ledger, const char *name, guint64 size);
void weir_file_ledger_forget (WeirFileLedger *ledger, GHashTable *names); /* a set */

void weir_file_ledger_save (WeirFileLedger *ledger, GByteArray *position);
/* Into a ledger that is empty. FALSE: it is no position. */
gboolean weir_file_ledger_load (WeirFileLedger *ledger, gconstpointer position, gsize size);
