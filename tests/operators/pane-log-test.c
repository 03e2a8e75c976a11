/* Tests of operators/pane-log: windows by key across the lives of a job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/pane-log.h"

#include "tests/operators/window-lives.h"

static WeirStream *
sums (WeirStream *s, WeirTime length, WeirTime slide)
{
  return weir_reduce_by_key_and_window (s, WEIR_SUM, NULL, length, slide, NULL);
}

static WeirValue
concatenate (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  g_autofree char *left = weir_to_string (a), *right = weir_to_string (b);

  return weir_format (task, "%s,%s", left, right);
}

static WeirStream *
texts (WeirStream *s, WeirTime length, WeirTime slide)
{
  return weir_reduce_by_key_and_window (s, concatenate, NULL, length, slide, NULL);
}

typedef struct {
  gint64 n, last;
} Digest;

static void
digest_add (gpointer acc, WeirValue value, gpointer user_data)
{
  ((Digest *) acc)->n++;
  ((Digest *) acc)->last = weir_as_int (value);
}

static void
digest_merge (gpointer acc, gconstpointer later, gpointer user_data)
{
  ((Digest *) acc)->n += ((const Digest *) later)->n;
  ((Digest *) acc)->last = ((const Digest *) later)->last;
}

static WeirValue
digest_result (WeirTask *task, gconstpointer acc, gpointer user_data)
{
  return weir_format (task, "%d/%d", (int) ((const Digest *) acc)->n, (int) ((const Digest *) acc)->last);
}

static WeirStream *
digests (WeirStream *s, WeirTime length, WeirTime slide)
{
  static const WeirAggregate aggregate = {
    .size = sizeof (Digest), .add = digest_add, .merge = digest_merge, .result = digest_result
  };

  return weir_aggregate_by_key_and_window (s, &aggregate, length, slide);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  lives_add_test ("/pane-log/sums", sums);
  lives_add_test ("/pane-log/texts", texts);
  lives_add_test ("/pane-log/counts", weir_count_by_value_and_window);
  lives_add_test ("/pane-log/accumulators", digests);
  return g_test_run ();
}
