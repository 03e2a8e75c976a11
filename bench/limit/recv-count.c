/* The socket reference: receives text from a loopback port and counts its words with the loop of simd-words.h in the
 * buffer that it was received into, until the sender closes. One thread; the clock runs from the first byte to the
 * end. A word cut by the end of the buffer moves to its front.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "bench/args.h"
#include "bench/limit/simd-words.h"
#include "bench/usage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_SLOTS = 4096, BUFFER_SIZE = 256 * 1024, LOAD_PADDING = 32 };

typedef struct {
  int fd;
  SimdWords words;
  double started; /* 0 before the first byte */
  uint64_t received;
  size_t kept; /* bytes of an unended word at the front of the buffer */
  char buffer[BUFFER_SIZE + LOAD_PADDING];
} Reader;

static void
die (const char *what)
{
  fprintf (stderr, "recv-count: cannot %s: %s\n", what, strerror (errno));
  exit (1);
}

static int
connect_to (uint16_t port)
{
  struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons (port) };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
  if (fd < 0 || connect (fd, (struct sockaddr *) &address, sizeof address) != 0)
    die ("connect to the server on 127.0.0.1; is it there?");
  return fd;
}

static void
count_received (Reader *r, size_t n)
{
  char *end = r->buffer + r->kept + n;
  const char *rest = simd_words_count (&r->words, r->buffer, end);

  r->kept = (size_t) (end - rest);
  if (r->kept == BUFFER_SIZE) {
    fprintf (stderr, "recv-count: a word does not fit into the buffer of %d bytes\n", BUFFER_SIZE);
    exit (1);
  }
  memmove (r->buffer, rest, r->kept);
}

static void
read_all (Reader *r)
{
  ssize_t n;

  while ((n = recv (r->fd, r->buffer + r->kept, BUFFER_SIZE - r->kept, 0)) != 0) {
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      die ("receive");
    if (r->started == 0)
      r->started = bench_now ();
    r->received += (uint64_t) n;
    count_received (r, (size_t) n);
  }
  if (r->kept > 0)
    simd_words_add (&r->words, r->buffer, (uint32_t) r->kept);
  simd_words_flush (&r->words);
}

int
main (int argc, char **argv)
{
  BenchArgs args;
  SimdTable table;
  Reader *reader = calloc (1, sizeof *reader);
  double seconds;
  int64_t total;

  bench_args_parse (&args, argc, argv);
  if (reader == NULL)
    abort ();
  simd_table_init (&table, FIRST_SLOTS, 1);
  reader->words.table = &table;
  reader->fd = connect_to ((uint16_t) args.port);
  read_all (reader);
  seconds = bench_now () - reader->started;
  total = simd_table_total (&table);
  printf ("{\"program\": \"recv-count\", \"rate\": %.1f, \"unit\": \"words/s\", \"seconds\": %.3f, "
          "\"cpu_seconds\": %.3f, \"words\": %lld, \"bytes\": %llu, \"distinct\": %llu}\n",
          (double) total / seconds, seconds, bench_cpu_seconds (), (long long) total,
          (unsigned long long) reader->received, (unsigned long long) table.n_used);
  simd_table_clear (&table);
  close (reader->fd);
  free (reader);
  return 0;
}
