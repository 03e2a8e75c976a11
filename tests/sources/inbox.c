/* inbox.c: what the tests of file sources share.
 *
 * Owns the folder, the context and what the library says. Log messages come from several threads: GLib's handler is
 * called by each, `log_lock` guards the text.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/inbox.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <glib/gstdio.h>

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void
on_log (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  pthread_mutex_lock (&log_lock);
  g_string_append_printf (data, "%s\n", message);
  pthread_mutex_unlock (&log_lock);
}

void
inbox_init (Inbox *inbox)
{
  *inbox = (Inbox){ .log = g_string_new (NULL) };
  scratch_init (&inbox->scratch);
  scratch_mkdir (&inbox->scratch, "in");
  inbox->folder = scratch_path (&inbox->scratch, "in");
  g_log_set_always_fatal (G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK); /* warnings are part of what is tested */
  inbox->log_handler = g_log_set_handler ("weir", G_LOG_LEVEL_MASK, on_log, inbox->log);
}

void
inbox_clear (Inbox *inbox)
{
  inbox_close (inbox);
  g_log_remove_handler ("weir", inbox->log_handler);
  scratch_clear (&inbox->scratch);
  g_string_free (inbox->log, TRUE);
  g_free (inbox->folder);
}

void
inbox_open (Inbox *inbox)
{
  inbox->ctx = weir_test_context_new_at (WEIR_SECONDS (1), WEIR_SECONDS (1) * inbox->n_batches);
}

void
inbox_open_durable (Inbox *inbox, guint seconds)
{
  g_autofree char *uri = g_strdup_printf ("file://%s/checkpoint", inbox->scratch.path);
  g_autofree char *interval = g_strdup_printf ("%us", seconds);
  g_autoptr (GError) error = NULL;

  inbox_open (inbox);
  g_assert_true (weir_context_set (inbox->ctx, "checkpoint", uri, &error));
  g_assert_true (weir_context_set (inbox->ctx, "checkpoint.interval", interval, &error));
}

void
inbox_close (Inbox *inbox)
{
  g_clear_pointer (&inbox->ctx, weir_context_free);
  inbox->output = NULL;
}

void
inbox_put_bytes (Inbox *inbox, const char *name, gconstpointer data, gsize size)
{
  g_autofree char *made = scratch_path (&inbox->scratch, "made");
  g_autofree char *arrived = g_build_filename (inbox->folder, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (made, data, (gssize) size, &error);
  g_assert_no_error (error);
  if (g_rename (made, arrived) != 0)
    g_error ("%s: %s", arrived, g_strerror (errno));
}

void
inbox_put (Inbox *inbox, const char *name, const char *text)
{
  inbox_put_bytes (inbox, name, text, strlen (text));
}

void
inbox_remove (Inbox *inbox, const char *name)
{
  g_autofree char *path = g_build_filename (inbox->folder, name, NULL);

  g_assert_cmpint (g_unlink (path), ==, 0);
}

void
inbox_advance (Inbox *inbox)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = weir_test_advance (inbox->ctx, 1, &error);

  g_assert_no_error (error);
  g_assert_true (ok);
  inbox->n_batches++;
}

void
inbox_expect (Inbox *inbox, guint number, const char *text)
{
  g_autoptr (GString) found = g_string_new (NULL);
  const WeirValue *values;
  gsize n;

  g_assert_cmpuint (number, <, weir_collected_n_batches (inbox->output));
  values = weir_collected_values (inbox->output, number, &n);
  for (gsize i = 0; i < n; i++) {
    g_autofree char *element = weir_to_string (values[i]);

    g_string_append_printf (found, "%s%s", i > 0 ? " " : "", element);
  }
  g_assert_cmpstr (found->str, ==, text);
}

void
inbox_advance_to (Inbox *inbox, const char *text)
{
  inbox_advance (inbox);
  inbox_expect (inbox, (guint) weir_collected_n_batches (inbox->output) - 1, text);
}

void
inbox_advance_into (Inbox *inbox, gint code, const char *fragment)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = weir_test_advance (inbox->ctx, 1, &error);

  g_assert_false (ok);
  g_assert_cmpstr (strstr (error->message, fragment) != NULL ? fragment : error->message, ==, fragment);
  g_assert_error (error, WEIR_ERROR, code);
}

gboolean
inbox_has_log (const Inbox *inbox, const char *fragment)
{
  gboolean has;

  pthread_mutex_lock (&log_lock);
  has = strstr (inbox->log->str, fragment) != NULL;
  pthread_mutex_unlock (&log_lock);
  return has;
}

void
inbox_expect_log (const Inbox *inbox, const char *fragment, guint n)
{
  guint found = 0;

  pthread_mutex_lock (&log_lock);
  for (const char *at = inbox->log->str; (at = strstr (at, fragment)) != NULL; at++)
    found++;
  pthread_mutex_unlock (&log_lock);
  if (found != n)
    g_test_message ("log: %s", inbox->log->str);
  g_assert_cmpuint (found, ==, n);
}
