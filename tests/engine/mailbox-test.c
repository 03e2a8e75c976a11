/* mailbox-test.c: order, wake-ups and the end of a mailbox.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <poll.h>
#include <pthread.h>

#include "engine/mailbox.h"

static gboolean
is_readable (WeirMailbox *mailbox)
{
  struct pollfd poll_fd = { .fd = weir_mailbox_fd (mailbox), .events = POLLIN };

  return poll (&poll_fd, 1, 0) == 1;
}

static WeirMailbox *
new_mailbox (void)
{
  g_autoptr (GError) error = NULL;
  WeirMailbox *mailbox = weir_mailbox_new (&error);

  g_assert_no_error (error);
  return mailbox;
}

static void
write_a (gpointer data)
{
  g_string_append_c (data, 'a');
}

static void
write_b (gpointer data)
{
  g_string_append_c (data, 'b');
}

static void
test_delivers_in_order (void)
{
  WeirMailbox *mailbox = new_mailbox ();
  g_autoptr (GString) seen = g_string_new (NULL);

  g_assert_false (is_readable (mailbox));
  for (guint i = 0; i < 3; i++) {
    weir_mailbox_post (mailbox, write_a, seen, NULL);
    weir_mailbox_post (mailbox, write_b, seen, NULL);
  }
  g_assert_true (is_readable (mailbox));
  weir_mailbox_deliver (mailbox);
  g_assert_cmpstr (seen->str, ==, "ababab");
  g_assert_false (is_readable (mailbox));
  weir_mailbox_unref (mailbox);
}

typedef struct {
  WeirMailbox *mailbox;
  GString *seen;
} Chain;

static void
post_more (gpointer data)
{
  Chain *chain = data;

  weir_mailbox_post (chain->mailbox, write_b, chain->seen, NULL);
}

static void
test_what_is_posted_while_delivering_waits_for_the_next_turn (void)
{
  Chain chain = { new_mailbox (), g_string_new (NULL) };

  weir_mailbox_post (chain.mailbox, post_more, &chain, NULL);
  weir_mailbox_post (chain.mailbox, write_a, chain.seen, NULL);
  weir_mailbox_deliver (chain.mailbox);
  g_assert_cmpstr (chain.seen->str, ==, "a");
  g_assert_true (is_readable (chain.mailbox));
  g_assert_false (weir_mailbox_end (chain.mailbox));
  weir_mailbox_deliver (chain.mailbox);
  g_assert_cmpstr (chain.seen->str, ==, "ab");
  g_assert_true (weir_mailbox_end (chain.mailbox));
  g_string_free (chain.seen, TRUE);
  weir_mailbox_unref (chain.mailbox);
}

static void
test_after_the_end_nothing_is_taken_until_it_is_opened_again (void)
{
  WeirMailbox *mailbox = new_mailbox ();
  g_autoptr (GString) seen = g_string_new (NULL);

  g_assert_true (weir_mailbox_end (mailbox));
  g_assert_false (weir_mailbox_post (mailbox, write_a, seen, write_b));
  weir_mailbox_reopen (mailbox);
  g_assert_true (weir_mailbox_post (mailbox, write_a, seen, write_b));
  weir_mailbox_deliver (mailbox);
  g_assert_cmpstr (seen->str, ==, "a");
  weir_mailbox_unref (mailbox);
}

static void
test_what_is_left_at_the_end_is_dropped_by_name (void)
{
  WeirMailbox *mailbox = new_mailbox ();
  g_autoptr (GString) seen = g_string_new (NULL);

  weir_mailbox_post (mailbox, write_a, seen, write_b);
  weir_mailbox_post (mailbox, write_a, seen, NULL);
  weir_mailbox_close (mailbox);
  g_assert_cmpstr (seen->str, ==, "b");
  weir_mailbox_unref (mailbox);
}

#define N_THREADS 4
#define N_EACH    20000

static void
count (gpointer data)
{
  ++*(guint *) data;
}

typedef struct {
  WeirMailbox *mailbox;
  guint *counter;
} Poster;

static void *
post_many (void *data)
{
  Poster *poster = data;

  for (guint i = 0; i < N_EACH; i++)
    weir_mailbox_post (poster->mailbox, count, poster->counter, NULL);
  return NULL;
}

static void
test_many_threads_lose_nothing (void)
{
  guint counter = 0;
  Poster poster = { new_mailbox (), &counter };
  struct pollfd poll_fd = { .fd = weir_mailbox_fd (poster.mailbox), .events = POLLIN };
  pthread_t threads[N_THREADS];

  for (guint i = 0; i < N_THREADS; i++)
    pthread_create (&threads[i], NULL, post_many, &poster);
  while (counter < N_THREADS * N_EACH) {
    g_assert_cmpint (poll (&poll_fd, 1, 20000), ==, 1);
    weir_mailbox_deliver (poster.mailbox);
  }
  for (guint i = 0; i < N_THREADS; i++)
    pthread_join (threads[i], NULL);
  g_assert_cmpuint (counter, ==, N_THREADS * N_EACH);
  weir_mailbox_unref (poster.mailbox);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/mailbox/delivers-in-order", test_delivers_in_order);
  g_test_add_func ("/mailbox/what-is-posted-while-delivering-waits",
                   test_what_is_posted_while_delivering_waits_for_the_next_turn);
  g_test_add_func ("/mailbox/after-the-end-nothing-is-taken",
                   test_after_the_end_nothing_is_taken_until_it_is_opened_again);
  g_test_add_func ("/mailbox/what-is-left-is-dropped", test_what_is_left_at_the_end_is_dropped_by_name);
  g_test_add_func ("/mailbox/many-threads-lose-nothing", test_many_threads_lose_nothing);
  return g_test_run ();
}
