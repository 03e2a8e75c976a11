/* Owns the account of what a source has given to batches that are not complete yet.
 *
 * While a batch runs, as much as it has may come in for the next one: then the workers always find something to do, and
 * what waits does not grow although batches are late. When no batch is there, nothing is held back. Must not know where
 * the bytes are. Threads: the loop's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sources/backlog.h"

void
weir_backlog_init (WeirBacklog *backlog)
{
  *backlog = (WeirBacklog){ .sizes = g_array_new (FALSE, FALSE, sizeof (gsize)) };
}

void
weir_backlog_clear (WeirBacklog *backlog)
{
  g_clear_pointer (&backlog->sizes, g_array_unref);
}

void
weir_backlog_planned (WeirBacklog *backlog, gsize n_bytes)
{
  if (n_bytes == 0)
    return;
  g_array_append_val (backlog->sizes, n_bytes);
  backlog->total += n_bytes;
}

void
weir_backlog_released (WeirBacklog *backlog, gsize n_bytes)
{
  for (guint i = 0; i < backlog->sizes->len; i++)
    if (g_array_index (backlog->sizes, gsize, i) == n_bytes) {
      g_array_remove_index (backlog->sizes, i);
      backlog->total -= n_bytes;
      return;
    }
}

gboolean
weir_backlog_is_full (const WeirBacklog *backlog, gsize n_staged)
{
  gsize oldest;

  if (backlog->sizes->len == 0)
    return FALSE;
  oldest = g_array_index (backlog->sizes, gsize, 0);
  return backlog->total - oldest + n_staged >= MAX (oldest, WEIR_BACKLOG_MIN);
}
