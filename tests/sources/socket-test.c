/* socket-test.c: jobs that read sockets whose other end behaves in every way that it may.
 *
 * The test is the server. What has arrived is made visible in two ways: by batches of a few milliseconds, or by a
 * graceful stop, which processes all that was received.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "tests/sources/socket-job.h"

#define SOON WEIR_MILLISECONDS (5)

typedef struct {
  Peer peer;
  SocketJob *job;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer interval)
{
  peer_bind (&fixture->peer);
  fixture->job = socket_job_new (*(const WeirTime *) interval);
}

static void
tear_down (Fixture *fixture, gconstpointer interval)
{
  socket_job_free (fixture->job);
  peer_clear (&fixture->peer);
}

static void
read_text (Fixture *fixture)
{
  socket_job_read (fixture->job,
                   weir_socket_text_stream (socket_job_context (fixture->job), "127.0.0.1", fixture->peer.port));
}

/* A job that reads lines and is connected. */
static void
connect_text (Fixture *fixture)
{
  read_text (fixture);
  peer_listen (&fixture->peer);
  socket_job_start (fixture->job);
  peer_accept (&fixture->peer);
}

static void
expect_records (Fixture *fixture, const char *records)
{
  g_autofree char *seen = socket_job_records (fixture->job);

  g_assert_cmpstr (seen, ==, records);
}

static void
expect_rejects (Fixture *fixture, const char *rejects)
{
  g_autofree char *seen = socket_job_rejects (fixture->job);

  g_assert_cmpstr (seen, ==, rejects);
}

static void
test_lines_come_as_they_are (Fixture *fixture, gconstpointer interval)
{
  static const char text[] = "one\ntwo\r\n\n a \0 NUL\nnot \xff UTF-8\n\r\nlast\n";

  connect_text (fixture);
  peer_send (&fixture->peer, text, sizeof text - 1);
  socket_job_stop (fixture->job);
  expect_records (fixture, "one|two|| a {0} NUL|not \xff UTF-8||last|");
  expect_rejects (fixture, "");
}

static void
test_a_line_may_come_byte_by_byte (Fixture *fixture, gconstpointer interval)
{
  static const char text[] = "slow but sure\r\nand again\n";

  connect_text (fixture);
  for (gsize i = 0; i < sizeof text - 1; i++) {
    peer_send (&fixture->peer, text + i, 1);
    socket_job_await_batches (fixture->job, 1);
  }
  socket_job_await_records (fixture->job, 2);
  expect_records (fixture, "slow but sure|and again|");
}

static void
test_ten_thousand_lines_in_one_segment (Fixture *fixture, gconstpointer interval)
{
  g_autoptr (GString) text = g_string_new (NULL), records = g_string_new (NULL);

  for (guint i = 0; i < 10000; i++) {
    g_string_append_printf (text, "%u\n", i % 10);
    g_string_append_printf (records, "%u|", i % 10);
  }
  connect_text (fixture);
  peer_send (&fixture->peer, text->str, text->len);
  socket_job_await_records (fixture->job, 10000);
  expect_records (fixture, records->str);
}

static void
test_a_peer_that_says_nothing (Fixture *fixture, gconstpointer interval)
{
  connect_text (fixture);
  socket_job_await_batches (fixture->job, 3);
  socket_job_stop (fixture->job);
  expect_records (fixture, "");
  expect_rejects (fixture, "");
}

static void
test_refused_then_accepted (Fixture *fixture, gconstpointer interval)
{
  read_text (fixture);
  socket_job_start (fixture->job);
  socket_job_await_log (fixture->job, "Connection refused; trying again", 1);
  peer_listen (&fixture->peer);
  peer_accept (&fixture->peer);
  peer_send_text (&fixture->peer, "at last\n");
  socket_job_await_records (fixture->job, 1);
  expect_records (fixture, "at last|");
  g_assert_cmpuint (socket_job_n_logged (fixture->job, "Connection refused"), ==, 1);
  g_assert_cmpuint (socket_job_n_logged (fixture->job, ": connected"), ==, 1);
  g_assert_cmpuint (socket_job_n_logged (fixture->job, "connected again"), ==, 0);
}

static void
test_a_peer_that_goes_away_and_comes_back (Fixture *fixture, gconstpointer interval)
{
  connect_text (fixture);
  peer_send_text (&fixture->peer, "before\nthe last has no end");
  peer_close (&fixture->peer);
  peer_accept (&fixture->peer);
  peer_send_text (&fixture->peer, "after\n");
  socket_job_await_records (fixture->job, 3);
  expect_records (fixture, "before|the last has no end|after|");
  expect_rejects (fixture, "");
  g_assert_cmpuint (socket_job_n_logged (fixture->job, "the peer has closed"), ==, 1);
  g_assert_cmpuint (socket_job_n_logged (fixture->job, "connected again"), ==, 1);
}

static void
test_a_connection_that_breaks_off_in_a_line (Fixture *fixture, gconstpointer interval)
{
  connect_text (fixture);
  peer_send_text (&fixture->peer, "whole\nhal");
  socket_job_await_records (fixture->job, 1);
  peer_reset (&fixture->peer);
  peer_accept (&fixture->peer);
  peer_send_text (&fixture->peer, "next\n");
  socket_job_await_records (fixture->job, 2);
  socket_job_stop (fixture->job);
  expect_records (fixture, "whole|next|");
  expect_rejects (fixture, "1 socket_text_stream-0: the connection broke off inside a record\n");
  g_assert_cmpuint (socket_job_n_logged (fixture->job, "the last 3 bytes"), ==, 1);
}

static void
test_a_stop_processes_what_was_received_and_names_the_rest (Fixture *fixture, gconstpointer interval)
{
  connect_text (fixture);
  peer_send_text (&fixture->peer, "one\ntwo\nunfinis");
  socket_job_stop (fixture->job);
  expect_records (fixture, "one|two|");
  expect_rejects (fixture, "1 socket_text_stream-0: the job stopped inside a record\n");
  g_assert_cmpuint (socket_job_n_logged (fixture->job, "the last 7 bytes"), ==, 1);
}

static void
test_a_stop_counts_a_lone_unfinished_line (Fixture *fixture, gconstpointer interval)
{
  connect_text (fixture);
  peer_send_text (&fixture->peer, "x");
  socket_job_stop (fixture->job);
  expect_rejects (fixture, "1 socket_text_stream-0: the job stopped inside a record\n");
}

static void
test_a_stop_after_the_peer_has_closed_has_the_last_line (Fixture *fixture, gconstpointer interval)
{
  connect_text (fixture);
  peer_send_text (&fixture->peer, "one\ntwo");
  peer_close (&fixture->peer);
  socket_job_stop (fixture->job);
  expect_records (fixture, "one|two|");
  expect_rejects (fixture, "");
}

static void
test_a_line_of_100_mb (Fixture *fixture, gconstpointer interval)
{
  gsize piece = 1024 * 1024;
  g_autofree char *data = g_malloc (piece);

  memset (data, 'x', piece);
  socket_job_set (fixture->job, "memory.limit", "64MB");
  connect_text (fixture);
  peer_send_text (&fixture->peer, "before\n");
  for (guint i = 0; i < 100; i++)
    peer_send (&fixture->peer, data, piece);
  peer_send_text (&fixture->peer, "\nafter\n");
  socket_job_await_records (fixture->job, 2);
  socket_job_stop (fixture->job);
  expect_records (fixture, "before|after|");
  expect_rejects (fixture, "1 socket_text_stream-0: line longer than socket.max.line\n");
}

static void
test_the_longest_line_is_an_option (Fixture *fixture, gconstpointer interval)
{
  socket_job_set (fixture->job, "socket.max.line", "16B");
  connect_text (fixture);
  peer_send_text (&fixture->peer, "0123456789abcdef\n0123456789abcdef\r\n0123456789abcdefX\nshort\n");
  socket_job_stop (fixture->job);
  expect_records (fixture, "0123456789abcdef|0123456789abcdef|short|");
  expect_rejects (fixture, "1 socket_text_stream-0: line longer than socket.max.line\n");
}

static void
read_framed (Fixture *fixture, WeirFraming framing, const char *data, gsize size)
{
  socket_job_read (fixture->job,
                   weir_socket_stream (socket_job_context (fixture->job), "127.0.0.1", fixture->peer.port, &framing));
  peer_listen (&fixture->peer);
  socket_job_start (fixture->job);
  peer_accept (&fixture->peer);
  peer_send (&fixture->peer, data, size);
  peer_close (&fixture->peer);
  socket_job_stop (fixture->job);
}

static void
test_frames_with_a_length (Fixture *fixture, gconstpointer interval)
{
  read_framed (fixture, (WeirFraming){ .kind = WEIR_FRAMING_LENGTH32, .max_size = 5 },
               "\0\0\0\3abc\0\0\0\0\0\0\0\6toobig\0\0\0\5whole\0\0\0\4cut", 37);
  expect_records (fixture, "abc||whole|");
  expect_rejects (fixture, "1 socket_stream-0: record longer than its framing's max_size\n"
                           "1 socket_stream-0: the peer closed inside a record\n");
}

static void
test_records_of_a_fixed_size (Fixture *fixture, gconstpointer interval)
{
  read_framed (fixture, (WeirFraming){ .kind = WEIR_FRAMING_FIXED, .size = 4, .text = TRUE }, "onlyfourletterxx.", 17);
  expect_records (fixture, "only|four|lett|erxx|");
  expect_rejects (fixture, "1 socket_stream-0: the peer closed inside a record\n");
}

static void
test_records_with_a_delimiter (Fixture *fixture, gconstpointer interval)
{
  read_framed (fixture, (WeirFraming){ .kind = WEIR_FRAMING_DELIMITER, .delimiter = ';' }, "a;b\n;;c", 7);
  expect_records (fixture, "a|b\n||c|");
  expect_rejects (fixture, "");
}

static void
test_several_sockets_in_one_job (Fixture *fixture, gconstpointer interval)
{
  WeirContext *ctx = socket_job_context (fixture->job);
  Peer other;

  peer_open (&other);
  socket_job_read (fixture->job, weir_union (weir_socket_text_stream (ctx, "127.0.0.1", fixture->peer.port),
                                             weir_socket_text_stream (ctx, "localhost", other.port)));
  peer_listen (&fixture->peer);
  socket_job_start (fixture->job);
  peer_accept (&fixture->peer);
  peer_accept (&other);
  peer_send_text (&other, "from b\n");
  peer_send_text (&fixture->peer, "from a\n");
  socket_job_stop (fixture->job);
  expect_records (fixture, "from a|from b|");
  peer_clear (&other);
}

#define FLOOD_LINES  (1536 * 1024)
#define FLOOD_PIECE  (64 * 1024)
#define LINE_SIZE    80
#define PATIENCE_MS  500
#define MEMORY_LIMIT ((gsize) 64 * 1024 * 1024)

/* Sends lines until nothing is taken any more, or @most bytes; returns how many bytes went. */
static gsize
flood (Fixture *fixture, gsize from, gsize most)
{
  g_autofree char *lines = g_malloc (FLOOD_PIECE + LINE_SIZE);
  gsize n, sent = from;

  for (gsize i = 0; i < FLOOD_PIECE + LINE_SIZE; i++)
    lines[i] = i % LINE_SIZE == LINE_SIZE - 1 ? '\n' : (char) ('a' + i % 26);
  do {
    n = peer_send_some (&fixture->peer, lines + sent % LINE_SIZE, MIN (FLOOD_PIECE, most - sent), PATIENCE_MS);
    sent += n;
  } while (n > 0 && sent < most);
  return sent;
}

static void
test_a_job_without_room_holds_its_peer_back (Fixture *fixture, gconstpointer interval)
{
  gsize all = (gsize) FLOOD_LINES * LINE_SIZE, sent;

  socket_job_set (fixture->job, "memory.limit", "64MB");
  socket_job_hold (fixture->job, TRUE);
  connect_text (fixture);
  sent = flood (fixture, 0, all);
  g_assert_cmpuint (sent, <, MEMORY_LIMIT);
  g_assert_cmpuint (socket_job_n_records (fixture->job), ==, 0);
  socket_job_hold (fixture->job, FALSE);
  while (sent < all)
    sent = flood (fixture, sent, all);
  socket_job_await_records (fixture->job, FLOOD_LINES);
  socket_job_stop (fixture->job);
  expect_rejects (fixture, "");
}

static gboolean
see_partition_sizes (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  *(guint *) user_data = weir_dataset_n_partitions (data);
  return TRUE;
}

static guint
count_partitions (guint n_workers, guint most, gsize n_bytes)
{
  g_autoptr (SocketJob) job = socket_job_new (NEVER);
  Fixture fixture = { .job = job };
  g_autofree char *workers = g_strdup_printf ("%u", n_workers), *partitions = g_strdup_printf ("%u", most);
  guint n = 0;

  peer_open (&fixture.peer);
  socket_job_set (job, "workers", workers);
  socket_job_set (job, "partitions", partitions);
  weir_foreach_batch (weir_socket_text_stream (socket_job_context (job), "127.0.0.1", fixture.peer.port),
                      see_partition_sizes, &n);
  socket_job_start (job);
  peer_accept (&fixture.peer);
  g_assert_cmpuint (flood (&fixture, 0, n_bytes), ==, n_bytes);
  peer_close (&fixture.peer);
  socket_job_await_log (job, "the peer has closed", 1);
  socket_job_stop (job);
  peer_clear (&fixture.peer);
  return n;
}

static void
test_a_batch_is_divided_by_bytes_and_not_by_workers (void)
{
  for (guint n_workers = 1; n_workers <= 3; n_workers++) {
    g_assert_cmpuint (count_partitions (n_workers, 8, 5 * 1024 * 1024), ==, 8);
    g_assert_cmpuint (count_partitions (n_workers, 3, 5 * 1024 * 1024), ==, 3);
    g_assert_cmpuint (count_partitions (n_workers, 8, 600 * 1024), ==, 2);
    g_assert_cmpuint (count_partitions (n_workers, 8, 800), ==, 1);
  }
}

static void
test_a_name_that_nobody_has_is_asked_for_again (Fixture *fixture, gconstpointer interval)
{
  WeirContext *ctx = socket_job_context (fixture->job);

  socket_job_read (fixture->job, weir_socket_text_stream (ctx, "nobody.invalid", "4711"));
  socket_job_start (fixture->job);
  socket_job_await_log (fixture->job, "cannot find the host \"nobody.invalid\"", 1);
  socket_job_await_batches (fixture->job, 3);
  socket_job_stop (fixture->job);
  expect_records (fixture, "");
}

static void
expect_mistake (const char *host, const char *port, const WeirFraming *framing, const char *part)
{
  g_autoptr (WeirContext) ctx = weir_context_new ("mistaken", WEIR_SECONDS (1));
  g_autoptr (GError) error = NULL;

  weir_print (weir_socket_stream (ctx, host, port, framing), 1);
  g_assert_false (weir_context_start (ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  if (strstr (error->message, part) == NULL)
    g_error ("'%s' does not say '%s'", error->message, part);
}

static void
test_what_cannot_be_is_a_mistake (void)
{
  const WeirFraming lines = { .kind = WEIR_FRAMING_LINES }, fixed = { .kind = WEIR_FRAMING_FIXED };
  const char *ports[] = { "0", "65536", "-1", "", "12x", " 80", "no-such-service", NULL };

  for (gsize i = 0; i < G_N_ELEMENTS (ports); i++)
    expect_mistake ("localhost", ports[i], &lines, "port");
  expect_mistake (NULL, "80", &lines, "host");
  expect_mistake ("", "80", &lines, "host");
  expect_mistake ("localhost", "80", NULL, "framing");
  expect_mistake ("localhost", "80", &fixed, "size");
}

static void
test_lines_that_could_fill_the_memory_are_refused (void)
{
  g_autoptr (WeirContext) ctx = weir_context_new ("mistaken", WEIR_SECONDS (1));
  g_autoptr (GError) error = NULL;

  g_assert_true (weir_context_set (ctx, "memory.limit", "64MB", &error));
  g_assert_true (weir_context_set (ctx, "socket.max.line", "17MB", &error));
  weir_print (weir_socket_text_stream (ctx, "localhost", "80"), 1);
  g_assert_false (weir_context_start (ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
  g_assert_nonnull (strstr (error->message, "memory.limit"));
}

static void
add (const char *path, void (*test) (Fixture *, gconstpointer), WeirTime interval)
{
  static const WeirTime soon = SOON, never = NEVER;

  g_test_add (path, Fixture, interval == SOON ? &soon : &never, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/socket/lines-come-as-they-are", test_lines_come_as_they_are, NEVER);
  add ("/socket/a-line-may-come-byte-by-byte", test_a_line_may_come_byte_by_byte, SOON);
  add ("/socket/ten-thousand-lines-in-one-segment", test_ten_thousand_lines_in_one_segment, SOON);
  add ("/socket/a-peer-that-says-nothing", test_a_peer_that_says_nothing, SOON);
  add ("/socket/refused-then-accepted", test_refused_then_accepted, SOON);
  add ("/socket/a-peer-that-goes-away-and-comes-back", test_a_peer_that_goes_away_and_comes_back, SOON);
  add ("/socket/a-connection-that-breaks-off-in-a-line", test_a_connection_that_breaks_off_in_a_line, SOON);
  add ("/socket/a-stop-processes-what-was-received", test_a_stop_processes_what_was_received_and_names_the_rest, NEVER);
  add ("/socket/a-stop-counts-a-lone-unfinished-line", test_a_stop_counts_a_lone_unfinished_line, NEVER);
  add ("/socket/a-stop-after-the-peer-has-closed", test_a_stop_after_the_peer_has_closed_has_the_last_line, NEVER);
  add ("/socket/a-line-of-100-mb", test_a_line_of_100_mb, SOON);
  add ("/socket/the-longest-line-is-an-option", test_the_longest_line_is_an_option, NEVER);
  add ("/socket/frames-with-a-length", test_frames_with_a_length, NEVER);
  add ("/socket/records-of-a-fixed-size", test_records_of_a_fixed_size, NEVER);
  add ("/socket/records-with-a-delimiter", test_records_with_a_delimiter, NEVER);
  add ("/socket/several-sockets-in-one-job", test_several_sockets_in_one_job, NEVER);
  add ("/socket/a-job-without-room-holds-its-peer-back", test_a_job_without_room_holds_its_peer_back, SOON);
  g_test_add_func ("/socket/a-batch-is-divided-by-bytes", test_a_batch_is_divided_by_bytes_and_not_by_workers);
  add ("/socket/a-name-that-nobody-has-is-asked-for-again", test_a_name_that_nobody_has_is_asked_for_again, SOON);
  g_test_add_func ("/socket/what-cannot-be-is-a-mistake", test_what_cannot_be_is_a_mistake);
  g_test_add_func ("/socket/lines-that-could-fill-the-memory", test_lines_that_could_fill_the_memory_are_refused);
  return g_test_run ();
}
