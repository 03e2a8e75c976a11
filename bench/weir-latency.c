/* Latency at a steady rate: a thread sends lines over a loopback socket, each with the time that it was planned to be
 * sent, whether or not the sender was late; the job notes, on the runner, when it has them in hand.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/weir-pass.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

typedef struct {
  int listener;
  guint rate;
  double seconds;
  double lateness; /* the sender's worst */
} Sender;

typedef struct {
  GArray *latencies; /* of double, in microseconds; runner only */
  GArray *delays;    /* of double; loop only */
} Figures;

static void
wait_until (double at)
{
  struct timespec t = { (time_t) at, (long) ((at - (double) (time_t) at) * 1e9) };

  while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
    ;
}

static gpointer
send_lines (gpointer data)
{
  Sender *sender = data;
  int fd = accept (sender->listener, NULL, NULL);
  double start = bench_now () + 0.2;

  for (guint64 i = 0; (double) i < sender->seconds * sender->rate; i++) {
    double planned = start + (double) i / sender->rate;
    char line[64];
    int n = snprintf (line, sizeof line, "%.6f\n", planned);

    wait_until (planned);
    sender->lateness = MAX (sender->lateness, bench_now () - planned);
    if (write (fd, line, (size_t) n) != n)
      break;
  }
  close (fd);
  return NULL;
}

static gboolean
note_latencies (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  Figures *figures = user_data;
  g_autoptr (GArray) stamps = weir_dataset_collect (data, error);
  double now = bench_now ();

  for (guint i = 0; stamps != NULL && i < stamps->len; i++) {
    double latency = (now - weir_as_float (weir_key (g_array_index (stamps, WeirValue, i)))) * 1e6;

    g_array_append_val (figures->latencies, latency);
  }
  return stamps != NULL;
}

static WeirValue
parse_stamp (WeirTask *task, WeirValue line, gpointer user_data)
{
  double stamp = 0;

  if (!weir_parse_float (line, &stamp))
    weir_reject (task, line, "not a stamp");
  return weir_pair (task, weir_float (stamp), weir_int (1));
}

static void
on_completed (const WeirBatchInfo *info, gpointer user_data)
{
  Figures *figures = user_data;
  double delay = (double) weir_batch_info_scheduling_delay (info);

  g_array_append_val (figures->delays, delay);
}

static int
compare (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;

  return (x > y) - (x < y);
}

static double
percentile (GArray *values, double p)
{
  if (values->len == 0)
    weir_pass_die ("nothing was measured", NULL);
  g_array_sort (values, compare);
  return g_array_index (values, double, (guint) ((values->len - 1) * p));
}

static int
listen_here (guint *port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t size = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM, 0);

  if (fd < 0 || bind (fd, (struct sockaddr *) &address, size) != 0 || listen (fd, 1) != 0 ||
      getsockname (fd, (struct sockaddr *) &address, &size) != 0)
    weir_pass_die ("cannot listen", NULL);
  *port = ntohs (address.sin_port);
  return fd;
}

int
main (int argc, char **argv)
{
  const WeirListener listener = { .batch_completed = on_completed };
  g_autoptr (GError) error = NULL;
  Figures figures = { g_array_new (FALSE, FALSE, sizeof (double)), g_array_new (FALSE, FALSE, sizeof (double)) };
  Sender sender = { 0 };
  WeirStream *lines, *stamps;
  pthread_t thread;
  BenchArgs args;
  guint port;

  bench_args_parse (&args, argc, argv);
  sender = (Sender){ listen_here (&port), (guint) args.records_per_second, args.seconds, 0 };
  g_autofree char *port_text = g_strdup_printf ("%u", port);
  g_autoptr (WeirContext) ctx = weir_context_new ("weir-latency", (WeirTime) args.interval_us);

  if (!weir_context_set (ctx, "workers", "1", &error) || !weir_context_set (ctx, "log.level", "error", &error))
    weir_pass_die ("option", error);
  lines = weir_socket_text_stream (ctx, "127.0.0.1", port_text);
  stamps = weir_reduce_by_key (weir_map (lines, parse_stamp, NULL), WEIR_SUM, NULL);
  weir_foreach_batch (stamps, note_latencies, &figures);
  weir_context_add_listener (ctx, &listener, &figures);
  pthread_create (&thread, NULL, send_lines, &sender);
  if (!weir_context_start (ctx, &error))
    weir_pass_die ("start", error);
  pthread_join (thread, NULL);
  weir_context_await (ctx, WEIR_MILLISECONDS (100), NULL);
  weir_context_stop (ctx, TRUE);
  if (weir_context_await (ctx, -1, &error) != WEIR_WAIT_STOPPED)
    weir_pass_die ("run", error);
  if (figures.latencies->len < (guint) (args.seconds * (double) args.records_per_second))
    weir_pass_die ("not every record came through", NULL);
  printf (
      "{\"program\": \"weir-latency\", \"rate\": %.1f, \"scheduling_delay_p99_us\": %.1f, \"latency_p50_us\": %.1f, "
      "\"latency_p99_us\": %.1f, \"latency_max_us\": %.1f, \"sender_lateness_us\": %.1f, \"records\": %u, \"batches\": %u}\n",
      percentile (figures.latencies, 0.99), percentile (figures.delays, 0.99), percentile (figures.latencies, 0.5),
      percentile (figures.latencies, 0.99), percentile (figures.latencies, 1.0), sender.lateness * 1e6,
      figures.latencies->len, figures.delays->len);
  return 0;
}
