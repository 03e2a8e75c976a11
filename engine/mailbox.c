/* mailbox.c: a locked list of messages and the eventfd that wakes its reader.
 *
 * Owns the messages until they are delivered or dropped. Must not know who polls the descriptor.
 * Threads: any thread posts; one reads. The list and the flags are guarded by `lock`; no function runs under
 * it. The descriptor is written only when the list was empty, so a burst of messages costs one wake-up.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/mailbox.h"

#include <weir/error.h>

#include <errno.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

typedef struct _Message Message;

struct _Message {
  Message *next;
  WeirMailFunc f;
  WeirMailFunc dropped;
  gpointer data;
};

struct _WeirMailbox {
  gint refs; /* atomic */
  int fd;
  pthread_mutex_t lock;
  Message *first, **last; /* under lock */
  gboolean is_closed;     /* under lock */
};

WeirMailbox *
weir_mailbox_new (GError **error)
{
  int fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  WeirMailbox *mailbox;

  if (fd < 0) {
    g_set_error (error, WEIR_ERROR, WEIR_ERROR_FAILED,
                 "cannot open an eventfd for the event loop: %s; raise the limit of open files (ulimit -n)",
                 g_strerror (errno));
    return NULL;
  }
  mailbox = g_new0 (WeirMailbox, 1);
  mailbox->refs = 1;
  mailbox->fd = fd;
  mailbox->last = &mailbox->first;
  pthread_mutex_init (&mailbox->lock, NULL);
  return mailbox;
}

WeirMailbox *
weir_mailbox_ref (WeirMailbox *mailbox)
{
  __atomic_add_fetch (&mailbox->refs, 1, __ATOMIC_RELAXED);
  return mailbox;
}

void
weir_mailbox_unref (WeirMailbox *mailbox)
{
  if (__atomic_sub_fetch (&mailbox->refs, 1, __ATOMIC_ACQ_REL) != 0)
    return;
  weir_mailbox_close (mailbox);
  close (mailbox->fd);
  pthread_mutex_destroy (&mailbox->lock);
  g_free (mailbox);
}

int
weir_mailbox_fd (const WeirMailbox *mailbox)
{
  return mailbox->fd;
}

/* An eventfd's counter cannot overflow here and a write of 8 bytes is all or nothing. */
static void
wake (WeirMailbox *mailbox)
{
  guint64 one = 1;

  while (write (mailbox->fd, &one, sizeof one) < 0 && errno == EINTR)
    continue;
}

static void
settle (WeirMailbox *mailbox)
{
  guint64 count;

  while (read (mailbox->fd, &count, sizeof count) < 0 && errno == EINTR)
    continue;
}

/* The message may hold the poster's own reference and be dropped before the wake-up, hence one for the call. */
gboolean
weir_mailbox_post (WeirMailbox *mailbox, WeirMailFunc f, gpointer data, WeirMailFunc dropped)
{
  Message *message = g_new (Message, 1);
  gboolean is_closed, was_empty;

  *message = (Message){ .f = f, .data = data, .dropped = dropped };
  weir_mailbox_ref (mailbox);
  pthread_mutex_lock (&mailbox->lock);
  is_closed = mailbox->is_closed;
  was_empty = mailbox->first == NULL;
  if (!is_closed) {
    *mailbox->last = message;
    mailbox->last = &message->next;
  }
  pthread_mutex_unlock (&mailbox->lock);
  if (is_closed)
    g_free (message);
  else if (was_empty)
    wake (mailbox);
  weir_mailbox_unref (mailbox);
  return !is_closed;
}

static Message *
take_all (WeirMailbox *mailbox)
{
  Message *first;

  pthread_mutex_lock (&mailbox->lock);
  first = mailbox->first;
  mailbox->first = NULL;
  mailbox->last = &mailbox->first;
  pthread_mutex_unlock (&mailbox->lock);
  return first;
}

/* The counter is reset before the list is taken: a message that comes in between wakes the reader for
 * nothing, and none is left without a wake-up. */
void
weir_mailbox_deliver (WeirMailbox *mailbox)
{
  Message *message, *next;

  settle (mailbox);
  for (message = take_all (mailbox); message != NULL; message = next) {
    next = message->next;
    message->f (message->data);
    g_free (message);
  }
}

gboolean
weir_mailbox_end (WeirMailbox *mailbox)
{
  gboolean is_empty;

  pthread_mutex_lock (&mailbox->lock);
  is_empty = mailbox->first == NULL;
  mailbox->is_closed = is_empty;
  pthread_mutex_unlock (&mailbox->lock);
  return is_empty;
}

void
weir_mailbox_reopen (WeirMailbox *mailbox)
{
  pthread_mutex_lock (&mailbox->lock);
  mailbox->is_closed = FALSE;
  pthread_mutex_unlock (&mailbox->lock);
}

void
weir_mailbox_close (WeirMailbox *mailbox)
{
  Message *message, *next;

  pthread_mutex_lock (&mailbox->lock);
  mailbox->is_closed = TRUE;
  pthread_mutex_unlock (&mailbox->lock);
  for (message = take_all (mailbox); message != NULL; message = next) {
    next = message->next;
    if (message->dropped != NULL)
      message->dropped (message->data);
    g_free (message);
  }
}
