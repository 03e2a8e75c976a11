/* What `weir checkpoint` changes, and that a job goes on from it. SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/program.h"

#include <string.h>
#include <unistd.h>

static RedisPlace redis_place;

typedef void (*Test) (Kept *kept);

/* The job has run six batches, pushes 0 to 5: its keys 0, 1, 2 have 0 + 3, 1 + 4, 2 + 5. Push 6 is for key 0. */
static void
with_checkpoint (gconstpointer test, RedisPlace *redis)
{
  Kept kept;

  kept_init (&kept, SHOWN_AT_ONCE | SEALED, redis);
  kept_run (&kept, 0, 6);
  ((Test) test) (&kept);
  kept_clear (&kept);
}

static void
in_a_directory (gconstpointer test)
{
  with_checkpoint (test, NULL);
}

static void
in_redis (gconstpointer test)
{
  with_checkpoint (test, &redis_place);
}

static const char *
shown (const Kept *kept, const char *output)
{
  return g_hash_table_lookup (kept->job.world.committed, output);
}

static void
expect_sound (const Kept *kept)
{
  kept_expect (kept, "epochs\t...\npieces\t...\nbytes\t...\nplans\t...", "verify", NULL);
}

static void
a_dropped_state_is_empty_and_the_rest_goes_on (Kept *kept)
{
  kept_expect (kept, "dropped\tstate\ttotals\t...\nsealed\t10", "drop", "totals", NULL);
  kept_expect (kept, "#uid\tverb\tversion\tpieces\tbytes", "states", NULL);
  kept_expect (kept, "#uid\tverb\twhere\tnext\npushes\tqueue_stream\tpush\t6", "offsets", NULL);
  expect_sound (kept);
  kept_run (kept, WEIR_SECONDS (6), 2);
  g_assert_cmpstr (shown (kept, "shown 7"), ==, "(0,6)");
  g_assert_cmpstr (shown (kept, "sealed 8"), ==, "(0,6) (1,7)");
  g_assert_cmpuint (kept->job.world.n_doubled, ==, 0);
  expect_sound (kept);
}

static void
a_source_begins_where_it_was_set (Kept *kept)
{
  kept_expect (kept, "sealed\t10\nforgotten_plans\t0", "set-offsets", "pushes", "push=4", NULL);
  kept_expect (kept, "#uid\tverb\twhere\tnext\npushes\tqueue_stream\tpush\t4", "offsets", NULL);
  expect_sound (kept);
  kept_run (kept, WEIR_SECONDS (6), 2); /* pushes 4 and 5 once more */
  g_assert_cmpstr (shown (kept, "shown 8"), ==, "(0,3) (1,9) (2,12)");
  expect_sound (kept);
}

static void
a_change_follows_a_change (Kept *kept)
{
  kept_expect (kept, "sealed\t10\nforgotten_plans\t0", "set-offsets", "pushes", "push=0", NULL);
  kept_expect (kept, "dropped\tstate\ttotals\t...\nsealed\t13", "drop", "totals", NULL);
  expect_sound (kept);
  kept_run (kept, WEIR_SECONDS (6), 1);
  g_assert_cmpstr (shown (kept, "shown 7"), ==, "(0,0)");
}

static void
a_dropped_source_begins_anew (Kept *kept)
{
  kept_expect (kept, "dropped\tposition\tpushes\t8\nsealed\t10", "drop", "pushes", NULL);
  kept_run (kept, WEIR_SECONDS (6), 1);
  g_assert_cmpstr (shown (kept, "shown 7"), ==, "(0,3) (1,5) (2,7)");
}

static void
nothing_changes_by_a_mistake (Kept *kept)
{
  static const char *const wrong[][3] = {
    { "drop", "nobody", NULL },
    { "drop", "totals", "--epoch=6" },
    { "set-offsets", "nobody", "push=1" },
    { "set-offsets", "pushes", "push" },
    { "set-offsets", "pushes", "push=-1" },
    { "set-offsets", "pushes", "pull=1" },
    { "set-offsets", "totals", "push=1" },
  };
  static const int statuses[] = { 1, 2, 1, 2, 2, 2, 1 };

  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++) {
    Told told;

    kept_ask (kept, &told, statuses[i], wrong[i][0], wrong[i][1], wrong[i][2], NULL);
    g_assert_cmpstr (told.out, ==, "");
    told_clear (&told);
  }
  kept_run (kept, WEIR_SECONDS (6), 2);
  durable_assert_world (&kept->job, 8);
}

static void
a_checkpoint_in_use_is_left_alone (Kept *kept)
{
  g_autoptr (WeirQueue) queue = durable_queue (&kept->job);
  g_autoptr (WeirContext) ctx = kept_context (kept, queue, WEIR_SECONDS (6));
  g_autofree char *pid = g_strdup_printf ("process %d", (int) getpid ());
  Told told;

  g_assert_true (weir_test_advance (ctx, 1, NULL));
  kept_ask (kept, &told, 3, "drop", "totals", NULL);
  g_assert_nonnull (strstr (told.err, pid));
  told_clear (&told);
  kept_ask (kept, &told, 3, "set-offsets", "pushes", "push=0", NULL);
  g_assert_nonnull (strstr (told.err, "is in use by"));
  told_clear (&told);
  g_assert_true (weir_test_advance (ctx, 1, NULL));
  durable_assert_world (&kept->job, 8);
}

/* Batches that were shown after the newest seal: they are run again, unless what they read is moved. */
static void
with_plans (Kept *kept)
{
  kept->job.interval = WEIR_SECONDS (50);
  kept_run (kept, WEIR_SECONDS (6), 3);
  g_assert_cmpstr (shown (kept, "shown 9"), ==, "(0,9) (1,12) (2,15)");
  kept->job.interval = WEIR_SECONDS (1);
}

static void
batches_that_were_shown_are_run_again_without_a_dropped_state (Kept *kept)
{
  with_plans (kept);
  kept_expect (kept, "dropped\tstate\ttotals\t...\nsealed\t10", "drop", "totals", NULL);
  kept->job.world.n_doubled = 0;
  kept_run (kept, WEIR_SECONDS (9), 1);
  g_assert_cmpstr (shown (kept, "shown 9"), ==, "(0,6) (1,7) (2,8)");
  g_assert_cmpuint (kept->job.world.n_doubled, ==, 3); /* shown again, with other totals */
  g_assert_cmpstr (shown (kept, "shown 10"), ==, "(0,15) (1,7) (2,8)");
}

static void
batches_that_were_shown_are_not_run_again_after_a_move (Kept *kept)
{
  with_plans (kept);
  kept_expect (kept, "sealed\t10\nforgotten_plans\t3", "set-offsets", "pushes", "push=12", NULL);
  kept_run (kept, WEIR_SECONDS (9), 1);
  g_assert_cmpstr (shown (kept, "sealed 7"), ==, "(0,15) (1,5) (2,7)"); /* push 12 */
}

/* As if the job had died between preparing epoch 8 and sealing it. */
static void
prepare_another (Kept *kept)
{
  g_autofree char *current = g_build_filename (kept->job.folder, "current", NULL);
  g_autofree char *data = NULL;
  gsize size;

  g_assert_true (g_file_get_contents (current, &data, &size, NULL));
  kept_run (kept, WEIR_SECONDS (6), 1);
  g_assert_true (g_file_set_contents (current, data, (gssize) size, NULL));
}

static void
test_a_prepared_epoch_never_happened (void)
{
  Kept kept;

  kept_init (&kept, SEALED, NULL);
  kept_run (&kept, 0, 6);
  prepare_another (&kept);
  kept_expect (&kept, "sealed\t11\nforgotten_plans\t0", "set-offsets", "pushes", "push=6", NULL);
  kept_expect (&kept, "#epoch\tis\ttime_ms\tstates\tbytes\tplans\n...\n7\tkept\t6000\t...\n11\tsealed\t6000\t...",
               "list", NULL);
  kept_clear (&kept);
}

static void
test_what_kafka_may_have_decided_is_left_to_the_job (void)
{
  Kept kept;
  Told told;

  kept_init (&kept, DECIDED, NULL);
  kept_run (&kept, 0, 6);
  prepare_another (&kept);
  kept_ask (&kept, &told, 1, "set-offsets", "pushes", "push=6", NULL);
  g_assert_nonnull (strstr (told.err, "epoch 8 was prepared, and only Kafka knows"));
  told_clear (&told);
  kept_clear (&kept);
}

#ifdef WEIR_KILL_POINTS
/* The job goes on from the old epoch or the new one; from what was changed then, in any case. */
static gboolean
is_killed_at (guint n)
{
  g_autofree char *point = g_strdup_printf ("any:%u", n);
  gboolean is_killed;
  Told told;
  Kept kept;

  kept_init (&kept, SHOWN_AT_ONCE, NULL);
  kept_run (&kept, 0, 6);
  kept.kill_at = point;
  kept_ask (&kept, &told, -1, "set-offsets", "pushes", "push=4", NULL);
  is_killed = told.status == 137;
  g_test_message ("%s", told.err);
  g_assert_true (is_killed || told.status == 0);
  told_clear (&told);
  kept.kill_at = NULL;
  expect_sound (&kept);
  kept_ask (&kept, &told, 0, "offsets", NULL);
  g_assert_true (g_str_has_suffix (told.out, "push\t4\n") || (is_killed && g_str_has_suffix (told.out, "push\t6\n")));
  told_clear (&told);
  kept_ask (&kept, &told, 0, "set-offsets", "pushes", "push=2", NULL);
  told_clear (&told);
  expect_sound (&kept);
  kept_run (&kept, WEIR_SECONDS (6), 1);
  g_assert_cmpstr (shown (&kept, "shown 7"), ==, "(0,3) (1,5) (2,9)");
  kept_clear (&kept);
  return is_killed;
}

static void
test_killed_at_each_point (void)
{
  guint n = 1;

  while (is_killed_at (n))
    n++;
  g_assert_cmpuint (n, >, 5);
}
#else
static void
test_killed_at_each_point (void)
{
  g_test_skip ("this build has no kill points: -Dkill_points=true");
}
#endif

static const struct {
  const char *name;
  Test test;
} both[] = {
  { "a-dropped-state-is-empty-and-the-rest-goes-on", a_dropped_state_is_empty_and_the_rest_goes_on },
  { "a-source-begins-where-it-was-set", a_source_begins_where_it_was_set },
  { "a-change-follows-a-change", a_change_follows_a_change },
  { "a-dropped-source-begins-anew", a_dropped_source_begins_anew },
  { "nothing-changes-by-a-mistake", nothing_changes_by_a_mistake },
  { "a-checkpoint-in-use-is-left-alone", a_checkpoint_in_use_is_left_alone },
  { "batches-that-were-shown-are-run-again-without-a-dropped-state",
    batches_that_were_shown_are_run_again_without_a_dropped_state },
  { "batches-that-were-shown-are-not-run-again-after-a-move", batches_that_were_shown_are_not_run_again_after_a_move },
};

int
main (int argc, char **argv)
{
  gboolean has_redis;
  int status;

  g_test_init (&argc, &argv, NULL);
  has_redis = kept_start_redis (&redis_place);
  for (gsize i = 0; i < G_N_ELEMENTS (both); i++) {
    g_autofree char *file = g_strconcat ("/file/", both[i].name, NULL);
    g_autofree char *redis = g_strconcat ("/redis/", both[i].name, NULL);

    g_test_add_data_func (file, both[i].test, in_a_directory);
    if (has_redis)
      g_test_add_data_func (redis, both[i].test, in_redis);
  }
  g_test_add_func ("/a-prepared-epoch-never-happened", test_a_prepared_epoch_never_happened);
  g_test_add_func ("/what-kafka-may-have-decided-is-left-to-the-job",
                   test_what_kafka_may_have_decided_is_left_to_the_job);
  g_test_add_func ("/killed-at-each-point", test_killed_at_each_point);
  status = g_test_run ();
  if (has_redis)
    redis_place_clear (&redis_place);
  return status;
}
