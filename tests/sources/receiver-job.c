/* Owns a job whose receiver a test writes. See receiver-job.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/receiver-job.h"

ReceiverJob *
receiver_job_of (WeirReceiver *receiver)
{
  return weir_receiver_user_data (receiver);
}

static void
say_receiver (gpointer watch, const char *what, const WeirReceiverInfo *info)
{
  const GError *error = weir_receiver_info_error (info);

  watch_say (watch, "%s %s of %s, %s, restart %u%s%s", what, weir_receiver_info_name (info),
             weir_receiver_info_stream (info), weir_receiver_info_is_active (info) ? "active" : "idle",
             weir_receiver_info_n_restarts (info), error != NULL ? ": " : "", error != NULL ? error->message : "");
}

static void
on_started (const WeirReceiverInfo *info, gpointer watch)
{
  say_receiver (watch, "started", info);
}

static void
on_error (const WeirReceiverInfo *info, gpointer watch)
{
  g_assert_cmpint (weir_receiver_info_error_time (info), >=, 0);
  say_receiver (watch, "error", info);
}

static void
on_stopped (const WeirReceiverInfo *info, gpointer watch)
{
  say_receiver (watch, "stopped", info);
}

void
receiver_job_set (ReceiverJob *f, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (f->ctx, key, value, &error);
  g_assert_no_error (error);
}

void
receiver_job_set_up (ReceiverJob *f, gconstpointer data)
{
  static const WeirListener listener = { .receiver_started = on_started,
                                         .receiver_error = on_error,
                                         .receiver_stopped = on_stopped };

  *f = (ReceiverJob){ 0 };
  watch_init (&f->watch);
  gate_init (&f->gate);
  f->ctx = weir_test_context_new (WEIR_SECONDS (1));
  weir_context_add_listener (f->ctx, &listener, &f->watch);
  receiver_job_set (f, "log.level", "error");
  receiver_job_set (f, "stop.timeout", "2m"); /* however slow the machine is */
}

void
receiver_job_finish (ReceiverJob *f)
{
  g_autoptr (GError) error = NULL;

  weir_context_stop (f->ctx, TRUE);
  g_assert_cmpint (weir_context_await (f->ctx, WATCH_DEADLINE, &error), ==, WEIR_WAIT_STOPPED);
  g_assert_no_error (error);
}

void
receiver_job_tear_down (ReceiverJob *f, gconstpointer data)
{
  gate_open (&f->gate);
  weir_context_free (f->ctx);
  gate_clear (&f->gate);
  watch_clear (&f->watch);
}

void
receiver_job_collect (ReceiverJob *f, const WeirReceiverClass *klass)
{
  WeirStream *stream = weir_receiver_stream (f->ctx, klass, f);

  f->collected = weir_collect (weir_stream_set_name (stream, "heard"));
}

void
receiver_job_advance (ReceiverJob *f, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (f->ctx, n, &error);
  g_assert_no_error (error);
}

void
receiver_job_expect (ReceiverJob *f, gsize batch, const char *expected)
{
  g_autofree char *text = weir_collected_text (f->collected, batch);

  g_assert_cmpstr (text, ==, expected);
}

gsize
receiver_job_count (ReceiverJob *f)
{
  gsize sum = 0, n;

  for (gsize i = 0; i < weir_collected_n_batches (f->collected); i++) {
    weir_collected_values (f->collected, i, &n);
    sum += n;
  }
  return sum;
}

void
receiver_job_await_stored (ReceiverJob *f, guint n)
{
  watch_await (&f->watch, "stored", n);
}

void
receiver_job_store (ReceiverJob *f, WeirReceiver *receiver, gint64 value)
{
  weir_receiver_store (receiver, weir_int (value));
  watch_say (&f->watch, "stored %d", (int) value);
}
