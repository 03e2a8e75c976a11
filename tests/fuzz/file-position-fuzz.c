/* file-position-fuzz.c: any bytes are refused as the position of a source of files, or are one that can be saved and loaded
 * again.
 *
 * Owns two ledgers for one input. Must not know folders. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>

#include "sources/file-ledger.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GByteArray) position = g_byte_array_new ();
  WeirFileLedger ledger, again;

  weir_file_ledger_init (&ledger);
  if (weir_file_ledger_load (&ledger, data, size)) {
    weir_file_ledger_init (&again);
    weir_file_ledger_save (&ledger, position);
    g_assert_true (weir_file_ledger_load (&again, position->data, position->len));
    g_assert_cmpuint (again.files->len, ==, ledger.files->len);
    weir_file_ledger_clear (&again);
  }
  weir_file_ledger_clear (&ledger);
  return 0;
}
