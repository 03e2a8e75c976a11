/* Tests of engine/run: the first failure counts, rejects add up from all threads.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/run.h"

#include "engine/workers.h"

typedef struct {
  WeirMemory *memory;
  WeirWorkers *workers;
  WeirRun run;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->memory = weir_memory_new (G_MAXSIZE);
  f->workers = weir_workers_new (4);
  weir_run_init (&f->run, f->memory, f->workers);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_run_clear (&f->run);
  weir_workers_free (f->workers);
  weir_memory_free (f->memory);
}

/* Reasons that hold what records hold must not fill the memory. */
static void
so_many_reasons_are_counted_together (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 2000; i++) {
    g_autofree char *reason = g_strdup_printf ("reason: %u", i % 1000);

    weir_run_count_reject (&f->run, i % 2 == 0 ? "map-1" : "filter-2", reason, 3);
  }
  g_assert_cmpuint (g_hash_table_size (f->run.rejects), <=, 202);
  g_assert_cmpuint (weir_rejects_sum (f->run.rejects), ==, 6000);
  g_assert_cmpuint (*(guint64 *) g_hash_table_lookup (f->run.rejects, "map-1: reason: 0"), ==, 6);
  g_assert_cmpuint (*(guint64 *) g_hash_table_lookup (f->run.rejects, "map-1: other reasons"), ==, 2400);
}

static void
a_run_begins_well (Fixture *f, gconstpointer data)
{
  g_assert_false (weir_run_has_failed (&f->run));
  g_assert_null (f->run.error);
  g_assert_null (f->run.rejects);
}

static void
the_first_failure_is_kept (Fixture *f, gconstpointer data)
{
  weir_run_take_error (&f->run, g_error_new_literal (WEIR_ERROR, WEIR_ERROR_KIND, "first"));
  weir_run_take_error (&f->run, g_error_new_literal (WEIR_ERROR, WEIR_ERROR_USER, "second"));
  g_assert_true (weir_run_has_failed (&f->run));
  g_assert_error (f->run.error, WEIR_ERROR, WEIR_ERROR_KIND);
  g_assert_cmpstr (f->run.error->message, ==, "first");
}

static void
fail (guint task, guint worker, gpointer data)
{
  Fixture *f = data;

  weir_run_take_error (&f->run, g_error_new (WEIR_ERROR, WEIR_ERROR_USER, "task %u", task));
  g_assert_true (weir_run_has_failed (&f->run));
}

static void
of_many_that_fail_at_once_one_is_kept (Fixture *f, gconstpointer data)
{
  weir_workers_run (f->workers, 200, FALSE, fail, f);
  g_assert_error (f->run.error, WEIR_ERROR, WEIR_ERROR_USER);
  g_assert_true (g_str_has_prefix (f->run.error->message, "task "));
}

static void
reject (guint task, guint worker, gpointer data)
{
  Fixture *f = data;

  weir_run_count_reject (&f->run, "parse", task % 2 == 0 ? "no number" : "empty", task);
}

static guint64
rejects (Fixture *f, const char *text)
{
  const guint64 *n = g_hash_table_lookup (f->run.rejects, text);

  return n != NULL ? *n : 0;
}

static void
rejects_add_up_by_operator_and_reason (Fixture *f, gconstpointer data)
{
  weir_workers_run (f->workers, 101, FALSE, reject, f);
  weir_run_count_reject (&f->run, "other", "empty", 5);
  g_assert_cmpuint (rejects (f, "parse: no number"), ==, 2550);
  g_assert_cmpuint (rejects (f, "parse: empty"), ==, 2500);
  g_assert_cmpuint (rejects (f, "other: empty"), ==, 5);
  g_assert_cmpuint (g_hash_table_size (f->run.rejects), ==, 3);
}

#define ADD(test) g_test_add ("/run/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_run_begins_well);
  ADD (so_many_reasons_are_counted_together);
  ADD (the_first_failure_is_kept);
  ADD (of_many_that_fail_at_once_one_is_kept);
  ADD (rejects_add_up_by_operator_and_reason);
  return g_test_run ();
}
