/* What the log is told of batches: rejected records, batches that are late, the sums at the end. Said now and then, so
 * that neither short intervals nor bad input flood the log; nothing is left out of the sums.
 * Loop thread. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/listener.h"
#include "engine/log.h"

typedef struct {
  const WeirLog *log;
  WeirTime interval;
  GHashTable *unsaid; /* "where: why" -> guint64 *; nullable */
  guint64 n_skips_unsaid;
  gint64 rejects_said, delay_said, skips_said; /* monotonic; 0: never */
  guint64 n_batches, n_records, n_rejected, n_invalid_utf8;
  guint64 n_skipped; /* batch times */
  guint64 n_dropped; /* planned batches that never ran */
  guint64 n_cut;     /* batches that a stop at once ended */
} WeirReport;

/* What planned batches held that never ran. */
typedef struct {
  guint64 n_batches;
  guint64 n_records; /* as far as they were counted */
  guint64 n_bytes;   /* of what was not cut into records yet */
} WeirDrops;

void weir_report_init (WeirReport *report, const WeirLog *log, WeirTime interval);
void weir_report_clear (WeirReport *report);

void weir_report_batch (WeirReport *report, const WeirBatchInfo *info, gint64 now); /* complete, or failed */
void weir_report_cut (WeirReport *report, const WeirBatchInfo *info); /* what it held is not done, so it is named */
void weir_report_rejects (WeirReport *report, GHashTable *rejects);   /* of no batch that is complete; nullable */
/* @n batch times were left out: the first of them lay @behind the clock, the next batch is that of @next. */
void weir_report_skips (WeirReport *report, guint64 n, WeirTime behind, WeirTime next, gint64 now);
void weir_report_drops (WeirReport *report, const WeirDrops *drops);
void weir_report_end (WeirReport *report);
