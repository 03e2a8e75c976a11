/* Sinks of the job's own: every slot, restarts, errors, wrong usage. SPDX-License-Identifier: Apache-2.0
 */
#include <weir/connector.h>
#include <weir/test.h>

#include <string.h>

#include "scratch.h"

#define NAME "ledger"

/* What a sink has made visible, as a table with the batch's id as its key; and what a test wants of it. */
typedef struct {
  GHashTable *committed; /* "job output time" -> text */
  guint n_commits, n_open, n_close, n_abort, n_prepare;
  gint n_parts, n_begins; /* open; ever */
  const char *fail_at;    /* the slot that fails, after n_good good calls */
  guint n_good, n_fails;
  gint code;
  gboolean is_silent;
} World;

static gboolean
may_go_on (World *world, const char *slot, GError **error)
{
  if (world->fail_at == NULL || !g_str_equal (world->fail_at, slot))
    return TRUE;
  if (world->n_good > 0) {
    world->n_good--;
    return TRUE;
  }
  if (world->n_fails == 0)
    return TRUE;
  world->n_fails--;
  if (!world->is_silent)
    g_set_error_literal (error, WEIR_ERROR, world->code, "as the test wants it");
  return FALSE;
}

static World *
world_of (WeirSink *sink)
{
  return weir_sink_user_data (sink);
}

static gboolean
ledger_open (WeirSink *sink, GError **error)
{
  guint *instance = weir_sink_instance (sink);

  g_assert_cmpuint (*instance, ==, 0);
  *instance = 42;
  world_of (sink)->n_open++;
  return may_go_on (world_of (sink), "open", error);
}

static gboolean
ledger_begin (WeirSinkPart *part, GError **error)
{
  guint *state = part->state;

  g_assert_cmpuint (*state, ==, 0);
  g_assert_cmpuint (*(guint *) weir_sink_instance (part->sink), ==, 42);
  g_assert_cmpuint (part->bytes->len, ==, 0);
  *state = part->partition + 1;
  g_atomic_int_inc (&world_of (part->sink)->n_parts);
  g_atomic_int_inc (&world_of (part->sink)->n_begins);
  return may_go_on (world_of (part->sink), "begin", error);
}

static gboolean
ledger_write (WeirSinkPart *part, WeirValue value, GError **error)
{
  g_autofree char *text = weir_to_string (value);

  g_byte_array_append (part->bytes, (const guint8 *) text, (guint) strlen (text));
  g_byte_array_append (part->bytes, (const guint8 *) " ", 1);
  return may_go_on (world_of (part->sink), "write", error);
}

static gboolean
ledger_end (WeirSinkPart *part, GError **error)
{
  g_assert_cmpuint (*(guint *) part->state, ==, part->partition + 1);
  g_atomic_int_add (&world_of (part->sink)->n_parts, -1);
  return may_go_on (world_of (part->sink), "end", error);
}

static gboolean
ledger_prepare (WeirSink *sink, const WeirSinkBatch *batch, GByteArray *note, GError **error)
{
  g_byte_array_append (note, (const guint8 *) "|", 1);
  world_of (sink)->n_prepare++;
  return may_go_on (world_of (sink), "prepare", error);
}

/* A batch that is there already must be the same, and is left alone. */
static void
show (World *world, const WeirSinkBatch *batch, char *text)
{
  char *key = g_strdup_printf ("%s %s %" G_GINT64_FORMAT, batch->job, batch->output, batch->time / G_USEC_PER_SEC);
  const char *old = g_hash_table_lookup (world->committed, key);

  if (old != NULL)
    g_assert_cmpstr (text, ==, old);
  g_hash_table_insert (world->committed, key, text);
  world->n_commits++;
}

static gboolean
ledger_commit (WeirSink *sink, const WeirSinkBatch *batch, WeirNote *note, GError **error)
{
  gsize size;
  const char *text = weir_note_bytes (note, &size);

  if (!may_go_on (world_of (sink), "commit", error))
    return FALSE;
  show (world_of (sink), batch, g_strndup (text, size));
  return TRUE;
}

static gboolean
values_commit (WeirSink *sink, const WeirSinkBatch *batch, WeirNote *note, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);
  GError *failure = NULL;
  WeirValue value;

  while (weir_note_next (note, &value, &failure)) {
    g_autofree char *element = weir_to_string (value);

    g_string_append_printf (text, "%s ", element);
  }
  if (failure != NULL) {
    g_propagate_error (error, failure);
    return FALSE;
  }
  show (world_of (sink), batch, g_strdup (text->str));
  return TRUE;
}

static void
ledger_abort (WeirSink *sink)
{
  world_of (sink)->n_abort++;
}

static void
ledger_close (WeirSink *sink)
{
  g_assert_cmpuint (*(guint *) weir_sink_instance (sink), ==, 42);
  world_of (sink)->n_close++;
}

static const WeirSinkClass ledger_class = {
  .name = NAME,
  .instance_size = sizeof (guint),
  .part_size = sizeof (guint),
  .open = ledger_open,
  .begin = ledger_begin,
  .write = ledger_write,
  .end = ledger_end,
  .prepare = ledger_prepare,
  .commit = ledger_commit,
  .abort = ledger_abort,
  .close = ledger_close,
};

static const WeirSinkClass values_class = { .name = "values", .commit = values_commit };

/* --- a job of four pushes --- */

typedef struct {
  Scratch scratch;
  World world;
  WeirSinkClass klass;
  gboolean has_checkpoint;
  const char *interval; /* of the checkpoint */
  const char *attempts; /* to restart within the process */
} Life;

static void
life_init (Life *life, WeirSinkGuarantee guarantee, gboolean has_checkpoint)
{
  *life = (Life){ .klass = ledger_class, .has_checkpoint = has_checkpoint, .interval = "2s", .attempts = "3" };
  scratch_init (&life->scratch);
  life->klass.guarantee = guarantee;
  life->world.committed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  life->world.code = WEIR_ERROR_USER;
}

static void
life_clear (Life *life)
{
  g_hash_table_unref (life->world.committed);
  scratch_clear (&life->scratch);
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, key, value, &error);
  g_assert_no_error (error);
}

static WeirQueue *
make_queue (void)
{
  WeirQueue *queue = weir_queue_new ();

  weir_queue_set_partitions (queue, 2);
  for (gint64 i = 1; i <= 8; i++) {
    WeirValue values[] = { weir_int (i), weir_text ("x"), WEIR_PAIR_OF (weir_text ("k"), weir_int (i)) };

    weir_queue_push (queue, values, i == 3 ? 0 : G_N_ELEMENTS (values)); /* one is empty */
  }
  return queue;
}

static gboolean
life_try (Life *life, WeirTime at, guint n, GError **error)
{
  g_autoptr (WeirQueue) queue = make_queue ();
  g_autoptr (WeirContext) ctx = weir_test_context_new_at (WEIR_SECONDS (1), at);
  WeirStream *pushes = weir_queue_stream (ctx, queue, TRUE);

  set (ctx, "log.level", "error");
  set (ctx, "workers", "2");
  if (life->has_checkpoint) {
    g_autofree char *uri = g_strdup_printf ("file://%s/checkpoint", life->scratch.path);

    set (ctx, "checkpoint", uri);
    set (ctx, "checkpoint.interval", life->interval);
    set (ctx, "restart.attempts", life->attempts);
  }
  weir_output (pushes, &life->klass, &life->world);
  return weir_test_advance (ctx, n, error);
}

static void
life_run (Life *life, WeirTime at, guint n)
{
  g_autoptr (GError) error = NULL;

  life_try (life, at, n, &error);
  g_assert_no_error (error);
  g_assert_cmpint (life->world.n_parts, ==, 0);
  g_assert_cmpuint (life->world.n_open, ==, life->world.n_close);
}

static void
life_run_into (Life *life, guint n, gint code, const char *fragment)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (life_try (life, 0, n, &error));
  g_assert_error (error, WEIR_ERROR, code);
  if (strstr (error->message, fragment) == NULL)
    g_error ("\"%s\" is not in \"%s\"", fragment, error->message);
  g_assert_cmpint (life->world.n_parts, ==, 0);
}

/* Batches 1 to n, no others, each as it should be. */
static void
expect_world (const Life *life, guint n)
{
  const char *prepared = life->klass.prepare != NULL ? "|" : "";

  g_assert_cmpuint (g_hash_table_size (life->world.committed), ==, n);
  for (guint i = 1; i <= n; i++) {
    g_autofree char *key = g_strdup_printf ("test %s-0 %u", life->klass.name, i);
    g_autofree char *text = i == 3 ? g_strdup (prepared) : g_strdup_printf ("%u x (k,%u) %s", i, i, prepared);

    g_assert_cmpstr (g_hash_table_lookup (life->world.committed, key), ==, text);
  }
}

static void
test_without_a_checkpoint_each_batch_is_committed_at_once (void)
{
  static const WeirSinkGuarantee guarantees[] = { WEIR_SINK_SEALED, WEIR_SINK_AT_ONCE };

  for (guint i = 0; i < G_N_ELEMENTS (guarantees); i++) {
    Life life;

    life_init (&life, guarantees[i], FALSE);
    life_run (&life, 0, 4);
    expect_world (&life, 4);
    g_assert_cmpuint (life.world.n_commits, ==, 4);
    g_assert_cmpuint (life.world.n_prepare, ==, 4);
    g_assert_cmpint (life.world.n_begins, ==, 8);
    g_assert_cmpuint (life.world.n_abort, ==, 0);
    life_clear (&life);
  }
}

static void
test_without_write_values_are_handed_to_commit (void)
{
  Life life;

  life_init (&life, WEIR_SINK_SEALED, TRUE);
  life.klass = values_class;
  life_run (&life, 0, 4);
  expect_world (&life, 4);
  life_clear (&life);
}

static void
test_sealed_batches_appear_with_the_seal (void)
{
  Life life;

  life_init (&life, WEIR_SINK_SEALED, TRUE);
  life_run (&life, 0, 5); /* the fifth is not sealed when the job falls */
  expect_world (&life, 4);
  life_run (&life, WEIR_SECONDS (5), 3);
  expect_world (&life, 8);
  life_clear (&life);
}

static void
test_after_a_restart_the_newest_seal_is_committed_again (void)
{
  Life life;

  life_init (&life, WEIR_SINK_SEALED, TRUE);
  life_run (&life, 0, 4);
  g_assert_cmpuint (life.world.n_commits, ==, 4);
  g_hash_table_remove_all (life.world.committed); /* as if the process had died before its commit */
  life.world.n_commits = 0;
  life_run (&life, WEIR_SECONDS (4), 0);
  life_run (&life, WEIR_SECONDS (4), 1);
  g_assert_true (g_hash_table_contains (life.world.committed, "test ledger-0 3"));
  g_assert_true (g_hash_table_contains (life.world.committed, "test ledger-0 4"));
  g_assert_cmpuint (life.world.n_abort, >, 0);
  life_clear (&life);
}

static void
test_at_once_batches_come_again_with_their_id (void)
{
  Life life;

  life_init (&life, WEIR_SINK_AT_ONCE, TRUE);
  life_run (&life, 0, 5);
  expect_world (&life, 5);
  life_run (&life, WEIR_SECONDS (5), 3);
  expect_world (&life, 8); /* show () has compared what came twice */
  g_assert_cmpuint (life.world.n_commits, ==, 5 + 1 + 3);
  life_clear (&life);
}

/* --- errors --- */

static void
test_an_error_of_any_slot_fails_the_batch_by_name (void)
{
  static const char *const slots[] = { "begin", "write", "end", "prepare", "commit" };

  for (guint i = 0; i < G_N_ELEMENTS (slots); i++) {
    Life life;

    life_init (&life, WEIR_SINK_SEALED, FALSE);
    life.world.fail_at = slots[i];
    life.world.n_fails = 1;
    life_run_into (&life, 2, WEIR_ERROR_USER, NAME "-0: as the test wants it");
    expect_world (&life, 0);
    g_assert_cmpuint (life.world.n_abort, ==, 1);
    g_assert_cmpuint (life.world.n_close, ==, 1);
    life_clear (&life);
  }
}

static void
test_a_failure_without_an_error_is_told (void)
{
  static const char *const slots[] = { "open", "begin", "write", "end", "prepare", "commit" };

  for (guint i = 0; i < G_N_ELEMENTS (slots); i++) {
    g_autofree char *expected = g_strdup_printf (NAME "-0: its %s () returned FALSE and set no error", slots[i]);
    Life life;

    life_init (&life, WEIR_SINK_AT_ONCE, FALSE);
    life.world.fail_at = slots[i];
    life.world.n_fails = 1;
    life.world.is_silent = TRUE;
    life_run_into (&life, 1, WEIR_ERROR_USER, expected);
    life_clear (&life);
  }
}

static void
test_an_error_of_open_stops_the_start (void)
{
  Life life;

  life_init (&life, WEIR_SINK_SEALED, FALSE);
  life.world.fail_at = "open";
  life.world.n_fails = 1;
  life.world.code = WEIR_ERROR_SINK;
  life_run_into (&life, 1, WEIR_ERROR_SINK, NAME "-0: as the test wants it");
  g_assert_cmpuint (life.world.n_close, ==, 1);
  life_clear (&life);
}

static void
test_with_a_checkpoint_a_batch_that_fails_is_written_again (void)
{
  static const char *const slots[] = { "begin", "write", "end", "prepare", "commit" };

  static const WeirSinkGuarantee guarantees[] = { WEIR_SINK_SEALED, WEIR_SINK_AT_ONCE };

  for (guint i = 0; i < 2 * G_N_ELEMENTS (slots); i++) {
    Life life;

    life_init (&life, guarantees[i % 2], TRUE);
    life.interval = "1s";
    life.world.fail_at = slots[i / 2];
    life.world.n_good = 2;
    life.world.n_fails = 1;
    life_run (&life, 0, 6);
    expect_world (&life, 6);
    g_assert_cmpuint (life.world.n_open, ==, 2);
    life_clear (&life);
  }
}

static void
test_a_seal_that_fails_is_made_by_the_next_life (void)
{
  static const char *const slots[] = { "prepare", "commit" };

  for (guint i = 0; i < G_N_ELEMENTS (slots); i++) {
    g_autoptr (GError) error = NULL;
    Life life;

    life_init (&life, WEIR_SINK_SEALED, TRUE);
    life.attempts = "0";
    life.world.fail_at = slots[i];
    life.world.n_good = 3;
    life.world.n_fails = 1000;
    life_try (&life, 0, 4, &error); /* may be told of the seal, or not any more */
    expect_world (&life, slots[i][0] == 'p' ? 2 : 3);
    life.world.n_fails = 0;
    life_run (&life, WEIR_SECONDS (4), 2);
    expect_world (&life, 6);
    life_clear (&life);
  }
}

static void
test_a_commit_that_may_succeed_later_is_tried_again (void)
{
  Life life;

  life_init (&life, WEIR_SINK_SEALED, TRUE);
  life.world.fail_at = "commit";
  life.world.n_good = 1;
  life.world.n_fails = 2;
  life.world.code = WEIR_ERROR_SINK;
  life_run (&life, 0, 4);
  expect_world (&life, 4);
  g_assert_cmpuint (life.world.n_open, ==, 1);
  life_clear (&life);
}

static void
test_what_another_class_wrote_is_no_note_of_values (void)
{
  g_autoptr (GError) error = NULL;
  Life life;

  life_init (&life, WEIR_SINK_SEALED, TRUE);
  life_run (&life, 0, 4);
  life.klass = values_class;
  life.klass.name = NAME;
  g_assert_false (life_try (&life, WEIR_SECONDS (4), 1, &error));
  g_assert_nonnull (strstr (error->message, NAME "-0"));
  life_clear (&life);
}

static void
refuse (const WeirSinkClass *klass, const char *fragment)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (GError) error = NULL;

  weir_output (weir_queue_stream (ctx, queue, TRUE), klass, NULL);
  g_assert_false (weir_test_advance (ctx, 1, &error));
  g_assert_error (error, WEIR_ERROR, WEIR_ERROR_GRAPH);
  if (strstr (error->message, fragment) == NULL)
    g_error ("\"%s\" is not in \"%s\"", fragment, error->message);
}

static void
test_a_class_that_lacks_something_is_a_mistake (void)
{
  WeirSinkClass klass = ledger_class;

  refuse (NULL, "is of no class");
  klass.name = "";
  refuse (&klass, "without a name");
  klass = ledger_class;
  klass.commit = NULL;
  refuse (&klass, "is of a class without commit ()");
  klass = ledger_class;
  klass.guarantee = (WeirSinkGuarantee) 7;
  refuse (&klass, "guarantee 7");
  klass = ledger_class;
  klass.part_size = G_MAXSIZE;
  refuse (&klass, "above 2 GiB");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/custom-sink/without-a-checkpoint-each-batch-is-committed-at-once",
                   test_without_a_checkpoint_each_batch_is_committed_at_once);
  g_test_add_func ("/custom-sink/without-write-values-are-handed-to-commit",
                   test_without_write_values_are_handed_to_commit);
  g_test_add_func ("/custom-sink/sealed-batches-appear-with-the-seal", test_sealed_batches_appear_with_the_seal);
  g_test_add_func ("/custom-sink/after-a-restart-the-newest-seal-is-committed-again",
                   test_after_a_restart_the_newest_seal_is_committed_again);
  g_test_add_func ("/custom-sink/at-once-batches-come-again-with-their-id",
                   test_at_once_batches_come_again_with_their_id);
  g_test_add_func ("/custom-sink/an-error-of-any-slot-fails-the-batch-by-name",
                   test_an_error_of_any_slot_fails_the_batch_by_name);
  g_test_add_func ("/custom-sink/a-failure-without-an-error-is-told", test_a_failure_without_an_error_is_told);
  g_test_add_func ("/custom-sink/an-error-of-open-stops-the-start", test_an_error_of_open_stops_the_start);
  g_test_add_func ("/custom-sink/with-a-checkpoint-a-batch-that-fails-is-written-again",
                   test_with_a_checkpoint_a_batch_that_fails_is_written_again);
  g_test_add_func ("/custom-sink/a-seal-that-fails-is-made-by-the-next-life",
                   test_a_seal_that_fails_is_made_by_the_next_life);
  g_test_add_func ("/custom-sink/a-commit-that-may-succeed-later-is-tried-again",
                   test_a_commit_that_may_succeed_later_is_tried_again);
  g_test_add_func ("/custom-sink/what-another-class-wrote-is-no-note-of-values",
                   test_what_another_class_wrote_is_no_note_of_values);
  g_test_add_func ("/custom-sink/a-class-that-lacks-something-is-a-mistake",
                   test_a_class_that_lacks_something_is_a_mistake);
  return g_test_run ();
}
