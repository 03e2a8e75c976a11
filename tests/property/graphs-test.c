/* Random graphs of operators over random batches say what a naive model says: with any number of workers and partitions,
 * and across a kill. `--seed` repeats a run, WEIR_PROPERTY_GRAPHS says how many graphs there are, and WEIR_PROPERTY_ONLY
 * is the number of the only one. SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "tests/property/sketch.h"

#define N_CASES 20

static guint
number_from (const char *name, guint otherwise)
{
  const char *text = g_getenv (name);

  return text != NULL ? (guint) strtoul (text, NULL, 10) : otherwise;
}

/* Takes both. */
static void
fail_with (Sketch *sketch, char *wrong, guint graph)
{
  g_autoptr (Sketch) small = sketch_shrink (sketch, &wrong);
  g_autofree char *text = sketch_text (small);

  g_test_message ("graph %u (run it alone with WEIR_PROPERTY_ONLY=%u and this --seed), as small as it gets:\n%s  %s",
                  graph, graph, text, wrong);
  g_free (wrong);
  g_test_fail ();
}

static void
run_graph (guint32 seed, guint graph)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed_array ((guint32[]){ seed, graph }, 2);
  g_autoptr (Sketch) sketch = sketch_draw (rand);
  char *wrong = sketch_check (sketch);

  if (wrong != NULL)
    fail_with (g_steal_pointer (&sketch), wrong, graph);
}

/* GLib begins each case with the same random numbers. */
static void
graphs_are_as_the_model_says (gconstpointer data)
{
  guint number = GPOINTER_TO_UINT (data), n = number_from ("WEIR_PROPERTY_GRAPHS", 1000) / N_CASES;
  guint only = number_from ("WEIR_PROPERTY_ONLY", G_MAXUINT);
  guint32 seed = (guint32) g_test_rand_int ();

  for (guint i = number * n; i < (number + 1) * n && !g_test_failed (); i++)
    if (only == G_MAXUINT || only == i)
      run_graph (seed, i);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < N_CASES; i++) {
    g_autofree char *path = g_strdup_printf ("/property/graphs/%02u", i);

    g_test_add_data_func (path, GUINT_TO_POINTER (i), graphs_are_as_the_model_says);
  }
  return g_test_run ();
}
