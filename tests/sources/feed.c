/* Owns the commands of a test to its receiver. See feed.h.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/sources/feed.h"

#include <errno.h>

#include "tests/engine/watch.h"

typedef struct {
  GArray *values; /* of WeirValue; NULL: the end */
  char *bytes;
  gboolean is_block;
} Command;

void
feed_init (Feed *feed)
{
  pthread_condattr_t attributes;

  *feed = (Feed){ 0 };
  pthread_mutex_init (&feed->lock, NULL);
  pthread_condattr_init (&attributes);
  pthread_condattr_setclock (&attributes, CLOCK_MONOTONIC);
  pthread_cond_init (&feed->changed, &attributes);
  pthread_condattr_destroy (&attributes);
  g_queue_init (&feed->commands);
}

void
feed_clear (Feed *feed)
{
  g_assert_true (g_queue_is_empty (&feed->commands));
  pthread_cond_destroy (&feed->changed);
  pthread_mutex_destroy (&feed->lock);
}

static void
command_free (Command *command)
{
  if (command->values != NULL)
    g_array_unref (command->values);
  g_free (command->bytes);
  g_free (command);
}

/* NULL: it is to stop. */
static Command *
take (Feed *feed)
{
  Command *command;

  pthread_mutex_lock (&feed->lock);
  while (g_queue_is_empty (&feed->commands) && !feed->is_told)
    pthread_cond_wait (&feed->changed, &feed->lock);
  command = g_queue_pop_head (&feed->commands);
  pthread_mutex_unlock (&feed->lock);
  return command;
}

static gboolean
store (WeirReceiver *receiver, const Command *command)
{
  const WeirValue *values = (const WeirValue *) (gpointer) command->values->data;

  if (command->is_block)
    return weir_receiver_store_block (receiver, values, command->values->len, NULL);
  for (guint i = 0; i < command->values->len; i++)
    weir_receiver_store (receiver, values[i]);
  return FALSE;
}

static void
done (Feed *feed, gboolean is_acknowledged)
{
  pthread_mutex_lock (&feed->lock);
  feed->n_done++;
  feed->n_acknowledged += is_acknowledged;
  pthread_cond_broadcast (&feed->changed);
  pthread_mutex_unlock (&feed->lock);
}

/* Also when the context has been opened again. */
static gboolean
start (WeirReceiver *receiver, GError **error)
{
  Feed *feed = weir_receiver_user_data (receiver);

  pthread_mutex_lock (&feed->lock);
  feed->is_told = FALSE;
  pthread_mutex_unlock (&feed->lock);
  return TRUE;
}

static void
run (WeirReceiver *receiver)
{
  Feed *feed = weir_receiver_user_data (receiver);
  Command *command;
  gboolean goes_on = TRUE;

  while (goes_on && (command = take (feed)) != NULL) {
    goes_on = command->values != NULL;
    done (feed, goes_on && store (receiver, command));
    command_free (command);
  }
}

static void
stop (WeirReceiver *receiver)
{
  Feed *feed = weir_receiver_user_data (receiver);

  pthread_mutex_lock (&feed->lock);
  feed->is_told = TRUE;
  pthread_cond_broadcast (&feed->changed);
  pthread_mutex_unlock (&feed->lock);
}

WeirStream *
feed_stream (WeirContext *ctx, Feed *feed)
{
  static const WeirReceiverClass klass = { .name = "feed", .start = start, .run = run, .stop = stop };

  return weir_stream_set_uid (weir_receiver_stream (ctx, &klass, feed), "fed");
}

/* TRUE: it was acknowledged. */
static gboolean
do_command (Feed *feed, Command *command)
{
  gint64 at = g_get_monotonic_time () + WATCH_DEADLINE;
  const struct timespec until = { at / G_USEC_PER_SEC, at % G_USEC_PER_SEC * 1000 };
  gboolean is_acknowledged;
  guint before, number;

  pthread_mutex_lock (&feed->lock);
  before = feed->n_acknowledged;
  number = ++feed->n_fed;
  g_queue_push_tail (&feed->commands, command);
  pthread_cond_broadcast (&feed->changed);
  while (feed->n_done < number)
    if (pthread_cond_timedwait (&feed->changed, &feed->lock, &until) == ETIMEDOUT)
      g_error ("what was fed is not stored");
  is_acknowledged = feed->n_acknowledged > before;
  pthread_mutex_unlock (&feed->lock);
  return is_acknowledged;
}

static Command *
command_of (const char *numbers, gboolean is_block)
{
  g_auto (GStrv) words = g_strsplit (numbers, " ", -1);
  Command *command = g_new0 (Command, 1);

  command->values = g_array_new (FALSE, FALSE, sizeof (WeirValue));
  command->is_block = is_block;
  for (guint i = 0; words[i] != NULL; i++) {
    WeirValue value = weir_int (g_ascii_strtoll (words[i], NULL, 10));

    g_array_append_val (command->values, value);
  }
  return command;
}

void
feed_values (Feed *feed, const char *numbers)
{
  do_command (feed, command_of (numbers, FALSE));
}

gboolean
feed_block (Feed *feed, const char *numbers)
{
  return do_command (feed, command_of (numbers, TRUE));
}

gboolean
feed_bytes (Feed *feed, gsize size)
{
  Command *command = command_of ("", TRUE);

  command->bytes = g_malloc0 (size);
  g_array_set_size (command->values, 1);
  g_array_index (command->values, WeirValue, 0) = weir_bytes (command->bytes, size);
  return do_command (feed, command);
}

void
feed_end (Feed *feed)
{
  do_command (feed, g_new0 (Command, 1));
}
