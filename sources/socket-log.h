/* A socket as a source, with and without a log of what it received. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include "sources/backlog.h"
#include "sources/framing-batch.h"
#include "sources/intake.h"
#include "sources/socket-connection.h"

typedef struct {
  WeirSource source;
  char *host, *port;
  WeirFraming framing; /* constant once open */
  gboolean max_is_asked;
  gboolean is_open;
  guint n_partitions; /* at most */
  WeirFramer framer;
  WeirBacklog backlog; /* without a log */
  WeirConnection *connection;
  gboolean has_news; /* rejects that no batch has reported yet */

  const WeirSourceKlass *klass; /* as it was before it had a log */
  gboolean is_logged;           /* constant once open */
  WeirIntake intake;            /* then */
} WeirSocketSource;

/* Does nothing where no log is asked for. */
gboolean weir_socket_log_open (WeirSocketSource *self, GError **error);
void weir_socket_log_close (WeirSocketSource *self);
void weir_socket_log_hand_over (WeirSocketSource *self); /* complete records go to the log */
void weir_socket_log_stop (WeirSocketSource *self);      /* what was handed over is all */

gboolean weir_socket_log_read (WeirTask *task, WeirReader *reader); /* workers */

/* sources/socket.c: workers count what they have read. */
void weir_socket_account (WeirTask *task, const WeirSocketSource *self, guint n, const WeirFramingTally *tally);
