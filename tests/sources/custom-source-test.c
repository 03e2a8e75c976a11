/* Sources of the job's own: every slot, restarts, errors, wrong usage. SPDX-License-Identifier: Apache-2.0
 */
#include <weir/connector.h>
#include <weir/test.h>

#include <string.h>

#include "engine/source.h"
#include "tests/sinks/scratch.h"

#define NAME "numbers"

/* A source of numbers, and what a test wants of it and sees of it. */
typedef struct {
  guint64 step;                /* numbers a batch */
  guint n_partitions;          /* of a batch */
  guint fail_plan, fail_fetch; /* the call, counted from 1, that fails; 0: none */
  gint code;
  gboolean fail_open, fail_resume, is_silent;
  guint n_open, n_close, n_plan, n_fetch, n_end;
  gint n_state; /* of fetches that are open */
  gint64 max_records;
  guint64 resumed, sealed;
  gboolean rejects_odd;
} World;

typedef struct {
  guint64 begun;
} Instance;

static guint64
number_of (gconstpointer position, gsize size)
{
  guint64 number = 0;

  g_assert_true (size == 0 || size == sizeof number);
  if (size > 0)
    memcpy (&number, position, size);
  return number;
}

static gboolean
fail (const World *world, GError **error)
{
  if (!world->is_silent)
    g_set_error_literal (error, WEIR_ERROR, world->code, "as the test wants it");
  return FALSE;
}

static gboolean
numbers_open (WeirSource *source, GByteArray *begin, GError **error)
{
  World *world = weir_source_user_data (source);
  Instance *instance = weir_source_instance (source);
  guint64 first = 100;

  world->n_open++;
  g_assert_cmpuint (instance->begun, ==, 0);
  instance->begun = first;
  g_byte_array_append (begin, (const guint8 *) &first, sizeof first);
  return !world->fail_open || fail (world, error);
}

static gboolean
numbers_resume (WeirSource *source, gconstpointer position, gsize size, GError **error)
{
  World *world = weir_source_user_data (source);

  world->resumed = number_of (position, size);
  return !world->fail_resume || fail (world, error);
}

static gboolean
numbers_plan (WeirSource *source, WeirSourcePlan *plan, GError **error)
{
  World *world = weir_source_user_data (source);
  guint64 until = number_of (plan->from, plan->from_size) + world->step;

  g_assert_cmpint (plan->n_records, ==, -1);
  g_assert_cmpuint (plan->n_partitions, ==, 1);
  world->max_records = plan->max_records;
  if (++world->n_plan == world->fail_plan)
    return fail (world, error);
  g_byte_array_append (plan->until, (const guint8 *) &until, sizeof until);
  plan->n_partitions = world->n_partitions;
  plan->n_records = (gint64) world->step;
  return TRUE;
}

/* One number a call; partition p has those that are p modulo n_partitions. */
static gboolean
numbers_fetch (WeirTask *task, WeirFetch *fetch, GError **error)
{
  World *world = weir_source_user_data (fetch->source);
  guint64 *n = fetch->state, from = number_of (fetch->from, fetch->from_size);
  guint64 at = from + fetch->partition + *n * fetch->n_partitions;

  if ((*n)++ == 0)
    g_atomic_int_inc (&world->n_state);
  if ((guint) g_atomic_int_add ((gint *) &world->n_fetch, 1) + 1 == world->fail_fetch)
    return fail (world, error);
  if (at >= number_of (fetch->until, fetch->until_size))
    return FALSE;
  if (world->rejects_odd && at % 2 == 1)
    weir_reject (task, weir_int ((gint64) at), "odd");
  else
    weir_emit (task, weir_int ((gint64) at));
  return TRUE;
}

static void
numbers_fetch_end (WeirFetch *fetch)
{
  World *world = weir_source_user_data (fetch->source);

  g_assert_cmpuint (*(guint64 *) fetch->state, >, 0);
  g_atomic_int_add (&world->n_state, -1);
  g_atomic_int_inc ((gint *) &world->n_end);
}

static void
numbers_sealed (WeirSource *source, gconstpointer position, gsize size)
{
  ((World *) weir_source_user_data (source))->sealed = number_of (position, size);
}

static void
numbers_close (WeirSource *source)
{
  World *world = weir_source_user_data (source);

  g_assert_nonnull (weir_source_instance (source));
  world->n_close++;
}

static const WeirSourceClass numbers_class = {
  .name = NAME,
  .instance_size = sizeof (Instance),
  .fetch_size = sizeof (guint64),
  .open = numbers_open,
  .resume = numbers_resume,
  .plan = numbers_plan,
  .fetch = numbers_fetch,
  .fetch_end = numbers_fetch_end,
  .sealed = numbers_sealed,
  .close = numbers_close,
};

static World
world_new (void)
{
  return (World){ .step = 4, .n_partitions = 2, .code = WEIR_ERROR_USER };
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, key, value, &error);
  g_assert_no_error (error);
}

static void
advance (WeirContext *ctx, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (ctx, n, &error);
  g_assert_no_error (error);
}

static void
advance_into (WeirContext *ctx, guint n, gint code, const char *fragment)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (weir_test_advance (ctx, n, &error));
  g_assert_error (error, WEIR_ERROR, code);
  if (strstr (error->message, fragment) == NULL)
    g_error ("\"%s\" is not in \"%s\"", fragment, error->message);
}

static void
expect (WeirCollected *collected, guint batch, const char *expected)
{
  g_autofree char *text = weir_collected_text (collected, batch);

  g_assert_cmpstr (text, ==, expected);
}

static void
test_a_batch_is_what_lies_between_two_positions (void)
{
  World world = world_new ();
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  WeirCollected *collected = weir_collect (weir_source_stream (ctx, &numbers_class, &world));

  set (ctx, "log.level", "error");
  advance (ctx, 2);
  world.n_partitions = 3;
  world.step = 2;
  advance (ctx, 1);
  expect (collected, 0, "100 101 102 103");
  expect (collected, 1, "104 105 106 107");
  expect (collected, 2, "108 109");
  g_assert_cmpuint (world.n_open, ==, 1);
  g_assert_cmpuint (world.n_end, ==, 2 + 2 + 3);
  g_assert_cmpint (world.n_state, ==, 0);
  g_assert_cmpint (world.max_records, ==, G_MAXINT64);
  g_clear_pointer (&ctx, weir_context_free);
  g_assert_cmpuint (world.n_close, ==, 1);
}

static void
test_no_partitions_leave_the_position_where_it_is (void)
{
  World world = world_new ();
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  WeirCollected *collected = weir_collect (weir_source_stream (ctx, &numbers_class, &world));

  world.n_partitions = 0;
  advance (ctx, 2);
  world.n_partitions = 1;
  advance (ctx, 1);
  expect (collected, 0, "");
  expect (collected, 1, "");
  expect (collected, 2, "100 101 102 103");
}

static gboolean
plan_slowly (WeirSource *source, WeirSourcePlan *plan, GError **error)
{
  source->rate = 50;
  return numbers_plan (source, plan, error);
}

static void
test_back_pressure_is_handed_on (void)
{
  World world = world_new ();
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (2));
  WeirSourceClass klass = numbers_class;

  klass.plan = plan_slowly;
  weir_collect (weir_source_stream (ctx, &klass, &world));
  advance (ctx, 2);
  g_assert_cmpint (world.max_records, ==, 100);
}

static void
test_what_fetch_rejects_is_in_rejected (void)
{
  World world = world_new ();
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  WeirStream *stream = weir_source_stream (ctx, &numbers_class, &world);
  WeirCollected *good = weir_collect (stream), *bad = weir_collect (weir_rejected (stream));

  world.rejects_odd = TRUE;
  advance (ctx, 1);
  expect (good, 0, "100 102");
  expect (bad, 0, "(odd,101) (odd,103)");
}

/* --- restarts --- */

typedef struct {
  Scratch scratch;
  World world;
  GHashTable *shown; /* time -> text */
  guint n_shown;
} Life;

static void
life_init (Life *life)
{
  scratch_init (&life->scratch);
  life->world = world_new ();
  life->shown = g_hash_table_new_full (g_direct_hash, g_direct_equal, NULL, g_free);
  life->n_shown = 0;
}

static void
life_clear (Life *life)
{
  g_hash_table_unref (life->shown);
  scratch_clear (&life->scratch);
}

/* A batch that comes again must be the same. */
static gboolean
show (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  Life *life = user_data;
  gpointer key = GINT_TO_POINTER (time / G_USEC_PER_SEC);
  g_autoptr (GArray) values = weir_dataset_collect (data, error);
  g_autoptr (GString) text = g_string_new (NULL);
  const char *old = g_hash_table_lookup (life->shown, key);

  if (values == NULL)
    return FALSE;
  for (guint i = 0; i < values->len; i++)
    g_string_append_printf (text, "%" G_GINT64_FORMAT " ", weir_as_int (g_array_index (values, WeirValue, i)));
  if (old != NULL)
    g_assert_cmpstr (text->str, ==, old);
  g_hash_table_insert (life->shown, key, g_strdup (text->str));
  life->n_shown++;
  return TRUE;
}

static WeirContext *
life_context (Life *life, WeirTime at)
{
  WeirContext *ctx = weir_test_context_new_at (WEIR_SECONDS (1), at);
  g_autofree char *uri = g_strdup_printf ("file://%s/checkpoint", life->scratch.path);
  WeirStream *stream = weir_source_stream (ctx, &numbers_class, &life->world);

  set (ctx, "checkpoint", uri);
  set (ctx, "checkpoint.interval", "3s");
  set (ctx, "log.level", "error");
  weir_stream_set_uid (stream, "my-numbers");
  weir_output_set_uid (weir_foreach_batch (stream, show, life), "shown");
  return ctx;
}

static void
test_batches_after_a_kill_are_the_same (void)
{
  Life life;
  g_autoptr (WeirContext) ctx = NULL;

  life_init (&life);
  ctx = life_context (&life, 0);
  advance (ctx, 5);
  g_assert_cmpuint (life.world.sealed, ==, 112);
  g_clear_pointer (&ctx, weir_context_free);
  life.world.step = 1; /* what is planned anew is another matter */
  life.world.n_partitions = 5;
  life.world.n_plan = 0;
  ctx = life_context (&life, WEIR_SECONDS (5));
  advance (ctx, 2);
  g_assert_cmpuint (life.world.resumed, ==, 112);
  g_assert_cmpuint (life.world.n_plan, ==, 2);
  g_assert_cmpuint (life.n_shown, ==, 5 + 2 + 2); /* two were shown again */
  g_assert_cmpstr (g_hash_table_lookup (life.shown, GINT_TO_POINTER (5)), ==, "116 118 117 119 ");
  g_assert_cmpstr (g_hash_table_lookup (life.shown, GINT_TO_POINTER (6)), ==, "120 ");
  g_assert_cmpstr (g_hash_table_lookup (life.shown, GINT_TO_POINTER (7)), ==, "121 ");
  g_clear_pointer (&ctx, weir_context_free);
  life_clear (&life);
}

static void
test_a_batch_whose_fetch_fails_is_fetched_again (void)
{
  Life life;
  g_autoptr (WeirContext) ctx = NULL;

  life_init (&life);
  life.world.fail_fetch = 9;
  life.world.code = WEIR_ERROR_SOURCE;
  ctx = life_context (&life, 0);
  advance (ctx, 4);
  for (guint i = 0; i < 4; i++) {
    g_autofree char *expected = g_strdup_printf ("%u %u %u %u ", 100 + 4 * i, 102 + 4 * i, 101 + 4 * i, 103 + 4 * i);

    g_assert_cmpstr (g_hash_table_lookup (life.shown, GINT_TO_POINTER (i + 1)), ==, expected);
  }
  g_assert_cmpuint (life.world.n_open, ==, 2);
  g_assert_cmpuint (life.world.n_close, ==, 1);
  g_clear_pointer (&ctx, weir_context_free);
  life_clear (&life);
}

static void
test_a_position_that_cannot_be_read_stops_the_start (void)
{
  Life life;
  g_autoptr (WeirContext) ctx = NULL;

  life_init (&life);
  ctx = life_context (&life, 0);
  advance (ctx, 4);
  g_clear_pointer (&ctx, weir_context_free);
  life.world.fail_resume = TRUE;
  life.world.code = WEIR_ERROR_DATA_LOSS;
  ctx = life_context (&life, WEIR_SECONDS (4));
  advance_into (ctx, 1, WEIR_ERROR_DATA_LOSS, "my-numbers: as the test wants it");
  g_clear_pointer (&ctx, weir_context_free);
  life_clear (&life);
}

/* --- errors --- */

static void
fail_with (World *world, guint n, gint code, const char *fragment)
{
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));

  set (ctx, "log.level", "error");
  weir_collect (weir_source_stream (ctx, &numbers_class, world));
  advance_into (ctx, n, code, fragment);
  g_clear_pointer (&ctx, weir_context_free);
  g_assert_cmpuint (world->n_close, ==, world->n_open);
  g_assert_cmpint (world->n_state, ==, 0);
}

static void
test_an_error_of_open_stops_the_start (void)
{
  World world = world_new ();

  world.fail_open = TRUE;
  fail_with (&world, 1, WEIR_ERROR_USER, NAME "-0: as the test wants it");
}

static void
test_an_error_of_plan_fails_the_batch (void)
{
  World world = world_new ();

  world.fail_plan = 2;
  fail_with (&world, 3, WEIR_ERROR_USER, NAME "-0: as the test wants it");
}

static void
test_an_error_of_fetch_fails_the_batch (void)
{
  World world = world_new ();

  world.fail_fetch = 7;
  world.code = WEIR_ERROR_KIND;
  fail_with (&world, 3, WEIR_ERROR_KIND, NAME "-0: as the test wants it");
}

static void
test_a_failure_without_an_error_is_told (void)
{
  World world = world_new ();

  world.is_silent = TRUE;
  world.fail_plan = 1;
  fail_with (&world, 1, WEIR_ERROR_USER, NAME "-0: its plan () returned FALSE and set no error");
}

static void
test_a_plan_that_may_succeed_later_is_asked_again (void)
{
  World world = world_new ();
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  WeirCollected *collected = weir_collect (weir_source_stream (ctx, &numbers_class, &world));

  set (ctx, "log.level", "error");
  world.fail_plan = 2;
  world.code = WEIR_ERROR_SOURCE;
  advance (ctx, 3);
  expect (collected, 0, "100 101 102 103");
  expect (collected, 1, "");
  expect (collected, 2, "104 105 106 107");
}

static void
test_too_many_partitions_are_refused (void)
{
  World world = world_new ();

  world.n_partitions = 65537;
  fail_with (&world, 1, WEIR_ERROR_USER, "65537 partitions");
}

static void
refuse (const WeirSourceClass *klass, const char *fragment)
{
  World world = world_new ();
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));

  weir_collect (weir_source_stream (ctx, klass, &world));
  advance_into (ctx, 1, WEIR_ERROR_GRAPH, fragment);
  g_assert_cmpuint (world.n_open, ==, 0);
}

static void
test_a_class_that_lacks_something_is_a_mistake (void)
{
  WeirSourceClass klass = numbers_class;

  refuse (NULL, "source_stream-0 has no class (NULL)");
  klass.name = NULL;
  refuse (&klass, "source_stream-0 is of a class without a name");
  klass = numbers_class;
  klass.plan = NULL;
  refuse (&klass, NAME "-0 is of a class without plan ()");
  klass = numbers_class;
  klass.fetch = NULL;
  refuse (&klass, NAME "-0 is of a class without fetch ()");
  klass = numbers_class;
  klass.instance_size = G_MAXSIZE;
  refuse (&klass, NAME "-0 is of a class whose memory is above 2 GiB");
}

static void
test_a_class_of_an_older_header_has_fewer_slots (void)
{
  World world = world_new ();
  g_autoptr (WeirContext) ctx = weir_test_context_new (WEIR_SECONDS (1));
  WeirCollected *collected = weir_collect (
      weir_source_stream_sized (ctx, &numbers_class, G_STRUCT_OFFSET (WeirSourceClass, fetch_end), &world));

  advance (ctx, 1);
  expect (collected, 0, "100 101 102 103");
  g_clear_pointer (&ctx, weir_context_free);
  g_assert_cmpuint (world.n_end, ==, 0);
  g_assert_cmpuint (world.n_close, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/custom-source/a-batch-is-what-lies-between-two-positions",
                   test_a_batch_is_what_lies_between_two_positions);
  g_test_add_func ("/custom-source/no-partitions-leave-the-position-where-it-is",
                   test_no_partitions_leave_the_position_where_it_is);
  g_test_add_func ("/custom-source/back-pressure-is-handed-on", test_back_pressure_is_handed_on);
  g_test_add_func ("/custom-source/what-fetch-rejects-is-in-rejected", test_what_fetch_rejects_is_in_rejected);
  g_test_add_func ("/custom-source/batches-after-a-kill-are-the-same", test_batches_after_a_kill_are_the_same);
  g_test_add_func ("/custom-source/a-batch-whose-fetch-fails-is-fetched-again",
                   test_a_batch_whose_fetch_fails_is_fetched_again);
  g_test_add_func ("/custom-source/a-position-that-cannot-be-read-stops-the-start",
                   test_a_position_that_cannot_be_read_stops_the_start);
  g_test_add_func ("/custom-source/an-error-of-open-stops-the-start", test_an_error_of_open_stops_the_start);
  g_test_add_func ("/custom-source/an-error-of-plan-fails-the-batch", test_an_error_of_plan_fails_the_batch);
  g_test_add_func ("/custom-source/an-error-of-fetch-fails-the-batch", test_an_error_of_fetch_fails_the_batch);
  g_test_add_func ("/custom-source/a-failure-without-an-error-is-told", test_a_failure_without_an_error_is_told);
  g_test_add_func ("/custom-source/a-plan-that-may-succeed-later-is-asked-again",
                   test_a_plan_that_may_succeed_later_is_asked_again);
  g_test_add_func ("/custom-source/too-many-partitions-are-refused", test_too_many_partitions_are_refused);
  g_test_add_func ("/custom-source/a-class-that-lacks-something-is-a-mistake",
                   test_a_class_that_lacks_something_is_a_mistake);
  g_test_add_func ("/custom-source/a-class-of-an-older-header-has-fewer-slots",
                   test_a_class_of_an_older_header_has_fewer_slots);
  return g_test_run ();
}
