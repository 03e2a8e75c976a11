/* Mailboxes: messages from any thread to one. Counted, because a resolver thread may outlive the loop that
 * asked it. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/macros.h>

typedef struct _WeirMailbox WeirMailbox;
typedef void (*WeirMailFunc) (gpointer data);

WeirMailbox *weir_mailbox_new (GError **error);
WeirMailbox *weir_mailbox_ref (WeirMailbox *mailbox);
void weir_mailbox_unref (WeirMailbox *mailbox);

/* Any thread; in order. @dropped (nullable) is called instead of @f if the mailbox closes before delivery.
 * FALSE: it is closed, nothing is called. */
gboolean weir_mailbox_post (WeirMailbox *mailbox, WeirMailFunc f, gpointer data, WeirMailFunc dropped);
int weir_mailbox_fd (const WeirMailbox *mailbox); /* readable while there are messages */

/* The receiving thread. */
void weir_mailbox_deliver (WeirMailbox *mailbox); /* what was there when it was called */
gboolean weir_mailbox_end (WeirMailbox *mailbox); /* refuse further posts; FALSE: messages are left */
void weir_mailbox_reopen (WeirMailbox *mailbox);
void weir_mailbox_close (WeirMailbox *mailbox); /* for good: what is left is dropped */
