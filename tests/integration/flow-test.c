/* flow-test.c: jobs whose functions are slow and whose peers are fast. Nothing is lost or counted twice, batches wait
 * in a short queue, and memory is held below its limit by not reading.
 *
 * Lines carry numbers from 0, in order, so that a gap or a repetition is seen at once.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/sources/socket-job.h"

#define LOOPBACK   "127.0.0.1"
#define INTERVAL   WEIR_MILLISECONDS (5)
#define LINE_SIZE  ((gsize) 1000)
#define N_FLOOD    ((gint64) 100 * 1000)
#define MEMORY     ((gsize) 64 * 1024 * 1024)
#define MOST_AHEAD 3 /* one batch runs, two wait */

/* A place where functions of the job wait while it is closed. */
typedef struct {
  pthread_mutex_t lock;
  pthread_cond_t changed;
  gboolean is_closed;
  guint n_came;
} Gate;

static void
gate_init (Gate *gate, gboolean is_closed)
{
  pthread_mutex_init (&gate->lock, NULL);
  pthread_cond_init (&gate->changed, NULL);
  gate->is_closed = is_closed;
}

static void
gate_open (Gate *gate)
{
  pthread_mutex_lock (&gate->lock);
  gate->is_closed = FALSE;
  pthread_cond_broadcast (&gate->changed);
  pthread_mutex_unlock (&gate->lock);
}

static void
gate_pass (Gate *gate)
{
  pthread_mutex_lock (&gate->lock);
  gate->n_came++;
  pthread_cond_broadcast (&gate->changed);
  while (gate->is_closed)
    pthread_cond_wait (&gate->changed, &gate->lock);
  pthread_mutex_unlock (&gate->lock);
}

/* Until somebody stands there. Whoever comes too late is ended by the harness. */
static void
gate_await (Gate *gate)
{
  pthread_mutex_lock (&gate->lock);
  while (gate->n_came == 0)
    pthread_cond_wait (&gate->changed, &gate->lock);
  pthread_mutex_unlock (&gate->lock);
}

/* What is known of the batches: written by the loop, read when the job has stopped; most_ahead at any time. */
typedef struct {
  guint n_ahead, most_ahead; /* submitted and not completed; atomic */
  WeirTime longest_delay;
  gboolean adds_up;
} Watched;

static void
on_submitted (const WeirBatchInfo *info, gpointer user_data)
{
  Watched *watched = user_data;

  watched->n_ahead++;
  __atomic_store_n (&watched->most_ahead, MAX (watched->most_ahead, watched->n_ahead), __ATOMIC_RELAXED);
}

static void
on_completed (const WeirBatchInfo *info, gpointer user_data)
{
  Watched *watched = user_data;
  WeirTime delay = weir_batch_info_scheduling_delay (info), took = weir_batch_info_processing_time (info);

  watched->n_ahead--;
  watched->longest_delay = MAX (watched->longest_delay, delay);
  if (weir_batch_info_total_delay (info) != delay + took)
    watched->adds_up = FALSE;
}

/* A job that reads numbered lines through a gate. */
typedef struct {
  Peer peer;
  SocketJob *job;
  Gate gate;
  Watched watched;
  gint64 n_lines;     /* in order so far; the runner's, atomic */
  gboolean is_broken; /* one was out of order */
} Flow;

static WeirValue
pass_gate (WeirTask *task, WeirValue line, gpointer user_data)
{
  gate_pass (&((Flow *) user_data)->gate);
  return line;
}

static gboolean
check_order (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  Flow *flow = user_data;
  g_autoptr (GArray) lines = weir_dataset_collect (data, error);

  if (lines == NULL)
    return FALSE;
  for (guint i = 0; i < lines->len; i++) {
    WeirValue line = g_array_index (lines, WeirValue, i), number;
    gint64 n = -1;

    if (!weir_text_field (line, ' ', 0, &number) || !weir_parse_int (number, &n) || n != flow->n_lines)
      flow->is_broken = TRUE;
    __atomic_add_fetch (&flow->n_lines, 1, __ATOMIC_RELAXED);
  }
  return TRUE;
}

static void
flow_start (Flow *flow, gboolean is_closed)
{
  const WeirListener listener = { .batch_submitted = on_submitted, .batch_completed = on_completed };
  WeirContext *ctx;

  *flow = (Flow){ .job = socket_job_new (INTERVAL), .watched = { .adds_up = TRUE } };
  ctx = socket_job_context (flow->job);
  gate_init (&flow->gate, is_closed);
  peer_open (&flow->peer);
  weir_foreach_batch (weir_map (weir_socket_text_stream (ctx, LOOPBACK, flow->peer.port), pass_gate, flow), check_order,
                      flow);
  weir_context_add_listener (ctx, &listener, &flow->watched);
  socket_job_set (flow->job, "workers", "2");
  socket_job_set (flow->job, "memory.limit", "64MB");
  socket_job_start (flow->job);
  peer_accept (&flow->peer);
}

static void
flow_clear (Flow *flow)
{
  socket_job_free (flow->job);
  peer_clear (&flow->peer);
  pthread_cond_destroy (&flow->gate.changed);
  pthread_mutex_destroy (&flow->gate.lock);
}

/* Until a batch runs and as many wait as may. */
static void
await_full_queue (Flow *flow)
{
  gate_await (&flow->gate);
  while (__atomic_load_n (&flow->watched.most_ahead, __ATOMIC_RELAXED) < MOST_AHEAD)
    g_thread_yield ();
}

static void
expect_no_rejects (Flow *flow)
{
  g_autofree char *rejects = socket_job_rejects (flow->job);

  g_assert_cmpstr (rejects, ==, "");
}

/* Line @n: its number, then something to carry. */
static char *
numbered_line (gint64 n, gsize size)
{
  GString *line = g_string_new (NULL);

  g_string_printf (line, "%" G_GINT64_FORMAT " ", n);
  while (line->len < size - 1)
    g_string_append_c (line, 'x');
  g_string_append_c (line, '\n');
  return g_string_free (line, FALSE);
}

static void
send_lines (Flow *flow, gint64 from, gint64 to)
{
  for (gint64 n = from; n < to; n++) {
    g_autofree char *line = numbered_line (n, 30);

    peer_send_text (&flow->peer, line);
  }
}

/* Another job's batches are the measure of time. */
static void
let_batches_pass (guint n)
{
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (SocketJob) clock = socket_job_new (INTERVAL);

  socket_job_read (clock, weir_queue_stream (socket_job_context (clock), queue, TRUE));
  socket_job_start (clock);
  socket_job_await_batches (clock, n);
  socket_job_stop (clock);
}

static void
test_batches_of_a_slow_function_wait_in_a_short_queue (void)
{
  Flow flow;

  flow_start (&flow, TRUE);
  send_lines (&flow, 0, 100);
  gate_await (&flow.gate); /* the next batch is due now, and waits from now on */
  let_batches_pass (40);
  send_lines (&flow, 100, 200); /* receiving goes on */
  gate_open (&flow.gate);
  socket_job_await_log (flow.job, "ms late and took", 1);
  socket_job_stop (flow.job);
  g_assert_false (flow.is_broken);
  g_assert_cmpint (flow.n_lines, ==, 200);
  g_assert_cmpuint (flow.watched.most_ahead, <=, MOST_AHEAD);
  g_assert_cmpuint (flow.watched.n_ahead, ==, 0);
  g_assert_cmpint (flow.watched.longest_delay, >=, 20 * INTERVAL);
  g_assert_true (flow.watched.adds_up);
  expect_no_rejects (&flow);
  flow_clear (&flow);
}

static void
test_a_stop_waits_for_the_slow_batch_and_those_behind_it (void)
{
  Flow flow;

  flow_start (&flow, TRUE);
  send_lines (&flow, 0, 100);
  await_full_queue (&flow);
  let_batches_pass (10);
  send_lines (&flow, 100, 200);
  weir_context_stop (socket_job_context (flow.job), TRUE);
  let_batches_pass (10);
  g_assert_cmpint (weir_context_state (socket_job_context (flow.job)), ==, WEIR_ACTIVE);
  gate_open (&flow.gate);
  socket_job_stop (flow.job);
  g_assert_false (flow.is_broken);
  g_assert_cmpint (flow.n_lines, ==, 200);
  expect_no_rejects (&flow);
  flow_clear (&flow);
}

/* Others come where the machine is slow. */
static void
on_warning (const char *domain, GLogLevelFlags level, const char *message, gpointer user_data)
{
  if (strstr (message, "planned batches were dropped") == NULL)
    return;
  if (strstr (message, ": 2 planned") == NULL)
    g_error ("unexpected: %s", message);
  gate_open (&((Flow *) user_data)->gate);
}

static void
test_a_stop_at_once_drops_what_waits_and_says_so (void)
{
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  g_autoptr (GError) error = NULL;
  WeirContext *ctx;
  guint handler;
  Flow flow;

  flow_start (&flow, TRUE);
  ctx = socket_job_context (flow.job);
  handler = g_log_set_handler ("weir", G_LOG_LEVEL_WARNING, on_warning, &flow);
  send_lines (&flow, 0, 100);
  await_full_queue (&flow);
  let_batches_pass (10);
  weir_context_stop (ctx, TRUE);
  weir_context_stop (ctx, FALSE);
  g_assert_cmpint (weir_context_await (ctx, WEIR_MILLISECONDS (PEER_DEADLINE_MS), &error), ==, WEIR_WAIT_STOPPED);
  g_assert_no_error (error);
  g_assert_cmpint (flow.n_lines, ==, 0);
  g_assert_false (flow.is_broken);
  g_log_remove_handler ("weir", handler);
  g_log_set_always_fatal (fatal);
  flow_clear (&flow);
}

/* The server: pushes numbered lines as fast as they are taken, until all are gone or nobody takes them any more. */
typedef struct {
  int fd;
  gint64 n_most, n_sent; /* whole lines; atomic */
} Server;

static gboolean
push (int fd, const char *data, gsize size)
{
  struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };

  while (size > 0) {
    gssize n = send (fd, data, size, MSG_NOSIGNAL);

    if (n < 0 && errno != EAGAIN)
      return FALSE;
    if (n < 0 && poll (&poll_fd, 1, PEER_DEADLINE_MS) != 1)
      g_error ("the job took nothing for too long");
    data += MAX (n, 0);
    size -= (gsize) MAX (n, 0);
  }
  return TRUE;
}

static gpointer
serve (gpointer data)
{
  Server *server = data;

  for (gint64 n = 0; n < server->n_most; n++) {
    g_autofree char *line = numbered_line (n, LINE_SIZE);

    if (!push (server->fd, line, strlen (line)))
      break;
    __atomic_add_fetch (&server->n_sent, 1, __ATOMIC_RELAXED);
  }
  return NULL;
}

/* Until the server has been standing still for as long as @n_batches take. */
static void
await_standstill (Server *server, guint n_batches)
{
  gint64 before = -1, now;

  while ((now = __atomic_load_n (&server->n_sent, __ATOMIC_RELAXED)) != before) {
    before = now;
    let_batches_pass (n_batches);
  }
}

static void
test_a_fast_server_is_held_back_and_loses_nothing (void)
{
  Flow flow;
  Server server = { .n_most = N_FLOOD };
  pthread_t thread;

  flow_start (&flow, TRUE);
  server.fd = flow.peer.fd;
  pthread_create (&thread, NULL, serve, &server);
  await_standstill (&server, 30);
  g_assert_cmpint (__atomic_load_n (&server.n_sent, __ATOMIC_RELAXED), <, MEMORY / LINE_SIZE);
  g_assert_cmpint (flow.n_lines, ==, 0);
  gate_open (&flow.gate);
  pthread_join (thread, NULL);
  peer_close (&flow.peer);
  socket_job_await_log (flow.job, "the peer has closed", 1);
  socket_job_stop (flow.job);
  g_assert_false (flow.is_broken);
  g_assert_cmpint (flow.n_lines, ==, N_FLOOD);
  expect_no_rejects (&flow);
  flow_clear (&flow);
}

/* What was processed is the beginning of what was sent, to the last line that arrived whole. */
static void
test_a_stop_in_the_middle_of_a_stream_leaves_no_gap (void)
{
  Flow flow;
  Server server = { .n_most = G_MAXINT64 };
  pthread_t thread;
  g_autofree char *rejects = NULL;

  flow_start (&flow, FALSE);
  server.fd = flow.peer.fd;
  pthread_create (&thread, NULL, serve, &server);
  while (__atomic_load_n (&flow.n_lines, __ATOMIC_RELAXED) < 5000)
    socket_job_await_batches (flow.job, 1);
  socket_job_stop (flow.job);
  pthread_join (thread, NULL);
  g_assert_false (flow.is_broken);
  g_assert_cmpint (flow.n_lines, >=, 5000);
  g_assert_cmpint (flow.n_lines, <=, server.n_sent + 1);
  rejects = socket_job_rejects (flow.job);
  if (rejects[0] != '\0')
    g_assert_cmpstr (rejects, ==, "1 socket_text_stream-0: the job stopped inside a record\n");
  flow_clear (&flow);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/flow/batches-of-a-slow-function-wait-in-a-short-queue",
                   test_batches_of_a_slow_function_wait_in_a_short_queue);
  g_test_add_func ("/flow/a-stop-waits-for-the-slow-batch", test_a_stop_waits_for_the_slow_batch_and_those_behind_it);
  g_test_add_func ("/flow/a-stop-at-once-drops-what-waits", test_a_stop_at_once_drops_what_waits_and_says_so);
  g_test_add_func ("/flow/a-fast-server-is-held-back", test_a_fast_server_is_held_back_and_loses_nothing);
  g_test_add_func ("/flow/a-stop-in-the-middle-leaves-no-gap", test_a_stop_in_the_middle_of_a_stream_leaves_no_gap);
  return g_test_run ();
}
