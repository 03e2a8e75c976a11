/* Owns a job with a logged receiver, through its lives. See logged-job.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/logged-job.h"

#include <weir/error.h>

void
logged_job_init (LoggedJob *job)
{
  *job = (LoggedJob){ 0 };
  scratch_init (&job->scratch);
  job->uri = g_strconcat ("file://", job->scratch.path, NULL);
  watch_init (&job->watch);
}

void
logged_job_clear (LoggedJob *job)
{
  logged_job_end (job);
  watch_clear (&job->watch);
  g_free (job->uri);
  scratch_clear (&job->scratch);
}

static void
set (LoggedJob *job, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  if (value != NULL)
    weir_context_set (job->ctx, key, value, &error);
  g_assert_no_error (error);
}

static gboolean
see_partitions (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  LoggedJob *job = user_data;

  watch_say (&job->watch, "partitions %u", weir_dataset_n_partitions (data));
  if (time != job->fail_at)
    return TRUE;
  job->fail_at = 0;
  g_set_error_literal (error, WEIR_ERROR, WEIR_ERROR_SINK, "the output is away");
  return FALSE;
}

static WeirValue
to_pair (WeirTask *task, WeirValue value, gpointer user_data)
{
  gint64 number = weir_as_int (value);

  if (weir_kind (value) == WEIR_TEXT)
    weir_parse_int (value, &number);
  return weir_pair (task, weir_nil (), weir_int (number));
}

static WeirValue
add_up (WeirTask *task, WeirValue key, const WeirValue *values, gsize n, WeirValue state, gpointer user_data)
{
  gint64 sum = weir_as_int (state);

  for (gsize i = 0; i < n; i++)
    sum += weir_as_int (values[i]);
  return weir_int (sum);
}

static WeirValue
shorten (WeirTask *task, WeirValue value, gpointer user_data)
{
  return weir_kind (value) == WEIR_BYTES ? weir_int ((gint64) weir_size (value)) : value;
}

static void
build (LoggedJob *job, WeirTime at)
{
  WeirStream *fed, *totals;

  job->ctx = weir_test_context_new_at (WEIR_SECONDS (1), at);
  set (job, "checkpoint", job->uri);
  set (job, "checkpoint.interval", job->interval != NULL ? job->interval : "1h");
  set (job, "receiver.wal", job->is_off ? "false" : "true");
  set (job, "receiver.block.interval", job->block_interval != NULL ? job->block_interval : "1m");
  set (job, "receiver.wal.directory", job->directory);
  set (job, "memory.limit", job->memory);
  set (job, "partitions", job->partitions);
  set (job, "log.level", "error");
  set (job, "stop.timeout", "2m"); /* however slow the machine is */
  set (job, "catchup.batches", "100");
  fed = job->stream != NULL ? weir_stream_set_uid (job->stream (job->ctx, job->stream_data), "fed")
                            : feed_stream (job->ctx, &job->feed);
  weir_output_set_uid (weir_foreach_batch (fed, see_partitions, job), "partitions");
  job->collected = weir_collect (weir_map (fed, shorten, NULL));
  totals = weir_update_state_by_key (weir_map (fed, to_pair, NULL), add_up, NULL);
  job->totals = weir_collect (weir_stream_set_uid (totals, "totals"));
}

gboolean
logged_job_try (LoggedJob *job, WeirTime at, GError **error)
{
  feed_init (&job->feed);
  build (job, at);
  return weir_context_start (job->ctx, error);
}

void
logged_job_start (LoggedJob *job, WeirTime at)
{
  g_autoptr (GError) error = NULL;

  logged_job_try (job, at, &error);
  g_assert_no_error (error);
}

void
logged_job_advance (LoggedJob *job, guint n)
{
  g_autoptr (GError) error = NULL;

  weir_test_advance (job->ctx, n, &error);
  g_assert_no_error (error);
}

void
logged_job_stop (LoggedJob *job)
{
  g_autoptr (GError) error = NULL;

  weir_context_stop (job->ctx, TRUE);
  g_assert_cmpint (weir_context_await (job->ctx, WATCH_DEADLINE, &error), ==, WEIR_WAIT_STOPPED);
  g_assert_no_error (error);
}

void
logged_job_end (LoggedJob *job)
{
  if (job->ctx == NULL)
    return;
  g_clear_pointer (&job->ctx, weir_context_free);
  feed_clear (&job->feed);
}

static void
copy (const char *from, const char *to)
{
  const char *const command[] = { "cp", "-a", from, to, NULL };
  g_autoptr (GError) error = NULL;
  int status;

  g_spawn_sync (NULL, (char **) command, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, &status, &error);
  g_assert_no_error (error);
  g_assert_cmpint (status, ==, 0);
}

void
logged_job_crash (LoggedJob *job)
{
  Scratch after;
  g_autofree char *content = g_strconcat (job->scratch.path, "/.", NULL);

  scratch_init (&after);
  copy (content, after.path);
  logged_job_end (job);
  scratch_clear (&job->scratch);
  job->scratch = after;
  g_free (job->uri);
  job->uri = g_strconcat ("file://", job->scratch.path, NULL);
}

void
logged_job_expect (LoggedJob *job, gsize i, const char *expected)
{
  g_autofree char *values = NULL, *text = NULL;

  if (i < weir_collected_n_batches (job->collected)) {
    values = weir_collected_text (job->collected, i);
    text = g_strdup_printf ("%" G_GINT64_FORMAT ": %s", weir_collected_time (job->collected, i) / 1000, values);
  }
  g_assert_cmpstr (text != NULL ? text : "", ==, expected);
}

void
logged_job_expect_total (LoggedJob *job, gint64 expected)
{
  gsize n, last = weir_collected_n_batches (job->totals) - 1;
  const WeirValue *values = weir_collected_values (job->totals, last, &n);

  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpint (weir_as_int (weir_val (values[0])), ==, expected);
}

gsize
logged_job_n_values (LoggedJob *job)
{
  gsize sum = 0, n;

  for (gsize i = 0; i < weir_collected_n_batches (job->collected); i++) {
    weir_collected_values (job->collected, i, &n);
    sum += n;
  }
  return sum;
}
