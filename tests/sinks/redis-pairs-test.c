/* Pairs as bytes: in order of partition, texts as they are; what is no pair is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "sinks/redis-pairs.h"

#include <string.h>

#include "engine/frame.h"

#include "tests/operators/job.h"

static WeirRedisPairs pairs;

static gboolean
add (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  return weir_redis_pairs_add_dataset (&pairs, data, "the-output", error);
}

static void
expect (const WeirRedisPairs *found, const char *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);
  WeirTaker taker;

  weir_taker_init (&taker, found->bytes->data, found->bytes->len);
  for (guint64 i = 0; i < found->n; i++) {
    g_autofree char *field = weir_take_string (&taker);
    g_autofree char *value = weir_take_string (&taker);

    g_string_append_printf (text, "%s%s=%s", i > 0 ? " " : "", field, value);
  }
  g_assert_true (weir_taker_is_done (&taker));
  g_assert_cmpstr (text->str, ==, expected);
}

static void
batches_are_added_in_order (Job *job)
{
  WeirRedisPairs *stolen;

  weir_redis_pairs_init (&pairs);
  weir_foreach_batch (job->input, add, NULL);
  job_push (job, "a=1 b=2.5 c=_ 4=word a=2");
  job_run (job);
  expect (&pairs, "a=1 b=2.5 c=null 4=word a=2");
  job_push (job, "z=9");
  job_run (job);
  expect (&pairs, "a=1 b=2.5 c=null 4=word a=2 z=9");
  stolen = weir_redis_pairs_steal (&pairs);
  expect (&pairs, "");
  expect (stolen, "a=1 b=2.5 c=null 4=word a=2 z=9");
  weir_redis_pairs_free (stolen);
  weir_redis_pairs_clear (&pairs);
}

static void
what_is_no_pair_is_refused (Job *job)
{
  weir_redis_pairs_init (&pairs);
  weir_foreach_batch (job->input, add, NULL);
  job_push (job, "word");
  job_run_into (job, WEIR_ERROR_KIND, "the-output");
  expect (&pairs, "");
  weir_redis_pairs_clear (&pairs);
}

static void
bytes_go_out_as_they_are (Job *job)
{
  WeirValue cells[2] = { weir_bytes ("a\0b", 3), weir_text_n ("c\0\n", 3) };
  const WeirValue value = weir_pair_at (cells);

  weir_redis_pairs_init (&pairs);
  weir_foreach_batch (job->input, add, NULL);
  job_push_values (job, &value, 1);
  job_run (job);
  g_assert_cmpmem (pairs.bytes->data, pairs.bytes->len, "\3\0\0\0a\0b\3\0\0\0c\0\n", 14);
  weir_redis_pairs_clear (&pairs);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  job_add_test ("/redis-pairs/batches-are-added-in-order", batches_are_added_in_order);
  job_add_test ("/redis-pairs/what-is-no-pair-is-refused", what_is_no_pair_is_refused);
  job_add_test ("/redis-pairs/bytes-go-out-as-they-are", bytes_go_out_as_they_are);
  return g_test_run ();
}
