/* block-log-fuzz.c: any bytes as the first segment of a log of what was received are read up to where they are whole, or
 * refused; nothing outside of them is touched, and what was found can be found again once the torn end is cut off.
 *
 * Owns a file for one input. Must not know what blocks hold. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <glib/gstdio.h>
#include <stdint.h>
#include <stdio.h>

#include "stores/block-log-scan.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
write_segment (const WeirFolder *folder, const uint8_t *data, size_t size)
{
  g_autofree char *path = g_build_filename (folder->path, "blocks-1", NULL);
  FILE *file = fopen (path, "w");

  g_assert_nonnull (file);
  g_assert_true (size == 0 || fwrite (data, 1, size, file) == size);
  g_assert_cmpint (fclose (file), ==, 0);
}

/* How many blocks there are; -1: it is refused. */
static int
scan (WeirSegmentScan *scan, size_t size, gboolean is_last)
{
  g_autoptr (GError) error = NULL;
  int n = -1;

  scan->found = g_array_new (FALSE, FALSE, sizeof (WeirLoggedBlock));
  if (weir_segment_scan (scan, 1, is_last, &error)) {
    n = (int) scan->found->len;
    g_assert_cmpuint (scan->size + scan->n_cut, ==, size);
    g_assert_true (is_last || scan->n_cut == 0);
  } else {
    g_assert_nonnull (error);
  }
  for (int i = 0; i < n; i++) {
    const WeirLoggedBlock *block = &g_array_index (scan->found, WeirLoggedBlock, i);

    g_assert_cmpuint (block->number, ==, (guint64) i + 1);
    g_assert_cmpuint (block->offset + weir_frame_size (WEIR_BLOCK_HEAD) + block->size, <=, scan->size);
  }
  g_array_unref (scan->found);
  return n;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autofree char *path = g_dir_make_tmp ("weir-fuzz-XXXXXX", NULL);
  g_autofree char *file = g_build_filename (path, "blocks-1", NULL);
  WeirFolder folder;
  int n;

  g_assert_true (weir_folder_open (&folder, path, TRUE, NULL));
  WeirSegmentScan first = { .folder = &folder, .form = "texts" }, again = first, middle = first;
  write_segment (&folder, data, size);
  n = scan (&first, size, TRUE);
  g_assert_cmpint (scan (&middle, size, FALSE), <=, n);
  if (n > 0) {
    write_segment (&folder, data, first.size);
    g_assert_cmpint (scan (&again, first.size, FALSE), ==, n);
  }
  g_unlink (file);
  g_rmdir (path);
  weir_folder_close (&folder);
  return 0;
}
