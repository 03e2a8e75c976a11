/* What the driver asks all of its sources.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include "tests/engine/watch.h"

typedef struct {
  WeirSource source;
  WeirOp op;
  gboolean has_staged, is_ending;
  guint n_stops;
} Fake;

typedef struct {
  WeirEngine engine;
  WeirLog log;
  Watch watch;
  Fake fakes[2];
} Fixture;

static gboolean
fake_has_staged (WeirSource *source)
{
  return ((Fake *) source)->has_staged;
}

static gboolean
fake_is_ending (WeirSource *source)
{
  return ((Fake *) source)->is_ending;
}

static void
fake_stop (WeirSource *source)
{
  ((Fake *) source)->n_stops++;
}

static void
fake_save (WeirSource *source, const WeirPlan *plan, GByteArray *position)
{
}

static const WeirSourceKlass forgetful = { .has_staged = fake_has_staged,
                                           .is_ending = fake_is_ending,
                                           .stop = fake_stop };
static const WeirSourceKlass readable_again = { .has_staged = fake_has_staged, .save = fake_save };

static void
set_up (Fixture *f, gconstpointer data)
{
  static const char *const names[] = { "first", "second" };

  *f = (Fixture){ .log = { "job", WEIR_LOG_INFO } };
  watch_init (&f->watch);
  watch_catch_log (&f->watch);
  f->engine.log = &f->log;
  f->engine.sources = g_ptr_array_new ();
  for (guint i = 0; i < G_N_ELEMENTS (f->fakes); i++) {
    f->fakes[i].op.name = names[i];
    f->fakes[i].source = (WeirSource){ .klass = i == 0 ? &forgetful : &readable_again, .op = &f->fakes[i].op };
    g_ptr_array_add (f->engine.sources, &f->fakes[i]);
  }
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_ptr_array_unref (f->engine.sources);
  watch_clear (&f->watch);
}

static void
test_one_source_with_something_staged_is_enough (Fixture *f, gconstpointer data)
{
  g_assert_false (weir_sources_have_staged (&f->engine));
  f->fakes[1].has_staged = TRUE;
  g_assert_true (weir_sources_have_staged (&f->engine));
}

static void
test_rejects_that_no_batch_has_reported_are_staged (Fixture *f, gconstpointer data)
{
  g_autoptr (GHashTable) lost = g_hash_table_new (g_str_hash, g_str_equal);

  f->engine.lost = lost;
  g_assert_true (weir_sources_have_staged (&f->engine));
}

static void
test_one_source_that_is_ending_is_enough (Fixture *f, gconstpointer data)
{
  g_assert_false (weir_sources_are_ending (&f->engine));
  f->fakes[0].is_ending = TRUE;
  g_assert_true (weir_sources_are_ending (&f->engine));
}

static void
test_those_that_can_stop_are_stopped (Fixture *f, gconstpointer data)
{
  weir_sources_stop (&f->engine);
  g_assert_cmpuint (f->fakes[0].n_stops, ==, 1);
  g_assert_cmpuint (f->fakes[1].n_stops, ==, 0);
}

static void
test_what_is_dropped_is_said (Fixture *f, gconstpointer data)
{
  f->fakes[0].has_staged = f->fakes[1].has_staged = TRUE;
  weir_sources_report_left (&f->engine);
  g_assert_cmpuint (watch_count (&f->watch, "is dropped"), ==, 2);
}

static void
test_what_can_be_read_again_is_not_dropped (Fixture *f, gconstpointer data)
{
  f->engine.checkpoint = (struct _WeirCheckpoint *) f; /* that there is one is all that is looked at */
  f->fakes[0].has_staged = f->fakes[1].has_staged = TRUE;
  weir_sources_report_left (&f->engine);
  g_assert_cmpuint (watch_count (&f->watch, "is dropped"), ==, 1);
  g_assert_cmpuint (watch_count (&f->watch, "first: what had come in"), ==, 1);
}

static void
test_bytes_of_records_that_nobody_has_counted_are_summed (Fixture *f, gconstpointer data)
{
  WeirPlan plans[] = { { .n_records = -1, .n_bytes = 7 }, { .n_records = 2, .n_bytes = 5 } };
  const WeirBatch batch = { .engine = &f->engine, .plans = plans };

  g_assert_cmpuint (weir_sources_sum_uncut (&batch), ==, 7);
  plans[1].n_records = -1;
  g_assert_cmpuint (weir_sources_sum_uncut (&batch), ==, 12);
}

#define ADD(name) g_test_add ("/driver-sources/" #name, Fixture, NULL, set_up, test_##name, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (one_source_with_something_staged_is_enough);
  ADD (rejects_that_no_batch_has_reported_are_staged);
  ADD (one_source_that_is_ending_is_enough);
  ADD (those_that_can_stop_are_stopped);
  ADD (what_is_dropped_is_said);
  ADD (what_can_be_read_again_is_not_dropped);
  ADD (bytes_of_records_that_nobody_has_counted_are_summed);
  return g_test_run ();
}
