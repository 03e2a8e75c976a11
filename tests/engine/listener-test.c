/* Listeners: what they hear, in which order, and what becomes of one that is slow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/test.h>

#include <string.h>

#include "engine/context.h"
#include "engine/listener.h"

#include "tests/engine/probe.h"

typedef struct {
  WeirContext *ctx;
  WeirStream *input;
  Probe *probe;
  Watch watch;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  watch_init (&f->watch);
  watch_catch_log (&f->watch);
  f->ctx = weir_test_context_new (WEIR_SECONDS (1));
  f->input = probe_stream (f->ctx, &f->watch);
  f->probe = probe_of (f->input);
  f->probe->n_records = 10;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_context_free (f->ctx);
  watch_clear (&f->watch);
}

static void
advance (Fixture *f, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (f->ctx, n, &error);
  g_assert_no_error (error);
}

static gboolean
count (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  gsize n;

  return weir_dataset_count (dataset, &n, error);
}

static gboolean
fail (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  g_set_error (error, WEIR_ERROR, WEIR_ERROR_SINK, "no disk");
  return FALSE;
}

static void
add_listener (Fixture *f, WeirListener listener, gpointer user_data)
{
  weir_context_add_listener (f->ctx, &listener, user_data);
}

static void
events_come_in_order (Fixture *f, gconstpointer data)
{
  watch_listen (&f->watch, f->ctx);
  weir_foreach_batch (f->input, count, NULL);
  weir_output_set_name (weir_foreach_batch (f->input, count, NULL), "second");
  advance (f, 2);
  watch_expect (&f->watch, "000",
                "plan 1000\nbatch submitted 1000\nbatch started 1000\n"
                "began foreach_batch-0 1000\nended foreach_batch-0 1000\nbegan second 1000\nended second 1000\n"
                "release 1000\nbatch completed 1000\n"
                "plan 2000\nbatch submitted 2000\nbatch started 2000\n"
                "began foreach_batch-0 2000\nended foreach_batch-0 2000\nbegan second 2000\nended second 2000\n"
                "release 2000\nbatch completed 2000");
}

static void
a_failed_batch_is_completed_too (Fixture *f, gconstpointer data)
{
  watch_listen (&f->watch, f->ctx);
  weir_foreach_batch (f->input, fail, NULL);
  weir_foreach_batch (f->input, count, NULL);
  g_assert_false (weir_test_advance (f->ctx, 1, NULL));
  watch_expect (&f->watch, " 1000",
                "plan 1000\nbatch submitted 1000\nbatch started 1000\nbegan foreach_batch-0 1000\n"
                "ended foreach_batch-0 1000 failed\nrelease 1000\nbatch completed 1000 failed");
}

typedef struct {
  WeirBatchInfo submitted, started, completed;
  char *error, *output_error, *rejects;
  WeirTime output_time, output_duration;
  guint output_index;
} Seen;

static WeirBatchInfo
read_info (const WeirBatchInfo *info)
{
  return (WeirBatchInfo){ .time = weir_batch_info_time (info),
                          .n_records = weir_batch_info_n_records (info),
                          .submitted = weir_batch_info_submitted (info),
                          .scheduling_delay = weir_batch_info_scheduling_delay (info),
                          .processing_time = weir_batch_info_processing_time (info),
                          .n_rejected = weir_batch_info_n_rejected (info),
                          .n_invalid_utf8 = weir_batch_info_n_invalid_utf8 (info),
                          .n_hanging = weir_batch_info_n_hanging (info) };
}

static void
see_submitted (const WeirBatchInfo *info, gpointer user_data)
{
  ((Seen *) user_data)->submitted = read_info (info);
}

static void
see_started (const WeirBatchInfo *info, gpointer user_data)
{
  ((Seen *) user_data)->started = read_info (info);
}

static void
note_rejects (const char *where_and_why, guint64 n, gpointer user_data)
{
  Seen *seen = user_data;

  g_assert_null (seen->rejects);
  seen->rejects = g_strdup_printf ("%" G_GUINT64_FORMAT " %s", n, where_and_why);
}

static void
see_completed (const WeirBatchInfo *info, gpointer user_data)
{
  Seen *seen = user_data;
  const GError *error = weir_batch_info_error (info);

  seen->completed = read_info (info);
  seen->error = error != NULL ? g_strdup (error->message) : NULL;
  weir_batch_info_foreach_rejected (info, note_rejects, seen);
  g_assert_cmpint (weir_batch_info_total_delay (info), ==,
                   weir_batch_info_scheduling_delay (info) + weir_batch_info_processing_time (info));
}

static void
see_output (const WeirOutputInfo *info, gpointer user_data)
{
  Seen *seen = user_data;
  const GError *error = weir_output_info_error (info);

  seen->output_time = weir_output_info_batch_time (info);
  seen->output_duration = weir_output_info_duration (info);
  seen->output_index = weir_output_info_index (info);
  seen->output_error = error != NULL ? g_strdup (error->message) : NULL;
}

static const WeirListener seer = { .batch_submitted = see_submitted,
                                   .batch_started = see_started,
                                   .batch_completed = see_completed,
                                   .output_completed = see_output };

static void
seen_clear (Seen *seen)
{
  g_free (seen->error);
  g_free (seen->output_error);
  g_free (seen->rejects);
}

static WeirValue
reject_odd (WeirTask *task, WeirValue value, gpointer user_data)
{
  if (weir_as_int (value) % 2 != 0)
    weir_reject (task, value, "odd");
  return value;
}

static gboolean
take_a_while (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  gint64 begun = g_get_monotonic_time ();

  while (g_get_monotonic_time () - begun < WEIR_MILLISECONDS (2))
    ;
  return count (dataset, time, user_data, error);
}

static void
infos_tell_what_a_batch_was (Fixture *f, gconstpointer data)
{
  Seen seen = { 0 };

  f->probe->is_counted = TRUE;
  f->probe->n_hanging = 3;
  add_listener (f, seer, &seen);
  weir_foreach_batch (weir_map (f->input, reject_odd, NULL), take_a_while, NULL);
  advance (f, 1);
  g_assert_cmpint (seen.submitted.time, ==, WEIR_SECONDS (1));
  g_assert_cmpint (seen.submitted.submitted, ==, WEIR_SECONDS (1));
  g_assert_cmpint (seen.submitted.n_records, ==, -1);
  g_assert_cmpuint (seen.submitted.n_hanging, ==, 3);
  g_assert_cmpint (seen.started.time, ==, WEIR_SECONDS (1));
  g_assert_cmpint (seen.started.processing_time, ==, 0);
  g_assert_cmpint (seen.completed.n_records, ==, 10);
  g_assert_cmpuint (seen.completed.n_rejected, ==, 5);
  g_assert_cmpstr (seen.rejects, ==, "5 map-1: odd");
  g_assert_cmpint (seen.completed.scheduling_delay, ==, 0);
  g_assert_cmpint (seen.completed.processing_time, >=, WEIR_MILLISECONDS (2));
  g_assert_cmpstr (seen.error, ==, NULL);
  g_assert_cmpint (seen.output_time, ==, WEIR_SECONDS (1));
  g_assert_cmpuint (seen.output_index, ==, 0);
  g_assert_cmpint (seen.output_duration, >=, WEIR_MILLISECONDS (2));
  g_assert_cmpint (seen.output_duration, <=, seen.completed.processing_time);
  g_assert_cmpstr (seen.output_error, ==, NULL);
  seen_clear (&seen);
}

static void
infos_tell_what_went_wrong (Fixture *f, gconstpointer data)
{
  Seen seen = { 0 };

  add_listener (f, seer, &seen);
  weir_foreach_batch (f->input, fail, NULL);
  g_assert_false (weir_test_advance (f->ctx, 1, NULL));
  g_assert_cmpint (seen.submitted.n_records, ==, 10);
  g_assert_cmpstr (seen.error, ==, "foreach_batch-0: no disk");
  g_assert_cmpstr (seen.output_error, ==, "foreach_batch-0: no disk");
  seen_clear (&seen);
}

static void
what_a_source_lost_is_in_the_info (Fixture *f, gconstpointer data)
{
  Seen seen = { 0 };

  add_listener (f, seer, &seen);
  weir_foreach_batch (f->input, count, NULL);
  f->probe->n_lost = 3; /* told with the first plan, hence part of the second batch */
  advance (f, 2);
  g_assert_cmpuint (seen.completed.n_rejected, ==, 3);
  g_assert_cmpstr (seen.rejects, ==, "3 probe-0: lost");
  seen_clear (&seen);
}

static void
note (gpointer user_data, const char *what)
{
  watch_say (user_data, "%s", what);
}

static void
first (const WeirBatchInfo *info, gpointer user_data)
{
  note (user_data, "first heard it");
}

static void
second (const WeirBatchInfo *info, gpointer user_data)
{
  note (user_data, "second heard it");
}

static void
listeners_hear_in_the_order_that_they_came (Fixture *f, gconstpointer data)
{
  add_listener (f, (WeirListener){ .batch_completed = first }, &f->watch);
  add_listener (f, (WeirListener){ 0 }, NULL);
  add_listener (f, (WeirListener){ .batch_completed = second }, &f->watch);
  weir_foreach_batch (f->input, count, NULL);
  advance (f, 1);
  watch_expect (&f->watch, "heard", "first heard it\nsecond heard it");
}

static void
a_shorter_listener_is_that_of_an_older_program (Fixture *f, gconstpointer data)
{
  WeirListener listener = { .batch_submitted = first,
                            .output_completed = (void (*) (const WeirOutputInfo *, gpointer)) 8 };

  weir_context_add_listener_sized (f->ctx, &listener, G_STRUCT_OFFSET (WeirListener, output_started), &f->watch);
  weir_foreach_batch (f->input, count, NULL);
  advance (f, 1);
  g_assert_cmpuint (watch_count (&f->watch, "first heard it"), ==, 1);
}

static void
be_slow (const WeirBatchInfo *info, gpointer user_data)
{
  WeirContext *ctx = user_data;

  weir_manual_clock_advance (&ctx->manual, WEIR_MILLISECONDS (11));
}

static void
a_slow_listener_is_named_once_in_a_while (Fixture *f, gconstpointer data)
{
  add_listener (f, (WeirListener){ 0 }, NULL);
  add_listener (f, (WeirListener){ .batch_submitted = be_slow, .batch_completed = be_slow }, f->ctx);
  add_listener (f, (WeirListener){ .batch_completed = be_slow }, f->ctx);
  weir_foreach_batch (f->input, count, NULL);
  advance (f, 3);
  g_assert_cmpuint (watch_count (&f->watch, "warning: test: listener 0"), ==, 0);
  g_assert_cmpuint (watch_count (&f->watch, "ms in batch_submitted, and the loop waited: hand such work to a thread"),
                    ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "warning: test: listener 1"), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "warning: test: listener 2"), ==, 1);
}

#define ADD(test) g_test_add ("/listener/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (events_come_in_order);
  ADD (a_failed_batch_is_completed_too);
  ADD (infos_tell_what_a_batch_was);
  ADD (infos_tell_what_went_wrong);
  ADD (what_a_source_lost_is_in_the_info);
  ADD (listeners_hear_in_the_order_that_they_came);
  ADD (a_shorter_listener_is_that_of_an_older_program);
  ADD (a_slow_listener_is_named_once_in_a_while);
  return g_test_run ();
}
