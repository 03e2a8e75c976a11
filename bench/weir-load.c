/* Latency under load, with running totals in a checkpoint: a thread sends lines of the text over a loopback socket, as many
 * each millisecond as the rate says, after a line with the time that they were planned for, whether or not the sender was
 * late. The job counts all words; when the batch's totals have been read, it notes how old its stamps are.
 *
 * --lines-per-second 0 sends as fast as it is taken: how much the job can do. --directory: of the checkpoint.
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

enum { PER_SECOND = 1000, FLAT_OUT_LINES = 2000 };

typedef struct {
  const BenchArgs *args;
  const BenchCorpus *corpus;
  int listener;
  double start, lateness; /* the sender's; lateness is the worst */
  guint64 n_lines;
  gint n_stamps;     /* sent; atomic */
  GArray *latencies; /* of double, in seconds; runner only */
  double last_done;  /* of the batch with the newest stamp */
  gint64 n_totals;   /* atomic: so that they are read */
  gint n_seen;       /* stamps; atomic */
} Load;

static void
wait_until (double at)
{
  struct timespec t = { (time_t) at, (long) ((at - (double) (time_t) at) * 1e9) };

  while (clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
    ;
}

static gboolean
write_all (int fd, const char *data, gsize size)
{
  while (size > 0) {
    ssize_t n = write (fd, data, size);

    if (n <= 0)
      return FALSE;
    data += n;
    size -= (gsize) n;
  }
  return TRUE;
}

/* A stamp and @n lines, which lie side by side in the text. */
static gboolean
send_some (Load *load, int fd, double planned, gsize n)
{
  const BenchCorpus *corpus = load->corpus;
  gsize from = load->n_lines % (corpus->n_lines - n - 1);
  const char *data = corpus->lines[from].data;
  char stamp[64];
  int size = snprintf (stamp, sizeof stamp, "@%.6f\n", planned);

  load->n_lines += n;
  return write_all (fd, stamp, (gsize) size) && write_all (fd, data, (gsize) (corpus->lines[from + n].data - data));
}

static gpointer
send_lines (gpointer data)
{
  Load *load = data;
  const BenchArgs *args = load->args;
  int fd = accept (load->listener, NULL, NULL);
  gsize n = args->lines_per_second > 0 ? args->lines_per_second / PER_SECOND : FLAT_OUT_LINES;
  double planned;

  load->start = planned = bench_now () + 0.2;
  for (guint64 i = 0; planned - load->start < args->seconds; i++) {
    planned = args->lines_per_second > 0 ? load->start + (double) i / PER_SECOND : bench_now ();
    wait_until (MAX (planned, load->start));
    load->lateness = MAX (load->lateness, bench_now () - planned);
    if (!send_some (load, fd, planned, n))
      break;
    __atomic_add_fetch (&load->n_stamps, 1, __ATOMIC_RELEASE);
  }
  close (fd);
  return NULL;
}

static void
split_words (WeirTask *task, WeirValue line, gpointer user_data)
{
  WeirValue word;

  if (weir_size (line) > 0 && *weir_data (line) == '@')
    return;
  while (weir_text_next_token (&line, ' ', &word))
    weir_emit_pair (task, word, weir_int (1));
}

static gboolean
is_stamp (WeirTask *task, WeirValue line, gpointer user_data)
{
  return weir_size (line) > 0 && *weir_data (line) == '@';
}

static WeirValue
add_up (WeirTask *task, WeirValue word, const WeirValue *counts, gsize n, WeirValue total, gpointer user_data)
{
  gint64 sum = weir_as_int (total);

  for (gsize i = 0; i < n; i++)
    sum += weir_as_int (counts[i]);
  return weir_int (sum);
}

static void
read_totals (WeirTask *task, WeirIter *totals, gpointer user_data)
{
  Load *load = user_data;
  WeirValue total;
  gint64 n = 0;

  while (weir_iter_next (totals, &total))
    n++;
  __atomic_add_fetch (&load->n_totals, n, __ATOMIC_RELAXED);
}

static gboolean
note_latencies (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  Load *load = user_data;
  g_autoptr (GArray) stamps = weir_dataset_collect (data, error);
  double now = bench_now ();

  for (guint i = 0; stamps != NULL && i < stamps->len; i++) {
    WeirValue line = g_array_index (stamps, WeirValue, i);
    double planned = 0;

    weir_parse_float (weir_text_n (weir_data (line) + 1, weir_size (line) - 1), &planned);
    now = bench_now ();
    planned = now - planned;
    g_array_append_val (load->latencies, planned);
  }
  if (stamps != NULL && stamps->len > 0)
    load->last_done = now;
  if (stamps != NULL)
    __atomic_add_fetch (&load->n_seen, (gint) stamps->len, __ATOMIC_RELEASE);
  return stamps != NULL;
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

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  if (!weir_context_set (ctx, key, value, &error))
    weir_pass_die (key, error);
}

static void
set_options (WeirContext *ctx, const BenchArgs *args)
{
  g_autofree char *uri = g_strdup_printf ("file://%s", args->directory);

  set (ctx, "workers", "1");
  set (ctx, "log.level", "error");
  if (*args->directory != '\0')
    set (ctx, "checkpoint", uri);
}

static void
build (Load *load, WeirContext *ctx, guint port)
{
  g_autofree char *port_text = g_strdup_printf ("%u", port);
  WeirStream *lines = weir_socket_text_stream (ctx, "127.0.0.1", port_text);
  WeirStream *counts = weir_reduce_by_key (weir_flat_map (lines, split_words, NULL), WEIR_SUM, NULL);
  WeirStream *totals = weir_update_state_by_key (counts, add_up, NULL);

  weir_stream_set_uid (totals, "totals");
  weir_output_set_uid (weir_foreach_partition (totals, read_totals, load), "read");
  weir_output_set_uid (weir_foreach_batch (weir_filter (lines, is_stamp, NULL), note_latencies, load), "stamps");
}

static void
run (Load *load, WeirContext *ctx)
{
  g_autoptr (GError) error = NULL;
  pthread_t thread;

  pthread_create (&thread, NULL, send_lines, load);
  if (!weir_context_start (ctx, &error))
    weir_pass_die ("start", error);
  pthread_join (thread, NULL);
  while (__atomic_load_n (&load->n_seen, __ATOMIC_ACQUIRE) < load->n_stamps)
    if (weir_context_await (ctx, WEIR_MILLISECONDS (10), &error) == WEIR_WAIT_FAILED)
      weir_pass_die ("run", error);
  weir_context_stop (ctx, TRUE);
  if (weir_context_await (ctx, -1, &error) != WEIR_WAIT_STOPPED)
    weir_pass_die ("stop", error);
}

int
main (int argc, char **argv)
{
  Load load = { .latencies = g_array_new (FALSE, FALSE, sizeof (double)) };
  BenchArgs args;
  guint port;

  bench_args_parse (&args, argc, argv);
  load.args = &args;
  load.corpus = bench_args_corpus (&args);
  load.listener = listen_here (&port);
  g_autoptr (WeirContext) ctx = weir_context_new ("weir-load", (WeirTime) args.interval_us);

  set_options (ctx, &args);
  build (&load, ctx, port);
  run (&load, ctx);
  printf ("{\"program\": \"weir-load\", \"rate\": %.1f, \"unit\": \"lines/s\", \"latency_p50_ms\": %.3f, "
          "\"latency_p99_ms\": %.3f, \"latency_max_ms\": %.3f, \"sender_lateness_ms\": %.3f, \"stamps\": %d}\n",
          (double) load.n_lines / (load.last_done - load.start), percentile (load.latencies, 0.5) * 1e3,
          percentile (load.latencies, 0.99) * 1e3, percentile (load.latencies, 1) * 1e3, load.lateness * 1e3,
          load.n_stamps);
  return 0;
}
