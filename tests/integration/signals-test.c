/* signals-test.c: the first SIGINT or SIGTERM ends a job gracefully, the second one at once, and afterwards signals are
 * the program's again.
 *
 * The job runs by weir_context_run () in a thread, as it does in main (); the test sends the signals to its own process
 * while a function of the job stands at a gate. SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/sources/socket-job.h"

#define INTERVAL WEIR_MILLISECONDS (5)

typedef struct {
  Peer peer;
  SocketJob *job;
  pthread_t thread; /* that runs the job */
  gboolean ended_well;
  pthread_mutex_t lock; /* guards the gate: what follows */
  pthread_cond_t changed;
  gboolean is_open;
  guint n_waiting; /* calls that stand at the gate, or have passed it */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  pthread_mutex_init (&fixture->lock, NULL);
  pthread_cond_init (&fixture->changed, NULL);
  peer_bind (&fixture->peer);
  fixture->job = socket_job_new (INTERVAL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  socket_job_free (fixture->job);
  peer_clear (&fixture->peer);
  pthread_cond_destroy (&fixture->changed);
  pthread_mutex_destroy (&fixture->lock);
}

static WeirValue
pass_gate (WeirTask *task, WeirValue line, gpointer user_data)
{
  Fixture *fixture = user_data;

  pthread_mutex_lock (&fixture->lock);
  fixture->n_waiting++;
  pthread_cond_broadcast (&fixture->changed);
  while (!fixture->is_open)
    pthread_cond_wait (&fixture->changed, &fixture->lock);
  pthread_mutex_unlock (&fixture->lock);
  return line;
}

static void
open_gate (Fixture *fixture)
{
  pthread_mutex_lock (&fixture->lock);
  fixture->is_open = TRUE;
  pthread_cond_broadcast (&fixture->changed);
  pthread_mutex_unlock (&fixture->lock);
}

/* Whoever comes too late is ended by the harness. */
static void
await_gate (Fixture *fixture)
{
  pthread_mutex_lock (&fixture->lock);
  while (fixture->n_waiting == 0)
    pthread_cond_wait (&fixture->changed, &fixture->lock);
  pthread_mutex_unlock (&fixture->lock);
}

static gpointer
run (gpointer data)
{
  Fixture *fixture = data;
  g_autoptr (GError) error = NULL;

  fixture->ended_well = weir_context_run (socket_job_context (fixture->job), &error);
  g_assert_no_error (error);
  return NULL;
}

static void
start (Fixture *fixture)
{
  WeirStream *lines = weir_socket_text_stream (socket_job_context (fixture->job), "127.0.0.1", fixture->peer.port);

  socket_job_read (fixture->job, weir_map (lines, pass_gate, fixture));
  g_assert_cmpint (pthread_create (&fixture->thread, NULL, run, fixture), ==, 0);
}

static void
expect_end (Fixture *fixture)
{
  g_assert_cmpint (pthread_join (fixture->thread, NULL), ==, 0);
  g_assert_true (fixture->ended_well);
  g_assert_cmpint (weir_context_state (socket_job_context (fixture->job)), ==, WEIR_STOPPED);
}

static void
expect_records (Fixture *fixture, const char *records)
{
  g_autofree char *seen = socket_job_records (fixture->job);

  g_assert_cmpstr (seen, ==, records);
}

static void
send_first_lines (Fixture *fixture)
{
  peer_listen (&fixture->peer);
  start (fixture);
  peer_accept (&fixture->peer);
  peer_send_text (&fixture->peer, "one\ntwo\n");
  await_gate (fixture);
}

static void
a_signal_during_a_long_batch_lets_it_end (Fixture *fixture, gconstpointer signal_number)
{
  send_first_lines (fixture);
  peer_send_text (&fixture->peer, "three\n");
  kill (getpid (), GPOINTER_TO_INT (signal_number));
  socket_job_await_log (fixture->job, "a second signal stops at once", 1);
  g_assert_cmpint (weir_context_state (socket_job_context (fixture->job)), ==, WEIR_ACTIVE);
  expect_records (fixture, "");
  open_gate (fixture);
  expect_end (fixture);
  expect_records (fixture, "one|two|three|");
}

/* Others come where the machine is slow. */
static void
on_warning (const char *domain, GLogLevelFlags level, const char *message, gpointer user_data)
{
  if (strstr (message, "planned batches were dropped") != NULL)
    open_gate (user_data);
}

static void
a_second_signal_cuts_the_batch (Fixture *fixture, gconstpointer signal_number)
{
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  guint handler = g_log_set_handler ("weir", G_LOG_LEVEL_WARNING, on_warning, fixture);

  send_first_lines (fixture);
  peer_send_text (&fixture->peer, "three\n");
  kill (getpid (), GPOINTER_TO_INT (signal_number));
  socket_job_await_log (fixture->job, "a second signal stops at once", 1);
  expect_records (fixture, "");
  kill (getpid (), SIGTERM);
  expect_end (fixture); /* the warning has opened the gate */
  expect_records (fixture, "");
  g_log_remove_handler ("weir", handler);
  g_log_set_always_fatal (fatal);
}

/* A shell that starts a job in the background has it ignore SIGINT. */
static void
a_third_one_ends_the_process_even_if_it_was_ignored (Fixture *fixture, gconstpointer signal_number)
{
  GLogLevelFlags fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  const struct sigaction ignoring = { .sa_handler = SIG_IGN };
  struct sigaction before, now;

  sigaction (GPOINTER_TO_INT (signal_number), &ignoring, &before);
  send_first_lines (fixture);
  kill (getpid (), GPOINTER_TO_INT (signal_number));
  socket_job_await_log (fixture->job, "a second signal stops at once", 1);
  kill (getpid (), GPOINTER_TO_INT (signal_number));
  socket_job_await_log (fixture->job, "a third signal is not caught", 1);
  g_assert_cmpint (sigaction (GPOINTER_TO_INT (signal_number), NULL, &now), ==, 0);
  g_assert_true (now.sa_handler == SIG_DFL);
  open_gate (fixture);
  expect_end (fixture);
  sigaction (GPOINTER_TO_INT (signal_number), &before, NULL);
  g_log_set_always_fatal (fatal);
}

static void
a_job_that_waits_for_its_peer_ends_too (Fixture *fixture, gconstpointer signal_number)
{
  start (fixture);
  socket_job_await_log (fixture->job, "trying again", 1);
  kill (getpid (), GPOINTER_TO_INT (signal_number));
  expect_end (fixture);
  expect_records (fixture, "");
}

static volatile sig_atomic_t n_caught;

static void catch (int signal_number)
{
  n_caught++;
}

static void
afterwards_signals_are_the_programs (Fixture *fixture, gconstpointer signal_number)
{
  const struct sigaction own = { .sa_handler = catch };
  struct sigaction before;

  n_caught = 0;
  sigaction (GPOINTER_TO_INT (signal_number), &own, &before);
  start (fixture);
  socket_job_await_batches (fixture->job, 1);
  kill (getpid (), GPOINTER_TO_INT (signal_number));
  expect_end (fixture);
  g_assert_cmpint (n_caught, ==, 0);
  raise (GPOINTER_TO_INT (signal_number));
  g_assert_cmpint (n_caught, ==, 1);
  sigaction (GPOINTER_TO_INT (signal_number), &before, NULL);
}

static void
add (const char *name, void (*test) (Fixture *, gconstpointer))
{
  g_autofree char *by_term = g_strdup_printf ("/signals/%s/SIGTERM", name);
  g_autofree char *by_int = g_strdup_printf ("/signals/%s/SIGINT", name);

  g_test_add (by_term, Fixture, GINT_TO_POINTER (SIGTERM), set_up, test, tear_down);
  g_test_add (by_int, Fixture, GINT_TO_POINTER (SIGINT), set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add ("one-during-a-long-batch-lets-it-end", a_signal_during_a_long_batch_lets_it_end);
  add ("a-second-one-cuts-the-batch", a_second_signal_cuts_the_batch);
  add ("a-third-one-ends-the-process-even-if-it-was-ignored", a_third_one_ends_the_process_even_if_it_was_ignored);
  add ("a-job-that-waits-for-its-peer-ends-too", a_job_that_waits_for_its_peer_ends_too);
  add ("afterwards-they-are-the-programs", afterwards_signals_are_the_programs);
  return g_test_run ();
}
