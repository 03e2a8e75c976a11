/* Tests of engine/task: what is emitted arrives in order and whole, task memory is used again, rejects and failures.
 *
 * A chain by hand: an origin that emits what the test says, a link that makes texts, an end that looks at them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "engine/task.h"

#include <string.h>

#include "engine/dataset.h"
#include "tests/engine/random-value.h"

typedef struct {
  WeirMemory *memory;
  WeirRun run;
  WeirArena frame;
  WeirTaskRun task_run;
  WeirTask *first, *middle, *last;
  GArray *arrived; /* of WeirValue; keys before their values */
  GArray *chunks;  /* of WeirChunk: only shape and size count */
  gint64 n_steps;  /* of the origin, still to do */
  gint64 n_done;
} Fixture;

static Fixture *
fixture_of (WeirTask *task)
{
  return *(Fixture **) task->op->params;
}

static void
arrive (WeirTask *task, const WeirChunk *in)
{
  Fixture *f = fixture_of (task);

  for (guint i = 0; i < in->n; i++) {
    if (in->keys != NULL)
      g_array_append_val (f->arrived, in->keys[i]);
    g_array_append_val (f->arrived, in->values[i]);
  }
  g_array_append_val (f->chunks, *in);
}

static void
pass (WeirTask *task, const WeirChunk *in)
{
  weir_task_forward (task, in);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  static const WeirOpClass origin_class = { .verb = "origin", .kind = WEIR_OP_SOURCE };
  static const WeirOpClass pass_class = { .verb = "pass", .kind = WEIR_OP_NARROW, .process = pass };
  static const WeirOpClass end_class = { .verb = "end", .kind = WEIR_OP_TERMINAL, .process = arrive };
  static Fixture *self;
  static WeirOp origin, middle, end;

  self = f;
  origin = (WeirOp){ .klass = &origin_class, .name = "origin", .params = &self };
  middle = (WeirOp){ .klass = &pass_class, .name = "middle", .params = &self };
  end = (WeirOp){ .klass = &end_class, .name = "end", .params = &self };
  f->memory = weir_memory_new (64 * 1024 * 1024);
  weir_run_init (&f->run, f->memory, NULL);
  weir_arena_init (&f->frame, f->memory);
  f->task_run = (WeirTaskRun){ .run = &f->run, .frame = &f->frame };
  weir_arena_init (&f->task_run.scratch, f->memory);
  f->last = weir_task_link_new (&f->task_run, &end, &end_class, NULL);
  f->middle = weir_task_link_new (&f->task_run, &middle, &pass_class, f->last);
  f->first = weir_task_link_new (&f->task_run, &origin, &origin_class, f->middle);
  f->task_run.first = f->task_run.ending = f->first;
  f->arrived = g_array_new (FALSE, FALSE, sizeof (WeirValue));
  f->chunks = g_array_new (FALSE, FALSE, sizeof (WeirChunk));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_array_unref (f->arrived);
  g_array_unref (f->chunks);
  weir_arena_clear (&f->task_run.scratch);
  weir_arena_clear (&f->frame);
  weir_run_clear (&f->run);
  g_assert_cmpuint (weir_memory_used (f->memory), ==, 0);
  weir_memory_free (f->memory);
}

static void
flush_all (Fixture *f)
{
  weir_task_flush (f->first);
  weir_task_flush (f->middle);
}

static WeirValue
arrived (Fixture *f, guint i)
{
  g_assert_cmpuint (i, <, f->arrived->len);
  return g_array_index (f->arrived, WeirValue, i);
}

static void
values_arrive_in_order_and_in_chunks (Fixture *f, gconstpointer data)
{
  for (gint64 i = 0; i < 10 * WEIR_CHUNK_SIZE + 5; i++)
    weir_emit (f->first, weir_int (i));
  g_assert_cmpuint (f->chunks->len, ==, 10);
  flush_all (f);
  g_assert_cmpuint (f->arrived->len, ==, 10 * WEIR_CHUNK_SIZE + 5);
  for (guint i = 0; i < f->arrived->len; i++)
    g_assert_cmpint (arrived (f, i).integer, ==, i);
  g_assert_cmpuint (f->first->n_emitted, ==, f->arrived->len);
  g_assert_cmpuint (f->middle->n_emitted, ==, f->arrived->len);
  flush_all (f);
  g_assert_cmpuint (f->chunks->len, ==, 11);
}

/* Pairs as pairs, pairs as one value, plain values, in an order that repeats in every way. */
static void
emit_some_shape (Fixture *f, gint64 i)
{
  if (i / 3 % 2 == 0)
    weir_emit (f->first, weir_int (i));
  else if (i % 2 == 0)
    weir_emit_pair (f->first, weir_int (i), weir_int (-i));
  else
    weir_emit (f->first, WEIR_PAIR_OF (weir_int (i), weir_int (-i)));
}

static void
shapes_alternate_and_chunks_have_one (Fixture *f, gconstpointer data)
{
  guint at = 0;

  for (gint64 i = 0; i < 1000; i++)
    emit_some_shape (f, i);
  flush_all (f);
  for (gint64 i = 0; i < 1000; i++) {
    g_assert_cmpint (arrived (f, at++).integer, ==, i);
    if (i / 3 % 2 == 1)
      g_assert_cmpint (arrived (f, at++).integer, ==, -i);
  }
  g_assert_cmpuint (at, ==, f->arrived->len);
  for (guint i = 1; i < f->chunks->len; i++)
    g_assert_cmpint (g_array_index (f->chunks, WeirChunk, i).keys != NULL, !=,
                     g_array_index (f->chunks, WeirChunk, i - 1).keys != NULL);
}

static void
a_whole_chunk_comes_after_what_was_emitted_before (Fixture *f, gconstpointer data)
{
  const WeirValue values[] = { weir_int (2), weir_int (3) };

  weir_emit (f->first, weir_int (1));
  weir_task_forward (f->first, &(WeirChunk){ NULL, values, 2 });
  weir_task_forward (f->first, &(WeirChunk){ NULL, values, 0 });
  weir_emit (f->first, weir_int (4));
  flush_all (f);
  for (gint64 i = 0; i < 4; i++)
    g_assert_cmpint (arrived (f, (guint) i).integer, ==, i + 1);
  g_assert_cmpuint (f->chunks->len, ==, 3);
}

static void
what_is_borrowed_is_copied_and_nothing_else (Fixture *f, gconstpointer data)
{
  static const char forever[] = "forever";
  char gone[] = "gone soon, or at least changed";
  WeirValue inner = weir_text (gone);

  weir_emit (f->first, weir_text (gone));
  weir_emit (f->first, WEIR_VALUE_INIT (data, forever, 7, WEIR_TEXT, 0));
  weir_emit (f->first, WEIR_LIST_OF (inner, weir_int (5)));
  weir_emit_pair (f->first, weir_text (gone), WEIR_PAIR_OF (inner, inner));
  memset (gone, '!', sizeof gone - 1);
  flush_all (f);
  g_assert_true (weir_equal (arrived (f, 0), weir_text ("gone soon, or at least changed")));
  g_assert_true (weir_data (arrived (f, 1)) == forever);
  g_assert_true (weir_equal (weir_item (arrived (f, 2), 0), arrived (f, 0)));
  g_assert_true (weir_equal (arrived (f, 3), arrived (f, 0)));
  g_assert_true (weir_equal (weir_val (arrived (f, 4)), arrived (f, 0)));
  for (guint i = 0; i < f->arrived->len; i++)
    g_assert_cmpuint (arrived (f, i).flags & WEIR_VALUE_BORROWED, ==, 0);
}

static void
an_emit_at_the_end_of_the_chain_fails (Fixture *f, gconstpointer data)
{
  weir_emit (f->last, weir_int (1));
  weir_emit_pair (f->last, weir_int (1), weir_int (2));
  for (guint i = 0; i < 1000; i++)
    weir_emit (f->last, WEIR_PAIR_OF (weir_int (1), weir_int (2)));
  g_assert_error (f->run.error, WEIR_ERROR, WEIR_ERROR_USER);
  g_assert_nonnull (strstr (f->run.error->message, "end: "));
}

static void
nothing_is_allocated_without_failing (Fixture *f, gconstpointer data)
{
  g_assert_nonnull (weir_alloc (f->first, 0));
  g_assert_false (weir_run_has_failed (&f->run));
}

static void
formatted_texts_are_whole_at_every_length (Fixture *f, gconstpointer data)
{
  WeirValue texts[400];

  f->task_run.keep = TRUE;
  for (guint i = 0; i < 400; i++)
    texts[i] = weir_format (f->first, "%0*u", (gint) (i * i % 4001 + 1), i);
  for (guint i = 0; i < 400; i++) {
    g_autofree char *expected = g_strdup_printf ("%0*u", (gint) (i * i % 4001 + 1), i);

    g_assert_true (weir_equal (texts[i], weir_text (expected)));
    g_assert_cmpint (weir_data (texts[i])[weir_size (texts[i])], ==, '\0');
  }
  g_assert_cmpuint (weir_size (weir_format (f->first, "%s", "")), ==, 0);
  g_assert_cmpuint (weir_size (weir_format (f->first, "%*d", 5000000, 1)), ==, 5000000);
}

/* Filled to the last byte, and one more. */
static void
a_text_that_just_fits_or_does_not (Fixture *f, gconstpointer data)
{
  WeirArena *scratch = &f->task_run.scratch;

  for (gint more = -3; more <= 3; more++) {
    gsize room;
    WeirValue text;

    weir_arena_clear (scratch);
    weir_alloc (f->first, 16);
    room = (gsize) (scratch->end - scratch->next);
    text = weir_format (f->first, "%*d", (gint) room + more, 7);
    g_assert_cmpuint (weir_size (text), ==, room + (gsize) more);
    g_assert_cmpint (weir_data (text)[weir_size (text) - 1], ==, '7');
    memset (weir_alloc (f->first, 100), 'x', 100);
    g_assert_cmpint (weir_data (text)[weir_size (text)], ==, '\0');
  }
}

static void
without_memory_a_text_is_nil_and_the_batch_fails (Fixture *f, gconstpointer data)
{
  weir_memory_set_limit (f->memory, weir_memory_used (f->memory) + 1000);
  g_assert_true (weir_is_nil (weir_format (f->first, "%*d", 10000, 1)));
  g_assert_error (f->run.error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT);
  g_assert_nonnull (strstr (f->run.error->message, "origin: "));
  g_assert_nonnull (strstr (f->run.error->message, "memory.limit"));
  g_assert_null (weir_alloc (f->first, 10000));
}

/* One text a step; the chain passes it on, the end checks it when it comes. */
static gboolean
read_step (WeirTask *task, WeirReader *reader)
{
  Fixture *f = fixture_of (task);

  for (guint i = 0; i < 100; i++, f->n_done++)
    weir_emit_pair (task, weir_int (f->n_done), weir_format (task, "text %d", (int) f->n_done));
  return --f->n_steps > 0;
}

static void
check_text (WeirValue key, WeirValue text)
{
  char expected[64];
  gint n = g_snprintf (expected, sizeof expected, "text %d", (int) weir_as_int (key));

  g_assert_cmpmem (weir_data (text), weir_size (text), expected, n);
}

static void
look (WeirTask *task, const WeirChunk *in)
{
  for (guint i = 0; i < in->n; i++)
    check_text (in->keys[i], in->values[i]);
}

/* Holds back what it gets: one chunk, as an operator's open chunk does. */
static void
copy_out (WeirTask *task, const WeirChunk *in)
{
  for (guint i = 0; i < in->n; i++)
    weir_emit_pair (task, in->keys[i],
                    weir_format (task, "%.*s", (int) weir_size (in->values[i]), weir_data (in->values[i])));
}

static void
run_steps (Fixture *f, gint64 n, void (*end) (WeirTask *, const WeirChunk *))
{
  WeirOpClass origin = *f->first->klass, middle = *f->middle->klass, last = *f->last->klass;

  origin.read = read_step;
  middle.process = copy_out;
  last.process = end;
  f->first->klass = &origin;
  f->middle->klass = &middle;
  f->last->klass = &last;
  f->n_steps = n;
  while (weir_task_pull (f->last))
    g_assert_cmpint (f->n_steps, >=, 0);
  g_assert_false (weir_task_pull (f->last));
  g_assert_cmpint (f->n_done, ==, 100 * n);
  g_assert_cmpuint (f->middle->n_emitted, ==, (guint64) (100 * n));
}

static void
task_memory_is_used_again_between_steps (Fixture *f, gconstpointer data)
{
  run_steps (f, 20000, look);
  g_assert_cmpuint (weir_memory_peak (f->memory), <, 512 * 1024);
}

static void
task_memory_that_is_kept_stays_whole (Fixture *f, gconstpointer data)
{
  f->task_run.keep = TRUE;
  run_steps (f, 300, arrive);
  g_assert_cmpuint (f->arrived->len, ==, 2 * 30000);
  for (guint i = 0; i < f->arrived->len; i += 2)
    check_text (arrived (f, i), arrived (f, i + 1));
}

static guint64
n_rejected (Fixture *f, const char *text)
{
  const guint64 *n = f->run.rejects != NULL ? g_hash_table_lookup (f->run.rejects, text) : NULL;

  return n != NULL ? *n : 0;
}

static void
rejects_are_counted_by_reason (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 100; i++)
    weir_reject (f->middle, weir_int (i), i / 10 % 2 == 0 ? "even" : "odd");
  weir_reject (f->middle, weir_nil (), "odd and more");
  weir_task_end_rejects (f->middle);
  weir_task_end_rejects (f->middle);
  weir_task_end_rejects (f->first);
  g_assert_cmpuint (n_rejected (f, "middle: even"), ==, 50);
  g_assert_cmpuint (n_rejected (f, "middle: odd"), ==, 50);
  g_assert_cmpuint (n_rejected (f, "middle: odd and more"), ==, 1);
  g_assert_cmpuint (f->middle->n_rejects_ever, ==, 101);
  g_assert_null (f->middle->rejects);
}

static void
a_long_reason_is_cut (Fixture *f, gconstpointer data)
{
  g_autofree char *reason = g_strnfill (1000, 'r');
  g_autofree char *cut = g_strdup_printf ("middle: %.200s", reason);

  for (guint i = 0; i < 10; i++)
    weir_reject (f->middle, weir_nil (), reason);
  weir_task_end_rejects (f->middle);
  g_assert_cmpuint (n_rejected (f, cut), ==, 10);
}

static void
rejects_that_somebody_reads_are_copied (Fixture *f, gconstpointer data)
{
  ((WeirOp *) f->middle->op)->keep_rejects = TRUE;
  for (guint i = 0; i < 1000; i++) {
    char text[32], reason[32];

    g_snprintf (text, sizeof text, "record %u", i);
    g_snprintf (reason, sizeof reason, "reason %u", i % 7);
    weir_reject (f->middle, weir_text (text), reason);
  }
  g_assert_cmpuint (f->middle->rejects->n_elements, ==, 1000);
  for (guint i = 0; i < 1000; i++) {
    const WeirChunk *chunk = &g_array_index (f->middle->rejects->chunks, WeirChunk, i);
    g_autofree char *text = g_strdup_printf ("record %u", i);
    g_autofree char *reason = g_strdup_printf ("reason %u", i % 7);

    g_assert_true (weir_equal (chunk->keys[0], weir_text (reason)));
    g_assert_true (weir_equal (chunk->values[0], weir_text (text)));
  }
  weir_partition_unref (f->middle->rejects);
}

static void
rejects_stop_at_the_memory_limit (Fixture *f, gconstpointer data)
{
  g_autofree char *text = g_strnfill (10000, 't');

  ((WeirOp *) f->middle->op)->keep_rejects = TRUE;
  weir_memory_set_limit (f->memory, 1024 * 1024);
  for (guint i = 0; i < 1000; i++)
    weir_reject (f->middle, weir_text (text), "too much");
  g_assert_error (f->run.error, WEIR_ERROR, WEIR_ERROR_MEMORY_LIMIT);
  g_assert_cmpuint (f->middle->rejects->n_elements, >, 20);
  weir_partition_unref (f->middle->rejects);
}

static void
a_failure_names_the_operator_and_stops_the_chain (Fixture *f, gconstpointer data)
{
  weir_emit (f->first, weir_int (1));
  weir_fail (f->middle, "%s of %d", "fault", 3);
  weir_fail (f->first, "later");
  for (guint i = 0; i < 1000; i++)
    weir_emit (f->first, weir_int (2));
  flush_all (f);
  g_assert_cmpuint (f->arrived->len, ==, 0);
  g_assert_error (f->run.error, WEIR_ERROR, WEIR_ERROR_USER);
  g_assert_cmpstr (f->run.error->message, ==, "middle: fault of 3");
  g_assert_false (weir_task_is_going (f->last));
}

static void
a_task_knows_its_batch_and_partition (Fixture *f, gconstpointer data)
{
  f->run.time = WEIR_SECONDS (42);
  f->task_run.partition = 7;
  g_assert_cmpint (weir_task_batch_time (f->middle), ==, WEIR_SECONDS (42));
  g_assert_cmpuint (weir_task_partition (f->middle), ==, 7);
}

static void
links_without_memory_are_refused (Fixture *f, gconstpointer data)
{
  weir_memory_set_limit (f->memory, weir_memory_used (f->memory));
  while (weir_task_link_new (&f->task_run, f->middle->op, f->middle->klass, f->last) != NULL)
    f->n_done++;
  g_assert_cmpint (f->n_done, <, 10);
}

#define ADD(test) g_test_add ("/task/" #test, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (values_arrive_in_order_and_in_chunks);
  ADD (shapes_alternate_and_chunks_have_one);
  ADD (a_whole_chunk_comes_after_what_was_emitted_before);
  ADD (what_is_borrowed_is_copied_and_nothing_else);
  ADD (an_emit_at_the_end_of_the_chain_fails);
  ADD (nothing_is_allocated_without_failing);
  ADD (formatted_texts_are_whole_at_every_length);
  ADD (a_text_that_just_fits_or_does_not);
  ADD (without_memory_a_text_is_nil_and_the_batch_fails);
  ADD (task_memory_is_used_again_between_steps);
  ADD (task_memory_that_is_kept_stays_whole);
  ADD (rejects_are_counted_by_reason);
  ADD (a_long_reason_is_cut);
  ADD (rejects_that_somebody_reads_are_copied);
  ADD (rejects_stop_at_the_memory_limit);
  ADD (a_failure_names_the_operator_and_stops_the_chain);
  ADD (a_task_knows_its_batch_and_partition);
  ADD (links_without_memory_are_refused);
  return g_test_run ();
}
