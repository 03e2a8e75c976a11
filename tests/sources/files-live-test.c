/* Tests of sources/files by the clock: files that come while the job runs are read once each, and a graceful stop reads what
 * was found.
 *
 * The runner writes the record, the test reads it, under `lock`; `changed` is signalled with each batch.
 * SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>
#include <string.h>

#include "tests/sources/inbox.h"

#define PATIENCE 120 /* seconds */

typedef struct {
  Inbox inbox;
  WeirContext *ctx;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  GString *lines;
  guint n_lines;
} Fixture;

static gboolean
record (WeirDataset *dataset, WeirTime time, gpointer user_data, GError **error)
{
  Fixture *f = user_data;
  g_autoptr (GArray) values = weir_dataset_collect (dataset, error);

  if (values == NULL)
    return FALSE;
  pthread_mutex_lock (&f->lock);
  for (guint i = 0; i < values->len; i++) {
    g_autofree char *text = weir_to_string (g_array_index (values, WeirValue, i));

    g_string_append_printf (f->lines, "%s\n", text);
  }
  f->n_lines += values->len;
  pthread_cond_broadcast (&f->changed);
  pthread_mutex_unlock (&f->lock);
  return TRUE;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  inbox_init (&f->inbox);
  pthread_mutex_init (&f->lock, NULL);
  pthread_cond_init (&f->changed, NULL);
  f->lines = g_string_new (NULL);
  f->ctx = weir_context_new ("live", WEIR_MILLISECONDS (5));
  weir_foreach_batch (weir_text_file_stream (f->ctx, f->inbox.folder), record, f);
  g_assert_true (weir_context_start (f->ctx, &error));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  weir_context_free (f->ctx);
  g_string_free (f->lines, TRUE);
  pthread_cond_destroy (&f->changed);
  pthread_mutex_destroy (&f->lock);
  inbox_clear (&f->inbox);
}

static void
await (Fixture *f, guint n)
{
  struct timespec deadline;
  int code = 0;

  clock_gettime (CLOCK_REALTIME, &deadline);
  deadline.tv_sec += PATIENCE;
  pthread_mutex_lock (&f->lock);
  while (f->n_lines < n && code == 0)
    code = pthread_cond_timedwait (&f->changed, &f->lock, &deadline);
  pthread_mutex_unlock (&f->lock);
  g_assert_cmpint (code, ==, 0);
}

static void
files_that_come_while_it_runs_are_read_once_each (Fixture *f, gconstpointer data)
{
  g_autoptr (GString) expected = g_string_new (NULL);

  for (guint i = 0; i < 50; i++) {
    g_autofree char *name = g_strdup_printf ("%03u", i);
    g_autofree char *text = g_strdup_printf ("%u\n", i);

    inbox_put (&f->inbox, name, text);
    g_string_append (expected, text);
    if (i % 7 == 0)
      await (f, i + 1);
    if (i % 7 == 3)
      inbox_remove (&f->inbox, "000");
    if (i % 7 == 3)
      inbox_put (&f->inbox, "000", "");
  }
  await (f, 50);
  weir_context_stop (f->ctx, TRUE);
  g_assert_cmpint (weir_context_await (f->ctx, WEIR_SECONDS (PATIENCE), NULL), ==, WEIR_WAIT_STOPPED);
  g_assert_cmpstr (f->lines->str, ==, expected->str);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/files-live/files_that_come_while_it_runs_are_read_once_each", Fixture, NULL, set_up,
              files_that_come_while_it_runs_are_read_once_each, tear_down);
  return g_test_run ();
}
