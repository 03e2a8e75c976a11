/* A folder that files come into, and a job that reads them, in one life after another. Belongs to one test; one thread.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/test.h>

#include "tests/sinks/scratch.h"

typedef struct {
  Scratch scratch;
  char *folder; /* that is watched */
  WeirContext *ctx;
  WeirCollected *output;
  guint n_batches; /* of all lives */
  GString *log;    /* what the library has said */
  guint log_handler;
} Inbox;

void inbox_init (Inbox *inbox);
void inbox_clear (Inbox *inbox);

/* A context whose clock stands behind the batches of the lives before; a durable one seals every @seconds. */
void inbox_open (Inbox *inbox);
void inbox_open_durable (Inbox *inbox, guint seconds);
void inbox_close (Inbox *inbox); /* as if it had died */

/* A file appears by a rename. */
void inbox_put (Inbox *inbox, const char *name, const char *text);
void inbox_put_bytes (Inbox *inbox, const char *name, gconstpointer data, gsize size);
void inbox_remove (Inbox *inbox, const char *name);

void inbox_advance (Inbox *inbox); /* one batch */
/* What batch @number of this life, from 0, has: elements with a blank between them. */
void inbox_expect (Inbox *inbox, guint number, const char *text);
void inbox_advance_to (Inbox *inbox, const char *text); /* one batch, which has that */
void inbox_advance_into (Inbox *inbox, gint code, const char *fragment);
gboolean inbox_has_log (const Inbox *inbox, const char *fragment);
void inbox_expect_log (const Inbox *inbox, const char *fragment, guint n); /* so often */
