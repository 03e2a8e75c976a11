/* socket.c: lines and frames from a TCP peer, as a source.
 *
 * Owns a source's framer and connection. At a tick the complete records become a plan: ranges of blocks, divided by
 * bytes and never by workers; workers cut the records out of them, the loop goes on filling the last block behind them.
 * Must not know who reads the records. When there is no room, or batches are late and enough waits for them, the socket
 * is not read, and TCP holds the peer back.
 * Threads: all but socket_read() on the loop's; socket_read() on workers, on plans, which do not change.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/input.h>

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "engine/options.h"
#include "engine/stream.h"
#include "engine/task.h"
#include "sources/socket-log.h"

/* What is received in one turn of the loop: a fraction of a millisecond, so that ticks are not late. */
#define TURN_BYTES ((gsize) 1024 * 1024)

/* One record may take this part of memory.limit: a longer one could stop all others for ever. */
#define RECORD_SHARE 4

typedef enum { GOT_MORE, GOT_ALL, NO_ROOM, ENDED, LOST } Receipt;

static gboolean
socket_open (WeirSource *source, GError **error)
{
  WeirSocketSource *self = (WeirSocketSource *) source;
  const WeirOptions *options = weir_engine_options (source->engine);
  gsize share = weir_memory_limit (weir_engine_memory (source->engine)) / RECORD_SHARE;

  self->max_is_asked = self->framing.max_size != 0;
  if (!self->max_is_asked)
    self->framing.max_size = (gsize) weir_options_size (options, WEIR_OPTION_SOCKET_MAX_LINE);
  if (self->framing.max_size > share) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_OPTION,
                 "records of up to %" G_GSIZE_FORMAT
                 " bytes do not fit into a quarter of memory.limit, %" G_GSIZE_FORMAT
                 " bytes: raise memory.limit or lower %s",
                 self->framing.max_size, share, self->max_is_asked ? "the framing's max_size" : "socket.max.line");
    return FALSE;
  }
  self->n_partitions = weir_options_integer (options, WEIR_OPTION_PARTITIONS);
  weir_backlog_init (&self->backlog);
  weir_framer_init (&self->framer, &self->framing, weir_engine_memory (source->engine), WEIR_FRAMER_BLOCK);
  self->is_open = TRUE;
  return weir_socket_log_open (self, error);
}

static const char *
too_long (const WeirSocketSource *self)
{
  if (self->max_is_asked)
    return "record longer than its framing's max_size";
  return self->framing.kind == WEIR_FRAMING_LINES ? "line longer than socket.max.line"
                                                  : "record longer than socket.max.line";
}

static void
reject (WeirSocketSource *self, const char *reason, guint64 n)
{
  self->has_news = TRUE;
  weir_engine_count_reject (self->source.engine, self->source.op, reason, n);
}

static void
reject_unfinished (WeirSocketSource *self, gsize n_bytes, const char *reason)
{
  if (n_bytes == 0)
    return;
  weir_log (weir_engine_log (self->source.engine), WEIR_LOG_INFO,
            "socket %s: the last %" G_GSIZE_FORMAT " bytes are no whole record and are left out: %s",
            weir_connection_name (self->connection), n_bytes, reason);
  reject (self, reason, 1);
}

static Receipt
receive_once (WeirSocketSource *self, int fd, gsize most, gsize *n_received)
{
  gsize size;
  gssize n;
  char *at;

  *n_received = 0;
  if (!weir_engine_has_room (self->source.engine) || !weir_framer_room (&self->framer, &at, &size))
    return NO_ROOM;
  size = MIN (size, most);
  n = recv (fd, at, size, 0);
  if (n == 0)
    return ENDED;
  if (n < 0)
    return errno == EAGAIN || errno == EINTR ? GOT_ALL : LOST;
  *n_received = (gsize) n;
  weir_framer_took (&self->framer, (gsize) n);
  if (self->framer.n_too_long > 0)
    reject (self, too_long (self), self->framer.n_too_long);
  self->framer.n_too_long = 0;
  return (gsize) n == size ? GOT_MORE : GOT_ALL;
}

static void
on_room (WeirSource *source)
{
  WeirSocketSource *self = (WeirSocketSource *) source;

  if (self->connection != NULL)
    weir_connection_resume (self->connection);
}

static gboolean
is_full (WeirSocketSource *self)
{
  if (self->is_logged)
    return weir_intake_is_full (&self->intake);
  return weir_backlog_is_full (&self->backlog, self->framer.n_bytes);
}

static WeirConnectionVerdict
on_readable (int fd, gpointer data)
{
  WeirSocketSource *self = data;
  Receipt receipt = is_full (self) ? NO_ROOM : GOT_MORE;
  gsize n;

  for (gsize left = TURN_BYTES; left > 0 && receipt == GOT_MORE; left -= n)
    receipt = receive_once (self, fd, left, &n);
  weir_socket_log_hand_over (self);
  if (receipt == NO_ROOM) {
    weir_engine_on_room (self->source.engine, &self->source, on_room);
    return WEIR_CONNECTION_HOLDS;
  }
  if (receipt == ENDED)
    return WEIR_CONNECTION_ENDED;
  return receipt == LOST ? WEIR_CONNECTION_LOST : WEIR_CONNECTION_GOES_ON;
}

static void
on_closed (gboolean is_orderly, gpointer data)
{
  WeirSocketSource *self = data;

  if (is_orderly)
    reject_unfinished (self, weir_framer_finish (&self->framer), "the peer closed inside a record");
  else
    reject_unfinished (self, weir_framer_drop (&self->framer), "the connection broke off inside a record");
  weir_socket_log_hand_over (self);
}

static void
socket_start (WeirSource *source)
{
  static const WeirConnectionFuncs funcs = { .readable = on_readable, .closed = on_closed };
  WeirSocketSource *self = (WeirSocketSource *) source;
  GError *error = NULL;
  const WeirPeer peer = {
    .host = self->host,
    .port = self->port,
    .keepalive = weir_options_duration (weir_engine_options (source->engine), WEIR_OPTION_SOCKET_KEEPALIVE),
  };

  if (self->is_logged && !weir_intake_check_begin (&self->intake, &error)) {
    weir_engine_fail (source->engine, error);
    return;
  }
  self->connection =
      weir_connection_new (weir_engine_loop (source->engine), weir_engine_log (source->engine), &peer, &funcs, self);
  weir_connection_start (self->connection);
}

/* The peer has been told that these bytes arrived, so they are part of what was received. No more than that: a peer
 * that goes on sending must not hold up the stop. TRUE: the peer had ended the stream there. */
static gboolean
receive_the_rest (WeirSocketSource *self, int fd)
{
  Receipt receipt = GOT_MORE;
  int n_waiting = 0;
  char byte;
  gsize n;

  ioctl (fd, FIONREAD, &n_waiting);
  for (gsize left = (gsize) MAX (n_waiting, 0); left > 0; left -= n) {
    receipt = receive_once (self, fd, left, &n);
    if (n == 0)
      break;
  }
  if (receipt == NO_ROOM)
    weir_log (weir_engine_log (self->source.engine), WEIR_LOG_INFO,
              "socket %s: bytes that the system still holds are left out: there is no room for them",
              weir_connection_name (self->connection));
  return receipt != NO_ROOM && recv (fd, &byte, 1, MSG_PEEK) == 0;
}

static void
receive_last (WeirSocketSource *self, int fd)
{
  gboolean has_ended;

  has_ended = receive_the_rest (self, fd);
  weir_connection_stop (self->connection);
  if (has_ended)
    on_closed (TRUE, self);
  else
    reject_unfinished (self, weir_framer_drop (&self->framer), "the job stopped inside a record");
}

static void
socket_stop (WeirSource *source)
{
  WeirSocketSource *self = (WeirSocketSource *) source;
  int fd = self->connection != NULL ? weir_connection_fd (self->connection) : -1;

  if (fd >= 0)
    receive_last (self, fd);
  else if (self->connection != NULL)
    weir_connection_stop (self->connection);
  weir_socket_log_stop (self);
}

static gboolean
socket_has_staged (WeirSource *source)
{
  const WeirSocketSource *self = (const WeirSocketSource *) source;

  return self->framer.ranges->len > 0 || self->has_news;
}

static void
socket_plan (WeirSource *source, WeirPlan *plan)
{
  WeirSocketSource *self = (WeirSocketSource *) source;
  GArray *ranges = weir_framer_steal (&self->framer, &plan->n_bytes);
  WeirFramedBatch *batch = weir_framed_batch_new (ranges, plan->n_bytes, self->n_partitions);

  weir_backlog_planned (&self->backlog, plan->n_bytes);
  self->has_news = FALSE;
  plan->n_partitions = batch->n_partitions;
  plan->n_records = plan->n_bytes == 0 ? 0 : -1;
  plan->data = batch;
}

static void
socket_release (WeirSource *source, WeirPlan *plan)
{
  weir_backlog_released (&((WeirSocketSource *) source)->backlog, plan->n_bytes);
  weir_framed_batch_free (g_steal_pointer (&plan->data));
}

void
weir_socket_account (WeirTask *task, const WeirSocketSource *self, guint n, const WeirFramingTally *tally)
{
  WeirRun *run = task->task_run->run;

  __atomic_add_fetch (&run->n_records, n, __ATOMIC_RELAXED);
  if (G_UNLIKELY (tally->n_invalid_utf8 > 0))
    __atomic_add_fetch (&run->n_invalid_utf8, tally->n_invalid_utf8, __ATOMIC_RELAXED);
  if (G_UNLIKELY (tally->n_too_long > 0))
    weir_run_count_reject (run, task->op->name, too_long (self), tally->n_too_long);
}

static gboolean
socket_read (WeirTask *task, WeirReader *reader)
{
  const WeirPlan *plan = reader->plan;
  const WeirSocketSource *self = (const WeirSocketSource *) plan->source;
  WeirFramingTally tally = { 0 };

  if (self->is_logged)
    return weir_socket_log_read (task, reader);
  if (!weir_framed_cursor_open (reader->state, plan->data, reader->partition))
    return FALSE;
  weir_task_reserve (task, FALSE);
  task->head.n_elements = weir_framed_cursor_read (reader->state, plan->data, &self->framing, task->head.values,
                                                   task->head.capacity, &tally);
  weir_socket_account (task, self, task->head.n_elements, &tally);
  weir_task_flush (task);
  return TRUE;
}

static void
socket_close (WeirSource *source)
{
  WeirSocketSource *self = (WeirSocketSource *) source;

  if (!self->is_open)
    return;
  self->is_open = FALSE;
  g_clear_pointer (&self->connection, weir_connection_free);
  weir_socket_log_close (self);
  weir_framer_clear (&self->framer);
  weir_backlog_clear (&self->backlog);
}

static void
socket_params_clear (gpointer params)
{
  WeirSocketSource *self = params;

  g_free (self->host);
  g_free (self->port);
}

#define SOCKET_CLASS(name)                                                                                              \
  {                                                                                                                     \
    .op = {                                                                                                           \
      .verb = (name),                                                                                                 \
      .kind = WEIR_OP_SOURCE,                                                                                         \
      .reader_size = MAX (sizeof (WeirFramedCursor), sizeof (WeirIntakeCursor)),                                                                                 \
      .read = socket_read,                                                                                            \
      .params_clear = socket_params_clear,                                                                            \
    },                                                                                                                \
    .instance_size = sizeof (WeirSocketSource),                                                                           \
    .open = socket_open,                                                                                              \
    .start = socket_start,                                                                                            \
    .plan = socket_plan,                                                                                              \
    .release = socket_release,                                                                                        \
    .stop = socket_stop,                                                                                              \
    .has_staged = socket_has_staged,                                                                                  \
    .close = socket_close, \
  }

static const WeirSourceKlass socket_text_class = SOCKET_CLASS ("socket_text_stream");
static const WeirSourceKlass socket_class = SOCKET_CLASS ("socket_stream");

/* A number of a port, or the name of a service that this machine knows. */
static gboolean
is_port (const char *port)
{
  struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
  guint64 number;

  if (g_ascii_isdigit (port[0]))
    return g_ascii_string_to_unsigned (port, 10, 1, 65535, &number, NULL);
  if (!g_ascii_isalpha (port[0]) || getaddrinfo (NULL, port, &hints, &list) != 0)
    return FALSE;
  freeaddrinfo (list);
  return TRUE;
}

static WeirStream *
new_stream (WeirContext *ctx, const WeirSourceKlass *klass, const char *host, const char *port,
            const WeirFraming *framing)
{
  WeirStream *stream = weir_stream_new_source (ctx, klass);
  WeirSocketSource *self = (WeirSocketSource *) stream->source;
  g_autoptr (GError) error = NULL;

  self->host = g_strdup (host);
  self->port = g_strdup (port);
  self->framing = *framing;
  if (host == NULL || host[0] == '\0')
    weir_stream_mistake (stream, "has no host to connect to: give a name or an address");
  else if (port == NULL || !is_port (port))
    weir_stream_mistake (stream,
                         "has the port \"%s\", which is none: give a number from 1 to 65535 or the name of a service",
                         port != NULL ? port : "");
  else if (!weir_framing_resolve (&self->framing, &error))
    weir_stream_mistake (stream, "%s", error->message);
  return stream;
}

/**
 * weir_socket_text_stream:
 * @ctx: the context
 * @host: a name or an address; looked up again before each attempt
 * @port: a number or the name of a service
 *
 * Lines of text from a server that the job connects to, each a TEXT without its LF or CRLF. Bytes that are not UTF-8
 * and NULs pass unchanged; lines with bad UTF-8 are counted. A line longer than `socket.max.line` is left out and
 * counted. What stands after the last LF when the server closes is a line; when the connection breaks off or the job
 * stops it is left out, counted and named in the log.
 *
 * The job does not wait for the server: while it is away, or its name unknown, batches are empty and the job tries
 * again, at first after 100 ms, later every 10 s. A server that has gone without a word is noticed after twice
 * `socket.keepalive`. While memory is at `memory.limit` nothing is read, which holds the server back.
 *
 * Returns: (transfer none): the stream; a mistake is reported by weir_context_start(), with code %WEIR_ERROR_GRAPH
 */
WeirStream *
weir_socket_text_stream (WeirContext *ctx, const char *host, const char *port)
{
  const WeirFraming framing = { .kind = WEIR_FRAMING_LINES };

  return new_stream (ctx, &socket_text_class, host, port, &framing);
}

/**
 * weir_socket_stream:
 * @ctx: the context
 * @host: a name or an address
 * @port: a number or the name of a service
 * @framing: how records are told apart; copied
 *
 * Records from a server that the job connects to, as weir_socket_text_stream() does: BYTES, or TEXT where
 * `framing->text` is set. The kinds: LINES; DELIMITER, records end with `delimiter`; FIXED, each has `size` bytes;
 * LENGTH32, each follows its length, four bytes, the highest first. A record longer than `max_size` (0:
 * `socket.max.line`) is left out and counted. A FIXED or LENGTH32 record that is not complete when the server closes is
 * left out, counted and named in the log.
 *
 * Returns: (transfer none): the stream; a mistake is reported by weir_context_start(), with code %WEIR_ERROR_GRAPH
 */

/**
 * weir_socket_stream_sized:
 * @ctx: as weir_socket_stream()
 * @host: as there
 * @port: as there
 * @framing: as there
 * @size: sizeof (WeirFraming) as the caller knows it, so that fields can be appended
 *
 * What the macro weir_socket_stream() calls, for languages without macros.
 *
 * Returns: (transfer none): the stream
 */
WeirStream *
weir_socket_stream_sized (WeirContext *ctx, const char *host, const char *port, const WeirFraming *framing, gsize size)
{
  WeirFraming known = { 0 };
  WeirStream *stream;

  if (framing != NULL)
    memcpy (&known, framing, MIN (size, sizeof known));
  stream = new_stream (ctx, &socket_class, host, port, &known);
  if (framing == NULL)
    weir_stream_mistake (stream, "has no framing (NULL): say how records are told apart");
  return stream;
}
