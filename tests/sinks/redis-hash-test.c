/* weir_redis_hash_output (), on a real server: what is in the hash, when, and how often.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include <weir/redis.h>
#include <weir/test.h>

#include "tests/clients/redis-place.h"
#include "tests/engine/watch.h"
#include "tests/sinks/scratch.h"

static RedisPlace place;

typedef struct {
  Scratch scratch; /* for the checkpoint */
  char *uri;
  WeirRedisMode mode;
  const char *interval; /* of the checkpoint; NULL: none */
  const char *const *batches;
  const char *uid;
  const char *log_level; /* NULL: error */
} Job;

static void
set_up (Job *job, gconstpointer data)
{
  g_free (redis_place_ask (&place, "FLUSHALL", NULL));
  scratch_init (&job->scratch);
  job->uri = redis_place_uri (&place, NULL);
}

static void
tear_down (Job *job, gconstpointer data)
{
  scratch_clear (&job->scratch);
  g_free (job->uri);
}

static void
push (WeirQueue *queue, const char *elements)
{
  g_auto (GStrv) words = g_strsplit (elements, " ", -1);
  g_autoptr (GArray) values = g_array_new (FALSE, FALSE, sizeof (WeirValue));
  WeirValue cells[32][2];
  guint n = 0;

  for (char **word = words; *word != NULL && **word != '\0'; word++, n++) {
    char *sign = strchr (*word, '=');
    WeirValue value = weir_text (*word);

    if (sign != NULL) {
      *sign = '\0';
      cells[n][0] = weir_text (*word);
      cells[n][1] = weir_text (sign + 1);
      value = weir_pair_at (cells[n]);
    }
    g_array_append_val (values, value);
  }
  weir_queue_push (queue, (const WeirValue *) (gpointer) values->data, values->len);
}

static void
set (WeirContext *ctx, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (ctx, key, value, &error);
  g_assert_no_error (error);
}

static WeirContext *
start (Job *job, WeirQueue *queue, guint at)
{
  WeirContext *ctx = weir_test_context_new_at (WEIR_SECONDS (1), WEIR_SECONDS (at));
  WeirStream *stream = weir_queue_stream (ctx, queue, TRUE);
  g_autofree char *checkpoint = g_strdup_printf ("file://%s/checkpoint", job->scratch.path);

  for (const char *const *batch = job->batches; *batch != NULL; batch++)
    push (queue, *batch);
  weir_stream_set_uid (stream, "pairs");
  set (ctx, "workers", "2");
  set (ctx, "log.level", job->log_level != NULL ? job->log_level : "error");
  if (job->interval != NULL) {
    set (ctx, "checkpoint", checkpoint);
    set (ctx, "checkpoint.interval", job->interval);
  }
  weir_output_set_uid (weir_redis_hash_output (stream, job->uri, "totals", job->mode),
                       job->uid != NULL ? job->uid : "out");
  return ctx;
}

static gboolean
try_to_run (Job *job, guint at, guint n, GError **error)
{
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (WeirContext) ctx = start (job, queue, at);

  return weir_test_advance (ctx, n, error);
}

static void
run (Job *job, guint at, guint n)
{
  g_autoptr (GError) error = NULL;

  try_to_run (job, at, n, &error);
  g_assert_no_error (error);
}

#define BATCHES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static void
expect (const char *expected)
{
  g_autofree char *found = redis_place_ask (&place, "EVAL",
                                            "local all, out = redis.call('HGETALL', 'totals'), {} "
                                            "for i = 1, #all, 2 do out[#out + 1] = all[i] .. '=' .. all[i + 1] end "
                                            "table.sort(out) return table.concat(out, ' ')",
                                            "0", NULL);

  g_assert_cmpstr (found, ==, expected);
}

static void
test_batches_are_merged (Job *job, gconstpointer data)
{
  job->batches = BATCHES ("a=1 b=2", "", "b=3 c=4 c=5");
  run (job, 0, 1);
  expect ("a=1 b=2");
  run (job, 0, 3);
  expect ("a=1 b=3 c=5");
}

static void
test_batches_replace_the_hash (Job *job, gconstpointer data)
{
  job->mode = WEIR_REDIS_REPLACE;
  job->batches = BATCHES ("a=1 b=2", "b=3 c=4", "");
  g_free (redis_place_ask (&place, "HSET", "totals", "old", "1", NULL));
  run (job, 0, 1);
  expect ("a=1 b=2");
  run (job, 0, 2);
  expect ("b=3 c=4");
  run (job, 0, 3);
  expect ("");
}

static void
test_an_epoch_appears_when_it_is_sealed (Job *job, gconstpointer data)
{
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (WeirContext) ctx = NULL;

  job->interval = "2s";
  job->batches = BATCHES ("a=1", "a=2 b=1", "c=1", "d=1");
  ctx = start (job, queue, 0);
  g_assert_true (weir_test_advance (ctx, 1, NULL));
  expect ("");
  g_assert_true (weir_test_advance (ctx, 1, NULL));
  expect ("a=2 b=1");
  g_assert_true (weir_test_advance (ctx, 1, NULL));
  expect ("a=2 b=1");
  g_assert_true (weir_test_advance (ctx, 1, NULL));
  expect ("a=2 b=1 c=1 d=1");
}

static void
test_the_last_batch_of_an_epoch_replaces (Job *job, gconstpointer data)
{
  job->interval = "2s";
  job->mode = WEIR_REDIS_REPLACE;
  job->batches = BATCHES ("a=1", "b=1", "c=1", "");
  run (job, 0, 2);
  expect ("b=1");
  run (job, 2, 2);
  expect ("");
}

/* What was committed is not committed again after a restart: somebody may have changed it since. */
static void
test_an_epoch_is_written_once (Job *job, gconstpointer data)
{
  job->interval = "1s";
  job->batches = BATCHES ("a=1", "b=2", "c=3");
  run (job, 0, 2);
  expect ("a=1 b=2");
  g_free (redis_place_ask (&place, "HDEL", "totals", "b", NULL));
  run (job, 2, 1);
  expect ("a=1 c=3");
}

static char *
only_epoch_key (void)
{
  return redis_place_ask (&place, "KEYS", "weir:epoch:*", NULL);
}

/* As if the job had been killed between the seal and the commit. */
static void
test_an_epoch_that_was_not_written_is_written_at_the_restart (Job *job, gconstpointer data)
{
  g_autofree char *key = NULL;

  job->interval = "1s";
  job->batches = BATCHES ("a=1", "b=2", "c=3");
  run (job, 0, 1);
  key = only_epoch_key ();
  g_free (redis_place_ask (&place, "DEL", key, "totals", NULL));
  run (job, 1, 2);
  expect ("a=1 b=2 c=3");
}

static void
test_another_checkpoint_counts_anew (Job *job, gconstpointer data)
{
  job->interval = "1s";
  job->batches = BATCHES ("a=1", "b=2", "c=3");
  run (job, 0, 3);
  scratch_clear (&job->scratch);
  scratch_init (&job->scratch);
  job->batches = BATCHES ("d=4");
  run (job, 0, 1);
  expect ("a=1 b=2 c=3 d=4");
}

static void
test_a_server_that_was_away_gets_all (Job *job, gconstpointer data)
{
  g_autoptr (WeirQueue) queue = weir_queue_new ();
  g_autoptr (WeirContext) ctx = NULL;

  job->interval = "1s";
  job->batches = BATCHES ("a=1", "b=2", "c=3");
  ctx = start (job, queue, 0);
  g_assert_true (weir_test_advance (ctx, 1, NULL));
  redis_place_kill (&place);
  redis_place_restart (&place);
  g_assert_true (weir_test_advance (ctx, 1, NULL));
  expect ("a=1 b=2");
  g_assert_true (weir_test_advance (ctx, 1, NULL));
  expect ("a=1 b=2 c=3");
}

/* With a checkpoint what the server forgets is taken to be there. */
static void
test_a_server_that_may_forget_is_warned_of (Job *job, gconstpointer data)
{
  Watch watch;

  watch_init (&watch);
  watch_catch_log (&watch);
  job->batches = BATCHES ("a=1");
  job->log_level = "warning";
  g_free (redis_place_ask (&place, "CONFIG", "SET", "appendfsync", "everysec", NULL));
  run (job, 0, 1);
  g_assert_cmpuint (watch_count (&watch, "appendfsync"), ==, 0);
  job->interval = "1s";
  run (job, 0, 1);
  g_assert_cmpuint (watch_count (&watch, "can lose what was written there"), ==, 1);
  g_assert_cmpuint (watch_count (&watch, "(appendonly yes, appendfsync everysec)"), ==, 1);
  g_free (redis_place_ask (&place, "CONFIG", "SET", "appendfsync", "always", NULL));
  run (job, 1, 1);
  g_assert_cmpuint (watch_count (&watch, "can lose what was written there"), ==, 1);
  watch_clear (&watch);
}

static void
expect_failure (Job *job, int code, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (try_to_run (job, 0, 1, &error));
  g_assert_error (error, WEIR_ERROR, code);
  if (strstr (error->message, part) == NULL || strstr (error->message, "secret") != NULL)
    g_error ("no '%s' in: %s", part, error->message);
}

static void
replace_uri (Job *job, const char *uri)
{
  g_free (job->uri);
  job->uri = g_strdup (uri);
}

static void
test_mistakes_are_told (Job *job, gconstpointer data)
{
  job->batches = BATCHES ("word");
  expect_failure (job, WEIR_ERROR_KIND, "takes pairs");
  job->batches = BATCHES ("a=1");
  g_free (redis_place_ask (&place, "SET", "totals", "no hash", NULL));
  expect_failure (job, WEIR_ERROR_FAILED, "WRONGTYPE");
  job->interval = "1s";
  expect_failure (job, WEIR_ERROR_FAILED, "no hash but a string");
  replace_uri (job, "redis://:secret@host:port/0");
  expect_failure (job, WEIR_ERROR_OPTION, "no URI");
}

static void
test_no_server_fails_the_start (Job *job, gconstpointer data)
{
  RedisPlace other = { 0 };

  job->batches = BATCHES ("a=1");
  if (!redis_place_start (&other))
    return;
  g_free (job->uri);
  job->uri = redis_place_uri (&other, NULL);
  redis_place_clear (&other);
  expect_failure (job, WEIR_ERROR_SINK, "cannot connect");
}

static void
test_many_fields_in_one_transaction (Job *job, gconstpointer data)
{
  g_autoptr (GString) many = g_string_new (NULL);
  g_autofree char *n = NULL;

  job->interval = "100s";
  job->batches = BATCHES ("a=1", "b=2");
  for (guint i = 0; i < 30; i++)
    g_string_append_printf (many, "%sfield-%u=%u", i > 0 ? " " : "", i, i);
  const char *batches[101] = { NULL };
  for (guint i = 0; i < 100; i++)
    batches[i] = many->str;
  job->batches = batches;
  run (job, 0, 100);
  n = redis_place_ask (&place, "HLEN", "totals", NULL);
  g_assert_cmpstr (n, ==, "30");
}

#define add(name, test) g_test_add ("/redis-hash/" name, Job, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  if (!redis_place_start (&place))
    return 0;
  add ("batches-are-merged", test_batches_are_merged);
  add ("batches-replace-the-hash", test_batches_replace_the_hash);
  add ("an-epoch-appears-when-it-is-sealed", test_an_epoch_appears_when_it_is_sealed);
  add ("the-last-batch-of-an-epoch-replaces", test_the_last_batch_of_an_epoch_replaces);
  add ("an-epoch-is-written-once", test_an_epoch_is_written_once);
  add ("an-epoch-that-was-not-written-is-written-at-the-restart",
       test_an_epoch_that_was_not_written_is_written_at_the_restart);
  add ("another-checkpoint-counts-anew", test_another_checkpoint_counts_anew);
  add ("a-server-that-was-away-gets-all", test_a_server_that_was_away_gets_all);
  add ("a-server-that-may-forget-is-warned-of", test_a_server_that_may_forget_is_warned_of);
  add ("mistakes-are-told", test_mistakes_are_told);
  add ("no-server-fails-the-start", test_no_server_fails_the_start);
  add ("many-fields-in-one-transaction", test_many_fields_in_one_transaction);
  status = g_test_run ();
  redis_place_clear (&place);
  return status;
}
