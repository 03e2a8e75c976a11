/* object-file-fuzz.c: any bytes are refused as an object file, or give values; memory is all given back.
 *
 * The first byte says how: as they are; or as the payloads of blocks, up to 255 bytes each behind their length, with headers
 * and checksums that are right, so that what is behind the checksums is tried, too. Must not know who saves files. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xxhash.h>

#include "tests/sources/piece-run.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
append_u64 (GByteArray *out, guint64 value)
{
  value = GUINT64_TO_LE (value);
  g_byte_array_append (out, (const guint8 *) &value, sizeof value);
}

static void
append_block (GByteArray *file, const uint8_t *payload, guint size)
{
  guint start = file->len;

  g_byte_array_append (file, (const guint8 *) "weirobj\1", 8);
  append_u64 (file, size);
  append_u64 (file, XXH3_64bits (payload, size));
  append_u64 (file, XXH3_64bits (file->data + start, file->len - start));
  g_byte_array_append (file, payload, size);
}

static GByteArray *
make_file (const uint8_t *data, size_t size)
{
  GByteArray *file = g_byte_array_new ();
  size_t at = 1;

  if (size > 0 && data[0] % 2 == 0)
    g_byte_array_append (file, data + 1, (guint) size - 1);
  else
    while (at < size) {
      guint n = (guint) MIN (data[at], size - at - 1);

      append_block (file, data + at + 1, n);
      at += 1 + n;
    }
  return file;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GByteArray) file = make_file (data, size);
  int fd = memfd_create ("object-file", MFD_CLOEXEC);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  const WeirFilePiece piece = { .path = path, .until = file->len, .size = file->len };
  PieceRun run = { .piece = &piece, .keeps = TRUE, .memory_limit = 64 * 1024 * 1024 };

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, file->data, file->len), ==, file->len);
  piece_run (&run);
  g_assert_true (run.error == NULL || g_error_matches (run.error, WEIR_ERROR, WEIR_ERROR_SOURCE) ||
                 g_error_matches (run.error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT));
  piece_run_clear (&run);
  close (fd);
  return 0;
}
