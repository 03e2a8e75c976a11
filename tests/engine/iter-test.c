/* Tests of engine/iter: elements come one by one whatever the steps of the origin bring, and stay valid.
 *
 * The chain is built by hand: an origin that reads by a script, and a terminal that pulls.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/iter.h"

/* What each step of the origin emits: this many elements. -1: the end. */
typedef struct {
  const gint *steps;
  gboolean as_pairs;
  gint64 next;
} Script;

static Script script;

static gboolean
read_step (WeirTask *task, WeirReader *reader)
{
  gint n = *script.steps++;

  for (; n > 0; n--, script.next++) {
    WeirValue text = weir_format (task, "%0*d", 1 + (int) script.next % 300, (int) script.next);

    if (script.as_pairs)
      weir_emit_pair (task, weir_int (script.next), text);
    else
      weir_emit (task, text);
  }
  return *script.steps >= 0;
}

static void
queue (WeirTask *task, const WeirChunk *in)
{
  weir_iter_queue (task->instance, in);
}

static const WeirOpClass origin_class = { .verb = "origin", .kind = WEIR_OP_SOURCE, .read = read_step };
static const WeirOpClass puller_class = {
  .verb = "puller",
  .kind = WEIR_OP_TERMINAL,
  .flags = WEIR_OP_PULLS,
  .instance_size = sizeof (WeirIter),
  .process = queue,
};
static const WeirOp origin = { .klass = &origin_class, .name = "origin" };
static const WeirOp puller = { .klass = &puller_class, .name = "puller" };

typedef struct {
  WeirMemory *memory;
  WeirRun run;
  WeirArena frame;
  WeirTaskRun task_run;
  WeirIter *iter;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  WeirTask *terminal;

  f->memory = weir_memory_new (64 * 1024 * 1024);
  weir_run_init (&f->run, f->memory, NULL);
  weir_arena_init (&f->frame, f->memory);
  f->task_run = (WeirTaskRun){ .run = &f->run, .frame = &f->frame };
  weir_arena_init (&f->task_run.scratch, f->memory);
  terminal = weir_task_link_new (&f->task_run, &puller, &puller_class, NULL);
  f->task_run.first = f->task_run.ending = weir_task_link_new (&f->task_run, &origin, &origin_class, terminal);
  f->iter = terminal->instance;
  weir_iter_init (f->iter, terminal);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_arena_clear (&f->task_run.scratch);
  weir_arena_clear (&f->frame);
  weir_run_clear (&f->run);
  weir_memory_free (f->memory);
}

static void
expect_element (WeirValue value, gint64 i)
{
  g_autofree char *expected = g_strdup_printf ("%0*d", 1 + (int) i % 300, (int) i);

  if (script.as_pairs) {
    g_assert_cmpint (weir_as_int (weir_key (value)), ==, i);
    value = weir_val (value);
  }
  g_assert_true (weir_equal (value, weir_text (expected)));
}

/* Takes all, then looks at all: what came first must not have been written over. */
static void
expect_all (Fixture *f, const gint *steps, gboolean as_pairs, gint64 n)
{
  g_autoptr (GArray) all = g_array_new (FALSE, FALSE, sizeof (WeirValue));
  WeirValue value;

  script = (Script){ .steps = steps, .as_pairs = as_pairs };
  while (weir_iter_next (f->iter, &value))
    g_array_append_val (all, value);
  g_assert_false (weir_iter_next (f->iter, &value));
  g_assert_cmpint (all->len, ==, n);
  for (guint i = 0; i < all->len; i++)
    expect_element (g_array_index (all, WeirValue, i), i);
}

static void
elements_come_in_order_and_stay (Fixture *f, gconstpointer data)
{
  expect_all (f, (const gint[]){ 3, 256, 1, -1 }, FALSE, 260);
}

static void
pairs_come_in_order_and_stay (Fixture *f, gconstpointer data)
{
  expect_all (f, (const gint[]){ 256, 256, 5, 700, -1 }, TRUE, 1217);
}

static void
one_step_may_bring_many_chunks (Fixture *f, gconstpointer data)
{
  expect_all (f, (const gint[]){ 5000, 2, -1 }, FALSE, 5002);
}

static void
steps_that_bring_nothing_are_passed (Fixture *f, gconstpointer data)
{
  expect_all (f, (const gint[]){ 0, 0, 1, 0, 256, 0, 0, 0, 1, 0, -1 }, FALSE, 258);
}

static void
nothing_at_all (Fixture *f, gconstpointer data)
{
  expect_all (f, (const gint[]){ 0, -1 }, TRUE, 0);
}

static void
a_failed_batch_ends_it (Fixture *f, gconstpointer data)
{
  WeirValue value;
  guint n = 0;

  script = (Script){ .steps = (const gint[]){ 256, 256, 256, -1 } };
  g_assert_true (weir_iter_next (f->iter, &value));
  weir_run_take_error (&f->run, g_error_new_literal (WEIR_ERROR, WEIR_ERROR_USER, "enough"));
  while (weir_iter_next (f->iter, &value))
    n++;
  g_assert_cmpuint (n, ==, 255);
}

static void
queued_chunks_are_used_again (Fixture *f, gconstpointer data)
{
  static gint steps[201];
  WeirValue value;

  for (guint i = 0; i < 200; i++)
    steps[i] = 256;
  steps[200] = -1;
  script = (Script){ .steps = steps };
  while (weir_iter_next (f->iter, &value))
    ;
  g_assert_cmpuint (f->frame.used, <, 64 * 1024);
}

#define ADD(test) g_test_add ("/iter/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (elements_come_in_order_and_stay);
  ADD (pairs_come_in_order_and_stay);
  ADD (one_step_may_bring_many_chunks);
  ADD (steps_that_bring_nothing_are_passed);
  ADD (nothing_at_all);
  ADD (a_failed_batch_ends_it);
  ADD (queued_chunks_are_used_again);
  return g_test_run ();
}
