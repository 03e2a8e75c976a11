/* Sockets with a log: what was received is there after a crash, and comes again as it was.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <weir/error.h>

#include "engine/block-log.h"

#include "tests/sources/logged-job.h"
#include "tests/sources/peer.h"

typedef struct {
  LoggedJob job;
  Peer peer;
  const WeirFraming *framing; /* NULL: lines */
} Fixture;

static WeirStream *
make_stream (WeirContext *ctx, gpointer data)
{
  const Fixture *f = data;

  if (f->framing != NULL)
    return weir_socket_stream (ctx, "127.0.0.1", f->peer.port, f->framing);
  return weir_socket_text_stream (ctx, "127.0.0.1", f->peer.port);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->framing = NULL;
  logged_job_init (&f->job);
  f->job.stream = make_stream;
  f->job.stream_data = f;
  f->job.block_interval = "1ms";
  peer_open (&f->peer);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  logged_job_clear (&f->job);
  peer_clear (&f->peer);
}

static void
start (Fixture *f, WeirTime at)
{
  logged_job_start (&f->job, at);
  peer_accept (&f->peer);
}

static gboolean
is_logged (Fixture *f, const char *bytes)
{
  g_autofree char *path = scratch_path (&f->job.scratch, "receivers/of-fed/blocks-1"), *content = NULL;
  gsize size = 0;

  g_file_get_contents (path, &content, &size, NULL);
  return size > 0 && memmem (content, size, bytes, strlen (bytes)) != NULL;
}

/* Until they are in the log's first file. */
static void
await_logged (Fixture *f, const char *bytes)
{
  gint64 deadline = g_get_monotonic_time () + WATCH_DEADLINE;

  while (!is_logged (f, bytes)) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    g_thread_yield ();
  }
}

/* Batches until so many records have come in this life. */
static void
advance_until (Fixture *f, gsize n)
{
  gint64 deadline = g_get_monotonic_time () + WATCH_DEADLINE;

  while (logged_job_n_values (&f->job) < n) {
    g_assert_cmpint (g_get_monotonic_time (), <, deadline);
    logged_job_advance (&f->job, 1);
  }
}

static WeirTime
newest (Fixture *f)
{
  return weir_collected_time (f->job.totals, weir_collected_n_batches (f->job.totals) - 1);
}

static void
test_what_was_logged_and_in_no_batch_is_there_after_a_crash (Fixture *f, gconstpointer data)
{
  start (f, 0);
  peer_send_text (&f->peer, "1\n2\n3\nunfinished");
  await_logged (f, "1\n2\n3\n");
  logged_job_crash (&f->job);
  peer_close (&f->peer);
  start (f, 0);
  advance_until (f, 3);
  logged_job_expect (&f->job, 0, "1000: 1 2 3");
}

static void
test_batches_that_were_seen_come_again_as_they_were (Fixture *f, gconstpointer data)
{
  WeirTime at;

  start (f, 0);
  peer_send_text (&f->peer, "1\n2\n");
  advance_until (f, 2);
  peer_send_text (&f->peer, "10\n20\n");
  advance_until (f, 4);
  at = newest (f);
  logged_job_crash (&f->job);
  peer_close (&f->peer);
  start (f, at);
  peer_send_text (&f->peer, "100\n");
  advance_until (f, 5);
  logged_job_expect_total (&f->job, 133);
}

static void
test_sealed_records_do_not_come_again (Fixture *f, gconstpointer data)
{
  WeirTime at;

  f->job.interval = "1s";
  start (f, 0);
  peer_send_text (&f->peer, "1\n2\n");
  advance_until (f, 2);
  logged_job_advance (&f->job, 2);
  at = newest (f);
  logged_job_crash (&f->job);
  peer_close (&f->peer);
  start (f, at);
  peer_send_text (&f->peer, "4\n");
  advance_until (f, 1);
  logged_job_expect_total (&f->job, 7);
}

static void
test_a_graceful_stop_processes_what_was_received (Fixture *f, gconstpointer data)
{
  f->job.block_interval = "1m";
  start (f, 0);
  peer_send_text (&f->peer, "1\n2\n3\n");
  peer_close (&f->peer);
  logged_job_stop (&f->job);
  logged_job_expect_total (&f->job, 6);
}

static void
test_frames_with_any_bytes_come_back (Fixture *f, gconstpointer data)
{
  static const WeirFraming framing = { .kind = WEIR_FRAMING_LENGTH32, .text = TRUE };
  static const char frames[] = "\0\0\0\1"
                               "7"
                               "\0\0\0\0"
                               "\0\0\0\4"
                               "a\nb\377";

  f->framing = &framing;
  start (f, 0);
  peer_send (&f->peer, frames, sizeof frames - 1);
  await_logged (f, "a\nb\377");
  logged_job_crash (&f->job);
  peer_close (&f->peer);
  start (f, 0);
  advance_until (f, 3);
  logged_job_expect (&f->job, 0, "1000:  7 a\nb\377");
}

static void
test_records_that_are_told_apart_in_another_way_are_refused (Fixture *f, gconstpointer data)
{
  static const WeirFraming framing = { .kind = WEIR_FRAMING_FIXED, .size = 2, .text = TRUE };
  g_autoptr (GError) error = NULL;

  start (f, 0);
  peer_send_text (&f->peer, "1\n2\n3\n");
  await_logged (f, "1\n2\n3\n");
  logged_job_crash (&f->job);
  f->framing = &framing;
  g_assert_false (logged_job_try (&f->job, 0, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_nonnull (strstr (error->message, "bytes of a socket, lines"));
}

static void
test_many_lines_arrive_through_the_log (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) lines = g_string_new (NULL);

  for (guint i = 0; i < 100000; i++)
    g_string_append (lines, "1\n");
  f->job.interval = "1s";
  start (f, 0);
  for (guint i = 0; i < 10; i++) {
    peer_send_text (&f->peer, lines->str);
    advance_until (f, (i + 1) * 100000);
  }
  logged_job_expect_total (&f->job, 1000000);
}

static void
test_it_needs_a_checkpoint (Fixture *f, gconstpointer data)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, "receiver.wal", "true", &error);
  g_assert_no_error (error);
  weir_collect (make_stream (ctx, f));
  g_assert_false (weir_context_start (ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_nonnull (strstr (error->message, "checkpoint"));
}

#define ADD(name) g_test_add ("/socket-log/" #name, Fixture, NULL, set_up, test_##name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (what_was_logged_and_in_no_batch_is_there_after_a_crash);
  ADD (batches_that_were_seen_come_again_as_they_were);
  ADD (sealed_records_do_not_come_again);
  ADD (a_graceful_stop_processes_what_was_received);
  ADD (frames_with_any_bytes_come_back);
  ADD (records_that_are_told_apart_in_another_way_are_refused);
  ADD (many_lines_arrive_through_the_log);
  ADD (it_needs_a_checkpoint);
  return g_test_run ();
}
