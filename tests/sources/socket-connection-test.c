/* socket-connection-test.c: a connection is made, lost, made again and stopped, on a loop that the test runs.
 *
 * The server is driven from the same loop, by who calls it and by what the connection says: nothing has to have happened
 * by a time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/macros.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "sources/socket-connection.h"
#include "tests/sources/peer.h"

#define DEADLINE WEIR_SECONDS (120)

typedef struct Fixture Fixture;

struct Fixture {
  WeirLoop *loop;
  WeirTimer *guard, *timer;
  WeirWatch *server; /* NULL: nobody listens yet */
  WeirConnection *connection;
  Peer peer;
  GString *seen;
  guint log_handler, n_logged;
  WeirConnectionVerdict verdict; /* where bytes came */
  void (*on_bytes) (Fixture *fixture, int fd);
  void (*on_closed) (Fixture *fixture);
  void (*on_logged) (Fixture *fixture);
};

static void
give_up (gpointer data)
{
  g_error ("the loop waited for an event that did not come");
}

static WeirConnectionVerdict
readable (int fd, gpointer data)
{
  Fixture *fixture = data;
  char bytes[100];
  gssize n = recv (fd, bytes, sizeof bytes, 0);

  if (n < 0)
    return WEIR_CONNECTION_LOST;
  if (n == 0)
    return WEIR_CONNECTION_ENDED;
  g_string_append_len (fixture->seen, bytes, n);
  if (fixture->on_bytes != NULL)
    fixture->on_bytes (fixture, fd);
  return fixture->verdict;
}

static void
closed (gboolean is_orderly, gpointer data)
{
  Fixture *fixture = data;

  g_string_append_c (fixture->seen, is_orderly ? '.' : '!');
  if (fixture->on_closed != NULL)
    fixture->on_closed (fixture);
}

static void
on_log (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  Fixture *fixture = data;

  fixture->n_logged++;
  if (fixture->on_logged != NULL)
    fixture->on_logged (fixture);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  static const WeirLog log = { "test", WEIR_LOG_INFO };
  const WeirConnectionFuncs funcs = { readable, closed };
  g_autoptr (GError) error = NULL;

  fixture->loop = weir_loop_new (&error);
  g_assert_no_error (error);
  fixture->guard = weir_timer_new (fixture->loop, give_up, NULL);
  weir_timer_arm (fixture->guard, DEADLINE);
  peer_bind (&fixture->peer);
  fixture->connection = weir_connection_new (
      fixture->loop, &log, &(WeirPeer){ "localhost", fixture->peer.port, WEIR_SECONDS (25) }, &funcs, fixture);
  fixture->seen = g_string_new (NULL);
  fixture->log_handler = g_log_set_handler ("weir", G_LOG_LEVEL_MESSAGE, on_log, fixture);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  weir_connection_free (fixture->connection);
  if (fixture->timer != NULL)
    weir_timer_free (fixture->timer);
  if (fixture->server != NULL)
    weir_watch_free (fixture->server);
  weir_timer_free (fixture->guard);
  weir_loop_free (fixture->loop);
  peer_clear (&fixture->peer);
  g_log_remove_handler ("weir", fixture->log_handler);
  g_string_free (fixture->seen, TRUE);
}

static void
stop (Fixture *fixture)
{
  weir_connection_stop (fixture->connection);
  weir_loop_quit (fixture->loop);
}

static void
stop_with_bytes (Fixture *fixture, int fd)
{
  weir_loop_quit (fixture->loop);
}

static void
run (Fixture *fixture)
{
  weir_connection_start (fixture->connection);
  weir_loop_run (fixture->loop);
  weir_connection_stop (fixture->connection);
}

static void
later (Fixture *fixture, WeirTime delay, WeirLoopFunc f)
{
  if (fixture->timer != NULL)
    weir_timer_free (fixture->timer);
  fixture->timer = weir_timer_new (fixture->loop, f, fixture);
  weir_timer_arm (fixture->timer, delay);
}

static void
greet (guint events, gpointer data)
{
  Fixture *fixture = data;

  peer_accept (&fixture->peer);
  peer_send_text (&fixture->peer, "hello");
}

/* From now on each who calls is greeted. */
static void
serve (gpointer data)
{
  Fixture *fixture = data;

  peer_listen (&fixture->peer);
  fixture->server = weir_watch_new (fixture->loop, fixture->peer.listener, greet, fixture);
  weir_watch_set (fixture->server, WEIR_WATCH_READ);
}

static void
test_bytes_come_through (Fixture *fixture, gconstpointer data)
{
  serve (fixture);
  fixture->on_bytes = stop_with_bytes;
  run (fixture);
  g_assert_cmpstr (fixture->seen->str, ==, "hello");
  g_assert_cmpuint (fixture->n_logged, ==, 0);
}

/* It is refused some times more before it is not. */
static void
serve_later (Fixture *fixture)
{
  fixture->on_logged = NULL;
  later (fixture, WEIR_MILLISECONDS (400), serve);
}

static void
test_it_tries_until_it_is_accepted (Fixture *fixture, gconstpointer data)
{
  fixture->on_bytes = stop_with_bytes;
  fixture->on_logged = serve_later;
  run (fixture);
  g_assert_cmpstr (fixture->seen->str, ==, "hello");
  g_assert_cmpuint (fixture->n_logged, ==, 2); /* away, and back */
}

static void
close_once (Fixture *fixture, int fd)
{
  if (fixture->seen->len > strlen ("hello")) {
    weir_loop_quit (fixture->loop);
    return;
  }
  peer_close (&fixture->peer);
}

static void
test_it_comes_back_after_an_end (Fixture *fixture, gconstpointer data)
{
  serve (fixture);
  fixture->on_bytes = close_once;
  run (fixture);
  g_assert_cmpstr (fixture->seen->str, ==, "hello.hello");
  g_assert_cmpuint (fixture->n_logged, ==, 2);
}

static void
reset_once (Fixture *fixture, int fd)
{
  peer_reset (&fixture->peer);
}

static void
test_a_reset_is_not_an_end (Fixture *fixture, gconstpointer data)
{
  serve (fixture);
  fixture->on_bytes = reset_once;
  fixture->on_closed = stop;
  weir_connection_start (fixture->connection);
  weir_loop_run (fixture->loop);
  g_assert_cmpstr (fixture->seen->str, ==, "hello!");
}

static void
resume (gpointer data)
{
  Fixture *fixture = data;

  g_assert_cmpstr (fixture->seen->str, ==, "hello");
  fixture->on_bytes = stop_with_bytes;
  weir_connection_resume (fixture->connection);
}

static void
say_more (Fixture *fixture, int fd)
{
  peer_send_text (&fixture->peer, " again");
  later (fixture, WEIR_MILLISECONDS (50), resume);
}

static void
test_it_is_silent_while_held (Fixture *fixture, gconstpointer data)
{
  serve (fixture);
  fixture->verdict = WEIR_CONNECTION_HOLDS;
  fixture->on_bytes = say_more;
  run (fixture);
  g_assert_cmpstr (fixture->seen->str, ==, "hello again");
}

static int
option_of (int fd, int level, int name)
{
  socklen_t size = sizeof (int);
  int value = -1;

  g_assert_cmpint (getsockopt (fd, level, name, &value, &size), ==, 0);
  return value;
}

static void
check_keepalive (Fixture *fixture, int fd)
{
  g_assert_cmpint (option_of (fd, SOL_SOCKET, SO_KEEPALIVE), ==, 1);
  g_assert_cmpint (option_of (fd, IPPROTO_TCP, TCP_KEEPIDLE), ==, 25);
  g_assert_cmpint (option_of (fd, IPPROTO_TCP, TCP_KEEPINTVL) * option_of (fd, IPPROTO_TCP, TCP_KEEPCNT), ==, 25);
  g_assert_cmpint (weir_connection_fd (fixture->connection), ==, fd);
  weir_loop_quit (fixture->loop);
}

static void
test_a_silent_peer_is_probed (Fixture *fixture, gconstpointer data)
{
  serve (fixture);
  fixture->on_bytes = check_keepalive;
  run (fixture);
}

static void
stop_twice (gpointer data)
{
  Fixture *fixture = data;

  weir_connection_stop (fixture->connection);
  weir_connection_resume (fixture->connection);
  stop (fixture);
}

static void
test_it_may_be_stopped_at_any_time (Fixture *fixture, gconstpointer data)
{
  weir_connection_stop (fixture->connection);
  g_assert_cmpint (weir_connection_fd (fixture->connection), ==, -1);
  for (WeirTime delay = 0; delay < WEIR_MILLISECONDS (300); delay = 2 * delay + 500) {
    later (fixture, delay, stop_twice);
    weir_connection_start (fixture->connection);
    weir_loop_run (fixture->loop);
  }
  g_assert_cmpstr (fixture->seen->str, ==, "");
}

static void
test_waits_double_up_to_ten_seconds (void)
{
  static const WeirTime waits_ms[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };

  for (guint i = 0; i < G_N_ELEMENTS (waits_ms); i++)
    g_assert_cmpint (weir_connection_back_off (i), ==, WEIR_MILLISECONDS (waits_ms[i]));
  g_assert_cmpint (weir_connection_back_off (G_MAXUINT), ==, WEIR_SECONDS (10));
}

static void
add (const char *path, void (*test) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, NULL, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("/socket-connection/bytes-come-through", test_bytes_come_through);
  add ("/socket-connection/it-tries-until-it-is-accepted", test_it_tries_until_it_is_accepted);
  add ("/socket-connection/it-comes-back-after-an-end", test_it_comes_back_after_an_end);
  add ("/socket-connection/a-reset-is-not-an-end", test_a_reset_is_not_an_end);
  add ("/socket-connection/it-is-silent-while-held", test_it_is_silent_while_held);
  add ("/socket-connection/a-silent-peer-is-probed", test_a_silent_peer_is_probed);
  add ("/socket-connection/it-may-be-stopped-at-any-time", test_it_may_be_stopped_at_any_time);
  g_test_add_func ("/socket-connection/waits-double-up-to-ten-seconds", test_waits_double_up_to_ten_seconds);
  return g_test_run ();
}
