/* A job whose receiver a test writes: its context with a manual clock, what it has collected, what listeners were told of
 * the receiver ("started NAME of heard, active, restart 0: ERROR"), and a gate to hold it up. Belongs to the test's
 * thread; receivers use the watch and the gate. SPDX-License-Identifier: Apache-2.0
 */
#pragma once

#include <weir/receiver.h>
#include <weir/test.h>

#include "tests/engine/watch.h"

/* What the receiver of a test works with. */
typedef struct {
  WeirContext *ctx;
  WeirCollected *collected;
  Watch watch;
  Gate gate;
  guint n_starts;    /* atomic, as the next ones */
  guint fail_starts; /* so many in vain */
  guint n_values;
} ReceiverJob;

void receiver_job_set_up (ReceiverJob *f, gconstpointer data);
void receiver_job_tear_down (ReceiverJob *f, gconstpointer data);
void receiver_job_set (ReceiverJob *f, const char *key, const char *value);
void receiver_job_collect (ReceiverJob *f, const WeirReceiverClass *klass); /* of a stream called "heard" */
void receiver_job_advance (ReceiverJob *f, guint n);
void receiver_job_finish (ReceiverJob *f); /* a graceful stop, to the end */

void receiver_job_expect (ReceiverJob *f, gsize batch, const char *expected);
gsize receiver_job_count (ReceiverJob *f);                /* everything that came, whichever batch it came in */
void receiver_job_await_stored (ReceiverJob *f, guint n); /* lines "stored" */

ReceiverJob *receiver_job_of (WeirReceiver *receiver);
void receiver_job_store (ReceiverJob *f, WeirReceiver *receiver, gint64 value); /* and says "stored" */
