/* Tests of sources/file-ledger: a position brings back all that is known, and a damaged one brings back nothing.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/file-ledger.h"

#include <string.h>

static char *
text_of (const WeirFileLedger *ledger)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%" G_GUINT64_FORMAT ":", ledger->number);
  for (guint i = 0; i < ledger->files->len; i++) {
    const WeirLedgerFile *file = g_ptr_array_index (ledger->files, i);

    g_assert_true (weir_file_ledger_has (ledger, file->name));
    g_string_append_printf (text, " %s=%" G_GUINT64_FORMAT "@%" G_GUINT64_FORMAT, file->name, file->size, file->number);
  }
  g_assert_cmpuint (g_hash_table_size (ledger->by_name), ==, ledger->files->len);
  return g_string_free (text, FALSE);
}

static void
expect (const WeirFileLedger *ledger, const char *expected)
{
  g_autofree char *text = text_of (ledger);

  g_assert_cmpstr (text, ==, expected);
}

static void
fill (WeirFileLedger *ledger)
{
  weir_file_ledger_init (ledger);
  weir_file_ledger_add (ledger, "old", 1);
  ledger->number = 1;
  weir_file_ledger_add (ledger, "a", 10);
  weir_file_ledger_add (ledger, "b\xff\n", G_MAXUINT64);
  ledger->number = 2;
  weir_file_ledger_add (ledger, "c", 0);
}

static void
a_position_brings_back_all_of_it (void)
{
  g_autoptr (GByteArray) position = g_byte_array_new ();
  WeirFileLedger ledger, again;

  fill (&ledger);
  expect (&ledger, "2: old=1@0 a=10@1 b\xff\n=18446744073709551615@1 c=0@2");
  weir_file_ledger_save (&ledger, position);
  weir_file_ledger_init (&again);
  g_assert_true (weir_file_ledger_load (&again, position->data, position->len));
  expect (&again, "2: old=1@0 a=10@1 b\xff\n=18446744073709551615@1 c=0@2");
  weir_file_ledger_clear (&again);
  weir_file_ledger_clear (&ledger);
}

static void
a_position_changes_with_the_names_and_only_then (void)
{
  g_autoptr (GByteArray) first = g_byte_array_new ();
  g_autoptr (GByteArray) second = g_byte_array_new ();
  g_autoptr (GByteArray) third = g_byte_array_new ();
  g_autoptr (GHashTable) gone = g_hash_table_new (g_str_hash, g_str_equal);
  WeirFileLedger ledger;

  fill (&ledger);
  weir_file_ledger_save (&ledger, first);
  weir_file_ledger_forget (&ledger, gone);
  weir_file_ledger_save (&ledger, second);
  g_assert_cmpmem (first->data, first->len, second->data, second->len);
  g_hash_table_add (gone, (gpointer) "a");
  g_hash_table_add (gone, (gpointer) "c");
  g_hash_table_add (gone, (gpointer) "nobody knows it");
  weir_file_ledger_forget (&ledger, gone);
  expect (&ledger, "2: old=1@0 b\xff\n=18446744073709551615@1");
  weir_file_ledger_save (&ledger, third);
  g_assert_cmpuint (third->len, <, first->len);
  weir_file_ledger_clear (&ledger);
}

static void
a_position_that_is_cut_off_or_too_long_is_none (void)
{
  g_autoptr (GByteArray) position = g_byte_array_new ();
  WeirFileLedger ledger;

  fill (&ledger);
  weir_file_ledger_save (&ledger, position);
  weir_file_ledger_clear (&ledger);
  g_byte_array_append (position, (const guint8 *) "", 1);
  for (guint size = 0; size <= position->len; size++) {
    weir_file_ledger_init (&ledger);
    g_assert_true (weir_file_ledger_load (&ledger, position->data, size) == (size == position->len - 1));
    weir_file_ledger_clear (&ledger);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add_func ("/file-ledger/" #name, name)
  ADD (a_position_brings_back_all_of_it);
  ADD (a_position_changes_with_the_names_and_only_then);
  ADD (a_position_that_is_cut_off_or_too_long_is_none);
  return g_test_run ();
}
