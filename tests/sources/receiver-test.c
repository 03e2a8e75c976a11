/* Receivers as streams: values of any kind, and mistakes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <weir/error.h>

#include "tests/sources/receiver-job.h"

static void
store_all_kinds (WeirReceiver *receiver)
{
  ReceiverJob *f = receiver_job_of (receiver);
  char text[] = "text";

  weir_receiver_store (receiver, weir_text (text));
  text[0] = 'n'; /* it was copied */
  weir_receiver_store (receiver, WEIR_PAIR_OF (weir_text (text), WEIR_LIST_OF (weir_int (1), weir_float (0.5))));
  weir_receiver_store (receiver, weir_nil ());
  weir_receiver_store (receiver, weir_int (-7));
  watch_say (&f->watch, "stored");
  gate_pass (&f->gate);
}

static void
test_values_of_any_kind_arrive_in_order (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "kinds", .run = store_all_kinds };
  const WeirValue *values;
  gsize n;

  receiver_job_collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  receiver_job_await_stored (f, 1);
  receiver_job_advance (f, 1);
  values = weir_collected_values (f->collected, 0, &n);
  g_assert_cmpuint (n, ==, 4);
  g_assert_true (weir_equal (values[0], weir_text ("text")));
  g_assert_true (weir_equal (weir_item (weir_val (values[1]), 1), weir_float (0.5)));
  g_assert_true (weir_is_nil (values[2]));
  g_assert_cmpint (weir_as_int (values[3]), ==, -7);
  gate_open (&f->gate);
  receiver_job_finish (f);
}

static void
store_one (WeirReceiver *receiver)
{
  receiver_job_store (receiver_job_of (receiver), receiver, 1);
}

static void
expect_refused (ReceiverJob *f, const char *what)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_context_start (f->ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  if (strstr (error->message, what) == NULL)
    g_error ("'%s' says nothing of '%s'", error->message, what);
}

static void
test_a_class_without_run_is_a_mistake (ReceiverJob *f, gconstpointer data)
{
  receiver_job_collect (f, &(WeirReceiverClass){ .name = "idle" });
  expect_refused (f, "WeirReceiverClass.run");
}

static void
test_a_class_without_a_name_is_a_mistake (ReceiverJob *f, gconstpointer data)
{
  receiver_job_collect (f, &(WeirReceiverClass){ .run = store_one });
  expect_refused (f, "without a name");
}

static void
test_no_class_is_a_mistake (ReceiverJob *f, gconstpointer data)
{
  f->collected = weir_collect (weir_receiver_stream (f->ctx, NULL, f));
  expect_refused (f, "NULL");
}

static void
test_a_log_needs_a_checkpoint (ReceiverJob *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  receiver_job_set (f, "receiver.wal", "true");
  receiver_job_collect (f, &(WeirReceiverClass){ .name = "logged", .run = store_one });
  g_assert_false (weir_context_start (f->ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_OPTION);
}

#define ADD(name)                                                                                                      \
  g_test_add ("/receiver/" #name, ReceiverJob, NULL, receiver_job_set_up, test_##name, receiver_job_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (values_of_any_kind_arrive_in_order);
  ADD (a_class_without_run_is_a_mistake);
  ADD (a_class_without_a_name_is_a_mistake);
  ADD (no_class_is_a_mistake);
  ADD (a_log_needs_a_checkpoint);
  return g_test_run ();
}
