/* socket-job.c: what the tests of sockets share.
 *
 * Owns a context and a record of what came out of it. The record is written by the runner, the loop and the log, and
 * read by the test, under `lock`; `changed` is signalled at each change.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/socket-job.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct _SocketJob {
  WeirContext *ctx;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  GString *records;
  gsize n_records, n_batches;
  GPtrArray *log;
  GHashTable *rejects; /* text -> count */
  gboolean is_held;
  char *prefix;     /* of what it logs: its name, a colon and a blank */
  SocketJob *older; /* under listening_lock */
};

/* The log is the process's, and one job's thread may write to it while another job begins or ends. */
static pthread_mutex_t listening_lock = PTHREAD_MUTEX_INITIALIZER;
static SocketJob *listening; /* the youngest job */
static guint n_jobs;

static void
note_log (SocketJob *job, const char *message)
{
  pthread_mutex_lock (&job->lock);
  g_ptr_array_add (job->log, g_strdup (message));
  pthread_cond_broadcast (&job->changed);
  pthread_mutex_unlock (&job->lock);
}

static void
on_log (const char *domain, GLogLevelFlags level, const char *message, gpointer user_data)
{
  pthread_mutex_lock (&listening_lock);
  for (SocketJob *job = listening; job != NULL; job = job->older)
    if (g_str_has_prefix (message, job->prefix))
      note_log (job, message);
  pthread_mutex_unlock (&listening_lock);
}

/* Each its own, so that jobs that run at once can be told apart in the log. */
static char *
new_name (void)
{
  guint n;

  pthread_mutex_lock (&listening_lock);
  n = n_jobs++;
  pthread_mutex_unlock (&listening_lock);
  return g_strdup_printf ("socket-test-%u", n);
}

static void
handle_log (void)
{
  g_log_set_handler ("weir", G_LOG_LEVEL_MESSAGE, on_log, NULL);
}

static void
listen_to_log (SocketJob *job)
{
  static pthread_once_t once = PTHREAD_ONCE_INIT;

  pthread_once (&once, handle_log);
  pthread_mutex_lock (&listening_lock);
  job->older = listening;
  listening = job;
  pthread_mutex_unlock (&listening_lock);
}

static void
stop_listening (SocketJob *job)
{
  SocketJob **at = &listening;

  pthread_mutex_lock (&listening_lock);
  while (*at != job)
    at = &(*at)->older;
  *at = job->older;
  pthread_mutex_unlock (&listening_lock);
}

static void
count_reject (const char *where_and_why, guint64 n, gpointer user_data)
{
  SocketJob *job = user_data;
  gsize so_far = GPOINTER_TO_SIZE (g_hash_table_lookup (job->rejects, where_and_why));

  g_hash_table_insert (job->rejects, g_strdup (where_and_why), GSIZE_TO_POINTER (so_far + n));
}

static void
on_batch (const WeirBatchInfo *info, gpointer user_data)
{
  SocketJob *job = user_data;

  pthread_mutex_lock (&job->lock);
  job->n_batches++;
  weir_batch_info_foreach_rejected (info, count_reject, job);
  pthread_cond_broadcast (&job->changed);
  pthread_mutex_unlock (&job->lock);
}

/* A NUL shows as a zero in braces; of very many records only the number is kept. */
static void
append_record (GString *records, WeirValue value, guint n)
{
  const char *data = weir_data (value);

  for (gsize i = 0; i < weir_size (value) && n < 100000; i++) {
    if (data[i] == '\0')
      g_string_append (records, "{0}");
    else
      g_string_append_c (records, data[i]);
  }
  g_string_append_c (records, '|');
}

static void
wait_while_held (SocketJob *job)
{
  pthread_mutex_lock (&job->lock);
  while (job->is_held)
    pthread_cond_wait (&job->changed, &job->lock);
  pthread_mutex_unlock (&job->lock);
}

static gboolean
see (WeirDataset *data, WeirTime time, gpointer user_data, GError **error)
{
  SocketJob *job = user_data;
  g_autoptr (GString) records = g_string_new (NULL);
  g_autoptr (GArray) values = NULL;

  wait_while_held (job);
  values = weir_dataset_collect (data, error);
  if (values == NULL)
    return FALSE;
  for (guint i = 0; i < values->len; i++)
    append_record (records, g_array_index (values, WeirValue, i), values->len);
  pthread_mutex_lock (&job->lock);
  g_string_append_len (job->records, records->str, (gssize) records->len);
  job->n_records += values->len;
  pthread_cond_broadcast (&job->changed);
  pthread_mutex_unlock (&job->lock);
  return TRUE;
}

SocketJob *
socket_job_new (WeirTime interval)
{
  const WeirListener listener = { .batch_completed = on_batch };
  SocketJob *job = g_new0 (SocketJob, 1);
  g_autofree char *name = new_name ();
  pthread_condattr_t attributes;

  /* That this machine is slow, which weir warns of, is no failure. */
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
  pthread_mutex_init (&job->lock, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&job->changed, &attributes);
  pthread_condattr_destroy (&attributes);
  job->ctx = weir_context_new (name, interval);
  job->prefix = g_strconcat (name, ": ", NULL);
  job->records = g_string_new (NULL);
  job->log = g_ptr_array_new_with_free_func (g_free);
  job->rejects = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  listen_to_log (job);
  weir_context_add_listener (job->ctx, &listener, job);
  socket_job_set (job, "catchup.batches", "1000000"); /* however slow the machine is */
  socket_job_set (job, "stop.timeout", "2m");
  return job;
}

void
socket_job_free (SocketJob *job)
{
  socket_job_hold (job, FALSE);
  if (weir_context_state (job->ctx) == WEIR_ACTIVE)
    socket_job_stop (job);
  weir_context_free (job->ctx);
  stop_listening (job);
  g_free (job->prefix);
  g_string_free (job->records, TRUE);
  g_hash_table_unref (job->rejects);
  g_ptr_array_unref (job->log);
  pthread_cond_destroy (&job->changed);
  pthread_mutex_destroy (&job->lock);
  g_free (job);
}

WeirContext *
socket_job_context (SocketJob *job)
{
  return job->ctx;
}

void
socket_job_read (SocketJob *job, WeirStream *stream)
{
  weir_foreach_batch (stream, see, job);
}

void
socket_job_set (SocketJob *job, const char *key, const char *value)
{
  g_autoptr (GError) error = NULL;

  weir_context_set (job->ctx, key, value, &error);
  g_assert_no_error (error);
}

void
socket_job_start (SocketJob *job)
{
  g_autoptr (GError) error = NULL;

  weir_context_start (job->ctx, &error);
  g_assert_no_error (error);
}

void
socket_job_stop (SocketJob *job)
{
  g_autoptr (GError) error = NULL;

  weir_context_stop (job->ctx, TRUE);
  g_assert_cmpint (weir_context_await (job->ctx, WEIR_MILLISECONDS (PEER_DEADLINE_MS), &error), ==, WEIR_WAIT_STOPPED);
  g_assert_no_error (error);
}

void
socket_job_hold (SocketJob *job, gboolean hold)
{
  pthread_mutex_lock (&job->lock);
  job->is_held = hold;
  pthread_cond_broadcast (&job->changed);
  pthread_mutex_unlock (&job->lock);
}

static gsize
count_logged (SocketJob *job, gconstpointer part)
{
  gsize n = 0;

  for (guint i = 0; i < job->log->len; i++)
    n += strstr (g_ptr_array_index (job->log, i), part) != NULL;
  return n;
}

static gsize
count_records (SocketJob *job, gconstpointer unused)
{
  return job->n_records;
}

static gsize
count_batches (SocketJob *job, gconstpointer unused)
{
  return job->n_batches;
}

/* Until there are @n; how much is said when there are not in time. */
static void
await (SocketJob *job, gsize (*count) (SocketJob *, gconstpointer), gconstpointer data, gsize n, const char *what)
{
  gint64 end = g_get_monotonic_time () + WEIR_MILLISECONDS (PEER_DEADLINE_MS);
  const struct timespec deadline = { end / G_USEC_PER_SEC, end % G_USEC_PER_SEC * 1000 };

  pthread_mutex_lock (&job->lock);
  while (count (job, data) < n)
    if (pthread_cond_timedwait (&job->changed, &job->lock, &deadline) == ETIMEDOUT)
      g_error ("%s: there are %" G_GSIZE_FORMAT " and not %" G_GSIZE_FORMAT, what, count (job, data), n);
  pthread_mutex_unlock (&job->lock);
}

void
socket_job_await_records (SocketJob *job, gsize n)
{
  await (job, count_records, NULL, n, "records");
}

void
socket_job_await_batches (SocketJob *job, gsize n)
{
  gsize so_far;

  pthread_mutex_lock (&job->lock);
  so_far = job->n_batches;
  pthread_mutex_unlock (&job->lock);
  await (job, count_batches, NULL, so_far + n, "batches");
}

void
socket_job_await_log (SocketJob *job, const char *part, guint n)
{
  await (job, count_logged, part, n, part);
}

gsize
socket_job_n_records (SocketJob *job)
{
  gsize n;

  pthread_mutex_lock (&job->lock);
  n = job->n_records;
  pthread_mutex_unlock (&job->lock);
  return n;
}

guint
socket_job_n_logged (SocketJob *job, const char *part)
{
  gsize n;

  pthread_mutex_lock (&job->lock);
  n = count_logged (job, part);
  pthread_mutex_unlock (&job->lock);
  return (guint) n;
}

char *
socket_job_records (SocketJob *job)
{
  char *records;

  pthread_mutex_lock (&job->lock);
  records = g_strndup (job->records->str, job->records->len);
  pthread_mutex_unlock (&job->lock);
  return records;
}

char *
socket_job_rejects (SocketJob *job)
{
  GString *text = g_string_new (NULL);
  g_autoptr (GList) keys = NULL;

  pthread_mutex_lock (&job->lock);
  keys = g_list_sort (g_hash_table_get_keys (job->rejects), (GCompareFunc) strcmp);
  for (GList *key = keys; key != NULL; key = key->next)
    g_string_append_printf (text, "%" G_GSIZE_FORMAT " %s\n",
                            GPOINTER_TO_SIZE (g_hash_table_lookup (job->rejects, key->data)), (const char *) key->data);
  pthread_mutex_unlock (&job->lock);
  return g_string_free (text, FALSE);
}
