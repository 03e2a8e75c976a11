/* How what receivers store becomes blocks.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include <weir/error.h>

#include "tests/sources/receiver-job.h"

static void
store_blocks (WeirReceiver *receiver)
{
  const WeirValue values[] = { weir_int (1), weir_int (2), weir_int (3) };
  ReceiverJob *f = receiver_job_of (receiver);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 4; i++) {
    gboolean ok = weir_receiver_store_block (receiver, values, G_N_ELEMENTS (values), &error);

    g_assert_no_error (error);
    g_assert_true (ok);
  }
  g_assert_true (weir_receiver_store_block (receiver, NULL, 0, NULL));
  watch_say (&f->watch, "stored");
  gate_pass (&f->gate);
}

static gboolean
see_partitions (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  ReceiverJob *f = user_data;

  watch_say (&f->watch, "partitions %u", weir_dataset_n_partitions (data));
  return TRUE;
}

static void
test_each_block_is_a_partition (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "blocks", .run = store_blocks };
  WeirStream *stream = weir_receiver_stream (f->ctx, &klass, f);

  weir_foreach_batch (stream, see_partitions, f);
  f->collected = weir_collect (stream);
  weir_context_start (f->ctx, NULL);
  receiver_job_await_stored (f, 1);
  receiver_job_advance (f, 1);
  watch_expect (&f->watch, "partitions", "partitions 4");
  receiver_job_expect (f, 0, "1 1 1 1 2 2 2 2 3 3 3 3");
  gate_open (&f->gate);
  receiver_job_finish (f);
}

static void
store_what_cannot_be_kept (WeirReceiver *receiver)
{
  ReceiverJob *f = receiver_job_of (receiver);
  WeirValue cells[70], deep = weir_int (1);
  g_autoptr (GError) error = NULL;
  g_autofree char *huge = g_malloc0 (17 * 1024 * 1024);

  for (guint i = 0; i < G_N_ELEMENTS (cells); i++) {
    cells[i] = deep;
    deep = weir_list_at (&cells[i], 1);
  }
  weir_receiver_store (receiver, deep);
  weir_receiver_store (receiver, weir_bytes (huge, 17 * 1024 * 1024));
  weir_receiver_store (receiver, weir_int (1));
  g_assert_false (weir_receiver_store_block (receiver, &deep, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_KIND);
  g_clear_error (&error);
  deep = weir_bytes (huge, 17 * 1024 * 1024);
  g_assert_false (weir_receiver_store_block (receiver, &deep, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT);
  watch_say (&f->watch, "stored");
}

static void
say_reject (const char *where_and_why, guint64 n, gpointer watch)
{
  watch_say (watch, "reject %s: %u", where_and_why, (guint) n);
}

static void
see_rejects (const WeirBatchInfo *info, gpointer watch)
{
  weir_batch_info_foreach_rejected (info, say_reject, watch);
}

static void
test_values_that_cannot_be_kept_are_counted (ReceiverJob *f, gconstpointer data)
{
  static const WeirReceiverClass klass = { .name = "odd", .run = store_what_cannot_be_kept };
  static const WeirListener listener = { .batch_completed = see_rejects };

  weir_context_add_listener (f->ctx, &listener, &f->watch);
  receiver_job_set (f, "memory.limit", "64MB");
  receiver_job_collect (f, &klass);
  weir_context_start (f->ctx, NULL);
  receiver_job_await_stored (f, 1);
  receiver_job_advance (f, 2);
  g_assert_cmpuint (receiver_job_count (f), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "reject heard: value longer than a quarter of memory.limit: 1"), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "reject heard: value nested deeper than 64: 1"), ==, 1);
  receiver_job_finish (f);
}

#define ADD(name)                                                                                                      \
  g_test_add ("/intake-store/" #name, ReceiverJob, NULL, receiver_job_set_up, test_##name, receiver_job_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (each_block_is_a_partition);
  ADD (values_that_cannot_be_kept_are_counted);
  return g_test_run ();
}
