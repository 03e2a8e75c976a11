/* peer.c: the server's side of the tests of sockets.
 *
 * Owns its two descriptors. Blocks no longer than its deadline, after which the test is aborted. One thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
peer_bind (Peer *peer)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;

  peer->fd = -1;
  peer->listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (bind (peer->listener, (struct sockaddr *) &address, size), ==, 0);
  g_assert_cmpint (getsockname (peer->listener, (struct sockaddr *) &address, &size), ==, 0);
  g_snprintf (peer->port, sizeof peer->port, "%u", ntohs (address.sin_port));
}

void
peer_listen (Peer *peer)
{
  g_assert_cmpint (listen (peer->listener, 10), ==, 0);
}

void
peer_open (Peer *peer)
{
  peer_bind (peer);
  peer_listen (peer);
}

static void
wait_for (int fd, short events)
{
  struct pollfd poll_fd = { .fd = fd, .events = events };

  if (poll (&poll_fd, 1, PEER_DEADLINE_MS) != 1)
    g_error ("the other end kept the peer waiting");
}

void
peer_accept (Peer *peer)
{
  int on = 1;

  wait_for (peer->listener, POLLIN);
  peer->fd = accept4 (peer->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
  g_assert_cmpint (peer->fd, >=, 0);
  setsockopt (peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

gsize
peer_send_some (Peer *peer, const char *data, gsize size, int patience_ms)
{
  struct pollfd poll_fd = { .fd = peer->fd, .events = POLLOUT };
  gssize n;

  if (poll (&poll_fd, 1, patience_ms) == 0)
    return 0;
  n = send (peer->fd, data, size, MSG_NOSIGNAL);
  if (n < 0 && errno == EAGAIN)
    return 0;
  if (n < 0)
    g_error ("the peer cannot send: %s", g_strerror (errno));
  return (gsize) n;
}

void
peer_send (Peer *peer, const char *data, gsize size)
{
  while (size > 0) {
    gsize n = peer_send_some (peer, data, size, PEER_DEADLINE_MS);

    if (n == 0)
      wait_for (peer->fd, POLLOUT);
    data += n;
    size -= n;
  }
}

void
peer_send_text (Peer *peer, const char *text)
{
  peer_send (peer, text, strlen (text));
}

void
peer_close (Peer *peer)
{
  if (peer->fd >= 0)
    close (peer->fd);
  peer->fd = -1;
}

void
peer_reset (Peer *peer)
{
  struct linger at_once = { .l_onoff = 1 };

  setsockopt (peer->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  peer_close (peer);
}

void
peer_clear (Peer *peer)
{
  peer_close (peer);
  if (peer->listener >= 0)
    close (peer->listener);
  peer->listener = -1;
}
