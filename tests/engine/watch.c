/* Owns what was heard, and the gate. See watch.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "tests/engine/watch.h"

#include <errno.h>
#include <string.h>

static void
init_condition (pthread_cond_t *condition)
{
  pthread_condattr_t attributes;

  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (condition, &attributes);
  pthread_condattr_destroy (&attributes);
}

static struct timespec
deadline (void)
{
  gint64 at = g_get_monotonic_time () + WATCH_DEADLINE;

  return (struct timespec){ at / G_USEC_PER_SEC, at % G_USEC_PER_SEC * 1000 };
}

void
watch_say (Watch *watch, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  pthread_mutex_lock (&watch->lock);
  g_ptr_array_add (watch->lines, g_strdup_vprintf (format, arguments));
  pthread_cond_broadcast (&watch->changed);
  pthread_mutex_unlock (&watch->lock);
  va_end (arguments);
}

static void
on_log (const char *domain, GLogLevelFlags level, const char *message, gpointer data)
{
  const char *kind = "message";

  if (level & G_LOG_LEVEL_CRITICAL)
    kind = "critical";
  else if (level & G_LOG_LEVEL_WARNING)
    kind = "warning";
  watch_say (data, "%s: %s", kind, message);
}

void
watch_init (Watch *watch)
{
  *watch = (Watch){ .lines = g_ptr_array_new_with_free_func (g_free) };
  pthread_mutex_init (&watch->lock, NULL);
  init_condition (&watch->changed);
}

void
watch_catch_log (Watch *watch)
{
  watch->fatal = g_log_set_always_fatal (G_LOG_FATAL_MASK);
  watch->log_handler = g_log_set_handler ("weir", G_LOG_LEVEL_MASK, on_log, watch);
}

void
watch_clear (Watch *watch)
{
  if (watch->log_handler != 0) {
    g_log_remove_handler ("weir", watch->log_handler);
    g_log_set_always_fatal (watch->fatal);
  }
  g_ptr_array_unref (watch->lines);
  pthread_cond_destroy (&watch->changed);
  pthread_mutex_destroy (&watch->lock);
}

static void
say_batch (gpointer watch, const char *what, const WeirBatchInfo *info)
{
  watch_say (watch, "batch %s %" G_GINT64_FORMAT "%s", what, weir_batch_info_time (info) / 1000,
             weir_batch_info_error (info) != NULL ? " failed" : "");
}

static void
on_submitted (const WeirBatchInfo *info, gpointer watch)
{
  say_batch (watch, "submitted", info);
}

static void
on_started (const WeirBatchInfo *info, gpointer watch)
{
  say_batch (watch, "started", info);
}

static void
on_completed (const WeirBatchInfo *info, gpointer watch)
{
  say_batch (watch, "completed", info);
}

static void
say_output (gpointer watch, const char *what, const WeirOutputInfo *info)
{
  watch_say (watch, "%s %s %" G_GINT64_FORMAT "%s", what, weir_output_info_name (info),
             weir_output_info_batch_time (info) / 1000, weir_output_info_error (info) != NULL ? " failed" : "");
}

static void
on_output_started (const WeirOutputInfo *info, gpointer watch)
{
  say_output (watch, "began", info);
}

static void
on_output_completed (const WeirOutputInfo *info, gpointer watch)
{
  say_output (watch, "ended", info);
}

void
watch_listen (Watch *watch, WeirContext *ctx)
{
  static const WeirListener listener = { .batch_submitted = on_submitted,
                                         .batch_started = on_started,
                                         .batch_completed = on_completed,
                                         .output_started = on_output_started,
                                         .output_completed = on_output_completed };

  weir_context_add_listener (ctx, &listener, watch);
}

/* Under the lock. The lines with @part; @text: nullable, gets them. */
static guint
find (Watch *watch, const char *part, GString *text)
{
  guint n = 0;

  for (guint i = 0; i < watch->lines->len; i++) {
    const char *line = g_ptr_array_index (watch->lines, i);

    if (strstr (line, part) == NULL)
      continue;
    if (text != NULL)
      g_string_append_printf (text, "%s%s", n > 0 ? "\n" : "", line);
    n++;
  }
  return n;
}

guint
watch_count (Watch *watch, const char *part)
{
  guint n;

  pthread_mutex_lock (&watch->lock);
  n = find (watch, part, NULL);
  pthread_mutex_unlock (&watch->lock);
  return n;
}

void
watch_await (Watch *watch, const char *part, guint n)
{
  struct timespec end = deadline ();
  g_autoptr (GString) text = g_string_new (NULL);
  int code = 0;

  pthread_mutex_lock (&watch->lock);
  while (find (watch, part, NULL) < n && code != ETIMEDOUT)
    code = pthread_cond_timedwait (&watch->changed, &watch->lock, &end);
  if (code == ETIMEDOUT)
    find (watch, "", text);
  pthread_mutex_unlock (&watch->lock);
  if (code == ETIMEDOUT)
    g_error ("waited in vain for %u times '%s'; there is:\n%s", n, part, text->str);
}

char *
watch_text (Watch *watch, const char *part)
{
  GString *text = g_string_new (NULL);

  pthread_mutex_lock (&watch->lock);
  find (watch, part, text);
  pthread_mutex_unlock (&watch->lock);
  return g_string_free (text, FALSE);
}

void
watch_expect (Watch *watch, const char *part, const char *expected)
{
  g_autofree char *text = watch_text (watch, part);

  g_assert_cmpstr (text, ==, expected);
}

gint64
watch_number (Watch *watch, const char *part, guint i)
{
  g_autofree char *text = watch_text (watch, part);
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);

  g_assert_cmpuint (i, <, g_strv_length (lines));
  return g_ascii_strtoll (strrchr (lines[i], ' ') + 1, NULL, 10);
}

void
gate_init (Gate *gate)
{
  *gate = (Gate){ 0 };
  pthread_mutex_init (&gate->lock, NULL);
  init_condition (&gate->changed);
}

void
gate_clear (Gate *gate)
{
  pthread_cond_destroy (&gate->changed);
  pthread_mutex_destroy (&gate->lock);
}

/* Under the lock. */
static void
wait_change (Gate *gate, const struct timespec *end)
{
  if (pthread_cond_timedwait (&gate->changed, &gate->lock, end) == ETIMEDOUT)
    g_error ("nobody has opened the gate, or come to it");
}

void
gate_pass (Gate *gate)
{
  struct timespec end = deadline ();

  pthread_mutex_lock (&gate->lock);
  gate->n_inside++;
  pthread_cond_broadcast (&gate->changed);
  while (gate->n_passes == 0)
    wait_change (gate, &end);
  gate->n_inside--;
  if (gate->n_passes != G_MAXUINT)
    gate->n_passes--;
  pthread_cond_broadcast (&gate->changed);
  pthread_mutex_unlock (&gate->lock);
}

void
gate_let (Gate *gate, guint n)
{
  pthread_mutex_lock (&gate->lock);
  gate->n_passes += n;
  pthread_cond_broadcast (&gate->changed);
  pthread_mutex_unlock (&gate->lock);
}

void
gate_open (Gate *gate)
{
  pthread_mutex_lock (&gate->lock);
  gate->n_passes = G_MAXUINT;
  pthread_cond_broadcast (&gate->changed);
  pthread_mutex_unlock (&gate->lock);
}

void
gate_await_inside (Gate *gate, guint n)
{
  struct timespec end = deadline ();

  pthread_mutex_lock (&gate->lock);
  while (gate->n_inside < n)
    wait_change (gate, &end);
  pthread_mutex_unlock (&gate->lock);
}
