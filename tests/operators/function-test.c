/* Tests of operators/function: every verb that needs a function says so when it gets none.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/operators/job.h"

typedef WeirStream *(*Verb) (WeirStream *s);

static WeirStream *
no_map (WeirStream *s)
{
  return weir_map (s, NULL, NULL);
}

static WeirStream *
no_filter (WeirStream *s)
{
  return weir_filter (s, NULL, NULL);
}

static WeirStream *
no_flat_map (WeirStream *s)
{
  return weir_flat_map (s, NULL, NULL);
}

static WeirStream *
no_map_values (WeirStream *s)
{
  return weir_map_values (s, NULL, NULL);
}

static WeirStream *
no_flat_map_values (WeirStream *s)
{
  return weir_flat_map_values (s, NULL, NULL);
}

static WeirStream *
no_map_partitions (WeirStream *s)
{
  return weir_map_partitions (s, NULL, NULL);
}

static WeirStream *
no_reduce (WeirStream *s)
{
  return weir_reduce (s, NULL, NULL);
}

static void
start_names_the_verb (void)
{
  static const struct {
    Verb verb;
    const char *message;
  } cases[] = {
    { no_map, "pass one to weir_map ()" },
    { no_filter, "pass one to weir_filter ()" },
    { no_flat_map, "pass one to weir_flat_map ()" },
    { no_map_values, "pass one to weir_map_values ()" },
    { no_flat_map_values, "pass one to weir_flat_map_values ()" },
    { no_map_partitions, "pass one to weir_map_partitions ()" },
    { no_reduce, "pass one to weir_reduce ()" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    Job job;

    job_init (&job, 1);
    weir_collect (cases[i].verb (job.input));
    job_run_into (&job, WEIR_ERROR_GRAPH, cases[i].message);
    job_clear (&job);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/function/start-names-the-verb", start_names_the_verb);
  return g_test_run ();
}
