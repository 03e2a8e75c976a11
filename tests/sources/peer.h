/* The other end of a connection, for tests: a server on the loopback interface that does what the test says, when it
 * says it. Belongs to the test's thread; every wait has a deadline.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <glib.h>

typedef struct {
  int listener; /* -1: closed */
  int fd;       /* the accepted connection; -1: none */
  char port[8];
} Peer;

#define PEER_DEADLINE_MS 120000

void peer_bind (Peer *peer); /* a port of its own, which refuses until: */
void peer_listen (Peer *peer);
void peer_open (Peer *peer); /* both */
void peer_accept (Peer *peer);
void peer_send (Peer *peer, const char *data, gsize size);
void peer_send_text (Peer *peer, const char *text);
gsize peer_send_some (Peer *peer, const char *data, gsize size, int patience_ms); /* 0: nothing is taken */
void peer_close (Peer *peer);                                                     /* the connection: the orderly way */
void peer_reset (Peer *peer);                                                     /* and the other */
void peer_clear (Peer *peer);
