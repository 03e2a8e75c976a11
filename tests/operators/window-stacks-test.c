/* Tests of operators/window-stacks: windows of one value across the lives of a job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/window-stacks.h"

#include "tests/operators/window-lives.h"

static WeirValue
concatenate (WeirTask *task, WeirValue a, WeirValue b, gpointer user_data)
{
  g_autofree char *left = weir_to_string (a), *right = weir_to_string (b);

  return weir_format (task, "%s,%s", left, right);
}

static WeirStream *
texts (WeirStream *s, WeirTime length, WeirTime slide)
{
  return weir_reduce_by_window (s, concatenate, NULL, length, slide, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  lives_add_test ("/window-stacks/texts", texts);
  lives_add_test ("/window-stacks/counts", weir_count_by_window);
  return g_test_run ();
}
