/* How many bytes of a source wait for batches that cannot keep up, and whether more should be received.
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

/* Less than this may always wait: some batches of a job with short intervals. */
#define WEIR_BACKLOG_MIN ((gsize) 32 * 1024 * 1024)

typedef struct {
  GArray *sizes; /* gsize, of what batches have that are not complete, oldest first */
  gsize total;
} WeirBacklog;

void weir_backlog_init (WeirBacklog *backlog);
void weir_backlog_clear (WeirBacklog *backlog);
void weir_backlog_planned (WeirBacklog *backlog, gsize n_bytes);
void weir_backlog_released (WeirBacklog *backlog, gsize n_bytes); /* of any batch that was planned */
/* @n_staged: bytes that no batch has. TRUE: a batch runs and at least as much as it has waits behind it. */
gboolean weir_backlog_is_full (const WeirBacklog *backlog, gsize n_staged);
