/* lookup-test.c: numbers, names, names that nobody has, and questions that are withdrawn.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/weir.h>

#include <netinet/in.h>
#include <string.h>

#include "engine/loop.h"

#define DEADLINE WEIR_SECONDS (120)

typedef struct {
  WeirLoop *loop;
  WeirTimer *guard;
  GError *error;
  guint n_answers, n_addresses;
  WeirAddress first;
} Fixture;

static void
give_up (gpointer data)
{
  g_error ("no answer came");
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->loop = weir_loop_new (&error);
  g_assert_no_error (error);
  fixture->guard = weir_timer_new (fixture->loop, give_up, NULL);
  weir_timer_arm (fixture->guard, DEADLINE);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  weir_timer_free (fixture->guard);
  weir_loop_free (fixture->loop);
  g_clear_error (&fixture->error);
}

static void
on_answer (const WeirAddress *addresses, guint n, const GError *error, gpointer data)
{
  Fixture *fixture = data;

  g_assert_true (weir_loop_is_mine (fixture->loop));
  g_assert_true ((addresses != NULL) == (error == NULL));
  fixture->n_answers++;
  fixture->n_addresses = n;
  if (n > 0)
    fixture->first = addresses[0];
  if (error != NULL)
    fixture->error = g_error_copy (error);
  weir_loop_quit (fixture->loop);
}

static void
ask (Fixture *fixture, const char *host, const char *port)
{
  weir_loop_lookup (fixture->loop, host, port, on_answer, fixture);
  g_assert_cmpuint (fixture->n_answers, ==, 0);
  weir_loop_run (fixture->loop);
  g_assert_cmpuint (fixture->n_answers, ==, 1);
}

static void
test_a_numeric_address_is_answered (Fixture *fixture, gconstpointer data)
{
  const struct sockaddr_in *address = (const struct sockaddr_in *) &fixture->first.address;

  ask (fixture, "127.0.0.1", "4321");
  g_assert_no_error (fixture->error);
  g_assert_cmpuint (fixture->n_addresses, ==, 1);
  g_assert_cmpint (fixture->first.size, ==, sizeof *address);
  g_assert_cmpint (address->sin_family, ==, AF_INET);
  g_assert_cmpuint (ntohs (address->sin_port), ==, 4321);
  g_assert_cmphex (ntohl (address->sin_addr.s_addr), ==, INADDR_LOOPBACK);
}

static void
test_a_version_6_address_is_answered (Fixture *fixture, gconstpointer data)
{
  ask (fixture, "::1", "80");
  g_assert_no_error (fixture->error);
  g_assert_cmpint (fixture->first.address.ss_family, ==, AF_INET6);
}

static void
test_a_name_of_the_hosts_file_is_answered (Fixture *fixture, gconstpointer data)
{
  ask (fixture, "localhost", "80");
  g_assert_no_error (fixture->error);
  g_assert_cmpuint (fixture->n_addresses, >=, 1);
}

static void
test_an_unknown_name_is_an_error_that_names_it (Fixture *fixture, gconstpointer data)
{
  ask (fixture, "nobody.invalid", "80");
  g_assert_error (fixture->error, WEIR_ERROR, WEIR_ERROR_SOURCE);
  g_assert_nonnull (strstr (fixture->error->message, "nobody.invalid"));
}

static void
quit (gpointer data)
{
  weir_loop_quit (((Fixture *) data)->loop);
}

static void
test_a_cancelled_question_is_not_answered (Fixture *fixture, gconstpointer data)
{
  WeirTimer *end = weir_timer_new (fixture->loop, quit, fixture);

  weir_lookup_cancel (weir_loop_lookup (fixture->loop, "127.0.0.1", "80", on_answer, fixture));
  weir_lookup_cancel (weir_loop_lookup (fixture->loop, "localhost", "80", on_answer, fixture));
  weir_timer_arm (end, 50000);
  weir_loop_run (fixture->loop);
  g_assert_cmpuint (fixture->n_answers, ==, 0);
  weir_timer_free (end);
}

static void
test_a_question_may_outlive_the_loop (Fixture *fixture, gconstpointer data)
{
  WeirLookup *name = weir_loop_lookup (fixture->loop, "localhost", "80", on_answer, fixture);
  WeirLookup *number = weir_loop_lookup (fixture->loop, "127.0.0.1", "80", on_answer, fixture);

  weir_timer_free (fixture->guard);
  weir_loop_free (fixture->loop);
  weir_lookup_cancel (name);
  weir_lookup_cancel (number);
  set_up (fixture, NULL);
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
  add ("/lookup/a-numeric-address-is-answered", test_a_numeric_address_is_answered);
  add ("/lookup/a-version-6-address-is-answered", test_a_version_6_address_is_answered);
  add ("/lookup/a-name-of-the-hosts-file-is-answered", test_a_name_of_the_hosts_file_is_answered);
  add ("/lookup/an-unknown-name-is-an-error-that-names-it", test_an_unknown_name_is_an_error_that_names_it);
  add ("/lookup/a-cancelled-question-is-not-answered", test_a_cancelled_question_is_not_answered);
  add ("/lookup/a-question-may-outlive-the-loop", test_a_question_may_outlive_the_loop);
  return g_test_run ();
}
