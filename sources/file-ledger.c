/* file-ledger.c: the files that a source has read, as a position.
 *
 * Owns the names. A position holds all of them, each with the batch that read it, so that what one batch reads is the
 * difference of two positions, and the folder need not be asked. Must not know folders.
 * Threads: the loop's, or whoever opens the source.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/file-ledger.h"

#include "engine/frame.h"

#define FORMAT 1

static void
file_free (gpointer data)
{
  g_free (((WeirLedgerFile *) data)->name);
  g_free (data);
}

void
weir_file_ledger_init (WeirFileLedger *ledger)
{
  *ledger = (WeirFileLedger){ .files = g_ptr_array_new_with_free_func (file_free),
                              .by_name = g_hash_table_new (g_str_hash, g_str_equal) };
}

static void
note_change (WeirFileLedger *ledger)
{
  g_clear_pointer (&ledger->encoded, g_byte_array_unref);
}

void
weir_file_ledger_clear (WeirFileLedger *ledger)
{
  g_clear_pointer (&ledger->by_name, g_hash_table_unref);
  g_clear_pointer (&ledger->files, g_ptr_array_unref);
  note_change (ledger);
}

gboolean
weir_file_ledger_has (const WeirFileLedger *ledger, const char *name)
{
  return g_hash_table_contains (ledger->by_name, name);
}

static void
take_file (WeirFileLedger *ledger, char *name, guint64 size, guint64 number)
{
  WeirLedgerFile *file = g_new (WeirLedgerFile, 1);

  *file = (WeirLedgerFile){ name, size, number };
  g_ptr_array_add (ledger->files, file);
  g_hash_table_insert (ledger->by_name, file->name, file);
  note_change (ledger);
}

void
weir_file_ledger_add (WeirFileLedger *ledger, const char *name, guint64 size)
{
  take_file (ledger, g_strdup (name), size, ledger->number);
}

/* One pass, however many go. */
void
weir_file_ledger_forget (WeirFileLedger *ledger, GHashTable *names)
{
  GPtrArray *kept = g_ptr_array_new_with_free_func (file_free);
  guint n_before = ledger->files->len;

  if (g_hash_table_size (names) > 0)
    note_change (ledger);
  g_ptr_array_set_free_func (ledger->files, NULL);
  for (guint i = 0; i < n_before; i++) {
    WeirLedgerFile *file = g_ptr_array_index (ledger->files, i);

    if (!g_hash_table_contains (names, file->name)) {
      g_ptr_array_add (kept, file);
      continue;
    }
    g_hash_table_remove (ledger->by_name, file->name);
    file_free (file);
  }
  g_ptr_array_unref (ledger->files);
  ledger->files = kept;
}

static GByteArray *
encode (const WeirFileLedger *ledger)
{
  GByteArray *out = g_byte_array_new ();

  weir_put_u32 (out, FORMAT);
  weir_put_u64 (out, ledger->number);
  weir_put_u64 (out, ledger->files->len);
  for (guint i = 0; i < ledger->files->len; i++) {
    const WeirLedgerFile *file = g_ptr_array_index (ledger->files, i);

    weir_put_u64 (out, file->number);
    weir_put_u64 (out, file->size);
    weir_put_string (out, file->name);
  }
  return out;
}

void
weir_file_ledger_save (WeirFileLedger *ledger, GByteArray *position)
{
  if (ledger->encoded == NULL)
    ledger->encoded = encode (ledger);
  g_byte_array_append (position, ledger->encoded->data, ledger->encoded->len);
}

static void
take_one (WeirFileLedger *ledger, WeirTaker *taker)
{
  guint64 number = weir_take_u64 (taker), size = weir_take_u64 (taker);
  char *name = weir_take_string (taker);

  if (taker->has_failed || weir_file_ledger_has (ledger, name))
    g_free (name);
  else
    take_file (ledger, name, size, number);
}

gboolean
weir_file_ledger_load (WeirFileLedger *ledger, gconstpointer position, gsize size)
{
  WeirTaker taker;
  guint64 n;

  weir_taker_init (&taker, position, size);
  if (weir_take_u32 (&taker) != FORMAT)
    return FALSE;
  ledger->number = weir_take_u64 (&taker);
  n = weir_take_u64 (&taker);
  for (guint64 i = 0; i < n && !taker.has_failed; i++)
    take_one (ledger, &taker);
  return weir_taker_is_done (&taker) && ledger->files->len == n;
}
