/* Pushes the corpus over one loopback connection, again and again, as fast as it is taken or at a given rate. Owns the
 * listening socket and the connection; must not know who reads. One thread, blocking writes.
 *
 * Prints a line of JSON with the port when it listens, and one with what was sent when it is done: after --seconds it
 * stops at the end of a line, so that the reader's totals can be compared with its own. It takes no further connection.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/args.h"
#include "bench/usage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LARGEST_WRITE = 256 * 1024, PACED_WRITES_PER_SECOND = 1000 };

typedef struct {
  const BenchCorpus *corpus;
  int fd;
  uint64_t sent; /* bytes in all; the position in the corpus is what remains of it */
  double started;
  int peer_left;
} Push;

static void
die (const char *what)
{
  fprintf (stderr, "push-server: cannot %s: %s\n", what, strerror (errno));
  exit (1);
}

static int
listen_on (uint16_t port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (port) };
  socklen_t size = sizeof address;
  int on = 1, fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  if (fd < 0 || setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0)
    die ("make a socket");
  if (bind (fd, (struct sockaddr *) &address, size) != 0 || listen (fd, 1) != 0)
    die ("listen on the port");
  getsockname (fd, (struct sockaddr *) &address, &size);
  printf ("{\"port\": %u}\n", (unsigned) ntohs (address.sin_port));
  fflush (stdout);
  return fd;
}

static uint64_t
position (const Push *push)
{
  return push->sent % push->corpus->size;
}

static void
send_up_to (Push *push, uint64_t size)
{
  uint64_t left = push->corpus->size - position (push);
  ssize_t n = send (push->fd, push->corpus->data + position (push), size < left ? size : left, MSG_NOSIGNAL);

  if (n > 0)
    push->sent += (uint64_t) n;
  else if (errno == EPIPE || errno == ECONNRESET)
    push->peer_left = 1;
  else if (errno != EINTR)
    die ("send");
}

static void
finish_line (Push *push)
{
  while (!push->peer_left && position (push) != 0 && push->corpus->data[position (push) - 1] != '\n') {
    const char *from = push->corpus->data + position (push);

    send_up_to (push, (uint64_t) ((const char *) rawmemchr (from, '\n') - from) + 1);
  }
}

/* Sleeps until the schedule, counted from the start, allows the next write: a late write is caught up with. */
static void
wait_for_turn (const Push *push, uint64_t bytes_per_second)
{
  double due = push->started + (double) push->sent / (double) bytes_per_second;
  struct timespec until = { .tv_sec = (time_t) due, .tv_nsec = (long) ((due - (double) (time_t) due) * 1e9) };

  clock_nanosleep (CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static void
push_all (Push *push, const BenchArgs *args)
{
  uint64_t step = LARGEST_WRITE;

  if (args->bytes_per_second != 0 && args->bytes_per_second / PACED_WRITES_PER_SECOND < step)
    step = args->bytes_per_second / PACED_WRITES_PER_SECOND + 1;
  push->started = bench_now ();
  while (!push->peer_left && bench_now () - push->started < args->seconds) {
    send_up_to (push, step);
    if (args->bytes_per_second != 0)
      wait_for_turn (push, args->bytes_per_second);
  }
  finish_line (push);
}

static uint64_t
words_sent (const Push *push)
{
  uint64_t words = push->sent / push->corpus->size * push->corpus->n_words;

  for (uint64_t i = 0; i < position (push); i++)
    words += push->corpus->data[i] == ' ' || push->corpus->data[i] == '\n';
  return words;
}

static void
report (const Push *push, double seconds)
{
  printf ("{\"program\": \"push-server\", \"words\": %llu, \"bytes\": %llu, \"seconds\": %.3f, \"rate\": %.1f, "
          "\"unit\": \"bytes/s\", \"started\": %.6f, \"peer_left\": %s}\n",
          (unsigned long long) words_sent (push), (unsigned long long) push->sent, seconds,
          (double) push->sent / seconds, push->started, push->peer_left ? "true" : "false");
}

int
main (int argc, char **argv)
{
  BenchArgs args;
  BenchCorpus *corpus;
  Push push = { .fd = -1 };
  int listener;
  char byte;
  double seconds;

  bench_args_parse (&args, argc, argv);
  push.corpus = corpus = bench_args_corpus (&args);
  listener = listen_on ((uint16_t) args.port);
  push.fd = accept (listener, NULL, NULL);
  if (push.fd < 0)
    die ("accept a connection");
  close (listener);
  push_all (&push, &args);
  seconds = bench_now () - push.started;
  shutdown (push.fd, SHUT_WR);
  while (recv (push.fd, &byte, 1, 0) > 0)
    continue;
  report (&push, seconds);
  close (push.fd);
  bench_corpus_free (corpus);
  return 0;
}
