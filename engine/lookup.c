/* lookup.c: names to addresses without stopping the loop.
 *
 * Owns a request from the question to the answer. getaddrinfo() blocks, so a name gets a thread of its own
 * for as long as that takes; the answer comes back by mail, even if the question was cancelled or the loop
 * is gone. A numeric address needs no thread. Must not know what the address is for.
 * Threads: WeirLookup belongs to the loop's thread, except that the resolver thread alone touches `host`,
 * `port` and the answer between its start and its mail.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "engine/loop.h"

#include <weir/error.h>

#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "engine/mailbox.h"

struct _WeirLookup {
  gint refs; /* atomic: who asked, until the answer or the cancelling; and who answers */
  WeirMailbox *mailbox;
  WeirLookupFunc f; /* NULL: cancelled */
  gpointer data;
  char *host;
  char *port;
  GArray *addresses; /* of WeirAddress */
  GError *error;
};

static void
lookup_unref (gpointer data)
{
  WeirLookup *lookup = data;

  if (__atomic_sub_fetch (&lookup->refs, 1, __ATOMIC_ACQ_REL) > 0)
    return;
  weir_mailbox_unref (lookup->mailbox);
  g_free (lookup->host);
  g_free (lookup->port);
  g_array_unref (lookup->addresses);
  g_clear_error (&lookup->error);
  g_free (lookup);
}

static void
take_addresses (WeirLookup *lookup, const struct addrinfo *list)
{
  for (const struct addrinfo *info = list; info != NULL; info = info->ai_next) {
    WeirAddress address = { .size = info->ai_addrlen };

    if (info->ai_addrlen > sizeof address.address)
      continue;
    memcpy (&address.address, info->ai_addr, info->ai_addrlen);
    g_array_append_val (lookup->addresses, address);
  }
}

static int
resolve (WeirLookup *lookup, int flags)
{
  struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = flags };
  struct addrinfo *list = NULL;
  int result = getaddrinfo (lookup->host, lookup->port, &hints, &list);

  if (result != 0)
    return result;
  take_addresses (lookup, list);
  freeaddrinfo (list);
  return 0;
}

static void
answer (gpointer data)
{
  WeirLookup *lookup = data;
  const WeirAddress *addresses = (const WeirAddress *) (gpointer) lookup->addresses->data;

  if (lookup->f != NULL) {
    lookup->f (lookup->error == NULL ? addresses : NULL, lookup->addresses->len, lookup->error, lookup->data);
    lookup_unref (lookup);
  }
  lookup_unref (lookup);
}

static void
post_answer (WeirLookup *lookup)
{
  if (!weir_mailbox_post (lookup->mailbox, answer, lookup, lookup_unref))
    lookup_unref (lookup);
}

static void
fail (WeirLookup *lookup, const char *reason)
{
  g_set_error (&lookup->error, WEIR_ERROR, WEIR_ERROR_SOURCE,
               "cannot find the host \"%s\" (port %s): %s; check the name and the name server", lookup->host,
               lookup->port, reason);
}

static void *
run_resolver (void *data)
{
  WeirLookup *lookup = data;
  int result = resolve (lookup, 0);

  if (result != 0)
    fail (lookup, gai_strerror (result));
  else if (lookup->addresses->len == 0)
    fail (lookup, "it has no address");
  post_answer (lookup);
  return NULL;
}

/* The thread takes no signals: they are for the threads that expect them. */
static gboolean
start_resolver (WeirLookup *lookup)
{
  pthread_attr_t detached;
  sigset_t all, before;
  pthread_t thread;
  int result;

  sigfillset (&all);
  pthread_attr_init (&detached);
  pthread_attr_setdetachstate (&detached, PTHREAD_CREATE_DETACHED);
  pthread_sigmask (SIG_SETMASK, &all, &before);
  result = pthread_create (&thread, &detached, run_resolver, lookup);
  pthread_sigmask (SIG_SETMASK, &before, NULL);
  pthread_attr_destroy (&detached);
  return result == 0;
}

WeirLookup *
weir_loop_lookup (WeirLoop *loop, const char *host, const char *port, WeirLookupFunc f, gpointer data)
{
  WeirLookup *lookup = g_new (WeirLookup, 1);

  *lookup = (WeirLookup){
    .refs = 2,
    .mailbox = weir_mailbox_ref (weir_loop_mailbox (loop)),
    .f = f,
    .data = data,
    .host = g_strdup (host),
    .port = g_strdup (port),
    .addresses = g_array_new (FALSE, FALSE, sizeof (WeirAddress)),
  };
  if (resolve (lookup, AI_NUMERICHOST) != 0) {
    if (start_resolver (lookup))
      return lookup;
    fail (lookup, "no thread could be started to ask for it");
  }
  post_answer (lookup);
  return lookup;
}

void
weir_lookup_cancel (WeirLookup *lookup)
{
  lookup->f = NULL;
  lookup_unref (lookup);
}
