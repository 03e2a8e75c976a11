/* line_server: lines of generated text on a loopback port, so many a second. Something for a job to read.
 *
 *   line_server [--port=N] [--rate=LINES_PER_SECOND] [--seconds=N] [--seed=N]
 *
 * Serves one client at a time; when it leaves, waits for the next. A client that reads too slowly gets what it missed
 * later. Knows nothing of weir: plain sockets, one thread.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <glib.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "examples/generated-text.h"

#define PAUSE_MS   10   /* between two blocks of lines */
#define BLOCK_MOST 1000 /* lines; more are due when the client was slow or the rate is high */
#define MOST_RATE  1e9

static int option_port;
static double option_rate = 1000;
static int option_seconds;
static int option_seed = 1;

static const GOptionEntry options[] = {
  { "port", 0, 0, G_OPTION_ARG_INT, &option_port, "Port on 127.0.0.1 (0, the default: any free one)", "N" },
  { "rate", 0, 0, G_OPTION_ARG_DOUBLE, &option_rate, "Lines a second (1000; 0: as fast as they are taken)", "LINES" },
  { "seconds", 0, 0, G_OPTION_ARG_INT, &option_seconds, "End after that time (0, the default: never)", "N" },
  { "seed", 0, 0, G_OPTION_ARG_INT, &option_seed, "The same seed gives the same lines (1)", "N" },
  G_OPTION_ENTRY_NULL,
};

static gboolean
is_over (gint64 end)
{
  return end > 0 && g_get_monotonic_time () >= end;
}

/* FALSE: the client has left, or the time is over. The socket's time-out lets that be seen when nothing is taken. */
static gboolean
send_all (int fd, const char *data, gsize size, gint64 end)
{
  while (size > 0) {
    ssize_t n = send (fd, data, size, MSG_NOSIGNAL);

    if (n < 0 && errno != EINTR && errno != EAGAIN)
      return FALSE;
    if (n < 0 && is_over (end))
      return FALSE;
    data += MAX (n, 0);
    size -= (gsize) MAX (n, 0);
  }
  return TRUE;
}

/* FALSE: the client left meanwhile. */
static gboolean
pause_while_connected (int fd)
{
  struct pollfd poll_fd = { .fd = fd, .events = POLLRDHUP };

  return poll (&poll_fd, 1, PAUSE_MS) <= 0;
}

/* Sends the lines that are due, a block at a time, with a pause whenever there are no more. */
static void
serve (int client, GeneratedText *text, gint64 end)
{
  g_autoptr (GString) block = g_string_new (NULL);
  gint64 start = g_get_monotonic_time ();
  guint64 n_sent = 0, n_due;
  gboolean connected = TRUE;

  while (connected && !is_over (end)) {
    double elapsed_s = (double) (g_get_monotonic_time () - start) / G_USEC_PER_SEC;

    n_due = option_rate > 0 ? (guint64) (elapsed_s * option_rate) : n_sent + BLOCK_MOST;
    g_string_truncate (block, 0);
    for (guint i = 0; i < BLOCK_MOST && n_sent < n_due; i++, n_sent++)
      generated_text_append_line (text, block);
    connected = send_all (client, block->str, block->len, end) &&
                (n_sent < n_due || option_rate == 0 || pause_while_connected (client));
  }
}

/* Returns the listening socket and says on standard output where it is; -1 with a message if there is none. */
static int
listen_on_loopback (int port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons ((guint16) port) };
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  if (fd < 0 || setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
      bind (fd, (struct sockaddr *) &address, sizeof address) < 0 || listen (fd, 1) < 0 ||
      getsockname (fd, (struct sockaddr *) &address, &size) < 0) {
    fprintf (stderr, "line_server: cannot listen on 127.0.0.1:%d: %s; choose another with --port\n", port,
             g_strerror (errno));
    return -1;
  }
  printf ("line_server: listening on 127.0.0.1 %d\n", ntohs (address.sin_port));
  fflush (stdout);
  return fd;
}

/* Sockets give up waiting when their time-out has passed, so that the end is seen. */
static void
accept_until (int listener, gint64 end)
{
  const struct timeval half_second = { .tv_usec = 500000 };
  GeneratedText text;

  generated_text_init (&text, (guint64) option_seed);
  setsockopt (listener, SOL_SOCKET, SO_RCVTIMEO, &half_second, sizeof half_second);
  while (!is_over (end)) {
    int client = accept (listener, NULL, NULL);

    if (client >= 0) {
      setsockopt (client, SOL_SOCKET, SO_SNDTIMEO, &half_second, sizeof half_second);
      serve (client, &text, end);
      close (client);
    }
  }
}

/* NULL, or what is wrong with the command line. */
static const char *
find_mistake (int argc)
{
  if (argc > 1)
    return "it takes options and nothing else";
  if (option_port < 0 || option_port > G_MAXUINT16)
    return "--port is out of range: it may be 0 to 65535";
  if (!(option_rate >= 0 && option_rate <= MOST_RATE))
    return "--rate is out of range: it may be 0 to 1e9";
  if (option_seconds < 0)
    return "--seconds is out of range: it may be 0 or more";
  return NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  const char *mistake = NULL;
  gint64 end;
  int listener;

  g_option_context_set_summary (context, "Serves lines of generated text on a loopback port.");
  g_option_context_add_main_entries (context, options, NULL);
  if (g_option_context_parse (context, &argc, &argv, &error))
    mistake = find_mistake (argc);
  if (error != NULL || mistake != NULL) {
    fprintf (stderr, "line_server: %s (see --help)\n", error != NULL ? error->message : mistake);
    return 1;
  }
  listener = listen_on_loopback (option_port);
  if (listener < 0)
    return 1;
  end = g_get_monotonic_time () + (gint64) option_seconds * G_USEC_PER_SEC;
  accept_until (listener, option_seconds > 0 ? end : 0);
  close (listener);
  return 0;
}
