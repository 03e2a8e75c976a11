/* Building a graph: what builders remember, what things are called, and what comes too late.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <weir/input.h>
#include <weir/test.h>

#include "engine/context.h"

#include "tests/engine/watch.h"

static WeirValue
same (WeirTask *task, WeirValue value, gpointer user_data)
{
  return value;
}

typedef struct {
  WeirContext *ctx;
  WeirQueue *queue;
  WeirStream *input;
  Watch watch;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  watch_init (&f->watch);
  watch_catch_log (&f->watch);
  f->ctx = weir_test_context_new (WEIR_SECONDS (1));
  f->queue = weir_queue_new ();
  f->input = weir_queue_stream (f->ctx, f->queue, TRUE);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_context_free (f->ctx);
  weir_queue_free (f->queue);
  watch_clear (&f->watch);
}

static void
expect_mistake (Fixture *f, const char *expected)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_context_start (f->ctx, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_cmpstr (error->message, ==, expected);
}

static void
streams_are_called_by_verb_and_number (Fixture *f, gconstpointer data)
{
  WeirStream *mapped = weir_map (f->input, same, NULL);
  WeirOutput *output = weir_print (mapped, 10);

  g_assert_cmpstr (f->input->label, ==, "queue_stream-0");
  g_assert_cmpstr (mapped->label, ==, "map-1");
  g_assert_cmpstr (mapped->op.name, ==, "map-1");
  g_assert_cmpstr (output->label, ==, "print-0");
}

static void
a_name_beats_a_uid_which_beats_the_verb (Fixture *f, gconstpointer data)
{
  WeirStream *s = f->input;

  g_assert_true (weir_stream_set_uid (s, "u") == s);
  g_assert_cmpstr (s->label, ==, "u");
  g_assert_true (weir_stream_set_name (s, "n") == s);
  g_assert_cmpstr (s->op.name, ==, "n");
  weir_stream_set_name (s, NULL);
  g_assert_cmpstr (s->label, ==, "u");
  weir_stream_set_uid (s, NULL);
  g_assert_cmpstr (s->op.name, ==, "queue_stream-0");
}

static void
outputs_are_named_like_streams (Fixture *f, gconstpointer data)
{
  WeirOutput *o = weir_print (f->input, 10);

  g_assert_true (weir_output_set_uid (o, "u") == o);
  g_assert_cmpstr (o->label, ==, "u");
  g_assert_true (weir_output_set_name (o, "n") == o);
  g_assert_cmpstr (o->label, ==, "n");
  weir_output_set_name (o, NULL);
  weir_output_set_uid (o, NULL);
  g_assert_cmpstr (o->label, ==, "print-0");
}

static void
an_empty_uid_is_a_mistake (Fixture *f, gconstpointer data)
{
  weir_stream_set_uid (f->input, "");
  weir_output_set_uid (weir_print (f->input, 10), "");
  expect_mistake (f, "queue_stream-0 has an empty uid: give it a name of its own\n"
                     "queue_stream-0 has an output print-0 with an empty uid: give it a name of its own");
}

static void
a_missing_parent_is_remembered (Fixture *f, gconstpointer data)
{
  WeirStream *joined = weir_union (f->input, NULL);

  g_assert_nonnull (joined);
  g_assert_cmpuint (joined->n_parents, ==, 1);
  weir_print (joined, 10);
  expect_mistake (f, "union-1 is made of no stream (NULL): pass the stream that it works on");
}

static void
a_stream_of_another_context_is_remembered (Fixture *f, gconstpointer data)
{
  g_autoptr (WeirContext) other = weir_test_context_new (WEIR_SECONDS (1));
  WeirStream *foreign = weir_stream_set_name (weir_queue_stream (other, f->queue, TRUE), "foreign");

  weir_print (weir_union (f->input, foreign), 10);
  expect_mistake (f, "union-1 takes stream foreign of another context: build both in one context");
}

static void
partitions_have_bounds (Fixture *f, gconstpointer data)
{
  WeirStream *keyed = weir_count_by_value (f->input);

  weir_stream_set_partitions (keyed, 0);
  weir_stream_set_partitions (keyed, 257);
  weir_stream_set_partitions (keyed, 256);
  weir_stream_set_partitions (weir_map (f->input, same, NULL), 3);
  weir_stream_set_partitions (weir_count (f->input), 3);
  weir_print (keyed, 10);
  expect_mistake (f, "count_by_value-1 is to have 0 partitions: give 1 to 256\n"
                     "count_by_value-1 is to have 257 partitions: give 1 to 256\n"
                     "map-2 has the partitions of its parent: set the number on a keyed operator, or repartition\n"
                     "count-3 has one result, hence one partition: set the number on a keyed operator, or repartition");
}

static void
windows_need_a_length_and_no_negative_slide (Fixture *f, gconstpointer data)
{
  weir_window (f->input, 0, 0);
  weir_window (f->input, -5, 0);
  weir_print (weir_window (f->input, WEIR_SECONDS (2), -1), 10);
  expect_mistake (f, "window-1 has a window of 0 us: give a length above 0\n"
                     "window-2 has a window of -5 us: give a length above 0\n"
                     "window-3 slides by -1 us: give a slide above 0, or 0 for its parent's");
}

static void
no_stream_at_all_ends_the_program (void)
{
  if (g_test_subprocess ()) {
    weir_map (NULL, same, NULL);
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*map () needs a context or a stream, got NULL*");
}

static void
no_context_at_all_ends_the_program (void)
{
  if (g_test_subprocess ()) {
    weir_generator_stream (NULL, NULL, 1, NULL);
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*generator_stream () needs a context or a stream, got NULL*");
}

static void
an_output_of_nothing_ends_the_program (void)
{
  if (g_test_subprocess ()) {
    weir_print (NULL, 10);
    return;
  }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*print () needs a stream, got NULL*");
}

typedef struct {
  const char *what;
  void (*build) (Fixture *f, WeirOutput *output);
} Late;

static void
late_stream (Fixture *f, WeirOutput *output)
{
  WeirStream *late = weir_map (f->input, same, NULL);

  g_assert_nonnull (late);
  g_assert_nonnull (weir_window (late, WEIR_SECONDS (1), 0));
}

static void
late_source (Fixture *f, WeirOutput *output)
{
  g_assert_nonnull (weir_queue_stream (f->ctx, f->queue, TRUE));
}

static void
late_output (Fixture *f, WeirOutput *output)
{
  g_assert_nonnull (weir_print (f->input, 10));
}

static void
late_stream_name (Fixture *f, WeirOutput *output)
{
  weir_stream_set_name (f->input, "late");
  g_assert_cmpstr (f->input->label, ==, "queue_stream-0");
}

static void
late_stream_uid (Fixture *f, WeirOutput *output)
{
  weir_stream_set_uid (f->input, "late");
}

static void
late_partitions (Fixture *f, WeirOutput *output)
{
  weir_stream_set_partitions (f->input, 2);
}

static void
late_output_name (Fixture *f, WeirOutput *output)
{
  weir_output_set_name (output, "late");
}

static void
late_output_uid (Fixture *f, WeirOutput *output)
{
  weir_output_set_uid (output, "late");
}

static void
late_counter (Fixture *f, WeirOutput *output)
{
  g_assert_cmpint (weir_counter_value (weir_counter_new (f->ctx, "late", "too late")), ==, 0);
}

static void
late_listener (Fixture *f, WeirOutput *output)
{
  static const WeirListener listener = { 0 };

  weir_context_add_listener (f->ctx, &listener, NULL);
}

static const Late late_ones[] = {
  { "map-1", late_stream },
  { "queue_stream-1", late_source },
  { "print-1", late_output },
  { "the name of a stream", late_stream_name },
  { "the uid of a stream", late_stream_uid },
  { "the number of partitions of a stream", late_partitions },
  { "the name of an output", late_output_name },
  { "the uid of an output", late_output_uid },
  { "counter late", late_counter },
  { "a listener", late_listener },
};

static gboolean
take_in (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  return TRUE;
}

/* Not only the call is refused: a job that goes on without what it wanted would do the wrong thing quietly. */
static void
what_comes_after_start_fails_the_context (Fixture *f, gconstpointer data)
{
  const Late *late = data;
  g_autofree char *expected =
      g_strdup_printf ("%s came after the context had started: build the whole graph before start", late->what);
  g_autoptr (GError) error = NULL;
  WeirOutput *output = weir_foreach_batch (f->input, take_in, NULL);

  g_assert_true (weir_test_advance (f->ctx, 1, &error));
  late->build (f, output);
  g_assert_cmpint (weir_context_await (f->ctx, WATCH_DEADLINE, &error), ==, WEIR_WAIT_FAILED);
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  g_assert_cmpstr (error->message, ==, expected);
}

static void
what_comes_after_the_end_is_logged (Fixture *f, gconstpointer data)
{
  const Late *late = data;
  g_autofree char *expected = g_strdup_printf ("critical: test: %s came after the context had started", late->what);
  WeirOutput *output = weir_foreach_batch (f->input, take_in, NULL);

  weir_context_stop (f->ctx, TRUE);
  late->build (f, output);
  g_assert_cmpuint (watch_count (&f->watch, expected), ==, 1);
}

#define ADD(test) g_test_add ("/graph/" #test, Fixture, NULL, set_up, test, tear_down)

static void
add_late (const char *name, void (*test) (Fixture *, gconstpointer))
{
  for (guint i = 0; i < G_N_ELEMENTS (late_ones); i++) {
    g_autofree char *path = g_strdup_printf ("/graph/%s/%s", name, late_ones[i].what);

    g_strdelimit (path, " ", '-');
    g_test_add (path, Fixture, &late_ones[i], set_up, test, tear_down);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (streams_are_called_by_verb_and_number);
  ADD (a_name_beats_a_uid_which_beats_the_verb);
  ADD (outputs_are_named_like_streams);
  ADD (an_empty_uid_is_a_mistake);
  ADD (a_missing_parent_is_remembered);
  ADD (a_stream_of_another_context_is_remembered);
  ADD (partitions_have_bounds);
  ADD (windows_need_a_length_and_no_negative_slide);
  g_test_add_func ("/graph/no-stream-at-all-ends-the-program", no_stream_at_all_ends_the_program);
  g_test_add_func ("/graph/no-context-at-all-ends-the-program", no_context_at_all_ends_the_program);
  g_test_add_func ("/graph/an-output-of-nothing-ends-the-program", an_output_of_nothing_ends_the_program);
  add_late ("after-start", what_comes_after_start_fails_the_context);
  add_late ("after-the-end", what_comes_after_the_end_is_logged);
  return g_test_run ();
}
