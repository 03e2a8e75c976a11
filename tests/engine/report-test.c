/* The report: said at once, then now and then; the sums leave nothing out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/report.h"

#include "engine/run.h"
#include "tests/engine/watch.h"

#define START WEIR_SECONDS (100)

typedef struct {
  Watch watch;
  WeirLog log;
  WeirReport report;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  watch_init (&f->watch);
  watch_catch_log (&f->watch);
  f->log = (WeirLog){ "job", WEIR_LOG_INFO };
  weir_report_init (&f->report, &f->log, WEIR_SECONDS (1));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_report_clear (&f->report);
  watch_clear (&f->watch);
}

/* A batch that @n records of were rejected in for @why; NULL: none. */
static void
report (Fixture *f, WeirTime at, const char *why, guint64 n)
{
  WeirBatchInfo info = { .time = at, .n_records = 10 };

  if (why != NULL)
    weir_rejects_add (&info.rejects, why, n);
  info.n_rejected = n;
  weir_report_batch (&f->report, &info, at);
  if (info.rejects != NULL)
    g_hash_table_unref (info.rejects);
}

static void
the_first_reject_is_said_at_once (Fixture *f, gconstpointer data)
{
  report (f, START, "map-1: no number", 3);
  watch_expect (&f->watch, "rejected", "message: job: 3 records rejected: map-1: no number");
}

static void
later_ones_are_gathered (Fixture *f, gconstpointer data)
{
  report (f, START, "map-1: no number", 3);
  for (guint i = 1; i < 10; i++)
    report (f, START + WEIR_SECONDS (i), "map-1: no number", 1);
  g_assert_cmpuint (watch_count (&f->watch, "rejected"), ==, 1);
  report (f, START + WEIR_SECONDS (10), NULL, 0);
  watch_expect (&f->watch, "rejected",
                "message: job: 3 records rejected: map-1: no number\n"
                "message: job: 9 records rejected: map-1: no number");
}

static void
the_end_tells_what_was_not_said (Fixture *f, gconstpointer data)
{
  report (f, START, "a: x", 1);
  report (f, START + 1, "b: y", 2);
  weir_report_end (&f->report);
  watch_expect (&f->watch, "",
                "message: job: 1 records rejected: a: x\n"
                "message: job: 2 records rejected: b: y\n"
                "message: job: stopped after 2 batches, 20 records, 3 rejected");
}

static void
rejects_of_no_batch_count_too (Fixture *f, gconstpointer data)
{
  GHashTable *rejects = NULL;

  weir_rejects_add (&rejects, "socket: too long", 4);
  weir_report_rejects (&f->report, rejects);
  weir_report_rejects (&f->report, NULL);
  g_hash_table_unref (rejects);
  weir_report_end (&f->report);
  g_assert_cmpuint (watch_count (&f->watch, "4 records rejected: socket: too long"), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "0 batches, 0 records, 4 rejected"), ==, 1);
}

static void
the_end_tells_what_else_there_was (Fixture *f, gconstpointer data)
{
  f->report.n_invalid_utf8 = 5;
  f->report.n_skipped = 6;
  f->report.n_cut = 1;
  f->report.n_dropped = 7;
  weir_report_end (&f->report);
  watch_expect (&f->watch, "",
                "message: job: stopped after 0 batches, 0 records, 0 rejected, 5 texts that are no UTF-8, "
                "6 batch times skipped, 7 planned batches dropped, 1 batches cut short");
}

static void
a_batch_that_was_cut_is_named (Fixture *f, gconstpointer data)
{
  const WeirBatchInfo info = { .time = START, .n_records = 3 }, nobody_counted = { .time = START, .n_records = -1 };

  weir_report_cut (&f->report, &info);
  weir_report_cut (&f->report, &nobody_counted);
  weir_report_end (&f->report);
  watch_expect (&f->watch, "",
                "message: job: batch 100000 ms was cut short, with at least 3 records\n"
                "message: job: batch 100000 ms was cut short, with at least 0 records\n"
                "message: job: stopped after 0 batches, 0 records, 0 rejected, 2 batches cut short");
}

static void
records_that_nobody_counted_are_none (Fixture *f, gconstpointer data)
{
  const WeirBatchInfo info = { .n_records = -1 };

  weir_report_batch (&f->report, &info, START);
  g_assert_cmpuint (f->report.n_records, ==, 0);
}

static void
say_delay (Fixture *f, WeirTime at, WeirTime delay)
{
  const WeirBatchInfo info = { .time = at, .scheduling_delay = delay, .processing_time = WEIR_SECONDS (2) };

  weir_report_batch (&f->report, &info, at);
}

static void
delays_beyond_an_interval_are_said_now_and_then (Fixture *f, gconstpointer data)
{
  say_delay (f, START, WEIR_SECONDS (1));
  g_assert_cmpuint (watch_count (&f->watch, "late"), ==, 0);
  say_delay (f, START, WEIR_MILLISECONDS (1500));
  say_delay (f, START + WEIR_SECONDS (9), WEIR_SECONDS (3));
  watch_expect (&f->watch, "late",
                "message: job: batch 100000 ms began 1500 ms late and took 2000 ms of an interval of 1000 ms");
  say_delay (f, START + WEIR_SECONDS (10), WEIR_SECONDS (4));
  g_assert_cmpuint (watch_count (&f->watch, "began 4000 ms late"), ==, 1);
}

static void
each_batch_is_a_detail (Fixture *f, gconstpointer data)
{
  f->log.level = WEIR_LOG_DEBUG;
  report (f, START, NULL, 0);
  watch_expect (&f->watch, "", "message: job: batch 100000 ms: 10 records in 0 us");
}

static void
skip (Fixture *f, WeirTime at, guint64 n)
{
  weir_report_skips (&f->report, n, n * WEIR_SECONDS (1), at, at);
}

static void
skipped_times_are_said_now_and_then (Fixture *f, gconstpointer data)
{
  skip (f, START, 20);
  for (guint i = 1; i < 10; i++)
    skip (f, START + WEIR_SECONDS (i), 11);
  g_assert_cmpuint (watch_count (&f->watch, "skipped"), ==, 1);
  skip (f, START + WEIR_SECONDS (10), 11);
  watch_expect (
      &f->watch, "skipped",
      "warning: job: 20 batch times are skipped: the next one would lie 20000 ms behind the clock, more than "
      "catchup.batches allows; its data goes to batch 100000 ms\n"
      "warning: job: 110 batch times are skipped: the next one would lie 11000 ms behind the clock, more than "
      "catchup.batches allows; its data goes to batch 110000 ms");
  g_assert_cmpuint (f->report.n_skipped, ==, 130);
}

static void
what_was_dropped_is_counted (Fixture *f, gconstpointer data)
{
  weir_report_drops (&f->report, &(WeirDrops){ 0 });
  weir_report_drops (&f->report, &(WeirDrops){ .n_batches = 2, .n_records = 3 });
  weir_report_drops (&f->report, &(WeirDrops){ .n_batches = 1, .n_bytes = 40 });
  watch_expect (&f->watch, "",
                "warning: job: 2 planned batches were dropped, with at least 3 records\n"
                "warning: job: 1 planned batches were dropped, with at least 0 records and 40 bytes that were not cut "
                "into records yet");
  g_assert_cmpuint (f->report.n_dropped, ==, 3);
}

#define ADD(test) g_test_add ("/report/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (the_first_reject_is_said_at_once);
  ADD (later_ones_are_gathered);
  ADD (the_end_tells_what_was_not_said);
  ADD (rejects_of_no_batch_count_too);
  ADD (the_end_tells_what_else_there_was);
  ADD (a_batch_that_was_cut_is_named);
  ADD (records_that_nobody_counted_are_none);
  ADD (delays_beyond_an_interval_are_said_now_and_then);
  ADD (skipped_times_are_said_now_and_then);
  ADD (what_was_dropped_is_counted);
  ADD (each_batch_is_a_detail);
  return g_test_run ();
}
