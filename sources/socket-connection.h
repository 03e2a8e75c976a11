/* A TCP connection that a job wants open: found, made, watched, made again. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "engine/log.h"
#include "engine/loop.h"

typedef struct _WeirConnection WeirConnection;

typedef enum {
  WEIR_CONNECTION_GOES_ON, /* bytes came */
  WEIR_CONNECTION_HOLDS,   /* there may be more, but not now: silent until weir_connection_resume () */
  WEIR_CONNECTION_ENDED,   /* the peer has said its last */
  WEIR_CONNECTION_LOST,    /* it broke off: errno says how */
} WeirConnectionVerdict;

/* Loop thread. */
typedef struct {
  WeirConnectionVerdict (*readable) (int fd, gpointer data);
  void (*closed) (gboolean is_orderly, gpointer data); /* after ENDED or LOST, before the next attempt */
} WeirConnectionFuncs;

/* Whom to reach. */
typedef struct {
  const char *host, *port;
  WeirTime keepalive; /* silence before it is probed; if it does not answer it is given up after as much again */
} WeirPeer;

/* Copies @peer. @log: lives as long as the connection. */
WeirConnection *weir_connection_new (WeirLoop *loop, const WeirLog *log, const WeirPeer *peer,
                                     const WeirConnectionFuncs *funcs, gpointer data);
void weir_connection_free (WeirConnection *connection);
void weir_connection_start (WeirConnection *connection);
void weir_connection_stop (WeirConnection *connection); /* idempotent; closed () is not called */
void weir_connection_resume (WeirConnection *connection);
int weir_connection_fd (const WeirConnection *connection);           /* -1: not connected */
const char *weir_connection_name (const WeirConnection *connection); /* host:port */

/* Before attempt @n (from 0) at a peer that gives nothing, without the jitter. */
WeirTime weir_connection_back_off (guint n);
