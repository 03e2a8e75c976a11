/* Tests of operators/held-panes: windows that hold elements across the lives of a job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "operators/held-panes.h"

#include "tests/operators/window-lives.h"

static WeirValue
plain_or_pair (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_as_int (weir_val (value)) % 3 == 0 ? value : weir_key (value);
}

/* Elements of both shapes. */
static WeirStream *
elements (WeirStream *s, WeirTime length, WeirTime slide)
{
  return weir_window (weir_map (s, plain_or_pair, NULL), length, slide);
}

static WeirStream *
window_of_window (WeirStream *s, WeirTime length, WeirTime slide)
{
  return weir_window (weir_window (s, 2 * slide, slide), length / slide * slide + slide, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  lives_add_test ("/held-panes/elements", elements);
  lives_add_test ("/held-panes/groups", weir_group_by_key_and_window);
  lives_add_test ("/held-panes/window-of-window", window_of_window);
  return g_test_run ();
}
