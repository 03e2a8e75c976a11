/* socket-connection.c: one peer's TCP connection through its whole life.
 *
 * Owns the descriptor, the look-up, the timer and the addresses to try. Looks the host up before each round, tries its
 * addresses one after the other, and waits longer after each round in vain. Says in the log once that the peer is away
 * and once that it is there again. Must not know what the bytes mean.
 * Threads: the loop's, before it runs and while it does.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "sources/socket-connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define FIRST_WAIT      WEIR_MILLISECONDS (100)
#define LONGEST_WAIT    WEIR_SECONDS (10)
#define CONNECT_TIMEOUT WEIR_SECONDS (10)
#define N_PROBES        5

typedef enum { IDLE, LOOKING_UP, CONNECTING, OPEN, WAITING } State;

struct _WeirConnection {
  WeirLoop *loop;
  const WeirLog *log;
  char *host, *port, *name;
  WeirTime keepalive;
  WeirConnectionFuncs funcs;
  gpointer data;
  State state;
  WeirLookup *lookup; /* LOOKING_UP */
  WeirTimer *timer;   /* WAITING: the next round; CONNECTING: enough */
  GArray *addresses;  /* of WeirAddress */
  guint next_address;
  int fd; /* CONNECTING, OPEN; else -1 */
  WeirWatch *watch;
  guint n_in_vain;   /* rounds since bytes came */
  gboolean is_away;  /* and the log says so */
  gboolean was_open; /* once or more */
};

static void look_up (WeirConnection *connection);
static void try_next (WeirConnection *connection, int last_errno);

WeirConnection *
weir_connection_new (WeirLoop *loop, const WeirLog *log, const WeirPeer *peer, const WeirConnectionFuncs *funcs,
                     gpointer data)
{
  WeirConnection *connection = g_new (WeirConnection, 1);
  gboolean is_ipv6 = strchr (peer->host, ':') != NULL;

  *connection = (WeirConnection){
    .loop = loop,
    .log = log,
    .host = g_strdup (peer->host),
    .port = g_strdup (peer->port),
    .name = g_strdup_printf (is_ipv6 ? "[%s]:%s" : "%s:%s", peer->host, peer->port),
    .keepalive = peer->keepalive,
    .funcs = *funcs,
    .data = data,
    .addresses = g_array_new (FALSE, FALSE, sizeof (WeirAddress)),
    .fd = -1,
  };
  return connection;
}

void
weir_connection_free (WeirConnection *connection)
{
  if (connection == NULL)
    return;
  weir_connection_stop (connection);
  g_array_unref (connection->addresses);
  g_free (connection->host);
  g_free (connection->port);
  g_free (connection->name);
  g_free (connection);
}

const char *
weir_connection_name (const WeirConnection *connection)
{
  return connection->name;
}

WeirTime
weir_connection_back_off (guint n)
{
  return n < 7 ? MIN (FIRST_WAIT << n, LONGEST_WAIT) : LONGEST_WAIT;
}

static void
close_fd (WeirConnection *connection)
{
  g_clear_pointer (&connection->watch, weir_watch_free);
  if (connection->fd >= 0)
    close (connection->fd);
  connection->fd = -1;
}

/* A quarter of jitter up or down keeps many jobs from knocking at the same moment. */
static void
wait_for_next_round (WeirConnection *connection)
{
  WeirTime wait = weir_connection_back_off (connection->n_in_vain++);

  connection->state = WAITING;
  weir_timer_arm (connection->timer, wait * g_random_int_range (75, 126) / 100);
}

static void
say_away (WeirConnection *connection, const char *why)
{
  if (!connection->is_away)
    weir_log (connection->log, WEIR_LOG_INFO, "socket %s: %s; trying again until it is there", connection->name, why);
  connection->is_away = TRUE;
}

static void
say_back (WeirConnection *connection)
{
  if (connection->is_away)
    weir_log (connection->log, WEIR_LOG_INFO, "socket %s: connected%s", connection->name,
              connection->was_open ? " again" : "");
  connection->is_away = FALSE;
  connection->was_open = TRUE;
}

/* Whole seconds are what TCP counts in. */
static void
set_keepalive (int fd, WeirTime keepalive)
{
  int idle = (int) MAX (keepalive / G_USEC_PER_SEC, 1), interval = MAX (idle / N_PROBES, 1);
  int n_probes = MAX (idle / interval, 1), on = 1;

  setsockopt (fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  setsockopt (fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  setsockopt (fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  setsockopt (fd, IPPROTO_TCP, TCP_KEEPCNT, &n_probes, sizeof n_probes);
}

static void
opened (WeirConnection *connection)
{
  connection->state = OPEN;
  weir_timer_disarm (connection->timer);
  set_keepalive (connection->fd, connection->keepalive);
  weir_watch_set (connection->watch, WEIR_WATCH_READ);
  say_back (connection);
}

/* An attempt at a port of this machine where nobody listens may be given that very port, and meet itself. */
static gboolean
is_itself (int fd)
{
  struct sockaddr_storage here = { 0 }, there = { 0 };
  socklen_t here_size = sizeof here, there_size = sizeof there;

  return getsockname (fd, (struct sockaddr *) &here, &here_size) == 0 &&
         getpeername (fd, (struct sockaddr *) &there, &there_size) == 0 && here_size == there_size &&
         memcmp (&here, &there, here_size) == 0;
}

/* The system may have connected what the loop has not been told of yet. */
static gboolean
is_connected (int fd)
{
  struct sockaddr_storage there;
  socklen_t size = sizeof there;

  return getpeername (fd, (struct sockaddr *) &there, &size) == 0 && !is_itself (fd);
}

int
weir_connection_fd (const WeirConnection *connection)
{
  if (connection->state == OPEN || (connection->state == CONNECTING && is_connected (connection->fd)))
    return connection->fd;
  return -1;
}

static int
connect_result (int fd)
{
  int result = 0;
  socklen_t size = sizeof result;

  if (getsockopt (fd, SOL_SOCKET, SO_ERROR, &result, &size) != 0)
    return errno;
  return result == 0 && is_itself (fd) ? ECONNREFUSED : result;
}

static void
on_connected (WeirConnection *connection)
{
  int result = connect_result (connection->fd);

  if (result == 0)
    opened (connection);
  else
    try_next (connection, result);
}

static void
went_away (WeirConnection *connection, gboolean is_orderly)
{
  g_autofree char *why = NULL;

  if (is_orderly)
    why = g_strdup ("the peer has closed the connection");
  else
    why = g_strdup_printf ("the connection broke off: %s", g_strerror (errno));
  close_fd (connection);
  connection->state = WAITING;
  say_away (connection, why);
  connection->funcs.closed (is_orderly, connection->data);
  if (connection->state == WAITING) /* it may have been stopped there */
    wait_for_next_round (connection);
}

static void
on_readable (WeirConnection *connection)
{
  switch (connection->funcs.readable (connection->fd, connection->data)) {
  case WEIR_CONNECTION_GOES_ON:
    connection->n_in_vain = 0;
    break;
  case WEIR_CONNECTION_HOLDS:
    weir_watch_set (connection->watch, 0);
    break;
  case WEIR_CONNECTION_ENDED:
    went_away (connection, TRUE);
    break;
  case WEIR_CONNECTION_LOST:
    went_away (connection, FALSE);
    break;
  }
}

static void
on_watch (guint events, gpointer data)
{
  WeirConnection *connection = data;

  if (connection->state == CONNECTING)
    on_connected (connection);
  else
    on_readable (connection);
}

/* 0: made or under way; else errno. */
static int
begin_connect (WeirConnection *connection, const WeirAddress *address)
{
  const struct sockaddr *peer = (const struct sockaddr *) &address->address;
  int result = 0;

  connection->fd = socket (peer->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (connection->fd < 0)
    return errno;
  if (connect (connection->fd, peer, address->size) != 0 && errno != EINPROGRESS)
    result = errno;
  return result;
}

/* The next address; when there is none, the next round. A connection that is made at once is writable at once. */
static void
try_next (WeirConnection *connection, int last_errno)
{
  g_autofree char *why = NULL;

  while (connection->next_address < connection->addresses->len) {
    guint i = connection->next_address++;

    close_fd (connection);
    last_errno = begin_connect (connection, &g_array_index (connection->addresses, WeirAddress, i));
    if (last_errno != 0)
      continue;
    connection->state = CONNECTING;
    connection->watch = weir_watch_new (connection->loop, connection->fd, on_watch, connection);
    weir_watch_set (connection->watch, WEIR_WATCH_WRITE);
    weir_timer_arm (connection->timer, CONNECT_TIMEOUT);
    return;
  }
  close_fd (connection);
  why = g_strdup_printf ("cannot connect: %s", g_strerror (last_errno));
  say_away (connection, why);
  wait_for_next_round (connection);
}

static void
on_found (const WeirAddress *addresses, guint n, const GError *error, gpointer data)
{
  WeirConnection *connection = data;

  connection->lookup = NULL;
  if (error != NULL) {
    say_away (connection, error->message);
    wait_for_next_round (connection);
    return;
  }
  g_array_set_size (connection->addresses, 0);
  g_array_append_vals (connection->addresses, addresses, n);
  connection->next_address = 0;
  try_next (connection, EADDRNOTAVAIL);
}

static void
look_up (WeirConnection *connection)
{
  connection->state = LOOKING_UP;
  connection->lookup = weir_loop_lookup (connection->loop, connection->host, connection->port, on_found, connection);
}

static void
on_timer (gpointer data)
{
  WeirConnection *connection = data;

  if (connection->state == CONNECTING)
    try_next (connection, ETIMEDOUT);
  else
    look_up (connection);
}

void
weir_connection_start (WeirConnection *connection)
{
  connection->timer = weir_timer_new (connection->loop, on_timer, connection);
  look_up (connection);
}

void
weir_connection_stop (WeirConnection *connection)
{
  g_clear_pointer (&connection->lookup, weir_lookup_cancel);
  g_clear_pointer (&connection->timer, weir_timer_free);
  close_fd (connection);
  connection->state = IDLE;
}

void
weir_connection_resume (WeirConnection *connection)
{
  if (connection->state == OPEN)
    weir_watch_set (connection->watch, WEIR_WATCH_READ);
}
