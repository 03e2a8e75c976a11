/* memory-test.c: memory that is never given back. A window that holds more than sources may leave room for fails the
 * context, with what to do; the sources would wait for ever otherwise.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/sources/peer.h"

#include <weir/weir.h>

#define DEADLINE WEIR_SECONDS (120)

/* Sends until the job has closed the connection, or takes no more for as long as nobody should have to wait. */
static void
send_until_gone (int fd, const char *data, gsize size)
{
  struct pollfd peer = { .fd = fd, .events = POLLOUT };
  gssize n;

  do
    n = send (fd, data, size, MSG_NOSIGNAL);
  while (n > 0 || (errno == EAGAIN && poll (&peer, 1, (int) (DEADLINE / 1000)) > 0));
}

static gboolean
do_nothing (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return TRUE;
}

static void
test_a_window_that_fills_half_of_the_limit_fails_the_context (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (WeirContext) ctx = weir_context_new ("full-window", WEIR_MILLISECONDS (10));
  g_autofree char *lines = g_malloc (1024 * 1024);
  Peer peer;

  memset (lines, 'x', 1024 * 1024);
  for (gsize i = 999; i < 1024 * 1024; i += 1000)
    lines[i] = '\n';
  peer_open (&peer);
  weir_foreach_batch (weir_window (weir_socket_text_stream (ctx, "127.0.0.1", peer.port), WEIR_SECONDS (3600), 0),
                      do_nothing, NULL);
  g_assert_true (weir_context_set (ctx, "memory.limit", "64MB", NULL));
  g_assert_true (weir_context_set (ctx, "log.level", "error", NULL));
  g_assert_true (weir_context_start (ctx, NULL));
  peer_accept (&peer);
  send_until_gone (peer.fd, lines, 1024 * 1024);
  g_assert_cmpint (weir_context_await (ctx, DEADLINE, &error), ==, WEIR_WAIT_FAILED);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT);
  g_assert_nonnull (strstr (error->message, "memory.limit"));
  peer_clear (&peer);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/memory/a_window_that_fills_half_of_the_limit_fails_the_context",
                   test_a_window_that_fills_half_of_the_limit_fails_the_context);
  return g_test_run ();
}
