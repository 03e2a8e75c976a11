/* Owns what was said lately by the clients of a connection, and why it could not be made. Must not know who listens.
 * Threads: any; under a lock.
 * SPDX-License-Identifier: Apache-2.0
 */
#include "clients/kafka-said.h"

#include <pthread.h>
#include <string.h>

/* As often as librdkafka itself repeats a trouble. */
#define AGAIN_AFTER (30 * G_TIME_SPAN_SECOND)

/* A broker that is away makes three or four messages. */
#define N_REMEMBERED 16

typedef struct {
  char *text; /* what is the same of it each time */
  gint64 at;
} Message;

struct _WeirKafkaSaid {
  pthread_mutex_t lock;
  Message messages[N_REMEMBERED]; /* from here on under lock */
  guint next;                     /* the oldest */
  char *reason;
};

WeirKafkaSaid *
weir_kafka_said_new (void)
{
  WeirKafkaSaid *said = g_new0 (WeirKafkaSaid, 1);

  pthread_mutex_init (&said->lock, NULL);
  return said;
}

void
weir_kafka_said_free (WeirKafkaSaid *said)
{
  for (guint i = 0; i < N_REMEMBERED; i++)
    g_free (said->messages[i].text);
  g_free (said->reason);
  pthread_mutex_destroy (&said->lock);
  g_free (said);
}

/* "[thrd:host:9092/bootstrap]: text", in the log only. */
static const char *
skip_thread (const char *text)
{
  const char *end = g_str_has_prefix (text, "[thrd:") ? strstr (text, "]: ") : NULL;

  return end != NULL ? end + strlen ("]: ") : text;
}

/* "text (after 3ms in state CONNECT, 1 identical error(s) suppressed)" */
static char *
without_times (const char *text)
{
  const char *end = strstr (text, " (after ");

  return end != NULL ? g_strndup (text, (gsize) (end - text)) : g_strdup (text);
}

static gboolean
is_said_locked (const WeirKafkaSaid *said, const char *text, gint64 now)
{
  for (guint i = 0; i < N_REMEMBERED; i++)
    if (g_strcmp0 (said->messages[i].text, text) == 0 && now - said->messages[i].at < AGAIN_AFTER)
      return TRUE;
  return FALSE;
}

static void
remember_locked (WeirKafkaSaid *said, char *text, gint64 now)
{
  Message *oldest = &said->messages[said->next];

  g_free (oldest->text);
  *oldest = (Message){ .text = text, .at = now };
  said->next = (said->next + 1) % N_REMEMBERED;
}

const char *
weir_kafka_said_news (WeirKafkaSaid *said, const char *text, gint64 now)
{
  const char *told = skip_thread (text);
  char *same = without_times (told);
  gboolean is_said;

  pthread_mutex_lock (&said->lock);
  is_said = is_said_locked (said, same, now);
  if (!is_said)
    remember_locked (said, g_steal_pointer (&same), now);
  pthread_mutex_unlock (&said->lock);
  g_free (same);
  return is_said ? NULL : told;
}

void
weir_kafka_said_keep_reason (WeirKafkaSaid *said, const char *text)
{
  char *reason = without_times (skip_thread (text));

  pthread_mutex_lock (&said->lock);
  g_free (said->reason);
  said->reason = reason;
  pthread_mutex_unlock (&said->lock);
}

char *
weir_kafka_said_reason (WeirKafkaSaid *said)
{
  char *reason;

  pthread_mutex_lock (&said->lock);
  reason = g_strdup (said->reason);
  pthread_mutex_unlock (&said->lock);
  return reason;
}
