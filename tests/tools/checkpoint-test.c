/* What `weir checkpoint` shows of a checkpoint. SPDX-License-Identifier: Apache-2.0 */
#include "tests/tools/program.h"

#include <string.h>
#include <unistd.h>

#include "tests/sinks/scratch.h"

static RedisPlace redis_place;

typedef void (*Test) (Kept *kept);

/* The job has run six batches; its keys 0, 1, 2 have 0 + 3, 1 + 4, 2 + 5. */
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

static void
lists_epochs (Kept *kept)
{
  kept_expect (kept,
               "#epoch\tis\ttime_ms\tstates\tbytes\tplans\n"
               "...\n"
               "6\tkept\t5000\t1\t...\t1\n"
               "7\tsealed\t6000\t1\t...\t1",
               "list", NULL);
}

static void
shows_the_manifest (Kept *kept)
{
  kept_expect (kept,
               "epoch\t7\n"
               "is\tsealed\n"
               "job\ttest\n"
               "uuid\t...-...-...-...-...\n"
               "time_ms\t6000\n"
               "interval_ms\t1000\n"
               "sources_read_again\tyes\n"
               "sealed_outputs\tyes\n"
               "marker_topic\t-\n"
               "marker_epoch\t0\n"
               "node\tpushes\tqueue_stream\tnamed\n"
               "node\ttotals\tupdate_state_by_key\tnamed\n"
               "node\tshown\tshown\tnamed\n"
               "node\tsealed\tsealed\tnamed\n"
               "state\ttotals\tupdate_state_by_key\t0\t...\t...\n"
               "position\tpushes\t8\n"
               "note\tsealed\t...",
               "show", NULL);
}

static void
shows_an_older_epoch (Kept *kept)
{
  Told told;

  kept_expect (kept, "#uid\tverb\twhere\tnext\npushes\tqueue_stream\tpush\t5", "offsets", "--epoch=6", NULL);
  kept_ask (kept, &told, 1, "offsets", "--epoch=99", NULL);
  g_assert_nonnull (strstr (told.err, "there is no epoch 99"));
  told_clear (&told);
  kept_ask (kept, &told, 2, "verify", "--epoch=6", NULL);
  g_assert_nonnull (strstr (told.err, "--epoch is not for verify"));
  told_clear (&told);
}

static void
shows_states_and_offsets (Kept *kept)
{
  kept_expect (kept, "#uid\tverb\tversion\tpieces\tbytes\ntotals\tupdate_state_by_key\t0\t...\t...", "states", NULL);
  kept_expect (kept, "#uid\tverb\twhere\tnext\npushes\tqueue_stream\tpush\t6", "offsets", NULL);
}

static void
dumps_state_as_it_was_saved_last (Kept *kept)
{
  Told told;
  g_auto (GStrv) lines = NULL;

  kept_ask (kept, &told, 0, "dump", "totals", NULL);
  lines = g_strsplit (told.out, "\n", -1);
  g_assert_cmpstr (lines[0], ==, "#key\tstate\ttouched_ms");
  g_assert_cmpuint (g_strv_length (lines), ==, 5);
  for (guint key = 0; key < 3; key++) {
    g_autofree char *line = g_strdup_printf ("%u\t%u\t-", key, 2 * key + 3);

    g_assert_true (g_strv_contains ((const char *const *) lines, line));
  }
  told_clear (&told);
  kept_ask (kept, &told, 1, "dump", "nobody", NULL);
  g_assert_nonnull (strstr (told.err, "there is no state of 'nobody' in epoch 7"));
  told_clear (&told);
}

static void
verifies (Kept *kept)
{
  kept_expect (kept, "epochs\t...\npieces\t...\nbytes\t...\nplans\t1", "verify", NULL);
}

static void
looks_while_the_job_runs (Kept *kept)
{
  g_autoptr (WeirQueue) queue = durable_queue (&kept->job);
  g_autoptr (WeirContext) ctx = kept_context (kept, queue, WEIR_SECONDS (6));

  g_assert_true (weir_test_advance (ctx, 2, NULL));
  kept_expect (kept, "#uid\tverb\twhere\tnext\npushes\tqueue_stream\tpush\t8", "offsets", NULL);
  kept_expect (kept, "epochs\t...\npieces\t...\nbytes\t...\nplans\t1", "verify", NULL);
}

static void
test_every_flipped_byte_is_found (void)
{
  Kept kept;
  Told told;
  g_autofree char *path = NULL, *data = NULL;
  gsize size;

  kept_init (&kept, SEALED, NULL);
  kept_run (&kept, 0, 4);
  path = g_build_filename (kept.job.folder, "epoch-5", NULL);
  g_assert_true (g_file_get_contents (path, &data, &size, NULL));
  for (gsize at = 0; at < size; at += 7) {
    data[at] ^= 1;
    g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
    kept_ask (&kept, &told, 4, "verify", NULL);
    g_assert_nonnull (strstr (told.out, "damaged\t"));
    g_assert_nonnull (strstr (told.out, "epoch-5"));
    told_clear (&told);
    data[at] ^= 1;
  }
  g_assert_true (g_file_set_contents (path, data, (gssize) size, NULL));
  kept_ask (&kept, &told, 0, "verify", NULL);
  told_clear (&told);
  kept_clear (&kept);
}

static void
test_a_lost_epoch_is_found (void)
{
  Kept kept;
  Told told;
  g_autofree char *path = NULL;

  kept_init (&kept, SEALED, NULL);
  kept_run (&kept, 0, 4);
  path = g_build_filename (kept.job.folder, "epoch-5", NULL);
  g_assert_cmpint (unlink (path), ==, 0);
  kept_ask (&kept, &told, 4, "verify", NULL);
  g_assert_nonnull (strstr (told.out, "epoch-5"));
  told_clear (&told);
  kept_clear (&kept);
}

/* Of every kind that positions and states have, as jobs write them. */
static void
test_what_a_job_keeps_is_shown (void)
{
  g_autofree char *place = g_test_build_filename (G_TEST_DIST, "recovery", "golden", "1", "checkpoint", NULL);
  static const char *const uids[][2] = {
    { "totals", "#key\tstate\ttouched_ms\n" },           { "recent", "#key\tstate\ttouched_ms\n" },
    { "windowed", "#what\tnumber\tkey\tvalue\npane\t" }, { "held", "#what\ttime_ms\telement\nbatch\t" },
    { "sliding", "#what\ttime_ms\tvalue\nbatch\t" },
  };
  Told told;

  program_run (&told, "checkpoint", "offsets", place, NULL);
  g_assert_cmpstr (told.out, ==,
                   "#uid\tverb\twhere\tnext\npushes\tqueue_stream\tpush\t6\nnumbers\tgenerator_stream\t"
                   "record\t60\n");
  told_clear (&told);
  for (gsize i = 0; i < G_N_ELEMENTS (uids); i++) {
    program_run (&told, "checkpoint", "dump", place, uids[i][0], NULL);
    g_assert_cmpstr (told.err, ==, "");
    g_assert_true (g_str_has_prefix (told.out, uids[i][1]));
    g_assert_cmpuint (strlen (told.out), >, strlen (uids[i][1]));
    told_clear (&told);
  }
  program_run (&told, "checkpoint", "dump", place, "recent", NULL);
  g_assert_nonnull (strstr (told.out, "last seen with the number 52, in a text beyond sixteen bytes\t6000\n"));
  told_clear (&told);
  program_run (&told, "checkpoint", "verify", place, NULL);
  g_assert_cmpint (told.status, ==, 0);
  told_clear (&told);
}

static void
test_a_path_will_do (void)
{
  Kept kept;
  Told told;

  kept_init (&kept, SEALED, NULL);
  kept_run (&kept, 0, 2);
  program_run (&told, "checkpoint", "offsets", kept.job.folder, NULL);
  g_assert_cmpstr (told.out, ==, "#uid\tverb\twhere\tnext\npushes\tqueue_stream\tpush\t2\n");
  told_clear (&told);
  kept_clear (&kept);
}

static void
expect_refusal (int status, const char *message, const char *command, const char *place)
{
  Told told;

  program_run (&told, "checkpoint", command, place, NULL);
  g_assert_cmpint (told.status, ==, status);
  g_assert_cmpstr (told.out, ==, "");
  if (strstr (told.err, message) == NULL)
    g_error ("%s does not say: %s", told.err, message);
  told_clear (&told);
}

static void
test_nothing_is_made_where_nothing_is (void)
{
  Scratch scratch;
  g_autofree char *place = NULL;

  scratch_init (&scratch);
  place = scratch_path (&scratch, "nowhere");
  expect_refusal (1, "nowhere", "show", place);
  expect_refusal (1, "nowhere", "list", place);
  g_assert_false (scratch_exists (&scratch, "nowhere"));
  scratch_mkdir (&scratch, "empty");
  g_free (place);
  place = scratch_path (&scratch, "empty");
  expect_refusal (1, "no epoch is sealed in", "offsets", place);
  scratch_expect_names (&scratch, "empty", "");
  scratch_clear (&scratch);
}

static void
test_wrong_usage_is_told (void)
{
  expect_refusal (2, "there is no command 'look'", "look", "somewhere");
  expect_refusal (2, "write: weir checkpoint dump PLACE UID", "dump", "somewhere");
  expect_refusal (2, "write: weir checkpoint show PLACE", "show", NULL);
  expect_refusal (2, "is no number of an epoch", "show", "--epoch=last");
  expect_refusal (2, "there is no option '--deep'", "show", "--deep");
  expect_refusal (2, "there is no store of the kind 'ftp'", "show", "ftp://somewhere");
  expect_refusal (2, "which command?", NULL, NULL);
}

static void
test_help_tells_all (void)
{
  Told told;

  program_run (&told, "--help", NULL);
  g_assert_cmpint (told.status, ==, 0);
  g_assert_nonnull (strstr (told.out, "  checkpoint "));
  told_clear (&told);
  program_run (&told, "checkpoint", "--help", NULL);
  g_assert_cmpint (told.status, ==, 0);
  g_assert_nonnull (strstr (told.out, "set-offsets PLACE UID WHERE=NEXT..."));
  told_clear (&told);
  program_run (&told, "--version", NULL);
  g_assert_cmpstr (told.out, ==, "weir " WEIR_VERSION "\n");
  told_clear (&told);
  program_run (&told, "look", NULL);
  g_assert_cmpint (told.status, ==, 2);
  told_clear (&told);
}

static const struct {
  const char *name;
  Test test;
} both[] = {
  { "lists-epochs", lists_epochs },
  { "shows-the-manifest", shows_the_manifest },
  { "shows-an-older-epoch", shows_an_older_epoch },
  { "shows-states-and-offsets", shows_states_and_offsets },
  { "dumps-state-as-it-was-saved-last", dumps_state_as_it_was_saved_last },
  { "verifies", verifies },
  { "looks-while-the-job-runs", looks_while_the_job_runs },
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
  g_test_add_func ("/every-flipped-byte-is-found", test_every_flipped_byte_is_found);
  g_test_add_func ("/a-lost-epoch-is-found", test_a_lost_epoch_is_found);
  g_test_add_func ("/what-a-job-keeps-is-shown", test_what_a_job_keeps_is_shown);
  g_test_add_func ("/a-path-will-do", test_a_path_will_do);
  g_test_add_func ("/nothing-is-made-where-nothing-is", test_nothing_is_made_where_nothing_is);
  g_test_add_func ("/wrong-usage-is-told", test_wrong_usage_is_told);
  g_test_add_func ("/help-tells-all", test_help_tells_all);
  status = g_test_run ();
  if (has_redis)
    redis_place_clear (&redis_place);
  return status;
}
