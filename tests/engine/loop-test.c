/* loop-test.c: timers, watches, signals and posts on a running loop.
 *
 * Each test runs its loop on its own thread or on a helper's; a guard timer ends a loop that waits for ever.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/loop.h"

#define DEADLINE WEIR_SECONDS (120)

typedef struct {
  WeirLoop *loop;
  WeirTimer *guard;
  GString *seen;
} Fixture;

static void
give_up (gpointer data)
{
  g_error ("the loop waited for an event that did not come");
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->loop = weir_loop_new (&error);
  g_assert_no_error (error);
  fixture->guard = weir_timer_new (fixture->loop, give_up, NULL);
  weir_timer_arm (fixture->guard, DEADLINE);
  fixture->seen = g_string_new (NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  weir_timer_free (fixture->guard);
  weir_loop_free (fixture->loop);
  g_string_free (fixture->seen, TRUE);
}

static void
quit (gpointer data)
{
  weir_loop_quit (((Fixture *) data)->loop);
}

static void
see_a (gpointer data)
{
  g_string_append_c (((Fixture *) data)->seen, 'a');
}

static void
see_b (gpointer data)
{
  g_string_append_c (((Fixture *) data)->seen, 'b');
}

static void
test_posts_before_quit_are_delivered (Fixture *fixture, gconstpointer data)
{
  weir_loop_post (fixture->loop, see_a, fixture);
  weir_loop_post (fixture->loop, see_b, fixture);
  weir_loop_quit (fixture->loop);
  weir_loop_run (fixture->loop);
  g_assert_cmpstr (fixture->seen->str, ==, "ab");
  g_assert_false (weir_loop_post (fixture->loop, see_a, fixture));
}

static void
quit_then_post (gpointer data)
{
  Fixture *fixture = data;

  weir_loop_quit (fixture->loop);
  g_assert_true (weir_loop_post (fixture->loop, see_a, fixture));
}

static void
test_an_accepted_post_is_delivered_even_after_quit (Fixture *fixture, gconstpointer data)
{
  weir_loop_post (fixture->loop, quit_then_post, fixture);
  weir_loop_run (fixture->loop);
  g_assert_cmpstr (fixture->seen->str, ==, "a");
}

static void *
run_loop (void *data)
{
  weir_loop_run (data);
  return NULL;
}

static void
see_whose (gpointer data)
{
  Fixture *fixture = data;

  g_string_append_c (fixture->seen, weir_loop_is_mine (fixture->loop) ? 'm' : 'o');
}

static void
test_a_loop_knows_its_thread (Fixture *fixture, gconstpointer data)
{
  pthread_t thread;

  pthread_create (&thread, NULL, run_loop, fixture->loop);
  weir_loop_post (fixture->loop, see_whose, fixture);
  g_assert_false (weir_loop_is_mine (fixture->loop));
  weir_loop_quit (fixture->loop);
  pthread_join (thread, NULL);
  g_assert_cmpstr (fixture->seen->str, ==, "m");
}

static void
see_b_and_quit (gpointer data)
{
  see_b (data);
  quit (data);
}

/* Later ones are armed later: however long the test is interrupted in between, they are due in this order. */
static void
test_timers_fire_by_their_delay (Fixture *fixture, gconstpointer data)
{
  WeirTimer *late = weir_timer_new (fixture->loop, see_b_and_quit, fixture);
  WeirTimer *soon = weir_timer_new (fixture->loop, see_a, fixture);
  WeirTimer *never = weir_timer_new (fixture->loop, see_a, fixture);

  weir_timer_arm (soon, 0);
  weir_timer_arm (never, 3000);
  weir_timer_disarm (never);
  weir_timer_arm (late, 6000);
  weir_loop_run (fixture->loop);
  g_assert_cmpstr (fixture->seen->str, ==, "ab");
  weir_timer_free (late);
  weir_timer_free (soon);
  weir_timer_free (never);
}

static void
test_arming_again_replaces (Fixture *fixture, gconstpointer data)
{
  WeirTimer *timer = weir_timer_new (fixture->loop, see_a, fixture);
  WeirTimer *end = weir_timer_new (fixture->loop, quit, fixture);

  weir_timer_arm (timer, WEIR_SECONDS (10));
  weir_timer_arm (timer, 1000);
  weir_timer_arm (end, 3000);
  weir_loop_run (fixture->loop);
  g_assert_cmpstr (fixture->seen->str, ==, "a");
  weir_timer_free (timer);
  weir_timer_free (end);
}

#define N_TICKS 300

typedef struct {
  WeirLoop *loop;
  WeirTimer *timer;
  gint64 due;
  guint n;
  gint64 lateness[N_TICKS];
} Ticker;

static void
tick (gpointer data)
{
  Ticker *ticker = data;

  ticker->lateness[ticker->n++] = g_get_monotonic_time () - ticker->due;
  ticker->due = g_get_monotonic_time () + 1000;
  if (ticker->n < N_TICKS)
    weir_timer_arm (ticker->timer, 1000);
  else
    weir_loop_quit (ticker->loop);
}

static int
compare_times (const void *a, const void *b)
{
  gint64 x = *(const gint64 *) a, y = *(const gint64 *) b;

  return (x > y) - (x < y);
}

/* The best tenth says what the timer can do: one that counts in milliseconds is late by one each time. The rest says what
 * else the machine does, and is only reported. */
static void
test_a_timer_of_a_millisecond_is_that (Fixture *fixture, gconstpointer data)
{
  Ticker ticker = { .loop = fixture->loop };

  ticker.timer = weir_timer_new (fixture->loop, tick, &ticker);
  ticker.due = g_get_monotonic_time () + 1000;
  weir_timer_arm (ticker.timer, 1000);
  weir_loop_run (fixture->loop);
  qsort (ticker.lateness, N_TICKS, sizeof ticker.lateness[0], compare_times);
  g_test_message ("late by %" G_GINT64_FORMAT " us in the median, %" G_GINT64_FORMAT " us at p99",
                  ticker.lateness[N_TICKS / 2], ticker.lateness[N_TICKS * 99 / 100]);
  g_assert_cmpint (ticker.lateness[0], >=, -1);
  g_assert_cmpint (ticker.lateness[N_TICKS / 10], <, 500);
  weir_timer_free (ticker.timer);
}

typedef struct {
  Fixture *fixture;
  WeirTimer *timer;
} Arming;

static void
stay_then_arm (gpointer data)
{
  Arming *arming = data;
  gint64 end = g_get_monotonic_time () + 20000;

  while (g_get_monotonic_time () < end)
    continue;
  weir_timer_arm (arming->timer, 10000);
  weir_loop_post (arming->fixture->loop, see_a, arming->fixture);
}

static void
test_a_delay_counts_from_the_call_however_long_the_turn_took (Fixture *fixture, gconstpointer data)
{
  Arming arming = { fixture, weir_timer_new (fixture->loop, quit, fixture) };
  gint64 start = g_get_monotonic_time ();

  weir_loop_post (fixture->loop, stay_then_arm, &arming);
  weir_loop_run (fixture->loop);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 29900);
  g_assert_cmpstr (fixture->seen->str, ==, "a");
  weir_timer_free (arming.timer);
}

typedef struct {
  Fixture *fixture;
  WeirWatch *watch;
  int fds[2];
} Pipe;

static void
open_pipe (Pipe *p, Fixture *fixture)
{
  p->fixture = fixture;
  p->watch = NULL;
  g_assert_cmpint (pipe (p->fds), ==, 0);
}

static void
close_pipe (Pipe *p)
{
  weir_watch_free (p->watch);
  close (p->fds[0]);
  close (p->fds[1]);
}

static void
on_readable (guint events, gpointer data)
{
  Pipe *p = data;
  char byte;

  g_assert_cmpuint (events, ==, WEIR_WATCH_READ);
  g_assert_cmpint (read (p->fds[0], &byte, 1), ==, 1);
  g_string_append_c (p->fixture->seen, byte);
  if (byte == 'z')
    weir_loop_quit (p->fixture->loop);
}

static void
test_a_watch_is_level_triggered (Fixture *fixture, gconstpointer data)
{
  Pipe p;

  open_pipe (&p, fixture);
  p.watch = weir_watch_new (fixture->loop, p.fds[0], on_readable, &p);
  weir_watch_set (p.watch, WEIR_WATCH_READ);
  g_assert_cmpint (write (p.fds[1], "xyz", 3), ==, 3);
  weir_loop_run (fixture->loop);
  g_assert_cmpstr (fixture->seen->str, ==, "xyz");
  close_pipe (&p);
}

static void
watch_for_reading (gpointer data)
{
  Pipe *p = data;

  g_assert_cmpstr (p->fixture->seen->str, ==, "");
  weir_watch_set (p->watch, WEIR_WATCH_READ);
}

static void
test_a_watch_for_nothing_is_silent (Fixture *fixture, gconstpointer data)
{
  Pipe p;
  WeirTimer *timer = weir_timer_new (fixture->loop, watch_for_reading, &p);

  open_pipe (&p, fixture);
  p.watch = weir_watch_new (fixture->loop, p.fds[0], on_readable, &p);
  weir_watch_set (p.watch, WEIR_WATCH_READ);
  weir_watch_set (p.watch, 0);
  g_assert_cmpint (write (p.fds[1], "z", 1), ==, 1);
  weir_timer_arm (timer, 3000);
  weir_loop_run (fixture->loop);
  g_assert_cmpstr (fixture->seen->str, ==, "z");
  weir_timer_free (timer);
  close_pipe (&p);
}

static void
on_writable (guint events, gpointer data)
{
  Pipe *p = data;

  g_assert_cmpuint (events, ==, WEIR_WATCH_WRITE);
  g_clear_pointer (&p->watch, weir_watch_free);
  weir_loop_quit (p->fixture->loop);
}

static void
test_a_watch_may_be_freed_by_its_own_function (Fixture *fixture, gconstpointer data)
{
  Pipe p;

  open_pipe (&p, fixture);
  p.watch = weir_watch_new (fixture->loop, p.fds[1], on_writable, &p);
  weir_watch_set (p.watch, WEIR_WATCH_WRITE);
  weir_loop_run (fixture->loop);
  g_assert_null (p.watch);
  close_pipe (&p);
}

static void
raise_signal (gpointer data)
{
  raise (SIGUSR1);
}

static void
on_signal (gpointer data)
{
  see_a (data);
  quit (data);
}

static void
test_a_signal_calls_on_the_loop (Fixture *fixture, gconstpointer data)
{
  WeirSignal *watch = weir_signal_new (fixture->loop, SIGUSR1, on_signal, fixture);

  weir_loop_post (fixture->loop, raise_signal, fixture);
  weir_loop_run (fixture->loop);
  g_assert_cmpstr (fixture->seen->str, ==, "a");
  weir_signal_free (watch);
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
  add ("/loop/posts-before-quit-are-delivered", test_posts_before_quit_are_delivered);
  add ("/loop/an-accepted-post-is-delivered-even-after-quit", test_an_accepted_post_is_delivered_even_after_quit);
  add ("/loop/a-loop-knows-its-thread", test_a_loop_knows_its_thread);
  add ("/loop/timers-fire-by-their-delay", test_timers_fire_by_their_delay);
  add ("/loop/arming-again-replaces", test_arming_again_replaces);
  add ("/loop/a-timer-of-a-millisecond-is-that", test_a_timer_of_a_millisecond_is_that);
  add ("/loop/a-delay-counts-from-the-call", test_a_delay_counts_from_the_call_however_long_the_turn_took);
  add ("/loop/a-watch-is-level-triggered", test_a_watch_is_level_triggered);
  add ("/loop/a-watch-for-nothing-is-silent", test_a_watch_for_nothing_is_silent);
  add ("/loop/a-watch-may-be-freed-by-its-own-function", test_a_watch_may_be_freed_by_its_own_function);
  add ("/loop/a-signal-calls-on-the-loop", test_a_signal_calls_on_the_loop);
  return g_test_run ();
}
