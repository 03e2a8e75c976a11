/* lifecycle-test.c: whole contexts by the system's clock, through the public interface: from start to end, many of them,
 * and what they leave behind.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/engine/watch.h"

#define TINY WEIR_MILLISECONDS (1)

static gboolean
do_nothing (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  return TRUE;
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, key, value, &error);
  g_assert_no_error (error);
}

static void
start (WeirContext *ctx)
{
  g_autoptr (GError) error = NULL;

  weir_context_start (ctx, &error);
  g_assert_no_error (error);
}

static void
stop (WeirContext *ctx)
{
  g_autoptr (GError) error = NULL;

  weir_context_stop (ctx, TRUE);
  g_assert_cmpint (weir_context_await (ctx, WATCH_DEADLINE, &error), ==, WEIR_WAIT_STOPPED);
  g_assert_no_error (error);
}

/* Times as listeners hear them, in microseconds. */
typedef struct {
  Watch watch;
  GArray *times; /* of WeirTime; the loop's until the context has stopped */
} Times;

static void
note_time (const WeirBatchInfo *info, gpointer user_data)
{
  Times *times = user_data;
  WeirTime time = weir_batch_info_time (info);

  g_array_append_val (times->times, time);
  watch_say (&times->watch, "batch");
}

static void
times_follow_by_one_interval (gconstpointer data)
{
  static const WeirListener listener = { .batch_completed = note_time };
  const WeirTime interval = *(const WeirTime *) data;
  g_autoptr (WeirContext) ctx = weir_context_new ("job", interval);
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  Times times = { .times = g_array_new (FALSE, FALSE, sizeof (WeirTime)) };
  WeirTime begun;

  watch_init (&times.watch);
  set (ctx, "catchup.batches", "1000000");
  set (ctx, "log.level", "error"); /* a busy machine is slow, which is no matter here */
  weir_context_add_listener (ctx, &listener, &times);
  weir_foreach_batch (weir_queue_stream (ctx, queue, TRUE), do_nothing, NULL);
  begun = g_get_real_time ();
  start (ctx);
  watch_await (&times.watch, "batch", 50);
  stop (ctx);
  g_assert_cmpint (g_array_index (times.times, WeirTime, 0) % interval, ==, 0);
  g_assert_cmpint (g_array_index (times.times, WeirTime, 0), >, begun);
  for (guint i = 1; i < times.times->len; i++)
    g_assert_cmpint (g_array_index (times.times, WeirTime, i) - g_array_index (times.times, WeirTime, i - 1), ==,
                     interval);
  watch_clear (&times.watch);
  g_array_unref (times.times);
}

static gboolean
add_up (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  g_autoptr (GArray) values = weir_dataset_collect (dataset, error);
  gint64 *sum = user_data;

  for (guint i = 0; values != NULL && i < values->len; i++)
    *sum += weir_as_int (g_array_index (values, WeirValue, i));
  return values != NULL;
}

static void
a_graceful_stop_processes_all_that_was_pushed (void)
{
  g_autoptr (WeirContext) ctx = weir_context_new ("job", WEIR_MINUTES (60));
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  gint64 sum = 0;

  set (ctx, "log.level", "error"); /* a busy machine is slow, which is no matter here */
  weir_foreach_batch (weir_queue_stream (ctx, queue, TRUE), add_up, &sum);
  start (ctx);
  for (gint64 i = 1; i <= 1000; i++) {
    const WeirValue value = weir_int (i);

    weir_queue_push (queue, &value, 1);
  }
  stop (ctx);
  g_assert_cmpint (sum, ==, 500500);
}

static guint
count_entries (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* A thread that was joined is in the list until the kernel has done with it. */
static void
await_threads (guint n)
{
  gint64 deadline = g_get_monotonic_time () + WATCH_DEADLINE;

  while (count_entries ("/proc/self/task") > n && g_get_monotonic_time () < deadline)
    g_thread_yield ();
  g_assert_cmpuint (count_entries ("/proc/self/task"), <=, n);
}

static void
live_and_die (guint i)
{
  g_autoptr (WeirContext) ctx = weir_context_new ("one of many", TINY);
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  Watch watch;

  watch_init (&watch);
  set (ctx, "log.level", "error");
  set (ctx, "workers", "3");
  watch_listen (&watch, ctx);
  weir_foreach_batch (weir_queue_stream (ctx, queue, TRUE), do_nothing, NULL);
  start (ctx);
  if (i % 2 == 0)
    watch_await (&watch, "batch completed", 1);
  if (i % 3 == 0)
    stop (ctx);
  g_clear_pointer (&ctx, weir_context_free);
  watch_clear (&watch);
}

/* The first one leaves what the process keeps for good. */
static void
many_contexts_leave_no_threads_and_no_descriptors (void)
{
  guint n_threads, n_descriptors;

  live_and_die (0);
  n_threads = count_entries ("/proc/self/task");
  n_descriptors = count_entries ("/proc/self/fd");
  for (guint i = 1; i < 60; i++)
    live_and_die (i);
  g_assert_cmpuint (count_entries ("/proc/self/fd"), ==, n_descriptors);
  await_threads (n_threads);
}

/* Signals, in a process of their own: what the job's code does there cannot be ended. */

static gboolean
never_return (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  (void) !write (GPOINTER_TO_INT (user_data), "b", 1);
  for (;;)
    pause ();
  return TRUE;
}

static void
tell_of_log (const char *domain, GLogLevelFlags level, const char *message, gpointer user_data)
{
  const char *word = strstr (message, "a second signal") != NULL ? "1"
                     : strstr (message, "a third") != NULL       ? "2"
                                                                 : "?";

  (void) !write (GPOINTER_TO_INT (user_data), word, 1);
}

static void
run_job_that_never_ends (int fd)
{
  WeirContext *ctx = weir_context_new ("job", TINY);
  WeirQueue *queue = weir_queue_new ();

  g_log_set_always_fatal (G_LOG_FATAL_MASK);
  g_log_set_handler ("weir", G_LOG_LEVEL_MESSAGE, tell_of_log, GINT_TO_POINTER (fd));
  weir_foreach_batch (weir_queue_stream (ctx, queue, TRUE), never_return, GINT_TO_POINTER (fd));
  weir_context_run (ctx, NULL);
}

static void
expect_word (int fd, char word)
{
  char got = 0;

  g_assert_cmpint (read (fd, &got, 1), ==, 1);
  g_assert_cmpint (got, ==, word);
}

static void
a_third_signal_ends_the_process (void)
{
  int ends[2], status;
  pid_t child;

  g_assert_cmpint (pipe (ends), ==, 0);
  child = fork ();
  if (child == 0) {
    alarm (WATCH_DEADLINE / G_USEC_PER_SEC);
    run_job_that_never_ends (ends[1]);
    _exit (0);
  }
  close (ends[1]);
  expect_word (ends[0], 'b');
  kill (child, SIGTERM);
  expect_word (ends[0], '1');
  kill (child, SIGINT);
  expect_word (ends[0], '2');
  kill (child, SIGTERM);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFSIGNALED (status));
  g_assert_cmpint (WTERMSIG (status), ==, SIGTERM);
  close (ends[0]);
}

int
main (int argc, char **argv)
{
  static const WeirTime tiny = TINY, odd = WEIR_MILLISECONDS (7);

  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/lifecycle/a-third-signal-ends-the-process", a_third_signal_ends_the_process);
  g_test_add_data_func ("/lifecycle/times-follow-by-one-interval/1ms", &tiny, times_follow_by_one_interval);
  g_test_add_data_func ("/lifecycle/times-follow-by-one-interval/7ms", &odd, times_follow_by_one_interval);
  g_test_add_func ("/lifecycle/a-graceful-stop-processes-all", a_graceful_stop_processes_all_that_was_pushed);
  g_test_add_func ("/lifecycle/many-contexts-leave-nothing", many_contexts_leave_no_threads_and_no_descriptors);
  return g_test_run ();
}
