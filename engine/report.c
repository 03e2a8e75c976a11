/* Owns the sums of a run and when what of them is said. Must not know who plans or runs batches.
 * Threads: see report.h.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/report.h"

#include "engine/run.h"

#define SAY_AGAIN WEIR_SECONDS (10)

void
weir_report_init (WeirReport *report, const WeirLog *log, WeirTime interval)
{
  *report = (WeirReport){ .log = log, .interval = interval };
}

void
weir_report_clear (WeirReport *report)
{
  g_clear_pointer (&report->unsaid, g_hash_table_unref);
}

void
weir_report_rejects (WeirReport *report, GHashTable *rejects)
{
  GHashTableIter iter;
  gpointer key, count;

  if (rejects == NULL)
    return;
  g_hash_table_iter_init (&iter, rejects);
  while (g_hash_table_iter_next (&iter, &key, &count)) {
    weir_rejects_add (&report->unsaid, key, *(guint64 *) count);
    report->n_rejected += *(guint64 *) count;
  }
}

static void
say_rejects (WeirReport *report)
{
  GHashTableIter iter;
  gpointer key, count;

  if (report->unsaid == NULL)
    return;
  g_hash_table_iter_init (&iter, report->unsaid);
  while (g_hash_table_iter_next (&iter, &key, &count))
    weir_log (report->log, WEIR_LOG_INFO, "%" G_GUINT64_FORMAT " records rejected: %s", *(guint64 *) count,
              (const char *) key);
  g_clear_pointer (&report->unsaid, g_hash_table_unref);
}

static gboolean
is_time (gint64 *said, gint64 now)
{
  if (*said != 0 && now - *said < SAY_AGAIN)
    return FALSE;
  *said = now;
  return TRUE;
}

/* Batches that take longer than the interval pile up. */
static void
say_delay (WeirReport *report, const WeirBatchInfo *info)
{
  weir_log (report->log, WEIR_LOG_INFO,
            "batch %" G_GINT64_FORMAT " ms began %" G_GINT64_FORMAT " ms late and took %" G_GINT64_FORMAT
            " ms of an interval of %" G_GINT64_FORMAT " ms",
            info->time / 1000, info->scheduling_delay / 1000, info->processing_time / 1000, report->interval / 1000);
}

void
weir_report_batch (WeirReport *report, const WeirBatchInfo *info, gint64 now)
{
  report->n_batches++;
  report->n_records += (guint64) MAX (info->n_records, 0);
  report->n_invalid_utf8 += info->n_invalid_utf8;
  weir_report_rejects (report, info->rejects);
  if (report->unsaid != NULL && is_time (&report->rejects_said, now))
    say_rejects (report);
  if (info->scheduling_delay > report->interval && is_time (&report->delay_said, now))
    say_delay (report, info);
  weir_log (report->log, WEIR_LOG_DEBUG,
            "batch %" G_GINT64_FORMAT " ms: %" G_GINT64_FORMAT " records in %" G_GINT64_FORMAT " us%s%s",
            info->time / 1000, info->n_records, info->processing_time, info->error != NULL ? ", failed: " : "",
            info->error != NULL ? info->error->message : "");
}

void
weir_report_cut (WeirReport *report, const WeirBatchInfo *info)
{
  report->n_cut++;
  weir_log (report->log, WEIR_LOG_INFO,
            "batch %" G_GINT64_FORMAT " ms was cut short, with at least %" G_GINT64_FORMAT " records",
            info->time / 1000, MAX (info->n_records, 0));
}

void
weir_report_drops (WeirReport *report, const WeirDrops *drops)
{
  g_autofree char *uncut = NULL;

  if (drops->n_batches == 0)
    return;
  report->n_dropped += drops->n_batches;
  if (drops->n_bytes > 0)
    uncut = g_strdup_printf (" and %" G_GUINT64_FORMAT " bytes that were not cut into records yet", drops->n_bytes);
  weir_log (report->log, WEIR_LOG_WARNING,
            "%" G_GUINT64_FORMAT " planned batches were dropped, with at least %" G_GUINT64_FORMAT " records%s",
            drops->n_batches, drops->n_records, uncut != NULL ? uncut : "");
}

void
weir_report_skips (WeirReport *report, guint64 n, WeirTime behind, WeirTime next, gint64 now)
{
  report->n_skipped += n;
  report->n_skips_unsaid += n;
  if (!is_time (&report->skips_said, now))
    return;
  weir_log (report->log, WEIR_LOG_WARNING,
            "%" G_GUINT64_FORMAT " batch times are skipped: the next one would lie %" G_GINT64_FORMAT
            " ms behind the clock, more than catchup.batches allows; its data goes to batch %" G_GINT64_FORMAT " ms",
            report->n_skips_unsaid, behind / 1000, next / 1000);
  report->n_skips_unsaid = 0;
}

static void
append_if_any (GString *text, guint64 n, const char *what)
{
  if (n > 0)
    g_string_append_printf (text, ", %" G_GUINT64_FORMAT " %s", n, what);
}

void
weir_report_end (WeirReport *report)
{
  g_autoptr (GString) text = g_string_new (NULL);

  say_rejects (report);
  append_if_any (text, report->n_invalid_utf8, "texts that are no UTF-8");
  append_if_any (text, report->n_skipped, "batch times skipped");
  append_if_any (text, report->n_dropped, "planned batches dropped");
  append_if_any (text, report->n_cut, "batches cut short");
  weir_log (report->log, WEIR_LOG_INFO,
            "stopped after %" G_GUINT64_FORMAT " batches, %" G_GUINT64_FORMAT " records, %" G_GUINT64_FORMAT
            " rejected%s",
            report->n_batches, report->n_records, report->n_rejected, text->str);
}
